//! Intake: polls the list, queues the rows that changed, and turns each into a decision with its actions.

pub(super) mod baseline;
pub(super) mod identity;
pub(super) mod list_state;
mod own_addresses;
pub(super) mod pending;
pub(super) mod poll;
pub(super) mod records;
pub(super) mod row_changes;
mod sweep;
mod unreadable;
