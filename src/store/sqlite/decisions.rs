//! Decisions, and the one transaction that writes them with their actions.

use super::{SqliteStore, actions, from_json, micros, parse, switches, threads, timestamp, to_json};
use crate::{
    model::{Action, ActionKind, ActionState, Reason, ReasonCode},
    store::{DecisionFilter, DecisionRecord, OptOut, SettledThread, StoreError},
};
use jiff::Timestamp;
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};
use std::collections::HashMap;

impl SqliteStore {
    pub(super) async fn write_decision(
        &self,
        decision: &DecisionRecord,
        mut planned: Vec<Action>,
        opt_out: Option<&OptOut>,
        settled: &SettledThread,
    ) -> Result<Vec<Action>, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO decisions (id, workspace, thread_id, message_id, lead_email, at, event, matched, trace)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&decision.id)
        .bind(&decision.workspace)
        .bind(&decision.thread_id)
        .bind(&decision.message_id)
        .bind(&decision.lead_email)
        .bind(micros(decision.at))
        .bind(decision.event.as_str())
        .bind(to_json(&decision.matched)?)
        .bind(to_json(&decision.trace)?)
        .execute(&mut *tx)
        .await?;
        for rule in &decision.matched {
            sqlx::query("INSERT INTO decision_rules (rule, at, decision_id) VALUES (?, ?, ?)")
                .bind(rule)
                .bind(micros(decision.at))
                .bind(&decision.id)
                .execute(&mut *tx)
                .await?;
        }
        actions::cancel_older(&mut tx, decision).await?;
        for action in &mut planned {
            if actions::insert(&mut tx, action).await? {
                continue;
            }
            // A living action of the same message, kind and target is there already: from an earlier event of the
            // message, or from a rule that has since been renamed.
            action.state = ActionState::Suppressed;
            action.due_at = None;
            action.reason = Some(match action.kind {
                ActionKind::Reply => Reason::new(ReasonCode::AlreadyAnswered, "the message has a reply already"),
                _ => Reason::new(ReasonCode::SameTarget, "an earlier event of this message did the same"),
            });
            actions::insert(&mut tx, action).await?;
        }
        if let Some(opt_out) = opt_out {
            switches::insert_opt_out(&mut tx, opt_out).await?;
        }
        threads::settle(&mut tx, &decision.workspace, settled).await?;
        tx.commit().await?;
        Ok(planned)
    }

    pub(super) async fn read_decision(&self, id: &str) -> Result<Option<DecisionRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM decisions WHERE id = ?").bind(id).fetch_optional(&self.readers).await?;
        row.as_ref().map(record).transpose()
    }

    pub(super) async fn read_decisions(&self, filter: &DecisionFilter) -> Result<Vec<DecisionRecord>, StoreError> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT * FROM decisions WHERE 1 = 1");
        if let Some(thread) = &filter.thread {
            query.push(" AND thread_id = ").push_bind(thread);
        }
        if let Some(rule) = &filter.rule {
            query.push(" AND id IN (SELECT decision_id FROM decision_rules WHERE rule = ").push_bind(rule).push(")");
        }
        if let Some(before) = &filter.before {
            query.push(" AND id < ").push_bind(before);
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(filter.limit);
        query.build().fetch_all(&self.readers).await?.iter().map(record).collect()
    }

    pub(super) async fn read_match_counts(&self, since: Option<Timestamp>) -> Result<HashMap<String, u64>, StoreError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT rule, count(*) FROM decision_rules WHERE at >= ? GROUP BY rule")
                .bind(since.map_or(i64::MIN, micros))
                .fetch_all(&self.readers)
                .await?;
        Ok(rows.into_iter().map(|(rule, count)| (rule, count.unsigned_abs())).collect())
    }

    pub(super) async fn read_last_matches(&self) -> Result<HashMap<String, Timestamp>, StoreError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT rule, max(at) FROM decision_rules GROUP BY rule").fetch_all(&self.readers).await?;
        rows.into_iter().map(|(rule, at)| Ok((rule, timestamp(at)?))).collect()
    }
}

fn record(row: &SqliteRow) -> Result<DecisionRecord, StoreError> {
    Ok(DecisionRecord {
        id: row.try_get("id")?,
        workspace: row.try_get("workspace")?,
        thread_id: row.try_get("thread_id")?,
        message_id: row.try_get("message_id")?,
        lead_email: row.try_get("lead_email")?,
        at: timestamp(row.try_get("at")?)?,
        event: parse(row.try_get("event")?)?,
        matched: from_json(row.try_get("matched")?)?,
        trace: from_json(row.try_get("trace")?)?,
    })
}
