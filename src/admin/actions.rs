//! Action records, and what people decide about them.

use super::{
    ApiResult, ScopedEngine, audit,
    long_list::respond,
    pagination::{CursorPaging, Page, non_empty, page, states, workspace_name},
    problem::{JsonBody, Problem, QueryParams},
};
use crate::{
    engine::{Resolution, retry_effect},
    model::{Action, ActionKind, ActionState, Attempt, Reason},
    store::ActionFilter,
};
use axum::{Json, extract::Path, response::Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Action)]
pub(super) struct ActionReport {
    id: String,
    workspace: String,
    decision_id: String,
    thread_id: String,
    message_id: Option<String>,
    lead_email: Option<String>,
    rule: String,
    kind: ActionKind,
    /// The destination of a forward.
    target: Option<String>,
    /// Whom a forward is for beside the destination's own: a channel, or addresses. Empty where the action names nobody.
    recipients: Vec<String>,
    state: ActionState,
    reason: Option<Reason>,
    /// The text that is sent, for a reply or a forward with its own text.
    text: Option<String>,
    approved: bool,
    /// What `retry`, or `resolve` with `not_sent`, would do; null where neither applies.
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
            if_retried: retry_effect(&action),
            text: action.payload.preview_text().map(str::to_owned),
            recipients: action.payload.recipients().to_vec(),
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

pub(super) type ActionPage = Page<ActionReport>;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// The workspace.
    #[serde(default, deserialize_with = "workspace_name")]
    workspace: Option<String>,
    /// One state, or several with commas between.
    #[param(value_type = Option<Vec<ActionState>>, style = Form, explode = false)]
    state: Option<String>,
    /// The rule.
    rule: Option<String>,
    /// The thread.
    thread: Option<String>,
    /// The lead's address, in any case.
    lead: Option<String>,
    /// The campaign's name, in any case.
    campaign: Option<String>,
    /// The kind.
    #[param(value_type = Option<ActionKind>)]
    kind: Option<String>,
    /// The decision.
    decision: Option<String>,
}

/// List actions, newest first.
#[utoipa::path(
    get, path = "/api/v1/actions", operation_id = "actions", tag = "actions",
    params(ListParams, CursorPaging),
    responses((status = 200, body = ActionPage), (status = 400, response = Problem))
)]
pub(super) async fn list(
    engine: ScopedEngine,
    QueryParams(params): QueryParams<ListParams>,
    paging: CursorPaging,
) -> Result<Response, Problem> {
    let kind = non_empty(params.kind).map(|name| {
        let names = ActionKind::ALL.map(ActionKind::as_str).join(", ");
        name.parse().map_err(|_| Problem::bad_request(format!("unknown kind `{name}`; use one of {names}")))
    });
    let filter = ActionFilter {
        workspace: params.workspace,
        workspaces: None,
        states: states(params.state)?,
        rule: non_empty(params.rule),
        thread: non_empty(params.thread),
        lead: non_empty(params.lead),
        campaign: non_empty(params.campaign),
        kind: kind.transpose()?,
        decision: non_empty(params.decision),
        before: None,
        limit: 0,
    };
    let read = move |before, limit: u32| {
        let (engine, filter) = (engine.clone(), ActionFilter { before, limit: limit + 1, ..filter.clone() });
        async move {
            let found = engine.actions(filter).await?;
            let items = found.into_iter().map(ActionReport::from).collect();
            Ok(page(items, limit, |action: &ActionReport| action.id.clone()))
        }
    };
    respond(paging, read).await
}

/// Get an action.
#[utoipa::path(
    get, path = "/api/v1/actions/{id}", operation_id = "action", tag = "actions",
    params(("id" = String, Path, description = "The action.")),
    responses((status = 200, body = ActionReport), (status = 404, response = Problem))
)]
pub(super) async fn get(engine: ScopedEngine, Path(id): Path<String>) -> ApiResult<ActionReport> {
    Ok(Json(engine.action(&id).await?.into()))
}

#[derive(Deserialize, ToSchema)]
pub(super) struct ApproveBody {
    /// Replaces the text of the reply.
    text: Option<String>,
}

