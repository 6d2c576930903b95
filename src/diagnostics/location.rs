//! Where something stands: a range of one file.

use super::{Source, Span};
use std::{ops::Range, sync::Arc};

/// A range of a file, kept for what is found out about it later.
#[derive(Debug, Clone)]
pub struct Location {
    /// The file.
    pub source: Arc<Source>,
    /// The range in it.
    pub span: Span,
}

impl Location {
    /// A range of bytes of a file.
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        Self { source: Arc::clone(source), span: source.span(range) }
    }

    /// Whether both begin on the same line of the same file.
    pub fn is_on_line_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source) && self.span.line == other.span.line
    }
}

/// What a diagnostic can point at.
pub trait Located {
    /// Where it stands.
    fn location(&self) -> Location;
}

impl Located for Location {
    fn location(&self) -> Location {
        self.clone()
    }
}
