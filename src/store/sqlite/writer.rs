//! The one thread that writes, and group commit: jobs that wait together are committed together, with one sync.
//!
//! Each job runs in a savepoint of its own, so one that fails takes nothing of the others back. No job hears that it
//! succeeded before the disk has confirmed it: when the commit fails, all of its jobs have failed.

use super::session::{Session, SessionState};
use crate::{model::Histogram, store::StoreError};
use rusqlite::Connection;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// No more jobs than this share a commit: the first of them waits for all.
const MAX_GROUP: usize = 64;

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

/// Tells whoever waits for a job how the commit ended.
type Deliver = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What a job did, before the commit.
struct JobEnd {
    failed: bool,
    deliver: Deliver,
}

/// A job with the session that it writes in, or with the error if there is none.
type WriteJob = Box<dyn FnOnce(Result<&mut Session<'_>, StoreError>) -> JobEnd + Send>;

enum Job {
    /// In a transaction. It is handed the error if none could begin.
    Write(WriteJob),
    /// On the writing connection, outside of any transaction.
    Read(Box<dyn FnOnce(&Connection) + Send>),
}

/// Hands jobs to the thread. It ends, and closes its connection, when this is closed or dropped.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    commits: Arc<Histogram>,
}

impl Writer {
    /// Takes the connection over.
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (sender, jobs) = channel();
        let commits = Arc::new(Histogram::new(&COMMITS));
        let counted = Arc::clone(&commits);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&connection, &jobs, &counted))
            .map_err(|error| StoreError::Database(error.to_string()))?;
        Ok(Self { jobs: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)), commits })
    }

    /// How long commits took.
    pub(super) fn commits(&self) -> &Histogram {
        &self.commits
    }

    /// Runs a job in a transaction; `Ok` once it is on disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Session<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        self.send(Job::Write(Box::new(move |session| {
            let result = session.and_then(job);
            JobEnd {
                failed: result.is_err(),
                deliver: Box::new(move |committed| {
                    // Whoever asked may have gone; what was written stays.
                    let _ = sender.send(result.and_then(|value| committed.map(|()| value)));
                }),
            }
        })))?;
        receiver.await.map_err(|_| closed())?
    }

    /// Runs a query on the writing connection: for a store in memory, which has no other.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        self.send(Job::Read(Box::new(move |connection| {
            let _ = sender.send(query(connection));
        })))?;
        receiver.await.map_err(|_| closed())?
    }

    /// Ends the thread after the jobs that it has; its connection is closed then.
    pub(super) fn close(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's writer ended unexpectedly");
        }
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref().ok_or_else(closed)?.send(job).map_err(|_| closed())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

fn closed() -> StoreError {
    StoreError::Database("the store is closed".to_owned())
}

fn run(connection: &Connection, jobs: &Receiver<Job>, commits: &Histogram) {
    let mut state = SessionState::default();
    while let Ok(job) = jobs.recv() {
        let mut next = Some(job);
        while let Some(job) = next.take() {
            match job {
                Job::Read(query) => query(connection),
                Job::Write(first) => next = run_group(connection, first, jobs, &mut state, commits),
            }
        }
    }
}

/// Runs a job and those that wait behind it, and commits them. A query that came in between is returned.
fn run_group(
    connection: &Connection,
    first: WriteJob,
    jobs: &Receiver<Job>,
    state: &mut SessionState,
    commits: &Histogram,
) -> Option<Job> {
    let (mut next, mut left) = (Some(first), None);
    let begun = connection.execute_batch("BEGIN IMMEDIATE").map_err(StoreError::from);
    let mut ended = Vec::new();
    let mut group = begun.as_ref().ok().map(|()| Session::begin(connection, state));
    while let Some(job) = next.take() {
        let end = match (&mut group, &begun) {
            (Some(session), _) => session.run_job(|session| {
                let end = job(Ok(session));
                (end.failed, end)
            }),
            (None, Err(error)) => job(Err(error.clone())),
            (None, Ok(())) => job(Err(closed())),
        };
        ended.push(end);
        // A full disk ends the whole transaction by itself; what came before in it is gone, too.
        if ended.len() < MAX_GROUP && (group.is_none() || !connection.is_autocommit()) {
            match jobs.try_recv() {
                Ok(Job::Write(job)) => next = Some(job),
                Ok(query) => left = Some(query),
                Err(_) => {}
            }
        }
    }
    let committed = match group {
        Some(session) => {
            let began = Instant::now();
            let committed = session.commit();
            match &committed {
                Ok(()) => commits.observe(began.elapsed()),
                Err(_) => state.forget(),
            }
            committed
        }
        // Each was told already.
        None => Ok(()),
    };
    for end in ended {
        (end.deliver)(committed.clone());
    }
    left
}
