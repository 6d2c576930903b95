//! How far a failed read reaches, learned from other reads: one thread, or the whole workspace.
//!
//! An error that may be the thread's or the API's ([`Scope::Unclear`]) is taken for the thread's, which waits while
//! others go on. Only when several threads in a row fail and none can be read does the API fail.

use crate::coldsend::{ApiError, Scope};
use jiff::Timestamp;
use std::time::Duration;
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// This many different threads that fail in a row mean that the API fails.
const SEVERAL: usize = 3;
/// A read of another thread proves for this long that the key may read threads.
const PROOF: Duration = Duration::from_secs(3_600);
/// How many threads may fail in a row in one pass while the API is not known to be down, and when it is.
const MAX_FAILURES: usize = 20;
const MIN_FAILURES: usize = 5;
/// At most this many failing threads are kept: then all counts start again.
const REMEMBERED: usize = 10_000;

/// How far a failed read reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// This thread alone; how often it has failed in a row before.
    Thread(u32),
    /// This thread or more: no other read has succeeded since.
    Unclear,
    /// Every thread.
    Workspace,
}

/// Which of a workspace's threads could not be read, and which could.
#[derive(Debug, Default)]
pub struct ReadFailures(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// The threads that failed in a row, since one could be read.
    in_a_row: HashSet<String>,
    /// How the last of them failed.
    last: Option<ApiError>,
    /// How often each has failed since it could be read, and when it first did.
    failing: HashMap<String, (u32, Timestamp)>,
    /// The thread that was read last, and when; and the last other one.
    answered: Option<(String, Timestamp)>,
    answered_before: Option<(String, Timestamp)>,
    /// How many passes in a row gave up.
    given_up: u32,
    failures: u64,
}

impl ReadFailures {
    /// The messages or the details of a thread were read.
    pub fn record_success(&self, thread: &str, now: Timestamp) {
        let mut seen = self.seen();
        seen.in_a_row.clear();
        seen.failing.remove(thread);
        seen.given_up = 0;
        if seen.answered.as_ref().is_some_and(|(last, _)| last != thread) {
            seen.answered_before = seen.answered.take();
        }
        seen.answered = Some((thread.to_owned(), now));
    }

    /// They could not be read: how far that reaches.
    pub fn record_failure(&self, thread: &str, error: &ApiError, now: Timestamp) -> Reach {
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
            // The API has responded.
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

    /// Whether several threads in a row have failed and none could be read since.
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

    /// Whether the thread has failed and could not be read since: then it gets more time.
    pub(super) fn is_failing(&self, thread: &str) -> bool {
        self.seen().failing.contains_key(thread)
    }

    /// How many threads may fail in the next pass: fewer and fewer while none can be read.
    pub(super) fn most_failures(&self) -> usize {
        (MAX_FAILURES >> self.seen().given_up.min(8)).max(MIN_FAILURES)
    }

    /// A pass gave up.
    pub(super) fn record_given_up(&self) {
        let mut seen = self.seen();
        seen.given_up = seen.given_up.saturating_add(1);
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
        assert_eq!(failures.record_failure("a", &unclear(), at(0)), Reach::Unclear);
        failures.record_success("b", at(1));
        assert_eq!(failures.record_failure("a", &unclear(), at(2)), Reach::Thread(1));
        assert_eq!(failures.record_failure("a", &unclear(), at(2)), Reach::Thread(2));
        failures.record_success("a", at(3));
        assert!(!failures.is_failing("a"));
        assert_eq!(
            failures.record_failure("a", &unclear(), at(4)),
            Reach::Unclear,
            "an answer from before proves nothing"
        );
        failures.record_success("b", at(5));
        assert_eq!(failures.record_failure("a", &unclear(), at(6)), Reach::Thread(1));
    }

    #[test]
    fn several_threads_in_a_row_are_the_api_until_one_answers() {
        let failures = ReadFailures::default();
        assert_eq!(failures.most_failures(), 20);
        for _ in 0..9 {
            assert_eq!(failures.record_failure("a", &unclear(), at(0)), Reach::Unclear, "one thread alone never is");
        }
        assert_eq!(failures.record_failure("b", &unclear(), at(0)), Reach::Unclear);
        assert_eq!(failures.record_failure("c", &unclear(), at(0)), Reach::Workspace);
        assert!(failures.is_down());
        assert_eq!(failures.record_failure("a", &unclear(), at(0)), Reach::Workspace);
        failures.record_given_up();
        failures.record_given_up();
        failures.record_given_up();
        assert_eq!(failures.most_failures(), 5);
        failures.record_success("d", at(1));
        assert!(!failures.is_down());
        assert_eq!(failures.most_failures(), 20);
        assert_eq!(failures.record_failure("a", &unclear(), at(1)), Reach::Thread(10));
        let gone = ApiError::NotFound { what: String::new(), detail: String::new() };
        for thread in ["e", "f", "g", "h"] {
            assert_eq!(failures.record_failure(thread, &gone, at(1)), Reach::Thread(0), "the API has answered");
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
        assert_eq!(failures.record_failure("a", &forbidden, at(0)), Reach::Workspace);
        failures.record_success("b", at(1));
        assert_eq!(failures.record_failure("a", &forbidden, at(2)), Reach::Thread(1));
        assert_eq!(failures.record_failure("a", &forbidden, at(4_000)), Reach::Workspace);
        let unauthorized = ApiError::Unauthorized { workspace: String::new(), status: 401, detail: String::new() };
        assert_eq!(failures.record_failure("a", &unauthorized, at(2)), Reach::Workspace);
    }
}
