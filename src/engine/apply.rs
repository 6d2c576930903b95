//! Acting on mail that was there already, because a person asked for it.

use super::{Engine, IntakeError, Workspace};
use crate::{model::ThreadRow, store::EventKind};

impl Engine {
    /// Judges each row with what the store knows and records the decision; what follows is carried out like any other.
    /// Returns how many threads were decided on.
    ///
    /// # Errors
    /// The API or the store; what was decided before stays.
    pub async fn apply(&self, workspace: &Workspace, rows: &[ThreadRow]) -> Result<usize, IntakeError> {
        let overrides = self.store.rule_modes().await?;
        let rules = self.rules();
        let mut decided = 0;
        for row in rows {
            let judged = self.judge_row(workspace, &rules, row, &overrides, None, self.now()).await?;
            if let Some(messages) = &judged.messages {
                workspace.remember_read(&row.id, std::sync::Arc::clone(messages), self.now());
            }
            self.record(workspace, row, &judged, EventKind::Apply).await?;
            decided += 1;
        }
        Ok(decided)
    }
}
