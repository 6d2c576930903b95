//! What operators decided on replies that were held, as the next event of the thread shows it.

use super::{
    agreement::HeldReply,
    scene::{is_own, shows_reply},
};
use crate::{
    backtest::EventLine,
    model::{Action, ActionId, ActionKind, ActionState},
    store::WHOLE_HISTORY,
};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What had become of the reply to a message by the next event of its thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReplyOutcome {
    /// It left at this time. If it was held, somebody approved it.
    Sent(Timestamp),
    /// By this time there was none. If it was held, somebody rejected it.
    GivenUp(Timestamp),
}

impl ReplyOutcome {
    /// Of the reply to this event, as the next event of its thread shows it; `None` where that does not tell.
    pub(super) fn of(event: &EventLine, later: &EventLine, start: Timestamp) -> Option<Self> {
        let message = event.message_id.as_deref()?;
        let history = later.history.as_deref().filter(|history| history.len() < WHOLE_HISTORY as usize)?;
        let mut replies = history.iter().filter(|entry| {
            entry.kind == ActionKind::Reply
                && entry.thread_id == event.row.id
                && entry.message_id.as_deref() == Some(message)
        });
        let Some(reply) = replies.next() else { return Some(Self::GivenUp(later.time)) };
        let mut messages = later.messages.iter().flatten().filter(|_| is_own(reply, event, start));
        let sent_at = messages.find(|message| shows_reply(message, reply))?.created_at?;
        Some(Self::Sent(sent_at.clamp(event.time, later.time.max(event.time))))
    }

    fn at(self) -> Timestamp {
        match self {
            Self::Sent(at) | Self::GivenUp(at) => at,
        }
    }
}

/// The replies of a side that operators decide on later.
#[derive(Default)]
pub(super) struct Approvals(BTreeSet<(Timestamp, ActionId, bool)>);

impl Approvals {
    /// The reply is approved or rejected when that was done then.
    pub(super) fn expect(&mut self, reply: &ActionId, outcome: ReplyOutcome) {
        self.0.insert((outcome.at(), reply.clone(), matches!(outcome, ReplyOutcome::Sent(_))));
    }

    /// When the next one is decided on.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.first().map(|(at, ..)| *at)
    }

    /// Takes it, with its time, and whether it is approved.
    pub(super) fn take(&mut self) -> Option<(Timestamp, ActionId, bool)> {
        self.0.pop_first()
    }
}

impl HeldReply {
    /// A reply that is held.
    pub(super) fn of(action: &Action) -> Self {
        Self { rule: action.rule.clone(), text: action.payload.preview_text().map(str::to_owned) }
    }

    /// Whether an operator who decided on this one decides the same on another side's: it is of the same rule, or says the same.
    pub(super) fn stands_for(&self, action: &Action) -> bool {
        action.state == ActionState::Held
            && (self.rule == action.rule
                || self.text.is_some() && self.text.as_deref() == action.payload.preview_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(more: &str) -> EventLine {
        let line = format!(
            r#"{{"version":1,"id":"a","kind":"message","time":"2026-01-05T09:00:00Z","workspace":"acme","row":{{"id":"t"}}{more}}}"#
        );
        EventLine::from_json(&line).unwrap()
    }

    fn next(state: &str, message: &str) -> EventLine {
        let entry = format!(
            r#"{{"action":"01a218ae-b7a4-731e-89c8-1e60cdea1555","rule":"call","kind":"reply","target":null,"thread_id":"t","message_id":"{message}","lead_email":null,"state":"{state}","created_at":"2026-01-05T09:00:00Z","body":"My calendar."}}"#
        );
        let sent = r#"{"id":"s","outgoing":true,"text":"My calendar.","created_at":"2026-01-05T09:40:00Z"}"#;
        let mut next = line(&format!(r#","history":[{entry}],"messages":[{sent}]"#));
        next.time = "2026-01-05T12:00:00Z".parse().unwrap();
        next
    }

    #[test]
    fn the_next_event_tells_what_became_of_a_reply() {
        let event = line(r#","message_id":"m""#);
        let of = |next: &EventLine| ReplyOutcome::of(&event, next, event.time);
        assert_eq!(of(&next("done", "m")), Some(ReplyOutcome::Sent("2026-01-05T09:40:00Z".parse().unwrap())));
        assert_eq!(of(&next("held", "m")), None, "nobody has decided");
        let gone = next("done", "another");
        assert_eq!(of(&gone), Some(ReplyOutcome::GivenUp(gone.time)));
        assert_eq!(of(&EventLine { history: None, ..gone.clone() }), None, "nobody knows");
        assert_eq!(of(&EventLine { messages: None, ..next("done", "m") }), None, "nobody knows when");
        assert_eq!(ReplyOutcome::of(&line(""), &gone, event.time), None);
    }
}
