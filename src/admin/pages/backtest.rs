//! What edited rules would do: the text of a rule file, its errors, its tests, and the past events whose outcome would change.
//! Nothing that is written here reaches a file or the active rules.

use super::{
    super::{
        ScopedEngine,
        access::Needs,
        backtest::{self, FileList, Job, MAX_TEXT, Task},
        events::ShutdownToken,
        openapi::{HtmlPage, RedirectToPage},
        problem::{Problem, QueryParams},
    },
    Layout, Tab,
    backtest_result::JobView,
    view,
};
use askama::Template;
use axum::{
    Extension,
    body::Bytes,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use utoipa::{IntoParams, ToSchema};

/// If nothing is said.
const DAYS: u32 = 30;
const MAX_DAYS: u32 = 999;
/// What is soon done is shown at once.
const SOON: Duration = Duration::from_millis(800);
const DAY: Duration = Duration::from_secs(86_400);

#[derive(Template)]
#[template(path = "backtest.html")]
struct BacktestPage {
    frame: Layout,
    /// Why there is nothing to edit.
    unavailable: Option<String>,
    /// Why what was asked for was not done.
    error: Option<String>,
    may_edit: bool,
    files: Vec<FileView>,
    /// So many more are shared with workspaces that they do not see.
    shared: usize,
    /// The file that is shown, and its text.
    file: String,
    text: String,
    /// Other edited files, with their texts.
    edits: Vec<(String, String)>,
    /// As it was written.
    days: String,
    days_error: Option<&'static str>,
    stateless: bool,
    workspaces: Vec<(String, bool)>,
    job: Option<JobView>,
    /// It answers a form: there is nothing to load again under its address.
    is_answer: bool,
}

struct FileView {
    name: String,
    is_shown: bool,
    is_edited: bool,
}

/// What the form is about.
#[derive(Debug, Default)]
struct Draft {
    /// The file that is shown.
    file: String,
    /// The edited texts, by the files' names.
    edits: BTreeMap<String, String>,
    /// As it was written.
    days: String,
    workspace: String,
    stateless: bool,
}

/// What is wrong with a number of days.
const NO_DAYS: &str = "days must be a whole number from 1 to 999";

impl Draft {
    fn new() -> Self {
        Self { days: DAYS.to_string(), ..Self::default() }
    }

    /// How many days back; `None` if what is written is no such number.
    fn days(&self) -> Option<u32> {
        let digits = self.days.trim();
        let is_number = !digits.is_empty() && digits.len() < 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let days = digits.parse().ok().filter(|_| is_number)?;
        (1..=MAX_DAYS).contains(&days).then_some(days)
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct PageParams {
    /// The file to show.
    file: Option<String>,
    /// What was tried.
    job: Option<String>,
    /// Which page of the changed events, from 1.
    #[param(value_type = Option<i64>)]
    page: Option<String>,
}

/// Show the rule files, and what an edit of them would do.
#[utoipa::path(
    get, path = "/backtest", operation_id = "backtestPage", tag = "pages",
    params(PageParams),
    responses(HtmlPage, (status = 400, response = Problem), (status = 404, response = Problem))
)]
pub(in crate::admin) async fn page(
    engine: ScopedEngine,
    QueryParams(params): QueryParams<PageParams>,
) -> Result<Response, Problem> {
    let job = match params.job.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => Some(backtest::find(&engine, id)?),
        None => None,
    };
    let mut draft = Draft::new();
    if let Some(job) = &job {
        draft.edits.clone_from(&job.order.texts);
        draft.stateless = job.order.stateless;
        draft.workspace = job.order.workspace.clone().unwrap_or_default();
        let since = job.started_at.duration_since(job.order.since).as_secs();
        draft.days = u32::try_from(since / 86_400).unwrap_or(DAYS).clamp(1, MAX_DAYS).to_string();
    }
    draft.file = params.file.filter(|file| !file.is_empty()).unwrap_or_default();
    let page = page_number(params.page)?;
    // One that was removed since, or was never there.
    let unknown = match draft.file.as_str() {
        "" => None,
        name => backtest::rule_files(&engine)?.check_names(&engine.seen(), &[name]).await.err().map(backtest::problem),
    };
    show(&engine, draft, job.map(|job| (job, page)), unknown, false).await
}

