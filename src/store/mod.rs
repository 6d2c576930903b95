//! What survives a restart: threads, decisions, action records, opt-outs, pauses and overrides.
//!
//! One trait, so that a second database can stand behind it. Every method is one transaction: when it returns `Ok`, what
//! it wrote is on disk; when it returns an error, nothing was written.

mod read_model;
mod records;
mod sqlite;

pub use read_model::{
    ActionSummary, ActionTotal, AuditEntry, AuditFilter, Change, ChangeKind, DayCount, ModeOverride, StoreMetrics,
};
pub use records::{
    ActionCount, ActionFilter, CampaignStep, Claim, DecisionFilter, DecisionRecord, DecisionTrace, EventKind,
    EventValues, ForeignUse, IntentResult, KnownThread, Lane, OptOut, Pause, PendingThread, ReadyAt, ReadyThread,
    RecordedDecision, SentFilter, SettledThread, ThreadOwner, WorkspaceState,
};
pub use sqlite::SqliteStore;

use crate::model::{Action, ActionId, ActionState, HistoryEntry, Mode, ThreadRow};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::HashMap;

/// Why the store could not do what was asked; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error("another `reply-router run` uses the store {path}: stop it first, or give this one a store of its own")]
    InUse {
        /// The database file.
        path: String,
    },
    /// The file or its folder cannot be opened or written.
    #[error("the store {path} cannot be opened: {detail}: check that the folder exists and may be written")]
    Open {
        /// The database file.
        path: String,
        /// What the system says.
        detail: String,
    },
    /// It is no database, or a damaged one. It is never replaced by an empty one.
    #[error("the store {path} is damaged ({detail}): restore it from a backup, or move it away to start anew")]
    Corrupt {
        /// The database file.
        path: String,
        /// What the database says.
        detail: String,
    },
    /// A newer version of the program wrote it.
    #[error("the store {path} was written by a newer version of reply-router ({detail}): use that version")]
    NewerSchema {
        /// The database file.
        path: String,
        /// Which migration is unknown.
        detail: String,
    },
    /// Another living action of the same message, kind and target exists.
    #[error("another action already does this for the same message")]
    Duplicate,
    /// The record changed, or was never there.
    #[error("the action {0} does not exist, or has changed in the meantime")]
    Changed(ActionId),
    /// A stored value that this version cannot read.
    #[error("the store holds a value that cannot be read: {0}")]
    Unreadable(String),
    /// Anything else that the database says: disk full, locked, read-only, I/O.
    #[error("the store failed: {0}")]
    Database(String),
}

/// The durable memory of the service.
#[async_trait]
pub trait Store: Send + Sync {
    /// What is known of these threads; those never seen are absent.
    async fn known_threads(&self, workspace: &str, ids: &[String]) -> Result<HashMap<String, KnownThread>, StoreError>;

