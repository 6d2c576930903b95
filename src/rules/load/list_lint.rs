//! What is odd about lists and the rules that use them: nothing here is refused.

use super::{Loader, texts::TextSource};
use crate::{
    diagnostics::{Diagnostic, code},
    lists::{Builtin, List, ListSource, Match},
    model::counted,
    rules::{
        field::{GlobField, TextField},
        template_lookups::printed_columns,
    },
    yaml::{Node, Value},
};
use std::{collections::BTreeSet, sync::Arc};

/// How many rows or columns are told of.
const MAX_TOLD: usize = 10;

impl Loader<'_> {
    /// A list that finds nothing, or that would take half of the world for one account.
    pub(super) fn lint_list(&mut self, name: &str, list: &List, source: &ListSource) {
        if list.is_empty() {
            let message = format!("the list `{name}` has no rows");
            let found = match &source.at {
                Some(at) => Diagnostic::error(code::EMPTY_LIST, at, message),
                None => Diagnostic::file(code::EMPTY_LIST, list.file(), message),
            };
            let hint = format!("fill in {}: nothing is in an empty list, so that its rules find nobody", list.file());
            self.out.push(found.lint(false).hint(hint));
            return;
        }
        for row in list.rows().filter(|row| row.key().contains(['*', '?'])).take(MAX_TOLD) {
            let key = row.key();
            let message = format!("the key `{key}` of the list `{name}` is no pattern: it finds nothing");
            let mut found = Diagnostic::file(code::KEY_PATTERN, list.file(), message);
            (found.line, found.end_line) = (row.line(), row.line());
            self.out.push(found.lint(false).hint("write a row for each value"));
        }
        // A list of keys alone may be one of such domains.
        if list.columns().len() < 2 || list.file().is_empty() {
            return;
        }
        let free_mail = Builtin::FreeMail.list();
        let rows = free_mail.rows().filter_map(|row| list.find(row.key(), Match::Whole));
        for row in rows.take(MAX_TOLD) {
            let message = format!(
                "the key `{}` of the list `{name}` stands for everybody with a mailbox there, not for one account",
                row.key()
            );
            let mut found = Diagnostic::file(code::FREE_MAIL_ROW, list.file(), message);
            (found.line, found.end_line) = (row.line(), row.line());
            self.out.push(found.lint(false).hint(format!("name the person: `jane@{}`", row.key())));
        }
    }

    /// The name of a list where only `{ in: NAME }` means it.
    pub(super) fn lint_list_names(&mut self, when: &Node) {
        let known: BTreeSet<&str> =
            self.having.iter().flat_map(|scope| scope.lists.keys()).map(String::as_str).collect();
        let mut found = Vec::new();
        names_as_values(when, &known, &mut found);
        found.into_iter().for_each(|diagnostic| self.out.push(diagnostic));
    }

    /// Columns that a text prints, and that are blank in some row: for those leads it cannot be written.
    pub(super) fn lint_blanks(&mut self, source: &str, at: &TextSource) {
        if self.kept.is_some() {
            return;
        }
        for (list_name, column) in printed_columns(source).into_iter().take(MAX_TOLD) {
            let concerned = self.concerned.iter().filter_map(|scope| self.list_of(scope, &list_name));
            let mut lists: Vec<Arc<List>> = concerned.map(Arc::clone).collect();
            lists.dedup_by(|one, other| Arc::ptr_eq(one, other));
            let blanks = lists.iter().filter_map(|list| {
                let (count, line) = list.blanks(&column.path)?;
                Some((list.file(), count, line))
            });
            let Some((file, count, line)) = blanks.max_by_key(|(_, count, _)| *count) else { continue };
            let (rows, first) = (counted(count, "row", "rows"), if count == 1 { "" } else { "first " });
            let message = format!("`{}` is blank in {rows} of the list `{list_name}`", column.path);
            let found = at.error(code::BLANK_CELL, column.range, message).lint(false);
            let hint = format!(
                "nothing is sent to those leads: fill it in ({first}{file}:{line}), or add `| default(\"…\")` behind it"
            );
            self.out.push(found.hint(hint));
        }
    }
}

fn names_as_values(when: &Node, known: &BTreeSet<&str>, found: &mut Vec<Diagnostic>) {
    let Value::Mapping(entries) = &when.value else { return };
    for (key, value) in entries {
        let field = key.text();
        if ["any", "all", "not"].contains(&field) {
            value.list_or_one().iter().for_each(|item| names_as_values(item, known, found));
            continue;
        }
        let is_short = GlobField::ALL.iter().any(|known| known.as_str() == field);
        if !is_short && !TextField::ALL.iter().any(|known| known.as_str() == field) {
            continue;
        }
        for item in value.list_or_one().iter().filter(|item| matches!(item.value, Value::Scalar(_))) {
            let text = item.text().trim();
            let name = match text.strip_prefix("in:").map(str::trim) {
                Some(name) if is_list_name(name) => name,
                _ if is_short && known.contains(text) => text,
                _ => continue,
            };
            let message = format!("`{text}` is compared as it stands; a list is meant by a mapping");
            let diagnostic = Diagnostic::error(code::LIST_AS_TEXT, item, message).lint(false);
            found.push(diagnostic.hint(format!("write `{field}: {{ in: {name} }}`")));
        }
    }
}

fn is_list_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
