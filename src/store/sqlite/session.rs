//! What a job writes with: the connection, and what is gathered over all jobs of a commit and written once with it.

use super::{changes::ChangeLog, counts::Tally, names::Names};
use crate::store::StoreError;
use rusqlite::Connection;

/// What the writing thread knows from one transaction to the next. All of it can be read again from the database.
#[derive(Debug, Default)]
pub(super) struct SessionState {
    names: Names,
    changes: ChangeLog,
}

impl SessionState {
    /// After a transaction that was taken back: what was learned in it is not true.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// One transaction, for one job after the other.
pub(super) struct Session<'a> {
    pub(super) connection: &'a Connection,
    pub(super) names: &'a mut Names,
    pub(super) changes: &'a mut ChangeLog,
    pub(super) tally: Tally,
}

impl<'a> Session<'a> {
    /// In a transaction that has begun.
    pub(super) fn begin(connection: &'a Connection, state: &'a mut SessionState) -> Self {
        let SessionState { names, changes } = state;
        Self { connection, names, changes, tally: Tally::default() }
    }

    /// Runs a job; what it wrote is taken back if it says that it failed.
    pub(super) fn run_job<T>(&mut self, job: impl FnOnce(&mut Self) -> (bool, T)) -> T {
        let (counted, noted) = (self.tally.mark(), self.changes.mark());
        let saved = self.connection.execute_batch("SAVEPOINT job").is_ok();
        let (failed, end) = job(self);
        if failed {
            self.tally.take_back(counted);
            self.changes.take_back(noted);
            self.names.forget();
        }
        // If the transaction is gone, so is the savepoint; the commit says so.
        if saved && !self.connection.is_autocommit() {
            let end = if failed { "ROLLBACK TO job; RELEASE job" } else { "RELEASE job" };
            let _ = self.connection.execute_batch(end);
        }
        end
    }

    /// Writes what was gathered and makes all of it durable; on an error nothing is.
    pub(super) fn commit(mut self) -> Result<(), StoreError> {
        let written = self.write_gathered().and_then(|()| {
            if self.connection.is_autocommit() {
                return Err(StoreError::Database(
                    "database or disk is full: the transaction was taken back".to_owned(),
                ));
            }
            self.connection.execute_batch("COMMIT").map_err(StoreError::from)
        });
        if written.is_err() && !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        written
    }

    fn write_gathered(&mut self) -> Result<(), StoreError> {
        std::mem::take(&mut self.tally).write(self.connection)?;
        self.changes.write(self.connection)
    }
}
