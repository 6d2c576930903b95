//! What is left of an action when its decision is removed: a narrow row that has no text and no address.
//!
//! It holds the action's claim on its message, and what `repeat`, limits, caps and the guard ask for. The lead is a keyed
//! hash, a reply's text its fingerprint, by which the reply is still known among the messages of its thread.

use super::{
    SqlStore,
    action_rows::{action_id, claim, payload},
    addresses::AddressKey,
    attempts,
    codec::{OwnedUid, list_from_json, list_to_json, micros, optional_timestamp, parse, timestamp},
    connection::{Connection, params},
    counts::CountedAs,
    session::Session,
};
use crate::{
    model::{Action, ActionId, ActionKind, ActionState, Payload, Repeat, Timing},
    store::StoreError,
    text::fingerprint,
};
use std::time::Duration;

/// So many kept replies of a thread are read.
const MAX_REPLIES: u32 = 1_000;

/// A decision's actions as they stand.
pub(super) const WRITTEN: &str = "SELECT a.workspace, a.thread, a.claim, a.rule, a.kind, a.target, a.state, a.reason_code,
       a.sent_at, a.outgoing_before, a.attempts, d.message_id, d.lead_email, d.at,
       CASE a.kind WHEN 'reply' THEN (SELECT body FROM action_payloads p WHERE p.id = a.id) END,
       a.uid, d.uid, a.id
     FROM decisions d CROSS JOIN actions a ON a.id >= d.id << 16 AND a.id < (d.id + 1) << 16 WHERE d.id = ?1 ORDER BY a.id";

/// The kept replies of a thread, newest first.
pub(super) const REPLIES: &str =
    "SELECT k.id, (SELECT name FROM names WHERE id = k.rule), k.state, k.message_id, k.words,
       k.at, k.sent_at, k.outgoing_before, k.attempts
     FROM kept_actions k WHERE k.thread = (SELECT id FROM threads WHERE thread_id = ?2
       AND workspace = (SELECT id FROM workspaces WHERE name = ?1)) AND k.kind = 'reply' ORDER BY k.at DESC LIMIT ?3";

/// An action as it stands in the database.
pub(super) struct Written {
    pub(super) workspace: i64,
    thread: i64,
    claim: Option<i64>,
    pub(super) rule: i64,
    pub(super) kind: String,
    target: Option<String>,
    pub(super) state: String,
    pub(super) reason_code: Option<String>,
    sent_at: Option<i64>,
    outgoing_before: Option<String>,
    attempts: Option<String>,
    message_id: Option<String>,
    lead_email: Option<String>,
    pub(super) at: i64,
    body: Option<Vec<u8>>,
    pub(super) id: ActionId,
    pub(super) decision: String,
}

/// The actions of a decision.
pub(super) fn written(connection: &Connection, decision: i64) -> Result<Vec<Written>, StoreError> {
    connection.prepare_cached(WRITTEN)?.query_all(params![decision], |row| {
        let decision = row.get::<OwnedUid>(16)?.0;
        Ok(Written {
            workspace: row.get(0)?,
            thread: row.get(1)?,
            claim: row.get(2)?,
            rule: row.get(3)?,
            kind: row.get(4)?,
            target: row.get(5)?,
            state: row.get(6)?,
            reason_code: row.get(7)?,
            sent_at: row.get(8)?,
            outgoing_before: row.get(9)?,
            attempts: row.get(10)?,
            message_id: row.get(11)?,
            lead_email: row.get(12)?,
            at: row.get(13)?,
            body: row.get(14)?,
            id: action_id(row.get(15)?, &decision, row.get(17)?)?,
            decision,
        })
    })
}

/// Keeps what is left of an action that has a claim. One without surely did nothing, and nothing is left of it.
pub(super) fn keep(connection: &Connection, key: &AddressKey, action: &Written) -> Result<(), StoreError> {
    let Some(claim) = action.claim else { return Ok(()) };
    let lead = key.hash_of(connection, action.lead_email.as_deref())?;
    let words = match action.body.as_deref().map(payload).transpose()? {
        Some(Payload::Reply { text, html, .. }) => text.or(html).as_deref().map(fingerprint),
        _ => None,
    };
    let mut insert = connection.prepare_cached(
        "INSERT INTO kept_actions (workspace, thread, claim, rule, kind, target, state, message_id, lead, words, at, sent_at,
         outgoing_before, attempts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (thread, claim) DO NOTHING",
    )?;
    let Written { workspace, thread, rule, kind, target, state, message_id, at, sent_at, .. } = action;
    let values = params![
        workspace,
        thread,
        claim,
        rule,
        kind,
        target,
        state,
        message_id,
        lead,
        words,
        at,
        sent_at,
        action.outgoing_before,
        action.attempts,
    ];
    insert.execute(values).map(drop)
}

