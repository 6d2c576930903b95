//! A comparison of rules, for a comment on a pull request.

use super::{
    answer::{Answer, MAX_TEXT},
    report::RuleRow,
};
use crate::model::{counted, cut_line};
use std::fmt::Write as _;

/// A comment takes no more, in characters.
const MAX_MARKDOWN: usize = 60_000;

/// As Markdown of a bounded length, in which no text of a rule or a mail is markup.
pub fn markdown(answer: &Answer<'_>) -> String {
    let report = answer.report;
    let mut out = "### Backtest\n\n".to_owned();
    for line in answer.summary() {
        let _ = writeln!(out, "{}{}", if line.starts_with("  ") { "- " } else { "" }, plain(line.trim_start()));
    }
    let mut rules = format!("\n| {} |\n|---|--:|--:|---|---|--:|\n", RuleRow::HEADER.join(" | "));
    let mut rules_left = 0;
    for row in &report.rules {
        let line = format!("| {} |\n", row.cells().map(|cell| plain(&cell)).join(" | "));
        // Half of the room is for events.
        if rules.chars().count() + line.chars().count() > MAX_MARKDOWN / 2 {
            rules_left += 1;
        } else {
            rules += &line;
        }
    }
    out += &rules;
    if rules_left > 0 {
        let _ = writeln!(out, "\n{} more.", counted(rules_left, "rule", "rules"));
    }
    if report.changed > 0 {
        out += "\n";
    }
    // Room for the line that says how many are left out.
    let room = MAX_MARKDOWN.saturating_sub(100);
    let mut length = out.chars().count();
    let mut shown = 0;
    for change in &report.changes {
        let mut item = format!("<details><summary>{}</summary>\n\n", plain(&change.title()));
        if let Some(text) = &change.new_text {
            let _ = writeln!(item, "> {}\n", plain(&cut_line(text, MAX_TEXT)));
        }
        let _ = writeln!(item, "- before: {}", plain(&change.before.describe()));
        let _ = writeln!(item, "- after: {}", plain(&change.after.describe()));
        let _ = writeln!(item, "- why: {}\n\n</details>", plain(&change.why.text));
        length += item.chars().count();
        if length > room {
            break;
        }
        out += &item;
        shown += 1;
    }
    let left = report.changed.saturating_sub(shown);
    if left > 0 {
        let _ = writeln!(out, "\n{} more left out.", counted(left, "changed event", "changed events"));
    }
    out
}

/// A text that stands in a table, a list or a quotation and is no markup, but for the names of rules in it.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '`' => match name_in(rest.as_str()) {
                Some(name) => {
                    plain.extend(["`", name, "`"]);
                    rest = rest.as_str().get(name.len() + 1..).unwrap_or_default().chars();
                }
                None => plain.push_str("\\`"),
            },
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            // Nobody is called, and nothing is linked: what is invisible behind the sign keeps it from that.
            '@' if before.is_alphanumeric() => plain.push('@'),
            '@' | '#' => {
                plain.push(c);
                plain.push_str("&#8203;");
            }
            '\\' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => plain.extend(['\\', c]),
            // What would begin a list, a rule or a heading.
            '-' | '+' | '=' if plain.is_empty() => plain.extend(['\\', c]),
            '.' | ')' if !plain.is_empty() && plain.bytes().all(|b| b.is_ascii_digit()) => plain.extend(['\\', c]),
            '\n' | '\r' => plain.push(' '),
            c => plain.push(c),
        }
        before = c;
    }
    plain
}

/// A rule's name up to the next backtick: nothing in it is markup.
fn name_in(text: &str) -> Option<&str> {
    let (name, _) = text.split_once('`')?;
    let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (!name.is_empty() && name.len() <= 128 && name.bytes().all(is_name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_rules_are_code() {
        for (text, wanted) in [
            ("`book-a-call` matches now: a_b*", "`book-a-call` matches now: a\\_b\\*"),
            ("“a `_b_` c`”", "“a \\`\\_b\\_\\` c\\`”"),
            ("``` @all #12 jo@acme.example", "\\`\\`\\` @&#8203;all #&#8203;12 jo@acme.example"),
            ("- 1. <b>", "\\- 1. &lt;b&gt;"),
            ("12) yes", "12\\) yes"),
            ("--- ===", "\\--- ==="),
        ] {
            assert_eq!(plain(text), wanted);
        }
    }
}
