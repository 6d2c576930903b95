//! Events, compressed with what is kept beside them already, and the rules of each revision.
//!
//! An event repeats what its decision's trace says (the lead's new text, quoted passages), and a thread's next event repeats
//! its earlier messages. So the body of an event is compressed with both in view and holds each text once: decisions are read
//! for lists without it, and it is never read without its decision. A chain of events ends after [`MAX_DEPTH`], or where it
//! gets long: then a body stands for itself again.

use super::{
    SqlStore,
    codec::{
        OwnedUid, Uid, compress_after, decompress_after, from_json, micros, pack, parse, timestamp, unpack,
        unpack_bytes,
    },
    connection::{Connection, Row, params},
    filters::any_of,
    names::find_workspace,
    session::Session,
    threads::find_thread,
    values::{AT_ONCE, Value, as_params, one_of},
};
use crate::store::{
    DecidedEvent, EventFilter, EventKind, EventPage, EventPlace, EventStore, ReadLater, StoreError, StoredEvent,
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::{borrow::Cow, collections::HashMap};

/// What events have in common, where none precedes them. Another one needs another [`FORM`].
const DICTIONARY: &[u8] = include_bytes!("event_dictionary.json");
/// The first byte of a body.
const FORM: u8 = 1;
/// So many other events are read before one at most.
const MAX_DEPTH: u32 = 8;
/// A longer event is no base: looking for what is repeated would take longer than it is worth.
const MAX_BASE: usize = 1024 * 1024;

/// A thread's newest event.
pub(super) const NEWEST: &str =
    "SELECT e.decision, e.depth FROM decisions d JOIN decision_events e ON e.decision = d.id
     WHERE d.thread = ? ORDER BY d.id DESC LIMIT 1";
/// Events with all that their bodies were compressed with, but for their bases.
pub(super) const SOME: &str = "SELECT e.decision, e.base, e.body, d.trace FROM decision_events e
     CROSS JOIN decisions d ON d.id = e.decision WHERE e.decision IN";

/// The events behind a place, oldest first. The join goes by the order: whatever the store's size, a page is read at once.
pub(super) const AFTER: &str = "SELECT d.uid, d.id, d.at, d.event, d.message_id, d.matched,
       coalesce(r.revision, 'number ' || e.revision)
     FROM decisions d CROSS JOIN decision_events e ON e.decision = d.id LEFT JOIN rule_revisions r ON r.id = e.revision
     WHERE (d.at, d.id) > (?, ?) ORDER BY d.at, d.id LIMIT ?";
/// The same under a condition.
pub(super) fn after_where(condition: &str) -> String {
    AFTER.replace(" ORDER BY", &format!(" AND {condition} ORDER BY"))
}

/// The column with a decision's workspace, as a condition of [`after_where`] names it: no index of it is in the list's order.
pub(super) const OF_WORKSPACE: &str = "+d.workspace";

/// The rules of the newest event.
pub(super) const NEWEST_REVISION: &str = "SELECT r.revision FROM decision_events e JOIN rule_revisions r ON r.id = e.revision ORDER BY e.decision DESC LIMIT 1";

/// An event that another may build on.
pub(super) struct Base {
    decision: i64,
    depth: u32,
    json: Vec<u8>,
}

/// An event as it is written.
pub(super) struct NewEvent {
    revision: String,
    base: Option<i64>,
    depth: u32,
    body: Vec<u8>,
}

#[async_trait]
impl EventStore for SqlStore {
    async fn keep_rules(&self, revision: &str, sources: &str) -> Result<(), StoreError> {
        let (revision, body) = (revision.to_owned(), pack(&sources)?);
        self.write(move |session| {
            let mut insert = session.connection.prepare_cached(
                "INSERT INTO rule_revisions (revision, body) VALUES (?, ?) ON CONFLICT (revision) DO NOTHING",
            )?;
            insert.execute(params![revision, body])?;
            Ok(())
        })
        .await
    }

    async fn kept_rules(&self, revision: &str) -> Result<Option<String>, StoreError> {
        let revision = revision.to_owned();
        self.read(move |connection| {
            let mut query = connection.prepare_cached("SELECT body FROM rule_revisions WHERE revision = ?")?;
            let body = query.query_optional(params![revision], |row| row.get::<Vec<u8>>(0))?;
            body.map(|body| unpack(&body)).transpose()
        })
        .await
    }

    async fn events(&self, decisions: &[String]) -> Result<HashMap<String, StoredEvent>, StoreError> {
        let ids = decisions.to_vec();
        self.read(move |connection| {
            let mut found = HashMap::with_capacity(ids.len());
            for some in ids.chunks(AT_ONCE) {
                let (places, values) = one_of(some.iter().map(|id| Value::Uid(id.clone())));
                let query = format!(
                    "SELECT d.uid, d.id, coalesce(r.revision, 'number ' || e.revision) FROM decisions d
                     CROSS JOIN decision_events e ON e.decision = d.id LEFT JOIN rule_revisions r ON r.id = e.revision
                     WHERE d.uid IN {places}"
                );
                let row = |row: Row<'_>| Ok((row.get::<OwnedUid>(0)?.0, row.get::<i64>(1)?, row.get::<String>(2)?));
                let listed: Vec<_> = connection.prepare_cached(&query)?.query_all(&as_params(&values), row)?;
                let numbers: Vec<i64> = listed.iter().map(|(_, decision, _)| *decision).collect();
                let bodies = read_all(connection, &numbers)?;
                for (id, decision, revision) in listed {
                    let Some(json) = bodies.get(&decision) else { continue };
                    let mut event: StoredEvent = serde_json::from_slice(json).map_err(super::codec::unreadable)?;
                    event.revision = revision;
                    found.insert(id, event);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn events_after(
        &self,
        filter: &EventFilter,
        after: Option<EventPlace>,
        limit: u32,
    ) -> Result<EventPage, StoreError> {
        let filter = filter.clone();
        self.read(move |connection| page(connection, &filter, after, limit)).await
    }

    async fn add_to_event(&self, decision: &str, read: ReadLater) -> Result<bool, StoreError> {
        let uid = decision.to_owned();
        self.write(move |session| add(session.connection, &uid, read)).await
    }

    async fn newest_revision(&self) -> Result<Option<String>, StoreError> {
        self.read(|connection| {
            let last = "SELECT revision FROM rule_revisions ORDER BY id DESC LIMIT 1";
            for query in [NEWEST_REVISION, last] {
                let mut query = connection.prepare_cached(query)?;
                if let Some(found) = query.query_optional(params![], |row| row.get::<String>(0))? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        })
        .await
    }
}

impl SqlStore {
    /// Makes an event ready to be written with its decision, whose trace is `trace`.
    pub(super) async fn new_event(
        &self,
        event: &StoredEvent,
        (workspace, thread): (&str, &str),
        trace: &[u8],
    ) -> Result<NewEvent, StoreError> {
        // The first mail of a lead builds on nothing: then nothing is asked.
        let is_later = event.messages.as_ref().is_some_and(|messages| messages.inbound_count() > 1);
        let base = if is_later { self.base(workspace, thread).await? } else { None };
        let json = serde_json::to_vec(event).map_err(super::codec::unreadable)?;
        let before = base.as_ref().map_or(DICTIONARY, |base| base.json.as_slice());
        let mut body = vec![FORM];
        compress_after(&[before, trace].concat(), &json, &mut body)?;
        Ok(NewEvent {
            revision: event.revision.clone(),
            depth: base.as_ref().map_or(0, |base| base.depth + 1),
            base: base.map(|base| base.decision),
            body,
        })
    }

    /// The thread's newest event, if another may build on it.
    async fn base(&self, workspace: &str, thread: &str) -> Result<Option<Base>, StoreError> {
        let (workspace, thread) = (workspace.to_owned(), thread.to_owned());
        self.read(move |connection| {
            let Some(workspace) = find_workspace(connection, &workspace)? else { return Ok(None) };
            let Some(thread) = find_thread(connection, workspace, &thread)? else { return Ok(None) };
            let mut query = connection.prepare_cached(NEWEST)?;
            let newest = query.query_optional(params![thread], |row| Ok((row.get(0)?, row.get::<u32>(1)?)))?;
            let Some((decision, depth)) = newest.filter(|(_, depth)| *depth < MAX_DEPTH) else { return Ok(None) };
            let Some(json) = read(connection, decision)? else { return Ok(None) };
            Ok((json.len() <= MAX_BASE).then_some(Base { decision, depth, json }))
        })
        .await
    }
}

impl Session<'_> {
    /// Writes the event of a decision.
    pub(super) fn insert_event(&mut self, decision: i64, event: &NewEvent) -> Result<(), StoreError> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO decision_events (decision, revision, base, depth, body)
             SELECT ?, id, ?, ?, ? FROM rule_revisions WHERE revision = ?",
        )?;
        match insert.execute(params![decision, event.base, event.depth, event.body, event.revision])? {
            0 => Err(StoreError::Database(format!("the rules of revision {} are not kept", event.revision))),
            _ => Ok(()),
        }
    }
}

fn page(
    connection: &Connection,
    filter: &EventFilter,
    after: Option<EventPlace>,
    limit: u32,
) -> Result<EventPage, StoreError> {
    let since = filter.since.map_or(i64::MIN, |since| micros(since).saturating_sub(1));
    // No decision has a higher number: the place is behind all that is older than `since`.
    let after = after.map_or((since, i64::MAX), |place| (micros(place.at), place.number));
    let values = [Value::from(after.0), Value::from(after.1), Value::from(i64::from(limit))];
    let query = match &filter.workspaces {
        None => Cow::Borrowed(AFTER),
        Some(names) => {
            let Some((condition, _)) = any_of(connection, OF_WORKSPACE, names)? else {
                return Ok(EventPage::default());
            };
            Cow::Owned(after_where(&condition))
        }
    };
    let mut found = EventPage::default();
    let row = |row: Row<'_>| {
        Ok(Listed {
            uid: row.get::<OwnedUid>(0)?.0,
            number: row.get(1)?,
            at: timestamp(row.get(2)?)?,
            kind: parse(row.text(3)?)?,
            message_id: row.get(4)?,
            matched: from_json(row.text(5)?)?,
            revision: row.get(6)?,
        })
    };
    let listed: Vec<Listed> = connection.prepare_cached(&query)?.query_all(&as_params(&values), row)?;
    if listed.len() >= limit as usize {
        found.next = listed.last().map(|last| EventPlace { at: last.at, number: last.number });
    }
    let mut listed = listed.into_iter().peekable();
    while listed.peek().is_some() {
        let some: Vec<Listed> = listed.by_ref().take(AT_ONCE).collect();
        let bodies = read_all(connection, &some.iter().map(|listed| listed.number).collect::<Vec<_>>())?;
        for Listed { uid, number, kind, message_id, matched, revision, .. } in some {
            let Some(json) = bodies.get(&number) else { continue };
            let mut event: StoredEvent = serde_json::from_slice(json).map_err(super::codec::unreadable)?;
            event.revision = revision;
            found.events.push(DecidedEvent { decision: uid, kind, message_id, matched, event });
        }
    }
    Ok(found)
}

/// A decision of a page of events.
struct Listed {
    uid: String,
    number: i64,
    at: Timestamp,
    kind: EventKind,
    message_id: Option<String>,
    matched: Vec<String>,
    revision: String,
}

/// Writes an event anew with what was read of it later. What builds on it stands for itself from then on.
fn add(connection: &Connection, uid: &str, later: ReadLater) -> Result<bool, StoreError> {
    let mut query = connection
        .prepare_cached("SELECT d.id FROM decisions d JOIN decision_events e ON e.decision = d.id WHERE d.uid = ?")?;
    let Some(decision) = query.query_optional(params![Uid(uid)], |row| row.get::<i64>(0))? else { return Ok(false) };
    let mut query = connection.prepare_cached(
        "SELECT e.decision FROM decisions d JOIN decision_events e ON e.decision = d.id
         WHERE d.thread = (SELECT thread FROM decisions WHERE id = ?1) AND e.base = ?1",
    )?;
    let building: Vec<i64> = query.query_all(params![decision], |row| row.get(0))?;
    for other in building {
        if let Some(json) = self::read(connection, other)? {
            write_alone(connection, other, &json)?;
        }
    }
    let Some(json) = self::read(connection, decision)? else { return Ok(false) };
    let mut event: StoredEvent = serde_json::from_slice(&json).map_err(super::codec::unreadable)?;
    let before = event.read_later.take().map(|read| *read).unwrap_or_default();
    event.read_later = Some(Box::new(ReadLater {
        detail: later.detail.or(before.detail),
        messages: later.messages.or(before.messages),
        reading: later.reading.or(before.reading),
    }));
    write_alone(connection, decision, &serde_json::to_vec(&event).map_err(super::codec::unreadable)?)?;
    Ok(true)
}

/// Writes the body of an event that is there, so that it builds on no other.
fn write_alone(connection: &Connection, decision: i64, json: &[u8]) -> Result<(), StoreError> {
    let mut query = connection.prepare_cached("SELECT trace FROM decisions WHERE id = ?")?;
    let trace: Vec<u8> = query.query_row(params![decision], |row| row.get(0))?;
    let mut body = vec![FORM];
    compress_after(&[DICTIONARY, &unpack_bytes(&trace)?].concat(), json, &mut body)?;
    let mut update =
        connection.prepare_cached("UPDATE decision_events SET base = NULL, depth = 0, body = ? WHERE decision = ?")?;
    update.execute(params![body, decision])?;
    Ok(())
}

/// An event's JSON. `None` if one of those that it builds on is gone.
fn read(connection: &Connection, decision: i64) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(read_all(connection, &[decision])?.remove(&decision))
}

/// The JSON of events: those that they build on are read first, each once. An event is left out if one of these is gone: it
/// may be removed while a list is read, and what builds on it goes too.
fn read_all(connection: &Connection, decisions: &[i64]) -> Result<HashMap<i64, Vec<u8>>, StoreError> {
    let packed = read_packed(connection, decisions)?;
    let mut read: HashMap<i64, Vec<u8>> = HashMap::with_capacity(packed.len());
    for decision in decisions {
        let mut chain = Vec::new();
        let mut next = Some(*decision);
        while let Some(decision) = next.filter(|decision| !read.contains_key(decision)) {
            if chain.len() > MAX_DEPTH as usize {
                return Err(super::codec::unreadable("a chain of events without an end"));
            }
            chain.push(decision);
            next = packed.get(&decision).and_then(|packed| packed.base);
        }
        for decision in chain.into_iter().rev() {
            let Some(Packed { base, body, trace }) = packed.get(&decision) else { break };
            let before = match base {
                Some(base) => read.get(base).map(Vec::as_slice),
                None => Some(DICTIONARY),
            };
            let Some(before) = before else { break };
            let Some((&FORM, body)) = body.split_first() else {
                return Err(super::codec::unreadable("an event of an unknown form"));
            };
            read.insert(decision, decompress_after(&[before, &unpack_bytes(trace)?].concat(), body)?);
        }
    }
    read.retain(|decision, _| decisions.contains(decision));
    Ok(read)
}

/// An event as it stands in the store.
struct Packed {
    base: Option<i64>,
    body: Vec<u8>,
    trace: Vec<u8>,
}

/// Events, those that they build on, and so on: as many looks as the longest chain has links, however many events are asked for.
fn read_packed(connection: &Connection, decisions: &[i64]) -> Result<HashMap<i64, Packed>, StoreError> {
    let mut packed = HashMap::with_capacity(decisions.len());
    let mut wanted = decisions.to_vec();
    while !wanted.is_empty() {
        for some in wanted.chunks(AT_ONCE) {
            let (places, values) = one_of(some.iter().map(|decision| Value::from(*decision)));
            let query = format!("{SOME} {places}");
            let mut query = connection.prepare_cached(&query)?;
            let mut rows = query.query(&as_params(&values))?;
            while let Some(row) = rows.next()? {
                packed.insert(row.get(0)?, Packed { base: row.get(1)?, body: row.get(2)?, trace: row.get(3)? });
            }
        }
        let bases = wanted.iter().filter_map(|decision| packed.get(decision)?.base);
        let mut bases: Vec<i64> = bases.filter(|base| !packed.contains_key(base)).collect();
        bases.sort_unstable();
        bases.dedup();
        wanted = bases;
    }
    Ok(packed)
}
