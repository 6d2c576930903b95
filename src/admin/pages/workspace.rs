//! The workspaces: polling, the request budget, opt-outs, active rules and the audit log.

use super::{
    super::{
        ScopedEngine,
        audit::{AuditReport, entries},
        openapi::HtmlPage,
        pagination::{cursor, non_empty, offset, page_at},
        problem::{Problem, QueryParams},
        status::{WorkspaceReport, report},
    },
    Layout, Tab,
    rules::PauseView,
    view::{self, SentenceTag, TimeTag},
};
use crate::{
    engine::{HealthCheck, Workspace},
    model::counted,
    store::{AuditFilter, OptOut},
};
use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

const OPT_OUTS: u32 = 50;
const ENTRIES: u32 = 30;
const HOUR: u64 = 3_600;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct ListParams {
    /// The place in the opt-outs.
    opt_outs: Option<String>,
    /// The place in the audit log.
    audit: Option<String>,
}

#[derive(Template)]
#[template(path = "workspace.html")]
struct WorkspacePage {
    frame: Layout,
    pause: Option<PauseView>,
    workspaces: Vec<WorkspaceView>,
    started_at: TimeTag,
    rules_count: String,
    revision: String,
    loaded_at: TimeTag,
    rules_error: Option<String>,
    restart_needed: Option<SentenceTag>,
    /// Warnings are shown to those who see all rules.
    sees_everything: bool,
    warnings: Vec<Warning>,
    /// The results of the connection checks, if requested.
    findings: Vec<Found>,
    new_opt_out: OptOutDraft,
    opt_outs: Vec<OptOutView>,
    opt_outs_next: Option<String>,
    audit: Vec<AuditView>,
    audit_next: Option<String>,
}

/// The form for a new opt-out, as it was filled in.
#[derive(Default)]
pub(super) struct OptOutDraft {
    pub(super) email: String,
    pub(super) workspace: String,
    pub(super) evidence: String,
    /// Why it was not added.
    pub(super) error: Option<String>,
    /// It is everybody with a mailbox at a domain of free mail.
    pub(super) is_free_mail: bool,
}

struct WorkspaceView {
    name: String,
    state: &'static str,
    mode: &'static str,
    last_poll: Option<TimeTag>,
    next_poll: Option<TimeTag>,
    poll_every: String,
    error: Option<String>,
    foreign_use: Option<SentenceTag>,
    notes: Vec<String>,
    pause: Option<PauseView>,
    gauges: [Gauge; 2],
    blocked_until: Option<TimeTag>,
    /// What the requests go to.
    spending: Vec<String>,
}

struct Gauge {
    label: &'static str,
    used: u32,
    limit: u32,
    left: u32,
    /// Below this the gauge is calm.
    high: u32,
}

impl Gauge {
    fn new(label: &'static str, limit: u32, left: u32) -> Self {
        Self { label, used: limit.saturating_sub(left), limit, left, high: limit / 10 * 8 }
    }
}

struct Warning {
    place: String,
    code: &'static str,
    message: SentenceTag,
    hint: Option<SentenceTag>,
}

/// What was checked, and the result.
struct Found {
    what: String,
    good: bool,
    text: String,
}

impl From<HealthCheck> for Found {
    fn from(found: HealthCheck) -> Self {
        let good = found.result.is_ok();
        Self { what: found.what, good, text: found.result.unwrap_or_else(|wrong| wrong) }
    }
}

struct OptOutView {
    workspace: String,
    email: String,
    /// Whether only the hash of the address is known.
    is_erased: bool,
    since: TimeTag,
    evidence: String,
}

struct AuditView {
    at: TimeTag,
    what: &'static str,
    target: String,
    details: String,
    who: String,
}

/// Show polling, budget, opt-outs and the audit log.
#[utoipa::path(
    get,
    path = "/workspace",
    operation_id = "workspacePage",
    tag = "pages",
    params(ListParams),
    responses(HtmlPage)
)]
pub(in crate::admin) async fn workspace(
    engine: ScopedEngine,
    QueryParams(wanted): QueryParams<ListParams>,
) -> Result<Response, Problem> {
    show(&engine, wanted, Vec::new(), OptOutDraft::default()).await
}

/// Show the workspace page, and whether every key and destination is reachable.
#[utoipa::path(
    post,
    path = "/workspace/check",
    operation_id = "checkPage",
    tag = "pages",
    params(ListParams),
    responses(HtmlPage)
)]
pub(in crate::admin) async fn run_checks(
    engine: ScopedEngine,
    QueryParams(wanted): QueryParams<ListParams>,
) -> Result<Response, Problem> {
    let findings = engine.check_connections().await;
    show(&engine, wanted, findings, OptOutDraft::default()).await
}

/// The page with an opt-out that was not added.
pub(super) async fn show_opt_out(engine: &ScopedEngine, draft: OptOutDraft) -> Result<Response, Problem> {
    let shown = show(engine, ListParams::default(), Vec::new(), draft).await?;
    Ok((StatusCode::BAD_REQUEST, shown).into_response())
}

