//! Forwards to destinations: at least once, with an id that the receiver can recognise.

use super::Executor;
use super::attempts::AttemptEnd;
use super::pace::TooSlow;
use crate::engine::{Workspace, failpoint::mutated};
use crate::{
    model::{Action, AttemptOutcome, Payload, Reason, ReasonCode, Transition},
    store::StoreError,
};

impl Executor {
    pub(in crate::engine) async fn forward(&self, workspace: &Workspace, action: Action) -> Result<(), StoreError> {
        let Some(mut action) = self.forward_now(workspace, action).await? else { return Ok(()) };
        let (Payload::Notice(notice), Some(target)) = (&action.payload, &action.target) else {
            let reason = Reason::new(ReasonCode::Template, "there is nothing to send");
            return self.shared.transition(workspace, &mut action, Transition::failed(reason)).await;
        };
        let (notice, target) = (notice.clone(), target.clone());
        let Some(_on_its_way) = self.set_in_flight(workspace, &mut action).await? else { return Ok(()) };
        let link = self.shared.alerts.thread_link(&action.thread_id);
        let began = tokio::time::Instant::now();
        // In a dry run, destinations on this machine alone are told.
        let sent = workspace
            .destinations()
            .deliver(&target, &action.id.0, action.created_at, &notice, link.as_deref(), self.shared.now())
            .await;
        let is_slow = began.elapsed() >= workspace.destinations().slow_after();
        workspace.targets.record(&target, sent.as_ref().map(|_| ()).map_err(|_| TooSlow(is_slow)));
        match sent {
            Ok(delivered) => {
                let outcome = if self.shared.dry_run { AttemptOutcome::DryRun } else { AttemptOutcome::Accepted };
                let end = AttemptEnd { outcome, status: delivered.status };
                self.record_outcome(workspace, &mut action, end, Transition::done()).await
            }
            Err(error) if error.retry && !mutated!(self.shared, NoForwardRetry) => {
                let asked = error.retry_after.and_then(|after| self.shared.now().saturating_add(after).ok());
                let next = match self.next_try(&action) {
                    Some(due) => Transition::retry_at(asked.map_or(due, |asked| due.max(asked)), error.as_reason()),
                    None => Transition::failed(error.as_reason()),
                };
                let end = AttemptEnd { outcome: AttemptOutcome::Failed, status: error.status };
                self.record_outcome(workspace, &mut action, end, next).await
            }
            Err(error) => {
                let end = AttemptEnd { outcome: AttemptOutcome::Refused, status: error.status };
                self.record_outcome(workspace, &mut action, end, Transition::failed(error.as_reason())).await
            }
        }
    }
}
