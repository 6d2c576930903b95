//! What is looked up for each message and each action, and the proof that none of it reads a whole workspace.

use crate::store::SentFilter;

/// The other actions of one inbound message.
pub(super) const SIBLINGS: &str = "SELECT * FROM actions INDEXED BY actions_of_thread
     WHERE workspace = ? AND thread_id = ? AND message_key = ? AND id <> ? ORDER BY id";

/// What is due in a lane. In this order: replies, other actions, and last what could not be reached or is only looked
/// for, so that one thread or destination that hangs holds up nothing else.
pub(super) const DUE: &str = "SELECT * FROM actions INDEXED BY actions_ready
     WHERE workspace = ?1 AND (target IS NOT NULL) = ?3 AND due_at IS NOT NULL AND due_at <= ?2
     AND state IN ('planned', 'waiting', 'retrying', 'unknown', 'held')
     AND (target IS NULL OR target NOT IN (SELECT value FROM json_each(?5)))
     ORDER BY CASE WHEN state = 'unknown' OR (state IN ('waiting', 'retrying') AND reason_code = 'unreachable') THEN 2
                   WHEN kind = 'reply' THEN 0 ELSE 1 END, due_at, id LIMIT ?4";

/// When the next action is due.
pub(super) const NEXT_DUE: &str = "SELECT min(due_at) FROM actions WHERE workspace = ? AND due_at IS NOT NULL";

/// The living and past actions in a thread or for a lead that count against `repeat`.
pub(super) const HISTORY: &str = "SELECT id, rule, kind, target, thread_id, message_id, lead_email, state, created_at,
     CASE kind WHEN 'reply' THEN coalesce(json_extract(payload, '$.text'), json_extract(payload, '$.html')) END AS body
     FROM actions WHERE id IN (
       SELECT id FROM actions INDEXED BY actions_of_thread WHERE workspace = ?1 AND thread_id = ?2
       UNION SELECT id FROM actions INDEXED BY actions_lead WHERE workspace = ?1 AND lead_email = ?3)
     AND state NOT IN ('failed', 'suppressed', 'cancelled') ORDER BY id DESC LIMIT ?4";

const SENT_TO_LEAD: &str = "SELECT sent_at FROM actions INDEXED BY actions_lead
     WHERE workspace = ?1 AND kind = ?2 AND sent_at > ?3 AND lead_email = ?4 AND (?5 IS NULL OR rule = ?5)
     AND state NOT IN ('failed', 'suppressed', 'cancelled') ORDER BY sent_at";
const SENT_BY_RULE: &str = "SELECT sent_at FROM actions INDEXED BY actions_rule_sent
     WHERE workspace = ?1 AND kind = ?2 AND sent_at > ?3 AND (?4 IS NULL OR lead_email = ?4) AND rule = ?5
     AND state NOT IN ('failed', 'suppressed', 'cancelled') ORDER BY sent_at";
const SENT: &str = "SELECT sent_at FROM actions INDEXED BY actions_sent
     WHERE workspace = ?1 AND kind = ?2 AND sent_at > ?3 AND (?4 IS NULL OR lead_email = ?4)
     AND (?5 IS NULL OR rule = ?5) AND state NOT IN ('failed', 'suppressed', 'cancelled') ORDER BY sent_at";

/// When the counted actions left.
pub(super) fn sent_since(filter: &SentFilter<'_>) -> &'static str {
    match (filter.lead_email, filter.rule) {
        (Some(_), _) => SENT_TO_LEAD,
        (None, Some(_)) => SENT_BY_RULE,
        (None, None) => SENT,
    }
}

/// A `mark_read` that waits for the message's other actions.
pub(super) const WAKE_MARK_READ: &str = "UPDATE actions INDEXED BY actions_of_thread SET due_at = ?
     WHERE workspace = ? AND thread_id = ? AND message_key = ? AND kind = 'mark_read' AND state = 'waiting'
     AND reason_code = ?";

/// What still waits for a time, a place or a person because of an older message.
pub(super) const CANCEL_OLDER: &str = "UPDATE actions INDEXED BY actions_of_thread
     SET state = 'cancelled', reason_code = ?1, reason_text = ?2, due_at = NULL, updated_at = ?3, version = version + 1
     WHERE workspace = ?4 AND thread_id = ?5 AND message_id IS NOT NULL AND message_id <> ?6
     AND (state IN ('waiting', 'held') OR (state = 'planned' AND kind IN ('reply', 'mark_read')))
     RETURNING *";

/// Threads that are ready to be evaluated, longest waiting first.
pub(super) const READY_OLDEST: &str =
    "SELECT row, pending_row, pending_since, newest_inbound, inbound_seen, looked_at, pending_failures
     FROM threads INDEXED BY threads_ready
     WHERE workspace = ?1 AND pending_since IS NOT NULL AND (pending_failures > 0) = ?2
     AND (coalesce(pending_due, pending_since) <= ?3 OR coalesce(pending_due, pending_since) > ?4)
     ORDER BY coalesce(pending_due, pending_since) LIMIT ?5";
/// The same, shortest first.
pub(super) const READY_NEWEST: &str =
    "SELECT row, pending_row, pending_since, newest_inbound, inbound_seen, looked_at, pending_failures
     FROM threads INDEXED BY threads_ready
     WHERE workspace = ?1 AND pending_since IS NOT NULL AND (pending_failures > 0) = ?2
     AND (coalesce(pending_due, pending_since) <= ?3 OR coalesce(pending_due, pending_since) > ?4)
     ORDER BY coalesce(pending_due, pending_since) DESC LIMIT ?5";

#[cfg(test)]
mod tests;
