//! The pace of execution: destinations that do not respond in time are left alone for a while, and replies get out of
//! step with another service on the account.

use std::time::{Duration, Instant};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How long nothing is sent to a destination that did not respond in time: this, then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const MAX_PAUSE: Duration = Duration::from_secs(300);

/// Destinations that do not respond in time: how often in a row, and until when nothing is sent there.
#[derive(Debug, Default)]
pub(in crate::engine) struct SlowTargets(Mutex<HashMap<String, (u32, Instant)>>);

impl SlowTargets {
    /// Records that a destination did not respond in time, or did.
    pub(super) fn record(&self, target: &str, is_slow: bool) {
        let mut slow = locked(&self.0);
        if !is_slow {
            slow.remove(target);
            return;
        }
        let count = slow.get(target).map_or(0, |(count, _)| *count);
        let pause = FIRST_PAUSE * (1 << count.min(4));
        slow.insert(target.to_owned(), (count + 1, Instant::now() + pause.min(MAX_PAUSE)));
    }

    /// The destinations to which nothing is sent for now, so that they do not hold up others.
    pub(super) fn names(&self) -> Vec<String> {
        let now = Instant::now();
        locked(&self.0).iter().filter(|(_, (_, until))| *until > now).map(|(name, _)| name.clone()).collect()
    }
}

/// When a reply last came up to leave.
#[derive(Debug, Default)]
pub(in crate::engine) struct ReplyPace(Mutex<Option<Instant>>);

impl ReplyPace {
    pub(super) fn record(&self) {
        *locked(&self.0) = Some(Instant::now());
    }

    /// Whether another reply came up to leave within this time.
    pub(super) fn has_just_replied(&self, within: Duration) -> bool {
        locked(&self.0).is_some_and(|at| at.elapsed() < within)
    }
}

/// Plain values: a panic in between leaves nothing half-done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
