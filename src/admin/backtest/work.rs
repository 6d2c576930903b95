//! What a job does. It takes one thread, rests as long as it works, and reads the store as a page does.

use super::{
    super::{Reload, ScopedEngine, problem::Problem},
    files::{EditError, RuleEdit, TestRun},
    job::{Busy, Found, Job, JobState, Order, Place, Task, TestOutcome},
};
use crate::{
    backtest::{
        BacktestError, Comparison, Decider, EventSource, Item, Limits, Monitor, Pace, Progress, Report, Stateful,
        Stateless, run,
    },
    diagnostics::{Diagnostic, Severity},
    rules::RuleSet,
};
use async_trait::async_trait;
use axum::http::StatusCode;
use std::{sync::Arc, time::Duration};
use tokio::{runtime::Handle, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

/// Whoever waits longer than this has asked for too much.
const MAX_TIME: Duration = Duration::from_secs(1_800);
/// So many events are in memory at once, and are done before anybody hears how far it is.
const PAGE: u32 = 64;
/// So many are played with all state: each side keeps what it has decided and sent in memory.
const MAX_STATEFUL: usize = 20_000;
/// What a report may hold.
const LIMITS: Limits = Limits { changes: 1_000, bytes: 4 * 1024 * 1024 };
/// So many errors and warnings are told.
const MAX_DIAGNOSTICS: usize = 500;
/// So many tests are told of one by one, the failing ones first.
const MAX_TESTS: usize = 1_000;

/// Starts a job, with what whoever asks for it sees; it ends with `closing`.
pub(super) fn start(engine: &ScopedEngine, order: Order, closing: &CancellationToken) -> Result<Arc<Job>, Problem> {
    let erasures = engine.shared().erasures();
    let begun = engine.app().jobs.begin(order, engine.shared().now(), closing.child_token());
    let (job, place) = begun.map_err(|Busy| {
        let text =
            "another one runs in this process, or was cancelled and is about to end: wait for its end, or cancel it";
        Problem::new(StatusCode::CONFLICT, text)
    })?;
    engine.app().jobs.forget_in_time(&job, erasures);
    let (running, engine) = (Arc::clone(&job), engine.clone());
    tokio::spawn(async move {
        // On a thread of its own: what is work without a pause must not stand in the way of what the service does.
        let (handle, seeing, working) = (Handle::current(), engine.clone(), Arc::clone(&running));
        let ended = spawn_blocking(move || handle.block_on(within_time(&seeing, &working, place))).await;
        let (state, found) = ended.unwrap_or_else(|error| {
            tracing::error!(%error, id = running.id, "backtest failed");
            let why = "it met an error of its own: the log has it".to_owned();
            (JobState::Failed, Found { error: Some(why), ..Found::default() })
        });
        running.set_found(found);
        running.end(state, engine.shared().now());
    });
    Ok(job)
}

/// The place is free before anybody hears of the end.
async fn within_time(engine: &ScopedEngine, job: &Job, place: Place) -> (JobState, Found) {
    let mut found = Found::default();
    let Ok(state) = tokio::time::timeout(MAX_TIME, work(engine, job, &place, &mut found)).await else {
        job.cancelled.cancel();
        let why = "it took longer than half an hour: choose fewer days, or one workspace".to_owned();
        return (failed(&mut found, why), found);
    };
    (state, found)
}

async fn work(engine: &ScopedEngine, job: &Job, place: &Place, found: &mut Found) -> JobState {
    let Some(files) = engine.app().reload.clone().filter(|reload| reload.rule_files().is_some()) else {
        return failed(found, "this service does not load its rules from files".to_owned());
    };
    let edit = RuleEdit { seen: job.order.seen.clone(), texts: job.order.texts.clone() };
    let from = Arc::clone(&files);
    let loading = place.hold(async move { Some(from.rule_files()?.load(&edit).await) });
    let Some(Some(loaded)) = job.cancelled.run_until_cancelled(loading).await else { return JobState::Cancelled };
    let before = engine.shared().rules();
    let after = match loaded {
        Ok(rules) => Arc::new(rules),
        Err(EditError::Invalid(diagnostics)) => {
            found.diagnostics = told(diagnostics.sorted().into_iter().cloned());
            return JobState::Rejected;
        }
        Err(EditError::UnknownFile(name)) => return failed(found, format!("there is no file `{name}` any more")),
        Err(EditError::Failed(text)) => return failed(found, text),
    };
    found.diagnostics = told(after.warnings().sorted().into_iter().cloned());
    found.revisions = Some((before.revision().to_owned(), after.revision().to_owned()));
    match job.order.task {
        Task::Check => JobState::Done,
        Task::Test => test(files, job, place, after, found).await,
        Task::Compare => compare(engine, job, (before, after), found).await,
    }
}

fn failed(found: &mut Found, why: String) -> JobState {
    found.error = Some(why);
    JobState::Failed
}

/// Errors first.
fn told(diagnostics: impl Iterator<Item = Diagnostic>) -> Vec<Diagnostic> {
    let (errors, warnings): (Vec<_>, Vec<_>) = diagnostics.partition(|found| found.severity == Severity::Error);
    errors.into_iter().chain(warnings).take(MAX_DIAGNOSTICS).collect()
}

async fn test(files: Arc<dyn Reload>, job: &Job, place: &Place, rules: Arc<RuleSet>, found: &mut Found) -> JobState {
    let total = Some(rules.tests().len() as u64);
    let progress = job.progress.clone();
    progress.send_replace(Progress { total, ..Progress::default() });
    let tell = move |done| {
        progress.send_replace(Progress { done, total, ..Progress::default() });
    };
    let run = TestRun { rules: Arc::clone(&rules), cancelled: job.cancelled.clone(), tell: Box::new(tell) };
    let results = match place.hold(async move { Some(files.rule_files()?.test(run).await) }).await {
        Some(Ok(results)) => results,
        Some(Err(EditError::Failed(text))) => return failed(found, text),
        _ => return failed(found, "the tests cannot run".to_owned()),
    };
    let outcomes = rules.tests().iter().zip(&results).map(|(case, result)| TestOutcome::new(case, result));
    let (passed, failing): (Vec<_>, Vec<_>) = outcomes.partition(|outcome| outcome.passed);
    found.counts = Some((passed.len() as u64, failing.len() as u64));
    found.tests = failing.into_iter().chain(passed).take(MAX_TESTS).collect();
    if results.len() < rules.tests().len() { JobState::Cancelled } else { JobState::Done }
}

async fn compare(
    engine: &ScopedEngine,
    job: &Job,
    (before, after): (Arc<RuleSet>, Arc<RuleSet>),
    found: &mut Found,
) -> JobState {
    let order = &job.order;
    let mut report = Report::within(LIMITS, &before, &after);
    let comparison = Arc::new(Comparison {
        before,
        after,
        since: Some(order.since),
        workspaces: engine.names_of(order.workspace.as_deref()),
    });
    let mut source: Box<dyn EventSource> =
        Box::new(engine.stored_events(order.workspace.as_deref(), order.since, PAGE));
    let monitor = Monitor { progress: job.progress.clone(), cancelled: job.cancelled.clone(), pace: Pace::Background };
    let mut decider: Box<dyn Decider> = match order.stateless {
        true => Box::new(Stateless::new(Arc::clone(&comparison), monitor.pace)),
        false => {
            source = Box::new(AtMost { source, left: MAX_STATEFUL });
            let workspaces = engine.workspaces().into_iter().map(|workspace| workspace.settings().clone());
            match Stateful::new(Arc::clone(&comparison), workspaces) {
                Ok(decider) => Box::new(decider),
                Err(error) => return failed(found, error.to_string()),
            }
        }
    };
    let ran = run(source.as_mut(), decider.as_mut(), &mut report, &monitor).await;
    if let Some(names) = &comparison.workspaces {
        let has = |set: &RuleSet, rule: &str| names.iter().any(|name| set.of_workspace(name).rule(rule).is_some());
        report.rules.retain(|row| has(&comparison.before, &row.name) || has(&comparison.after, &row.name));
    }
    found.report = Some(report);
    match ran {
        Ok(()) => JobState::Done,
        Err(BacktestError::Cancelled) => JobState::Cancelled,
        Err(error) => failed(found, error.to_string()),
    }
}

/// A source that ends in an error where it has more than so many events.
struct AtMost {
    source: Box<dyn EventSource>,
    left: usize,
}

#[async_trait]
impl EventSource for AtMost {
    async fn next(&mut self) -> Result<Vec<Item>, BacktestError> {
        let items = self.source.next().await?;
        let Some(left) = self.left.checked_sub(items.len()) else {
            return Err(BacktestError::Failed(format!(
                "there are more than {MAX_STATEFUL} events: compare matching alone, or choose fewer days or one workspace"
            )));
        };
        self.left = left;
        Ok(items)
    }
}
