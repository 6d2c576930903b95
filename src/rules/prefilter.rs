//! Which expressions can be found in a text at all: one pass over the text for the texts that they require.
//!
//! Of most expressions each match contains one of a few texts (`\b(call|demo)\b`: `call`, `demo`), see `required_text`. All
//! these are looked for together; an expression none of whose texts was found needs no search of its own. Searching all
//! expressions at once as one (`RegexSet`) is slower than one by one on mails that differ.

use super::{
    pattern::Pattern,
    required_text::{RequiredText, fold, is_word, required_texts},
};
use aho_corasick::{
    Anchored, MatchKind,
    automaton::Automaton,
    dfa,
    nfa::{contiguous, noncontiguous},
};
use std::{borrow::Cow, collections::HashMap};

/// A table larger than this is not made; a smaller automaton of the same texts takes its place.
const MAX_TABLE_BYTES: usize = 8 * 1024 * 1024;

/// Gathers what the expressions on one field require.
#[derive(Debug, Default)]
pub(super) struct PrefilterBuilder {
    ids: HashMap<RequiredText, u32>,
    texts: Vec<RequiredText>,
}

impl PrefilterBuilder {
    /// Takes an expression in: it knows from then on by which numbers its texts go. Tells the weight of its texts; `None` for
    /// an expression that requires none.
    pub(super) fn add(&mut self, pattern: &mut Pattern) -> Option<f64> {
        pattern.needles = None;
        let required = required_texts(pattern)?;
        pattern.needles = Some(required.texts.into_iter().map(|text| self.id(text)).collect());
        Some(required.weight)
    }

    fn id(&mut self, text: RequiredText) -> u32 {
        let next = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        *self.ids.entry(text).or_insert_with_key(|text| {
            self.texts.push(text.clone());
            next
        })
    }

    /// `None` where there is nothing to look for, or where it is too much; the expressions are searched one by one then.
    pub(super) fn build(self) -> Option<Prefilter> {
        self.build_within(MAX_TABLE_BYTES)
    }

    fn build_within(self, max_table_bytes: usize) -> Option<Prefilter> {
        if self.texts.is_empty() {
            return None;
        }
        let mut builder = noncontiguous::Builder::new();
        builder.match_kind(MatchKind::Standard).prefilter(false);
        let found = builder.build(self.texts.iter().map(|required| required.text.as_bytes())).ok()?;
        let automaton = if table_bytes(&self.texts) <= max_table_bytes {
            let mut builder = dfa::Builder::new();
            builder.prefilter(false).start_kind(aho_corasick::StartKind::Unanchored);
            Automata::Table(builder.build_from_noncontiguous(&found).ok()?)
        } else {
            Automata::Small(contiguous::Builder::new().prefilter(false).build_from_noncontiguous(&found).ok()?)
        };
        let texts = self.texts.into_iter().map(|required| Searched {
            len: required.text.len(),
            starts_word: required.starts_word,
            ends_word: required.ends_word,
        });
        Some(Prefilter { automaton, texts: texts.collect() })
    }
}

/// What a table of all states and characters takes.
fn table_bytes(texts: &[RequiredText]) -> usize {
    let mut sorted: Vec<&[u8]> = texts.iter().map(|required| required.text.as_bytes()).collect();
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

/// The texts that the expressions on one field require.
#[derive(Debug, Clone)]
pub(super) struct Prefilter {
    automaton: Automata,
    texts: Vec<Searched>,
}

#[derive(Debug, Clone)]
enum Automata {
    Table(dfa::DFA),
    Small(contiguous::NFA),
}

/// What must hold where a text was found.
#[derive(Debug, Clone, Copy)]
struct Searched {
    len: usize,
    starts_word: bool,
    ends_word: bool,
}

/// Which of the texts are in a text: one bit for each.
#[derive(Debug, Default)]
pub(super) struct LiteralHits {
    bits: Vec<u64>,
    found: Vec<u32>,
}

impl Prefilter {
    /// How many texts there are.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Looks at a text once.
    pub(super) fn scan(&self, text: &str) -> LiteralHits {
        let text = foldable(text);
        let mut hits = LiteralHits { bits: vec![0; self.texts.len().div_ceil(64)], found: Vec::new() };
        match &self.automaton {
            Automata::Table(automaton) => self.run(automaton, text.as_bytes(), &mut hits),
            Automata::Small(automaton) => self.run(automaton, text.as_bytes(), &mut hits),
        }
        hits
    }

    fn run<A: Automaton>(&self, automaton: &A, text: &[u8], hits: &mut LiteralHits) {
        let Ok(mut state) = automaton.start_state(Anchored::No) else { return };
        let mut was_space = false;
        for (at, byte) in text.iter().enumerate() {
            let byte = FOLDED.get(usize::from(*byte)).copied().unwrap_or(*byte);
            let is_space = byte == b' ';
            if is_space && was_space {
                continue;
            }
            was_space = is_space;
            state = automaton.next_state(Anchored::No, state, byte);
            if automaton.is_special(state) && automaton.is_match(state) {
                for index in 0..automaton.match_len(state) {
                    self.note(automaton.match_pattern(state, index).as_usize(), text, at, hits);
                }
            }
        }
    }

    /// Notes a text whose last byte stands at `at`, if it begins and ends as it must.
    fn note(&self, id: usize, text: &[u8], at: usize, hits: &mut LiteralHits) {
        let (Some(searched), Some(word)) = (self.texts.get(id), hits.bits.get_mut(id / 64)) else { return };
        let bit = 1 << (id % 64);
        if *word & bit != 0
            || searched.ends_word && text.get(at + 1).is_some_and(|next| is_word(*next))
            || searched.starts_word && is_word_before(text, at, searched.len)
        {
            return;
        }
        *word |= bit;
        hits.found.extend(u32::try_from(id));
    }
}

/// Whether a character of a word stands before a text of so many bytes that ends at `at`. A run of white space is one byte of
/// it.
fn is_word_before(text: &[u8], at: usize, len: usize) -> bool {
    let is_space = |index: usize| text.get(index).is_some_and(|byte| FOLDED.get(usize::from(*byte)) == Some(&b' '));
    let mut start = at + 1;
    for _ in 0..len {
        start = start.saturating_sub(1);
        while start > 0 && is_space(start) && is_space(start - 1) {
            start -= 1;
        }
    }
    start.checked_sub(1).and_then(|before| text.get(before)).is_some_and(|byte| is_word(*byte))
}

impl LiteralHits {
    /// The numbers of the texts that were found, each once.
    pub(super) fn found(&self) -> &[u32] {
        &self.found
    }

    /// Whether the expression may be found in the text; false means that it surely is not.
    pub(super) fn may_match(&self, pattern: &Pattern) -> bool {
        let Some(ids) = &pattern.needles else { return true };
        ids.iter().any(|id| self.bits.get(*id as usize / 64).is_some_and(|word| word & (1 << (id % 64)) != 0))
    }
}

/// The characters of ASCII, folded.
static FOLDED: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b' ' | b'\t' | b'\n' | b'\x0b' | b'\x0c' | b'\r' => b' ',
            other => other.to_ascii_lowercase(),
        };
        byte += 1;
    }
    table
};

