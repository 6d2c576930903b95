//! Where a list comes from, as the configuration says it.

use super::{List, builtin::Builtin, read};
use crate::diagnostics::{Diagnostics, Location};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A list that rules may name, not read yet.
#[derive(Debug, Clone)]
pub struct ListSource {
    /// What it is made of.
    pub kind: ListKind,
    /// Where the configuration names it; `None` without a configuration.
    pub at: Option<Location>,
}

/// What a list is made of.
#[derive(Debug, Clone)]
pub enum ListKind {
    /// A file.
    File {
        /// Where it is.
        path: PathBuf,
        /// The column that rows are found by; the first one where none is named.
        key: Option<String>,
    },
    /// A list that the program brings along.
    Builtin(Builtin),
    /// One that was read already.
    Read(Arc<List>),
}

impl ListSource {
    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.kind {
            ListKind::File { path, .. } => Some(path),
            ListKind::Builtin(_) | ListKind::Read(_) => None,
        }
    }

    /// Whether both are certainly the same list.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (ListKind::File { path, key }, ListKind::File { path: other, key: by }) => path == other && key == by,
            (ListKind::Builtin(one), ListKind::Builtin(other)) => one == other,
            (ListKind::Read(one), ListKind::Read(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// Every mistake in it, with file and line; that the file is not there, with the place in the configuration.
    pub fn read(&self) -> Result<Arc<List>, Diagnostics> {
        match &self.kind {
            ListKind::File { path, key } => read::file(path, key.as_deref(), self.at.as_ref()).map(Arc::new),
            ListKind::Builtin(builtin) => Ok(builtin.list()),
            ListKind::Read(list) => Ok(Arc::clone(list)),
        }
    }
}
