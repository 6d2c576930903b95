//! Every rule and how it fares.

use super::{
    ApiResult, ScopedEngine,
    access::Needs,
    audit,
    pagination::{OffsetPaging, Page, WorkspaceFilter, page_at},
    problem::{JsonBody, Problem, QueryParams},
    rule_counts::Known,
};
use crate::{engine::Workspace, model::Mode};
use axum::{Json, extract::Path, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use utoipa::ToSchema;

/// A value for the last hour, the last day, the last week and all time.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Windows<T> {
    #[serde(rename = "1h")]
    pub hour: T,
    #[serde(rename = "24h")]
    pub day: T,
    #[serde(rename = "7d")]
    pub week: T,
    pub total: T,
}

impl<T> Windows<T> {
    pub(super) fn map<'a, U>(&'a self, f: impl Fn(&'a T) -> U) -> Windows<U> {
        Windows { hour: f(&self.hour), day: f(&self.day), week: f(&self.week), total: f(&self.total) }
    }
}

/// Counts by state.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct StateCounts(pub BTreeMap<&'static str, u64>);

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rule)]
pub(super) struct RuleReport {
    pub name: String,
    pub description: Option<String>,
    pub file: String,
    #[schema(minimum = 1)]
    pub line: usize,
    /// As its file says.
    pub mode: Mode,
    /// With several workspaces the most that any of them allows; `workspace_modes` tells each one's.
    pub effective_mode: Mode,
    /// What the rule may do in each workspace that has it.
    pub workspace_modes: BTreeMap<String, Mode>,
    /// Why the effective mode is not the rule's own.
    pub lowered_by: Option<LoweredBy>,
    /// The mode that a person lowered the rule to, whether or not something else lowers it further.
    #[serde(rename = "override")]
    pub switched: Option<OverrideReport>,
    #[schema(inline)]
    pub matches: Windows<u64>,
    #[schema(inline)]
    pub actions: Windows<StateCounts>,
    /// Counts by reason code, over all time.
    pub suppressed: BTreeMap<String, u64>,
    pub last_match: Option<Timestamp>,
    pub last_error: Option<RuleError>,
    /// How often it was evaluated since the process started; events that are ruled out by a value or a word do not count.
    pub evaluations: u64,
    /// How long an evaluation takes on average since the process started, in microseconds.
    pub mean_us: Option<u64>,
    /// The last seven days in UTC, today last.
    pub daily: Vec<DayReport>,
}

/// What lowers a rule's mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum LoweredBy {
    /// The ceiling of the workspaces.
    Workspace,
    /// An operator.
    Override,
}

/// Who switched a rule to what, and when.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Override)]
pub(super) struct OverrideReport {
    pub mode: Mode,
    pub since: Timestamp,
    /// Null: it was not recorded.
    pub by: Option<String>,
}

/// How often a rule matched on a day, and how many actions of that day's decisions are done.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Day)]
pub(super) struct DayReport {
    #[schema(format = "date")]
    pub day: String,
    pub matched: u64,
    /// Actions of that day's decisions that are done.
    pub acted: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleError {
    pub text: String,
    pub at: Timestamp,
}

/// The rules that act in the workspaces that somebody sees, with what they did there.
pub(super) async fn reports(engine: &ScopedEngine) -> Result<Vec<RuleReport>, Problem> {
    let known = Known::read(engine).await?;
    let shared = engine.shared();
    let now = shared.now();
    let (rules, all) = (shared.rules(), engine.workspaces());
    let by_name: HashMap<&str, &Arc<Workspace>> = all.iter().map(|found| (found.name(), found)).collect();
    let report = |rule: &crate::rules::Rule| {
        let name = rule.name.as_str();
        let having: Vec<&Arc<Workspace>> = match rules.workspaces_with(name) {
            Some(names) => names.into_iter().filter_map(|name| by_name.get(name).copied()).collect(),
            None => all.iter().collect(),
        };
        let ceilings: Vec<_> = having.iter().map(|found| (found.name(), found.settings().mode)).collect();
        // A rule counts as live when it is live anywhere: whoever looks for what may leave must not overlook it.
        let ceiling = ceilings.iter().map(|(_, mode)| *mode).max().unwrap_or_default();
        let switched = known.switches.get(name);
        let lower = switched.map(|switched| switched.mode);
        let allowed = rule.mode.min(lower.unwrap_or(Mode::Live));
        let effective_mode = allowed.min(ceiling);
        let (actions, suppressed) = known.actions_of(name);
        let health = shared.rule_health(name, ceilings.iter().map(|(name, _)| *name));
        let microseconds = |mean: std::time::Duration| u64::try_from(mean.as_micros()).unwrap_or(u64::MAX);
        RuleReport {
            name: name.to_owned(),
            description: rule.description.clone(),
            file: rule.file.clone(),
            line: rule.line,
            mode: rule.mode,
            effective_mode,
            workspace_modes: ceilings.iter().map(|(name, mode)| ((*name).to_owned(), allowed.min(*mode))).collect(),
            lowered_by: match lower {
                _ if effective_mode == rule.mode => None,
                Some(lower) if lower <= ceiling => Some(LoweredBy::Override),
                _ => Some(LoweredBy::Workspace),
            },
            switched: switched.map(|switched| OverrideReport {
                mode: switched.mode,
                since: switched.since,
                by: switched.by.clone(),
            }),
            matches: known.matches.map(|counts| counts.get(name).copied().unwrap_or_default()),
            actions,
            suppressed,
            last_match: known.last_matches.get(name).copied(),
            evaluations: health.evaluations,
            mean_us: health.mean_evaluation().map(microseconds),
            last_error: health.last_error.map(|(text, at)| RuleError { text, at }),
            daily: known.daily(name, now),
        }
    };
    Ok(rules.rules().iter().filter(|rule| engine.sees_rule(rule)).map(report).collect())
}

pub(super) type RulePage = Page<RuleReport>;

/// List the rules and their status, in the order in which they run; of one workspace, with what they did there.
#[utoipa::path(
    get, path = "/api/v1/rules", operation_id = "rules", tag = "rules",
    params(WorkspaceFilter, OffsetPaging),
    responses(
        (status = 200, body = RulePage),
        (status = 400, response = Problem),
        (status = 404, response = Problem)
    )
)]
pub(super) async fn list(
    engine: ScopedEngine,
    QueryParams(filter): QueryParams<WorkspaceFilter>,
    paging: OffsetPaging,
) -> ApiResult<RulePage> {
    let engine = engine.narrowed_to(filter.name().as_deref())?;
    let rest = reports(&engine).await?.into_iter().skip(usize::try_from(paging.first).unwrap_or(usize::MAX)).collect();
    Ok(Json(page_at(rest, paging.first, paging.limit)))
}

