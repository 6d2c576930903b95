//! Threads and messages as the simulated workspace keeps them, and as tests and files write them.

use jiff::Timestamp;
use std::time::Duration;

/// A message to be put into a thread. `Message::from("text")` is one that only has a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The sender; the lead or, for outgoing ones, the inbox if `None`.
    pub from: Option<String>,
    /// The recipient; the other side if `None`.
    pub to: Option<String>,
    /// The subject; `Re: ` and the thread's if `None`.
    pub subject: Option<String>,
    /// The plain-text part.
    pub text: Option<String>,
    /// The HTML part.
    pub html: Option<String>,
    /// Whether our side sent it.
    pub outgoing: bool,
    /// When, as an age at the time of adding; zero if neither this nor `at` is given.
    pub age: Option<Duration>,
    /// When; goes before `age`.
    pub at: Option<Timestamp>,
    /// Files.
    pub attachments: Vec<Attachment>,
}

impl Message {
    /// A message with a plain-text part only.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// A message with an HTML part only.
    pub fn html(html: impl Into<String>) -> Self {
        Self { html: Some(html.into()), ..Self::default() }
    }

    /// The same as sent by our side.
    pub fn outgoing(self) -> Self {
        Self { outgoing: true, ..self }
    }

    /// The same from another address.
    pub fn sent_by(self, from: impl Into<String>) -> Self {
        Self { from: Some(from.into()), ..self }
    }

    /// The same with a subject.
    pub fn with_subject(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    /// The same, so much older than the time of adding.
    pub fn with_age(self, age: Duration) -> Self {
        Self { age: Some(age), ..self }
    }

    /// The same at a time.
    pub fn sent_at(self, at: Timestamp) -> Self {
        Self { at: Some(at), ..self }
    }

    /// The same with one more file.
    pub fn with_file(mut self, filename: &str, content_type: &str, size_bytes: u64) -> Self {
        self.attachments.push(Attachment {
            filename: filename.to_owned(),
            content_type: content_type.to_owned(),
            size_bytes,
        });
        self
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

/// A file of a message; its content is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The file name as the mail client shows it.
    pub filename: String,
    /// Its media type.
    pub content_type: String,
    /// Its size in bytes.
    pub size_bytes: u64,
}

/// A thread to be added. Only the lead's address has no default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewThread {
    /// The id; the next free UUID if `None`.
    pub id: Option<String>,
    /// The lead's address.
    pub lead_email: String,
    /// The lead's name.
    pub lead_name: Option<String>,
    /// The campaign's name; `External` if `None`.
    pub campaign_name: Option<String>,
    /// The campaign's id; that of the known campaign of this name if `None`, and a new one for a new name.
    pub campaign_id: Option<String>,
    /// The address of the inbox; the first known one if `None`.
    pub inbox_email: Option<String>,
    /// The subject; `Quick question` if `None`.
    pub subject: Option<String>,
    /// The category that the AI chose.
    pub ai_category: Option<String>,
    /// How sure the AI was, 0 to 1.
    pub ai_confidence: Option<f64>,
    /// The category that a person chose; it goes before the AI's.
    pub manual_category: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Whether the thread counts as read.
    pub is_read: bool,
    /// Whether the thread is starred.
    pub is_starred: bool,
    /// Its messages, in any order.
    pub messages: Vec<Message>,
    /// The account that it belongs to.
    pub account: u32,
}

impl NewThread {
    /// A thread of a lead, without messages, category and campaign.
    pub fn new(lead_email: impl Into<String>) -> Self {
        Self { lead_email: lead_email.into(), ..Self::default() }
    }

    /// The same with an id.
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// The same with the lead's name.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { lead_name: Some(name.into()), ..self }
    }

    /// The same in a campaign.
    pub fn campaign(self, name: impl Into<String>) -> Self {
        Self { campaign_name: Some(name.into()), ..self }
    }

    /// The same with a subject.
    pub fn subject(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    /// The same with a category of the AI's.
    pub fn category(self, category: impl Into<String>) -> Self {
        Self { ai_category: Some(category.into()), ..self }
    }

    /// The same in another account.
    pub fn of_account(self, account: u32) -> Self {
        Self { account, ..self }
    }

    /// The same with one more message.
    pub fn message(mut self, message: impl Into<Message>) -> Self {
        self.messages.push(message.into());
        self
    }
}

/// A message in a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// `reply_id`.
    pub id: String,
    /// The sender's address.
    pub from: String,
    /// The recipient's address.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The plain-text part.
    pub text: Option<String>,
    /// The HTML part.
    pub html: Option<String>,
    /// Whether our side sent it.
    pub outgoing: bool,
    /// Whether it was read; outgoing ones are.
    pub is_read: bool,
    /// When it was sent or received; for replies through the API, when they left the queue.
    pub at: Timestamp,
    /// The mail's Message-ID.
    pub message_id: String,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// Whether it was sent through the API.
    pub through_api: bool,
}

/// A thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Thread {
    /// `thread_id`.
    pub id: String,
    /// `lead_id`.
    pub lead_id: String,
    /// `inbox_id`.
    pub inbox_id: String,
    /// The lead's address.
    pub lead_email: String,
    /// The lead's name, maybe blank.
    pub lead_name: String,
    /// The campaign's name, `External` for none.
    pub campaign_name: String,
    /// The campaign's id; `None` for `External`.
    pub campaign_id: Option<String>,
    /// The address of the inbox.
    pub inbox_email: String,
    /// The subject line.
    pub subject: String,
    /// The category that the AI chose.
    pub ai_category: Option<String>,
    /// How sure the AI was.
    pub ai_confidence: Option<f64>,
    /// The category that a person chose.
    pub manual_category: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Whether the thread counts as read.
    pub is_read: bool,
    /// Whether the thread is starred.
    pub is_starred: bool,
    /// Its messages, oldest first, those in the queue included.
    pub messages: Vec<StoredMessage>,
    /// The account that it belongs to.
    pub account: u32,
}

impl Thread {
    /// The category that counts: a person's before the AI's.
    pub fn category(&self) -> Option<&str> {
        self.manual_category.as_deref().or(self.ai_category.as_deref())
    }

    /// The messages that have left the queue by `now`, oldest first.
    pub fn visible(&self, now: Timestamp) -> impl DoubleEndedIterator<Item = &StoredMessage> {
        // Only our own replies wait in a queue: a lead's message dated in the future is shown all the same.
        self.messages.iter().filter(move |message| !message.through_api || message.at <= now)
    }

    /// The last visible message.
    pub fn last(&self, now: Timestamp) -> Option<&StoredMessage> {
        self.visible(now).next_back()
    }
}
