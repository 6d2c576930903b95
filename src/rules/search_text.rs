//! A text as expressions see it, and as its writer wrote it.

use super::pattern::{MATCHED_BYTES, truncate_input};
use crate::text::{Normal, normalize};
use std::ops::Range;

/// The beginning of a text, at most [`MATCHED_BYTES`], in its normal form with the way back. A text that is its own normal
/// form is not copied.
#[derive(Debug)]
pub(super) struct SearchText<'t> {
    original: &'t str,
    /// `None` where it is the original.
    normal: Option<Normal<'t>>,
    is_cut: bool,
}

impl<'t> SearchText<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let original = truncate_input(text);
        let normal = Some(normalize(original)).filter(|normal| !normal.is_same());
        Self { original, normal, is_cut: text.len() > MATCHED_BYTES }
    }

    /// What expressions are searched in.
    pub(super) fn as_str(&self) -> &str {
        self.normal.as_ref().map_or(self.original, Normal::as_str)
    }

    /// As its writer wrote it.
    pub(super) fn original(&self) -> &'t str {
        self.original
    }

    /// Where something that was found stands in the original.
    pub(super) fn original_range(&self, found: Range<usize>) -> Range<usize> {
        self.normal.as_ref().map_or(found.clone(), |normal| normal.original_range(found))
    }

    /// Something that was found, as its writer wrote it.
    pub(super) fn original_text(&self, found: regex::Match<'_>) -> &'t str {
        self.original.get(self.original_range(found.range())).unwrap_or_default()
    }

    /// Whether the text is longer than what is matched of it.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }
}
