//! Pause, resume, reload.

use super::{
    ApiResult, ReloadError, ScopedEngine,
    access::Needs,
    audit,
    pagination::workspace_name,
    problem::{JsonBody, Problem},
    status::{StatusReport, report},
};
use axum::{Json, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
pub(super) struct WorkspaceBody {
    /// Null, or left out: all.
    #[serde(default, deserialize_with = "workspace_name")]
    workspace: Option<String>,
}

/// The workspace that is named, if they see it; all of them, if they may decide about all.
pub(super) fn named<'a>(engine: &ScopedEngine, workspace: Option<&'a str>) -> Result<Option<&'a str>, Problem> {
    match workspace {
        Some(name) => engine.workspace(name).map(|_| ())?,
        None => engine.require(Needs::WholeService)?,
    }
    Ok(workspace)
}

/// Stop all sending; survives restarts.
#[utoipa::path(
    post, path = "/api/v1/pause", tag = "service",
    request_body = inline(WorkspaceBody),
    responses(
        (status = 200, body = StatusReport),
        (status = 400, response = Problem),
        (status = 404, response = Problem)
    )
)]
pub(super) async fn pause(engine: ScopedEngine, JsonBody(which): JsonBody<WorkspaceBody>) -> ApiResult<StatusReport> {
    pause_by(&engine, which.workspace.as_deref()).await?;
    Ok(Json(report(&engine).await?))
}

/// End the pause of a workspace, or every pause.
#[utoipa::path(
    post, path = "/api/v1/resume", tag = "service",
    request_body = inline(WorkspaceBody),
    responses(
        (status = 200, body = StatusReport),
        (status = 400, response = Problem),
        (status = 404, response = Problem)
    )
)]
pub(super) async fn resume(engine: ScopedEngine, JsonBody(which): JsonBody<WorkspaceBody>) -> ApiResult<StatusReport> {
    resume_by(&engine, which.workspace.as_deref()).await?;
    Ok(Json(report(&engine).await?))
}

/// Pauses a workspace, or everything, and notes who did it.
pub(super) async fn pause_by(engine: &ScopedEngine, workspace: Option<&str>) -> Result<(), Problem> {
    let workspace = named(engine, workspace)?;
    engine.shared().operator().pause(workspace, &engine.caller().to_string()).await?;
    audit::record(engine, "pause", workspace, json!({ "workspace": workspace })).await;
    Ok(())
}

/// Ends the pause of a workspace, or every pause, and notes who did it.
pub(super) async fn resume_by(engine: &ScopedEngine, workspace: Option<&str>) -> Result<(), Problem> {
    let workspace = named(engine, workspace)?;
    engine.shared().operator().resume(workspace).await?;
    audit::record(engine, "resume", workspace, json!({ "workspace": workspace })).await;
    Ok(())
}

/// The rules were reloaded.
#[derive(Serialize, ToSchema)]
pub(super) struct Reloaded {
    /// Identifies the active rules.
    revision: String,
}

/// Reload the rules; on any error the current rules stay active.
#[utoipa::path(
    post, path = "/api/v1/reload", tag = "service",
    responses((status = 200, body = Reloaded), (status = 422, response = Problem), (status = 501, response = Problem))
)]
pub(super) async fn reload(engine: ScopedEngine) -> ApiResult<Reloaded> {
    Ok(Json(Reloaded { revision: reload_by(&engine).await? }))
}

/// Loads the rules again and notes who wanted it; the revision comes back.
pub(super) async fn reload_by(engine: &ScopedEngine) -> Result<String, Problem> {
    let Some(reload) = &engine.app().reload else {
        return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "this service does not load its rules from files"));
    };
    let ended = reload.reload().await;
    let details = match &ended {
        Ok(revision) => json!({ "revision": revision }),
        Err(ReloadError::Refused(_)) => json!({ "refused": true }),
        Err(ReloadError::Failed(_)) => json!({ "failed": true }),
    };
    audit::record(engine, "reload", None, details).await;
    ended.map_err(|error| match error {
        ReloadError::Refused(diagnostics) => {
            let text = "the rules have errors; the current rules stay active";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text).with_diagnostics(diagnostics)
        }
        ReloadError::Failed(text) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, text),
    })
}
