//! Values in curly quotes, as word processors make them of straight ones: to YAML they are part of the value.

use crate::diagnostics::{Diagnostic, Diagnostics, code};
use crate::yaml::{Kind, Node, Scalar, Value};

/// What people read: quotes in it are its writer's own.
const PROSE: [&str; 7] = ["text", "html", "subject", "description", "script", "reply", "template"];
/// What of a test is no mail and no name of a person.
const VALUES_OF_TESTS: [&str; 12] = [
    "thread",
    "expect",
    "rules",
    "workspace",
    "category",
    "campaign",
    "inbox",
    "ai_category",
    "manual_category",
    "then_category",
    "lead_email",
    "tags",
];
/// How languages quote: what opens, what closes.
const QUOTES: [(char, char); 11] = [
    ('‘', '’'),
    ('“', '”'),
    ('„', '“'),
    ('„', '”'),
    ('‚', '‘'),
    ('‚', '’'),
    ('«', '»'),
    ('»', '«'),
    ('‹', '›'),
    ('”', '”'),
    ('’', '’'),
];

/// Which part of a file a value stands in.
#[derive(Clone, Copy)]
enum Part {
    /// Names, modes, actions.
    Rule,
    /// Conditions and captures, where nothing is prose.
    Condition,
    Tests,
    /// Definitions: conditions, with a description and a script among them.
    Definitions,
}

/// Takes the curly quotes off values and keys of a file with rules, and warns of each.
pub(super) fn take_off(file: &mut Node, out: &mut Diagnostics) {
    // Most files have none.
    if !file.source().text().contains(|c| QUOTES.iter().any(|(open, _)| *open == c)) {
        return;
    }
    take_off_in(file, Part::Rule, out);
}

// As deep as the file is nested, which the parser bounds.
fn take_off_in(node: &mut Node, part: Part, out: &mut Diagnostics) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| take_off_in(item, part, out)),
        Value::Mapping(entries) => {
            for (key, value) in entries {
                take_off_one(key, out);
                let part = match (key.text(), part) {
                    ("when" | "capture", Part::Rule) => Part::Condition,
                    ("tests", Part::Rule) => Part::Tests,
                    ("define", Part::Rule) => Part::Definitions,
                    (_, part) => part,
                };
                let is_value = match part {
                    Part::Rule => !PROSE.contains(&key.text()) || !matches!(value.value, Value::Scalar(_)),
                    Part::Condition => true,
                    Part::Definitions => !["description", "script"].contains(&key.text()),
                    Part::Tests => key.text() == "tests" || VALUES_OF_TESTS.contains(&key.text()),
                };
                if is_value {
                    take_off_in(value, part, out);
                }
            }
        }
        Value::Scalar(_) => take_off_one(node, out),
    }
}

fn take_off_one(node: &mut Node, out: &mut Diagnostics) {
    let Some(scalar) = node.scalar() else { return };
    let Some(range) = inner(&scalar.text) else { return };
    let text = scalar.text.get(range.clone()).unwrap_or_default().to_owned();
    let message = "these curly quotes do not quote; the value is read without them";
    out.push(Diagnostic::error(code::CURLY_QUOTES, &*node, message).lint(false).hint("use straight quotes: `'…'`"));
    let (style, whole) = (scalar.style, scalar.text.clone());
    // What is pointed at inside of the value is counted from its beginning, quote and all.
    let part_of = Some((whole, range.start));
    node.value = Value::Scalar(Scalar { text, style, kind: Kind::Text, part_of });
}

/// Where in a text stands what is quoted, if all of it is.
fn inner(text: &str) -> Option<std::ops::Range<usize>> {
    let mut chars = text.chars();
    let (first, last) = (chars.next()?, chars.next_back()?);
    let within = chars.as_str();
    // An apostrophe looks like a closing quote; another quote means that these two do not belong together.
    let pair = |(open, close): &&(char, char)| {
        (*open, *close) == (first, last)
            && !within.contains(first)
            && (!within.contains(last) || (last == '’' && first != '’'))
    };
    QUOTES.iter().find(pair)?;
    let trimmed = within.trim();
    let start = first.len_utf8() + (within.len() - within.trim_start().len());
    (!trimmed.is_empty()).then_some(start..start + trimmed.len())
}

#[cfg(test)]
mod tests {
    use super::inner;

    #[test]
    fn what_is_quoted_is_inside() {
        for (text, expected) in [
            ("‘demo’", Some("demo")),
            ("“demo”", Some("demo")),
            ("„demo“", Some("demo")),
            ("«\u{a0}demo\u{a0}»", Some("demo")),
            ("”demo”", Some("demo")),
            (r"‘\b(don’t|can’t)\b’", Some(r"\b(don’t|can’t)\b")),
            ("“a”|“b”", None),
            ("‘a’|‘b’", None),
            ("’a’|’b’", None),
            ("“demo", None),
            ("demo”", None),
            ("“”", None),
            ("“", None),
            ("", None),
            ("a “demo”", None),
        ] {
            assert_eq!(inner(text).and_then(|range| text.get(range)), expected, "{text}");
        }
    }
}
