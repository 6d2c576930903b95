//! Actions: what a rule does to a thread or sends to a destination, and the durable record that it is done once.

use super::{ActionId, ActionKind, Attempt, DestinationKind, Rate, Reason, ReasonCode, UnknownName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use std::{borrow::Cow, fmt, str::FromStr};
use utoipa::ToSchema;

/// Where an action stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionState {
    /// Decided; not started.
    Planned,
    /// Waits for its time or for a limit; evaluated again at `due_at`.
    Waiting,
    /// On disk before the first byte leaves.
    InFlight,
    /// A try failed and another is due at `due_at`.
    Retrying,
    /// Carried out.
    Done,
    /// Surely not carried out, and not tried again by itself.
    Failed,
    /// Waits for a person.
    Held,
    /// Never tried, by a rule of the product.
    Suppressed,
    /// Given up before it was sent, because the world changed.
    Cancelled,
    /// May or may not have been carried out; looked for at `due_at`.
    Unknown,
    /// May or may not have been carried out; a person must decide.
    Quarantined,
}

impl ActionState {
    /// Every state.
    pub const ALL: [Self; 11] = [
        Self::Planned,
        Self::Waiting,
        Self::InFlight,
        Self::Retrying,
        Self::Done,
        Self::Failed,
        Self::Held,
        Self::Suppressed,
        Self::Cancelled,
        Self::Unknown,
        Self::Quarantined,
    ];

    /// The state as programs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Waiting => "waiting",
            Self::InFlight => "in_flight",
            Self::Retrying => "retrying",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Suppressed => "suppressed",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::Quarantined => "quarantined",
        }
    }

    /// Nothing happens to it any more unless a person acts.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Suppressed | Self::Cancelled | Self::Quarantined)
    }

    /// The states of an action of which nothing has left, and which may still come.
    pub const OPEN: [Self; 4] = [Self::Planned, Self::Waiting, Self::Retrying, Self::Held];

    /// It was carried out, may have been, or still may be: it counts against `repeat`, limits and caps.
    pub fn counts_toward_limits(self) -> bool {
        !matches!(self, Self::Failed | Self::Suppressed | Self::Cancelled)
    }
}

impl fmt::Display for ActionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ActionState {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| UnknownName(text.to_owned()))
    }
}

/// How often an action may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// Once for each inbound message: the default of everything but replies.
    OncePerMessage,
    /// Once in a thread, by this rule: the default of replies.
    OncePerThread,
    /// Once for a lead, by this rule, over all threads of the workspace.
    OncePerLead,
    /// So many times in a rolling window, by this rule, for a lead.
    Rate(Rate),
}

impl Repeat {
    /// What rules write beside a rate.
    pub const WORDS: [(&'static str, Self); 3] = [
        ("once_per_message", Self::OncePerMessage),
        ("once_per_thread", Self::OncePerThread),
        ("once_per_lead", Self::OncePerLead),
    ];
}

/// When an action may be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// How long to wait after the decision; zero for at once.
    pub after: Duration,
    /// The name of the opening hours that it keeps to.
    pub hours: Option<String>,
    /// How often.
    pub repeat: Repeat,
    /// At most so many of this rule's actions of this kind, over all leads; more wait.
    pub limit: Option<Rate>,
}

/// A file that goes with a reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Where it is read at the time of sending.
    pub path: std::path::PathBuf,
    /// The name that the lead sees.
    pub filename: String,
    /// Its media type.
    pub content_type: String,
}

/// One message of the conversation as a forward shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeMessage {
    /// The sender's address.
    pub from: Option<String>,
    /// When it was sent or received.
    pub at: Option<Timestamp>,
    /// Whether we sent it.
    pub outgoing: bool,
    /// Its text, quoted history removed.
    pub text: String,
}

