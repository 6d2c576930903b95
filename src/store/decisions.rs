//! Decisions, and the one transaction that writes them with their actions.

use super::{DecisionFilter, DecisionRecord, OptOut, RecordedDecision, SettledThread, StoreError, StoredEvent};
use crate::model::{Action, Transition};
use async_trait::async_trait;
use jiff::Timestamp;

/// What the engine says of other actions while a decision is written. It is asked inside the transaction, so that what it
/// says holds for what is on disk.
#[derive(Debug, Clone, Copy)]
pub struct DecisionPolicy {
    /// What becomes of an action of an older message in the thread that has not settled, now that a newer one came;
    /// `None` leaves it as it is.
    pub on_newer_message: fn(&Action) -> Option<Transition>,
    /// What becomes of a new action whose place a living one has: the same message, kind and target
    /// ([`Action::place`]).
    pub on_place_taken: fn(&Action) -> Transition,
    /// What becomes of a new action in a thread that another workspace owns; `None` leaves it as it is.
    pub on_owned: fn(&Action, owner: &str, expiry: Option<Timestamp>) -> Option<Transition>,
}

/// What rules said.
#[async_trait]
pub trait DecisionStore: Send + Sync {
    /// Writes a decision, the event that it is about, its actions, the opt-out it found and the thread's state, all or
    /// nothing. The rules of the event are kept before ([`EventStore::keep_rules`](super::EventStore::keep_rules)); without
    /// an event, the decision's trace is all that will be known.
    ///
    /// `policy` says what becomes of actions of older messages, and of new ones whose place is taken or whose thread
    /// another workspace owns (`settled.claim`). All come back as they were written.
    async fn record_decision(
        &self,
        decision: &DecisionRecord,
        event: Option<StoredEvent>,
        actions: Vec<Action>,
        opt_out: Option<&OptOut>,
        settled: &SettledThread,
        policy: DecisionPolicy,
    ) -> Result<RecordedDecision, StoreError>;

    /// One decision.
    async fn decision(&self, id: &str) -> Result<Option<DecisionRecord>, StoreError>;

    /// Decisions, newest first.
    async fn decisions(&self, filter: &DecisionFilter) -> Result<Vec<DecisionRecord>, StoreError>;

    /// The newest decisions made since then whose threads the service is done with and that an operator still has to look
    /// at: a wanted reply that policy stopped, a thread left unread, a lead who opted out. Newest first, older than `before`,
    /// of these workspaces or of all.
    async fn left_for_people(
        &self,
        since: Timestamp,
        workspaces: Option<&[String]>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DecisionRecord>, StoreError>;

    /// How many there are.
    async fn left_count(&self, since: Timestamp, workspaces: Option<&[String]>) -> Result<u64, StoreError>;
}
