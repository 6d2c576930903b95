//! What the rules would do with a message that is typed in: nothing is sent, written or asked.

use super::{
    super::{ScopedEngine, openapi::HtmlPage, problem::Problem},
    Layout, Tab,
    forms::FormBody,
    trace::Trace,
    view::{self, SentenceTag, display_text},
};
use crate::{
    engine::{SampleFields, SampleThread},
    model::{ActionKind, Message, Mode, describe_planned},
    store::DecisionFilter,
};
use askama::Template;
use axum::{http::StatusCode, response::Response};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};
use utoipa::ToSchema;

/// Two that ColdSend documents; beside them those that rules ask for and that mail had. Any other may be typed.
const CATEGORIES: [&str; 2] = ["interested", "not_interested"];
/// How many of the newest decisions are searched for categories.
const DECISIONS: u32 = 200;

#[derive(Template)]
#[template(path = "try.html")]
struct TrialPage {
    frame: Layout,
    workspaces: Vec<(String, bool)>,
    categories: BTreeSet<String>,
    asked: TryForm,
    outcome: Option<Outcome>,
}

/// What was typed in.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub(in crate::admin) struct TryForm {
    workspace: String,
    text: String,
    subject: String,
    lead: String,
    name: String,
    category: String,
    campaign: String,
}

struct Outcome {
    headline: String,
    texts: Vec<PlannedText>,
    trace: Trace,
}

/// A text that would be sent or held.
struct PlannedText {
    rule: String,
    kind: &'static str,
    target: Option<String>,
    outcome: String,
    would: &'static str,
    reason: Option<SentenceTag>,
    text: String,
}

/// Show a form for a message.
#[utoipa::path(get, path = "/try", operation_id = "tryPage", tag = "pages", responses(HtmlPage))]
pub(in crate::admin) async fn form(engine: ScopedEngine) -> Result<Response, Problem> {
    show(&engine, TryForm::default(), None).await
}

/// Show what the rules would do with a message; nothing is sent or saved.
#[utoipa::path(
    post, path = "/try", operation_id = "tryRules", tag = "pages",
    request_body(content = inline(TryForm), content_type = "application/x-www-form-urlencoded"),
    responses(HtmlPage, (status = 404, response = Problem), (status = 422, response = Problem))
)]
pub(in crate::admin) async fn submit(
    engine: ScopedEngine,
    FormBody(mut asked): FormBody<TryForm>,
) -> Result<Response, Problem> {
    asked.text = asked.text.replace("\r\n", "\n");
    let outcome = judge(&engine, &asked).await?;
    show(&engine, asked, Some(outcome)).await
}

async fn judge(engine: &ScopedEngine, asked: &TryForm) -> Result<Outcome, Problem> {
    let workspace = match asked.workspace.as_str() {
        "" => engine.workspaces().first().cloned(),
        name => Some(engine.workspace(name)?),
    };
    let workspace = workspace.ok_or_else(|| Problem::not_found_named("workspace", ""))?;
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let about = SampleFields {
        lead_email: filled(&asked.lead),
        lead_name: filled(&asked.name),
        subject: filled(&asked.subject),
        category: filled(&asked.category),
        campaign: filled(&asked.campaign),
    };
    let message = Message { text: filled(&asked.text), ..Message::default() };
    let told = SampleThread::new("", message, about, engine.shared().now());
    let overrides = engine.mode_overrides().await?.into_iter().map(|found| (found.rule, found.mode)).collect();
    let caps = (workspace.settings().mode, workspace.safety().hold_uncertain);
    let judged = told.evaluate(&engine.shared().rules(), workspace.name(), caps, &overrides);
    let (explanation, decision) = judged.map_err(|need| {
        let text = format!("a rule asks for {need:?}, which is not available on this page");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text)
    })?;
    let matched: Vec<&str> = decision.matched().collect();
    let headline = match matched.as_slice() {
        [] => "No rule matches.".to_owned(),
        names => format!("Matched: {}.", names.join(", ")),
    };
    // Actions without a text are shown with their rule.
    let written = decision
        .actions
        .iter()
        .filter(|action| action.kind == ActionKind::Reply || action.payload.preview_text().is_some());
    let texts = written.map(|action| {
        let reason = action.reason.as_ref().map(|reason| (reason.code.as_str(), reason.text.as_str()));
        let (outcome, reason) = describe_planned(action.kind, action.would, reason);
        PlannedText {
            rule: action.rule.clone(),
            kind: action.kind.as_str(),
            target: action.describe_target(),
            outcome,
            would: action.would.as_str(),
            reason: reason.map(SentenceTag),
            text: display_text(&action.payload),
        }
    });
    Ok(Outcome { headline, texts: texts.collect(), trace: explanation.into() })
}

/// Known categories, as suggestions.
async fn categories(engine: &ScopedEngine) -> Result<BTreeSet<String>, Problem> {
    let mut known: BTreeSet<String> = CATEGORIES.map(str::to_owned).into();
    let newest = DecisionFilter { limit: DECISIONS, ..DecisionFilter::default() };
    let decisions = engine.decisions(newest).await?;
    known.extend(decisions.into_iter().filter_map(|decision| decision.trace.category));
    // What a rule asks for is in its trace, whatever the message is.
    let blank = SampleThread::new("", Message::default(), SampleFields::default(), engine.shared().now());
    if let Some(workspace) = engine.workspaces().first()
        && let Ok((explanation, _)) =
            blank.evaluate(&engine.shared().rules(), workspace.name(), (Mode::Live, true), &HashMap::default())
    {
        let conditions = explanation.rules.iter().flat_map(|rule| &rule.conditions);
        let asked = conditions.filter(|found| found.path.rsplit('.').next() == Some("category"));
        let names = asked.flat_map(|found| found.wanted.split(|c: char| !(c.is_alphanumeric() || "_-* ?".contains(c))));
        let names = names.map(str::trim).filter(|name| !name.is_empty() && !name.contains(['*', '?']));
        known.extend(names.filter(|name| !["null", "any", "or"].contains(name)).map(str::to_owned));
    }
    Ok(known)
}

async fn show(engine: &ScopedEngine, asked: TryForm, outcome: Option<Outcome>) -> Result<Response, Problem> {
    super::render(&TrialPage {
        frame: Layout::new(engine, Tab::Try).await?,
        workspaces: engine
            .workspaces()
            .iter()
            .map(|found| (found.name().to_owned(), found.name() == asked.workspace))
            .collect(),
        categories: categories(engine).await?,
        asked,
        outcome,
    })
}
