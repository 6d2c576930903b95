//! Forwards to Slack, e-mail and webhooks: at least once, with an id that the receiver can recognise.

use super::{Engine, Workspace, probe::Bug};
use crate::{
    model::{Action, ActionState, Payload, Rate, Reason, ReasonCode},
    store::{SentFilter, StoreError},
};
use jiff::Timestamp;

impl Engine {
    pub(super) async fn forward(&self, workspace: &Workspace, mut action: Action) -> Result<(), StoreError> {
        let (Payload::Notice(notice), Some(target)) = (&action.payload, &action.target) else {
            let reason = Reason::new(ReasonCode::Template, "there is nothing to send");
            return self.change(workspace, &mut action, ActionState::Failed, None, Some(reason)).await;
        };
        let (notice, target) = (notice.clone(), target.clone());
        if let Some((until, reason)) = self.limit_reached(&action).await? {
            return self.change(workspace, &mut action, ActionState::Waiting, Some(until), Some(reason)).await;
        }
        if !self.set_in_flight(workspace, &mut action).await? {
            return Ok(());
        }
        let done = (ActionState::Done, None, None);
        if self.dry_run {
            return self.record_outcome(workspace, &mut action, ("dry_run", None), done).await;
        }
        let link = self.thread_link(&action.thread_id);
        let sent = self
            .destinations
            .deliver(&target, &action.id.0, action.created_at, &notice, link.as_deref(), self.now())
            .await;
        match sent {
            Ok(delivered) => self.record_outcome(workspace, &mut action, ("accepted", delivered.status), done).await,
            Err(error) if error.retry && !self.makes(Bug::ForwardOnce) => {
                let (state, due, reason) = self.next_try(&action, error.as_reason());
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
    pub(super) fn thread_link(&self, thread_id: &str) -> Option<String> {
        let base = self.public_url.as_deref()?.trim_end_matches('/');
        let mut url = url::Url::parse(base).ok()?;
        url.path_segments_mut().ok()?.pop_if_empty().extend(["threads", thread_id]);
        Some(url.to_string())
    }

    /// The action's own `limit`, over all leads.
    async fn limit_reached(&self, action: &Action) -> Result<Option<(Timestamp, Reason)>, StoreError> {
        let Some(limit @ Rate { per, count }) = action.timing.limit else { return Ok(None) };
        let since = self.now().saturating_sub(per).unwrap_or(Timestamp::MIN);
        let filter = SentFilter { kind: action.kind, lead_email: None, rule: Some(&action.rule) };
        let times = self.store.sent_since(&action.workspace, &filter, since).await?;
        let Some(blocking) = times.len().checked_sub(usize::try_from(count).unwrap_or(usize::MAX)) else {
            return Ok(None);
        };
        let until = times.get(blocking).map(|at| at.saturating_add(per).unwrap_or(*at));
        Ok(until
            .map(|until| (until, Reason::new(ReasonCode::Limit, format!("the rule's limit of {limit} is used up")))))
    }
}
