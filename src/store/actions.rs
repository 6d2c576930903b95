//! Action records.

use super::{
    ActionFilter, ActionSummary, ActionUnderControl, DueAction, IntentResult, Lane, LeadFacts, ReplyFacts,
    ReplyQuestion, SentFilter, SentWindow, StoreError,
};
use crate::model::{Action, ActionId, OptOutScope};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::HashMap;

/// What is to be done, is done, and was done.
#[async_trait]
pub trait ActionStore: Send + Sync {
    /// One action.
    async fn action(&self, id: &ActionId) -> Result<Option<Action>, StoreError>;

    /// Actions, newest first.
    async fn actions(&self, filter: &ActionFilter) -> Result<Vec<Action>, StoreError>;

    /// The actions of these decisions without what they send, in the order of their planning.
    async fn actions_by_decision(
        &self,
        decisions: &[String],
    ) -> Result<HashMap<String, Vec<ActionSummary>>, StoreError>;

    /// The other actions of the same inbound message.
    async fn siblings(&self, action: &Action) -> Result<Vec<Action>, StoreError>;

    /// Actions of one lane that are due, replies first, then others, last what could not be reached or is only looked for,
    /// each by due time, at most `limit`. Those to a destination in `except` are left out.
    async fn due_actions(
        &self,
        workspace: &str,
        lane: Lane,
        now: Timestamp,
        except: &[String],
        limit: u32,
    ) -> Result<Vec<DueAction>, StoreError>;

    /// One action, and what stands in its way, as of one moment.
    async fn action_under_control(&self, id: &ActionId) -> Result<Option<ActionUnderControl>, StoreError>;

    /// When the next action of the workspace is due.
    async fn next_due(&self, workspace: &str) -> Result<Option<Timestamp>, StoreError>;

    /// Writes the action if its stored version is still `action.version`, and counts the version up in both. What it sends
    /// stays as it was written.
    ///
    /// When it settles, the `mark_read` that waits for it becomes due.
    async fn update_action(&self, action: &mut Action) -> Result<(), StoreError>;

    /// The same, by the holder of its workspace's lease alone: for what a process that is gone left in flight. Whoever holds
    /// the lease may have the action in flight itself.
    async fn recover_action(&self, action: &mut Action) -> Result<(), StoreError>;

    /// The same with what it sends: a person edited it.
    async fn update_edited_action(&self, action: &mut Action) -> Result<(), StoreError>;

    /// Writes the action as it is about to leave, as [`ActionStore::update_action`] does, unless its workspace is paused or, for
    /// a reply, its lead opted out: what is asked and what is written are one transaction, so that nothing which begins
    /// after a pause or an opt-out is on disk can leave.
    async fn write_intent(&self, action: &mut Action, opt_outs: OptOutScope) -> Result<IntentResult, StoreError>;

    /// What is known of the lead, and of what was done in the thread.
    async fn lead_facts(
        &self,
        workspace: &str,
        thread_id: &str,
        lead_email: Option<&str>,
        opt_outs: OptOutScope,
    ) -> Result<LeadFacts, StoreError>;

    /// What is left of the thread's replies whose decisions were removed, newest first: they have no text, and are known among
    /// messages by the fingerprints of their tries.
    async fn kept_replies(&self, workspace: &str, thread_id: &str) -> Result<Vec<Action>, StoreError>;

    /// What is known of a reply that is about to leave.
    async fn reply_facts(&self, question: &ReplyQuestion) -> Result<ReplyFacts, StoreError>;

    /// When the counted actions left, oldest first. Of all rules and leads, only replies are counted.
    async fn sent_since(
        &self,
        workspace: &str,
        filter: &SentFilter<'_>,
        window: SentWindow,
    ) -> Result<Vec<Timestamp>, StoreError>;
}
