//! The threads of a workspace as one side sees them: as they were then, with what it has done in this play.

use super::scene::Scene;
use crate::{
    coldsend::{Account, ApiError, ReplyBody},
    engine::{Clock as _, ManualClock},
    model::{Conversation, Message, ThreadDetail, ThreadRow},
    rules::{Need, ThreadMessages},
    store::EventKind,
};
use jiff::Timestamp;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// One workspace's account within a play.
#[derive(Debug)]
pub(super) struct PlayedAccount {
    clock: Arc<ManualClock>,
    threads: Mutex<Threads>,
}

#[derive(Debug, Default)]
struct Threads {
    all: HashMap<String, PlayedThread>,
    /// What was asked for and is not known, since the event began.
    lack: Option<Need>,
    /// An event is being decided: nothing but what was read for it then is known.
    is_deciding: bool,
}

#[derive(Debug, Default)]
struct PlayedThread {
    row: ThreadRow,
    detail: Option<ThreadDetail>,
    /// As they were read for the event that is being decided.
    read: Option<Arc<ThreadMessages>>,
    /// As they were at the last event for which they were read.
    messages: Option<Arc<ThreadMessages>>,
    /// What came after these messages, as later events show.
    later: Arc<[Message]>,
    /// What this side has sent.
    replies: Vec<SentReply>,
    /// The star, once this side has set or taken it.
    starred: Option<bool>,
    is_read: Option<bool>,
}

#[derive(Debug)]
struct SentReply {
    message: Message,
    /// The newest message that was there.
    after: Option<String>,
}

impl PlayedAccount {
    pub(super) fn new(clock: Arc<ManualClock>) -> Self {
        Self { clock, threads: Mutex::default() }
    }

    /// The thread is as this event shows it. The row for the rules comes back, and the messages if they were read.
    pub(super) fn begin(&self, scene: &Scene) -> (ThreadRow, Option<Arc<ThreadMessages>>) {
        let threads = &mut *self.locked();
        (threads.lack, threads.is_deciding) = (None, true);
        let thread = threads.all.entry(scene.event.row.id.clone()).or_default();
        let (row, detail) = thread.seen(scene);
        if scene.event.kind == EventKind::Message {
            thread.is_read = None;
        }
        thread.detail = detail;
        thread.read.clone_from(&scene.messages);
        thread.show(scene);
        thread.row = row.clone();
        (row, thread.messages_at(scene))
    }

    /// What the event shows of the thread to this side, without anything being taken down: the row, the thread's own page and
    /// the messages, as far as they were read then.
    pub(super) fn preview(&self, scene: &Scene) -> (ThreadRow, Option<ThreadDetail>, Option<Arc<ThreadMessages>>) {
        let threads = &*self.locked();
        let Some(thread) = threads.all.get(&scene.event.row.id) else {
            let (row, detail) = PlayedThread::default().seen(scene);
            return (row, detail, scene.messages.clone());
        };
        let (row, detail) = thread.seen(scene);
        (row, detail, thread.messages_at(scene))
    }

    /// The thread's messages as they were read for an event, if nothing has come or was sent since.
    pub(super) fn messages_read(&self, id: &str) -> Option<Arc<ThreadMessages>> {
        let now = self.clock.now();
        let threads = &*self.locked();
        let thread = threads.all.get(id).filter(|thread| thread.replies.is_empty())?;
        let nothing_came = thread.come_by(now, thread.messages.as_ref()?).next().is_none();
        thread.messages.clone().filter(|_| nothing_came)
    }

    /// The event is decided. What it lacked comes back, if it did.
    pub(super) fn end(&self) -> Option<Need> {
        let threads = &mut *self.locked();
        threads.is_deciding = false;
        threads.lack.take()
    }

    /// Nothing waits in the thread any more: only what this side has done there is kept.
    pub(super) fn release(&self, id: &str) {
        let all = &mut self.locked().all;
        let Some(thread) = all.get_mut(id) else { return };
        if thread.replies.is_empty() && thread.starred.is_none() && thread.is_read.is_none() {
            all.remove(id);
        } else {
            (thread.detail, thread.read, thread.messages, thread.later) = (None, None, None, Arc::default());
        }
    }

    /// The event is not decided, but what it shows of the thread counts. Where the lead has written something that was not
    /// read, what waits for an older message is late.
    pub(super) fn show_undecided(&self, scene: &Scene) {
        let threads = &mut *self.locked();
        let Some(thread) = threads.all.get_mut(&scene.event.row.id) else { return };
        thread.show(scene);
        if scene.messages.is_some() || scene.event.kind != EventKind::Message {
            return;
        }
        let message = Message {
            id: format!("unread-{}", scene.event.id),
            created_at: Some(scene.event.time),
            ..Message::default()
        };
        let known = thread.messages.iter().flat_map(|messages| messages.conversation().messages());
        let messages = known.cloned().chain([message]).collect();
        thread.messages = Some(Arc::new(ThreadMessages::new(Conversation::in_order(messages))));
    }

