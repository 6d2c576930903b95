//! What rules said about each event.

use super::{
    ApiResult, ScopedEngine,
    long_list::respond,
    pagination::{CursorPaging, Page, non_empty, page, states, workspace_name},
    problem::{Problem, QueryParams},
};
use crate::{
    engine::{Explanation, TracedDecision},
    model::ActionState,
    store::{DecisionFilter, DecisionRecord},
};
use axum::{Json, extract::Path, response::Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decision)]
pub(super) struct DecisionReport {
    id: String,
    workspace: String,
    thread_id: String,
    message_id: Option<String>,
    lead_email: Option<String>,
    event: &'static str,
    at: Timestamp,
    /// The rules that matched.
    matched: Vec<String>,
    /// The ids of its actions.
    actions: Vec<String>,
    trace: Explanation,
}

pub(super) type DecisionPage = Page<DecisionReport>;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// The workspace.
    #[serde(default, deserialize_with = "workspace_name")]
    workspace: Option<String>,
    /// The thread.
    thread: Option<String>,
    /// The lead's address, in any case.
    lead: Option<String>,
    /// The campaign's name, in any case.
    campaign: Option<String>,
    /// A rule that matched.
    rule: Option<String>,
    /// With an action in this state, or in one of several with commas between.
    #[param(value_type = Option<Vec<ActionState>>, style = Form, explode = false)]
    state: Option<String>,
    /// True: a rule matched; false: none did.
    #[param(value_type = Option<bool>)]
    matched: Option<String>,
}

async fn reports(engine: &ScopedEngine, decisions: Vec<DecisionRecord>) -> Result<Vec<DecisionReport>, Problem> {
    let mut actions = engine.actions_by_decision(&decisions).await?;
    let report = |traced: TracedDecision| {
        let decision = &traced.record;
        DecisionReport {
            id: decision.id.clone(),
            workspace: decision.workspace.clone(),
            thread_id: decision.thread_id.clone(),
            message_id: decision.message_id.clone(),
            lead_email: decision.lead_email.clone(),
            event: decision.event.as_str(),
            at: decision.at,
            matched: decision.matched.clone(),
            actions: actions.remove(&decision.id).into_iter().flatten().map(|action| action.id.0).collect(),
            trace: Explanation::from_record(traced),
        }
    };
    Ok(engine.shared().operator().trace_decisions(decisions).await?.into_iter().map(report).collect())
}

/// List decisions, newest first.
#[utoipa::path(
    get, path = "/api/v1/decisions", operation_id = "decisions", tag = "decisions",
    params(ListParams, CursorPaging),
    responses((status = 200, body = DecisionPage), (status = 400, response = Problem))
)]
pub(super) async fn list(
    engine: ScopedEngine,
    QueryParams(params): QueryParams<ListParams>,
    paging: CursorPaging,
) -> Result<Response, Problem> {
    let matched = match non_empty(params.matched).as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(other) => return Err(Problem::bad_request(format!("`matched` must be true or false, not `{other}`"))),
    };
    let filter = DecisionFilter {
        workspace: params.workspace,
        workspaces: None,
        thread: non_empty(params.thread),
        lead: non_empty(params.lead),
        campaign: non_empty(params.campaign),
        rule: non_empty(params.rule),
        matched,
        states: states(params.state)?,
        before: None,
        limit: 0,
    };
    let read = move |before, limit: u32| {
        let (engine, filter) = (engine.clone(), DecisionFilter { before, limit: limit + 1, ..filter.clone() });
        async move {
            let found = page(engine.decisions(filter).await?, limit, |decision| decision.id.clone());
            Ok(Page { items: reports(&engine, found.items).await?, next: found.next })
        }
    };
    respond(paging, read).await
}

/// Get a decision.
#[utoipa::path(
    get, path = "/api/v1/decisions/{id}", operation_id = "decision", tag = "decisions",
    params(("id" = String, Path, description = "The decision.")),
    responses((status = 200, body = DecisionReport), (status = 404, response = Problem))
)]
pub(super) async fn get(engine: ScopedEngine, Path(id): Path<String>) -> ApiResult<DecisionReport> {
    let found = engine.decision(&id).await?;
    reports(&engine, vec![found]).await?.pop().map(Json).ok_or_else(|| Problem::not_found_named("decision", &id))
}
