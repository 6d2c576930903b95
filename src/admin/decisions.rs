//! What rules said about each event.

use super::{
    ApiResult, App,
    pagination::{Page, clamp_limit, cursor, non_empty, page, states},
    problem::{Problem, QueryParams},
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
pub(super) struct ListParams {
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

pub(super) async fn list(
    State(app): State<App>,
    QueryParams(wanted): QueryParams<ListParams>,
) -> ApiResult<Page<DecisionReport>> {
    let limit = clamp_limit(wanted.limit.as_deref());
    let matched = match non_empty(wanted.matched).as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(other) => return Err(Problem::bad_request(format!("`matched` must be true or false, not `{other}`"))),
    };
    let filter = DecisionFilter {
        workspace: non_empty(wanted.workspace),
        thread: non_empty(wanted.thread),
        lead: non_empty(wanted.lead),
        campaign: non_empty(wanted.campaign),
        rule: non_empty(wanted.rule),
        matched,
        states: states(wanted.state)?,
        before: cursor(wanted.cursor)?,
        limit: limit + 1,
    };
    let found = page(app.engine.store().decisions(&filter).await?, limit, |decision| decision.id.clone());
    Ok(Json(Page { items: reports(&app, found.items).await?, next: found.next }))
}

pub(super) async fn one(State(app): State<App>, Path(id): Path<String>) -> ApiResult<DecisionReport> {
    let found = app.engine.store().decision(&id).await?.ok_or_else(|| Problem::not_found_named("decision", &id))?;
    reports(&app, vec![found]).await?.pop().map(Json).ok_or_else(|| Problem::not_found_named("decision", &id))
}
