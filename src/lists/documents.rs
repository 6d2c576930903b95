//! YAML and JSON: a list of mappings, a mapping from key to mapping, or a plain list of keys; and plain text with a key on
//! each line.

use super::{MAX_COLUMNS, MAX_DOCUMENT_BYTES, builder::Builder, list::CellKind};
use crate::{
    diagnostics::{Diagnostics, Source, code},
    yaml::{self, Kind, Node, Value},
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value as Json;
use std::{borrow::Cow, collections::HashSet, fmt, ops::Range};

/// What the key is called where the file does not name it.
const KEY: &str = "key";

const FORMS: &str = "write a list of mappings, `- { domain: acme.example, owner: Ann }`, a mapping from keys to mappings, or a \
                     plain list of keys";

/// A row as it is written.
struct RowText {
    at: Range<usize>,
    /// What stands before its mapping, in a mapping from keys to mappings; or all of it, in a plain list.
    key: Option<(String, CellKind)>,
    cells: Vec<(String, String, CellKind)>,
}

/// Reads a YAML file. What YAML itself refuses is reported in `out`.
pub(super) fn read_yaml(name: &str, text: &str, key: Option<&str>, builder: &mut Builder<'_>, out: &mut Diagnostics) {
    let source = Source::new(name, text);
    let Some(root) = yaml::parse_up_to(&source, MAX_DOCUMENT_BYTES, out) else { return };
    let mut rows = Vec::new();
    match &root.value {
        Value::List(items) => {
            for item in items {
                match &item.value {
                    Value::Mapping(_) => rows.extend(row_of(item, None, builder)),
                    Value::Scalar(_) => rows.extend(cell_of(item, builder).map(|(text, kind)| RowText {
                        at: item.span.start..item.span.end,
                        key: Some((text, kind)),
                        cells: Vec::new(),
                    })),
                    Value::List(_) => builder.report(code::LIST_FORMAT, range(item), "a row is no list", FORMS),
                }
            }
        }
        Value::Mapping(entries) => {
            for (key, value) in entries {
                rows.extend(row_of(value, Some(key), builder));
            }
        }
        Value::Scalar(_) if root.is_null() => {}
        Value::Scalar(_) => builder.report(code::LIST_FORMAT, range(&root), "this is no list", FORMS),
    }
    fill(rows, key, builder);
}

fn range(node: &Node) -> Range<usize> {
    node.span.start..node.span.end
}

fn row_of(node: &Node, key: Option<&Node>, builder: &mut Builder<'_>) -> Option<RowText> {
    let Value::Mapping(entries) = &node.value else {
        if node.is_null()
            && let Some(key) = key
        {
            return Some(RowText {
                at: range(key),
                key: Some((key.text().to_owned(), CellKind::Text)),
                cells: Vec::new(),
            });
        }
        builder.report(code::LIST_FORMAT, range(node), format!("a row is a mapping, not {}", node.describe()), FORMS);
        return None;
    };
    let mut cells = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        let (text, kind) = cell_of(value, builder)?;
        cells.push((name.text().to_owned(), text, kind));
    }
    let at = range(key.unwrap_or(node));
    Some(RowText { at, key: key.map(|key| (key.text().to_owned(), CellKind::Text)), cells })
}

fn cell_of(node: &Node, builder: &mut Builder<'_>) -> Option<(String, CellKind)> {
    let Some(scalar) = node.scalar() else {
        let message = format!("a cell is a text, a number, true or false, not {}", node.describe());
        builder.report(code::LIST_FORMAT, range(node), message, "give what it holds columns of their own");
        return None;
    };
    Some(match scalar.kind {
        Kind::Null => (String::new(), CellKind::Text),
        Kind::Bool(_) => (scalar.text.clone(), CellKind::Flag),
        Kind::Int(_) | Kind::Float(_) => (scalar.text.clone(), CellKind::Number),
        Kind::Text => (scalar.text.clone(), CellKind::Text),
    })
}

