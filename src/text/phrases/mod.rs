//! The phrasebook: what is said in many languages, as data.
//!
//! Each language is one file in `languages/`, which a native speaker can read and extend: words and phrases by topic, beside
//! them sentences that they must be found in and tempting ones that they must not. All phrases of all languages make one
//! [`automaton`], and one walk over a mail finds them all.

mod automaton;
mod builder;
#[cfg(test)]
mod compile;
mod embedded;
mod grammar;
#[cfg(test)]
mod language_file;
mod languages;
mod rule_phrase;
mod sections;
mod signs;
mod tables;
mod topic;
mod vocabulary;
mod whole_numbers;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

pub(super) use grammar::spell;
pub use rule_phrase::{PhraseError, PhraseFinder, PhraseMatch, RulePhrase};
pub(super) use topic::Topic;

use super::words::Word;
use automaton::Automaton;
use embedded::{Aligned, Reader};
use languages::{BEGINNING, LanguageTables, beginning, first_letters};
use sections::Table;

/// The tables of all languages, as the build script compiles their files.
static TABLES: &[u8] = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/phrasebook"))).0;

/// The code of a language that has a file.
pub(super) fn known_language(code: &str) -> Option<&'static str> {
    Phrasebook::get().codes.iter().copied().find(|known| *known == code)
}

/// A language, by its place in the phrasebook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Language(pub(super) usize);

/// A phrase that was found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) topic: Topic,
    pub(super) language: Language,
    /// Its first word, and the word behind its last.
    pub(super) first: usize,
    pub(super) end: usize,
}

impl Hit {
    /// Its words.
    pub(super) fn words(&self) -> std::ops::Range<usize> {
        self.first..self.end
    }
}

/// No phrase has more words: nine gaps of nine, and then some.
const LONGEST_PHRASE: usize = 128;

/// What the phrasebook finds in a text.
#[derive(Debug, Default)]
pub(super) struct Hits {
    // By topic and first word.
    all: Vec<Hit>,
    /// Where each topic's hits begin in `all`.
    starts: Vec<usize>,
    /// The common words: which word, of which language.
    common: Vec<(u32, Language)>,
}

impl Hits {
    /// Takes hits in the order of their first words.
    fn new(found: Vec<Hit>, common: Vec<(u32, Language)>) -> Self {
        let mut starts = vec![0; Topic::ALL.len() + 1];
        for hit in &found {
            if let Some(count) = starts.get_mut(hit.topic as usize + 1) {
                *count += 1;
            }
        }
        for at in 1..starts.len() {
            let before = starts.get(at - 1).copied().unwrap_or_default();
            if let Some(start) = starts.get_mut(at) {
                *start += before;
            }
        }
        // Each hit to the next free place of its topic.
        let (mut all, mut next) = (found.clone(), starts.clone());
        for hit in found {
            let Some(place) = next.get_mut(hit.topic as usize) else { continue };
            if let Some(free) = all.get_mut(*place) {
                *free = hit;
            }
            *place += 1;
        }
        Self { all, starts, common }
    }

    /// The same where only some words are left. `places`: by word, its place among them. A phrase that has lost a word is
    /// gone.
    pub(super) fn moved(&self, places: &[Option<u32>]) -> Self {
        let place = |word: usize| places.get(word).copied().flatten();
        let moved = |hit: &Hit| {
            let (first, last) = (place(hit.first)?, place(hit.end.checked_sub(1)?)?);
            let is_whole = (last - first) as usize + 1 == hit.end - hit.first;
            is_whole.then_some(Hit { first: first as usize, end: last as usize + 1, ..*hit })
        };
        let common = self.common.iter().filter_map(|(word, of)| Some((place(*word as usize)?, *of))).collect();
        let mut found: Vec<Hit> = self.all.iter().filter_map(moved).collect();
        found.sort_unstable_by_key(|hit| (hit.first, hit.end));
        Self::new(found, common)
    }

    /// The hits of a topic, by their first words.
    pub(super) fn of(&self, topic: Topic) -> &[Hit] {
        let at = topic as usize;
        let (Some(start), Some(end)) = (self.starts.get(at), self.starts.get(at + 1)) else { return &[] };
        self.all.get(*start..*end).unwrap_or_default()
    }

