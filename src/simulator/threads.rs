//! The threads: found by id at once, and put in the list's usual order only when that may have changed, so that a large
//! inbox costs the simulator little.

use super::thread::Thread;
use jiff::Timestamp;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::HashMap;

/// The threads, in the order of their adding.
#[derive(Debug, Default)]
pub(super) struct Threads {
    all: Vec<Thread>,
    /// The first one of each id.
    by_id: HashMap<String, usize>,
    newest_first: OnceCell<Sorted>,
}

/// What was sorted once, and the time from which on it holds.
#[derive(Debug)]
struct Sorted {
    since: Timestamp,
    order: Vec<usize>,
}

impl Threads {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Thread> {
        self.all.iter()
    }

    pub(super) fn to_vec(&self) -> Vec<Thread> {
        self.all.clone()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Thread> {
        self.by_id.get(id).and_then(|index| self.all.get(*index))
    }

    /// A thread whose messages may be changed.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Thread> {
        self.newest_first.take();
        self.flags_mut(id)
    }

    /// A thread whose messages stay where they are.
    pub(super) fn flags_mut(&mut self, id: &str) -> Option<&mut Thread> {
        self.by_id.get(id).and_then(|index| self.all.get_mut(*index))
    }

    pub(super) fn push(&mut self, thread: Thread) {
        self.newest_first.take();
        self.by_id.entry(thread.id.clone()).or_insert(self.all.len());
        self.all.push(thread);
    }

    /// Removes the threads of this id; whether there were any.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        if !self.by_id.contains_key(id) {
            return false;
        }
        self.all.retain(|thread| thread.id != id);
        self.newest_first.take();
        self.by_id.clear();
        for (index, thread) in self.all.iter().enumerate() {
            self.by_id.entry(thread.id.clone()).or_insert(index);
        }
        true
    }

    /// The threads with a visible message, by its time, the newest first.
    pub(super) fn newest_first(&self, now: Timestamp) -> Vec<&Thread> {
        let order: Cow<'_, [usize]> = match self.newest_first.get() {
            Some(sorted) if sorted.since <= now => Cow::Borrowed(&sorted.order),
            _ => Cow::Owned(self.sort(now)),
        };
        order.iter().filter_map(|index| self.all.get(*index)).collect()
    }

    fn sort(&self, now: Timestamp) -> Vec<usize> {
        let shown =
            self.all.iter().enumerate().filter_map(|(index, thread)| Some((index, thread, thread.last(now)?.at)));
        let mut shown: Vec<_> = shown.collect();
        shown.sort_unstable_by_key(|(index, thread, at)| (Reverse(*at), thread.id.as_str(), *index));
        let order: Vec<usize> = shown.into_iter().map(|(index, ..)| index).collect();
        // A reply in the queue changes the order by time alone.
        let waits = |thread: &Thread| thread.messages.iter().any(|message| message.through_api && message.at > now);
        if !self.all.iter().any(waits) {
            let _ = self.newest_first.set(Sorted { since: now, order: order.clone() });
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use crate::simulator::{Message, NewThread, state::State};
    use jiff::Timestamp;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn order(state: &State, now: i64) -> Vec<&str> {
        state.threads.newest_first(at(now)).into_iter().map(|thread| thread.lead_email.as_str()).collect()
    }

    #[test]
    fn every_change_of_messages_shows_in_the_order() {
        let mut state = State::default();
        let first = state.add_thread(NewThread::new("a").message("Hi"), at(10));
        let second = state.add_thread(NewThread::new("b").message("Hi"), at(20));
        state.add_thread(NewThread::new("none"), at(30));
        assert_eq!(order(&state, 30), ["b", "a"]);
        state.add_message(&first, Message::text("Me again"), at(40));
        assert_eq!(order(&state, 40), ["a", "b"]);
        if let Some(thread) = state.thread_mut(&second) {
            thread.messages.iter_mut().for_each(|message| (message.at, message.through_api) = (at(60), true));
        }
        assert_eq!(order(&state, 50), ["a"], "what waits in the queue is not shown");
        assert_eq!(order(&state, 60), ["b", "a"], "time alone lets it out");
        assert_eq!(order(&state, 50), ["a"], "a clock may be set back");
        assert!(state.threads.remove(&first) && !state.threads.remove(&first));
        assert_eq!(order(&state, 70), ["b"]);
        assert!(state.thread(&first).is_none() && state.thread(&second).is_some());
    }
}
