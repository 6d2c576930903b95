//! Several processes on one store: this one runs the workspaces whose lease it holds, and hears what the others write.
//!
//! In a file's store nothing of this runs. What is held is told to the [`Supervisor`](super::supervisor::Supervisor), which
//! starts and stops; the store itself refuses what is written for a workspace that is not held.

use super::{Engine, Workspace, shared::Shared};
use crate::store::{
    Change, HeldLeases, Share, StoreError, WorkspaceReport,
    leases::{LEASE, RENEW_EVERY},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// So long before the others may take over, what runs here is stopped.
const MARGIN: Duration = Duration::from_secs(2);
/// So many changes of others are read at once.
const BATCH: u32 = 1_000;

impl Engine {
    /// Whether the workspace runs in this process, as far as leases say.
    pub fn holds(&self, workspace: &str) -> bool {
        self.supervisor.holds(workspace)
    }

    /// Whether nothing of the workspace leaves because the store cannot be written. Of one that runs in another process, that
    /// one tells: what was seen here, before the workspace was left to it, is over.
    pub fn is_store_failing(&self, workspace: &Workspace) -> bool {
        match self.holds(workspace.name()) {
            true => workspace.is_store_failing(),
            false => self.shared.alerts.is_store_away(),
        }
    }

    /// Whether other processes may run some of the workspaces.
    pub fn is_shared(&self) -> bool {
        self.shared.store.is_shared()
    }

    /// Asks for a poll of the workspace, wherever it runs.
    ///
    /// # Errors
    /// The store fails.
    pub async fn request_poll(&self, workspace: &Workspace) -> Result<(), StoreError> {
        if self.holds(workspace.name()) {
            workspace.nudge();
            return Ok(());
        }
        self.shared.store.request_poll(workspace.name()).await
    }

    /// Keeps the leases of its share of the workspaces, and hears what other processes write, until `shutdown`. From then on it
    /// keeps those of what has not stopped, until all has `ended`: what is on its way would be recovered by others.
    pub(super) async fn keep_leases(self: Arc<Self>, shutdown: CancellationToken, ended: CancellationToken) {
        if !self.is_shared() {
            return;
        }
        tokio::join!(self.renew(&shutdown, &ended), self.follow_others(&shutdown), self.tell_reports(&shutdown));
    }

    async fn renew(&self, shutdown: &CancellationToken, ended: &CancellationToken) {
        let (mut renewed, mut error) = (Instant::now(), "the store does not answer".to_owned());
        while !ended.is_cancelled() {
            let began = Instant::now();
            let workspaces = self.workspaces();
            let names = workspaces.iter().map(|workspace| workspace.name());
            let wanted = names.filter(|name| !shutdown.is_cancelled() || self.supervisor.is_running(name));
            let wanted: Vec<String> = wanted.map(str::to_owned).collect();
            let asking = self.shared.store.renew_leases(&wanted, Share::Fair);
            let Some(answer) = ended.run_until_cancelled(self.wait_within_lease(renewed, asking)).await else { return };
            match answer {
                // An answer that came so late tells of a lease that is about to end.
                Some(Ok(held)) if !is_about_to_end(began) => {
                    renewed = began;
                    self.run_held(&held);
                    if let Some(Err(error)) = self.wait_within_lease(renewed, self.give_up(&held.give_up)).await {
                        tracing::warn!(%error, "workspaces could not be left to other processes; the next renewal tries again");
                    }
                }
                Some(Err(found)) => {
                    tracing::warn!(error = %found, "the leases of workspaces could not be renewed");
                    error = found.to_string();
                }
                Some(Ok(_)) | None => tracing::warn!("the leases of workspaces could not be renewed in time"),
            }
            if is_about_to_end(renewed) {
                self.run_nothing();
                self.shared.alerts.alert_store_away(&error);
            }
            tokio::select! {
                () = ended.cancelled() => {}
                () = tokio::time::sleep_until(began + RENEW_EVERY) => {}
            }
        }
    }

    /// Waits for the store, for [`LEASE`] at most. What runs here by leases that were renewed at `renewed` stops before they
    /// end, whether the store has answered or not.
    async fn wait_within_lease<T>(&self, renewed: Instant, answer: impl Future<Output = T>) -> Option<T> {
        let answer = tokio::time::timeout(LEASE, answer);
        tokio::pin!(answer);
        tokio::select! {
            biased;
            answered = &mut answer => return answered.ok(),
            () = tokio::time::sleep_until(renewed + LEASE - MARGIN) => self.run_nothing(),
        }
        answer.await.ok()
    }

    /// Others may have everything soon, or have it.
    fn run_nothing(&self) {
        if self.supervisor.set_leases(HashSet::new()) {
            tracing::warn!("the store does not answer: nothing runs here until it does");
        }
    }

    /// Runs what is held, and nothing else.
    fn run_held(&self, held: &HeldLeases) {
        let keep: HashSet<String> = held.workspaces.difference(&held.give_up).cloned().collect();
        let gained: HashSet<&str> =
            keep.iter().map(String::as_str).filter(|name| !self.supervisor.holds(name)).collect();
        if !gained.is_empty() {
            tracing::info!(workspaces = gained.len(), replicas = held.replicas, "workspaces run here from now on");
            // What was remembered of them may be of before another process ran them. The others are those of now: a reload
            // may have ended while the store was asked.
            gained.iter().for_each(|name| self.shared.alerts.forget_run(name));
            self.shared.workspaces.update(|now| {
                let next = now.iter().map(|workspace| match gained.contains(workspace.name()) {
                    true => Arc::new(workspace.begin_anew()),
                    false => Arc::clone(workspace),
                });
                next.collect()
            });
        }
        self.shared.alerts.set_standing(held.before, held.replicas);
        if keep.is_empty() {
            // Where something runs, its polls tell.
            self.shared.alerts.end_store_away();
        }
        self.supervisor.set_leases(keep);
        for name in &held.polls {
            if let Some(workspace) = self.workspace(name) {
                workspace.nudge();
            }
        }
    }

    /// Releases those that have stopped; the others are asked for again with the next renewal.
    async fn give_up(&self, names: &BTreeSet<String>) -> Result<(), StoreError> {
        let stopped: Vec<String> = names.iter().filter(|name| !self.supervisor.is_running(name)).cloned().collect();
        if stopped.is_empty() {
            return Ok(());
        }
        tracing::info!(workspaces = stopped.len(), "workspaces are left to other processes");
        self.shared.store.release_leases(&stopped).await
    }

    /// Lets others have everything at once. All flows have ended.
    pub(super) async fn release_all(&self) {
        if !self.is_shared() {
            return;
        }
        if let Err(error) = self.shared.store.leave().await {
            tracing::warn!(%error, "leases were not released; they end by themselves");
        }
    }

    /// Tells the others once a second how those workspaces fare that were polled since.
    async fn tell_reports(&self, shutdown: &CancellationToken) {
        while !shutdown.is_cancelled() {
            let reports = self.shared.reports.take();
            if let Err(error) = self.shared.store.report_workspaces(&reports).await {
                tracing::debug!(%error, "other processes were not told how workspaces fare");
                self.shared.reports.put_back(reports);
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(RENEW_EVERY) => {}
            }
        }
    }

    /// Wakes the lanes whose actions another process has changed, and whoever follows the changes here.
    async fn follow_others(&self, shutdown: &CancellationToken) {
        let mut last = None;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.shared.store.wait_for_others() => {}
            }
            if let Err(error) = self.read_changes(&mut last).await {
                tracing::debug!(%error, "what other processes wrote could not be read");
            }
        }
    }

    async fn read_changes(&self, last: &mut Option<i64>) -> Result<(), StoreError> {
        let Some((oldest, newest)) = self.shared.store.change_range().await? else { return Ok(()) };
        // At the start everything is looked at anyway. A store that was replaced begins anew.
        let mut after = last.filter(|last| *last <= newest).unwrap_or(newest);
        if after + 1 < oldest {
            // So much was written while this process could not read it that its beginning is dropped.
            self.shared.note_erasure();
        }
        *last = Some(after);
        while after < newest {
            let changes = self.shared.store.changes(after, BATCH).await?;
            let Some(newest_read) = changes.last() else { return Ok(()) };
            after = newest_read.seq;
            *last = Some(after);
            self.hear(&changes);
        }
        Ok(())
    }

    fn hear(&self, changes: &[Change]) {
        changes.iter().for_each(|change| self.shared.hear_change(change));
        // The end of an erasure is of no workspace.
        let names = changes.iter().map(|change| change.workspace.as_str()).filter(|name| !name.is_empty());
        for name in names.collect::<BTreeSet<&str>>() {
            self.shared.status.publish_written(self.now(), name);
            if let Some(workspace) = self.workspace(name).filter(|found| self.holds(found.name())) {
                workspace.wake_executor();
            }
        }
    }
}

