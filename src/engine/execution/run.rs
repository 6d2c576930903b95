//! The loops of execution, one for each lane: do what is due, rest until something is.

use super::{Executor, executor::ExecuteError};
use crate::engine::Workspace;
use crate::store::{Lane, StoreError};
use jiff::Timestamp;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The lanes ask the store at least this often: a clock that is set forward makes actions due.
const MAX_REST: Duration = Duration::from_secs(30);
/// How long to rest when something is due that this lane cannot do now.
const DUE_REST: Duration = Duration::from_millis(200);
/// How long to rest after the store failed.
const FAILED_REST: Duration = Duration::from_secs(5);
/// How long a single pass waits for what is about to be due.
const ONCE_PATIENCE: Duration = Duration::from_secs(30);

impl Executor {
    pub(in crate::engine) async fn run(&self, workspace: &Workspace, lane: Lane, shutdown: &CancellationToken) {
        let notify = workspace.due(lane);
        let stop = || shutdown.is_cancelled();
        while !shutdown.is_cancelled() {
            let mut rest = MAX_REST;
            match self.run_due(workspace, lane, &stop).await {
                Ok(report) => {
                    if report.looked_at > 0 {
                        self.shared.alerts.store_works(workspace);
                    }
                    if !report.api_is_down {
                        rest = self.time_until_due(workspace).await.unwrap_or(MAX_REST);
                    }
                }
                Err(ExecuteError::Store(error)) => {
                    tracing::error!(workspace = workspace.name(), %error, "store fails; nothing is sent");
                    self.shared.alerts.alert_store_failing(workspace, &error);
                    rest = FAILED_REST;
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
        let Some(due) = self.shared.store.next_due(workspace.name()).await? else { return Ok(MAX_REST) };
        let left = Duration::try_from(due.duration_since(self.shared.now())).unwrap_or_default();
        // Never a busy loop, whatever the store says. What is due already is the other lane's, or waits for a destination
        // that does not respond; new actions wake the lane.
        let least = match (left.is_zero(), workspace.targets.paused().is_empty()) {
            (false, _) => Duration::from_millis(1),
            (true, true) => DUE_REST,
            (true, false) => 5 * DUE_REST,
        };
        Ok(left.clamp(least, MAX_REST))
    }

    /// Carries out what is due, and what becomes due within half a minute, such as a second try.
    pub async fn finish_due(&self, workspace: &Workspace) -> Result<(), String> {
        let until = tokio::time::Instant::now() + ONCE_PATIENCE;
        let deadline = self.shared.now().saturating_add(ONCE_PATIENCE).unwrap_or(Timestamp::MAX);
        loop {
            for lane in [Lane::Api, Lane::Destinations, Lane::Api] {
                let report = self.run_due(workspace, lane, &|| false).await.map_err(|error| error.to_string())?;
                if report.api_is_down {
                    return Ok(());
                }
            }
            let next = self.shared.store.next_due(workspace.name()).await.map_err(|error| error.to_string())?;
            if next.is_none_or(|due| due > deadline) || tokio::time::Instant::now() >= until {
                return Ok(());
            }
            let rest = self.time_until_due(workspace).await.map_err(|error| error.to_string())?;
            tokio::time::sleep(rest).await;
        }
    }
}
