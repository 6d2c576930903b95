//! What was seen of threads a moment ago, to save requests. What is read here can hold a reply back; it lets one go only
//! while nobody else uses the account.

use crate::rules::{RowReading, ThreadMessages};
use jiff::Timestamp;
use std::time::{Duration, Instant};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Messages count for so long.
const MESSAGES_FRESH: Duration = Duration::from_secs(10);
/// A list row tells for so long whether a thread is starred.
const STAR_FRESH: Duration = Duration::from_secs(60);
/// What is not fresh any more goes this often, at most: looking for it costs as much as there is.
const SWEPT_EVERY: Duration = Duration::from_secs(1);
/// More entries than this are dropped at once.
const REMEMBERED: usize = 1_000;

/// Messages and stars of threads.
#[derive(Debug, Default)]
pub(super) struct ThreadCache {
    /// What is given of a thread, so that nobody has to read it.
    given: Mutex<Option<(String, Given)>>,
    messages: Mutex<Entries<Arc<ThreadMessages>>>,
    /// When messages that are not fresh any more last went.
    swept: Mutex<Option<Instant>>,
    stars: Mutex<Entries<bool>>,
}

/// What was seen of each thread, and when, by both clocks: the one of the service, and the one that nobody can set.
type Entries<T> = HashMap<String, (T, Timestamp, Instant)>;

/// What is given of a thread instead of read from the account, as far as it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    /// What its row says.
    pub(super) row_reading: Option<Arc<RowReading>>,
    /// Its messages.
    pub(super) messages: Option<Arc<ThreadMessages>>,
}

impl ThreadCache {
    /// What is known of the thread that is dealt with next; `None` once that is done.
    pub(super) fn give(&self, thread: &str, given: Option<Given>) {
        *locked(&self.given) = given.map(|given| (thread.to_owned(), given));
    }

    /// What was given of the thread.
    pub(super) fn given(&self, thread: &str) -> Given {
        let given = locked(&self.given);
        given.as_ref().filter(|(of, _)| of == thread).map(|(_, given)| given.clone()).unwrap_or_default()
    }

    pub(super) fn put_messages(&self, thread: &str, messages: Arc<ThreadMessages>, at: Timestamp) {
        let mut swept = locked(&self.swept);
        if swept.is_none_or(|swept| swept.elapsed() >= SWEPT_EVERY) {
            locked(&self.messages).retain(|_, (_, _, seen)| seen.elapsed() <= MESSAGES_FRESH);
            *swept = Some(Instant::now());
        }
        drop(swept);
        put(&self.messages, thread, messages, at);
    }

    /// The messages, if they were read a moment ago.
    pub(super) fn messages(&self, thread: &str, now: Timestamp) -> Option<Arc<ThreadMessages>> {
        get(&self.messages, thread, now, MESSAGES_FRESH)
    }

    /// Whether they were read within `span`.
    pub(super) fn has_messages_within(&self, thread: &str, now: Timestamp, span: Duration) -> bool {
        get(&self.messages, thread, now, span.min(MESSAGES_FRESH)).is_some()
    }

    pub(super) fn evict_messages(&self, thread: &str) {
        locked(&self.messages).remove(thread);
    }

    pub(super) fn forget_messages(&self) {
        locked(&self.messages).clear();
    }

    /// Remembers whether a thread is starred; `None` forgets it.
    pub(super) fn put_star(&self, thread: &str, starred: Option<bool>, at: Timestamp) {
        match starred {
            Some(starred) => put(&self.stars, thread, starred, at),
            None => drop(locked(&self.stars).remove(thread)),
        }
    }

    /// Whether the thread is starred, if that was seen a moment ago.
    pub(super) fn star(&self, thread: &str, now: Timestamp) -> Option<bool> {
        get(&self.stars, thread, now, STAR_FRESH)
    }
}

fn put<T>(entries: &Mutex<Entries<T>>, thread: &str, value: T, at: Timestamp) {
    let mut entries = locked(entries);
    if entries.len() >= REMEMBERED {
        entries.clear();
    }
    entries.insert(thread.to_owned(), (value, at, Instant::now()));
}

/// Fresh by both clocks: one that was set back would make an old entry look young, or as if it came from the future.
fn get<T: Clone>(entries: &Mutex<Entries<T>>, thread: &str, now: Timestamp, span: Duration) -> Option<T> {
    let entries = locked(entries);
    let (value, at, seen) = entries.get(thread)?;
    let age = Duration::try_from(now.duration_since(*at)).ok()?;
    (age <= span && seen.elapsed() <= span).then(|| value.clone())
}

/// Plain values: a panic in between leaves nothing half-done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
