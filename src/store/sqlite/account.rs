//! Traces of other senders on the same account: another service, and the campaigns' own messages.

use super::{SqliteStore, from_json, micros, timestamp, to_json};
use crate::store::{CampaignStep, ForeignUse, StoreError};
use jiff::Timestamp;

/// How many steps of a workspace's campaigns are kept.
const STEPS: i64 = 400;

impl SqliteStore {
    pub(super) async fn read_foreign_uses(&self) -> Result<Vec<ForeignUse>, StoreError> {
        let rows: Vec<(String, i64, String)> =
            sqlx::query_as("SELECT workspace, since, evidence FROM foreign_use ORDER BY workspace")
                .fetch_all(&self.readers)
                .await?;
        let entry = |(workspace, since, evidence)| Ok(ForeignUse { workspace, since: timestamp(since)?, evidence });
        rows.into_iter().map(entry).collect()
    }

    pub(super) async fn insert_foreign_use(&self, found: &ForeignUse) -> Result<bool, StoreError> {
        let inserted = sqlx::query(
            "INSERT INTO foreign_use (workspace, since, evidence) VALUES (?, ?, ?) ON CONFLICT (workspace) DO NOTHING",
        )
        .bind(&found.workspace)
        .bind(micros(found.since))
        .bind(&found.evidence)
        .execute(&self.writer)
        .await?;
        Ok(inserted.rows_affected() > 0)
    }

    pub(super) async fn delete_foreign_use(&self, workspace: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM foreign_use WHERE ?1 IS NULL OR workspace = ?1")
            .bind(workspace)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "UPDATE actions SET state = 'planned', reason_code = NULL, reason_text = NULL, due_at = ?1, updated_at = ?1,
             version = version + 1
             WHERE state = 'held' AND reason_code = 'foreign_use' AND (?2 IS NULL OR workspace = ?2)",
        )
        .bind(micros(now))
        .bind(workspace)
        .execute(&mut *tx)
        .await?;
        self.commit(tx).await
    }

    pub(super) async fn insert_campaign_steps(
        &self,
        workspace: &str,
        steps: &[CampaignStep],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for step in steps {
            sqlx::query(
                "INSERT INTO campaign_steps (workspace, thread_id, message_id, sender, words, seen_at)
                 VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(workspace)
            .bind(&step.thread_id)
            .bind(&step.message_id)
            .bind(&step.sender)
            .bind(to_json(&step.words)?)
            .bind(micros(now))
            .execute(&mut *tx)
            .await?;
        }
        sqlx::query(
            "DELETE FROM campaign_steps WHERE workspace = ?1 AND seen_at < (
               SELECT seen_at FROM campaign_steps WHERE workspace = ?1 ORDER BY seen_at DESC LIMIT 1 OFFSET ?2)",
        )
        .bind(workspace)
        .bind(STEPS - 1)
        .execute(&mut *tx)
        .await?;
        self.commit(tx).await
    }

    pub(super) async fn read_campaign_steps(&self, workspace: &str) -> Result<Vec<CampaignStep>, StoreError> {
        let rows: Vec<(String, String, Option<String>, String)> = sqlx::query_as(
            "SELECT thread_id, message_id, sender, words FROM campaign_steps WHERE workspace = ?
             ORDER BY seen_at DESC LIMIT ?",
        )
        .bind(workspace)
        .bind(STEPS)
        .fetch_all(&self.readers)
        .await?;
        let step = |(thread_id, message_id, sender, words): (String, String, Option<String>, String)| {
            Ok(CampaignStep { thread_id, message_id, sender, words: from_json(&words)? })
        };
        rows.into_iter().map(step).collect()
    }

    pub(super) async fn write_last_outgoing(
        &self,
        workspace: &str,
        thread_id: &str,
        messages: &[String],
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO last_outgoing (workspace, thread_id, messages) VALUES (?, ?, ?)
             ON CONFLICT (workspace, thread_id) DO UPDATE SET messages = excluded.messages
             WHERE messages <> excluded.messages",
        )
        .bind(workspace)
        .bind(thread_id)
        .bind(to_json(&messages)?)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    pub(super) async fn read_last_outgoing(&self, workspace: &str, thread_id: &str) -> Result<Vec<String>, StoreError> {
        let found: Option<String> =
            sqlx::query_scalar("SELECT messages FROM last_outgoing WHERE workspace = ? AND thread_id = ?")
                .bind(workspace)
                .bind(thread_id)
                .fetch_optional(&self.readers)
                .await?;
        found.map_or_else(|| Ok(Vec::new()), |text| from_json(&text))
    }
}
