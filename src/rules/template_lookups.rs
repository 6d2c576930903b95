//! Where a template looks into lists, read from its text: which list, and which columns of the row.

use super::{
    template_names::{NameRef, after_quote, blocks, end_of_name, is_name, name_refs, skip_spaces},
    values::is_leads_own,
};
use std::{collections::HashSet, ops::Range};

/// A `lookup` of a template, or of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lookup {
    /// The list's name, where it stands there as a text.
    pub(super) list: Option<NameRef>,
    /// The columns that are read of the row, as far as can be told.
    pub(super) columns: Vec<NameRef>,
    /// What is looked up, with the call: from the bracket before it, or the beginning of its block.
    pub(super) input: Range<usize>,
}

/// Every `… | lookup("NAME")`, with the columns that are read of it: of the name that `set` gives it, or at once.
pub(super) fn lookups(source: &str) -> Vec<Lookup> {
    let mut found = Vec::new();
    let mut bound: Vec<(String, Option<usize>)> = Vec::new();
    for (kind, inside) in blocks(source) {
        let before = found.len();
        let ends = calls(source, inside.clone(), &mut found);
        let name = Some(inside.clone()).filter(|_| kind == b'%').and_then(|inside| set_name(source, inside));
        if let Some(name) = name {
            // A row only where nothing more is done with it.
            let is_row = ends.last().is_some_and(|end| {
                source
                    .get(*end..inside.end)
                    .unwrap_or_default()
                    .trim_matches([' ', '\n', '\r', '\t', '-', '+'])
                    .is_empty()
            });
            bound.push((name, (is_row && found.len() == before + 1).then_some(before)));
        }
    }
    for name in name_refs(source) {
        let mut parts = name.path.splitn(3, '.');
        let (Some(root), Some(column)) = (parts.next(), parts.next()) else { continue };
        let mut places = bound.iter().filter(|(known, _)| known == root).map(|(_, place)| *place);
        // A name that has one meaning.
        let (Some(Some(place)), None) = (places.next(), places.next()) else { continue };
        let range = name.range.clone();
        if let Some(lookup) = found.get_mut(place) {
            lookup.columns.push(NameRef { path: column.to_owned(), range });
        }
    }
    found
}

