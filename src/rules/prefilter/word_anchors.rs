//! Texts that a whole word shows, such as `api number 17`: only where a text has that word is the rest compared.
//!
//! Of the whole words of each text one is its anchor, the one that the fewest texts have. A mail is cut into words eight bytes
//! at a time; the end of each, up to eight bytes, is a key, and a small table of bits tells of nearly all that they are no
//! anchor. What shares a key is told apart by comparing.

use super::{LiteralHits, RequiredText};
use crate::rules::folding::{fold_byte, is_word};
use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    ops::Range,
};

/// A word that anchors more texts than this is none: they would all be compared wherever it stands.
const MAX_TEXTS: usize = 64;
/// So many bits of the table for each key: one in sixteen other words is looked up in vain.
const BITS_PER_KEY: usize = 16;

/// Texts by their anchors.
#[derive(Debug, Clone, Default)]
pub(super) struct WordAnchors {
    /// One bit by the hash of a key.
    bits: Box<[u64]>,
    texts: HashMap<u64, Box<[AnchoredText]>, BuildHasherDefault<KeyHasher>>,
}

#[derive(Debug, Clone)]
struct AnchoredText {
    id: u32,
    text: Box<[u8]>,
    /// Where its anchor ends.
    anchor_end: usize,
    starts_word: bool,
    ends_word: bool,
}

impl WordAnchors {
    /// Takes those of the texts that have an anchor, each with its place as its number; tells the others'.
    pub(super) fn build(texts: &[RequiredText]) -> (Self, Vec<usize>) {
        let mut counts: HashMap<&[u8], usize> = HashMap::new();
        for required in texts {
            let mut words: Vec<&[u8]> = whole_words(required).map(|(word, _)| word).collect();
            words.sort_unstable();
            words.dedup();
            words.into_iter().for_each(|word| *counts.entry(word).or_default() += 1);
        }
        let count = |word: &[u8]| counts.get(word).copied().unwrap_or(usize::MAX);
        let mut by_key: HashMap<u64, Vec<AnchoredText>, BuildHasherDefault<KeyHasher>> = HashMap::default();
        let mut others = Vec::new();
        for (place, required) in texts.iter().enumerate() {
            let rarest = whole_words(required).min_by_key(|(word, _)| (count(word), usize::MAX - word.len()));
            let anchored = rarest.and_then(|(word, range)| {
                let texts = by_key.entry(key_of(word)).or_default();
                let id = u32::try_from(place).ok().filter(|_| texts.len() < MAX_TEXTS)?;
                texts.push(AnchoredText {
                    id,
                    text: required.text.as_bytes().into(),
                    anchor_end: range.end,
                    starts_word: required.starts_word,
                    ends_word: required.ends_word,
                });
                Some(())
            });
            if anchored.is_none() {
                others.push(place);
            }
        }
        let mut bits = vec![0u64; (by_key.len() * BITS_PER_KEY).div_ceil(64).next_power_of_two()];
        let count = bits.len();
        for key in by_key.keys() {
            let (word, bit) = place_of(*key, count);
            if let Some(word) = bits.get_mut(word) {
                *word |= bit;
            }
        }
        let texts = by_key.into_iter().map(|(key, texts)| (key, texts.into_boxed_slice())).collect();
        (Self { bits: bits.into(), texts }, others)
    }

    /// Looks at a text, folded beyond ASCII.
    pub(super) fn scan(&self, text: &[u8], hits: &mut LiteralHits) {
        if self.texts.is_empty() {
            return;
        }
        // Of the block before and of this one: a bit for each byte of a word.
        let (mut before, mut at) = (0u64, 0);
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        let mut last = [0; BLOCK];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        // Behind the last byte stands one that is of no word: there a word at the end ends.
        for block in blocks.iter().chain([&last]) {
            let words = words_in(block);
            let both = u128::from(words) << 64 | u128::from(before);
            let mut ends = !words & (words << 1 | before >> 63);
            while ends != 0 {
                let bit = ends.trailing_zeros();
                ends &= ends - 1;
                let length = (both >> (64 + bit - 8) & 0xff) as u8;
                let end = at + bit as usize;
                let key = key_before(text, end, length.leading_ones());
                let (word, bit) = place_of(key, self.bits.len());
                if self.bits.get(word).is_some_and(|word| word & bit != 0) {
                    self.compare(text, end, key, hits);
                }
            }
            before = words;
            at += BLOCK;
        }
    }

