//! Pauses and the modes that people lowered rules to; opt-outs.

use super::{
    SqlStore,
    accounts::forget_foreign_use,
    action_writes::wake,
    addresses::AddressKey,
    codec::{micros, parse, timestamp, to_json},
    connection::{Connection, Row, params},
    left,
    session::Session,
};
use crate::{
    model::{Mode, OptOutScope, kept_forms, known_by},
    store::{ControlStore, ModeOverride, OptOut, OptOutStore, Pause, StoreError, opt_outs::spellings},
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::HashMap;

#[async_trait]
impl ControlStore for SqlStore {
    async fn override_modes(&self) -> Result<HashMap<String, Mode>, StoreError> {
        let modes = self.mode_overrides().await?;
        Ok(modes.into_iter().map(|lowered| (lowered.rule, lowered.mode)).collect())
    }

    async fn mode_overrides(&self) -> Result<Vec<ModeOverride>, StoreError> {
        self.look_up(|connection| {
            let mut query = connection.prepare_cached("SELECT rule, mode, since, by FROM rule_modes ORDER BY rule")?;
            let mut rows = query.query(params![])?;
            let mut modes = Vec::new();
            while let Some(row) = rows.next()? {
                modes.push(ModeOverride {
                    rule: row.get(0)?,
                    mode: parse(row.text(1)?)?,
                    since: timestamp(row.get(2)?)?,
                    by: noted(row.get(3)?),
                });
            }
            Ok(modes)
        })
        .await
    }

    async fn set_rule_mode(&self, rule: &str, mode: Option<Mode>, by: &str, now: Timestamp) -> Result<(), StoreError> {
        let (rule, by) = (rule.to_owned(), by.to_owned());
        self.write(move |session| {
            match mode {
                None => session.connection.execute("DELETE FROM rule_modes WHERE rule = ?", params![rule])?,
                Some(mode) => session.connection.execute(
                    "INSERT INTO rule_modes (rule, mode, since, by) VALUES (?, ?, ?, ?)
                     ON CONFLICT (rule) DO UPDATE SET mode = excluded.mode, since = excluded.since, by = excluded.by",
                    params![rule, mode.as_str(), micros(now), by],
                )?,
            };
            Ok(())
        })
        .await
    }

    async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        self.look_up(|connection| {
            let mut query =
                connection.prepare_cached("SELECT workspace, since, reason, by FROM pauses ORDER BY workspace")?;
            let mut rows = query.query(params![])?;
            let mut pauses = Vec::new();
            while let Some(row) = rows.next()? {
                pauses.push(Pause {
                    workspace: noted(row.get(0)?),
                    since: timestamp(row.get(1)?)?,
                    reason: row.get(2)?,
                    by: noted(row.get(3)?),
                });
            }
            Ok(pauses)
        })
        .await
    }

    async fn pause(
        &self,
        workspace: Option<&str>,
        reason: &str,
        by: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (workspace, by) = (workspace.unwrap_or_default().to_owned(), by.unwrap_or_default().to_owned());
        let reason = reason.to_owned();
        self.write_alone(move |session| {
            session.lock_switches()?;
            session.connection.execute(
                "INSERT INTO pauses (workspace, since, reason, by) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                params![workspace, micros(now), reason, by],
            )?;
            Ok(())
        })
        .await
    }

    async fn resume(&self, workspace: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
        let workspace = workspace.map(str::to_owned);
        self.write(move |session| {
            session.connection.execute("DELETE FROM pauses WHERE ?1 IS NULL OR workspace = ?1", params![workspace])?;
            forget_foreign_use(session, workspace.as_deref(), now)?;
            wake(session, workspace.as_deref(), now)
        })
        .await
    }
}

#[async_trait]
impl OptOutStore for SqlStore {
    async fn add_opt_out(&self, opt_out: &OptOut) -> Result<(), StoreError> {
        let (opt_out, key) = (opt_out.clone(), self.address_key.clone());
        self.write_alone(move |session| {
            session.lock_switches()?;
            insert_opt_out(session, &key, &opt_out).map(drop)
        })
        .await
    }

    async fn add_opt_outs(&self, opt_outs: Vec<OptOut>) -> Result<u64, StoreError> {
        let key = self.address_key.clone();
        self.write_alone(move |session| {
            session.lock_switches()?;
            let mut added = 0;
            for opt_out in &opt_outs {
                added += u64::from(insert_opt_out(session, &key, opt_out)?);
            }
            Ok(added)
        })
        .await
    }

    async fn remove_opt_out(&self, workspace: Option<&str>, email: &str) -> Result<bool, StoreError> {
        let workspace = workspace.map(str::to_owned);
        let email = known_by(email).unwrap_or_default();
        let key = self.address_key.clone();
        self.write(move |session| {
            let forms = address_forms(session.connection, &key, &email)?;
            let gone = session.connection.execute(
                "DELETE FROM opt_outs WHERE email IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR workspace = ?2)",
                params![forms, workspace],
            )?;
            if gone > 0 {
                left::unmark(session, &key)?;
            }
            Ok(gone > 0)
        })
        .await
    }

