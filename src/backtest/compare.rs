//! One event, decided by two sets of rules.

use super::{
    difference::{Difference, find_difference},
    event_line::EventLine,
};
use crate::{
    model::{Decision, Mode, Payload, PlannedAction, PlannedOutcome, ReasonCode},
    rules::{EventInput, Need, RuleSet, evaluate_timed, trace_again},
};
use jiff::Timestamp;
use std::collections::HashMap;

/// What one set of rules says of an event.
#[derive(Debug)]
pub enum Side {
    /// What it decides.
    Decided(Decision),
    /// It needs more than was read of the event.
    Lacks(Lack),
}

/// What a rule needs and an event lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The rule.
    pub rule: String,
    /// What it needs.
    pub need: Need,
}

/// What two sets of rules say of an event.
#[derive(Debug)]
pub struct Outcome {
    /// What the earlier set says.
    pub before: Side,
    /// What the later set says.
    pub after: Side,
    /// Where they differ in what is done: why.
    pub difference: Option<Difference>,
    /// What the lead wrote anew, if the messages were read; of events whose outcome differs.
    pub new_text: Option<String>,
}

/// Decides an event by both sets. The event's messages are used up.
///
/// Outcomes differ if something else is done: another kind of action, another destination, text or time, held instead of
/// sent. Which rule does it is no part of the outcome, nor is what policy would stop anyway.
pub fn compare(before: &RuleSet, after: &RuleSet, event: &mut EventLine) -> Outcome {
    let messages = event.take_messages();
    let overrides: HashMap<String, Mode> = event.overrides.iter().map(|(rule, mode)| (rule.clone(), *mode)).collect();
    let input = event.input(messages.as_ref(), &overrides);
    let sides = (decide(before, &input, event.time), decide(after, &input, event.time));
    let mut outcome = Outcome { before: sides.0, after: sides.1, difference: None, new_text: None };
    if let (Side::Decided(one), Side::Decided(other)) = (&outcome.before, &outcome.after)
        && effects(one) != effects(other)
    {
        let traced = |set: &RuleSet| trace_again(set, &input, event.time).ok();
        outcome.difference = match (traced(before), traced(after)) {
            (Some(one), Some(other)) => Some(find_difference(&one, &other)),
            _ => Some(find_difference(one, other)),
        };
        outcome.new_text = messages.as_ref().and_then(|messages| messages.body()).map(str::to_owned);
    }
    outcome
}

/// What one set decides on an event, as far as that was read.
pub(super) fn decide(set: &RuleSet, input: &EventInput<'_>, time: Timestamp) -> Side {
    let mut last = None;
    match evaluate_timed(set, input, time, &mut |place| last = Some(place)) {
        Ok(decision) => Side::Decided(decision),
        Err(need) => {
            let rule = last.and_then(|place: usize| set.of_workspace(input.workspace).rules().get(place));
            Side::Lacks(Lack { rule: rule.map(|rule| rule.name.clone()).unwrap_or_default(), need })
        }
    }
}

/// Whether anything is done, held or at least recorded: policy stops the rest, whatever rules say.
pub(super) fn has_effect(action: &PlannedAction) -> bool {
    action.would != PlannedOutcome::Suppressed || is_shadow(action)
}

/// Whether an action is only recorded.
pub(super) fn is_shadow(action: &PlannedAction) -> bool {
    action.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::Shadow)
}

/// What is done, in an order of its own: that of the rules does not count.
fn effects(decision: &Decision) -> Vec<String> {
    let mut effects: Vec<String> = decision.actions.iter().filter(|action| has_effect(action)).map(effect).collect();
    effects.sort_unstable();
    effects
}

/// What an action does, whichever rule it is of.
pub(super) fn effect(action: &PlannedAction) -> String {
    let shadow = action.reason.as_ref().filter(|_| is_shadow(action)).map(|reason| &reason.text);
    let (text, more) = match &action.payload {
        Payload::None => (None, None),
        Payload::Reply { text, html, attachments } => {
            let files: Vec<String> = attachments.iter().map(|file| file.path.display().to_string()).collect();
            (text.clone(), Some(format!("{html:?}{files:?}")))
        }
        Payload::Notice(notice) => (notice.text.clone(), notice.email_subject.clone()),
    };
    let timing = (action.timing.after, &action.timing.hours);
    let whom = (&action.target, action.payload.recipients());
    format!("{:?}", (action.kind.as_str(), whom, action.would, shadow, timing, text, more))
}
