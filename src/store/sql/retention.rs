//! Removing what is old, a few decisions at a time.
//!
//! A thread's decisions go as a whole, newest first: an event builds on earlier ones of its thread, never on later ones.

use super::{
    SqlStore,
    addresses::AddressKey,
    codec::{micros, parse},
    connection::{Connection, params},
    counts::CountedAs,
    kept::{self, Written},
    session::Session,
};
use crate::{
    model::{ActionState, ReasonCode},
    store::{RemovalMark, RemovalStep, RemoveBefore, RetentionStore, StoreError},
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::{collections::HashSet, sync::LazyLock};

/// So many decisions are looked at in a step, and removed at most: with their events and actions, a few hundred rows.
const STEP: u32 = 50;
/// So many lines of the audit log.
const AUDIT_STEP: u32 = 200;
/// So many pages of the file are given back in a step.
const PAGES: u32 = 100;

/// The oldest decisions after a mark.
pub(super) const OLDEST: &str = "SELECT d.at, d.id, d.thread, (SELECT name FROM workspaces WHERE id = d.workspace)
     FROM decisions d INDEXED BY decisions_at WHERE (d.at, d.id) > (?1, ?2) AND d.at < ?3 ORDER BY d.at, d.id LIMIT ?4";

/// Whether all of a thread is older: nothing is pending, no decision is newer, no action has changed since or is open. A
/// quarantined one waits for a person.
pub(super) static IS_OLD: LazyLock<String> = LazyLock::new(|| {
    let is_open = |state: &ActionState| !state.is_settled() || *state == ActionState::Quarantined;
    let open = ActionState::ALL.into_iter().filter(is_open).map(|state| format!("'{}'", state.as_str()));
    format!(
        "SELECT NOT EXISTS (SELECT 1 FROM threads WHERE id = ?1 AND pending_since IS NOT NULL)
         AND NOT EXISTS (SELECT 1 FROM decisions WHERE thread = ?1 AND at >= ?2)
         AND NOT EXISTS (SELECT 1 FROM decisions d CROSS JOIN actions a ON a.id >= d.id << 16 AND a.id < (d.id + 1) << 16
           WHERE d.thread = ?1 AND (a.updated_at >= ?2 OR a.state IN ({})))",
        open.collect::<Vec<_>>().join(", ")
    )
});

/// The newest decisions of a thread.
pub(super) const OF_THREAD: &str = "SELECT id FROM decisions WHERE thread = ?1 ORDER BY id DESC LIMIT ?2";

/// All that belongs to a decision, and it. What `decision_rules` has is found by the decision's own list.
pub(super) const REMOVE: [&str; 5] = [
    "DELETE FROM decision_rules WHERE decision = ?1 AND rule IN (SELECT n.id FROM decisions d
       CROSS JOIN json_each(d.matched) m CROSS JOIN names n ON n.name = m.value WHERE d.id = ?1)",
    "DELETE FROM action_payloads WHERE id >= ?1 << 16 AND id < (?1 + 1) << 16",
    "DELETE FROM actions WHERE id >= ?1 << 16 AND id < (?1 + 1) << 16",
    "DELETE FROM decision_events WHERE decision = ?1",
    "DELETE FROM decisions WHERE id = ?1",
];

/// The oldest lines of the audit log, whose ids are in the order of time.
pub(super) const OLD_AUDIT: &str = "DELETE FROM audit WHERE id IN (SELECT id FROM
     (SELECT id, at FROM audit ORDER BY id LIMIT ?1) oldest WHERE at < ?2)";

/// A thread whose decisions may go if they are older.
struct OldThread {
    thread: i64,
    before: i64,
}

