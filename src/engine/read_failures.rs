//! How far a failure reaches, learned from what else answers: one thread, or everything that the key can do.
//!
//! An error that may be the thread's or the API's ([`Scope::Unclear`]) is taken for the thread's, which is set back, while
//! others go on. Only when several threads in a row fail and none answers is it the API.

use crate::coldsend::{ApiError, Scope};
use jiff::Timestamp;
use std::time::Duration;
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// So many different threads that fail in a row, with none that answers, are no accident of theirs.
const SEVERAL: usize = 3;
/// An answer to another thread proves for so long that the key may read threads.
const PROOF: Duration = Duration::from_secs(3_600);
/// How many threads may fail in a row in one pass while the API is not known to be down, and when it is.
const MAX_FAILURES: usize = 20;
const MIN_FAILURES: usize = 5;
/// More threads than this are not told apart: the count of all of them begins anew.
const REMEMBERED: usize = 10_000;

/// How far a failed read reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// This thread alone; how often it has failed in a row before.
    Thread(u32),
    /// It may be this thread or more: nothing else has answered since.
    Unclear,
    /// Every thread.
    Workspace,
}

/// What reads of a workspace's threads have shown.
#[derive(Debug, Default)]
pub(super) struct ReadFailures(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// The threads that failed in a row, since one last answered.
    in_a_row: HashSet<String>,
    /// How the last of them failed.
    last: Option<ApiError>,
    /// How often each has failed since it last answered, and when it first did.
    failing: HashMap<String, (u32, Timestamp)>,
    /// The thread that answered last, and when; and the last other one.
    answered: Option<(String, Timestamp)>,
    answered_before: Option<(String, Timestamp)>,
    /// How many passes in a row gave up.
    barren: u32,
    failures: u64,
}

impl ReadFailures {
    /// The messages or the details of a thread were read.
    pub(super) fn answered(&self, thread: &str, now: Timestamp) {
        let mut seen = self.seen();
        seen.in_a_row.clear();
        seen.failing.remove(thread);
        seen.barren = 0;
        if seen.answered.as_ref().is_some_and(|(last, _)| last != thread) {
            seen.answered_before = seen.answered.take();
        }
        seen.answered = Some((thread.to_owned(), now));
    }

    /// They could not be read.
    pub(super) fn failed(&self, thread: &str, error: &ApiError, now: Timestamp) -> Reach {
        let mut seen = self.seen();
        seen.failures += 1;
        let scope = error.scope();
        if scope == Scope::Workspace {
            return Reach::Workspace;
        }
        if seen.failing.len() >= REMEMBERED {
            seen.failing.clear();
        }
        let (count, first) = {
            let entry = seen.failing.entry(thread.to_owned()).or_insert((0, now));
            entry.0 += 1;
            *entry
        };
        let mut answered = seen.answered.iter().chain(&seen.answered_before);
        let other = answered.find(|(answered, _)| answered != thread).map(|(_, at)| *at);
        if scope == Scope::Key {
            // A key that may read other threads may read threads.
            let proven =
                other.is_some_and(|at| Duration::try_from(now.duration_since(at)).is_ok_and(|age| age <= PROOF));
            return if proven { Reach::Thread(count - 1) } else { Reach::Workspace };
        }
        if scope == Scope::Thread {
            // The API has answered.
            seen.in_a_row.clear();
        }
        if scope == Scope::Unclear {
            seen.last = Some(error.clone());
            seen.in_a_row.insert(thread.to_owned());
            if seen.in_a_row.len() >= SEVERAL {
                return Reach::Workspace;
            }
            if other.is_none_or(|at| at < first) {
                return Reach::Unclear;
            }
        }
        Reach::Thread(count - 1)
    }

    /// Whether several threads in a row have failed and none has answered since.
    pub(super) fn is_down(&self) -> bool {
        self.seen().in_a_row.len() >= SEVERAL
    }

