//! Traces of other senders on the same account: our own addresses, another service, and the campaigns' own messages.

use super::{
    SqlStore,
    action_writes::{ActionUpdate, held_for},
    actions::find_one,
    codec::{from_json, micros, timestamp, to_json},
    connection::params,
    session::Session,
};
use crate::{
    model::{ReasonCode, Transition},
    store::{AccountStore, CAMPAIGN_STEPS, CampaignStep, ForeignUse, StoreError},
};
use async_trait::async_trait;
use jiff::Timestamp;

#[async_trait]
impl AccountStore for SqlStore {
    async fn add_own_addresses(&self, addresses: &[String]) -> Result<(), StoreError> {
        let addresses: Vec<String> = addresses.iter().map(|address| address.to_lowercase()).collect();
        self.write(move |session| {
            let mut insert = session
                .connection
                .prepare_cached("INSERT INTO own_addresses (email) VALUES (?) ON CONFLICT DO NOTHING")?;
            for address in addresses {
                insert.execute(params![address])?;
            }
            Ok(())
        })
        .await
    }

    async fn is_own_address(&self, address: &str) -> Result<bool, StoreError> {
        let address = address.to_lowercase();
        self.look_up(move |connection| {
            let mut query = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM own_addresses WHERE email = ?)")?;
            query.query_row(params![address], |row| row.get(0))
        })
        .await
    }

    async fn foreign_uses(&self) -> Result<Vec<ForeignUse>, StoreError> {
        self.look_up(|connection| {
            let mut query =
                connection.prepare_cached("SELECT workspace, since, evidence FROM foreign_use ORDER BY workspace")?;
            let mut rows = query.query(params![])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let since = timestamp(row.get(1)?)?;
                found.push(ForeignUse { workspace: row.get(0)?, since, evidence: row.get(2)? });
            }
            Ok(found)
        })
        .await
    }

    async fn add_foreign_use(&self, found: &ForeignUse) -> Result<bool, StoreError> {
        let ForeignUse { workspace, since, evidence } = found.clone();
        self.write(move |session| {
            let mut insert = session.connection.prepare_cached(
                "INSERT INTO foreign_use (workspace, since, evidence) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            )?;
            Ok(insert.execute(params![workspace, micros(since), evidence])? > 0)
        })
        .await
    }

    async fn add_campaign_steps(
        &self,
        workspace: &str,
        steps: &[CampaignStep],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (workspace, steps) = (workspace.to_owned(), steps.to_vec());
        self.write(move |session| {
            let mut insert = session.connection.prepare_cached(
                "INSERT INTO campaign_steps (workspace, thread_id, message_id, sender, words, seen_at)
                 VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )?;
            for CampaignStep { thread_id, message_id, sender, words } in steps {
                insert.execute(params![workspace, thread_id, message_id, sender, to_json(&words)?, micros(now)])?;
            }
            let mut forget = session.connection.prepare_cached(
                "DELETE FROM campaign_steps WHERE workspace = ?1 AND seen_at < (
                   SELECT seen_at FROM campaign_steps WHERE workspace = ?1 ORDER BY seen_at DESC LIMIT 1 OFFSET ?2)",
            )?;
            forget.execute(params![workspace, CAMPAIGN_STEPS - 1])?;
            Ok(())
        })
        .await
    }

    async fn campaign_steps(&self, workspace: &str) -> Result<Vec<CampaignStep>, StoreError> {
        let workspace = workspace.to_owned();
        self.read(move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT thread_id, message_id, sender, words FROM campaign_steps WHERE workspace = ?
                 ORDER BY seen_at DESC LIMIT ?",
            )?;
            let mut rows = query.query(params![workspace, CAMPAIGN_STEPS])?;
            let mut steps = Vec::new();
            while let Some(row) = rows.next()? {
                steps.push(CampaignStep {
                    thread_id: row.get(0)?,
                    message_id: row.get(1)?,
                    sender: row.get(2)?,
                    words: from_json(row.text(3)?)?,
                });
            }
            Ok(steps)
        })
        .await
    }
}

/// Forgets that another service was seen, in one workspace or in all, and makes due what was held for it.
pub(super) fn forget_foreign_use(
    session: &mut Session<'_>,
    workspace: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    session.connection.execute("DELETE FROM foreign_use WHERE ?1 IS NULL OR workspace = ?1", params![workspace])?;
    let number = workspace.map(|name| session.workspace(name)).transpose()?;
    for id in held_for(session, number, ReasonCode::ForeignUse)? {
        let Some(mut action) = find_one(session.connection, &id)? else { continue };
        Transition::planned(now).apply_to(&mut action, now);
        ActionUpdate::new(&action).write(session)?;
    }
    Ok(())
}
