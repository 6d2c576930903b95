//! The shapes that go in and out of the store beside the model's own.

use crate::model::{ActionId, ActionKind, ActionState, DurationCounts, Mode, Reason, RuleTrace, ThreadRow};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is known of a thread that was dealt with before.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownThread {
    /// The row that was last dealt with; `None` while the first one is still in line.
    pub row: Option<ThreadRow>,
    /// The row that is in line, if any.
    pub pending: Option<ThreadRow>,
    /// The newest inbound message that was seen, where the messages were read.
    pub newest_inbound: Option<String>,
}

/// A row that differs from what is known and was not dealt with yet.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingThread {
    /// The row as it arrived.
    pub row: ThreadRow,
    /// Since when it is in line.
    pub since: Timestamp,
    /// What was known before; `None` for a thread never seen.
    pub known: Option<ThreadRow>,
    /// The newest inbound message that was seen.
    pub newest_inbound: Option<String>,
}

/// The end of a pending row.
#[derive(Debug, Clone, PartialEq)]
pub struct SettledThread {
    /// The row that was dealt with. A pending row that is newer stays in line.
    pub row: ThreadRow,
    /// The newest inbound message, where the messages were read; `None` keeps what is known.
    pub newest_inbound: Option<String>,
}

/// What made rules run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The workspace.
    pub workspace: String,
    /// The thread.
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
    /// Whether the message is automatic mail, as far as was read.
    pub auto_reply: Option<bool>,
    /// Whether the lead asked for no more mail, as far as was read.
    pub opt_out: Option<bool>,
    /// The subject, for lists.
    pub subject: Option<String>,
    /// The campaign, for lists.
    pub campaign: Option<String>,
    /// The category as the event arrived.
    pub category: Option<String>,
    /// Each rule, in order.
    pub rules: Vec<RuleTrace>,
}

/// Which decisions are wanted.
#[derive(Debug, Clone, Default)]
pub struct DecisionFilter {
    /// Of this workspace.
    pub workspace: Option<String>,
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
    /// The kinds that run in it.
    pub fn holds(self, kind: ActionKind) -> bool {
        kind.is_api_write() == (self == Self::Api)
    }
}

/// What became of writing an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// It is on disk; the request may leave.
    Written,
    /// The workspace, or everything, is paused; nothing was written.
    Paused,
    /// The lead asked for no more mail, in these words; nothing was written.
    OptedOut(String),
}

/// Which sent actions are counted.
#[derive(Debug, Clone, Copy)]
pub struct SentFilter<'a> {
    /// Of this kind.
    pub kind: ActionKind,
    /// For this lead.
    pub lead_email: Option<&'a str>,
    /// By this rule.
    pub rule: Option<&'a str>,
}

/// How many actions of a rule are in a state for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionCount {
    /// The rule.
    pub rule: String,
    /// The state.
    pub state: ActionState,
    /// The reason's code.
    pub reason: Option<String>,
    /// How many.
    pub count: u64,
}

/// A lead who wants no more mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptOut {
    /// The workspace.
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

/// A mode that a person lowered a rule to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSwitch {
    /// The rule.
    pub rule: String,
    /// The mode that it has at most.
    pub mode: Mode,
    /// Since when.
    pub since: Timestamp,
    /// Who lowered it; `None` where that was not noted.
    pub by: Option<String>,
}

/// An action without what is sent, as lists of decisions show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionBrief {
    /// Its id.
    pub id: ActionId,
    /// The decision that planned it.
    pub decision_id: String,
    /// The rule that planned it.
    pub rule: String,
    /// What it does.
    pub kind: ActionKind,
    /// The destination's name, for forwards.
    pub target: Option<String>,
    /// Where it stands.
    pub state: ActionState,
    /// Why it stands there.
    pub reason: Option<Reason>,
    /// When it is looked at next.
    pub due_at: Option<Timestamp>,
}

/// How a rule fared on one day (UTC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayCount {
    /// The rule.
    pub rule: String,
    /// The day's beginning.
    pub day: Timestamp,
    /// How often it matched.
    pub matched: u64,
    /// How many actions of that day's decisions are done.
    pub acted: u64,
}

/// How many actions are how they are, over all time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionTotal {
    /// The workspace.
    pub workspace: String,
    /// The rule.
    pub rule: String,
    /// The kind.
    pub kind: ActionKind,
    /// The state.
    pub state: ActionState,
    /// The reason's code.
    pub reason: Option<String>,
    /// How many.
    pub count: u64,
}

/// Something that happened, in the order in which it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number: later ones are greater.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// The workspace.
    pub workspace: String,
    /// The thread.
    pub thread_id: String,
    /// The decision: the new one, or that of the action.
    pub decision_id: String,
    /// What happened.
    pub what: ChangeKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// A decision was made.
    Decision {
        /// The rules that matched, in order.
        matched: Vec<String>,
    },
    /// An action was planned, or has another state or reason.
    Action {
        /// Its id.
        id: ActionId,
        /// The rule that planned it.
        rule: String,
        /// What it does.
        kind: ActionKind,
        /// Where it stood then.
        state: ActionState,
        /// The reason's code.
        reason: Option<String>,
    },
}

/// What somebody changed, and who it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditEntry {
    /// A UUID version 7.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// How they got in: `token`, `session`, `loopback`; `nobody` for a sign-in that failed.
    pub who: String,
    /// The address that the request came from.
    pub remote: Option<String>,
    /// What they did, such as `rule.mode` or `action.approve`.
    pub what: String,
    /// What they did it to: a rule, a workspace, an action, an address.
    pub target: Option<String>,
    /// More about it. No secret and no text of a mail.
    pub details: serde_json::Map<String, serde_json::Value>,
    /// The id of the request, as the log has it.
    pub request_id: Option<String>,
}

/// Which entries of the audit log are wanted.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this kind.
    pub what: Option<String>,
    /// About this.
    pub target: Option<String>,
    /// Older than this id.
    pub before: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// How the store itself fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreFigures {
    /// The size of the database in bytes, without its log.
    pub bytes: u64,
    /// How long commits took since the store was opened.
    pub commits: DurationCounts,
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
}
