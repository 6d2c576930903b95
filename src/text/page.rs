//! The lines of a mail with their words and phrases, for the questions about layout: what is quoted, what is a signature.

use std::ops::Range;

use super::document::Document;
use super::lines::{Line, Quote};
use super::normal::normalize;
use super::phrases::{Hit, Topic};
use super::words::{Gap, Word};

/// A quoted line of more bytes has no words here.
const SHORT: usize = 24;
/// The same where no ">" marks it.
const LONGEST_HEADER: usize = 100;

/// A mail's lines, read: quoted ones only as far as they are short.
pub(super) struct Page<'l> {
    pub(super) lines: &'l [Line],
    /// All lines as one text in its normal form.
    pub(super) document: Document,
    /// By line: its words, and its place in the document's text.
    words: Vec<Range<usize>>,
    texts: Vec<Range<usize>>,
}

impl<'l> Page<'l> {
    /// Reads the lines of a mail.
    pub(super) fn of(lines: &'l [Line]) -> Self {
        let mut text = String::with_capacity(lines.iter().map(|line| line.text.len() + 1).sum());
        let mut texts = Vec::with_capacity(lines.len());
        for line in lines {
            let start = text.len();
            // What is quoted is not asked about; of a short line, a ">" may be no sign of a quote but what was left of "<…>",
            // and one that markup quotes may be a header.
            let least = if line.text.starts_with('>') { SHORT } else { LONGEST_HEADER };
            if line.quote != Quote::Yes || line.text.len() <= least {
                text.push_str(normalize(&line.text).as_str());
            }
            texts.push(start..text.len());
            text.push('\n');
        }
        let document = Document::of_normal(text);
        let mut at = 0;
        let words = texts
            .iter()
            .map(|line| {
                let first = at;
                while document.words.get(at).is_some_and(|word| (word.start as usize) < line.end) {
                    at += 1;
                }
                first..at
            })
            .collect();
        Self { lines, document, words, texts }
    }

    /// The words of a line.
    pub(super) fn words(&self, line: usize) -> Range<usize> {
        self.words.get(line).cloned().unwrap_or_default()
    }

    /// Whether there is nothing to read on a line.
    pub(super) fn is_blank(&self, line: usize) -> bool {
        self.lines.get(line).is_none_or(Line::is_blank)
    }

    /// Some of the lines as a document of their own: what stood between them separates them no longer than a blank line.
    pub(super) fn document_of(&self, lines: &[usize]) -> Document {
        let mut text = String::new();
        let mut words = Vec::new();
        // By word of the page: its place among the words of these lines.
        let mut places: Vec<Option<u32>> = vec![None; self.document.words.len()];
        let mut before: Option<usize> = None;
        for line in lines {
            let is_next = before.is_none_or(|before| before + 1 == *line);
            let Some(range) = self.texts.get(*line) else { continue };
            let moved = text.len() as i64 - range.start as i64;
            text.push_str(self.text(*line));
            text.push('\n');
            for (index, at) in self.words(*line).enumerate() {
                let Some(word) = self.document.words.get(at) else { continue };
                let place = |place: u32| u32::try_from(i64::from(place) + moved).unwrap_or_default();
                let gap = if words.is_empty() || index == 0 && !is_next { Gap::Paragraph } else { word.gap };
                if let Some(found) = places.get_mut(at) {
                    *found = u32::try_from(words.len()).ok();
                }
                let begins = word.begins || gap >= Gap::Sentence;
                words.push(Word { start: place(word.start), end: place(word.end), kind: word.kind, gap, begins });
            }
            before = Some(*line);
        }
        Document { hits: self.document.hits.moved(&places), text, words }
    }

    /// The words of some lines.
    pub(super) fn words_of(&self, lines: Range<usize>) -> Range<usize> {
        let first = self.words(lines.start);
        let last = lines.end.checked_sub(1).map_or_else(|| first.clone(), |last| self.words(last));
        first.start..last.end.max(first.start)
    }

    /// A line in its normal form.
    pub(super) fn text(&self, line: usize) -> &str {
        self.texts.get(line).and_then(|range| self.document.text.get(range.clone())).unwrap_or_default()
    }

    /// Some lines in their normal form.
    pub(super) fn text_of(&self, lines: Range<usize>) -> &str {
        let first = self.texts.get(lines.start).map_or(0, |range| range.start);
        let last = lines.end.checked_sub(1).and_then(|last| self.texts.get(last)).map_or(first, |range| range.end);
        self.document.text.get(first..last.max(first)).unwrap_or_default()
    }

    /// Whether a topic is spoken of in a line, wholly within it.
    pub(super) fn has(&self, topic: Topic, line: usize) -> bool {
        self.document.hits.has(topic, self.words(line))
    }

    /// The longest phrase of a topic that a line begins with.
    pub(super) fn begins(&self, topic: Topic, line: usize) -> Option<&Hit> {
        let words = self.words(line);
        let hits = self.document.hits.within(topic, words.clone());
        hits.take_while(|hit| hit.first == words.start).max_by_key(|hit| hit.end)
    }

    /// What stands in a line behind a word, in the normal form.
    pub(super) fn behind(&self, word: usize, line: usize) -> &str {
        let end = self.texts.get(line).map_or(0, |range| range.end);
        let start = word.checked_sub(1).and_then(|at| self.document.words.get(at)).map_or(0, |word| word.end as usize);
        self.document.text.get(start..end).unwrap_or_default()
    }

    /// Where a place in the document's text stands in a line's own text, which may not be in its normal form.
    pub(super) fn original(&self, at: usize, line: usize) -> Option<usize> {
        let start = self.texts.get(line)?.start;
        let text = &self.lines.get(line)?.text;
        Some(normalize(text).original_range(at.checked_sub(start)?..at - start + 1).start)
    }
}
