//! All errors and warnings of one pass.

use super::{Diagnostic, Severity, code};
use serde::{Serialize, Serializer};
use std::{
    collections::HashMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

/// What makes two of them the same.
fn identity(one: &Diagnostic) -> (&str, &str, usize, usize, &str) {
    (one.code, &one.file, one.line, one.column, &one.message)
}

/// All that is wrong, gathered in one pass.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    /// Where in `items` one stands, by what makes two the same.
    places: HashMap<u64, Vec<usize>>,
    errors: usize,
}

/// How many are shown on a terminal.
const MAX_SHOWN: usize = 200;

impl Diagnostics {
    /// Nothing wrong so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one. The same sentence at the same place is kept once, as an error if it is told as one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let mut hasher = DefaultHasher::new();
        identity(&diagnostic).hash(&mut hasher);
        let places = self.places.entry(hasher.finish()).or_default();
        let known = places.iter().copied().find(|at| self.items.get(*at).map(identity) == Some(identity(&diagnostic)));
        let is_error = diagnostic.severity == Severity::Error;
        match known.and_then(|at| self.items.get_mut(at)) {
            // What is odd anywhere may be wrong here.
            Some(known) => {
                self.errors += usize::from(is_error && known.severity != Severity::Error);
                known.severity = known.severity.min(diagnostic.severity);
            }
            None => {
                self.errors += usize::from(is_error);
                places.push(self.items.len());
                self.items.push(diagnostic);
            }
        }
    }

    /// Adds all of another collection.
    pub fn extend(&mut self, other: impl IntoIterator<Item = Diagnostic>) {
        other.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    /// Whether at least one is an error.
    pub fn has_errors(&self) -> bool {
        self.error_count() > 0
    }

    /// How many are errors.
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// All, by file, then place, then code.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<&Diagnostic> = self.items.iter().collect();
        all.sort_by(|a, b| (&a.file, a.line, a.column, a.code).cmp(&(&b.file, b.line, b.column, b.code)));
        all
    }

    /// All as they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.items.iter()
    }

    /// For a terminal, sorted, an empty line between two; of very many the first, errors before warnings.
    pub fn render(&self, colour: bool) -> String {
        let mut sorted = self.sorted();
        let more = sorted.len().saturating_sub(MAX_SHOWN);
        if more > 0 {
            // What `check` did not do is never among those that are cut off.
            sorted.sort_by_key(|item| (item.severity, item.code != code::NOT_ANALYSED));
            sorted.truncate(MAX_SHOWN);
        }
        let mut shown: Vec<String> = sorted.iter().map(|item| item.render(colour)).collect();
        if more > 0 {
            shown.push(format!("… and {more} more; `check --format json` has them all"));
        }
        shown.join("\n\n")
    }

    /// As GitHub workflow commands, sorted, one a line.
    pub fn github(&self) -> String {
        self.sorted().iter().map(|item| item.github()).collect::<Vec<_>>().join("\n")
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        let mut all = Self::new();
        all.push(diagnostic);
        all
    }
}

/// The sorted list, which is the value of `diagnostics` in `check --format json`.
impl Serialize for Diagnostics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.sorted())
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}
