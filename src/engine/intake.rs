//! Intake: polls the list, queues the rows that changed, and turns each into a decision with its actions.

pub(super) mod baseline;
mod batch;
mod foreign_use;
pub(super) mod given;
pub(super) mod identity;
mod learn;
pub(super) mod learned;
pub(super) mod list_state;
mod open_replies;
pub(super) mod pending;
pub(super) mod policy;
pub(super) mod poll;
pub(super) mod poll_health;
pub(super) mod records;
pub(super) mod row_changes;
mod run;
pub(super) mod schedule;
mod sweep;
mod unreadable;

use super::shared::Shared;
use std::sync::Arc;

/// Finds what changed in the inbox and decides. It sends nothing and reads with GET requests only.
#[derive(Clone)]
pub struct Intake {
    shared: Arc<Shared>,
}

impl Intake {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}