    /// The hits of a topic that stand wholly within some words.
    pub(super) fn within(&self, topic: Topic, words: std::ops::Range<usize>) -> impl Iterator<Item = &Hit> {
        let all = self.of(topic);
        let from = all.partition_point(|hit| hit.first < words.start);
        let rest = all.get(from..).unwrap_or_default();
        rest.iter().take_while(move |hit| hit.first < words.end).filter(move |hit| hit.end <= words.end)
    }

    /// Whether a hit of a topic shares a word with some words. It looks at the hits nearby alone.
    pub(super) fn overlaps(&self, topic: Topic, words: std::ops::Range<usize>) -> bool {
        let all = self.of(topic);
        let from = all.partition_point(|hit| hit.first + LONGEST_PHRASE < words.start);
        let near = all.get(from..).unwrap_or_default().iter().take_while(|hit| hit.first < words.end);
        near.into_iter().any(|hit| words.start < hit.end)
    }

    /// Whether a topic has a hit wholly within some words.
    pub(super) fn has(&self, topic: Topic, words: std::ops::Range<usize>) -> bool {
        self.within(topic, words).next().is_some()
    }
}

/// All languages' phrases, ready to be looked for. What is large stays in the program's file, where it takes no memory that
/// the system could not take back.
#[derive(Debug)]
pub(super) struct Phrasebook {
    automaton: Automaton,
    /// By phrase: its topic and language.
    topics: &'static [u8],
    languages: &'static [u8],
    codes: Vec<&'static str>,
    /// What stands before the subject of an answer or a forward, in lower case.
    prefixes: HashSet<&'static str>,
    /// Months and weekdays by their first letters, each with its language and its number.
    months: Names,
    weekdays: Names,
}

type Names = HashMap<&'static str, Vec<(&'static str, Language, i8)>>;

