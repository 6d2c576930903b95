//! The words of the product as types: workspaces' threads and messages, events, decisions, actions and their states.
//!
//! Nothing here does I/O, reads a clock or knows another module; every other module may use it.

mod action;
mod decision;
mod duration;
mod durations;
mod mail;
mod reason;

pub use action::{
    Action, ActionId, ActionKind, ActionState, Attachment, Attempt, HistoryEntry, Notice, NoticeMessage, Payload,
    Recipient, Repeat, Timing, UnknownName,
};
pub use decision::{
    ActionTrace, ConditionTrace, Decision, Mode, PlannedAction, RuleTrace, ScriptTrace, Would, describe_planned,
};
pub use duration::{ParseDurationError, Rate, duration_pattern, format_duration, parse_duration, rate_pattern};
pub use durations::{DurationCounts, Durations};
#[allow(unused_imports)] // becomes used as soon as the first condition is
pub(crate) use mail::present;
pub use mail::{Conversation, MailAttachment, Message, ThreadDetail, ThreadRow, address_of, domain_of, same_address};
pub use reason::{Reason, ReasonCode, UnknownReason};
