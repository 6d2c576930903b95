//! From cells to a list, with every mistake of the file in one pass.

use super::{
    MAX_LISTED, MAX_ROWS,
    key::fold_key,
    list::{CellKind, Index, List},
};
use crate::diagnostics::{Diagnostic, Diagnostics, Location, Source, code};
use std::{
    borrow::Cow,
    ops::Range,
    sync::{Arc, OnceLock},
};

/// A list while its file is read.
pub(super) struct Builder<'t> {
    name: &'t str,
    file: &'t str,
    columns: Vec<String>,
    key: usize,
    text: String,
    ends: Vec<u32>,
    kinds: Vec<CellKind>,
    keys: Vec<KeyPlace>,
    /// Keys that are written otherwise than they are compared.
    folded: String,
    /// Where each row begins in the file.
    starts: Vec<u32>,
    lines: Vec<u32>,
    /// A place in the file whose line is known.
    known: (usize, u32),
    source: OnceLock<Arc<Source>>,
    out: Diagnostics,
    is_full: bool,
}

/// Where the folded key of a row stands: begin and length.
enum KeyPlace {
    Cell(usize, usize),
    Folded(usize, usize),
}

impl<'t> Builder<'t> {
    /// Nothing yet, of the text of a file.
    pub(super) fn new(name: &'t str, file: &'t str) -> Self {
        Self {
            name,
            file,
            columns: Vec::new(),
            key: 0,
            text: String::new(),
            ends: Vec::new(),
            kinds: Vec::new(),
            keys: Vec::new(),
            folded: String::new(),
            starts: Vec::new(),
            lines: Vec::new(),
            known: (0, 1),
            source: OnceLock::new(),
            out: Diagnostics::new(),
            is_full: false,
        }
    }

    /// Says which columns there are and by which of them rows are found. False if there is no such column, or one of them has
    /// no name of its own, which is reported.
    pub(super) fn set_columns(&mut self, columns: Vec<String>, key: Option<&str>, at: Range<usize>) -> bool {
        for (place, column) in columns.iter().enumerate() {
            if column.is_empty() {
                self.report(code::LIST_FORMAT, at.clone(), format!("column {} has no name", place + 1), NAME_COLUMNS);
            } else if columns.iter().take(place).any(|earlier| earlier == column) {
                let message = format!("two columns are called `{column}`");
                self.report(code::LIST_FORMAT, at.clone(), message, NAME_COLUMNS);
            }
        }
        let found = key.map_or(Some(0), |key| columns.iter().position(|column| column == key));
        match (found, key) {
            (Some(found), _) => self.key = found,
            (None, key) => {
                let key = key.unwrap_or_default();
                let hint = match crate::yaml::did_you_mean(key, columns.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `key: {near}`?"),
                    None => format!("there is: {}", columns.join(", ")),
                };
                self.report(code::LIST_KEY, at, format!("the list has no column `{key}`, which is its key"), &hint);
            }
        }
        self.columns = columns;
        !self.out.has_errors()
    }

