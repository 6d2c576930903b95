//! `apply`: acting on mail that was there already.

use super::Operator;
use crate::engine::{IntakeError, Workspace, read_failures::Reach};
use crate::{
    coldsend::ApiError,
    model::ThreadRow,
    store::{EventKind, StoreError},
};

/// What became of the threads of an `apply`.
#[derive(Debug, Default)]
pub struct ApplyReport {
    /// How many were decided on.
    pub decided: usize,
    /// How many were left out because the person was erased.
    pub erased: usize,
    /// Those that could not be read, and why.
    pub unreadable: Vec<(String, ApiError)>,
}

impl Operator {
    /// Evaluates each row with what the store knows and records the decision; its actions are carried out like any
    /// other. A thread that cannot be read is left out.
    ///
    /// # Errors
    /// The API as a whole, or the store; what was decided before stays.
    pub async fn apply(&self, workspace: &Workspace, rows: &[ThreadRow]) -> Result<ApplyReport, IntakeError> {
        let overrides = self.shared.store.override_modes().await?;
        let rules = self.shared.rules();
        let mut report = ApplyReport::default();
        let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
        let known = self.shared.store.known_threads(workspace.name(), &ids).await?;
        let is_erased =
            |row: &ThreadRow| known.get(&row.id).and_then(|known| known.row.as_ref()).is_some_and(ThreadRow::is_erased);
        for row in rows {
            if is_erased(row) {
                report.erased += 1;
                continue;
            }
            let evaluation =
                match self.intake.evaluate_row(workspace, &rules, row, &overrides, None, self.shared.now()).await {
                    Ok(evaluation) => evaluation,
                    Err(IntakeError::Api(error)) => {
                        if workspace.read_failures.record_failure(&row.id, &error, self.shared.now())
                            == Reach::Workspace
                        {
                            return Err(error.into());
                        }
                        report.unreadable.push((row.id.clone(), error));
                        continue;
                    }
                    Err(error) => return Err(error),
                };
            if let Some(messages) = &evaluation.messages {
                workspace.cache.put_messages(&row.id, std::sync::Arc::clone(messages), self.shared.now());
            }
            match self.intake.record(workspace, row, &evaluation, EventKind::Apply, None).await {
                Ok(_) => report.decided += 1,
                // While the thread was read.
                Err(StoreError::Forgotten) => {
                    workspace.forget_thread(&row.id);
                    report.erased += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(report)
    }
}
