//! A comparison of rules, written for people.

use super::backtest::Answer;
use crate::{
    backtest::{Change, ChangedAction, ChangedSide, RuleCounts, RuleRow},
    model::counted,
};
use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use std::{collections::BTreeMap, fmt::Write as _};

/// So many changed events the table shows.
const SHOWN: usize = 100;
/// A comment on a pull request takes no more, in characters.
const MAX_MARKDOWN: usize = 60_000;
/// So much of a text is shown, in characters.
const MAX_TEXT: usize = 300;
/// A workflow shows no more warnings of a step.
const MAX_ANNOTATIONS: usize = 10;

/// What was compared, and how much of it changes.
fn summary(result: &Answer<'_>) -> Vec<String> {
    let report = result.report;
    let since = result.since.map(|since| format!(" since {}", since.strftime("%Y-%m-%d"))).unwrap_or_default();
    let mut lines = vec![format!(
        "{}{since}: {} before, {} after. {}",
        counted(report.events, "event", "events"),
        result.before.from,
        result.after.from,
        match report.changed {
            0 => "No outcome changes.".to_owned(),
            changed => format!("The outcome of {} changes.", counted(changed, "event", "events")),
        },
    )];
    if report.lacking_events > 0 {
        lines.push(format!(
            "{} not compared: less was read of them than a rule needs.",
            counted(report.lacking_events, "event", "events")
        ));
        for lack in &report.lacking {
            let set = if lack.set == "before" { "before the change" } else { "after it" };
            lines.push(format!(
                "  `{}` ({set}) needs the {} of {}, such as {}",
                lack.rule,
                lack.needs,
                counted(lack.events, "event", "events"),
                lack.ids.first().map(String::as_str).unwrap_or("-")
            ));
        }
    }
    if report.unknown_workspace > 0 {
        lines.push(format!(
            "{} left out: the rules do not know their workspace.",
            counted(report.unknown_workspace, "event", "events")
        ));
    }
    lines
}

fn counts(counts: Option<&RuleCounts>) -> (String, String) {
    let Some(counts) = counts else { return ("-".to_owned(), "-".to_owned()) };
    let actions: Vec<String> = counts.actions.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
    (counts.matches.to_string(), if actions.is_empty() { "-".to_owned() } else { actions.join(", ") })
}

fn cells(row: &RuleRow) -> [String; 5] {
    let ((matches, actions), (matches_now, actions_now)) = (counts(row.before.as_ref()), counts(row.after.as_ref()));
    [row.name.clone(), matches, matches_now, actions, actions_now]
}

const HEADER: [&str; 5] = ["rule", "matches before", "after", "actions before", "after"];

fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

fn action(action: &ChangedAction) -> String {
    let whom = action.target.iter().chain(&action.recipients);
    let target: String = whom.map(|name| format!(" {name}")).collect();
    let outcome = match (action.outcome, action.reason.as_deref()) {
        ("done", _) => String::new(),
        (outcome, Some(reason)) => format!(", {outcome}: {reason}"),
        (outcome, None) => format!(", {outcome}"),
    };
    let text = action.text.as_deref().map(|text| format!(": “{}”", cut(text))).unwrap_or_default();
    format!("{}{target}{text} (`{}`{outcome})", action.kind, action.rule)
}

fn side(side: &ChangedSide) -> String {
    if side.actions.is_empty() {
        return match side.rules.as_slice() {
            [] => "nothing: no rule matches".to_owned(),
            rules => format!("nothing, though `{}` matches", rules.join("`, `")),
        };
    }
    side.actions.iter().map(action).collect::<Vec<_>>().join("; ")
}

fn title(change: &Change) -> String {
    let lead = change.lead.as_deref().unwrap_or(&change.thread_id);
    format!("{lead}, {} ({})", change.time.strftime("%Y-%m-%d %H:%M"), change.workspace)
}

/// For a terminal.
pub(super) fn table(result: &Answer<'_>) -> String {
    let report = result.report;
    let mut out = summary(result).join("\n");
    out += "\n\n";
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if !table.is_tty() {
        table.set_width(120);
    }
    table.set_header(HEADER);
    for row in &report.rules {
        table.add_row(cells(row));
    }
    let _ = writeln!(out, "{table}");
    for change in report.changes.iter().take(SHOWN) {
        let _ = writeln!(out, "\n{}", title(change));
        if let Some(text) = &change.new_text {
            let _ = writeln!(out, "  wrote: {}", cut(text));
        }
        let _ = writeln!(out, "  before: {}", side(&change.before));
        let _ = writeln!(out, "  after:  {}", side(&change.after));
        let _ = writeln!(out, "  why:    {}", change.why.text);
    }
    let left = report.changed.saturating_sub(report.changes.len().min(SHOWN) as u64);
    if left > 0 {
        let _ = writeln!(out, "\n… and {left} more; --format json tells of all.");
    }
    out
}

/// A text that stands in a table or a list and is no markup.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            '@' => plain.push_str("&#64;"),
            '#' => plain.push_str("&#35;"),
            '\\' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => plain.extend(['\\', c]),
            '\n' | '\r' => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}

/// For a comment on a pull request.
pub(super) fn markdown(result: &Answer<'_>) -> String {
    let report = result.report;
    let mut out = "### Backtest\n\n".to_owned();
    for line in summary(result) {
        let _ = writeln!(out, "{}{}", if line.starts_with("  ") { "- " } else { "" }, plain(line.trim_start()));
    }
    let mut rules = format!("\n| {} |\n|---|--:|--:|---|---|\n", HEADER.join(" | "));
    let mut rules_left = 0;
    for row in &report.rules {
        let line = format!("| {} |\n", cells(row).map(|cell| plain(&cell)).join(" | "));
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
        let mut item = format!("<details><summary>{}</summary>\n\n", plain(&title(change)));
        if let Some(text) = &change.new_text {
            let _ = writeln!(item, "> {}\n", plain(&cut(text)));
        }
        let _ = writeln!(item, "- before: {}", plain(&side(&change.before)));
        let _ = writeln!(item, "- after: {}", plain(&side(&change.after)));
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

/// What GitHub shows beside the lines of a change: a warning for each rule that changes outcomes.
pub(super) fn annotations(result: &Answer<'_>) -> String {
    let mut by_rule: BTreeMap<(&str, usize, &str), (u64, &Change)> = BTreeMap::new();
    for change in &result.report.changes {
        let why = &change.why;
        by_rule.entry((&why.file, why.line, &why.rule)).or_insert((0, change)).0 += 1;
    }
    let mut out = String::new();
    for ((file, line, rule), (count, first)) in by_rule.into_iter().take(MAX_ANNOTATIONS) {
        let lead = first.lead.as_deref().unwrap_or(&first.thread_id);
        let text = format!(
            "The outcome of {} changes, first that of {lead}: {}",
            counted(count, "event", "events"),
            first.why.text
        );
        let _ = writeln!(
            out,
            "::warning file={},line={line},title={}::{}",
            property(file),
            property(&format!("backtest: {rule}")),
            data(&text)
        );
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
