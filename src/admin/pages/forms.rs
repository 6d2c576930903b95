//! What the pages' forms send: each is carried out like the program's request of the same name and leads back to a page.

use super::{
    super::{
        ScopedEngine, actions,
        actions::Command,
        controls::{pause_by, reload_by, resume_by},
        left,
        openapi::RedirectToPage,
        opt_outs::{self, OptOutBody},
        pagination::{WorkspaceFilter, workspace_name},
        problem::{Problem, QueryParams},
        rules as rule_routes,
    },
    view::display_text,
    workspace::OptOutDraft,
};
use crate::{engine::Resolution, model::ActionState};
use axum::{
    body::Bytes,
    extract::{FromRequest, Path, Request},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IntoDeserializer, value},
};
use utoipa::{IntoParams, ToSchema};

/// The page to go back to.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::admin) enum ReturnTo {
    #[default]
    Rules,
    Workspace,
}

impl ReturnTo {
    fn to(self) -> Redirect {
        Redirect::to(match self {
            Self::Rules => "/",
            Self::Workspace => "/workspace",
        })
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct WorkspaceParam {
    /// All, if left out.
    #[serde(default, deserialize_with = "workspace_name")]
    workspace: Option<String>,
    /// The page to go back to.
    #[serde(default)]
    #[param(inline)]
    back: ReturnTo,
}

/// The page that a form stands on, with its filter and these parameters.
fn filtered(path: &str, filter: &WorkspaceFilter, more: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(more).extend_pairs(filter.name().map(|name| ("workspace", name)));
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The fields of a form, all of them text; what else a program sends is ignored.
pub(in crate::admin) struct FormBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for FormBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|error| Problem::new(error.status(), error.body_text()))?;
        let fields: serde_json::Map<_, _> = url::form_urlencoded::parse(&body)
            .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
            .collect();
        Ok(Self(serde_json::from_value(fields.into()).unwrap_or_default()))
    }
}

pub(super) fn filled(field: &str) -> Option<String> {
    Some(field.trim().to_owned()).filter(|value| !value.is_empty())
}

#[derive(Default, Deserialize, ToSchema)]
pub(in crate::admin) struct ModeForm {
    #[schema(nullable = false)]
    mode: Option<String>,
}

#[derive(Default, Deserialize, ToSchema)]
pub(in crate::admin) struct DecideForm {
    #[schema(nullable = false)]
    text: Option<String>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub(in crate::admin) struct OptOutForm {
    email: String,
    workspace: String,
    evidence: String,
    /// There, if everybody at a domain of free mail is meant.
    free_mail: Option<String>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub(in crate::admin) struct RemoveOptOutForm {
    email: String,
    workspace: String,
}

/// What an operator decides about an action.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::admin) enum ActionDecision {
    Approve,
    Reject,
    Retry,
    Sent,
    NotSent,
}

/// Pause a workspace, or everything.
#[utoipa::path(
    post, path = "/pause", operation_id = "pausePage", tag = "pages",
    params(WorkspaceParam),
    responses(RedirectToPage, (status = 404, response = Problem))
)]
pub(in crate::admin) async fn pause(
    engine: ScopedEngine,
    QueryParams(of): QueryParams<WorkspaceParam>,
) -> Result<Redirect, Problem> {
    pause_by(&engine, of.workspace.as_deref()).await?;
    Ok(of.back.to())
}

/// End the pause of a workspace, or every pause.
#[utoipa::path(
    post, path = "/resume", operation_id = "resumePage", tag = "pages",
    params(WorkspaceParam),
    responses(RedirectToPage, (status = 404, response = Problem))
)]
pub(in crate::admin) async fn resume(
    engine: ScopedEngine,
    QueryParams(of): QueryParams<WorkspaceParam>,
) -> Result<Redirect, Problem> {
    resume_by(&engine, of.workspace.as_deref()).await?;
    Ok(of.back.to())
}

/// Reload the rules.
#[utoipa::path(
    post, path = "/reload", operation_id = "reloadPage", tag = "pages",
    params(WorkspaceParam),
    responses(RedirectToPage, (status = 422, response = Problem))
)]
pub(in crate::admin) async fn reload(
    engine: ScopedEngine,
    QueryParams(of): QueryParams<WorkspaceParam>,
) -> Result<Redirect, Problem> {
    reload_by(&engine).await?;
    Ok(of.back.to())
}

/// Override a rule's mode; an empty mode clears the override.
#[utoipa::path(
    post, path = "/rules/{name}/mode", operation_id = "setModePage", tag = "pages",
    params(WorkspaceFilter, ("name" = String, Path, description = "The rule.")),
    request_body(content = inline(ModeForm), content_type = "application/x-www-form-urlencoded"),
    responses(RedirectToPage, (status = 404, response = Problem), (status = 422, response = Problem))
)]
pub(in crate::admin) async fn set_mode(
    engine: ScopedEngine,
    Path(name): Path<String>,
    QueryParams(filter): QueryParams<WorkspaceFilter>,
    FormBody(form): FormBody<ModeForm>,
) -> Result<Redirect, Problem> {
    let Some(mode) = form.mode else { return Err(Problem::bad_request("the form lacks `mode`")) };
    rule_routes::set_override(&engine, &name, Some(mode.as_str()).filter(|mode| !mode.is_empty())).await?;
    Ok(Redirect::to(&format!("{}#rule-{}", filtered("/", &filter, &[]), super::view::encoded(&name))))
}

