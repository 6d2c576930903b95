//! What ColdSend returns for a thread: the list row, the thread itself, and its messages.

use super::{SharedList, domain_of, non_blank};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One row of the inbox list: all that is known of a thread without a further request.
///
/// Fields that the API leaves out or sends as `null` are `None`; a row never fails for a missing field but its id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ThreadRow {
    /// The thread's id, opaque.
    pub id: String,
    /// The lead's id, opaque.
    pub lead_id: Option<String>,
    /// The id of the inbox that the conversation runs through.
    pub inbox_id: Option<String>,
    /// The lead's address as the campaign knows it.
    pub lead_email: Option<String>,
    /// The lead's full name.
    pub lead_name: Option<String>,
    /// The campaign's name as sent; see [`ThreadRow::campaign`].
    pub campaign_name: Option<String>,
    /// The conversation's subject.
    pub subject: Option<String>,
    /// The beginning of the last message, whoever wrote it.
    pub preview: Option<String>,
    /// When the last message, whoever wrote it, arrived.
    pub last_message_at: Option<Timestamp>,
    /// Whether the thread is marked as read.
    pub is_read: Option<bool>,
    /// Whether the thread is starred.
    pub is_starred: Option<bool>,
    /// How many replies the API counts; whether ours are among them is not documented.
    pub reply_count: Option<u64>,
    /// The effective category: a person's over the AI's.
    pub category: Option<String>,
}

/// Stands for the preview of a row that was erased; no mail begins so.
const ERASED: &str = "\u{1}erased";

impl ThreadRow {
    /// The campaign's name; `None` for a thread outside a campaign (the API says `External`) and for a blank one.
    pub fn campaign(&self) -> Option<&str> {
        non_blank(self.campaign_name.as_deref()).filter(|name| !name.eq_ignore_ascii_case("external"))
    }

    /// The row without what tells who the lead is; what shows that its mail is old stays.
    #[must_use]
    pub fn erased(self) -> Self {
        let Self { id, last_message_at, is_read, is_starred, reply_count, category, campaign_name, .. } = self;
        let preview = Some(ERASED.to_owned());
        Self {
            id,
            preview,
            last_message_at,
            is_read,
            is_starred,
            reply_count,
            category,
            campaign_name,
            ..Self::default()
        }
    }

    /// A part of the JSON of such a row, and of no other.
    pub const ERASED_JSON: &str = r#""preview":"\u0001erased""#;

    /// Whether that was done.
    pub fn is_erased(&self) -> bool {
        self.preview.as_deref() == Some(ERASED)
    }

    /// The category, `None` when blank.
    pub fn category(&self) -> Option<&str> {
        non_blank(self.category.as_deref())
    }

    /// The domain of the lead's address, in lower case.
    pub fn lead_domain(&self) -> Option<String> {
        self.lead_email.as_deref().and_then(domain_of)
    }
}

/// What the thread endpoint adds to the row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ThreadDetail {
    /// The fields that the list row has too, as the thread endpoint reports them.
    pub row: ThreadRow,
    /// The campaign's id; `None` for a thread outside a campaign.
    pub campaign_id: Option<String>,
    /// The address of the inbox that the conversation runs through.
    pub inbox_email: Option<String>,
    /// Who wrote the thread's first message, as the API says.
    pub from_address: Option<String>,
    /// Whom it was written to.
    pub to_address: Option<String>,
    /// The category that the AI chose.
    pub ai_category: Option<String>,
    /// How sure the AI was; the range is not documented.
    pub ai_confidence: Option<f64>,
    /// The category that a person chose.
    pub manual_category: Option<String>,
    /// The thread's tags.
    pub tags: Vec<String>,
    /// Whether the thread is archived.
    pub is_archived: Option<bool>,
    /// When the thread began.
    pub created_at: Option<Timestamp>,
}

/// A file that came with a message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MailAttachment {
    /// The file's name as sent.
    pub filename: Option<String>,
    /// Its media type as sent.
    pub content_type: Option<String>,
    /// Its size in bytes.
    pub size_bytes: Option<u64>,
}

/// One message of a thread.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Message {
    /// The API's id of the message (`reply_id`), opaque and unique in the thread.
    pub id: String,
    /// The sender's address as sent; may be in the form `Name <a@b>`.
    pub from: Option<String>,
    /// The recipient's address as sent.
    pub to: Option<String>,
    /// The subject line, if the API gives one.
    pub subject: Option<String>,
    /// The plain-text part; `None` when absent or blank.
    pub text: Option<String>,
    /// The HTML part; `None` when absent or blank.
    pub html: Option<String>,
    /// Whether we (the workspace) sent it.
    pub outgoing: bool,
    /// Whether it is marked as read.
    pub is_read: Option<bool>,
    /// When it was sent or received.
    pub created_at: Option<Timestamp>,
    /// The mail's own Message-ID header, where known.
    pub message_id: Option<String>,
    /// Files that came with it.
    pub attachments: Vec<MailAttachment>,
}

