//! What no play asks: pages and their counts, the audit log, retention, erasing people, other processes.

use super::{PlayedStore, refused};
use crate::{
    model::{ActionState, Grant, GrantRequest},
    store::{
        ActionCount, ActionTotal, AfterStep, AuditEntry, AuditFilter, AuditStore, Change, ChangeStore, CountStore,
        DayCount, Erased, ErasureStore, HeldLeases, LeaseStore, MatchTotal, RemovalMark, RemovalStep, RemoveBefore,
        RetentionStore, Share, StoreError, StoreMetrics, WorkspaceQueue, WorkspaceReport,
    },
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

const COUNTS: &str = "counts";
const LEASES: &str = "other processes";

#[async_trait]
impl CountStore for PlayedStore {
    async fn queue_counts(&self, _: Option<&str>) -> Result<HashMap<ActionState, u64>, StoreError> {
        refused(COUNTS)
    }

    async fn match_counts(
        &self,
        _: Option<&[String]>,
        _: Option<Timestamp>,
    ) -> Result<HashMap<String, u64>, StoreError> {
        refused(COUNTS)
    }

    async fn match_totals(&self, _: Option<&[String]>) -> Result<Vec<MatchTotal>, StoreError> {
        refused(COUNTS)
    }

    async fn action_counts(&self, _: Option<&[String]>, _: Option<Timestamp>) -> Result<Vec<ActionCount>, StoreError> {
        refused(COUNTS)
    }

    async fn day_counts(&self, _: Option<&[String]>, _: Timestamp) -> Result<Vec<DayCount>, StoreError> {
        refused(COUNTS)
    }

    async fn action_totals(&self) -> Result<Vec<ActionTotal>, StoreError> {
        refused(COUNTS)
    }

    async fn workspace_queues(&self) -> Result<HashMap<String, WorkspaceQueue>, StoreError> {
        refused(COUNTS)
    }

    async fn count_sent_replies(&self, _: &[String], _: Timestamp) -> Result<u64, StoreError> {
        refused(COUNTS)
    }

    async fn metrics(&self) -> Result<StoreMetrics, StoreError> {
        refused(COUNTS)
    }
}

#[async_trait]
impl ChangeStore for PlayedStore {
    async fn changes(&self, _: i64, _: u32) -> Result<Vec<Change>, StoreError> {
        refused("changes")
    }

    async fn change_range(&self) -> Result<Option<(i64, i64)>, StoreError> {
        refused("changes")
    }
}

#[async_trait]
impl AuditStore for PlayedStore {
    async fn add_audit(&self, _: &AuditEntry) -> Result<(), StoreError> {
        refused("an audit log")
    }

    async fn audit(&self, _: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
        refused("an audit log")
    }
}

#[async_trait]
impl RetentionStore for PlayedStore {
    async fn remove_old_decisions(&self, _: &RemoveBefore, _: RemovalMark) -> Result<RemovalStep, StoreError> {
        refused("retention")
    }

    async fn remove_old_audit(&self, _: Timestamp) -> Result<u64, StoreError> {
        refused("retention")
    }

    async fn give_back_space(&self) -> Result<bool, StoreError> {
        refused("retention")
    }
}

#[async_trait]
impl ErasureStore for PlayedStore {
    async fn erase_in_steps(
        &self,
        _: &str,
        _: Option<&[String]>,
        _: Option<AuditEntry>,
        _: Timestamp,
        _: AfterStep<'_>,
    ) -> Result<Erased, StoreError> {
        refused("erasing a person")
    }

    async fn finish_erasures(&self, _: Timestamp, _: AfterStep<'_>) -> Result<Vec<Erased>, StoreError> {
        refused("erasing a person")
    }
}

#[async_trait]
impl LeaseStore for PlayedStore {
    fn is_shared(&self) -> bool {
        false
    }

    fn replica(&self) -> String {
        String::new()
    }

    async fn renew_leases(&self, _: &[String], _: Share) -> Result<HeldLeases, StoreError> {
        refused(LEASES)
    }

    async fn release_leases(&self, _: &[String]) -> Result<(), StoreError> {
        refused(LEASES)
    }

    async fn leave(&self) -> Result<(), StoreError> {
        refused(LEASES)
    }

    async fn request_poll(&self, _: &str) -> Result<(), StoreError> {
        refused(LEASES)
    }

    async fn grant_requests(&self, _: &str, _: GrantRequest) -> Result<Grant, StoreError> {
        refused(LEASES)
    }

    async fn report_workspaces(&self, _: &BTreeMap<String, WorkspaceReport>) -> Result<(), StoreError> {
        refused(LEASES)
    }

    async fn workspace_reports(&self) -> Result<BTreeMap<String, WorkspaceReport>, StoreError> {
        refused(LEASES)
    }

    async fn claim_alert(&self, _: &str, _: Duration) -> Result<bool, StoreError> {
        refused(LEASES)
    }

    async fn wait_for_others(&self) {
        std::future::pending().await
    }
}
