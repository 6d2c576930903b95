//! How the polls of a workspace end: when the last one did and the next one begins, and since when they fail.

use crate::coldsend::ApiError;
use jiff::Timestamp;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// When polls end and begin, and since when they fail.
#[derive(Debug, Default)]
pub(in crate::engine) struct PollHealth(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last_poll: Option<Timestamp>,
    next_poll: Option<Timestamp>,
    /// Since when polls, and reads of threads, fail without one that ends well.
    polls_fail: Option<Outage>,
    reads_fail: Option<Outage>,
    /// When the poll under way last got on; `None` while there is none.
    progress: Option<Timestamp>,
    /// When the last poll began that was not stopped.
    whole: Option<Instant>,
}

/// Since when something fails, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Outage {
    pub(in crate::engine) since: Timestamp,
    /// The last error, as the log has it.
    pub(in crate::engine) error: String,
    /// The same in words that anybody may see.
    pub(in crate::engine) summary: &'static str,
}

impl PollHealth {
    /// Plain values: a panic in between leaves nothing half-done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the last poll ended and the next one begins.
    pub(in crate::engine) fn times(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let state = self.state();
        (state.last_poll, state.next_poll)
    }

    /// Since when polls or reads fail.
    pub(in crate::engine) fn failure(&self) -> Option<Outage> {
        let state = self.state();
        state.polls_fail.clone().or_else(|| state.reads_fail.clone())
    }

    /// Since when polls or reads fail, or a request of the poll under way waits.
    pub(in crate::engine) fn outage(&self, now: Timestamp) -> Option<Outage> {
        self.failure().or_else(|| {
            let since = self.state().progress.filter(|since| *since < now)?;
            let summary = "a request waits for request budget";
            Some(Outage { since, error: summary.to_owned(), summary })
        })
    }

    /// Records how a poll ended.
    pub(super) fn record_poll(&self, at: Timestamp, error: Option<(String, &'static str)>) {
        let mut state = self.state();
        state.last_poll = Some(at);
        record_outage(&mut state.polls_fail, at, error);
    }

    pub(super) fn record_next_poll(&self, at: Timestamp) {
        self.state().next_poll = Some(at);
    }

    /// Records whether threads can be read at all.
    pub(super) fn record_reads(&self, at: Timestamp, error: Option<&ApiError>) {
        let error = error.map(|error| (error.to_string(), error.summary()));
        record_outage(&mut self.state().reads_fail, at, error);
    }

    /// A poll begins, with handling what it finds.
    pub(super) fn begin_poll(&self, at: Timestamp) {
        self.state().progress = Some(at);
    }

    /// The poll under way made progress.
    pub(super) fn record_progress(&self, at: Timestamp) {
        let mut state = self.state();
        state.progress = state.progress.map(|_| at);
    }

    /// When the last poll began that was not stopped.
    pub(super) fn last_whole_poll(&self) -> Option<Instant> {
        self.state().whole
    }

    pub(super) fn record_whole_poll(&self, began: Instant) {
        self.state().whole = Some(began);
    }

    /// The poll under way has ended.
    pub(super) fn end_poll(&self) {
        self.state().progress = None;
    }
}

fn record_outage(outage: &mut Option<Outage>, at: Timestamp, error: Option<(String, &'static str)>) {
    // A clock that is set back must not make it last for ever.
    let since = outage.as_ref().map_or(at, |outage| outage.since.min(at));
    *outage = error.map(|(error, summary)| Outage { since, error, summary });
}