    /// Looks for the texts of an anchor whose key was found before `end`.
    #[inline(never)]
    fn compare(&self, text: &[u8], end: usize, key: u64, hits: &mut LiteralHits) {
        for anchored in self.texts.get(&key).into_iter().flatten() {
            if !hits.has(anchored.id) && anchored.fits(text, end) {
                hits.insert(anchored.id);
            }
        }
    }
}

impl AnchoredText {
    /// Whether it stands where its anchor ends at `end`.
    fn fits(&self, text: &[u8], end: usize) -> bool {
        let (until, from) = self.text.split_at_checked(self.anchor_end).unwrap_or_default();
        let (Some(start), Some(end)) = (starts_at(text, end, until), ends_at(text, end, from)) else { return false };
        let before = start.checked_sub(1).and_then(|before| text.get(before));
        !(self.starts_word && before.is_some_and(|byte| is_word(*byte))
            || self.ends_word && text.get(end).is_some_and(|byte| is_word(*byte)))
    }
}

/// Where a part that ends at `end` starts, if it is there. A run of white space is one byte of it.
fn starts_at(text: &[u8], end: usize, part: &[u8]) -> Option<usize> {
    let byte_before = |at: usize| Some(fold_byte(*text.get(at.checked_sub(1)?)?));
    let mut at = end;
    for byte in part.iter().rev() {
        if byte_before(at)? != *byte {
            return None;
        }
        at -= 1;
        while *byte == b' ' && byte_before(at) == Some(b' ') {
            at -= 1;
        }
    }
    Some(at)
}

/// Where a part that starts at `start` ends, if it is there. A run of white space is one byte of it.
fn ends_at(text: &[u8], start: usize, part: &[u8]) -> Option<usize> {
    let byte_at = |at: usize| text.get(at).map(|byte| fold_byte(*byte));
    let mut at = start;
    for byte in part {
        if byte_at(at)? != *byte {
            return None;
        }
        at += 1;
        while *byte == b' ' && byte_at(at) == Some(b' ') {
            at += 1;
        }
    }
    Some(at)
}

/// The words that a text shows whole, wherever it is found: no character of a word stands beside them.
fn whole_words(required: &RequiredText) -> impl Iterator<Item = (&[u8], Range<usize>)> {
    let bytes = required.text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + bytes.get(at..)?.iter().position(|byte| is_word(*byte))?;
            let length = bytes.get(start..)?.iter().position(|byte| !is_word(*byte));
            let end = length.map_or(bytes.len(), |length| start + length);
            at = end;
            let is_whole = (start > 0 || required.starts_word) && (end < bytes.len() || required.ends_word);
            if is_whole {
                return Some((bytes.get(start..end)?, start..end));
            }
        }
    })
}

/// How many bytes are looked at at once.
const BLOCK: usize = 64;
/// A bit by which small letters differ from capitals, in each byte. All other bytes of words differ without it.
const SMALL: u64 = 0x2020_2020_2020_2020;

/// The last eight bytes of a word, or all of it.
fn key_of(word: &[u8]) -> u64 {
    key_before(word, word.len(), u32::try_from(word.len()).unwrap_or(8).min(8))
}

/// The key of the word before `end`, of whose bytes the last `length` count.
fn key_before(text: &[u8], end: usize, length: u32) -> u64 {
    let eight = match end.checked_sub(8).and_then(|start| text.get(start..end)?.as_array::<8>()) {
        Some(eight) => u64::from_le_bytes(*eight),
        // At the beginning of the text.
        None => text.iter().take(end).fold(0, |all, byte| all >> 8 | u64::from(*byte) << 56),
    };
    eight.checked_shr(64 - 8 * length).unwrap_or_default() | SMALL
}