/// Whether leases that were renewed then end so soon that nothing may run by them any more.
fn is_about_to_end(renewed: Instant) -> bool {
    renewed.elapsed() + MARGIN >= LEASE
}

/// How workspaces fare here, as far as the other processes were not told yet.
#[derive(Debug, Default)]
pub(in crate::engine) struct Reports(Mutex<BTreeMap<String, WorkspaceReport>>);

impl Reports {
    fn waiting(&self) -> MutexGuard<'_, BTreeMap<String, WorkspaceReport>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> BTreeMap<String, WorkspaceReport> {
        std::mem::take(&mut self.waiting())
    }

    /// Those that have not been replaced meanwhile.
    fn put_back(&self, reports: BTreeMap<String, WorkspaceReport>) {
        let mut waiting = self.waiting();
        for (workspace, report) in reports {
            waiting.entry(workspace).or_insert(report);
        }
    }
}

impl Shared {
    /// Notes for the pages of other processes how the workspace fares here.
    pub(in crate::engine) fn report(&self, workspace: &Workspace) {
        if !self.store.is_shared() {
            return;
        }
        let (status, budget) = (workspace.status(), workspace.client().budget());
        let report = WorkspaceReport {
            replica: self.store.replica(),
            last_poll: status.last_poll,
            next_poll: status.next_poll,
            error: status.error,
            failing_since: status.failing_since,
            minute_left: budget.minute_left,
            hour_left: budget.hour_left,
        };
        self.reports.waiting().insert(workspace.name().to_owned(), report);
    }
}
