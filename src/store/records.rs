//! The shapes that go in and out of the store beside the model's own.

use crate::model::{Action, ActionKind, ActionState, MailReading, RuleTrace, ThreadDetail, ThreadRow};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is known of a thread that was dealt with before.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownThread {
    /// The last decided row; `None` while the first one is pending.
    pub row: Option<ThreadRow>,
    /// The pending row, if any.
    pub pending: Option<ThreadRow>,
    /// The newest inbound message that was seen, where the messages were read.
    pub newest_inbound: Option<String>,
    /// The inbound messages that were read, the newest ones.
    pub inbound_seen: Vec<String>,
    /// When the row was last dealt with, by the server's clock.
    pub looked_at: Option<Timestamp>,
}

/// A row that differs from what is known and was not dealt with yet.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingThread {
    /// The row as it arrived.
    pub row: ThreadRow,
    /// Since when it is pending.
    pub since: Timestamp,
    /// What was known before; `None` for a thread never seen.
    pub known: Option<ThreadRow>,
    /// The newest inbound message that was seen.
    pub newest_inbound: Option<String>,
    /// The inbound messages that were read, the newest ones.
    pub inbound_seen: Vec<String>,
    /// When the known row was last dealt with, by the server's clock.
    pub looked_at: Option<Timestamp>,
}

/// Which pending rows are ready.
#[derive(Debug, Clone, Copy)]
pub struct ReadyAt {
    /// What was put off until then or before.
    pub now: Timestamp,
    /// Nothing is put off for longer than until then: a later date was written by a clock that was ahead.
    pub latest: Timestamp,
    /// At most so many that were not tried before.
    pub limit: u32,
    /// At most so many that could not be read when they were last tried.
    pub failed_limit: u32,
}

/// A pending row that is ready to be evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadyThread {
    /// The pending row and its thread.
    pub pending: PendingThread,
    /// How often in a row it could not be read.
    pub failures: u32,
}

/// The end of a pending row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SettledThread {
    /// The decided row. A newer pending row stays pending.
    pub row: ThreadRow,
    /// The newest inbound message, where the messages were read; `None` keeps what is known.
    pub newest_inbound: Option<String>,
    /// All inbound messages, oldest first, where the messages were read; an empty list keeps what is known.
    pub inbound: Vec<String>,
    /// The outgoing messages that the thread ends with; an empty list keeps what is known.
    pub last_outgoing: Vec<String>,
    /// When this was, by the server's clock.
    pub looked_at: Option<Timestamp>,
    /// Whether the row was taken from the line. If it is not there any more because the person was erased, nothing is
    /// written.
    pub was_in_line: bool,
    /// Whether the lead had opted out before.
    pub opted_out: bool,
    /// Who else may own the thread.
    pub claim: Claim,
}

/// What was written with a decision.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecordedDecision {
    /// Its actions, in its order.
    pub actions: Vec<Action>,
    /// Actions of older messages in the thread that it cancelled.
    pub cancelled: Vec<Action>,
}

/// What decides whether this workspace may act on a thread that another one lists, too: two keys of one account.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claim {
    /// The other workspaces that act; those in shadow or off leave a thread to whoever acts.
    pub rivals: Vec<String>,
    /// When an action that is held for this reason expires.
    pub expiry: Option<Timestamp>,
}

/// Who has a thread in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadOwner {
    /// The workspace's name in the configuration.
    pub workspace: String,
    /// The thread's id at ColdSend.
    pub thread_id: String,
    /// The lead's address in the newest row, in lower case.
    pub lead_email: Option<String>,
    /// When the workspace first saw it.
    pub first_seen_at: Timestamp,
}

/// What made rules run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A new inbound message.
    Message,
    /// The thread's category changed while the message is still the newest.
    Category,
    /// A person asked for it (`apply`).
    Apply,
}

impl EventKind {
    /// The kind as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Category => "category",
            Self::Apply => "apply",
        }
    }
}

impl std::str::FromStr for EventKind {
    type Err = crate::model::UnknownName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "message" => Ok(Self::Message),
            "category" => Ok(Self::Category),
            "apply" => Ok(Self::Apply),
            other => Err(crate::model::UnknownName(other.to_owned())),
        }
    }
}

/// What rules said about an event, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRecord {
    /// A UUID version 7.
    pub id: String,
    /// The workspace's name in the configuration.
    pub workspace: String,
    /// The thread's id at ColdSend.
    pub thread_id: String,
    /// The inbound message, where the messages were read.
    pub message_id: Option<String>,
    /// The lead's address, in lower case.
    pub lead_email: Option<String>,
    /// When it was made.
    pub at: Timestamp,
    /// What made rules run.
    pub event: EventKind,
    /// The rules that matched, in order.
    pub matched: Vec<String>,
    /// How it came about.
    pub trace: DecisionTrace,
}

/// How a decision came about, in the shape that `explain` prints.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DecisionTrace {
    /// What rules saw as `body`; `None` if the messages were not read.
    pub body: Option<String>,
    /// Whether the message is an auto-reply, as far as was read.
    pub auto_reply: Option<bool>,
    /// Whether the lead opted out, as far as was read.
    pub opt_out: Option<bool>,
    /// How the newest inbound message was read.
    #[serde(flatten)]
    pub reading: MailReading,
    /// The subject, for lists.
    pub subject: Option<String>,
    /// The campaign, for lists.
    pub campaign: Option<String>,
    /// The category as the event arrived.
    pub category: Option<String>,
    /// The lead's name.
    pub lead_name: Option<String>,
    /// The address that the message came from, where the messages were read.
    pub from: Option<String>,
    /// When the message arrived, by ColdSend's clock.
    pub message_at: Option<Timestamp>,
    /// The beginning of the message, where the messages were not read.
    pub preview: Option<String>,
    /// Why no rule was evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Each rule, in order.
    pub rules: Vec<RuleTrace>,
    /// The event, for actions that are evaluated again later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Box<EventValues>>,
}

