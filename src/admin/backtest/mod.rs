//! Trying rules before they are active: edited texts are checked, tested, and compared with past events. Nothing is written, sent
//! or made active.

mod files;
mod job;
mod work;

pub use files::{EditError, FileList, ListedFile, RuleEdit, RuleFiles, Seen, TestRun};
pub(super) use job::{Found, Job, JobState, Jobs, Order, Task, TestOutcome};

use super::{
    ApiResult, ScopedEngine,
    events::ShutdownToken,
    pagination::workspace_name,
    problem::{JsonBody, Problem, QueryParams},
};
use crate::{
    backtest::{Answer, ComparedRules, Progress, Report, markdown},
    model::parse_duration,
};
use axum::{
    Extension, Json,
    extract::Path,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use utoipa::{IntoParams, ToSchema};

/// All edited texts together, in bytes.
pub(super) const MAX_TEXT: usize = 1024 * 1024;
/// A request with such texts, in JSON or as a form; what is escaped takes more room.
pub(super) const BODY_LIMIT: usize = 4 * 1024 * 1024;
/// So many files.
const MAX_FILES: usize = 200;
/// If nothing is said.
const SINCE: Duration = Duration::from_secs(30 * 86_400);
const BEFORE: &str = "running";
const AFTER: &str = "the edited rules";

/// Past events, decided by the rules as they would be.
#[derive(Deserialize, ToSchema)]
// A misspelt `rules` would compare the files as they are, and say that nothing changes.
#[serde(deny_unknown_fields)]
pub(super) struct BacktestBody {
    /// What is done: `check`, `test` or `compare`.
    #[serde(default)]
    #[schema(inline)]
    task: Task,
    /// The edited texts, by the files' names; all others are as they are on disk.
    #[serde(default)]
    rules: BTreeMap<String, String>,
    /// Only younger events, such as `7d`; null, or left out: `30d`.
    #[schema(pattern = "^[1-9][0-9]{0,2}[mhd]$")]
    since: Option<String>,
    /// Only events of this workspace; null, or left out: all that you see.
    #[serde(default, deserialize_with = "workspace_name")]
    workspace: Option<String>,
    /// Compare matching alone, which is quicker and takes any number of events.
    #[serde(default)]
    stateless: bool,
}

/// What you can try, and what was tried.
#[derive(Serialize, ToSchema)]
pub(super) struct BacktestOverview {
    /// The files that you may edit, in the order in which they are read.
    files: Vec<ListedFile>,
    /// So many files of your workspaces are shared with workspaces that you do not see.
    shared_files: usize,
    /// Newest first. They are kept in this process for an hour.
    items: Vec<BacktestJob>,
}

/// One of them.
#[derive(Serialize, ToSchema)]
pub(super) struct BacktestJob {
    id: String,
    #[schema(inline)]
    task: Task,
    #[schema(inline)]
    state: JobState,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    by: Option<String>,
    /// The files that were edited.
    files: Vec<String>,
    workspace: Option<String>,
    since: Timestamp,
    /// How events are decided: `stateful`, or `stateless`, which compares matching alone.
    how: &'static str,
    progress: Progress,
    /// Why it could not go on.
    error: Option<String>,
    /// What it has found; null in lists, and while it runs.
    result: Option<BacktestResult>,
}

/// What was found.
#[derive(Serialize, ToSchema)]
pub(super) struct BacktestResult {
    /// Identifies the active rules.
    before_revision: Option<String>,
    /// Identifies the edited ones.
    after_revision: Option<String>,
    /// Errors and warnings, as `check --format json` prints them.
    #[schema(value_type = Vec<Object>)]
    diagnostics: Vec<Value>,
    tests: Option<TestTotals>,
    /// Of a comparison; what was found so far, if it was cancelled.
    report: Option<Report>,
}

/// What came of the tests.
#[derive(Serialize, ToSchema)]
pub(super) struct TestTotals {
    passed: u64,
    failed: u64,
    /// The failing ones first; the first 1,000.
    items: Vec<TestOutcome>,
}

impl BacktestJob {
    fn new(job: &Job) -> Self {
        let order = &job.order;
        Self {
            id: job.id.clone(),
            task: order.task,
            state: job.state(),
            started_at: job.started_at,
            ended_at: job.ended_at(),
            by: order.by.clone(),
            files: order.texts.keys().cloned().collect(),
            workspace: order.workspace.clone(),
            since: order.since,
            how: order.how(),
            progress: *job.progress.borrow(),
            error: job.found().error.clone(),
            result: None,
        }
    }

    fn with_result(job: &Job) -> Self {
        let mut told = Self::new(job);
        if told.state == JobState::Running {
            return told;
        }
        let found = job.found();
        let (before_revision, after_revision) = found.revisions.clone().unzip();
        let totals = |(passed, failed)| TestTotals { passed, failed, items: found.tests.clone() };
        told.result = Some(BacktestResult {
            before_revision,
            after_revision,
            diagnostics: found.diagnostics.iter().filter_map(|found| serde_json::to_value(found).ok()).collect(),
            tests: found.counts.map(totals),
            report: found.report.clone(),
        });
        told
    }
}

/// List the rule files that you may edit, and what was tried.
#[utoipa::path(
    get, path = "/api/v1/backtest", operation_id = "backtests", tag = "backtest",
    responses((status = 200, body = BacktestOverview))
)]
pub(super) async fn list(engine: ScopedEngine) -> ApiResult<BacktestOverview> {
    // A service whose rules come from elsewhere has none.
    let FileList { files, shared } = match rule_files(&engine) {
        Ok(files) => files.list(&engine.seen()).await.map_err(problem)?,
        Err(_) => FileList::default(),
    };
    let jobs = engine.app().jobs.list(&engine.seen());
    let items = jobs.iter().map(|job| BacktestJob::new(job)).collect();
    Ok(Json(BacktestOverview { files, shared_files: shared, items }))
}

