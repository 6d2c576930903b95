//! What is told of a script that is refused.

/// The names that a script sees.
pub(super) const NAMES: [&str; 6] = ["thread", "lead", "message", "captures", "workspace", "now"];

/// Why a script is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScriptError {
    /// What is wrong.
    pub message: String,
    /// The line in the script, from 1.
    pub line: Option<usize>,
    /// The column in that line, from 1.
    pub column: Option<usize>,
    /// What may have been meant.
    pub hint: Option<String>,
}

/// The candidate that was probably meant.
pub(super) fn nearest<'a>(text: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let scored = candidates.iter().map(|candidate| (strsim::damerau_levenshtein(text, candidate), *candidate));
    let best = scored.min_by_key(|(distance, _)| *distance)?;
    (best.0 <= 1 + text.chars().count() / 4).then_some(best.1)
}
