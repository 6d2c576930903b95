//! Leads who want no more mail.

use super::{OptOut, StoreError};
use crate::model::OptOutScope;
use async_trait::async_trait;

/// Who wants no more mail.
#[async_trait]
pub trait OptOutStore: Send + Sync {
    /// Remembers that a lead wants no more mail; an earlier entry stays.
    async fn add_opt_out(&self, opt_out: &OptOut) -> Result<(), StoreError>;

    /// Forgets it; whether there was one.
    async fn remove_opt_out(&self, workspace: Option<&str>, email: &str) -> Result<bool, StoreError>;

    /// The lead's opt-out, if there is one in that scope: of the address, of its domain or a domain above it
    /// (`*@acme.example`), or of an address that was erased.
    async fn opt_out(&self, workspace: &str, email: &str, scope: OptOutScope) -> Result<Option<OptOut>, StoreError>;

    /// Opt-outs of these workspaces or of all, newest first, so many behind the first ones.
    async fn opt_outs(&self, workspaces: Option<&[String]>, offset: u32, limit: u32)
    -> Result<Vec<OptOut>, StoreError>;
}
