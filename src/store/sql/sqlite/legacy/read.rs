//! Records of the old form.

use crate::{
    model::{Action, ActionId, Reason},
    store::{
        Change, ChangeKind, DecisionRecord, StoreError,
        sql::codec::{from_json, optional_timestamp, parse, timestamp},
    },
};
use rusqlite::{Connection, Row, types::Value};

/// The decision of a row of `decisions`.
pub(super) fn decision(row: &Row<'_>) -> Result<DecisionRecord, StoreError> {
    Ok(DecisionRecord {
        id: row.get("id")?,
        workspace: row.get("workspace")?,
        thread_id: row.get("thread_id")?,
        message_id: row.get("message_id")?,
        lead_email: row.get("lead_email")?,
        at: timestamp(row.get("at")?)?,
        event: parse(row.get_ref("event")?.as_str()?)?,
        matched: from_json(row.get_ref("matched")?.as_str()?)?,
        trace: from_json(row.get_ref("trace")?.as_str()?)?,
    })
}

/// The action of a row of `actions`, with a due date only where it comes up by itself.
pub(super) fn action(row: &Row<'_>) -> Result<Action, StoreError> {
    let time = |column: &str| -> Result<_, StoreError> { optional_timestamp(row.get(column)?) };
    let code: Option<String> = row.get("reason_code")?;
    let text: Option<String> = row.get("reason_text")?;
    let mut action = Action {
        id: ActionId(row.get("id")?),
        workspace: row.get("workspace")?,
        decision_id: row.get("decision_id")?,
        thread_id: row.get("thread_id")?,
        message_id: row.get("message_id")?,
        lead_email: row.get("lead_email")?,
        rule: row.get("rule")?,
        position: row.get("position")?,
        kind: parse(row.get_ref("kind")?.as_str()?)?,
        target: row.get("target")?,
        state: parse(row.get_ref("state")?.as_str()?)?,
        reason: match code {
            Some(code) => Some(Reason { code: parse(&code)?, text: text.unwrap_or_default() }),
            None => None,
        },
        payload: from_json(row.get_ref("payload")?.as_str()?)?,
        timing: from_json(row.get_ref("timing")?.as_str()?)?,
        any_sender: row.get("any_sender")?,
        any_auto_reply: row.get("any_auto_reply")?,
        approved: row.get("approved")?,
        message_at: time("message_at")?,
        outgoing_before: from_json(row.get_ref("outgoing_before")?.as_str()?)?,
        attempts: from_json(row.get_ref("attempts")?.as_str()?)?,
        due_at: time("due_at")?,
        sent_at: time("sent_at")?,
        created_at: timestamp(row.get("created_at")?)?,
        updated_at: timestamp(row.get("updated_at")?)?,
        version: row.get("version")?,
    };
    action.due_at = action.due_at.filter(|_| action.comes_up());
    Ok(action)
}

/// The change of a row of `changes`.
pub(super) fn change(row: &Row<'_>) -> Result<Change, StoreError> {
    let what = match row.get::<_, Option<String>>("action_id")? {
        None => ChangeKind::Decision { matched: from_json(row.get_ref("matched")?.as_str()?)? },
        Some(id) => ChangeKind::Action {
            id: ActionId(id),
            rule: row.get("rule")?,
            kind: parse(row.get_ref("kind")?.as_str()?)?,
            state: parse(row.get_ref("state")?.as_str()?)?,
            reason: row.get("reason")?,
        },
    };
    Ok(Change {
        seq: row.get("seq")?,
        at: timestamp(row.get("at")?)?,
        workspace: row.get("workspace")?,
        thread_id: row.get("thread_id")?,
        decision_id: row.get("decision_id")?,
        what,
    })
}

/// Copies the tables and columns that both have. Counts are computed by the triggers of the copy.
pub(super) fn copy_what_is_there(source: &Connection, into: &Connection) -> Result<(), StoreError> {
    const COUNTED: [&str; 3] = ["match_hours", "action_hours", "changes"];
    for table in tables(source)?.into_iter().filter(|table| !COUNTED.contains(&table.as_str())) {
        let there = columns(source, &table)?;
        let wanted: Vec<String> = columns(into, &table)?.into_iter().filter(|name| there.contains(name)).collect();
        if wanted.is_empty() {
            continue;
        }
        let list = wanted.join(", ");
        let mut insert =
            into.prepare(&format!("INSERT INTO \"{table}\" ({list}) VALUES ({})", vec!["?"; wanted.len()].join(", ")))?;
        let mut query = source.prepare(&format!("SELECT {list} FROM \"{table}\""))?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let values: Vec<Value> = (0..wanted.len()).map(|at| row.get(at)).collect::<rusqlite::Result<_>>()?;
            insert.execute(rusqlite::params_from_iter(values))?;
        }
    }
    Ok(())
}

fn tables(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut query = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?;
    Ok(query.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<String>, StoreError> {
    let mut query = connection.prepare("SELECT name FROM pragma_table_info(?)")?;
    Ok(query.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}
