//! What somebody tries with the rules: a check, the tests, or a comparison with past events. It runs beside the service, is kept
//! in memory for a while, and ends with the service.

use super::files::Seen;
use crate::{
    backtest::{Progress, Report},
    diagnostics::Diagnostic,
    model::cut_text,
    rules::{TestCase, TestResult},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    panic::resume_unwind,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

/// So many that have ended are kept.
const MAX_KEPT: usize = 4;
/// They hold what leads wrote: no longer than this.
const KEPT_FOR: Duration = Duration::from_secs(3_600);
/// A check reads and compiles the rules; tests and comparisons go on for as long as they take.
const MAX_CHECKS: usize = 2;
const MAX_LONG: usize = 1;

/// What is done with the rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::admin) enum Task {
    /// Errors and warnings.
    Check,
    /// The tests beside the rules.
    Test,
    /// What they would have done with past events.
    #[default]
    Compare,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::admin) enum JobState {
    /// It runs.
    Running,
    /// It has its result.
    Done,
    /// The rules have errors.
    Rejected,
    /// Somebody has cancelled it, or the service ends.
    Cancelled,
    /// It could not go on.
    Failed,
}

/// What came of one test.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in crate::admin) struct TestOutcome {
    pub name: String,
    pub file: String,
    pub line: usize,
    pub passed: bool,
    /// The step that fails, such as `step 2 (line 14, then_lead_writes)`; null for the event itself.
    pub step: Option<String>,
    /// What differs.
    pub failures: Vec<TestFailure>,
    /// Why each reply that is held as uncertain is held.
    pub uncertain: Vec<String>,
    /// Which rules could not be evaluated and so did not match, and why.
    pub errors: Vec<String>,
    /// How every action of a played test stood when it ended.
    pub actions: Vec<String>,
}

/// What a test wants, and what came of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in crate::admin) struct TestFailure {
    pub what: &'static str,
    pub expected: String,
    pub actual: String,
}

/// So much of a value is told, in characters.
const MAX_VALUE: usize = 1_000;
/// So many lines of a test are told.
const MAX_LINES: usize = 50;

