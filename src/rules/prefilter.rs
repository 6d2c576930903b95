//! Which expressions can be found in a text at all: one pass over the text for the texts that they require.
//!
//! Of most expressions each match contains one of a few texts (`\b(call|demo)\b`: `call`, `demo`), or one of each of a few such
//! sets, see `required_text`. All these are looked for together; an expression that a set has no text found of needs no search
//! of its own. Searching all expressions at once as one (`RegexSet`) is slower than one by one on mails that differ.

mod fragments;
mod word_anchors;

use super::{
    folding::fold_beyond_ascii,
    pattern::Pattern,
    required_text::{RequiredText, RequiredTexts, required_texts},
};
use fragments::Fragments;
use std::{collections::HashMap, sync::Arc};
use word_anchors::WordAnchors;

/// A table of fragments larger than this is not made; a smaller automaton of the same texts takes its place.
const MAX_TABLE_BYTES: usize = 8 * 1024 * 1024;

/// Gathers what the expressions on one field require.
#[derive(Debug, Default)]
pub(super) struct PrefilterBuilder {
    ids: HashMap<RequiredText, u32>,
    texts: Vec<RequiredText>,
    /// How many expressions require each text.
    uses: Vec<u32>,
}

/// A set of texts by their numbers: one of them is in every text that an expression is found in.
#[derive(Debug, Clone)]
pub(super) struct Needles {
    pub(super) ids: Box<[u32]>,
    /// How rare they seem.
    weight: f64,
}

impl PrefilterBuilder {
    /// Takes an expression in: it knows from then on by which numbers its texts go. Tells the weight of its texts; `None` for
    /// an expression that requires none.
    pub(super) fn add(&mut self, pattern: &mut Pattern) -> Option<f64> {
        pattern.needles = None;
        let required = required_texts(pattern);
        if required.is_empty() {
            return None;
        }
        let weight = required.iter().map(|set| set.weight).sum();
        let number = |set: RequiredTexts| Needles {
            ids: set.texts.into_iter().map(|text| self.id(text)).collect(),
            weight: set.weight,
        };
        pattern.needles = Some(required.into_iter().map(number).collect());
        Some(weight)
    }

    /// Puts the set first that is in the fewest mails, as far as can be told when all expressions were taken in: what many of
    /// them ask for is in many.
    pub(super) fn sort(&self, pattern: &mut Pattern) {
        let Some(sets) = pattern.needles.as_mut().and_then(Arc::get_mut) else { return };
        let uses = |id: &u32| self.uses.get(*id as usize).copied().unwrap_or(1);
        let rarity = |set: &Needles| {
            let most = set.ids.iter().map(uses).max().unwrap_or(1);
            set.weight - 2.0 * f64::from(most).log2()
        };
        sets.sort_by(|left, right| rarity(right).total_cmp(&rarity(left)));
    }

    fn id(&mut self, text: RequiredText) -> u32 {
        let next = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let id = *self.ids.entry(text).or_insert_with_key(|text| {
            self.texts.push(text.clone());
            self.uses.push(0);
            next
        });
        if let Some(uses) = self.uses.get_mut(id as usize) {
            *uses += 1;
        }
        id
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
        pattern.needles.as_deref().is_none_or(|sets| self.has_all(sets))
    }

