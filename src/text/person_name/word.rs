//! One word of a name, and what it may be.

use super::words as tables;
use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// What a word may be besides a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Courtesy,
    Learned,
    Degree,
    Job,
    Office,
    Company,
    Placeholder,
}

/// Titles that are names or words too: with a dot, or before another title.
const NEEDS_DOT: [&str; 41] = [
    "fr", "hr", "sr", "sn", "sig", "dl", "ra", "wp", "di", "kr", "pr", "cp", "cav", "rag", "ir", "av", "id", "red",
    "lek", "hab", "doc", "pd", "col", "lt", "hon", "mag", "adv", "arch", "arq", "lic", "gent", "mons", "bc", "on",
    "comm", "stb", "gör", "δρ", "capt", "dipl", "fam",
];

/// Which kinds each known word is of, one bit each.
static KNOWN: LazyLock<HashMap<&'static str, u8>> = LazyLock::new(|| {
    let by_language = |list: &'static [(&'static str, &'static [&'static str])]| {
        list.iter().flat_map(|(_, words)| words.iter().copied()).collect::<Vec<_>>()
    };
    let all = [
        (Kind::Courtesy, by_language(tables::COURTESY)),
        (Kind::Learned, by_language(tables::LEARNED)),
        (Kind::Degree, tables::DEGREES.to_vec()),
        (Kind::Job, by_language(tables::JOBS)),
        (Kind::Office, by_language(tables::OFFICES)),
        (Kind::Company, tables::COMPANIES.to_vec()),
        (Kind::Placeholder, by_language(tables::PLACEHOLDERS)),
    ];
    let mut known = HashMap::new();
    for (kind, words) in all {
        words.into_iter().for_each(|word| *known.entry(word).or_default() |= 1 << kind as usize);
    }
    known
});

static ALONE: LazyLock<HashSet<&'static str>> = LazyLock::new(|| tables::PLACEHOLDERS_ALONE.iter().copied().collect());

/// A word without the signs around it.
#[derive(Debug, Clone)]
pub(super) struct Word {
    /// As written, with the dot of an abbreviation.
    pub(super) text: String,
    /// In small letters, without dots.
    pub(super) key: String,
    kinds: u8,
}

impl Word {
    fn new(text: &str) -> Self {
        let key = key_of(text);
        let has_dot = text.contains('.');
        let mut kinds = KNOWN.get(key.as_str()).copied().unwrap_or_default();
        if key.starts_with("dipl-") || key.starts_with("diplom-") {
            kinds |= 1 << Kind::Learned as usize;
        }
        // Short words of these kinds are names unless they are written as what they are.
        let is_short = key.chars().count() <= 2 && key.is_ascii() && !has_dot && key != "oy";
        if is_short && !text.chars().all(char::is_uppercase) {
            kinds &= !(1 << Kind::Degree as usize | 1 << Kind::Company as usize | 1 << Kind::Job as usize);
        }
        Self { text: text.to_owned(), key, kinds }
    }

    pub(super) fn is(&self, kind: Kind) -> bool {
        self.kinds & (1 << kind as usize) != 0
    }

    /// Whether it is a title where `next` follows.
    pub(super) fn is_title(&self, next: Option<&Self>) -> bool {
        let is_known = self.is(Kind::Courtesy) || self.is(Kind::Learned);
        let is_certain = self.text.contains('.')
            || !NEEDS_DOT.contains(&self.key.as_str())
            || next.is_some_and(|next| next.is(Kind::Courtesy) || next.is(Kind::Learned));
        is_known && is_certain
    }

    /// Whether it goes on with a title of learning, as `med.` does.
    pub(super) fn goes_on_with_title(&self) -> bool {
        tables::OF_LEARNING.contains(&self.key.as_str())
            && (self.text.contains('.') || self.text.chars().all(char::is_lowercase))
    }

    /// `van`, `de la`: what a surname begins with.
    pub(super) fn is_particle(&self) -> bool {
        self.text.chars().next().is_some_and(char::is_lowercase) && tables::PARTICLES.contains(&self.key.as_str())
    }

