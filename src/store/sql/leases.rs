//! Several processes on one database: leases, shared budgets, and what each tells the others.
//!
//! A connection of its own: while everything else waits for the disk, a process must be able to tell that it lives.

use super::{
    SqlStore,
    codec::{from_json, to_json},
    connection::{Connection, Row, params},
    fences::Fences,
};
use crate::{
    model::{GRANT_LASTS, Grant, GrantRequest},
    store::{
        HeldLeases, LeaseStore, Share, StoreError, WorkspaceReport,
        leases::{LEASE, RENEW_EVERY},
    },
};
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// The server's clock, in microseconds: those of the processes may differ.
pub(super) const SERVER_TIME: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
/// Grants in a rolling window are counted for so much longer: a request may begin late, and no two clocks run alike.
const SLACK: i64 = 500_000;
/// Processes that are gone for so long are forgotten.
const REMEMBERED: i64 = HOUR;

fn micros_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[async_trait]
impl LeaseStore for SqlStore {
    fn is_shared(&self) -> bool {
        self.database.is_some()
    }

    fn replica(&self) -> String {
        self.fences.holder()
    }

    async fn renew_leases(&self, wanted: &[String], share: Share) -> Result<HeldLeases, StoreError> {
        let wanted: BTreeSet<String> = wanted.iter().cloned().collect();
        if !self.is_shared() {
            return Ok(HeldLeases { workspaces: wanted, replicas: 1, ..HeldLeases::default() });
        }
        let fences = self.fences.clone();
        self.agree(move |connection| renew(connection, &fences, &wanted, share)).await
    }

    async fn release_leases(&self, workspaces: &[String]) -> Result<(), StoreError> {
        if !self.is_shared() {
            return Ok(());
        }
        let (fences, names) = (self.fences.clone(), workspaces.to_vec());
        self.agree(move |connection| {
            fences.remove(&names);
            let free = "UPDATE leases SET holder = NULL WHERE holder = ?1
                 AND workspace IN (SELECT value FROM json_each(?2))";
            connection.execute(free, params![fences.holder(), to_json(&names)?])?;
            Ok(())
        })
        .await
    }

    async fn request_poll(&self, workspace: &str) -> Result<(), StoreError> {
        if !self.is_shared() {
            return Ok(());
        }
        let workspace = workspace.to_owned();
        self.agree(move |connection| {
            let ask = "INSERT INTO wanted_polls (workspace) VALUES (?) ON CONFLICT DO NOTHING";
            connection.execute(ask, params![workspace]).map(drop)
        })
        .await
    }

    async fn grant_requests(&self, key: &str, request: GrantRequest) -> Result<Grant, StoreError> {
        if !self.is_shared() {
            return Ok(Grant::Granted { id: 0, count: request.wanted });
        }
        let key = key.to_owned();
        self.agree(move |connection| grant(connection, &key, request)).await
    }

    async fn report_workspace(&self, workspace: &str, report: &WorkspaceReport) -> Result<(), StoreError> {
        if !self.is_shared() {
            return Ok(());
        }
        let (workspace, body) = (workspace.to_owned(), to_json(report)?);
        self.agree(move |connection| {
            let tell = "INSERT INTO workspace_reports (workspace, body) VALUES (?, ?)
                 ON CONFLICT (workspace) DO UPDATE SET body = excluded.body";
            connection.execute(tell, params![workspace, body]).map(drop)
        })
        .await
    }

    async fn workspace_reports(&self) -> Result<BTreeMap<String, WorkspaceReport>, StoreError> {
        if !self.is_shared() {
            return Ok(BTreeMap::new());
        }
        self.read(|connection| {
            let all = "SELECT workspace, body FROM workspace_reports";
            let row = |row: Row<'_>| Ok((row.get(0)?, from_json(row.text(1)?)?));
            connection.prepare_cached(all)?.query_all(params![], row)
        })
        .await
    }

    async fn wait_for_others(&self) {
        match &self.news {
            Some(news) => news.wait(RENEW_EVERY).await,
            None => std::future::pending().await,
        }
    }
}

impl SqlStore {
    /// Runs a transaction on the connection that is for this.
    async fn agree<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let closed = || StoreError::Database("the store is closed".to_owned());
        self.agreeing.as_ref().ok_or_else(closed)?.read(move |connection| connection.transaction(job)).await
    }
}

