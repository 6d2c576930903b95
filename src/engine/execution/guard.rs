//! The guard: the last checks before anything leaves, as pure functions.
//!
//! A reply is checked twice: against the store, so that a reply which has to wait costs no request, and against the
//! messages as they are now.

use crate::engine::{
    threads::own_replies::{matches_attempt, matches_text},
    threads::takeover::Takeover,
};
use crate::{
    model::{
        Action, Conversation, Message, Rate, Reason, ReasonCode, Safety, Transition, format_duration, same_address,
    },
    rules::ThreadMessages,
    store::ForeignUse,
};
use jiff::Timestamp;
use std::time::Duration;

/// What the checks say of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) enum Verdict {
    /// It may go.
    Send,
    /// Not before this time.
    Wait(Timestamp, Reason),
    /// Not now, and no time is known.
    WaitForResume(Reason),
    /// An operator must approve it.
    Hold(Reason),
    /// Never: policy forbids it.
    Suppress(Reason),
    /// No longer: the thread or the rules changed.
    Cancel(Reason),
    /// Not as things are; a person may try again.
    Fail(Reason),
}

impl Verdict {
    /// The change that the verdict makes; `None` if the action may go. A held action expires at `expiry`.
    pub(in crate::engine) fn into_transition(self, expiry: Option<Timestamp>) -> Option<Transition> {
        Some(match self {
            Self::Send => return None,
            Self::Wait(until, reason) => Transition::wait_until(until, reason),
            Self::WaitForResume(reason) => Transition::wait_for_resume(reason),
            Self::Hold(reason) => Transition::hold(reason, expiry),
            Self::Suppress(reason) => Transition::suppress(reason),
            Self::Cancel(reason) => Transition::cancel(reason),
            Self::Fail(reason) => Transition::failed(reason),
        })
    }
}

/// What the store knows, counted in the window that each limit looks at; times are oldest first, and no more of them than
/// the limit has places.
#[derive(Debug, Default)]
pub(super) struct StoreFacts {
    /// Another service was seen on the workspace's account.
    pub foreign_use: Option<ForeignUse>,
    /// Whether the lead opted out, and in which words.
    pub opted_out: Option<String>,
    /// Why the rule's own `repeat` forbids it, by what has left since it was decided.
    pub repeat: Option<&'static str>,
    /// When replies went to the lead within `safety.replies_per_lead`.
    pub to_lead: Vec<Timestamp>,
    /// When replies left the workspace within the last hour; empty if there is room without counting.
    pub last_hour: Vec<Timestamp>,
    /// When this rule's actions of this kind left within the action's `limit`.
    pub by_rule: Vec<Timestamp>,
}

const HOUR: Duration = Duration::from_secs(3_600);

/// The checks that need no request. Approval lifts what is only caution (age, the lead's cap), not what protects the
/// lead or the sending domain.
pub(super) fn check_store(action: &Action, counted: &StoreFacts, safety: &Safety, now: Timestamp) -> Verdict {
    if !action.approved
        && let Some(found) = &counted.foreign_use
    {
        return held_for_foreign_use(found);
    }
    if let Some(evidence) = &counted.opted_out {
        return Verdict::Suppress(opted_out(evidence));
    }
    if !action.approved {
        if let Some(why) = counted.repeat {
            return Verdict::Suppress(Reason::new(ReasonCode::Repeat, format!("this rule has it {why}")));
        }
        if counted.to_lead.len() >= count(safety.replies_per_lead) {
            let text = format!("the lead has had {} already", safety.replies_per_lead);
            return Verdict::Suppress(Reason::new(ReasonCode::LeadCap, text));
        }
        if let Some(age) = action.message_at.and_then(|at| age(at, now)).filter(|age| *age > safety.max_age) {
            let text = format!("the message is {} old, more than {}", rounded(age), format_duration(safety.max_age));
            return Verdict::Hold(Reason::new(ReasonCode::TooOld, text));
        }
    }
    if let Some(limit) = action.timing.limit
        && let Some(until) = next_slot(&counted.by_rule, limit)
    {
        return Verdict::Wait(until, Reason::new(ReasonCode::Limit, format!("the rule's limit of {limit} is used up")));
    }
    if let Some(until) = next_slot(&counted.last_hour, hourly(safety)) {
        let text = format!(
            "the workspace has sent {} within the hour",
            crate::model::counted(safety.replies_per_hour, "reply", "replies")
        );
        return Verdict::Wait(until, Reason::new(ReasonCode::HourCap, text));
    }
    Verdict::Send
}

