//! Why an action is in its state: a code that programs compare and a sentence that people read.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        /// The codes that interfaces name. Each is written as its snake-case text and never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ReasonCode { $($(#[$doc])* #[serde(rename = $text)] $variant),+ }

        impl ReasonCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as it is written.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::str::FromStr for ReasonCode {
            type Err = UnknownReason;
            fn from_str(text: &str) -> Result<Self, UnknownReason> {
                match text { $($text => Ok(Self::$variant),)+ _ => Err(UnknownReason(text.to_owned())) }
            }
        }
    };
}

/// A reason code that this version does not know.
#[derive(Debug, thiserror::Error)]
#[error("unknown reason code `{0}`")]
pub struct UnknownReason(String);

codes! {
    /// Another rule's reply has the message already.
    AlreadyAnswered = "already_answered",
    /// Another rule already does the same to the same target.
    SameTarget = "same_target",
    /// The action's own `repeat` refuses it.
    Repeat = "repeat",
    /// The action's own `limit` is used up; it waits.
    Limit = "limit",
    /// `safety.replies_per_lead` is used up.
    LeadCap = "lead_cap",
    /// `safety.replies_per_hour` is used up; it waits.
    HourCap = "hour_cap",
    /// The lead asked not to be written to.
    OptOut = "opt_out",
    /// The message is automatic mail.
    AutoReply = "auto_reply",
    /// The message may be automatic mail; a person must look.
    Uncertain = "uncertain",
    /// A person has answered.
    PersonAnswered = "person_answered",
    /// A newer inbound message has come.
    NewerMessage = "newer_message",
    /// The newest inbound message is not from the lead's address.
    SenderIsNotLead = "sender_is_not_lead",
    /// The message is older than `safety.max_age`.
    TooOld = "too_old",
    /// Outside the action's `hours`; it waits.
    Hours = "hours",
    /// The action's `after` has not passed; it waits.
    After = "after",
    /// The workspace or everything is paused; it waits.
    Paused = "paused",
    /// The rule is in shadow: recorded only.
    Shadow = "shadow",
    /// The rule drafts: a person approves.
    Draft = "draft",
    /// The rule is gone or off.
    RuleRemoved = "rule_removed",
    /// The API's request budget is used up; it waits.
    Budget = "budget",
    /// A person rejected it.
    Rejected = "rejected",
    /// The template could not be rendered; nothing was sent.
    Template = "template",
    /// The other side said no; status and detail stand in the text.
    Refused = "refused",
    /// The other side could not be reached.
    Unreachable = "unreachable",
    /// The key or token was not accepted.
    Unauthorized = "unauthorized",
    /// Whether it was carried out cannot be known.
    Ambiguous = "ambiguous",
    /// Another action of the same event did not end well, so the thread stays unread.
    OtherAction = "other_action",
    /// It waits for the event's other actions.
    OtherActions = "other_actions",
    /// What the rule asks for does not hold any more.
    RuleNoLongerMatches = "rule_no_longer_matches",
    /// A message that followed the lead's was taken for a step of the campaign; the reply was sent all the same.
    CampaignStep = "campaign_step",
    /// Another service, or another workspace, acts on this account; a person must look.
    ForeignUse = "foreign_use",
    /// The lead was erased.
    Forgotten = "forgotten",
}

impl ReasonCode {
    /// Why policy stopped a reply that a rule wanted, where a person may want to write instead.
    pub const LEAVE_REPLY_TO_PEOPLE: [Self; 6] =
        [Self::OptOut, Self::LeadCap, Self::Repeat, Self::TooOld, Self::RuleRemoved, Self::RuleNoLongerMatches];

    /// Why nobody needs to look at a thread any more: a person has dealt with it.
    pub const DEALT_WITH_BY_PEOPLE: [Self; 2] = [Self::Rejected, Self::PersonAnswered];
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A code and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// What programs compare.
    #[schema(value_type = String)]
    pub code: ReasonCode,
    /// What people read; carries no mail text and no secret.
    pub text: String,
}

impl Reason {
    /// A reason with a sentence of its own.
    pub fn new(code: ReasonCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() { write!(f, "{}", self.code) } else { write!(f, "{}: {}", self.code, self.text) }
    }
}
