//! Marking a thread as read: last, and only if every other action is done, so that an unread thread needs a person.

use super::Executor;
use crate::engine::{Workspace, failpoint::mutated};
use crate::{
    coldsend::WriteOutcome,
    model::{Action, ActionState, AttemptOutcome, Reason, ReasonCode, Transition},
    store::StoreError,
};
use jiff::Timestamp;
use std::time::Duration;

/// How often it checks the event's other actions by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// What the event's other actions say about marking the thread as read.
#[derive(Debug, PartialEq, Eq)]
enum SiblingState {
    Done,
    Pending,
    Failed(Reason),
}

impl Executor {
    pub(in crate::engine) async fn mark_read(
        &self,
        workspace: &Workspace,
        mut action: Action,
    ) -> Result<(), StoreError> {
        match others(&self.shared.store.siblings(&action).await?) {
            SiblingState::Done => {}
            _ if mutated!(self.shared, AlwaysMarkRead) => {}
            SiblingState::Pending => {
                let reason = Reason::new(ReasonCode::OtherActions, "it waits for the message's other actions");
                let again = self.shared.now().saturating_add(LOOK_AGAIN).unwrap_or(Timestamp::MAX);
                self.shared.transition(workspace, &mut action, Transition::wait_until(again, reason.clone())).await?;
                // The sibling that settles last wakes it. One that settled between the check and the write had nothing
                // to wake: so check once more, now that it can be woken.
                if others(&self.shared.store.siblings(&action).await?) != SiblingState::Pending {
                    self.shared
                        .transition(workspace, &mut action, Transition::wait_until(self.shared.now(), reason))
                        .await?;
                }
                return Ok(());
            }
            SiblingState::Failed(reason) => {
                return self.shared.transition(workspace, &mut action, Transition::cancel(reason)).await;
            }
        }
        let Some(_on_its_way) = self.set_in_flight(workspace, &mut action).await? else { return Ok(()) };
        if self.shared.dry_run {
            return self.record_outcome(workspace, &mut action, AttemptOutcome::DryRun, Transition::done()).await;
        }
        let Err(error) = workspace.client().mark_read(&action.thread_id).await else {
            return self.record_outcome(workspace, &mut action, AttemptOutcome::Accepted, Transition::done()).await;
        };
        let next = match error.certainty {
            WriteOutcome::Applied => Transition::done(),
            WriteOutcome::NotApplied => self.after_rejection(workspace, &action, &error.error).await?,
            // Marking twice does no harm.
            WriteOutcome::Unknown => {
                self.schedule_retry(&action, Reason::new(ReasonCode::Ambiguous, error.error.to_string()))
            }
        };
        self.record_outcome(workspace, &mut action, &error, next).await
    }
}

/// Actions of rules in shadow do not count.
fn others(siblings: &[Action]) -> SiblingState {
    let mut unsettled = false;
    for action in siblings {
        let code = action.reason.as_ref().map(|reason| reason.code);
        match action.state {
            ActionState::Done => {}
            ActionState::Suppressed
                if matches!(code, Some(ReasonCode::AlreadyAnswered | ReasonCode::SameTarget | ReasonCode::Shadow)) => {}
            // Another rule's mark_read waits for this one as well as this one for it.
            _ if action.kind == crate::model::ActionKind::MarkRead => {}
            state if state.is_settled() => {
                let text = format!("the {} of rule `{}` is {state}: a person should look", action.kind, action.rule);
                return SiblingState::Failed(Reason::new(ReasonCode::OtherAction, text));
            }
            _ => unsettled = true,
        }
    }
    if unsettled { SiblingState::Pending } else { SiblingState::Done }
}
