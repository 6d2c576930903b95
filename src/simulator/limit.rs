//! The request limits of a key: rolling windows of a minute and an hour over one pool for all endpoints.

use super::RateLimits;
use jiff::Timestamp;
use std::collections::VecDeque;

/// The requests of one key in the last hour.
#[derive(Debug, Default)]
pub(super) struct Usage {
    minute: Window<60_000>,
    hour: Window<3_600_000>,
}

/// The requests of the last so many milliseconds, the oldest first.
#[derive(Debug, Default)]
struct Window<const MILLISECONDS: i64> {
    taken: VecDeque<Timestamp>,
}

/// What the headers of an answer say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    pub(super) allowed: bool,
    pub(super) limit: u32,
    pub(super) remaining: u32,
    /// Unix seconds at which the oldest request of the window leaves it.
    pub(super) reset: i64,
}

impl Usage {
    /// Counts a request unless a window is full; refused ones are not counted.
    pub(super) fn take(&mut self, limits: RateLimits, now: Timestamp) -> Budget {
        let (mut minute, mut hour) = self.budgets(limits, now);
        let allowed = minute.remaining > 0 && hour.remaining > 0;
        if allowed {
            self.spend(1, now);
            (minute, hour) = self.budgets(limits, now);
        }
        // The headers have room for one window: the one that ends sooner.
        let tighter = if hour.remaining < minute.remaining { hour } else { minute };
        Budget { allowed, ..tighter }
    }

    fn budgets(&mut self, limits: RateLimits, now: Timestamp) -> (Budget, Budget) {
        (self.minute.budget(limits.per_minute, now), self.hour.budget(limits.per_hour, now))
    }

    /// Counts requests, such as those of another client that shares the key.
    pub(super) fn spend(&mut self, count: usize, now: Timestamp) {
        for _ in 0..count {
            self.minute.insert(now);
            self.hour.insert(now);
        }
    }
}

impl<const MILLISECONDS: i64> Window<MILLISECONDS> {
    fn insert(&mut self, at: Timestamp) {
        // A clock that was set back makes the newest request an older one.
        let later = self.taken.iter().rev().take_while(|taken| **taken > at).count();
        self.taken.insert(self.taken.len().saturating_sub(later), at);
    }

    fn budget(&mut self, limit: u32, now: Timestamp) -> Budget {
        while self.taken.front().is_some_and(|at| now.as_millisecond() - at.as_millisecond() >= MILLISECONDS) {
            self.taken.pop_front();
        }
        let oldest = self.taken.front().copied().unwrap_or(now);
        let used = u32::try_from(self.taken.len()).unwrap_or(u32::MAX);
        // Rounded up: at the second named, the request has left.
        let reset = (oldest.as_millisecond() + MILLISECONDS + 999).div_euclid(1_000);
        Budget { allowed: used < limit, limit, remaining: limit.saturating_sub(used), reset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_roll() {
        let limits = RateLimits { per_minute: 2, per_hour: 3 };
        let mut usage = Usage::default();
        let mut take = |second: i64| {
            let budget = usage.take(limits, Timestamp::from_second(second).unwrap());
            (budget.allowed, budget.limit, budget.remaining, budget.reset)
        };
        assert_eq!(take(0), (true, 2, 1, 60));
        assert_eq!(take(10), (true, 2, 0, 60));
        assert_eq!(take(59), (false, 2, 0, 60), "a full minute");
        assert_eq!(take(60), (true, 2, 0, 70), "the first one has left; both windows are full, the minute is named");
        assert_eq!(take(3_000), (false, 3, 0, 3_600), "a full hour");
        assert_eq!(take(3_601), (true, 3, 0, 3_610));
    }
}
