//! Erasing a person: their threads' decisions go as old ones do, their rows lose all that tells who they are.
//!
//! A thread is found by the hash of its lead, which it keeps until nothing is left in it: whoever is interrupted finds the
//! rest. Its row goes first, so that nothing that is being evaluated is recorded behind it.

use super::{
    SqlStore,
    addresses::AddressKey,
    codec::from_json,
    connection::{Connection, params},
    erasures_begun::Begun,
    kept,
    known_rows::{known_json, known_row},
    retention::{counted_as, decisions_of, forget_decision, lock_thread},
    session::Session,
};
use crate::{
    model::{ActionState, ReasonCode, ThreadRow, kept_forms, known_by},
    store::{AuditEntry, Change, ChangeKind, Erased, ErasureStore, StoreError, erasure::AfterStep},
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// So many decisions of a thread are removed in a transaction.
const AT_ONCE: u32 = 50;
/// So many threads get their hash in one.
const ROWS_AT_ONCE: u32 = 500;
/// How often the log is tried to be emptied, and the time between.
const TRIES: u32 = 20;
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// Threads in which a lead was decided about.
pub(super) const DECIDED: &str = "SELECT DISTINCT d.thread, w.name FROM decisions d INDEXED BY decisions_lead
     CROSS JOIN workspaces w ON w.id = d.workspace WHERE d.lead_email = ?1";
/// Threads whose rows name a lead, by the hash.
pub(super) const NAMING: &str = "SELECT t.id, w.name, t.row, t.pending_row FROM threads t INDEXED BY threads_lead
     CROSS JOIN workspaces w ON w.id = t.workspace WHERE t.lead = ?1";
/// Threads that have no hash yet: an earlier version has written them.
pub(super) const WITHOUT_HASH: &str = "SELECT id, coalesce(pending_row, row) FROM threads INDEXED BY threads_lead
     WHERE lead IS NULL LIMIT ?1";
/// A thread of the person.
struct Theirs {
    thread: i64,
    workspace: String,
}

#[async_trait]
impl ErasureStore for SqlStore {
    async fn erase_in_steps(
        &self,
        address: &str,
        workspaces: Option<&[String]>,
        asked: Option<AuditEntry>,
        now: Timestamp,
        after_step: AfterStep<'_>,
    ) -> Result<Erased, StoreError> {
        let Some(address) = known_by(address) else { return Ok(Erased::default()) };
        let begun = self.begin_erasure(&address, workspaces, asked, now).await?;
        after_step().await;
        self.carry_out(&begun, &address, workspaces, now, after_step).await
    }

    async fn finish_erasures(&self, now: Timestamp, after_step: AfterStep<'_>) -> Result<Vec<Erased>, StoreError> {
        let mut finished = Vec::new();
        while let Some((begun, left)) = self.take_left_erasure().await? {
            if left.address.is_empty() {
                self.end_erasure(&begun, ("", None), None, now, after_step).await?;
                finished.push(Erased::default());
                continue;
            }
            finished.push(self.carry_out(&begun, &left.address, left.workspaces.as_deref(), now, after_step).await?);
        }
        Ok(finished)
    }
}

impl SqlStore {
    /// The steps of an erasure; after the last one nothing tells any more that it was asked for.
    async fn carry_out(
        &self,
        begun: &Begun,
        address: &str,
        workspaces: Option<&[String]>,
        now: Timestamp,
        after_step: AfterStep<'_>,
    ) -> Result<Erased, StoreError> {
        let mut theirs = self.threads_of(address).await?;
        theirs.retain(|one| workspaces.is_none_or(|names| names.contains(&one.workspace)));
        let mut erased = Erased::default();
        let mut names: BTreeSet<String> = BTreeSet::new();
        for one in theirs {
            names.insert(one.workspace.clone());
            self.erase_thread(one, now, &mut erased, after_step).await?;
        }
        let (key, only, email) = (self.address_key.clone(), workspaces.map(<[String]>::to_vec), address.to_owned());
        let hidden = self.write(move |session| hide_opt_outs(session, &key, &email, only.as_deref())).await?;
        after_step().await;
        erased.opt_outs = hidden.workspaces.len() as u64;
        erased.stands_for = hidden.stands_for;
        names.extend(hidden.workspaces);
        // Lines of the audit log name addresses alone; the form with a dot at its end has the other one in it.
        for form in kept_forms(address).iter().filter(|form| form.contains('@') && !form.ends_with('.')) {
            erased.audit += self.erase_audit(form, workspaces).await?;
        }
        after_step().await;
        erased.workspaces = names.into_iter().collect();
        self.end_erasure(begun, (address, workspaces), Some(&erased), now, after_step).await?;
        Ok(erased)
    }

    async fn threads_of(&self, address: &str) -> Result<Vec<Theirs>, StoreError> {
        loop {
            let key = self.address_key.clone();
            if self.write(move |session| hash_threads(session.connection, &key)).await? < ROWS_AT_ONCE {
                break;
            }
        }
        let (key, address) = (self.address_key.clone(), address.to_owned());
        self.read(move |connection| threads_of(connection, &key, &address)).await
    }

    async fn erase_thread(
        &self,
        Theirs { thread, workspace }: Theirs,
        now: Timestamp,
        erased: &mut Erased,
        after_step: AfterStep<'_>,
    ) -> Result<(), StoreError> {
        let name = workspace.clone();
        let (thread_id, was_undecided) = self.write(move |session| erase_row(session, thread, &name, now)).await?;
        after_step().await;
        erased.threads += 1;
        erased.undecided += u64::from(was_undecided);
        loop {
            let (key, place) = (self.address_key.clone(), (workspace.clone(), thread_id.clone()));
            let step = self.write(move |session| erase_decisions(session, &key, thread, &place, now)).await?;
            erased.decisions += step.decisions;
            erased.cancelled += step.cancelled;
            erased.unconfirmed += step.unconfirmed;
            after_step().await;
            if step.is_last {
                break;
            }
        }
        erased.thread_ids.push((workspace, thread_id));
        Ok(())
    }

    /// What was overwritten in the file is in its log still, until the log is emptied. Whoever reads an older state of the
    /// store meanwhile is waited for.
    pub(super) async fn empty_log(&self) -> Result<(), StoreError> {
        let Some(writer) = &self.writer else { return Ok(()) };
        for _ in 0..TRIES {
            let is_busy = writer.read(|connection| match connection {
                Connection::Sqlite(connection) => {
                    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))?)
                }
                // What a server has deleted goes with its next vacuum.
                Connection::Postgres(_) => Ok(false),
            });
            if !is_busy.await? {
                return Ok(());
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
        Err(StoreError::Database(
            "all of it is erased, but somebody reads an older state of the store: try again once they have ended"
                .to_owned(),
        ))
    }
}

