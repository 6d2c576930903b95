//! What happened, in order, as the triggers have noted it.

use super::{SqliteStore, from_json, parse, timestamp};
use crate::{
    model::ActionId,
    store::{Change, ChangeKind, StoreError},
};
use sqlx::{Row, sqlite::SqliteRow};

impl SqliteStore {
    pub(super) async fn read_changes(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreError> {
        let rows = sqlx::query("SELECT * FROM changes WHERE seq > ? ORDER BY seq LIMIT ?")
            .bind(after)
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(change).collect()
    }

    pub(super) async fn read_change_range(&self) -> Result<Option<(i64, i64)>, StoreError> {
        // Two questions that an index answers at once; together they would be one look at every row.
        let (first, last): (Option<i64>, Option<i64>) =
            sqlx::query_as("SELECT (SELECT min(seq) FROM changes), (SELECT max(seq) FROM changes)")
                .fetch_one(&self.readers)
                .await?;
        Ok(first.zip(last))
    }
}

fn change(row: &SqliteRow) -> Result<Change, StoreError> {
    let what = match row.try_get::<Option<String>, _>("action_id")? {
        None => ChangeKind::Decision { matched: from_json(row.try_get("matched")?)? },
        Some(id) => ChangeKind::Action {
            id: ActionId(id),
            rule: row.try_get("rule")?,
            kind: parse(row.try_get("kind")?)?,
            state: parse(row.try_get("state")?)?,
            reason: row.try_get("reason")?,
        },
    };
    Ok(Change {
        seq: row.try_get("seq")?,
        at: timestamp(row.try_get("at")?)?,
        workspace: row.try_get("workspace")?,
        thread_id: row.try_get("thread_id")?,
        decision_id: row.try_get("decision_id")?,
        what,
    })
}
