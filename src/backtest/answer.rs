//! The whole answer of a backtest: what was compared, and what was found; as programs get it, and in sentences.

use super::report::{Change, ChangedAction, ChangedSide, Report, RuleCounts, RuleRow};
use crate::model::{counted, cut_line};
use jiff::Timestamp;
use serde::Serialize;

/// The version of the JSON's shape.
const VERSION: u32 = 1;
/// So much of a text is shown on a line, in characters.
pub(crate) const MAX_TEXT: usize = 300;
/// So many files that were not compared are named in sentences.
const SHOWN: usize = 20;

/// The whole result, as programs get it.
#[derive(Debug, Serialize)]
pub struct Answer<'a> {
    version: u32,
    /// How events were decided: `stateful` or `stateless`.
    pub how: &'static str,
    /// Since when; `None` for all.
    pub since: Option<Timestamp>,
    /// The earlier set.
    pub before: ComparedRules<'a>,
    /// The later set.
    pub after: ComparedRules<'a>,
    /// Where there is no configuration: the opening hours and lists that the rules name and nobody knows, in sentences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_configuration: Option<Vec<String>>,
    /// What was found.
    #[serde(flatten)]
    pub report: &'a Report,
}

/// One of the two sets.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ComparedRules<'a> {
    /// Where they come from.
    pub from: &'a str,
    /// What they are known by.
    pub revision: &'a str,
}

impl<'a> Answer<'a> {
    /// An answer.
    pub fn new(
        how: &'static str,
        since: Option<Timestamp>,
        (before, after): (ComparedRules<'a>, ComparedRules<'a>),
        report: &'a Report,
    ) -> Self {
        Self { version: VERSION, how, since, before, after, without_configuration: None, report }
    }

    /// What was compared, and how much of it changes. A line that says more of the one before it begins with two spaces.
    pub fn summary(&self) -> Vec<String> {
        let report = self.report;
        let since = self.since.map(|since| format!(" since {}", since.strftime("%Y-%m-%d"))).unwrap_or_default();
        let alone = if self.how == "stateless" { ", matching alone" } else { "" };
        let mut lines = vec![format!(
            "{}{since}{alone}: {} before, {} after. {}",
            counted(report.events, "event", "events"),
            self.before.from,
            self.after.from,
            report.headline(),
        )];
        if let Some(unknown) = &self.without_configuration {
            lines.push(match unknown.is_empty() {
                true => "Without a configuration: `safety` is the default.".to_owned(),
                false => {
                    "Without a configuration: `safety` is the default, opening hours never close, and lists are empty. \
                          Outcomes may differ from those in service."
                        .to_owned()
                }
            });
            lines.extend(unknown.iter().map(|unknown| format!("  {unknown}")));
        }
        lines.extend(report.left_out());
        lines
    }
}

impl Report {
    /// How much changes, in a sentence.
    pub fn headline(&self) -> String {
        match self.changed {
            0 => "No outcome changes.".to_owned(),
            changed => format!("The outcome of {} changes.", counted(changed, "event", "events")),
        }
    }