    // Plain values: a panic in between leaves nothing half-done.
    fn locked(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PlayedThread {
    /// The row and the thread's own page as an event shows them, with the star and the read mark of this side.
    fn seen(&self, scene: &Scene) -> (ThreadRow, Option<ThreadDetail>) {
        // A new message is unread.
        let is_read = self.is_read.filter(|_| scene.event.kind != EventKind::Message);
        let shown = |mine: Option<bool>, shown: Option<bool>, own: Option<bool>| match (mine, shown) {
            (Some(mine), _) => Some(mine),
            (None, Some(shown)) if own == Some(shown) => Some(!shown),
            (None, shown) => shown,
        };
        let mut row = scene.event.row.clone();
        row.is_starred = shown(self.starred, row.is_starred, scene.own_star);
        row.is_read = shown(is_read, row.is_read, scene.own_read);
        let detail = scene.event.thread.clone().map(|mut detail| {
            let set = |field: &mut Option<bool>, value: Option<bool>| {
                if field.is_some() {
                    *field = value;
                }
            };
            set(&mut detail.row.is_starred, row.is_starred);
            set(&mut detail.row.is_read, row.is_read);
            detail
        });
        (row, detail)
    }

    /// Takes the messages of an event, if they were read. If not, what came since those that are known stays to come, each at
    /// its time: only a later event shows it.
    fn show(&mut self, scene: &Scene) {
        if scene.messages.is_some() {
            self.messages.clone_from(&scene.messages);
            self.later = Arc::clone(&scene.later);
            return;
        }
        let known: HashSet<&str> = self.later.iter().map(|message| message.id.as_str()).collect();
        let new: Vec<Message> =
            scene.later.iter().filter(|message| !known.contains(message.id.as_str())).cloned().collect();
        if !new.is_empty() {
            self.later = self.later.iter().cloned().chain(new).collect();
        }
    }

    /// What has come by a time beside these messages.
    fn come_by(&self, now: Timestamp, messages: &ThreadMessages) -> impl Iterator<Item = &Message> {
        let has_come = move |message: &&Message| message.created_at.is_some_and(|at| at <= now);
        let known = messages.conversation().messages();
        let is_new = |message: &&Message| !known.iter().any(|known| known.id == message.id);
        self.later.iter().filter(has_come).filter(is_new)
    }

    /// The messages of an event, with the replies of this side.
    fn messages_at(&self, scene: &Scene) -> Option<Arc<ThreadMessages>> {
        let messages = scene.messages.as_ref()?;
        Some(match self.replies.is_empty() {
            true => Arc::clone(messages),
            false => scene.with_replies(self.conversation(messages, scene.event.time, true)),
        })
    }

    /// The messages at this time.
    fn conversation(&self, messages: &ThreadMessages, now: Timestamp, is_deciding: bool) -> Conversation {
        let mut all = messages.conversation().messages().to_vec();
        if !is_deciding {
            all.extend(self.come_by(now, messages).cloned());
        }
        for SentReply { message, after } in &self.replies {
            let earlier =
                all.iter().rposition(|other| other.created_at.is_some_and(|at| Some(at) <= message.created_at));
            let answered = all.iter().rposition(|other| after.as_deref() == Some(other.id.as_str()));
            let place = earlier.max(answered).map_or(0, |place| place + 1);
            all.insert(place.min(all.len()), message.clone());
        }
        Conversation::in_order(all)
    }
}

impl Account for PlayedAccount {
    fn thread(&self, id: &str) -> Result<ThreadDetail, ApiError> {
        let threads = &mut *self.locked();
        let thread = threads.all.get(id);
        if let Some(detail) = thread.and_then(|thread| thread.detail.clone()) {
            let starred = thread.and_then(|thread| thread.starred).or(detail.row.is_starred);
            let row = ThreadRow { is_starred: Some(starred.unwrap_or_default()), ..detail.row.clone() };
            return Ok(ThreadDetail { row, ..detail });
        }
        if threads.is_deciding {
            threads.lack = Some(Need::Thread);
            return Err(unread());
        }
        // Whoever acts asks for the star.
        let row = thread.map(|thread| thread.row.clone()).unwrap_or_default();
        let starred = thread.and_then(|thread| thread.starred).or(row.is_starred);
        let row = ThreadRow { is_starred: Some(starred.unwrap_or_default()), ..row };
        Ok(ThreadDetail { row, ..ThreadDetail::default() })
    }

    fn conversation(&self, id: &str) -> Result<Conversation, ApiError> {
        let now = self.clock.now();
        let threads = &mut *self.locked();
        let thread = threads.all.get(id);
        let is_deciding = threads.is_deciding;
        let known = |thread: &PlayedThread| {
            let messages = if is_deciding { thread.read.as_ref() } else { thread.messages.as_ref() };
            Some(thread.conversation(messages?, now, is_deciding))
        };
        if let Some(conversation) = thread.and_then(known) {
            return Ok(conversation);
        }
        threads.lack = Some(Need::Messages);
        Err(unread())
    }

    fn reply(&self, id: &str, body: &ReplyBody) {
        let now = self.clock.now();
        let threads = &mut *self.locked();
        let thread = threads.all.entry(id.to_owned()).or_default();
        let messages = thread.messages.as_ref().map_or(&[][..], |messages| messages.conversation().messages());
        let sender = messages.iter().rev().filter(|message| message.outgoing).find_map(|message| message.from.clone());
        let message = Message {
            id: format!("played-{id}-{}", thread.replies.len()),
            from: sender.or_else(|| thread.detail.as_ref()?.inbox_email.clone()),
            to: thread.row.lead_email.clone(),
            subject: thread.row.subject.clone(),
            text: body.text.clone(),
            html: body.html.clone(),
            outgoing: true,
            is_read: Some(true),
            created_at: Some(now),
            ..Message::default()
        };
        let after = messages.last().map(|message| message.id.clone());
        thread.replies.push(SentReply { message, after });
    }

    fn mark_read(&self, id: &str) {
        self.locked().all.entry(id.to_owned()).or_default().is_read = Some(true);
    }

    fn toggle_star(&self, id: &str) -> bool {
        let threads = &mut *self.locked();
        let thread = threads.all.entry(id.to_owned()).or_default();
        let shown = thread.starred.or(thread.row.is_starred).unwrap_or_default();
        *thread.starred.insert(!shown)
    }
}

fn unread() -> ApiError {
    ApiError::Invalid { detail: "it was not read for this event".to_owned() }
}
