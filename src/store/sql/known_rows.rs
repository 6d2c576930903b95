//! The row of a thread that was dealt with, as it stands in the database.

use super::codec::{from_json, to_json, unreadable};
use crate::{model::ThreadRow, store::StoreError};

/// A decided row as it stands beside its thread's id: that id and what is not known of the thread take no room.
pub(super) fn known_json(row: &ThreadRow) -> Result<String, StoreError> {
    let mut fields = serde_json::to_value(row).map_err(unreadable)?;
    if let Some(fields) = fields.as_object_mut() {
        fields.retain(|name, value| name != "id" && !value.is_null());
    }
    to_json(&fields)
}

/// The row that [`known_json`] was given.
pub(super) fn known_row(thread_id: &str, json: &str) -> Result<ThreadRow, StoreError> {
    Ok(ThreadRow { id: thread_id.to_owned(), ..from_json(json)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn a_decided_row_comes_back_whole() {
        let row = ThreadRow {
            id: "t1".to_owned(),
            lead_email: Some("jane@acme.example".to_owned()),
            is_read: Some(false),
            reply_count: Some(0),
            last_message_at: Some(Timestamp::UNIX_EPOCH),
            ..ThreadRow::default()
        };
        let json = known_json(&row).unwrap();
        assert!(!json.contains("t1") && !json.contains("null"), "{json}");
        assert_eq!(known_row("t1", &json).unwrap(), row);
        // Earlier versions wrote all of it.
        assert_eq!(known_row("t1", &to_json(&row).unwrap()).unwrap(), row);
    }

    #[test]
    fn a_row_that_was_erased_is_known_by_its_json() {
        let erased = ThreadRow { id: "t1".to_owned(), ..ThreadRow::default() }.erased();
        assert!(known_json(&erased).unwrap().contains(ThreadRow::ERASED_JSON));
    }
}
