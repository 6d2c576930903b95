//! Everything the simulator knows, behind one lock.

use super::fault::FaultQueue;
use super::inbox::{self, Campaign, Mailbox, Script};
use super::limit::Usage;
use super::log::{AcceptedReply, LoggedRequest, SlackMessage, WebhookCall};
use super::mail::ReceivedMail;
use super::options::{DEFAULT_KEY, Key, Options, SimulatorError};
use super::thread::{Message, NewThread, StoredMessage, Thread};
use super::threads::Threads;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use uuid::Uuid;

/// What handlers, sinks and handles share.
pub(super) struct Shared {
    pub(super) options: Options,
    state: Mutex<State>,
    /// Sent to after every change, for those who wait for one.
    changed: watch::Sender<()>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(options: Options) -> Result<Self, SimulatorError> {
        let now = (options.clock)();
        let start = inbox::contents(&options.inbox)?;
        let script = start.script.map_or_else(inbox::shipped_script, Ok)?;
        let id_space = id_space_of(&options.keys);
        let mut state =
            State { id_space, campaigns: start.campaigns, inboxes: start.inboxes, script, ..State::default() };
        for thread in start.threads {
            state.add_thread(thread, now);
        }
        Ok(Self { options, state: Mutex::new(state), changed: watch::Sender::new(()) })
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.options.clock)()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked with the lock must not make all others fail with another message.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.lock())
    }

    pub(super) fn write<T>(&self, write: impl FnOnce(&mut State) -> T) -> T {
        let result = write(&mut self.lock());
        self.changed.send_replace(());
        result
    }

    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

/// What tells the ids of simulators with these keys from those of others: 0 for the default key.
fn id_space_of(keys: &[Key]) -> u16 {
    let Some(key) = keys.first().filter(|key| key.key != DEFAULT_KEY) else { return 0 };
    let [high, low, ..]: [u8; 32] = Sha256::digest(key.key.as_bytes()).into();
    u16::from_be_bytes([high, low]).max(1)
}

/// What an id is for; its first digits show the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum IdKind {
    Thread = 0x7000_0000,
    Lead = 0x1ead_0000,
    Inbox = 0x1b0c_0000,
    Campaign = 0xca00_0000,
    Reply = 0x4e00_0000,
}

/// The workspace and the logs.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) threads: Threads,
    pub(super) campaigns: Vec<Campaign>,
    pub(super) inboxes: Vec<Mailbox>,
    pub(super) script: Script,
    pub(super) requests: Vec<LoggedRequest>,
    pub(super) accepted: Vec<AcceptedReply>,
    pub(super) slack: Vec<SlackMessage>,
    pub(super) mail: Vec<ReceivedMail>,
    pub(super) webhooks: Vec<WebhookCall>,
    pub(super) sink_calls: usize,
    pub(super) faults: FaultQueue,
    pub(super) usage: HashMap<String, Usage>,
    /// In every id, so that simulators with different keys have no thread in common.
    id_space: u16,
    ids: u32,
    /// Counts requests; also what the shuffled order is derived from, so that runs repeat.
    pub(super) request_number: u64,
}

impl State {
    /// The next id of a kind: a UUID that is the same in every run with the same keys.
    pub(super) fn next_id(&mut self, kind: IdKind) -> String {
        self.ids += 1;
        let high = (kind as u128) << 96;
        let low = u128::from(self.id_space) << 32 | u128::from(self.ids);
        Uuid::from_u128(high | 0x4000_8000_0000_0000_0000 | low).to_string()
    }

    pub(super) fn thread(&self, id: &str) -> Option<&Thread> {
        self.threads.get(id)
    }

    pub(super) fn thread_mut(&mut self, id: &str) -> Option<&mut Thread> {
        self.threads.get_mut(id)
    }

    /// The id of the campaign of this name, made up for a new one; `None` for `External`.
    fn campaign_id(&mut self, name: &str) -> Option<String> {
        if name.eq_ignore_ascii_case("external") {
            return None;
        }
        if let Some(known) = self.campaigns.iter().find(|campaign| campaign.name == name) {
            return Some(known.id.clone());
        }
        let id = self.next_id(IdKind::Campaign);
        self.campaigns.push(Campaign { id: id.clone(), name: name.to_owned() });
        Some(id)
    }

