//! Read models: counts, changes as they happened, the audit log.

use crate::model::{ActionId, ActionKind, ActionState, HistogramSnapshot, Mode, Reason};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{Object, ObjectBuilder, Type},
};

/// A mode that a person lowered a rule to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeOverride {
    /// The rule's name.
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
pub struct ActionSummary {
    /// The id that approve, reject and resolve take.
    pub id: ActionId,
    /// The decision that planned it.
    pub decision_id: String,
    /// The rule that planned it.
    pub rule: String,
    /// What it does.
    pub kind: ActionKind,
    /// The destination's name, for forwards.
    pub target: Option<String>,
    /// The channel or the further recipients of a forward, if the rule names some.
    pub recipients: Vec<String>,
    /// Where it stands.
    pub state: ActionState,
    /// Why it stands there.
    pub reason: Option<Reason>,
    /// When it is due.
    pub due_at: Option<Timestamp>,
}

/// How a rule fared on one day (UTC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayCount {
    /// The rule's name.
    pub rule: String,
    /// The day's beginning.
    pub day: Timestamp,
    /// How often it matched.
    pub matched: u64,
    /// How many actions of that day's decisions are done.
    pub acted: u64,
}

/// How often a rule matched in a workspace, over all time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchTotal {
    /// The workspace's name in the configuration; `None` for matches of before workspaces were counted apart.
    pub workspace: Option<String>,
    /// The rule's name.
    pub rule: String,
    /// How often it matched.
    pub count: u64,
    /// When it last matched.
    pub last_at: Timestamp,
}

/// How many actions are how they are, over all time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionTotal {
    /// The workspace's name in the configuration.
    pub workspace: String,
    /// The rule's name.
    pub rule: String,
    /// What these actions do.
    pub kind: ActionKind,
    /// The state that these actions are in.
    pub state: ActionState,
    /// The reason's code.
    pub reason: Option<String>,
    /// How many.
    pub count: u64,
}

/// Something that happened, in the order in which it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its number: later ones are greater.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// The workspace's name in the configuration.
    pub workspace: String,
    /// The thread's id at ColdSend.
    pub thread_id: String,
    /// The decision: the new one, or that of the action.
    pub decision_id: String,
    /// What happened.
    pub what: ChangeKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeKind {
    /// A decision was made.
    Decision {
        /// The rules that matched, in order.
        matched: Vec<String>,
    },
    /// An action was planned, or has another state or reason.
    Action {
        /// The action's id.
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
    /// The person of the thread was erased; without a workspace and a thread, the end of an erasure. There is no decision.
    Forgotten,
    /// What waited for the resumption of the workspace is due. There is no thread and no decision.
    Resumed,
}

/// One entry of the audit log: what an operator changed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AuditEntry {
    /// A UUID version 7.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// How they got in: `token`, `session`, `loopback`; `nobody` for a sign-in that failed.
    #[schema(schema_with = auth_methods)]
    pub who: String,
    /// The address that the request came from.
    pub remote: Option<String>,
    /// What they did, such as `rule.mode` or `action.approve`.
    pub what: String,
    /// What they did it to: a rule, a workspace, an action, an address.
    pub target: Option<String>,
    /// More about it. No secret and no text of a mail.
    #[schema(value_type = HashMap<String, serde_json::Value>)]
    pub details: serde_json::Map<String, serde_json::Value>,
    /// The id of the request, as the log has it.
    pub request_id: Option<String>,
}

fn auth_methods() -> Object {
    let names = ["token", "session", "loopback", "nobody"];
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()
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

/// The store's own health.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreMetrics {
    /// The size of the database in bytes, without its log.
    pub bytes: u64,
    /// How long commits took since the store was opened.
    pub commits: HistogramSnapshot,
    /// How many statements this process has run since then; to a server each is a way there and back.
    pub statements: u64,
}

/// What waits in a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceQueue {
    /// How many threads are pending.
    pub pending: u64,
    /// Since when the first of them.
    pub pending_since: Option<Timestamp>,
    /// When the next action is due.
    pub next_due: Option<Timestamp>,
}
