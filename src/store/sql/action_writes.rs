//! Changes of actions: each is refused if somebody else changed the action first.

use super::{
    action_rows::{IdValues, KEY_OF_ID, action_id, change, claim, counted_as, due_at, payload_body},
    addresses::AddressKey,
    attempts,
    codec::{OwnedUid, Uid, list_to_json, micros, parse, to_json},
    connection::params,
    controls::opt_out_forms,
    facts::find_foreign_use,
    kept,
    session::Session,
};
use crate::{
    model::{Action, ActionKind, ActionState, OptOutScope, ReasonCode},
    store::{AtIntent, Change, ChangeKind, IntentResult, StoreError},
};
use jiff::Timestamp;
use std::sync::LazyLock;

/// What an update must know of the row that it changes. The payload seldom changes: a person edited it.
pub(super) static BEFORE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT a.id, a.workspace, a.thread, a.rule, a.state, a.reason_code, d.at FROM actions a
         CROSS JOIN decisions d ON d.id = a.id >> 16 WHERE a.id = {KEY_OF_ID} AND a.version = ?4"
    )
});

static LOCK: LazyLock<String> = LazyLock::new(|| format!("{} FOR UPDATE OF a", *BEFORE));
static CLAIM: LazyLock<String> = LazyLock::new(|| format!("{} FOR UPDATE OF a SKIP LOCKED", *BEFORE));

pub(super) const UPDATE: &str =
    "UPDATE actions SET claim = ?, state = ?, reason_code = ?, reason_text = ?, urgency = ?,
     due_at = ?, sent_at = ?, updated_at = ?, message_at = ?, approved = ?, outgoing_before = ?, attempts = ?,
     version = version + 1 WHERE id = ?";

/// An action of the thread that waits for the message's other actions becomes due.
pub(super) static WAKE_WAITING: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE actions INDEXED BY actions_thread SET due_at = ?1 WHERE thread = ?2 AND state = '{}' AND reason_code = '{}'
         AND EXISTS (SELECT 1 FROM decisions d WHERE d.id = actions.id >> 16
           AND (d.message_id = ?3 OR d.message_id IS NULL AND d.uid = ?4))",
        ActionState::Waiting.as_str(),
        ReasonCode::OtherActions.as_str(),
    )
});

/// Whether a changed action is there still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    There,
    Gone,
}

impl Written {
    /// What whoever changed the action hears, once it is on disk.
    pub(super) fn into_result(self, action: &Action) -> Result<(), StoreError> {
        match self {
            Self::There => Ok(()),
            Self::Gone => Err(StoreError::Changed(action.id.clone())),
        }
    }
}

/// A changed action as it is written.
pub(super) struct ActionUpdate {
    action: Action,
    body: Option<Vec<u8>>,
}

impl ActionUpdate {
    pub(super) fn new(action: &Action) -> Self {
        Self { action: action.clone(), body: None }
    }

    /// With what is sent.
    pub(super) fn edited(action: &Action) -> Result<Self, StoreError> {
        Ok(Self { action: action.clone(), body: Some(payload_body(action)?) })
    }

