//! Counters and histograms since the process started. What the store knows at any time is not counted here again.

use crate::{
    model::{Action, ActionKind, ActionState, Histogram, HistogramSnapshot},
    store::EventKind,
};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// From a message's arrival to the reply that has left.
const LATENCY: [Duration; 10] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(120),
    Duration::from_secs(300),
    Duration::from_secs(900),
    Duration::from_secs(3_600),
    Duration::from_secs(4 * 3_600),
    Duration::from_secs(86_400),
    Duration::from_secs(7 * 86_400),
];
const POLL: [Duration; 7] = [
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(10),
    Duration::from_secs(60),
];
const KINDS: [EventKind; 3] = [EventKind::Message, EventKind::Category, EventKind::Apply];

/// What is counted of one workspace.
#[derive(Debug)]
pub(super) struct Metrics {
    polls: Histogram,
    polls_failed: AtomicU64,
    pages: AtomicU64,
    nudges: AtomicU64,
    decisions: [AtomicU64; KINDS.len()],
    no_event: AtomicU64,
    latency: Histogram,
}

/// What was counted of one workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceMetrics {
    /// How long polls took, the failed ones too.
    pub polls: HistogramSnapshot,
    /// How many of them failed.
    pub polls_failed: u64,
    /// How many pages of the list were read.
    pub pages: u64,
    /// How many nudges came: webhooks and requests for a poll.
    pub nudges: u64,
    /// How many decisions were made, by what made rules run.
    pub decisions: Vec<(EventKind, u64)>,
    /// How many pending threads turned out to be no event.
    pub no_event: u64,
    /// From a message's arrival to the reply that has left.
    pub latency: HistogramSnapshot,
}

impl Metrics {
    pub(super) fn new() -> Self {
        Self {
            polls: Histogram::new(&POLL),
            polls_failed: AtomicU64::default(),
            pages: AtomicU64::default(),
            nudges: AtomicU64::default(),
            decisions: Default::default(),
            no_event: AtomicU64::default(),
            latency: Histogram::new(&LATENCY),
        }
    }

    pub(super) fn record_poll(&self, took: Duration, pages: Option<u32>) {
        self.polls.observe(took);
        match pages {
            Some(pages) => drop(self.pages.fetch_add(pages.into(), Ordering::Relaxed)),
            None => drop(self.polls_failed.fetch_add(1, Ordering::Relaxed)),
        }
    }

    pub(super) fn record_nudge(&self) {
        self.nudges.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn record_decision(&self, event: EventKind) {
        if let Some(place) = KINDS.iter().position(|kind| *kind == event) {
            self.decisions[place].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn record_no_event(&self) {
        self.no_event.fetch_add(1, Ordering::Relaxed);
    }

    /// Measures a reply that is done, by this machine's clock and the API's together: one that seems to have left
    /// before its message came counts as at once.
    pub(super) fn record_action(&self, action: &Action) {
        let out = action.kind == ActionKind::Reply && action.state == ActionState::Done;
        if let (true, Some(arrived), Some(sent)) = (out, action.message_at, action.sent_at) {
            self.latency.observe(Duration::try_from(sent.duration_since(arrived)).unwrap_or_default());
        }
    }

    pub(super) fn read(&self) -> WorkspaceMetrics {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WorkspaceMetrics {
            polls: self.polls.snapshot(),
            polls_failed: count(&self.polls_failed),
            pages: count(&self.pages),
            nudges: count(&self.nudges),
            decisions: KINDS.into_iter().zip(self.decisions.iter().map(count)).collect(),
            no_event: count(&self.no_event),
            latency: self.latency.snapshot(),
        }
    }
}
