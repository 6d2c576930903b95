//! Threads: what is known of them, and which are in line.

use super::{KnownThread, PendingThread, ReadyAt, ReadyThread, SettledThread, StoreError, ThreadOwner, WorkspaceState};
use crate::model::ThreadRow;
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::HashMap;

/// More ids than this of one thread's inbound messages are not kept; the oldest go.
pub(crate) const MAX_INBOUND_SEEN: usize = 500;

/// What became of giving a workspace's records another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renaming {
    /// They have it.
    Done,
    /// Nothing was changed: a process still has the earlier name.
    InUse {
        /// The process.
        replica: String,
    },
}

/// What is known of threads and of polling.
#[async_trait]
pub trait ThreadStore: Send + Sync {
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
    /// stays; but a pause of the new name whose reason begins with `asked` ends, and what waited for its end is due at `now`.
    /// Nothing is changed while another process that lives runs the earlier name, or has it in its configuration.
    async fn rename_workspace(&self, from: &str, to: &str, asked: &str, now: Timestamp)
    -> Result<Renaming, StoreError>;

    /// Marks rows that differ from the known ones as pending; a newer row of a thread replaces its pending one.
    async fn queue_rows(&self, workspace: &str, rows: &[ThreadRow], now: Timestamp) -> Result<(), StoreError>;

    /// The same; with each row comes whether something else than an erased row was known of its thread when the two were
    /// compared. If the person was erased since then, the row is left out: the next comparison is with what is left.
    async fn queue_changed_rows(
        &self,
        workspace: &str,
        rows: &[(ThreadRow, bool)],
        now: Timestamp,
    ) -> Result<(), StoreError>;

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

    /// How many threads are pending, and since when the first of them.
    async fn pending_count(&self, workspace: &str) -> Result<(u64, Option<Timestamp>), StoreError>;

    /// The outgoing messages that the thread ended with when one last ended it.
    async fn last_outgoing(&self, workspace: &str, thread: &str) -> Result<Vec<String>, StoreError>;

    /// What is remembered of polling.
    async fn workspace_state(&self, workspace: &str) -> Result<WorkspaceState, StoreError>;

    /// Remembers it.
    async fn set_workspace_state(&self, workspace: &str, state: &WorkspaceState) -> Result<(), StoreError>;
}
