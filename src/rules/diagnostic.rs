//! What is wrong with a file, and where: one shape for YAML, configuration and rules, for people and for programs.

use super::definition::Location;
use super::yaml::{Node, Source, Span};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::{Serialize, Serializer};
use std::{
    collections::HashMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
    sync::Arc,
};

/// A code as it stands in [`Diagnostic::code`], with what it means: the source of the list in the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeInfo {
    /// `Y…` for YAML itself, `C…` for the configuration, `R…` for rules, `L…` for what is odd across them. Never reused for something else.
    pub id: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// Why it is refused, and what to do.
    pub explanation: &'static str,
}

pub use super::codes::{CODES, code};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is used; somebody should look.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One mistake at one place. Serializes as `check --format json` promises.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnostic {
    /// The stable code, one of [`CODES`].
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence that reads alone. Never holds a secret or a value of the environment.
    pub message: String,
    /// The file as the user knows it; empty where there is none.
    pub file: String,
    /// From 1; 0 where there is no place in a file.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The line of the place after the last character.
    pub end_line: usize,
    /// The column of the place after the last character.
    pub end_column: usize,
    /// What to do about it.
    pub hint: Option<String>,
    /// Of a finding across rules: whether it follows from the rules alone, whatever messages come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proved: Option<bool>,
    /// Where the source line is taken from when the diagnostic is shown.
    #[serde(skip)]
    pub source: Option<Arc<Source>>,
}

impl Diagnostic {
    /// An error over a whole node.
    pub fn error(code: &'static str, node: &Node, message: impl Into<String>) -> Self {
        Self::at(code, node.source(), node.span, message)
    }

    /// A warning over a whole node.
    pub fn warning(code: &'static str, node: &Node, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, node, message) }
    }

    /// An error inside a scalar: `range` counts bytes of its *value*, and is mapped back to the place in the file.
    pub fn inside(code: &'static str, node: &Node, range: Range<usize>, message: impl Into<String>) -> Self {
        Self::at(code, node.source(), node.locate_range(range), message)
    }

    /// An error over a place that was remembered.
    pub fn at_location(code: &'static str, at: &Location, message: impl Into<String>) -> Self {
        Self::at(code, &at.source, at.span, message)
    }

    /// An error at a place of a file.
    pub fn at(code: &'static str, source: &Arc<Source>, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            file: source.name().to_owned(),
            line: span.line,
            column: span.column,
            end_line: span.end_line,
            end_column: span.end_column,
            hint: None,
            proved: None,
            source: Some(Arc::clone(source)),
        }
    }

    /// An error about a file as a whole (it cannot be read), or about no file at all when `file` is empty.
    pub fn file(code: &'static str, file: impl Into<String>, message: impl Into<String>) -> Self {
        let file = file.into();
        let place = usize::from(!file.is_empty());
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            file,
            line: place,
            column: place,
            end_line: place,
            end_column: place,
            hint: None,
            proved: None,
            source: None,
        }
    }

    /// The same as a warning about rules that can be loaded, proved or not. A proved one says so in its sentence.
    #[must_use]
    pub fn lint(mut self, proved: bool) -> Self {
        self.severity = Severity::Warning;
        self.proved = Some(proved);
        if proved {
            self.message.push_str(" (proved)");
        }
        self
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// `file:line:column`, or less where less is known.
    pub fn location(&self) -> String {
        match (self.file.is_empty(), self.line) {
            (true, _) => String::new(),
            (false, 0) => self.file.clone(),
            (false, line) => format!("{}:{line}:{}", self.file, self.column),
        }
    }

    /// For a terminal: the sentence, the source line with a caret, the hint. Colours only when asked for.
    pub fn render(&self, colour: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(self.message.as_str()).id(self.code);
        let line = self.source.as_ref().and_then(|source| source.redacted_line(self.line));
        let mut group = match &line {
            Some(text) => {
                let start = byte_of_column(text, self.column);
                let end = match self.end_line {
                    end if end > self.line => text.len(),
                    _ => byte_of_column(text, self.end_column),
                };
                let snippet = Snippet::source(text.as_str()).path(self.file.as_str()).line_start(self.line);
                title.element(snippet.annotation(AnnotationKind::Primary.span(start..end.max(start))))
            }
            None if self.file.is_empty() => Group::with_title(title),
            None => title.element(annotate_snippets::Origin::path(self.location())),
        };
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.with_name("hint").message(hint.as_str()));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group]).lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// As a workflow command that GitHub shows beside the line.
    pub fn github(&self) -> String {
        let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
        let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
        let mut message = data(&self.message);
        if let Some(hint) = &self.hint {
            message.push_str("%0Ahint: ");
            message.push_str(&data(hint));
        }
        let mut out = format!("::{} ", self.severity.as_str());
        if !self.file.is_empty() {
            out.push_str(&format!("file={},", property(&self.file)));
        }
        if self.line > 0 {
            out.push_str(&format!("line={},endLine={},", self.line, self.end_line));
            out.push_str(&format!("col={},endColumn={},", self.column, self.end_column));
        }
        out + &format!("title={}::{message}", property(self.code))
    }
}

/// The byte at which a column (from 1, in characters) begins; the end of the line when it is shorter.
fn byte_of_column(line: &str, column: usize) -> usize {
    line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(offset, _)| offset)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Diagnostic {
        let source = Source::new("rules/a.yaml", "rules:\n  - naem: x\n");
        let span = source.span(11..15);
        Diagnostic::at(code::UNKNOWN_KEY, &source, span, "unknown key `naem`").hint("did you mean `name`?")
    }

    #[test]
    fn a_terminal_shows_the_line_a_caret_and_the_hint() {
        let expected = "\
error[Y020]: unknown key `naem`
 --> rules/a.yaml:2:5
  |
2 |   - naem: x
  |     ^^^^
  |
  = hint: did you mean `name`?";
        assert_eq!(sample().render(false), expected);
    }

    #[test]
    fn programs_read_it_as_json() {
        let all = Diagnostics::from(sample());
        let expected = serde_json::json!([{"code": "Y020", "severity": "error", "message": "unknown key `naem`",
            "file": "rules/a.yaml", "line": 2, "column": 5, "end_line": 2, "end_column": 9, "hint": "did you mean `name`?"}]);
        assert_eq!(serde_json::to_value(&all).unwrap(), expected);
    }

    #[test]
    fn github_shows_it_beside_the_line() {
        let mut diagnostic = sample();
        diagnostic.message = "100%: two\nlines".to_owned();
        assert_eq!(
            diagnostic.github(),
            "::error file=rules/a.yaml,line=2,endLine=2,col=5,endColumn=9,title=Y020::100%25: two%0Alines%0Ahint: did you mean `name`?"
        );
    }

    #[test]
    fn codes_are_never_used_twice() {
        for (index, info) in CODES.iter().enumerate() {
            assert!(info.id.len() == 4 && info.id.starts_with(['Y', 'C', 'R', 'L']), "{}", info.id);
            assert!(!info.title.is_empty() && info.explanation.len() > 20, "{}", info.id);
            assert!(CODES.iter().skip(index + 1).all(|other| other.id != info.id), "{} twice", info.id);
        }
    }

    #[test]
    fn a_diagnostic_without_a_file_is_a_sentence() {
        let plain = Diagnostic::file(code::UNREADABLE, "", "no configuration").hint("run `reply-router init`");
        assert_eq!(plain.render(false), "error[Y009]: no configuration\n |\n = hint: run `reply-router init`");
    }
}