/// A sender's clock may be so far ahead of the server's without anybody minding.
const FUTURE: std::time::Duration = std::time::Duration::from_secs(300);

/// All messages of a thread that were read, oldest first. Its copies share them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    messages: SharedList<Message>,
}

impl Conversation {
    /// Orders by time; messages without a time, or of the same time, keep the order in which the API gave them.
    pub fn new(mut messages: Vec<Message>) -> Self {
        if messages.iter().all(|message| message.created_at.is_some()) {
            messages.sort_by_key(|message| message.created_at);
        }
        Self::in_order(messages)
    }

    /// Messages that are in their order already.
    pub fn in_order(messages: Vec<Message>) -> Self {
        Self { messages: messages.into() }
    }

    /// The messages, oldest first.
    pub fn into_messages(self) -> Vec<Message> {
        self.messages.into_vec()
    }

    /// As [`Conversation::new`], where the server says when it gave the messages. An inbound message that is dated later
    /// than that cannot be: its time says nothing, so it does not stand after messages of the lead that came since. It
    /// keeps its place before them, behind whatever was sent.
    pub fn as_of(messages: Vec<Message>, date: Option<Timestamp>) -> Self {
        let mut conversation = Self::new(messages);
        let Some(limit) = date.and_then(|date| date.checked_add(FUTURE).ok()) else { return conversation };
        let is_future = |message: &Message| !message.outgoing && message.created_at.is_some_and(|at| at > limit);
        let messages = conversation.messages.make_mut();
        let Some(first) = messages.iter().position(is_future) else { return conversation };
        // Only the end of the list can be out of its time; where the lead's last dated message is the last of all, what is
        // dated in the future stands before it.
        let dated = messages.iter().take(first).rposition(|message| !message.outgoing);
        let sent = messages.iter().take(first).rposition(|message| message.outgoing);
        if let Some(place) = dated.filter(|dated| sent.is_none_or(|sent| sent < *dated)) {
            let (future, rest): (Vec<_>, Vec<_>) = messages.drain(place..).partition(is_future);
            messages.extend(future);
            messages.extend(rest);
        }
        conversation
    }

    /// The messages, oldest first.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The newest message that the lead's side wrote.
    pub fn newest_inbound(&self) -> Option<&Message> {
        self.messages.iter().rev().find(|message| !message.outgoing)
    }

    /// The outgoing messages that stand after the newest inbound one.
    pub fn outgoing_after_newest_inbound(&self) -> impl Iterator<Item = &Message> {
        let start = self.messages.iter().rposition(|message| !message.outgoing).map_or(0, |index| index + 1);
        self.messages[start..].iter().filter(|message| message.outgoing)
    }

    /// The outgoing messages that stand before the newest inbound one but are of the same second: which came first is
    /// unknown.
    pub fn outgoing_tied_with_newest_inbound(&self) -> Vec<&Message> {
        let Some(place) = self.messages.iter().rposition(|message| !message.outgoing) else { return Vec::new() };
        let second = |message: &Message| message.created_at.map(Timestamp::as_second);
        let (before, newest) = self.messages.split_at(place);
        let newest = newest.first().and_then(second);
        let tied = |message: &&Message| message.outgoing && newest.is_some() && second(message) == newest;
        before.iter().filter(tied).collect()
    }

    /// The outgoing messages of the conversation's last second; none if an inbound one ends it.
    pub fn outgoing_of_the_last_second(&self) -> Vec<&Message> {
        let second = |message: &Message| message.created_at.map(Timestamp::as_second);
        let last = self.messages.last().filter(|last| last.outgoing).and_then(second);
        let same = |message: &&Message| message.outgoing && last.is_some() && second(message) == last;
        self.messages.iter().filter(same).collect()
    }

    /// How many messages the lead's side wrote.
    pub fn inbound_count(&self) -> usize {
        self.messages.iter().filter(|message| !message.outgoing).count()
    }

    /// How many messages we sent.
    pub fn outbound_count(&self) -> usize {
        self.messages.len() - self.inbound_count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_is_no_campaign() {
        let row = |name: &str| ThreadRow { campaign_name: Some(name.to_owned()), ..ThreadRow::default() };
        assert_eq!(row("External").campaign(), None);
        assert_eq!(row("  ").campaign(), None);
        assert_eq!(row("Q1").campaign(), Some("Q1"));
    }

    #[test]
    fn outgoing_after_the_newest_inbound() {
        let message = |id: &str, outgoing| Message { id: id.to_owned(), outgoing, ..Message::default() };
        let talk = Conversation::new(vec![message("a", true), message("b", false), message("c", true)]);
        assert_eq!(talk.newest_inbound().map(|m| m.id.as_str()), Some("b"));
        assert_eq!(talk.outgoing_after_newest_inbound().map(|m| m.id.as_str()).collect::<Vec<_>>(), ["c"]);
        assert_eq!((talk.inbound_count(), talk.outbound_count()), (1, 2));
    }
}
