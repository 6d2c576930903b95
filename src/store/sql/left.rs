//! Threads that the service is done with although a person still has to look at them.

use super::{
    addresses::AddressKey,
    codec::{Uid, micros, unpack},
    connection::{Connection, params},
    controls::find_opt_out,
    decisions::{DECISION_COLUMNS, read_decision},
    filters::any_of,
    session::Session,
};
use crate::{
    model::{ActionKind, ActionState, OptOutScope, ReasonCode},
    store::{DecisionRecord, DecisionTrace, EventKind, StoreError},
};
use jiff::Timestamp;
use std::sync::LazyLock;

/// What the databases write differently: a decision's id as the audit log writes it, and when the newest message of a row
/// came, in microseconds.
struct Differently {
    uid_text: &'static str,
    row_at: &'static str,
}

const SQLITE: Differently = Differently {
    uid_text: "CASE typeof(d.uid) WHEN 'text' THEN d.uid ELSE lower(substr(hex(d.uid), 1, 8) || '-'
       || substr(hex(d.uid), 9, 4) || '-' || substr(hex(d.uid), 13, 4) || '-' || substr(hex(d.uid), 17, 4) || '-'
       || substr(hex(d.uid), 21)) END",
    row_at: "(julianday(json_extract(t.row, '$.last_message_at')) - 2440587.5) * 86400000000.0",
};
const POSTGRES: Differently = Differently {
    uid_text: "CASE octet_length(d.uid) WHEN 16 THEN encode(d.uid, 'hex')::uuid::text
       ELSE convert_from(substr(d.uid, 18), 'UTF8') END",
    row_at: "extract(epoch FROM (t.row::json ->> 'last_message_at')::timestamptz) * 1000000",
};

/// The decisions in question, made at or after `?1`, the first of which has the number `?2`: a reply that a rule wanted and
/// that policy stopped, a thread that was left unread because another action did not end well, messages that could not be
/// read, or mail from a lead who opted out. The last two are marked when the decision is written: whoever looks later pays
/// for no opt-out, of whatever form.
///
/// A decision is off the list when a newer message was decided, when a teammate wrote in the thread after the lead, when the
/// message was answered or the thread marked as read, when an operator rejected the reply, when one of its actions is open
/// or is in another section of the queue, or when an operator said that it is done.
pub(super) static LEFT: LazyLock<String> = LazyLock::new(|| left(&SQLITE));
static LEFT_IN_POSTGRES: LazyLock<String> = LazyLock::new(|| left(&POSTGRES));

fn query(connection: &Connection) -> &'static str {
    connection.pick(LEFT.as_str(), LEFT_IN_POSTGRES.as_str())
}

fn left(Differently { uid_text, row_at }: &Differently) -> String {
    let suppressed = ActionState::Suppressed.as_str();
    let cancelled = ActionState::Cancelled.as_str();
    let done = ActionState::Done.as_str();
    let (reply, mark_read) = (ActionKind::Reply.as_str(), ActionKind::MarkRead.as_str());
    let other_action = ReasonCode::OtherAction.as_str();
    let stopped = quoted(&ReasonCode::LEAVE_REPLY_TO_PEOPLE);
    let dealt_with = quoted(&ReasonCode::DEALT_WITH_BY_PEOPLE);
    let category = EventKind::Category.as_str();
    format!(
        "WITH candidates (id) AS (
           -- The condition of the index.
           SELECT id >> 16 FROM actions INDEXED BY actions_left WHERE id >= ?2 << 16 AND state IN ('{suppressed}', '{cancelled}')
           AND ((kind = '{mark_read}' AND reason_code = '{other_action}') OR (kind = '{reply}' AND reason_code IN ({stopped})))
           UNION
           SELECT id FROM decisions INDEXED BY decisions_problem WHERE at >= ?1 AND problem
         ), left_decisions AS (
           -- Conditions on a joined table alone would make the database read all of it beforehand.
           SELECT d.* FROM candidates c CROSS JOIN decisions d ON d.id = c.id
           WHERE (SELECT o.at FROM decisions o WHERE o.id = c.id) >= ?1
           AND NOT EXISTS (SELECT 1 FROM decisions n WHERE n.thread = d.thread AND n.id > d.id AND n.event <> '{category}')
           AND NOT EXISTS (SELECT 1 FROM actions a WHERE a.id >= d.id << 16 AND a.id < (d.id + 1) << 16 AND (
                 a.state NOT IN ('{done}', '{suppressed}', '{cancelled}')
                 OR (a.state = '{done}' AND a.kind IN ('{reply}', '{mark_read}'))
                 OR a.reason_code IN ({dealt_with})))
           AND NOT EXISTS (SELECT 1 FROM audit u WHERE u.target = {uid_text} AND u.what = 'thread.done')
           AND NOT coalesce((SELECT {row_at}
                 FROM threads t WHERE t.id = d.thread) > d.message_at + 1000000, FALSE)
         )"
    )
}

