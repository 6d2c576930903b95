//! Which expressions can be found in a text at all: one pass over the text for the words that they need.
//!
//! Of most expressions each match begins, or ends, with one of a few texts (`\b(call|demo)\b`: `call`, `demo`). All these
//! are looked for together; an expression none of whose texts was found needs no search of its own. Searching all
//! expressions at once as one (`RegexSet`) is slower than one by one on mails that differ.

use super::pattern::Pattern;
use aho_corasick::{AhoCorasick, MatchKind};
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use std::collections::HashMap;

/// Shorter texts are found nearly everywhere.
const MIN_LEN: usize = 3;
/// An expression that begins in more ways than this is searched for itself.
const MAX_BEGINNINGS: usize = 64;
/// Fewer expressions than this are not worth a pass of their own.
const MIN_PATTERNS: usize = 16;

/// Characters that are equal to an ASCII letter where case does not count: the long s and the sign for Kelvin.
const LIKE_ASCII: [char; 2] = ['\u{17f}', '\u{212a}'];

/// Gathers what expressions need.
#[derive(Debug, Default)]
pub(super) struct PrefilterBuilder {
    ids: HashMap<String, u32>,
    texts: Vec<String>,
    patterns: usize,
}

impl PrefilterBuilder {
    /// Takes an expression in, and tells it by which numbers its texts go.
    pub(super) fn add(&mut self, pattern: &mut Pattern) {
        let Some(needed) = needed(pattern) else { return };
        self.patterns += 1;
        let mut ids: Vec<u32> = needed.into_iter().map(|text| self.id(text)).collect();
        ids.sort_unstable();
        ids.dedup();
        pattern.needles = Some(ids.into());
    }

    fn id(&mut self, text: String) -> u32 {
        if let Some(id) = self.ids.get(&text) {
            return *id;
        }
        let id = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text.clone());
        self.ids.insert(text, id);
        id
    }

    /// `None` where a pass of its own is not worth it; the expressions are searched one by one then.
    pub(super) fn build(self) -> Option<Prefilter> {
        if self.patterns < MIN_PATTERNS {
            return None;
        }
        let mut builder = AhoCorasick::builder();
        let automaton = builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(&self.texts).ok()?;
        Some(Prefilter { automaton, count: self.texts.len() })
    }
}

/// The texts of all expressions of a rule set.
#[derive(Debug, Clone)]
pub(super) struct Prefilter {
    automaton: AhoCorasick,
    count: usize,
}

/// Which of them are in a text.
#[derive(Debug)]
pub(super) enum LiteralHits {
    /// Not looked for: every expression may be found.
    Unknown,
    /// One bit for each.
    Bits(Vec<u64>),
}

impl Prefilter {
    /// Looks at a text once.
    pub(super) fn scan(&self, text: &str) -> LiteralHits {
        if !text.is_ascii() && text.contains(LIKE_ASCII) {
            return LiteralHits::Unknown;
        }
        let mut bits = vec![0_u64; self.count.div_ceil(64)];
        for found in self.automaton.find_overlapping_iter(text) {
            let id = found.pattern().as_usize();
            if let Some(word) = bits.get_mut(id / 64) {
                *word |= 1 << (id % 64);
            }
        }
        LiteralHits::Bits(bits)
    }
}

impl LiteralHits {
    /// Whether the expression may be found in the text; false means that it surely is not.
    pub(super) fn may_match(&self, pattern: &Pattern) -> bool {
        let (Self::Bits(bits), Some(ids)) = (self, &pattern.needles) else { return true };
        ids.iter().any(|id| bits.get(*id as usize / 64).is_some_and(|word| word & (1 << (id % 64)) != 0))
    }
}

