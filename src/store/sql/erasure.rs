//! Erasing a person: their threads' decisions go as old ones do, their rows lose all that tells who they are.

use super::{
    SqlStore,
    addresses::AddressKey,
    codec::{from_json, to_json},
    connection::{Connection, params},
    kept,
    retention::{counted_as, decisions_of, forget_decision, lock_thread},
    session::Session,
};
use crate::{
    model::{ActionId, ActionState, ReasonCode, ThreadRow, address_of},
    store::{Change, ChangeKind, Erased, ErasureStore, StoreError},
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// So many decisions of a thread are removed at once.
const AT_ONCE: u32 = 1_000;

/// Threads in which a lead was decided about.
pub(super) const DECIDED: &str = "SELECT DISTINCT d.thread, w.name FROM decisions d INDEXED BY decisions_lead
     CROSS JOIN workspaces w ON w.id = d.workspace WHERE d.lead_email = ?1";
/// Threads whose rows may name an address. This reads every thread: nothing else asks for it.
const NAMING: &str =
    "SELECT t.id, w.name, t.row, t.pending_row FROM threads t CROSS JOIN workspaces w ON w.id = t.workspace
     WHERE lower(coalesce(t.row, '')) LIKE ?1 ESCAPE '!' OR lower(coalesce(t.pending_row, '')) LIKE ?1 ESCAPE '!'";

/// A thread of the person.
struct Theirs {
    thread: i64,
    workspace: String,
}

#[async_trait]
impl ErasureStore for SqlStore {
    async fn erase(&self, address: &str, workspaces: Option<&[String]>, now: Timestamp) -> Result<Erased, StoreError> {
        let address = address.to_lowercase();
        let (key, workspaces) = (self.address_key.clone(), workspaces.map(<[String]>::to_vec));
        let asked = address.clone();
        let mut theirs = self.read(move |connection| threads_of(connection, &asked)).await?;
        let wanted = workspaces.clone();
        theirs.retain(|one| wanted.as_ref().is_none_or(|names| names.contains(&one.workspace)));
        let erased = self.write(move |session| {
            let mut erased = Erased::default();
            let mut names: BTreeSet<String> = BTreeSet::new();
            for one in &theirs {
                names.insert(one.workspace.clone());
                erase_thread(session, &key, one, now, &mut erased)?;
            }
            hide_opt_outs(session, &key, &address, workspaces.as_deref(), &mut names, &mut erased)?;
            if workspaces.is_none() {
                erased.audit = erase_audit(session.connection, &address)?;
            }
            erased.workspaces = names.into_iter().collect();
            Ok(erased)
        });
        let erased = erased.await?;
        self.empty_log().await?;
        Ok(erased)
    }
}

impl SqlStore {
    /// What was overwritten in the file is in its log still, until the log is emptied.
    async fn empty_log(&self) -> Result<(), StoreError> {
        let Some(writer) = &self.writer else { return Ok(()) };
        writer
            .read(|connection| match connection {
                Connection::Sqlite(connection) => {
                    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
                }
                // What a server has deleted goes with its next vacuum.
                Connection::Postgres(_) => Ok(()),
            })
            .await
    }
}

fn threads_of(connection: &Connection, address: &str) -> Result<Vec<Theirs>, StoreError> {
    let mut found: BTreeMap<i64, String> =
        connection.prepare_cached(DECIDED)?.query_all(params![address], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let escaped = address.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    let mut query = connection.prepare_cached(NAMING)?;
    let mut rows = query.query(params![format!("%{escaped}%")])?;
    while let Some(row) = rows.next()? {
        let is_theirs = |text: Option<&str>| -> Result<bool, StoreError> {
            let Some(text) = text else { return Ok(false) };
            let row: ThreadRow = from_json(text)?;
            Ok(row.lead_email.as_deref().and_then(address_of).as_deref() == Some(address))
        };
        if is_theirs(row.optional_text(2)?)? || is_theirs(row.optional_text(3)?)? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found.into_iter().map(|(thread, workspace)| Theirs { thread, workspace }).collect())
}

fn erase_thread(
    session: &mut Session<'_>,
    key: &AddressKey,
    Theirs { thread, workspace }: &Theirs,
    now: Timestamp,
    erased: &mut Erased,
) -> Result<(), StoreError> {
    lock_thread(session, *thread)?;
    let connection = session.connection;
    let (thread_id, row): (String, Option<String>) = connection
        .prepare_cached("SELECT thread_id, row FROM threads WHERE id = ?")?
        .query_row(params![thread], |row| Ok((row.get(0)?, row.get(1)?)))?;
    erased.threads += 1;
    loop {
        let decisions = decisions_of(connection, *thread, AT_ONCE)?;
        if decisions.is_empty() {
            break;
        }
        for decision in decisions {
            erased.decisions += 1;
            erased.cancelled += erase_decision(session, key, decision, (workspace, &thread_id), now)?;
        }
    }
    // A message that came and was not looked at comes again with the next poll, as any new one does.
    let without_person = |text: Option<String>| -> Result<Option<String>, StoreError> {
        text.map(|text| to_json(&from_json::<ThreadRow>(&text)?.erased())).transpose()
    };
    let row = without_person(row)?;
    connection
        .prepare_cached(
            "UPDATE threads SET row = ?2, pending_row = NULL, pending_since = NULL, pending_due = NULL, pending_failures = 0
             WHERE id = ?1",
        )?
        .execute(params![thread, row])?;
    connection
        .prepare_cached("DELETE FROM campaign_steps WHERE workspace = ?1 AND thread_id = ?2")?
        .execute(params![workspace, thread_id])?;
    Ok(())
}

/// Removes a decision; what had not left is cancelled first. How many those were comes back.
fn erase_decision(
    session: &mut Session<'_>,
    key: &AddressKey,
    decision: i64,
    (workspace, thread_id): (&str, &str),
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut cancelled = 0;
    for action in kept::written(session.connection, decision)? {
        let before = counted_as(&action)?;
        if !ActionState::OPEN.contains(&before.state) {
            session.tally.add_removed(before);
            kept::keep(session.connection, key, &action)?;
            continue;
        }
        cancelled += 1;
        let after =
            super::counts::CountedAs { state: ActionState::Cancelled, reason: Some(ReasonCode::Forgotten), ..before };
        session.tally.change_action(before, after);
        session.tally.add_removed(after);
        let rule = session
            .connection
            .prepare_cached("SELECT name FROM names WHERE id = ?")?
            .query_row(params![action.rule], |row| row.get(0))?;
        session.changes.push(Change {
            seq: 0,
            at: now,
            workspace: workspace.to_owned(),
            thread_id: thread_id.to_owned(),
            decision_id: action.decision.clone(),
            what: ChangeKind::Action {
                id: ActionId(action.uid.clone()),
                rule,
                kind: before.kind,
                state: ActionState::Cancelled,
                reason: Some(ReasonCode::Forgotten.as_str().to_owned()),
            },
        });
    }
    // What operators noted of the decision and its actions names nobody: its ids lead nowhere now.
    forget_decision(session.connection, decision)?;
    Ok(cancelled)
}

/// Opt-outs of the address become such of its hash.
fn hide_opt_outs(
    session: &Session<'_>,
    key: &AddressKey,
    address: &str,
    workspaces: Option<&[String]>,
    names: &mut BTreeSet<String>,
    erased: &mut Erased,
) -> Result<(), StoreError> {
    let Some(hidden) = key.hidden(session.connection, address)? else { return Ok(()) };
    let mut query = session.connection.prepare_cached("SELECT workspace FROM opt_outs WHERE email = ?")?;
    let mut found: Vec<String> = query.query_all(params![address], |row| row.get(0))?;
    found.retain(|name| workspaces.is_none_or(|names| names.contains(name)));
    for name in found {
        session
            .connection
            .prepare_cached(
                "INSERT INTO opt_outs (workspace, email, since, evidence)
                 SELECT workspace, ?3, since, 'erased' FROM opt_outs WHERE workspace = ?1 AND email = ?2
                 ON CONFLICT (workspace, email) DO NOTHING",
            )?
            .execute(params![name, address, hidden])?;
        session
            .connection
            .prepare_cached("DELETE FROM opt_outs WHERE workspace = ?1 AND email = ?2")?
            .execute(params![name, address])?;
        erased.opt_outs += 1;
        names.insert(name);
    }
    Ok(())
}

/// Lines of the audit log stay, without the address.
fn erase_audit(connection: &Connection, address: &str) -> Result<u64, StoreError> {
    let escaped = address.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    let changed = connection
        .prepare_cached(
            "UPDATE audit SET target = CASE WHEN lower(target) LIKE ?1 ESCAPE '!' THEN 'erased' ELSE target END,
               details = CASE WHEN lower(details) LIKE ?1 ESCAPE '!' THEN '{}' ELSE details END
             WHERE lower(coalesce(target, '')) LIKE ?1 ESCAPE '!' OR lower(details) LIKE ?1 ESCAPE '!'",
        )?
        .execute(params![format!("%{escaped}%")])?;
    Ok(changed as u64)
}
