//! Erasing a person.

use super::StoreError;
use async_trait::async_trait;
use jiff::Timestamp;

/// What was erased of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// In which workspaces something was; their names, in order.
    pub workspaces: Vec<String>,
    /// So many threads were theirs.
    pub threads: u64,
    /// So many decisions went, with their events and actions.
    pub decisions: u64,
    /// So many actions had not left, and never will.
    pub cancelled: u64,
    /// So many opt-outs hold on without the address.
    pub opt_outs: u64,
    /// So many lines of the audit log named the address.
    pub audit: u64,
}

impl Erased {
    /// Whether nothing was known of them.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Erasing a person.
#[async_trait]
pub trait ErasureStore: Send + Sync {
    /// Erases all that is known of an address in these workspaces, or in all: threads keep their ids and counts, which show
    /// that old mail is old; opt-outs and what keeps anything from being sent twice hold on by a keyed hash. Nothing of it
    /// can be read in the store's file afterwards.
    async fn erase(&self, address: &str, workspaces: Option<&[String]>, now: Timestamp) -> Result<Erased, StoreError>;
}
