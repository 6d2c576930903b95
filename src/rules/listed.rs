//! How values are found in lists.

use crate::lists::{List, Match, Row};

/// The row of a value of which only the text is known: of an address or a domain also what it is part of.
pub(super) fn find_value<'l>(list: &'l List, value: &str) -> Option<Row<'l>> {
    list.find(value, Match::Guess)
}
