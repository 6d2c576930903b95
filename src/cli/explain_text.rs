//! An explanation as people read it.

use crate::{
    engine::{ExplainedRule, Explanation, chronological},
    model::{ConditionTrace, cut_line, describe_planned, describe_target},
};
use anstyle::{AnsiColor, Style};
use std::fmt::Write;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const QUIET: Style = Style::new().dimmed();
const MARK: Style = AnsiColor::Yellow.on_default().underline();
/// How much of a long value is shown on each side of the match.
const AROUND: usize = 40;
/// How much of a list of phrases is shown.
const SHOWN_PHRASES: usize = 120;

pub(super) fn render(explanation: &Explanation) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "thread {}\n  lead        {}\n  subject     {}\n  category    {}\n  campaign    {}",
        explanation.thread_id,
        explanation.lead_email.as_deref().unwrap_or("-"),
        explanation.subject.as_deref().unwrap_or("-"),
        explanation.category.as_deref().unwrap_or("-"),
        explanation.campaign.as_deref().unwrap_or("-"),
    );
    let yes_no = |value: Option<bool>| value.map_or("not known", |value| if value { "yes" } else { "no" });
    let is_uncertain = explanation.auto_reply == Some(false) && !explanation.signals.is_empty();
    let auto_reply = if is_uncertain { "possibly" } else { yes_no(explanation.auto_reply) };
    let words =
        explanation.opt_out_words.as_deref().map(|words| format!(", “{}”", on_one_line(words))).unwrap_or_default();
    let _ = writeln!(out, "  auto-reply  {auto_reply}");
    for signal in &explanation.signals {
        let (words, about) = (on_one_line(&signal.words), signal.text.trim_end_matches('.'));
        let _ = writeln!(out, "    {} {}: {about}: “{words}”", signal.certainty, signal.kind);
    }
    let _ = writeln!(out, "  opt-out     {}{words}", yes_no(explanation.opt_out));
    let _ = writeln!(out, "  language    {}\n  new text:", explanation.language.as_deref().unwrap_or("not known"));
    for line in explanation.body.as_deref().unwrap_or("(no inbound message)").lines() {
        let _ = writeln!(out, "    | {line}");
    }
    for passage in &explanation.quoted {
        let text = cut_line(&passage.text, 2 * AROUND);
        let _ = writeln!(out, "  quoted: {}\n    {}", passage.why, paint(QUIET, &format!("> {text}")));
    }
    if let Some(incomplete) = &explanation.incomplete {
        let _ = writeln!(out, "\nonly rules that matched are shown: {incomplete}");
    }
    for found in &explanation.rules {
        render_rule(&mut out, found);
    }
    if !explanation.way.is_empty() {
        let _ = writeln!(out, "\ntimeline");
        for step in chronological(explanation.way.clone()) {
            let at = step.at.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string());
            let _ = writeln!(out, "  {}  {}", paint(QUIET, &format!("{at:<20}")), step.text);
        }
    }
    if !explanation.not_considered.is_empty() {
        let _ = writeln!(out, "\nnot checked (needs stored history): {}", explanation.not_considered.join(", "));
    }
    out
}