/// An action that was on its way, or not confirmed, when its lead was erased.
pub(super) const ON_ITS_WAY: &str = "SELECT k.id, k.workspace, k.rule, k.state, k.at FROM kept_actions k
     WHERE k.thread = (SELECT id FROM threads WHERE thread_id = ?2
       AND workspace = (SELECT id FROM workspaces WHERE name = ?1))
     AND k.claim = ?3 AND k.state IN ('in_flight', 'unknown')";

/// Writes what became of an action whose lead was erased while it was on its way: its state and its tries, without a text.
/// Whether it is one. What surely did not leave never will, and nothing is kept of it.
pub(super) fn record_outcome(session: &mut Session<'_>, action: &Action) -> Result<bool, StoreError> {
    let on_its_way = Action { state: ActionState::InFlight, ..action.clone() };
    let connection = session.connection;
    let found = connection.prepare_cached(ON_ITS_WAY)?.query_optional(
        params![action.workspace, action.thread_id, claim(&on_its_way)],
        |row| {
            let of = CountedAs {
                at: row.get(4)?,
                rule: row.get(2)?,
                workspace: row.get(1)?,
                kind: action.kind,
                state: parse(row.text(3)?)?,
                reason: None,
            };
            Ok((row.get::<i64>(0)?, of))
        },
    )?;
    let Some((id, before)) = found else { return Ok(false) };
    let may_have_left = action.state.counts_toward_limits() && !ActionState::OPEN.contains(&action.state);
    let state = match action.state {
        state if ActionState::OPEN.contains(&state) => ActionState::Cancelled,
        state => state,
    };
    if may_have_left {
        let mut update = connection.prepare_cached(
            "UPDATE kept_actions SET state = ?2, sent_at = ?3, attempts = ?4, outgoing_before = ?5 WHERE id = ?1",
        )?;
        let (attempts, outgoing) =
            (attempts::to_text(&action.attempts, before.at)?, list_to_json(&action.outgoing_before)?);
        update.execute(params![id, state.as_str(), action.sent_at.map(micros), attempts, outgoing])?;
    } else {
        connection.prepare_cached("DELETE FROM kept_actions WHERE id = ?1")?.execute(params![id])?;
    }
    session.tally.change_removed(before, CountedAs { state, ..before });
    Ok(true)
}

impl SqlStore {
    /// See [`ActionStore::kept_replies`](crate::store::ActionStore::kept_replies).
    pub(super) async fn read_kept_replies(&self, workspace: &str, thread_id: &str) -> Result<Vec<Action>, StoreError> {
        let (workspace, thread_id) = (workspace.to_owned(), thread_id.to_owned());
        self.look_up(move |connection| {
            let mut query = connection.prepare_cached(REPLIES)?;
            let mut rows = query.query(params![workspace, thread_id, MAX_REPLIES])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let at = row.get(5)?;
                let created_at = timestamp(at)?;
                let mut action = Action {
                    id: kept_id(row.get(0)?),
                    workspace: workspace.clone(),
                    decision_id: String::new(),
                    thread_id: thread_id.clone(),
                    message_id: row.get(3)?,
                    lead_email: None,
                    rule: row.get(1)?,
                    position: 0,
                    kind: ActionKind::Reply,
                    target: None,
                    state: parse(row.text(2)?)?,
                    reason: None,
                    payload: Payload::None,
                    timing: Timing { after: Duration::ZERO, hours: None, repeat: Repeat::OncePerThread, limit: None },
                    any_sender: false,
                    any_auto_reply: false,
                    approved: true,
                    message_at: None,
                    outgoing_before: list_from_json(row.optional_text(7)?)?,
                    attempts: attempts::from_text(row.optional_text(8)?, at)?,
                    due_at: None,
                    sent_at: optional_timestamp(row.get(6)?)?,
                    created_at,
                    updated_at: created_at,
                    version: 0,
                };
                // A try of an earlier version does not say what it sent: it was what the reply said last.
                let words: Option<String> = row.get(4)?;
                if let Some(last) = action.attempts.last_mut().filter(|last| last.body.is_none()) {
                    last.body = words;
                }
                found.push(action);
            }
            Ok(found)
        })
        .await
    }
}

/// The id of an action that is kept: its own is gone.
pub(super) fn kept_id(number: i64) -> ActionId {
    ActionId(format!("kept-{number}"))
}
