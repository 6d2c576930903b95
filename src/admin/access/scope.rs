//! Which workspaces somebody sees.

use crate::rules::{Fold, GlobText};
use std::sync::Arc;

/// The workspaces that somebody sees; all others do not exist for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin) enum Scope {
    Everything,
    /// Those whose names look like one of these.
    Like(Arc<[GlobText]>),
}

impl Scope {
    /// All workspaces, where nothing is said.
    pub(super) fn new(globs: Option<&[String]>) -> Self {
        match globs {
            None => Self::Everything,
            Some(globs) => Self::Like(globs.iter().map(|glob| GlobText::new(glob, Fold::Case)).collect()),
        }
    }

    pub(in crate::admin) fn is_everything(&self) -> bool {
        matches!(self, Self::Everything)
    }

    pub(in crate::admin) fn includes(&self, workspace: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Like(globs) => globs.iter().any(|glob| glob.matches(workspace)),
        }
    }
}
