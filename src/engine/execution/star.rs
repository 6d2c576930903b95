//! Star and unstar. The API only toggles, so a blind or repeated request would undo itself.

use super::Executor;
use super::attempts::AttemptEnd;
use crate::engine::threads::read::thread_reader;
use crate::engine::{Workspace, failpoint::mutated};
use crate::{
    coldsend::{Priority, WriteOutcome},
    model::{Action, ActionKind, AttemptOutcome, Reason, ReasonCode, Transition},
    store::StoreError,
};

impl Executor {
    /// Toggles only if the star differs. What the list showed a moment ago is enough for the first try; after an
    /// unclear one the thread is read.
    pub(in crate::engine) async fn star(&self, workspace: &Workspace, mut action: Action) -> Result<(), StoreError> {
        let wanted = action.kind == ActionKind::Star;
        let seen = match workspace.cache.star(&action.thread_id, self.shared.now()) {
            Some(starred) if action.attempts.is_empty() => Some(starred),
            _ => match thread_reader(workspace, &action.thread_id).thread(&action.thread_id, Priority::Write).await {
                Ok(thread) => {
                    workspace.read_failures.record_success(&action.thread_id, self.shared.now());
                    thread.row.is_starred
                }
                Err(error) => return self.wait_for_api(workspace, &mut action, &error).await,
            },
        };
        let Some(starred) = seen else {
            let reason = Reason::new(ReasonCode::Ambiguous, "the API does not say whether the thread is starred");
            return self.shared.transition(workspace, &mut action, Transition::quarantine(reason)).await;
        };
        if starred == wanted && !mutated!(self.shared, BlindStar) {
            return self.shared.transition(workspace, &mut action, Transition::done()).await;
        }
        let Some(_on_its_way) = self.set_in_flight(workspace, &mut action).await? else { return Ok(()) };
        if self.shared.dry_run {
            return self.record_outcome(workspace, &mut action, AttemptOutcome::DryRun, Transition::done()).await;
        }
        let result = workspace.client().toggle_star(&action.thread_id).await;
        workspace.cache.put_star(&action.thread_id, None, self.shared.now());
        match result {
            Ok(Some(now_starred)) if now_starred == wanted => {
                workspace.cache.put_star(&action.thread_id, Some(now_starred), self.shared.now());
                self.record_outcome(workspace, &mut action, AttemptOutcome::Accepted, Transition::done()).await
            }
            Ok(Some(_)) => {
                let text = "the thread's star is the opposite of what was asked for: somebody else switches it too";
                let reason = Reason::new(ReasonCode::Ambiguous, text);
                let is_first = !action.attempts.iter().any(|attempt| attempt.outcome == AttemptOutcome::Opposite);
                let next = if is_first {
                    Transition::retry_at(self.shared.now(), reason)
                } else {
                    Transition::quarantine(reason)
                };
                self.record_outcome(workspace, &mut action, AttemptOutcome::Opposite, next).await
            }
            Ok(None) => {
                let next = self.read_back(&action, "the answer does not say whether it is starred");
                self.record_outcome(workspace, &mut action, AttemptOutcome::Unclear, next).await
            }
            Err(error) => {
                let next = match error.certainty {
                    WriteOutcome::NotApplied => self.after_rejection(workspace, &action, &error.error).await?,
                    WriteOutcome::Applied | WriteOutcome::Unknown => self.read_back(&action, &error.error.to_string()),
                };
                let end = match error.certainty {
                    // It was toggled; which way is unclear all the same.
                    WriteOutcome::Applied => {
                        AttemptEnd { outcome: AttemptOutcome::Unclear, status: error.error.status() }
                    }
                    WriteOutcome::NotApplied | WriteOutcome::Unknown => AttemptEnd::from(&error),
                };
                self.record_outcome(workspace, &mut action, end, next).await
            }
        }
    }

    /// The next try begins with a read of the thread; after four unclear ones an operator must look.
    fn read_back(&self, action: &Action, why: &str) -> Transition {
        let reason = Reason::new(ReasonCode::Ambiguous, why);
        match self.next_try(action) {
            Some(due) => Transition::retry_at(due, reason),
            None => Transition::quarantine(reason),
        }
    }
}
