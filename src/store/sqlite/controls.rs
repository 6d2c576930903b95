//! Opt-outs, our own addresses, pauses and the modes that people lowered rules to.

use super::{SqliteStore, Tx, micros, parse, timestamp};
use crate::{
    model::Mode,
    store::{ModeOverride, OptOut, Pause, StoreError},
};
use jiff::Timestamp;
use std::collections::HashMap;

type OptOutRow = (String, String, i64, String);

impl SqliteStore {
    pub(super) async fn read_opt_out(&self, workspace: &str, email: &str) -> Result<Option<OptOut>, StoreError> {
        let row: Option<OptOutRow> =
            sqlx::query_as("SELECT workspace, email, since, evidence FROM opt_outs WHERE workspace = ? AND email = ?")
                .bind(workspace)
                .bind(email.to_lowercase())
                .fetch_optional(&self.readers)
                .await?;
        row.map(opt_out).transpose()
    }

    pub(super) async fn read_opt_outs(
        &self,
        workspace: Option<&str>,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<OptOut>, StoreError> {
        let rows: Vec<OptOutRow> = sqlx::query_as(
            "SELECT workspace, email, since, evidence FROM opt_outs WHERE ?1 IS NULL OR workspace = ?1
             ORDER BY since DESC, workspace, email LIMIT ?2 OFFSET ?3",
        )
        .bind(workspace)
        .bind(limit)
        .bind(offset)
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(opt_out).collect()
    }

    pub(super) async fn delete_opt_out(&self, workspace: Option<&str>, email: &str) -> Result<bool, StoreError> {
        let gone = sqlx::query("DELETE FROM opt_outs WHERE email = ?1 AND (?2 IS NULL OR workspace = ?2)")
            .bind(email.to_lowercase())
            .bind(workspace)
            .execute(&self.writer)
            .await?;
        Ok(gone.rows_affected() > 0)
    }

    pub(super) async fn insert_own_addresses(&self, addresses: &[String]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for address in addresses {
            sqlx::query("INSERT INTO own_addresses (email) VALUES (?) ON CONFLICT DO NOTHING")
                .bind(address.to_lowercase())
                .execute(&mut *tx)
                .await?;
        }
        self.commit(tx).await
    }

    pub(super) async fn read_is_own_address(&self, address: &str) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar("SELECT count(*) > 0 FROM own_addresses WHERE email = ?");
        Ok(found.bind(address.to_lowercase()).fetch_one(&self.readers).await?)
    }

    pub(super) async fn read_rule_modes(&self) -> Result<HashMap<String, Mode>, StoreError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT rule, mode FROM rule_modes").fetch_all(&self.readers).await?;
        rows.into_iter().map(|(rule, mode)| Ok((rule, parse(&mode)?))).collect()
    }

    pub(super) async fn read_rule_switches(&self) -> Result<Vec<ModeOverride>, StoreError> {
        let rows: Vec<(String, String, i64, String)> =
            sqlx::query_as("SELECT rule, mode, since, by FROM rule_modes ORDER BY rule")
                .fetch_all(&self.readers)
                .await?;
        rows.into_iter()
            .map(|(rule, mode, since, by)| {
                Ok(ModeOverride { rule, mode: parse(&mode)?, since: timestamp(since)?, by: noted(by) })
            })
            .collect()
    }

    pub(super) async fn write_rule_mode(
        &self,
        rule: &str,
        mode: Option<Mode>,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let query = match mode {
            None => sqlx::query("DELETE FROM rule_modes WHERE rule = ?").bind(rule),
            Some(mode) => sqlx::query(
                "INSERT INTO rule_modes (rule, mode, since, by) VALUES (?, ?, ?, ?)
                 ON CONFLICT (rule) DO UPDATE SET mode = excluded.mode, since = excluded.since, by = excluded.by",
            )
            .bind(rule)
            .bind(mode.as_str())
            .bind(micros(now))
            .bind(by.to_owned()),
        };
        query.execute(&self.writer).await?;
        Ok(())
    }

    pub(super) async fn read_pauses(&self) -> Result<Vec<Pause>, StoreError> {
        let rows: Vec<(String, i64, String, String)> =
            sqlx::query_as("SELECT workspace, since, reason, by FROM pauses ORDER BY workspace")
                .fetch_all(&self.readers)
                .await?;
        rows.into_iter()
            .map(|(workspace, since, reason, by)| {
                Ok(Pause { workspace: noted(workspace), since: timestamp(since)?, reason, by: noted(by) })
            })
            .collect()
    }

    pub(super) async fn write_pause(
        &self,
        workspace: Option<&str>,
        reason: &str,
        by: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO pauses (workspace, since, reason, by) VALUES (?, ?, ?, ?) ON CONFLICT (workspace) DO NOTHING",
        )
        .bind(workspace.unwrap_or_default())
        .bind(micros(now))
        .bind(reason)
        .bind(by.unwrap_or_default())
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    pub(super) async fn delete_pause(&self, workspace: Option<&str>) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM pauses WHERE ?1 IS NULL OR workspace = ?1")
            .bind(workspace)
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}

pub(super) async fn insert_opt_out(tx: &mut Tx<'_>, opt_out: &OptOut) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO opt_outs (workspace, email, since, evidence) VALUES (?, ?, ?, ?)
         ON CONFLICT (workspace, email) DO NOTHING",
    )
    .bind(&opt_out.workspace)
    .bind(opt_out.email.to_lowercase())
    .bind(micros(opt_out.since))
    .bind(&opt_out.evidence)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// An empty text stands for what was not noted.
fn noted(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn opt_out((workspace, email, since, evidence): OptOutRow) -> Result<OptOut, StoreError> {
    Ok(OptOut { workspace, email, since: timestamp(since)?, evidence })
}
