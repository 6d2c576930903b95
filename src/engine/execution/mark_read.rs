//! Marking a thread as read: last, and only if all went well, so that an unread thread always means "look at me".

use crate::engine::{Engine, Workspace, execution::executor::failure_outcome, failpoint::Mutation};
use crate::{
    coldsend::WriteOutcome,
    model::{Action, ActionState, Reason, ReasonCode},
    store::StoreError,
};
use std::time::Duration;

/// How often it looks at the event's other actions by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// What the event's other actions say about marking the thread as read.
#[derive(Debug, PartialEq, Eq)]
enum SiblingState {
    Done,
    Pending,
    Failed(Reason),
}

impl Engine {
    pub(in crate::engine) async fn mark_read(
        &self,
        workspace: &Workspace,
        mut action: Action,
    ) -> Result<(), StoreError> {
        match others(&self.store.siblings(&action).await?) {
            SiblingState::Done => {}
            _ if self.is_mutated(Mutation::AlwaysMarkRead) => {}
            SiblingState::Pending => {
                let reason = Reason::new(ReasonCode::OtherActions, "it waits for the message's other actions");
                let again = self.now().saturating_add(LOOK_AGAIN).ok();
                self.transition(workspace, &mut action, ActionState::Waiting, again, Some(reason.clone())).await?;
                // Whichever settles last wakes it. One that settled between the look and the write found nobody to wake:
                // so look once more, now that it can be woken.
                if others(&self.store.siblings(&action).await?) != SiblingState::Pending {
                    let now = Some(self.now());
                    self.transition(workspace, &mut action, ActionState::Waiting, now, Some(reason)).await?;
                }
                return Ok(());
            }
            SiblingState::Failed(reason) => {
                return self.transition(workspace, &mut action, ActionState::Cancelled, None, Some(reason)).await;
            }
        }
        if !self.set_in_flight(workspace, &mut action).await? {
            return Ok(());
        }
        if self.dry_run {
            let done = (ActionState::Done, None, None);
            return self.record_outcome(workspace, &mut action, ("dry_run", None), done).await;
        }
        let done = (ActionState::Done, None, None);
        match workspace.client().mark_read(&action.thread_id).await {
            Ok(()) => self.record_outcome(workspace, &mut action, ("accepted", None), done).await,
            Err(error) => {
                let status = error.error.status();
                match error.certainty {
                    WriteOutcome::Applied => {
                        self.record_outcome(workspace, &mut action, ("accepted", status), done).await
                    }
                    WriteOutcome::NotApplied => {
                        let next = self.after_rejection(workspace, &action, &error.error).await?;
                        self.record_outcome(workspace, &mut action, (failure_outcome(&error.error), status), next).await
                    }
                    // Marking twice does no harm.
                    WriteOutcome::Unknown => {
                        let reason = Reason::new(ReasonCode::Ambiguous, error.error.to_string());
                        let next = self.schedule_retry(&action, reason);
                        self.record_outcome(workspace, &mut action, ("unclear", status), next).await
                    }
                }
            }
        }
    }
}

/// Records of rules in shadow are no actions of the event: they take nothing from others.
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