fn page_number(text: Option<String>) -> Result<usize, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(1) };
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| Problem::bad_request(format!("`page` must be a whole number from 1 on, not `{text}`")))
}

/// What is sent with the form, field by field: those of an edited file come as pairs.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described: the fields repeat")]
pub(in crate::admin) struct BacktestForm {
    /// The file that is shown.
    file: String,
    /// Its text.
    text: String,
    /// Another edited file, and then its text; as often as there are any.
    other_file: Vec<String>,
    other_text: Vec<String>,
    /// The file to show next.
    open: String,
    days: String,
    workspace: String,
    /// There, if matching alone is compared.
    stateless: String,
    /// `check`, `test`, `compare`, `open`, `discard` or `download`.
    r#do: String,
}

/// Check, test or compare an edit, show another file, or download what was written.
#[utoipa::path(
    post, path = "/backtest", operation_id = "backtestForm", tag = "pages",
    request_body(content = inline(BacktestForm), content_type = "application/x-www-form-urlencoded"),
    responses(
        HtmlPage, RedirectToPage,
        (status = 400, description = "The page, with the form as it was sent and what is wrong with it.", content_type = "text/html", body = String),
        (status = 404, response = Problem), (status = 413, response = Problem)
    )
)]
pub(in crate::admin) async fn submit(
    engine: ScopedEngine,
    closing: Option<Extension<ShutdownToken>>,
    body: Bytes,
) -> Result<Response, Problem> {
    let mut draft = Draft::new();
    let (mut text, mut other, mut open, mut act) = (String::new(), String::new(), String::new(), String::new());
    for (name, value) in url::form_urlencoded::parse(&body) {
        let value = value.into_owned();
        match &*name {
            "file" => draft.file = value,
            "text" => text = plain(&value),
            "other_file" => other = value,
            "other_text" => drop(draft.edits.insert(std::mem::take(&mut other), plain(&value))),
            "open" => open = value,
            // A button beside an error in another file.
            "open_file" => (open, act) = (value, "open".to_owned()),
            "days" => draft.days = value,
            "workspace" => draft.workspace = value.trim().to_owned(),
            "stateless" => draft.stateless = true,
            "do" => act = value,
            _ => {}
        }
    }
    draft.edits.remove("");
    if !draft.file.is_empty() {
        draft.edits.insert(draft.file.clone(), text.clone());
    }
    let task = match act.as_str() {
        "download" => {
            let name = draft.file.rsplit(['/', '\\']).next().unwrap_or_default();
            let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
            return Ok(backtest::attachment(text, "application/yaml", &name));
        }
        "discard" => {
            draft.edits.remove(&draft.file);
            return show(&engine, draft, None, None, true).await;
        }
        "check" => Task::Check,
        "test" => Task::Test,
        "compare" => Task::Compare,
        _ => {
            if !open.is_empty() {
                draft.file = open;
            }
            return show(&engine, draft, None, None, true).await;
        }
    };
    // A check and the tests look at no events.
    if task == Task::Compare && draft.days().is_none() {
        return show(&engine, draft, None, Some(Problem::bad_request(NO_DAYS)), true).await;
    }
    match begin(&engine, &draft, task, closing).await {
        Ok(job) => {
            job.wait(SOON).await;
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("job", &job.id).append_pair("file", &draft.file);
            Ok(Redirect::to(&format!("/backtest?{}#result", query.finish())).into_response())
        }
        // What was written stays.
        Err(problem) => show(&engine, draft, None, Some(problem), true).await,
    }
}

