//! The wall clock as an argument.

use jiff::Timestamp;
use std::{
    fmt::Debug,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The time of day, which says what is due. Loops wait on tokio's monotonic clock instead.
pub trait Clock: Send + Sync + Debug {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// A random wait of less than `most`. Two services that share an account would otherwise act at the same instant.
    /// A clock that tests move by hand does not wait.
    fn random_wait(&self, _most: Duration) -> Duration {
        Duration::ZERO
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn random_wait(&self, most: Duration) -> Duration {
        // The last bytes of such an id are random.
        let random = uuid::Uuid::now_v7().as_u128() as u32;
        most.mul_f64(f64::from(random) / (f64::from(u32::MAX) + 1.0))
    }
}

/// A clock that only moves when it is set.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// It stands still at this time.
    pub fn new(at: Timestamp) -> Self {
        Self(Mutex::new(at))
    }

    /// Sets it.
    pub fn set(&self, at: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
