//! A store in memory: jobs and queries run where they are asked. There is no disk to wait for, so nothing is gained by handing
//! them to another thread, or by committing several together.

use super::{
    connection::{Connection, counting},
    session::{Keeps, Session, SessionState},
};
use crate::store::StoreError;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The one connection, and what is known from one job to the next.
#[derive(Debug)]
pub(super) struct InMemory(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None` once it is closed.
    connection: Option<Connection>,
    state: SessionState,
    statements: u64,
}

impl InMemory {
    pub(super) fn new(connection: Connection, keeps: Keeps) -> Self {
        let state = SessionState::that_keeps(keeps);
        Self(Mutex::new(Inner { connection: Some(connection), state, statements: 0 }))
    }

    /// Runs a job in a transaction of its own.
    pub(super) fn write<T>(
        &self,
        job: impl FnOnce(&mut Session<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut inner = self.inner();
        let Inner { connection, state, statements } = &mut *inner;
        let connection = connection.as_ref().ok_or_else(closed)?;
        let (result, count) = counting(|| {
            connection.begin()?;
            let mut session = Session::begin(connection, state);
            let result = match job(&mut session) {
                Ok(value) => session.commit().map(|_| value),
                Err(error) => {
                    connection.roll_back();
                    Err(error)
                }
            };
            if result.is_err() {
                state.forget();
            }
            result
        });
        *statements += count;
        result
    }

    /// Runs a query, outside of any transaction.
    pub(super) fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut inner = self.inner();
        let (result, count) = counting(|| query(inner.connection.as_ref().ok_or_else(closed)?));
        inner.statements += count;
        result
    }

    /// How many statements were run.
    pub(super) fn statements(&self) -> u64 {
        self.inner().statements
    }

    pub(super) fn close(&self) {
        self.inner().connection.take();
    }

    // A job that panicked in between has left a transaction open: the next one fails and says so.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn closed() -> StoreError {
    StoreError::Database("the store is closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{OptOutScope, ThreadRow},
        store::{
            ChangeStore as _, OptOut, OptOutStore as _, SettledThread, SqlStore, ThreadStore as _,
            sql::connection::params,
        },
    };
    use jiff::Timestamp;

    fn store() -> InMemory {
        let connection = Connection::Sqlite(rusqlite::Connection::open_in_memory().unwrap());
        connection.execute_batch(super::super::sqlite::SCHEMA).unwrap();
        connection.execute_batch("CREATE TABLE t (i INTEGER PRIMARY KEY)").unwrap();
        InMemory::new(connection, Keeps::Everything)
    }

    fn all(store: &InMemory) -> Vec<i64> {
        let query = |connection: &Connection| {
            connection.prepare_cached("SELECT i FROM t ORDER BY i")?.query_all(params![], |row| row.get(0))
        };
        store.read(query).unwrap()
    }

    #[test]
    fn what_a_job_wrote_is_taken_back_when_it_fails() {
        let store = store();
        let insert = |i: i64, end: Result<(), StoreError>| {
            store.write(|session| {
                session.connection.execute("INSERT INTO t VALUES (?)", params![i])?;
                end
            })
        };
        insert(1, Ok(())).unwrap();
        assert!(matches!(insert(2, Err(StoreError::Duplicate)), Err(StoreError::Duplicate)));
        assert!(insert(1, Ok(())).is_err(), "it is there already");
        insert(3, Ok(())).unwrap();
        assert_eq!(all(&store), [1, 3]);
    }

    #[test]
    fn a_closed_one_says_so() {
        let store = store();
        store.close();
        let written = store.write(|_| Ok(()));
        assert!(matches!(written, Err(StoreError::Database(why)) if why.contains("closed")));
    }

    #[tokio::test]
    async fn a_play_keeps_records_and_no_changes() {
        let store = SqlStore::for_a_play().await.unwrap();
        let row = ThreadRow { id: "t1".to_owned(), ..ThreadRow::default() };
        let settled = SettledThread { row: row.clone(), ..SettledThread::default() };
        store.settle_thread("acme", &settled).await.unwrap();
        let known = store.known_threads("acme", &["t1".to_owned()]).await.unwrap();
        assert_eq!(known["t1"].row, Some(row));
        let opt_out = OptOut {
            workspace: "acme".to_owned(),
            email: "jo@acme.example".to_owned(),
            since: Timestamp::UNIX_EPOCH,
            evidence: "stop".to_owned(),
        };
        store.add_opt_out(&opt_out).await.unwrap();
        let found = store.opt_out("acme", "jo@acme.example", OptOutScope::Workspace).await.unwrap();
        assert_eq!(found.map(|found| found.evidence).as_deref(), Some("stop"));
        assert_eq!(store.changes(0, 10).await.unwrap(), []);
    }
}
