//! Replies that have not left are cancelled or held when the thread changes: a teammate replied, or the rule no longer
//! matches.

use super::Intake;
use crate::engine::{Workspace, threads::own_replies::replies};
use crate::{
    model::{ActionState, Reason, ReasonCode, Transition},
    store::StoreError,
};

impl Intake {
    /// Cancels every open reply in the thread: a teammate replied.
    pub(super) async fn cancel_open_replies(&self, workspace: &Workspace, thread_id: &str) -> Result<(), StoreError> {
        for mut action in replies(&*self.shared.store, workspace.name(), thread_id, &ActionState::OPEN).await? {
            // What is held for another service stays held: an operator must look at that.
            if action.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::ForeignUse) {
                continue;
            }
            let reason = Reason::new(ReasonCode::PersonAnswered, "a teammate replied");
            match self.shared.transition(workspace, &mut action, Transition::cancel(reason)).await {
                // Whoever changed it first has read the thread, or will.
                Err(StoreError::Changed(_)) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Holds every reply in the thread that nobody approved: a teammate may have replied.
    pub(super) async fn hold_open_replies(
        &self,
        workspace: &Workspace,
        thread_id: &str,
        why: &str,
    ) -> Result<(), StoreError> {
        let by_itself = [ActionState::Planned, ActionState::Waiting, ActionState::Retrying];
        for mut action in replies(&*self.shared.store, workspace.name(), thread_id, &by_itself).await? {
            if action.approved {
                continue;
            }
            let next = Transition::hold(Reason::new(ReasonCode::PersonAnswered, why), self.shared.expiry(workspace));
            match self.shared.transition(workspace, &mut action, next).await {
                Err(StoreError::Changed(_)) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether the thread has a reply that waits for its time or for approval.
    pub(super) async fn has_open_replies(&self, workspace: &Workspace, thread_id: &str) -> Result<bool, StoreError> {
        Ok(!replies(&*self.shared.store, workspace.name(), thread_id, &ActionState::OPEN).await?.is_empty())
    }

    /// Cancels the replies in a thread whose rule no longer matches, so that another rule may answer.
    pub(super) async fn cancel_unmatched_replies(
        &self,
        workspace: &Workspace,
        thread_id: &str,
    ) -> Result<(), StoreError> {
        let waiting = [ActionState::Waiting, ActionState::Retrying, ActionState::Planned];
        for mut action in replies(&*self.shared.store, workspace.name(), thread_id, &waiting).await? {
            let Some(verdict) = self.shared.no_longer_matches(workspace, &action, None).await? else { continue };
            let Some(next) = verdict.into_transition(self.shared.expiry(workspace)) else { continue };
            match self.shared.transition(workspace, &mut action, next).await {
                // Whoever changed it first has read the thread, or will.
                Err(StoreError::Changed(_)) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
