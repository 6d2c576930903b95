//! All that is known of all languages, in tables.

use super::grammar::spell;
use super::sections::{Sections, Table};
use super::tables::Tables;
use crate::text::normal::normalize;

/// What the files of the languages say.
#[derive(Debug, Default)]
pub(super) struct LanguageTables {
    /// All phrases, in the order of the files.
    pub(super) phrases: Tables,
    /// By phrase: the number of its topic, and of its language.
    pub(super) topics: Table<u8>,
    pub(super) languages: Table<u8>,
    /// The languages' ISO 639-1 codes, one a line.
    pub(super) codes: Table<u8>,
    /// What stands before the subject of an answer or a forward, one a line.
    pub(super) prefixes: Table<u8>,
    /// Names of months and weekdays, one a line: name, number of the language, number of the month or day; tabs between.
    pub(super) months: Table<u8>,
    pub(super) weekdays: Table<u8>,
}

impl LanguageTables {
    /// Goes through all of them.
    pub(super) fn pass(&mut self, sections: &mut impl Sections) {
        self.phrases.pass(sections);
        let Self { topics, languages, codes, prefixes, months, weekdays, .. } = self;
        for table in [topics, languages, codes, prefixes, months, weekdays] {
            sections.bytes(table);
        }
    }
}

/// What stands before a subject, as it is looked up.
pub(super) fn fold_prefix(prefix: &str) -> String {
    spell(normalize(prefix.trim()).as_str())
}

/// Names are found by this many of their first letters, and no shorter form is a month.
pub(super) const BEGINNING: usize = 3;

/// What names are found by.
pub(super) fn beginning(word: &str) -> &str {
    first_letters(word, BEGINNING)
}

/// So many of a word's first letters.
pub(super) fn first_letters(word: &str, count: usize) -> &str {
    let end = word.char_indices().nth(count).map_or(word.len(), |(at, _)| at);
    word.get(..end).unwrap_or(word)
}
