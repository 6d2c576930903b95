//! The store in one SQLite file: write-ahead log, every commit synced, one writer.
//!
//! `synchronous=FULL` because an intent that a power cut takes back could send a reply twice; a synced commit costs about
//! a tenth of a millisecond on an ordinary disk.

mod account;
mod actions;
mod audit;
mod changes;
mod controls;
mod counts;
mod decisions;
mod identity;
mod left;
mod open;
mod private;
mod queries;
mod sidecar;
mod threads;

use super::{
    ActionCount, ActionFilter, ActionSummary, ActionTotal, AuditEntry, AuditFilter, CampaignStep, Change, DayCount,
    DecisionFilter, DecisionRecord, ForeignUse, IntentResult, KnownThread, Lane, ModeOverride, OptOut, Pause,
    PendingThread, ReadyAt, ReadyThread, RecordedDecision, SentFilter, SettledThread, Store, StoreError, StoreMetrics,
    ThreadOwner, WorkspaceState,
};
use crate::model::{Action, ActionId, ActionState, Histogram, HistoryEntry, Mode, ThreadRow};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Sqlite, SqlitePool, Transaction};
use std::{collections::HashMap, time::Duration};

/// A store in an SQLite file, or in memory for a dry run.
#[derive(Debug)]
pub struct SqliteStore {
    /// One connection: transactions never wait for each other inside the process.
    writer: SqlitePool,
    /// Readers do not wait for the writer; in memory it is the same pool.
    readers: SqlitePool,
    /// Beside the file and locked for the life of the store; the kernel lets go of it when the process dies.
    mark: sidecar::Sidecar,
    /// How long commits take.
    commits: Histogram,
}

/// The classes that commits are counted in. Each is a write that the disk has confirmed, and nothing leaves before its
/// intent is one.
const COMMITS: [Duration; 9] = [
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_millis(2_500),
];

/// How many connections may fail in a row before a transaction fails.
const NEW_CONNECTIONS: u32 = 5;

type Tx<'a> = Transaction<'a, Sqlite>;

impl SqliteStore {
    async fn begin(&self) -> Result<Tx<'static>, StoreError> {
        for _ in 0..NEW_CONNECTIONS {
            match self.writer.begin_with("BEGIN IMMEDIATE").await {
                // A full disk makes the database roll back by itself. The connection still counts a transaction, which it
                // cannot end, and would begin no other for ever: another connection takes its place. Who waits for it
                // may meet the same before this one begins.
                Err(sqlx::Error::InvalidSavePointStatement) => self.writer.acquire().await?.close().await?,
                begun => return Ok(begun?),
            }
        }
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Makes what was written durable, and notes how long that took.
    async fn commit(&self, tx: Tx<'_>) -> Result<(), StoreError> {
        let began = std::time::Instant::now();
        tx.commit().await?;
        self.commits.observe(began.elapsed());
        Ok(())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(inner) = &error
            && inner.is_unique_violation()
        {
            return Self::Duplicate;
        }
        Self::Database(error.to_string())
    }
}

fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

fn timestamp(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|error| StoreError::Unreadable(error.to_string()))
}

fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unreadable(error.to_string()))
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Unreadable(error.to_string()))
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T, StoreError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| StoreError::Unreadable(error.to_string()))
}

#[async_trait]
impl Store for SqliteStore {
    async fn known_threads(&self, workspace: &str, ids: &[String]) -> Result<HashMap<String, KnownThread>, StoreError> {
        self.read_known_threads(workspace, ids).await
    }

    async fn record_baseline(
        &self,
        workspace: &str,
        rows: &[ThreadRow],
        looked_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_known_rows(workspace, rows, looked_at, now).await
    }

    async fn count_threads(&self, workspace: &str, limit: u32) -> Result<u32, StoreError> {
        self.read_thread_count(workspace, limit).await
    }

    async fn thread_owners(&self, ids: &[String]) -> Result<Vec<ThreadOwner>, StoreError> {
        self.read_thread_owners(ids).await
    }

    async fn workspaces_with_threads(&self) -> Result<Vec<String>, StoreError> {
        self.read_workspaces_with_threads().await
    }

    async fn rename_workspace(&self, from: &str, to: &str) -> Result<(), StoreError> {
        self.write_workspace_name(from, to).await
    }

