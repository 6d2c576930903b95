//! Judging an event once more after a while: whether a rule still holds on what is known by then, and why each rule said what
//! it did, both without a request.

use super::{
    RuleSet,
    condition::Need,
    definition::{Matcher, Predicate, Rule},
    evaluate::{does_hold, evaluate},
    event::{EventInput, Facts},
    plan::{self, Matched},
    reading::ThreadMessages,
};
use crate::model::{Action, Decision, Mode, Payload, RuleTrace, ThreadDetail, ThreadRow};
use std::collections::HashMap;

/// An event as it is seen later.
#[derive(Debug, Clone, Copy)]
pub struct Again<'a> {
    /// The workspace's name.
    pub workspace: &'a str,
    /// The list row: what people may have changed as it is now, the rest as it was.
    pub row: &'a ThreadRow,
    /// The thread, if it was read for the event.
    pub detail: Option<&'a ThreadDetail>,
    /// The messages, if they have just been read.
    pub messages: Option<&'a ThreadMessages>,
    /// What the rule said then: conditions that need what is not read now keep their result.
    pub earlier: &'a RuleTrace,
    /// The time of the event.
    pub now: jiff::Timestamp,
}

/// Whether a rule that matched an event still does. What cannot be told without a request counts as holding.
pub fn still_matches(set: &RuleSet, rule: &Rule, again: &Again<'_>) -> bool {
    again.with_input(|input| {
        let facts = set.of_workspace(again.workspace).facts(input, again.now).with_earlier(again.earlier);
        does_hold(rule, &facts)
    })
}

/// Why a rule holds no more, if that is because of lists that it looks into: with their rows of then it would.
pub fn lists_changed(set: &RuleSet, rule: &Rule, again: &Again<'_>) -> Option<String> {
    again.with_input(|input| {
        let set = set.of_workspace(again.workspace);
        let facts = set.facts(input, again.now).with_earlier(again.earlier).with_earlier_rows();
        if !does_hold(rule, &facts) {
            return None;
        }
        let facts = set.facts(input, again.now).with_earlier(again.earlier);
        let told: Vec<String> = rule.tests.iter().filter_map(|test| moved_row(test, &facts)).collect();
        Some(if told.is_empty() { "a list that a script looks into has changed".to_owned() } else { told.join(", ") })
    })
}

/// What has changed about the row that a condition found, or did not find.
fn moved_row(test: &Predicate, facts: &Facts<'_>) -> Option<String> {
    let Matcher::Listed(listed) = &test.check else { return None };
    let then = facts.earlier?.conditions.iter().find(|trace| trace.path == test.path && trace.wanted == test.wanted)?;
    let (seen, _, now) = listed.trace(facts);
    match (&then.row, now) {
        (Some(row), None) if then.held == Some(true) => {
            Some(format!("`{}` is not in the list `{}` any more", row.key, row.list))
        }
        (None, Some(row)) if then.held == Some(false) => {
            let seen = seen.unwrap_or_else(|| row.key.clone());
            Some(format!("`{seen}` is in the list `{}` now", row.list))
        }
        _ => None,
    }
}

/// What a forward is by the rules and lists of now, on the event that it was decided on: whom it is for, and what it says.
/// `None` if its rule does not have it any more, or more must be read than was read for the event.
pub fn forward_again(set: &RuleSet, action: &Action, again: &Again<'_>) -> Option<Result<Payload, String>> {
    let set = set.of_workspace(again.workspace);
    let rule = set.rule(&action.rule)?;
    let planned = rule.actions.get(usize::try_from(action.position).ok()?)?;
    let is_same = planned.kind == action.kind && planned.target == action.target;
    let lacks_messages = again.messages.is_none();
    let lacks_thread = rule.mentions.thread_in_templates && again.detail.is_none();
    if !is_same || lacks_messages || lacks_thread {
        return None;
    }
    again.with_input(|input| {
        let facts = set.facts(input, again.now);
        let none = serde_json::Map::new();
        let vars = again.earlier.script.as_ref().map_or(&none, |script| &script.vars);
        let matched = Matched { rule, mode: again.earlier.mode, captures: &again.earlier.captures, vars };
        Some(plan::payload(set, &matched, planned, &facts))
    })
}

impl Again<'_> {
    fn with_input<T>(&self, look: impl FnOnce(&EventInput<'_>) -> T) -> T {
        let overrides = HashMap::new();
        look(&EventInput {
            workspace: self.workspace,
            ceiling: Mode::Live,
            row: self.row,
            row_reading: None,
            detail: self.detail,
            messages: self.messages,
            history: None,
            overrides: &overrides,
            lead_opted_out: None,
            hold_uncertain: true,
            thorough: false,
        })
    }
}

/// The decision about an event that was decided before, with what each rule and each condition saw: for a page, or for
/// whoever asks why.
///
/// It is the decision of then if all is as it was then: the rules ([`RuleSet::from_sources`]), the time, and all of the input,
/// with `detail` and `messages` absent where they were not read. `thorough` does not matter.
///
/// # Errors
/// Something is absent that was read then.
pub fn trace_again(set: &RuleSet, input: &EventInput<'_>, at: jiff::Timestamp) -> Result<Decision, Need> {
    evaluate(set, &EventInput { thorough: true, ..*input }, at)
}
