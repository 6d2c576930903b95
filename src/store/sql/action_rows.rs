//! An action in the database and as the engine knows it: a narrow row that changes, and what is sent, which stays.

use super::{
    attempts,
    codec::{
        OwnedUid, Uid, list_from_json, list_to_json, micros, optional_timestamp, pack, parse, timestamp, unpack,
        unreadable,
    },
    connection::{Row, params},
    counts::CountedAs,
    session::Session,
};
use crate::{
    model::{Action, ActionId, Payload, Reason, ReasonCode, Timing},
    store::{Change, ChangeKind, Lane, StoreError},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// By how many bits a decision's number is shifted to make room for its actions' places.
pub(super) const PLACE_BITS: u32 = 16;
/// More actions than this no decision has.
const MAX_ACTIONS: usize = 1 << PLACE_BITS;

/// The columns of [`read_action`], of an action `a` with its decision `d`, its thread `t` and its workspace `w`.
pub(super) const COLUMNS: &str = "a.uid, w.name, d.uid, t.thread_id, d.message_id, d.lead_email,
     (SELECT name FROM names WHERE id = a.rule), a.position, a.kind, a.target, a.state, a.reason_code, a.reason_text,
     a.approved, a.message_at, a.outgoing_before, a.attempts, a.due_at, a.sent_at, d.at, a.updated_at, a.version,
     (SELECT body FROM action_payloads p WHERE p.id = a.id), a.id";

/// The tables of [`COLUMNS`]; the condition that follows chooses among the actions `a`, which are looked up first.
pub(super) const TABLES: &str = "CROSS JOIN decisions d ON d.id = a.id >> 16
     CROSS JOIN threads t ON t.id = a.thread CROSS JOIN workspaces w ON w.id = a.workspace";

/// What does not change while an action goes its way.
#[derive(Serialize, Deserialize)]
struct PayloadBody<P = Payload, T = Timing> {
    payload: P,
    timing: T,
    any_sender: bool,
    any_auto_reply: bool,
}

/// An action's key: its decision's number, and its place.
pub(super) fn key(decision: i64, place: usize) -> Result<i64, StoreError> {
    if place >= MAX_ACTIONS {
        return Err(StoreError::Database(format!("a decision has more than {MAX_ACTIONS} actions")));
    }
    Ok((decision << PLACE_BITS) | i64::try_from(place).unwrap_or(i64::MAX))
}

/// The key of the action with an id, for which stand the values of an [`IdValues`]: of one whose id its decision's tells, or
/// of one that has its own.
pub(super) const KEY_OF_ID: &str = "coalesce((SELECT id FROM actions WHERE uid = ?1),
     (SELECT o.id FROM decisions n CROSS JOIN actions o ON o.id = (n.id << 16 | ?3) AND o.uid IS NULL WHERE n.uid = ?2))";

/// What an action is looked up by: its id, and the decision and the place that the id tells.
pub(super) struct IdValues<'a> {
    pub(super) id: Uid<'a>,
    decision: Option<String>,
    pub(super) place: i64,
}

impl<'a> IdValues<'a> {
    pub(super) fn new(id: &'a str) -> Self {
        let (decision, place) = ActionId(id.to_owned()).decision().unzip();
        let place = place.and_then(|place| i64::try_from(place).ok()).unwrap_or_default();
        Self { id: Uid(id), decision, place }
    }

    pub(super) fn decision(&self) -> Option<Uid<'_>> {
        self.decision.as_deref().map(Uid)
    }
}

/// The id of an action as it is read: its own, or else the one that its decision's id and its key tell.
pub(super) fn action_id(own: Option<OwnedUid>, decision: &str, key: i64) -> Result<ActionId, StoreError> {
    let told = || ActionId::of_decision(decision, usize::try_from(key & (MAX_ACTIONS as i64 - 1)).ok()?);
    own.map(|id| ActionId(id.0)).or_else(told).ok_or_else(|| unreadable("an action without an id"))
}

