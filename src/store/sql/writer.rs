//! The one thread that writes, and group commit: jobs that wait together are committed together, with one sync.
//!
//! Each job runs in a savepoint of its own, so one that fails takes nothing of the others back. No job hears that it
//! succeeded before the disk has confirmed it: when the commit fails, all of its jobs have failed.

use super::{
    connection::{Connection, catch_panic, counting, statements_of_thread},
    fences::Fences,
    session::{Session, SessionState},
    sqlite::sidecar::Sidecar,
};
use crate::{model::Histogram, store::StoreError};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// No more jobs than this share a commit: the first of them waits for all.
const MAX_GROUP: usize = 64;
/// When as many jobs as this shared the last commit, as many are about to come again: they are waited for, so long.
const SIBLINGS: usize = 3;
const GATHER: Duration = Duration::from_micros(250);

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
    failure: Option<StoreError>,
    deliver: Deliver,
}

/// A job with the session that it writes in, or with the error if there is none.
type WriteJob = Box<dyn FnOnce(Result<&mut Session<'_>, StoreError>) -> JobEnd + Send>;

enum Job {
    /// In a transaction, which others may share. It is handed the error if none could begin.
    Write(WriteJob),
    /// The same in one of its own.
    WriteAlone(WriteJob),
    /// On the writing connection, outside of any transaction.
    Read(Box<dyn FnOnce(&Connection) + Send>),
}

/// Hands jobs to the thread. It ends, and closes its connection, when this is closed or dropped.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    counts: Arc<Counts>,
}

/// What is counted of the thread's work.
#[derive(Debug)]
struct Counts {
    commits: Histogram,
    statements: AtomicU64,
}

impl Writer {
    /// Takes the connection over, and the mark beside its file.
    pub(super) fn start(connection: Connection, mark: Sidecar, fences: &Fences) -> Result<Self, StoreError> {
        let (sender, jobs) = channel();
        let counts = Arc::new(Counts { commits: Histogram::new(&COMMITS), statements: AtomicU64::default() });
        let counted = Arc::clone(&counts);
        let state = SessionState::with_fences(fences.clone());
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&connection, &mark, &jobs, state, &counted))
            .map_err(|error| StoreError::Database(error.to_string()))?;
        Ok(Self { jobs: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)), counts })
    }

    /// How long commits took.
    pub(super) fn commits(&self) -> &Histogram {
        &self.counts.commits
    }

    /// How many statements the thread has run.
    pub(super) fn statements(&self) -> u64 {
        self.counts.statements.load(Ordering::Relaxed)
    }

    /// Runs a job in a transaction; `Ok` once it is on disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Session<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_write(Job::Write, job).await
    }

    /// The same in a transaction that no other job shares.
    pub(super) async fn write_alone<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Session<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_write(Job::WriteAlone, job).await
    }

    async fn run_write<T: Send + 'static>(
        &self,
        kind: fn(WriteJob) -> Job,
        job: impl FnOnce(&mut Session<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        self.send(kind(Box::new(move |session| {
            let result = session.and_then(|session| catch_panic(|| job(session)));
            JobEnd {
                failure: result.as_ref().err().cloned(),
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
        let counts = Arc::clone(&self.counts);
        self.send(Job::Read(Box::new(move |connection| {
            let (result, count) = counting(|| catch_panic(|| query(connection)));
            counts.statements.fetch_add(count, Ordering::Relaxed);
            let _ = sender.send(result);
        })))?;
        receiver.await.map_err(|_| closed())?
    }

    /// Ends the thread after the jobs that it has; its connection is closed then. The thread of the caller goes on: the
    /// writer may need it to hear from a server.
    pub(super) async fn close(&self) {
        if let Some(thread) = self.end() {
            let _ = tokio::task::spawn_blocking(move || join(thread)).await;
        }
    }

    /// Takes no more jobs. The thread comes back, the first time.
    fn end(&self) -> Option<JoinHandle<()>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.thread.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref().ok_or_else(closed)?.send(job).map_err(|_| closed())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(thread) = self.end() {
            join(thread);
        }
    }
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("the store's writer ended unexpectedly");
    }
}

fn closed() -> StoreError {
    StoreError::Database("the store is closed".to_owned())
}

fn run(connection: &Connection, mark: &Sidecar, jobs: &Receiver<Job>, mut state: SessionState, counts: &Counts) {
    let mut last_group = 0;
    while let Ok(job) = jobs.recv() {
        let mut next = Some(job);
        while let Some(job) = next.take() {
            match job {
                Job::Read(query) => query(connection),
                Job::Write(first) => {
                    let expected = if last_group >= SIBLINGS { last_group } else { 0 };
                    let line = Line { jobs, expected, max: MAX_GROUP };
                    (last_group, next) = run_group(connection, mark, first, &line, &mut state, counts);
                }
                Job::WriteAlone(job) => {
                    let line = Line { jobs, expected: 0, max: 1 };
                    (_, next) = run_group(connection, mark, job, &line, &mut state, counts);
                }
            }
        }
    }
}

/// Jobs that wait, how many are expected, and how many may share a commit.
struct Line<'a> {
    jobs: &'a Receiver<Job>,
    expected: usize,
    max: usize,
}

impl Line<'_> {
    /// The next job of a group of `size` that began at `began`. Only expected ones are waited for.
    fn next(&self, size: usize, began: Instant) -> Option<Job> {
        match self.jobs.try_recv() {
            Ok(job) => Some(job),
            Err(_) if size < self.expected => {
                let left = GATHER.checked_sub(began.elapsed()).filter(|left| !left.is_zero())?;
                self.jobs.recv_timeout(left).ok()
            }
            Err(_) => None,
        }
    }
}

