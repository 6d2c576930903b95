//! How the rules fare in the workspaces that somebody sees.

use super::{
    ScopedEngine,
    problem::Problem,
    rules::{DayReport, StateCounts, Windows},
};
use crate::{
    model::ActionState,
    store::{ActionCount, DayCount, ModeOverride, RuleCount, Store},
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
        let ago = |span: Duration| now.saturating_sub(span).unwrap_or(Timestamp::MIN);
        let since = [ago(HOUR), ago(DAY), ago(DAY * DAYS)];
        let switches = engine.mode_overrides().await?.into_iter();
        let switches = switches.map(|found| (found.rule.clone(), found)).collect();
        let known = match (engine.whole_store(), engine.rule_counts(since).await?) {
            (Some(store), _) => Self::read_all(store, since, now).await?,
            (None, counts) => Self::add_up(&counts.unwrap_or_default(), first_day(now)),
        };
        Ok(Self { switches, ..known })
    }

    /// Of all workspaces: the counts are ready.
    async fn read_all(store: &dyn Store, since: [Timestamp; 3], now: Timestamp) -> Result<Self, Problem> {
        let [hour, day, week] = since.map(Some);
        let matches = Windows {
            hour: store.match_counts(hour).await?,
            day: store.match_counts(day).await?,
            week: store.match_counts(week).await?,
            total: store.match_counts(None).await?,
        };
        let actions = Windows {
            hour: store.action_counts(hour).await?,
            day: store.action_counts(day).await?,
            week: store.action_counts(week).await?,
            total: store.action_counts(None).await?,
        };
        let mut days: HashMap<String, Vec<DayCount>> = HashMap::new();
        for count in store.day_counts(first_day(now)).await? {
            days.entry(count.rule.clone()).or_default().push(count);
        }
        Ok(Self { matches, actions, last_matches: store.last_matches().await?, switches: HashMap::new(), days })
    }

    /// Of some workspaces, out of the counts of each day.
    fn add_up(counts: &[RuleCount], first_day: Timestamp) -> Self {
        let matches = |within: fn(&RuleCount) -> u64| {
            let mut by_rule: HashMap<String, u64> = HashMap::new();
            for count in counts.iter().filter(|count| count.state.is_none()) {
                *by_rule.entry(count.rule.clone()).or_default() += within(count);
            }
            by_rule
        };
        let actions = |within: fn(&RuleCount) -> u64| {
            let some = counts.iter().filter_map(|count| {
                let (rule, reason, number) = (count.rule.clone(), count.reason.clone(), within(count));
                (number > 0).then_some(ActionCount { rule, state: count.state?, reason, count: number })
            });
            some.collect::<Vec<_>>()
        };
        let mut last_matches: HashMap<String, Timestamp> = HashMap::new();
        let mut days: HashMap<String, Vec<DayCount>> = HashMap::new();
        for count in counts {
            let of_rule = days.entry(count.rule.clone()).or_default();
            let place = of_rule.iter().position(|known| known.day == count.day);
            if place.is_none() && count.day >= first_day {
                of_rule.push(DayCount { rule: count.rule.clone(), day: count.day, matched: 0, acted: 0 });
            }
            let day = of_rule.iter_mut().find(|known| known.day == count.day);
            match (count.state, day) {
                (None, day) => {
                    let last = last_matches.entry(count.rule.clone()).or_insert(count.last_at);
                    *last = (*last).max(count.last_at);
                    day.into_iter().for_each(|day| day.matched += count.count);
                }
                (Some(ActionState::Done), Some(day)) => day.acted += count.count,
                (Some(_), _) => {}
            }
        }
        let [hour, day, week]: [fn(&RuleCount) -> u64; 3] =
            [|count| count.within[0], |count| count.within[1], |count| count.within[2]];
        let total: fn(&RuleCount) -> u64 = |count| count.count;
        Self {
            matches: Windows { hour: matches(hour), day: matches(day), week: matches(week), total: matches(total) },
            actions: Windows { hour: actions(hour), day: actions(day), week: actions(week), total: actions(total) },
            last_matches,
            switches: HashMap::new(),
            days,
        }
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
