//! The request limits of a key: rolling windows of a minute and an hour over one pool for all endpoints.

use super::RateLimits;
use jiff::Timestamp;
use std::collections::VecDeque;

/// The requests of one key in the last hour.
#[derive(Debug, Default)]
pub(super) struct Usage {
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
        let (minute, hour) = self.windows(limits, now);
        let allowed = minute.remaining > 0 && hour.remaining > 0;
        if allowed {
            self.taken.push_back(now);
        }
        let (minute, hour) = self.windows(limits, now);
        // The headers have room for one window: the one that ends sooner.
        let tighter = if hour.remaining < minute.remaining { hour } else { minute };
        Budget { allowed, ..tighter }
    }

    /// Counts requests of another client that shares the key.
    pub(super) fn spend(&mut self, count: usize, now: Timestamp) {
        self.taken.extend(std::iter::repeat_n(now, count));
    }

    fn windows(&mut self, limits: RateLimits, now: Timestamp) -> (Budget, Budget) {
        let since = |at: &Timestamp| now.as_millisecond() - at.as_millisecond();
        self.taken.retain(|at| since(at) < 3_600_000);
        let window = |milliseconds: i64, limit: u32| {
            let inside = self.taken.iter().filter(|at| since(at) < milliseconds);
            let oldest = inside.clone().min().copied().unwrap_or(now);
            let used = u32::try_from(inside.count()).unwrap_or(u32::MAX);
            // Rounded up: at the second named, the request has left.
            let reset = (oldest.as_millisecond() + milliseconds + 999).div_euclid(1_000);
            Budget { allowed: used < limit, limit, remaining: limit.saturating_sub(used), reset }
        };
        (window(60_000, limits.per_minute), window(3_600_000, limits.per_hour))
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
