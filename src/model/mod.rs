//! The words of the product as types: workspaces' threads and messages, events, decisions, actions and their states.
//!
//! Nothing here does I/O, reads a clock or knows another module; every other module may use it.

mod action;
mod action_kind;
mod address;
mod attempt;
mod count;
mod cut;
mod decision;
mod domain;
mod duration;
mod grant;
mod histogram;
mod ids;
mod mail;
mod mail_reading;
mod reason;
mod shared_list;
mod target;
mod transition;
mod workspace;

pub use action::{
    Action, ActionState, Attachment, HistoryEntry, Notice, NoticeMessage, Payload, Repeat, RepeatScope, Timing,
};
pub(crate) use action_kind::destination_kinds;
pub use action_kind::{ActionKind, DestinationKind, UnknownName};
pub(crate) use address::non_blank;
pub use address::{address_of, display_name, domain_of, kept_forms, known_by, same_address};
pub use attempt::{Attempt, AttemptOutcome};
pub use count::counted;
pub use cut::{cut_line, cut_text};
pub use decision::{
    ActionTrace, ConditionTrace, Decision, Mode, PhraseTrace, PlannedAction, PlannedOutcome, RowTrace, RuleTrace,
    ScriptTrace, describe_planned,
};
pub use domain::{fold_domain, other_spelling};
pub use duration::{ParseDurationError, Rate, duration_pattern, format_duration, parse_duration, rate_pattern};
pub use grant::{GRANT_LASTS, Grant, GrantRequest};
pub use histogram::{Histogram, HistogramSnapshot};
pub use ids::{ActionId, new_decision_id};
pub use mail::{Conversation, MailAttachment, Message, ThreadDetail, ThreadRow};
pub use mail_reading::{KeptAutoReply, KeptReading, KeptText, MailReading, QuotedTrace, SignalTrace};
pub use reason::{Reason, ReasonCode, UnknownReason};
pub use shared_list::SharedList;
pub use target::describe_target;
pub use transition::Transition;
pub use workspace::{OptOutScope, Safety, StartFrom, WorkspaceSettings};
