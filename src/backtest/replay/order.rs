//! Events in the order of time, each once.

use super::ReplayError;
use crate::backtest::EventLine;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// So many events are in memory at once. They may stand in any order among each other.
const HELD: usize = 10_000;

/// A workspace and a thread.
pub(super) type ThreadKey = (String, String);

/// The place of an event: those of one time keep the order in which they came.
type Place = (Timestamp, u64);

/// Puts events into the order of time, and tells of each what the next one of its thread shows.
#[derive(Default)]
pub(super) struct InOrder {
    held: BTreeMap<Place, EventLine>,
    of_thread: HashMap<ThreadKey, BTreeSet<Place>>,
    ids: HashSet<String>,
    count: u64,
    repeated: u64,
    /// The time of the last event that was given out.
    last: Option<Timestamp>,
    /// The time of the first one.
    start: Option<Timestamp>,
}

/// The event whose turn it is.
pub(super) struct InTurn<'a> {
    pub(super) event: EventLine,
    /// The next one of its thread whose messages were read, as far as it is known.
    pub(super) later: Option<&'a EventLine>,
    /// When the first event of all was.
    pub(super) start: Timestamp,
}

impl InOrder {
    /// Takes an event, unless its id was there before.
    pub(super) fn add(&mut self, event: EventLine) -> Result<(), ReplayError> {
        if self.last.is_some_and(|last| event.time < last) {
            return Err(ReplayError::OutOfOrder { id: event.id, time: event.time });
        }
        if !self.ids.insert(event.id.clone()) {
            self.repeated += 1;
            return Ok(());
        }
        let place = (event.time, self.count);
        self.count += 1;
        self.of_thread.entry(key_of(&event)).or_default().insert(place);
        self.held.insert(place, event);
        Ok(())
    }

    pub(super) fn is_full(&self) -> bool {
        self.held.len() > HELD
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(super) fn repeated(&self) -> u64 {
        self.repeated
    }

    /// The next event, and the next one of its thread whose messages were read, as far as it is known.
    pub(super) fn next(&mut self) -> Option<InTurn<'_>> {
        let (place, event) = self.held.pop_first()?;
        self.last = Some(event.time);
        let start = *self.start.get_or_insert(event.time);
        let key = key_of(&event);
        let mut later = None;
        if let Some(places) = self.of_thread.get_mut(&key) {
            places.remove(&place);
            let mut others = places.iter().filter_map(|place| self.held.get(place));
            later = others.find(|other| other.messages.is_some());
            if places.is_empty() {
                self.of_thread.remove(&key);
            }
        }
        Some(InTurn { event, later, start })
    }
}

fn key_of(event: &EventLine) -> ThreadKey {
    (event.workspace.clone(), event.row.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, time: &str, thread: &str) -> EventLine {
        let line = format!(
            r#"{{"version":1,"id":"{id}","kind":"message","time":"2026-01-05T{time}:00Z","workspace":"acme","row":{{"id":"{thread}"}},"messages":[]}}"#
        );
        EventLine::from_json(&line).unwrap()
    }

    #[test]
    fn events_come_by_time_and_once_and_tell_of_the_next_of_their_thread() {
        let mut order = InOrder::default();
        for (id, time, thread) in
            [("b", "09:30", "t"), ("a", "09:00", "t"), ("c", "09:30", "u"), ("a", "09:00", "t"), ("d", "10:00", "t")]
        {
            order.add(event(id, time, thread)).unwrap();
        }
        let mut found = Vec::new();
        while let Some(InTurn { event, later, .. }) = order.next() {
            found.push((event.id, later.map(|later| later.id.clone())));
        }
        let of = |id: &str, later: Option<&str>| (id.to_owned(), later.map(str::to_owned));
        assert_eq!(found, [of("a", Some("b")), of("b", Some("d")), of("c", None), of("d", None)]);
        assert_eq!(order.repeated(), 1);
        let late = order.add(event("e", "08:00", "t"));
        assert!(matches!(late, Err(ReplayError::OutOfOrder { .. })), "{late:?}");
    }
}
