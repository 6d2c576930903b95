//! The store in one SQLite file: write-ahead log, every commit synced, one writer, group commit.
//!
//! `synchronous=FULL` because an intent that a power cut takes back could send a reply twice; a synced commit costs about
//! a tenth of a millisecond on an ordinary disk, and all jobs that wait at that moment share it.
//!
//! | file | holds |
//! |---|---|
//! | `writer`, `session` | the thread that writes, and what a job writes with |
//! | `readers` | the connections that read |
//! | `codec`, `names` | how values stand in the database |
//! | `threads`, `decisions`, `actions`, … | one trait of the store each |
//! | `events` | what was evaluated, and with which rules |
//! | `action_rows`, `action_writes`, `filters` | an action's row, its changes, lists |
//! | `facts` | what is asked before an action leaves |
//! | `open`, `private`, `sidecar`, `steps`, `legacy` | opening, the files and their lock, older versions |

mod accounts;
mod action_rows;
mod action_writes;
mod actions;
mod audit;
mod changes;
mod codec;
mod controls;
mod counts;
mod decisions;
mod events;
mod facts;
mod filters;
mod identity;
mod left;
mod legacy;
mod names;
mod open;
#[cfg(test)]
mod plans;
mod private;
mod readers;
mod session;
mod sidecar;
mod steps;
mod threads;
mod writer;

use super::StoreError;
use crate::model::HistogramSnapshot;
use readers::Readers;
use rusqlite::{Connection, ErrorCode};
use session::Session;
use writer::Writer;

/// A store in an SQLite file, or in memory for a dry run.
#[derive(Debug)]
pub struct SqliteStore {
    /// `None` for a store that is only looked at.
    writer: Option<Writer>,
    /// Readers do not wait for the writer; `None` in memory, where the writer's connection is the only one.
    readers: Option<Readers>,
}

impl SqliteStore {
    /// Runs a job in a transaction; `Ok` once it is on disk.
    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Session<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.writer {
            Some(writer) => writer.write(job).await,
            None => Err(StoreError::Database("the store is open to be looked at only".to_owned())),
        }
    }

    /// Runs queries on one connection.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match (&self.readers, &self.writer) {
            (Some(readers), _) => readers.read(query).await,
            (None, Some(writer)) => writer.read(query).await,
            (None, None) => Err(StoreError::Database("the store is closed".to_owned())),
        }
    }

    /// Runs a query that reads a handful of pages, however large the store is: `plans` proves it.
    async fn look_up<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.readers {
            Some(readers) => readers.look_up(query).await,
            None => self.read(query).await,
        }
    }

    /// Runs such queries on one connection, all of which see the same moment.
    async fn snapshot<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.look_up(move |connection| {
            connection.prepare_cached("BEGIN")?.execute([])?;
            let result = query(connection);
            let ended = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
            // The next one who has the connection begins anew.
            if !connection.is_autocommit() {
                connection.execute_batch("ROLLBACK")?;
            }
            ended?;
            result
        })
        .await
    }

    fn commits(&self) -> HistogramSnapshot {
        self.writer.as_ref().map(|writer| writer.commits().snapshot()).unwrap_or_default()
    }

    /// Ends all connections; what was committed is on disk.
    pub async fn close(&self) {
        // The writer last: whoever closes last moves the log into the file.
        if let Some(readers) = &self.readers {
            readers.close();
        }
        if let Some(writer) = &self.writer {
            writer.close();
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Self::Duplicate,
            _ => Self::Database(error.to_string()),
        }
    }
}

impl From<rusqlite::types::FromSqlError> for StoreError {
    fn from(error: rusqlite::types::FromSqlError) -> Self {
        Self::Unreadable(error.to_string())
    }
}