impl Phrasebook {
    /// The phrasebook of this program.
    pub(super) fn get() -> &'static Self {
        static BOOK: LazyLock<Phrasebook> = LazyLock::new(|| Phrasebook::read(TABLES));
        &BOOK
    }

    /// Of what the build script wrote.
    fn read(tables: &'static [u8]) -> Self {
        let mut all = LanguageTables::default();
        all.pass(&mut Reader::new(tables));
        Self {
            topics: embedded::borrowed(all.topics),
            languages: embedded::borrowed(all.languages),
            codes: embedded::lines(all.codes).collect(),
            prefixes: embedded::lines(all.prefixes).collect(),
            months: names(all.months),
            weekdays: names(all.weekdays),
            automaton: Automaton::new(all.phrases),
        }
    }

    /// What a phrase is about, and its language.
    fn about(&self, phrase: u32) -> Option<(Topic, Language)> {
        let topic = Topic::ALL.get(usize::from(*self.topics.get(phrase as usize)?))?;
        Some((*topic, Language(usize::from(*self.languages.get(phrase as usize)?))))
    }

    /// Every phrase in the words of a text.
    pub(super) fn find(&self, text: &str, words: &[Word]) -> Hits {
        let (mut all, mut common) = (Vec::new(), Vec::new());
        for found in self.automaton.find(text, words) {
            let Some((topic, language)) = self.about(found.phrase) else { continue };
            if topic == Topic::Common {
                common.push((found.first, language));
            } else {
                all.push(Hit { topic, language, first: found.first as usize, end: found.last as usize + 1 });
            }
        }
        Hits::new(all, common)
    }

    /// A language's ISO 639-1 code.
    pub(super) fn code(&self, language: Language) -> Option<&'static str> {
        self.codes.get(language.0).copied()
    }

    /// Whether mail programs put this before the subject of an answer or a forward.
    pub(super) fn is_prefix(&self, prefix: &str) -> bool {
        self.prefixes.contains(languages::fold_prefix(prefix).as_str())
    }

    /// Whether a word may name a month in any language, in full or by at least its first three letters.
    pub(super) fn is_month(&self, word: &str) -> bool {
        let word = spell(word);
        self.months.get(beginning(&word)).is_some_and(|names| names.iter().any(|(name, ..)| name.starts_with(&word)))
    }

    /// The month (1 to 12) that a word names, in full or by at least its first three letters; `None` where languages do not
    /// agree and the text's own is not among them.
    pub(super) fn month(&self, word: &str, language: Option<&str>) -> Option<i8> {
        let word = spell(word);
        let length = word.chars().count();
        let names = self.months.get(beginning(&word)).filter(|_| length >= BEGINNING)?;
        // Three letters are a word of some other language more often than a month of it.
        let fits = |of: &Language| length > BEGINNING || language.is_none() || self.code(*of) == language;
        self.agreed(names.iter().filter(|(name, of, _)| name.starts_with(&word) && fits(of)), language)
    }

    /// The weekday that a word begins with, from 1 (Monday) to 7.
    pub(super) fn weekday(&self, word: &str, language: Option<&str>) -> Option<i8> {
        let word = spell(word);
        let short = first_letters(&word, BEGINNING - 1);
        let names = [beginning(&word), short].into_iter().filter_map(|start| self.weekdays.get(start)).flatten();
        // A short form of one is the beginning of many other words.
        let fits = |name: &str| {
            word.starts_with(name) && (name.chars().count() > BEGINNING || word == name || !is_alphabetic(name))
        };
        let all: Vec<_> = names.filter(|(name, ..)| fits(name)).collect();
        // "cumartesi" begins with "cuma".
        let longest = all.iter().map(|(name, ..)| name.len()).max();
        self.agreed(all.into_iter().filter(|(name, ..)| Some(name.len()) == longest), language)
    }

    fn agreed<'a>(
        &self,
        names: impl Iterator<Item = &'a (&'static str, Language, i8)>,
        language: Option<&str>,
    ) -> Option<i8> {
        let all: Vec<(Language, i8)> = names.map(|(_, of, number)| (*of, *number)).collect();
        let own = all.iter().find(|(of, _)| language.is_some() && self.code(*of) == language);
        let first = all.first()?;
        let agree = all.iter().all(|(_, number)| *number == first.1);
        own.or_else(|| agree.then_some(first)).map(|(_, number)| *number)
    }

    /// The language of most of a text's words, common ones above all; `None` where two are as likely.
    pub(super) fn language(&self, hits: &Hits) -> Option<&'static str> {
        /// A common word tells more than a phrase, which may be a name's or a loan.
        const COMMON: u32 = 2;
        let common = hits.common.iter().map(|(word, language)| (language.0, *word, COMMON));
        let phrases = hits.all.iter().map(|hit| (hit.language.0, u32::try_from(hit.first).unwrap_or(u32::MAX), 1));
        // A word counts once for a language, however much it may mean there: `la` is half a dozen things in Romanian.
        let mut told: Vec<(usize, u32, u32)> = common.chain(phrases).collect();
        told.sort_unstable_by_key(|(language, word, weight)| (*language, *word, std::cmp::Reverse(*weight)));
        told.dedup_by_key(|(language, word, _)| (*language, *word));
        let mut scores = vec![0; self.codes.len()];
        for (language, _, weight) in told {
            if let Some(score) = scores.get_mut(language) {
                *score += weight;
            }
        }
        let (at, most) = scores.iter().enumerate().max_by_key(|(_, score)| **score)?;
        let counted = |kind: &(u32, Language)| kind.1.0 == at;
        let known = hits.common.iter().any(counted) || *most > COMMON;
        let clear =
            known && *most >= COMMON && scores.iter().enumerate().all(|(other, score)| other == at || score < most);
        if clear { self.code(Language(at)) } else { None }
    }
}

/// Whether a word is written in a script of letters that stand for sounds, and not for syllables or words.
fn is_alphabetic(word: &str) -> bool {
    word.chars().all(|c| c < '\u{1100}')
}

/// The names of a table, by their first letters.
fn names(table: Table<u8>) -> Names {
    let mut all = Names::new();
    for line in embedded::lines(table) {
        let mut fields = line.split('\t');
        let (Some(name), Some(Ok(language)), Some(Ok(number))) =
            (fields.next(), fields.next().map(str::parse), fields.next().map(str::parse))
        else {
            continue;
        };
        all.entry(beginning(name)).or_default().push((name, Language(language), number));
    }
    all
}

#[cfg(test)]
mod tests;