fn renew(
    connection: &Connection,
    fences: &Fences,
    wanted: &BTreeSet<String>,
    share: Share,
) -> Result<HeldLeases, StoreError> {
    let began = Instant::now();
    let lives =
        format!("UPDATE replicas SET expires_at = {SERVER_TIME} + ?2 WHERE holder = ?1 AND expires_at > {SERVER_TIME}");
    if connection.execute(&lives, params![fences.holder(), micros_of(LEASE)])? == 0 {
        // Too late: others may have taken what it held. It begins anew, under another name.
        fences.begin_anew();
        let come = format!("INSERT INTO replicas (holder, expires_at) VALUES (?1, {SERVER_TIME} + ?2)");
        connection.execute(&come, params![fences.holder(), micros_of(LEASE)])?;
        let forget = format!("DELETE FROM replicas WHERE expires_at < {SERVER_TIME} - ?1");
        connection.execute(&forget, params![REMEMBERED])?;
    }
    let holder = fences.holder();
    let names = to_json(wanted)?;
    connection.execute(
        "INSERT INTO leases (workspace, holder, token) SELECT value, NULL, 0 FROM json_each(?1)
         WHERE NOT EXISTS (SELECT 1 FROM leases known WHERE known.workspace = value) ON CONFLICT DO NOTHING",
        params![names],
    )?;
    let living = format!("SELECT count(*) FROM replicas WHERE expires_at > {SERVER_TIME}");
    let replicas: i64 = connection.query_row(&living, params![], |row| row.get(0))?;
    let row = |row: Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let mut held: BTreeMap<String, i64> = connection
        .prepare_cached("SELECT workspace, token FROM leases WHERE holder = ?")?
        .query_all(params![holder], row)?;
    let most = match share {
        Share::All => wanted.len(),
        Share::Fair => wanted.len().div_ceil(usize::try_from(replicas.max(1)).unwrap_or(1)),
    };
    let free = most.saturating_sub(held.len());
    if free > 0 {
        let take = format!(
            "UPDATE leases SET holder = ?1, token = token + 1 WHERE workspace IN (
               SELECT l.workspace FROM leases l WHERE l.workspace IN (SELECT value FROM json_each(?2))
               AND l.holder IS DISTINCT FROM ?1 AND NOT EXISTS (SELECT 1 FROM replicas r
                 WHERE r.holder = l.holder AND r.expires_at > {SERVER_TIME})
               ORDER BY l.workspace LIMIT ?3 FOR UPDATE OF l SKIP LOCKED)
             RETURNING workspace, token"
        );
        let limit = i64::try_from(free).unwrap_or(i64::MAX);
        let taken: Vec<(String, i64)> =
            connection.prepare_cached(&take)?.query_all(params![holder, names, limit], row)?;
        held.extend(taken);
    }
    let mine = to_json(&held.keys().collect::<Vec<_>>())?;
    let polls: BTreeSet<String> = connection
        .prepare_cached(
            "DELETE FROM wanted_polls WHERE workspace IN (SELECT value FROM json_each(?)) RETURNING workspace",
        )?
        .query_all(params![mine], |row| row.get(0))?;
    fences.set(&held, began);
    // What is not in the configuration any more goes first.
    let mut give_up: BTreeSet<String> = held.keys().filter(|name| !wanted.contains(*name)).cloned().collect();
    let kept = held.len() - give_up.len();
    let surplus = kept.saturating_sub(most);
    let extra: Vec<String> = held.keys().rev().filter(|name| !give_up.contains(*name)).take(surplus).cloned().collect();
    give_up.extend(extra);
    Ok(HeldLeases {
        workspaces: held.into_keys().collect(),
        give_up,
        polls,
        replicas: u64::try_from(replicas).unwrap_or_default(),
    })
}

/// Takes places where a rolling minute and a rolling hour have them. Whoever asks at the same time waits.
fn grant(connection: &Connection, key: &str, request: GrantRequest) -> Result<Grant, StoreError> {
    connection.query_row("SELECT pg_advisory_xact_lock(721733, hashtext(?))", params![key], |_| Ok(()))?;
    if let Some((id, used)) = request.used {
        connection.execute("UPDATE request_grants SET count = ?2 WHERE id = ?1", params![id, i64::from(used)])?;
    }
    let lasts = micros_of(GRANT_LASTS) + SLACK;
    let taken = format!(
        "SELECT CAST(coalesce(sum(count) FILTER (WHERE at > {SERVER_TIME} - ?2), 0) AS BIGINT),
           CAST(coalesce(sum(count), 0) AS BIGINT),
           coalesce(min(at) FILTER (WHERE at > {SERVER_TIME} - ?2 AND count > 0), 0), coalesce(min(at), 0), {SERVER_TIME}
         FROM request_grants WHERE key = ?1 AND at > {SERVER_TIME} - ?3"
    );
    let row = |row: Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
    let values = params![key, MINUTE + lasts, HOUR + lasts];
    let (minute, hour, first_of_minute, first_of_hour, now): (i64, i64, i64, i64, i64) =
        connection.prepare_cached(&taken)?.query_row(values, row)?;
    let left = (i64::from(request.per_minute) - minute).min(i64::from(request.per_hour) - hour);
    let count = left.min(i64::from(request.wanted));
    if count > 0 {
        let take = format!("INSERT INTO request_grants (key, at, count) VALUES (?, {SERVER_TIME}, ?) RETURNING id");
        let id: i64 = connection.query_row(&take, params![key, count], |row| row.get(0))?;
        if id % 100 == 0 {
            let forget = format!("DELETE FROM request_grants WHERE at < {SERVER_TIME} - ?1");
            connection.execute(&forget, params![2 * HOUR])?;
        }
        return Ok(Grant::Granted { id, count: u32::try_from(count).unwrap_or(u32::MAX) });
    }
    let until = if minute >= i64::from(request.per_minute) { first_of_minute + MINUTE } else { first_of_hour + HOUR };
    let wait = u64::try_from(until + lasts - now).unwrap_or_default();
    Ok(Grant::Wait(Duration::from_micros(wait).max(Duration::from_millis(50))))
}
