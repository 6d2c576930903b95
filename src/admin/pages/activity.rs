//! Decisions, newest first.

use super::{
    super::{
        ScopedEngine,
        openapi::HtmlPage,
        pagination::{cursor, non_empty, page, states, workspace_name},
        problem::{Problem, QueryParams},
    },
    Layout, Tab,
    view::{self, SentenceTag, TimeTag, due_label, encoded, reason_text},
};
use crate::{
    model::{ActionState, ReasonCode, describe_target},
    store::{ActionSummary, DecisionFilter, DecisionRecord},
};
use askama::Template;
use axum::response::Response;
use serde::Deserialize;
use std::collections::HashMap;
use utoipa::IntoParams;

const ROWS: u32 = 50;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct ListParams {
    /// In this workspace.
    #[serde(default, deserialize_with = "workspace_name")]
    workspace: Option<String>,
    /// Of this rule.
    rule: Option<String>,
    /// In this campaign.
    campaign: Option<String>,
    /// About this lead.
    lead: Option<String>,
    /// With an action in this state.
    state: Option<String>,
    /// `true` or `false`.
    matched: Option<String>,
    /// Older than this one.
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "activity.html")]
struct ActivityPage {
    frame: Layout,
    workspaces: Vec<(String, bool)>,
    rules: Vec<(String, bool)>,
    states: Vec<(&'static str, bool)>,
    campaign: String,
    lead: String,
    matched: String,
    filtered: bool,
    /// The newest page, which follows what happens.
    first: bool,
    rows: Vec<DecisionRow>,
    older: Option<String>,
    newest: String,
}

struct DecisionRow {
    at: TimeTag,
    workspace: String,
    lead: String,
    subject: String,
    campaign: String,
    thread_path: String,
    id: String,
    matched: Vec<String>,
    actions: Vec<ActionChip>,
}

pub(super) struct ActionChip {
    pub(super) kind: &'static str,
    pub(super) target: Option<String>,
    pub(super) state: &'static str,
    pub(super) reason: Option<SentenceTag>,
    pub(super) due: Option<TimeTag>,
    pub(super) due_word: &'static str,
}

impl From<ActionSummary> for ActionChip {
    fn from(action: ActionSummary) -> Self {
        Self {
            kind: action.kind.as_str(),
            target: action.target.map(|target| describe_target(&target, &action.recipients)),
            state: action.state.as_str(),
            // That a draft awaits approval is its state.
            reason: action
                .reason
                .as_ref()
                .filter(|why| why.code != ReasonCode::Draft)
                .map(|why| SentenceTag(reason_text(why))),
            due_word: due_label(action.state),
            due: action.due_at.filter(|_| !action.state.is_settled()).map(TimeTag),
        }
    }
}

/// Show decisions, newest first.
#[utoipa::path(
    get,
    path = "/activity",
    operation_id = "activityPage",
    tag = "pages",
    params(ListParams),
    responses(HtmlPage)
)]
pub(in crate::admin) async fn activity(
    engine: ScopedEngine,
    QueryParams(wanted): QueryParams<ListParams>,
) -> Result<Response, Problem> {
    let wanted = ListParams {
        workspace: wanted.workspace,
        rule: trimmed(wanted.rule),
        campaign: trimmed(wanted.campaign),
        lead: trimmed(wanted.lead),
        state: non_empty(wanted.state),
        matched: non_empty(wanted.matched),
        cursor: non_empty(wanted.cursor),
    };
    let matched = match wanted.matched.as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(other) => return Err(Problem::bad_request(format!("`matched` must be true or false, not `{other}`"))),
    };
    let filter = DecisionFilter {
        workspace: wanted.workspace.clone(),
        rule: wanted.rule.clone(),
        campaign: wanted.campaign.clone(),
        lead: wanted.lead.clone(),
        states: states(wanted.state.clone())?,
        matched,
        before: cursor(wanted.cursor.clone())?,
        limit: ROWS + 1,
        ..DecisionFilter::default()
    };
    let found = page(engine.decisions(filter).await?, ROWS, |decision| decision.id.clone());
    let mut briefs = engine.actions_by_decision(&found.items).await?;
    let asked = wanted.query();
    let rules = engine.shared().rules();
    let seen = rules.rules().iter().filter(|rule| engine.sees_rule(rule));
    let mut names: Vec<_> = seen.map(|rule| rule.name.clone()).collect();
    // Removed rules can still be filtered for.
    let removed = wanted.rule.clone().filter(|name| !names.contains(name));
    names.extend(removed);
    let chosen = |name: &str, of: &Option<String>| of.as_deref() == Some(name);
    super::render(&ActivityPage {
        frame: Layout::new(&engine, Tab::Activity).await?,
        workspaces: engine
            .workspaces()
            .iter()
            .map(|found| (found.name().to_owned(), chosen(found.name(), &wanted.workspace)))
            .collect(),
        rules: names.into_iter().map(|name| (name.clone(), chosen(&name, &wanted.rule))).collect(),
        states: ActionState::ALL.map(|state| (state.as_str(), chosen(state.as_str(), &wanted.state))).to_vec(),
        filtered: !asked.is_empty(),
        first: wanted.cursor.is_none(),
        older: found.next.map(|next| path(&asked, Some(&next))),
        newest: path(&asked, None),
        rows: found.items.into_iter().map(|decision| row(decision, &mut briefs)).collect(),
        campaign: wanted.campaign.unwrap_or_default(),
        lead: wanted.lead.unwrap_or_default(),
        matched: wanted.matched.unwrap_or_default(),
    })
}

fn trimmed(value: Option<String>) -> Option<String> {
    non_empty(value.map(|value| value.trim().to_owned()))
}

impl ListParams {
    /// The filters, without the page.
    fn query(&self) -> Vec<(&'static str, &str)> {
        let filters = [
            ("workspace", &self.workspace),
            ("rule", &self.rule),
            ("campaign", &self.campaign),
            ("lead", &self.lead),
            ("state", &self.state),
            ("matched", &self.matched),
        ];
        filters.into_iter().filter_map(|(name, value)| value.as_deref().map(|value| (name, value))).collect()
    }
}

fn path(asked: &[(&'static str, &str)], cursor: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(asked).extend_pairs(cursor.map(|cursor| ("cursor", cursor)));
    let query = query.finish();
    if query.is_empty() { "/activity".to_owned() } else { format!("/activity?{query}") }
}

fn row(decision: DecisionRecord, briefs: &mut HashMap<String, Vec<ActionSummary>>) -> DecisionRow {
    DecisionRow {
        at: TimeTag(decision.at),
        workspace: decision.workspace,
        lead: decision.lead_email.unwrap_or_else(|| "unknown lead".to_owned()),
        subject: decision.trace.subject.unwrap_or_default(),
        campaign: decision.trace.campaign.unwrap_or_default(),
        thread_path: encoded(&decision.thread_id),
        matched: decision.matched,
        actions: briefs.remove(&decision.id).into_iter().flatten().map(ActionChip::from).collect(),
        id: decision.id,
    }
}