/// Gives threads without a hash theirs; how many those were.
fn hash_threads(connection: &Connection, key: &AddressKey) -> Result<u32, StoreError> {
    let rows: Vec<(i64, Option<String>)> = connection
        .prepare_cached(WITHOUT_HASH)?
        .query_all(params![ROWS_AT_ONCE], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let mut update = connection.prepare_cached("UPDATE threads SET lead = ?2 WHERE id = ?1")?;
    for (thread, row) in rows {
        let row: Option<ThreadRow> = row.as_deref().map(from_json).transpose()?;
        let lead = key.of_thread(connection, row.and_then(|row| row.lead_email).as_deref())?;
        update.execute(params![thread, lead])?;
    }
    Ok(count)
}

fn threads_of(connection: &Connection, key: &AddressKey, address: &str) -> Result<Vec<Theirs>, StoreError> {
    let forms = kept_forms(address);
    let mut found: BTreeMap<i64, String> = BTreeMap::new();
    for form in &forms {
        let form: &str = form;
        found.extend(
            connection
                .prepare_cached(DECIDED)?
                .query_all::<(i64, String), Vec<_>>(params![form], |row| Ok((row.get(0)?, row.get(1)?)))?,
        );
        let mut query = connection.prepare_cached(NAMING)?;
        let mut rows = query.query(params![key.number_of(connection, Some(form))?])?;
        while let Some(row) = rows.next()? {
            let is_theirs = |text: Option<&str>| {
                let Some(text) = text else { return Ok(false) };
                let row: ThreadRow = from_json(text)?;
                let lead = row.lead_email.as_deref().and_then(known_by);
                // One that was erased and kept its hash was not finished.
                Ok::<_, StoreError>(row.is_erased() || lead.is_some_and(|lead| forms.contains(&lead.into())))
            };
            if is_theirs(row.optional_text(2)?)? || is_theirs(row.optional_text(3)?)? {
                found.insert(row.get(0)?, row.get(1)?);
            }
        }
    }
    Ok(found.into_iter().map(|(thread, workspace)| Theirs { thread, workspace }).collect())
}

/// Erases a thread's row: what had come and was not decided on is old mail from now on. The thread's id comes back, and
/// whether there was such.
fn erase_row(
    session: &mut Session<'_>,
    thread: i64,
    workspace: &str,
    now: Timestamp,
) -> Result<(String, bool), StoreError> {
    lock_thread(session, thread)?;
    let connection = session.connection;
    let (thread_id, row, pending): (String, Option<String>, Option<String>) = connection
        .prepare_cached("SELECT thread_id, row, pending_row FROM threads WHERE id = ?")?
        .query_row(params![thread], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let was_undecided = pending.is_some();
    let without_person = |text: String| known_json(&known_row(&thread_id, &text)?.erased());
    let row = pending.or(row).map(without_person).transpose()?;
    connection
        .prepare_cached(
            "UPDATE threads SET row = ?2, pending_row = NULL, pending_since = NULL, pending_due = NULL, pending_failures = 0
             WHERE id = ?1",
        )?
        .execute(params![thread, row])?;
    connection
        .prepare_cached("DELETE FROM campaign_steps WHERE workspace = ?1 AND thread_id = ?2")?
        .execute(params![workspace, thread_id])?;
    // Whoever runs the workspace forgets what is in its memory.
    session.changes.push(Change {
        seq: 0,
        at: now,
        workspace: workspace.to_owned(),
        thread_id: thread_id.clone(),
        decision_id: String::new(),
        what: ChangeKind::Forgotten,
    });
    Ok((thread_id, was_undecided))
}

/// What a transaction has removed of a thread.
#[derive(Default)]
struct Step {
    decisions: u64,
    cancelled: u64,
    unconfirmed: u64,
    is_last: bool,
}

/// Removes the newest decisions of a thread; after the last one, the thread loses its hash.
fn erase_decisions(
    session: &mut Session<'_>,
    key: &AddressKey,
    thread: i64,
    place: &(String, String),
    now: Timestamp,
) -> Result<Step, StoreError> {
    lock_thread(session, thread)?;
    let decisions = decisions_of(session.connection, thread, AT_ONCE)?;
    let mut step = Step { is_last: decisions.len() < AT_ONCE as usize, ..Step::default() };
    for decision in decisions {
        step.decisions += 1;
        erase_decision(session, key, decision, place, now, &mut step)?;
    }
    if step.is_last {
        // Whoever has written again meanwhile is there again.
        session
            .connection
            .prepare_cached("UPDATE threads SET lead = 0 WHERE id = ?1 AND pending_row IS NULL")?
            .execute(params![thread])?;
    }
    Ok(step)
}

/// Removes a decision. What had not left is cancelled; what may have left keeps its place, so that nobody repeats it.
fn erase_decision(
    session: &mut Session<'_>,
    key: &AddressKey,
    decision: i64,
    (workspace, thread_id): &(String, String),
    now: Timestamp,
    step: &mut Step,
) -> Result<(), StoreError> {
    lock_actions(session, decision)?;
    for action in kept::written(session.connection, decision)? {
        let before = counted_as(&action)?;
        if !ActionState::OPEN.contains(&before.state) {
            let is_open =
                matches!(before.state, ActionState::InFlight | ActionState::Unknown | ActionState::Quarantined);
            step.unconfirmed += u64::from(is_open);
            // Its reason is not kept, and what becomes of it is counted from what is.
            let kept = super::counts::CountedAs { reason: before.reason.filter(|_| !is_open), ..before };
            session.tally.change_action(before, kept);
            session.tally.add_removed(kept);
            kept::keep(session.connection, key, &action)?;
            continue;
        }
        step.cancelled += 1;
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
                id: action.id.clone(),
                rule,
                kind: before.kind,
                state: ActionState::Cancelled,
                reason: Some(ReasonCode::Forgotten.as_str().to_owned()),
            },
        });
    }
    // What operators noted of the decision and its actions names nobody: its ids lead nowhere now.
    forget_decision(session.connection, decision)
}