/// The checks against the thread as it is now. `own_sender`: the newest message comes from an address that one of the
/// workspaces sends from. `takeover`: what others sent after the message. `hold_uncertain`: as in `safety`.
pub(super) fn check_thread(
    action: &Action,
    messages: &ThreadMessages,
    own_sender: bool,
    takeover: &Takeover,
    hold_uncertain: bool,
) -> Verdict {
    let conversation = messages.conversation();
    let newest = conversation.newest_inbound();
    let Some(newest) = newest.filter(|message| Some(message.id.as_str()) == action.message_id.as_deref()) else {
        return Verdict::Cancel(Reason::new(ReasonCode::NewerMessage, "a newer message came"));
    };
    match takeover {
        Takeover::Teammate => {
            return Verdict::Cancel(Reason::new(ReasonCode::PersonAnswered, "a teammate replied"));
        }
        Takeover::None => match late_reply(action, conversation) {
            Some(LateReply::OfThisAction) => {
                return Verdict::Cancel(Reason::new(ReasonCode::PersonAnswered, "a teammate replied"));
            }
            Some(LateReply::OfAnOlderMessage) if !action.approved => {
                let text = "an earlier reply of ours came after this message: check whether it answers it";
                return Verdict::Hold(Reason::new(ReasonCode::AlreadyAnswered, text));
            }
            Some(LateReply::OfAnOlderMessage) | None => {}
        },
        Takeover::CampaignStep(_) | Takeover::Unclear(_) => {}
    }
    if let Some(evidence) = messages.opt_out() {
        return Verdict::Suppress(opted_out(evidence));
    }
    if !action.any_auto_reply
        && let Some(found) = messages.auto_reply()
    {
        return Verdict::Suppress(Reason::new(ReasonCode::AutoReply, format!("auto-reply: {}", found.evidence)));
    }
    if own_sender || is_own_address(conversation, newest) {
        return Verdict::Suppress(Reason::new(ReasonCode::AutoReply, "the message comes from one of our own inboxes"));
    }
    if let Takeover::Unclear(why) = takeover
        && !action.approved
    {
        return Verdict::Hold(Reason::new(ReasonCode::PersonAnswered, why.clone()));
    }
    if hold_uncertain
        && !action.any_auto_reply
        && !action.approved
        && let Some(why) = messages.uncertain()
    {
        return Verdict::Hold(Reason::new(ReasonCode::Uncertain, why));
    }
    if !action.any_sender && !action.approved && !is_from_lead(action, newest) {
        let text = "the message is not from the lead's address: a colleague may have answered";
        return Verdict::Hold(Reason::new(ReasonCode::SenderIsNotLead, text));
    }
    Verdict::Send
}

/// A reply of this service that shows only after the newest inbound message.
enum LateReply {
    /// This action's own: it must not be sent twice.
    OfThisAction,
    /// A reply to an older message, which took its time.
    OfAnOlderMessage,
}

/// If nobody else replied, what follows the newest inbound message is our own.
fn late_reply(action: &Action, conversation: &Conversation) -> Option<LateReply> {
    let mut ours = conversation.outgoing_after_newest_inbound().peekable();
    ours.peek()?;
    let is_this = ours.any(|message| matches_text(action, message) || matches_attempt(action, message));
    Some(if is_this { LateReply::OfThisAction } else { LateReply::OfAnOlderMessage })
}

/// How many replies leave a workspace.
pub(super) fn hourly(safety: &Safety) -> Rate {
    Rate { count: safety.replies_per_hour, per: HOUR }
}

pub(super) fn held_for_foreign_use(found: &ForeignUse) -> Verdict {
    let text = format!("held until you resume the workspace: {}", found.evidence);
    Verdict::Hold(Reason::new(ReasonCode::ForeignUse, text))
}

pub(in crate::engine) fn opted_out(evidence: &str) -> Reason {
    Reason::new(ReasonCode::OptOut, format!("the lead opted out: {evidence}"))
}

/// An unknown sender is taken for the lead: the API may leave the field empty.
fn is_from_lead(action: &Action, message: &Message) -> bool {
    match (message.from.as_deref(), action.lead_email.as_deref()) {
        (Some(from), Some(lead)) => same_address(from, lead),
        _ => true,
    }
}

/// Two of our own inboxes that write to each other would never stop.
fn is_own_address(conversation: &Conversation, newest: &Message) -> bool {
    let Some(from) = newest.from.as_deref() else { return false };
    let ours = conversation.messages().iter().filter(|message| message.outgoing);
    ours.filter_map(|message| message.from.as_deref()).any(|address| same_address(address, from))
}

/// When the window has a place again; `None` if it has one now. `times` are the uses within the window, oldest first.
pub(super) fn next_slot(times: &[Timestamp], rate: Rate) -> Option<Timestamp> {
    let blocking = times.len().checked_sub(count(rate))?;
    times.get(blocking).map(|at| at.saturating_add(rate.per).unwrap_or(*at))
}

fn count(rate: Rate) -> usize {
    usize::try_from(rate.count).unwrap_or(usize::MAX)
}

fn age(at: Timestamp, now: Timestamp) -> Option<Duration> {
    Duration::try_from(now.duration_since(at)).ok()
}

fn rounded(age: Duration) -> String {
    format_duration(Duration::from_secs(age.as_secs() / 60 * 60))
}

#[cfg(test)]
mod tests;
