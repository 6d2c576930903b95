//! Where in a template a name stands: only between its braces, never in the text around them or in quotes.

use regex::Regex;
use std::{ops::Range, sync::LazyLock};

/// What is absent for a lead whose name is not known.
const NAMES_OF_LEADS: [&str; 3] = ["lead.first_name", "lead.name", "lead.last_name"];

/// A dotted name such as `lead.first_name`, and its bytes in the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NameRef {
    /// Its parts, joined by dots without spaces.
    pub(super) path: String,
    /// Where it stands.
    pub(super) range: Range<usize>,
}

/// A lead's names that are absent for many leads, printed by `{{ … }}` although nothing says what stands in their place: no
/// `default`, and no `{% if … %}` that asks for the name.
pub(super) fn without_default(source: &str) -> Vec<NameRef> {
    let mut found = Vec::new();
    let mut asked = Vec::new();
    for (kind, inside) in blocks(source) {
        let mut named = Vec::new();
        names(source, inside.clone(), &mut named);
        named.retain(|name| NAMES_OF_LEADS.contains(&name.path.as_str()));
        let text = source.get(inside).unwrap_or_default();
        match kind {
            b'%' => asked.extend(named.into_iter().map(|name| name.path)),
            _ if !text.contains("default") && !text.contains(" if ") => found.append(&mut named),
            _ => {}
        }
    }
    found.retain(|name| !asked.contains(&name.path));
    found
}

/// The time zones that `date("…", "ZONE")` is given in words, and where they stand.
pub(super) fn time_zones(source: &str) -> Vec<NameRef> {
    let mut found = Vec::new();
    for (_, inside) in blocks(source) {
        let text = source.get(inside.clone()).unwrap_or_default();
        for (call, word) in text.match_indices("date(") {
            if text.get(..call).and_then(|before| before.bytes().last()).is_some_and(is_name) {
                continue;
            }
            let second = quoted_texts(source, inside.start + call + word.len()..inside.end).into_iter().nth(1);
            found.extend(second.map(|range| {
                let path = source.get(range.clone()).unwrap_or_default().to_owned();
                NameRef { path, range }
            }));
        }
    }
    found
}

/// The texts in quotes up to the closing parenthesis, without their quotes.
fn quoted_texts(source: &str, within: Range<usize>) -> Vec<Range<usize>> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let mut at = within.start;
    while at < within.end {
        match bytes.get(at) {
            Some(b'"' | b'\'') => {
                let after = after_quote(bytes, at, within.end);
                found.push(at + 1..after.saturating_sub(1).max(at + 1));
                at = after;
            }
            Some(b')') | None => break,
            Some(_) => at += 1,
        }
    }
    found
}

/// Every dotted name in `{{ … }}` and `{% … %}`, in order. Filters and attributes of calls are among them, so this serves
/// to find a name that is known to be used, not to tell which are.
pub(super) fn name_refs(source: &str) -> Vec<NameRef> {
    let mut found = Vec::new();
    for (_, inside) in blocks(source) {
        names(source, inside, &mut found);
    }
    found
}

/// What stands between `{{ … }}` and `{% … %}`, each with the second byte of its opening.
pub(super) fn blocks(source: &str) -> Vec<(u8, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = source.get(at..).and_then(|rest| rest.find('{')).map(|open| at + open) {
        let rest = source.get(open..).unwrap_or_default();
        let (kind, close) = match rest.as_bytes().get(1) {
            Some(b'{') => (b'{', "}}"),
            Some(b'%') => (b'%', "%}"),
            Some(b'#') => (b'#', "#}"),
            _ => {
                at = open + 1;
                continue;
            }
        };
        let end = rest.get(2..).and_then(|inside| inside.find(close)).map_or(source.len(), |end| open + 2 + end);
        if kind != b'#' {
            found.push((kind, open + 2..end));
        }
        at = end;
        if kind == b'%' && statement(source, open + 2..end).0 == "raw" {
            found.pop();
            at = END_RAW.as_ref().and_then(|raw| raw.find_at(source, end)).map_or(source.len(), |raw| raw.end());
        }
    }
    found
}

/// The end of a part that is printed as it stands.
static END_RAW: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\{%[-+]?\s*endraw\s*[-+]?%\}").ok());

/// What a block says without the signs that take white space away.
pub(super) fn trimmed(source: &str, inside: Range<usize>) -> Range<usize> {
    let text = source.get(inside.clone()).unwrap_or_default();
    let signs = |c: char| c == '-' || c == '+';
    let begun = text.strip_prefix(signs).unwrap_or(text);
    let ended = begun.strip_suffix(signs).unwrap_or(begun);
    let start = inside.start + text.len() - begun.len() + ended.len() - ended.trim_start().len();
    start..start + ended.trim().len()
}

/// The word that a `{% … %}` begins with, and where the rest is.
pub(super) fn statement(source: &str, inside: Range<usize>) -> (&str, Range<usize>) {
    let range = trimmed(source, inside);
    let text = source.get(range.clone()).unwrap_or_default();
    let word = end_of_name(text.as_bytes(), 0, text.len());
    let rest = range.start + skip_spaces(text.as_bytes(), word, text.len());
    (text.get(..word).unwrap_or_default(), rest..range.end)
}

