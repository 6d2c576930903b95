//! What is asked before an action leaves, and what is answered: all of an answer as of one moment.

use super::{ForeignUse, OptOut};
use crate::model::{Action, ActionId, ActionKind, HistoryEntry, Mode, OptOutScope};
use jiff::Timestamp;

/// A history that is as long as this tells of the newest actions alone.
pub const WHOLE_HISTORY: u32 = 1_000;

/// What became of writing an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntentResult {
    /// It is on disk; the request may leave, unless what is true as of that moment forbids it.
    Written(AtIntent),
    /// The workspace, or everything, is paused; nothing was written.
    Paused,
    /// The lead opted out, in these words; nothing was written.
    OptedOut(String),
}

/// What the transaction of an intent has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AtIntent {
    /// Another service was seen on the workspace's account.
    pub foreign_use: Option<ForeignUse>,
    /// The list has shown another row of the thread, which was not looked at yet.
    pub is_in_line: bool,
}

/// An action that is due, as far as its turn depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueAction {
    /// The action.
    pub id: ActionId,
    /// The thread's id at ColdSend.
    pub thread_id: String,
    /// What it does.
    pub kind: ActionKind,
    /// Its destination, for forwards.
    pub target: Option<String>,
}

/// An action and what people say of it now, as of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionUnderControl {
    /// The action.
    pub action: Action,
    /// Its workspace, or everything, is paused.
    pub is_paused: bool,
    /// The mode that its rule was lowered to.
    pub lowered: Option<Mode>,
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

/// Actions that left after a moment, and how many of the newest are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentWindow {
    /// Later than this.
    pub since: Timestamp,
    /// At most so many, the newest.
    pub newest: u32,
}

/// What is asked of the store before a reply leaves.
#[derive(Debug, Clone)]
pub struct ReplyQuestion {
    /// The workspace's name in the configuration.
    pub workspace: String,
    /// The thread's id at ColdSend.
    pub thread_id: String,
    /// The lead's address.
    pub lead_email: Option<String>,
    /// Whose opt-outs count.
    pub opt_outs: OptOutScope,
    /// The rule that replies.
    pub rule: String,
    /// Replies to the lead.
    pub to_lead: SentWindow,
    /// Replies of the workspace; `None` where they need not be counted.
    pub of_workspace: Option<SentWindow>,
    /// Replies by the rule; `None` where it has no limit.
    pub by_rule: Option<SentWindow>,
}

/// What the store knows of a reply, as of one moment. Times are oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReplyFacts {
    /// Another service was seen on the workspace's account.
    pub foreign_use: Option<ForeignUse>,
    /// What is known of the lead.
    pub lead: LeadFacts,
    /// When replies went to the lead.
    pub to_lead: Vec<Timestamp>,
    /// When replies left the workspace.
    pub of_workspace: Vec<Timestamp>,
    /// When the rule's replies left.
    pub by_rule: Vec<Timestamp>,
}

/// What the store knows of a lead.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LeadFacts {
    /// Living and past actions in the thread or for the lead that count against `repeat`, newest first.
    pub history: Vec<HistoryEntry>,
    /// The lead's opt-out.
    pub opt_out: Option<OptOut>,
}
