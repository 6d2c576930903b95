//! Every rule and how it fares.

use super::{
    Answer, App,
    problem::{Body, Problem},
};
use crate::{
    engine::Engine,
    model::{ActionState, Mode, Span},
    store::ActionCount,
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// The windows that counts are given for.
const WINDOWS: [(&str, Option<Span>); 4] = [
    ("1h", Some(Span::from_secs(3_600))),
    ("24h", Some(Span::from_secs(86_400))),
    ("7d", Some(Span::from_secs(7 * 86_400))),
    ("total", None),
];

#[derive(Debug, Serialize)]
pub(super) struct RuleReport {
    pub name: String,
    pub description: Option<String>,
    pub file: String,
    pub line: usize,
    pub mode: Mode,
    /// With several workspaces the most that any of them allows; `workspace_modes` tells each one's.
    pub effective_mode: Mode,
    /// What the rule may do in each workspace.
    pub workspace_modes: BTreeMap<String, Mode>,
    pub lowered_by: Option<&'static str>,
    pub matches: BTreeMap<&'static str, u64>,
    pub actions: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    pub suppressed: BTreeMap<String, u64>,
    pub last_match: Option<Timestamp>,
    pub last_error: Option<RuleError>,
    pub mean_us: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct RuleError {
    pub text: String,
    pub at: Timestamp,
}

#[derive(Debug, Serialize)]
pub(super) struct RuleList {
    pub items: Vec<RuleReport>,
    pub next: Option<String>,
}

pub(super) async fn reports(engine: &Engine) -> Result<Vec<RuleReport>, Problem> {
    let store = engine.store();
    let now = engine.now();
    let mut matches: Vec<(&str, HashMap<String, u64>)> = Vec::new();
    let mut actions: Vec<(&str, Vec<ActionCount>)> = Vec::new();
    for (window, span) in WINDOWS {
        let since = span.map(|span| now.saturating_sub(span).unwrap_or(Timestamp::MIN));
        matches.push((window, store.match_counts(since).await?));
        actions.push((window, store.action_counts(since).await?));
    }
    let last_matches = store.last_matches().await?;
    let lowered = store.rule_modes().await?;
    // A rule counts as live when it is live anywhere: whoever looks for what may leave must not overlook it.
    let ceilings: Vec<_> = engine.workspaces().iter().map(|found| (found.name(), found.settings().mode)).collect();
    let ceiling = ceilings.iter().map(|(_, mode)| *mode).max().unwrap_or_default();
    // The rules run together, so a single rule's share is the mean.
    let rules = engine.rules();
    let share = u32::try_from(rules.rules().len()).unwrap_or(u32::MAX).max(1);
    let mean_us = engine.mean_evaluation().map(|all| u64::try_from((all / share).as_micros()).unwrap_or(u64::MAX));
    let report = |rule: &crate::rules::Rule| {
        let name = rule.name.as_str();
        let lower = lowered.get(name).copied();
        let allowed = rule.mode.min(lower.unwrap_or(Mode::Live));
        let effective_mode = allowed.min(ceiling);
        let mut suppressed = BTreeMap::new();
        let mut by_window = BTreeMap::new();
        for (window, counts) in &actions {
            let mut by_state: BTreeMap<&'static str, u64> = BTreeMap::new();
            for count in counts.iter().filter(|count| count.rule == name) {
                *by_state.entry(count.state.as_str()).or_default() += count.count;
                if *window == "total" && count.state == ActionState::Suppressed {
                    *suppressed.entry(count.reason.clone().unwrap_or_default()).or_default() += count.count;
                }
            }
            by_window.insert(*window, by_state);
        }
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
            matches: matches
                .iter()
                .map(|(window, counts)| (*window, counts.get(name).copied().unwrap_or_default()))
                .collect(),
            actions: by_window,
            suppressed,
            last_match: last_matches.get(name).copied(),
            last_error: engine.rule_health(name).last_error.map(|(text, at)| RuleError { text, at }),
            mean_us,
        }
    };
    Ok(rules.rules().iter().map(report).collect())
}

pub(super) async fn list(State(app): State<App>) -> Answer<RuleList> {
    Ok(Json(RuleList { items: reports(&app.engine).await?, next: None }))
}

pub(super) async fn one(State(app): State<App>, Path(name): Path<String>) -> Answer<RuleReport> {
    find(&app, &name).await.map(Json)
}

async fn find(app: &App, name: &str) -> Result<RuleReport, Problem> {
    let all = reports(&app.engine).await?;
    all.into_iter().find(|rule| rule.name == name).ok_or_else(|| Problem::unknown("rule", name))
}

#[derive(Deserialize)]
pub(super) struct SetMode {
    mode: Option<String>,
}

pub(super) async fn set_mode(
    State(app): State<App>,
    Path(name): Path<String>,
    Body(wanted): Body<serde_json::Value>,
) -> Answer<RuleReport> {
    if wanted.get("mode").is_none() {
        return Err(Problem::bad("send {\"mode\": \"off\"}, shadow, draft or live, or null to clear it"));
    }
    let wanted: SetMode = serde_json::from_value(wanted).map_err(|error| Problem::bad(error.to_string()))?;
    let rules = app.engine.rules();
    let rule = rules.rule(&name).ok_or_else(|| Problem::unknown("rule", &name))?;
    let mode = match wanted.mode.as_deref() {
        None => None,
        Some(text) => Some(
            text.parse::<Mode>()
                .map_err(|_| Problem::bad(format!("`{text}` is no mode: off, shadow, draft, live or null")))?,
        ),
    };
    if let Some(mode) = mode.filter(|mode| *mode > rule.mode) {
        let text = format!("the rule's file says {}: a mode can only be lowered here, not set to {mode}", rule.mode);
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    app.engine.store().set_rule_mode(&name, mode, app.engine.now()).await?;
    tracing::warn!(rule = name, mode = mode.map_or("cleared", Mode::as_str), "a rule's mode was switched");
    find(&app, &name).await.map(Json)
}