#[async_trait]
impl RetentionStore for SqlStore {
    async fn remove_old_decisions(&self, before: &RemoveBefore, from: RemovalMark) -> Result<RemovalStep, StoreError> {
        let Some(latest) = before.latest().map(micros) else { return Ok(RemovalStep::default()) };
        let before = before.clone();
        let (threads, next) = self
            .read(move |connection| {
                let mut query = connection.prepare_cached(OLDEST)?;
                let mut rows = query.query(params![from.at, from.decision, latest, STEP])?;
                let (mut found, mut seen) = (Vec::new(), HashSet::new());
                let (mut count, mut last) = (0, from);
                while let Some(row) = rows.next()? {
                    (count, last) = (count + 1, RemovalMark { at: row.get(0)?, decision: row.get(1)? });
                    let thread: i64 = row.get(2)?;
                    let workspace: Option<String> = row.get(3)?;
                    let Some(before) = before.of(&workspace.unwrap_or_default()).map(micros) else { continue };
                    if last.at < before && seen.insert(thread) && is_old(connection, thread, before)? {
                        found.push(OldThread { thread, before });
                    }
                }
                Ok((found, (count == STEP).then_some(last)))
            })
            .await?;
        if threads.is_empty() {
            return Ok(RemovalStep { decisions: 0, next });
        }
        let key = self.address_key.clone();
        self.write(move |session| {
            let mut left = STEP;
            for thread in threads {
                left -= remove_thread(session, &key, &thread, left)?;
                if left == 0 {
                    // What is left of this page comes first in the next step.
                    return Ok(RemovalStep { decisions: STEP.into(), next: Some(from) });
                }
            }
            Ok(RemovalStep { decisions: (STEP - left).into(), next })
        })
        .await
    }

    async fn remove_old_audit(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.write(move |session| {
            let mut remove = session.connection.prepare_cached(OLD_AUDIT)?;
            remove.execute(params![AUDIT_STEP, micros(before)]).map(|gone| gone as u64)
        })
        .await
    }

    async fn give_back_space(&self) -> Result<bool, StoreError> {
        self.write(|session| match session.connection {
            Connection::Sqlite(connection) => {
                // Of a file that was made without it, nothing is given back: it is compacted by a command.
                let modes = [connection.pragma_query_value(None, "auto_vacuum", |row| row.get::<_, i64>(0))?];
                let free = || connection.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0));
                if modes != [2] || free()? == 0 {
                    return Ok(false);
                }
                connection.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
                Ok(free()? > 0)
            }
            // The server does it by itself.
            Connection::Postgres(_) => Ok(false),
        })
        .await
    }
}

fn is_old(connection: &Connection, thread: i64, before: i64) -> Result<bool, StoreError> {
    connection.prepare_cached(&IS_OLD)?.query_row(params![thread, before], |row| row.get(0))
}

/// Removes at most `most` decisions of a thread, if all of it is old still.
fn remove_thread(
    session: &mut Session<'_>,
    key: &AddressKey,
    OldThread { thread, before }: &OldThread,
    most: u32,
) -> Result<u32, StoreError> {
    lock_thread(session, *thread)?;
    if !is_old(session.connection, *thread, *before)? {
        return Ok(0);
    }
    let mut removed = 0;
    for decision in decisions_of(session.connection, *thread, most)? {
        remove_decision(session, key, decision)?;
        removed += 1;
    }
    Ok(removed)
}

/// Nobody else decides anything in the thread until the transaction ends.
pub(super) fn lock_thread(session: &Session<'_>, thread: i64) -> Result<(), StoreError> {
    if let Connection::Postgres(_) = session.connection {
        let mut lock = session.connection.prepare_cached("SELECT id FROM threads WHERE id = ? FOR UPDATE")?;
        lock.query_optional(params![thread], |_| Ok(()))?;
    }
    Ok(())
}

/// The newest decisions of a thread, newest first.
pub(super) fn decisions_of(connection: &Connection, thread: i64, most: u32) -> Result<Vec<i64>, StoreError> {
    connection.prepare_cached(OF_THREAD)?.query_all(params![thread, most], |row| row.get(0))
}

pub(super) fn counted_as(action: &Written) -> Result<CountedAs, StoreError> {
    Ok(CountedAs {
        at: action.at,
        rule: action.rule,
        workspace: action.workspace,
        kind: parse(&action.kind)?,
        state: parse(&action.state)?,
        reason: action.reason_code.as_deref().map(parse::<ReasonCode>).transpose()?,
    })
}

/// Removes a decision with all that belongs to it; what keeps a promise is kept.
pub(super) fn remove_decision(session: &mut Session<'_>, key: &AddressKey, decision: i64) -> Result<(), StoreError> {
    for written in kept::written(session.connection, decision)? {
        session.tally.add_removed(counted_as(&written)?);
        kept::keep(session.connection, key, &written)?;
    }
    forget_decision(session.connection, decision)
}

/// The same without a look at what is kept.
pub(super) fn forget_decision(connection: &Connection, decision: i64) -> Result<(), StoreError> {
    for remove in REMOVE {
        connection.prepare_cached(remove)?.execute(params![decision])?;
    }
    Ok(())
}
