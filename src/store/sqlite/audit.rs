//! Who changed what.

use super::{SqliteStore, from_json, micros, timestamp, to_json};
use crate::store::{AuditEntry, AuditFilter, StoreError};
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};

impl SqliteStore {
    pub(super) async fn write_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO audit (id, at, who, remote, what, target, details, request_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&entry.id)
        .bind(micros(entry.at))
        .bind(&entry.who)
        .bind(&entry.remote)
        .bind(&entry.what)
        .bind(&entry.target)
        .bind(to_json(&entry.details)?)
        .bind(&entry.request_id)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    pub(super) async fn read_audit(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT * FROM audit WHERE 1 = 1");
        let conditions =
            [(" AND what = ", &filter.what), (" AND target = ", &filter.target), (" AND id < ", &filter.before)];
        for (condition, value) in conditions {
            if let Some(value) = value {
                query.push(condition).push_bind(value);
            }
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(filter.limit);
        query.build().fetch_all(&self.readers).await?.iter().map(entry).collect()
    }
}

fn entry(row: &SqliteRow) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        id: row.try_get("id")?,
        at: timestamp(row.try_get("at")?)?,
        who: row.try_get("who")?,
        remote: row.try_get("remote")?,
        what: row.try_get("what")?,
        target: row.try_get("target")?,
        details: from_json(row.try_get("details")?)?,
        request_id: row.try_get("request_id")?,
    })
}
