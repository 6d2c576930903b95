//! A change of an action's state. Every change is made of one of these, so that a state never stands without the due date
//! and the reason that belong to it.

use super::{Action, ActionState, Reason};
use jiff::Timestamp;

/// The state that an action changes to, why, and when it comes up again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Transition {
    state: ActionState,
    due_at: Option<Timestamp>,
    reason: Option<Reason>,
}

impl Transition {
    fn new(state: ActionState, due_at: Option<Timestamp>, reason: Option<Reason>) -> Self {
        Self { state, due_at, reason }
    }

    /// It goes through the guard and out, from `now` on.
    pub fn planned(now: Timestamp) -> Self {
        Self::new(ActionState::Planned, Some(now), None)
    }

    /// It is about to leave.
    pub fn in_flight() -> Self {
        Self::new(ActionState::InFlight, None, None)
    }

    /// It was carried out.
    pub fn done() -> Self {
        Self::new(ActionState::Done, None, None)
    }

    /// It was carried out, with something to tell about it.
    pub fn done_with(note: Option<Reason>) -> Self {
        Self::new(ActionState::Done, None, note)
    }

    /// It was surely not carried out, and is not tried again.
    pub fn failed(reason: Reason) -> Self {
        Self::new(ActionState::Failed, None, Some(reason))
    }

    /// Another try is due at `at`.
    pub fn retry_at(at: Timestamp, reason: Reason) -> Self {
        Self::new(ActionState::Retrying, Some(at), Some(reason))
    }

    /// It waits until `at`.
    pub fn wait_until(at: Timestamp, reason: Reason) -> Self {
        Self::new(ActionState::Waiting, Some(at), Some(reason))
    }

    /// It waits until an operator resumes, which sets the due date.
    pub fn wait_for_resume(reason: Reason) -> Self {
        Self::new(ActionState::Waiting, None, Some(reason))
    }

    /// An operator must approve it; it is cancelled at `expiry`.
    pub fn hold(reason: Reason, expiry: Option<Timestamp>) -> Self {
        Self::new(ActionState::Held, expiry, Some(reason))
    }

    /// Policy forbids it.
    pub fn suppress(reason: Reason) -> Self {
        Self::new(ActionState::Suppressed, None, Some(reason))
    }

    /// The thread or the rules changed before it left.
    pub fn cancel(reason: Reason) -> Self {
        Self::new(ActionState::Cancelled, None, Some(reason))
    }

    /// It may have been carried out; it is verified at `at`.
    pub fn verify_at(at: Timestamp, reason: Reason) -> Self {
        Self::new(ActionState::Unknown, Some(at), Some(reason))
    }

    /// It may have been carried out; an operator must resolve it.
    pub fn quarantine(reason: Reason) -> Self {
        Self::new(ActionState::Quarantined, None, Some(reason))
    }

    /// The state that it leads to.
    pub fn state(&self) -> ActionState {
        self.state
    }

    /// Changes the action. `sent_at` is left alone: whether something left does not follow from the state.
    pub fn apply_to(self, action: &mut Action, now: Timestamp) {
        action.state = self.state;
        action.due_at = self.due_at;
        action.reason = self.reason;
        action.updated_at = now;
    }
}
