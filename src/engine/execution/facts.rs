//! What the store knows of a reply that is about to leave.

use super::{
    Executor,
    guard::{StoreFacts, hourly},
};
use crate::engine::{Workspace, failpoint::mutated, threads::own_replies::body_fingerprint};
use crate::{
    model::{Action, ActionState, HistoryEntry, Rate, RepeatScope, address_of},
    rules::{ThreadMessages, words_of},
    store::{ReplyQuestion, SentWindow, StoreError},
};
use jiff::Timestamp;

impl Executor {
    /// Whether the newest inbound message comes from an address that one of the workspaces sends from.
    pub(super) async fn is_from_own_sender(&self, messages: &ThreadMessages) -> Result<bool, StoreError> {
        match messages.newest_inbound().and_then(|message| address_of(message.from.as_deref()?)) {
            Some(sender) => self.shared.store.is_own_address(&sender).await,
            None => Ok(false),
        }
    }

    /// What the store knows about the reply. The workspace's replies are counted unless `has_room` says that they need not
    /// be.
    pub(super) async fn store_facts(
        &self,
        workspace: &Workspace,
        action: &Action,
        has_room: bool,
    ) -> Result<StoreFacts, StoreError> {
        let now = self.shared.now();
        if mutated!(self.shared, SkipStoreCheck) {
            return Ok(StoreFacts::default());
        }
        let window = |rate: Rate| SentWindow {
            since: now.saturating_sub(rate.per).unwrap_or(Timestamp::MIN),
            newest: rate.count,
        };
        let question = ReplyQuestion {
            workspace: action.workspace.clone(),
            thread_id: action.thread_id.clone(),
            lead_email: action.lead_email.clone(),
            opt_outs: workspace.safety().opt_outs,
            rule: action.rule.clone(),
            to_lead: window(workspace.safety().replies_per_lead),
            of_workspace: (!has_room).then(|| window(hourly(workspace.safety()))),
            by_rule: action.timing.limit.map(window),
        };
        let found = self.shared.store.reply_facts(&question).await?;
        Ok(StoreFacts {
            foreign_use: found.foreign_use,
            repeat: self.repeat_used(action, &found.lead.history),
            opted_out: found.lead.opt_out.map(|opt_out| opt_out.evidence),
            to_lead: found.to_lead,
            last_hour: found.of_workspace,
            by_rule: found.by_rule,
        })
    }

    /// Whether what has left since the decision uses up the rule's `repeat`. Waiting replies do not count: of two that
    /// wait, one must go.
    fn repeat_used(&self, action: &Action, history: &[HistoryEntry]) -> Option<&'static str> {
        let lead = action.lead_email.as_deref();
        let may_have_left = |state: ActionState| {
            matches!(state, ActionState::Done | ActionState::InFlight | ActionState::Unknown | ActionState::Quarantined)
        };
        let words = body_fingerprint(&action.payload);
        let mine = history.iter().filter(|entry| {
            entry.kind == action.kind
                && (entry.rule == action.rule || words.is_some() && words_of(entry) == words)
                && entry.action != action.id
                && may_have_left(entry.state)
        });
        let message_id = action.message_id.as_deref();
        let about = RepeatScope { thread_id: &action.thread_id, message_id, lead_email: lead };
        action.timing.repeat.violation(mine, about, self.shared.now())
    }
}