async fn begin(
    engine: &ScopedEngine,
    draft: &Draft,
    task: Task,
    closing: Option<Extension<ShutdownToken>>,
) -> Result<Arc<Job>, Problem> {
    let files = backtest::rule_files(engine)?;
    let mut texts = BTreeMap::new();
    for (name, text) in &draft.edits {
        // What is as on disk is no edit.
        let on_disk = files.read(&engine.seen(), name).await.map_err(backtest::problem)?;
        if plain(&on_disk) != *text {
            texts.insert(name.clone(), text.clone());
        }
    }
    let workspace = Some(draft.workspace.clone()).filter(|name| !name.is_empty());
    let days = draft.days().unwrap_or(DAYS);
    let order = backtest::order(engine, task, texts, (DAY * days, workspace), draft.stateless)?;
    backtest::start_by(engine, order, closing).await
}

/// Cancel a check, the tests or a comparison.
#[utoipa::path(
    post, path = "/backtest/{id}/cancel", operation_id = "backtestCancelForm", tag = "pages",
    params(("id" = String, Path, description = "Its id.")),
    responses(RedirectToPage, (status = 404, response = Problem))
)]
pub(in crate::admin) async fn cancel(engine: ScopedEngine, Path(id): Path<String>) -> Result<Redirect, Problem> {
    let job = backtest::cancel_by(&engine, &id).await?;
    Ok(Redirect::to(&format!("/backtest?job={}#result", job.id)))
}

/// Browsers send the ends of lines as CRLF.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n")
}

async fn show(
    engine: &ScopedEngine,
    mut draft: Draft,
    job: Option<(Arc<Job>, usize)>,
    refused: Option<Problem>,
    is_answer: bool,
) -> Result<Response, Problem> {
    let (list, unavailable) = match backtest::list_files(engine).await {
        Ok(list) => (list, None),
        Err(problem) => (FileList::default(), Some(problem.detail().to_owned())),
    };
    let mut edits = BTreeMap::new();
    for (name, text) in std::mem::take(&mut draft.edits) {
        if text.len() <= MAX_TEXT && list.files.iter().any(|file| file.name == name) {
            let on_disk = on_disk(engine, &name).await.ok();
            if on_disk.as_ref() != Some(&text) {
                edits.insert(name, text);
            }
        }
    }
    let is_known = |name: &str| list.files.iter().any(|file| file.name == name);
    let first = || edits.keys().next().cloned().or_else(|| list.files.first().map(|file| file.name.clone()));
    let file = Some(draft.file).filter(|name| is_known(name)).or_else(first).unwrap_or_default();
    // What is wrong with the days is said beside them.
    let refused_days = refused.as_ref().is_some_and(|problem| problem.detail() == NO_DAYS);
    let mut error = refused.as_ref().filter(|_| !refused_days).map(|problem| problem.detail().to_owned());
    let text = match edits.get(&file) {
        Some(text) => text.clone(),
        None if file.is_empty() => String::new(),
        None => on_disk(engine, &file).await.unwrap_or_else(|problem| {
            error.get_or_insert_with(|| problem.detail().to_owned());
            String::new()
        }),
    };
    let files = list.files.iter().map(|listed| FileView {
        name: listed.name.clone(),
        is_shown: listed.name == file,
        is_edited: edits.contains_key(&listed.name),
    });
    let workspaces = engine.workspaces();
    let page = BacktestPage {
        frame: Layout::new(engine, Tab::Backtest).await?,
        unavailable,
        error,
        may_edit: engine.may(Needs::APPROVER) && !file.is_empty(),
        files: files.collect(),
        shared: list.shared,
        job: job.map(|(job, page)| JobView::new(&job, page, &file, engine.shared().now())),
        text,
        edits: edits.into_iter().filter(|(name, _)| *name != file).collect(),
        file,
        days: draft.days,
        days_error: refused_days.then_some(NO_DAYS),
        stateless: draft.stateless,
        workspaces: workspaces.iter().map(|found| (found.name().to_owned(), found.name() == draft.workspace)).collect(),
        is_answer,
    };
    let shown = super::render(&page)?;
    Ok(match refused {
        Some(problem) => (problem.status(), shown).into_response(),
        None => (StatusCode::OK, shown).into_response(),
    })
}

async fn on_disk(engine: &ScopedEngine, name: &str) -> Result<String, Problem> {
    let text = backtest::rule_files(engine)?.read(&engine.seen(), name).await.map_err(backtest::problem)?;
    Ok(plain(&text))
}
