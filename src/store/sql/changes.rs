//! What happened, in order, for those who follow it: one row for each commit.

use super::{
    SqlStore,
    codec::{pack, unpack},
    connection::{Connection, params},
    postgres::CHANNEL,
};
use crate::store::{Change, ChangeStore, StoreError};
use async_trait::async_trait;

/// So many are remembered at least.
const REMEMBERED: i64 = 10_000;
/// The oldest are dropped when as many more have come.
const SLACK: i64 = 1_000;

/// Locks until the commit, and tells then. The number is ours: nobody else locks it in this database.
const LOCK_AND_TELL: &str = "SELECT pg_advisory_xact_lock(7217330191), pg_notify(?, ?)";

/// What is to be told with the next commit, and how far the numbers have come.
#[derive(Debug, Default)]
pub(super) struct ChangeLog {
    pending: Vec<Change>,
    /// The last number, and the one that the oldest were last dropped at; `None` before the first look.
    last: Option<(i64, i64)>,
}

impl ChangeLog {
    /// Notes a change; its number is given with the commit.
    pub(super) fn push(&mut self, change: Change) {
        self.pending.push(change);
    }

    pub(super) fn mark(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn take_back(&mut self, mark: usize) {
        self.pending.truncate(mark);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Numbers and counts are written by one process after the other, each until its commit: so whoever follows the changes
    /// sees them in the order of their numbers, and no two wait for each other.
    pub(super) fn lock(&mut self, connection: &Connection) -> Result<(), StoreError> {
        if let Connection::Postgres(server) = connection {
            connection.query_row(LOCK_AND_TELL, params![CHANNEL, server.teller()], |_| Ok(()))?;
            // Others have given numbers since.
            self.last = None;
        }
        Ok(())
    }

    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), StoreError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let (mut last, mut dropped_at) = match self.last {
            Some(last) => last,
            None => {
                (connection.query_row("SELECT coalesce(max(last), 0) FROM changes", params![], |row| row.get(0))?, 0)
            }
        };
        let first = last + 1;
        let mut changes = std::mem::take(&mut self.pending);
        for change in &mut changes {
            last += 1;
            change.seq = last;
        }
        connection.prepare_cached("INSERT INTO changes (last, first, body) VALUES (?, ?, ?)")?.execute(params![
            last,
            first,
            pack(&changes)?
        ])?;
        if last >= dropped_at + SLACK {
            connection.execute("DELETE FROM changes WHERE last <= ?", params![last - REMEMBERED])?;
            dropped_at = last;
        }
        self.last = Some((last, dropped_at));
        Ok(())
    }
}

#[async_trait]
impl ChangeStore for SqlStore {
    async fn changes(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.read(move |connection| {
            let mut query = connection.prepare_cached("SELECT body FROM changes WHERE last > ? ORDER BY last")?;
            let mut rows = query.query(params![after])?;
            let mut found: Vec<Change> = Vec::new();
            while let Some(row) = rows.next()?
                && found.len() < limit as usize
            {
                let changes: Vec<Change> = unpack(row.bytes(0)?)?;
                found.extend(changes.into_iter().filter(|change| change.seq > after));
            }
            found.truncate(limit as usize);
            Ok(found)
        })
        .await
    }

    async fn change_range(&self) -> Result<Option<(i64, i64)>, StoreError> {
        self.read(|connection| {
            // Two questions that an index answers at once; together they would be one look at every row.
            let mut query = connection
                .prepare_cached("SELECT first, (SELECT max(last) FROM changes) FROM changes ORDER BY last LIMIT 1")?;
            query.query_optional(params![], |row| Ok((row.get(0)?, row.get(1)?)))
        })
        .await
    }
}
