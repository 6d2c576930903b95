//! What list rows alone show: which of them changed, whether the order can be trusted, which event a row may be.

use crate::model::{Conversation, Message, ThreadRow};
use crate::store::{EventKind, KnownThread, PendingThread};
use crate::text;
use std::collections::HashMap;

/// A preview that is shorter than this was not cut off.
const WHOLE_PREVIEW: usize = 40;

/// Whether a row shows something that rules have not seen: another last message, or another category.
pub(in crate::engine) fn differs(known: &ThreadRow, row: &ThreadRow) -> bool {
    message_differs(known, row) || category_differs(known, row)
}

/// Whether a message came in or went out: a row does not say which.
pub(super) fn message_differs(known: &ThreadRow, row: &ThreadRow) -> bool {
    // An erased row stays as it is until there is something new.
    known.last_message_at != row.last_message_at
        || known.reply_count != row.reply_count
        || known.preview != row.preview && !known.is_erased()
}

/// Whether the category is another one. Of a person who was erased, only a new message is news.
pub(super) fn category_differs(known: &ThreadRow, row: &ThreadRow) -> bool {
    known.category() != row.category() && !known.is_erased()
}

/// The rows of a page that are new or differ from what was dealt with or is pending.
pub(super) fn changed_rows(rows: &[ThreadRow], known: &HashMap<String, KnownThread>) -> Vec<ThreadRow> {
    let is_news = |row: &&ThreadRow| match known.get(&row.id) {
        None => true,
        Some(thread) => match thread.pending.as_ref().or(thread.row.as_ref()) {
            None => true,
            Some(last) => differs(last, row),
        },
    };
    rows.iter().filter(is_news).cloned().collect()
}

/// Whether the rows stand newest first. A row without a time proves nothing, so it disproves the order.
pub(super) fn is_newest_first(rows: &[ThreadRow]) -> bool {
    rows.iter().all(|row| row.last_message_at.is_some())
        && rows.is_sorted_by(|left, right| left.last_message_at >= right.last_message_at)
}

/// Whether the page shows that a message moves its thread to the top: a thread that is known with an older message now
/// stands above one that has not changed and was newer then. In any other order it would have stayed below.
pub(super) fn shows_a_move(rows: &[ThreadRow], known: &HashMap<String, KnownThread>) -> bool {
    let last_known = |row: &ThreadRow| {
        let thread = known.get(&row.id)?;
        thread.pending.as_ref().or(thread.row.as_ref())?.last_message_at
    };
    let newest_unchanged =
        |rows: &[ThreadRow]| rows.iter().filter(|row| last_known(row) == row.last_message_at).find_map(last_known);
    is_newest_first(rows)
        && rows.iter().enumerate().any(|(place, row)| {
            let then = last_known(row).filter(|then| row.last_message_at.is_some_and(|at| at > *then));
            then.is_some_and(|then| {
                newest_unchanged(rows.get(place + 1..).unwrap_or_default()).is_some_and(|other| other > then)
            })
        })
}

/// What a pending row may turn out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Candidate {
    /// A thread never seen: its newest inbound message is new to us.
    NewThread,
    /// A message came or went: only the messages tell.
    MaybeMessage,
    /// Only the category changed.
    Category,
    /// Nothing that rules could see.
    Nothing,
}

/// What the row may be, by rows alone.
pub(super) fn candidate(pending: &PendingThread) -> Candidate {
    match &pending.known {
        None => Candidate::NewThread,
        Some(known) if message_differs(known, &pending.row) => Candidate::MaybeMessage,
        Some(known) if category_differs(known, &pending.row) => Candidate::Category,
        Some(_) => Candidate::Nothing,
    }
}

/// What the messages prove: the kind of event, or that there is none (our own or a teammate's message).
pub(super) fn proven_event(pending: &PendingThread, conversation: &Conversation) -> Option<EventKind> {
    let newest = conversation.newest_inbound()?;
    let Some(known) = &pending.known else { return Some(EventKind::Message) };
    if is_new_message(newest, pending, known) {
        return Some(EventKind::Message);
    }
    category_differs(known, &pending.row).then_some(EventKind::Category)
}

/// By its id if ids are known. For a thread of which only rows were seen, by what the earlier row showed: its last
/// message, and the server's time of that poll. This machine's clock does not count.
fn is_new_message(newest: &Message, pending: &PendingThread, known: &ThreadRow) -> bool {
    if !pending.inbound_seen.is_empty() {
        return !pending.inbound_seen.contains(&newest.id);
    }
    if let Some(id) = &pending.newest_inbound {
        return *id != newest.id;
    }
    let preview = known.preview.as_deref().filter(|_| !known.is_erased());
    let was_last = preview.map(|preview| shows(preview, newest));
    let Some((created, last)) = newest.created_at.zip(known.last_message_at) else {
        return was_last != Some(true);
    };
    if created == last {
        // The same second: it is the earlier message, unless that had another text and one more is counted now.
        return was_last == Some(false) && has_more_messages(known, &pending.row) != Some(false);
    }
    // A message dated in the future must not hide all that come before that date.
    if created > pending.looked_at.map_or(last, |looked_at| last.min(looked_at)) {
        return true;
    }
    // Dated before what the earlier row showed, and yet only the new row shows it.
    was_last == Some(false)
        && has_more_messages(known, &pending.row) == Some(true)
        && pending.row.preview.as_deref().is_some_and(|preview| shows(preview, newest))
}

