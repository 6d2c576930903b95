//! Forwards to Slack, e-mail and webhooks: at least once, with an id that the receiver can recognise.

use crate::engine::{Engine, Workspace, failpoint::Mutation};
use crate::{
    model::{Action, ActionState, Payload, Reason, ReasonCode},
    store::StoreError,
};
use std::time::Duration;

/// A delivery that fails after so long has kept all others waiting.
const SLOW_TARGET: Duration = Duration::from_secs(3);

impl Engine {
    pub(in crate::engine) async fn forward(&self, workspace: &Workspace, mut action: Action) -> Result<(), StoreError> {
        let (Payload::Notice(notice), Some(target)) = (&action.payload, &action.target) else {
            let reason = Reason::new(ReasonCode::Template, "there is nothing to send");
            return self.transition(workspace, &mut action, ActionState::Failed, None, Some(reason)).await;
        };
        let (notice, target) = (notice.clone(), target.clone());
        if !self.set_in_flight(workspace, &mut action).await? {
            return Ok(());
        }
        let done = (ActionState::Done, None, None);
        if self.dry_run {
            return self.record_outcome(workspace, &mut action, ("dry_run", None), done).await;
        }
        let link = self.thread_link(&action.thread_id);
        let began = tokio::time::Instant::now();
        let sent = workspace
            .destinations()
            .deliver(&target, &action.id.0, action.created_at, &notice, link.as_deref(), self.now())
            .await;
        workspace.record_target(&target, sent.is_err() && began.elapsed() >= SLOW_TARGET);
        match sent {
            Ok(delivered) => self.record_outcome(workspace, &mut action, ("accepted", delivered.status), done).await,
            Err(error) if error.retry && !self.is_mutated(Mutation::NoForwardRetry) => {
                let (state, due, reason) = self.schedule_retry(&action, error.as_reason());
                let asked = error.retry_after.and_then(|after| self.now().saturating_add(after).ok());
                let next = (state, due.max(asked.filter(|_| due.is_some())), reason);
                self.record_outcome(workspace, &mut action, ("failed", error.status), next).await
            }
            Err(error) => {
                let failed = (ActionState::Failed, None, Some(error.as_reason()));
                self.record_outcome(workspace, &mut action, ("refused", error.status), failed).await
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
