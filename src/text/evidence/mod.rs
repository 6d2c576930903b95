//! The thread is the evidence: a passage that repeats an earlier message of the thread is quoted text.
//!
//! How mail programs introduce a quote differs by program and language, and nobody knows them all. The quoted words
//! themselves are known: they are those of the messages before. A mail is compared with them word by word, without case,
//! accents, punctuation, links, line breaks and `>`, so that it does not matter how a program wraps or marks a quote. The
//! lines above a passage are its attribution if they name the message that it repeats.
//!
//! `words` reads texts as words, `index` holds the thread's, `coverage` says which words of a mail repeat them, `passages`
//! which of these are quoted, `naming` and `attribution` what introduces them, `mark` writes it all into the lines.

mod attribution;
mod coverage;
mod index;
mod mark;
mod naming;
mod passages;
mod words;

use coverage::Coverage;
use index::{Index, WINDOW};
use naming::{Names, read_names};
use words::{Folding, Words};

use super::lines::{self, Line};
pub(super) use mark::{Marked, Why};

/// A message of a thread, as evidence for what later ones quote.
#[derive(Debug, Clone, Copy, Default)]
pub struct Earlier<'a> {
    /// The sender, as an address or in the form `Name <a@b>`.
    pub from: Option<&'a str>,
    /// The recipient, in the same forms.
    pub to: Option<&'a str>,
    /// The subject line.
    pub subject: Option<&'a str>,
    /// When it was sent.
    pub date: Option<jiff::Timestamp>,
    /// The plain-text part.
    pub text: Option<&'a str>,
    /// The HTML part.
    pub html: Option<&'a str>,
    /// Whether we sent it.
    pub outgoing: bool,
}

/// The words of a thread's messages, each read once, to find them again in later messages.
///
/// The newest 60 messages are used, with at most 256 KiB of text in all, ours first.
#[derive(Debug)]
pub struct Evidence {
    names: Vec<Names>,
    index: Index,
    // The same without letters beyond ASCII, where a message has lost some.
    damaged: Option<Index>,
}

impl Evidence {
    /// Reads a thread's messages, oldest first: each is evidence for those after it.
    pub fn new(messages: &[Earlier<'_>]) -> Self {
        let is_damaged =
            messages.iter().any(|message| [message.text, message.html].into_iter().flatten().any(is_damaged));
        Self {
            names: read_names(messages),
            index: Index::new(messages, Folding::Base),
            damaged: is_damaged.then(|| Index::new(messages, Folding::Ascii)),
        }
    }

    /// Marks in a mail's lines what repeats the messages before `before`, and what introduces it.
    pub(super) fn mark(&self, lines: &[Line], before: usize) -> Marked {
        let damaged = self.damaged.as_ref().filter(|_| lines.iter().any(|line| is_damaged(&line.text)));
        let coverage = match damaged {
            Some(index) => Coverage::new(index, lines, before, Folding::Ascii),
            None => Coverage::new(&self.index, lines, before, Folding::Base),
        };
        let passages = passages::find_passages(&coverage, &self.names, before);
        let newest: Vec<usize> = (before.saturating_sub(2)..before).rev().collect();
        mark::mark(&coverage, &passages, &self.names, &newest)
    }

    /// How many words of a text repeat ones that we wrote first, in messages before `before`.
    pub(super) fn count_ours(&self, text: &str, before: usize) -> usize {
        let words = Words::from_lines(text.lines(), Folding::Base, index::MAX_WORDS).words;
        let ours = |position| self.index.source(position).is_some_and(|source| source.outgoing);
        words.windows(WINDOW).filter(|window| self.index.find(window, before).is_some_and(ours)).count()
    }
}

// Whether a server put other characters in the places of letters.
fn is_damaged(text: &str) -> bool {
    let text = lines::truncate(text, 64 * 1024);
    // The first bytes of the characters below: without any of them there is nothing to look at.
    if !text.bytes().any(|byte| matches!(byte, b'?' | 0xc3 | 0xe2 | 0xef)) {
        return false;
    }
    let mut before = [' '; 2];
    text.chars().any(|c| {
        let lost = before[1] == '?' && before[0].is_alphabetic() && c.is_alphabetic();
        let other = matches!((before[1], c), ('Ã', '\u{80}'..='¿') | ('â', '€')) || c == '\u{fffd}';
        before = [before[1], c];
        lost || other
    })
}
