//! The first page: whether all is well, and how each rule fares.

use super::{
    super::{
        ScopedEngine,
        openapi::HtmlPage,
        pagination::WorkspaceFilter,
        problem::{Problem, QueryParams},
        rules::{LoweredBy, RuleReport, reports},
        status::{PauseReport, StatusReport, WorkspaceReport, WorkspaceState, report},
    },
    Layout, Tab,
    view::{self, Count, TimeTag, WorkspaceChoice, encoded},
};
use crate::model::{Mode, counted};
use askama::Template;
use axum::response::Response;
use std::fmt::Write;
use std::time::Duration;

/// With more workspaces than this, you choose one before you pause it.
const MAX_PAUSE_BUTTONS: usize = 6;
const DAY: Duration = Duration::from_secs(86_400);

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage {
    frame: Layout,
    head: Headline,
    pause: Option<PauseView>,
    /// Pauses of a single workspace.
    paused: Vec<PauseView>,
    choice: WorkspaceChoice,
    /// Those with a button to pause them.
    pausable: Vec<String>,
    revision: String,
    loaded_at: TimeTag,
    rules_error: Option<String>,
    rules: Vec<RuleView>,
}

/// Whether all is well, in words.
pub(super) struct Headline {
    pub(super) title: &'static str,
    /// `well`, `waiting` or `trouble`.
    pub(super) class: &'static str,
    pub(super) text: String,
    pub(super) troubles: Vec<String>,
}

pub(super) struct PauseView {
    pub(super) workspace: Option<String>,
    pub(super) since: TimeTag,
    pub(super) by: String,
    pub(super) reason: String,
}

impl PauseView {
    pub(super) fn new(workspace: Option<&str>, pause: &PauseReport) -> Self {
        Self {
            workspace: workspace.map(str::to_owned),
            since: TimeTag(pause.since),
            by: pause.by.clone().unwrap_or_else(|| "the service itself".to_owned()),
            reason: pause.reason.clone(),
        }
    }
}

struct RuleView {
    /// Its place among the rules, from 1: they run in this order, and are shown by what needs care.
    order: usize,
    care: Care,
    name: String,
    path: String,
    description: String,
    place: String,
    mode: &'static str,
    effective_mode: &'static str,
    /// Why the effective mode is not the file's.
    lowered: Option<String>,
    switched: Option<SwitchView>,
    workspace_modes: Vec<(String, &'static str)>,
    /// What it may be switched to, and what it is.
    choices: Vec<(&'static str, bool)>,
    matches_24h: u64,
    matches_total: u64,
    week: Vec<Count>,
    windows: Vec<Window>,
    states: Vec<&'static str>,
    suppressed: Vec<(String, u64)>,
    last_match: Option<TimeTag>,
    error: Option<(String, TimeTag)>,
    evaluation: Option<String>,
    chart: Chart,
}

/// Why an operator should look at a rule, the most pressing first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Care {
    Error,
    Failed,
    Approve,
    Recorded,
    None,
}

impl Care {
    fn new(rule: &RuleReport) -> Self {
        let now = |state: &str| rule.actions.total.0.get(state).is_some_and(|n| *n > 0);
        match rule.effective_mode {
            _ if rule.last_error.is_some() => Self::Error,
            _ if now("failed") || now("quarantined") => Self::Failed,
            _ if now("held") => Self::Approve,
            Mode::Shadow | Mode::Off => Self::Recorded,
            Mode::Draft | Mode::Live => Self::None,
        }
    }

    /// The name of its colour.
    fn class(self) -> &'static str {
        match self {
            Self::Error | Self::Failed => "care-bad",
            Self::Approve => "care-wait",
            Self::Recorded => "care-quiet",
            Self::None => "care-none",
        }
    }

    fn words(self) -> Option<&'static str> {
        match self {
            Self::Error => Some("script or template error"),
            Self::Failed => Some("actions failed or unconfirmed"),
            Self::Approve => Some("drafts to approve"),
            Self::Recorded | Self::None => None,
        }
    }
}

struct SwitchView {
    mode: &'static str,
    since: TimeTag,
    by: String,
}

/// The counts of one window, by the states of the row.
struct Window {
    name: &'static str,
    matches: u64,
    counts: Vec<u64>,
}

/// Bars in a box of 84 by 28.
struct Chart {
    label: String,
    bars: Vec<Bar>,
}

