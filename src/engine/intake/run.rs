//! The loop of intake: poll, decide, rest.

use super::{Intake, pending::IntakeError, poll::PollError, schedule::PollSchedule};
use crate::coldsend::ApiError;
use crate::engine::{Workspace, status::EngineEventKind};
use jiff::Timestamp;
use std::time::Duration;
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

/// Nudges, however many, cost one poll in this time.
const NUDGE_REST: Duration = Duration::from_secs(2);
/// How often a poll that takes long is checked.
const WATCH_EVERY: Duration = Duration::from_secs(10);

impl Intake {
    /// Polls until `stop`. What a poll has begun is dropped then: what it has found is in the store, and the next start goes
    /// on with it.
    pub(in crate::engine) async fn run(&self, workspace: &Workspace, schedule: PollSchedule, stop: &CancellationToken) {
        let (mut next, mut not_before) = (schedule.first(), Instant::now());
        if let Some(began) = workspace.poll_health.last_whole_poll() {
            // It was replaced: however often that happens, it is polled no more often for it.
            next = next.max(schedule.next(began, workspace.client().poll_rest()));
        }
        loop {
            let left = next.saturating_duration_since(Instant::now());
            workspace.poll_health.record_next_poll(self.shared.now().saturating_add(left).unwrap_or(Timestamp::MAX));
            self.shared.report(workspace);
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep_until(next) => {}
                () = nudged(&workspace.nudge, not_before) => {}
            }
            let began = Instant::now();
            workspace.poll_health.begin_poll(self.shared.now());
            let is_stopped = self.watch_poll(workspace, stop).await;
            workspace.poll_health.end_poll();
            if is_stopped {
                return;
            }
            workspace.poll_health.record_whole_poll(began);
            self.shared.alerts.watch_outage(workspace);
            let rest = workspace.client().poll_rest();
            next = schedule.next(began, rest);
            not_before = began + NUDGE_REST.max(rest);
        }
    }

    /// Polls once, and alerts you of a request that waits and waits, too. `true` if it was stopped.
    async fn watch_poll(&self, workspace: &Workspace, stop: &CancellationToken) -> bool {
        let poll = self.poll_and_handle(workspace);
        tokio::pin!(poll);
        loop {
            tokio::select! {
                () = stop.cancelled() => return true,
                () = &mut poll => return false,
                () = tokio::time::sleep(WATCH_EVERY) => self.shared.alerts.watch_outage(workspace),
            }
        }
    }

    /// Polls once and handles what was found. Errors are logged and alerted; the next poll tries again.
    pub async fn poll_and_handle(&self, workspace: &Workspace) {
        if let Err(error) = self.poll(workspace, false).await {
            if let PollError::Store(error) = &error {
                self.shared.alerts.alert_store_failing(workspace, error);
            }
            tracing::warn!(workspace = workspace.name(), %error, "poll failed");
            let what = || EngineEventKind::PollFailed(error.to_string());
            self.shared.status.publish(self.shared.now(), workspace.name(), what);
            if let PollError::Api(error) = &error {
                self.pause_if_refused(workspace, error).await;
            }
            return;
        }
        // A poll that ended well has written to the store.
        self.shared.alerts.store_works(workspace);
        self.shared.alerts.watch_key(workspace);
        self.shared.alerts.watch_rules();
        if let Err(error) = self.shared.alerts.watch_queue(workspace).await {
            self.shared.alerts.alert_store_failing(workspace, &error);
        }
        match self.handle_pending(workspace).await {
            Ok(report) => {
                workspace.poll_health.record_reads(self.shared.now(), workspace.read_failures.down().as_ref());
                if report.unfinished {
                    // Poll for what came meanwhile first, then handle the rest.
                    workspace.nudge.notify_one();
                }
            }
            Err(error) => {
                tracing::warn!(workspace = workspace.name(), %error, "handling new messages failed; they stay pending");
                match error {
                    IntakeError::Store(error) => self.shared.alerts.alert_store_failing(workspace, &error),
                    IntakeError::Api(error) => {
                        workspace.poll_health.record_reads(self.shared.now(), Some(&error));
                        self.pause_if_refused(workspace, &error).await;
                    }
                }
            }
        }
    }

    /// A key that is rejected is rejected for writes as well: the workspace is paused until the key is replaced.
    async fn pause_if_refused(&self, workspace: &Workspace, error: &ApiError) {
        if error.is_auth_error()
            && let Err(error) = self.shared.pause_on_auth_error(workspace, &error.to_string()).await
        {
            self.shared.alerts.alert_store_failing(workspace, &error);
        }
    }
}

async fn nudged(notify: &Notify, not_before: Instant) {
    notify.notified().await;
    tokio::time::sleep_until(not_before).await;
}
