//! Who changed what.

use super::{
    SqlStore,
    codec::{from_json, micros, timestamp, to_json},
    connection::params,
    session::Session,
    values::{Value, as_params},
};
use crate::store::{AuditEntry, AuditFilter, AuditStore, StoreError};
use async_trait::async_trait;

#[async_trait]
impl AuditStore for SqlStore {
    async fn add_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let entry = entry.clone();
        self.write(move |session| insert_audit(session, &entry)).await
    }

    async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
        let filter = filter.clone();
        self.read(move |connection| {
            let mut sql =
                "SELECT id, at, who, remote, what, target, details, request_id FROM audit WHERE TRUE".to_owned();
            let conditions =
                [(" AND what = ?", filter.what), (" AND target = ?", filter.target), (" AND id < ?", filter.before)];
            let mut values: Vec<Value> = Vec::new();
            for (condition, value) in conditions {
                if let Some(value) = value {
                    sql.push_str(condition);
                    values.push(Value::from(value));
                }
            }
            sql.push_str(&format!(" ORDER BY id DESC LIMIT {}", filter.limit));
            let mut query = connection.prepare_cached(&sql)?;
            let mut rows = query.query(&as_params(&values))?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                entries.push(AuditEntry {
                    id: row.get(0)?,
                    at: timestamp(row.get(1)?)?,
                    who: row.get(2)?,
                    remote: row.get(3)?,
                    what: row.get(4)?,
                    target: row.get(5)?,
                    details: from_json(row.text(6)?)?,
                    request_id: row.get(7)?,
                });
            }
            Ok(entries)
        })
        .await
    }
}

/// Writes an entry within a transaction.
pub(super) fn insert_audit(session: &Session<'_>, entry: &AuditEntry) -> Result<(), StoreError> {
    let AuditEntry { id, at, who, remote, what, target, details, request_id } = entry;
    let add =
        "INSERT INTO audit (id, at, who, remote, what, target, details, request_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let values = params![id, micros(*at), who, remote, what, target, to_json(details)?, request_id];
    session.connection.execute(add, values).map(drop)
}
