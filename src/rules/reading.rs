//! How the newest inbound message of a thread was read: whether it is automatic mail, in which language, what it quotes.

mod kept;
mod messages;

pub use messages::ThreadMessages;

use super::pattern::truncate_input;
use crate::model::{MailReading, Message, QuotedTrace, SharedList, SignalTrace};
use crate::text::{self, AutoReply, Automatic, Mail, QuoteReason, QuotedPassage, Reading, Signal};
use std::time::Duration;

/// How many of our subjects an unknown prefix is looked for before.
const MAX_SUBJECTS: usize = 20;
/// How many quoted passages are told.
const MAX_PASSAGES: usize = 20;

impl ThreadMessages {
    /// What speaks for automatic mail in the newest inbound message, and what it comes to.
    pub fn automatic(&self) -> &Automatic {
        self.automatic.get_or_init(|| {
            let Some((index, message)) = self.newest_inbound_at() else { return Automatic::default() };
            let earlier = self.conversation().messages().get(..index).unwrap_or_default();
            let ours = || earlier.iter().rev().filter(|message| message.outgoing);
            let mut subjects: Vec<&str> = Vec::new();
            for subject in ours().filter_map(|message| message.subject.as_deref()) {
                if subjects.len() < MAX_SUBJECTS && !subjects.contains(&subject) {
                    subjects.push(subject);
                }
            }
            let Some(reading) = self.read(index) else { return Automatic::default() };
            reading.automatic(&Mail {
                from: message.from.as_deref(),
                subject: message.subject.as_deref(),
                body: None,
                written: message.created_at.map(day),
                our_subjects: &subjects,
                after_ours: ours().find_map(|ours| time_between(ours, message)),
                is_follow_up: earlier.iter().any(|message| !message.outgoing),
                quotes: !self.quoted(index).is_empty(),
            })
        })
    }

    /// The automatic mail that the newest inbound message certainly is.
    pub fn auto_reply(&self) -> Option<&AutoReply> {
        self.automatic().found.as_ref()
    }

    /// Why the newest inbound message may be automatic mail, where it is not certain: every signal in one sentence.
    pub fn uncertain(&self) -> Option<String> {
        let automatic = self.automatic();
        let signals = automatic.signals.iter().map(|signal| {
            let about = signal.kind.describe().trim_end_matches('.');
            let words = text::printable(&signal.words);
            format!("{}: “{}”", lower_first(about), words.split_whitespace().collect::<Vec<_>>().join(" "))
        });
        automatic.is_uncertain().then(|| format!("may be automatic mail: {}", signals.collect::<Vec<_>>().join("; ")))
    }

    /// The language that the lead writes in, as its ISO 639-1 code: that of the newest inbound message, or of the lead's
    /// messages together where that one is too short to tell.
    pub fn language(&self) -> Option<&'static str> {
        *self.language.get_or_init(|| {
            let (newest, _) = self.newest_inbound_at()?;
            let of_newest = self.read(newest).and_then(Reading::language);
            of_newest.or_else(|| {
                let messages = self.conversation().messages().iter().enumerate();
                let inbound = messages.rev().filter(|(_, message)| !message.outgoing);
                let all: Vec<&str> = inbound.map(|(index, _)| truncate_input(self.new_text(index))).collect();
                text::language(&all.join("\n"))
            })
        })
    }

    /// How the newest inbound message was read, but for an opt-out, which may stand in any message.
    pub(super) fn reading(&self) -> MailReading {
        MailReading {
            quoted: self.quoted_traces().clone(),
            signals: self.automatic().signals.iter().map(signal_trace).collect(),
            language: self.language().map(str::to_owned),
            opt_out_words: None,
        }
    }

    fn newest_inbound_at(&self) -> Option<(usize, &Message)> {
        self.conversation().messages().iter().enumerate().rev().find(|(_, message)| !message.outgoing)
    }

    /// What the newest inbound message quotes, with the reason in words.
    fn quoted_traces(&self) -> &SharedList<QuotedTrace> {
        self.quoted_traces.get_or_init(|| {
            let Some((newest, _)) = self.newest_inbound_at() else { return SharedList::default() };
            let trace =
                |passage: &QuotedPassage| QuotedTrace { text: passage.text.clone(), why: self.why_quoted(passage) };
            self.quoted(newest).iter().take(MAX_PASSAGES).map(trace).collect()
        })
    }

    fn why_quoted(&self, passage: &QuotedPassage) -> String {
        match passage.reason {
            QuoteReason::Repeats(index) => format!("repeats {}", self.describe_message(index)),
            QuoteReason::Names(index) => format!("introduces a quote of {}", self.describe_message(index)),
            QuoteReason::QuoteMarks => "its lines begin with >".to_owned(),
            QuoteReason::Markup => "marked as a quote in HTML".to_owned(),
            QuoteReason::Attribution => "at or below a line such as “On … wrote:”".to_owned(),
            QuoteReason::Headers => "at or below copied headers".to_owned(),
            QuoteReason::ForwardMarker => "at or below a line that announces another message".to_owned(),
        }
    }

    /// `your message of Jan 5`; with the year where it is not that of the newest inbound message.
    fn describe_message(&self, index: usize) -> String {
        let Some(message) = self.conversation().messages().get(index) else { return "an earlier message".to_owned() };
        let whose = if message.outgoing { "your message" } else { "the lead's message" };
        let Some(at) = message.created_at.map(day) else { return whose.to_owned() };
        let newest = self.newest_inbound().and_then(|newest| newest.created_at).map(day);
        let is_this_year = newest.is_some_and(|newest| newest.year() == at.year());
        format!("{whose} of {}", at.strftime(if is_this_year { "%b %-d" } else { "%b %-d, %Y" }))
    }
}

// The day of a message, in UTC: where its writer was is not known.
pub(super) fn day(at: jiff::Timestamp) -> jiff::civil::Date {
    jiff::tz::TimeZone::UTC.to_datetime(at).date()
}

/// How long after ours a message came. Of two in one second, nobody knows which came first.
fn time_between(ours: &Message, theirs: &Message) -> Option<Duration> {
    let time = Duration::try_from(theirs.created_at?.duration_since(ours.created_at?)).ok()?;
    (time.as_secs() > 0).then_some(time)
}

fn signal_trace(signal: &Signal) -> SignalTrace {
    SignalTrace {
        kind: signal.kind.as_str().to_owned(),
        certainty: signal.certainty.as_str().to_owned(),
        words: signal.words.clone(),
        text: signal.kind.describe().to_owned(),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
