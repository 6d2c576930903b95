//! What PostgreSQL writes otherwise than SQLite.
//!
//! The store's statements keep to what both understand. Four things are SQLite's own: hints that name an index, `?` for a
//! value, `json_each` for the elements of a list, and `CROSS JOIN … ON`, which fixes the order of a join. They are rewritten
//! here, once for each statement of a connection. So is the join of decisions with their actions, which are a range of
//! numbers: how many that is, the server cannot guess, and it would rather read all of them in another order. What cannot be written alike stands beside its statement, for either
//! ([`pick`](super::super::connection::Connection::pick)).

use regex::{Captures, Regex};
use std::{borrow::Cow, sync::LazyLock};

/// Words that follow a table and are no other name of it.
const NO_ALIAS: [&str; 6] = ["CROSS", "JOIN", "WHERE", "ORDER", "GROUP", "UNION"];

/// What is rewritten, and into what. The patterns are constants of this file: they compile.
static REWRITES: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let rewrites = [
        (r"\s+INDEXED BY \w+|\s+NOT INDEXED", ""),
        (
            r"CROSS JOIN actions a ON a\.id >= d\.id << 16\s+AND a\.id < \(d\.id \+ 1\) << 16",
            "CROSS JOIN LATERAL (SELECT * FROM actions WHERE id >= d.id << 16 AND id < (d.id + 1) << 16
               ORDER BY id DESC LIMIT 65536) a",
        ),
        (r"CROSS JOIN (\w+ \w+)\s+ON", "JOIN $1 ON"),
        (r"\b([\w.]+) = (\?\d*) COLLATE NOCASE", r#"lower($1) = lower($2 COLLATE "C")"#),
    ];
    rewrites.into_iter().filter_map(|(pattern, with)| Some((Regex::new(pattern).ok()?, with))).collect()
});
static JSON_EACH: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"json_each\(([^()]*)\)(?:\s+(?:AS\s+)?([A-Za-z]\w*))?").ok());

/// The statement as PostgreSQL takes it.
pub(super) fn translate(sql: &str) -> String {
    let mut sql = Cow::Borrowed(sql);
    for (pattern, with) in REWRITES.iter() {
        sql = Cow::Owned(pattern.replace_all(&sql, *with).into_owned());
    }
    if let Some(pattern) = JSON_EACH.as_ref() {
        sql = Cow::Owned(pattern.replace_all(&sql, elements).into_owned());
    }
    number_values(&sql)
}

fn elements(found: &Captures<'_>) -> String {
    let list = found.get(1).map_or("", |list| list.as_str());
    let next = found.get(2).map_or("", |next| next.as_str());
    if next.is_empty() {
        format!("json_array_elements_text(({list})::json) AS element(value)")
    } else if NO_ALIAS.contains(&next.to_uppercase().as_str()) {
        format!("json_array_elements_text(({list})::json) AS element(value) {next}")
    } else {
        format!("json_array_elements_text(({list})::json) AS {next}(value)")
    }
}

/// `?` and `?3` become `$1` and `$3`, but for those in quotes.
fn number_values(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let mut quoted = false;
    let mut next = 0;
    let mut rest = sql.chars().peekable();
    while let Some(c) = rest.next() {
        quoted ^= c == '\'';
        if c != '?' || quoted {
            out.push(c);
            continue;
        }
        out.push('$');
        if !rest.peek().is_some_and(char::is_ascii_digit) {
            next += 1;
            out.push_str(&next.to_string());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_rewritten_is_known() {
        assert_eq!(REWRITES.len(), 4);
        assert!(JSON_EACH.is_some());
    }

    #[test]
    fn what_is_of_sqlite_alone_is_rewritten() {
        for (sqlite, postgres) in [
            (
                "SELECT a FROM t WHERE b = ? AND c = '?' AND d = ?",
                "SELECT a FROM t WHERE b = $1 AND c = '?' AND d = $2",
            ),
            ("SELECT ?2, ?1, ?12", "SELECT $2, $1, $12"),
            ("SELECT 1 FROM a x INDEXED BY a_y WHERE z", "SELECT 1 FROM a x WHERE z"),
            ("SELECT 1 FROM a x NOT INDEXED WHERE z", "SELECT 1 FROM a x WHERE z"),
            ("a CROSS JOIN b c ON c.i = a.i CROSS JOIN d e", "a JOIN b c ON c.i = a.i CROSS JOIN d e"),
            ("a CROSS JOIN b c\n   ON c.i = a.i", "a JOIN b c ON c.i = a.i"),
            (
                "d CROSS JOIN actions a ON a.id >= d.id << 16\n  AND a.id < (d.id + 1) << 16 WHERE b",
                "d CROSS JOIN LATERAL (SELECT * FROM actions WHERE id >= d.id << 16 AND id < (d.id + 1) << 16
               ORDER BY id DESC LIMIT 65536) a WHERE b",
            ),
            (
                "i IN (SELECT value FROM json_each(?2))",
                "i IN (SELECT value FROM json_array_elements_text(($2)::json) AS element(value))",
            ),
            (
                "FROM d CROSS JOIN json_each(d.matched) m CROSS JOIN names n ON n.name = m.value",
                "FROM d CROSS JOIN json_array_elements_text((d.matched)::json) AS m(value) JOIN names n ON n.name = m.value",
            ),
            ("WHERE name = ? COLLATE NOCASE LIMIT 1", r#"WHERE lower(name) = lower($1 COLLATE "C") LIMIT 1"#),
        ] {
            assert_eq!(translate(sqlite), postgres);
        }
    }
}
