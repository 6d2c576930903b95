//! Who changed what.

use super::{AuditEntry, AuditFilter, StoreError};
use async_trait::async_trait;

/// What people changed.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Records what an operator changed.
    async fn add_audit(&self, entry: &AuditEntry) -> Result<(), StoreError>;

    /// What people changed, newest first.
    async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError>;
}