/// Words in single braces, such as `{first_name}`: what people write who come from another template language.
pub(super) fn in_single_braces(source: &str) -> Vec<Range<usize>> {
    let bytes = source.as_bytes();
    let is_brace = |at: Option<usize>, brace: u8| at.is_some_and(|at| bytes.get(at) == Some(&brace));
    let mut found = Vec::new();
    for (open, _) in source.match_indices('{') {
        let end = (open + 1..bytes.len())
            .find(|at| !bytes.get(*at).is_some_and(|byte| is_name(*byte) || *byte == b'.'))
            .unwrap_or(bytes.len());
        let single =
            !is_brace(open.checked_sub(1), b'{') && is_brace(Some(end), b'}') && !is_brace(Some(end + 1), b'}');
        if single && end > open + 1 && bytes.get(open + 1).is_some_and(u8::is_ascii_alphabetic) {
            found.push(open..end + 1);
        }
    }
    found
}

fn names(source: &str, within: Range<usize>, found: &mut Vec<NameRef>) {
    let bytes = source.as_bytes();
    let mut at = within.start;
    while at < within.end {
        let Some(byte) = bytes.get(at).copied() else { return };
        match byte {
            b'"' | b'\'' => at = after_quote(bytes, at, within.end),
            _ if is_name(byte) && !byte.is_ascii_digit() => {
                let start = at;
                let mut path = String::new();
                loop {
                    let part = end_of_name(bytes, at, within.end);
                    path.push_str(source.get(at..part).unwrap_or_default());
                    at = part;
                    let dot = skip_spaces(bytes, at, within.end);
                    let next = skip_spaces(bytes, dot + 1, within.end);
                    let goes_on = bytes.get(dot) == Some(&b'.')
                        && next < within.end
                        && bytes.get(next).is_some_and(|byte| is_name(*byte));
                    if !goes_on {
                        break;
                    }
                    path.push('.');
                    at = next;
                }
                found.push(NameRef { path, range: start..at });
            }
            // A number, and what may be glued to it.
            _ if is_name(byte) => at = end_of_name(bytes, at, within.end),
            _ => at += 1,
        }
    }
}

pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

pub(super) fn end_of_name(bytes: &[u8], at: usize, end: usize) -> usize {
    (at..end).find(|at| !bytes.get(*at).is_some_and(|byte| is_name(*byte))).unwrap_or(end)
}

pub(super) fn skip_spaces(bytes: &[u8], at: usize, end: usize) -> usize {
    (at..end).find(|at| !bytes.get(*at).is_some_and(u8::is_ascii_whitespace)).unwrap_or(end)
}

/// The byte after a quoted text that begins at `at`.
pub(super) fn after_quote(bytes: &[u8], at: usize, end: usize) -> usize {
    let quote = bytes.get(at).copied();
    let mut at = at + 1;
    while at < end {
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            byte if byte.copied() == quote => return at + 1,
            _ => at += 1,
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::{name_refs, time_zones, without_default};

    #[test]
    fn names_that_may_be_absent_and_time_zones() {
        let paths = |found: Vec<super::NameRef>| found.into_iter().map(|name| name.path).collect::<Vec<_>>();
        for (source, wanted) in [
            ("Hi {{ lead.first_name }},", vec!["lead.first_name"]),
            ("Hi {{ lead.first_name | title }},", vec!["lead.first_name"]),
            ("Hi {{ lead.first_name | default('there') }},", vec![]),
            ("{% if lead.first_name %}Hi {{ lead.first_name }}{% else %}Hi{% endif %}", vec![]),
            ("Hi {{ lead.name if lead.name else 'there' }}", vec![]),
            ("Hi {{ lead.email }}, lead.first_name", vec![]),
        ] {
            assert_eq!(paths(without_default(source)), wanted, "{source}");
        }
        for (source, wanted) in [
            ("{{ now | date('%A', 'Europe/Berlin') }}", vec!["Europe/Berlin"]),
            ("{{ now | date(\"%A\", \"Mars\") }} {{ now | date('%d') }}", vec!["Mars"]),
            ("{{ now | date('%A', vars.zone) }} date('a', 'b') {{ vars.update('x', 'y') }}", vec![]),
        ] {
            assert_eq!(paths(time_zones(source)), wanted, "{source}");
        }
    }

    fn paths(source: &str) -> Vec<&str> {
        let places = name_refs(source);
        for place in &places {
            let written: String = source[place.range.clone()].split_whitespace().collect();
            assert_eq!(written, place.path);
        }
        places.into_iter().map(|place| &source[place.range]).collect()
    }

    #[test]
    fn single_braces() {
        let found = |source: &str| {
            super::in_single_braces(source).into_iter().map(|at| source[at].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found("Hi {first_name}, {{ lead.name }} {lead.email}"), ["{first_name}", "{lead.email}"]);
        assert_eq!(found("{{name}} {%if x%} {color: red} {} {1} {a b}"), [""; 0]);
    }

    #[test]
    fn names_stand_between_braces_only() {
        assert_eq!(paths("lead.email {{ lead.email }} lead.name"), ["lead.email"]);
        assert_eq!(paths("{# lead.x #}{{ 'lead.y' }}{{ \"a\\\"lead.z\" ~ a . b }}"), ["a . b"]);
        assert_eq!(
            paths("{% if captures.day %}{{ captures.day|title }}{% endif %}"),
            ["if", "captures.day", "captures.day", "title", "endif"]
        );
        assert_eq!(paths("{ lead.email } {{ 1.5 }} {{ unclosed.name"), ["unclosed.name"]);
        assert_eq!(paths("{{ é.x ~ lead.name }}"), ["x", "lead.name"]);
    }
}
