//! When to alert a condition that begins and ends, and an event that repeats. Pure: no clock, no network.

use jiff::Timestamp;
use std::collections::HashMap;
use std::time::Duration;

/// A condition has ended when it has not come back for so long.
const SETTLED: Duration = Duration::from_secs(60);
/// One that comes back again and again must stay away longer each time, up to this.
const MAX_SETTLED: Duration = Duration::from_secs(32 * 60);
/// One that stayed away for so long is new when it comes back.
const FORGOTTEN: Duration = Duration::from_secs(3_600);
/// What repeats is alerted once in this time, with how often.
const WINDOW: Duration = Duration::from_secs(3_600);
/// At most this many conditions are kept: the oldest is forgotten.
const REMEMBERED: usize = 1_000;

/// The conditions that were alerted. Each is alerted once when it begins and once when it has ended.
#[derive(Debug, Default)]
pub(super) struct Conditions(HashMap<String, Condition>);

#[derive(Debug)]
struct Condition {
    began: Timestamp,
    /// Since when it is away.
    away: Option<Timestamp>,
    /// Its end was alerted.
    ended: bool,
    /// Its beginning was alerted here. If another process did that, its end is that one's to tell, too.
    is_told: bool,
    /// It is alerted here once it has lasted for so long, if other processes see it too.
    wait: Duration,
    settled_after: Duration,
}

impl Conditions {
    /// Records that the condition holds, and since when; `true` when it is to be alerted.
    pub(super) fn begin(&mut self, key: &str, began: Timestamp, now: Timestamp) -> bool {
        let Some(condition) = self.0.get_mut(key) else {
            forget_one(&mut self.0, |condition| condition.began);
            let (away, wait) = (None, Duration::ZERO);
            let condition = Condition { began, away, ended: false, is_told: true, wait, settled_after: SETTLED };
            self.0.insert(key.to_owned(), condition);
            return true;
        };
        let Some(away) = condition.away.take() else { return false };
        let gone = since(away, now);
        if gone < condition.settled_after && !condition.ended {
            return false;
        }
        condition.settled_after =
            if gone >= FORGOTTEN { SETTLED } else { (condition.settled_after * 2).min(MAX_SETTLED) };
        (condition.began, condition.ended, condition.is_told) = (began, false, true);
        true
    }

    /// The same for one that other processes see too: it is to be alerted here only once it has lasted for what was `wait`
    /// when it began.
    pub(super) fn begin_later(&mut self, key: &str, wait: Duration, now: Timestamp) -> bool {
        let is_new = self.begin(key, now, now);
        let Some(condition) = self.0.get_mut(key) else { return is_new };
        if is_new {
            (condition.is_told, condition.wait) = (false, wait);
        }
        let is_due = !condition.is_told && since(condition.began, now) >= condition.wait;
        condition.is_told |= is_due;
        is_due
    }

    /// Another process has alerted it.
    pub(super) fn leave_to_others(&mut self, key: &str) {
        if let Some(condition) = self.0.get_mut(key) {
            condition.is_told = false;
        }
    }

    /// Records that the condition does not hold; returns how long it lasted when its end is to be alerted. Call it
    /// again and again: a condition has ended when it has stayed away for a while.
    pub(super) fn end(&mut self, key: &str, now: Timestamp) -> Option<Duration> {
        let condition = self.0.get_mut(key).filter(|condition| !condition.ended)?;
        // A clock that was set back must not make it last.
        let away = condition.away.map_or(now, |away| away.min(now));
        condition.away = Some(away);
        condition.ended = since(away, now) >= condition.settled_after;
        (condition.ended && condition.is_told).then(|| since(condition.began, away))
    }

    /// Forgets it: whatever comes is new.
    pub(super) fn forget(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Whether it was alerted and its end was not.
    pub(super) fn holds(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|condition| !condition.ended)
    }
}

/// What happens again and again: alerted the first time, and then once an hour with a count.
#[derive(Debug)]
pub(super) struct Repeats<T>(HashMap<String, Repeat<T>>);

impl<T> Default for Repeats<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

#[derive(Debug)]
struct Repeat<T> {
    told: Timestamp,
    /// What has happened since then, last, and how often.
    since: Option<(T, u64)>,
}

impl<T> Repeats<T> {
    /// Records that it happened; returns what is to be alerted at once.
    pub(super) fn note(&mut self, key: &str, what: T, now: Timestamp) -> Option<T> {
        if let Some(repeat) = self.0.get_mut(key)
            && (repeat.since.is_some() || repeat.told <= now && since(repeat.told, now) < WINDOW)
        {
            let count = repeat.since.take().map_or(0, |(_, count)| count);
            repeat.since = Some((what, count + 1));
            return None;
        }
        forget_one(&mut self.0, |repeat| repeat.told);
        self.0.insert(key.to_owned(), Repeat { told: now, since: None });
        Some(what)
    }