struct Bar {
    x: usize,
    title: String,
    y: u64,
    height: u64,
}

impl Chart {
    fn new(rule: &RuleReport) -> Self {
        let most = rule.daily.iter().map(|day| day.matched).max().unwrap_or_default().max(1);
        let mut label = "Matches on each of the last seven days: ".to_owned();
        let mut bars = Vec::with_capacity(rule.daily.len());
        for (place, day) in rule.daily.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            let _ = write!(label, "{comma}{}", day.matched);
            // One match is seen beside many.
            let height = if day.matched == 0 { 0 } else { (day.matched * 28 / most).max(2) };
            let title = format!("{}: {} matched, {} done", day.day, day.matched, day.acted);
            bars.push(Bar { x: place * 12, title, y: 28 - height, height });
        }
        Self { label, bars }
    }
}

impl From<RuleReport> for RuleView {
    fn from(rule: RuleReport) -> Self {
        let (matches, actions) = (&rule.matches, &rule.actions);
        let states: Vec<&'static str> = actions.total.0.keys().copied().collect();
        let windows = [
            ("1 hour", matches.hour, &actions.hour),
            ("24 hours", matches.day, &actions.day),
            ("7 days", matches.week, &actions.week),
            ("all time", matches.total, &actions.total),
        ];
        let windows = windows.map(|(name, matches, counts)| Window {
            name,
            matches,
            counts: states.iter().map(|state| counts.0.get(state).copied().unwrap_or_default()).collect(),
        });
        // What is not below what it may be anyway is no choice, nor is what it is already.
        let ceiling = if rule.lowered_by == Some(LoweredBy::Workspace) { rule.effective_mode } else { rule.mode };
        let now = rule.switched.as_ref().map(|switched| switched.mode);
        let choices = Mode::ALL.into_iter().rev().filter(|mode| *mode < ceiling && Some(*mode) != now);
        let choices: Vec<_> = choices.enumerate().map(|(place, mode)| (mode.as_str(), place == 0)).collect();
        let lowered = rule.lowered_by.map(|by| match (by, &rule.switched) {
            (LoweredBy::Override, Some(switched)) => format!("lowered by {}", who(switched.by.as_deref())),
            (LoweredBy::Override, None) => "lowered by override".to_owned(),
            (LoweredBy::Workspace, _) => "lowered by the workspace’s mode".to_owned(),
        });
        Self {
            order: 0,
            care: Care::new(&rule),
            chart: Chart::new(&rule),
            path: encoded(&rule.name),
            place: format!("{}:{}", rule.file, rule.line),
            mode: rule.mode.as_str(),
            effective_mode: rule.effective_mode.as_str(),
            lowered,
            switched: rule.switched.as_ref().map(|switched| SwitchView {
                mode: switched.mode.as_str(),
                since: TimeTag(switched.since),
                by: who(switched.by.as_deref()).to_owned(),
            }),
            workspace_modes: rule.workspace_modes.iter().map(|(name, mode)| (name.clone(), mode.as_str())).collect(),
            choices,
            matches_24h: rule.matches.day,
            matches_total: rule.matches.total,
            week: rule.actions.week.0.iter().map(|(state, count)| Count { state, count: *count }).collect(),
            windows: windows.into(),
            states,
            suppressed: rule.suppressed.iter().map(|(why, count)| (why.replace('_', " "), *count)).collect(),
            last_match: rule.last_match.map(TimeTag),
            error: rule.last_error.as_ref().map(|error| (error.text.clone(), TimeTag(error.at))),
            evaluation: rule.mean_us.map(|mean| {
                let times = counted(rule.evaluations, "time", "times");
                if mean < 1_000 {
                    format!("{mean} µs on average, {times} since startup")
                } else {
                    format!("{} ms on average, {times} since startup", mean.div_ceil(1_000))
                }
            }),
            name: rule.name,
            description: rule.description.unwrap_or_default(),
        }
    }
}

fn who(by: Option<&str>) -> &str {
    by.unwrap_or("somebody")
}