/// Approve a held action, with an edited text if you send one.
#[utoipa::path(
    post, path = "/api/v1/actions/{id}/approve", tag = "actions",
    params(("id" = String, Path, description = "The action.")),
    request_body = inline(ApproveBody),
    responses(
        (status = 200, body = ActionReport),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
        (status = 409, response = Problem),
        (status = 422, response = Problem)
    )
)]
pub(super) async fn approve(
    engine: ScopedEngine,
    Path(id): Path<String>,
    JsonBody(edited): JsonBody<ApproveBody>,
) -> ApiResult<ActionReport> {
    Ok(Json(decide(&engine, id, Command::Approve(edited.text)).await?.into()))
}

/// Reject a held action.
#[utoipa::path(
    post, path = "/api/v1/actions/{id}/reject", tag = "actions",
    params(("id" = String, Path, description = "The action.")),
    responses(
        (status = 200, body = ActionReport),
        (status = 404, response = Problem),
        (status = 409, response = Problem)
    )
)]
pub(super) async fn reject(engine: ScopedEngine, Path(id): Path<String>) -> ApiResult<ActionReport> {
    Ok(Json(decide(&engine, id, Command::Reject).await?.into()))
}

/// Retry a failed action.
#[utoipa::path(
    post, path = "/api/v1/actions/{id}/retry", tag = "actions",
    params(("id" = String, Path, description = "The action.")),
    responses(
        (status = 200, body = ActionReport),
        (status = 404, response = Problem),
        (status = 409, response = Problem)
    )
)]
pub(super) async fn retry(engine: ScopedEngine, Path(id): Path<String>) -> ApiResult<ActionReport> {
    Ok(Json(decide(&engine, id, Command::Retry).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SendStatus {
    Sent,
    NotSent,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct ResolveBody {
    #[schema(inline)]
    outcome: SendStatus,
}

/// Say what became of a quarantined action; one that was not sent is held for approval.
#[utoipa::path(
    post, path = "/api/v1/actions/{id}/resolve", tag = "actions",
    params(("id" = String, Path, description = "The action.")),
    request_body = inline(ResolveBody),
    responses(
        (status = 200, body = ActionReport),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
        (status = 409, response = Problem)
    )
)]
pub(super) async fn resolve(
    engine: ScopedEngine,
    Path(id): Path<String>,
    JsonBody(resolved): JsonBody<ResolveBody>,
) -> ApiResult<ActionReport> {
    let resolution = match resolved.outcome {
        SendStatus::Sent => Resolution::Sent,
        SendStatus::NotSent => Resolution::NotSent,
    };
    Ok(Json(decide(&engine, id, Command::Resolve(resolution)).await?.into()))
}

/// What a person decides about an action, by a program or on a page.
pub(super) enum Command {
    /// Send it, with this text if there is one.
    Approve(Option<String>),
    Reject,
    Retry,
    Resolve(Resolution),
}

/// Carries a choice out and notes who made it. Of an edited text only that there was one.
pub(super) async fn decide(engine: &ScopedEngine, id: String, choice: Command) -> Result<Action, Problem> {
    // What they do not see they cannot decide about; an action never changes its workspace.
    let id = engine.action(&id).await?.id;
    let operator = engine.shared().operator();
    let (what, more, action) = match choice {
        Command::Approve(text) => {
            let edited = text.is_some();
            ("action.approve", json!({ "edited": edited }), operator.approve(&id, text).await?)
        }
        Command::Reject => ("action.reject", json!({}), operator.reject(&id).await?),
        Command::Retry => ("action.retry", json!({}), operator.retry(&id).await?),
        Command::Resolve(resolution) => {
            let outcome = if resolution == Resolution::Sent { "sent" } else { "not_sent" };
            ("action.resolve", json!({ "outcome": outcome }), operator.resolve(&id, resolution).await?)
        }
    };
    let mut details = json!({
        "workspace": action.workspace,
        "thread_id": action.thread_id,
        "rule": action.rule,
        "kind": action.kind,
        "state": action.state,
    });
    if let (Some(details), Value::Object(more)) = (details.as_object_mut(), more) {
        details.extend(more);
    }
    audit::record(engine, what, Some(&id.0), details).await;
    Ok(action)
}