/// Get a rule.
#[utoipa::path(
    get, path = "/api/v1/rules/{name}", operation_id = "rule", tag = "rules",
    params(("name" = String, Path, description = "The rule.")),
    responses((status = 200, body = RuleReport), (status = 404, response = Problem))
)]
pub(super) async fn get(engine: ScopedEngine, Path(name): Path<String>) -> ApiResult<RuleReport> {
    find(&engine, &name).await.map(Json)
}

async fn find(engine: &ScopedEngine, name: &str) -> Result<RuleReport, Problem> {
    let all = reports(engine).await?;
    all.into_iter().find(|rule| rule.name == name).ok_or_else(|| Problem::not_found_named("rule", name))
}

#[derive(Deserialize, ToSchema)]
pub(super) struct ModeBody {
    #[schema(value_type = Option<Mode>, required = true)]
    mode: Option<String>,
}

/// Override a rule's mode, or clear the override with null; an override survives reloads and restarts.
#[utoipa::path(
    post, path = "/api/v1/rules/{name}/mode", operation_id = "setRuleMode", tag = "rules",
    params(("name" = String, Path, description = "The rule.")),
    request_body = inline(ModeBody),
    responses(
        (status = 200, body = RuleReport),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
        (status = 422, response = Problem)
    )
)]
pub(super) async fn set_mode(
    engine: ScopedEngine,
    Path(name): Path<String>,
    JsonBody(body): JsonBody<serde_json::Value>,
) -> ApiResult<RuleReport> {
    if body.get("mode").is_none() {
        return Err(Problem::bad_request("send {\"mode\": \"off\"}, shadow, draft or live, or null to clear it"));
    }
    let body: ModeBody = serde_json::from_value(body).map_err(|error| Problem::bad_request(error.to_string()))?;
    set_override(&engine, &name, body.mode.as_deref()).await?;
    find(&engine, &name).await.map(Json)
}

/// Lowers a rule, or clears that, and notes who did it.
pub(super) async fn set_override(engine: &ScopedEngine, name: &str, mode: Option<&str>) -> Result<(), Problem> {
    let Some(store) = engine.whole_store() else { return engine.require(Needs::WholeService) };
    let rules = engine.shared().rules();
    let rule = rules.rule(name).ok_or_else(|| Problem::not_found_named("rule", name))?;
    let mode = match mode {
        None => None,
        Some(text) => Some(text.parse::<Mode>().map_err(|_| {
            Problem::bad_request(format!("unknown mode `{text}`; use off, shadow, draft, live or null"))
        })?),
    };
    if let Some(mode) = mode.filter(|mode| *mode > rule.mode) {
        let text = format!("the rule's file says {}: an override can only lower it, not set it to {mode}", rule.mode);
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    store.set_rule_mode(name, mode, &engine.caller().to_string(), engine.shared().now()).await?;
    tracing::warn!(rule = name, mode = mode.map_or("cleared", Mode::as_str), "rule mode overridden");
    audit::record(engine, "rule.mode", Some(name), json!({ "mode": mode })).await;
    Ok(())
}