/// A text whose characters beyond ASCII are folded.
fn foldable(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !byte.is_ascii()) {
        let (plain, other) = rest.split_at(at);
        folded.push_str(plain);
        let mut chars = other.chars();
        folded.extend(chars.next().map(fold));
        rest = chars.as_str();
    }
    folded.push_str(rest);
    Cow::Owned(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_lacks_is_ruled_out() {
        let mut builder = PrefilterBuilder::default();
        let mut patterns: Vec<Pattern> = (0..20).map(|n| Pattern::new(&format!(r"\bword{n}\b")).unwrap()).collect();
        patterns.push(Pattern::new(".{4}").unwrap());
        patterns.push(Pattern::new("two  words").unwrap());
        for pattern in &mut patterns {
            builder.add(pattern);
        }
        let needles = builder.build().unwrap();
        let allowed = |text: &str| patterns.iter().filter(|pattern| needles.scan(text).may_match(pattern)).count();
        assert_eq!(allowed("nothing of it"), 1);
        assert_eq!(allowed("WORD17"), 2);
        assert_eq!(allowed("word1 word2"), 3);
        assert_eq!(allowed("swords17"), 1);
        assert_eq!(allowed("sword1"), 1);
        // Beyond ASCII it is not asked whether a word goes on; the sign for Kelvin is a `k`.
        assert_eq!(allowed("\u{212a}word1, éword2"), 2);
        assert_eq!(allowed("two \n\n words"), 2);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        /// What is found by searching is never ruled out before, whichever automaton looks for it.
        #[test]
        fn nothing_that_is_found_is_ruled_out(
            patterns in proptest::collection::vec(r"(\\b|\\B|\\w\*)?(call|demo|Kelvin|price?s|été|ΣΑΣ|\(a\|bcd\)|x\.y|[ks]{2}oo|ab\+c|\(\?-i\)CASE|no| |\\s\+|[éa]{2}|\(foo \|ba[rz]\)\+|[ ]{2}|\[0-9\]\{2\}| \?17|\\W){1,4}(s\?|\\w\*|\\b|\\B)?", 20..30),
            texts in proptest::collection::vec("(call|CALL|demo|kelvin|\u{212a}elvin|pri\u{17f}s|prices|ÉTÉ|σας|Σας|bcd|xzy|ssoo|skoo|abbc|CASE|case| |\n|  |s|no|éa|foo bar|barbaz|17|4217|_|-|é){0,14}", 10),
        ) {
            let mut patterns: Vec<Pattern> = patterns.iter().filter_map(|text| Pattern::new(text).ok()).collect();
            let texts: Vec<String> = texts.iter().map(|text| crate::text::normalize(text).as_str().to_owned()).collect();
            for max_table_bytes in [MAX_TABLE_BYTES, 0] {
                let mut builder = PrefilterBuilder::default();
                for pattern in &mut patterns {
                    builder.add(pattern);
                }
                let Some(prefilter) = builder.build_within(max_table_bytes) else { continue };
                assert_eq!(matches!(prefilter.automaton, Automata::Table(_)), max_table_bytes > 0);
                for text in &texts {
                    let found = prefilter.scan(text);
                    for pattern in &patterns {
                        let ruled_out = !found.may_match(pattern);
                        proptest::prop_assert!(!(ruled_out && pattern.regex().is_match(text)), "{pattern:?} in {text}");
                    }
                }
            }
        }
    }
}
