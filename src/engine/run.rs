//! The loops of the service, and the single pass of `run --once`.

use super::{Engine, HandleReport, IntakeError, PollError, PollReport, Workspace};
use crate::store::Lane;
use std::sync::Arc;
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
    /// Runs until `shutdown`: then no new action begins; the one in flight ends and is recorded.
    pub async fn run(self: &Arc<Self>, shutdown: CancellationToken) {
        let mut tasks = tokio::task::JoinSet::new();
        for index in 0..self.shared.workspaces.len() {
            for flow in [Flow::Intake, Flow::Lane(Lane::Api), Flow::Lane(Lane::Destinations)] {
                let (engine, shutdown) = (Arc::clone(self), shutdown.clone());
                tasks.spawn(async move {
                    let Some(workspace) = engine.shared.workspaces.get(index) else { return };
                    match flow {
                        Flow::Intake => engine.intake.run(workspace, &shutdown).await,
                        Flow::Lane(lane) => engine.executor.run(workspace, lane, &shutdown).await,
                    }
                });
            }
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task ended unexpectedly; the service stops");
                shutdown.cancel();
            }
        }
    }

    /// Polls a workspace once, decides, and carries out what is due or about to be.
    pub async fn run_once(&self, workspace: &Workspace) -> RunOnceReport {
        let mut report = RunOnceReport { workspace: workspace.name().to_owned(), ..RunOnceReport::default() };
        match self.intake.poll(workspace, true).await {
            Ok(poll) => report.poll = poll,
            Err(PollError::Api(error)) => report.error = Some(error.to_string()),
            Err(PollError::Store(error)) => report.error = Some(error.to_string()),
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

#[derive(Clone, Copy)]
enum Flow {
    Intake,
    Lane(Lane),
}
