//! Erasures that were begun: what was asked for is on disk until the last of it is done, so that whoever is interrupted, or
//! another process in its place, finishes it.

use super::{
    SqlStore,
    audit::insert_audit,
    codec::{from_json, micros, to_json},
    connection::{Row, params},
    leases::{SERVER_TIME, micros_of},
    session::Session,
};
use crate::store::{AuditEntry, Change, ChangeKind, Erased, StoreError, erasure::AfterStep, leases::LEASE};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// In the line of the audit log that says who asked, until it is done.
const FINISHED: &str = "finished";
/// In a file nobody else carries any out.
const ALL: &str = "SELECT id, address, workspaces FROM erasures";

/// The erasures that this process carries out now, by their ids.
#[derive(Debug, Clone, Default)]
pub(super) struct Erasing(Arc<Mutex<HashSet<String>>>);

impl Erasing {
    // Plain values: a panic in between leaves nothing half-done.
    fn ids(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` if it is carried out already.
    fn begin(&self, id: &str) -> Option<Begun> {
        self.ids().insert(id.to_owned()).then(|| Begun { id: id.to_owned(), all: self.clone() })
    }
}

/// An erasure that this process carries out until this is dropped.
#[derive(Debug)]
pub(super) struct Begun {
    id: String,
    all: Erasing,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.all.ids().remove(&self.id);
    }
}

/// An erasure that was begun and not finished.
pub(super) struct LeftErasure {
    id: String,
    pub(super) address: String,
    pub(super) workspaces: Option<Vec<String>>,
}

impl SqlStore {
    /// Writes down what is asked for, and who asks.
    pub(super) async fn begin_erasure(
        &self,
        address: &str,
        workspaces: Option<&[String]>,
        asked: Option<AuditEntry>,
        now: Timestamp,
    ) -> Result<Begun, StoreError> {
        let id = uuid::Uuid::now_v7().to_string();
        let begun = self.erasing.begin(&id).ok_or(StoreError::Duplicate)?;
        let (address, names) = (address.to_owned(), workspaces.map(to_json).transpose()?);
        let (holder, key) = (self.fences.holder(), self.address_key.clone());
        self.write(move |session| {
            if let Some(mut asked) = asked {
                // Whoever finishes it finds the line by the erasure's own id.
                asked.id.clone_from(&id);
                asked.target = key.hidden(session.connection, &address)?;
                asked.details.insert(FINISHED.to_owned(), false.into());
                insert_audit(session, &asked)?;
            }
            let at = session.connection.pick("?4", SERVER_TIME);
            let add =
                format!("INSERT INTO erasures (id, address, workspaces, at, holder) VALUES (?1, ?2, ?3, {at}, ?5)");
            let alone = params![id, address, names, micros(now), holder];
            session.connection.execute(&add, alone).map(drop)
        })
        .await?;
        Ok(begun)
    }

    /// One that was begun and that nobody carries out: it is this process's from now on.
    pub(super) async fn take_left_erasure(&self) -> Result<Option<(Begun, LeftErasure)>, StoreError> {
        let holder = self.fences.holder();
        let all: Vec<LeftErasure> = self
            .read(move |connection| {
                // Whoever is none of the processes that share the store is a command, and may be at it still.
                let others = format!(
                    "SELECT id, address, workspaces FROM erasures e WHERE holder = ?1 OR at < {SERVER_TIME} - {}
                     AND NOT EXISTS (SELECT 1 FROM replicas r WHERE r.holder = e.holder AND r.expires_at > {SERVER_TIME})",
                    micros_of(LEASE)
                );
                let read = |row: Row<'_>| {
                    let workspaces = row.optional_text(2)?.map(from_json).transpose()?;
                    Ok(LeftErasure { id: row.get(0)?, address: row.get(1)?, workspaces })
                };
                match connection.pick(None, Some(others)) {
                    None => connection.prepare_cached(ALL)?.query_all(params![], read),
                    Some(find) => connection.prepare_cached(&find)?.query_all(params![holder], read),
                }
            })
            .await?;
        let mut free = all.into_iter().filter_map(|left| Some((self.erasing.begin(&left.id)?, left)));
        let Some((begun, left)) = free.next() else { return Ok(None) };
        let (id, holder) = (left.id.clone(), self.fences.holder());
        let is_there = self.write(move |session| {
            let take = "UPDATE erasures SET holder = ?2 WHERE id = ?1";
            Ok(session.connection.execute(take, params![id, holder])? > 0)
        });
        Ok(is_there.await?.then_some((begun, left)))
    }

    /// Nothing tells any more that it was asked for, not even the log of the store's file. What was asked for before and is
    /// done with it ends, too. Whoever follows the changes hears that somebody is erased now: until here their memory could
    /// fill again with what was not erased yet.
    pub(super) async fn end_erasure(
        &self,
        begun: &Begun,
        (address, workspaces): (&str, Option<&[String]>),
        erased: Option<&Erased>,
        now: Timestamp,
        after_step: AfterStep<'_>,
    ) -> Result<(), StoreError> {
        let (id, address, names) = (begun.id.clone(), address.to_owned(), workspaces.map(to_json).transpose()?);
        let report = erased.map(Erased::report);
        let blank =
            "UPDATE erasures SET address = '' WHERE id = ?1 OR (address = ?2 AND (?3 IS NULL OR workspaces = ?3))";
        self.write(move |session| {
            if let Some(report) = report {
                finish_line(session, &id, report)?;
                // Whoever asked for the same before, and was interrupted, has it now.
                let before =
                    "SELECT id FROM erasures WHERE id <> ?1 AND address = ?2 AND (?3 IS NULL OR workspaces = ?3)";
                let mut query = session.connection.prepare_cached(before)?;
                let others: Vec<String> = query.query_all(params![id, address, names], |row| row.get(0))?;
                others.iter().try_for_each(|other| finish_line(session, other, Map::new()))?;
            }
            session.connection.execute(blank, params![id, address, names])?;
            session.changes.push(Change {
                seq: 0,
                at: now,
                workspace: String::new(),
                thread_id: String::new(),
                decision_id: String::new(),
                what: ChangeKind::Forgotten,
            });
            Ok(())
        })
        .await?;
        after_step().await;
        // Whoever is interrupted here empties the log before anything else.
        self.empty_log().await?;
        let done = "DELETE FROM erasures WHERE address = ''";
        self.write(move |session| session.connection.execute(done, params![]).map(drop)).await
    }
}

/// The line of the audit log that says who asked now says what was erased. Of what was interrupted, it is the rest.
fn finish_line(session: &Session<'_>, id: &str, report: Map<String, Value>) -> Result<(), StoreError> {
    let mut query = session.connection.prepare_cached("SELECT details FROM audit WHERE id = ?")?;
    let Some(mut details) = query.query_optional(params![id], |row| from_json::<Map<String, Value>>(row.text(0)?))?
    else {
        return Ok(());
    };
    details.remove(FINISHED);
    details.extend(report);
    let update = "UPDATE audit SET details = ?2 WHERE id = ?1";
    session.connection.execute(update, params![id, to_json(&details)?]).map(drop)
}