/// One rule: its verdict, what each condition saw, its script, captures and actions.
pub(super) fn render_rule(out: &mut String, rule: &ExplainedRule) {
    let verdict = if rule.matched { paint(GOOD, "matched") } else { paint(BAD, "no") };
    let _ = writeln!(
        out,
        "\n{} [{}] {verdict}  {}",
        rule.name,
        rule.mode,
        paint(QUIET, &format!("{}:{}", rule.file, rule.line))
    );
    if let Some(by) = &rule.stopped_by {
        let _ = writeln!(out, "  not evaluated: `{by}` matched and stops later rules");
    }
    for text in [&rule.note, &rule.error].into_iter().flatten() {
        let _ = writeln!(out, "  {text}");
    }
    for found in &rule.conditions {
        condition(out, found);
    }
    if let Some(script) = &rule.script {
        let result = match (script.result, &script.error) {
            (_, Some(error)) => paint(BAD, error),
            (Some(true), _) => paint(GOOD, "true"),
            (Some(false), _) => paint(BAD, "false"),
            (None, None) => "not run".to_owned(),
        };
        let _ = writeln!(out, "  script: {result}");
        for (name, value) in &script.vars {
            let _ = writeln!(out, "    vars.{name} = {value}");
        }
    }
    for (name, value) in &rule.captures {
        let _ = writeln!(out, "  captures.{name} = {value}");
    }
    for action in &rule.actions {
        let target = action.target.as_deref().map(|target| format!(" {}", describe_target(target, &action.recipients)));
        let target = target.unwrap_or_default();
        let reason = action.reason.map(|code| (code, action.reason_text.as_deref().unwrap_or_default()));
        let (outcome, why) = describe_planned(action.kind, action.would, reason);
        let code = action.reason.filter(|code| *code != "shadow").map(|code| format!("{code}: ")).unwrap_or_default();
        let why = why.map(|why| format!(" ({code}{why})")).unwrap_or_default();
        let _ = writeln!(out, "  → {}{target}: {outcome}{why}", action.kind);
        for line in action.text.iter().flat_map(|text| text.lines()) {
            let _ = writeln!(out, "    | {line}");
        }
    }
}

fn condition(out: &mut String, condition: &ConditionTrace) {
    // Under `not`, what is not found is what the rule wants.
    let negated = condition.path.split('.').filter(|part| *part == "not" || part.starts_with("not[")).count() % 2 == 1;
    let sign = match condition.held.map(|held| held != negated) {
        Some(true) => paint(GOOD, "✓"),
        Some(false) => paint(BAD, "✗"),
        None => paint(QUIET, "·"),
    };
    let wanted = if negated { "must not be" } else { "expected" };
    // Which of many phrases was found is told below.
    let asked = match condition.wanted.strip_prefix("says ") {
        Some(_) => cut_line(&condition.wanted, SHOWN_PHRASES),
        None => condition.wanted.clone(),
    };
    let _ = write!(out, "  {sign} {} {wanted} {asked}", condition.path);
    match (&condition.seen, condition.held) {
        (_, None) => {
            let _ = writeln!(out, "{}", paint(QUIET, ", not evaluated"));
        }
        // What it came to is told by the conditions that follow.
        (None, Some(held)) if condition.is_use() => {
            let _ = writeln!(out, ", which {}", if held { "holds" } else { "does not hold" });
        }
        (Some(seen), _) => {
            let _ = writeln!(out, ", saw {}", excerpt(seen, condition.span));
            if let Some(found) = &condition.phrase {
                let place = paint(QUIET, &found.place);
                let _ = writeln!(out, "      phrase `{}` found “{}”  {place}", found.phrase, found.words);
            }
            if let Some(row) = &condition.row {
                let place = paint(QUIET, &row.place());
                let _ = writeln!(out, "      list `{}` has `{}`  {place}", row.list, row.key);
            }
        }
        (None, _) => {
            let _ = writeln!(out, ", saw nothing");
        }
    }
}

/// The match, marked, with a little around it, on one line.
fn excerpt(seen: &str, span: Option<(usize, usize)>) -> String {
    let line = |text: &str| text.replace(['\n', '\r'], " ");
    let found = span.and_then(|(start, end)| Some((seen.get(..start)?, seen.get(start..end)?, seen.get(end..)?)));
    let Some((before, found, after)) = found else {
        return format!("`{}`", cut_line(seen, 2 * AROUND));
    };
    let skipped = before.chars().count().saturating_sub(AROUND);
    let left: String = before.chars().skip(skipped).collect();
    let right: String = after.chars().take(AROUND).collect();
    // What is cut off is told.
    let first = if skipped > 0 { "…" } else { "" };
    let last = if right.len() < after.len() { "…" } else { "" };
    format!("`{first}{}{}{}{last}`", line(&left), paint(MARK, &line(found)), line(&right))
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn paint(style: Style, text: &str) -> String {
    format!("{}{text}{}", style.render(), style.render_reset())
}