/// Try edited rules: check them, run their tests, or compare them with the active rules on past events.
///
/// Nothing is written or sent, and the active rules stay. It runs in this process beside all other work, one comparison or run of
/// tests at a time (409), for half an hour at most; ask for its result under its id. A file that is not there yet is added to
/// its folder.
#[utoipa::path(
    post, path = "/api/v1/backtest", operation_id = "startBacktest", tag = "backtest",
    request_body = inline(BacktestBody),
    responses(
        (status = 202, description = "It has started.", body = BacktestJob),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
        (status = 409, response = Problem),
        (status = 413, response = Problem),
        (status = 501, response = Problem)
    )
)]
pub(super) async fn start(
    engine: ScopedEngine,
    closing: Option<Extension<ShutdownToken>>,
    JsonBody(body): JsonBody<BacktestBody>,
) -> Result<(StatusCode, Json<BacktestJob>), Problem> {
    let since = match body.since {
        Some(text) => since_of(&text).map_err(|why| Problem::bad_request(format!("`since`: {why}")))?,
        None => SINCE,
    };
    let order = order(&engine, body.task, body.rules, (since, body.workspace), body.stateless)?;
    let job = start_by(&engine, order, closing).await?;
    Ok((StatusCode::ACCEPTED, Json(BacktestJob::new(&job))))
}

/// A time span in which there may be events.
fn since_of(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(Duration::ZERO) => Err(format!("`{text}` is no time at all: write it like `7d`")),
        parsed => parsed.map_err(|error| error.to_string()),
    }
}

/// What somebody asks for.
pub(super) fn order(
    engine: &ScopedEngine,
    task: Task,
    texts: BTreeMap<String, String>,
    (since, workspace): (Duration, Option<String>),
    stateless: bool,
) -> Result<Order, Problem> {
    if let Some(name) = &workspace {
        engine.workspace(name)?;
    }
    let since = engine.shared().now().saturating_sub(since).unwrap_or(Timestamp::MIN);
    let by = engine.principal().name().map(str::to_owned);
    Ok(Order { task, texts, seen: engine.seen(), workspace, since, by, stateless })
}

/// Starts it, if the files are theirs and no larger than they may be.
pub(super) async fn start_by(
    engine: &ScopedEngine,
    order: Order,
    closing: Option<Extension<ShutdownToken>>,
) -> Result<Arc<Job>, Problem> {
    let size: usize = order.texts.iter().map(|(name, text)| name.len() + text.len()).sum();
    if size > MAX_TEXT || order.texts.len() > MAX_FILES {
        let text = format!("the edited files have more than 1 MiB together, or are more than {MAX_FILES}");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    let files = rule_files(engine)?;
    let names: Vec<&str> = order.texts.keys().map(String::as_str).collect();
    files.check_names(&order.seen, &names).await.map_err(problem)?;
    let closing = closing.map(|found| found.0.0).unwrap_or_default();
    let (files, task) = (order.texts.len(), order.task);
    // Only a comparison decides anything.
    let how = (task == Task::Compare).then(|| order.how());
    let job = work::start(engine, order, &closing)?;
    tracing::info!(id = job.id, ?task, how, files, by = %engine.caller(), "backtest started");
    Ok(job)
}

/// Get what a check, the tests or a comparison has found, or how far it is.
#[utoipa::path(
    get, path = "/api/v1/backtest/{id}", operation_id = "backtest", tag = "backtest",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, body = BacktestJob), (status = 404, response = Problem))
)]
pub(super) async fn get(engine: ScopedEngine, Path(id): Path<String>) -> ApiResult<BacktestJob> {
    Ok(Json(BacktestJob::with_result(find(&engine, &id)?.as_ref())))
}

/// Cancel a check, the tests or a comparison; what was found so far stays. One that has ended stays as it is.
#[utoipa::path(
    post, path = "/api/v1/backtest/{id}/cancel", operation_id = "cancelBacktest", tag = "backtest",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, body = BacktestJob), (status = 404, response = Problem))
)]
pub(super) async fn cancel(engine: ScopedEngine, Path(id): Path<String>) -> ApiResult<BacktestJob> {
    let job = cancel_by(&engine, &id).await?;
    Ok(Json(BacktestJob::with_result(&job)))
}

