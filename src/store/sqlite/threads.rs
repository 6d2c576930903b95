//! Threads: their last decided row, and their pending row.

use super::{SqliteStore, Tx, from_json, micros, queries, timestamp, to_json};
use crate::{
    model::ThreadRow,
    store::{KnownThread, PendingThread, ReadyAt, ReadyThread, SettledThread, StoreError, WorkspaceState},
};
use jiff::Timestamp;
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};
use std::collections::{HashMap, HashSet};

impl SqliteStore {
    pub(super) async fn read_known_threads(
        &self,
        workspace: &str,
        ids: &[String],
    ) -> Result<HashMap<String, KnownThread>, StoreError> {
        let mut known = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(500) {
            let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
                "SELECT thread_id, row, pending_row, newest_inbound, inbound_seen, looked_at FROM threads
                     WHERE workspace = ",
            );
            query.push_bind(workspace).push(" AND thread_id IN (");
            let mut list = query.separated(", ");
            for id in chunk {
                list.push_bind(id);
            }
            query.push(")");
            for row in query.build().fetch_all(&self.readers).await? {
                let thread = KnownThread {
                    row: optional_row(row.try_get("row")?)?,
                    pending: optional_row(row.try_get("pending_row")?)?,
                    newest_inbound: row.try_get("newest_inbound")?,
                    inbound_seen: seen(&row)?,
                    looked_at: looked_at(&row)?,
                };
                known.insert(row.try_get("thread_id")?, thread);
            }
        }
        Ok(known)
    }

    pub(super) async fn write_known_rows(
        &self,
        workspace: &str,
        rows: &[ThreadRow],
        looked_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for row in rows {
            sqlx::query(
                "INSERT INTO threads (workspace, thread_id, row, looked_at, first_seen_at) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (workspace, thread_id) DO UPDATE SET row = excluded.row, looked_at = excluded.looked_at
                 WHERE threads.pending_row IS NULL",
            )
            .bind(workspace)
            .bind(&row.id)
            .bind(to_json(row)?)
            .bind(looked_at.map(micros))
            .bind(micros(now))
            .execute(&mut *tx)
            .await?;
        }
        self.commit(tx).await
    }

    pub(super) async fn write_pending_rows(
        &self,
        workspace: &str,
        rows: &[ThreadRow],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for row in rows {
            sqlx::query(
                "INSERT INTO threads (workspace, thread_id, pending_row, pending_since, first_seen_at)
                 VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (workspace, thread_id) DO UPDATE SET pending_row = excluded.pending_row,
                 pending_since = coalesce(threads.pending_since, excluded.pending_since),
                 pending_due = NULL, pending_failures = 0",
            )
            .bind(workspace)
            .bind(&row.id)
            .bind(to_json(row)?)
            .bind(micros(now))
            .bind(micros(now))
            .execute(&mut *tx)
            .await?;
        }
        self.commit(tx).await
    }

    pub(super) async fn read_pending_threads(
        &self,
        workspace: &str,
        limit: u32,
    ) -> Result<Vec<PendingThread>, StoreError> {
        let rows = sqlx::query(
            "SELECT row, pending_row, pending_since, newest_inbound, inbound_seen, looked_at FROM threads
             WHERE workspace = ? AND pending_since IS NOT NULL ORDER BY pending_since, thread_id LIMIT ?",
        )
        .bind(workspace)
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        let mut pending = Vec::with_capacity(rows.len());
        for row in rows {
            pending.push(pending_thread(&row)?);
        }
        Ok(pending)
    }

    pub(super) async fn read_ready_threads(
        &self,
        workspace: &str,
        ready: ReadyAt,
    ) -> Result<Vec<ReadyThread>, StoreError> {
        let find = async |query, failed: bool, limit: u32| -> Result<Vec<ReadyThread>, StoreError> {
            let query = sqlx::query(query).bind(workspace).bind(failed);
            let query = query.bind(micros(ready.now)).bind(micros(ready.latest)).bind(limit);
            query.fetch_all(&self.readers).await?.iter().map(ready_thread).collect()
        };
        let newest = find(queries::READY_NEWEST, false, ready.limit).await?;
        let oldest = find(queries::READY_OLDEST, false, ready.limit).await?;
        let mut seen = HashSet::new();
        let mut threads = Vec::with_capacity(newest.len());
        for thread in newest.into_iter().zip(oldest).flat_map(|(new, old)| [new, old]) {
            if threads.len() < ready.limit as usize && seen.insert(thread.pending.row.id.clone()) {
                threads.push(thread);
            }
        }
        threads.extend(find(queries::READY_OLDEST, true, ready.failed_limit).await?);
        Ok(threads)
    }

    pub(super) async fn write_put_off(
        &self,
        workspace: &str,
        row: &ThreadRow,
        until: Timestamp,
        failed: bool,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "UPDATE threads SET pending_due = ?1, pending_failures = pending_failures + ?2
             WHERE workspace = ?3 AND thread_id = ?4 AND pending_row = ?5",
        )
        .bind(micros(until))
        .bind(failed)
        .bind(workspace)
        .bind(&row.id)
        .bind(to_json(row)?)
        .execute(&mut *tx)
        .await?;
        self.commit(tx).await
    }

    pub(super) async fn read_pending_count(&self, workspace: &str) -> Result<(u64, Option<Timestamp>), StoreError> {
        let (count, since): (i64, Option<i64>) = sqlx::query_as(
            "SELECT count(*), min(pending_since) FROM threads WHERE workspace = ? AND pending_since IS NOT NULL",
        )
        .bind(workspace)
        .fetch_one(&self.readers)
        .await?;
        Ok((count.unsigned_abs(), since.map(timestamp).transpose()?))
    }

    pub(super) async fn read_workspace_state(&self, workspace: &str) -> Result<WorkspaceState, StoreError> {
        let text: Option<String> = sqlx::query_scalar("SELECT state FROM workspaces WHERE name = ?")
            .bind(workspace)
            .fetch_optional(&self.readers)
            .await?;
        text.map_or_else(|| Ok(WorkspaceState::default()), |text| from_json(&text))
    }

    pub(super) async fn write_workspace_state(
        &self,
        workspace: &str,
        state: &WorkspaceState,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO workspaces (name, state) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET state = excluded.state",
        )
        .bind(workspace)
        .bind(to_json(state)?)
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}