/// Reads a JSON file; `start` is where its text begins.
pub(super) fn read_json(text: &str, start: usize, key: Option<&str>, builder: &mut Builder<'_>) {
    let mut scanner = Scanner { text, start, at: 0 };
    let mut rows = Vec::new();
    let read = match scanner.peek() {
        Some(b'[') => scanner.list(&mut rows, builder),
        Some(b'{') => scanner.mapping(&mut rows, builder),
        _ => Err(scanner.expected("a list or a mapping")),
    };
    let end = read.and_then(|()| match scanner.peek() {
        None => Ok(()),
        Some(_) => Err(scanner.expected("the end of the file")),
    });
    match end {
        Ok(()) => fill(rows, key, builder),
        Err((at, message)) => builder.report(code::LIST_FORMAT, at..at, format!("this is no JSON: {message}"), FORMS),
    }
}

/// Where the JSON is broken, and how.
type Broken = (usize, String);

/// Reads JSON value by value, so that the place of each row is known.
struct Scanner<'t> {
    text: &'t str,
    start: usize,
    at: usize,
}

impl Scanner<'_> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.len() - rest.trim_ascii_start().len();
        self.text.as_bytes().get(self.at).copied()
    }

    fn expected(&self, what: &str) -> Broken {
        (self.start + self.at, format!("{what} is expected here"))
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value<T: for<'d> Deserialize<'d>>(&mut self) -> Result<(T, Range<usize>), Broken> {
        self.peek();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<T>();
        match values.next() {
            Some(Ok(value)) => {
                let begin = self.start + self.at;
                self.at += values.byte_offset();
                Ok((value, begin..self.start + self.at))
            }
            Some(Err(error)) => {
                let lines: usize = rest.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
                let at = self.text.floor_char_boundary(self.at + lines + error.column().saturating_sub(1));
                let mut message = error.to_string();
                // The place is told in our own words.
                message.truncate(message.rfind(" at line ").unwrap_or(message.len()));
                Err((self.start + at, message))
            }
            None => Err(self.expected("a value")),
        }
    }

    fn list(&mut self, rows: &mut Vec<RowText>, builder: &mut Builder<'_>) -> Result<(), Broken> {
        self.take(b'[');
        if self.take(b']') {
            return Ok(());
        }
        loop {
            match self.peek() {
                Some(b'{') => {
                    let (entries, at) = self.value::<Entries>()?;
                    rows.extend(json_row(entries.0, None, at, builder));
                }
                _ => {
                    let (value, at) = self.value::<Json>()?;
                    rows.extend(json_cell(&value, &at, builder).map(|key| RowText {
                        at,
                        key: Some(key),
                        cells: Vec::new(),
                    }));
                }
            }
            if !self.take(b',') {
                break;
            }
        }
        if self.take(b']') { Ok(()) } else { Err(self.expected("`,` or `]`")) }
    }

    fn mapping(&mut self, rows: &mut Vec<RowText>, builder: &mut Builder<'_>) -> Result<(), Broken> {
        self.take(b'{');
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let (key, at) = self.value::<String>()?;
            if !self.take(b':') {
                return Err(self.expected("`:`"));
            }
            match self.peek() {
                Some(b'{') => {
                    let (entries, _) = self.value::<Entries>()?;
                    rows.extend(json_row(entries.0, Some(key), at, builder));
                }
                _ => {
                    let (value, place) = self.value::<Json>()?;
                    if value.is_null() {
                        rows.push(RowText { at, key: Some((key, CellKind::Text)), cells: Vec::new() });
                    } else {
                        builder.report(code::LIST_FORMAT, place, "a row is a mapping", FORMS);
                    }
                }
            }
            if !self.take(b',') {
                break;
            }
        }
        if self.take(b'}') { Ok(()) } else { Err(self.expected("`,` or `}`")) }
    }
}

