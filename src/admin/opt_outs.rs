//! Leads who want no more mail.

use super::{
    ApiResult, ScopedEngine, audit,
    pagination::{OffsetPaging, Page, page_at, workspace_name},
    problem::{JsonBody, Problem, QueryParams},
};
use crate::lists::question_free_mail;
use crate::store::{
    OptOut, StoreError,
    opt_out_table::{self, BadLine, MAX_NAMED, ReadTable, Table, WriteTable},
};
use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{Path, Request},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// A table of opt-outs that is larger is refused: send it in parts.
pub(super) const MAX_TABLE: usize = 1024 * 1024;
/// So many opt-outs are read at once for a table, and written in one transaction.
const PART: u32 = 1_000;
/// How many opt-outs of erased addresses a table leaves out.
const LEFT_OUT: HeaderName = HeaderName::from_static("x-left-out");

pub(super) type OptOutPage = Page<OptOut>;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// The workspace.
    #[serde(default, deserialize_with = "workspace_name")]
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
    let workspace = params.workspace;
    let items = engine.opt_outs(workspace.as_deref(), paging.first, paging.limit + 1).await?;
    Ok(Json(page_at(items, paging.first, paging.limit)))
}

#[derive(Deserialize, ToSchema)]
pub(super) struct OptOutBody {
    /// Null, or left out: all that you see.
    #[serde(default, deserialize_with = "workspace_name")]
    pub workspace: Option<String>,
    /// An address, or a whole domain with all below it: `*@acme.example`.
    #[schema(format = "email")]
    pub email: String,
    /// Why, for the record.
    pub evidence: Option<String>,
    /// Take a domain such as `*@gmail.com`, too, which opts out everybody with a mailbox there.
    #[serde(default)]
    pub free_mail: bool,
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
    let email = opt_out_table::opt_out_address(&entry.email).map_err(Problem::bad_request)?;
    if !entry.free_mail
        && let Some(question) = free_mail_question(&email)
    {
        return Err(Problem::bad_request(format!("nothing was added: {question}; with `\"free_mail\": true` it is")));
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
        email,
        since: first.since,
        evidence: first.evidence,
        items,
    };
    Ok(added)
}

