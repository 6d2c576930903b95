//! Where a list goes on: the keys of decisions and actions by their ids, also of ids that are not there any more.

use super::{
    action_rows::{IdValues, KEY_OF_ID},
    codec::Uid,
    connection::{Connection, params},
};
use crate::store::StoreError;

/// The key of a decision.
pub(super) fn decision_key(connection: &Connection, id: &str) -> Result<Option<i64>, StoreError> {
    let mut query = connection.prepare_cached("SELECT id FROM decisions WHERE uid = ?")?;
    query.query_optional(params![Uid(id)], |row| row.get(0))
}

/// The key that older decisions are below: that of the id, or, where the id is not there, of the next younger one.
pub(super) fn before_decision(connection: &Connection, id: &str) -> Result<Option<i64>, StoreError> {
    if let Some(found) = decision_key(connection, id)? {
        return Ok(Some(found));
    }
    let query = "SELECT id + 1 FROM decisions WHERE uid < ? ORDER BY uid DESC LIMIT 1";
    connection.prepare_cached(query)?.query_optional(params![Uid(id)], |row| row.get(0))
}

/// The next older action of an id that is not there: one that has its own id, or all of the decision whose id tells theirs.
pub(super) const BEFORE_MISSING: &str = "SELECT key FROM (
     SELECT * FROM (SELECT uid, id + 1 AS key FROM actions WHERE uid < ?1 ORDER BY uid DESC LIMIT 1) own
     UNION ALL
     SELECT * FROM (SELECT uid, (id + 1) << 16 AS key FROM decisions WHERE uid < ?1 ORDER BY uid DESC LIMIT 1) told
   ) older ORDER BY uid DESC LIMIT 1";

/// The same of actions.
pub(super) fn before_action(connection: &Connection, id: &str) -> Result<Option<i64>, StoreError> {
    let values = IdValues::new(id);
    let query = format!("SELECT id FROM actions WHERE id = {KEY_OF_ID}");
    let found = connection
        .prepare_cached(&query)?
        .query_optional(params![values.id, values.decision(), values.place], |row| row.get(0))?;
    if found.is_some() {
        return Ok(found);
    }
    connection.prepare_cached(BEFORE_MISSING)?.query_optional(params![values.id], |row| row.get(0))
}
