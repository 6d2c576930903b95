//! A text that is ready for questions: its normal form, its words, and every phrase in it.

use std::ops::Range;

use super::normal::normalize;
use super::phrases::{Hit, Hits, Phrasebook, Topic};
use super::words::{Gap, Word, words};

/// A sentence of a text: words without a full stop, a blank line or the like between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sentence {
    /// Its words.
    pub(super) words: Range<usize>,
    /// Whether a question mark ends it.
    pub(super) is_question: bool,
}

/// A text, read.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The normal form; positions of words are positions in it.
    pub(super) text: String,
    pub(super) words: Vec<Word>,
    pub(super) hits: Hits,
}

impl Document {
    /// Reads a text.
    pub(super) fn of(text: &str) -> Self {
        Self::of_normal(normalize(text).as_str().to_owned())
    }

    /// Reads a text that is in its normal form.
    pub(super) fn of_normal(text: String) -> Self {
        let words = words(&text);
        let hits = Phrasebook::get().find(&text, &words);
        Self { text, words, hits }
    }

    /// The language that most of its common words belong to, as its ISO 639-1 code.
    pub(super) fn language(&self) -> Option<&'static str> {
        Phrasebook::get().language(&self.hits)
    }

    /// Some words as they stand in the text, with what stands between them.
    pub(super) fn text_of(&self, words: Range<usize>) -> &str {
        let first = self.words.get(words.start).map_or(self.text.len(), |word| word.start as usize);
        let last =
            words.end.checked_sub(1).and_then(|last| self.words.get(last)).map_or(first, |word| word.end as usize);
        self.text.get(first..last).unwrap_or_default()
    }

    /// The words of a hit.
    pub(super) fn text_of_hit(&self, hit: &Hit) -> String {
        self.text_of(hit.first..hit.end).to_owned()
    }

    /// What stands between the word before `at` and the word `at`.
    pub(super) fn between(&self, at: usize) -> &str {
        let from = at.checked_sub(1).and_then(|before| self.words.get(before)).map_or(0, |word| word.end as usize);
        let to = self.words.get(at).map_or(self.text.len(), |word| word.start as usize);
        self.text.get(from..to).unwrap_or_default()
    }

    /// The first hit of a topic, as its words.
    pub(super) fn first(&self, topic: Topic) -> Option<String> {
        self.hits.of(topic).first().map(|hit| self.text_of_hit(hit))
    }

    /// Whether a topic is spoken of.
    pub(super) fn has(&self, topic: Topic) -> bool {
        !self.hits.of(topic).is_empty()
    }

    /// The text in sentences. A line that no program would have broken ends one, too, if `lines` says so.
    pub(super) fn sentences(&self, lines: bool) -> Vec<Sentence> {
        let mut out = Vec::new();
        let mut first = 0;
        for at in 1..=self.words.len() {
            let gap = self.words.get(at).map_or(Gap::Paragraph, |word| word.gap);
            if gap >= Gap::Sentence || lines && gap == Gap::Line || self.breaks_line_within(gap, at, lines) {
                let is_question = self.between(at).contains(['?', '؟']);
                out.push(Sentence { words: first..at, is_question });
                first = at;
            }
        }
        out
    }

    // A comma at the end of a short line ("Hi,") separates as the line does.
    fn breaks_line_within(&self, gap: Gap, at: usize, lines: bool) -> bool {
        lines && gap == Gap::Comma && self.between(at).contains('\n')
    }
}
