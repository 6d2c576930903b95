//! Tables kept beside the rules: target accounts with their owners, senders with their names, domains of free mail.
//!
//! A list is read once, checked whole, and never changes afterwards: what a rule finds in it depends on nothing else.
//! Workspaces share it. A row is found by its key as addresses and domains are compared, see [`List::find`]; a look-up is
//! one look into a hash table for each part of the domain.

mod builder;
mod builtin;
mod csv;
mod documents;
mod key;
mod list;
mod read;
mod source;

pub use builtin::{Builtin, question_free_mail};
pub use key::Match;
pub use list::{Cell, List, Row};
pub use source::{ListKind, ListSource};

use std::{collections::BTreeMap, sync::Arc};

/// Lists by the names that rules use. Clones share them.
pub type Lists = Arc<BTreeMap<String, Arc<List>>>;

/// The most rows that a list may have.
pub const MAX_ROWS: usize = 1_000_000;
/// The largest CSV file or plain text that is read, in bytes.
pub const MAX_BYTES: usize = 256 * 1024 * 1024;
/// The largest YAML or JSON file that is read, in bytes: these are held in memory several times over while they are read.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024 * 1024;
/// The most columns that a list may have.
pub const MAX_COLUMNS: usize = 256;

/// How many mistakes of one list are told.
const MAX_LISTED: usize = 20;
