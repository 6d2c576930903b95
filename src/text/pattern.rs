//! Compiling the patterns that are part of this program.

use regex::{Regex, RegexBuilder};

/// Compiles a pattern of ours, ignoring case and white space in it (write a space as `\ ` or `\s`).
#[allow(clippy::expect_used)] // The pattern is a constant; every one is compiled by the tests.
pub(super) fn pattern(source: &str) -> Regex {
    RegexBuilder::new(source)
        .case_insensitive(true)
        .ignore_whitespace(true)
        .build()
        .expect("a pattern of ours compiles")
}
