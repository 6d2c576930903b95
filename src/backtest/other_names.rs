//! The names of people of other events, to be found in any text.
//!
//! A word is replaced as it is written in a name, so that ordinary words stay what rules look for; what is both a name and an
//! ordinary word only in a whole name. Companies are not among them: too many are called what rules ask for.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

/// A shorter word is no name by itself, in characters.
const MIN_NAME: usize = 3;

/// Hashes of names: an export may have a hundred thousand people, and nobody is to be read out of this.
#[derive(Debug, Default)]
pub(super) struct OtherNames {
    hasher: RandomState,
    words: HashSet<u64>,
    /// Of two words that follow one another, in small letters.
    pairs: HashSet<(u64, u64)>,
    /// Of two that are ordinary words, as they are written.
    written_pairs: HashSet<(u64, u64)>,
}

impl OtherNames {
    /// Takes in the words of a name.
    pub(super) fn learn(&mut self, words: &[&str], is_ordinary: impl Fn(&str) -> bool) {
        let is_capital = |word: &&&str| word.chars().next().is_some_and(char::is_uppercase);
        let alone = words.iter().filter(is_capital).filter(|word| word.chars().count() >= MIN_NAME);
        for word in alone.filter(|word| !is_ordinary(word)) {
            self.words.insert(self.hash(word));
            self.words.insert(self.hash(&word.to_uppercase()));
        }
        for pair in words.windows(2) {
            let [one, other] = pair else { continue };
            // “May Call” is a name, “may call” is none.
            match is_ordinary(one) && is_ordinary(other) {
                true => self.written_pairs.insert((self.hash(one), self.hash(other))),
                false => self.pairs.insert((self.small(one), self.small(other))),
            };
        }
    }

    fn hash(&self, word: &str) -> u64 {
        self.hasher.hash_one(word)
    }

    fn small(&self, word: &str) -> u64 {
        self.hash(&word.to_lowercase())
    }

    /// Whether two words that follow one another are a name.
    fn is_pair(&self, one: &str, other: &str) -> bool {
        self.pairs.contains(&(self.small(one), self.small(other)))
            || self.written_pairs.contains(&(self.hash(one), self.hash(other)))
    }

    /// The text with the names in it replaced.
    pub(super) fn replace(&self, text: &str, with: impl Fn(&str) -> String) -> String {
        if self.words.is_empty() && self.pairs.is_empty() && self.written_pairs.is_empty() {
            return text.to_owned();
        }
        let words = word_ranges(text);
        let word = |place: usize| words.get(place).and_then(|range| text.get(range.clone())).unwrap_or_default();
        // Whether a word and the next one are a name.
        let is_pair: Vec<bool> = (0..words.len())
            .map(|place| {
                let (Some(one), Some(other)) = (words.get(place), words.get(place + 1)) else { return false };
                let between = text.get(one.end..other.start).unwrap_or_default();
                between.chars().all(|c| c == ' ' || c == '\u{a0}' || c == '-')
                    && self.is_pair(word(place), word(place + 1))
            })
            .collect();
        let mut replaced = String::with_capacity(text.len());
        let mut from = 0;
        for (place, range) in words.iter().enumerate() {
            let in_pair = is_pair.get(place) == Some(&true) || (place > 0 && is_pair.get(place - 1) == Some(&true));
            if in_pair || self.words.contains(&self.hash(word(place))) {
                replaced.push_str(text.get(from..range.start).unwrap_or_default());
                replaced.push_str(&with(word(place)));
                from = range.end;
            }
        }
        replaced.push_str(text.get(from..).unwrap_or_default());
        replaced
    }
}

/// Where the words of a text are.
pub(super) fn word_ranges(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices() {
        match (c.is_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                ranges.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    ranges.extend(start.map(|from| from..text.len()));
    ranges
}