    /// Records rows as dealt with without acting on them: the baseline. `looked_at` is when the server listed them, by its
    /// own clock.
    async fn record_baseline(
        &self,
        workspace: &str,
        rows: &[ThreadRow],
        looked_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// How many threads the workspace has, counted up to `limit`.
    async fn count_threads(&self, workspace: &str, limit: u32) -> Result<u32, StoreError>;

    /// Every workspace that has one of these threads.
    async fn thread_owners(&self, ids: &[String]) -> Result<Vec<ThreadOwner>, StoreError>;

    /// The names under which the store has threads.
    async fn workspaces_with_threads(&self) -> Result<Vec<String>, StoreError>;

    /// Gives all that the store has under one name to another, in one transaction. Where both have the same, the new name's
    /// stays.
    async fn rename_workspace(&self, from: &str, to: &str) -> Result<(), StoreError>;

    /// Marks rows that differ from the known ones as pending; a newer row of a thread replaces its pending one.
    async fn queue_rows(&self, workspace: &str, rows: &[ThreadRow], now: Timestamp) -> Result<(), StoreError>;

    /// Pending rows, oldest first, at most `limit`.
    async fn pending_threads(&self, workspace: &str, limit: u32) -> Result<Vec<PendingThread>, StoreError>;

    /// Pending rows that are ready to be evaluated. Those that could not be read before come after all others; among the
    /// others, the one that came last and the one that waits longest take turns, so that neither a new message waits for
    /// a backlog nor an old one for ever.
    async fn ready_threads(&self, workspace: &str, ready: ReadyAt) -> Result<Vec<ReadyThread>, StoreError>;

    /// Defers a pending row until `until`; `failed` if it could not be read. A row that has replaced it
    /// meanwhile is not deferred.
    async fn put_off(&self, workspace: &str, row: &ThreadRow, until: Timestamp, failed: bool)
    -> Result<(), StoreError>;

    /// Notes a pending row as dealt with although no event came of it.
    async fn settle_thread(&self, workspace: &str, settled: &SettledThread) -> Result<(), StoreError>;

    /// Writes a decision, its actions, the opt-out it found and the thread's state, all or nothing.
    ///
    /// An action that a living one of the same message, kind and target forbids is written as suppressed; one in a thread
    /// that another workspace owns (`settled.claim`) is written as held. Open actions of older messages
    /// are cancelled. Both come back as they were written.
    async fn record_decision(
        &self,
        decision: &DecisionRecord,
        actions: Vec<Action>,
        opt_out: Option<&OptOut>,
        settled: &SettledThread,
    ) -> Result<RecordedDecision, StoreError>;

    /// One decision.
    async fn decision(&self, id: &str) -> Result<Option<DecisionRecord>, StoreError>;

    /// Decisions, newest first.
    async fn decisions(&self, filter: &DecisionFilter) -> Result<Vec<DecisionRecord>, StoreError>;

    /// The newest decisions made since then whose threads the service is done with and that an operator still has to look
    /// at: a wanted reply that policy stopped, a thread left unread, a lead who opted out. Newest first, older than `before`.
    async fn left_for_people(
        &self,
        since: Timestamp,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DecisionRecord>, StoreError>;

    /// How many there are.
    async fn left_count(&self, since: Timestamp) -> Result<u64, StoreError>;

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
    ) -> Result<Vec<Action>, StoreError>;

    /// When the next action of the workspace is due.
    async fn next_due(&self, workspace: &str) -> Result<Option<Timestamp>, StoreError>;

    /// Writes the action if its stored version is still `action.version`, and counts the version up in both.
    ///
    /// When it settles, the `mark_read` that waits for it becomes due.
    async fn update_action(&self, action: &mut Action) -> Result<(), StoreError>;

    /// Writes the action as it is about to leave, as [`Store::update_action`] does, unless its workspace is paused or, for
    /// a reply, its lead opted out: what is asked and what is written are one transaction, so that nothing which begins
    /// after a pause or an opt-out is on disk can leave.
    async fn write_intent(&self, action: &mut Action) -> Result<IntentResult, StoreError>;

    /// Makes every action that waits for one of these reasons due at `now`; returns how many.
    async fn wake(&self, workspace: Option<&str>, reason: &str, now: Timestamp) -> Result<u64, StoreError>;

    /// Living and past actions in the thread or for the lead that count against `repeat`, newest first.
    async fn history(
        &self,
        workspace: &str,
        thread_id: &str,
        lead_email: Option<&str>,
    ) -> Result<Vec<HistoryEntry>, StoreError>;

    /// When the counted actions left, oldest first.
    async fn sent_since(
        &self,
        workspace: &str,
        filter: &SentFilter<'_>,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError>;

    /// How many actions are in each state, of one workspace or of all.
    async fn queue_counts(&self, workspace: Option<&str>) -> Result<HashMap<ActionState, u64>, StoreError>;

    /// How often each rule matched since then.
    async fn match_counts(&self, since: Option<Timestamp>) -> Result<HashMap<String, u64>, StoreError>;

    /// When each rule last matched.
    async fn last_matches(&self) -> Result<HashMap<String, Timestamp>, StoreError>;

    /// Actions by rule, state and reason, decided since then.
    async fn action_counts(&self, since: Option<Timestamp>) -> Result<Vec<ActionCount>, StoreError>;

    /// How each rule fared on each day since then; days without a match are absent. The first day counts from its hour on.
    async fn day_counts(&self, since: Timestamp) -> Result<Vec<DayCount>, StoreError>;

    /// All actions, counted by workspace, rule, kind, state and reason.
    async fn action_totals(&self) -> Result<Vec<ActionTotal>, StoreError>;

    /// How many threads are pending, and since when the first of them.
    async fn pending_count(&self, workspace: &str) -> Result<(u64, Option<Timestamp>), StoreError>;

    /// What happened after this number, in order, at most `limit`. The oldest are forgotten.
    async fn changes(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreError>;

    /// The numbers of the oldest and the newest change that are remembered; `None` if nothing happened yet.
    async fn change_range(&self) -> Result<Option<(i64, i64)>, StoreError>;

    /// Records what an operator changed.
    async fn add_audit(&self, entry: &AuditEntry) -> Result<(), StoreError>;

    /// What people changed, newest first.
    async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError>;

    /// The store's own health.
    async fn metrics(&self) -> Result<StoreMetrics, StoreError>;

    /// Remembers that a lead wants no more mail; an earlier entry stays.
    async fn add_opt_out(&self, opt_out: &OptOut) -> Result<(), StoreError>;

    /// Forgets it; whether there was one.
    async fn remove_opt_out(&self, workspace: Option<&str>, email: &str) -> Result<bool, StoreError>;

    /// The lead's opt-out, if there is one.
    async fn opt_out(&self, workspace: &str, email: &str) -> Result<Option<OptOut>, StoreError>;

    /// All opt-outs, newest first, after the one of `after`.
    async fn opt_outs(&self, workspace: Option<&str>, offset: u32, limit: u32) -> Result<Vec<OptOut>, StoreError>;

    /// Remembers addresses that the workspaces themselves send from, in lower case.
    async fn add_own_addresses(&self, addresses: &[String]) -> Result<(), StoreError>;

    /// Whether one of the workspaces sends from this address.
    async fn is_own_address(&self, address: &str) -> Result<bool, StoreError>;

    /// The workspaces on whose account another service was seen.
    async fn foreign_uses(&self) -> Result<Vec<ForeignUse>, StoreError>;

    /// Remembers that another service was seen; an earlier entry stays. Whether it is news.
    async fn add_foreign_use(&self, found: &ForeignUse) -> Result<bool, StoreError>;

    /// Forgets it for a workspace or, with `None`, for all, and makes the replies that were held for it due at `now`.
    async fn clear_foreign_use(&self, workspace: Option<&str>, now: Timestamp) -> Result<(), StoreError>;

    /// Remembers what a campaign sent before a lead wrote; the oldest are forgotten.
    async fn add_campaign_steps(
        &self,
        workspace: &str,
        steps: &[CampaignStep],
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// What campaigns sent before leads wrote, newest first.
    async fn campaign_steps(&self, workspace: &str) -> Result<Vec<CampaignStep>, StoreError>;

    /// Remembers the outgoing messages that a thread ends with.
    async fn record_last_outgoing(&self, workspace: &str, thread: &str, messages: &[String]) -> Result<(), StoreError>;

    /// The outgoing messages that the thread ended with when one last ended it.
    async fn last_outgoing(&self, workspace: &str, thread: &str) -> Result<Vec<String>, StoreError>;

    /// What is remembered of polling.
    async fn workspace_state(&self, workspace: &str) -> Result<WorkspaceState, StoreError>;

    /// Remembers it.
    async fn set_workspace_state(&self, workspace: &str, state: &WorkspaceState) -> Result<(), StoreError>;

    /// The modes that people lowered rules to.
    async fn override_modes(&self) -> Result<HashMap<String, Mode>, StoreError>;

    /// The same, with since when and by whom.
    async fn mode_overrides(&self) -> Result<Vec<ModeOverride>, StoreError>;

    /// Lowers a rule, or clears that, and keeps who did it.
    async fn set_rule_mode(&self, rule: &str, mode: Option<Mode>, by: &str, now: Timestamp) -> Result<(), StoreError>;

    /// What is paused.
    async fn pauses(&self) -> Result<Vec<Pause>, StoreError>;

    /// Pauses a workspace, or everything with `None`; an earlier pause stays as it is. `by` is whoever did it, if it was
    /// not the service itself.
    async fn pause(
        &self,
        workspace: Option<&str>,
        reason: &str,
        by: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Ends the pause of a workspace, or every pause with `None`: that of everything and that of each workspace. A pause of
    /// everything outlasts the resumption of a single workspace.
    async fn resume(&self, workspace: Option<&str>) -> Result<(), StoreError>;
}
