//! The text of a file: lines, columns, and which parts of it are never shown.

use regex::Regex;
use std::{
    fmt,
    ops::Range,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

/// A range of a file. Lines and columns count from 1, columns in characters; ends are exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// The line of the first character.
    pub line: usize,
    /// The column of the first character.
    pub column: usize,
    /// The line of the place after the last character.
    pub end_line: usize,
    /// The column of the place after the last character.
    pub end_column: usize,
}

/// A file that was read, under the name by which the user knows it.
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<usize>,
    /// How many characters begin before each [`STRIDE`]th byte: a file may be one long line.
    characters: Vec<usize>,
    hidden: Mutex<Vec<Range<usize>>>,
}

/// What keys and tokens begin with, whatever key of the file they stand behind: `api_kye: cs_live_…` is one too.
static TOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let begins = r"\b(?:cs_(?:live|test)_|sk_(?:live|test)_|xox[abeoprs]-|whsec_|ghp_|github_pat_|glpat-)";
    let rest = r#"[^\s,}"']*"#;
    Regex::new(&format!(r"{begins}{rest}|https://hooks\.slack\.com/{rest}")).ok()
});

/// What looks like a secret wherever it is written, so that even a file that cannot be parsed shows none.
static SECRET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let key = r#"(?im)(?:api_?key|token|secret|password|webhook_url|authorization)["']?[ \t]*:[ \t]*"#;
    let value =
        r#"("[^"\n]*"?|'[^'\n]*'?|(?:\$\{[^}\n]*\}|[^\s,}#"'])(?:\$\{[^}\n]*\}|[^\s,}])*)|://[^\s/:@"']*:([^\s@"']+)@"#;
    Regex::new(&format!("{key}{value}")).ok()
});

/// How many bytes are counted anew to find a column.
const STRIDE: usize = 256;
/// A longer line is not shown: its place is told all the same.
const MAX_SHOWN_LEN: usize = 4096;

impl Source {
    /// Takes the text of a file. Values of keys that name secrets are hidden in what is shown of it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let (name, text) = (name.into(), text.into());
        let mut line_starts = vec![0];
        line_starts.extend(text.match_indices('\n').map(|(offset, _)| offset + 1));
        let mut hidden = Vec::new();
        for found in SECRET.iter().flat_map(|pattern| pattern.captures_iter(&text)) {
            if let Some(value) = found.get(1).or_else(|| found.get(2)).filter(|value| !is_variable(value.as_str())) {
                hidden.push(value.range());
            }
        }
        hidden.extend(TOKEN.iter().flat_map(|pattern| pattern.find_iter(&text)).map(|found| found.range()));
        hidden.extend(misspelt_secrets(&text));
        let mut characters = Vec::with_capacity(text.len() / STRIDE + 1);
        let mut count = 0;
        for at in 0..text.len() {
            if at % STRIDE == 0 {
                characters.push(count);
            }
            count += usize::from(begins_character(text.as_bytes(), at));
        }
        Arc::new(Self { name, text, line_starts, characters, hidden: Mutex::new(hidden) })
    }

    /// The name by which the user knows the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Never shows these bytes in a diagnostic: they hold a secret.
    pub fn redact(&self, range: Range<usize>) {
        self.hidden.lock().unwrap_or_else(PoisonError::into_inner).push(range);
    }

    /// Line and column, both from 1, of a byte. An offset inside a character counts as its start.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        (line, self.characters_before(offset) - self.characters_before(start) + 1)
    }

    /// How many characters end before a byte, the mark of the byte order not counted.
    fn characters_before(&self, offset: usize) -> usize {
        let offset = self.text.floor_char_boundary(offset);
        let block = offset / STRIDE;
        let Some(known) = self.characters.get(block) else {
            // The end of a text that ends with a whole block.
            let last = self.characters.len().saturating_sub(1);
            let rest = last * STRIDE..offset;
            let count = rest.filter(|at| begins_character(self.text.as_bytes(), *at)).count();
            return self.characters.get(last).copied().unwrap_or(0) + count;
        };
        known + (block * STRIDE..offset).filter(|at| begins_character(self.text.as_bytes(), *at)).count()
    }

    /// The place of a range of bytes.
    pub fn span(&self, range: Range<usize>) -> Span {
        let (start, end) = (range.start.min(self.text.len()), range.end.min(self.text.len()));
        let (line, column) = self.position(start);
        let (end_line, end_column) = self.position(end.max(start));
        Span { start, end: end.max(start), line, column, end_line, end_column }
    }

    /// The byte at which a line (from 1) and column (from 1, in characters) stand.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let Some(start) = self.line_starts.get(line.saturating_sub(1)).copied() else { return self.text.len() };
        let rest = self.text.get(start..).unwrap_or_default();
        let end = rest.find('\n').unwrap_or(rest.len());
        let within = rest.char_indices().nth(column.saturating_sub(1)).map_or(end, |(at, _)| at);
        start + within.min(end)
    }

    /// A line (from 1) as it may be shown: without its line break, secrets starred out, control characters and tabs as
    /// spaces, so that columns stay what they are.
    pub fn redacted_line(&self, line: usize) -> Option<String> {
        let start = *self.line_starts.get(line.checked_sub(1)?)?;
        let rest = self.text.get(start..)?;
        let text = rest.split('\n').next().unwrap_or_default().trim_end_matches('\r');
        if text.len() > MAX_SHOWN_LEN {
            return None;
        }
        let hidden = self.hidden.lock().unwrap_or_else(PoisonError::into_inner);
        let here = start..start + text.len();
        let hidden: Vec<_> = hidden.iter().filter(|range| range.start < here.end && range.end > here.start).collect();
        let show = |(at, c): (usize, char)| match c {
            '\u{feff}' => None,
            _ if hidden.iter().any(|range| range.contains(&(start + at))) => Some('*'),
            // Nor what turns the direction of text around: the line would read as another one.
            c if c.is_control() || crate::text::turns_direction(c) => Some(' '),
            c => Some(c),
        };
        Some(text.char_indices().filter_map(show).collect())
    }
}