/// Decide about an action; a text that differs from the one on the page replaces it.
#[utoipa::path(
    post, path = "/actions/{id}/{decision}", operation_id = "decidePage", tag = "pages",
    params(
        WorkspaceFilter,
        ("id" = String, Path, description = "The action."),
        ("decision" = inline(ActionDecision), Path, description = "What you decided.")
    ),
    request_body(content = inline(DecideForm), content_type = "application/x-www-form-urlencoded"),
    responses(RedirectToPage, (status = 404, response = Problem), (status = 409, response = Problem))
)]
pub(in crate::admin) async fn decide(
    engine: ScopedEngine,
    Path((id, decision)): Path<(String, String)>,
    QueryParams(filter): QueryParams<WorkspaceFilter>,
    FormBody(form): FormBody<DecideForm>,
) -> Result<Redirect, Problem> {
    let known = ActionDecision::deserialize(decision.as_str().into_deserializer());
    let choice = match known.map_err(|_: value::Error| Problem::not_found_named("decision", &decision))? {
        ActionDecision::Approve => Command::Approve(edited(&engine, &id, form.text).await?),
        ActionDecision::Reject => Command::Reject,
        ActionDecision::Retry => Command::Retry,
        ActionDecision::Sent => Command::Resolve(Resolution::Sent),
        ActionDecision::NotSent => Command::Resolve(Resolution::NotSent),
    };
    let action = actions::decide(&engine, id, choice).await?;
    // Where it is now: held again after "it was not sent".
    let held = action.state == ActionState::Held;
    // The queue then shows the outcome: the card itself is gone.
    let id = action.id.0.as_str();
    Ok(Redirect::to(&if held {
        format!("{}#action-{id}", filtered("/queue", &filter, &[]))
    } else {
        filtered("/queue", &filter, &[("decided", id)])
    }))
}

async fn edited(engine: &ScopedEngine, id: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    // Browsers send CR LF, whatever the text had.
    let unix = |text: &str| text.replace("\r\n", "\n");
    let Some(text) = text.map(|text| unix(&text)) else { return Ok(None) };
    let known = engine.action(id).await?;
    // An unchanged text is no edit: the reply keeps its HTML form, if it has one.
    let same = unix(&display_text(&known.payload)).trim_end() == text.trim_end();
    Ok((!same).then_some(text))
}

/// Take a thread off the list of those that are left for you.
#[utoipa::path(
    post, path = "/left/{id}/done", operation_id = "threadDonePage", tag = "pages",
    params(WorkspaceFilter, ("id" = String, Path, description = "The decision.")),
    responses(RedirectToPage, (status = 404, response = Problem))
)]
pub(in crate::admin) async fn thread_done(
    engine: ScopedEngine,
    Path(id): Path<String>,
    QueryParams(filter): QueryParams<WorkspaceFilter>,
) -> Result<Redirect, Problem> {
    left::done_by(&engine, &id).await?;
    Ok(Redirect::to(&format!("{}#left", filtered("/queue", &filter, &[]))))
}

/// Add a lead who gets no replies.
#[utoipa::path(
    post, path = "/opt-outs", operation_id = "addOptOutPage", tag = "pages",
    request_body(content = inline(OptOutForm), content_type = "application/x-www-form-urlencoded"),
    responses(
        RedirectToPage,
        (status = 400, description = "The page, with the form as it was sent and what is wrong with it.", content_type = "text/html", body = String),
        (status = 404, response = Problem)
    )
)]
pub(in crate::admin) async fn add_opt_out(
    engine: ScopedEngine,
    FormBody(form): FormBody<OptOutForm>,
) -> Result<Response, Problem> {
    let entry = OptOutBody {
        workspace: filled(&form.workspace),
        email: filled(&form.email).unwrap_or_default(),
        evidence: filled(&form.evidence),
        free_mail: form.free_mail.is_some(),
    };
    let question = opt_outs::free_mail_question(&form.email).filter(|_| !entry.free_mail);
    let error = match question {
        Some(question) => question,
        None => match opt_outs::add_by(&engine, entry).await {
            Ok(_) => return Ok(Redirect::to("/workspace#opt-outs").into_response()),
            Err(problem) if problem.status() == StatusCode::BAD_REQUEST => problem.detail().to_owned(),
            Err(problem) => return Err(problem),
        },
    };
    let is_free_mail = opt_outs::free_mail_question(&form.email).is_some();
    let OptOutForm { email, workspace, evidence, .. } = form;
    let draft = OptOutDraft { email, workspace, evidence, error: Some(error), is_free_mail };
    super::workspace::show_opt_out(&engine, draft).await
}

/// Remove an opt-out.
#[utoipa::path(
    post, path = "/opt-outs/remove", operation_id = "removeOptOutPage", tag = "pages",
    request_body(content = inline(RemoveOptOutForm), content_type = "application/x-www-form-urlencoded"),
    responses(RedirectToPage, (status = 404, response = Problem))
)]
pub(in crate::admin) async fn remove_opt_out(
    engine: ScopedEngine,
    FormBody(form): FormBody<RemoveOptOutForm>,
) -> Result<Redirect, Problem> {
    let workspace = filled(&form.workspace);
    let email = filled(&form.email).unwrap_or_default();
    opt_outs::remove_by(&engine, workspace.as_deref(), &email).await?;
    Ok(Redirect::to("/workspace#opt-outs"))
}
