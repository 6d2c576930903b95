//! How the service fares.

use super::{
    ApiResult, App, ScopedEngine,
    pagination::{OffsetPaging, Page, WorkspaceFilter, page_at},
    problem::{Problem, QueryParams},
};
use crate::{
    engine::{Engine, Workspace, WorkspacePhase, WorkspaceStatus},
    model::{ActionState, Mode, format_duration},
    store::{ForeignUse, Pause, WorkspaceReport as Elsewhere},
};
use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Status)]
pub(super) struct StatusReport {
    pub version: &'static str,
    pub started_at: Timestamp,
    /// Whether nothing is sent: what is called done would have been.
    pub dry_run: bool,
    /// Whether everything is paused.
    pub paused: bool,
    /// The pause of everything.
    pub pause: Option<PauseReport>,
    pub rules: RulesReport,
    pub workspaces: Vec<WorkspaceReport>,
    /// How many open actions wait in workspaces that are no longer configured: they are kept, and nothing is sent.
    pub stopped: BTreeMap<String, u64>,
    pub queue: QueueReport,
    /// What has changed in the configuration since the start, and needs a restart.
    pub restart_needed: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ActiveRules)]
pub(super) struct RulesReport {
    pub revision: String,
    pub loaded_at: Timestamp,
    pub count: usize,
    pub error: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = List)]
pub(super) struct ListReport {
    pub name: String,
    pub rows: usize,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Workspace)]
pub(super) struct WorkspaceReport {
    pub name: String,
    pub state: WorkspaceState,
    pub paused: bool,
    pub paused_because: Option<String>,
    /// The pause of everything, or its own.
    pub pause: Option<PauseReport>,
    pub mode: Mode,
    /// The lists that its rules look into, as they are active.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<ListReport>,
    pub last_poll: Option<Timestamp>,
    pub next_poll: Option<Timestamp>,
    pub error: Option<String>,
    /// Since when polls, or reads of threads, fail.
    pub failing_since: Option<Timestamp>,
    /// Another service acts on the account, or uses the key.
    pub foreign_use: bool,
    /// What showed it.
    pub foreign_use_because: Option<String>,
    /// What you should know about its list of threads, in sentences; empty when all is well.
    pub notes: Vec<String>,
    pub budget: BudgetReport,
}

/// What a workspace is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum WorkspaceState {
    /// Its polls succeed.
    Polling,
    /// Nothing is sent; polls go on.
    Paused,
    /// Its last poll failed.
    Failing,
}

impl WorkspaceState {
    /// The state as programs write it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::Paused => "paused",
            Self::Failing => "failing",
        }
    }
}

/// Since when something is paused, and who paused it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pause)]
pub(super) struct PauseReport {
    pub since: Timestamp,
    /// Null: the service itself, or it was not recorded.
    pub by: Option<String>,
    pub reason: String,
}

impl From<&Pause> for PauseReport {
    fn from(pause: &Pause) -> Self {
        Self { since: pause.since, by: pause.by.clone(), reason: pause.reason.clone() }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Budget)]
pub(super) struct BudgetReport {
    pub minute_left: u32,
    pub hour_left: u32,
    /// ColdSend wants no requests until then.
    pub blocked_until: Option<Timestamp>,
    pub spent: UsageReport,
}

/// What our own requests of the last hour were for: replies with the reads that guard them, other writes, reads that
/// decisions waited for, polls.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub(super) struct UsageReport {
    pub replies: u32,
    pub writes: u32,
    pub reads: u32,
    pub polls: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Queue)]
pub(super) struct QueueReport {
    pub planned: u64,
    pub waiting: u64,
    pub retrying: u64,
    pub held: u64,
    pub unknown: u64,
    pub quarantined: u64,
    pub failed: u64,
    /// Threads of the last 30 days in which nothing is open and that you still have to look at.
    pub left_for_you: u64,
}