async fn show(
    engine: &ScopedEngine,
    wanted: ListParams,
    findings: Vec<HealthCheck>,
    new_opt_out: OptOutDraft,
) -> Result<Response, Problem> {
    let status = report(engine).await?;
    let first = offset(wanted.opt_outs)?;
    let opt_outs = page_at(engine.opt_outs(None, first, OPT_OUTS + 1).await?, first, OPT_OUTS);
    let filter = AuditFilter { before: cursor(non_empty(wanted.audit))?, ..AuditFilter::default() };
    let entries = entries(engine, filter, ENTRIES).await?;
    let rules = engine.shared().rules();
    // They may tell of other workspaces' rules.
    let warnings = rules.warnings().sorted().into_iter().filter(|_| engine.sees_everything()).map(|found| Warning {
        place: found.location(),
        code: found.code,
        message: SentenceTag(found.message.clone()),
        hint: found.hint.clone().map(SentenceTag),
    });
    let now = engine.shared().now();
    // One that was removed since is left out.
    let reports = status.workspaces.into_iter().filter_map(|report| {
        let found = engine.workspace(&report.name).ok()?;
        Some(workspace_view(report, &found, status.paused, now))
    });
    super::render(&WorkspacePage {
        frame: Layout::new(engine, Tab::Workspace).await?,
        pause: status.pause.as_ref().map(|pause| PauseView::new(None, pause)),
        workspaces: reports.collect(),
        started_at: TimeTag(status.started_at),
        rules_count: counted(status.rules.count, "rule", "rules"),
        revision: status.rules.revision.chars().take(12).collect(),
        loaded_at: TimeTag(status.rules.loaded_at),
        rules_error: status.rules.error.clone(),
        restart_needed: status.restart_needed.clone().map(SentenceTag),
        sees_everything: engine.sees_everything(),
        warnings: warnings.collect(),
        findings: findings.into_iter().map(Found::from).collect(),
        new_opt_out,
        opt_outs: opt_outs.items.into_iter().map(opt_out).collect(),
        opt_outs_next: opt_outs.next,
        audit: entries.items.into_iter().map(entry).collect(),
        audit_next: entries.next,
    })
}

fn workspace_view(report: WorkspaceReport, workspace: &Workspace, all_paused: bool, now: Timestamp) -> WorkspaceView {
    let budget = workspace.client().budget();
    let every = workspace.settings().poll_every;
    let figures = workspace.metrics();
    let decisions: u64 = figures.decisions.iter().map(|(_, count)| count).sum();
    let sent = workspace.client().requests_sent();
    let hourly = HOUR.checked_div(every.as_secs()).unwrap_or(HOUR);
    let pause = report.pause.as_ref().filter(|_| !all_paused);
    WorkspaceView {
        state: report.state.as_str(),
        mode: report.mode.as_str(),
        last_poll: report.last_poll.map(TimeTag),
        next_poll: report.next_poll.map(TimeTag),
        poll_every: crate::model::format_duration(every),
        error: report.error,
        foreign_use: report.foreign_use_because.map(SentenceTag),
        notes: report.notes,
        pause: pause.map(|pause| PauseView::new(Some(&report.name), pause)),
        gauges: [
            Gauge::new("this minute", budget.per_minute, budget.minute_left),
            Gauge::new("this hour", budget.per_hour, budget.hour_left),
        ],
        blocked_until: budget.blocked_until.filter(|until| *until > now).map(TimeTag),
        spending: vec![
            format!(
                "In the last hour: {} for replies and their guard reads, {} for stars and read marks, {} for \
                 decisions, {} for polling.",
                budget.spent.replies, budget.spent.writes, budget.spent.reads, budget.spent.polls,
            ),
            format!("Idle polling uses about {} an hour.", counted(hourly, "request", "requests")),
            format!(
                "Since startup: {}, {} of the inbox, {}.",
                counted(sent, "request", "requests"),
                counted(figures.pages, "page", "pages"),
                counted(decisions, "decision", "decisions")
            ),
        ],
        name: report.name,
    }
}

fn opt_out(found: OptOut) -> OptOutView {
    OptOutView {
        workspace: found.workspace,
        is_erased: !found.email.contains('@'),
        email: found.email,
        since: TimeTag(found.since),
        evidence: found.evidence,
    }
}

/// What people did, as a sentence's beginning.
fn audit_label(what: &str) -> &'static str {
    match what {
        "rule.mode" => "changed a rule’s mode",
        "pause" => "paused",
        "resume" => "resumed",
        "reload" => "reloaded the rules",
        "action.approve" => "approved",
        "action.reject" => "rejected",
        "action.retry" => "retried",
        "action.resolve" => "resolved",
        "opt_out.add" => "added an opt-out",
        "opt_out.import" => "imported opt-outs",
        "opt_out.remove" => "removed an opt-out",
        "person.forget" => "erased a person",
        "thread.done" => "marked a thread as done",
        "login" => "signed in",
        "login.failed" => "failed to sign in",
        _ => "changed something",
    }
}

fn entry(found: AuditReport) -> AuditView {
    let shown = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => "none".to_owned(),
        other => other.to_string(),
    };
    let details = found.details.iter().filter(|(name, _)| *name != "thread_id");
    let details: Vec<_> =
        details.map(|(name, value)| format!("{}: {}", name.replace('_', " "), shown(value))).collect();
    let who = match &found.user {
        Some(name) => format!("{name} ({})", found.who),
        None => found.who.clone(),
    };
    AuditView {
        at: TimeTag(found.at),
        what: audit_label(&found.what),
        target: found.target.unwrap_or_default(),
        details: details.join(", "),
        who: found.remote.map_or_else(|| who.clone(), |remote| format!("{who} from {remote}")),
    }
}
