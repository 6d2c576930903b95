//! Caps hold although replies leave at once: counting what has left and writing the intent of one more are one step of
//! the workspace.
//!
//! An intent that is withdrawn, or whose request was refused, counts no more. So an action that a cap stops while
//! another one is on its way waits until that one has ended, and is counted anew.

use super::guard::Verdict;
use crate::model::ReasonCode;
use jiff::Timestamp;
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tokio::sync::{Mutex, MutexGuard, Notify, futures::Notified};

/// How long an action waits for others to end before it gives its place away.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(1);

/// Who counts, and how many counted actions are on their way. One for each lane of a workspace.
#[derive(Debug, Default)]
pub(in crate::engine) struct Caps {
    counting: Mutex<Option<Room>>,
    on_their_way: AtomicUsize,
    ended: Notify,
}

/// An action whose intent is on disk; dropped when its outcome is, too.
#[must_use]
#[derive(Debug)]
pub(super) struct OnItsWay<'a>(Option<&'a Caps>);

impl Caps {
    /// Until the result is dropped nobody else counts or writes a counted intent. Never held over a request or a wait.
    pub(super) async fn count(&self) -> Counting<'_> {
        Counting(self.counting.lock().await)
    }

    /// Counts anew from here on: until now another process may have let actions leave.
    pub(in crate::engine) async fn forget(&self) {
        *self.counting.lock().await = None;
    }

    /// The intent of a counted action was written.
    pub(super) fn begin(&self) -> OnItsWay<'_> {
        self.on_their_way.fetch_add(1, Ordering::SeqCst);
        OnItsWay(Some(self))
    }

    /// Whether a verdict may be another one when those that are on their way have ended.
    pub(super) fn may_change(&self, verdict: &Verdict) -> bool {
        let (Verdict::Wait(_, reason) | Verdict::Suppress(reason)) = verdict else { return false };
        let counts = [ReasonCode::HourCap, ReasonCode::LeadCap, ReasonCode::Limit, ReasonCode::Repeat];
        counts.contains(&reason.code) && self.on_their_way.load(Ordering::SeqCst) > 0
    }

    /// Ends when one of them has ended. Make it before you count: then none is missed.
    pub(super) fn one_ended(&self) -> Notified<'_> {
        self.ended.notified()
    }
}

/// How many more may leave before they must be counted again. Only this process lets replies of the workspace leave, so a
/// count holds until it is used up: time only frees places.
#[derive(Debug, Clone, Copy)]
struct Room {
    /// Of how many.
    cap: u32,
    left: u32,
    counted_at: Timestamp,
}

/// The only one who counts.
#[derive(Debug)]
pub(super) struct Counting<'a>(MutexGuard<'a, Option<Room>>);

impl Counting<'_> {
    /// Whether one more surely has a place. A clock that was set back looks at what the count has not seen.
    pub(super) fn has_room(&self, cap: u32, now: Timestamp) -> bool {
        self.0.is_some_and(|room| room.cap == cap && room.left > 0 && now >= room.counted_at)
    }

    /// So many have left.
    pub(super) fn record_count(&mut self, cap: u32, count: usize, now: Timestamp) {
        let left = cap.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX));
        *self.0 = Some(Room { cap, left, counted_at: now });
    }

    /// One more leaves.
    pub(super) fn take_place(&mut self) {
        if let Some(room) = &mut *self.0 {
            room.left = room.left.saturating_sub(1);
        }
    }
}

impl OnItsWay<'_> {
    /// Of an action that no cap counts.
    pub(super) fn uncounted() -> Self {
        Self(None)
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        if let Some(caps) = self.0 {
            caps.on_their_way.fetch_sub(1, Ordering::SeqCst);
            caps.ended.notify_waiters();
        }
    }
}