    /// How many columns there are.
    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    /// Takes a row that begins at a byte of the file: one cell for each column.
    pub(super) fn push<'c>(&mut self, at: usize, cells: impl Iterator<Item = (Cow<'c, str>, CellKind)>) {
        if self.keys.len() >= MAX_ROWS {
            if !self.is_full {
                let message = format!("the list has more than {MAX_ROWS} rows");
                self.report(code::LIST_FILE, at..at, message, "split it into several lists");
            }
            self.is_full = true;
            return;
        }
        let mut key = None;
        for (place, (cell, kind)) in cells.enumerate() {
            let cell = cell.trim();
            if place == self.key {
                key = Some(match fold_key(cell) {
                    Cow::Borrowed(folded) => {
                        let before = (folded.as_ptr() as usize).saturating_sub(cell.as_ptr() as usize);
                        KeyPlace::Cell(self.text.len() + before, folded.len())
                    }
                    Cow::Owned(folded) => {
                        self.folded.push_str(&folded);
                        KeyPlace::Folded(self.folded.len() - folded.len(), folded.len())
                    }
                });
            }
            self.text.push_str(cell);
            self.ends.push(small(self.text.len()));
            if kind != CellKind::Text || !self.kinds.is_empty() {
                self.kinds.resize(self.ends.len() - 1, CellKind::Text);
                self.kinds.push(kind);
            }
        }
        if let None | Some(KeyPlace::Cell(_, 0) | KeyPlace::Folded(_, 0)) = key {
            let column = self.columns.get(self.key).cloned().unwrap_or_default();
            let end = self.end_of_line(at);
            let hint = "each row needs a key; take the row out, or fill it in";
            self.report(code::LIST_KEY, at..end, format!("this row has no `{column}`, which is the key"), hint);
        }
        self.keys.extend(key);
        self.starts.push(small(at));
        let line = self.line_of(at);
        self.lines.push(line);
    }

    /// Reports a mistake; after many of them no more.
    pub(super) fn report(&mut self, code: &'static str, range: Range<usize>, message: impl Into<String>, hint: &str) {
        if self.out.error_count() < MAX_LISTED {
            let at = self.at(range);
            self.out.push(Diagnostic::error(code, &at, message).hint(hint));
        }
    }

    /// A place in the file.
    pub(super) fn at(&self, range: Range<usize>) -> Location {
        // Made only where something is wrong: it takes longer than the list itself.
        let source = self.source.get_or_init(|| Source::new(self.name, self.file));
        Location::new(source, range)
    }

    /// Whether so much is wrong that looking further is of no use.
    pub(super) fn has_given_up(&self) -> bool {
        self.is_full || self.out.error_count() >= MAX_LISTED
    }

    /// The end of the line on which a byte stands.
    pub(super) fn end_of_line(&self, at: usize) -> usize {
        let rest = self.file.get(at..).unwrap_or_default();
        at + rest.find(['\r', '\n']).unwrap_or(rest.len())
    }

    /// The line of a byte. Asked for in order, each byte is looked at once.
    fn line_of(&mut self, at: usize) -> u32 {
        let (known, line) = if self.known.0 <= at { self.known } else { (0, 1) };
        let between = self.file.as_bytes().get(known..at).unwrap_or_default();
        let line = line.saturating_add(small(between.iter().filter(|byte| **byte == b'\n').count()));
        self.known = (at, line);
        line
    }

    /// The list, if nothing was wrong.
    pub(super) fn finish(mut self, digest: String) -> Result<List, Diagnostics> {
        let cells = self.text.len();
        self.text.push_str(&self.folded);
        if u32::try_from(self.text.len()).is_err() {
            self.report(code::LIST_FILE, 0..0, "the list is too large", "split it into several lists");
        }
        if self.out.has_errors() {
            return Err(self.out);
        }
        let place = |place: &KeyPlace| match *place {
            KeyPlace::Cell(start, length) => (small(start), small(length)),
            KeyPlace::Folded(start, length) => (small(cells + start), small(length)),
        };
        let keys: Vec<(u32, u32)> = self.keys.iter().map(place).collect();
        let mut list = List {
            file: self.name.to_owned(),
            digest,
            columns: std::mem::take(&mut self.columns),
            key: self.key,
            text: std::mem::take(&mut self.text),
            ends: std::mem::take(&mut self.ends),
            kinds: std::mem::take(&mut self.kinds),
            longest: keys.iter().map(|(_, length)| *length as usize).max().unwrap_or(0),
            keys,
            lines: std::mem::take(&mut self.lines),
            index: Index::default(),
            words: OnceLock::new(),
            blanks: OnceLock::new(),
        };
        list.text.shrink_to_fit();
        let mut index = Index::with_capacity(list.len());
        for number in 0..list.len() {
            let key = list.folded_key(number);
            let Some(first) = index.insert(number, key, |other| Cow::Borrowed(list.folded_key(other))) else {
                continue;
            };
            let first = list.lines.get(first).copied().unwrap_or_default();
            let start = self.starts.get(number).map_or(0, |start| *start as usize);
            let message = format!("the key `{key}` is there already, on line {first}");
            self.report(
                code::LIST_KEY_TWICE,
                start..self.end_of_line(start),
                message,
                "keep one of the two rows: a key has one row",
            );
        }
        if self.out.has_errors() {
            return Err(self.out);
        }
        list.index = index;
        Ok(list)
    }
}

const NAME_COLUMNS: &str = "the first row names the columns; each needs a name of its own";

/// A number of bytes or rows, which are bounded.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
