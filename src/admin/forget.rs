//! Erasing a person.

use super::{
    ApiResult, ScopedEngine, audit,
    pagination::workspace_name,
    problem::{JsonBody, Problem},
};
use crate::{model::known_by, store::Erased};
use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
pub(super) struct ForgetBody {
    /// The person's address.
    #[schema(format = "email")]
    pub email: String,
    /// Null, or left out: all that you see.
    #[serde(default, deserialize_with = "workspace_name")]
    pub workspace: Option<String>,
}

/// What was erased.
#[derive(Serialize, ToSchema)]
pub(super) struct ForgetReport {
    /// The workspaces in which something was known of the person.
    pub workspaces: Vec<String>,
    /// So many threads were theirs. Their ids and counts stay.
    pub threads: u64,
    /// So many decisions went, with their events and actions.
    pub decisions: u64,
    /// In so many threads a message had come that was not decided on yet. It stays in ColdSend and counts as old.
    pub undecided: u64,
    /// So many actions had not left, and never will.
    pub cancelled: u64,
    /// So many were on their way or not confirmed. They are never repeated.
    pub unconfirmed: u64,
    /// So many opt-outs hold on, by a keyed hash.
    pub opt_outs: u64,
    /// So many lines of the audit log named the address.
    pub audit: u64,
}

impl From<Erased> for ForgetReport {
    fn from(erased: Erased) -> Self {
        let Erased { workspaces, threads, decisions, undecided, cancelled, unconfirmed, opt_outs, audit, .. } = erased;
        Self { workspaces, threads, decisions, undecided, cancelled, unconfirmed, opt_outs, audit }
    }
}

/// Erase a person: texts, names, addresses, decisions, actions.
///
/// Threads keep their ids and counts, which show that old mail is old; opt-outs, and what keeps a reply from being sent
/// twice, hold on by a keyed hash. It may be asked again at any time: what was interrupted is finished. For an address of which
/// nothing is known, all counts are 0.
#[utoipa::path(
    post, path = "/api/v1/forget", operation_id = "forget", tag = "opt-outs",
    request_body = inline(ForgetBody),
    responses(
        (status = 200, body = ForgetReport),
        (status = 400, response = Problem),
        (status = 404, response = Problem)
    )
)]
pub(super) async fn forget(engine: ScopedEngine, JsonBody(body): JsonBody<ForgetBody>) -> ApiResult<ForgetReport> {
    Ok(Json(forget_by(&engine, &body.email, body.workspace.as_deref()).await?))
}

/// What one person is known by: an address, or what a lead has in its place.
pub(super) fn person(email: &str) -> Result<String, Problem> {
    let known_by = known_by(email).ok_or_else(|| Problem::bad_request("the e-mail address is missing"))?;
    if known_by.starts_with("*@") {
        return Err(Problem::bad_request("this is a whole domain: a person has an address like jane@acme.example"));
    }
    Ok(known_by)
}

/// Erases a person in the workspace that is named, or in all that they see, and notes who did it, without the address.
pub(super) async fn forget_by(
    engine: &ScopedEngine,
    email: &str,
    workspace: Option<&str>,
) -> Result<ForgetReport, Problem> {
    if let Some(name) = workspace {
        engine.workspace(name)?;
    }
    let person = person(email)?;
    // The store writes who asked with what is asked for, and completes it with what went: whoever sees none of the workspaces
    // in which something was does not see that there was something.
    let asked = audit::entry(engine.app(), engine.caller(), "person.forget", None, Value::Null);
    let erased = engine.forget(&person, workspace, asked).await?;
    if erased.is_nothing() && !person.contains('@') {
        // The message names what was written; it is not kept anywhere.
        let text = format!("`{person}` is not an e-mail address, and no lead is known by it");
        return Err(Problem::bad_request(text));
    }
    // What they wrote may be in the result of a comparison, and in one that runs.
    engine.app().jobs.forget_all();
    Ok(ForgetReport::from(erased))
}
