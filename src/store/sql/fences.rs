//! Which workspaces this process holds in a store that it shares, and under which number.

use super::{connection::params, leases::SERVER_TIME, session::Session};
use crate::store::StoreError;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// Shared by the store, the thread that writes, and whoever renews.
#[derive(Debug, Clone)]
pub(super) struct Fences(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// The process, for as long as it keeps its place among the others.
    process: String,
    /// Its name in the store: another one each time that it begins anew.
    holder: String,
    /// How often it has begun anew.
    begun_anew: u32,
    /// The processes that were there when it came.
    there_before: BTreeSet<String>,
    /// Before the first renewal nothing is fenced: one process uses the store alone, as a test or a command does.
    tokens: Option<HashMap<String, i64>>,
    renewed: Option<Instant>,
    /// The workspaces of its configuration, as it last told the others.
    told: Option<String>,
    /// For how many renewals nobody has taken a workspace.
    free: HashMap<String, u32>,
}

impl Default for Fences {
    fn default() -> Self {
        let process = new_name();
        Self(Arc::new(Mutex::new(State {
            holder: process.clone(),
            process,
            begun_anew: 0,
            there_before: BTreeSet::new(),
            tokens: None,
            renewed: None,
            told: None,
            free: HashMap::new(),
        })))
    }
}

/// A name that tells on which machine the process runs, as its log and pages do.
fn new_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let id = uuid::Uuid::new_v4().simple().to_string();
    let short = id.get(..8).unwrap_or_default();
    if host.is_empty() { short.to_owned() } else { format!("{host}-{short}") }
}

/// The process that had this name in the store.
pub(super) fn process_of(holder: &str) -> &str {
    let id = holder.rfind('-').map_or(0, |dash| dash + 1);
    let end = holder.get(id..).and_then(|id| id.find('.')).map_or(holder.len(), |dot| id + dot);
    holder.get(..end).unwrap_or(holder)
}

impl Fences {
    // Plain values: a panic in between leaves nothing half-done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn holder(&self) -> String {
        self.state().holder.clone()
    }

    pub(super) fn process(&self) -> String {
        self.state().process.clone()
    }

    /// What was held is lost; from here on the process has another name. The first time it has lost nothing.
    pub(super) fn begin_anew(&self) {
        let mut state = self.state();
        if state.tokens.is_some() {
            state.begun_anew += 1;
            state.holder = format!("{}.{}", state.process, state.begun_anew);
        }
        state.tokens = Some(HashMap::new());
        state.told = None;
    }

    /// The process has no place among the others any more: it comes under a name that none of them has seen.
    pub(super) fn come_anew(&self) {
        let mut state = self.state();
        if state.begun_anew > 0 {
            state.process = new_name();
            state.holder = state.process.clone();
            state.begun_anew = 0;
        }
    }

    /// Nothing of any workspace is written here any more.
    pub(super) fn hold_nothing(&self) {
        self.state().tokens = Some(HashMap::new());
    }

    /// Records which processes were there when this one came.
    pub(super) fn stand_behind(&self, processes: BTreeSet<String>) {
        self.state().there_before = processes;
    }

    /// Whether this process was there when this one came.
    pub(super) fn stands_behind(&self, process: &str) -> bool {
        self.state().there_before.contains(process)
    }

    /// Whether the others were told that these are its workspaces.
    pub(super) fn has_told(&self, workspaces: &str) -> bool {
        self.state().told.as_deref() == Some(workspaces)
    }

    /// Records that the transaction which told them was committed.
    pub(super) fn set_told(&self, workspaces: String) {
        self.state().told = Some(workspaces);
    }

    /// Records which workspaces nobody holds.
    pub(super) fn note_free(&self, free: Vec<String>) {
        let mut state = self.state();
        let before = std::mem::take(&mut state.free);
        let times = |name: &String| before.get(name).map_or(1, |times| times + 1);
        state.free = free.into_iter().map(|name| (name.clone(), times(&name))).collect();
    }

    /// Those that nobody has held for so many renewals.
    pub(super) fn free_for(&self, renewals: u32) -> Vec<String> {
        self.state().free.iter().filter(|(_, times)| **times >= renewals).map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn set(&self, held: &BTreeMap<String, i64>, renewed: Instant) {
        let mut state = self.state();
        state.tokens = Some(held.iter().map(|(name, token)| (name.clone(), *token)).collect());
        state.renewed = Some(renewed);
    }

    pub(super) fn remove(&self, workspaces: &[String]) {
        if let Some(tokens) = &mut self.state().tokens {
            tokens.retain(|name, _| !workspaces.contains(name));
        }
    }

    /// The holder and the number to check; `None` where nothing is fenced.
    fn of(&self, workspace: &str) -> Option<(String, Option<i64>)> {
        let state = self.state();
        let tokens = state.tokens.as_ref()?;
        Some((state.holder.clone(), tokens.get(workspace).copied()))
    }
}

