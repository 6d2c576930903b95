//! Erasing a person while the service runs: the store does it, and what is remembered in memory goes with it.

use super::{Engine, shared::Shared};
use crate::{
    model::ReasonCode,
    store::{Change, ChangeKind, Erased, StoreError},
};
use std::sync::Arc;

impl Engine {
    /// Erases all that is known of an address in these workspaces, or in all. It goes on to its end if whoever asked goes
    /// away; if the process ends before, it is asked for again.
    ///
    /// # Errors
    /// See [`ErasureStore::erase`](crate::store::ErasureStore::erase).
    pub async fn forget(&self, address: &str, workspaces: Option<Vec<String>>) -> Result<Erased, StoreError> {
        let (shared, address) = (Arc::clone(&self.shared), address.to_owned());
        let erasing = tokio::spawn(async move { shared.forget(&address, workspaces.as_deref()).await });
        erasing.await.map_err(|error| StoreError::Database(error.to_string()))?
    }
}

impl Shared {
    async fn forget(&self, address: &str, workspaces: Option<&[String]>) -> Result<Erased, StoreError> {
        let erased = self.store.erase(address, workspaces, self.now()).await?;
        for (workspace, thread) in &erased.thread_ids {
            self.forget_thread(workspace, thread);
        }
        Ok(erased)
    }

    fn forget_thread(&self, workspace: &str, thread: &str) {
        if let Some(workspace) = self.workspace(workspace) {
            workspace.forget_thread(thread);
        }
    }

    /// Another process may have erased whose thread this is.
    pub(super) fn hear_change(&self, change: &Change) {
        if let ChangeKind::Action { reason: Some(reason), .. } = &change.what
            && reason == ReasonCode::Forgotten.as_str()
        {
            self.forget_thread(&change.workspace, &change.thread_id);
        }
    }
}
