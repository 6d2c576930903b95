//! The single pass of `run --once`.

use super::{Engine, HandleReport, IntakeError, PollError, PollReport, Workspace};
use crate::store::StoreError;
use tokio_util::sync::CancellationToken;

/// What a single pass did in one workspace.
#[derive(Debug, Default)]
pub struct RunOnceReport {
    /// The workspace.
    pub workspace: String,
    /// What the poll found.
    pub poll: PollReport,
    /// What became of the pending threads.
    pub handled: HandleReport,
    /// Why it ended early.
    pub error: Option<String>,
}

impl Engine {
    /// Removes what is older than `retention`, at once; returns how many decisions. The service does so each hour.
    ///
    /// # Errors
    /// The store fails; what was removed before stays removed.
    pub async fn remove_old_records(&self) -> Result<u64, StoreError> {
        self.shared.remove_old_once(&CancellationToken::new()).await
    }

    /// Polls a workspace once, decides, and carries out what is due or about to be.
    pub async fn run_once(&self, workspace: &Workspace) -> RunOnceReport {
        let mut report = RunOnceReport { workspace: workspace.name().to_owned(), ..RunOnceReport::default() };
        match self.intake.poll(workspace, true).await {
            Ok(poll) => report.poll = poll,
            Err(PollError::Api(error)) => report.error = Some(error.to_string()),
            Err(PollError::Store(error)) => report.error = Some(error.to_string()),
            Err(error @ PollError::NameInUse { .. }) => report.error = Some(error.to_string()),
        }
        loop {
            match self.intake.handle_pending(workspace).await {
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
        if let Err(error) = self.executor.finish_due(workspace).await {
            report.error = report.error.or(Some(error));
        }
        report
    }
}
