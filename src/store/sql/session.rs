//! What a job writes with: the connection, and what is gathered over all jobs of a commit and written once with it.

use super::{
    changes::ChangeLog,
    connection::Connection,
    counts::Tally,
    fences::Fences,
    names::Names,
    sqlite::sidecar::{self, IntentCount},
};
use crate::store::StoreError;
use std::collections::HashMap;

/// What the writing thread knows from one transaction to the next. All of it can be read again from the database.
#[derive(Debug, Default)]
pub(super) struct SessionState {
    names: Names,
    changes: ChangeLog,
    /// Which workspaces may be written for. This is no memory of the database's.
    fences: Fences,
}

impl SessionState {
    /// After a transaction that was taken back: what was learned in it is not true.
    pub(super) fn forget(&mut self) {
        self.names.forget();
        self.changes = ChangeLog::default();
    }

    /// Of a process that holds leases.
    pub(super) fn with_fences(fences: Fences) -> Self {
        Self { fences, ..Self::default() }
    }
}

/// One transaction, for one job after the other.
pub(super) struct Session<'a> {
    pub(super) connection: &'a Connection,
    pub(super) names: &'a mut Names,
    pub(super) changes: &'a mut ChangeLog,
    pub(super) tally: Tally,
    pub(super) fences: &'a Fences,
    /// The workspaces whose lease this transaction has checked.
    pub(super) fenced: HashMap<String, i64>,
    /// How many intents were written.
    pub(super) intents: u32,
    /// Why nothing of the transaction can be kept, if so.
    broken: Option<StoreError>,
}

impl<'a> Session<'a> {
    /// In a transaction that has begun.
    pub(super) fn begin(connection: &'a Connection, state: &'a mut SessionState) -> Self {
        let SessionState { names, changes, fences } = state;
        let (fenced, tally) = (HashMap::new(), Tally::default());
        Self { connection, names, changes, tally, fences, fenced, intents: 0, broken: None }
    }

    /// Runs a job, which says why it failed, if it did; then what it wrote is taken back. It is handed an error, and
    /// writes nothing, if that could not be promised.
    pub(super) fn run_job<T>(
        &mut self,
        job: impl FnOnce(Result<&mut Self, StoreError>) -> (Option<StoreError>, T),
    ) -> T {
        if let Some(error) = &self.broken {
            return job(Err(error.clone())).1;
        }
        if let Err(error) = self.connection.execute_batch("SAVEPOINT job") {
            return job(Err(self.give_up(error))).1;
        }
        let (counted, noted, intents) = (self.tally.mark(), self.changes.mark(), self.intents);
        let (failure, end) = job(Ok(self));
        if failure.is_some() {
            self.tally.take_back(counted);
            self.changes.take_back(noted);
            self.names.forget();
            self.fenced.clear();
            self.intents = intents;
        }
        // A full disk ends the whole transaction by itself, and the savepoint with it.
        let statement = if failure.is_some() { "ROLLBACK TO job; RELEASE job" } else { "RELEASE job" };
        if let Err(error) = self.connection.execute_batch(statement) {
            self.give_up(failure.unwrap_or(error));
        }
        end
    }

    /// From here on, nothing of the transaction can be kept.
    fn give_up(&mut self, error: StoreError) -> StoreError {
        self.broken.get_or_insert(error).clone()
    }

    /// Whether another job may be run in the transaction.
    pub(super) fn is_whole(&self) -> bool {
        self.broken.is_none()
    }

    /// Writes what was gathered and makes all of it durable; on an error nothing is. If intents are among it, how many
    /// there are now comes back.
    pub(super) fn commit(mut self) -> Result<Option<IntentCount>, StoreError> {
        let committed = match self.broken.take() {
            Some(error) => Err(error),
            None => self.write_gathered().and_then(|intents| self.connection.commit().map(|()| intents)),
        };
        if committed.is_err() {
            self.connection.roll_back();
        }
        committed
    }

    fn write_gathered(&mut self) -> Result<Option<IntentCount>, StoreError> {
        let (tally, connection) = (std::mem::take(&mut self.tally), self.connection);
        if !tally.is_empty() || !self.changes.is_empty() {
            self.changes.lock(connection)?;
        }
        tally.write(connection)?;
        self.changes.write(connection)?;
        // The mark stands beside a file. A server's backups are its keeper's.
        let is_marked = self.intents > 0 && connection.pick(true, false);
        let counted = is_marked.then(|| sidecar::count(self.connection, self.intents));
        counted.transpose()
    }
}
