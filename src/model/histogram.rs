//! How long things take: counts in classes, as monitoring wants them.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Counts durations in classes; anybody may count at any time.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [Duration],
    counts: Vec<AtomicU64>,
    nanoseconds: AtomicU64,
}

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// The upper bound of each class and how many are in it (not added up); the last class has no bound.
    pub classes: Vec<(Option<Duration>, u64)>,
    /// All of them together.
    pub sum: Duration,
}

impl HistogramSnapshot {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.classes.iter().map(|(_, count)| count).sum()
    }
}

impl Histogram {
    /// Nothing was counted yet. The bounds ascend.
    pub fn new(bounds: &'static [Duration]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::default()).collect();
        Self { bounds, counts, nanoseconds: AtomicU64::default() }
    }

    /// Counts one.
    pub fn observe(&self, took: Duration) {
        let class = self.bounds.partition_point(|bound| *bound < took);
        if let Some(count) = self.counts.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.nanoseconds.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn snapshot(&self) -> HistogramSnapshot {
        let bounds = self.bounds.iter().copied().map(Some).chain([None]);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        HistogramSnapshot {
            classes: bounds.zip(counts).collect(),
            sum: Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_class() {
        const BOUNDS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
        let durations = Histogram::new(&BOUNDS);
        for millis in [0, 1_000, 1_001, 5_000, 6_000, 60_000] {
            durations.observe(Duration::from_millis(millis));
        }
        let counts = durations.snapshot();
        let classes: Vec<_> =
            counts.classes.iter().map(|(bound, count)| (bound.map(|b| b.as_secs()), *count)).collect();
        assert_eq!(classes, [(Some(1), 2), (Some(5), 2), (None, 2)]);
        assert_eq!((counts.count(), counts.sum), (6, Duration::from_millis(73_001)));
    }
}
