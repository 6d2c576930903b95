//! Pause, resume, reload.

use super::{
    Answer, App, ReloadError,
    problem::{Body, Problem},
    status::{StatusReport, report},
};
use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Which {
    workspace: Option<String>,
}

fn named<'a>(app: &App, which: &'a Which) -> Result<Option<&'a str>, Problem> {
    match which.workspace.as_deref() {
        Some(name) if app.engine.workspace(name).is_none() => Err(Problem::unknown("workspace", name)),
        other => Ok(other),
    }
}

pub(super) async fn pause(State(app): State<App>, Body(which): Body<Which>) -> Answer<StatusReport> {
    app.engine.pause(named(&app, &which)?).await?;
    Ok(Json(report(&app).await?))
}

pub(super) async fn resume(State(app): State<App>, Body(which): Body<Which>) -> Answer<StatusReport> {
    app.engine.resume(named(&app, &which)?).await?;
    Ok(Json(report(&app).await?))
}

pub(super) async fn reload(State(app): State<App>) -> Answer<serde_json::Value> {
    let Some(reload) = &app.reload else {
        return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "the rules of this service do not come from files"));
    };
    match reload.reload().await {
        Ok(revision) => Ok(Json(serde_json::json!({ "revision": revision }))),
        Err(ReloadError::Refused(diagnostics)) => {
            let text = "the rules have mistakes; the old ones stay in force";
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text).with_diagnostics(diagnostics))
        }
        Err(ReloadError::Failed(text)) => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, text)),
    }
}
