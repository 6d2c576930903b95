//! Star and unstar. The API only toggles, so a blind or repeated request would undo itself.

use crate::engine::{Engine, Workspace, execution::executor::failure_outcome, failpoint::Mutation};
use crate::{
    coldsend::{Priority, WriteOutcome},
    model::{Action, ActionKind, ActionState, Reason, ReasonCode},
    store::StoreError,
};

/// The answer said the opposite of what was wanted: somebody toggled in between.
const OPPOSITE: &str = "opposite";
/// Nobody knows what the toggle did; it is read back.
const UNCLEAR: &str = "unclear";

impl Engine {
    /// Toggles only when the state differs. What was seen in the list a moment ago serves for the first try; after an
    /// unclear one the thread is read.
    pub(in crate::engine) async fn star(&self, workspace: &Workspace, mut action: Action) -> Result<(), StoreError> {
        let wanted = action.kind == ActionKind::Star;
        let seen = match workspace.cached_star(&action.thread_id, self.now()) {
            Some(starred) if action.attempts.is_empty() => Some(starred),
            _ => match self.reader(workspace, &action.thread_id).thread(&action.thread_id, Priority::Write).await {
                Ok(thread) => {
                    workspace.evidence.answered(&action.thread_id, self.now());
                    thread.row.is_starred
                }
                Err(error) => return self.wait_for_api(workspace, &mut action, &error).await,
            },
        };
        let Some(starred) = seen else {
            let reason = Reason::new(ReasonCode::Ambiguous, "the API does not say whether the thread is starred");
            return self.transition(workspace, &mut action, ActionState::Quarantined, None, Some(reason)).await;
        };
        if starred == wanted && !self.is_mutated(Mutation::BlindStar) {
            return self.transition(workspace, &mut action, ActionState::Done, None, None).await;
        }
        if !self.set_in_flight(workspace, &mut action).await? {
            return Ok(());
        }
        if self.dry_run {
            let done = (ActionState::Done, None, None);
            return self.record_outcome(workspace, &mut action, ("dry_run", None), done).await;
        }
        let result = workspace.client().toggle_star(&action.thread_id).await;
        workspace.cache_star(&action.thread_id, None, self.now());
        match result {
            Ok(Some(now_starred)) if now_starred == wanted => {
                workspace.cache_star(&action.thread_id, Some(now_starred), self.now());
                self.record_outcome(workspace, &mut action, ("accepted", None), (ActionState::Done, None, None)).await
            }
            Ok(Some(_)) => {
                let text = "the thread's star is the opposite of what was asked for: somebody else switches it too";
                let reason = Some(Reason::new(ReasonCode::Ambiguous, text));
                let once_more = !action.attempts.iter().any(|attempt| attempt.outcome == OPPOSITE);
                let next = if once_more {
                    (ActionState::Retrying, Some(self.now()), reason)
                } else {
                    (ActionState::Quarantined, None, reason)
                };
                self.record_outcome(workspace, &mut action, (OPPOSITE, None), next).await
            }
            Ok(None) => self.read_back(workspace, action, None, "the answer does not say whether it is starred").await,
            Err(error) if error.certainty == WriteOutcome::NotApplied => {
                let next = self.after_rejection(workspace, &action, &error.error).await?;
                self.record_outcome(workspace, &mut action, (failure_outcome(&error.error), error.error.status()), next)
                    .await
            }
            Err(error) => self.read_back(workspace, action, error.error.status(), &error.error.to_string()).await,
        }
    }

    /// The next try begins with a read of the thread; after four unclear ones a person must look.
    async fn read_back(
        &self,
        workspace: &Workspace,
        mut action: Action,
        status: Option<u16>,
        why: &str,
    ) -> Result<(), StoreError> {
        let reason = Reason::new(ReasonCode::Ambiguous, why);
        let next = match self.schedule_retry(&action, reason.clone()) {
            (ActionState::Failed, ..) => (ActionState::Quarantined, None, Some(reason)),
            next => next,
        };
        self.record_outcome(workspace, &mut action, (UNCLEAR, status), next).await
    }
}
