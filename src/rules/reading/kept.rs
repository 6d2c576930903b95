//! What was read of messages, kept beside them: it is taken from there as long as this program would read the same.

use super::messages::ThreadMessages;
use crate::{
    model::{KeptAutoReply, KeptReading, KeptText, MailReading, Message, QuotedTrace, SharedList, SignalTrace},
    text::{self, AutoReply, AutoReplyKind, Automatic, Certainty, Signal, SignalKind},
};
use sha2::{Digest as _, Sha256};
use std::{fmt::Write as _, sync::OnceLock};

/// This version of the reader: a hash of all that decides what is read (`build.rs`).
const READER: &str = env!("REPLY_ROUTER_READER");

/// What this program would read of the messages.
pub(super) struct ValidReading {
    stamp: String,
    texts: Vec<Option<KeptText>>,
    quoted: SharedList<QuotedTrace>,
    automatic: Automatic,
    language: Option<&'static str>,
    opt_out: Option<String>,
    first_words: Option<Vec<String>>,
}

impl ValidReading {
    /// `None` if it is of other messages or of another reader, or no reader wrote it.
    pub(super) fn of(kept: KeptReading, messages: &[Message]) -> Option<Self> {
        if kept.stamp != stamp(READER, messages) || kept.texts.len() > messages.len() {
            return None;
        }
        let is_there =
            |text: &Option<KeptText>, message| text.as_ref().is_none_or(|text| resolve(text, message).is_some());
        if !kept.texts.iter().zip(messages).all(|(text, message)| is_there(text, message)) {
            return None;
        }
        let automatic = automatic(&kept.mail.signals, kept.auto_reply)?;
        let language = match &kept.mail.language {
            Some(code) => Some(text::known_language(code)?),
            None => None,
        };
        let first_words = kept.first_words.map(|words| words.split_whitespace().map(str::to_owned).collect());
        let MailReading { quoted, opt_out_words, .. } = kept.mail;
        let (stamp, texts) = (kept.stamp, kept.texts);
        Some(Self { stamp, texts, quoted, automatic, language, opt_out: opt_out_words, first_words })
    }

    /// Answers what is asked of the messages.
    pub(super) fn fill(self, messages: &mut ThreadMessages) {
        messages.stamp = OnceLock::from(self.stamp);
        messages.kept_texts = self.texts;
        messages.quoted_traces = OnceLock::from(self.quoted);
        messages.automatic = OnceLock::from(self.automatic);
        messages.language = OnceLock::from(self.language);
        messages.opt_out = OnceLock::from(self.opt_out);
        messages.first_words = self.first_words.map(OnceLock::from).unwrap_or_default();
    }
}

impl ThreadMessages {
    /// What was read of the messages, and what every decision asks of them.
    pub fn keep_reading(&self) -> KeptReading {
        let messages = self.conversation().messages();
        let newest = self.newest_inbound();
        // Its reading is everything's beginning.
        self.body();
        let texts = messages.iter().enumerate();
        let mut texts: Vec<Option<KeptText>> =
            texts.map(|(index, message)| Some(keep_text(self.known_text(index)?, message))).collect();
        texts.truncate(texts.iter().rposition(Option::is_some).map_or(0, |last| last + 1));
        KeptReading {
            stamp: self.stamp.get_or_init(|| stamp(READER, messages)).clone(),
            texts,
            mail: MailReading { opt_out_words: self.opt_out().map(str::to_owned), ..self.reading() },
            auto_reply: self
                .auto_reply()
                .map(|found| KeptAutoReply { kind: found.kind.as_str().to_owned(), back_on: found.back_on }),
            // Those of plain text are found at once.
            first_words: newest
                .filter(|message| !text::is_plain_text(message.text.as_deref()))
                .map(|_| self.first_words().join(" ")),
        }
    }

    /// The same with the new text of every message, which some rules tell.
    pub fn keep_whole_reading(&self) -> KeptReading {
        for index in 0..self.conversation().messages().len() {
            self.new_text(index);
        }
        self.keep_reading()
    }
}

fn keep_text(new_text: &str, message: &Message) -> KeptText {
    match message.text.as_deref().and_then(|text| text.find(new_text)) {
        Some(start) => KeptText::Part(start, start + new_text.len()),
        None => KeptText::Whole(new_text.to_owned()),
    }
}

/// The text that was kept of a message.
pub(super) fn resolve<'a>(kept: &'a KeptText, message: &'a Message) -> Option<&'a str> {
    match kept {
        KeptText::Part(start, end) => message.text.as_deref()?.get(*start..*end),
        KeptText::Whole(text) => Some(text),
    }
}

/// The signals, and the automatic mail that a certain one makes it. `None` if they do not fit each other.
fn automatic(signals: &[SignalTrace], kept: Option<KeptAutoReply>) -> Option<Automatic> {
    let signals: Vec<Signal> = signals.iter().map(signal).collect::<Option<_>>()?;
    let certain = signals.first().filter(|first| first.certainty == Certainty::Certain);
    let found = match (certain, kept) {
        (Some(first), Some(KeptAutoReply { kind, back_on })) => {
            let kind = AutoReplyKind::ALL.into_iter().find(|known| known.as_str() == kind)?;
            Some(AutoReply { kind, evidence: first.words.clone(), back_on })
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return None,
    };
    Some(Automatic { found, signals })
}

fn signal(trace: &SignalTrace) -> Option<Signal> {
    let kind = SignalKind::ALL.iter().find(|kind| kind.as_str() == trace.kind)?;
    let certainty = [Certainty::Certain, Certainty::Possible].into_iter();
    let certainty = certainty.into_iter().find(|certainty| certainty.as_str() == trace.certainty)?;
    Some(Signal { kind: *kind, certainty, words: trace.words.clone() })
}

/// What a reading stands for: the reader, and all of the messages that it reads.
fn stamp(reader: &str, messages: &[Message]) -> String {
    /// No text is so long.
    const ABSENT: u64 = u64::MAX;
    let mut hash = Sha256::new();
    let mut add = |part: Option<&[u8]>| {
        hash.update(part.map_or(ABSENT, |part| part.len() as u64).to_le_bytes());
        hash.update(part.unwrap_or_default());
    };
    add(Some(reader.as_bytes()));
    for message in messages {
        // Another field is read, or it is not: the compiler asks.
        let Message {
            id: _,
            from,
            to,
            subject,
            text,
            html,
            outgoing,
            is_read: _,
            created_at,
            message_id: _,
            attachments: _,
        } = message;
        for text in [from, to, subject, text, html] {
            add(text.as_deref().map(str::as_bytes));
        }
        add(Some(&[u8::from(*outgoing)]));
        add(created_at.map(|at| at.as_nanosecond().to_le_bytes()).as_ref().map(<[u8; 16]>::as_slice));
    }
    hash.finalize().iter().take(8).fold(String::with_capacity(16), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
