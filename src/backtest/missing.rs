//! What sets of rules need and an event lacks.

use super::{
    compare::{Lack, Side, decide},
    event_line::EventLine,
};
use crate::{
    model::Mode,
    rules::{Need, RuleSet, ThreadMessages},
    store::EventKind,
};
use std::collections::HashMap;

/// What a set of rules needs to decide an event, and less was read of it. `is_known` says whether the thread had an event
/// before: then rules act only where the messages show who wrote last.
pub(super) fn find_lack(
    set: &RuleSet,
    event: &EventLine,
    messages: Option<&ThreadMessages>,
    is_known: bool,
) -> Option<Lack> {
    if event.thread.is_some() && messages.is_some() {
        return None;
    }
    let overrides: HashMap<String, Mode> = event.overrides.iter().map(|(rule, mode)| (rule.clone(), *mode)).collect();
    let input = event.input(messages, &overrides);
    let must_read = event.kind == EventKind::Category || event.kind == EventKind::Message && is_known;
    match decide(set, &input, event) {
        Side::Lacks(lack) => Some(lack),
        Side::Decided(decision) if must_read && messages.is_none() => {
            let first = decision.actions.first()?;
            Some(Lack { rule: first.rule.clone(), need: Need::Messages })
        }
        Side::Decided(_) => None,
    }
}
