//! What commands change in a store that no service has, as the audit log keeps it.

use crate::store::{AuditEntry, AuditStore as _, SqlStore, StoreError};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Notes what a command has just changed.
pub(super) async fn note(store: &SqlStore, what: &str, target: Option<&str>, details: Value) -> Result<(), StoreError> {
    let details = match details {
        Value::Object(details) => details,
        _ => Map::new(),
    };
    store.add_audit(&AuditEntry { target: target.map(str::to_owned), details, ..entry(what) }).await
}

/// That a command changes something now.
pub(super) fn entry(what: &str) -> AuditEntry {
    AuditEntry {
        id: uuid::Uuid::now_v7().to_string(),
        at: Timestamp::now(),
        who: "command".to_owned(),
        remote: None,
        what: what.to_owned(),
        target: None,
        details: Map::new(),
        request_id: None,
    }
}
