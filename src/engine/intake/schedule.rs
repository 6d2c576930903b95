//! When a workspace is polled: soon after its start, and then at times that are spread over `poll_every`, so that hundreds of
//! workspaces are not polled in the same second, not even after the machine has slept.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};
use tokio::time::Instant;

/// When one workspace is polled.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct PollSchedule {
    first: Instant,
    /// One of its times; all others are whole intervals away.
    phase: Instant,
    every: Duration,
}

impl PollSchedule {
    /// At whole intervals since `start`, if it is the only workspace.
    pub(in crate::engine) fn alone(start: Instant, first: Instant, every: Duration) -> Self {
        Self { first, phase: start, every }
    }

    /// Among others: its place in each interval since `start` follows from its name, and stays.
    pub(in crate::engine) fn among_others(name: &str, start: Instant, first: Instant, every: Duration) -> Self {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let part = (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64;
        Self { first, phase: start + every.mul_f64(part), every }
    }

    pub(super) fn first(&self) -> Instant {
        self.first
    }

    /// The time for the next poll after one that began then: at the latest one interval later, unless a longer `rest` is
    /// wanted.
    pub(super) fn next(&self, began: Instant, rest: Duration) -> Instant {
        if rest > self.every {
            return began + rest;
        }
        let every = self.every.as_nanos().max(1);
        let since = began.saturating_duration_since(self.phase).as_nanos() % every;
        let until = self.phase.saturating_duration_since(began).as_nanos() % every;
        let left = if began >= self.phase || until == 0 { every - since } else { until };
        began + Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX)).min(self.every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(30);

    #[test]
    fn a_single_workspace_is_polled_at_once_and_then_at_its_interval() {
        let now = Instant::now();
        let schedule = PollSchedule::alone(now, now, EVERY);
        assert_eq!(schedule.first(), now);
        let late = Duration::from_millis(3);
        assert_eq!(schedule.next(now + late, Duration::ZERO), now + EVERY, "what was late does not add up");
        assert_eq!(schedule.next(now + 7 * EVERY, Duration::ZERO), now + 8 * EVERY);
        assert_eq!(schedule.next(now, 2 * EVERY), now + 2 * EVERY, "the budget asks for a longer rest");
    }

    #[test]
    fn two_hundred_workspaces_are_spread_over_the_interval_and_stay_so() {
        let start = Instant::now();
        let mut seconds = [0; 30];
        for number in 0..200 {
            let first = start + Duration::from_millis(20) * number;
            let name = format!("client-{number}");
            let schedule = PollSchedule::among_others(&name, start, first, EVERY);
            let second = schedule.next(first, Duration::ZERO);
            assert!(second > first && second <= first + EVERY, "{name}");
            let place = (second - start).as_secs() % 30;
            seconds[usize::try_from(place).unwrap()] += 1;
            // The machine slept, and all are polled at once: from then on they are where they were.
            let woken = start + 100 * EVERY;
            let again = schedule.next(woken, Duration::ZERO);
            assert_eq!((again - start).as_millis() % 30_000, (second - start).as_millis() % 30_000, "{name}");
        }
        assert!(seconds.iter().all(|polls| *polls <= 20), "{seconds:?}");
    }
}
