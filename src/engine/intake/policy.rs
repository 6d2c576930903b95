//! What becomes of other actions when a decision is written. The store asks inside the transaction.

use crate::{
    model::{Action, ActionKind, ActionState, Reason, ReasonCode, Transition},
    store::DecisionPolicy,
};
use jiff::Timestamp;

/// The engine's policy.
pub const DECISION_POLICY: DecisionPolicy =
    DecisionPolicy { on_newer_message: cancel_older, on_place_taken: suppress, on_owned: hold };

/// Replies and marks are for the newest message. Forwards and stars of the older one still go, unless they wait.
fn cancel_older(action: &Action) -> Option<Transition> {
    let is_for_newest = matches!(action.kind, ActionKind::Reply | ActionKind::MarkRead);
    let ends = match action.state {
        ActionState::Waiting | ActionState::Held => true,
        ActionState::Planned => is_for_newest,
        _ => false,
    };
    ends.then(|| Transition::cancel(Reason::new(ReasonCode::NewerMessage, "a newer message came")))
}

fn suppress(action: &Action) -> Transition {
    Transition::suppress(match action.kind {
        ActionKind::Reply => Reason::new(ReasonCode::AlreadyAnswered, "the message has a reply already"),
        _ => Reason::new(ReasonCode::SameTarget, "an earlier event of this message did the same"),
    })
}

/// Holds what would leave: two keys of one account must not both act.
fn hold(action: &Action, owner: &str, expiry: Option<Timestamp>) -> Option<Transition> {
    let would_leave = matches!(action.state, ActionState::Planned | ActionState::Waiting | ActionState::Held);
    would_leave.then(|| {
        let text = format!(
            "workspace `{owner}` has the same thread: both keys belong to one account. Approve it only if `{owner}` does \
             not act"
        );
        Transition::hold(Reason::new(ReasonCode::ForeignUse, text), expiry)
    })
}
