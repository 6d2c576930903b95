//! The store in SQL: in one SQLite file, or in PostgreSQL for several processes.
//!
//! One body of statements and one way through them serve both, so that what holds for one holds for the other. All writing of
//! a process goes through one thread and one connection; jobs that wait together are one transaction. In SQLite nobody else
//! writes; in PostgreSQL other processes do, and rows that both may want are locked where they are read.
//!
//! | file | holds |
//! |---|---|
//! | `connection`, `values` | a connection to either, and what statements take and rows have |
//! | `writer`, `session` | the thread that writes, and what a job writes with |
//! | `readers` | the connections that read |
//! | `codec`, `names` | how values stand in the database |
//! | `threads`, `decisions`, `actions`, … | one trait of the store each |
//! | `settling` | the end of a pending row |
//! | `events` | what was evaluated, and with which rules |
//! | `action_rows`, `action_writes`, `filters` | an action's row, its changes, lists |
//! | `facts` | what is asked before an action leaves |
//! | `retention`, `kept`, `addresses` | removing what is old; what stays of it, and how an address is known without its text |
//! | `erasure`, `erased_lines`, `erasures_begun` | erasing a person: what was decided, lines of the audit log, and going on after an interruption |
//! | `leases`, `fences` | several processes on one database: who runs what, and that nobody else writes for it |
//! | `copy` | all of a store into another |
//! | `sqlite` | the file: opening, its lock and mark, older versions, the proof of its query plans |
//! | `postgres` | the server: connections, what it writes otherwise, its schema |

mod accounts;
mod action_rows;
mod action_writes;
mod actions;
mod addresses;
mod attempts;
mod audit;
mod changes;
mod codec;
mod connection;
mod controls;
mod copy;
mod counts;
mod cursors;
mod decision_filters;
mod decisions;
mod erased_lines;
mod erasure;
mod erasures_begun;
mod events;
mod facts;
mod fences;
mod filters;
mod identity;
mod kept;
mod known_rows;
mod leases;
mod left;
mod names;
mod postgres;
mod readers;
mod retention;
mod session;
mod settling;
mod shares;
mod sqlite;
mod standing;
mod threads;
mod values;
mod writer;

pub use copy::Copied;

use super::StoreError;
use crate::model::HistogramSnapshot;
use addresses::AddressKey;
use connection::Connection;
use erasures_begun::Erasing;
use fences::Fences;
use postgres::{Database, News};
use readers::Readers;
use rusqlite::ErrorCode;
use session::Session;
use std::sync::Arc;
use writer::Writer;

/// A store in an SQLite file, in memory for a dry run, or in PostgreSQL.
#[derive(Debug)]
pub struct SqlStore {
    /// `None` for a store that is only looked at, and in memory.
    writer: Option<Writer>,
    /// Readers do not wait for the writer; `None` where its connection is the only one.
    readers: Option<Readers>,
    /// The server, if it is on one.
    database: Option<Arc<Database>>,
    /// What addresses are hashed with.
    address_key: AddressKey,
    /// Which workspaces this process holds.
    fences: Fences,
    /// The connection over which processes agree who holds what.
    agreeing: Option<Readers>,
    /// What other processes tell.
    news: Option<News>,
    /// What this process erases now.
    erasing: Erasing,
}

fn read_only() -> StoreError {
    StoreError::Database("the store is open to be looked at only".to_owned())
}

impl SqlStore {
    /// Of a file, or in memory: one process has it.
    fn alone(writer: Option<Writer>, readers: Option<Readers>) -> Self {
        Self {
            writer,
            readers,
            database: None,
            address_key: AddressKey::default(),
            fences: Fences::default(),
            agreeing: None,
            news: None,
            erasing: Erasing::default(),
        }
    }

    /// Runs a job in a transaction; `Ok` once it is on disk.
    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Session<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.writer {
            Some(writer) => writer.write(job).await,
            None => Err(read_only()),
        }
    }

    /// The same in a transaction that no other job shares.
    async fn write_alone<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Session<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.writer {
            Some(writer) => writer.write_alone(job).await,
            None => Err(read_only()),
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
        self.look_up(move |connection| connection.snapshot(query)).await
    }

    fn commits(&self) -> HistogramSnapshot {
        self.writer.as_ref().map(|writer| writer.commits().snapshot()).unwrap_or_default()
    }

    /// How many statements all connections have run.
    fn statements(&self) -> u64 {
        let readers = self.readers.iter().chain(&self.agreeing).map(Readers::statements).sum::<u64>();
        readers + self.writer.as_ref().map_or(0, Writer::statements)
    }

    /// Ends all connections; what was committed is on disk.
    pub async fn close(&self) {
        if let Some(database) = &self.database {
            database.close();
        }
        if let Some(agreeing) = &self.agreeing {
            agreeing.close();
        }
        // The writer last: whoever closes last moves the log into the file.
        if let Some(readers) = &self.readers {
            readers.close();
        }
        if let Some(writer) = &self.writer {
            writer.close().await;
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
