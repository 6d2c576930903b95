//! Action records, and what people decide about them.

use super::{
    Answer, App,
    problem::{Asked, Body, Problem},
};
use crate::{
    engine::{Engine, Resolution},
    model::{Action, ActionId, ActionKind, ActionState, Attempt, Reason},
    store::ActionFilter,
};
use axum::{
    Json,
    extract::{Path, State},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(super) const DEFAULT_LIMIT: u32 = 50;
pub(super) const MOST: u32 = 10_000;

#[derive(Debug, Serialize)]
pub(super) struct ActionReport {
    id: String,
    workspace: String,
    decision_id: String,
    thread_id: String,
    message_id: Option<String>,
    lead_email: Option<String>,
    rule: String,
    kind: ActionKind,
    target: Option<String>,
    state: ActionState,
    reason: Option<Reason>,
    text: Option<String>,
    approved: bool,
    if_retried: Option<&'static str>,
    attempts: Vec<Attempt>,
    due_at: Option<Timestamp>,
    sent_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Action> for ActionReport {
    fn from(action: Action) -> Self {
        Self {
            if_retried: Engine::if_retried(&action),
            text: action.payload.preview_text().map(str::to_owned),
            id: action.id.0,
            workspace: action.workspace,
            decision_id: action.decision_id,
            thread_id: action.thread_id,
            message_id: action.message_id,
            lead_email: action.lead_email,
            rule: action.rule,
            kind: action.kind,
            target: action.target,
            state: action.state,
            reason: action.reason,
            approved: action.approved,
            attempts: action.attempts,
            due_at: action.due_at,
            sent_at: action.sent_at,
            created_at: action.created_at,
            updated_at: action.updated_at,
        }
    }
}

/// A page of a list. `next` is what `cursor` takes for the following one.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// Makes a page of one row more than was asked for.
pub(super) fn page<T>(mut items: Vec<T>, limit: u32, id: impl Fn(&T) -> String) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(id);
    Page { items, next }
}

/// A limit is clamped, never refused.
pub(super) fn clamped(limit: Option<&str>) -> u32 {
    let Some(text) = limit else { return DEFAULT_LIMIT };
    match text.trim().parse::<i128>() {
        Ok(number) => u32::try_from(number.clamp(1, i128::from(MOST))).unwrap_or(MOST),
        Err(_) => DEFAULT_LIMIT,
    }
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    workspace: Option<String>,
    state: Option<String>,
    rule: Option<String>,
    thread: Option<String>,
    kind: Option<String>,
    decision: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

fn set(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
}

pub(super) async fn list(State(app): State<App>, Asked(wanted): Asked<Wanted>) -> Answer<Page<ActionReport>> {
    let limit = clamped(wanted.limit.as_deref());
    let states = set(wanted.state).unwrap_or_default();
    let states = states.split(',').filter(|name| !name.is_empty()).map(|name| {
        let names = ActionState::ALL.map(ActionState::as_str).join(", ");
        name.parse().map_err(|_| Problem::bad(format!("`{name}` is no state: {names}")))
    });
    let kind = set(wanted.kind).map(|name| {
        let names = ActionKind::ALL.map(ActionKind::as_str).join(", ");
        name.parse().map_err(|_| Problem::bad(format!("`{name}` is no kind: {names}")))
    });
    let filter = ActionFilter {
        workspace: set(wanted.workspace),
        states: states.collect::<Result<_, Problem>>()?,
        rule: set(wanted.rule),
        thread: set(wanted.thread),
        kind: kind.transpose()?,
        decision: set(wanted.decision),
        before: set(wanted.cursor),
        limit: limit + 1,
    };
    let found = app.engine.store().actions(&filter).await?;
    let items = found.into_iter().map(ActionReport::from).collect();
    Ok(Json(page(items, limit, |action: &ActionReport| action.id.clone())))
}

pub(super) async fn one(State(app): State<App>, Path(id): Path<String>) -> Answer<ActionReport> {
    let found = app.engine.store().action(&ActionId(id.clone())).await?;
    found.map(|action| Json(action.into())).ok_or_else(|| Problem::unknown("action", &id))
}

#[derive(Deserialize)]
pub(super) struct Edited {
    text: Option<String>,
}

pub(super) async fn approve(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(edited): Body<Edited>,
) -> Answer<ActionReport> {
    Ok(Json(app.engine.approve(&ActionId(id), edited.text).await?.into()))
}

pub(super) async fn reject(State(app): State<App>, Path(id): Path<String>) -> Answer<ActionReport> {
    Ok(Json(app.engine.reject(&ActionId(id)).await?.into()))
}

pub(super) async fn retry(State(app): State<App>, Path(id): Path<String>) -> Answer<ActionReport> {
    Ok(Json(app.engine.retry(&ActionId(id)).await?.into()))
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Found {
    Sent,
    NotSent,
}

#[derive(Deserialize)]
pub(super) struct Resolved {
    outcome: Found,
}

pub(super) async fn resolve(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(resolved): Body<Resolved>,
) -> Answer<ActionReport> {
    let resolution = match resolved.outcome {
        Found::Sent => Resolution::Sent,
        Found::NotSent => Resolution::NotSent,
    };
    Ok(Json(app.engine.resolve(&ActionId(id), resolution).await?.into()))
}
