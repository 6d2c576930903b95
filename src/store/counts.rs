//! How often rules matched and what became of it.

use super::{ActionCount, ActionTotal, DayCount, RuleCount, StoreError, StoreMetrics};
use crate::model::ActionState;
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::HashMap;

/// Counts; all can be made anew out of decisions and actions.
#[async_trait]
pub trait CountStore: Send + Sync {
    /// How many actions are in each state, of one workspace or of all.
    async fn queue_counts(&self, workspace: Option<&str>) -> Result<HashMap<ActionState, u64>, StoreError>;

    /// How often each rule matched since then.
    async fn match_counts(&self, since: Option<Timestamp>) -> Result<HashMap<String, u64>, StoreError>;

    /// When each rule last matched.
    async fn last_matches(&self) -> Result<HashMap<String, Timestamp>, StoreError>;

    /// Actions by rule, state and reason, decided since then.
    async fn action_counts(&self, since: Option<Timestamp>) -> Result<Vec<ActionCount>, StoreError>;

    /// How each rule fared on each day since then; days without a match are absent. The first day counts from its hour on.
    async fn day_counts(&self, since: Timestamp) -> Result<Vec<DayCount>, StoreError>;

    /// What rules did in these workspaces alone, within each of three windows and in all. As much work as these workspaces
    /// have decisions: the ready counts are of all workspaces together.
    async fn rule_counts(&self, workspaces: &[String], since: [Timestamp; 3]) -> Result<Vec<RuleCount>, StoreError>;

    /// All actions, counted by workspace, rule, kind, state and reason.
    async fn action_totals(&self) -> Result<Vec<ActionTotal>, StoreError>;

    /// The store's own health.
    async fn metrics(&self) -> Result<StoreMetrics, StoreError>;
}
