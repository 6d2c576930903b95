//! All phrases in one automaton: one walk over the words of a text finds each of them.
//!
//! A place is one word of some phrases. While the walk goes over a text it keeps the places that the last word reached, each
//! with the word its phrase began at. Most words begin some phrase, and few begin one that the next word goes on with:
//! therefore a table by pairs of words tells which phrases begin, and the places in use stay few. Where they may not, in
//! thousands of phrases that begin with the same words, places that are reached together are one state ([`states`]).

mod states;
mod walk;

use std::sync::Mutex;

use super::tables::Tables;
use super::vocabulary::{ADDRESS, Atom, NUMBER};
use super::whole_numbers::{is_plain, number_spellings};
use crate::text::words::{Word, WordKind};
use states::States;
use walk::Walk;

/// A phrase that was found: which one, and its first and last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) phrase: u32,
}

/// All phrases, ready to be looked for.
#[derive(Debug, Default)]
pub(super) struct Automaton {
    tables: Tables,
    /// What walks work with, kept for the next one: clearing it would cost more than a short mail.
    scratches: Mutex<Vec<Scratch>>,
}

/// What a walk works with. All of it is stamped by a clock that counts the words of all walks, so that what an earlier walk left
/// means nothing to the next.
#[derive(Debug, Default)]
struct Scratch {
    clock: u32,
    /// By place: when it was last reached.
    reached: Vec<u32>,
    /// By place: the word that the phrases began at which ended there first, since when.
    ended: Vec<(u32, u32)>,
    /// By atom: when its word was first found.
    met: Vec<u32>,
    /// By phrase: where it is first, since when.
    best: Vec<(u32, Found)>,
    states: States,
}

impl Automaton {
    pub(super) fn new(tables: Tables) -> Self {
        Self { tables, scratches: Mutex::default() }
    }

    /// Finds every phrase in the words of a text, each from where it begins first to where it ends last, by its first word.
    pub(super) fn find(&self, text: &str, words: &[Word]) -> Vec<Found> {
        let mut scratch = self.take_scratch(words.len());
        let mut found = Walk::run(self, text, words, false, &mut scratch);
        self.keep_scratch(scratch);
        found.sort_unstable_by_key(|found| (u64::from(found.first) << 32 | u64::from(found.phrase), found.last));
        // Of a phrase that may end at several words, the longest.
        found.dedup_by(|later, earlier| {
            let same = later.first == earlier.first && later.phrase == earlier.phrase;
            if same {
                earlier.last = earlier.last.max(later.last);
            }
            same
        });
        found
    }

    /// Finds each phrase once, where it begins first, to where it ends last from there; by its first word. However often
    /// phrases are in a text, and however many begin with the same words, that takes as long as to walk over it.
    pub(super) fn find_first(&self, text: &str, words: &[Word]) -> Vec<Found> {
        let mut scratch = self.take_scratch(words.len().saturating_mul(2));
        let found = states::find_first(self, text, words, &mut scratch);
        let mut found = found.unwrap_or_else(|| Walk::run(self, text, words, true, &mut scratch));
        self.keep_scratch(scratch);
        found.sort_unstable_by_key(|found| u64::from(found.first) << 32 | u64::from(found.phrase));
        found
    }

    /// What a walk over so many words works with.
    fn take_scratch(&self, words: usize) -> Scratch {
        let taken = self.scratches.lock().ok().and_then(|mut all| all.pop()).unwrap_or_default();
        let enough = u32::try_from(words).is_ok_and(|count| taken.clock.checked_add(count + 2).is_some());
        if enough { taken } else { Scratch::default() }
    }

    fn keep_scratch(&self, scratch: Scratch) {
        if let Ok(mut all) = self.scratches.lock() {
            all.push(scratch);
        }
    }

    /// What a word is; `spelt` is for its spellings.
    fn atoms(&self, text: &str, word: &Word, spelt: &mut String, atoms: &mut Vec<Atom>) {
        atoms.clear();
        match word.kind {
            WordKind::Address => atoms.push(ADDRESS),
            WordKind::Link => {}
            WordKind::Number | WordKind::CodeNumber | WordKind::Letters => {
                let written = text.get(word.range()).unwrap_or_default();
                if word.kind == WordKind::Letters || is_plain(written) {
                    self.tables.vocabulary.find(written, atoms);
                } else {
                    number_spellings(written).iter().for_each(|spelt| self.tables.vocabulary.find_spelt(spelt, atoms));
                }
                if word.kind != WordKind::Letters {
                    atoms.push(NUMBER);
                }
                self.tables.vocabulary.find_with_signs(text, word, spelt, atoms);
            }
        }
    }
}

impl Scratch {
    /// Makes room for what finds each phrase once.
    fn reserve_first(&mut self, automaton: &Automaton) {
        self.met.resize(automaton.tables.atoms(), 0);
        self.best.resize(automaton.tables.phrases(), (0, Found { first: 0, last: 0, phrase: 0 }));
    }

    /// Notes a match in a walk that began at that time; of each phrase the first counts, to its last end.
    fn note_first(&mut self, began: u32, one: Found, found: &mut Vec<Found>) {
        let Some((since, best)) = self.best.get_mut(one.phrase as usize) else { return };
        if *since < began {
            (*since, *best) = (self.clock, one);
            found.push(one);
        } else if (one.first, std::cmp::Reverse(one.last)) < (best.first, std::cmp::Reverse(best.last)) {
            *best = one;
        }
    }

    /// Whether the word of an atom is met for the first time in a walk that began at that time.
    fn meet(&mut self, began: u32, atom: Atom) -> bool {
        let Some(met) = self.met.get_mut(atom as usize) else { return true };
        let is_new = *met < began;
        if is_new {
            *met = self.clock;
        }
        is_new
    }

    /// Each was noted when it was found first: it may begin earlier, or end later, than it did then.
    fn put_best(&self, found: &mut [Found]) {
        for one in found {
            if let Some((_, best)) = self.best.get(one.phrase as usize) {
                *one = *best;
            }
        }
    }
}

/// Whether a phrase may begin with a word: the number of a code stands behind the rest of it.
fn may_begin(words: &[Word], at: u32) -> bool {
    words.get(at as usize).is_some_and(|word| word.kind != WordKind::CodeNumber)
}

fn is_beginning(words: &[Word], at: u32) -> bool {
    words.get(at as usize).is_none_or(|word| word.begins)
}

/// Whether a sentence or a line ends with a word.
fn is_end(words: &[Word], at: u32) -> bool {
    is_beginning(words, at.saturating_add(1))
}

#[cfg(test)]
mod tests;
