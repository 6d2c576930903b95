//! The wall clock as an argument.

use jiff::Timestamp;
use std::fmt::Debug;

/// Tells the time of day. Waiting is not its business: loops wait on tokio's monotonic clock, and whatever is due is
/// judged by this one.
pub trait Clock: Send + Sync + Debug {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
