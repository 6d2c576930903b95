//! Why each rule matches a thread as it is now, or does not.

use super::{
    ApiResult, ScopedEngine,
    pagination::workspace_name,
    problem::{Problem, QueryParams},
};
use crate::{
    engine::{Explanation, IntakeError, Workspace},
    rules::ThreadMessages,
    store::DecisionFilter,
};
use axum::{Json, extract::Path, http::StatusCode};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use utoipa::IntoParams;

/// A person looks at the page: rather a clear refusal than a long wait behind the work itself.
const MAX_WAIT: Duration = Duration::from_secs(10);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WorkspaceParam {
    /// The workspace; without it each is asked until one knows the thread.
    #[serde(default, deserialize_with = "workspace_name")]
    workspace: Option<String>,
}

/// Explain why each rule matches a thread as it is now, or does not; reads the thread and changes nothing.
#[utoipa::path(
    get, path = "/api/v1/threads/{id}/explain", tag = "decisions",
    params(("id" = String, Path, description = "The thread."), WorkspaceParam),
    responses(
        (status = 200, body = Explanation),
        (status = 404, response = Problem),
        (status = 502, response = Problem),
        (status = 503, response = Problem)
    )
)]
pub(super) async fn explain(
    engine: ScopedEngine,
    Path(id): Path<String>,
    QueryParams(of): QueryParams<WorkspaceParam>,
) -> ApiResult<Explanation> {
    read_live(&engine, &id, of.workspace.as_deref()).await.map(|(explanation, _)| Json(explanation))
}

/// The thread as it is now, with its messages, in the workspace that is named or in the likeliest one that knows it.
pub(super) async fn read_live(
    engine: &ScopedEngine,
    id: &str,
    workspace: Option<&str>,
) -> Result<(Explanation, Arc<ThreadMessages>), Problem> {
    let workspaces: Vec<Arc<Workspace>> = match workspace {
        Some(name) => vec![engine.workspace(name)?],
        None => likeliest_first(engine, id).await?,
    };
    let mut failure = None;
    for workspace in workspaces {
        match engine.shared().operator().explain_with_messages(&workspace, id, MAX_WAIT).await {
            Ok(found) => return Ok(found),
            Err(IntakeError::Store(error)) => return Err(error.into()),
            // 422: it does not even look like an id of the API.
            Err(IntakeError::Api(error)) if matches!(error.status(), Some(404 | 422)) => {}
            // Another workspace may still know it.
            Err(IntakeError::Api(error)) => failure = failure.or(Some(refused(error.status(), error.to_string()))),
        }
    }
    Err(failure.unwrap_or_else(|| Problem::not_found_named("thread", id)))
}

/// Every workspace that they see; the one that a decision about the thread was made in comes first, so that the others are not asked.
async fn likeliest_first(engine: &ScopedEngine, thread: &str) -> Result<Vec<Arc<Workspace>>, Problem> {
    let filter = DecisionFilter { thread: Some(thread.to_owned()), limit: 1, ..DecisionFilter::default() };
    let known = engine.decisions(filter).await?.pop().map(|decision| decision.workspace);
    let mut workspaces = engine.workspaces();
    workspaces.sort_by_key(|workspace| known.as_deref() != Some(workspace.name()));
    Ok(workspaces)
}

/// Without a status nothing was answered, or nothing was asked because the budget is used up.
fn refused(status: Option<u16>, text: String) -> Problem {
    let status = if status.is_some() { StatusCode::BAD_GATEWAY } else { StatusCode::SERVICE_UNAVAILABLE };
    Problem::new(status, text)
}
