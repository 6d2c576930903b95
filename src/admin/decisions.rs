//! What rules said about each event.

use super::{
    Answer, App,
    actions::{Page, clamped, page},
    problem::{Asked, Problem},
};
use crate::{
    engine::Explanation,
    store::{ActionFilter, DecisionFilter, DecisionRecord},
};
use axum::{
    Json,
    extract::{Path, State},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize)]
pub(super) struct DecisionReport {
    id: String,
    workspace: String,
    thread_id: String,
    message_id: Option<String>,
    lead_email: Option<String>,
    event: &'static str,
    at: Timestamp,
    matched: Vec<String>,
    actions: Vec<String>,
    trace: Explanation,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    thread: Option<String>,
    rule: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

async fn report(app: &App, decision: DecisionRecord) -> Result<DecisionReport, Problem> {
    let filter = ActionFilter { decision: Some(decision.id.clone()), limit: 1_000, ..ActionFilter::default() };
    let mut actions: Vec<_> = app.engine.store().actions(&filter).await?.into_iter().map(|found| found.id.0).collect();
    actions.reverse();
    let (message, lead) = (decision.message_id.as_deref(), decision.lead_email.as_deref());
    Ok(DecisionReport {
        trace: Explanation::recorded(&decision.thread_id, message, lead, &decision.trace),
        id: decision.id,
        workspace: decision.workspace,
        thread_id: decision.thread_id,
        message_id: decision.message_id,
        lead_email: decision.lead_email,
        event: decision.event.as_str(),
        at: decision.at,
        matched: decision.matched,
        actions,
    })
}

pub(super) async fn list(State(app): State<App>, Asked(wanted): Asked<Wanted>) -> Answer<Page<DecisionReport>> {
    let limit = clamped(wanted.limit.as_deref());
    let set = |value: Option<String>| value.filter(|value| !value.is_empty());
    let filter = DecisionFilter {
        thread: set(wanted.thread),
        rule: set(wanted.rule),
        before: set(wanted.cursor),
        limit: limit + 1,
    };
    let found = page(app.engine.store().decisions(&filter).await?, limit, |decision| decision.id.clone());
    let mut items = Vec::with_capacity(found.items.len());
    for decision in found.items {
        items.push(report(&app, decision).await?);
    }
    Ok(Json(Page { items, next: found.next }))
}

pub(super) async fn one(State(app): State<App>, Path(id): Path<String>) -> Answer<DecisionReport> {
    let found = app.engine.store().decision(&id).await?.ok_or_else(|| Problem::unknown("decision", &id))?;
    Ok(Json(report(&app, found).await?))
}
