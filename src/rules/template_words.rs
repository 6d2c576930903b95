//! What a template asks the engine for: filters, tests, methods, fields in brackets, whole expressions.

use super::template_names::{
    NameRef, after_quote, blocks, end_of_name, is_name, name_refs, skip_spaces, statement, trimmed,
};
use std::ops::Range;

/// What a word in a template is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WordKind {
    /// `| upper`
    Filter,
    /// `is defined`
    Test,
    /// `lead.name.upper()`
    Method,
}

/// A filter, a test or a method that a template uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) kind: WordKind,
    /// Its name; of a method all that is written before it, too.
    pub(super) name: String,
    /// Where the name stands; of a method, its last part.
    pub(super) range: Range<usize>,
}

/// Every filter, test and method that a template uses, whether or not that part is ever rendered.
pub(super) fn words(source: &str) -> Vec<Named> {
    let mut found = Vec::new();
    for (kind, inside) in blocks(source) {
        let (word, rest) = statement(source, inside.clone());
        if kind == b'%' && word == "filter" {
            found.extend(name_at(source, rest.start, rest.end).map(|range| named(source, WordKind::Filter, range)));
        }
        words_in(source, inside, &mut found);
    }
    found
}

fn named(source: &str, kind: WordKind, range: Range<usize>) -> Named {
    Named { kind, name: source.get(range.clone()).unwrap_or_default().to_owned(), range }
}

/// The name that stands here, if one does.
fn name_at(source: &str, at: usize, end: usize) -> Option<Range<usize>> {
    let bytes = source.as_bytes();
    let start = skip_spaces(bytes, at, end);
    let is_one = start < end && bytes.get(start).is_some_and(|byte| is_name(*byte) && !byte.is_ascii_digit());
    is_one.then(|| start..end_of_name(bytes, start, end))
}

fn words_in(source: &str, within: Range<usize>, found: &mut Vec<Named>) {
    let bytes = source.as_bytes();
    let text = |range: &Range<usize>| source.get(range.clone()).unwrap_or_default();
    let mut at = within.start;
    while at < within.end {
        let Some(byte) = bytes.get(at).copied() else { return };
        match byte {
            b'"' | b'\'' => at = after_quote(bytes, at, within.end),
            b'|' => {
                let name = name_at(source, at + 1, within.end);
                at = name.as_ref().map_or(at + 1, |name| name.end);
                found.extend(name.map(|name| named(source, WordKind::Filter, name)));
            }
            b'.' => {
                let name = name_at(source, at + 1, within.end);
                let is_called =
                    |name: &Range<usize>| bytes.get(skip_spaces(bytes, name.end, within.end)) == Some(&b'(');
                if let Some(name) = name.clone().filter(is_called) {
                    let begin = (within.start..at)
                        .rev()
                        .find(|at| !bytes.get(*at).is_some_and(|byte| is_name(*byte) || *byte == b'.'));
                    let whole = begin.map_or(within.start, |begin| begin + 1)..name.end;
                    found.push(Named { kind: WordKind::Method, name: text(&whole).to_owned(), range: name });
                }
                at = name.map_or(at + 1, |name| name.end);
            }
            _ if is_name(byte) => {
                let word = at..end_of_name(bytes, at, within.end);
                at = word.end;
                if text(&word) != "is" {
                    continue;
                }
                let name = name_at(source, at, within.end);
                let name = match name {
                    Some(not) if text(&not) == "not" => name_at(source, not.end, within.end),
                    name => name,
                };
                at = name.as_ref().map_or(at, |name| name.end);
                found.extend(name.map(|name| named(source, WordKind::Test, name)));
            }
            _ => at += 1,
        }
    }
}

/// Names with a field in brackets and quotes, `lead["email"]`, as `lead.email`.
pub(super) fn subscripts(source: &str) -> Vec<NameRef> {
    let mut found = Vec::new();
    for name in name_refs(source).into_iter().filter(|name| !name.path.contains('.')) {
        let Some(rest) = source.get(name.range.end..) else { continue };
        let Some(inside) = rest.trim_start().strip_prefix('[') else { continue };
        let text = inside.trim_start();
        let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
        let Some((field, after)) = text.get(1..).and_then(|text| text.split_once(quote)) else { continue };
        if let Some(end) = after.trim_start().strip_prefix(']')
            && !field.is_empty()
            && field.bytes().all(is_name)
        {
            let path = format!("{}.{field}", name.path);
            found.push(NameRef { path, range: name.range.start..source.len() - end.len() });
        }
    }
    found
}

/// The expressions that a template evaluates, as far as each is one by itself.
pub(super) fn expressions(source: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (kind, inside) in blocks(source) {
        if kind == b'{' {
            found.push(trimmed(source, inside));
            continue;
        }
        let (word, rest) = statement(source, inside);
        let text = source.get(rest.clone()).unwrap_or_default();
        let behind = |sign: &str| text.find(sign).map(|at| rest.start + at + sign.len()..rest.end);
        match word {
            "if" | "elif" | "do" => found.push(rest.clone()),
            "for" => found.extend(behind(" in ")),
            "set" => found.extend(behind("=")),
            _ => {}
        }
    }
    found
}
