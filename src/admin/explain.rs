//! Why each rule matches a thread as it is now, or does not.

use super::{
    Answer, App,
    problem::{Asked, Problem},
};
use crate::engine::{Explanation, IntakeError};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Of {
    workspace: Option<String>,
}

pub(super) async fn explain(
    State(app): State<App>,
    Path(id): Path<String>,
    Asked(of): Asked<Of>,
) -> Answer<Explanation> {
    let workspace = match &of.workspace {
        Some(name) => app.engine.workspace(name).ok_or_else(|| Problem::unknown("workspace", name))?,
        None => app.engine.workspaces().first().ok_or_else(|| Problem::unknown("workspace", ""))?,
    };
    let explanation = app.engine.explain(workspace, &id).await.map_err(|error| match error {
        IntakeError::Store(error) => error.into(),
        IntakeError::Api(error) if error.status() == Some(404) => Problem::unknown("thread", &id),
        IntakeError::Api(error) => Problem::new(StatusCode::BAD_GATEWAY, error.to_string()),
    })?;
    Ok(Json(explanation))
}
