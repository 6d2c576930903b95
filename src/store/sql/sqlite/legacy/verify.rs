//! Whether the new store says what the old one said.

use super::read;
use crate::store::{
    StoreError,
    sql::{
        actions::find_one,
        codec::Uid,
        connection::{Connection as NewConnection, params},
        decisions::{DECISION_COLUMNS, read_decision},
    },
};
use rusqlite::Connection;

/// Compares every decision and every action with what was written, and the number of everything else.
pub(super) fn verify(old: &Connection, new: &NewConnection) -> Result<(), StoreError> {
    let differs = |what: String| StoreError::Unreadable(format!("it could not be brought up to date: {what} differs"));
    let find = format!("SELECT {DECISION_COLUMNS} FROM decisions d WHERE d.uid = ?");
    let mut find = new.prepare_cached(&find)?;
    let mut query = old.prepare("SELECT * FROM decisions")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let was = read::decision(row)?;
        let is = find.query_optional(params![Uid(&was.id)], read_decision)?;
        if is.as_ref() != Some(&was) {
            return Err(differs(format!("decision {}", was.id)));
        }
    }
    let mut query = old.prepare("SELECT * FROM actions")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let mut was = read::action(row)?;
        let is = find_one(new, &was.id.0)?;
        if let Some(is) = &is {
            // An action is as old as its decision.
            was.created_at = is.created_at;
        }
        if is.as_ref() != Some(&was) {
            return Err(differs(format!("action {}", was.id)));
        }
    }
    let count = |connection: &Connection, query: &str| -> Result<i64, StoreError> {
        Ok(connection.query_row(query, [], |row| row.get(0))?)
    };
    for (what, query) in [
        ("the number of decisions", "SELECT count(*) FROM decisions"),
        ("the number of actions", "SELECT count(*) FROM actions"),
        ("the number of threads", "SELECT count(*) FROM threads WHERE row IS NOT NULL OR pending_row IS NOT NULL"),
        ("the number of opt-outs", "SELECT count(*) FROM opt_outs"),
        ("the number of entries of the audit log", "SELECT count(*) FROM audit"),
        ("the count of actions", "SELECT coalesce(sum(count), 0) FROM action_hours WHERE hour = -1"),
        ("the count of matches", "SELECT coalesce(sum(count), 0) FROM match_hours WHERE hour = -1"),
    ] {
        if count(old, query)? != count(new.sqlite()?, query)? {
            return Err(differs(what.to_owned()));
        }
    }
    Ok(())
}
