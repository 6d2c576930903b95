//! A comparison of rules, for a terminal and for the checks of a pull request.

use crate::{
    backtest::{Answer, Change, MAX_TEXT, RuleRow},
    model::{counted, cut_line},
};
use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use std::{collections::BTreeMap, fmt::Write as _};

/// So many changed events the table shows.
const SHOWN: usize = 100;
/// A workflow shows no more warnings of a step.
const MAX_ANNOTATIONS: usize = 10;

/// For a terminal.
pub(super) fn table(answer: &Answer<'_>) -> String {
    let report = answer.report;
    let mut out = answer.summary().join("\n");
    out += "\n\n";
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if !table.is_tty() {
        table.set_width(120);
    }
    table.set_header(RuleRow::HEADER);
    for row in &report.rules {
        table.add_row(row.cells());
    }
    let _ = writeln!(out, "{table}");
    for change in report.changes.iter().take(SHOWN) {
        let _ = writeln!(out, "\n{}", change.title());
        if let Some(text) = &change.new_text {
            let _ = writeln!(out, "  wrote: {}", cut_line(text, MAX_TEXT));
        }
        let _ = writeln!(out, "  before: {}", change.before.describe());
        let _ = writeln!(out, "  after:  {}", change.after.describe());
        let _ = writeln!(out, "  why:    {}", change.why.text);
    }
    let left = report.changed.saturating_sub(report.changes.len().min(SHOWN) as u64);
    if left > 0 {
        let _ = writeln!(out, "\n… and {left} more; --format json tells of all.");
    }
    out
}

/// What GitHub shows beside the lines of a change: a warning for each rule that changes outcomes.
pub(super) fn annotations(answer: &Answer<'_>) -> String {
    let mut by_rule: BTreeMap<(&str, usize, &str), (u64, &Change)> = BTreeMap::new();
    for change in &answer.report.changes {
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
