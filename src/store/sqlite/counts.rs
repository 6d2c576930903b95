//! How often rules matched and what became of it, out of what the triggers have counted.

use super::{SqliteStore, micros, parse, timestamp};
use crate::{
    model::ActionState,
    store::{ActionCount, ActionTotal, DayCount, StoreError},
};
use jiff::Timestamp;
use std::collections::HashMap;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// A window: the rows from its start to the end of that hour are counted one by one, whole hours were counted before.
/// Without a start it is everything, which stands under hour -1.
struct Window {
    from: i64,
    until: i64,
    after_hour: i64,
    up_to_hour: i64,
}

impl Window {
    fn since(since: Option<Timestamp>) -> Self {
        let Some(from) = since.map(micros) else { return Self { from: 0, until: 0, after_hour: -2, up_to_hour: -1 } };
        let from = from.max(0);
        Self { from, until: (from / HOUR + 1) * HOUR, after_hour: from / HOUR, up_to_hour: i64::MAX }
    }
}

impl SqliteStore {
    pub(super) async fn read_match_counts(&self, since: Option<Timestamp>) -> Result<HashMap<String, u64>, StoreError> {
        let window = Window::since(since);
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT rule, sum(count) FROM (
               SELECT rule, count FROM match_hours WHERE hour > ?3 AND hour <= ?4
               UNION ALL SELECT rule, 1 FROM decision_rules WHERE at >= ?1 AND at < ?2
             ) GROUP BY rule",
        )
        .bind(window.from)
        .bind(window.until)
        .bind(window.after_hour)
        .bind(window.up_to_hour)
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(|(rule, count)| (rule, count.unsigned_abs())).collect())
    }

    pub(super) async fn read_last_matches(&self) -> Result<HashMap<String, Timestamp>, StoreError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT rule, last_at FROM match_hours WHERE hour = -1").fetch_all(&self.readers).await?;
        rows.into_iter().map(|(rule, at)| Ok((rule, timestamp(at)?))).collect()
    }

    pub(super) async fn read_action_counts(&self, since: Option<Timestamp>) -> Result<Vec<ActionCount>, StoreError> {
        let window = Window::since(since);
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
            "SELECT rule, state, reason, sum(count) FROM (
               SELECT rule, state, reason, count FROM action_hours WHERE hour > ?3 AND hour <= ?4
               UNION ALL
               SELECT rule, state, coalesce(reason_code, ''), 1 FROM actions WHERE created_at >= ?1 AND created_at < ?2
             ) GROUP BY rule, state, reason",
        )
        .bind(window.from)
        .bind(window.until)
        .bind(window.after_hour)
        .bind(window.up_to_hour)
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|(rule, state, reason, count)| {
                let reason = Some(reason).filter(|reason| !reason.is_empty());
                Ok(ActionCount { rule, state: parse(&state)?, reason, count: count.unsigned_abs() })
            })
            .collect()
    }

    pub(super) async fn read_day_counts(&self, since: Timestamp) -> Result<Vec<DayCount>, StoreError> {
        let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(
            "SELECT rule, day, sum(matched), sum(acted) FROM (
               SELECT rule, hour / 24 AS day, count AS matched, 0 AS acted FROM match_hours WHERE hour >= ?1
               UNION ALL SELECT rule, hour / 24, 0, count FROM action_hours WHERE hour >= ?1 AND state = 'done'
             ) GROUP BY rule, day ORDER BY rule, day",
        )
        .bind((micros(since) / HOUR).max(0))
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|(rule, day, matched, acted)| {
                let day = timestamp(day.saturating_mul(DAY))?;
                Ok(DayCount { rule, day, matched: matched.unsigned_abs(), acted: acted.unsigned_abs() })
            })
            .collect()
    }

    pub(super) async fn read_action_totals(&self) -> Result<Vec<ActionTotal>, StoreError> {
        type Total = (String, String, String, String, String, i64);
        let rows: Vec<Total> = sqlx::query_as(
            "SELECT workspace, rule, kind, state, reason, count FROM action_hours WHERE hour = -1
             ORDER BY workspace, rule, kind, state, reason",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|(workspace, rule, kind, state, reason, count)| {
                let reason = Some(reason).filter(|reason| !reason.is_empty());
                let (kind, state, count) = (parse(&kind)?, parse(&state)?, count.unsigned_abs());
                Ok(ActionTotal { workspace, rule, kind, state, reason, count })
            })
            .collect()
    }

    pub(super) async fn read_queue(&self, workspace: Option<&str>) -> Result<HashMap<ActionState, u64>, StoreError> {
        let mut queue: HashMap<ActionState, u64> = HashMap::new();
        for total in self.read_action_totals().await? {
            if workspace.is_none_or(|name| name == total.workspace) {
                *queue.entry(total.state).or_default() += total.count;
            }
        }
        Ok(queue)
    }
}
