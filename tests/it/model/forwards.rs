//! Forwards: at least once, always with the same id, and not given up before four tries.

use super::{
    oracle::{Violation, ensure},
    snapshot::{Snapshot, describe},
};
use reply_router::model::{Action, ActionKind, ActionState, DestinationKind};

const TRIES: usize = 4;

pub(crate) fn check(seen: &Snapshot, before: Option<&Snapshot>) -> Result<(), Violation> {
    let kinds = [
        ActionKind::Forward(DestinationKind::Slack),
        ActionKind::Forward(DestinationKind::Email),
        ActionKind::Forward(DestinationKind::Webhook),
    ];
    let mut known = 0;
    for action in seen.actions.iter().filter(|action| kinds.contains(&action.kind)) {
        let arrived = seen.deliveries(action);
        known += arrived;
        let tries = action.attempts.len() + usize::from(action.state == ActionState::InFlight);
        ensure("a forward arrives no more often than it was tried", arrived <= tries, || {
            format!("{arrived} arrived: {}", describe(action))
        })?;
    }
    ensure("what arrives carries its action's id", known == seen.forwards.len(), || {
        format!("{known} of {} do", seen.forwards.len())
    })?;
    let failed = seen.entered(ActionState::Failed, before);
    for action in failed.into_iter().filter(|action| kinds.contains(&action.kind)) {
        ensure("a forward is not given up early", may_fail(action), || describe(action))?;
    }
    Ok(())
}

/// All tries are used up, or the receiver said no.
fn may_fail(action: &Action) -> bool {
    let said = action.attempts.last().and_then(|attempt| attempt.status);
    // In SMTP 5xx is a final no.
    let is_final = |status: u16| {
        (status >= 500) == (action.kind == ActionKind::Forward(DestinationKind::Email)) && ![408, 429].contains(&status)
    };
    action.attempts.len() >= TRIES || said.is_some_and(is_final)
}
