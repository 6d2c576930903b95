//! Pausing and resuming: of one workspace, or of everything.

use super::Operator;
use crate::store::StoreError;

impl Operator {
    /// Pauses a workspace or, with `None`, everything: no new write leaves. At most the one in flight still ends.
    pub async fn pause(&self, workspace: Option<&str>, by: &str) -> Result<(), StoreError> {
        self.shared.store.pause(workspace, "a person paused it", Some(by), self.shared.now()).await?;
        tracing::warn!(workspace = workspace.unwrap_or("all"), "paused");
        Ok(())
    }

    /// Ends the pause of a workspace or, with `None`, every pause, and the hold for another service on the account.
    /// What waited for that is due now.
    pub async fn resume(&self, workspace: Option<&str>) -> Result<(), StoreError> {
        self.shared.store.resume(workspace, self.shared.now()).await?;
        self.shared.alerts.forget_pauses(workspace);
        tracing::warn!(workspace = workspace.unwrap_or("all"), "resumed");
        for runtime in self.shared.workspaces.now().iter() {
            runtime.wake_executor();
        }
        Ok(())
    }
}
