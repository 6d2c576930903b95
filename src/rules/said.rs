//! What `says` looks for: phrases of which one must be found.

use super::{
    definition::{Matcher, Rule},
    event::Facts,
    field::TextField,
    rule_bits::RuleBits,
    rule_index::required_tests,
};
use crate::text::{PhraseFinder, PhraseMatch, RulePhrase};
use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

/// A phrase, and where it is written.
#[derive(Debug, Clone)]
pub struct SaidPhrase {
    /// The phrase.
    pub phrase: RulePhrase,
    /// `FILE:LINE:COLUMN`.
    pub place: String,
}

/// Phrases of a condition: one of them must be found.
#[derive(Debug, Clone)]
pub struct Said {
    phrases: Arc<[SaidPhrase]>,
    /// Their numbers among all phrases on the field, where these are looked for together.
    numbers: Option<Arc<[u32]>>,
    /// What looks for them alone, made when that is first asked for.
    alone: Arc<OnceLock<PhraseFinder>>,
}

impl Said {
    /// Of these phrases.
    pub fn new(phrases: Vec<SaidPhrase>) -> Self {
        Self { phrases: phrases.into(), numbers: None, alone: Arc::default() }
    }

    /// The phrases, as they are listed.
    pub fn phrases(&self) -> &[SaidPhrase] {
        &self.phrases
    }

    /// Whether one of them is in a text in its normal form; `hits` are those of all phrases.
    pub(super) fn is_found(&self, hits: Option<&PhraseHits>, normal: &str) -> bool {
        match (hits, &self.numbers) {
            (Some(hits), Some(numbers)) => numbers.iter().any(|number| hits.has(*number)),
            _ => !self.find_alone(normal).is_empty(),
        }
    }

    /// The first of them, as they are listed, that is in a text in its normal form, and where it is first.
    pub(super) fn find(&self, hits: Option<&PhraseHits>, normal: &str) -> Option<(&SaidPhrase, PhraseMatch)> {
        let of_number = |found: &[PhraseMatch], number: u32| found.iter().find(|one| one.phrase == number).cloned();
        if let (Some(hits), Some(numbers)) = (hits, &self.numbers) {
            let mut each = self.phrases.iter().zip(numbers.iter());
            return each.find_map(|(phrase, number)| Some((phrase, of_number(&hits.found, *number)?)));
        }
        let found = self.find_alone(normal);
        self.phrases.iter().zip(0..).find_map(|(phrase, number)| Some((phrase, of_number(&found, number)?)))
    }

    fn find_alone(&self, normal: &str) -> Vec<PhraseMatch> {
        let finder = || PhraseFinder::new(self.phrases.iter().map(|said| &said.phrase));
        self.alone.get_or_init(finder).find(normal)
    }
}

/// Where the phrases of all rules are in a text.
#[derive(Debug, Default)]
pub(super) struct PhraseHits {
    found: Vec<PhraseMatch>,
    /// One bit for each phrase that was found.
    bits: Vec<u64>,
}

impl PhraseHits {
    fn has(&self, number: u32) -> bool {
        self.bits.get(number as usize / 64).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }
}

/// All phrases that rules look for in one field, found in one pass over its text, and the rules that require them.
#[derive(Debug, Clone)]
pub(super) struct PhraseIndex {
    field: TextField,
    finder: Arc<PhraseFinder>,
    /// Rules that require none of them.
    free: RuleBits,
    /// The others.
    bound: RuleBits,
    /// The rules that may match where a phrase was found, by its number.
    rules_of: Vec<Vec<u32>>,
}

impl PhraseIndex {
    /// `None` where no rule looks for a phrase in the field. The phrases know their numbers from then on.
    pub(super) fn build(field: TextField, rules: &mut [Rule]) -> Option<Self> {
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut phrases: Vec<RulePhrase> = Vec::new();
        for test in rules.iter_mut().flat_map(|rule| &mut rule.tests) {
            let Matcher::Says(of, said) = &mut test.check else { continue };
            if *of != field {
                continue;
            }
            let mut number = |said: &SaidPhrase| {
                let next = u32::try_from(phrases.len()).unwrap_or(u32::MAX);
                *numbers.entry(said.phrase.as_str().to_owned()).or_insert_with(|| {
                    phrases.push(said.phrase.clone());
                    next
                })
            };
            said.numbers = Some(said.phrases.iter().map(&mut number).collect());
        }
        if phrases.is_empty() {
            return None;
        }
        let (mut free, mut bound) = (RuleBits::all(rules.len()), RuleBits::none(rules.len()));
        let mut rules_of: Vec<Vec<u32>> = vec![Vec::new(); phrases.len()];
        for (place, rule) in rules.iter().enumerate() {
            let is_of_field = |check: &Matcher| matches!(check, Matcher::Says(of, _) if *of == field);
            let weights: Vec<_> = rule.tests.iter().map(|test| is_of_field(&test.check).then_some(1.0)).collect();
            let (Some((_, tests)), Ok(number)) = (required_tests(&rule.when, &weights), u32::try_from(place)) else {
                continue;
            };
            free.remove(place);
            bound.insert(place);
            for test in tests.into_iter().filter_map(|test| rule.tests.get(test)) {
                let Matcher::Says(_, Said { numbers: Some(numbers), .. }) = &test.check else { continue };
                for phrase in numbers.iter() {
                    if let Some(rules) = rules_of.get_mut(*phrase as usize).filter(|all| all.last() != Some(&number)) {
                        rules.push(number);
                    }
                }
            }
        }
        Some(Self { field, finder: Arc::new(PhraseFinder::new(&phrases)), free, bound, rules_of })
    }

    /// Whether they are looked for in this field.
    pub(super) fn is_of(&self, field: TextField) -> bool {
        self.field == field
    }

    /// Looks at a text in its normal form once.
    pub(super) fn scan(&self, normal: &str) -> PhraseHits {
        let found = self.finder.find(normal);
        let mut bits = vec![0_u64; self.finder.len().div_ceil(64)];
        for one in &found {
            if let Some(word) = bits.get_mut(one.phrase as usize / 64) {
                *word |= 1 << (one.phrase % 64);
            }
        }
        PhraseHits { found, bits }
    }

    /// Takes out the rules none of whose phrases is in the event's text.
    pub(super) fn narrow(&self, facts: &Facts<'_>, left: &mut RuleBits) {
        if !self.bound.meets(left) {
            return;
        }
        // Where it is not read yet, a rule may ask for it.
        let Ok(text) = facts.text_value(self.field) else { return };
        let mut may = self.free.clone();
        if let Some(hits) = text.and_then(|text| facts.phrase_hits(self.field, text)) {
            let rules = |found: &PhraseMatch| self.rules_of.get(found.phrase as usize);
            let all = hits.found.iter().filter_map(rules).flatten();
            all.for_each(|place| may.insert(*place as usize));
        }
        left.keep(&may);
    }
}
