//! The word sequences of a thread, to look up where a passage was written first.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use super::Earlier;
use super::words::{Folding, Word, Words, fold_into, mix};
use crate::text::{html, layout, lines};

/// This many words in a row are a repetition.
pub(super) const WINDOW: usize = 4;
/// Only this many of the newest messages are indexed, and this much of their text.
const MAX_MESSAGES: usize = 60;
const MAX_TEXT: usize = 256 * 1024;
/// One message's share: a huge one must not keep the others out.
const MAX_MESSAGE_TEXT: usize = 64 * 1024;
/// No mail has more words that are looked at.
pub(super) const MAX_WORDS: usize = 128 * 1024;

// By the hash of words; it is mixed, and seeded anew in each process, so that it needs no second hash.
type Positions = HashMap<u64, usize, BuildHasherDefault<Mixed>>;

/// A number that is a hash already.
#[derive(Debug, Default, Clone, Copy)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = mix(self.0 ^ u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// One text of one message, as words.
#[derive(Debug)]
pub(super) struct Source {
    /// The message's index.
    pub(super) message: usize,
    /// Whether we wrote it.
    pub(super) outgoing: bool,
    /// Its words, by their positions in the index.
    pub(super) words: Range<usize>,
}

/// All words of a thread's messages, oldest first.
#[derive(Debug)]
pub(super) struct Index {
    sources: Vec<Source>,
    hashes: Vec<u64>,
    // The folded words, for those that a quote cuts in two.
    text: String,
    ends: Vec<usize>,
    // Whether a link stands before the word at the position.
    links: Vec<bool>,
    // Whether the word at the position begins a line.
    breaks: Vec<bool>,
    // Where each sequence of `WINDOW` words stands first.
    windows: Positions,
    // A message's first or last words, or all of them, where they are fewer than a window.
    edges: Positions,
}