/// A mapping in its order, a repeated name included.
struct Entries(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

fn json_row(
    entries: Vec<(String, Json)>,
    key: Option<String>,
    at: Range<usize>,
    builder: &mut Builder<'_>,
) -> Option<RowText> {
    let mut cells: Vec<(String, String, CellKind)> = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        if cells.iter().any(|(known, ..)| *known == name) {
            builder.report(code::LIST_FORMAT, at, format!("`{name}` stands twice in this row"), "keep one of the two");
            return None;
        }
        let (text, kind) = json_cell(&value, &at, builder)?;
        cells.push((name, text, kind));
    }
    Some(RowText { at, key: key.map(|key| (key, CellKind::Text)), cells })
}

fn json_cell(value: &Json, at: &Range<usize>, builder: &mut Builder<'_>) -> Option<(String, CellKind)> {
    Some(match value {
        Json::Null => (String::new(), CellKind::Text),
        Json::Bool(flag) => (flag.to_string(), CellKind::Flag),
        Json::Number(number) => (number.to_string(), CellKind::Number),
        Json::String(text) => (text.clone(), CellKind::Text),
        Json::Array(_) | Json::Object(_) => {
            let message = "a cell is a text, a number, true or false, not a list or a mapping";
            builder.report(code::LIST_FORMAT, at.clone(), message, "give what it holds columns of their own");
            return None;
        }
    })
}

/// Reads a text with a key on each line; what begins with `#` is a comment.
pub(super) fn read_lines(text: &str, start: usize, key: Option<&str>, builder: &mut Builder<'_>) {
    if !builder.set_columns(vec![key.unwrap_or(KEY).to_owned()], key, start..start) {
        return;
    }
    let mut at = start;
    for line in text.split_inclusive('\n') {
        let entry = line.trim();
        if !entry.is_empty() && !entry.starts_with('#') {
            builder.push(at, std::iter::once((Cow::Borrowed(entry), CellKind::Text)));
        }
        at += line.len();
    }
}

/// Puts rows into the list, each with a cell for every column that any of them has.
fn fill(rows: Vec<RowText>, key: Option<&str>, builder: &mut Builder<'_>) {
    let first = rows.first().map_or(0..0, |row| row.at.clone());
    let mut columns: Vec<String> = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    let mut add = |name: &str| {
        if known.insert(name.to_owned()) {
            columns.push(name.to_owned());
        }
    };
    if rows.is_empty() || rows.iter().any(|row| row.key.is_some()) {
        add(key.unwrap_or(KEY));
    }
    rows.iter().flat_map(|row| &row.cells).for_each(|(name, ..)| add(name));
    if columns.len() > MAX_COLUMNS {
        let message = format!("the list has {} columns; {MAX_COLUMNS} is the most", columns.len());
        return builder.report(code::LIST_FILE, first, message, "leave out the columns that no rule uses");
    }
    if !builder.set_columns(columns.clone(), key, first) {
        return;
    }
    let key_name = key.map_or_else(|| columns.first().cloned().unwrap_or_default(), str::to_owned);
    for mut row in rows {
        if builder.has_given_up() {
            return;
        }
        if let Some((text, kind)) = row.key.take() {
            let inner = row.cells.iter().position(|(name, ..)| *name == key_name);
            if inner.is_some() {
                let message = format!("the row says its key twice: before it, and as `{key_name}`");
                builder.report(code::LIST_FORMAT, row.at, message, "keep one of the two");
                continue;
            }
            row.cells.push((key_name.clone(), text, kind));
        }
        let cells = columns.iter().map(|column| {
            let cell = row.cells.iter().find(|(name, ..)| name == column);
            cell.map_or((Cow::Borrowed(""), CellKind::Text), |(_, text, kind)| (Cow::Borrowed(text.as_str()), *kind))
        });
        builder.push(row.at.start, cells);
    }
}
