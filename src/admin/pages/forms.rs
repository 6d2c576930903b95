//! What the pages' forms send: each is carried out like the program's request of the same name and leads back to a page.

use super::{
    super::{
        App, actions,
        actions::Command,
        caller::Caller,
        controls::{pause_by, reload_by, resume_by},
        left,
        opt_outs::{self, OptOutBody},
        problem::{Problem, QueryParams},
        rules as rule_routes,
    },
    view::display_text,
};
use crate::{
    engine::Resolution,
    model::{ActionId, ActionState},
};
use axum::{
    body::Bytes,
    extract::{Path, State},
    response::Redirect,
};
use serde::Deserialize;

/// The page that a form leads back to.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
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

#[derive(Deserialize)]
pub(in crate::admin) struct WorkspaceParam {
    workspace: Option<String>,
    #[serde(default)]
    back: ReturnTo,
}

impl WorkspaceParam {
    fn workspace<'a>(&'a self, app: &App) -> Result<Option<&'a str>, Problem> {
        match self.workspace.as_deref() {
            Some(name) if app.engine.workspace(name).is_none() => Err(Problem::not_found_named("workspace", name)),
            other => Ok(other),
        }
    }
}

/// The fields of a form; a program that sends something else has none.
fn field(body: &[u8], name: &str) -> Option<String> {
    url::form_urlencoded::parse(body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn filled(body: &[u8], name: &str) -> Option<String> {
    field(body, name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// Pauses a workspace, or everything.
pub(in crate::admin) async fn pause(
    State(app): State<App>,
    caller: Caller,
    QueryParams(of): QueryParams<WorkspaceParam>,
) -> Result<Redirect, Problem> {
    pause_by(&app, &caller, of.workspace(&app)?).await?;
    Ok(of.back.to())
}

/// Ends the pause of one workspace, or every pause.
pub(in crate::admin) async fn resume(
    State(app): State<App>,
    caller: Caller,
    QueryParams(of): QueryParams<WorkspaceParam>,
) -> Result<Redirect, Problem> {
    resume_by(&app, &caller, of.workspace(&app)?).await?;
    Ok(of.back.to())
}

pub(in crate::admin) async fn reload(
    State(app): State<App>,
    caller: Caller,
    QueryParams(of): QueryParams<WorkspaceParam>,
) -> Result<Redirect, Problem> {
    reload_by(&app, &caller).await?;
    Ok(of.back.to())
}

/// An empty mode clears the switch.
pub(in crate::admin) async fn set_mode(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Redirect, Problem> {
    let Some(mode) = field(&body, "mode") else { return Err(Problem::bad_request("the form lacks `mode`")) };
    rule_routes::set_override(&app, &caller, &name, Some(mode.as_str()).filter(|mode| !mode.is_empty())).await?;
    Ok(Redirect::to(&format!("/#rule-{}", super::view::encoded(&name))))
}

/// Carries out an operator's command on an action. An unchanged text is no edit: the reply keeps its HTML form, if it has
/// one.
pub(in crate::admin) async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path((id, decision)): Path<(String, String)>,
    body: Bytes,
) -> Result<Redirect, Problem> {
    let choice = match decision.as_str() {
        "approve" => Command::Approve(edited(&app, &id, &body).await?),
        "reject" => Command::Reject,
        "retry" => Command::Retry,
        "sent" => Command::Resolve(Resolution::Sent),
        "not-sent" => Command::Resolve(Resolution::NotSent),
        other => return Err(Problem::not_found_named("decision", other)),
    };
    let action = actions::decide(&app, &caller, id, choice).await?;
    // Where it is now: held again after "it was not sent".
    let held = action.state == ActionState::Held;
    // The queue then shows the outcome: the card itself is gone.
    let decided = format!("/queue?decided={}", action.id);
    Ok(Redirect::to(&if held { format!("/queue#action-{}", action.id) } else { decided }))
}

async fn edited(app: &App, id: &str, body: &[u8]) -> Result<Option<String>, Problem> {
    // Browsers send CR LF, whatever the text had.
    let unix = |text: &str| text.replace("\r\n", "\n");
    let Some(text) = field(body, "text").map(|text| unix(&text)) else { return Ok(None) };
    let known = app.engine.store().action(&ActionId(id.to_owned())).await?;
    let same = known.is_some_and(|action| unix(&display_text(&action.payload)).trim_end() == text.trim_end());
    Ok((!same).then_some(text))
}

/// Marks a thread that was left for the operator as done.
pub(in crate::admin) async fn thread_done(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Redirect, Problem> {
    left::done_by(&app, &caller, &id).await?;
    Ok(Redirect::to("/queue#left"))
}

pub(in crate::admin) async fn add_opt_out(
    State(app): State<App>,
    caller: Caller,
    body: Bytes,
) -> Result<Redirect, Problem> {
    let entry = OptOutBody {
        workspace: filled(&body, "workspace"),
        email: filled(&body, "email").unwrap_or_default(),
        evidence: filled(&body, "evidence"),
    };
    opt_outs::add_by(&app, &caller, entry).await?;
    Ok(Redirect::to("/workspace#opt-outs"))
}

pub(in crate::admin) async fn remove_opt_out(
    State(app): State<App>,
    caller: Caller,
    body: Bytes,
) -> Result<Redirect, Problem> {
    let workspace = filled(&body, "workspace");
    let email = filled(&body, "email").unwrap_or_default();
    opt_outs::remove_by(&app, &caller, workspace.as_deref(), &email).await?;
    Ok(Redirect::to("/workspace#opt-outs"))
}