/// The values of keys that nearly name a secret.
fn misspelt_secrets(text: &str) -> Vec<Range<usize>> {
    const NAMES: [&str; 7] = ["api_key", "token", "secret", "password", "webhook_url", "hook_token", "authorization"];
    let pairs = PAIR.iter().flat_map(|pattern| pattern.captures_iter(text));
    let values = pairs.filter_map(|pair| {
        let (key, value) = (pair.get(1)?, pair.get(2)?);
        let key = key.as_str().to_lowercase().replace('-', "_");
        let near =
            NAMES.iter().any(|name| strsim::damerau_levenshtein(&key, name) <= if name.len() > 5 { 2 } else { 1 });
        (near && !is_variable(value.as_str())).then(|| value.range())
    });
    values.collect()
}

/// A key and a value of one line.
static PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?m)(?:^|[\s,{])["']?([A-Za-z_-]{4,16})["']?[ \t]*:[ \t]+("[^"\n]*"|'[^'\n]*'|[^\s,}#{\[$][^\s,}#{\[]*)"#,
    )
    .ok()
});

/// Whether a character begins at a byte; the mark of the byte order is none.
fn begins_character(bytes: &[u8], at: usize) -> bool {
    let is_mark = bytes.get(at..at + 3) == Some("\u{feff}".as_bytes());
    bytes.get(at).is_some_and(|byte| byte & 0b1100_0000 != 0b1000_0000) && !is_mark
}

/// Whether a value is nothing but a `${NAME}`, which is safe and useful to show.
fn is_variable(value: &str) -> bool {
    let inner = value.trim_matches(['"', '\'']);
    inner.strip_prefix("${").and_then(|rest| rest.split_once('}')).is_some_and(|(_, rest)| rest.is_empty())
}

/// Shows the name only: the text may hold secrets.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let source = Source::new("f", "ä: ü\r\nb: c\n");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(4), (1, 4));
        assert_eq!(source.position(8), (2, 1));
        assert_eq!(source.position(999), (3, 1));
        assert_eq!(source.offset(1, 4), 4);
        assert_eq!(source.offset(2, 99), 12);
        assert_eq!(source.redacted_line(1).as_deref(), Some("ä: ü"));
        assert_eq!(source.redacted_line(4), None);
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = "api_key: hunter2\ntoken: \"a b\", x: 1\nsecret: ${NAME}\nurl: smtps://u:hunter2@h\nnote: fine\n";
        let source = Source::new("f", text);
        let shown: Vec<_> = (1..=5).filter_map(|line| source.redacted_line(line)).collect();
        let expected =
            ["api_key: *******", "token: *****, x: 1", "secret: ${NAME}", "url: smtps://u:*******@h", "note: fine"];
        assert_eq!(shown, expected);
        assert!(!format!("{source:?}").contains("hunter2"));
    }
}