    /// `Jane0` is Jane: one digit behind a word of letters is a slip. More of them belong to an account or a place.
    pub(super) fn drop_stray_digit(&mut self) {
        let Some(letters) = self.text.strip_suffix(|c: char| c.is_ascii_digit()) else { return };
        if letters.chars().count() > 2 && letters.chars().all(char::is_alphabetic) {
            *self = Self::new(letters);
        }
    }

    /// Written in capitals, and long enough for that to mean something.
    pub(super) fn is_in_capitals(&self) -> bool {
        self.text.chars().filter(|c| c.is_uppercase()).count() > 2 && !self.text.chars().any(char::is_lowercase)
    }
}

fn key_of(text: &str) -> String {
    text.chars().filter(|c| *c != '.').flat_map(char::to_lowercase).filter(|c| *c != '\u{307}').collect()
}

/// The words of a text; signs alone are none.
pub(super) fn split(text: &str) -> Vec<Word> {
    text.split_whitespace().flat_map(split_at_dots).collect()
}

/// `Prof.Dr.Jane` is three words, `M.Sc.` one.
fn split_at_dots(token: &str) -> Vec<Word> {
    let belongs = |c: char| c.is_alphanumeric() || is_combining_mark(c);
    let mut words = Vec::new();
    let mut rest = token;
    loop {
        rest = rest.trim_start_matches(|c: char| !belongs(c));
        let end = rest.trim_end_matches(|c: char| !belongs(c)).len();
        if end == 0 {
            return words;
        }
        let has_dot = rest.get(end..).is_some_and(|after| after.starts_with('.'));
        let whole = rest.get(..end + usize::from(has_dot)).unwrap_or_default();
        let key = key_of(whole);
        let is_known = KNOWN.contains_key(key.as_str()) || tables::OF_LEARNING.contains(&key.as_str());
        let split = whole.split_once('.').filter(|(_, tail)| !tail.is_empty() && !is_known);
        match split {
            Some((head, tail)) if head.chars().count() == 1 || KNOWN.contains_key(key_of(head).as_str()) => {
                words.push(Word::new(whole.get(..=head.len()).unwrap_or(head)));
                rest = tail;
            }
            _ => {
                words.push(Word::new(whole));
                return words;
            }
        }
    }
}

/// Whether a text stands in the place of a name: as a whole, or each of its words.
pub(super) fn is_placeholder(text: &str) -> bool {
    let sign = |c: char| !c.is_alphanumeric();
    let plain = text.to_lowercase();
    let plain = plain.trim_matches(sign);
    let is_one = |word: &str| {
        let word = word.trim_matches(sign);
        let mut chars = word.chars();
        let first = chars.next();
        let is_repeated = word.len() > 1 && word.is_ascii() && first.is_some_and(|first| chars.all(|c| c == first));
        word.is_empty() || is_repeated || is_kind(word, Kind::Placeholder) || ALONE.contains(word)
    };
    // What a spreadsheet or a mail program should have filled in.
    let is_unfilled = ["{{", "[[", "<%", "${", "*|", "%%"].iter().any(|mark| text.contains(mark))
        || (text.starts_with('#') && !text.contains(' '))
        || (text.starts_with('%') && text.ends_with('%'));
    is_unfilled
        || !plain.chars().any(char::is_alphabetic)
        || is_kind(plain, Kind::Placeholder)
        || plain.split_whitespace().all(is_one)
}

fn is_kind(key: &str, kind: Kind) -> bool {
    KNOWN.get(key).is_some_and(|kinds| kinds & (1 << kind as usize) != 0)
}

/// An address in place of a name, whatever stands beside it.
pub(super) fn is_address(text: &str) -> bool {
    let is_one = |token: &str| {
        let (before, after) = token.split_once('@').unwrap_or_default();
        !before.is_empty() && after.contains('.')
    };
    text.contains("://") || text.starts_with('@') || text.split_whitespace().next().is_some_and(is_one)
}

/// The word as addresses write it.
pub(crate) fn without_accents(key: &str) -> String {
    let plain = key.nfd().filter(|c| !is_combining_mark(*c));
    plain
        .map(|c| match c {
            'ø' => 'o',
            'ł' => 'l',
            'đ' => 'd',
            'ı' => 'i',
            other => other,
        })
        .collect()
}