/// Locked by whoever writes what intents look at; shared by the transactions that write for a workspace, so that none of
/// them has looked before it and commits after it. The number is ours: nobody else locks it in this database.
const SWITCHES: i64 = 7_217_330_194;

impl Session<'_> {
    /// Waits until whoever may have looked at the pauses and the opt-outs before has committed: once this transaction is on
    /// disk, no intent is written that has not seen it. First in a transaction [alone](SqlStore::write_alone), or two
    /// processes would wait for each other.
    pub(super) fn lock_switches(&self) -> Result<(), StoreError> {
        if self.connection.pick(true, false) {
            // A file has one writer.
            return Ok(());
        }
        let lock = format!("SELECT pg_advisory_xact_lock({SWITCHES})");
        self.connection.query_row(&lock, params![], |_| Ok(()))
    }

    /// Refuses to write for a workspace that this process does not hold any more. The lease cannot pass to another one
    /// before the transaction has ended.
    pub(super) fn fence(&mut self, workspace: &str) -> Result<(), StoreError> {
        let Some((holder, token)) = self.fences.of(workspace) else { return Ok(()) };
        let not_held = || StoreError::NotHeld { workspace: workspace.to_owned() };
        let token = token.ok_or_else(not_held)?;
        if self.fenced.get(workspace) == Some(&token) {
            return Ok(());
        }
        let held = format!(
            "SELECT l.token, pg_advisory_xact_lock_shared({SWITCHES}) FROM leases l JOIN replicas r ON r.holder = l.holder
             WHERE l.workspace = ?1 AND l.holder = ?2 AND l.token = ?3 AND r.expires_at > {SERVER_TIME}
             FOR SHARE OF l"
        );
        let mut query = self.connection.prepare_cached(&held)?;
        query.query_optional(params![workspace, holder, token], |_| Ok(()))?.ok_or_else(not_held)?;
        self.fenced.insert(workspace.to_owned(), token);
        self.names.hold(workspace, token);
        Ok(())
    }

    /// The process beside this one that lives and has the workspace: it runs it, or has it in its configuration and would.
    /// If there is none, nothing is written by a lease that was taken before: whoever takes the next one has another number,
    /// and looks up anew what the workspace is.
    pub(super) fn end_lease(&mut self, workspace: &str) -> Result<Option<String>, StoreError> {
        let Some((holder, _)) = self.fences.of(workspace) else { return Ok(None) };
        let connection = self.connection;
        let leased = "SELECT coalesce(holder, '') FROM leases WHERE workspace = ?1";
        let leased: Option<String> =
            connection.prepare_cached(leased)?.query_optional(params![workspace], |row| row.get(0))?;
        if let Some(last) = leased {
            // Nobody takes it meanwhile. Who is about to write for it, or to take it, is not waited for: it may stand still.
            let lock = "SELECT token FROM leases WHERE workspace = ?1 FOR UPDATE SKIP LOCKED";
            if connection.prepare_cached(lock)?.query_optional(params![workspace], |_| Ok(()))?.is_none() {
                return Ok(Some(last));
            }
        }
        let user = format!(
            "SELECT r.holder FROM replicas r WHERE r.holder <> ?1 AND r.expires_at > {SERVER_TIME}
               AND (EXISTS (SELECT 1 FROM leases l WHERE l.workspace = ?2 AND l.holder = r.holder)
                 OR EXISTS (SELECT 1 FROM json_each(r.workspaces) WHERE value = ?2)) ORDER BY r.holder LIMIT 1"
        );
        let user = connection.prepare_cached(&user)?.query_optional(params![holder, workspace], |row| row.get(0))?;
        if user.is_none() {
            let end = "UPDATE leases SET holder = NULL, token = token + 1 WHERE workspace = ?1";
            connection.execute(end, params![workspace])?;
        }
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_each_of_its_names() {
        let fences = Fences::default();
        let process = fences.process();
        assert_eq!(fences.holder(), process);
        fences.begin_anew();
        assert_eq!(fences.holder(), process, "it has lost nothing yet");
        for _ in 0..12 {
            let before = fences.holder();
            fences.begin_anew();
            assert_ne!(fences.holder(), before);
            assert_eq!(process_of(&fences.holder()), process);
        }
        assert_eq!(process_of("router-1.acme.example-0a1b2c3d.7"), "router-1.acme.example-0a1b2c3d");
        assert_eq!(process_of("0a1b2c3d.2"), "0a1b2c3d");
        assert_eq!(process_of("host-0a1b2c3d"), "host-0a1b2c3d");
    }
}
