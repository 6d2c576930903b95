//! Erasing a person: what goes and what stays, a question, and what went.

use super::{
    super::{ScopedEngine, forget as routes, forget::ForgetReport, openapi::HtmlPage, problem::Problem},
    Layout, Tab,
    forms::{FormBody, filled},
};
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
    report: Option<ForgetReport>,
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
    let report = match form.confirm == "yes" {
        true => Some(routes::forget_by(&engine, &email, workspace.as_deref()).await?),
        false => None,
    };
    super::render(&ForgetPage { frame: Layout::new(&engine, Tab::Workspace).await?, email, workspace, report })
}
