//! The handle through which tests, the demo and the stream drive the workspace.

use super::log::{AcceptedReply, LoggedRequest};
use super::options::{DEFAULT_KEY, StreamOptions};
use super::state::Shared;
use super::thread::{Message, NewThread, StoredMessage, Thread};
use std::sync::Arc;
use std::time::Duration;

/// What is in the workspace, and what has been asked of it. Clones are the same workspace.
#[derive(Debug, Clone)]
pub struct Workspace {
    shared: Arc<Shared>,
}

impl Workspace {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Adds a thread and answers its id.
    pub fn add_thread(&self, thread: NewThread) -> String {
        let now = self.shared.now();
        self.shared.write(|state| state.add_thread(thread, now))
    }

    /// The lead writes into a thread, which becomes unread. Answers the message's `reply_id`, `None` if there is no
    /// such thread.
    pub fn lead_writes(&self, thread_id: &str, message: impl Into<Message>) -> Option<String> {
        let (now, message) = (self.shared.now(), Message { outgoing: false, ..message.into() });
        self.shared.write(|state| state.add_message(thread_id, message, now))
    }

    /// A person answers by hand, visible at once. Answers the `reply_id`, `None` if there is no such thread.
    pub fn person_answers(&self, thread_id: &str, message: impl Into<Message>) -> Option<String> {
        let (now, message) = (self.shared.now(), Message { outgoing: true, ..message.into() });
        self.shared.write(|state| state.add_message(thread_id, message, now))
    }

    /// The AI chooses another category; one that a person chose stands before it. False if there is no such thread.
    pub fn set_category(&self, thread_id: &str, category: Option<&str>) -> bool {
        self.change(thread_id, |thread| thread.ai_category = category.map(str::to_owned))
    }

    /// A person chooses a category, or takes it back. False if there is no such thread.
    pub fn set_manual_category(&self, thread_id: &str, category: Option<&str>) -> bool {
        self.change(thread_id, |thread| thread.manual_category = category.map(str::to_owned))
    }

    /// Marks a thread as read or unread. False if there is no such thread.
    pub fn set_read(&self, thread_id: &str, read: bool) -> bool {
        self.change(thread_id, |thread| {
            thread.is_read = read;
            thread.messages.iter_mut().for_each(|message| message.is_read = read || message.outgoing);
        })
    }

    /// Stars a thread or takes the star away. False if there is no such thread.
    pub fn set_starred(&self, thread_id: &str, starred: bool) -> bool {
        self.change(thread_id, |thread| thread.is_starred = starred)
    }

    /// Changes anything of a thread. False if there is no such thread.
    pub fn change(&self, thread_id: &str, change: impl FnOnce(&mut Thread)) -> bool {
        self.shared.write(|state| state.thread_mut(thread_id).map(change).is_some())
    }

    /// Removes a thread from the workspace. False if there is no such thread.
    pub fn remove_thread(&self, thread_id: &str) -> bool {
        self.shared.write(|state| state.threads.remove(thread_id))
    }

    /// All threads as they are, in the order of their adding, with messages that are still in the queue.
    pub fn threads(&self) -> Vec<Thread> {
        self.shared.read(|state| state.threads.to_vec())
    }

    /// One thread.
    pub fn thread(&self, thread_id: &str) -> Option<Thread> {
        self.shared.read(|state| state.thread(thread_id).cloned())
    }

    /// The first thread of a lead.
    pub fn thread_of(&self, lead_email: &str) -> Option<Thread> {
        self.shared.read(|state| state.threads.iter().find(|thread| thread.lead_email == lead_email).cloned())
    }

    /// A thread's messages that are visible by now, oldest first; empty if there is no such thread.
    pub fn messages(&self, thread_id: &str) -> Vec<StoredMessage> {
        let now = self.shared.now();
        self.shared.read(|state| {
            state.thread(thread_id).map(|thread| thread.visible(now).cloned().collect()).unwrap_or_default()
        })
    }

    /// The requests to the API, oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.shared.read(|state| state.requests.clone())
    }

    /// Looks at the requests to the API, oldest first, without copying them.
    pub fn inspect_requests<T>(&self, look: impl FnOnce(&[LoggedRequest]) -> T) -> T {
        self.shared.read(|state| look(&state.requests))
    }

    /// Forgets the requests; what was accepted stays.
    pub fn clear_requests(&self) {
        self.shared.write(|state| state.requests.clear());
    }

    /// The replies that the API accepted, oldest first, whatever it responded.
    pub fn accepted_replies(&self) -> Vec<AcceptedReply> {
        self.shared.read(|state| state.accepted.clone())
    }

    /// Counts `count` requests of another client that shares the default key, now.
    pub fn consume_budget(&self, count: usize) {
        let now = self.shared.now();
        self.shared.write(|state| state.usage.entry(DEFAULT_KEY.to_owned()).or_default().spend(count, now));
    }

    /// Plays the next item of the stream: a message into the thread of its lead, or into a new one. Answers the
    /// thread's id, `None` after the last item.
    pub fn play_next(&self) -> Option<String> {
        let now = self.shared.now();
        self.shared.write(|state| {
            let item = state.script.next()?;
            let known = state.threads.iter().find(|thread| thread.lead_email == item.lead_email);
            let Some(id) = known.map(|thread| thread.id.clone()) else {
                return Some(state.add_thread(item, now));
            };
            for message in item.messages {
                state.add_message(&id, message, now);
            }
            if let (Some(thread), Some(category)) = (state.thread_mut(&id), item.ai_category) {
                thread.ai_category = Some(category);
                thread.ai_confidence = item.ai_confidence;
            }
            Some(id)
        })
    }

    /// How many items of the stream are left.
    pub fn stream_remaining(&self) -> usize {
        self.shared.read(|state| state.script.remaining())
    }

    /// Waits until `holds`, looking after every change and at least every 50 ms (a reply becomes visible by time
    /// alone). False if it does not hold within `timeout`.
    pub async fn wait_until(&self, timeout: Duration, mut holds: impl FnMut(&Self) -> bool) -> bool {
        let mut changes = self.shared.changes();
        let waiting = async {
            while !holds(self) {
                let _ = tokio::time::timeout(Duration::from_millis(50), changes.changed()).await;
            }
        };
        tokio::time::timeout(timeout, waiting).await.is_ok()
    }

    /// Plays the stream at its pace; ends after the last item unless it repeats.
    pub(super) async fn play(self, options: StreamOptions) {
        // A pause of nothing would be a hot loop.
        let every = options.every.max(Duration::from_millis(1));
        loop {
            tokio::time::sleep(every).await;
            if self.play_next().is_some() {
                continue;
            }
            if !options.repeat {
                return;
            }
            self.shared.write(|state| state.script.rewind());
        }
    }
}
