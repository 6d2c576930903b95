//! Threads: their last decided row, and their pending row.

use super::{
    SqlStore,
    codec::{from_json, list_from_json, micros, optional_timestamp, timestamp, to_json},
    connection::{Connection, Row, params},
    known_rows::{known_json, known_row},
    names::find_workspace,
    session::Session,
    settling::{ERASED, Settling, set_lead},
};
use crate::{
    model::ThreadRow,
    store::{
        KnownThread, PendingThread, ReadyAt, ReadyThread, Renaming, SettledThread, StoreError, ThreadOwner,
        ThreadStore, WorkspaceState,
    },
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};

/// A thread that is only named by a decision has no row at all.
pub(super) const KNOWN: &str =
    "SELECT thread_id, row, pending_row, newest_inbound, inbound_seen, looked_at FROM threads
     WHERE workspace = (SELECT id FROM workspaces WHERE name = ?1) AND thread_id IN (SELECT value FROM json_each(?2))
     AND (row IS NOT NULL OR pending_row IS NOT NULL)";

const QUEUE: &str = "INSERT INTO threads (workspace, thread_id, pending_row, pending_since, first_seen_at, lead)
     VALUES (?1, ?2, ?3, ?4, ?4, ?5)
     ON CONFLICT (thread_id, workspace) DO UPDATE SET pending_row = excluded.pending_row,
     pending_since = coalesce(threads.pending_since, excluded.pending_since), pending_due = NULL, pending_failures = 0
     WHERE NOT ?6 OR threads.row IS NULL OR threads.row NOT LIKE ?7 ESCAPE '!'
     RETURNING id, lead";

/// A row that was erased stays so.
const BASELINE: &str =
    "INSERT INTO threads (workspace, thread_id, row, looked_at, first_seen_at, lead) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
     ON CONFLICT (thread_id, workspace) DO UPDATE SET
       row = CASE WHEN threads.row LIKE ?7 ESCAPE '!' THEN ?8 ELSE excluded.row END, looked_at = excluded.looked_at
     WHERE threads.pending_row IS NULL
     RETURNING id, lead, row = ?8";

/// The number of a workspace in which something is pending; of an idle one nothing else is asked.
pub(super) const HAS_PENDING: &str = "SELECT workspace FROM threads INDEXED BY threads_ready
     WHERE workspace = (SELECT id FROM workspaces WHERE name = ?1) AND pending_since IS NOT NULL LIMIT 1";
/// Threads that are ready to be evaluated, longest waiting first.
pub(super) const READY_OLDEST: &str =
    "SELECT row, pending_row, newest_inbound, inbound_seen, looked_at, pending_since, pending_failures
     FROM threads INDEXED BY threads_ready
     WHERE workspace = ?1 AND pending_since IS NOT NULL AND (pending_failures > 0) = ?2
     AND (coalesce(pending_due, pending_since) <= ?3 OR coalesce(pending_due, pending_since) > ?4)
     ORDER BY coalesce(pending_due, pending_since), id LIMIT ?5";
/// The same, shortest first.
pub(super) const READY_NEWEST: &str =
    "SELECT row, pending_row, newest_inbound, inbound_seen, looked_at, pending_since, pending_failures
     FROM threads INDEXED BY threads_ready
     WHERE workspace = ?1 AND pending_since IS NOT NULL AND (pending_failures > 0) = ?2
     AND (coalesce(pending_due, pending_since) <= ?3 OR coalesce(pending_due, pending_since) > ?4)
     ORDER BY coalesce(pending_due, pending_since) DESC, id DESC LIMIT ?5";

const PENDING: &str =
    "SELECT row, pending_row, newest_inbound, inbound_seen, looked_at, pending_since, pending_failures
     FROM threads WHERE workspace = ?1 AND pending_since IS NOT NULL ORDER BY pending_since, thread_id LIMIT ?2";