/// The place that a living action has in its thread, as a number.
pub(super) fn claim(action: &Action) -> Option<i64> {
    let place = action.place()?;
    let mut hash = Sha256::new();
    for part in place {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(hash.finalize());
    Some(i64::from_le_bytes([a, b, c, d, e, f, g, h]))
}

/// A new action with all that is computed before it comes to the one thread that writes.
pub(super) struct NewAction {
    pub(super) action: Action,
    body: Vec<u8>,
}

impl NewAction {
    pub(super) fn new(action: Action) -> Result<Self, StoreError> {
        Ok(Self { body: payload_body(&action)?, action })
    }
}

pub(super) fn payload_body(action: &Action) -> Result<Vec<u8>, StoreError> {
    pack(&PayloadBody {
        payload: &action.payload,
        timing: &action.timing,
        any_sender: action.any_sender,
        any_auto_reply: action.any_auto_reply,
    })
}

/// Where a new action belongs.
#[derive(Clone, Copy)]
pub(super) struct Belongs {
    pub(super) key: i64,
    pub(super) workspace: i64,
    pub(super) thread: i64,
    /// When the decision was made, in microseconds.
    pub(super) at: i64,
}

impl Session<'_> {
    /// Writes a new action; `false`, and nothing is written, if a living one has its place, or one that was removed.
    pub(super) fn insert_action(&mut self, new: &NewAction, belongs: Belongs) -> Result<bool, StoreError> {
        let action = &new.action;
        let rule = self.name(&action.rule)?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO actions (id, uid, workspace, thread, claim, rule, position, kind, target, state, reason_code,
             reason_text, lane, urgency, due_at, sent_at, updated_at, message_at, approved, outgoing_before, attempts, version)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22
             WHERE NOT EXISTS (SELECT 1 FROM kept_actions WHERE thread = ?4 AND claim = ?5)
             ON CONFLICT (thread, claim) DO NOTHING",
        )?;
        let inserted = insert.execute(params![
            belongs.key,
            Some(Uid(&action.id.0)).filter(|_| !is_told(action, belongs.key)),
            belongs.workspace,
            belongs.thread,
            claim(action),
            rule,
            action.position,
            action.kind.as_str(),
            action.target,
            action.state.as_str(),
            action.reason.as_ref().map(|reason| reason.code.as_str()),
            action.reason.as_ref().map(|reason| &reason.text).filter(|text| !text.is_empty()),
            Lane::of(action.kind) as u8,
            action.urgency(),
            due_at(action),
            action.sent_at.map(micros),
            micros(action.updated_at),
            action.message_at.map(micros),
            action.approved,
            list_to_json(&action.outgoing_before)?,
            attempts::to_text(&action.attempts, belongs.at)?,
            action.version,
        ])?;
        if inserted == 0 {
            return Ok(false);
        }
        let mut insert = self.connection.prepare_cached("INSERT INTO action_payloads (id, body) VALUES (?, ?)")?;
        insert.execute(params![belongs.key, new.body])?;
        self.tally.add_action(counted_as(action, belongs.at, belongs.workspace, rule));
        self.changes.push(change(action));
        Ok(true)
    }
}

/// Whether the action's decision and its key tell its id.
fn is_told(action: &Action, key: i64) -> bool {
    action_id(None, &action.decision_id, key).is_ok_and(|told| told == action.id)
}

/// When it comes up. What does not come up by itself is never due.
pub(super) fn due_at(action: &Action) -> Option<i64> {
    action.due_at.filter(|_| action.comes_up()).map(micros)
}

/// What an action sends.
pub(super) fn payload(body: &[u8]) -> Result<Payload, StoreError> {
    unpack::<PayloadBody>(body).map(|body| body.payload)
}

pub(super) fn counted_as(action: &Action, at: i64, workspace: i64, rule: i64) -> CountedAs {
    let reason = action.reason.as_ref().map(|reason| reason.code);
    CountedAs { at, rule, workspace, kind: action.kind, state: action.state, reason }
}

/// What those who follow are told of an action as it is now. The commit gives it its number.
pub(super) fn change(action: &Action) -> Change {
    Change {
        seq: 0,
        at: action.updated_at,
        workspace: action.workspace.clone(),
        thread_id: action.thread_id.clone(),
        decision_id: action.decision_id.clone(),
        what: ChangeKind::Action {
            id: action.id.clone(),
            rule: action.rule.clone(),
            kind: action.kind,
            state: action.state,
            reason: action.reason.as_ref().map(|reason| reason.code.as_str().to_owned()),
        },
    }
}

pub(super) fn reason(code: Option<&str>, text: Option<&str>) -> Result<Option<Reason>, StoreError> {
    code.map(|code| Ok(Reason { code: parse::<ReasonCode>(code)?, text: text.unwrap_or_default().to_owned() }))
        .transpose()
}

/// The action of a row with [`COLUMNS`].
pub(super) fn read_action(row: Row<'_>) -> Result<Action, StoreError> {
    let body: PayloadBody = unpack(row.bytes(22)?)?;
    let (decision_id, at) = (row.get::<OwnedUid>(2)?.0, row.get(19)?);
    let time = |column: usize| -> Result<_, StoreError> { optional_timestamp(row.get(column)?) };
    Ok(Action {
        id: action_id(row.get(0)?, &decision_id, row.get(23)?)?,
        workspace: row.get(1)?,
        decision_id,
        thread_id: row.get(3)?,
        message_id: row.get(4)?,
        lead_email: row.get(5)?,
        rule: row.get(6)?,
        position: row.get(7)?,
        kind: parse(row.text(8)?)?,
        target: row.get(9)?,
        state: parse(row.text(10)?)?,
        reason: reason(row.optional_text(11)?, row.optional_text(12)?)?,
        payload: body.payload,
        timing: body.timing,
        any_sender: body.any_sender,
        any_auto_reply: body.any_auto_reply,
        approved: row.get(13)?,
        message_at: time(14)?,
        outgoing_before: list_from_json(row.optional_text(15)?)?,
        attempts: attempts::from_text(row.optional_text(16)?, at)?,
        due_at: time(17)?,
        sent_at: time(18)?,
        created_at: timestamp(at)?,
        updated_at: timestamp(row.get(20)?)?,
        version: row.get(21)?,
    })
}
