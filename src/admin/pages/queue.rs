//! The queue: what needs you first, then what waits for its time.

use super::{
    super::{
        ScopedEngine, left,
        openapi::HtmlPage,
        pagination::{cursor, non_empty, page, workspace_name},
        problem::{Problem, QueryParams},
    },
    FOR_A_PERSON, Layout, Tab, WAITING,
    view::{self, ActionCard, TimeTag, WorkspaceChoice, encoded},
};
use crate::{
    model::{Action, ActionKind, ActionState},
    store::ActionFilter,
};
use askama::Template;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

const CARDS: u32 = 30;
/// The `state` that lists only the threads left for you.
const LEFT: &str = "left";

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct ListParams {
    /// In this workspace.
    #[serde(default, deserialize_with = "workspace_name")]
    workspace: Option<String>,
    /// This state alone, or `left`.
    state: Option<String>,
    /// Older than this one.
    cursor: Option<String>,
    /// The action that was decided about a moment ago.
    decided: Option<String>,
}

#[derive(Template)]
#[template(path = "queue.html")]
struct QueuePage {
    frame: Layout,
    decided: Option<Decided>,
    groups: Vec<Group>,
    left: Vec<LeftCard>,
    left_count: u64,
    left_older: Option<String>,
    waiting: Vec<ActionCard>,
    waiting_count: u64,
    waiting_more: u64,
    /// Only this state is shown, from a cursor on.
    state: Option<String>,
    choice: WorkspaceChoice,
}

/// The newest actions in one state.
struct Group {
    state: &'static str,
    count: u64,
    cards: Vec<ActionCard>,
    older: Option<String>,
}

/// The outcome of the operator's last command: the card is gone from the list.
struct Decided {
    text: String,
    thread_path: String,
}

/// A thread without open actions that still needs you.
struct LeftCard {
    id: String,
    workspace: String,
    thread_path: String,
    lead: String,
    who: String,
    subject: Option<String>,
    text: Option<String>,
    at: TimeTag,
    why: Vec<view::SentenceTag>,
}

impl From<left::LeftThread> for LeftCard {
    fn from(found: left::LeftThread) -> Self {
        let because = |why: &left::WhyLeft| {
            let reason = view::reason_text(&why.reason);
            match (why.kind, &why.rule) {
                (Some(ActionKind::Reply), Some(rule)) => format!("{rule} sent no reply: {reason}."),
                (Some(kind), Some(rule)) => format!("{rule} did not run {kind}: {reason}."),
                _ => format!("{}.", capitalized(&reason)),
            }
        };
        Self {
            id: found.decision_id,
            workspace: found.workspace,
            thread_path: encoded(&found.thread_id),
            who: view::writer(found.lead_name.as_deref(), found.lead_email.as_deref(), found.from.as_deref()),
            lead: found.lead_email.unwrap_or_else(|| "unknown lead".to_owned()),
            subject: found.subject,
            text: found.text,
            at: TimeTag(found.at),
            why: found.why.iter().map(because).map(view::SentenceTag).collect(),
        }
    }
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Show what needs you, and what runs by itself.
#[utoipa::path(
    get,
    path = "/queue",
    operation_id = "queuePage",
    tag = "pages",
    params(ListParams),
    responses(HtmlPage, (status = 400, response = Problem), (status = 404, response = Problem))
)]
pub(in crate::admin) async fn queue(
    engine: ScopedEngine,
    QueryParams(wanted): QueryParams<ListParams>,
) -> Result<Response, Problem> {
    let chosen = wanted.workspace;
    let whole = engine;
    let engine = whole.narrowed_to(chosen.as_deref())?;
    let choice = WorkspaceChoice::new(&whole, chosen);
    let counts = engine.queue_counts().await?;
    let count = |state: &ActionState| counts.get(state).copied().unwrap_or_default();
    let single = non_empty(wanted.state);
    if let Some(unknown) = single.as_deref().filter(|name| !shown_alone().any(|known| known == *name)) {
        let names = shown_alone().collect::<Vec<_>>().join(", ");
        return Err(Problem::bad_request(format!("unknown state `{unknown}`; use one of {names}")));
    }
    let is_shown = |name: &str| single.as_deref().is_none_or(|only| only == name);
    let before = cursor(wanted.cursor)?.filter(|_| single.is_some());
    let mut groups = Vec::new();
    // Each state by itself, so that many of one kind never hide another.
    for state in FOR_A_PERSON.iter().filter(|state| is_shown(state.as_str())) {
        let group = group(&engine, &choice, *state, count(state), before.clone()).await?;
        if !group.cards.is_empty() || single.is_some() {
            groups.push(group);
        }
    }
    let (mut left, mut left_older) = (Vec::new(), None);
    if is_shown(LEFT) {
        let found = left::threads(&engine, before.as_deref(), CARDS).await?;
        left = found.items.into_iter().map(LeftCard::from).collect();
        left_older = found.next.map(|next| older(LEFT, &next, &choice));
    }
    let waiting_count = WAITING.iter().map(count).sum();
    let mut waiting = Vec::new();
    if single.is_none() {
        let filter = ActionFilter { states: WAITING.to_vec(), limit: CARDS, ..ActionFilter::default() };
        waiting = engine.actions(filter).await?;
        waiting.sort_by_key(|action| action.due_at.unwrap_or(Timestamp::MAX));
    }
    let shown = u64::try_from(waiting.len()).unwrap_or(u64::MAX);
    super::render(&QueuePage {
        frame: Layout::new(&whole, Tab::Queue).await?,
        decided: decided(&whole, non_empty(wanted.decided)).await?,
        groups,
        left,
        left_count: engine.left_count().await?,
        left_older,
        waiting: waiting.into_iter().map(|action| card(&engine, action)).collect(),
        waiting_count,
        waiting_more: waiting_count.saturating_sub(shown),
        state: single,
        choice,
    })
}