/// The content of a forward (Slack, e-mail, webhook).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notice {
    /// The workspace's name.
    pub workspace: String,
    /// The thread's id at ColdSend.
    pub thread_id: String,
    /// The inbound message.
    pub message_id: Option<String>,
    /// When it arrived.
    pub message_at: Option<Timestamp>,
    /// The lead's address.
    pub lead_email: Option<String>,
    /// The lead's name.
    pub lead_name: Option<String>,
    /// The sender of the inbound message, where it is not the lead.
    pub from: Option<String>,
    /// The campaign's name.
    pub campaign: Option<String>,
    /// The category at the time of the decision, if ColdSend had one.
    pub category: Option<String>,
    /// The conversation's subject.
    pub subject: Option<String>,
    /// The new text: what the lead wrote, without quotes and signature.
    pub new_text: String,
    /// The rule that forwards.
    pub rule: String,
    /// The rule's `description`, for people who read the notice.
    pub rule_description: Option<String>,
    /// The rule's own text for the notice, rendered.
    pub text: Option<String>,
    /// The rule's own subject for an e-mail, rendered.
    pub email_subject: Option<String>,
    /// Whom it is for, beside the destination's own: a channel, or addresses. As the rule's template printed it when the
    /// decision was made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// What the rule captured.
    pub captures: std::collections::BTreeMap<String, String>,
    /// What the rule's script gave.
    pub vars: serde_json::Map<String, serde_json::Value>,
    /// The conversation, oldest first, the inbound message included.
    pub conversation: Vec<NoticeMessage>,
}

/// What is sent, rendered when the decision was made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Payload {
    /// Nothing beyond the kind: star, unstar, mark_read, or an action that was never rendered.
    #[default]
    None,
    /// A reply to the lead.
    Reply {
        /// The plain-text body.
        text: Option<String>,
        /// The HTML body.
        html: Option<String>,
        /// Files that go with it.
        #[serde(default)]
        attachments: Vec<Attachment>,
    },
    /// A forward.
    Notice(Box<Notice>),
}

impl Payload {
    /// Whom a forward is for, beside its destination.
    pub fn recipients(&self) -> &[String] {
        match self {
            Self::Notice(notice) => &notice.recipients,
            Self::None | Self::Reply { .. } => &[],
        }
    }

    /// The text that a person would read in a preview.
    pub fn preview_text(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Reply { text, html, .. } => text.as_deref().or(html.as_deref()),
            Self::Notice(notice) => notice.text.as_deref(),
        }
    }
}

/// The durable record of one planned effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Its id; destinations receive it to recognise a repeated delivery.
    pub id: ActionId,
    /// The workspace's name.
    pub workspace: String,
    /// The decision that planned it.
    pub decision_id: String,
    /// The thread's id at ColdSend.
    pub thread_id: String,
    /// The inbound message that it answers; `None` where the decision needed no look at the messages.
    pub message_id: Option<String>,
    /// The lead's address, in lower case.
    pub lead_email: Option<String>,
    /// The rule that planned it.
    pub rule: String,
    /// Its place in the rule's `then`, from 0.
    pub position: u32,
    /// What it does.
    pub kind: ActionKind,
    /// The destination's name, for forwards.
    pub target: Option<String>,
    /// Where it stands.
    pub state: ActionState,
    /// Why it stands there.
    pub reason: Option<Reason>,
    /// What is sent.
    pub payload: Payload,
    /// When it may be sent.
    pub timing: Timing,
    /// Whether the rule names its sender in a `from` condition, so that a colleague may be answered.
    pub any_sender: bool,
    /// Whether the rule asks for automatic mail (`auto_reply: true` or `any`), so that it may be answered.
    pub any_auto_reply: bool,
    /// Whether a person approved it.
    pub approved: bool,
    /// When the inbound message arrived.
    pub message_at: Option<Timestamp>,
    /// The ids of the outgoing messages that were in the thread before a reply was sent.
    pub outgoing_before: Vec<String>,
    /// The tries so far, oldest first.
    pub attempts: Vec<Attempt>,
    /// When it is due; `None` if nothing is.
    pub due_at: Option<Timestamp>,
    /// When it last left, or may have left; what caps and limits count.
    pub sent_at: Option<Timestamp>,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; a change made on an older count is refused by the store.
    pub version: i64,
}

impl Action {
    /// The event it belongs to: the inbound message's id, or the decision's id if the messages were not read.
    pub fn message_key(&self) -> &str {
        self.message_id.as_deref().unwrap_or(&self.decision_id)
    }

    /// Where it stands in its thread: of two living actions with one place, only one may be. A message has one reply
    /// whatever the rules are called, one action of each other kind and target, and one webhook call for each rule.
    /// `None` if it takes nobody's place: it surely did nothing and never will.
    pub fn place(&self) -> Option<[Cow<'_, str>; 4]> {
        if !self.state.counts_toward_limits() {
            return None;
        }
        let (target, rule) = match self.kind {
            ActionKind::Reply => (Cow::Borrowed(""), ""),
            ActionKind::Forward(DestinationKind::Webhook) => (self.place_of_target(), &*self.rule),
            ActionKind::Star | ActionKind::Unstar | ActionKind::MarkRead | ActionKind::Forward(_) => {
                (self.place_of_target(), "")
            }
        };
        Some([self.message_key().into(), self.kind.as_str().into(), target, rule.into()])
    }

