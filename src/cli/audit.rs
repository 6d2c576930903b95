//! What commands change in a store that no service has, as the audit log keeps it.

use crate::store::{AuditEntry, AuditStore as _, SqlStore, StoreError};
use jiff::Timestamp;
use serde_json::Value;

/// Notes what a command has just changed.
pub(super) async fn note(store: &SqlStore, what: &str, target: Option<&str>, details: Value) -> Result<(), StoreError> {
    let entry = AuditEntry {
        id: uuid::Uuid::now_v7().to_string(),
        at: Timestamp::now(),
        who: "command".to_owned(),
        remote: None,
        what: what.to_owned(),
        target: target.map(str::to_owned),
        details: match details {
            Value::Object(details) => details,
            _ => serde_json::Map::new(),
        },
        request_id: None,
    };
    store.add_audit(&entry).await
}