    /// What was not compared, or could not be evaluated, and why. A line that says more of the one before it begins with two
    /// spaces.
    pub fn left_out(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.rules.iter().flat_map(RuleRow::errors).collect();
        if self.lacking_events > 0 {
            lines.push(format!(
                "{} not compared: less was read of them than a rule needs.",
                counted(self.lacking_events, "event", "events")
            ));
            for lack in &self.lacking {
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
        if self.unreadable_events > 0 {
            lines.push(format!(
                "{} not compared: they cannot be read, or do not say when they were written.",
                counted(self.unreadable_events, "file was", "files were")
            ));
            lines.extend(
                self.unreadable
                    .iter()
                    .take(SHOWN)
                    .map(|one| format!("  {}: {}", one.file, cut_line(&one.reason, MAX_TEXT))),
            );
            let left = self.unreadable_events.saturating_sub(self.unreadable.len().min(SHOWN) as u64);
            if left > 0 {
                lines.push(format!("  and {left} more"));
            }
        }
        if self.repeated_events > 0 {
            lines.push(format!(
                "{} given more than once: each counts once.",
                counted(self.repeated_events, "event was", "events were")
            ));
        }
        if self.redacted_events > 0 {
            lines.push(format!(
                "{} redacted: a rule that asks for a certain domain, address, name or inbox, or looks one up in a list, sees \
                 stand-ins and may not match.",
                counted(self.redacted_events, "event is", "events are")
            ));
        }
        if self.unknown_workspace > 0 {
            lines.push(format!(
                "{} left out: the rules do not know their workspace.",
                counted(self.unknown_workspace, "event", "events")
            ));
        }
        lines
    }
}

impl RuleRow {
    /// What the columns of [`RuleRow::cells`] hold.
    pub const HEADER: [&'static str; 6] =
        ["rule", "matches before", "after", "actions before", "after", "events changed"];

    /// Whether it counts otherwise, or does something else with an event.
    pub fn differs(&self) -> bool {
        self.changed > 0 || self.before != self.after
    }

    /// On how many events the rule could not be evaluated, and why.
    fn errors(&self) -> Vec<String> {
        let sides = [(&self.before, "before the change"), (&self.after, "after it")];
        let told = sides.into_iter().filter_map(|(counts, set)| {
            let counts = counts.as_ref()?;
            let error = cut_line(counts.error.as_deref()?, MAX_TEXT);
            let events = counted(counts.errors, "event", "events");
            Some(format!("`{}` ({set}) failed on {events}, and so did not match them: {error}", self.name))
        });
        told.collect()
    }

    /// As a row of a table.
    pub fn cells(&self) -> [String; Self::HEADER.len()] {
        let (before, after) = (self.before.as_ref(), self.after.as_ref());
        let ((matches, actions), (matches_now, actions_now)) = (counts(before), counts(after));
        [self.name.clone(), matches, matches_now, actions, actions_now, self.changed.to_string()]
    }
}

fn counts(counts: Option<&RuleCounts>) -> (String, String) {
    let Some(counts) = counts else { return ("-".to_owned(), "-".to_owned()) };
    let actions: Vec<String> = counts.actions.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
    (counts.matches.to_string(), if actions.is_empty() { "-".to_owned() } else { actions.join(", ") })
}

impl Change {
    /// Whose message it was, and when.
    pub fn title(&self) -> String {
        let lead = self.lead.as_deref().unwrap_or(&self.thread_id);
        format!("{lead}, {} ({})", self.time.strftime("%Y-%m-%d %H:%M"), self.workspace)
    }
}

impl ChangedSide {
    /// What is done, in one line.
    pub fn describe(&self) -> String {
        if self.actions.is_empty() {
            return match self.rules.as_slice() {
                [] => "nothing: no rule matches".to_owned(),
                rules => format!("nothing, though `{}` matches", rules.join("`, `")),
            };
        }
        self.actions.iter().map(ChangedAction::describe).collect::<Vec<_>>().join("; ")
    }
}

impl ChangedAction {
    /// In one line.
    pub fn describe(&self) -> String {
        let whom = self.target.iter().chain(&self.recipients);
        let target: String = whom.map(|name| format!(" {name}")).collect();
        let outcome = match (self.outcome, self.reason.as_deref()) {
            ("done", None) => String::new(),
            ("done", Some(reason)) => format!(", {reason}"),
            (outcome, Some(reason)) => format!(", {outcome}: {reason}"),
            (outcome, None) => format!(", {outcome}"),
        };
        let text = self.text.as_deref().map(|text| format!(": “{}”", cut_line(text, MAX_TEXT))).unwrap_or_default();
        format!("{}{target}{text} (`{}`{outcome})", self.kind, self.rule)
    }
}
