//! What rules said about each event.

use super::{
    Answer, App,
    lists::{Page, clamped, cursor, page, set, states},
    problem::{Asked, Problem},
};
use crate::{
    engine::Explanation,
    store::{DecisionFilter, DecisionRecord},
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
    workspace: Option<String>,
    thread: Option<String>,
    lead: Option<String>,
    campaign: Option<String>,
    rule: Option<String>,
    state: Option<String>,
    matched: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

async fn reports(app: &App, decisions: Vec<DecisionRecord>) -> Result<Vec<DecisionReport>, Problem> {
    let ids: Vec<_> = decisions.iter().map(|decision| decision.id.clone()).collect();
    let mut actions = app.engine.store().actions_by_decision(&ids).await?;
    let report = |decision: DecisionRecord| {
        let (message, lead) = (decision.message_id.as_deref(), decision.lead_email.as_deref());
        DecisionReport {
            trace: Explanation::from_trace(&decision.thread_id, message, lead, &decision.trace),
            actions: actions.remove(&decision.id).into_iter().flatten().map(|action| action.id.0).collect(),
            id: decision.id,
            workspace: decision.workspace,
            thread_id: decision.thread_id,
            message_id: decision.message_id,
            lead_email: decision.lead_email,
            event: decision.event.as_str(),
            at: decision.at,
            matched: decision.matched,
        }
    };
    Ok(decisions.into_iter().map(report).collect())
}

pub(super) async fn list(State(app): State<App>, Asked(wanted): Asked<Wanted>) -> Answer<Page<DecisionReport>> {
    let limit = clamped(wanted.limit.as_deref());
    let matched = match set(wanted.matched).as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(other) => return Err(Problem::bad(format!("`matched` is true or false, not `{other}`"))),
    };
    let filter = DecisionFilter {
        workspace: set(wanted.workspace),
        thread: set(wanted.thread),
        lead: set(wanted.lead),
        campaign: set(wanted.campaign),
        rule: set(wanted.rule),
        matched,
        states: states(wanted.state)?,
        before: cursor(wanted.cursor)?,
        limit: limit + 1,
    };
    let found = page(app.engine.store().decisions(&filter).await?, limit, |decision| decision.id.clone());
    Ok(Json(Page { items: reports(&app, found.items).await?, next: found.next }))
}

pub(super) async fn one(State(app): State<App>, Path(id): Path<String>) -> Answer<DecisionReport> {
    let found = app.engine.store().decision(&id).await?.ok_or_else(|| Problem::unknown("decision", &id))?;
    reports(&app, vec![found]).await?.pop().map(Json).ok_or_else(|| Problem::unknown("decision", &id))
}