/// Remove a check, the tests or a comparison with all that was found; cancel it first if it runs.
#[utoipa::path(
    delete, path = "/api/v1/backtest/{id}", operation_id = "removeBacktest", tag = "backtest",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 204, description = "It is gone."), (status = 404, response = Problem))
)]
pub(super) async fn remove(engine: ScopedEngine, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let job = cancel_by(&engine, &id).await?;
    engine.app().jobs.remove(&job.id);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn cancel_by(engine: &ScopedEngine, id: &str) -> Result<Arc<Job>, Problem> {
    let job = find(engine, id)?;
    job.cancelled.cancel();
    // It ends within one piece of work.
    job.wait(Duration::from_secs(2)).await;
    Ok(job)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FileParam {
    /// Its name.
    file: String,
}

/// What a rule file says.
#[derive(Serialize, ToSchema)]
pub(super) struct FileText {
    name: String,
    /// As it is on disk.
    text: String,
}

/// Read a rule file as it is on disk.
#[utoipa::path(
    get, path = "/api/v1/backtest/rules", operation_id = "ruleFile", tag = "backtest",
    params(FileParam),
    responses(
        (status = 200, body = FileText),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
        (status = 501, response = Problem)
    )
)]
pub(super) async fn read(engine: ScopedEngine, QueryParams(wanted): QueryParams<FileParam>) -> ApiResult<FileText> {
    let text = rule_files(&engine)?.read(&engine.seen(), &wanted.file).await.map_err(problem)?;
    Ok(Json(FileText { name: wanted.file, text }))
}

/// How a comparison is written.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ReportFormat {
    #[default]
    Json,
    Markdown,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FormatParam {
    /// `json` or `markdown`.
    #[serde(default)]
    #[param(inline)]
    format: ReportFormat,
}

/// Download a comparison, as `backtest --format json` or `markdown` prints it.
#[utoipa::path(
    get, path = "/api/v1/backtest/{id}/report", operation_id = "backtestReport", tag = "backtest",
    params(("id" = String, Path, description = "Its id."), FormatParam),
    responses(
        (status = 200, description = "The comparison.", content((Object = "application/json"), (String = "text/markdown"))),
        (status = 400, response = Problem),
        (status = 404, response = Problem)
    )
)]
pub(super) async fn report(
    engine: ScopedEngine,
    Path(id): Path<String>,
    QueryParams(wanted): QueryParams<FormatParam>,
) -> Result<Response, Problem> {
    let job = find(&engine, &id)?;
    let found = job.found();
    let (Some(report), Some((before, after))) = (&found.report, &found.revisions) else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "it has compared nothing yet"));
    };
    let before = ComparedRules { from: BEFORE, revision: before };
    let after = ComparedRules { from: AFTER, revision: after };
    let answer = Answer::new(job.order.how(), Some(job.order.since), (before, after), report);
    let (text, kind, name) = match wanted.format {
        ReportFormat::Json => (serde_json::to_string_pretty(&answer), "application/json", "backtest.json"),
        ReportFormat::Markdown => (Ok(markdown(&answer)), "text/markdown; charset=utf-8", "backtest.md"),
    };
    let text = text.map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(attachment(text, kind, name))
}

/// A text that a browser saves.
pub(super) fn attachment(text: String, kind: &'static str, name: &str) -> Response {
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let disposition = disposition.unwrap_or(HeaderValue::from_static("attachment"));
    let headers: [(HeaderName, HeaderValue); 2] =
        [(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CONTENT_DISPOSITION, disposition)];
    (headers, text).into_response()
}

/// The rules as files, where the service has them from files.
pub(super) fn rule_files(engine: &ScopedEngine) -> Result<&dyn RuleFiles, Problem> {
    let files = engine.app().reload.as_ref().and_then(|reload| reload.rule_files());
    files.ok_or_else(|| Problem::new(StatusCode::NOT_IMPLEMENTED, "this service does not load its rules from files"))
}

pub(super) async fn list_files(engine: &ScopedEngine) -> Result<FileList, Problem> {
    rule_files(engine)?.list(&engine.seen()).await.map_err(problem)
}

/// One that they see. With several processes on one store, another one may have it.
pub(super) fn find(engine: &ScopedEngine, id: &str) -> Result<Arc<Job>, Problem> {
    engine.app().jobs.get(id, &engine.seen()).ok_or_else(|| {
        let elsewhere = match engine.has_shared_store() {
            true => " in this process; with several replicas it is in the one that began it",
            false => "; they are kept for an hour, until the service ends",
        };
        Problem::new(StatusCode::NOT_FOUND, format!("there is no backtest `{id}`{elsewhere}"))
    })
}

pub(super) fn problem(error: EditError) -> Problem {
    match error {
        EditError::UnknownFile(name) => Problem::not_found_named("rule file", &name),
        EditError::Invalid(found) => {
            let text = "the rules have errors";
            let value = serde_json::to_value(&found).unwrap_or_default();
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text).with_diagnostics(value)
        }
        EditError::Failed(text) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text),
    }
}
