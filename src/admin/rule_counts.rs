//! How the rules fare in the workspaces that somebody sees.

use super::{
    ScopedEngine,
    problem::Problem,
    rules::{DayReport, StateCounts, Windows},
};
use crate::{
    model::ActionState,
    store::{ActionCount, DayCount, ModeOverride},
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// What the store knows of the rules in the workspaces that somebody sees.
pub(super) struct Known {
    pub(super) matches: Windows<HashMap<String, u64>>,
    actions: Windows<Vec<ActionCount>>,
    pub(super) last_matches: HashMap<String, Timestamp>,
    pub(super) switches: HashMap<String, ModeOverride>,
    days: HashMap<String, Vec<DayCount>>,
}

impl Known {
    pub(super) async fn read(engine: &ScopedEngine) -> Result<Self, Problem> {
        let now = engine.shared().now();
        let ago = |span: Duration| Some(now.saturating_sub(span).unwrap_or(Timestamp::MIN));
        let (hour, day, week) = (ago(HOUR), ago(DAY), ago(DAY * DAYS));
        let matches = Windows {
            hour: engine.match_counts(hour).await?,
            day: engine.match_counts(day).await?,
            week: engine.match_counts(week).await?,
            total: engine.match_counts(None).await?,
        };
        let actions = Windows {
            hour: engine.action_counts(hour).await?,
            day: engine.action_counts(day).await?,
            week: engine.action_counts(week).await?,
            total: engine.action_counts(None).await?,
        };
        let mut days: HashMap<String, Vec<DayCount>> = HashMap::new();
        for count in engine.day_counts(first_day(now)).await? {
            days.entry(count.rule.clone()).or_default().push(count);
        }
        let mut last_matches: HashMap<String, Timestamp> = HashMap::new();
        for total in engine.match_totals().await? {
            let last = last_matches.entry(total.rule).or_insert(total.last_at);
            *last = (*last).max(total.last_at);
        }
        let switches = engine.mode_overrides().await?.into_iter();
        let switches = switches.map(|found| (found.rule.clone(), found)).collect();
        Ok(Self { matches, actions, last_matches, switches, days })
    }

    /// The actions of a rule in each window by state, and its suppressed ones by reason.
    pub(super) fn actions_of(&self, rule: &str) -> (Windows<StateCounts>, BTreeMap<String, u64>) {
        let of_rule = |count: &&ActionCount| count.rule == rule;
        let by_window = self.actions.map(|counts| {
            let mut by_state = BTreeMap::new();
            for count in counts.iter().filter(of_rule) {
                *by_state.entry(count.state.as_str()).or_default() += count.count;
            }
            StateCounts(by_state)
        });
        let mut suppressed = BTreeMap::new();
        let is_suppressed = |count: &&ActionCount| count.state == ActionState::Suppressed;
        for count in self.actions.total.iter().filter(of_rule).filter(is_suppressed) {
            *suppressed.entry(count.reason.clone().unwrap_or_default()).or_default() += count.count;
        }
        (by_window, suppressed)
    }

    /// Every one of the last seven days, whether or not something happened.
    pub(super) fn daily(&self, rule: &str, now: Timestamp) -> Vec<DayReport> {
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
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// The beginning of the first of the last seven days, in UTC.
fn first_day(now: Timestamp) -> Timestamp {
    let today = now.as_second().div_euclid(86_400) - i64::from(DAYS - 1);
    Timestamp::from_second(today.saturating_mul(86_400)).unwrap_or(Timestamp::MIN)
}