    /// What has happened since it was last alerted, an hour ago or longer: the last of it, and how often.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<(T, u64)> {
        let due = self.0.values_mut().filter_map(|repeat| {
            repeat.told = repeat.told.min(now);
            if since(repeat.told, now) < WINDOW {
                return None;
            }
            let told = repeat.since.take()?;
            repeat.told = now;
            Some(told)
        });
        due.collect()
    }
}

fn since(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

fn forget_one<T>(map: &mut HashMap<String, T>, at: impl Fn(&T) -> Timestamp) {
    if map.len() >= REMEMBERED
        && let Some(oldest) = map.iter().min_by_key(|(_, value)| at(value)).map(|(key, _)| key.clone())
    {
        map.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_condition_is_told_once_and_its_end_once() {
        let mut all = Conditions::default();
        assert!(all.end("full", at(0)).is_none(), "what never began does not end");
        let told: Vec<_> = (0..24).filter(|second| all.begin("full", at(*second), at(*second))).collect();
        assert_eq!(told, [0]);
        assert!(all.holds("full") && !all.holds("other"));
        let ended: Vec<_> =
            (30..300).filter_map(|second| all.end("full", at(second)).map(|span| (second, span))).collect();
        assert_eq!(ended, [(90, Duration::from_secs(30))], "when it has stayed away for a minute");
        assert!(!all.holds("full"));
        assert!(all.begin("full", at(4_000), at(4_000)), "another time it is told anew");
    }

    #[test]
    fn what_others_tell_is_told_here_only_if_it_lasts() {
        let mut all = Conditions::default();
        let wait = Duration::from_secs(600);
        let told: Vec<_> = (0..1_000).filter(|second| all.begin_later("store", wait, at(*second))).collect();
        assert_eq!(told, [600]);
        let mut later = Conditions::default();
        let waits = |second: i64| if second < 60 { wait } else { wait * 3 };
        let told: Vec<_> =
            (0..1_000).filter(|second| later.begin_later("store", waits(*second), at(*second))).collect();
        assert_eq!(told, [600], "whose turn it is was said when it began");
        assert!((1_000..1_200).any(|second| all.end("store", at(second)).is_some()));
        // A short one is neither told nor is its end.
        assert!((9_000..9_030).all(|second| !all.begin_later("store", wait, at(second))));
        assert!((9_030..9_200).all(|second| all.end("store", at(second)).is_none()));
        assert!(!all.holds("store"));
        assert!(all.begin_later("first", Duration::ZERO, at(0)) && !all.begin_later("first", Duration::ZERO, at(1)));
        assert!(all.begin("left", at(0), at(0)));
        all.leave_to_others("left");
        assert!((10..200).all(|second| all.end("left", at(second)).is_none()));
    }

    #[test]
    fn one_that_comes_and_goes_is_one() {
        let mut all = Conditions::default();
        let mut told = Vec::new();
        for second in 0..3_600 {
            // Three seconds there, three seconds away.
            match second / 3 % 2 {
                0 if all.begin("full", at(second), at(second)) => told.push(second),
                0 => {}
                _ => assert!(all.end("full", at(second)).is_none()),
            }
        }
        assert_eq!(told, [0]);
        // Ten minutes there, ten minutes away: fewer and fewer, for it has to stay away longer and longer.
        let (mut begun, mut ended) = (0, 0);
        for second in 3_600..90_000 {
            match second / 600 % 2 {
                0 => begun += u32::from(all.begin("full", at(second), at(second))),
                _ => ended += u32::from(all.end("full", at(second)).is_some()),
            }
        }
        assert!((2..8).contains(&begun) && ended <= begun + 1, "{begun} {ended}");
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_no_condition_alive() {
        let mut all = Conditions::default();
        all.begin("full", at(90_000), at(90_000));
        assert!(all.end("full", at(90_001)).is_none());
        assert!(all.end("full", at(10)).is_none());
        assert!(all.end("full", at(70)).is_some());
    }

    #[test]
    fn what_repeats_itself_is_told_once_an_hour_with_a_count() {
        let mut all = Repeats::default();
        let mut told = Vec::new();
        for second in 0..9_000 {
            if second < 4_000 && all.note("crm", second, at(second)).is_some() {
                told.push((second, 0));
            }
            told.extend(all.due(at(second)));
        }
        assert_eq!(told, [(0, 0), (3_600, 3_600), (3_999, 399)], "and nothing of it is left out");
        assert_eq!(all.note("crm", 9_000, at(20_000)), Some(9_000));
        assert_eq!(all.note("other", 1, at(20_000)), Some(1));
        // A clock that is set back silences nothing.
        assert_eq!(all.note("crm", 2, at(5)), Some(2));
    }
}
