//! Threads that the service is done with although a person still has to look at them.

use super::{SqliteStore, decisions, micros};
use crate::store::{DecisionRecord, StoreError};
use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite};

/// The decisions in question, made at or after `?1`: a reply that a rule wanted and that policy stopped, a thread that was
/// left unread because another action did not end well, messages that could not be read, or mail from a lead who opted out.
///
/// A decision is off the list when a newer message was decided, when a teammate wrote in the thread after the lead, when the
/// message was answered or the thread marked as read, when an operator rejected the reply, when one of its actions is open
/// or is in another section of the queue, or when an operator said that it is done.
const LEFT: &str = "
WITH candidates (id) AS (
  SELECT decision_id FROM actions WHERE created_at >= ?1 AND +state IN ('suppressed', 'cancelled') AND (
    (kind = 'mark_read' AND reason_code = 'other_action') OR (kind = 'reply' AND reason_code IN
      ('opt_out', 'lead_cap', 'repeat', 'too_old', 'rule_removed', 'rule_no_longer_matches')))
  UNION
  SELECT id FROM decisions WHERE at >= ?1 AND json_extract(trace, '$.problem') IS NOT NULL
  UNION
  SELECT d.id FROM opt_outs o JOIN decisions d ON d.lead_email = o.email AND d.workspace = o.workspace AND d.at >= o.since
  WHERE d.at >= ?1
), left_decisions AS (
  SELECT d.* FROM candidates c CROSS JOIN decisions d ON d.id = c.id
  LEFT JOIN threads t ON t.workspace = d.workspace AND t.thread_id = d.thread_id
  WHERE NOT EXISTS (SELECT 1 FROM decisions n WHERE n.thread_id = d.thread_id AND n.id > d.id
                    AND n.workspace = d.workspace AND n.event <> 'category')
  AND NOT EXISTS (SELECT 1 FROM actions a WHERE a.decision_id = d.id AND (
        a.state NOT IN ('done', 'suppressed', 'cancelled')
        OR (a.state = 'done' AND a.kind IN ('reply', 'mark_read'))
        OR a.reason_code IN ('rejected', 'person_answered')))
  AND NOT EXISTS (SELECT 1 FROM audit u WHERE u.target = d.id AND u.what = 'thread.done')
  AND NOT coalesce(julianday(json_extract(t.row, '$.last_message_at'))
        > julianday(json_extract(d.trace, '$.message_at')) + 1.0 / 86400, 0)
)";

impl SqliteStore {
    pub(super) async fn read_left(
        &self,
        since: Timestamp,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DecisionRecord>, StoreError> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(LEFT);
        query.push(" SELECT * FROM left_decisions WHERE (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3");
        let query = query.build().bind(micros(since)).bind(before).bind(limit);
        query.fetch_all(&self.readers).await?.iter().map(decisions::record).collect()
    }

    pub(super) async fn count_left(&self, since: Timestamp) -> Result<u64, StoreError> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(LEFT);
        query.push(" SELECT count(*) FROM left_decisions");
        let count: i64 = query.build_query_scalar().bind(micros(since)).fetch_one(&self.readers).await?;
        Ok(count.unsigned_abs())
    }
}
