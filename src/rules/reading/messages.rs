//! The messages of a thread, each read when somebody first asks what it says.

use super::kept::{ValidReading, resolve};
use crate::{
    model::{Conversation, KeptReading, KeptText, Message, QuotedTrace, SharedList},
    rules::pattern::MATCHED_BYTES,
    text::{self, Automatic, Earlier, Evidence, QuotedPassage, Reading},
};
use std::sync::OnceLock;

/// So many words tell whether a preview shows a message.
const COMPARED_WORDS: usize = 5;

/// The messages of a thread with the texts that rules match on, each computed at most once, when it is first asked for.
#[derive(Debug, Default)]
pub struct ThreadMessages {
    conversation: Conversation,
    /// What a reading of these messages is known by.
    pub(super) stamp: OnceLock<String>,
    /// The new texts that were kept, as far as they were.
    pub(super) kept_texts: Vec<Option<KeptText>>,
    readings: Vec<OnceLock<Reading>>,
    evidence: OnceLock<Evidence>,
    full_body: OnceLock<String>,
    pub(super) first_words: OnceLock<Vec<String>>,
    history: OnceLock<String>,
    pub(super) automatic: OnceLock<Automatic>,
    pub(super) language: OnceLock<Option<&'static str>>,
    pub(super) quoted_traces: OnceLock<SharedList<QuotedTrace>>,
    pub(super) opt_out: OnceLock<Option<String>>,
}

impl ThreadMessages {
    /// Takes a conversation; computes nothing yet.
    pub fn new(conversation: Conversation) -> Self {
        let readings = conversation.messages().iter().map(|_| OnceLock::new()).collect();
        Self { conversation, readings, ..Self::default() }
    }

    /// The same with what was read of them before, as far as this program would read the same of these messages.
    pub fn with_reading(conversation: Conversation, reading: Option<KeptReading>) -> Self {
        let valid = reading.and_then(|reading| ValidReading::of(reading, conversation.messages()));
        let mut messages = Self::new(conversation);
        if let Some(valid) = valid {
            valid.fill(&mut messages);
        }
        messages
    }

    /// The messages.
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// The messages, which are read no more.
    pub fn into_conversation(self) -> Conversation {
        self.conversation
    }

    /// The newest message that the lead's side wrote.
    pub fn newest_inbound(&self) -> Option<&Message> {
        self.conversation.newest_inbound()
    }

    /// What the sender of a message wrote anew; empty for an index that does not exist.
    ///
    /// In an inbound message a passage that repeats a message before it is quoted text, see [`Reading::in_thread`].
    pub fn new_text(&self, index: usize) -> &str {
        self.kept_text(index).or_else(|| self.read(index).map(Reading::new_text)).unwrap_or_default()
    }

    /// The new text of a message, if it is known.
    pub(super) fn known_text(&self, index: usize) -> Option<&str> {
        self.kept_text(index).or_else(|| Some(self.readings.get(index)?.get()?.new_text()))
    }

    fn kept_text(&self, index: usize) -> Option<&str> {
        resolve(self.kept_texts.get(index)?.as_ref()?, self.conversation.messages().get(index)?)
    }

    /// What a message quotes, and why that counts as quoted text.
    pub fn quoted(&self, index: usize) -> &[QuotedPassage] {
        self.read(index).map_or(&[], Reading::quoted)
    }

    /// What a message says; it is read when that is first asked for.
    pub(super) fn read(&self, index: usize) -> Option<&Reading> {
        let (message, cell) = (self.conversation.messages().get(index)?, self.readings.get(index)?);
        Some(cell.get_or_init(|| {
            // We often write the same again, in each step of a campaign: that is no quote.
            if message.outgoing {
                return Reading::of(message.text.as_deref(), message.html.as_deref());
            }
            let evidence = self.evidence.get_or_init(|| {
                Evidence::new(&self.conversation.messages().iter().map(evidence_of).collect::<Vec<_>>())
            });
            Reading::in_thread(message.text.as_deref(), message.html.as_deref(), evidence, index)
        }))
    }

    /// What the lead wrote anew in the newest inbound message, whole; rules match its first 64 KiB.
    pub fn body(&self) -> Option<&str> {
        let index = self.conversation.messages().iter().rposition(|message| !message.outgoing)?;
        Some(self.new_text(index))
    }

    /// The newest inbound message whole, as text.
    pub fn full_body(&self) -> Option<&str> {
        let message = self.newest_inbound()?;
        Some(self.full_body.get_or_init(|| text::full_text(message.text.as_deref(), message.html.as_deref())))
    }

    /// The first words of the newest inbound message.
    pub(in crate::rules) fn first_words(&self) -> &[String] {
        self.first_words.get_or_init(|| match (self.full_body.get(), self.newest_inbound()) {
            (Some(whole), _) => whole.split_whitespace().take(COMPARED_WORDS).map(str::to_owned).collect(),
            (None, Some(message)) => {
                text::first_words(message.text.as_deref(), message.html.as_deref(), COMPARED_WORDS)
            }
            (None, None) => Vec::new(),
        })
    }

    /// Whether an inbound message has this subject. Where [`Self::opt_out`] found nothing, nothing is in the subject either.
    pub(in crate::rules) fn has_subject(&self, subject: &str) -> bool {
        let mut inbound = self.conversation.messages().iter().filter(|message| !message.outgoing);
        inbound.any(|message| message.subject.as_deref() == Some(subject))
    }

    /// All messages as text, oldest first, as far as rules match it: at least the first 64 KiB.
    pub fn history(&self) -> &str {
        self.history.get_or_init(|| {
            let mut all = String::new();
            for message in self.conversation.messages() {
                if all.len() > MATCHED_BYTES {
                    break;
                }
                if !all.is_empty() {
                    all.push_str("\n\n");
                }
                all.push_str(&text::full_text(message.text.as_deref(), message.html.as_deref()));
            }
            all
        })
    }

    /// The words of an opt-out in any inbound message, newest first.
    pub fn opt_out(&self) -> Option<&str> {
        let found = self.opt_out.get_or_init(|| {
            let inbound =
                self.conversation.messages().iter().enumerate().rev().filter(|(_, message)| !message.outgoing);
            inbound.into_iter().find_map(|(index, message)| self.read(index)?.opt_out(message.subject.as_deref()))
        });
        found.as_deref()
    }
}

fn evidence_of(message: &Message) -> Earlier<'_> {
    Earlier {
        from: message.from.as_deref(),
        to: message.to.as_deref(),
        subject: message.subject.as_deref(),
        date: message.created_at,
        text: message.text.as_deref(),
        html: message.html.as_deref(),
        outgoing: message.outgoing,
    }
}