    async fn queue_rows(&self, workspace: &str, rows: &[ThreadRow], now: Timestamp) -> Result<(), StoreError> {
        self.write_pending_rows(workspace, rows, now).await
    }

    async fn pending_threads(&self, workspace: &str, limit: u32) -> Result<Vec<PendingThread>, StoreError> {
        self.read_pending_threads(workspace, limit).await
    }

    async fn ready_threads(&self, workspace: &str, ready: ReadyAt) -> Result<Vec<ReadyThread>, StoreError> {
        self.read_ready_threads(workspace, ready).await
    }

    async fn put_off(
        &self,
        workspace: &str,
        row: &ThreadRow,
        until: Timestamp,
        failed: bool,
    ) -> Result<(), StoreError> {
        self.write_put_off(workspace, row, until, failed).await
    }

    async fn settle_thread(&self, workspace: &str, settled: &SettledThread) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        threads::settle(&mut tx, workspace, settled, Timestamp::UNIX_EPOCH).await?;
        self.commit(tx).await
    }

    async fn record_decision(
        &self,
        decision: &DecisionRecord,
        actions: Vec<Action>,
        opt_out: Option<&OptOut>,
        settled: &SettledThread,
    ) -> Result<RecordedDecision, StoreError> {
        self.write_decision(decision, actions, opt_out, settled).await
    }

    async fn decision(&self, id: &str) -> Result<Option<DecisionRecord>, StoreError> {
        self.read_decision(id).await
    }

    async fn decisions(&self, filter: &DecisionFilter) -> Result<Vec<DecisionRecord>, StoreError> {
        self.read_decisions(filter).await
    }

    async fn left_for_people(
        &self,
        since: Timestamp,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DecisionRecord>, StoreError> {
        self.read_left(since, before, limit).await
    }

    async fn left_count(&self, since: Timestamp) -> Result<u64, StoreError> {
        self.count_left(since).await
    }

    async fn action(&self, id: &ActionId) -> Result<Option<Action>, StoreError> {
        self.read_action(id).await
    }

    async fn actions(&self, filter: &ActionFilter) -> Result<Vec<Action>, StoreError> {
        self.read_actions(filter).await
    }

    async fn actions_by_decision(
        &self,
        decisions: &[String],
    ) -> Result<HashMap<String, Vec<ActionSummary>>, StoreError> {
        self.read_actions_of(decisions).await
    }

    async fn siblings(&self, action: &Action) -> Result<Vec<Action>, StoreError> {
        self.read_siblings(action).await
    }

    async fn due_actions(
        &self,
        workspace: &str,
        lane: Lane,
        now: Timestamp,
        except: &[String],
        limit: u32,
    ) -> Result<Vec<Action>, StoreError> {
        self.read_due_actions(workspace, lane, now, except, limit).await
    }

    async fn next_due(&self, workspace: &str) -> Result<Option<Timestamp>, StoreError> {
        self.read_next_due(workspace).await
    }

    async fn update_action(&self, action: &mut Action) -> Result<(), StoreError> {
        self.write_action(action).await
    }

    async fn write_intent(&self, action: &mut Action) -> Result<IntentResult, StoreError> {
        self.write_intent_of(action).await
    }

    async fn wake(&self, workspace: Option<&str>, reason: &str, now: Timestamp) -> Result<u64, StoreError> {
        self.wake_actions(workspace, reason, now).await
    }

    async fn history(
        &self,
        workspace: &str,
        thread_id: &str,
        lead_email: Option<&str>,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        self.read_history(workspace, thread_id, lead_email).await
    }

    async fn sent_since(
        &self,
        workspace: &str,
        filter: &SentFilter<'_>,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError> {
        self.read_sent_since(workspace, filter, since).await
    }

    async fn queue_counts(&self, workspace: Option<&str>) -> Result<HashMap<ActionState, u64>, StoreError> {
        self.read_queue(workspace).await
    }

    async fn match_counts(&self, since: Option<Timestamp>) -> Result<HashMap<String, u64>, StoreError> {
        self.read_match_counts(since).await
    }

    async fn last_matches(&self) -> Result<HashMap<String, Timestamp>, StoreError> {
        self.read_last_matches().await
    }

    async fn action_counts(&self, since: Option<Timestamp>) -> Result<Vec<ActionCount>, StoreError> {
        self.read_action_counts(since).await
    }

    async fn day_counts(&self, since: Timestamp) -> Result<Vec<DayCount>, StoreError> {
        self.read_day_counts(since).await
    }

    async fn action_totals(&self) -> Result<Vec<ActionTotal>, StoreError> {
        self.read_action_totals().await
    }

    async fn pending_count(&self, workspace: &str) -> Result<(u64, Option<Timestamp>), StoreError> {
        self.read_pending_count(workspace).await
    }

    async fn changes(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.read_changes(after, limit).await
    }

    async fn change_range(&self) -> Result<Option<(i64, i64)>, StoreError> {
        self.read_change_range().await
    }

    async fn add_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.write_audit(entry).await
    }

    async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
        self.read_audit(filter).await
    }

    async fn metrics(&self) -> Result<StoreMetrics, StoreError> {
        let bytes: i64 =
            sqlx::query_scalar("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
                .fetch_one(&self.readers)
                .await?;
        Ok(StoreMetrics { bytes: bytes.unsigned_abs(), commits: self.commits.snapshot() })
    }

    async fn add_opt_out(&self, opt_out: &OptOut) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        controls::insert_opt_out(&mut tx, opt_out).await?;
        self.commit(tx).await
    }

    async fn remove_opt_out(&self, workspace: Option<&str>, email: &str) -> Result<bool, StoreError> {
        self.delete_opt_out(workspace, email).await
    }

    async fn opt_out(&self, workspace: &str, email: &str) -> Result<Option<OptOut>, StoreError> {
        self.read_opt_out(workspace, email).await
    }

    async fn opt_outs(&self, workspace: Option<&str>, offset: u32, limit: u32) -> Result<Vec<OptOut>, StoreError> {
        self.read_opt_outs(workspace, offset, limit).await
    }

    async fn add_own_addresses(&self, addresses: &[String]) -> Result<(), StoreError> {
        self.insert_own_addresses(addresses).await
    }

    async fn is_own_address(&self, address: &str) -> Result<bool, StoreError> {
        self.read_is_own_address(address).await
    }

    async fn foreign_uses(&self) -> Result<Vec<ForeignUse>, StoreError> {
        self.read_foreign_uses().await
    }

    async fn add_foreign_use(&self, found: &ForeignUse) -> Result<bool, StoreError> {
        self.insert_foreign_use(found).await
    }

    async fn clear_foreign_use(&self, workspace: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
        self.delete_foreign_use(workspace, now).await
    }

    async fn add_campaign_steps(
        &self,
        workspace: &str,
        steps: &[CampaignStep],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.insert_campaign_steps(workspace, steps, now).await
    }

    async fn campaign_steps(&self, workspace: &str) -> Result<Vec<CampaignStep>, StoreError> {
        self.read_campaign_steps(workspace).await
    }

    async fn record_last_outgoing(&self, workspace: &str, thread: &str, messages: &[String]) -> Result<(), StoreError> {
        self.write_last_outgoing(workspace, thread, messages).await
    }

    async fn last_outgoing(&self, workspace: &str, thread: &str) -> Result<Vec<String>, StoreError> {
        self.read_last_outgoing(workspace, thread).await
    }

    async fn workspace_state(&self, workspace: &str) -> Result<WorkspaceState, StoreError> {
        self.read_workspace_state(workspace).await
    }

    async fn set_workspace_state(&self, workspace: &str, state: &WorkspaceState) -> Result<(), StoreError> {
        self.write_workspace_state(workspace, state).await
    }

    async fn override_modes(&self) -> Result<HashMap<String, Mode>, StoreError> {
        self.read_rule_modes().await
    }

    async fn mode_overrides(&self) -> Result<Vec<ModeOverride>, StoreError> {
        self.read_rule_switches().await
    }

    async fn set_rule_mode(&self, rule: &str, mode: Option<Mode>, by: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write_rule_mode(rule, mode, by, now).await
    }

    async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        self.read_pauses().await
    }

    async fn pause(
        &self,
        workspace: Option<&str>,
        reason: &str,
        by: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_pause(workspace, reason, by, now).await
    }

    async fn resume(&self, workspace: Option<&str>) -> Result<(), StoreError> {
        self.delete_pause(workspace).await
    }
}