#[async_trait]
impl ThreadStore for SqlStore {
    async fn known_threads(&self, workspace: &str, ids: &[String]) -> Result<HashMap<String, KnownThread>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let (workspace, ids) = (workspace.to_owned(), to_json(ids)?);
        self.read(move |connection| {
            let mut query = connection.prepare_cached(KNOWN)?;
            let mut rows = query.query(params![workspace, ids])?;
            let mut known = HashMap::new();
            while let Some(row) = rows.next()? {
                let thread = KnownThread {
                    row: row.optional_text(1)?.map(|text| known_row(row.text(0)?, text)).transpose()?,
                    pending: row.optional_text(2)?.map(from_json).transpose()?,
                    newest_inbound: row.get(3)?,
                    inbound_seen: list_from_json(row.optional_text(4)?)?,
                    looked_at: optional_timestamp(row.get(5)?)?,
                };
                known.insert(row.get(0)?, thread);
            }
            Ok(known)
        })
        .await
    }

    async fn record_baseline(
        &self,
        workspace: &str,
        rows: &[ThreadRow],
        looked_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (workspace, rows, key) = (workspace.to_owned(), written(rows)?, self.address_key.clone());
        self.write(move |session| {
            session.fence(&workspace)?;
            let workspace = session.workspace(&workspace)?;
            let connection = session.connection;
            let mut insert = connection.prepare_cached(BASELINE)?;
            for WrittenRow { id, known, lead_email, erased, .. } in rows {
                let lead = key.of_thread(connection, lead_email.as_deref())?;
                let values =
                    params![workspace, id, known, looked_at.map(micros), micros(now), lead, ERASED.as_str(), erased];
                let found = insert.query_optional(values, |row| Ok((row.get(0)?, row.get(1)?, row.get::<bool>(2)?)))?;
                if let Some((thread, before, is_erased)) = found {
                    set_lead(connection, thread, before, if is_erased { 0 } else { lead })?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn count_threads(&self, workspace: &str, limit: u32) -> Result<u32, StoreError> {
        let workspace = workspace.to_owned();
        self.read(move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM threads WHERE workspace = (SELECT id FROM workspaces WHERE name = ?1)
                   AND (row IS NOT NULL OR pending_row IS NOT NULL) LIMIT ?2) known",
            )?;
            query.query_row(params![workspace, limit], |row| row.get(0))
        })
        .await
    }

    async fn thread_owners(&self, ids: &[String]) -> Result<Vec<ThreadOwner>, StoreError> {
        let ids = to_json(ids)?;
        self.read(move |connection| super::identity::owners(connection, &ids)).await
    }

    async fn workspaces_with_threads(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT name FROM workspaces w WHERE EXISTS (SELECT 1 FROM threads t WHERE t.workspace = w.id
                   AND (t.row IS NOT NULL OR t.pending_row IS NOT NULL)) ORDER BY name",
            )?;
            query.query_all(params![], |row| row.get(0))
        })
        .await
    }

    async fn rename_workspace(
        &self,
        from: &str,
        to: &str,
        asked: &str,
        now: Timestamp,
    ) -> Result<Renaming, StoreError> {
        let (from, to, asked) = (from.to_owned(), to.to_owned(), asked.to_owned());
        self.write(move |session| super::identity::rename(session, &from, &to, (&asked, now))).await
    }

    async fn queue_rows(&self, workspace: &str, rows: &[ThreadRow], now: Timestamp) -> Result<(), StoreError> {
        let rows: Vec<_> = rows.iter().map(|row| (row.clone(), false)).collect();
        self.queue_changed_rows(workspace, &rows, now).await
    }

    async fn queue_changed_rows(
        &self,
        workspace: &str,
        rows: &[(ThreadRow, bool)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let known: Vec<bool> = rows.iter().map(|(_, is_known)| *is_known).collect();
        let rows = written(rows.iter().map(|(row, _)| row))?;
        let (workspace, key) = (workspace.to_owned(), self.address_key.clone());
        self.write(move |session| {
            session.fence(&workspace)?;
            let workspace = session.workspace(&workspace)?;
            let connection = session.connection;
            let mut queue = connection.prepare_cached(QUEUE)?;
            for (WrittenRow { id, pending, lead_email, .. }, is_known) in rows.into_iter().zip(known) {
                let lead = key.of_thread(connection, lead_email.as_deref())?;
                let values = params![workspace, id, pending, micros(now), lead, is_known, ERASED.as_str()];
                let queued = queue.query_optional(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
                if let Some((thread, before)) = queued {
                    set_lead(connection, thread, before, lead)?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn pending_threads(&self, workspace: &str, limit: u32) -> Result<Vec<PendingThread>, StoreError> {
        let workspace = workspace.to_owned();
        self.read(move |connection| {
            let Some(workspace) = find_workspace(connection, &workspace)? else { return Ok(Vec::new()) };
            let mut query = connection.prepare_cached(PENDING)?;
            let mut rows = query.query(params![workspace, limit])?;
            let mut pending = Vec::new();
            while let Some(row) = rows.next()? {
                pending.push(ready_thread(row)?.pending);
            }
            Ok(pending)
        })
        .await
    }

    async fn ready_threads(&self, workspace: &str, ready: ReadyAt) -> Result<Vec<ReadyThread>, StoreError> {
        let workspace = workspace.to_owned();
        self.read(move |connection| {
            let workspace: Option<i64> =
                connection.prepare_cached(HAS_PENDING)?.query_optional(params![workspace], |row| row.get(0))?;
            let Some(workspace) = workspace else { return Ok(Vec::new()) };
            let find = |query: &str, failed: bool, limit: u32| -> Result<Vec<ReadyThread>, StoreError> {
                let mut query = connection.prepare_cached(query)?;
                let mut rows =
                    query.query(params![workspace, failed, micros(ready.now), micros(ready.latest), limit])?;
                let mut found = Vec::new();
                while let Some(row) = rows.next()? {
                    found.push(ready_thread(row)?);
                }
                Ok(found)
            };
            let newest = find(READY_NEWEST, false, ready.limit)?;
            let oldest = find(READY_OLDEST, false, ready.limit)?;
            let mut seen = HashSet::new();
            let mut threads = Vec::with_capacity(newest.len());
            for thread in newest.into_iter().zip(oldest).flat_map(|(new, old)| [new, old]) {
                if threads.len() < ready.limit as usize && seen.insert(thread.pending.row.id.clone()) {
                    threads.push(thread);
                }
            }
            threads.extend(find(READY_OLDEST, true, ready.failed_limit)?);
            Ok(threads)
        })
        .await
    }

    async fn put_off(
        &self,
        workspace: &str,
        row: &ThreadRow,
        until: Timestamp,
        failed: bool,
    ) -> Result<(), StoreError> {
        let (workspace, id, row) = (workspace.to_owned(), row.id.clone(), to_json(row)?);
        self.write(move |session| {
            session.fence(&workspace)?;
            let workspace = session.workspace(&workspace)?;
            let mut update = session.connection.prepare_cached(
                "UPDATE threads SET pending_due = ?1, pending_failures = pending_failures + ?2
                 WHERE workspace = ?3 AND thread_id = ?4 AND pending_row = ?5",
            )?;
            update.execute(params![micros(until), i64::from(failed), workspace, id, row])?;
            Ok(())
        })
        .await
    }

    async fn settle_thread(&self, workspace: &str, settled: &SettledThread) -> Result<(), StoreError> {
        let erased = known_json(&settled.row.clone().erased())?;
        let settling = Settling::new(settled)?.or_if_erased(erased);
        let (workspace, key) = (workspace.to_owned(), self.address_key.clone());
        let stays_erased = self.write(move |session| {
            session.fence(&workspace)?;
            settling.write(session, &key, &workspace, Timestamp::UNIX_EPOCH).map(|settled| settled.is_erased)
        });
        if stays_erased.await? {
            // What was in the line is gone, and in the log still.
            self.empty_log().await?;
        }
        Ok(())
    }

    async fn pending_count(&self, workspace: &str) -> Result<(u64, Option<Timestamp>), StoreError> {
        let workspace = workspace.to_owned();
        self.read(move |connection| {
            let Some(workspace) = find_workspace(connection, &workspace)? else { return Ok((0, None)) };
            let mut query = connection.prepare_cached(
                "SELECT count(*), min(pending_since) FROM threads WHERE workspace = ? AND pending_since IS NOT NULL",
            )?;
            let (count, since): (i64, Option<i64>) =
                query.query_row(params![workspace], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok((count.unsigned_abs(), optional_timestamp(since)?))
        })
        .await
    }

    async fn last_outgoing(&self, workspace: &str, thread: &str) -> Result<Vec<String>, StoreError> {
        let (workspace, thread) = (workspace.to_owned(), thread.to_owned());
        self.look_up(move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT last_outgoing FROM threads WHERE thread_id = ?2
                 AND workspace = (SELECT id FROM workspaces WHERE name = ?1)",
            )?;
            let found: Option<Option<String>> = query.query_optional(params![workspace, thread], |row| row.get(0))?;
            list_from_json(found.flatten().as_deref())
        })
        .await
    }

    async fn workspace_state(&self, workspace: &str) -> Result<WorkspaceState, StoreError> {
        let workspace = workspace.to_owned();
        self.look_up(move |connection| {
            let mut query = connection.prepare_cached("SELECT state FROM workspaces WHERE name = ?")?;
            let state: Option<Option<String>> = query.query_optional(params![workspace], |row| row.get(0))?;
            state.flatten().map_or_else(|| Ok(WorkspaceState::default()), |text| from_json(&text))
        })
        .await
    }

    async fn set_workspace_state(&self, workspace: &str, state: &WorkspaceState) -> Result<(), StoreError> {
        let (workspace, state) = (workspace.to_owned(), to_json(state)?);
        self.write(move |session| {
            session.fence(&workspace)?;
            let mut upsert = session.connection.prepare_cached(
                "INSERT INTO workspaces (name, state) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET state = excluded.state",
            )?;
            upsert.execute(params![workspace, state])?;
            Ok(())
        })
        .await
    }
}

impl Session<'_> {
    /// The workspace's number.
    pub(super) fn workspace(&mut self, name: &str) -> Result<i64, StoreError> {
        self.names.workspace(self.connection, name)
    }

    /// The number of a rule's or a campaign's name.
    pub(super) fn name(&mut self, name: &str) -> Result<i64, StoreError> {
        self.names.name(self.connection, name)
    }

    /// The thread's number; one that is not known is named, and stays unknown.
    pub(super) fn thread(&mut self, workspace: &str, thread_id: &str, now: Timestamp) -> Result<i64, StoreError> {
        let workspace = self.workspace(workspace)?;
        if let Some(found) = find_thread(self.connection, workspace, thread_id)? {
            return Ok(found);
        }
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO threads (workspace, thread_id, first_seen_at) VALUES (?, ?, ?)
             ON CONFLICT (thread_id, workspace) DO UPDATE SET thread_id = excluded.thread_id RETURNING id",
        )?;
        insert.query_row(params![workspace, thread_id, micros(now)], |row| row.get(0))
    }
}

/// The thread's number, if it has one.
pub(super) fn find_thread(connection: &Connection, workspace: i64, thread_id: &str) -> Result<Option<i64>, StoreError> {
    let mut query = connection.prepare_cached("SELECT id FROM threads WHERE thread_id = ? AND workspace = ?")?;
    query.query_optional(params![thread_id, workspace], |row| row.get(0))
}

/// A row as it is written, made before it comes to the one thread that writes.
struct WrittenRow {
    id: String,
    /// While it is pending.
    pending: String,
    /// Once it is known.
    known: String,
    lead_email: Option<String>,
    /// What is written where the person was erased.
    erased: String,
}

fn written<'r>(rows: impl IntoIterator<Item = &'r ThreadRow>) -> Result<Vec<WrittenRow>, StoreError> {
    let write = |row: &ThreadRow| {
        Ok(WrittenRow {
            id: row.id.clone(),
            pending: to_json(row)?,
            known: known_json(row)?,
            lead_email: row.lead_email.clone(),
            erased: known_json(&row.clone().erased())?,
        })
    };
    rows.into_iter().map(write).collect()
}

fn ready_thread(row: Row<'_>) -> Result<ReadyThread, StoreError> {
    let pending: ThreadRow = from_json(row.text(1)?)?;
    let pending = PendingThread {
        known: row.optional_text(0)?.map(|text| known_row(&pending.id, text)).transpose()?,
        row: pending,
        newest_inbound: row.get(2)?,
        inbound_seen: list_from_json(row.optional_text(3)?)?,
        looked_at: optional_timestamp(row.get(4)?)?,
        since: timestamp(row.get(5)?)?,
    };
    Ok(ReadyThread { pending, failures: row.get(6)? })
}
