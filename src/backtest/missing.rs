//! What sets of rules need and an event lacks.

use super::compare::{Lack, Side, decide};
use crate::{
    rules::{EventInput, Need, RuleSet},
    store::EventKind,
};
use jiff::Timestamp;

/// What a set of rules needs to decide an event of that kind and time, and less was read of it. `is_known` says whether the
/// thread had an event before: then rules act only where the messages show who wrote last.
pub(super) fn find_lack(
    set: &RuleSet,
    input: &EventInput<'_>,
    (kind, time): (EventKind, Timestamp),
    is_known: bool,
) -> Option<Lack> {
    if input.detail.is_some() && input.messages.is_some() {
        return None;
    }
    let must_read = kind == EventKind::Category || kind == EventKind::Message && is_known;
    match decide(set, input, time) {
        Side::Lacks(lack) => Some(lack),
        Side::Decided(decision) if must_read && input.messages.is_none() => {
            let first = decision.actions.first()?;
            Some(Lack { rule: first.rule.clone(), need: Need::Messages })
        }
        Side::Decided(_) => None,
    }
}
