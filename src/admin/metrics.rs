//! Prometheus metrics: what the store says at the time of the request, and what the engine has counted since its start.

use super::{
    App,
    exposition::{CONTENT_TYPE, Exposition},
    problem::Problem,
    status::live,
};
use crate::{
    engine::{Engine, Workspace, WorkspaceMetrics, WorkspacePhase, WorkspaceStatus},
    model::{ActionState, Mode},
    rules::Rule,
    store::{ActionTotal, MatchTotal, Store, WorkspaceQueue, WorkspaceReport},
};
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What is read of one workspace, so that all families tell of the same moment.
struct Seen<'a> {
    name: &'a str,
    /// By what the process tells that runs it.
    status: WorkspaceStatus,
    /// Requests left in the rolling minute and hour.
    left: [u32; 2],
    figures: WorkspaceMetrics,
    paused: bool,
    is_store_failing: bool,
    waits: WorkspaceQueue,
    /// Actions without a known outcome.
    quarantined: u64,
}

/// What the store says of all workspaces, each looked up once, however many there are.
struct Known {
    everything_paused: bool,
    paused: HashSet<String>,
    reports: BTreeMap<String, WorkspaceReport>,
    queues: HashMap<String, WorkspaceQueue>,
    quarantined: HashMap<String, u64>,
}

impl Known {
    async fn read(store: &dyn Store, totals: &[ActionTotal]) -> Result<Self, Problem> {
        let pauses = store.pauses().await?;
        let mut quarantined: HashMap<String, u64> = HashMap::new();
        for total in totals.iter().filter(|total| total.state == ActionState::Quarantined) {
            *quarantined.entry(total.workspace.clone()).or_default() += total.count;
        }
        Ok(Self {
            everything_paused: pauses.iter().any(|pause| pause.workspace.is_none()),
            paused: pauses.into_iter().filter_map(|pause| pause.workspace).collect(),
            reports: store.workspace_reports().await?,
            queues: store.workspace_queues().await?,
            quarantined,
        })
    }
}

impl<'a> Seen<'a> {
    fn new(workspace: &'a Workspace, engine: &Engine, known: &Known) -> Self {
        let name = workspace.name();
        let is_here = engine.holds(name);
        let (status, left) = live(workspace, known.reports.get(name).filter(|_| !is_here));
        Self {
            name,
            status,
            left,
            figures: workspace.metrics(),
            is_store_failing: engine.is_store_failing(workspace),
            paused: known.everything_paused || known.paused.contains(name),
            waits: known.queues.get(name).cloned().unwrap_or_default(),
            quarantined: known.quarantined.get(name).copied().unwrap_or_default(),
        }
    }
}

/// Get Prometheus metrics.
#[utoipa::path(
    get, path = "/metrics", tag = "probes",
    responses(
        (status = 200, description = "The text format, version 0.0.4.", content_type = "text/plain", body = String)
    )
)]
pub(super) async fn metrics(_: super::auth::KnownHost, State(app): State<App>) -> Result<Response, Problem> {
    let engine = app.whole_engine();
    let store = engine.store();
    let now = engine.now();
    let totals = store.action_totals().await?;
    let known = Known::read(store.as_ref(), &totals).await?;
    let workspaces = engine.workspaces();
    let seen: Vec<_> = workspaces.iter().map(|found| Seen::new(found, engine, &known)).collect();
    let mut all = Exposition::default();
    all.gauge("reply_router_build_info", "The running version; always 1.")
        .int(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    all.gauge("reply_router_start_time_seconds", "When the process started, in seconds since 1970.")
        .float(&[], seconds(engine.started_at()));
    polling(&mut all, &seen);
    queues(&mut all, &seen, now);
    actions(&mut all, &totals);
    rules(&mut all, &app).await?;
    let figures = store.metrics().await?;
    all.gauge("reply_router_store_size_bytes", "The size of the database, without its log.").int(&[], figures.bytes);
    all.histogram("reply_router_store_commit_seconds", "Duration of commits until the disk confirmed them.")
        .buckets(&[], &figures.commits);
    all.counter("reply_router_store_statements_total", "Statements that this process has run in the store.")
        .int(&[], figures.statements);
    all.gauge("reply_router_event_readers", "Open event streams.")
        .int(&[], u64::try_from(app.open_streams()).unwrap_or(u64::MAX));
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], all.into_text()).into_response())
}

