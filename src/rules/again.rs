//! Judging an event once more after a while: whether a rule still holds on what is known by then, and why each rule said what
//! it did, both without a request.

use super::{
    RuleSet,
    condition::Need,
    definition::Rule,
    evaluate::{does_hold, evaluate},
    event::{EventInput, ThreadMessages},
};
use crate::model::{Decision, Mode, RuleTrace, ThreadDetail, ThreadRow};
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
    let overrides = HashMap::new();
    let input = EventInput {
        workspace: again.workspace,
        ceiling: Mode::Live,
        row: again.row,
        detail: again.detail,
        messages: again.messages,
        history: None,
        overrides: &overrides,
        lead_opted_out: None,
        hold_uncertain: true,
        thorough: false,
    };
    let facts = set.of_workspace(again.workspace).facts(&input, again.now).with_earlier(again.earlier);
    does_hold(rule, &facts)
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
