//! All words of all phrases in one tree, so that one walk over a word's letters finds every pattern that it fits.

mod tree;

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

use super::grammar::{Pattern, spell};
use super::sections::{Sections, Table};
use super::signs;
use crate::text::words::Word;
use tree::Tree;

/// A number that stands for one pattern.
pub(super) type Atom = u32;

/// The atoms that stand for any number and any address.
pub(super) const NUMBER: Atom = 0;
pub(super) const ADDRESS: Atom = 1;
const FIRST: Atom = 2;

/// Gives patterns their atoms, and then becomes the [`Vocabulary`].
#[derive(Debug, Default)]
pub(super) struct Collector {
    atoms: BTreeMap<Pattern, Atom>,
}

impl Collector {
    pub(super) fn atom(&mut self, pattern: &Pattern) -> Atom {
        match pattern {
            Pattern::Number => return NUMBER,
            Pattern::Address => return ADDRESS,
            Pattern::Exactly(_) | Pattern::BeginsWith(_) | Pattern::EndsWith(_) => {}
        }
        let next = FIRST + Atom::try_from(self.atoms.len()).unwrap_or(Atom::MAX - FIRST);
        *self.atoms.entry(pattern.clone()).or_insert(next)
    }

    /// How many atoms there are.
    pub(super) fn len(&self) -> usize {
        self.atoms.len() + FIRST as usize
    }

    pub(super) fn finish(self) -> Vocabulary {
        let (mut forward, mut backward) = (tree::Builder::default(), tree::Builder::default());
        let mut has_signs = false;
        for (pattern, atom) in self.atoms {
            match &pattern {
                Pattern::Exactly(word) => {
                    spellings(word).iter().for_each(|word| forward.insert(word.bytes(), atom, false));
                }
                Pattern::BeginsWith(start) => {
                    spellings(start).iter().for_each(|start| forward.insert(start.bytes(), atom, true));
                }
                Pattern::EndsWith(end) => {
                    spellings(end).iter().for_each(|end| backward.insert(end.bytes().rev(), atom, true));
                }
                Pattern::Number | Pattern::Address => {}
            }
            has_signs |= match &pattern {
                Pattern::Exactly(word) | Pattern::BeginsWith(word) | Pattern::EndsWith(word) => signs::has_sign(word),
                Pattern::Number | Pattern::Address => false,
            };
        }
        Vocabulary {
            forward: forward.finish(),
            backward: backward.finish(),
            has_signs: vec![u8::from(has_signs)].into(),
        }
    }
}

/// How a word of a phrase may be spelt in a mail: as it is, without its accents, and with the two letters that stand for an
/// umlaut where a keyboard has none. A mail's own accents are never taken off: `schön` is not `schon`.
pub(super) fn spellings(word: &str) -> Vec<String> {
    let mut all = vec![word.to_owned()];
    if !word.is_ascii() {
        all.push(without_accents(word));
        let digraphs = [("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("å", "aa"), ("ø", "oe"), ("æ", "ae")];
        all.push(digraphs.iter().fold(word.to_owned(), |word, (letter, two)| word.replace(letter, two)));
        // Romanian as older keyboards write it.
        all.push(word.replace('ș', "ş").replace('ț', "ţ"));
        all.sort_unstable();
        all.dedup();
    }
    all
}

fn without_accents(word: &str) -> String {
    let base = |c: char| match c {
        'ł' => 'l',
        'ø' => 'o',
        'đ' => 'd',
        'ı' => 'i',
        'ё' => 'е',
        other => other,
    };
    let mut out = String::new();
    for c in word.chars() {
        // In Cyrillic and in Asian scripts the mark makes another letter.
        if matches!(c, '\u{c0}'..='\u{17f}' | '\u{1e00}'..='\u{1eff}' | '\u{370}'..='\u{3ff}' | '\u{200}'..='\u{233}') {
            out.extend(
                std::iter::once(c).nfd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)).map(base),
            );
        } else {
            out.push(base(c));
        }
    }
    out
}

/// The finished tree.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    forward: Tree,
    backward: Tree,
    /// Whether any pattern has signs, as one number.
    has_signs: Table<u8>,
}

impl Vocabulary {
    /// Goes through its tables.
    pub(super) fn pass(&mut self, sections: &mut impl Sections) {
        self.forward.pass(sections);
        self.backward.pass(sections);
        sections.bytes(&mut self.has_signs);
    }

    /// All atoms that a word fits.
    pub(super) fn find(&self, word: &str, found: &mut Vec<Atom>) {
        if word.is_ascii() {
            let bytes = || word.bytes().filter(|b| *b != b'-').map(|b| b.to_ascii_lowercase());
            self.forward.walk(bytes(), found);
            self.backward.walk(bytes().rev(), found);
        } else {
            self.find_spelt(&spell(word), found);
        }
    }

    /// All atoms that a word fits, spelt as phrases compare it.
    pub(super) fn find_spelt(&self, spelt: &str, found: &mut Vec<Atom>) {
        self.forward.walk(spelt.bytes(), found);
        self.backward.walk(spelt.bytes().rev(), found);
    }

    /// All atoms that a word fits with the signs that it has in a text; `buffer` is for its spellings.
    pub(super) fn find_with_signs(&self, text: &str, word: &Word, buffer: &mut String, found: &mut Vec<Atom>) {
        if self.has_signs.first() != Some(&1) {
            return;
        }
        signs::with_signs(text, word, buffer, &mut |spelt| self.find_spelt(spelt, found));
    }
}

/// Numbers for pairs of atoms, in one word.
pub(super) fn pair(first: Atom, second: Atom) -> u64 {
    u64::from(first) << 32 | u64::from(second)
}

/// Hashes one number with one multiplication: the pairs are ours, nobody can choose them to collide.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct PairHasher(u64);

impl std::hash::Hasher for PairHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 29);
    }
}