impl Index {
    pub(super) fn new(messages: &[Earlier<'_>], folding: Folding) -> Self {
        let mut index = Self {
            sources: Vec::new(),
            hashes: Vec::new(),
            text: String::new(),
            ends: Vec::new(),
            links: Vec::new(),
            breaks: Vec::new(),
            windows: Positions::default(),
            edges: Positions::default(),
        };
        // Nothing follows the last message that could quote it.
        let earlier = messages.split_last().map_or(messages, |(_, earlier)| earlier);
        for message in chosen(earlier) {
            if let Some(earlier) = messages.get(message) {
                index.add(message, earlier, folding);
            }
        }
        index
    }

    fn add(&mut self, message: usize, earlier: &Earlier<'_>, folding: Folding) {
        let plain = earlier.text.filter(|text| !text.trim().is_empty());
        let plain_lines = match plain {
            Some(text) if html::looks_like_html(text) => {
                layout::html_lines(lines::truncate(text, MAX_MESSAGE_TEXT * 4))
            }
            Some(text) => lines::from_text(lines::truncate(text, MAX_MESSAGE_TEXT)),
            None => Vec::new(),
        };
        let first = self.add_lines(message, earlier.outgoing, &plain_lines, folding, None);
        if let Some(html) = earlier.html {
            let lines = layout::html_lines(lines::truncate(html, MAX_MESSAGE_TEXT * 4));
            self.add_lines(message, earlier.outgoing, &lines, folding, first);
        }
    }

    // `same`: another source with the same words makes this one needless.
    fn add_lines(
        &mut self,
        message: usize,
        outgoing: bool,
        lines: &[lines::Line],
        folding: Folding,
        same: Option<Range<usize>>,
    ) -> Option<Range<usize>> {
        let read = Words::from_lines(lines.iter().map(|line| line.text.as_str()), folding, MAX_WORDS);
        if read.words.is_empty() {
            return None;
        }
        let known = same.and_then(|same| self.hashes.get(same));
        if known.is_some_and(|known| known.iter().eq(read.words.iter().map(|word| &word.hash))) {
            return None;
        }
        let start = self.hashes.len();
        let mut line = usize::MAX;
        for word in &read.words {
            self.breaks.push(word.line != line);
            line = word.line;
            self.hashes.push(word.hash);
            let text = lines.get(word.line).and_then(|line| line.text.get(word.start..word.end)).unwrap_or_default();
            fold_into(&mut self.text, text);
            self.ends.push(self.text.len());
        }
        self.links.resize(self.hashes.len() + 1, false);
        for before in &read.links {
            if let Some(link) = self.links.get_mut(start + before) {
                *link = true;
            }
        }
        let words = start..self.hashes.len();
        let hashes = self.hashes.get(words.clone()).unwrap_or_default();
        self.windows.reserve(hashes.len());
        for (offset, window) in hashes.windows(WINDOW).enumerate() {
            self.windows.entry(hash(window)).or_insert(start + offset);
        }
        for count in 1..WINDOW.min(hashes.len() + 1) {
            let (first, last) = (hashes.get(..count), hashes.get(hashes.len() - count..));
            self.edges.entry(hash(first.unwrap_or_default())).or_insert(start);
            self.edges.entry(hash(last.unwrap_or_default())).or_insert(words.end - count);
        }
        self.sources.push(Source { message, outgoing, words: words.clone() });
        Some(words)
    }

    /// The source of the word at a position.
    pub(super) fn source(&self, position: usize) -> Option<&Source> {
        let at = self.sources.partition_point(|source| source.words.end <= position);
        self.sources.get(at).filter(|source| source.words.contains(&position))
    }

    /// Where these words stand first, if that is in a message before `before`.
    pub(super) fn find(&self, words: &[Word], before: usize) -> Option<usize> {
        let position = *self.windows.get(&hash_words(words))?;
        self.source(position).is_some_and(|source| source.message < before).then_some(position)
    }

    /// Where a message begins or ends with these few words.
    pub(super) fn find_edge(&self, words: &[Word], before: usize) -> Option<usize> {
        let position = *self.edges.get(&hash_words(words))?;
        self.source(position).is_some_and(|source| source.message < before).then_some(position)
    }

    /// The word at a position, as it is compared.
    pub(super) fn hash(&self, position: usize) -> Option<u64> {
        self.hashes.get(position).copied()
    }

    /// The word at a position, in lower case and without accents.
    pub(super) fn word(&self, position: usize) -> &str {
        let start = position.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(position).and_then(|end| self.text.get(start..*end)).unwrap_or_default()
    }

    /// Whether the word at a position begins a line.
    pub(super) fn begins_line(&self, position: usize) -> bool {
        self.breaks.get(position).copied().unwrap_or(false)
    }

    /// Whether a link stands before one of these words.
    pub(super) fn has_link(&self, positions: Range<usize>) -> bool {
        self.links.get(positions.start..positions.end.min(self.links.len())).is_some_and(|links| links.contains(&true))
    }
}

fn hash(words: &[u64]) -> u64 {
    words.iter().fold(words.len() as u64, |all, word| mix(all.rotate_left(7) ^ word))
}

fn hash_words(words: &[Word]) -> u64 {
    words.iter().fold(words.len() as u64, |all, word| mix(all.rotate_left(7) ^ word.hash))
}

// The messages that are indexed, oldest first: of the newest, ours before the others', as far as there is room.
fn chosen(messages: &[Earlier<'_>]) -> Vec<usize> {
    let oldest = messages.len().saturating_sub(MAX_MESSAGES);
    let newest = || messages.iter().enumerate().skip(oldest).rev();
    let ours = newest().filter(|(_, message)| message.outgoing);
    let theirs = newest().filter(|(_, message)| !message.outgoing);
    let mut room = MAX_TEXT;
    let mut chosen = Vec::new();
    for (index, message) in ours.chain(theirs) {
        let text = message.text.map_or(0, str::len).min(MAX_MESSAGE_TEXT);
        // Most of HTML is no text.
        let html = message.html.map_or(0, |html| html.len() / 4).min(MAX_MESSAGE_TEXT);
        let size = text + html;
        if size == 0 {
            continue;
        }
        if size > room {
            break;
        }
        room -= size;
        chosen.push(index);
    }
    chosen.sort_unstable();
    chosen
}