/// What an event was evaluated on, beside the texts of its messages.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventValues {
    /// The list row.
    pub row: ThreadRow,
    /// The thread, if it was read.
    pub detail: Option<ThreadDetail>,
    /// The ids of the messages, if they were read.
    pub message_ids: Vec<String>,
}

/// Another service was seen on a workspace's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignUse {
    /// The workspace's name in the configuration.
    pub workspace: String,
    /// Since when it is known.
    pub since: Timestamp,
    /// What showed it.
    pub evidence: String,
}

/// A message that a campaign sent before its lead wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignStep {
    /// The thread's id at ColdSend.
    pub thread_id: String,
    /// The message's id at ColdSend.
    pub message_id: String,
    /// Its sender's address.
    pub sender: Option<String>,
    /// The hashes of its pairs of words, sorted.
    pub words: Vec<u32>,
}

/// Which decisions are wanted.
#[derive(Debug, Clone, Default)]
pub struct DecisionFilter {
    /// Of this workspace.
    pub workspace: Option<String>,
    /// Of these workspaces alone, whatever else is asked for; `None` for all.
    pub workspaces: Option<Vec<String>>,
    /// Of this thread.
    pub thread: Option<String>,
    /// About this lead, whatever the case.
    pub lead: Option<String>,
    /// In this campaign, by name, whatever the case.
    pub campaign: Option<String>,
    /// In which this rule matched.
    pub rule: Option<String>,
    /// In which a rule matched, or none did.
    pub matched: Option<bool>,
    /// With an action in one of these states; empty for all.
    pub states: Vec<ActionState>,
    /// Older than this id.
    pub before: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// Which actions are wanted.
#[derive(Debug, Clone, Default)]
pub struct ActionFilter {
    /// Of this workspace.
    pub workspace: Option<String>,
    /// Of these workspaces alone, whatever else is asked for; `None` for all.
    pub workspaces: Option<Vec<String>>,
    /// In one of these states; empty for all.
    pub states: Vec<ActionState>,
    /// Of this rule.
    pub rule: Option<String>,
    /// In this thread.
    pub thread: Option<String>,
    /// For this lead, whatever the case.
    pub lead: Option<String>,
    /// In this campaign, by name, whatever the case.
    pub campaign: Option<String>,
    /// Of this kind.
    pub kind: Option<ActionKind>,
    /// Of this decision.
    pub decision: Option<String>,
    /// Older than this id.
    pub before: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// The two queues that run side by side, so that a slow mail server never holds up a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Writes through the ColdSend API.
    Api,
    /// Forwards.
    Destinations,
}

impl Lane {
    /// The lane in which actions of the kind run.
    pub fn of(kind: ActionKind) -> Self {
        if kind.is_api_write() { Self::Api } else { Self::Destinations }
    }

    /// The kinds that run in it.
    pub fn accepts(self, kind: ActionKind) -> bool {
        Self::of(kind) == self
    }
}

/// How many actions of a rule are in a state for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionCount {
    /// The rule's name.
    pub rule: String,
    /// The state that these actions are in.
    pub state: ActionState,
    /// The reason's code.
    pub reason: Option<String>,
    /// How many.
    pub count: u64,
}

/// A lead who wants no more mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OptOut {
    /// The workspace's name in the configuration.
    pub workspace: String,
    /// The address, in lower case.
    pub email: String,
    /// Since when.
    pub since: Timestamp,
    /// The words that say so, or who entered it.
    pub evidence: String,
}

/// A pause that a person, or a refused key, put on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// The workspace; `None` for everything.
    pub workspace: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: String,
    /// Who put it on; `None` if the service did by itself.
    pub by: Option<String>,
}

/// What is remembered of polling a workspace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkspaceState {
    /// When what was there at the first start was noted in full; `None` before that.
    pub baseline_at: Option<Timestamp>,
    /// When a poll last ended well.
    pub last_poll_at: Option<Timestamp>,
    /// When every page was last read.
    pub last_sweep_at: Option<Timestamp>,
    /// A poll ended before it had seen all changes, so every page must be read again.
    pub sweep_needed: bool,
    /// How many threads the list counted at the last poll.
    pub total_count: Option<u64>,
    /// How many unread ones.
    pub unread_count: Option<u64>,
    /// When the first look at the inbox began, by the server's clock. Mail that is newer is new, whatever the first pages
    /// show.
    pub first_look_at: Option<Timestamp>,
    /// The list was empty then: what is newer came since.
    pub began_empty: bool,
    /// An unknown thread whose last message is older than this was there at the first start, or came with another account:
    /// it is never answered by itself. `None` for a store of an earlier version.
    pub old_before: Option<Timestamp>,
    /// When the inbox was last seen, by the server's clock.
    pub seen_at: Option<Timestamp>,
    /// Whether a thread was seen to move to the top when a message came, and no page has contradicted since: only then the
    /// rows that follow an old one are older still.
    pub newest_first: bool,
    /// Which workspace this one may be under an earlier name was asked once; resuming it answers that it is a new one.
    pub identity_asked: bool,
}
