//! Erasing a person while the service runs: the store does it, and what is remembered in memory goes with it.

use super::{Engine, failpoint::failpoint, shared::Shared};
use crate::store::{AuditEntry, Change, ChangeKind, Erased, StoreError};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often is looked for erasures that were interrupted, beside the look at the start.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// The same where another process may have died in the middle of one.
const LOOK_EVERY_SHARED: Duration = Duration::from_secs(5);

impl Engine {
    /// Erases all that is known of an address in these workspaces, or in all; `asked` is the line of the audit log that says
    /// who asks. It goes on to its end if whoever asked goes away; if the process ends before, the next one finishes it.
    ///
    /// # Errors
    /// See [`ErasureStore::erase`](crate::store::ErasureStore::erase).
    pub async fn forget(
        &self,
        address: &str,
        workspaces: Option<Vec<String>>,
        asked: AuditEntry,
    ) -> Result<Erased, StoreError> {
        let (shared, address) = (Arc::clone(&self.shared), address.to_owned());
        let erasing = tokio::spawn(async move { shared.forget(&address, workspaces.as_deref(), asked).await });
        erasing.await.map_err(|error| StoreError::Database(error.to_string()))?
    }

    /// Changes each time that somebody was erased, by this process or by another one on the store: what is kept in memory
    /// of past events may be about them.
    pub fn erasures(&self) -> watch::Receiver<u64> {
        self.shared.erasures.subscribe()
    }
}

impl Shared {
    async fn forget(
        &self,
        address: &str,
        workspaces: Option<&[String]>,
        asked: AuditEntry,
    ) -> Result<Erased, StoreError> {
        let after_step = || -> futures_util::future::BoxFuture<'_, ()> { Box::pin(self.after_step()) };
        let erased = self.store.erase_in_steps(address, workspaces, Some(asked), self.now(), &after_step).await;
        // Also if only a part of it is done.
        self.note_erasure();
        let erased = erased?;
        self.forget_threads(&erased);
        Ok(erased)
    }

    /// Finishes, until `shutdown`, what this process or another one has begun and could not end.
    pub(super) async fn keep_finishing_erasures(&self, shutdown: &CancellationToken) {
        let every = if self.store.is_shared() { LOOK_EVERY_SHARED } else { LOOK_EVERY };
        while !self.dry_run && !shutdown.is_cancelled() {
            if let Err(error) = self.finish_erasures().await {
                tracing::warn!(%error, "an erasure that was interrupted is not finished yet");
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(every) => {}
            }
        }
    }

    async fn finish_erasures(&self) -> Result<(), StoreError> {
        for erased in self.store.finish_erasures(self.now(), &|| Box::pin(self.after_step())).await? {
            self.note_erasure();
            self.forget_threads(&erased);
            tracing::info!(
                threads = erased.threads,
                decisions = erased.decisions,
                "finished an erasure that was interrupted"
            );
        }
        Ok(())
    }

    async fn after_step(&self) {
        failpoint!(self, ErasureStep);
    }

    fn forget_threads(&self, erased: &Erased) {
        for (workspace, thread) in &erased.thread_ids {
            self.forget_thread(workspace, thread);
        }
    }

    fn forget_thread(&self, workspace: &str, thread: &str) {
        if let Some(workspace) = self.workspace(workspace) {
            workspace.forget_thread(thread);
        }
    }

    /// Records that somebody was erased.
    pub(super) fn note_erasure(&self) {
        self.erasures.send_modify(|times| *times = times.wrapping_add(1));
    }

    /// Another process may have erased whose thread this is, or has come to the end of an erasure.
    pub(super) fn hear_change(&self, change: &Change) {
        if change.what == ChangeKind::Forgotten {
            self.note_erasure();
            self.forget_thread(&change.workspace, &change.thread_id);
        }
    }
}