/// What the page can show alone.
fn shown_alone() -> impl Iterator<Item = &'static str> {
    FOR_A_PERSON.iter().map(|state| state.as_str()).chain([LEFT])
}

fn card(engine: &ScopedEngine, action: Action) -> ActionCard {
    let stopped = engine.workspace(&action.workspace).is_err();
    ActionCard { stopped, ..ActionCard::from(action) }
}

/// Where the older ones of a state are.
fn older(state: &str, cursor: &str, choice: &WorkspaceChoice) -> String {
    format!("/queue?state={state}&cursor={cursor}{}", choice.and_query())
}

/// The newest actions in one state, with the message that each is about.
async fn group(
    engine: &ScopedEngine,
    choice: &WorkspaceChoice,
    state: ActionState,
    count: u64,
    before: Option<String>,
) -> Result<Group, Problem> {
    let filter = ActionFilter { states: vec![state], before, limit: CARDS + 1, ..ActionFilter::default() };
    let found = page(engine.actions(filter).await?, CARDS, |action| action.id.0.clone());
    let mut cards = Vec::with_capacity(found.items.len());
    for action in found.items {
        let decision = engine.find_decision(&action.decision_id).await?;
        let mut card = card(engine, action);
        if let Some(decision) = decision {
            let trace = decision.trace;
            card.who = view::writer(trace.lead_name.as_deref(), decision.lead_email.as_deref(), trace.from.as_deref());
            card.is_excerpt = trace.body.is_none();
            card.message = trace.body.or(trace.preview);
            card.subject = trace.subject;
        }
        cards.push(card);
    }
    let name = state.as_str();
    let older = found.next.map(|next| older(name, &next, choice));
    Ok(Group { state: name, count, cards, older })
}

/// What the action that was decided about has become by now.
async fn decided(engine: &ScopedEngine, id: Option<String>) -> Result<Option<Decided>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let Some(action) = engine.find_action(&id).await? else { return Ok(None) };
    let (kind, lead) = (action.kind, action.lead_email.as_deref().unwrap_or("unknown lead"));
    let what = if kind == ActionKind::Reply { format!("Reply to {lead}") } else { format!("{kind} for {lead}") };
    let why = action.reason.as_ref().map(|reason| format!(": {}", view::reason_text(reason))).unwrap_or_default();
    let text = match action.state {
        ActionState::Done if kind == ActionKind::Reply => format!("{what}: sent."),
        ActionState::Done => format!("{what}: done."),
        ActionState::Planned | ActionState::InFlight if action.approved => {
            format!("{what}: approved. It is sent after the final checks.")
        }
        ActionState::Planned | ActionState::InFlight => format!("{what}: retrying now."),
        ActionState::Waiting | ActionState::Retrying => format!("{what}: waiting{why}."),
        ActionState::Unknown => format!("{what}: delivery is unconfirmed; the thread is checked{why}."),
        ActionState::Suppressed | ActionState::Cancelled => format!("{what}: not sent{why}."),
        ActionState::Failed => format!("{what}: failed{why}."),
        ActionState::Held => format!("{what}: held{why}."),
        ActionState::Quarantined => format!("{what}: delivery is unconfirmed{why}."),
    };
    Ok(Some(Decided { text, thread_path: encoded(&action.thread_id) }))
}
