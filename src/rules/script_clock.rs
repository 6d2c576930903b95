//! How long the script of this thread runs. rhai tells its progress callback nothing of the run, and a script never leaves its
//! thread.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// The clock is read once in so many operations: reading it takes as long as an operation.
const EVERY: u64 = 16;

thread_local! {
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
    /// A call that may have taken long has returned since the clock was read.
    static IS_DUE: Cell<bool> = const { Cell::new(false) };
}

/// A script begins.
pub(super) fn start() {
    BEGAN.set(Some(Instant::now()));
}

/// A script has ended.
pub(super) fn stop() {
    BEGAN.set(None);
}

/// What was called may have taken long, as a search in a long text does: the clock is read before the next operation.
pub(super) fn check_next() {
    IS_DUE.set(true);
}

/// Whether the script runs for longer than `most`, after so many operations.
pub(super) fn is_late(operations: u64, most: Duration) -> bool {
    if !operations.is_multiple_of(EVERY) && !IS_DUE.replace(false) {
        return false;
    }
    BEGAN.get().is_some_and(|began| began.elapsed() > most)
}
