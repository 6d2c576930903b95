//! What people switch: pauses, and rules that they lowered.

use super::{ModeOverride, Pause, StoreError};
use crate::model::Mode;
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::HashMap;

/// Pauses and lowered rules.
#[async_trait]
pub trait ControlStore: Send + Sync {
    /// The modes that people lowered rules to.
    async fn override_modes(&self) -> Result<HashMap<String, Mode>, StoreError>;

    /// The same, with since when and by whom.
    async fn mode_overrides(&self) -> Result<Vec<ModeOverride>, StoreError>;

    /// Lowers a rule, or clears that, and keeps who did it.
    async fn set_rule_mode(&self, rule: &str, mode: Option<Mode>, by: &str, now: Timestamp) -> Result<(), StoreError>;

    /// What is paused.
    async fn pauses(&self) -> Result<Vec<Pause>, StoreError>;

    /// Pauses a workspace, or everything with `None`; an earlier pause stays as it is. `by` is whoever did it, if it was
    /// not the service itself.
    async fn pause(
        &self,
        workspace: Option<&str>,
        reason: &str,
        by: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Ends the pause of a workspace, or every pause with `None`: that of everything and that of each workspace. A pause of
    /// everything outlasts the resumption of a single workspace.
    ///
    /// What the pause held up ends with it, in one transaction: that another service was seen on the account is forgotten,
    /// and replies held for that, like everything that waits for the pause or for a key that was refused, are due at `now`.
    /// The other processes hear of it.
    async fn resume(&self, workspace: Option<&str>, now: Timestamp) -> Result<(), StoreError>;
}
