//! Inboxes and streams as YAML: the shipped ones, a file of one's own, and generated ones.

use super::options::{Inbox, SimulatorError};
use super::thread::{Attachment, Message, NewThread};
use serde::Deserialize;
use std::time::Duration;

const SHIPPED_INBOX: &str = include_str!("data/inbox.yaml");
const SHIPPED_STREAM: &str = include_str!("data/stream.yaml");

/// A campaign.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Campaign {
    pub(super) id: String,
    pub(super) name: String,
}

/// An inbox: the address that a campaign writes from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mailbox {
    pub(super) id: String,
    pub(super) email: String,
}

/// The scripted stream and how far it has been played.
#[derive(Debug, Default)]
pub(super) struct Script {
    items: Vec<ThreadSpec>,
    next: usize,
}

impl Script {
    /// The next item, if any is left.
    pub(super) fn next(&mut self) -> Option<NewThread> {
        let item = self.items.get(self.next)?.clone();
        self.next += 1;
        Some(item.into_thread())
    }

    /// Begins again.
    pub(super) fn rewind(&mut self) {
        self.next = 0;
    }

    /// How many items are left.
    pub(super) fn remaining(&self) -> usize {
        self.items.len().saturating_sub(self.next)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct InboxFile {
    campaigns: Vec<Campaign>,
    inboxes: Vec<Mailbox>,
    threads: Vec<ThreadSpec>,
    /// A stream of one's own instead of the shipped one.
    stream: Option<Vec<ThreadSpec>>,
}

/// A thread as a file writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThreadSpec {
    #[serde(default)]
    id: Option<String>,
    lead: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    campaign: Option<String>,
    #[serde(default)]
    inbox: Option<String>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    confidence: Option<f64>,
    #[serde(default)]
    manual_category: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    read: bool,
    #[serde(default)]
    starred: bool,
    messages: Vec<MessageSpec>,
}

/// A message as a file writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageSpec {
    #[serde(default)]
    out: bool,
    #[serde(default, deserialize_with = "age")]
    age: Option<Duration>,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    html: Option<String>,
    #[serde(default)]
    files: Vec<FileSpec>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSpec {
    name: String,
    #[serde(rename = "type")]
    content_type: String,
    size: u64,
}

fn age<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_age(&text)
        .map(Some)
        .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not an age: write 20m, 3h or 2d")))
}

/// `45s`, `20m`, `3h`, `2d` and sums such as `1d2h`.
fn parse_age(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut number: Option<u64> = None;
    for character in text.chars() {
        if let Some(digit) = character.to_digit(10) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(u64::from(digit))?);
            continue;
        }
        let unit = match character {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        seconds = seconds.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    (number.is_none() && !text.is_empty()).then(|| Duration::from_secs(seconds))
}

impl ThreadSpec {
    fn into_thread(self) -> NewThread {
        NewThread {
            id: self.id,
            lead_email: self.lead,
            lead_name: self.name,
            campaign_name: self.campaign,
            campaign_id: None,
            inbox_email: self.inbox,
            subject: self.subject,
            ai_category: self.category,
            ai_confidence: self.confidence,
            manual_category: self.manual_category,
            tags: self.tags,
            is_read: self.read,
            is_starred: self.starred,
            messages: self.messages.into_iter().map(MessageSpec::into_message).collect(),
            account: 0,
        }
    }
}

impl MessageSpec {
    fn into_message(self) -> Message {
        let file =
            |file: FileSpec| Attachment { filename: file.name, content_type: file.content_type, size_bytes: file.size };
        Message {
            from: self.from,
            to: self.to,
            subject: self.subject,
            text: self.text,
            html: self.html,
            outgoing: self.out,
            age: self.age,
            at: None,
            attachments: self.files.into_iter().map(file).collect(),
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(origin: &str, text: &str) -> Result<T, SimulatorError> {
    serde_yaml::from_str(text)
        .map_err(|error| SimulatorError::InboxFormat { origin: origin.to_owned(), problem: error.to_string() })
}

/// The stream that every simulator can play.
pub(super) fn shipped_script() -> Result<Script, SimulatorError> {
    Ok(Script { items: parse("the built-in stream", SHIPPED_STREAM)?, next: 0 })
}

/// What an inbox begins with.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) campaigns: Vec<Campaign>,
    pub(super) inboxes: Vec<Mailbox>,
    pub(super) threads: Vec<NewThread>,
    /// A stream of its own instead of the shipped one.
    pub(super) script: Option<Script>,
}

/// Reads or makes what an inbox begins with.
pub(super) fn contents(inbox: &Inbox) -> Result<Contents, SimulatorError> {
    let file: InboxFile = match inbox {
        Inbox::Empty => return Ok(Contents::default()),
        Inbox::Generated(count) => {
            return Ok(Contents { threads: (0..*count).map(generate).collect(), ..Contents::default() });
        }
        Inbox::Builtin => parse("the built-in inbox", SHIPPED_INBOX)?,
        Inbox::Yaml(text) => parse("the inbox", text)?,
        Inbox::File(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|source| SimulatorError::InboxFile { path: path.clone(), source })?;
            parse(&path.display().to_string(), &text)?
        }
    };
    Ok(Contents {
        campaigns: file.campaigns,
        inboxes: file.inboxes,
        threads: file.threads.into_iter().map(ThreadSpec::into_thread).collect(),
        script: file.stream.map(|items| Script { items, next: 0 }),
    })
}

/// A simple thread: its number sets category, text and age.
fn generate(index: usize) -> NewThread {
    const KINDS: [(&str, &str); 4] = [
        ("interested", "Sounds good, can we have a call on Tuesday?"),
        ("question", "What does it cost for a team of ten?"),
        ("not_interested", "Thanks, but we are all set."),
        ("meeting_request", "Happy to meet, what does your calendar look like?"),
    ];
    let (category, text) = KINDS[index % KINDS.len()];
    let age = Duration::from_secs(60 * (index as u64 + 1));
    let question = Message::text("15 minutes for a demo?").outgoing().with_age(age + Duration::from_secs(3_600));
    NewThread::new(format!("lead{index}@company{}.example", index % 97))
        .name(format!("Lead Number{index}"))
        .campaign("Generated")
        .subject(format!("Quick question {index}"))
        .category(category)
        .message(question)
        .message(Message::text(text).with_age(age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        let seconds = |text| parse_age(text).map(|age| age.as_secs());
        assert_eq!(seconds("45s"), Some(45));
        assert_eq!(seconds("1d2h"), Some(93_600));
        assert_eq!(seconds("90m"), Some(5_400));
        for text in ["", "5", "m", "5x", "-1h", "99999999999999999999d"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