/// In which word of the table, and at which bit of it, a key has its bit. The table's size is a power of two.
fn place_of(key: u64, size: usize) -> (usize, u64) {
    let hash = spread(key);
    ((hash >> 32) as usize & (size - 1), 1 << (hash >> 58))
}

fn spread(key: u64) -> u64 {
    key.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Hashes a key. Rules choose the keys of the table, and no mail does.
#[derive(Debug, Default, Clone, Copy)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(self.0 ^ u64::from(*byte)));
    }

    fn write_u64(&mut self, key: u64) {
        let hash = spread(key);
        self.0 = hash ^ hash >> 29;
    }
}

/// Which bytes of a block are of words, one bit each.
fn words_in(block: &[u8; BLOCK]) -> u64 {
    let mut all = 0;
    let (eights, _) = block.as_chunks::<8>();
    for (index, eight) in eights.iter().enumerate() {
        all |= words_in_eight(u64::from_le_bytes(*eight)) << (8 * index);
    }
    all
}

/// Which of eight bytes are of words: `is_word` of each, without a branch.
fn words_in_eight(bytes: u64) -> u64 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const fn each(byte: u8) -> u64 {
        0x0101_0101_0101_0101 * byte as u64
    }
    // Of bytes below 0x80, the highest bit says whether they are from `first` to `last`.
    const fn between(bytes: u64, first: u8, last: u8) -> u64 {
        (bytes + each(0x80 - first)) & !(bytes + each(0x7f - last))
    }
    let low = bytes & !HIGH;
    let words = between(low | SMALL, b'a', b'z') | between(low, b'0', b'9') | between(low, b'_', b'_');
    let ascii_words = words & HIGH & !bytes;
    // The highest bits, side by side.
    (ascii_words >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_of_a_word_or_not() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut bytes = [b' '; 8];
                bytes[place] = byte;
                let expected = u64::from(is_word(byte)) << place;
                assert_eq!(words_in_eight(u64::from_le_bytes(bytes)), expected, "{byte:#x} at {place}");
            }
        }
    }

    #[test]
    fn words_are_whole_where_something_else_stands_beside_them() {
        let words = |text: &str, starts_word, ends_word| {
            let required = RequiredText { text: text.to_owned(), starts_word, ends_word };
            whole_words(&required).map(|(word, _)| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(words("api no. 17", false, false), ["no"]);
        assert_eq!(words("api no. 17", true, true), ["api", "no", "17"]);
        assert_eq!(words("été 17", false, true), ["t", "17"]);
        assert_eq!(words("call", true, false), Vec::<String>::new());
        assert_eq!(words(" call ", false, false), ["call"]);
    }

    /// Words of every length, at every place in a block and over its end.
    #[test]
    fn words_are_found_wherever_they_stand() {
        for length in 1..40 {
            let word = "Qx".repeat(length).get(..length).unwrap().to_owned();
            let required = RequiredText { text: word.to_lowercase(), starts_word: true, ends_word: true };
            let (anchors, others) = WordAnchors::build(&[required]);
            assert!(others.is_empty());
            let found = |text: &str| {
                let mut hits = LiteralHits::none(1);
                anchors.scan(text.as_bytes(), &mut hits);
                hits.has(0)
            };
            for before in 0..140 {
                let mut text = " ".repeat(before) + &word;
                assert!(found(&text), "{length} at {before}, at the end");
                text.push_str(", and more");
                assert!(found(&text), "{length} at {before}");
                assert!(!found(&text.replace(',', "y")), "{length} at {before}, within a word");
                assert!(!found(&text.replace(&word, &format!("y{word}"))), "{length} at {before}, behind a letter");
            }
        }
    }

    #[test]
    fn a_word_of_too_many_texts_is_no_anchor() {
        let text = |number: usize| RequiredText {
            text: format!("call{}x", ":".repeat(number + 1)),
            starts_word: true,
            ends_word: false,
        };
        let texts: Vec<RequiredText> = (0..MAX_TEXTS + 3).map(text).collect();
        assert_eq!(WordAnchors::build(&texts).1, [MAX_TEXTS, MAX_TEXTS + 1, MAX_TEXTS + 2]);
    }
}
