//! A table in memory: all cells in one text, rows found by their folded keys.

use super::{
    key::{Match, candidates, fold_value, fold_words},
    read,
};
use crate::diagnostics::Source;
use hashbrown::HashTable;
use std::{
    borrow::Cow,
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Arc, OnceLock},
};

/// A table that was read and checked. The default has no column and no row.
#[derive(Default)]
pub struct List {
    /// What the file is called, for people; empty for a built-in list.
    pub(super) file: String,
    /// What its rows and columns were made of.
    pub(super) digest: String,
    pub(super) columns: Vec<String>,
    /// The place of the key among the columns.
    pub(super) key: usize,
    /// Every cell, row by row, then keys that are written otherwise than they are compared.
    pub(super) text: String,
    /// Where each cell ends.
    pub(super) ends: Vec<u32>,
    /// What each cell is; empty where all are texts.
    pub(super) kinds: Vec<CellKind>,
    /// Each row's folded key in the text: where it begins and how long it is.
    pub(super) keys: Vec<(u32, u32)>,
    /// The line on which each row begins, from 1.
    pub(super) lines: Vec<u32>,
    pub(super) index: Index,
    /// The keys as categories are compared; made when the first one asks.
    pub(super) words: OnceLock<Index>,
    /// For each column how many rows have nothing there, and the line of the first; made when somebody asks.
    pub(super) blanks: OnceLock<Vec<Option<(usize, usize)>>>,
    /// The length of the longest folded key, in bytes.
    pub(super) longest: usize,
}

/// What a cell of a YAML or JSON file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum CellKind {
    Text,
    Number,
    Flag,
}

/// What stands in a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'l> {
    /// A text, not blank.
    Text(&'l str),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// Yes or no.
    Bool(bool),
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Int(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Bool(flag) => flag.fmt(f),
        }
    }
}

/// A row of a list.
#[derive(Clone, Copy)]
pub struct Row<'l> {
    list: &'l List,
    number: usize,
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("file", &self.file).field("rows", &self.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("number", &self.number).field("key", &self.key()).finish_non_exhaustive()
    }
}

impl List {
    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// What the file is called, as the configuration leads to it; empty for a built-in list.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// A hash of all that it was made of: from equal ones come equal answers.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The names of its columns, in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The name of the column that rows are found by.
    pub fn key_column(&self) -> &str {
        self.columns.get(self.key).map_or("", String::as_str)
    }

    /// The row of a value.
    ///
    /// Keys are compared as addresses and domains are: case, a dot at the end and white space around do not count. How else a
    /// value may be found, `by` says; of several rows the one with the longest key.
    pub fn find(&self, value: &str, by: Match) -> Option<Row<'_>> {
        // A whole message is looked for as well: it is not folded first, only to find that no key is so long.
        if value.len() > 8 * self.longest + 1_024 {
            return None;
        }
        let folded = fold_value(value);
        if by == Match::Words {
            let words = self.words.get_or_init(|| {
                let mut index = Index::default();
                for (number, key) in (0..self.len()).map(|number| (number, fold_words(self.folded_key(number)))) {
                    index.insert(number, &key, |other| Cow::Owned(fold_words(self.folded_key(other))));
                }
                index
            });
            let value = fold_words(&folded);
            let number = words.find(&value, |other| Cow::Owned(fold_words(self.folded_key(other))))?;
            return Some(Row { list: self, number });
        }
        let mut keys = candidates(&folded, by).filter(|key| key.len() <= self.longest);
        let number = keys.find_map(|key| self.index.find(key, |other| Cow::Borrowed(self.folded_key(other))))?;
        Some(Row { list: self, number })
    }

    /// A row by its number, from 0.
    pub fn row(&self, number: usize) -> Option<Row<'_>> {
        (number < self.len()).then_some(Row { list: self, number })
    }

    /// Every row, in the order of the file.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.len()).map(|number| Row { list: self, number })
    }

    /// How many rows have nothing in a column, and the line of the first one; `None` if each has something. The answer is
    /// kept: many templates ask for the same column.
    pub fn blanks(&self, column: &str) -> Option<(usize, usize)> {
        let place = self.columns.iter().position(|known| known == column)?;
        let all = self.blanks.get_or_init(|| {
            let mut blanks = vec![None; self.columns.len()];
            for row in self.rows() {
                for (place, blank) in blanks.iter_mut().enumerate() {
                    if row.cell(place).is_none() {
                        let (count, line) = blank.unwrap_or((0, row.line()));
                        *blank = Some((count + 1, line));
                    }
                }
            }
            blanks
        });
        all.get(place).copied().flatten()
    }

    /// The text of its file, to show lines of it beside what is wrong with them. `None` if the file is not what the list was
    /// made of any more, or so large that it is not read again for that.
    pub fn read_source(&self) -> Option<Arc<Source>> {
        read::again(self)
    }

    /// Whether it has such a column.
    pub fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column == name)
    }

    pub(super) fn folded_key(&self, number: usize) -> &str {
        let Some((start, length)) = self.keys.get(number) else { return "" };
        self.text.get(*start as usize..(*start as usize).saturating_add(*length as usize)).unwrap_or_default()
    }

    fn cell_text(&self, place: usize) -> &str {
        let start = place.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(place).copied().unwrap_or(start);
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }
}

