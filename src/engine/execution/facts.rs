//! What the store knows of a reply that is about to leave.

use super::{Executor, guard::StoreFacts};
use crate::engine::{Workspace, failpoint::mutated, threads::own_replies::body_fingerprint};
use crate::{
    model::{Action, ActionKind, ActionState, Rate, RepeatScope, address_of},
    rules::ThreadMessages,
    store::{SentFilter, StoreError},
    text::fingerprint,
};
use jiff::Timestamp;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

impl Executor {
    /// Whether the newest inbound message comes from an address that one of the workspaces sends from.
    pub(super) async fn is_from_own_sender(&self, messages: &ThreadMessages) -> Result<bool, StoreError> {
        match messages.newest_inbound().and_then(|message| address_of(message.from.as_deref()?)) {
            Some(sender) => self.shared.store.is_own_address(&sender).await,
            None => Ok(false),
        }
    }

    /// What the store knows about the reply.
    pub(super) async fn store_facts(&self, workspace: &Workspace, action: &Action) -> Result<StoreFacts, StoreError> {
        let now = self.shared.now();
        let since = |span: Duration| now.saturating_sub(span).unwrap_or(Timestamp::MIN);
        let mut counted = StoreFacts::default();
        if mutated!(self.shared, SkipStoreCheck) {
            return Ok(counted);
        }
        let all = SentFilter { kind: ActionKind::Reply, lead_email: None, rule: None };
        counted.repeat = self.repeat_used(action).await?;
        if let Some(lead) = action.lead_email.as_deref() {
            let found = self.shared.store.opt_out(&action.workspace, lead).await?;
            counted.opted_out = found.map(|opt_out| opt_out.evidence);
            let filter = SentFilter { lead_email: Some(lead), ..all };
            let window = since(workspace.safety().replies_per_lead.per);
            counted.to_lead = self.shared.store.sent_since(&action.workspace, &filter, window).await?;
        }
        counted.last_hour = self.shared.store.sent_since(&action.workspace, &all, since(HOUR)).await?;
        if let Some(Rate { per, .. }) = action.timing.limit {
            let filter = SentFilter { rule: Some(&action.rule), ..all };
            counted.by_rule = self.shared.store.sent_since(&action.workspace, &filter, since(per)).await?;
        }
        Ok(counted)
    }

    /// Whether what has left since the decision uses up the rule's `repeat`. Waiting replies do not count: of two that
    /// wait, one must go.
    async fn repeat_used(&self, action: &Action) -> Result<Option<&'static str>, StoreError> {
        let lead = action.lead_email.as_deref();
        let history = self.shared.store.history(&action.workspace, &action.thread_id, lead).await?;
        let may_have_left = |state: ActionState| {
            matches!(state, ActionState::Done | ActionState::InFlight | ActionState::Unknown | ActionState::Quarantined)
        };
        let words = body_fingerprint(&action.payload);
        let mine = history.iter().filter(|entry| {
            entry.kind == action.kind
                && (entry.rule == action.rule || words.is_some() && entry.body.as_deref().map(fingerprint) == words)
                && entry.action != action.id
                && may_have_left(entry.state)
        });
        let message_id = action.message_id.as_deref();
        let about = RepeatScope { thread_id: &action.thread_id, message_id, lead_email: lead };
        Ok(action.timing.repeat.violation(mine, about, self.shared.now()))
    }
}
