//! One error or warning, and its three forms: for a terminal, for programs, for GitHub.

use super::{Located, Location, Source};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;
use std::sync::Arc;

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
    /// The stable code, one of [`super::CODES`].
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
    /// An error at a location.
    pub fn error(code: &'static str, at: &impl Located, message: impl Into<String>) -> Self {
        let Location { source, span } = at.location();
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
            source: Some(source),
        }
    }

    /// A warning at a location.
    pub fn warning(code: &'static str, at: &impl Located, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, at, message) }
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

#[cfg(test)]
mod tests {
    use crate::diagnostics::{CODES, Diagnostic, Diagnostics, Location, Source, code};

    fn sample() -> Diagnostic {
        let source = Source::new("rules/a.yaml", "rules:\n  - naem: x\n");
        let at = Location::new(&source, 11..15);
        Diagnostic::error(code::UNKNOWN_KEY, &at, "unknown key `naem`").hint("did you mean `name`?")
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
