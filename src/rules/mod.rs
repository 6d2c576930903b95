//! The rule language: loading with diagnostics, conditions, scripts, templates, and one pure `evaluate`.

mod codes;
pub mod diagnostic;
pub mod yaml;