/// The texts of which each match begins with one, or else ends with one; in lower case. `None` if there are none, or too
/// many.
fn needed(pattern: &Pattern) -> Option<Vec<String>> {
    let parsed = regex_syntax::parse(pattern.regex().as_str()).ok()?;
    let texts = |kind: ExtractKind| -> Option<Vec<String>> {
        let mut extractor = Extractor::new();
        extractor.kind(kind).limit_total(MAX_BEGINNINGS);
        let found = extractor.extract(&parsed);
        let texts = found.literals()?.iter().map(|literal| {
            let text = std::str::from_utf8(literal.as_bytes()).ok()?;
            // Beyond ASCII, upper and lower case are no matter of single bytes.
            (text.is_ascii() && text.len() >= MIN_LEN).then(|| text.to_ascii_lowercase())
        });
        let texts: Vec<String> = texts.collect::<Option<_>>()?;
        (!texts.is_empty()).then_some(texts)
    };
    let shortest = |texts: &[String]| texts.iter().map(String::len).min();
    match (texts(ExtractKind::Prefix), texts(ExtractKind::Suffix)) {
        // The longer, the fewer texts have it: `not interested` is looked for by its second word.
        (Some(first), Some(last)) if shortest(&last) > shortest(&first) => Some(last),
        (first, last) => first.or(last),
    }
}

#[cfg(test)]
mod tests {
    use super::{PrefilterBuilder, needed};
    use crate::rules::Pattern;

    fn texts(pattern: &str) -> Option<Vec<String>> {
        needed(&Pattern::new(pattern).unwrap())
    }

    #[test]
    fn what_expressions_need() {
        let all = |list: &[&str]| Some(list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(texts(r"\b(call|demo)\b"), all(&["call", "demo"]));
        assert_eq!(texts("Pricing"), all(&["pricing"]));
        assert_eq!(texts(r"\w+ calendar"), all(&["\ncalendar", " calendar"]));
        assert_eq!(texts("not interested"), all(&["\ninterested", " interested"]));
        assert_eq!(texts(r".*"), None);
        assert_eq!(texts(r"no"), None);
        assert_eq!(texts("(call)?"), None);
        assert_eq!(texts("été"), None);
        assert_eq!(texts("[a-z]+"), None);
    }

    #[test]
    fn what_a_text_lacks_is_ruled_out() {
        let mut builder = PrefilterBuilder::default();
        let mut patterns: Vec<Pattern> = (0..20).map(|n| Pattern::new(&format!(r"\bword{n}\b")).unwrap()).collect();
        patterns.push(Pattern::new(".{4}").unwrap());
        patterns.iter_mut().for_each(|pattern| builder.add(pattern));
        let needles = builder.build().unwrap();
        let allowed = |text: &str| patterns.iter().filter(|pattern| needles.scan(text).may_match(pattern)).count();
        assert_eq!(allowed("nothing of it"), 1);
        // `word1` is in it, too.
        assert_eq!(allowed("WORD17"), 3);
        assert_eq!(allowed("\u{212a}"), 21);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        /// What is found by searching is never ruled out before.
        #[test]
        fn nothing_that_is_found_is_ruled_out(
            patterns in proptest::collection::vec(r"(\\b)?(call|demo|Kelvin|price?s|été|\(a\|bcd\)|x.y|[ks]{2}oo|ab+c|(?-i)CASE){1,3}(s\?|\\w\*|\\b)?", 20..30),
            texts in proptest::collection::vec("(call|CALL|demo|kelvin|\u{212a}elvin|pri\u{17f}s|prices|ÉTÉ|bcd|xzy|ssoo|skoo|abbc|CASE|case| |s){0,12}", 10),
        ) {
            let mut builder = PrefilterBuilder::default();
            let mut patterns: Vec<Pattern> = patterns.iter().filter_map(|text| Pattern::new(text).ok()).collect();
            patterns.iter_mut().for_each(|pattern| builder.add(pattern));
            if let Some(needles) = builder.build() {
                for text in &texts {
                    let found = needles.scan(text);
                    for pattern in &patterns {
                        let ruled_out = !found.may_match(pattern);
                        proptest::prop_assert!(!(ruled_out && pattern.regex().is_match(text)), "{pattern:?} in {text}");
                    }
                }
            }
        }
    }
}