fn polling(all: &mut Exposition, seen: &[Seen<'_>]) {
    let mut up = all.gauge("reply_router_poll_up", "Whether the last poll of the inbox succeeded.");
    for of in seen {
        up.bool(&[("workspace", of.name)], of.status.phase == WorkspacePhase::Polling && of.status.last_poll.is_some());
    }
    let mut last =
        all.gauge("reply_router_last_poll_timestamp_seconds", "When the last poll ended, successful or not.");
    for of in seen {
        if let Some(at) = of.status.last_poll {
            last.float(&[("workspace", of.name)], seconds(at));
        }
    }
    let mut polls = all.histogram("reply_router_poll_seconds", "Duration of polls, including failed ones.");
    for of in seen {
        polls.buckets(&[("workspace", of.name)], &of.figures.polls);
    }
    let mut failed = all.counter("reply_router_polls_failed_total", "Polls that failed.");
    for of in seen {
        failed.int(&[("workspace", of.name)], of.figures.polls_failed);
    }
    let mut pages = all.counter("reply_router_list_pages_total", "Pages of the list read by successful polls.");
    for of in seen {
        pages.int(&[("workspace", of.name)], of.figures.pages);
    }
    let mut nudges = all.counter("reply_router_nudges_total", "Calls of the hook.");
    for of in seen {
        nudges.int(&[("workspace", of.name)], of.figures.nudges);
    }
    let mut budget = all.gauge("reply_router_api_budget_left", "Requests left in the API key's budget.");
    for of in seen {
        for (window, left) in ["minute", "hour"].into_iter().zip(of.left) {
            budget.int(&[("workspace", of.name), ("window", window)], left.into());
        }
    }
    let mut paused =
        all.gauge("reply_router_paused", "Whether sending is paused, by an operator or after a rejected key.");
    for of in seen {
        paused.bool(&[("workspace", of.name)], of.paused);
    }
    let mut failing =
        all.gauge("reply_router_store_failing", "Whether sending stops because the store cannot be written.");
    for of in seen {
        failing.bool(&[("workspace", of.name)], of.is_store_failing);
    }
}

fn queues(all: &mut Exposition, seen: &[Seen<'_>], now: Timestamp) {
    let mut pending = all.gauge("reply_router_pending_threads", "Threads that changed and have no decision yet.");
    for of in seen {
        pending.int(&[("workspace", of.name)], of.waits.pending);
    }
    let mut age =
        all.gauge("reply_router_pending_age_seconds", "How long the first pending thread has waited; 0 without one.");
    for of in seen {
        age.float(&[("workspace", of.name)], of.waits.pending_since.map_or(0.0, |since| late(since, now)));
    }
    let mut age =
        all.gauge("reply_router_queue_age_seconds", "How long the oldest due action has been due; 0 without one.");
    for of in seen {
        age.float(&[("workspace", of.name)], of.waits.next_due.map_or(0.0, |due| late(due, now)));
    }
    let mut quarantined =
        all.gauge("reply_router_quarantined_actions", "Actions without a known outcome that you must resolve.");
    for of in seen {
        quarantined.int(&[("workspace", of.name)], of.quarantined);
    }
    let mut decisions = all.counter("reply_router_decisions_total", "Decisions since startup, by kind of event.");
    for of in seen {
        for (event, count) in &of.figures.decisions {
            decisions.int(&[("workspace", of.name), ("event", event.as_str())], *count);
        }
    }
    let mut none = all.counter("reply_router_no_events_total", "Thread changes that were no event.");
    for of in seen {
        none.int(&[("workspace", of.name)], of.figures.no_event);
    }
    let mut latency = all.histogram(
        "reply_router_reply_latency_seconds",
        "Time from the arrival of a message to the reply, for replies sent since startup.",
    );
    for of in seen {
        latency.buckets(&[("workspace", of.name)], &of.figures.latency);
    }
}

/// Adds counts up by fewer labels.
fn summed<'a, K: Ord>(totals: &'a [ActionTotal], key: impl Fn(&'a ActionTotal) -> K) -> BTreeMap<K, u64> {
    let mut sums = BTreeMap::new();
    totals.iter().for_each(|total| *sums.entry(key(total)).or_default() += total.count);
    sums
}

fn actions(all: &mut Exposition, totals: &[ActionTotal]) {
    let mut states = all.gauge("reply_router_actions", "Actions in the store, by state.");
    let by_state = summed(totals, |total| total.state);
    for state in ActionState::ALL {
        states.int(&[("state", state.as_str())], by_state.get(&state).copied().unwrap_or_default());
    }
    let mut kinds = all.gauge("reply_router_kind_actions", "Actions in the store, by workspace, kind and state.");
    for ((workspace, kind, state), count) in summed(totals, |total| (total.workspace.as_str(), total.kind, total.state))
    {
        let labels = [("workspace", workspace), ("kind", kind.as_str()), ("state", state.as_str())];
        kinds.int(&labels, count);
    }
    let mut of_rules =
        all.gauge("reply_router_rule_actions", "Actions in the store, by workspace, rule, state and reason.");
    let reason = |total: &ActionTotal| total.reason.clone().unwrap_or_default();
    let by_rule = summed(totals, |total| (total.workspace.as_str(), total.rule.as_str(), total.state, reason(total)));
    for ((workspace, rule, state, reason), count) in by_rule {
        let labels = [("workspace", workspace), ("rule", rule), ("state", state.as_str()), ("reason", &reason)];
        of_rules.int(&labels, count);
    }
}

/// The labels of a rule in a workspace.
fn of_rule<'a>(workspace: &'a str, rule: &'a str) -> [(&'static str, &'a str); 2] {
    [("workspace", workspace), ("rule", rule)]
}

async fn rules(all: &mut Exposition, app: &App) -> Result<(), Problem> {
    let engine = app.whole_engine();
    let totals = engine.store().match_totals(None).await?;
    // What was counted before workspaces were told apart belongs to none.
    let space = |total: &MatchTotal| total.workspace.clone().unwrap_or_default();
    let mut matched =
        all.counter("reply_router_rule_matches_total", "Matches of each rule in each workspace, over all time.");
    for total in &totals {
        matched.int(&of_rule(&space(total), &total.rule), total.count);
    }
    let mut last_match =
        all.gauge("reply_router_rule_last_match_timestamp_seconds", "When each rule last matched in each workspace.");
    for total in &totals {
        last_match.float(&of_rule(&space(total), &total.rule), seconds(total.last_at));
    }
    let (rules, workspaces) = (engine.rules(), engine.workspaces());
    // Every workspace with each rule that it has.
    let pairs: Vec<(&Workspace, &Rule)> = workspaces
        .iter()
        .flat_map(|found| rules.of_workspace(found.name()).rules().iter().map(|rule| (found.as_ref(), rule)))
        .collect();
    let health = |(workspace, rule): &(&Workspace, &Rule)| engine.rule_health(&rule.name, [workspace.name()]);
    let mut evaluation =
        all.summary("reply_router_rule_evaluation_seconds", "How long evaluating each rule took in each workspace.");
    for pair in &pairs {
        // Most rules of most workspaces are ruled out without being evaluated.
        let health = health(pair);
        if health.evaluations > 0 {
            let labels = of_rule(pair.0.name(), &pair.1.name);
            evaluation.sum_and_count(&labels, health.evaluations, health.evaluation_time);
        }
    }
    let mut errors = all.counter("reply_router_rule_errors_total", "Evaluations that failed, by workspace and rule.");
    for pair in &pairs {
        errors.int(&of_rule(pair.0.name(), &pair.1.name), health(pair).errors);
    }
    let lowered = engine.store().override_modes().await?;
    let mut live = all.gauge("reply_router_rule_live", "Whether a rule is live in a workspace.");
    for (workspace, rule) in &pairs {
        let allowed = rule.mode.min(workspace.settings().mode);
        let mode = allowed.min(lowered.get(&rule.name).copied().unwrap_or_default());
        live.bool(&of_rule(workspace.name(), &rule.name), mode == Mode::Live);
    }
    all.gauge("reply_router_rules_loaded_timestamp_seconds", "When the active rules were loaded.")
        .float(&[], seconds(engine.rules_loaded_at()));
    all.gauge("reply_router_rules_refused", "Whether the last reload was rejected, so that older rules stay active.")
        .bool(&[], engine.rules_error().is_some());
    Ok(())
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

fn late(since: Timestamp, now: Timestamp) -> f64 {
    now.duration_since(since).as_secs_f64().max(0.0)
}
