//! Several processes on one store: which of them runs a workspace, and how they share a key's request budget.
//!
//! A process that lives says so every second. One that has not for [`LEASE`] is held to be gone, and what it held may be
//! taken over, each workspace under a new number. What a workspace's process writes is fenced by that number in the
//! transaction that writes it: a process that was stopped for a while and goes on finds that it is no longer the one.
//! A store in a file has one process, which holds everything.

use super::StoreError;
use crate::model::{Grant, GrantRequest};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A process that has not told for so long that it lives is held to be gone.
pub const LEASE: Duration = Duration::from_secs(6);
/// How often a process tells it.
pub const RENEW_EVERY: Duration = Duration::from_secs(1);

/// A process that has been gone for so long loses its place among the others, [`HeldLeases::before`]. Much longer than
/// [`LEASE`]: a machine that is slow must not put two of them first.
pub const LONGEST_AWAY: Duration = Duration::from_secs(60);

/// How much of what it could hold a process takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// As much as each of the processes that live.
    Fair,
    /// All that nobody holds: a command that runs beside the service.
    All,
}

/// What a process holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldLeases {
    /// The workspaces.
    pub workspaces: BTreeSet<String>,
    /// Those of them that it should give up, because others live that hold fewer. Stop what runs, then release them.
    pub give_up: BTreeSet<String>,
    /// Those that another process was asked to poll.
    pub polls: BTreeSet<String>,
    /// How many processes live.
    pub replicas: u64,
    /// How many stand before this one in an order that all agree on, with those that have not been gone for
    /// [`LONGEST_AWAY`].
    pub before: u64,
}

/// How a workspace fares in the process that runs it, for the pages of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceReport {
    /// The process.
    pub replica: String,
    /// The end of its last poll.
    pub last_poll: Option<Timestamp>,
    /// When it polls next.
    pub next_poll: Option<Timestamp>,
    /// Why polls fail, if they do.
    pub error: Option<String>,
    /// Since when.
    pub failing_since: Option<Timestamp>,
    /// Requests left in the rolling minute.
    pub minute_left: u32,
    /// Requests left in the rolling hour.
    pub hour_left: u32,
}

/// What processes that share a store agree on.
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// Whether other processes may use the store. If not, the rest of this does nothing, and everything is held.
    fn is_shared(&self) -> bool;

    /// The name of this process among those that share the store.
    fn replica(&self) -> String;

    /// Tells that this process lives and which workspaces its configuration has, and takes its share of them. Processes may
    /// know different ones while a configuration changes: each workspace is shared among those that know it. From the first call on, nothing is written
    /// for a workspace whose lease this process does not hold.
    async fn renew_leases(&self, wanted: &[String], share: Share) -> Result<HeldLeases, StoreError>;

    /// Lets others have these workspaces at once. Nothing of them may run here any more.
    async fn release_leases(&self, workspaces: &[String]) -> Result<(), StoreError>;

    /// Ends what this process shares with others: they have what it held at once, and its place among them.
    async fn leave(&self) -> Result<(), StoreError>;

    /// Asks whoever runs the workspace to poll it.
    async fn request_poll(&self, workspace: &str) -> Result<(), StoreError>;

    /// Takes places in a key's budget, which all processes share.
    async fn grant_requests(&self, key: &str, request: GrantRequest) -> Result<Grant, StoreError>;

    /// Tells the others how workspaces fare, all at once.
    async fn report_workspaces(&self, reports: &BTreeMap<String, WorkspaceReport>) -> Result<(), StoreError>;

    /// How the workspaces fare that run in another process.
    async fn workspace_reports(&self) -> Result<BTreeMap<String, WorkspaceReport>, StoreError>;

    /// Whether this process is to send an alert that others may see reason for too: of all that ask within this time, one.
    async fn claim_alert(&self, key: &str, within: Duration) -> Result<bool, StoreError>;

    /// Ends when another process may have written something, or after a second.
    async fn wait_for_others(&self);
}