/// Show the rules and their status.
#[utoipa::path(
    get,
    path = "/",
    operation_id = "rulesPage",
    tag = "pages",
    params(WorkspaceFilter),
    responses(HtmlPage, (status = 404, response = Problem))
)]
pub(in crate::admin) async fn rules(
    engine: ScopedEngine,
    QueryParams(filter): QueryParams<WorkspaceFilter>,
) -> Result<Response, Problem> {
    let chosen = filter.name();
    let shown = engine.narrowed_to(chosen.as_deref())?;
    let status = report(&shown).await?;
    let mut rules: Vec<RuleView> = reports(&shown).await?.into_iter().map(RuleView::from).collect();
    for (place, rule) in rules.iter_mut().enumerate() {
        rule.order = place + 1;
    }
    // What needs care first; otherwise as they run.
    rules.sort_by_key(|rule| rule.care);
    let own = status.workspaces.iter().filter(|_| !status.paused);
    let own = own.filter_map(|found| found.pause.as_ref().map(|pause| PauseView::new(Some(&found.name), pause)));
    let running = status.workspaces.iter().filter(|found| !found.paused).map(|found| found.name.clone());
    super::render(&RulesPage {
        frame: Layout::new(&engine, Tab::Rules).await?,
        head: headline(&shown, &status, rules.iter().filter(|rule| rule.error.is_some()).count()).await?,
        paused: own.collect(),
        pause: status.pause.as_ref().map(|pause| PauseView::new(None, pause)),
        pausable: running.collect(),
        choice: WorkspaceChoice::new(&engine, chosen),
        revision: status.rules.revision.chars().take(12).collect(),
        loaded_at: TimeTag(status.rules.loaded_at),
        rules_error: status.rules.error.clone(),
        rules,
    })
}

/// Replies sent within a day, what needs you, and what is wrong.
async fn headline(engine: &ScopedEngine, status: &StatusReport, rules_in_trouble: usize) -> Result<Headline, Problem> {
    let since = engine.shared().now().saturating_sub(DAY).unwrap_or_default();
    let sent = engine.replies_sent(since).await?;
    let sent = counted(sent, "reply", "replies");
    let mut waits = Vec::new();
    for (count, one, many) in [
        (status.queue.held, "draft to approve", "drafts to approve"),
        (status.queue.quarantined, "unconfirmed action", "unconfirmed actions"),
        (status.queue.left_for_you, "thread left for you", "threads left for you"),
    ] {
        if count > 0 {
            waits.push(counted(count, one, many));
        }
    }
    let troubles = troubles(status, rules_in_trouble);
    let partly = status.workspaces.iter().any(|workspace| workspace.paused);
    let paused = if status.paused { "Paused" } else { "Partly paused" };
    let (title, class) = match (status.paused || partly, troubles.is_empty(), waits.is_empty()) {
        (true, true, _) => (paused, "waiting"),
        (true, false, _) => (paused, "trouble"),
        (false, false, _) => ("Needs attention", "trouble"),
        (false, true, false) => ("Waiting for you", "waiting"),
        (false, true, true) => ("Healthy", "well"),
    };
    if waits.is_empty() {
        waits.push("nothing needs you".to_owned());
    }
    Ok(Headline { title, class, text: format!("{sent} sent in the last 24 hours, {}.", waits.join(", ")), troubles })
}

fn troubles(status: &StatusReport, rules_in_trouble: usize) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(why) = &status.restart_needed {
        found.push(format!("Restart needed: {why}."));
    }
    if status.rules.error.is_some() {
        found.push("Reload failed; keeping current rules.".to_owned());
    }
    if rules_in_trouble > 0 {
        let rules = counted(rules_in_trouble, "rule", "rules");
        found.push(format!("{rules} failed since startup."));
    }
    if status.queue.failed > 0 {
        found.push(format!("{} failed.", counted(status.queue.failed, "action has", "actions have")));
    }
    for (name, count) in &status.stopped {
        let actions = counted(*count, "action waits", "actions wait");
        found.push(format!("{actions} in {name}, which is not in the configuration: nothing is sent there."));
    }
    found.extend(status.workspaces.iter().filter_map(trouble));
    found
}

fn trouble(workspace: &WorkspaceReport) -> Option<String> {
    match (&workspace.error, workspace.state) {
        (Some(error), _) => Some(format!("{}: {error}", workspace.name)),
        (None, WorkspaceState::Failing) => Some(format!("{}: polling fails.", workspace.name)),
        _ if workspace.last_poll.is_none() => Some(format!("{}: not polled yet.", workspace.name)),
        _ => None,
    }
}
