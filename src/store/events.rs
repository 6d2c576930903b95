//! Events as rules were evaluated on them, and the rules of each revision. Why a rule did not match is derived from both;
//! with other rules, the same events show what a change would have done.

use super::{EventKind, StoreError};
use crate::model::{Conversation, HistoryEntry, KeptReading, Mode, ThreadDetail, ThreadRow};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// All that an evaluation took in. The same rules decide the same on it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoredEvent {
    /// The revision of the rules; the store has them ([`EventStore::keep_rules`]).
    #[serde(skip)]
    pub revision: String,
    /// The time of the evaluation.
    pub at: Timestamp,
    /// The workspace's name at that time.
    pub workspace: String,
    /// The workspace's mode.
    pub ceiling: Mode,
    /// The list row.
    pub row: ThreadRow,
    /// The thread, if it was read.
    pub detail: Option<ThreadDetail>,
    /// The messages, if they were read.
    pub messages: Option<Conversation>,
    /// What they say, as far as it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reading: Option<KeptReading>,
    /// Earlier actions of this thread and this lead.
    pub history: Option<Vec<HistoryEntry>>,
    /// The modes that operators lowered rules to.
    pub overrides: BTreeMap<String, Mode>,
    /// Whether the lead was known to have opted out.
    pub lead_opted_out: Option<bool>,
    /// Whether a reply to what may be automatic mail was held.
    pub hold_uncertain: bool,
    /// What was read after the evaluation, which did without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_later: Option<Box<ReadLater>>,
}

/// What was read of an event's thread long after it, for rules that need more than those of then: the thread as it is now, and
/// of the messages those that were there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadLater {
    /// The thread.
    pub detail: Option<ThreadDetail>,
    /// The messages.
    pub messages: Option<Conversation>,
    /// What they say, as far as it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reading: Option<KeptReading>,
}

/// Which events a list has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of decisions made then or later.
    pub since: Option<Timestamp>,
    /// Of these workspaces alone.
    pub workspaces: Option<Vec<String>>,
}

/// A place in the list of all events, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPlace {
    /// When it was decided.
    pub at: Timestamp,
    /// Which of those that were decided at that time.
    pub number: i64,
}

/// An event with the decision that was made on it.
#[derive(Debug, Clone, PartialEq)]
pub struct DecidedEvent {
    /// The decision's id.
    pub decision: String,
    /// What made rules run.
    pub kind: EventKind,
    /// The newest inbound message, where the decision names it.
    pub message_id: Option<String>,
    /// The names of the rules that matched, in order.
    pub matched: Vec<String>,
    /// What was evaluated.
    pub event: StoredEvent,
}

/// Some events, and where the next ones begin.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventPage {
    /// The events, oldest first.
    pub events: Vec<DecidedEvent>,
    /// The place of the last one that was looked at; `None` at the end of the list.
    pub next: Option<EventPlace>,
}

/// Events, and the rules that were active.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Keeps the rules of a revision, once: what is kept is never replaced. Needed before the first decision that names it.
    async fn keep_rules(&self, revision: &str, sources: &str) -> Result<(), StoreError>;

    /// The rules of a revision, if they are kept.
    async fn kept_rules(&self, revision: &str) -> Result<Option<String>, StoreError>;

    /// The events of decisions, by the decisions' ids. Decisions of earlier versions have none.
    async fn events(&self, decisions: &[String]) -> Result<HashMap<String, StoredEvent>, StoreError>;

    /// The events behind a place, oldest first; at most `limit` are looked at. Decisions without an event have no part in it.
    async fn events_after(
        &self,
        filter: &EventFilter,
        after: Option<EventPlace>,
        limit: u32,
    ) -> Result<EventPage, StoreError>;

    /// Keeps what was read of an event later, beside what is kept of it; the event itself stays as it was evaluated. `false` if
    /// there is no such event.
    async fn add_to_event(&self, decision: &str, read: ReadLater) -> Result<bool, StoreError>;

    /// The revision of the rules that made the newest decision, or that were kept last if there is none.
    async fn newest_revision(&self) -> Result<Option<String>, StoreError>;
}
