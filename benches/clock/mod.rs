//! How long something takes on a machine that others use too.

use std::time::{Duration, Instant};

/// The time that this thread is at work, where the system tells it; otherwise the time that passes.
pub(crate) struct Clock {
    worked: Option<Duration>,
    began: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { worked: Self::worked(), began: Instant::now() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        let worked = Self::worked().zip(self.worked);
        worked.map_or_else(|| self.began.elapsed(), |(now, then)| now.saturating_sub(then))
    }

    fn worked() -> Option<Duration> {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        told.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    }
}