    async fn opt_out(&self, workspace: &str, email: &str, scope: OptOutScope) -> Result<Option<OptOut>, StoreError> {
        let (workspace, email) = (workspace.to_owned(), email.to_lowercase());
        let key = self.address_key.clone();
        self.look_up(move |connection| find_opt_out(connection, &key, (&workspace, scope), &email)).await
    }

    async fn opt_outs(
        &self,
        workspaces: Option<&[String]>,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<OptOut>, StoreError> {
        let workspaces = workspaces.map(to_json).transpose()?;
        self.read(move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT workspace, email, since, evidence FROM opt_outs
                 WHERE ?1 IS NULL OR workspace IN (SELECT value FROM json_each(?1))
                 ORDER BY since DESC, workspace, email LIMIT ?2 OFFSET ?3",
            )?;
            let mut rows = query.query(params![workspaces, limit, offset])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(read_opt_out(row)?);
            }
            Ok(found)
        })
        .await
    }

    async fn opt_outs_after(
        &self,
        workspaces: Option<&[String]>,
        after: Option<&OptOut>,
        limit: u32,
    ) -> Result<Vec<OptOut>, StoreError> {
        let workspaces = workspaces.map(to_json).transpose()?;
        let after = after.map(|last| (last.workspace.clone(), last.email.clone()));
        self.read(move |connection| {
            let mut query = connection.prepare_cached(OPT_OUTS_AFTER)?;
            let (workspace, email) = after.unwrap_or_default();
            query.query_all(params![workspaces, workspace, email, limit], read_opt_out)
        })
        .await
    }

    async fn erased_opt_outs(&self, workspaces: Option<&[String]>) -> Result<u64, StoreError> {
        let workspaces = workspaces.map(to_json).transpose()?;
        self.read(move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT count(*) FROM opt_outs WHERE email LIKE 'erased:%'
                 AND (?1 IS NULL OR workspace IN (SELECT value FROM json_each(?1)))",
            )?;
            query.query_row(params![workspaces], |row| row.get(0)).map(i64::unsigned_abs)
        })
        .await
    }
}

/// The next opt-outs by workspace and address.
pub(super) const OPT_OUTS_AFTER: &str = "SELECT workspace, email, since, evidence FROM opt_outs
     WHERE (workspace, email) > (?2, ?3) AND email NOT LIKE 'erased:%'
     AND (?1 IS NULL OR workspace IN (SELECT value FROM json_each(?1))) ORDER BY workspace, email LIMIT ?4";

/// Remembers an opt-out if there is none of the address, nor of its hash; whether there was none.
pub(super) fn insert_opt_out(session: &Session<'_>, key: &AddressKey, opt_out: &OptOut) -> Result<bool, StoreError> {
    let OptOut { workspace, email, since, evidence } = opt_out;
    let email = email.to_lowercase();
    let mut insert = session.connection.prepare_cached(
        "INSERT INTO opt_outs (workspace, email, since, evidence) SELECT ?1, ?2, ?3, ?4
         WHERE NOT EXISTS (SELECT 1 FROM opt_outs WHERE workspace = ?1 AND email = ?5) ON CONFLICT DO NOTHING",
    )?;
    let hidden = key.hidden(session.connection, &email)?;
    Ok(insert.execute(params![workspace, email, micros(*since), evidence, hidden])? > 0)
}

/// One of the forms of an address, in a workspace or in all.
pub(super) const OPT_OUT: &str = "SELECT workspace, email, since, evidence FROM opt_outs INDEXED BY opt_outs_email
     WHERE email IN (SELECT value FROM json_each(?1)) AND (?2 OR workspace = ?3) ORDER BY since LIMIT 1";

/// The opt-out of a lead, whose address is in lower case.
pub(super) fn find_opt_out(
    connection: &Connection,
    key: &AddressKey,
    (workspace, scope): (&str, OptOutScope),
    email: &str,
) -> Result<Option<OptOut>, StoreError> {
    let forms = opt_out_forms(connection, key, email)?;
    let mut query = connection.prepare_cached(OPT_OUT)?;
    query.query_optional(params![forms, scope == OptOutScope::Shared, workspace], read_opt_out)
}

/// What an opt-out of an address may be written as, a JSON list: the address, its hash, and its domain with those above it.
pub(super) fn opt_out_forms(connection: &Connection, key: &AddressKey, email: &str) -> Result<String, StoreError> {
    let mut forms = Vec::new();
    for spelling in spellings(email) {
        let hidden = key.hidden(connection, &spelling.address)?;
        let domains = spelling.domains().collect::<Vec<_>>();
        forms.push(spelling.address.into_owned());
        forms.extend(hidden.into_iter().chain(domains));
    }
    to_json(&forms)
}

/// What an opt-out of this very address may be written as, a JSON list: every form of it, and their hashes.
fn address_forms(connection: &Connection, key: &AddressKey, email: &str) -> Result<String, StoreError> {
    let mut forms = Vec::new();
    for form in kept_forms(email) {
        forms.extend(key.hidden(connection, &form)?);
        forms.push(form.into_owned());
    }
    to_json(&forms)
}

/// An empty text stands for what was not noted.
fn noted(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn read_opt_out(row: Row<'_>) -> Result<OptOut, StoreError> {
    Ok(OptOut { workspace: row.get(0)?, email: row.get(1)?, since: timestamp(row.get(2)?)?, evidence: row.get(3)? })
}