    /// How the last of them failed, if so.
    pub(super) fn down(&self) -> Option<ApiError> {
        let seen = self.seen();
        seen.last.clone().filter(|_| seen.in_a_row.len() >= SEVERAL)
    }

    /// How many reads have failed so far.
    pub(super) fn failures(&self) -> u64 {
        self.seen().failures
    }

    /// Whether the thread has failed and not answered since: then it gets more time.
    pub(super) fn is_failing(&self, thread: &str) -> bool {
        self.seen().failing.contains_key(thread)
    }

    /// How many threads may fail in the pass that begins: fewer and fewer while nothing answers.
    pub(super) fn most_failures(&self) -> usize {
        (MAX_FAILURES >> self.seen().barren.min(8)).max(MIN_FAILURES)
    }

    /// A pass gave up.
    pub(super) fn gave_up(&self) {
        let mut seen = self.seen();
        seen.barren = seen.barren.saturating_add(1);
    }

    /// Plain values: a panic in between leaves nothing half-done.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn unclear() -> ApiError {
        ApiError::Server { status: 503, detail: String::new() }
    }

    #[test]
    fn one_thread_that_fails_while_others_answer_is_that_thread() {
        let failures = ReadFailures::default();
        assert_eq!(failures.failed("a", &unclear(), at(0)), Reach::Unclear);
        failures.answered("b", at(1));
        assert_eq!(failures.failed("a", &unclear(), at(2)), Reach::Thread(1));
        assert_eq!(failures.failed("a", &unclear(), at(2)), Reach::Thread(2));
        failures.answered("a", at(3));
        assert!(!failures.is_failing("a"));
        assert_eq!(failures.failed("a", &unclear(), at(4)), Reach::Unclear, "an answer from before proves nothing");
        failures.answered("b", at(5));
        assert_eq!(failures.failed("a", &unclear(), at(6)), Reach::Thread(1));
    }

    #[test]
    fn several_threads_in_a_row_are_the_api_until_one_answers() {
        let failures = ReadFailures::default();
        assert_eq!(failures.most_failures(), 20);
        for _ in 0..9 {
            assert_eq!(failures.failed("a", &unclear(), at(0)), Reach::Unclear, "one thread alone never is");
        }
        assert_eq!(failures.failed("b", &unclear(), at(0)), Reach::Unclear);
        assert_eq!(failures.failed("c", &unclear(), at(0)), Reach::Workspace);
        assert!(failures.is_down());
        assert_eq!(failures.failed("a", &unclear(), at(0)), Reach::Workspace);
        failures.gave_up();
        failures.gave_up();
        failures.gave_up();
        assert_eq!(failures.most_failures(), 5);
        failures.answered("d", at(1));
        assert!(!failures.is_down());
        assert_eq!(failures.most_failures(), 20);
        assert_eq!(failures.failed("a", &unclear(), at(1)), Reach::Thread(10));
        let gone = ApiError::NotFound { what: String::new(), detail: String::new() };
        for thread in ["e", "f", "g", "h"] {
            assert_eq!(failures.failed(thread, &gone, at(1)), Reach::Thread(0), "the API has answered");
        }
    }

    #[test]
    fn a_refusal_is_the_keys_unless_it_has_read_another_thread_lately() {
        let failures = ReadFailures::default();
        let forbidden = ApiError::Forbidden {
            workspace: String::new(),
            detail: String::new(),
            required: Vec::new(),
            granted: Vec::new(),
        };
        assert_eq!(failures.failed("a", &forbidden, at(0)), Reach::Workspace);
        failures.answered("b", at(1));
        assert_eq!(failures.failed("a", &forbidden, at(2)), Reach::Thread(1));
        assert_eq!(failures.failed("a", &forbidden, at(4_000)), Reach::Workspace);
        let unauthorized = ApiError::Unauthorized { workspace: String::new(), status: 401, detail: String::new() };
        assert_eq!(failures.failed("a", &unauthorized, at(2)), Reach::Workspace);
    }
}