/// Nobody else changes the decision's actions until the transaction ends: what is read is what goes.
fn lock_actions(session: &Session<'_>, decision: i64) -> Result<(), StoreError> {
    if let Connection::Postgres(_) = session.connection {
        let lock = "SELECT id FROM actions WHERE id >= ?1 << 16 AND id < (?1 + 1) << 16 ORDER BY id FOR UPDATE";
        session.connection.prepare_cached(lock)?.query_all::<i64, Vec<_>>(params![decision], |row| row.get(0))?;
    }
    Ok(())
}

/// Opt-outs that hold on without the address.
struct HiddenOptOuts {
    stands_for: Option<String>,
    workspaces: Vec<String>,
}

/// Opt-outs of the address, in whatever form, become such of its hash.
fn hide_opt_outs(
    session: &Session<'_>,
    key: &AddressKey,
    address: &str,
    workspaces: Option<&[String]>,
) -> Result<HiddenOptOuts, StoreError> {
    let stands_for = key.hidden(session.connection, address)?;
    let Some(hidden) = &stands_for else { return Ok(HiddenOptOuts { stands_for, workspaces: Vec::new() }) };
    let mut changed = Vec::new();
    // What has no `@` is no opt-out's address; it may be such a hash.
    for form in kept_forms(address).iter().filter(|form| form.contains('@')) {
        let form: &str = form;
        let mut query = session.connection.prepare_cached("SELECT workspace FROM opt_outs WHERE email = ?")?;
        let mut found: Vec<String> = query.query_all(params![form], |row| row.get(0))?;
        found.retain(|name| workspaces.is_none_or(|names| names.contains(name)));
        for name in &found {
            session
                .connection
                .prepare_cached(
                    "INSERT INTO opt_outs (workspace, email, since, evidence)
                     SELECT workspace, ?3, since, 'erased' FROM opt_outs WHERE workspace = ?1 AND email = ?2
                     ON CONFLICT (workspace, email) DO NOTHING",
                )?
                .execute(params![name, form, hidden])?;
            session
                .connection
                .prepare_cached("DELETE FROM opt_outs WHERE workspace = ?1 AND email = ?2")?
                .execute(params![name, form])?;
        }
        changed.extend(found);
    }
    Ok(HiddenOptOuts { stands_for, workspaces: changed })
}