/// More ids than this of one thread are not kept; the oldest go.
const MAX_INBOUND_SEEN: usize = 500;

/// Takes the row out of the line unless a newer one of the same thread has replaced it there.
pub(super) async fn settle(
    tx: &mut Tx<'_>,
    workspace: &str,
    settled: &SettledThread,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = to_json(&settled.row)?;
    let inbound = &settled.inbound[settled.inbound.len().saturating_sub(MAX_INBOUND_SEEN)..];
    let inbound = if inbound.is_empty() { None } else { Some(to_json(&inbound)?) };
    sqlx::query(
        "INSERT INTO threads (workspace, thread_id, row, newest_inbound, inbound_seen, looked_at, first_seen_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (workspace, thread_id) DO UPDATE SET
           row = excluded.row,
           newest_inbound = coalesce(excluded.newest_inbound, threads.newest_inbound),
           inbound_seen = coalesce(excluded.inbound_seen, threads.inbound_seen),
           looked_at = excluded.looked_at,
           pending_since = CASE WHEN threads.pending_row = ?3 THEN NULL ELSE threads.pending_since END,
           pending_due = NULL,
           pending_failures = 0,
           pending_row = CASE WHEN threads.pending_row = ?3 THEN NULL ELSE threads.pending_row END",
    )
    .bind(workspace)
    .bind(&settled.row.id)
    .bind(row)
    .bind(&settled.newest_inbound)
    .bind(inbound)
    .bind(settled.looked_at.map(micros))
    .bind(micros(now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn ready_thread(row: &SqliteRow) -> Result<ReadyThread, StoreError> {
    let failures: i64 = row.try_get("pending_failures")?;
    Ok(ReadyThread { pending: pending_thread(row)?, failures: u32::try_from(failures).unwrap_or(u32::MAX) })
}

fn pending_thread(row: &SqliteRow) -> Result<PendingThread, StoreError> {
    Ok(PendingThread {
        row: from_json(row.try_get("pending_row")?)?,
        since: timestamp(row.try_get("pending_since")?)?,
        known: optional_row(row.try_get("row")?)?,
        newest_inbound: row.try_get("newest_inbound")?,
        inbound_seen: seen(row)?,
        looked_at: looked_at(row)?,
    })
}

fn optional_row(text: Option<String>) -> Result<Option<ThreadRow>, StoreError> {
    text.map(|text| from_json(&text)).transpose()
}

fn seen(row: &SqliteRow) -> Result<Vec<String>, StoreError> {
    let text: Option<String> = row.try_get("inbound_seen")?;
    text.map_or_else(|| Ok(Vec::new()), |text| from_json(&text))
}

fn looked_at(row: &SqliteRow) -> Result<Option<Timestamp>, StoreError> {
    row.try_get::<Option<i64>, _>("looked_at")?.map(timestamp).transpose()
}