pub(super) async fn report(engine: &ScopedEngine) -> Result<StatusReport, Problem> {
    let shared = engine.shared();
    let pauses = engine.pauses().await?;
    let queue = engine.queue_counts().await?;
    let foreign = engine.foreign_uses().await?;
    let count = |state| queue.get(&state).copied().unwrap_or_default();
    let reports = shared.store().workspace_reports().await?;
    let rules = shared.rules();
    // What is wrong with the files may tell of other workspaces' rules.
    let error = shared.rules_error();
    let error = error.map(|error| if engine.sees_everything() { error } else { OTHERS_RULES.to_owned() });
    Ok(StatusReport {
        version: env!("CARGO_PKG_VERSION"),
        started_at: shared.started_at(),
        dry_run: shared.is_dry_run(),
        paused: pauses.iter().any(|pause| pause.workspace.is_none()),
        pause: pauses.iter().find(|pause| pause.workspace.is_none()).map(PauseReport::from),
        rules: RulesReport {
            revision: rules.revision().to_owned(),
            loaded_at: shared.rules_loaded_at(),
            count: rules.rules().iter().filter(|rule| engine.sees_rule(rule)).count(),
            error,
        },
        workspaces: engine
            .workspaces()
            .iter()
            .map(|workspace| {
                let told = reports.get(workspace.name()).filter(|_| !shared.holds(workspace.name()));
                let report = workspace_report(workspace, &pauses, foreign_use(shared, workspace, &foreign), told);
                let lists = rules.lists_of(workspace.name());
                let lists = lists.map(|(name, list)| ListReport { name: name.to_owned(), rows: list.len() });
                WorkspaceReport { lists: lists.collect(), ..report }
            })
            .collect(),
        stopped: engine.stopped().await?,
        restart_needed: shared.restart_needed().filter(|_| engine.sees_everything()),
        queue: QueueReport {
            planned: count(ActionState::Planned),
            waiting: count(ActionState::Waiting),
            retrying: count(ActionState::Retrying),
            held: count(ActionState::Held),
            unknown: count(ActionState::Unknown),
            quarantined: count(ActionState::Quarantined),
            failed: count(ActionState::Failed),
            left_for_you: engine.left_count().await?,
        },
    })
}

/// All that somebody learns of a rejected reload who does not see every workspace.
const OTHERS_RULES: &str = "the changed rules have errors; an admin of all workspaces sees which";

/// What shows that another service acts on the account: our own words that we did not send, or the key's limit.
fn foreign_use(engine: &Engine, workspace: &Workspace, found: &[ForeignUse]) -> Option<String> {
    let words = found.iter().find(|found| found.workspace == workspace.name());
    let text = "the key's limit falls faster than this service's usage";
    let key = || engine.alerts().is_key_shared(workspace).then(|| text.to_owned());
    words.map(|found| found.evidence.clone()).or_else(key)
}

/// How a workspace fares and what is left of its minute and hour, by what the process tells that runs it.
pub(super) fn live(workspace: &Workspace, elsewhere: Option<&Elsewhere>) -> (WorkspaceStatus, [u32; 2]) {
    let (mut status, budget) = (workspace.status(), workspace.client().budget());
    let mut left = [budget.minute_left, budget.hour_left];
    if let Some(told) = elsewhere {
        let phase = if told.error.is_some() { WorkspacePhase::Failing } else { WorkspacePhase::Polling };
        let Elsewhere { last_poll, next_poll, failing_since, .. } = *told;
        status = WorkspaceStatus { phase, last_poll, next_poll, error: told.error.clone(), failing_since };
        left = [told.minute_left, told.hour_left];
    }
    (status, left)
}

