//! How long records are kept, and what is removed.

use super::StoreError;
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::HashMap;

/// What may be removed: decisions that were made before a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoveBefore {
    /// In workspaces that are not named here; `None` keeps everything.
    pub others: Option<Timestamp>,
    /// In each of these workspaces.
    pub workspaces: HashMap<String, Option<Timestamp>>,
}

impl RemoveBefore {
    /// The time for a workspace.
    pub fn of(&self, workspace: &str) -> Option<Timestamp> {
        self.workspaces.get(workspace).copied().unwrap_or(self.others)
    }

    /// The latest of all; nothing newer is removed anywhere.
    pub fn latest(&self) -> Option<Timestamp> {
        self.workspaces.values().copied().chain([self.others]).flatten().max()
    }
}

/// How far the search for what is old has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemovalMark {
    pub(super) at: i64,
    pub(super) decision: i64,
}

/// What one step removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemovalStep {
    /// How many decisions, with their events and actions.
    pub decisions: u64,
    /// Where the next step begins; `None` after the last one.
    pub next: Option<RemovalMark>,
}

/// Removing what is old.
///
/// A thread's decisions go together, once the newest of them is old, no message of it is pending and none of its actions
/// has changed since or is still open. What "never the same twice", `repeat`, limits and caps ask for stays, without texts and
/// addresses: they decide as before.
#[async_trait]
pub trait RetentionStore: Send + Sync {
    /// Removes the next few decisions that are old, in one short transaction; begin with the default mark.
    async fn remove_old_decisions(&self, before: &RemoveBefore, from: RemovalMark) -> Result<RemovalStep, StoreError>;

    /// Removes the next few lines of the audit log that are older; returns how many, 0 after the last.
    async fn remove_old_audit(&self, before: Timestamp) -> Result<u64, StoreError>;

    /// Gives a little of the space that became free back to the system; false once there is none.
    async fn give_back_space(&self) -> Result<bool, StoreError>;
}
