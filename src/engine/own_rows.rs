//! Our own reply shows in the list as a changed row, and a row does not say who wrote last. But where nothing else has
//! happened, the row says exactly what we sent, and proves it without a request.
//!
//! What `reply_count` counts is not documented, so it is learned from threads whose messages were read: those of the lead,
//! or all. Until that is known, and whenever anything differs, the messages are read. Where it counts the lead's alone it
//! would not show a second copy of our words, so that once in a while one such row is read all the same.

use super::intake::row_changes::shows;
use crate::model::{Conversation, Message, ThreadRow};
use jiff::Timestamp;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// More rows than this are forgotten at once: they cost a read each.
const REMEMBERED: usize = 10_000;
/// So much of a reply is kept to be compared with a preview, in characters.
const KEPT: usize = 400;
/// A row that shows our own reply is read this often, at most.
const READ_EVERY: Duration = Duration::from_secs(3_600);
/// The server's `Date` is in whole seconds, and the message was made before it.
const PRECISION: Duration = Duration::from_secs(1);

/// What `reply_count` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counting {
    /// The lead's messages.
    Inbound,
    /// Those of both sides.
    All,
}

/// What a row must show when a reply of ours is all that has happened in a thread.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ExpectedRow {
    inbound: u64,
    all: u64,
    /// The beginning of the reply.
    text: String,
    /// The last message before the reply.
    after: Timestamp,
    /// When the server had taken the reply, by its own clock.
    until: Timestamp,
}

impl ExpectedRow {
    /// After a reply with this text, which the server took at `at`, in a thread that was as in `conversation`. `None` if a
    /// message there has no time.
    pub(super) fn after_reply(conversation: &Conversation, text: &str, at: Timestamp) -> Option<Self> {
        let messages = conversation.messages();
        let times: Option<Vec<Timestamp>> = messages.iter().map(|message| message.created_at).collect();
        let text: String = text.chars().take(KEPT).collect();
        if text.trim().is_empty() {
            return None;
        }
        Some(Self {
            inbound: messages.iter().filter(|message| !message.outgoing).count() as u64,
            all: messages.len() as u64 + 1,
            text,
            after: times?.into_iter().max()?,
            until: at.saturating_add(PRECISION).ok()?,
        })
    }

    fn is_shown_by(&self, row: &ThreadRow, counting: Counting) -> bool {
        let count = match counting {
            Counting::Inbound => self.inbound,
            Counting::All => self.all,
        };
        let ours = Message { outgoing: true, text: Some(self.text.clone()), ..Message::default() };
        row.reply_count == Some(count)
            && row.last_message_at.is_some_and(|at| self.after < at && at <= self.until)
            && row.preview.as_deref().is_some_and(|preview| !preview.trim().is_empty() && shows(preview, &ours))
    }
}

/// What the list is about to show of our own replies in a workspace, and how it counts.
#[derive(Debug, Default)]
pub(super) struct OwnRows(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    expected: HashMap<String, ExpectedRow>,
    counting: Option<Counting>,
    /// When such a row was last read.
    read_at: Option<Instant>,
}

impl OwnRows {
    /// A reply was sent in the thread; `None` if what its row will show is not known. With an earlier reply that has not
    /// shown yet, it is not.
    pub(super) fn expect(&self, thread: &str, row: Option<ExpectedRow>) {
        let mut known = self.known();
        if known.expected.len() >= REMEMBERED {
            known.expected.clear();
        }
        let earlier = known.expected.remove(thread);
        if let (None, Some(row)) = (earlier, row) {
            known.expected.insert(thread.to_owned(), row);
        }
    }

    /// Whether the row shows our own reply and nothing else. It is asked once for each reply: whatever the row shows, the
    /// next one is another.
    pub(super) fn is_own(&self, row: &ThreadRow) -> bool {
        let mut known = self.known();
        let Some(expected) = known.expected.remove(&row.id) else { return false };
        let Some(counting) = known.counting.filter(|counting| expected.is_shown_by(row, *counting)) else {
            return false;
        };
        if counting == Counting::Inbound && known.read_at.is_none_or(|at| at.elapsed() >= READ_EVERY) {
            known.read_at = Some(Instant::now());
            return false;
        }
        true
    }

    /// Learns from a thread's row and its messages what `reply_count` counts.
    pub(super) fn learn(&self, row: &ThreadRow, conversation: &Conversation) {
        let messages = conversation.messages();
        let Some(count) = row.reply_count else { return };
        // The row must be about these messages.
        if row.last_message_at.is_none()
            || messages.iter().filter_map(|one| one.created_at).max() != row.last_message_at
        {
            return;
        }
        let inbound = messages.iter().filter(|message| !message.outgoing).count() as u64;
        let all = messages.len() as u64;
        if inbound == all {
            return;
        }
        let shown = match count {
            count if count == inbound => Some(Counting::Inbound),
            count if count == all => Some(Counting::All),
            _ => None,
        };
        let mut known = self.known();
        // Two threads that disagree prove nothing.
        known.counting = if known.counting.is_none_or(|before| Some(before) == shown) { shown } else { None };
    }

    /// Plain values: a panic in between leaves nothing half-done.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
