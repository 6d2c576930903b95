//! One event as both sides see it.
//!
//! What the service itself did at that time is taken away: each side does it again, or does not. What a person did stays.

use super::{approvals::ReplyOutcome, order::ThreadKey};
use crate::{
    backtest::EventLine,
    model::{ActionKind, ActionState, Conversation, HistoryEntry, Message, Mode},
    rules::{RowReading, ThreadMessages, words_of},
    text::{has_fingerprint, is_same_reply, opt_out},
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

/// An event, ready to be played.
pub(super) struct Scene {
    /// Its place among all, from 0.
    pub(super) number: u64,
    /// All was read of it that any of the rules may ask for.
    pub(super) is_whole: bool,
    /// Its thread had an event before.
    pub(super) is_known: bool,
    /// The event, without its messages.
    pub(super) event: EventLine,
    /// What its row says, for both sides.
    pub(super) row_reading: Arc<RowReading>,
    /// Its messages without the service's own replies of this play's time, for both sides; `None` if they were not read.
    pub(super) messages: Option<Arc<ThreadMessages>>,
    /// The same with replies that sides have sent in this play.
    with_replies: Mutex<Vec<Arc<ThreadMessages>>>,
    /// What is known to have come in the thread after it, until its next event.
    pub(super) later: Arc<[Message]>,
    /// The star that the service itself has set or taken since the first event.
    pub(super) own_star: Option<bool>,
    /// The service itself has marked the thread as read.
    pub(super) own_read: Option<bool>,
    /// What was done before the first event.
    pub(super) earlier: Vec<HistoryEntry>,
    /// What became of the reply to it then, as far as its thread's next event tells.
    pub(super) reply: Option<ReplyOutcome>,
}

impl Scene {
    /// An event and the next one of its thread; `start` is the time of the first event of all.
    pub(super) fn new(number: u64, mut event: EventLine, later: Option<&EventLine>, start: Timestamp) -> Self {
        let (messages, reading) = (event.messages.take(), event.reading.take());
        let history = event.history.as_deref().unwrap_or_default();
        let earlier = history.iter().filter(|entry| entry.created_at < start).cloned().collect();
        let mut own = history.iter().filter(|entry| is_own(entry, &event, start));
        // The newest stand first.
        let own_star = own.clone().find_map(|entry| match entry.kind {
            ActionKind::Star => Some(true),
            ActionKind::Unstar => Some(false),
            _ => None,
        });
        let own_read = own.any(|entry| entry.kind == ActionKind::MarkRead).then_some(true);
        let reply = later.and_then(|later| ReplyOutcome::of(&event, later, start));
        let known: HashSet<&str> = messages.iter().flatten().map(|message| message.id.as_str()).collect();
        let later = later.map(|later| {
            let all = later.messages.iter().flatten();
            let is_new = |message: &&Message| match &messages {
                Some(_) => !known.contains(message.id.as_str()),
                // What was there then is not known: what was written since is new.
                None => message.created_at.is_some_and(|at| at > event.time),
            };
            let mut new: Vec<Message> = all.filter(is_new).cloned().collect();
            take_own_away(&mut new, later, start);
            new
        });
        let later = later.unwrap_or_default().into();
        let messages = messages.map(|mut messages| {
            take_own_away(&mut messages, &event, start);
            Arc::new(ThreadMessages::with_reading(Conversation::in_order(messages), reading))
        });
        Self {
            number,
            is_whole: event.thread.is_some() && messages.is_some(),
            is_known: false,
            row_reading: Arc::new(RowReading::new(&event.row)),
            event,
            messages,
            with_replies: Mutex::default(),
            later,
            own_star,
            own_read,
            earlier,
            reply,
        }
    }

    /// Its messages in order, if they were read.
    pub(super) fn conversation(&self) -> Option<&[Message]> {
        self.messages.as_ref().map(|messages| messages.conversation().messages())
    }

    /// Its messages with those that a side has sent. Sides that have sent the same read them once.
    pub(super) fn with_replies(&self, conversation: Conversation) -> Arc<ThreadMessages> {
        let mut known = self.with_replies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = known.iter().find(|messages| *messages.conversation() == conversation) {
            return Arc::clone(same);
        }
        let new = Arc::new(ThreadMessages::new(conversation));
        known.push(Arc::clone(&new));
        new
    }

    /// When a reply of before the first event left, as the messages show it.
    pub(super) fn time_sent(&self, entry: &HistoryEntry) -> Option<Timestamp> {
        let is_it = |message: &&Message| shows_reply(message, entry);
        self.conversation()?.iter().find(is_it)?.created_at
    }

    /// The words of an opt-out in the messages, or in the row where these were not read.
    pub(super) fn opt_out_words(&self) -> Option<String> {
        match &self.messages {
            Some(messages) => messages.opt_out().map(str::to_owned),
            None => {
                let row = &self.event.row;
                opt_out(row.subject.as_deref(), row.preview.as_deref().unwrap_or_default())
            }
        }
    }

    pub(super) fn key(&self) -> ThreadKey {
        (self.event.workspace.clone(), self.event.row.id.clone())
    }

    /// The event as far as a report tells of it.
    pub(super) fn without_texts(&self) -> EventLine {
        let event = &self.event;
        EventLine {
            version: event.version,
            id: event.id.clone(),
            kind: event.kind,
            time: event.time,
            workspace: event.workspace.clone(),
            revision: String::new(),
            matched: Vec::new(),
            message_id: event.message_id.clone(),
            mode: event.mode,
            overrides: BTreeMap::new(),
            lead_opted_out: event.lead_opted_out,
            hold_uncertain: event.hold_uncertain,
            row: event.row.clone(),
            thread: None,
            messages: None,
            reading: None,
            history: None,
            redacted: event.redacted,
        }
    }

    /// The modes that operators had lowered rules to.
    pub(super) fn overrides(&self) -> impl Iterator<Item = (String, Mode)> {
        self.event.overrides.iter().map(|(rule, mode)| (rule.clone(), *mode))
    }
}

/// Whether the service did it in the thread since the first event.
pub(super) fn is_own(entry: &HistoryEntry, event: &EventLine, start: Timestamp) -> bool {
    let may_have_left = matches!(
        entry.state,
        ActionState::Done | ActionState::InFlight | ActionState::Unknown | ActionState::Quarantined
    );
    may_have_left && entry.thread_id == event.row.id && entry.created_at >= start
}

/// Takes the replies away that the service sent since the first event.
fn take_own_away(messages: &mut Vec<Message>, event: &EventLine, start: Timestamp) {
    let history = event.history.as_deref().unwrap_or_default();
    for entry in history.iter().filter(|entry| entry.kind == ActionKind::Reply && is_own(entry, event, start)) {
        if let Some(place) = messages.iter().position(|message| shows_reply(message, entry)) {
            messages.remove(place);
        }
    }
}

/// Whether a message is this reply of the service.
pub(super) fn shows_reply(message: &Message, entry: &HistoryEntry) -> bool {
    let (text, html) = (message.text.as_deref(), message.html.as_deref());
    message.outgoing
        && message.created_at.is_none_or(|at| at >= entry.created_at.saturating_sub(CLOCKS).unwrap_or(at))
        && (entry.body.as_deref().is_some_and(|body| is_same_reply(body, text, html))
            || words_of(entry).as_deref().is_some_and(|words| has_fingerprint(words, text, html)))
}

/// The server's clock and that of the service may differ by so much.
const CLOCKS: std::time::Duration = std::time::Duration::from_secs(300);
