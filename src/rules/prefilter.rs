//! Which expressions can be found in a text at all: one pass over the text for the texts that they require.
//!
//! Of most expressions each match contains one of a few texts (`\b(call|demo)\b`: `call`, `demo`), see `required_text`. All
//! these are looked for together; an expression none of whose texts was found needs no search of its own. Searching all
//! expressions at once as one (`RegexSet`) is slower than one by one on mails that differ.

mod fragments;
mod word_anchors;

use super::{
    folding::fold_beyond_ascii,
    pattern::Pattern,
    required_text::{RequiredText, required_texts},
};
use fragments::Fragments;
use std::collections::HashMap;
use word_anchors::WordAnchors;

/// A table of fragments larger than this is not made; a smaller automaton of the same texts takes its place.
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
        let (words, others) = WordAnchors::build(&self.texts);
        let others: Vec<(u32, &RequiredText)> =
            others.into_iter().filter_map(|place| Some((u32::try_from(place).ok()?, self.texts.get(place)?))).collect();
        let fragments = if others.is_empty() { None } else { Some(Fragments::build(&others, max_table_bytes)?) };
        Some(Prefilter { words, fragments, count: self.texts.len() })
    }
}

/// The texts that the expressions on one field require.
#[derive(Debug, Clone)]
pub(super) struct Prefilter {
    words: WordAnchors,
    /// What no whole word shows.
    fragments: Option<Fragments>,
    count: usize,
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
        self.count
    }

    /// Looks at a text once, and once more where there are fragments.
    pub(super) fn scan(&self, text: &str) -> LiteralHits {
        let text = fold_beyond_ascii(text);
        let mut hits = LiteralHits::none(self.count);
        self.words.scan(text.as_bytes(), &mut hits);
        if let Some(fragments) = &self.fragments {
            fragments.scan(text.as_bytes(), &mut hits);
        }
        hits
    }
}

impl LiteralHits {
    /// None of so many texts.
    fn none(count: usize) -> Self {
        Self { bits: vec![0; count.div_ceil(64)], found: Vec::new() }
    }

    fn insert(&mut self, id: u32) {
        if let Some(word) = self.bits.get_mut(id as usize / 64) {
            *word |= 1 << (id % 64);
        }
        self.found.push(id);
    }

    fn has(&self, id: u32) -> bool {
        self.bits.get(id as usize / 64).is_some_and(|word| word & (1 << (id % 64)) != 0)
    }

    /// The numbers of the texts that were found, each once.
    pub(super) fn found(&self) -> &[u32] {
        &self.found
    }

    /// Whether the expression may be found in the text; false means that it surely is not.
    pub(super) fn may_match(&self, pattern: &Pattern) -> bool {
        let Some(ids) = &pattern.needles else { return true };
        ids.iter().any(|id| self.has(*id))
    }
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
                if let Some(fragments) = &prefilter.fragments {
                    assert_eq!(fragments.is_table(), max_table_bytes > 0);
                }
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