/// Runs a job and those that wait behind it, and commits them. How many they were comes back, and a job that came in between
/// and cannot share their transaction.
fn run_group(
    connection: &Connection,
    mark: &Sidecar,
    first: WriteJob,
    line: &Line<'_>,
    state: &mut SessionState,
    counts: &Counts,
) -> (usize, Option<Job>) {
    let gathering = Instant::now();
    let (mut next, mut left, before) = (Some(first), None, statements_of_thread());
    let begun = connection.begin();
    let mut ended = Vec::new();
    let mut group = begun.as_ref().ok().map(|()| Session::begin(connection, state));
    while let Some(job) = next.take() {
        let end = match (&mut group, &begun) {
            (Some(session), _) => session.run_job(|session| {
                let end = job(session);
                (end.failure.clone(), end)
            }),
            (None, Err(error)) => job(Err(error.clone())),
            (None, Ok(())) => job(Err(closed())),
        };
        ended.push(end);
        if ended.len() < line.max && group.as_ref().is_none_or(Session::is_whole) {
            match line.next(ended.len(), gathering) {
                Some(Job::Write(job)) => next = Some(job),
                other => left = other,
            }
        }
    }
    let committed = match group {
        Some(session) => {
            let began = Instant::now();
            let committed = session.commit();
            match &committed {
                Ok(intents) => {
                    counts.commits.observe(began.elapsed());
                    intents.iter().for_each(|intents| mark.write(intents));
                }
                Err(_) => state.forget(),
            }
            committed.map(drop)
        }
        // Each was told already.
        None => Ok(()),
    };
    counts.statements.fetch_add(statements_of_thread() - before, Ordering::Relaxed);
    let size = ended.len();
    for end in ended {
        (end.deliver)(committed.clone());
    }
    (size, left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sql::connection::params;
    use futures_util::future::join_all;

    fn writer() -> Writer {
        let connection = Connection::Sqlite(rusqlite::Connection::open_in_memory().unwrap());
        connection.execute_batch(super::super::sqlite::SCHEMA).unwrap();
        connection.execute_batch("CREATE TABLE t (i INTEGER PRIMARY KEY)").unwrap();
        Writer::start(connection, Sidecar::default(), &Fences::default()).unwrap()
    }

    async fn all(writer: &Writer) -> Vec<i64> {
        let query = |connection: &Connection| {
            connection.prepare_cached("SELECT i FROM t ORDER BY i")?.query_all(params![], |row| row.get(0))
        };
        writer.read(query).await.unwrap()
    }

    #[tokio::test]
    async fn jobs_that_wait_together_share_a_commit_and_one_that_fails_is_alone() {
        let writer = writer();
        let (go, wait) = channel::<()>();
        let first = writer.write(move |session| {
            wait.recv().unwrap();
            session.connection.execute("INSERT INTO t VALUES (100)", params![])?;
            Ok(())
        });
        let others = join_all((0..20).map(|i| {
            writer.write(move |session| {
                session.connection.execute("INSERT INTO t VALUES (?)", params![i])?;
                match i {
                    7 => Err(StoreError::Duplicate),
                    _ => Ok(()),
                }
            })
        }));
        let release = async { go.send(()).unwrap() };
        // Each is asked once, in this order, before the first can end.
        let (first, others, ()) = tokio::join!(biased; first, others, release);
        first.unwrap();
        for (i, result) in others.iter().enumerate() {
            assert_eq!(result.is_err(), i == 7, "{i}");
        }
        assert_eq!(all(&writer).await, (0..20).filter(|i| *i != 7).chain([100]).collect::<Vec<_>>());
        assert_eq!(writer.commits().snapshot().count(), 1);
    }

    #[tokio::test]
    async fn when_the_commit_fails_all_of_it_has_failed() {
        let writer = writer();
        // What nothing refers to is only noticed at the commit.
        writer
            .write(|session| {
                session
                    .connection
                    .execute_batch("CREATE TABLE child (t REFERENCES t (i) DEFERRABLE INITIALLY DEFERRED);")?;
                Ok(())
            })
            .await
            .unwrap();
        writer.read(|connection| connection.execute_batch("PRAGMA foreign_keys = true")).await.unwrap();
        let (go, wait) = channel::<()>();
        let first = writer.write(move |session| {
            wait.recv().unwrap();
            session.connection.execute("INSERT INTO t VALUES (1)", params![])?;
            Ok(())
        });
        let second = writer.write(|session| {
            session.connection.execute("INSERT INTO child VALUES (77)", params![])?;
            Ok(())
        });
        let (first, second, ()) = tokio::join!(biased; first, second, async { go.send(()).unwrap() });
        assert!(first.is_err() && second.is_err(), "{first:?} {second:?}");
        assert!(all(&writer).await.is_empty());
        // The next one is not touched by it.
        writer
            .write(|session| {
                session.connection.execute("INSERT INTO t VALUES (2)", params![])?;
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(all(&writer).await, [2]);
    }

    #[tokio::test]
    async fn a_job_that_must_be_alone_shares_no_commit() {
        let writer = writer();
        let (go, wait) = channel::<()>();
        let insert = |session: &mut Session<'_>, number: i64| {
            session.connection.execute("INSERT INTO t VALUES (?)", params![number]).map(drop)
        };
        let first = writer.write(move |session| {
            wait.recv().unwrap();
            insert(session, 1)
        });
        let before = writer.write(move |session| insert(session, 2));
        let alone = writer.write_alone(move |session| insert(session, 3));
        let after = [4, 5].map(|number| writer.write(move |session| insert(session, number)));
        let release = async { go.send(()).unwrap() };
        let (first, before, alone, after, ()) = tokio::join!(biased; first, before, alone, join_all(after), release);
        assert!([first, before, alone].into_iter().chain(after).all(|written| written.is_ok()));
        assert_eq!(all(&writer).await, [1, 2, 3, 4, 5]);
        assert_eq!(writer.commits().snapshot().count(), 3, "those before it, itself, those after it");
    }

    #[tokio::test]
    async fn a_job_that_panics_has_failed_and_the_others_go_on() {
        let writer = writer();
        let panicked = writer.write::<()>(|session| {
            session.connection.execute("INSERT INTO t VALUES (1)", params![])?;
            panic!("on purpose")
        });
        let next = writer.write(|session| session.connection.execute("INSERT INTO t VALUES (2)", params![]).map(drop));
        let (panicked, next) = tokio::join!(panicked, next);
        assert!(matches!(panicked, Err(StoreError::Database(why)) if why.contains("unexpectedly")));
        next.unwrap();
        let read = writer.read::<()>(|_| panic!("on purpose")).await;
        assert!(matches!(read, Err(StoreError::Database(why)) if why.contains("unexpectedly")));
        assert_eq!(all(&writer).await, [2]);
    }

    #[tokio::test]
    async fn a_closed_writer_says_so() {
        let writer = writer();
        writer.close().await;
        let written = writer.write(|_| Ok(())).await;
        assert!(matches!(written, Err(StoreError::Database(why)) if why.contains("closed")));
    }
}
