//! Several processes on one database: leases, shared budgets, and what each tells the others.
//!
//! A connection of its own: while everything else waits for the disk, a process must be able to tell that it lives.

use super::{
    SqlStore,
    codec::{from_json, to_json},
    connection::{Connection, Row, params},
    fences::Fences,
    shares::{Plan, Replica},
    standing::{self, Standing},
};
use crate::{
    model::{GRANT_LASTS, Grant, GrantRequest},
    store::{HeldLeases, LeaseStore, Share, StoreError, WorkspaceReport, leases::RENEW_EVERY},
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
/// Alerts are remembered for so long.
const ALERTS_REMEMBERED: i64 = 7 * 24 * HOUR;
/// A workspace that nobody has taken for so many renewals is taken, whoever's share it is: the one whose it is cannot.
const FREE_TOO_LONG: u32 = 3;

pub(super) fn micros_of(duration: Duration) -> i64 {
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
        let (fences, names) = (self.fences.clone(), to_json(&wanted)?);
        let told = names.clone();
        let held = self.agree(move |connection| renew(connection, &fences, &wanted, &names, share)).await?;
        self.fences.set_told(told);
        Ok(held)
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

    async fn leave(&self) -> Result<(), StoreError> {
        if !self.is_shared() {
            return Ok(());
        }
        let fences = self.fences.clone();
        self.agree(move |connection| standing::leave(connection, &fences)).await
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

    async fn report_workspaces(&self, reports: &BTreeMap<String, WorkspaceReport>) -> Result<(), StoreError> {
        if !self.is_shared() || reports.is_empty() {
            return Ok(());
        }
        let bodies = reports.iter().map(|(workspace, report)| Ok((workspace, to_json(report)?)));
        let bodies = to_json(&bodies.collect::<Result<BTreeMap<_, _>, StoreError>>()?)?;
        self.agree(move |connection| {
            let tell = "INSERT INTO workspace_reports (workspace, body)
                 SELECT told.key, told.value FROM json_each_text((?1)::json) told ORDER BY told.key
                 ON CONFLICT (workspace) DO UPDATE SET body = excluded.body";
            connection.execute(tell, params![bodies]).map(drop)
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

    async fn claim_alert(&self, key: &str, within: Duration) -> Result<bool, StoreError> {
        if !self.is_shared() {
            return Ok(true);
        }
        let (key, within) = (key.to_owned(), micros_of(within));
        self.agree(move |connection| {
            let claim = format!(
                "INSERT INTO alerts (key, at) VALUES (?1, {SERVER_TIME})
                 ON CONFLICT (key) DO UPDATE SET at = excluded.at WHERE alerts.at <= excluded.at - ?2"
            );
            let forget = format!("DELETE FROM alerts WHERE at < {SERVER_TIME} - ?1");
            let is_first = connection.execute(&claim, params![key, within])? > 0;
            if is_first {
                connection.execute(&forget, params![ALERTS_REMEMBERED])?;
            }
            Ok(is_first)
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

/// `names` is `wanted` as JSON.
fn renew(
    connection: &Connection,
    fences: &Fences,
    wanted: &BTreeSet<String>,
    names: &str,
    share: Share,
) -> Result<HeldLeases, StoreError> {
    let began = Instant::now();
    standing::tell_alive(connection, fences)?;
    let holder = fences.holder();
    if !fences.has_told(names) {
        connection.execute("UPDATE replicas SET workspaces = ?2 WHERE holder = ?1", params![holder, names])?;
        connection.execute(
            "INSERT INTO leases (workspace, holder, token) SELECT value, NULL, 0 FROM json_each(?1)
             WHERE NOT EXISTS (SELECT 1 FROM leases known WHERE known.workspace = value) ON CONFLICT DO NOTHING",
            params![names],
        )?;
    }
    let Standing { replicas, alike, before } = standing::read(connection, fences)?;
    let mut held: BTreeMap<String, i64> = connection
        .prepare_cached("SELECT workspace, token FROM leases WHERE holder = ?")?
        .query_all(params![holder], |row: Row<'_>| Ok((row.get(0)?, row.get(1)?)))?;
    let plan = match share {
        Share::All => Plan::take(wanted.len()),
        Share::Fair if replicas == alike => Plan::alike(wanted.len(), usize::try_from(replicas).unwrap_or(1)),
        Share::Fair => {
            let plan = Plan::differing(&read_replicas(connection)?, &holder, wanted);
            plan.with_urgent(fences.free_for(FREE_TOO_LONG))
        }
    };
    // Some must run here, whatever else does: nobody else knows them, or whose they are cannot take them.
    let urgent: Vec<&String> = plan.urgent.iter().filter(|name| wanted.contains(*name)).collect();
    if urgent.iter().any(|name| !held.contains_key(*name)) {
        held.extend(take(connection, &holder, &to_json(&urgent)?, urgent.len())?);
    }
    let room = plan.most.saturating_sub(held.keys().filter(|name| wanted.contains(*name)).count());
    if room > 0 {
        held.extend(take(connection, &holder, names, room)?);
    }
    if replicas == alike {
        fences.note_free(Vec::new());
    } else {
        fences.note_free(free(connection, names)?);
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
    let kept: Vec<&String> = held.keys().filter(|name| wanted.contains(*name)).collect();
    give_up.extend(plan.surplus(&kept));
    Ok(HeldLeases {
        workspaces: held.into_keys().collect(),
        give_up,
        polls,
        replicas: u64::try_from(replicas).unwrap_or_default(),
        before: u64::try_from(before).unwrap_or(u64::MAX),
    })
}

/// A workspace of this list that nobody living holds. `?1` is the process that asks, `?2` the list.
fn nobodys() -> String {
    format!(
        "SELECT l.workspace FROM leases l WHERE l.workspace IN (SELECT value FROM json_each(?2))
         AND l.holder IS DISTINCT FROM ?1 AND NOT EXISTS (SELECT 1 FROM replicas r
           WHERE r.holder = l.holder AND r.expires_at > {SERVER_TIME})"
    )
}

/// Takes at most so many of these workspaces, each under a new number.
fn take(connection: &Connection, holder: &str, names: &str, most: usize) -> Result<Vec<(String, i64)>, StoreError> {
    let take = format!(
        "UPDATE leases SET holder = ?1, token = token + 1 WHERE workspace IN (
           {} ORDER BY l.workspace LIMIT ?3 FOR UPDATE OF l SKIP LOCKED) RETURNING workspace, token",
        nobodys()
    );
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let row = |row: Row<'_>| Ok((row.get(0)?, row.get(1)?));
    connection.prepare_cached(&take)?.query_all(params![holder, names, limit], row)
}

/// Which of these workspaces nobody living holds.
fn free(connection: &Connection, names: &str) -> Result<Vec<String>, StoreError> {
    connection.prepare_cached(&nobodys())?.query_all(params!["", names], |row| row.get(0))
}

/// The processes that live, with what they know and hold.
fn read_replicas(connection: &Connection) -> Result<Vec<Replica>, StoreError> {
    let all = format!(
        "SELECT r.holder, r.workspaces, (SELECT count(*) FROM leases l WHERE l.holder = r.holder)
         FROM replicas r WHERE r.expires_at > {SERVER_TIME}"
    );
    let row = |row: Row<'_>| {
        let held: i64 = row.get(2)?;
        Ok(Replica {
            holder: row.get(0)?,
            knows: from_json(row.text(1)?)?,
            held: usize::try_from(held).unwrap_or_default(),
        })
    };
    connection.prepare_cached(&all)?.query_all(params![], row)
}

impl SqlStore {
    /// The processes that run on the store now, by the names that they have in it. Of a file there is none: whoever has it
    /// has it alone.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn running_replicas(&self) -> Result<Vec<String>, StoreError> {
        if !self.is_shared() {
            return Ok(Vec::new());
        }
        self.read(|connection| Ok(read_replicas(connection)?.into_iter().map(|replica| replica.holder).collect())).await
    }
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
