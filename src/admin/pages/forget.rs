//! Erasing a person: what goes and what stays, a question, and what went.

use super::{
    super::{ScopedEngine, forget as routes, forget::ForgetReport, openapi::HtmlPage, problem::Problem},
    Layout, Tab,
    forms::{FormBody, filled},
};
use crate::model::counted;
use askama::Template;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub(in crate::admin) struct ForgetForm {
    email: String,
    workspace: String,
    /// `yes` erases; anything else asks.
    confirm: String,
}

#[derive(Template)]
#[template(path = "forget.html")]
struct ForgetPage {
    frame: Layout,
    email: String,
    workspace: Option<String>,
    /// What went; `None` before it was confirmed.
    went: Option<Went>,
}

/// What went, in words.
struct Went {
    /// Where, and how much; `None` if nothing was known.
    all: Option<String>,
    more: Vec<String>,
}

impl From<ForgetReport> for Went {
    fn from(report: ForgetReport) -> Self {
        let (threads, decisions) = (report.threads, report.decisions);
        let (threads, decisions) = (counted(threads, "thread", "threads"), counted(decisions, "decision", "decisions"));
        let all = match report.workspaces.as_slice() {
            [] if report.audit == 0 => None,
            [] => Some(format!("{threads}, {decisions}.")),
            names => Some(format!("In {}: {threads}, {decisions}.", names.join(", "))),
        };
        let more = [
            (report.cancelled, "action had not left, and never will.", "actions had not left, and never will."),
            (
                report.unconfirmed,
                "action was on its way or not confirmed. It is never repeated.",
                "actions were on their way or not confirmed. They are never repeated.",
            ),
            (
                report.undecided,
                "thread had a message that was not decided on. Read it in ColdSend.",
                "threads had a message that was not decided on. Read it in ColdSend.",
            ),
            (report.opt_outs, "opt-out holds on without the address.", "opt-outs hold on without the address."),
            (
                report.audit,
                "line of the audit log no longer names the address.",
                "lines of the audit log no longer name the address.",
            ),
        ];
        let more = more.into_iter().filter(|(count, ..)| *count > 0);
        Self { all, more: more.map(|(count, one, many)| counted(count, one, many)).collect() }
    }
}

/// Ask whether a person shall be erased, and erase them once that is confirmed.
#[utoipa::path(
    post, path = "/forget", operation_id = "forgetPage", tag = "pages",
    request_body(content = inline(ForgetForm), content_type = "application/x-www-form-urlencoded"),
    responses(HtmlPage, (status = 400, response = Problem), (status = 404, response = Problem))
)]
pub(in crate::admin) async fn forget(
    engine: ScopedEngine,
    FormBody(form): FormBody<ForgetForm>,
) -> Result<Response, Problem> {
    let (email, workspace) = (routes::person(&form.email)?, filled(&form.workspace));
    if let Some(name) = &workspace {
        engine.workspace(name)?;
    }
    let went = match form.confirm == "yes" {
        true => Some(routes::forget_by(&engine, &email, workspace.as_deref()).await?.into()),
        false => None,
    };
    super::render(&ForgetPage { frame: Layout::new(&engine, Tab::Workspace).await?, email, workspace, went })
}