/// Whether the API counts more messages than then; `None` where it does not count.
fn has_more_messages(known: &ThreadRow, row: &ThreadRow) -> Option<bool> {
    known.reply_count.zip(row.reply_count).map(|(then, now)| now > then)
}

/// Whether a row's preview is the beginning of this message: all of it where the preview is short.
pub(in crate::engine) fn shows(preview: &str, message: &Message) -> bool {
    let fold = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = fold(&text::full_text(message.text.as_deref(), message.html.as_deref()));
    let preview = fold(preview);
    let cut = preview.trim_end_matches('…').trim_end_matches("...").trim_end();
    if cut.len() < preview.len() || cut.chars().count() >= WHOLE_PREVIEW { text.starts_with(cut) } else { text == cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, at: &str) -> ThreadRow {
        ThreadRow { id: id.to_owned(), last_message_at: Some(at.parse().unwrap()), ..ThreadRow::default() }
    }

    fn inbound(id: &str, at: &str) -> Message {
        Message { id: id.to_owned(), created_at: Some(at.parse().unwrap()), ..Message::default() }
    }

    #[test]
    fn order_is_proven_or_not() {
        let (old, new) = (row("a", "2026-01-01T00:00:00Z"), row("b", "2026-01-02T00:00:00Z"));
        assert!(is_newest_first(&[new.clone(), old.clone()]));
        assert!(is_newest_first(&[new.clone(), new.clone()]));
        assert!(is_newest_first(&[]));
        assert!(!is_newest_first(&[old.clone(), new.clone()]));
        assert!(!is_newest_first(&[new, ThreadRow::default(), old]));
    }

    #[test]
    fn a_row_is_compared_with_the_pending_one() {
        let first = row("a", "2026-01-01T00:00:00Z");
        let second = row("a", "2026-01-02T00:00:00Z");
        let known = |row: Option<&ThreadRow>, pending: Option<&ThreadRow>| {
            let thread = KnownThread {
                row: row.cloned(),
                pending: pending.cloned(),
                newest_inbound: None,
                inbound_seen: Vec::new(),
                looked_at: None,
            };
            HashMap::from([("a".to_owned(), thread)])
        };
        for (known, row, news) in [
            (HashMap::new(), &first, 1),
            (known(Some(&first), None), &first, 0),
            (known(Some(&first), None), &second, 1),
            (known(Some(&first), Some(&second)), &second, 0),
            (known(Some(&second), Some(&first)), &second, 1),
            (known(None, Some(&first)), &first, 0),
        ] {
            assert_eq!(changed_rows(std::slice::from_ref(row), &known).len(), news);
        }
        let read = ThreadRow { is_read: Some(true), is_starred: Some(true), ..first.clone() };
        assert!(changed_rows(&[read], &known(Some(&first), None)).is_empty(), "reading a thread is no event");
    }

    #[test]
    fn what_was_there_at_the_first_start_is_no_new_message() {
        let known = row("a", "2026-01-02T00:00:00Z");
        let now = ThreadRow { preview: Some("our answer".to_owned()), ..row("a", "2026-01-03T00:00:00Z") };
        let pending = |newest_inbound: Option<&str>| PendingThread {
            row: now.clone(),
            since: "2026-01-03T00:00:00Z".parse().unwrap(),
            known: Some(known.clone()),
            newest_inbound: newest_inbound.map(str::to_owned),
            inbound_seen: Vec::new(),
            looked_at: None,
        };
        let talk = |id: &str, at: &str| Conversation::new(vec![inbound(id, at)]);
        assert_eq!(proven_event(&pending(None), &talk("old", "2026-01-02T00:00:00Z")), None);
        assert_eq!(proven_event(&pending(None), &talk("new", "2026-01-03T00:00:00Z")), Some(EventKind::Message));
        assert_eq!(proven_event(&pending(Some("seen")), &talk("seen", "2026-01-03T00:00:00Z")), None);
        assert_eq!(
            proven_event(&pending(Some("seen")), &talk("new", "2026-01-02T00:00:00Z")),
            Some(EventKind::Message)
        );
        assert_eq!(proven_event(&pending(None), &Conversation::default()), None);
    }

    #[test]
    fn candidates() {
        let known = row("a", "2026-01-02T00:00:00Z");
        let hot = ThreadRow { category: Some("interested".to_owned()), ..known.clone() };
        let newer = row("a", "2026-01-03T00:00:00Z");
        let of = |known: Option<&ThreadRow>, row: &ThreadRow| {
            let since = "2026-01-03T00:00:00Z".parse().unwrap();
            candidate(&PendingThread {
                row: row.clone(),
                since,
                known: known.cloned(),
                newest_inbound: None,
                inbound_seen: Vec::new(),
                looked_at: None,
            })
        };
        assert_eq!(of(None, &known), Candidate::NewThread);
        assert_eq!(of(Some(&known), &hot), Candidate::Category);
        assert_eq!(of(Some(&known), &newer), Candidate::MaybeMessage);
        assert_eq!(of(Some(&known), &known), Candidate::Nothing);
    }
}