impl TestOutcome {
    pub(super) fn new(case: &TestCase, result: &TestResult) -> Self {
        let failures = result.failures.iter().map(|failure| TestFailure {
            what: failure.what,
            expected: cut_text(&failure.wanted, MAX_VALUE),
            actual: cut_text(&failure.got, MAX_VALUE),
        });
        let lines = |lines: &[String]| lines.iter().take(MAX_LINES).map(|line| cut_text(line, MAX_VALUE)).collect();
        Self {
            name: cut_text(&case.name, MAX_VALUE),
            file: case.file.clone(),
            line: case.line,
            passed: result.failures.is_empty(),
            step: result.step.map(|step| format!("step {} (line {}, {})", step.number, step.line, step.event)),
            failures: failures.take(MAX_LINES).collect(),
            uncertain: lines(&result.uncertain),
            errors: lines(&result.errors),
            actions: lines(&result.actions),
        }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(in crate::admin) struct Found {
    /// Errors and warnings of files that they see.
    pub diagnostics: Vec<Diagnostic>,
    /// How many tests have passed, and how many fail; `None` where no test ran.
    pub counts: Option<(u64, u64)>,
    /// The failing ones first, up to a bound.
    pub tests: Vec<TestOutcome>,
    /// The revisions of both sets, once these are loaded.
    pub revisions: Option<(String, String)>,
    /// What a comparison has found, also where it ended early.
    pub report: Option<Report>,
    /// Why it could not go on.
    pub error: Option<String>,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(in crate::admin) struct Order {
    pub task: Task,
    /// The edited texts, by the files' names.
    pub texts: BTreeMap<String, String>,
    /// Whoever asks sees these workspaces.
    pub seen: Seen,
    /// Only events of this workspace count.
    pub workspace: Option<String>,
    pub since: Timestamp,
    pub by: Option<String>,
    pub stateless: bool,
}

impl Order {
    /// How events are decided.
    pub(super) fn how(&self) -> &'static str {
        if self.stateless { "stateless" } else { "stateful" }
    }
}

/// One of them.
#[derive(Debug)]
pub(in crate::admin) struct Job {
    pub id: String,
    pub order: Order,
    pub started_at: Timestamp,
    /// Of tests, how many have run; of events, how far it is.
    pub progress: watch::Sender<Progress>,
    pub cancelled: CancellationToken,
    ended: watch::Sender<Option<Ended>>,
    found: Mutex<Arc<Found>>,
}

#[derive(Debug, Clone, Copy)]
struct Ended {
    state: JobState,
    at: Timestamp,
}

impl Job {
    pub(in crate::admin) fn state(&self) -> JobState {
        self.ended.borrow().map_or(JobState::Running, |ended| ended.state)
    }

    pub(in crate::admin) fn ended_at(&self) -> Option<Timestamp> {
        self.ended.borrow().map(|ended| ended.at)
    }

    /// What was found; while it runs, nothing but what the check found.
    pub(in crate::admin) fn found(&self) -> Arc<Found> {
        Arc::clone(&self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_found(&self, found: Found) {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(found);
    }

    pub(super) fn end(&self, state: JobState, at: Timestamp) {
        self.ended.send_replace(Some(Ended { state, at }));
    }

    /// Waits until it has ended, but no longer than this.
    pub(in crate::admin) async fn wait(&self, most: Duration) {
        let mut ended = self.ended.subscribe();
        let _ = tokio::time::timeout(most, ended.wait_for(Option::is_some)).await;
    }

    /// Whether somebody who sees these workspaces may see it.
    fn is_for(&self, seen: &Seen) -> bool {
        match (seen, &self.order.seen) {
            (None, _) => true,
            (Some(seen), Some(of)) => of.iter().all(|name| seen.contains(name)),
            (Some(_), None) => false,
        }
    }
}

/// All of them, in this process.
#[derive(Debug)]
pub(in crate::admin) struct Jobs {
    listed: Mutex<VecDeque<Arc<Job>>>,
    checks: Arc<Semaphore>,
    long: Arc<Semaphore>,
}

/// What one of them holds until its work has really ended, whatever was said of it before: one that is cancelled or removed may
/// go on to compile for a while. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Place {
    /// Does a part of the work, which holds the place to its end, also if nobody waits for it any more.
    pub(super) async fn hold<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let place = self.clone();
        let held = async move {
            let done = work.await;
            drop(place);
            done
        };
        match tokio::spawn(held).await {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The process ends, and with it whoever waits.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

impl Default for Jobs {
    fn default() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self { listed: Mutex::default(), checks: places(MAX_CHECKS), long: places(MAX_LONG) }
    }
}

/// Too many run.
#[derive(Debug)]
pub(in crate::admin) struct Busy;

impl Jobs {
    fn listed(&self) -> MutexGuard<'_, VecDeque<Arc<Job>>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one in that is about to run, and gives it a place.
    pub(super) fn begin(
        &self,
        order: Order,
        started_at: Timestamp,
        cancelled: CancellationToken,
    ) -> Result<(Arc<Job>, Place), Busy> {
        let places = match order.task {
            Task::Check => &self.checks,
            Task::Test | Task::Compare => &self.long,
        };
        let permit = Arc::clone(places).try_acquire_owned().map_err(|_| Busy)?;
        let mut all = self.listed();
        let job = Arc::new(Job {
            id: uuid::Uuid::new_v4().to_string(),
            order,
            started_at,
            progress: watch::Sender::default(),
            cancelled,
            ended: watch::Sender::default(),
            found: Mutex::default(),
        });
        all.push_back(Arc::clone(&job));
        let ended = all.iter().filter(|job| job.state() != JobState::Running).count();
        let mut left = ended.saturating_sub(MAX_KEPT);
        all.retain(|job| {
            let goes = left > 0 && job.state() != JobState::Running;
            left -= usize::from(goes);
            !goes
        });
        Ok((job, Place { _permit: Arc::new(permit) }))
    }

    /// Those that somebody may see, newest first.
    pub(in crate::admin) fn list(&self, seen: &Seen) -> Vec<Arc<Job>> {
        let all = self.listed();
        all.iter().rev().filter(|job| job.is_for(seen)).cloned().collect()
    }

    pub(in crate::admin) fn get(&self, id: &str, seen: &Seen) -> Option<Arc<Job>> {
        self.list(seen).into_iter().find(|job| job.id == id)
    }

    /// Lets go of one. What runs goes on until it is cancelled.
    pub(super) fn remove(&self, id: &str) {
        self.listed().retain(|job| job.id != id);
    }

    /// Lets go of one a while after its end, and of all as soon as somebody is erased, by whichever process.
    pub(super) fn forget_in_time(self: &Arc<Self>, job: &Job, mut erasures: watch::Receiver<u64>) {
        let (jobs, id, mut ended) = (Arc::downgrade(self), job.id.clone(), job.ended.subscribe());
        tokio::spawn(async move {
            let time_is_over = async {
                // If nobody holds it any more, nothing of it is left.
                if ended.wait_for(Option::is_some).await.is_ok() {
                    tokio::time::sleep(KEPT_FOR).await;
                }
            };
            let somebody_was_erased = tokio::select! {
                Ok(()) = erasures.changed() => true,
                () = time_is_over => false,
            };
            match jobs.upgrade() {
                Some(jobs) if somebody_was_erased => jobs.forget_all(),
                Some(jobs) => jobs.remove(&id),
                None => {}
            }
        });
    }

    /// Lets go of all: somebody was erased, and what they wrote may be in any.
    pub(in crate::admin) fn forget_all(&self) {
        let all = std::mem::take(&mut *self.listed());
        all.iter().for_each(|job| job.cancelled.cancel());
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.forget_all();
    }
}