/// Adds the calls of a block; gives where each of them ends.
fn calls(source: &str, within: Range<usize>, found: &mut Vec<Lookup>) -> Vec<usize> {
    let bytes = source.as_bytes();
    let mut ends = Vec::new();
    let mut at = within.start;
    let mut before = 0;
    let mut open_brackets = Vec::new();
    while at < within.end {
        let Some(byte) = bytes.get(at).copied() else { break };
        match byte {
            b'"' | b'\'' => at = after_quote(bytes, at, within.end),
            _ if is_name(byte) => {
                let end = end_of_name(bytes, at, within.end);
                let open = skip_spaces(bytes, end, within.end);
                if before == b'|' && source.get(at..end) == Some("lookup") && bytes.get(open) == Some(&b'(') {
                    let (lookup, end) = call(source, open + 1, within.end);
                    let start = open_brackets.last().copied().unwrap_or(within.start);
                    found.push(Lookup { input: start..end, ..lookup });
                    ends.push(end);
                    at = end;
                } else {
                    at = end;
                }
            }
            _ => {
                match byte {
                    b'(' => open_brackets.push(at),
                    b')' => {
                        open_brackets.pop();
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    ends
}

/// A call whose values begin at a byte, and where it ends.
fn call(source: &str, start: usize, end: usize) -> (Lookup, usize) {
    let bytes = source.as_bytes();
    let first = skip_spaces(bytes, start, end);
    let mut list = None;
    let mut at = first;
    if matches!(bytes.get(first), Some(b'"' | b'\'')) {
        let after = after_quote(bytes, first, end);
        let range = first + 1..after.saturating_sub(1).max(first + 1);
        at = skip_spaces(bytes, after, end);
        if bytes.get(at) == Some(&b')') {
            list = source.get(range.clone()).map(|path| NameRef { path: path.to_owned(), range });
        }
    }
    let mut depth = 0_usize;
    while at < end {
        match bytes.get(at) {
            Some(b'"' | b'\'') => {
                at = after_quote(bytes, at, end);
                continue;
            }
            Some(b'(') => depth += 1,
            Some(b')') if depth == 0 => break,
            Some(b')') => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    let after = (at + 1).min(end);
    // `( … | lookup("NAME") ).column`
    let close = skip_spaces(bytes, after, end);
    let dot = skip_spaces(bytes, close + 1, end);
    let name = skip_spaces(bytes, dot + 1, end);
    let mut columns = Vec::new();
    if bytes.get(close) == Some(&b')') && bytes.get(dot) == Some(&b'.') && close < end && name < end {
        let range = name..end_of_name(bytes, name, end);
        columns.extend(source.get(range.clone()).map(|path| NameRef { path: path.to_owned(), range }));
    }
    (Lookup { list, columns, input: start..after }, after)
}

/// The name that `{% set NAME = … %}` or `{% with NAME = … %}` gives a value.
fn set_name(source: &str, inside: Range<usize>) -> Option<String> {
    let text = source.get(inside)?.trim_start_matches(['-', '+']).trim_start();
    let rest = text.strip_prefix("set").or_else(|| text.strip_prefix("with"))?;
    let (name, value) = rest.strip_prefix(|c: char| c.is_ascii_whitespace())?.split_once('=')?;
    let name = name.trim();
    (!value.starts_with('=') && !name.is_empty() && name.bytes().all(is_name)).then(|| name.to_owned())
}

/// A template that prints a column of a list, and nothing else that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlainColumn {
    pub(super) list: String,
    pub(super) column: String,
    /// What stands before it.
    pub(super) before: String,
    /// What stands after it.
    pub(super) after: String,
}

/// What a template prints if it is one column of one list, perhaps with a text around it.
pub(super) fn plain_column(source: &str) -> Option<PlainColumn> {
    let found = lookups(source);
    let [Lookup { list: Some(list), columns, .. }] = found.as_slice() else { return None };
    let [column] = columns.as_slice() else { return None };
    let mut printed = None;
    let (mut text, mut at) = ([String::new(), String::new()], 0);
    for (kind, inside) in blocks(source) {
        let part = text.get_mut(usize::from(printed.is_some()))?;
        part.push_str(source.get(at..inside.start.checked_sub(2)?)?);
        at = inside.end + 2;
        match kind {
            b'{' if printed.is_none() => printed = Some(inside),
            b'%' if set_name(source, inside).is_some() => {}
            _ => return None,
        }
    }
    let [before, mut after] = text;
    after.push_str(source.get(at..).unwrap_or_default());
    let inside = printed?;
    let written = source.get(inside.clone())?.trim_matches(['-', '+', ' ', '\n', '\t', '\r']);
    // `NAME.COLUMN` or `( … ).COLUMN` alone.
    let ends = source.get(column.range.clone()).is_some_and(|column| written.ends_with(column));
    let is_name = source.get(column.range.clone()) == Some(written) && written.split('.').count() == 2;
    let is_direct =
        written.starts_with('(') && ends && found.first().is_some_and(|one| inside.contains(&one.input.start));
    (is_name || is_direct).then(|| PlainColumn {
        list: list.path.clone(),
        column: column.path.clone(),
        before: before.trim_start().to_owned(),
        after: after.trim_end().to_owned(),
    })
}

/// The blocks that ask something: `{% if … %}`.
fn conditions(source: &str) -> Vec<Range<usize>> {
    let is_asking = |(kind, inside): &(u8, Range<usize>)| {
        let text = source.get(inside.clone()).unwrap_or_default().trim_start_matches(['-', '+']).trim_start();
        *kind == b'%' && ["if ", "elif "].iter().any(|word| text.starts_with(word))
    };
    blocks(source).into_iter().filter(is_asking).map(|(_, inside)| inside).collect()
}

/// The names of what a lead writes, or a script may have taken from it, outside of conditions and of what is looked up in a
/// list.
pub(super) fn lead_names(source: &str) -> Vec<NameRef> {
    let inputs: Vec<Range<usize>> = lookups(source).into_iter().map(|lookup| lookup.input).collect();
    let conditions = conditions(source);
    let is_leads = |name: &NameRef| {
        let mut parts = name.path.split('.');
        match (parts.next(), parts.next()) {
            (Some("lead" | "message" | "captures" | "vars"), _) => true,
            (Some("thread"), field) => matches!(field, None | Some("subject" | "preview")),
            _ => false,
        }
    };
    let is_free = |name: &NameRef| inputs.iter().chain(&conditions).any(|range| range.contains(&name.range.start));
    name_refs(source).into_iter().filter(|name| is_leads(name) && !is_free(name)).collect()
}

/// What may be looked up to find whom a forward is for.
pub(super) const MAY_CHOOSE: &str = "`lead.email`, `lead.domain`, `lead.language`, `thread.inbox`, `thread.campaign`, \
                                     `thread.category`, `thread.tags`, `campaign.name`, `workspace.name`, \
                                     `workspace.vars`; or write a rule for each case";

/// The names of what a lead writes that are looked up in a list, so that they would choose its row; `vars_are_ours` if the
/// rule's script sees nothing of it.
pub(super) fn looked_up_by_lead(source: &str, vars_are_ours: bool) -> Vec<NameRef> {
    let inputs: Vec<Range<usize>> = lookups(source).into_iter().map(|lookup| lookup.input).collect();
    let conditions = conditions(source);
    let is_within =
        |ranges: &[Range<usize>], name: &NameRef| ranges.iter().any(|range| range.contains(&name.range.start));
    let is_leads = |name: &NameRef| {
        let mut parts = name.path.split('.');
        match (parts.next(), parts.next()) {
            (Some("captures"), _) => true,
            (Some("vars"), _) => !vars_are_ours,
            (Some(root), field) => is_leads_own(root, field),
            (None, _) => false,
        }
    };
    let mut names = name_refs(source);
    names.retain(|name| is_within(&inputs, name) && !is_within(&conditions, name) && is_leads(name));
    names
}

/// Where a `default` gives an empty text.
pub(super) fn empty_defaults(source: &str) -> Vec<Range<usize>> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    for name in name_refs(source).into_iter().filter(|name| ["default", "d"].contains(&name.path.as_str())) {
        let end = source.len();
        let open = skip_spaces(bytes, name.range.end, end);
        let first = skip_spaces(bytes, open + 1, end);
        let quote = bytes.get(first).copied().filter(|byte| matches!(byte, b'"' | b'\''));
        let is_blank = match quote {
            Some(_) => {
                let after = after_quote(bytes, first, end);
                source.get(first + 1..after.saturating_sub(1)).is_none_or(|text| text.trim().is_empty())
            }
            None => bytes.get(first) == Some(&b')'),
        };
        if bytes.get(open) == Some(&b'(') && is_blank {
            found.push(name.range);
        }
    }
    found
}

/// The columns that a template prints without saying what stands in their place, each with the list that it is of.
pub(super) fn printed_columns(source: &str) -> Vec<(String, NameRef)> {
    let mut found = Vec::new();
    let blocks = blocks(source);
    let block_of = |at: usize| {
        let before = blocks.partition_point(|(_, inside)| inside.start <= at).checked_sub(1)?;
        blocks.get(before).filter(|(_, inside)| inside.contains(&at))
    };
    for Lookup { list, columns, .. } in lookups(source) {
        let Some(list) = list else { continue };
        let is_asking = |column: &&NameRef| block_of(column.range.start).is_some_and(|(kind, _)| *kind == b'%');
        let asked: HashSet<&str> = columns.iter().filter(is_asking).map(|column| column.path.as_str()).collect();
        for column in columns.iter().filter(|column| !asked.contains(column.path.as_str())) {
            let Some((b'{', inside)) = block_of(column.range.start) else { continue };
            let text = source.get(inside.clone()).unwrap_or_default();
            if !["default", "| d(", "|d(", " if "].iter().any(|word| text.contains(word)) {
                found.push((list.path.clone(), column.clone()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> Vec<(Option<String>, Vec<String>)> {
        let found = lookups(source);
        for name in found.iter().flat_map(|lookup| lookup.list.iter().chain(&lookup.columns)) {
            assert!(source[name.range.clone()].contains(&name.path), "{source}: {name:?}");
        }
        let paths = |names: Vec<NameRef>| names.into_iter().map(|name| name.path).collect();
        found.into_iter().map(|lookup| (lookup.list.map(|name| name.path), paths(lookup.columns))).collect()
    }

    #[test]
    fn lists_and_columns_are_found_in_code_only() {
        let check = |source: &str, expected: &[(Option<&str>, &[&str])]| {
            let found = shown(source);
            let found: Vec<_> = found
                .iter()
                .map(|(list, columns)| (list.as_deref(), columns.iter().map(String::as_str).collect::<Vec<_>>()))
                .collect();
            let expected: Vec<_> = expected.iter().map(|(list, columns)| (*list, columns.to_vec())).collect();
            assert_eq!(found, expected, "{source}");
        };
        check(
            "{% set account = lead.domain | lookup(\"target-accounts\") %}{% if account %}{{ account.owner }}{% endif %}",
            &[(Some("target-accounts"), &["owner"])],
        );
        check("{%- set a = lead.domain|lookup('x') -%}{{ a.b.c }} a.d {{ 'a.e' }}", &[(Some("x"), &["b"])]);
        check("{{ (lead.domain | lookup('x')).owner | default('y') }}", &[(Some("x"), &["owner"])]);
        check("{{ (lead.domain | lookup ( 'x' ) ) . owner }}", &[(Some("x"), &["owner"])]);
        check("{% with a = lead.email | lookup('x') %}{{ a.b }}{% endwith %}", &[(Some("x"), &["b"])]);
        check("{% set a = lead.email | lookup(vars.list) %}{{ a.b }}", &[(None, &["b"])]);
        check("{% set a = lead.email | lookup('x') | default('y') %}{{ a.b }}", &[(Some("x"), &[])]);
        check("{% set a = 1 %}{% set a = lead.email | lookup('x') %}{{ a.b }}", &[(Some("x"), &[])]);
        check("lookup('x') {{ 'a | lookup(\"x\")' }} {{ lookup }} {# {{ a | lookup('x') }} #}", &[]);
        check("{% if (a | lookup('x')) and (b | lookup('y')).z %}", &[(Some("x"), &[]), (Some("y"), &["z"])]);
        check("{{ a | lookup('x", &[(None, &[])]);
        check("{{ a | lookup(", &[(None, &[])]);
    }
}
