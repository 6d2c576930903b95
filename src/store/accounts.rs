//! What is known of the accounts: our own addresses, other services, what campaigns send.

use super::{CampaignStep, ForeignUse, StoreError};
use async_trait::async_trait;
use jiff::Timestamp;

/// How many steps of a workspace's campaigns are kept.
pub(crate) const CAMPAIGN_STEPS: u32 = 400;

/// Who else sends on the accounts.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Remembers addresses that the workspaces themselves send from, in lower case.
    async fn add_own_addresses(&self, addresses: &[String]) -> Result<(), StoreError>;

    /// Whether one of the workspaces sends from this address.
    async fn is_own_address(&self, address: &str) -> Result<bool, StoreError>;

    /// The workspaces on whose account another service was seen.
    async fn foreign_uses(&self) -> Result<Vec<ForeignUse>, StoreError>;

    /// Remembers that another service was seen, until the workspace is [resumed](super::ControlStore::resume); an earlier
    /// entry stays. Whether it is news.
    async fn add_foreign_use(&self, found: &ForeignUse) -> Result<bool, StoreError>;

    /// Remembers what a campaign sent before a lead wrote; the oldest are forgotten.
    async fn add_campaign_steps(
        &self,
        workspace: &str,
        steps: &[CampaignStep],
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// What campaigns sent before leads wrote, newest first.
    async fn campaign_steps(&self, workspace: &str) -> Result<Vec<CampaignStep>, StoreError>;
}
