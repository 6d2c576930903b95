//! The pace of execution: how many deliveries a destination gets at once, and none for a while if it does not respond in
//! time; replies get out of step with another service on the account.

use std::time::{Duration, Instant};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How long nothing is sent to a destination that did not respond in time: this, then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const MAX_PAUSE: Duration = Duration::from_secs(300);

/// At most so many deliveries to one destination run at once.
const MAX_PER_TARGET: usize = 8;

/// How the destinations of a workspace respond.
#[derive(Debug, Default)]
pub(in crate::engine) struct Targets(Mutex<HashMap<String, Target>>);

/// One destination. What is unknown of it, and what has just failed, gets one delivery at a time.
#[derive(Debug, Default)]
struct Target {
    /// How often in a row it did not respond in time.
    slow: u32,
    /// Until when nothing is sent there.
    paused_until: Option<Instant>,
    /// How many deliveries in a row went well.
    went_well: usize,
}

impl Targets {
    /// Records how a delivery ended: `Ok`, or whether the destination did not respond in time.
    pub(super) fn record(&self, name: &str, ended: Result<(), TooSlow>) {
        let mut targets = locked(&self.0);
        let target = targets.entry(name.to_owned()).or_default();
        match ended {
            Ok(()) => *target = Target { went_well: target.went_well.saturating_add(1), ..Target::default() },
            Err(TooSlow(false)) => *target = Target::default(),
            Err(TooSlow(true)) => {
                let pause = (FIRST_PAUSE * (1 << target.slow.min(4))).min(MAX_PAUSE);
                let paused_until = Some(Instant::now() + pause);
                *target = Target { slow: target.slow.saturating_add(1), paused_until, went_well: 0 };
            }
        }
    }

    /// The destinations to which nothing is sent for now, so that they do not hold up others.
    pub(super) fn paused(&self) -> Vec<String> {
        let now = Instant::now();
        let is_paused = |target: &Target| target.paused_until.is_some_and(|until| until > now);
        locked(&self.0).iter().filter(|(_, target)| is_paused(target)).map(|(name, _)| name.clone()).collect()
    }

    /// How many deliveries to the destination may run at once now; none while it is paused.
    pub(super) fn at_once(&self, name: &str) -> usize {
        let targets = locked(&self.0);
        let Some(target) = targets.get(name) else { return 1 };
        if target.paused_until.is_some_and(|until| until > Instant::now()) {
            return 0;
        }
        target.went_well.saturating_add(1).min(MAX_PER_TARGET)
    }
}

/// Why a delivery failed: whether the destination did not respond in time.
#[derive(Debug, Clone, Copy)]
pub(super) struct TooSlow(pub(super) bool);

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