/// Decisions that are marked, with what they are marked for.
pub(super) const MARKED: &str =
    "SELECT d.id, d.lead_email, (SELECT name FROM workspaces WHERE id = d.workspace), d.trace
     FROM decisions d INDEXED BY decisions_problem WHERE d.problem ORDER BY d.at DESC LIMIT ?1";
/// So many of them are looked at, the newest ones.
const MAX_MARKED: u32 = 10_000;

/// After an opt-out was taken back: decisions that were marked for it alone are marked no more.
pub(super) fn unmark(session: &Session<'_>, key: &AddressKey) -> Result<(), StoreError> {
    let connection = session.connection;
    let mut query = connection.prepare_cached(MARKED)?;
    let mut rows = query.query(params![MAX_MARKED])?;
    let mut without = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, lead, workspace): (i64, Option<String>, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let trace: DecisionTrace = unpack(row.bytes(3)?)?;
        let has_opted_out = match lead.zip(workspace) {
            Some((lead, workspace)) => {
                // Whether those of other workspaces count, the configuration says: what may count keeps its mark.
                find_opt_out(connection, key, (&workspace, OptOutScope::Shared), &lead)?.is_some()
            }
            None => false,
        };
        if trace.problem.is_none() && !has_opted_out {
            without.push(id);
        }
    }
    let unmark = connection
        .pick("UPDATE decisions SET problem = 0 WHERE id = ?1", "UPDATE decisions SET problem = FALSE WHERE id = ?1");
    let mut update = connection.prepare_cached(unmark)?;
    for id in without {
        update.execute(params![id])?;
    }
    Ok(())
}

fn quoted(codes: &[ReasonCode]) -> String {
    codes.iter().map(|code| format!("'{}'", code.as_str())).collect::<Vec<_>>().join(", ")
}

/// The first decision that was made at or after a time. Later ones have greater numbers, but for a few if a clock was set
/// back.
fn first_since(connection: &Connection, since: Timestamp) -> Result<Option<i64>, StoreError> {
    let mut query = connection
        .prepare_cached("SELECT min(id) FROM (SELECT id FROM decisions WHERE at >= ? ORDER BY at LIMIT 1000) first")?;
    Ok(query.query_optional(params![micros(since)], |row| row.get(0))?.flatten())
}

/// Newest first, older than `before`.
pub(super) fn read(
    connection: &Connection,
    since: Timestamp,
    workspaces: Option<&[String]>,
    before: Option<&str>,
    limit: u32,
) -> Result<Vec<DecisionRecord>, StoreError> {
    let Some(first) = first_since(connection, since)? else { return Ok(Vec::new()) };
    let Some(condition) = in_workspaces(connection, workspaces)? else { return Ok(Vec::new()) };
    let query = format!(
        "{} SELECT {DECISION_COLUMNS} FROM left_decisions d WHERE (?3 IS NULL OR d.id < (SELECT id FROM decisions WHERE uid = ?3))
         {condition} ORDER BY d.id DESC LIMIT ?4",
        query(connection)
    );
    let mut query = connection.prepare_cached(&query)?;
    let mut rows = query.query(params![micros(since), first, before.map(Uid), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read_decision(row)?);
    }
    Ok(found)
}

/// What follows the conditions of `left_decisions d`; `None` if none of these workspaces is known.
fn in_workspaces(connection: &Connection, workspaces: Option<&[String]>) -> Result<Option<String>, StoreError> {
    let Some(names) = workspaces else { return Ok(Some(String::new())) };
    Ok(any_of(connection, "d.workspace", names)?.map(|(condition, _)| format!("AND {condition}")))
}

pub(super) fn count(
    connection: &Connection,
    since: Timestamp,
    workspaces: Option<&[String]>,
) -> Result<u64, StoreError> {
    let Some(first) = first_since(connection, since)? else { return Ok(0) };
    let Some(condition) = in_workspaces(connection, workspaces)? else { return Ok(0) };
    let query = format!("{} SELECT count(*) FROM left_decisions d WHERE TRUE {condition}", query(connection));
    let mut query = connection.prepare_cached(&query)?;
    let count: i64 = query.query_row(params![micros(since), first], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}