    /// Whether of each set a text was found.
    pub(super) fn has_all(&self, sets: &[Needles]) -> bool {
        sets.iter().all(|set| set.ids.iter().any(|id| self.has(*id)))
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

    #[test]
    fn each_set_must_be_there() {
        let mut builder = PrefilterBuilder::default();
        let expression = |n: u32| format!(r"\b(calendar|demo)\b.{{0,30}}\bnumber ?{n}\b.*\bplease\b");
        let mut patterns: Vec<Pattern> = (0..20).map(|n| Pattern::new(&expression(n)).unwrap()).collect();
        for pattern in &mut patterns {
            builder.add(pattern);
        }
        patterns.iter_mut().for_each(|pattern| builder.sort(pattern));
        // What all of them ask for is last.
        let first = |pattern: &Pattern| pattern.needles.as_ref().unwrap()[0].ids.len();
        assert!(
            patterns.iter().all(|pattern| first(pattern) == 2
                && builder.uses[pattern.needles.as_ref().unwrap()[0].ids[0] as usize] == 1)
        );
        let needles = builder.build().unwrap();
        let allowed = |text: &str| patterns.iter().filter(|pattern| needles.scan(text).may_match(pattern)).count();
        assert_eq!(allowed("calendar and demo, please"), 0);
        assert_eq!(allowed("calendar number 7"), 0);
        assert_eq!(allowed("number 7, please"), 0);
        assert_eq!(allowed("demo number 7 number17, please"), 2);
    }

    /// Parts of expressions, each with texts that it is found in.
    const PARTS: [(&str, &[&str]); 36] = [
        (r"\b", &["", " ", "."]),
        (r"\B", &["", "x"]),
        (r"(?-u:\b)", &["", "é"]),
        ("^", &[""]),
        ("$", &[""]),
        (r"\w*", &["", "no", "é4_"]),
        (".*", &["", " no, call 17 ", "é"]),
        (".{0,9}", &["", " on ", "17"]),
        ("[^x]*", &["", "\n \n", "demo"]),
        (r"\d+", &["17", "4", "\u{663}"]),
        (r"[^a]", &["b", " ", "é"]),
        ("call", &["call", "CALL", "recalls"]),
        ("demo", &["demo", "Demo"]),
        ("Kelvin", &["kelvin", "\u{212a}elvin"]),
        ("price?s", &["prices", "pri\u{17f}s", "pricS"]),
        ("été", &["ÉTÉ", "été", "e\u{301}te\u{301}"]),
        ("ΣΑΣ", &["σας", "Σασ"]),
        ("(a|bcd)", &["a", "BCD"]),
        (r"x\.y", &["x.y", "X.Y"]),
        ("[ks]{2}oo", &["skoo", "\u{212a}soo"]),
        ("ab+c", &["abc", "abbbc"]),
        ("(?-i)CASE", &["CASE", "case"]),
        ("no", &["no", "No", "knot"]),
        (" ", &[" ", "\n", " \n  ", "\u{a0}"]),
        (r"\s+", &[" ", "\n\n", "\t"]),
        ("[ ]{2}", &["  ", "   "]),
        ("[éa]{2}", &["éa", "AÉ"]),
        ("(foo |ba[rz])+", &["foo ", "foo BARbaz"]),
        ("(foo.*bar ){2,3}", &["foo bar foobar ", "foo no bar FOObar foobar "]),
        ("(call.*monday|demo[0-9]*friday|no)", &["call on monday", "demo17friday", "no"]),
        ("(call.*monday|demo.*17)?", &["", "Call Monday", "demo 17"]),
        ("[0-9]{2}", &["17", "42"]),
        (" ?17", &["17", " 17", "\n17"]),
        ("(number|no\\.?) ?17", &["number 17", "no.17", "NO\n17", "no17"]),
        (r"\W", &[" ", "-", "."]),
        ("(calendar|demo|\u{3b1}\u{345}|ﬅ)", &["calendar", "DEMO", "\u{391}\u{399}", "ﬆ"]),
    ];

    /// An expression of these parts one after the other, and a text that it may be found in.
    fn sequence() -> impl proptest::strategy::Strategy<Value = (String, String)> {
        use proptest::strategy::Strategy;
        proptest::collection::vec((0..PARTS.len(), 0..4usize), 1..6).prop_map(|chosen| {
            let parts = chosen.iter().map(|(part, text)| (PARTS[*part].0, PARTS[*part].1[text % PARTS[*part].1.len()]));
            parts.unzip::<_, _, String, String>()
        })
    }

    /// One or two sequences, repeated, as branches, or with a gap between them.
    fn expression() -> impl proptest::strategy::Strategy<Value = (String, String)> {
        use proptest::strategy::Strategy;
        (sequence(), sequence(), 0..9).prop_map(|((a, x), (b, y), shape)| match shape {
            0 => (format!("({a}|{b})"), y),
            1 => (format!("{a}|{b}.*{a}"), format!("{y} {x}")),
            2 => (format!("(?:{a}){{2}}{b}"), format!("{x}{x}{y}")),
            3 => (format!("(?:{a})+{b}"), format!("{x}{x}{x}{y}")),
            4 => (format!("(?:{a})?{b}"), y),
            5 => (format!("^{a}.{{0,30}}{b}$"), format!("{x} and {y}")),
            6 => (format!("(?:{a}.*|{b}) 17"), format!("{x}\n17")),
            7 => (format!("(?:{a}.*{b}){{1,2}}"), format!("{x}, {y}")),
            _ => (a, x),
        })
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        /// What is found by searching is never ruled out before, whichever automaton looks for it.
        #[test]
        fn nothing_that_is_found_is_ruled_out(
            both in proptest::collection::vec(expression(), 20..30),
            around in proptest::sample::select(vec![("", ""), ("So ", " then"), ("x", "x"), ("17 call\n", ".\nno 17"), ("é", "ß")]),
        ) {
            let (patterns, texts): (Vec<String>, Vec<String>) = both.into_iter().unzip();
            let mut patterns: Vec<Pattern> = patterns.iter().filter_map(|text| Pattern::new(text).ok()).collect();
            let (before, after) = around;
            let texts = texts.iter().flat_map(|text| [format!("{before}{text}{after}"), text.to_uppercase()]);
            let texts: Vec<String> = texts.map(|text| crate::text::normalize(&text).as_str().to_owned()).collect();
            for max_table_bytes in [MAX_TABLE_BYTES, 0] {
                let mut builder = PrefilterBuilder::default();
                for pattern in &mut patterns {
                    builder.add(pattern);
                }
                patterns.iter_mut().for_each(|pattern| builder.sort(pattern));
                let Some(prefilter) = builder.build_within(max_table_bytes) else { continue };
                if let Some(fragments) = &prefilter.fragments {
                    assert_eq!(fragments.is_table(), max_table_bytes > 0);
                }
                for text in &texts {
                    let found = prefilter.scan(text);
                    for pattern in &patterns {
                        let ruled_out = !found.may_match(pattern);
                        proptest::prop_assert!(!(ruled_out && pattern.is_match(text)), "{pattern:?} in {text}");
                    }
                }
            }
        }
    }
}
