//! Every rule and how it fares.

use super::{
    ApiResult, App, audit,
    caller::Caller,
    pagination::{Page, clamp_limit, non_empty, offset, page_at},
    problem::{JsonBody, Problem, QueryParams},
};
use crate::{
    engine::Engine,
    model::{ActionState, Mode},
    store::{ActionCount, DayCount, ModeOverride},
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// The windows that counts are given for.
const WINDOWS: [(&str, Option<Duration>); 4] = [
    ("1h", Some(Duration::from_secs(3_600))),
    ("24h", Some(Duration::from_secs(86_400))),
    ("7d", Some(Duration::from_secs(7 * 86_400))),
    ("total", None),
];

/// Counts by window, then by state.
type ByWindow = BTreeMap<&'static str, BTreeMap<&'static str, u64>>;

#[derive(Debug, Serialize)]
pub(super) struct RuleReport {
    pub name: String,
    pub description: Option<String>,
    pub file: String,
    pub line: usize,
    pub mode: Mode,
    /// With several workspaces the most that any of them allows; `workspace_modes` tells each one's.
    pub effective_mode: Mode,
    /// What the rule may do in each workspace that has it.
    pub workspace_modes: BTreeMap<String, Mode>,
    pub lowered_by: Option<&'static str>,
    /// The mode that a person lowered the rule to, whether or not something else lowers it further.
    #[serde(rename = "override")]
    pub switched: Option<OverrideReport>,
    pub matches: BTreeMap<&'static str, u64>,
    pub actions: ByWindow,
    pub suppressed: BTreeMap<String, u64>,
    pub last_match: Option<Timestamp>,
    pub last_error: Option<RuleError>,
    /// How often it was evaluated since the process started, and how long that took on average.
    pub evaluations: u64,
    pub mean_us: Option<u64>,
    /// The last seven days in UTC, today last.
    pub daily: Vec<DayReport>,
}

/// Who switched a rule to what, and when.
#[derive(Debug, Serialize)]
pub(super) struct OverrideReport {
    pub mode: Mode,
    pub since: Timestamp,
    pub by: Option<String>,
}

/// How often a rule matched on a day, and how many actions of that day's decisions are done.
#[derive(Debug, Clone, Serialize)]
pub(super) struct DayReport {
    pub day: String,
    pub matched: u64,
    pub acted: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct RuleError {
    pub text: String,
    pub at: Timestamp,
}

/// What the store knows of all rules.
struct Known {
    matches: Vec<(&'static str, HashMap<String, u64>)>,
    actions: Vec<(&'static str, Vec<ActionCount>)>,
    last_matches: HashMap<String, Timestamp>,
    switches: HashMap<String, ModeOverride>,
    days: HashMap<String, Vec<DayCount>>,
}

impl Known {
    async fn read(engine: &Engine) -> Result<Self, Problem> {
        let store = engine.store();
        let now = engine.now();
        let (mut matches, mut actions) = (Vec::new(), Vec::new());
        for (window, span) in WINDOWS {
            let since = span.map(|span| now.saturating_sub(span).unwrap_or(Timestamp::MIN));
            matches.push((window, store.match_counts(since).await?));
            actions.push((window, store.action_counts(since).await?));
        }
        let mut days: HashMap<String, Vec<DayCount>> = HashMap::new();
        for count in store.day_counts(first_day(now)).await? {
            days.entry(count.rule.clone()).or_default().push(count);
        }
        let switches = store.mode_overrides().await?.into_iter().map(|found| (found.rule.clone(), found)).collect();
        Ok(Self { matches, actions, last_matches: store.last_matches().await?, switches, days })
    }

    /// The actions of a rule in each window by state, and its suppressed ones by reason.
    fn actions_of(&self, rule: &str) -> (ByWindow, BTreeMap<String, u64>) {
        let (mut by_window, mut suppressed) = (BTreeMap::new(), BTreeMap::new());
        for (window, counts) in &self.actions {
            let mut by_state: BTreeMap<&'static str, u64> = BTreeMap::new();
            for count in counts.iter().filter(|count| count.rule == rule) {
                *by_state.entry(count.state.as_str()).or_default() += count.count;
                if *window == "total" && count.state == ActionState::Suppressed {
                    *suppressed.entry(count.reason.clone().unwrap_or_default()).or_default() += count.count;
                }
            }
            by_window.insert(*window, by_state);
        }
        (by_window, suppressed)
    }

    /// Every one of the last seven days, whether or not something happened.
    fn daily(&self, rule: &str, now: Timestamp) -> Vec<DayReport> {
        let known = self.days.get(rule).map(Vec::as_slice).unwrap_or_default();
        let first = first_day(now);
        let days = (0..DAYS).filter_map(|number| first.checked_add(DAY * number).ok());
        days.map(|day| {
            let found = known.iter().find(|count| count.day == day);
            DayReport {
                day: day.strftime("%Y-%m-%d").to_string(),
                matched: found.map_or(0, |count| count.matched),
                acted: found.map_or(0, |count| count.acted),
            }
        })
        .collect()
    }
}

const DAYS: u32 = 7;
const DAY: Duration = Duration::from_secs(86_400);

/// The beginning of the first of the last seven days, in UTC.
fn first_day(now: Timestamp) -> Timestamp {
    let today = now.as_second().div_euclid(86_400) - i64::from(DAYS - 1);
    Timestamp::from_second(today.saturating_mul(86_400)).unwrap_or(Timestamp::MIN)
}

pub(super) async fn reports(engine: &Engine) -> Result<Vec<RuleReport>, Problem> {
    let known = Known::read(engine).await?;
    let now = engine.now();
    let (rules, all) = (engine.rules(), engine.workspaces());
    let report = |rule: &crate::rules::Rule| {
        let name = rule.name.as_str();
        let has = rules.workspaces_with(name);
        let ceilings: Vec<_> = all
            .iter()
            .filter(|found| has.as_ref().is_none_or(|has| has.contains(&found.name())))
            .map(|found| (found.name(), found.settings().mode))
            .collect();
        // A rule counts as live when it is live anywhere: whoever looks for what may leave must not overlook it.
        let ceiling = ceilings.iter().map(|(_, mode)| *mode).max().unwrap_or_default();
        let switched = known.switches.get(name);
        let lower = switched.map(|switched| switched.mode);
        let allowed = rule.mode.min(lower.unwrap_or(Mode::Live));
        let effective_mode = allowed.min(ceiling);
        let (actions, suppressed) = known.actions_of(name);
        let health = engine.rule_health(name);
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
                Some(lower) if lower <= ceiling => Some("override"),
                _ => Some("workspace"),
            },
            switched: switched.map(|switched| OverrideReport {
                mode: switched.mode,
                since: switched.since,
                by: switched.by.clone(),
            }),
            matches: known
                .matches
                .iter()
                .map(|(window, counts)| (*window, counts.get(name).copied().unwrap_or_default()))
                .collect(),
            actions,
            suppressed,
            last_match: known.last_matches.get(name).copied(),
            evaluations: health.evaluations,
            mean_us: health.mean_evaluation().map(microseconds),
            last_error: health.last_error.map(|(text, at)| RuleError { text, at }),
            daily: known.daily(name, now),
        }
    };
    Ok(rules.rules().iter().map(report).collect())
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ListParams {
    /// Only the rules that this workspace has.
    workspace: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

/// In the order in which they run.
pub(super) async fn list(
    State(app): State<App>,
    QueryParams(wanted): QueryParams<ListParams>,
) -> ApiResult<Page<RuleReport>> {
    let limit = clamp_limit(wanted.limit.as_deref());
    let first = offset(wanted.cursor)?;
    let mut rules = reports(&app.engine).await?;
    if let Some(name) = non_empty(wanted.workspace) {
        app.engine.workspace(&name).ok_or_else(|| Problem::not_found_named("workspace", &name))?;
        rules.retain(|rule| rule.workspace_modes.contains_key(&name));
    }
    let rest = rules.into_iter().skip(usize::try_from(first).unwrap_or(usize::MAX)).collect();
    Ok(Json(page_at(rest, first, limit)))
}

pub(super) async fn one(State(app): State<App>, Path(name): Path<String>) -> ApiResult<RuleReport> {
    find(&app, &name).await.map(Json)
}

async fn find(app: &App, name: &str) -> Result<RuleReport, Problem> {
    let all = reports(&app.engine).await?;
    all.into_iter().find(|rule| rule.name == name).ok_or_else(|| Problem::not_found_named("rule", name))
}

#[derive(Deserialize)]
pub(super) struct SetMode {
    mode: Option<String>,
}

pub(super) async fn set_mode(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(wanted): JsonBody<serde_json::Value>,
) -> ApiResult<RuleReport> {
    if wanted.get("mode").is_none() {
        return Err(Problem::bad_request("send {\"mode\": \"off\"}, shadow, draft or live, or null to clear it"));
    }
    let wanted: SetMode = serde_json::from_value(wanted).map_err(|error| Problem::bad_request(error.to_string()))?;
    set_override(&app, &caller, &name, wanted.mode.as_deref()).await?;
    find(&app, &name).await.map(Json)
}

/// Lowers a rule, or clears that, and notes who did it.
pub(super) async fn set_override(app: &App, caller: &Caller, name: &str, mode: Option<&str>) -> Result<(), Problem> {
    let rules = app.engine.rules();
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
    app.engine.store().set_rule_mode(name, mode, &caller.to_string(), app.engine.now()).await?;
    tracing::warn!(rule = name, mode = mode.map_or("cleared", Mode::as_str), "rule mode overridden");
    audit::record(app, caller, "rule.mode", Some(name), json!({ "mode": mode })).await;
    Ok(())
}
