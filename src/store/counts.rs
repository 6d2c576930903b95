//! How often rules matched and what became of it.

use super::{ActionCount, ActionTotal, DayCount, MatchTotal, StoreError, StoreMetrics, WorkspaceQueue};
use crate::model::ActionState;
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::HashMap;

/// Counts; all can be made anew out of decisions and actions.
#[async_trait]
pub trait CountStore: Send + Sync {
    /// How many actions are in each state, of one workspace or of all.
    async fn queue_counts(&self, workspace: Option<&str>) -> Result<HashMap<ActionState, u64>, StoreError>;

    /// How often each rule matched since then, in these workspaces or in all.
    async fn match_counts(
        &self,
        workspaces: Option<&[String]>,
        since: Option<Timestamp>,
    ) -> Result<HashMap<String, u64>, StoreError>;

    /// How often each rule matched in each workspace, and when last, over all time.
    async fn match_totals(&self, workspaces: Option<&[String]>) -> Result<Vec<MatchTotal>, StoreError>;

    /// Actions by rule, state and reason, decided since then, in these workspaces or in all.
    async fn action_counts(
        &self,
        workspaces: Option<&[String]>,
        since: Option<Timestamp>,
    ) -> Result<Vec<ActionCount>, StoreError>;

    /// How each rule fared on each day since then, in these workspaces or in all; days without a match are absent. The first
    /// day counts from its hour on.
    async fn day_counts(&self, workspaces: Option<&[String]>, since: Timestamp) -> Result<Vec<DayCount>, StoreError>;

    /// All actions, counted by workspace, rule, kind, state and reason.
    async fn action_totals(&self) -> Result<Vec<ActionTotal>, StoreError>;

    /// What waits in each workspace that the store knows, as of one moment and in one look.
    async fn workspace_queues(&self) -> Result<HashMap<String, WorkspaceQueue>, StoreError>;

    /// How many replies have left these workspaces since then.
    async fn count_sent_replies(&self, workspaces: &[String], since: Timestamp) -> Result<u64, StoreError>;

    /// The store's own health.
    async fn metrics(&self) -> Result<StoreMetrics, StoreError>;
}
