//! Errors and warnings about files, each with its location, code and fix: one form for YAML, configuration and rules.

mod codes;
mod diagnostic;
mod list;
mod location;
mod source;

pub use codes::{CODES, CodeInfo, code};
pub use diagnostic::{Diagnostic, Severity};
pub use list::Diagnostics;
pub use location::{Located, Location};
pub use source::{Source, Span};