impl<'l> Row<'l> {
    /// Its number, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The line of the file on which it begins, from 1; 0 in a built-in list.
    pub fn line(&self) -> usize {
        self.list.lines.get(self.number).map_or(0, |line| *line as usize)
    }

    /// Its key as it is compared.
    pub fn key(&self) -> &'l str {
        self.list.folded_key(self.number)
    }

    /// What stands in a column; nothing where the cell is blank or there is no such column.
    pub fn get(&self, column: &str) -> Option<Cell<'l>> {
        self.cell(self.list.columns.iter().position(|known| known == column)?)
    }

    /// Each column with what stands in it, without blank cells.
    pub fn cells(self) -> impl Iterator<Item = (&'l str, Cell<'l>)> {
        let columns = self.list.columns.iter().enumerate();
        columns.filter_map(move |(place, name)| Some((name.as_str(), self.cell(place)?)))
    }

    fn cell(&self, column: usize) -> Option<Cell<'l>> {
        let place = self.number * self.list.columns.len() + column;
        let text = self.list.cell_text(place);
        if text.is_empty() {
            return None;
        }
        Some(match self.list.kinds.get(place) {
            Some(CellKind::Flag) => Cell::Bool(text == "true"),
            Some(CellKind::Number) => match (text.parse(), text.parse()) {
                (Ok(whole), _) => Cell::Int(whole),
                (_, Ok(number)) => Cell::Float(number),
                _ => Cell::Text(text),
            },
            Some(CellKind::Text) | None => Cell::Text(text),
        })
    }
}

/// Rows by their keys: no more than a number for each. Values come from strangers, so the hash is keyed.
#[derive(Default)]
pub(super) struct Index {
    hasher: RandomState,
    rows: HashTable<u32>,
}

impl Index {
    /// With place for so many rows.
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { hasher: RandomState::new(), rows: HashTable::with_capacity(rows) }
    }

    /// Takes a row, unless another one has its key: that one's number is given then.
    pub(super) fn insert<'k>(
        &mut self,
        row: usize,
        key: &str,
        key_of: impl Fn(usize) -> Cow<'k, str>,
    ) -> Option<usize> {
        if let Some(other) = self.find(key, &key_of) {
            return Some(other);
        }
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        let Self { hasher, rows } = self;
        rows.insert_unique(hasher.hash_one(key), row, |other| hasher.hash_one(key_of(*other as usize).as_ref()));
        None
    }

    /// The row with a key.
    pub(super) fn find<'k>(&self, key: &str, key_of: impl Fn(usize) -> Cow<'k, str>) -> Option<usize> {
        let hash = self.hasher.hash_one(key);
        self.rows.find(hash, |other| key_of(*other as usize) == key).map(|row| *row as usize)
    }
}
