//! Pause, resume, reload.

use super::{
    ApiResult, App, ReloadError, audit,
    caller::Caller,
    problem::{JsonBody, Problem},
    status::{StatusReport, report},
};
use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
pub(super) struct WorkspaceBody {
    /// Null, or left out: all.
    workspace: Option<String>,
}

fn named<'a>(app: &App, which: &'a WorkspaceBody) -> Result<Option<&'a str>, Problem> {
    match which.workspace.as_deref() {
        Some(name) if app.engine.workspace(name).is_none() => Err(Problem::not_found_named("workspace", name)),
        other => Ok(other),
    }
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
pub(super) async fn pause(
    State(app): State<App>,
    caller: Caller,
    JsonBody(which): JsonBody<WorkspaceBody>,
) -> ApiResult<StatusReport> {
    pause_by(&app, &caller, named(&app, &which)?).await?;
    Ok(Json(report(&app).await?))
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
pub(super) async fn resume(
    State(app): State<App>,
    caller: Caller,
    JsonBody(which): JsonBody<WorkspaceBody>,
) -> ApiResult<StatusReport> {
    resume_by(&app, &caller, named(&app, &which)?).await?;
    Ok(Json(report(&app).await?))
}

/// Pauses a workspace, or everything, and notes who did it.
pub(super) async fn pause_by(app: &App, caller: &Caller, workspace: Option<&str>) -> Result<(), Problem> {
    app.engine.operator().pause(workspace, &caller.to_string()).await?;
    audit::record(app, caller, "pause", workspace, json!({ "workspace": workspace })).await;
    Ok(())
}

/// Ends the pause of a workspace, or every pause, and notes who did it.
pub(super) async fn resume_by(app: &App, caller: &Caller, workspace: Option<&str>) -> Result<(), Problem> {
    app.engine.operator().resume(workspace).await?;
    audit::record(app, caller, "resume", workspace, json!({ "workspace": workspace })).await;
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
pub(super) async fn reload(State(app): State<App>, caller: Caller) -> ApiResult<Reloaded> {
    Ok(Json(Reloaded { revision: reload_by(&app, &caller).await? }))
}

/// Loads the rules again and notes who wanted it; the revision comes back.
pub(super) async fn reload_by(app: &App, caller: &Caller) -> Result<String, Problem> {
    let Some(reload) = &app.reload else {
        return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "this service does not load its rules from files"));
    };
    let ended = reload.reload().await;
    let details = match &ended {
        Ok(revision) => json!({ "revision": revision }),
        Err(ReloadError::Refused(_)) => json!({ "refused": true }),
        Err(ReloadError::Failed(_)) => json!({ "failed": true }),
    };
    audit::record(app, caller, "reload", None, details).await;
    ended.map_err(|error| match error {
        ReloadError::Refused(diagnostics) => {
            let text = "the rules have errors; the current rules stay active";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text).with_diagnostics(diagnostics)
        }
        ReloadError::Failed(text) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, text),
    })
}
