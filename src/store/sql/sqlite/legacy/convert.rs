//! From the old form to the new, record by record.

use super::read;
use crate::store::{
    StoreError,
    sql::{
        action_rows::{Belongs, NewAction, key},
        codec::{micros, pack},
        connection::Connection as NewConnection,
        session::{Session, SessionState},
    },
};
use rusqlite::{Connection, params, params_from_iter, types::Value};

/// So many decisions share a transaction: what is counted with them is held in memory until then.
const GROUP: usize = 2_000;

/// Tables that are the same in both forms, with their columns.
const SAME: [(&str, &str); 8] = [
    ("opt_outs", "workspace, email, since, evidence"),
    ("rule_modes", "rule, mode, since, by"),
    ("pauses", "workspace, since, reason, by"),
    ("marks", "id, store, intents"),
    ("own_addresses", "email"),
    ("foreign_use", "workspace, since, evidence"),
    ("campaign_steps", "workspace, thread_id, message_id, sender, words, seen_at"),
    ("audit", "id, at, who, remote, what, target, details, request_id"),
];

/// Fills an empty store with what is in one of the old form.
pub(super) fn convert(old: &Connection, new: &NewConnection) -> Result<(), StoreError> {
    new.begin()?;
    for (table, columns) in SAME {
        copy_table(old, new, table, columns)?;
    }
    convert_threads(old, new)?;
    new.commit()?;
    convert_decisions(old, new)?;
    new.execute_batch(include_str!("../steps/0013_opted_out.sql"))?;
    convert_changes(old, new)
}

fn copy_table(old: &Connection, new: &NewConnection, table: &str, columns: &str) -> Result<(), StoreError> {
    let count = columns.split(',').count();
    let mut query = old.prepare(&format!("SELECT {columns} FROM {table}"))?;
    let mut insert =
        new.sqlite()?.prepare(&format!("INSERT INTO {table} ({columns}) VALUES ({})", vec!["?"; count].join(", ")))?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let values: Vec<Value> = (0..count).map(|at| row.get(at)).collect::<rusqlite::Result<_>>()?;
        insert.execute(params_from_iter(values))?;
    }
    Ok(())
}

fn convert_threads(old: &Connection, new: &NewConnection) -> Result<(), StoreError> {
    let mut state = SessionState::default();
    let mut session = Session::begin(new, &mut state);
    let mut query = old.prepare("SELECT name, state FROM workspaces")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let workspace = session.workspace(&row.get::<_, String>(0)?)?;
        new.sqlite()?
            .execute("UPDATE workspaces SET state = ?2 WHERE id = ?1", params![workspace, row.get::<_, String>(1)?])?;
    }
    let mut query = old.prepare(
        "SELECT t.workspace, t.thread_id, row, newest_inbound, inbound_seen, looked_at, pending_row, pending_since,
           pending_due, pending_failures, o.messages, first_seen_at
         FROM threads t LEFT JOIN last_outgoing o ON o.workspace = t.workspace AND o.thread_id = t.thread_id",
    )?;
    let mut insert = new.sqlite()?.prepare(
        "INSERT INTO threads (workspace, thread_id, row, newest_inbound, inbound_seen, looked_at, pending_row,
           pending_since, pending_due, pending_failures, last_outgoing, first_seen_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let workspace = session.workspace(row.get_ref(0)?.as_str()?)?;
        let mut values = vec![Value::from(workspace)];
        for column in 1..12 {
            values.push(row.get(column)?);
        }
        insert.execute(params_from_iter(values))?;
    }
    Ok(())
}

fn convert_decisions(old: &Connection, new: &NewConnection) -> Result<(), StoreError> {
    let mut state = SessionState::default();
    let mut query = old.prepare("SELECT * FROM decisions ORDER BY id")?;
    let mut actions = old.prepare("SELECT * FROM actions WHERE decision_id = ? ORDER BY id")?;
    let mut rows = query.query([])?;
    let mut more = true;
    while more {
        new.begin()?;
        let mut session = Session::begin(new, &mut state);
        for _ in 0..GROUP {
            let Some(row) = rows.next()? else {
                more = false;
                break;
            };
            let record = read::decision(row)?;
            let workspace = session.workspace(&record.workspace)?;
            let thread = session.thread(&record.workspace, &record.thread_id, record.at)?;
            let decision = session.insert_decision(&record, &pack(&record.trace)?, workspace, thread, false)?;
            let mut of_decision = actions.query([&record.id])?;
            let mut place = 0;
            while let Some(row) = of_decision.next()? {
                let action = read::action(row)?;
                // A decision and its actions may have got different names when a workspace was renamed.
                let workspace = session.workspace(&action.workspace)?;
                let thread = session.thread(&action.workspace, &action.thread_id, record.at)?;
                let belongs = Belongs { key: key(decision, place)?, workspace, thread, at: micros(record.at) };
                if !session.insert_action(&NewAction::new(action)?, belongs)? {
                    return Err(StoreError::Duplicate);
                }
                place += 1;
            }
        }
        // They were told when they happened.
        session.changes.take_back(0);
        session.commit()?;
    }
    Ok(())
}

fn convert_changes(old: &Connection, new: &NewConnection) -> Result<(), StoreError> {
    let mut query = old.prepare("SELECT * FROM changes ORDER BY seq")?;
    let mut rows = query.query([])?;
    let mut insert = new.sqlite()?.prepare("INSERT INTO changes (last, first, body) VALUES (?, ?, ?)")?;
    while let Some(row) = rows.next()? {
        let change = read::change(row)?;
        insert.execute(params![change.seq, change.seq, pack(&[&change])?])?;
    }
    Ok(())
}
