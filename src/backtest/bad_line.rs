//! Why a line of a file is no event, in words for whoever made the file.

use super::VERSION;
use serde_json::error::Category;

/// Why a line is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// It is no JSON of this shape.
    #[error("it is no event: {0}")]
    Unreadable(String),
    /// The last line of a file ends before the event does.
    #[error(
        "the file ends in the middle of this line, as where `events export` was interrupted: export again, or remove the line"
    )]
    CutOff,
    /// A newer program wrote it.
    #[error("it has version {0}, and this program reads version {VERSION}: update Reply Router")]
    Newer(u32),
    /// A field that every event has says nothing.
    #[error("it is no event: `{0}` is empty")]
    Empty(&'static str),
    /// No event was at this time.
    #[error("it is no event: its `time` must lie between 1970 and 9999")]
    Time,
}

impl From<serde_json::Error> for BadLine {
    fn from(error: serde_json::Error) -> Self {
        let column = error.column();
        let text = error.to_string();
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
        Self::Unreadable(match error.classify() {
            Category::Eof if column == 0 => "it is empty".to_owned(),
            Category::Eof => "it ends too early".to_owned(),
            Category::Io | Category::Syntax => format!("it is no JSON: look at column {column}"),
            Category::Data => in_words(text, column),
        })
    }
}

/// JSON of another shape.
fn in_words(text: &str, column: usize) -> String {
    if let Some(field) = text.strip_prefix("missing field ") {
        return format!("{field} is missing");
    }
    if let Some(field) = text.strip_prefix("duplicate field ") {
        return format!("{field} stands twice");
    }
    let (known, value) = match text.strip_prefix("unknown variant ") {
        Some(rest) => (rest.split_once(", expected "), "the word"),
        None => (text.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected ")), "the value"),
    };
    match (known, value) {
        (Some((word, others)), "the word") => {
            format!("{word} at column {column} is not known here: write {}", others.trim_start_matches("one of "))
        }
        (Some((found, wanted)), _) => match (kind(found), kind(wanted)) {
            (Some(found), Some(wanted)) => format!("the value at column {column} is {found} instead of {wanted}"),
            _ => format!("the value at column {column} is of another kind than it should be"),
        },
        (None, _) => format!("the value at column {column} cannot be read"),
    }
}

/// What a value is called outside of this program.
fn kind(text: &str) -> Option<&'static str> {
    let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    Some(match () {
        () if begins(&["string", "a string", "str"]) && !text.starts_with("struct") => "text",
        () if begins(&["integer", "floating point", "u8", "u16", "u32", "u64", "i64", "f64"]) => "a number",
        () if begins(&["null", "unit"]) => "null",
        () if begins(&["boolean", "a boolean", "bool"]) => "true or false",
        () if begins(&["sequence", "a sequence"]) => "a list",
        () if begins(&["map", "a map", "struct", "internally tagged", "adjacently tagged"]) => "an object",
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::EventLine;

    #[test]
    fn what_is_wrong_is_said_without_words_of_programs() {
        let line = r#"{"version":1,"id":"a","kind":"message","time":"2026-01-05T09:00:00Z","workspace":"acme","row":{"id":"t"}}"#;
        let with = |from: &str, to: &str| EventLine::from_json(&line.replace(from, to)).unwrap_err().to_string();
        for (from, to, says) in [
            (line, "", "it is no event: it is empty"),
            (line, "x", "it is no event: it is no JSON: look at column 1"),
            (line, "[]", "cannot be read"),
            (r#","row":{"id":"t"}}"#, "\n", "it ends too early"),
            (r#","row":{"id":"t"}}"#, "", "the file ends in the middle of this line"),
            (r#","row":{"id":"t"}"#, "", "`row` is missing"),
            (r#""a""#, "5", "the value at column 19 is a number instead of text"),
            (r#"{"id":"t"}"#, r#""t""#, "is text instead of an object"),
            ("message", "mail", "`mail` at column 35 is not known here: write `message`, `category`, `apply`"),
            ("2026-01-05T09", "yesterday", "the value at column 64 cannot be read"),
            (r#""id":"a""#, r#""id":"a","id":"b""#, "`id` stands twice"),
            (r#""id":"a""#, r#""id":"""#, "`id` is empty"),
            (r#""id":"t""#, r#""id":" ""#, "`row.id` is empty"),
            ("acme", "", "`workspace` is empty"),
            ("2026-01-05T09", "1969-12-31T09", "`time` must lie between 1970 and 9999"),
            ("2026-01-05T09", "9999-12-30T09", "`time` must lie between 1970 and 9999"),
        ] {
            let said = with(from, to);
            assert!(said.contains(says), "{to}: {said}");
            for word in ["expected", "EOF", "line 1", "variant", "field", "invalid type", "struct"] {
                assert!(!said.contains(word), "{said}");
            }
        }
        assert!(EventLine::from_json(&format!("\u{feff}{line}")).is_ok(), "some editors put a mark before the text");
    }
}
