//! Threads: their last decided row, and their pending row.

use super::{PlayedStore, refused};
use crate::{
    model::{ThreadRow, address_of},
    store::{
        KnownThread, PendingThread, ReadyAt, ReadyThread, Renaming, SettledThread, StoreError, ThreadOwner,
        ThreadStore, WorkspaceState,
    },
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::HashMap;

#[async_trait]
impl ThreadStore for PlayedStore {
    async fn known_threads(&self, workspace: &str, ids: &[String]) -> Result<HashMap<String, KnownThread>, StoreError> {
        let kept = self.kept();
        let known = ids.iter().filter_map(|id| {
            let thread = kept.records.thread(workspace, id).filter(|thread| thread.is_known())?;
            let known = KnownThread {
                row: thread.row.clone(),
                pending: thread.pending.clone(),
                newest_inbound: thread.newest_inbound.clone(),
                inbound_seen: thread.inbound_seen.clone(),
                looked_at: thread.looked_at,
            };
            Some((id.clone(), known))
        });
        Ok(known.collect())
    }

    async fn thread_owners(&self, ids: &[String]) -> Result<Vec<ThreadOwner>, StoreError> {
        Ok(self.kept().records.owners(ids))
    }

    async fn queue_rows(&self, workspace: &str, rows: &[ThreadRow], now: Timestamp) -> Result<(), StoreError> {
        let records = &mut self.kept().records;
        for row in rows {
            records.thread_mut(workspace, &row.id, now).pending = Some(row.clone());
        }
        Ok(())
    }

    async fn queue_changed_rows(
        &self,
        workspace: &str,
        rows: &[(ThreadRow, bool)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let records = &mut self.kept().records;
        for (row, is_known) in rows {
            let thread = records.thread_mut(workspace, &row.id, now);
            // Of whoever was erased nothing that is known already comes again.
            if !is_known || !thread.row.as_ref().is_some_and(ThreadRow::is_erased) {
                thread.pending = Some(row.clone());
            }
        }
        Ok(())
    }

    async fn settle_thread(&self, workspace: &str, settled: &SettledThread) -> Result<(), StoreError> {
        let records = &mut self.kept().records;
        if !records.may_settle(workspace, settled) {
            return Err(StoreError::Forgotten);
        }
        records.settle(workspace, settled, true, Timestamp::UNIX_EPOCH);
        Ok(())
    }

    async fn last_outgoing(&self, workspace: &str, thread: &str) -> Result<Vec<String>, StoreError> {
        let kept = self.kept();
        Ok(kept.records.thread(workspace, thread).map(|thread| thread.last_outgoing.clone()).unwrap_or_default())
    }

    async fn record_baseline(
        &self,
        _: &str,
        _: &[ThreadRow],
        _: Option<Timestamp>,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        refused("a first look at an inbox")
    }

    async fn count_threads(&self, _: &str, _: u32) -> Result<u32, StoreError> {
        refused("how many threads there are")
    }

    async fn workspaces_with_threads(&self) -> Result<Vec<String>, StoreError> {
        refused("other names of workspaces")
    }

    async fn rename_workspace(&self, _: &str, _: &str, _: &str, _: Timestamp) -> Result<Renaming, StoreError> {
        refused("other names of workspaces")
    }

    async fn pending_threads(&self, _: &str, _: u32) -> Result<Vec<PendingThread>, StoreError> {
        refused("the line of threads")
    }

    async fn ready_threads(&self, _: &str, _: ReadyAt) -> Result<Vec<ReadyThread>, StoreError> {
        refused("the line of threads")
    }

    async fn put_off(&self, _: &str, _: &ThreadRow, _: Timestamp, _: bool) -> Result<(), StoreError> {
        refused("the line of threads")
    }

    async fn pending_count(&self, _: &str) -> Result<(u64, Option<Timestamp>), StoreError> {
        refused("the line of threads")
    }

    async fn workspace_state(&self, _: &str) -> Result<WorkspaceState, StoreError> {
        refused("what is remembered of polling")
    }

    async fn set_workspace_state(&self, _: &str, _: &WorkspaceState) -> Result<(), StoreError> {
        refused("what is remembered of polling")
    }
}

impl super::records::Thread {
    /// Whether it is more than named.
    pub(super) fn is_known(&self) -> bool {
        self.row.is_some() || self.pending.is_some()
    }

    /// Its lead in the newest row, in lower case.
    pub(super) fn lead_email(&self) -> Option<String> {
        self.pending.as_ref().or(self.row.as_ref())?.lead_email.as_deref().and_then(address_of)
    }
}
