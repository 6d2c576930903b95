//! Judging an event once more after a while: whether a rule still holds on what is known by then, without a request.

use super::{
    RuleSet,
    definition::Rule,
    evaluate::does_hold,
    event::{EventInput, ThreadMessages},
};
use crate::model::{Mode, RuleTrace, ThreadDetail, ThreadRow};
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
