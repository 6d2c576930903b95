//! The pages: rendered on the server, escaped by the template engine, no script.

use super::{
    App,
    actions::{self, Choice},
    caller::Caller,
    problem::{Asked, Problem},
    rules::reports,
    status::report,
    switches::{pause_by, resume_by},
};
use crate::{
    engine::{Engine, Resolution},
    model::{Action, ActionState, Reason},
    store::{ActionFilter, DecisionFilter},
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use serde::Deserialize;

const LATEST: u32 = 30;
/// What goes on by itself when its time comes.
const WAITING: [ActionState; 4] =
    [ActionState::Planned, ActionState::Waiting, ActionState::Retrying, ActionState::Unknown];

#[derive(Template)]
#[template(path = "index.html")]
struct Index {
    version: &'static str,
    paused: bool,
    started_at: String,
    workspaces: Vec<WorkspaceCard>,
    queue: Vec<(&'static str, u64)>,
    rules: Vec<RuleRow>,
    /// By state, the most pressing first.
    to_decide: Vec<ActionGroup>,
    waiting: Vec<ActionCard>,
    waiting_more: u64,
    decisions: Vec<DecisionRow>,
}

/// The newest actions in one state, and how many older ones are not shown.
struct ActionGroup {
    state: &'static str,
    cards: Vec<ActionCard>,
    more: u64,
}

struct WorkspaceCard {
    name: String,
    /// Where its own pause is ended, if it has one.
    resume_path: Option<String>,
    state: &'static str,
    mode: &'static str,
    last_poll: String,
    minute_left: u32,
    hour_left: u32,
    error: Option<String>,
}

struct RuleRow {
    name: String,
    description: String,
    place: String,
    effective_mode: &'static str,
    lowered_by: Option<&'static str>,
    matches_24h: u64,
    matches_total: u64,
    actions: Vec<(&'static str, u64)>,
    last_match: String,
    error: Option<String>,
}

struct ActionCard {
    id: String,
    kind: &'static str,
    lead: String,
    rule: String,
    state: &'static str,
    due: String,
    why: String,
    reason: String,
    attempts: String,
    text: String,
    thread_path: String,
    /// What the last choice would do.
    if_retried: &'static str,
    choices: Vec<(&'static str, &'static str)>,
}

struct DecisionRow {
    at: String,
    lead: String,
    subject: String,
    thread_path: String,
    matched: String,
    actions: Vec<(&'static str, &'static str, String)>,
}

pub(super) async fn index(State(app): State<App>) -> Result<Response, Problem> {
    let status = report(&app).await?;
    let store = app.engine.store();
    let mut to_decide = Vec::new();
    // Each state by itself, so that many of one kind never hide another.
    for (state, count) in [
        (ActionState::Quarantined, status.queue.quarantined),
        (ActionState::Held, status.queue.held),
        (ActionState::Failed, status.queue.failed),
    ] {
        let found = newest(&app, vec![state]).await?;
        if !found.is_empty() {
            let more = beyond(count, found.len());
            to_decide.push(ActionGroup { state: state.as_str(), cards: found.into_iter().map(card).collect(), more });
        }
    }
    let queued = status.queue.planned + status.queue.waiting + status.queue.retrying + status.queue.unknown;
    let mut waiting = newest(&app, WAITING.to_vec()).await?;
    waiting.sort_by_key(|action| action.due_at.unwrap_or(Timestamp::MAX));
    let waiting_more = beyond(queued, waiting.len());
    let pauses = store.pauses().await?;
    let latest = store.decisions(&DecisionFilter { limit: LATEST, ..DecisionFilter::default() }).await?;
    let ids: Vec<_> = latest.iter().map(|decision| decision.id.clone()).collect();
    let mut briefs = store.actions_of(&ids).await?;
    let mut decisions = Vec::with_capacity(latest.len());
    for decision in latest {
        let actions = briefs.remove(&decision.id).unwrap_or_default();
        decisions.push(DecisionRow {
            at: shown(Some(decision.at)),
            lead: decision.lead_email.unwrap_or_else(|| "unknown".to_owned()),
            subject: decision.trace.subject.unwrap_or_default(),
            thread_path: encoded(&decision.thread_id),
            matched: decision.matched.join(", "),
            actions: actions
                .iter()
                .map(|a| (a.kind.as_str(), a.state.as_str(), reason(a.state, a.reason.as_ref(), a.due_at)))
                .collect(),
        });
    }
    let rules = reports(&app.engine).await?.into_iter().map(|rule| RuleRow {
        place: format!("{}:{}", rule.file, rule.line),
        matches_24h: rule.matches.get("24h").copied().unwrap_or_default(),
        matches_total: rule.matches.get("total").copied().unwrap_or_default(),
        actions: rule.actions.get("total").into_iter().flatten().map(|(state, count)| (*state, *count)).collect(),
        last_match: shown(rule.last_match),
        error: rule.last_error.map(|error| error.text),
        name: rule.name,
        description: rule.description.unwrap_or_default(),
        effective_mode: rule.effective_mode.as_str(),
        lowered_by: rule.lowered_by,
    });
    let workspaces = status.workspaces.into_iter().map(|workspace| WorkspaceCard {
        last_poll: shown(workspace.last_poll),
        minute_left: workspace.budget.minute_left,
        hour_left: workspace.budget.hour_left,
        error: workspace.error.or(workspace.paused_because),
        resume_path: pauses
            .iter()
            .any(|pause| pause.workspace.as_deref() == Some(&workspace.name))
            .then(|| format!("/resume?workspace={}", encoded(&workspace.name))),
        name: workspace.name,
        state: workspace.state,
        mode: workspace.mode,
    });
    let queue = status.queue;
    render(&Index {
        version: status.version,
        paused: status.paused,
        started_at: shown(Some(status.started_at)),
        workspaces: workspaces.collect(),
        queue: vec![
            ("waiting", queue.waiting + queue.planned + queue.retrying),
            ("held", queue.held),
            ("unknown", queue.unknown),
            ("quarantined", queue.quarantined),
            ("failed", queue.failed),
        ],
        rules: rules.collect(),
        to_decide,
        waiting: waiting.into_iter().map(card).collect(),
        waiting_more,
        decisions,
    })
}

async fn newest(app: &App, states: Vec<ActionState>) -> Result<Vec<Action>, Problem> {
    Ok(app.engine.store().actions(&ActionFilter { states, limit: LATEST, ..ActionFilter::default() }).await?)
}

/// How many of `count` are not among the `shown`.
fn beyond(count: u64, shown: usize) -> u64 {
    count.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX))
}

#[derive(Template)]
#[template(path = "thread.html")]
struct ThreadPage {
    version: &'static str,
    id: String,
    lead: String,
    decisions: Vec<ThreadDecision>,
    actions: Vec<ActionCard>,
}

struct ThreadDecision {
    at: String,
    matched: String,
    body: Option<String>,
    rules: Vec<ThreadRule>,
}

struct ThreadRule {
    name: String,
    matched: bool,
    note: String,
    conditions: Vec<ThreadCondition>,
}

struct ThreadCondition {
    path: String,
    wanted: String,
    held: &'static str,
    seen: Option<String>,
}

pub(super) async fn thread(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let store = app.engine.store();
    let filter = DecisionFilter { thread: Some(id.clone()), limit: LATEST, ..DecisionFilter::default() };
    let decisions = store.decisions(&filter).await?;
    if decisions.is_empty() {
        return Err(Problem::unknown("decision in thread", &id));
    }
    let lead = decisions.iter().find_map(|decision| decision.lead_email.clone());
    let actions = ActionFilter { thread: Some(id.clone()), limit: 200, ..ActionFilter::default() };
    let actions = store.actions(&actions).await?;
    let rule = |rule: crate::model::RuleTrace| ThreadRule {
        note: rule
            .error
            .or(rule.note)
            .or_else(|| rule.stopped_by.map(|by| format!("not evaluated: {by} matched with stop")))
            .unwrap_or_default(),
        conditions: rule
            .conditions
            .into_iter()
            .map(|condition| ThreadCondition {
                held: match condition.held {
                    Some(true) => "held",
                    Some(false) => "did not hold",
                    None => "was not evaluated",
                },
                path: condition.path,
                wanted: condition.wanted,
                seen: condition.seen,
            })
            .collect(),
        name: rule.name,
        matched: rule.matched,
    };
    render(&ThreadPage {
        version: env!("CARGO_PKG_VERSION"),
        id,
        lead: lead.unwrap_or_else(|| "unknown lead".to_owned()),
        decisions: decisions
            .into_iter()
            .map(|decision| ThreadDecision {
                at: shown(Some(decision.at)),
                matched: decision.matched.join(", "),
                body: decision.trace.body,
                rules: decision.trace.rules.into_iter().map(rule).collect(),
            })
            .collect(),
        actions: actions.into_iter().map(card).collect(),
    })
}

fn card(action: Action) -> ActionCard {
    let choices: &[(&'static str, &'static str)] = match action.state {
        ActionState::Held => &[("approve", "Send it"), ("reject", "Do not send")],
        ActionState::Quarantined => &[("sent", "It was sent"), ("not-sent", "It was not sent")],
        ActionState::Failed => &[("retry", "Try again")],
        _ => &[],
    };
    let attempts = action.attempts.iter().map(|attempt| {
        let status = attempt.status.map(|status| format!(" ({status})")).unwrap_or_default();
        format!("{} {}{status}", shown(Some(attempt.at)), attempt.outcome)
    });
    ActionCard {
        kind: action.kind.as_str(),
        state: action.state.as_str(),
        due: action.due_at.map_or_else(String::new, |at| shown(Some(at))),
        why: action.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
        reason: reason(action.state, action.reason.as_ref(), action.due_at),
        attempts: attempts.collect::<Vec<_>>().join(", "),
        text: action.payload.preview_text().unwrap_or_default().to_owned(),
        thread_path: encoded(&action.thread_id),
        if_retried: Engine::if_retried(&action).unwrap_or_default(),
        choices: choices.to_vec(),
        id: action.id.0,
        lead: action.lead_email.unwrap_or_else(|| "unknown lead".to_owned()),
        rule: action.rule,
    }
}

fn reason(state: ActionState, why: Option<&Reason>, due_at: Option<Timestamp>) -> String {
    let word = if state == ActionState::Held { "expires" } else { "next" };
    let due = due_at.filter(|_| !state.is_settled()).map(|at| format!(" ({word}: {})", shown(Some(at))));
    format!("{}{}", why.map(ToString::to_string).unwrap_or_default(), due.unwrap_or_default())
}

/// To the second, in UTC: the server does not know the viewer's zone.
fn shown(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "never".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn render(page: &impl Template) -> Result<Response, Problem> {
    let text = page.render().map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(Html(text).into_response())
}

pub(super) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("templates/style.css"))
}