/// What to ask before this is an opt-out, if it is a domain of free mail.
pub(super) fn free_mail_question(email: &str) -> Option<String> {
    question_free_mail(email.trim().strip_prefix("*@"))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WorkspaceParam {
    /// All that you see, if left out.
    #[serde(default, deserialize_with = "workspace_name")]
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

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TableParams {
    /// The workspace.
    #[serde(default, deserialize_with = "workspace_name")]
    workspace: Option<String>,
}

/// Download opt-outs as CSV.
///
/// The columns are workspace, email, since and evidence. A cell that a spreadsheet would take for a formula has a leading
/// apostrophe. Opt-outs of addresses that were erased are left out; the header `x-left-out` says how many those are.
#[utoipa::path(
    get, path = "/api/v1/opt-outs/export", operation_id = "exportOptOuts", tag = "opt-outs",
    params(TableParams),
    responses(
        (
            status = 200, description = "The table.", content_type = "text/csv", body = String,
            headers(("x-left-out" = u64, description = "How many opt-outs of erased addresses it leaves out."))
        ),
        (status = 404, response = Problem)
    )
)]
pub(super) async fn export(
    engine: ScopedEngine,
    QueryParams(params): QueryParams<TableParams>,
) -> Result<Response, Problem> {
    let workspace = params.workspace;
    if let Some(name) = &workspace {
        engine.workspace(name)?;
    }
    let left_out = engine.erased_opt_outs(workspace.as_deref()).await?;
    let begin = Some((engine, workspace, WriteTable::default(), None::<OptOut>));
    let parts = futures_util::stream::try_unfold(begin, async |next| {
        let Some((engine, workspace, mut table, after)) = next else { return Ok::<_, StoreError>(None) };
        let found = engine.opt_outs_after(workspace.as_deref(), after.as_ref(), PART).await?;
        let lines = table.lines(&found);
        let is_last = found.len() < PART as usize;
        let rest = found.into_iter().next_back().filter(|_| !is_last);
        Ok(Some((lines, rest.map(|last| (engine, workspace, table, Some(last))))))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"opt-outs.csv\"".to_owned()),
        (LEFT_OUT, left_out.to_string()),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportParams {
    /// The workspace.
    #[serde(default, deserialize_with = "workspace_name")]
    workspace: Option<String>,
    /// Take lines such as `*@gmail.com`, too, which opt out everybody with a mailbox there.
    #[serde(default)]
    free_mail: bool,
}

/// What a table has added.
#[derive(Serialize, ToSchema)]
pub(super) struct ImportedOptOuts {
    /// So many lines were new.
    added: u64,
    /// So many were there already; what is there stays as it is.
    already_there: u64,
    /// The workspaces that the lines were for.
    workspaces: Vec<String>,
    /// The names of columns that are called otherwise, by what they were taken for.
    taken: BTreeMap<&'static str, String>,
    /// The columns that were not used.
    unused: Vec<String>,
}

/// Add opt-outs from CSV.
///
/// The first line names the columns: workspace, email, since, evidence, in any order; only email is needed. Lines without a
/// workspace are for the one in the query, or for the only one that you see. Usual other names of columns (`E-Mail`) are
/// understood, other columns are not used. An e-mail is an address, or a whole domain (`*@acme.example`). If a line is wrong
/// nothing is imported, and the response names it. A domain such as gmail.com is taken only with `free_mail=true`. A table has
/// at most 1 MiB.
#[utoipa::path(
    post, path = "/api/v1/opt-outs/import", operation_id = "importOptOuts", tag = "opt-outs",
    params(ImportParams),
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, body = ImportedOptOuts),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
        (status = 413, response = Problem)
    )
)]
pub(super) async fn import(
    engine: ScopedEngine,
    QueryParams(params): QueryParams<ImportParams>,
    request: Request,
) -> ApiResult<ImportedOptOuts> {
    let chosen = params.workspace;
    if let Some(name) = &chosen {
        engine.workspace(name)?;
    }
    let too_large = || {
        let text = format!("the table has more than {} KiB: send it in parts", MAX_TABLE / 1024);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text)
    };
    let table = to_bytes(request.into_body(), MAX_TABLE).await.map_err(|_| too_large())?;
    let workspaces: Vec<String> = engine.workspaces().iter().map(|found| found.name().to_owned()).collect();
    let reading = ReadTable { workspaces: &workspaces, chosen: chosen.as_deref(), now: engine.shared().now() };
    let table = reading.read(&table).map_err(|bad| refused(&bad))?;
    if !params.free_mail
        && let Some(question) = question_free_mail(table.whole_domains())
    {
        return Err(Problem::bad_request(format!("nothing was imported: {question}; with `free_mail=true` it is")));
    }
    Ok(Json(import_by(&engine, table).await?))
}

fn refused(bad: &[BadLine]) -> Problem {
    let named = bad.iter().take(MAX_NAMED).map(|bad| format!("line {}: {}", bad.line, bad.problem));
    let mut text = named.collect::<Vec<_>>().join("; ");
    if bad.len() > MAX_NAMED {
        text += &format!("; and {} more", bad.len() - MAX_NAMED);
    }
    Problem::bad_request(format!("nothing was imported: {text}"))
}

async fn import_by(engine: &ScopedEngine, table: Table) -> Result<ImportedOptOuts, Problem> {
    let Table { opt_outs, taken, unused } = table;
    let workspaces: std::collections::BTreeSet<String> =
        opt_outs.iter().map(|opt_out| opt_out.workspace.clone()).collect();
    let total = opt_outs.len() as u64;
    let added = engine.add_opt_outs(opt_outs).await?;
    let imported = ImportedOptOuts {
        added,
        already_there: total - added,
        workspaces: workspaces.into_iter().collect(),
        taken: taken.into_iter().collect(),
        unused,
    };
    let details = json!({
        "workspaces": imported.workspaces,
        "added": imported.added,
        "already_there": imported.already_there,
    });
    audit::record(engine, "opt_out.import", None, details).await;
    Ok(imported)
}
