//! The end of a pending row: what is known of its thread from then on.

use super::{
    addresses::AddressKey,
    codec::{list_to_json, micros, to_json},
    connection::{Connection, params},
    known_rows::known_json,
    session::Session,
};
use crate::{
    model::ThreadRow,
    store::{MAX_INBOUND_SEEN, SettledThread, StoreError},
};
use jiff::Timestamp;
use std::sync::LazyLock;

/// A row that was erased (which is like `?8`) stays so where `?10` says what to write instead: nothing new of the lead is in
/// it. A row that was taken from the line (`?11`) must be there still: it is gone if the person was erased meanwhile.
pub(super) const SETTLE: &str =
    "INSERT INTO threads (workspace, thread_id, row, newest_inbound, inbound_seen, looked_at, first_seen_at, last_outgoing,
       lead)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?12, ?9)
     ON CONFLICT (thread_id, workspace) DO UPDATE SET
       row = CASE WHEN ?10 IS NOT NULL AND threads.row LIKE ?8 ESCAPE '!' THEN ?10 ELSE excluded.row END,
       newest_inbound = coalesce(excluded.newest_inbound, threads.newest_inbound),
       inbound_seen = coalesce(excluded.inbound_seen, threads.inbound_seen),
       looked_at = excluded.looked_at,
       last_outgoing = coalesce(excluded.last_outgoing, threads.last_outgoing),
       pending_since = CASE WHEN threads.pending_row = ?13 THEN NULL ELSE threads.pending_since END,
       pending_due = NULL,
       pending_failures = 0,
       pending_row = CASE WHEN threads.pending_row = ?13 THEN NULL ELSE threads.pending_row END
     WHERE NOT ?11 OR threads.pending_row IS NOT NULL OR threads.row IS NULL OR threads.row NOT LIKE ?8 ESCAPE '!'
     RETURNING id, lead, coalesce(row = ?10, FALSE)";

/// The thread has another lead than before.
const SET_LEAD: &str = "UPDATE threads SET lead = ?2 WHERE id = ?1";

/// What an erased row is like.
pub(super) static ERASED: LazyLock<String> = LazyLock::new(|| format!("%{}%", ThreadRow::ERASED_JSON));

/// A settled thread as it is written.
pub(super) struct Settling {
    thread_id: String,
    row: String,
    /// The same as it stands in the line.
    in_line: String,
    newest_inbound: Option<String>,
    inbound: Option<String>,
    last_outgoing: Option<String>,
    looked_at: Option<i64>,
    lead_email: Option<String>,
    was_in_line: bool,
    /// What is written instead of the row if the person was erased: there is nothing new of them.
    if_erased: Option<String>,
}

/// A thread that was settled.
pub(super) struct Settled {
    pub(super) thread: i64,
    pub(super) is_erased: bool,
}

impl Settling {
    pub(super) fn new(settled: &SettledThread) -> Result<Self, StoreError> {
        let inbound = &settled.inbound[settled.inbound.len().saturating_sub(MAX_INBOUND_SEEN)..];
        Ok(Self {
            thread_id: settled.row.id.clone(),
            row: known_json(&settled.row)?,
            in_line: to_json(&settled.row)?,
            newest_inbound: settled.newest_inbound.clone(),
            inbound: list_to_json(inbound)?,
            last_outgoing: list_to_json(&settled.last_outgoing)?,
            looked_at: settled.looked_at.map(micros),
            lead_email: settled.row.lead_email.clone(),
            was_in_line: settled.was_in_line,
            if_erased: None,
        })
    }

    /// With what is written instead where the person was erased.
    pub(super) fn or_if_erased(self, row: String) -> Self {
        Self { if_erased: Some(row), ..self }
    }

    pub(super) fn thread_id(&self) -> &str {
        &self.thread_id
    }

    /// Takes the row out of the line unless a newer one of the same thread has replaced it there.
    pub(super) fn write(
        &self,
        session: &mut Session<'_>,
        key: &AddressKey,
        workspace: &str,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let workspace = session.workspace(workspace)?;
        let lead = key.of_thread(session.connection, self.lead_email.as_deref())?;
        let mut settle = session.connection.prepare_cached(SETTLE)?;
        let values = params![
            workspace,
            self.thread_id,
            self.row,
            self.newest_inbound,
            self.inbound,
            self.looked_at,
            micros(now),
            ERASED.as_str(),
            lead,
            self.if_erased,
            self.was_in_line,
            self.last_outgoing,
            self.in_line,
        ];
        let found = settle.query_optional(values, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let (thread, before, is_erased) = found.ok_or(StoreError::Forgotten)?;
        set_lead(session.connection, thread, before, if is_erased { 0 } else { lead })?;
        Ok(Settled { thread, is_erased })
    }
}

/// Notes whose thread it is, where that has changed: a row that stays the same costs its index nothing.
pub(super) fn set_lead(connection: &Connection, thread: i64, before: Option<i64>, lead: i64) -> Result<(), StoreError> {
    if before == Some(lead) {
        return Ok(());
    }
    connection.prepare_cached(SET_LEAD)?.execute(params![thread, lead]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sql::codec::to_json;

    /// Whether a row is still the one in line is told by its text. One that an earlier version wrote would never be found
    /// again if a field that it did not know were written where there is none: skip it then
    /// (`#[serde(skip_serializing_if = "Option::is_none")]`).
    #[test]
    fn a_row_in_line_has_the_text_that_it_had_in_earlier_versions() {
        let row = ThreadRow { id: "t".to_owned(), ..ThreadRow::default() };
        let text = r#"{"id":"t","lead_id":null,"inbox_id":null,"lead_email":null,"lead_name":null,"campaign_name":null,"subject":null,"preview":null,"last_message_at":null,"is_read":null,"is_starred":null,"reply_count":null,"category":null}"#;
        assert_eq!(to_json(&row).unwrap(), text);
        assert_eq!(serde_json::from_str::<ThreadRow>(text).unwrap(), row);
    }
}