    fn inbox(&mut self, email: Option<String>) -> Mailbox {
        let known = match &email {
            Some(email) => self.inboxes.iter().find(|inbox| inbox.email == *email),
            None => self.inboxes.first(),
        };
        if let Some(known) = known {
            return known.clone();
        }
        let email = email.unwrap_or_else(|| "sam@outreach.example".to_owned());
        let inbox = Mailbox { id: self.next_id(IdKind::Inbox), email };
        self.inboxes.push(inbox.clone());
        inbox
    }

    /// Adds a thread and answers its id.
    pub(super) fn add_thread(&mut self, new: NewThread, now: Timestamp) -> String {
        let campaign_name = new.campaign_name.unwrap_or_else(|| "External".to_owned());
        let campaign_id = new.campaign_id.or_else(|| self.campaign_id(&campaign_name));
        let inbox = self.inbox(new.inbox_email);
        let id = new.id.unwrap_or_else(|| self.next_id(IdKind::Thread));
        let lead_id = self.next_id(IdKind::Lead);
        let subject = new.subject.unwrap_or_else(|| "Quick question".to_owned());
        let ours = our_subject(&subject, &new.messages);
        self.threads.push(Thread {
            id: id.clone(),
            lead_id,
            inbox_id: inbox.id,
            lead_email: new.lead_email,
            lead_name: new.lead_name.unwrap_or_default(),
            campaign_name,
            campaign_id,
            inbox_email: inbox.email,
            subject,
            ai_category: new.ai_category,
            ai_confidence: new.ai_confidence,
            manual_category: new.manual_category,
            tags: new.tags,
            is_read: new.is_read,
            is_starred: new.is_starred,
            messages: Vec::new(),
            account: new.account,
        });
        for (place, mut message) in new.messages.into_iter().enumerate() {
            if message.outgoing {
                message.subject.get_or_insert_with(|| if place == 0 { ours.clone() } else { format!("Re: {ours}") });
            }
            self.add_message(&id, message, now);
        }
        // Adding an inbound message marks a thread unread; a new thread is what was asked for.
        if let Some(thread) = self.thread_mut(&id) {
            thread.is_read = new.is_read;
            for message in &mut thread.messages {
                message.is_read |= new.is_read;
            }
        }
        id
    }

    /// Adds a message to a thread and answers its id; `None` if there is no such thread.
    pub(super) fn add_message(&mut self, thread_id: &str, message: Message, now: Timestamp) -> Option<String> {
        let at = message.at.unwrap_or_else(|| message.age.and_then(|age| now.checked_sub(age).ok()).unwrap_or(now));
        let id = self.next_id(IdKind::Reply);
        let thread = self.thread_mut(thread_id)?;
        let (lead, inbox) = (thread.lead_email.clone(), thread.inbox_email.clone());
        let (from, to) = if message.outgoing { (inbox, lead) } else { (lead, inbox) };
        let first = thread.messages.is_empty();
        let subject = match message.subject {
            Some(subject) => subject,
            None if first => thread.subject.clone(),
            None => format!("Re: {}", thread.subject),
        };
        let domain = if message.outgoing { "mail.outreach.example" } else { "mx.lead.example" };
        thread.is_read &= message.outgoing;
        thread.messages.push(StoredMessage {
            message_id: format!("<{id}@{domain}>"),
            id: id.clone(),
            from: message.from.unwrap_or(from),
            to: message.to.unwrap_or(to),
            subject,
            text: message.text,
            html: message.html,
            outgoing: message.outgoing,
            is_read: message.outgoing,
            at,
            attachments: message.attachments,
            through_api: false,
        });
        thread.messages.sort_by_key(|message| message.at);
        Some(id)
    }
}

/// The subject of the campaign's mail in a thread: what the lead's side answers has something before it, such as `Re: ` or
/// `Automatic reply: `, or has a subject of its own.
fn our_subject(subject: &str, messages: &[Message]) -> String {
    let is_theirs = messages.iter().any(|message| !message.outgoing && message.subject.as_deref() == Some(subject));
    let ours = match subject.split_once(": ") {
        Some((before, ours)) if is_theirs || before.eq_ignore_ascii_case("re") => ours,
        None if is_theirs => "Quick question",
        _ => subject,
    };
    ours.to_owned()
}
