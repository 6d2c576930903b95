//! Forwards to Slack, e-mail and webhooks: at least once, with an id that the receiver can recognise.

use super::attempts::AttemptEnd;
use crate::engine::{Engine, Workspace, failpoint::Mutation};
use crate::{
    model::{Action, AttemptOutcome, Payload, Reason, ReasonCode, Transition},
    store::StoreError,
};
use std::time::Duration;

/// A delivery that fails after so long has kept all others waiting.
const SLOW_TARGET: Duration = Duration::from_secs(3);

impl Engine {
    pub(in crate::engine) async fn forward(&self, workspace: &Workspace, mut action: Action) -> Result<(), StoreError> {
        let (Payload::Notice(notice), Some(target)) = (&action.payload, &action.target) else {
            let reason = Reason::new(ReasonCode::Template, "there is nothing to send");
            return self.transition(workspace, &mut action, Transition::failed(reason)).await;
        };
        let (notice, target) = (notice.clone(), target.clone());
        if !self.set_in_flight(workspace, &mut action).await? {
            return Ok(());
        }
        if self.dry_run {
            return self.record_outcome(workspace, &mut action, AttemptOutcome::DryRun, Transition::done()).await;
        }
        let link = self.thread_link(&action.thread_id);
        let began = tokio::time::Instant::now();
        let sent = workspace
            .destinations()
            .deliver(&target, &action.id.0, action.created_at, &notice, link.as_deref(), self.now())
            .await;
        workspace.record_target(&target, sent.is_err() && began.elapsed() >= SLOW_TARGET);
        match sent {
            Ok(delivered) => {
                let end = AttemptEnd { outcome: AttemptOutcome::Accepted, status: delivered.status };
                self.record_outcome(workspace, &mut action, end, Transition::done()).await
            }
            Err(error) if error.retry && !self.is_mutated(Mutation::NoForwardRetry) => {
                let asked = error.retry_after.and_then(|after| self.now().saturating_add(after).ok());
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

    /// The page of the thread, where the pages have an address that others can reach.
    pub(in crate::engine) fn thread_link(&self, thread_id: &str) -> Option<String> {
        let base = self.public_url.as_deref()?.trim_end_matches('/');
        let mut url = url::Url::parse(base).ok()?;
        url.path_segments_mut().ok()?.pop_if_empty().extend(["threads", thread_id]);
        Some(url.to_string())
    }
}