    /// What is read of a row that other processes may want. An intent takes a free one alone; everybody else waits their
    /// turn.
    fn lock(&self) -> &'static str {
        if self.action.state == ActionState::InFlight { &CLAIM } else { &LOCK }
    }

    /// Writes it if the stored version is still `version`; wakes what waits for it. Of an action whose lead was erased while
    /// it was on its way, only what became of it is written: then it is gone.
    pub(super) fn write(&self, session: &mut Session<'_>) -> Result<Written, StoreError> {
        let action = &self.action;
        let id = IdValues::new(&action.id.0);
        let before = session.connection.prepare_cached(session.connection.pick(&BEFORE, self.lock()))?.query_optional(
            params![id.id, id.decision(), id.place, action.version],
            |row| {
                let (state, reason): (String, Option<String>) = (row.get(4)?, row.get(5)?);
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, state, reason, row.get(6)?))
            },
        )?;
        let Some((id, workspace, thread, rule, state, reason, at)) = before else {
            let is_outcome = action.state != ActionState::InFlight;
            if is_outcome && kept::record_outcome(session, action)? {
                return Ok(Written::Gone);
            }
            return Err(StoreError::Changed(action.id.clone()));
        };
        let (id, workspace, thread, rule, at): (i64, i64, i64, i64, i64) = (id, workspace, thread, rule, at);
        let mut update = session.connection.prepare_cached(UPDATE)?;
        update.execute(params![
            claim(action),
            action.state.as_str(),
            action.reason.as_ref().map(|reason| reason.code.as_str()),
            action.reason.as_ref().map(|reason| &reason.text).filter(|text| !text.is_empty()),
            action.urgency(),
            due_at(action),
            action.sent_at.map(micros),
            micros(action.updated_at),
            action.message_at.map(micros),
            action.approved,
            list_to_json(&action.outgoing_before)?,
            attempts::to_text(&action.attempts, at)?,
            id,
        ])?;
        if let Some(body) = &self.body {
            let mut update = session.connection.prepare_cached("UPDATE action_payloads SET body = ?2 WHERE id = ?1")?;
            update.execute(params![id, body])?;
        }
        let now = counted_as(action, at, workspace, rule);
        let before = super::counts::CountedAs {
            state: parse(&state)?,
            reason: reason.as_deref().map(parse::<ReasonCode>).transpose()?,
            ..now
        };
        if now != before {
            session.tally.change_action(before, now);
            session.changes.push(change(action));
        }
        if action.state.is_settled() && action.kind != ActionKind::MarkRead {
            let mut wake = session.connection.prepare_cached(&WAKE_WAITING)?;
            wake.execute(params![micros(action.updated_at), thread, action.message_id, Uid(&action.decision_id)])?;
        }
        Ok(Written::There)
    }

    /// Writes it as it is about to leave, unless a pause or the lead's opt-out forbids it.
    pub(super) fn write_intent(
        &self,
        session: &mut Session<'_>,
        key: &AddressKey,
        opt_outs: OptOutScope,
    ) -> Result<IntentResult, StoreError> {
        let action = &self.action;
        session.fence(&action.workspace)?;
        let lead = action.lead_email.as_deref().filter(|_| action.kind == ActionKind::Reply).map(str::to_lowercase);
        let lead = lead.map(|lead| opt_out_forms(session.connection, key, &lead)).transpose()?;
        let (is_paused, evidence, is_in_line) = session
            .connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM pauses WHERE workspace IN ('', ?1)),
                   (SELECT evidence FROM opt_outs INDEXED BY opt_outs_email
                     WHERE email IN (SELECT value FROM json_each(?2)) AND (?4 OR workspace = ?1) ORDER BY since LIMIT 1),
                   EXISTS (SELECT 1 FROM threads WHERE thread_id = ?3 AND pending_row IS NOT NULL
                     AND workspace = (SELECT id FROM workspaces WHERE name = ?1))",
            )?
            .query_row(params![action.workspace, lead, action.thread_id, opt_outs == OptOutScope::Shared], |row| {
                Ok((row.get(0)?, row.get::<Option<String>>(1)?, row.get(2)?))
            })?;
        if is_paused {
            return Ok(IntentResult::Paused);
        }
        if let Some(evidence) = evidence {
            return Ok(IntentResult::OptedOut(evidence));
        }
        let foreign_use = find_foreign_use(session.connection, &action.workspace)?;
        self.write(session)?;
        session.intents += 1;
        Ok(IntentResult::Written(AtIntent { foreign_use, is_in_line }))
    }
}

/// Makes due what only a resumption ends, in one workspace or in all, and tells those who follow each of its workspaces.
pub(super) fn wake(session: &mut Session<'_>, workspace: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
    let number = workspace.map(|name| session.workspace(name)).transpose()?;
    let states = to_json(&[ActionState::Waiting, ActionState::Retrying].map(ActionState::as_str))?;
    let reasons = to_json(&[ReasonCode::Paused, ReasonCode::Unauthorized].map(ReasonCode::as_str))?;
    let mut query = session.connection.prepare_cached(
        "SELECT DISTINCT w.name FROM actions a INDEXED BY actions_state JOIN workspaces w ON w.id = a.workspace
         WHERE a.state IN (SELECT value FROM json_each(?1)) AND a.reason_code IN (SELECT value FROM json_each(?2))
         AND (?3 IS NULL OR a.workspace = ?3)",
    )?;
    let woken: Vec<String> = query.query_all(params![states, reasons, number], |row| row.get(0))?;
    let mut update = session.connection.prepare_cached(
        "UPDATE actions INDEXED BY actions_state SET due_at = ?4 WHERE state IN (SELECT value FROM json_each(?1))
         AND reason_code IN (SELECT value FROM json_each(?2)) AND (?3 IS NULL OR workspace = ?3)",
    )?;
    update.execute(params![states, reasons, number, micros(now)])?;
    let told = |workspace| Change {
        seq: 0,
        at: now,
        workspace,
        thread_id: String::new(),
        decision_id: String::new(),
        what: ChangeKind::Resumed,
    };
    woken.into_iter().for_each(|workspace| session.changes.push(told(workspace)));
    Ok(())
}

/// The ids of actions that are held for a reason.
pub(super) fn held_for(
    session: &Session<'_>,
    workspace: Option<i64>,
    reason: ReasonCode,
) -> Result<Vec<String>, StoreError> {
    let mut query = session.connection.prepare_cached(
        "SELECT a.uid, d.uid, a.id FROM actions a INDEXED BY actions_state CROSS JOIN decisions d ON d.id = a.id >> 16
         WHERE a.state = ?1 AND a.reason_code = ?2 AND (?3 IS NULL OR a.workspace = ?3)",
    )?;
    query.query_all(params![ActionState::Held.as_str(), reason.as_str(), workspace], |row| {
        Ok(action_id(row.get(0)?, &row.get::<OwnedUid>(1)?.0, row.get(2)?)?.0)
    })
}
