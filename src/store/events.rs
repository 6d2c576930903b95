//! Events as rules were evaluated on them, and the rules of each revision. Why a rule did not match is derived from both;
//! with other rules, the same events show what a change would have done.

use super::StoreError;
use crate::model::{Conversation, HistoryEntry, Mode, ThreadDetail, ThreadRow};
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
    /// Earlier actions of this thread and this lead.
    pub history: Option<Vec<HistoryEntry>>,
    /// The modes that operators lowered rules to.
    pub overrides: BTreeMap<String, Mode>,
    /// Whether the lead was known to have opted out.
    pub lead_opted_out: Option<bool>,
    /// Whether a reply to what may be automatic mail was held.
    pub hold_uncertain: bool,
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
}
