//! Texts that no whole word shows, such as `pric`: an automaton looks at each byte.

use super::{LiteralHits, RequiredText};
use crate::rules::folding::{fold_byte, is_word};
use aho_corasick::{
    Anchored, MatchKind,
    automaton::Automaton,
    dfa,
    nfa::{contiguous, noncontiguous},
};

/// An automaton of fragments.
#[derive(Debug, Clone)]
pub(super) struct Fragments {
    automaton: Automata,
    texts: Vec<Fragment>,
}

#[derive(Debug, Clone)]
enum Automata {
    Table(dfa::DFA),
    Small(contiguous::NFA),
}

/// What must hold where a text was found.
#[derive(Debug, Clone, Copy)]
struct Fragment {
    id: u32,
    len: usize,
    starts_word: bool,
    ends_word: bool,
}

impl Fragments {
    /// Takes texts with their numbers. A table larger than `max_table_bytes` is not made; a smaller automaton takes its
    /// place. `None` where it is too much.
    pub(super) fn build(texts: &[(u32, &RequiredText)], max_table_bytes: usize) -> Option<Self> {
        let mut builder = noncontiguous::Builder::new();
        builder.match_kind(MatchKind::Standard).prefilter(false);
        let found = builder.build(texts.iter().map(|(_, required)| required.text.as_bytes())).ok()?;
        let automaton = if table_bytes(texts) <= max_table_bytes {
            let mut builder = dfa::Builder::new();
            builder.prefilter(false).start_kind(aho_corasick::StartKind::Unanchored);
            Automata::Table(builder.build_from_noncontiguous(&found).ok()?)
        } else {
            Automata::Small(contiguous::Builder::new().prefilter(false).build_from_noncontiguous(&found).ok()?)
        };
        let texts = texts.iter().map(|(id, required)| Fragment {
            id: *id,
            len: required.text.len(),
            starts_word: required.starts_word,
            ends_word: required.ends_word,
        });
        Some(Self { automaton, texts: texts.collect() })
    }

    #[cfg(test)]
    pub(super) fn is_table(&self) -> bool {
        matches!(self.automaton, Automata::Table(_))
    }

    /// Looks at a text, folded beyond ASCII.
    pub(super) fn scan(&self, text: &[u8], hits: &mut LiteralHits) {
        match &self.automaton {
            Automata::Table(automaton) => self.run(automaton, text, hits),
            Automata::Small(automaton) => self.run(automaton, text, hits),
        }
    }

    fn run<A: Automaton>(&self, automaton: &A, text: &[u8], hits: &mut LiteralHits) {
        let Ok(mut state) = automaton.start_state(Anchored::No) else { return };
        let mut was_space = false;
        for (at, byte) in text.iter().enumerate() {
            let byte = fold_byte(*byte);
            let is_space = byte == b' ';
            if is_space && was_space {
                continue;
            }
            was_space = is_space;
            state = automaton.next_state(Anchored::No, state, byte);
            if automaton.is_special(state) && automaton.is_match(state) {
                for index in 0..automaton.match_len(state) {
                    if let Some(fragment) = self.texts.get(automaton.match_pattern(state, index).as_usize())
                        && !hits.has(fragment.id)
                        && fragment.fits(text, at)
                    {
                        hits.insert(fragment.id);
                    }
                }
            }
        }
    }
}

impl Fragment {
    /// Whether the text whose last byte stands at `at` begins and ends as it must.
    fn fits(self, text: &[u8], at: usize) -> bool {
        !(self.ends_word && text.get(at + 1).is_some_and(|next| is_word(*next))
            || self.starts_word && is_word_before(text, at, self.len))
    }
}

/// Whether a character of a word stands before a text of so many bytes that ends at `at`. A run of white space is one byte of
/// it.
fn is_word_before(text: &[u8], at: usize, len: usize) -> bool {
    let is_space = |index: usize| text.get(index).is_some_and(|byte| fold_byte(*byte) == b' ');
    let mut start = at + 1;
    for _ in 0..len {
        start = start.saturating_sub(1);
        while start > 0 && is_space(start) && is_space(start - 1) {
            start -= 1;
        }
    }
    start.checked_sub(1).and_then(|before| text.get(before)).is_some_and(|byte| is_word(*byte))
}

/// What a table of all states and characters takes.
fn table_bytes(texts: &[(u32, &RequiredText)]) -> usize {
    let mut sorted: Vec<&[u8]> = texts.iter().map(|(_, required)| required.text.as_bytes()).collect();
    sorted.sort_unstable();
    let (mut states, mut before): (usize, &[u8]) = (2, &[]);
    let mut is_used = [false; 256];
    for text in sorted {
        states += text.len() - text.iter().zip(before).take_while(|(left, right)| left == right).count();
        for byte in text {
            if let Some(used) = is_used.get_mut(usize::from(*byte)) {
                *used = true;
            }
        }
        before = text;
    }
    let classes = is_used.iter().filter(|used| **used).count() * 2 + 1;
    states.saturating_mul(classes.min(256).next_power_of_two()).saturating_mul(size_of::<u32>())
}
