//! How the service fares.

use super::{ApiResult, App, problem::Problem};
use crate::{
    engine::{Engine, Workspace, WorkspacePhase},
    model::{ActionState, format_duration},
    store::{ForeignUse, Pause},
};
use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use std::time::Duration;

#[derive(Debug, Serialize)]
pub(super) struct StatusReport {
    pub version: &'static str,
    pub started_at: Timestamp,
    /// Nothing leaves but GET requests.
    pub dry_run: bool,
    pub paused: bool,
    /// The pause of everything.
    pub pause: Option<PauseReport>,
    pub rules: RulesReport,
    pub workspaces: Vec<WorkspaceReport>,
    pub queue: QueueReport,
    /// Why the service must be restarted to use its configuration as it is now.
    pub restart_needed: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct RulesReport {
    pub revision: String,
    pub loaded_at: Timestamp,
    pub count: usize,
    pub error: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct WorkspaceReport {
    pub name: String,
    pub state: &'static str,
    pub paused: bool,
    pub paused_because: Option<String>,
    /// The pause of everything, or its own.
    pub pause: Option<PauseReport>,
    pub mode: &'static str,
    pub last_poll: Option<Timestamp>,
    pub next_poll: Option<Timestamp>,
    pub error: Option<String>,
    /// Since when polls, or reads of threads, fail.
    pub failing_since: Option<Timestamp>,
    /// Another service acts on the account, or uses the key.
    pub foreign_use: bool,
    /// What showed it.
    pub foreign_use_because: Option<String>,
    /// What you should know about its list of threads.
    pub notes: Vec<String>,
    pub budget: BudgetReport,
}

/// Since when something is paused, and who did it; without `by` the service itself.
#[derive(Debug, Serialize)]
pub(super) struct PauseReport {
    pub since: Timestamp,
    pub by: Option<String>,
    pub reason: String,
}

impl From<&Pause> for PauseReport {
    fn from(pause: &Pause) -> Self {
        Self { since: pause.since, by: pause.by.clone(), reason: pause.reason.clone() }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct BudgetReport {
    pub minute_left: u32,
    pub hour_left: u32,
    pub blocked_until: Option<Timestamp>,
    pub spent: UsageReport,
}

/// What the requests of the last hour were for.
#[derive(Debug, Serialize)]
pub(super) struct UsageReport {
    pub replies: u32,
    pub writes: u32,
    pub reads: u32,
    pub polls: u32,
}

#[derive(Debug, Serialize)]
pub(super) struct QueueReport {
    pub planned: u64,
    pub waiting: u64,
    pub retrying: u64,
    pub held: u64,
    pub unknown: u64,
    pub quarantined: u64,
    pub failed: u64,
    /// Threads that are left for a person; nothing in them is open.
    pub left_for_you: u64,
}

pub(super) async fn report(app: &App) -> Result<StatusReport, Problem> {
    let engine = &app.engine;
    let pauses = engine.store().pauses().await?;
    let queue = engine.store().queue_counts(None).await?;
    let foreign = engine.store().foreign_uses().await?;
    let count = |state| queue.get(&state).copied().unwrap_or_default();
    let rules = engine.rules();
    Ok(StatusReport {
        version: env!("CARGO_PKG_VERSION"),
        started_at: engine.started_at(),
        dry_run: app.engine.is_dry_run(),
        paused: pauses.iter().any(|pause| pause.workspace.is_none()),
        pause: pauses.iter().find(|pause| pause.workspace.is_none()).map(PauseReport::from),
        rules: RulesReport {
            revision: rules.revision().to_owned(),
            loaded_at: engine.rules_loaded_at(),
            count: rules.rules().len(),
            error: engine.rules_error(),
        },
        workspaces: engine
            .workspaces()
            .iter()
            .map(|workspace| workspace_report(workspace, &pauses, foreign_use(engine, workspace, &foreign)))
            .collect(),
        restart_needed: engine.restart_needed(),
        queue: QueueReport {
            planned: count(ActionState::Planned),
            waiting: count(ActionState::Waiting),
            retrying: count(ActionState::Retrying),
            held: count(ActionState::Held),
            unknown: count(ActionState::Unknown),
            quarantined: count(ActionState::Quarantined),
            failed: count(ActionState::Failed),
            left_for_you: super::left::count(engine).await?,
        },
    })
}

/// What shows that another service acts on the account: our own words that we did not send, or the key's limit.
fn foreign_use(engine: &Engine, workspace: &Workspace, found: &[ForeignUse]) -> Option<String> {
    let words = found.iter().find(|found| found.workspace == workspace.name());
    let text = "the key's limit falls faster than this service's usage";
    let key = || engine.alerts().is_key_shared(workspace).then(|| text.to_owned());
    words.map(|found| found.evidence.clone()).or_else(key)
}

fn workspace_report(workspace: &Workspace, pauses: &[Pause], foreign: Option<String>) -> WorkspaceReport {
    let status = workspace.status();
    let budget = workspace.client().budget();
    let pause = pauses.iter().find(|pause| pause.workspace.as_deref().is_none_or(|name| name == workspace.name()));
    WorkspaceReport {
        name: workspace.name().to_owned(),
        state: match status.phase {
            _ if pause.is_some() => "paused",
            WorkspacePhase::Polling => "polling",
            WorkspacePhase::Failing => "failing",
        },
        paused: pause.is_some(),
        paused_because: pause.map(|pause| pause.reason.clone()),
        pause: pause.map(PauseReport::from),
        mode: workspace.settings().mode.as_str(),
        last_poll: status.last_poll,
        next_poll: status.next_poll,
        error: status.error,
        failing_since: status.failing_since,
        foreign_use: foreign.is_some(),
        foreign_use_because: foreign,
        notes: workspace.notes(),
        budget: BudgetReport {
            minute_left: budget.minute_left,
            hour_left: budget.hour_left,
            blocked_until: budget.blocked_until,
            spent: UsageReport {
                replies: budget.spent.replies,
                writes: budget.spent.writes,
                reads: budget.spent.reads,
                polls: budget.spent.polls,
            },
        },
    }
}

pub(super) async fn status(State(app): State<App>) -> ApiResult<StatusReport> {
    Ok(Json(report(&app).await?))
}

/// The process is alive.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The store answers, every workspace was polled at least once, and none has failed for `safety.alert_if_failing`. Anybody
/// may ask, so it tells no paths and no details.
pub(super) async fn readyz(State(app): State<App>) -> Result<&'static str, Problem> {
    let not_ready = |text: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, text);
    if let Err(error) = app.engine.store().pauses().await {
        tracing::error!(%error, "not ready: store error");
        return Err(not_ready("not ready: the store fails; the log says why".to_owned()));
    }
    if let Some(workspace) = app.engine.workspaces().iter().find(|workspace| workspace.is_store_failing()) {
        let name = workspace.name();
        return Err(not_ready(format!(
            "not ready: {name} sends nothing, because the store cannot be written; the log says why"
        )));
    }
    for workspace in app.engine.workspaces() {
        if let Some((lasted, why)) = app.engine.alerts().outage(workspace) {
            let lasted = format_duration(Duration::from_secs(lasted.as_secs()));
            return Err(not_ready(format!("not ready: {} has failed for {lasted}: {why}", workspace.name())));
        }
    }
    let waiting = app.engine.workspaces().iter().find(|workspace| workspace.status().last_poll.is_none());
    match waiting {
        Some(workspace) => Err(not_ready(format!("not ready: {} not polled yet", workspace.name()))),
        None => Ok("ready\n"),
    }
}
