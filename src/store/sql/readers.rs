//! The connections that read. Queries run where they may block, never on the threads of the service.

use super::connection::{Connection, catch_panic, counting};
use crate::store::StoreError;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::Semaphore;

/// A pool of connections that only read.
#[derive(Debug)]
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    free: Arc<Semaphore>,
    /// Whether a look-up may run where it is asked: a file answers at once, a server after a while.
    is_inline: bool,
    /// How many statements they have run.
    statements: Arc<AtomicU64>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let free = Arc::new(Semaphore::new(connections.len()));
        let is_inline = connections.iter().all(|connection| connection.pick(true, false));
        Self { idle: Arc::new(Mutex::new(connections)), free, is_inline, statements: Arc::default() }
    }

    /// Runs queries on one connection. Each sees what is committed when it begins.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let closed = || StoreError::Database("the store is closed".to_owned());
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(|_| closed())?;
        let (idle, statements) = (Arc::clone(&self.idle), Arc::clone(&self.statements));
        let reading = tokio::task::spawn_blocking(move || {
            let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop().ok_or_else(closed)?;
            let (result, count) = counting(|| catch_panic(|| query(&connection)));
            statements.fetch_add(count, Ordering::Relaxed);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop(permit);
            result
        });
        reading.await.map_err(|error| StoreError::Database(error.to_string()))?
    }

    /// Runs a query that reads a handful of pages, here and now: handing it to another thread and back would cost more than
    /// the query. While all connections are used it waits for one as [`Readers::read`] does.
    pub(super) async fn look_up<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if !self.is_inline {
            return self.read(query).await;
        }
        let idle = Arc::clone(&self.free).try_acquire_owned().ok().and_then(|permit| Some((permit, self.take()?)));
        let Some((permit, connection)) = idle else { return self.read(query).await };
        let (result, count) = counting(|| catch_panic(|| query(&connection)));
        self.statements.fetch_add(count, Ordering::Relaxed);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        drop(permit);
        result
    }

    /// How many statements they have run.
    pub(super) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    fn take(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// No query begins any more.
    pub(super) fn close(&self) {
        self.free.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_question_that_panics_keeps_no_connection() {
        let connections = (0..2).map(|_| Connection::Sqlite(rusqlite::Connection::open_in_memory().unwrap())).collect();
        let readers = Readers::new(connections);
        for _ in 0..3 {
            for answer in [
                readers.read::<()>(|_| panic!("on purpose")).await,
                readers.look_up::<()>(|_| panic!("on purpose")).await,
            ] {
                assert!(matches!(answer, Err(StoreError::Database(why)) if why.contains("unexpectedly")));
            }
        }
        assert!(readers.read(|_| Ok(())).await.is_ok() && readers.look_up(|_| Ok(())).await.is_ok());
    }
}
