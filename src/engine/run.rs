//! The loops of the service, and the single pass of `run --once`.

use super::{Engine, HandleReport, IntakeError, PollError, PollReport, Workspace};
use crate::{
    coldsend::ApiError,
    store::{Lane, StoreError},
};
use jiff::Timestamp;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// However long nothing is due, the lanes look at the store this often: a clock that was set forward makes things due.
const MAX_REST: Duration = Duration::from_secs(30);
/// Nudges, however many, cost one poll in this time.
const NUDGE_REST: Duration = Duration::from_secs(2);
/// How often a poll that takes long is looked at.
const WATCH_EVERY: Duration = Duration::from_secs(10);
/// How long a single pass waits for what is about to be due.
const ONCE_PATIENCE: Duration = Duration::from_secs(30);

/// What a single pass did in one workspace.
#[derive(Debug, Default)]
pub struct RunOnceReport {
    /// The workspace.
    pub workspace: String,
    /// What the poll found.
    pub poll: PollReport,
    /// What became of it.
    pub handled: HandleReport,
    /// Why it ended early.
    pub error: Option<String>,
}

impl Engine {
    /// Runs until `shutdown`: then no new action begins, the one under way ends and is recorded.
    pub async fn run(self: &Arc<Self>, shutdown: CancellationToken) {
        let mut tasks = tokio::task::JoinSet::new();
        for index in 0..self.workspaces.len() {
            for flow in [Flow::Intake, Flow::Lane(Lane::Api), Flow::Lane(Lane::Destinations)] {
                let (engine, shutdown) = (Arc::clone(self), shutdown.clone());
                tasks.spawn(async move {
                    let Some(workspace) = engine.workspaces.get(index) else { return };
                    match flow {
                        Flow::Intake => engine.intake(workspace, &shutdown).await,
                        Flow::Lane(lane) => engine.lane(workspace, lane, &shutdown).await,
                    }
                });
            }
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a part of the service ended unexpectedly; all of it stops");
                shutdown.cancel();
            }
        }
    }

    async fn intake(&self, workspace: &Workspace, shutdown: &CancellationToken) {
        while !shutdown.is_cancelled() {
            let began = tokio::time::Instant::now();
            workspace.begin_look(self.now());
            {
                let look = self.poll_and_handle(workspace);
                tokio::pin!(look);
                loop {
                    tokio::select! {
                        () = shutdown.cancelled() => return,
                        () = &mut look => break,
                        // A request that waits and waits is told, too.
                        () = tokio::time::sleep(WATCH_EVERY) => self.watch_outage(workspace),
                    }
                }
            }
            workspace.end_look();
            self.watch_outage(workspace);
            let rest = workspace.client().poll_rest();
            let every = workspace.settings().poll_every.max(rest);
            workspace.record_next_poll(self.now().saturating_add(every).unwrap_or(Timestamp::MAX));
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep_until(began + every) => {}
                () = nudged(&workspace.nudge, began + NUDGE_REST.max(rest)) => {}
            }
        }
    }

    /// One poll and what came of it; errors are told and tried again at the next.
    pub async fn poll_and_handle(&self, workspace: &Workspace) {
        if let Err(error) = self.poll(workspace, false).await {
            if matches!(error, PollError::Store(_)) {
                self.alert_store_failing(workspace, &error.to_string());
            }
            tracing::warn!(workspace = workspace.name(), %error, "the inbox could not be polled");
            self.board.publish(self.now(), workspace.name(), super::EngineEventKind::PollFailed(error.to_string()));
            if let PollError::Api(error) = &error {
                self.pause_if_refused(workspace, error).await;
            }
            return;
        }
        // A poll that ended well has written to the store.
        self.store_works(workspace);
        self.watch_key(workspace);
        self.watch_rules();
        if let Err(error) = self.watch_queue(workspace).await {
            self.alert_store_failing(workspace, &error.to_string());
        }
        match self.handle_pending(workspace).await {
            Ok(report) => {
                workspace.record_reads(self.now(), workspace.read_failures.down().as_ref());
                if report.unfinished {
                    // What came meanwhile is looked for first, and then the rest is tried.
                    workspace.nudge.notify_one();
                }
            }
            Err(error) => {
                tracing::warn!(workspace = workspace.name(), %error, "new messages could not be handled; they stay in line");
                match error {
                    IntakeError::Store(error) => self.alert_store_failing(workspace, &error.to_string()),
                    IntakeError::Api(error) => {
                        workspace.record_reads(self.now(), Some(&error));
                        self.pause_if_refused(workspace, &error).await;
                    }
                }
            }
        }
    }

    /// A key that is refused is refused for writes as well: nothing is sent until somebody has mended it.
    async fn pause_if_refused(&self, workspace: &Workspace, error: &ApiError) {
        if error.is_auth_error()
            && let Err(error) = self.pause_on_auth_error(workspace, &error.to_string()).await
        {
            self.alert_store_failing(workspace, &error.to_string());
        }
    }

    async fn lane(&self, workspace: &Workspace, lane: Lane, shutdown: &CancellationToken) {
        let notify = match lane {
            Lane::Api => &workspace.due,
            Lane::Destinations => &workspace.due_forwards,
        };
        let stop = || shutdown.is_cancelled();
        while !shutdown.is_cancelled() {
            let mut rest = MAX_REST;
            match self.run_due(workspace, lane, &stop).await {
                Ok(report) if report.api_is_down => self.store_works(workspace),
                Ok(report) if report.looked_at > 0 => {
                    self.store_works(workspace);
                    workspace.wake_executor();
                }
                Ok(_) => rest = self.time_until_due(workspace).await.unwrap_or(MAX_REST),
                Err(error) => {
                    tracing::error!(workspace = workspace.name(), %error, "nothing is sent: the store fails");
                    self.alert_store_failing(workspace, &error.to_string());
                    rest = Duration::from_secs(5);
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(rest.min(MAX_REST)) => {}
                () = notify.notified() => {}
            }
        }
    }

    /// How long until something is due.
    async fn time_until_due(&self, workspace: &Workspace) -> Result<Duration, StoreError> {
        let Some(due) = self.store.next_due(workspace.name()).await? else { return Ok(MAX_REST) };
        let left = Duration::try_from(due.duration_since(self.now())).unwrap_or_default();
        // Never a hot loop, whatever the store says; and what is due for a destination that is left alone is no reason.
        let least = if workspace.slow_targets().is_empty() { 20 } else { 1_000 };
        Ok(left.clamp(Duration::from_millis(least), MAX_REST))
    }

    /// Polls a workspace once, decides, and does what is due or about to be.
    pub async fn run_once(&self, workspace: &Workspace) -> RunOnceReport {
        let mut report = RunOnceReport { workspace: workspace.name().to_owned(), ..RunOnceReport::default() };
        match self.poll(workspace, true).await {
            Ok(poll) => report.poll = poll,
            Err(PollError::Api(error)) => report.error = Some(error.to_string()),
            Err(PollError::Store(error)) => report.error = Some(error.to_string()),
        }
        loop {
            match self.handle_pending(workspace).await {
                Ok(handled) => {
                    report.handled.decisions.extend(handled.decisions);
                    report.handled.no_event += handled.no_event;
                    report.handled.left += handled.left;
                    if handled.unfinished {
                        continue;
                    }
                }
                Err(IntakeError::Api(error)) => report.error = report.error.or(Some(error.to_string())),
                Err(IntakeError::Store(error)) => report.error = report.error.or(Some(error.to_string())),
            }
            break;
        }
        if let Err(error) = self.finish_due(workspace).await {
            report.error = report.error.or(Some(error));
        }
        report
    }

    /// Does what is due, and what becomes due within half a minute from now, such as a second try.
    pub async fn finish_due(&self, workspace: &Workspace) -> Result<(), String> {
        let until = tokio::time::Instant::now() + ONCE_PATIENCE;
        let deadline = self.now().saturating_add(ONCE_PATIENCE).unwrap_or(Timestamp::MAX);
        loop {
            for lane in [Lane::Api, Lane::Destinations, Lane::Api] {
                let report = self.run_due(workspace, lane, &|| false).await.map_err(|error| error.to_string())?;
                if report.api_is_down {
                    return Ok(());
                }
            }
            let next = self.store.next_due(workspace.name()).await.map_err(|error| error.to_string())?;
            if next.is_none_or(|due| due > deadline) || tokio::time::Instant::now() >= until {
                return Ok(());
            }
            let rest = self.time_until_due(workspace).await.map_err(|error| error.to_string())?;
            tokio::time::sleep(rest).await;
        }
    }
}

#[derive(Clone, Copy)]
enum Flow {
    Intake,
    Lane(Lane),
}

async fn nudged(notify: &Notify, not_before: tokio::time::Instant) {
    notify.notified().await;
    tokio::time::sleep_until(not_before).await;
}