    /// The destination, with whom the action names beside it.
    fn place_of_target(&self) -> Cow<'_, str> {
        let target = self.target.as_deref().unwrap_or_default();
        match self.payload.recipients() {
            [] => Cow::Borrowed(target),
            named => Cow::Owned(format!("{target} {}", named.join(" "))),
        }
    }

    /// How soon it is carried out among what is due: replies first (0), then others (1), last what could not be reached
    /// or is only looked for (2), so that one thread or destination that hangs holds up nothing else.
    pub fn urgency(&self) -> u8 {
        let unreachable = self.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::Unreachable);
        match (self.state, self.kind) {
            (ActionState::Unknown, _) => 2,
            (ActionState::Waiting | ActionState::Retrying, _) if unreachable => 2,
            (_, ActionKind::Reply) => 0,
            _ => 1,
        }
    }

    /// Whether it comes up again by itself when its `due_at` has come.
    pub fn comes_up(&self) -> bool {
        match self.state {
            ActionState::Planned
            | ActionState::Waiting
            | ActionState::Retrying
            | ActionState::Unknown
            | ActionState::Held => self.due_at.is_some(),
            ActionState::InFlight
            | ActionState::Done
            | ActionState::Failed
            | ActionState::Suppressed
            | ActionState::Cancelled
            | ActionState::Quarantined => false,
        }
    }

    /// Whether it waits for the message's other actions, so that the last of them wakes it.
    pub fn waits_for_others(&self) -> bool {
        self.state == ActionState::Waiting
            && self.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::OtherActions)
    }
}

/// What `repeat` needs to know of an earlier action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The action that counts.
    pub action: ActionId,
    /// The rule that planned it.
    pub rule: String,
    /// What it did.
    pub kind: ActionKind,
    /// Its destination, for forwards.
    pub target: Option<String>,
    /// The thread's id at ColdSend.
    pub thread_id: String,
    /// The inbound message.
    pub message_id: Option<String>,
    /// The lead's address, in lower case.
    pub lead_email: Option<String>,
    /// Where it stands.
    pub state: ActionState,
    /// When it was decided.
    pub created_at: Timestamp,
    /// For a reply, its text: a rule under another name must not say the same again.
    pub body: Option<String>,
    /// Its fingerprint, where the text itself is not kept any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

/// Whom an action is for, as far as `repeat` cares.
#[derive(Debug, Clone, Copy)]
pub struct RepeatScope<'a> {
    /// The thread's id at ColdSend.
    pub thread_id: &'a str,
    /// The inbound message, where it is known.
    pub message_id: Option<&'a str>,
    /// The lead's address, in lower case.
    pub lead_email: Option<&'a str>,
}

impl Repeat {
    /// Why this refuses one more action, if it does. `mine` are the earlier ones of the same rule, kind and target that
    /// were carried out or still may be. Where a message is not known, it is not the same.
    pub fn violation<'a>(
        self,
        mut mine: impl Iterator<Item = &'a HistoryEntry>,
        about: RepeatScope<'_>,
        now: Timestamp,
    ) -> Option<&'static str> {
        let same_thread = |entry: &&HistoryEntry| entry.thread_id == about.thread_id;
        let same_message = |entry: &&HistoryEntry| {
            same_thread(entry) && about.message_id.is_some() && entry.message_id.as_deref() == about.message_id
        };
        let same_lead = |entry: &&HistoryEntry| {
            same_thread(entry) || about.lead_email.is_some() && entry.lead_email.as_deref() == about.lead_email
        };
        match self {
            Self::OncePerMessage => mine.any(|entry| same_message(&entry)).then_some("done for this message"),
            Self::OncePerThread => mine.any(|entry| same_thread(&entry)).then_some("done in this thread"),
            Self::OncePerLead => mine.any(|entry| same_lead(&entry)).then_some("done for this lead"),
            Self::Rate(rate) => {
                let within = |entry: &&HistoryEntry| {
                    let age = now.duration_since(entry.created_at);
                    std::time::Duration::try_from(age).unwrap_or_default() < rate.per
                };
                let count = mine.filter(same_lead).filter(within).count();
                (count >= rate.count as usize).then_some("done as often as the rate allows")
            }
        }
    }
}
