//! `lists`: tables that rules look into. Where they are is read here; the tables themselves are read with the rules.

use super::declaration::Takes;
use super::reader::ConfigReader;
use super::values::NAME;
use crate::diagnostics::{Located, code};
use crate::lists::{Builtin, ListKind, ListSource};
use crate::yaml::{Constraint, Key, KeyMatch, LazySchema, Node, Schema, ValueType};
use serde_json::json;
use std::collections::BTreeMap;

/// One list.
static LIST: LazySchema = LazySchema::new(|| {
    let keys = [
        Key::new(
            "file",
            ValueType::NonBlankText,
            "The file: CSV with a header row, YAML, JSON, or text with a key on each line. Relative to this file's folder.",
        )
        .example("lists/accounts.csv"),
        Key::new(
            "key",
            ValueType::NonBlankText,
            "The column by which rows are found; the first one when left away. Keys are compared as domains and addresses \
             are, and a domain is found for its subdomains.",
        )
        .example("domain"),
        Key::new(
            "builtin",
            ValueType::OneOf(Builtin::ALL.map(Builtin::as_str).to_vec()),
            "A list that the program brings along: `free-mail` has the domains of gmail.com and its kind.",
        ),
    ];
    let sources = ["file", "builtin"].map(|key| vec![KeyMatch::Value(key)]);
    Schema::new("list", "A table that rules look into: a `file`, or a `builtin` one.", keys)
        .constraint(Constraint::Any(sources.to_vec()))
        .constraint(Constraint::NotBoth("builtin", "file"))
        .constraint(Constraint::NotBoth("builtin", "key"))
});

/// Lists by names that the rules use.
pub(super) fn lists() -> Takes<BTreeMap<String, ListSource>> {
    Takes::new(ValueType::Map(NAME.to_owned(), Box::new(ValueType::Shape(&LIST))), read)
}

fn read(node: &Node, reader: &mut ConfigReader<'_>) -> Option<BTreeMap<String, ListSource>> {
    let mut all = BTreeMap::new();
    for (key, value) in node.entries(&mut reader.out)?.iter() {
        let name = reader.name(key, "list");
        if let (Some(name), Some(list)) = (name, read_list(key, value, reader)) {
            all.insert(name, list);
        }
    }
    Some(all)
}

fn read_list(name: &Node, node: &Node, reader: &mut ConfigReader<'_>) -> Option<ListSource> {
    let fields = node.fields(&LIST, &mut reader.out)?;
    let (file, builtin) = (fields.non_null("file"), fields.non_null("builtin"));
    if let Some(extra) = fields.non_null("key").or(file).filter(|_| builtin.is_some()) {
        let message = "a `builtin` list stands alone, without `file` and `key`";
        reader.report(code::BAD_LIST, extra, message, "give each list a name of its own");
        return None;
    }
    if let Some(node) = builtin {
        let known = Builtin::ALL.map(|builtin| (builtin.as_str(), builtin));
        let kind = ListKind::Builtin(node.one_of(&known, &mut reader.out)?);
        return Some(ListSource { kind, at: Some(node.location()) });
    }
    let Some(node) = file else {
        if !fields.has_typo("file") && !fields.has_typo("builtin") {
            let message = format!("the list `{}` has neither `file` nor `builtin`", name.text());
            reader.report(code::BAD_LIST, name, message, "write `{ file: lists/accounts.csv, key: domain }`");
        }
        return None;
    };
    let key = match fields.non_null("key") {
        Some(key) => Some(key.non_empty_string(&mut reader.out)?.trim().to_owned()),
        None => None,
    };
    let path = reader.path(node)?;
    Some(ListSource { kind: ListKind::File { path, key }, at: Some(node.location()) })
}

/// The lists of a configuration, for the example in its schema.
pub(super) fn example() -> serde_json::Value {
    json!({
        "target-accounts": { "file": "lists/accounts.csv", "key": "domain" },
        "free-mail": { "builtin": "free-mail" },
    })
}