pub(super) async fn pause(State(app): State<App>, caller: Caller) -> Result<Redirect, Problem> {
    pause_by(&app, &caller, None).await?;
    Ok(Redirect::to("/"))
}

#[derive(Deserialize)]
pub(super) struct Of {
    workspace: Option<String>,
}

/// Ends the pause of one workspace, or every pause.
pub(super) async fn resume(State(app): State<App>, caller: Caller, Asked(of): Asked<Of>) -> Result<Redirect, Problem> {
    if let Some(name) = of.workspace.as_deref().filter(|name| app.engine.workspace(name).is_none()) {
        return Err(Problem::unknown("workspace", name));
    }
    resume_by(&app, &caller, of.workspace.as_deref()).await?;
    Ok(Redirect::to("/"))
}

pub(super) async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path((id, decision)): Path<(String, String)>,
) -> Result<Redirect, Problem> {
    let choice = match decision.as_str() {
        "approve" => Choice::Approve(None),
        "reject" => Choice::Reject,
        "retry" => Choice::Retry,
        "sent" => Choice::Resolve(Resolution::Sent),
        "not-sent" => Choice::Resolve(Resolution::NotSent),
        other => return Err(Problem::unknown("decision", other)),
    };
    actions::decide(&app, &caller, id, choice).await?;
    Ok(Redirect::to("/"))
}
