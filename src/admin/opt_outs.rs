//! Leads who want no more mail.

use super::{
    ApiResult, ScopedEngine, audit,
    pagination::{OffsetPaging, Page, non_empty, page_at},
    problem::{JsonBody, Problem, QueryParams},
};
use crate::{model::address_of, store::OptOut};
use axum::{Json, extract::Path, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

pub(super) type OptOutPage = Page<OptOut>;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// The workspace.
    workspace: Option<String>,
}

/// List leads who want no more mail, newest first.
#[utoipa::path(
    get, path = "/api/v1/opt-outs", operation_id = "optOuts", tag = "opt-outs",
    params(ListParams, OffsetPaging),
    responses((status = 200, body = OptOutPage), (status = 400, response = Problem))
)]
pub(super) async fn list(
    engine: ScopedEngine,
    QueryParams(params): QueryParams<ListParams>,
    paging: OffsetPaging,
) -> ApiResult<OptOutPage> {
    let workspace = non_empty(params.workspace);
    let items = engine.opt_outs(workspace.as_deref(), paging.first, paging.limit + 1).await?;
    Ok(Json(page_at(items, paging.first, paging.limit)))
}

#[derive(Deserialize, ToSchema)]
pub(super) struct OptOutBody {
    /// Null, or left out: all that you see.
    pub workspace: Option<String>,
    /// An address, or a whole domain with all below it: `*@acme.example`.
    #[schema(format = "email")]
    pub email: String,
    /// Why, for the record.
    pub evidence: Option<String>,
}

/// What is kept now. Without a single workspace, `workspace` is null and `items` tells of each.
#[derive(Serialize, ToSchema)]
pub(super) struct AddedOptOut {
    /// Null if there are several.
    workspace: Option<String>,
    email: String,
    since: Timestamp,
    evidence: String,
    /// What is stored in each workspace; an earlier entry stays.
    items: Vec<OptOut>,
}

/// Add a lead to a workspace, or to all.
#[utoipa::path(
    post, path = "/api/v1/opt-outs", operation_id = "addOptOut", tag = "opt-outs",
    request_body = inline(OptOutBody),
    responses(
        (status = 201, description = "What is stored.", body = AddedOptOut),
        (status = 400, response = Problem),
        (status = 404, response = Problem)
    )
)]
pub(super) async fn add(
    engine: ScopedEngine,
    JsonBody(entry): JsonBody<OptOutBody>,
) -> Result<(StatusCode, Json<AddedOptOut>), Problem> {
    Ok((StatusCode::CREATED, Json(add_by(&engine, entry).await?)))
}

/// Adds a lead to the workspace that is named, or to all, and notes who did it.
pub(super) async fn add_by(engine: &ScopedEngine, entry: OptOutBody) -> Result<AddedOptOut, Problem> {
    let workspaces: Vec<String> = match &entry.workspace {
        Some(name) => vec![engine.workspace(name)?.name().to_owned()],
        None => engine.workspaces().iter().map(|workspace| workspace.name().to_owned()).collect(),
    };
    let Some(email) = address_of(&entry.email) else {
        return Err(Problem::bad_request(format!("`{}` is not an e-mail address", entry.email)));
    };
    if let Some(domain) = email.strip_prefix("*@")
        && (!domain.contains('.') || domain.contains('*') || domain.starts_with('.') || domain.ends_with('.'))
    {
        return Err(Problem::bad_request(format!("`{email}` is no domain: write it like *@acme.example")));
    }
    let evidence = entry.evidence.filter(|text| !text.trim().is_empty());
    let evidence = evidence.unwrap_or_else(|| "entered by hand".to_owned());
    let mut items = Vec::with_capacity(workspaces.len());
    for workspace in workspaces {
        let since = engine.shared().now();
        items.push(
            engine.add_opt_out(OptOut { workspace, email: email.clone(), since, evidence: evidence.clone() }).await?,
        );
    }
    let details = json!({ "workspaces": items.iter().map(|item| &item.workspace).collect::<Vec<_>>() });
    audit::record(engine, "opt_out.add", Some(&email), details).await;
    let Some(first) = items.first().cloned() else { return Err(Problem::not_found_named("workspace", "")) };
    let added = AddedOptOut {
        workspace: (items.len() == 1).then_some(first.workspace),
        email: first.email,
        since: first.since,
        evidence: first.evidence,
        items,
    };
    Ok(added)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WorkspaceParam {
    /// All that you see, if left out.
    workspace: Option<String>,
}

/// Remove a lead's opt-out from a workspace, or from all.
#[utoipa::path(
    delete, path = "/api/v1/opt-outs/{email}", operation_id = "removeOptOut", tag = "opt-outs",
    params(("email" = String, Path, description = "The lead's address."), WorkspaceParam),
    responses((status = 204, description = "Removed."), (status = 404, response = Problem))
)]
pub(super) async fn remove(
    engine: ScopedEngine,
    Path(email): Path<String>,
    QueryParams(of): QueryParams<WorkspaceParam>,
) -> Result<StatusCode, Problem> {
    remove_by(&engine, of.workspace.as_deref(), &email).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets an opt-out, in a workspace or in all, and notes who did it.
pub(super) async fn remove_by(engine: &ScopedEngine, workspace: Option<&str>, email: &str) -> Result<(), Problem> {
    let removed = engine.remove_opt_out(workspace, email).await?;
    let removed = removed.ok_or_else(|| Problem::not_found_named("opt-out of", email))?;
    let details = json!({ "workspace": workspace, "workspaces": removed });
    audit::record(engine, "opt_out.remove", Some(&email.to_lowercase()), details).await;
    Ok(())
}
