//! Forwards: at least once, always with the same id, and not given up before four tries.

use super::{
    oracle::{Violation, holds},
    seen::Seen,
};
use reply_router::model::{Action, ActionKind, ActionState};

const TRIES: usize = 4;

pub(crate) fn hold(seen: &Seen, before: Option<&Seen>) -> Result<(), Violation> {
    let kinds = [ActionKind::Slack, ActionKind::Email, ActionKind::Webhook];
    let mut known = 0;
    for action in seen.actions.iter().filter(|action| kinds.contains(&action.kind)) {
        let arrived = seen.arrived(action);
        known += arrived;
        let tries = action.attempts.len() + usize::from(action.state == ActionState::InFlight);
        holds("a forward arrives no more often than it was tried", arrived <= tries, || {
            format!("{arrived} arrived: {action:?}")
        })?;
    }
    holds("what arrives carries its action's id", known == seen.forwards.len(), || {
        format!("{known} of {} do", seen.forwards.len())
    })?;
    let failed = seen.newly(ActionState::Failed, before);
    for action in failed.into_iter().filter(|action| kinds.contains(&action.kind)) {
        holds("a forward is not given up early", may_fail(action), || format!("{action:?}"))?;
    }
    Ok(())
}

/// All tries are used up, or the receiver said no.
fn may_fail(action: &Action) -> bool {
    let refused = action.attempts.last().and_then(|attempt| attempt.status);
    action.attempts.len() >= TRIES || refused.is_some_and(|status| status < 500 && ![408, 429].contains(&status))
}
