//! What happened, in order.

use super::{Change, StoreError};
use async_trait::async_trait;

/// The last changes, for those who follow them.
#[async_trait]
pub trait ChangeStore: Send + Sync {
    /// What happened after this number, in order, at most `limit`. The oldest are forgotten.
    async fn changes(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreError>;

    /// The numbers of the oldest and the newest change that are remembered; `None` if nothing happened yet.
    async fn change_range(&self) -> Result<Option<(i64, i64)>, StoreError>;
}