fn workspace_report(
    workspace: &Workspace,
    pauses: &[Pause],
    foreign: Option<String>,
    elsewhere: Option<&Elsewhere>,
) -> WorkspaceReport {
    let (status, [minute_left, hour_left]) = live(workspace, elsewhere);
    let budget = workspace.client().budget();
    let pause = pauses.iter().find(|pause| pause.workspace.as_deref().is_none_or(|name| name == workspace.name()));
    WorkspaceReport {
        name: workspace.name().to_owned(),
        state: match status.phase {
            _ if pause.is_some() => WorkspaceState::Paused,
            WorkspacePhase::Polling => WorkspaceState::Polling,
            WorkspacePhase::Failing => WorkspaceState::Failing,
        },
        paused: pause.is_some(),
        paused_because: pause.map(|pause| pause.reason.clone()),
        pause: pause.map(PauseReport::from),
        lists: Vec::new(),
        mode: workspace.settings().mode,
        last_poll: status.last_poll,
        next_poll: status.next_poll,
        error: status.error,
        failing_since: status.failing_since,
        foreign_use: foreign.is_some(),
        foreign_use_because: foreign,
        notes: workspace.notes(),
        budget: BudgetReport {
            minute_left,
            hour_left,
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

/// Get the status of the service, or of one workspace.
#[utoipa::path(
    get, path = "/api/v1/status", tag = "service",
    params(WorkspaceFilter),
    responses((status = 200, body = StatusReport), (status = 404, response = Problem))
)]
pub(super) async fn status(
    engine: ScopedEngine,
    QueryParams(filter): QueryParams<WorkspaceFilter>,
) -> ApiResult<StatusReport> {
    let engine = engine.narrowed_to(filter.name().as_deref())?;
    Ok(Json(report(&engine).await?))
}

pub(super) type WorkspacePage = Page<WorkspaceReport>;

/// List the workspaces and their status, in the order of the configuration.
#[utoipa::path(
    get, path = "/api/v1/workspaces", operation_id = "workspaces", tag = "service",
    params(OffsetPaging),
    responses((status = 200, body = WorkspacePage), (status = 400, response = Problem))
)]
pub(super) async fn workspaces(engine: ScopedEngine, paging: OffsetPaging) -> ApiResult<WorkspacePage> {
    let all = report(&engine).await?.workspaces;
    let rest = all.into_iter().skip(usize::try_from(paging.first).unwrap_or(usize::MAX)).collect();
    Ok(Json(page_at(rest, paging.first, paging.limit)))
}

/// Check that the process is alive.
#[utoipa::path(
    get, path = "/healthz", tag = "probes",
    responses((status = 200, description = "It is.", content_type = "text/plain", body = String))
)]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Check that the service is ready.
///
/// The store works, every workspace that runs in this process was polled at least once, and none of them has failed for
/// `safety.alert_if_failing`. Anyone may call this, so the response shows no paths and no details.
#[utoipa::path(
    get, path = "/readyz", tag = "probes",
    responses(
        (status = 200, description = "Ready.", content_type = "text/plain", body = String),
        (status = 503, response = Problem)
    )
)]
pub(super) async fn readyz(State(app): State<App>) -> Result<&'static str, Problem> {
    let not_ready = |text: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, text);
    if let Err(error) = app.whole_engine().store().pauses().await {
        tracing::error!(%error, "not ready: store error");
        return Err(not_ready("not ready: the store fails; the log says why".to_owned()));
    }
    if app.whole_engine().alerts().is_store_away() {
        let text = "not ready: nothing runs here, because the store cannot be written; the log says why";
        return Err(not_ready(text.to_owned()));
    }
    // What runs in another process is that one's to tell.
    let mut here = app.whole_engine().workspaces().to_vec();
    here.retain(|workspace| app.whole_engine().holds(workspace.name()));
    if let Some(workspace) = here.iter().find(|workspace| app.whole_engine().is_store_failing(workspace)) {
        let name = workspace.name();
        return Err(not_ready(format!(
            "not ready: {name} sends nothing, because the store cannot be written; the log says why"
        )));
    }
    for workspace in &here {
        if let Some((lasted, why)) = app.whole_engine().alerts().outage(workspace) {
            let lasted = format_duration(Duration::from_secs(lasted.as_secs()));
            return Err(not_ready(format!("not ready: {} has failed for {lasted}: {why}", workspace.name())));
        }
    }
    match here.iter().find(|workspace| workspace.status().last_poll.is_none()) {
        Some(workspace) => Err(not_ready(format!("not ready: {} not polled yet", workspace.name()))),
        None => Ok("ready\n"),
    }
}
