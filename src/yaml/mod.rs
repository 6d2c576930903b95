//! YAML as a tree in which every value knows its place in the file.
//!
//! The parser is `granit-parser` (the one under serde-saphyr), read event by event: a typed decode would stop at the
//! first mistake and lose the places of values. Only a safe part of YAML is accepted: one document, no anchors, aliases,
//! merge keys or tags, no repeated keys, at most [`MAX_BYTES`] and [`MAX_DEPTH`]. Nothing is converted silently: `no`,
//! `on` and `0123` are texts, and every number keeps the text it was written as.

mod json_schema;
mod locate;
mod parse;
mod reader;
mod schema;
#[cfg(test)]
mod tests;

pub use json_schema::{Interpolation, json_schema};
pub use parse::{load, parse, parse_up_to};
pub use reader::{Fields, did_you_mean};
pub use schema::{Constraint, Key, KeyMatch, LazySchema, Presence, Schema, ValueType};

use crate::diagnostics::{Located, Location, Source, Span};
use std::{ops::Range, sync::Arc};

/// The largest file that is read.
pub const MAX_BYTES: usize = 1024 * 1024;
/// How deep mappings and lists may be nested.
pub const MAX_DEPTH: usize = 64;

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In single quotes.
    SingleQuoted,
    /// In double quotes.
    DoubleQuoted,
    /// A block after `|`.
    Literal,
    /// A block after `>`.
    Folded,
}

/// What a scalar means. Quoted and block scalars are always texts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`, in lower case.
    Bool(bool),
    /// Decimal digits without a leading zero.
    Int(i64),
    /// Decimal digits with a point, or with an exponent.
    Float(f64),
    /// Anything else.
    Text,
}

impl Kind {
    /// What a plain scalar means. Everything that other YAML versions would convert on top (`yes`, `on`, `0123`, `0x1f`,
    /// `1_000`, `.inf`, `12:30`) is a text.
    pub fn of_plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" => return Kind::Null,
            "true" => return Kind::Bool(true),
            "false" => return Kind::Bool(false),
            _ => {}
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        let whole = digits.split(['.', 'e', 'E']).next().unwrap_or_default();
        let plain =
            !whole.is_empty() && whole.bytes().all(|b| b.is_ascii_digit()) && (whole == "0" || !whole.starts_with('0'));
        if !plain {
            return Kind::Text;
        }
        if whole == digits {
            return text.parse().map_or(Kind::Text, Kind::Int);
        }
        let last_is_digit = digits.ends_with(|c: char| c.is_ascii_digit());
        match text.parse::<f64>() {
            Ok(number) if last_is_digit && number.is_finite() => Kind::Float(number),
            _ => Kind::Text,
        }
    }
}

/// A single value with the text it was written as.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// The value as text, escapes resolved: what a text is, and how a number was written.
    pub text: String,
    /// How it is written.
    pub style: Style,
    /// What it means.
    pub kind: Kind,
    /// Where `text` is only a part of the value: the whole value, and where in it the part begins. Places in the part are found
    /// with it.
    pub part_of: Option<(String, usize)>,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub enum Value {
    /// A single value.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A mapping in the order of the file, each key once. Keys are always scalars.
    Mapping(Vec<(Node, Node)>),
}

/// A value at its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
    source: Arc<Source>,
}

impl Node {
    /// A node at a place; for trees that are built otherwise than from a file.
    pub fn new(value: Value, span: Span, source: &Arc<Source>) -> Self {
        Self { value, span, source: Arc::clone(source) }
    }

    /// The file that it comes from.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The scalar, if it is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Whether it is `null`, `~` or nothing at all.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(Scalar { kind: Kind::Null, .. }))
    }

    /// The scalar's text, whatever it means; empty for lists and mappings. For keys and messages.
    pub fn text(&self) -> &str {
        self.scalar().map_or("", |scalar| scalar.text.as_str())
    }

    /// The value of a key, when this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Mapping(entries) => entries.iter().find(|(name, _)| name.text() == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// What it is, for messages: `a list`, `the number 5`, `nothing`.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::List(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
            Value::Scalar(scalar) => match scalar.kind {
                Kind::Null => "nothing".to_owned(),
                Kind::Bool(value) => format!("`{value}`"),
                Kind::Int(_) | Kind::Float(_) => format!("the number {}", scalar.text),
                Kind::Text => "a text".to_owned(),
            },
        }
    }

    /// Line and column (both from 1) in the file of a byte offset in the scalar's *value*, also in block scalars and
    /// where quotes and escapes stand between. An offset beyond the end gives the end.
    pub fn locate(&self, offset: usize) -> (usize, usize) {
        let span = self.locate_range(offset..offset);
        (span.line, span.column)
    }

    /// The location of a range of bytes in the scalar's *value*.
    pub fn at(&self, range: Range<usize>) -> Location {
        Location { source: Arc::clone(&self.source), span: self.locate_range(range) }
    }

    fn locate_range(&self, range: Range<usize>) -> Span {
        let Value::Scalar(scalar) = &self.value else { return self.span };
        let raw = self.source.text().get(self.span.start..self.span.end).unwrap_or_default();
        let start = self.span.start + locate::raw_offset(raw, scalar, range.start);
        let end =
            if range.end > range.start { self.span.start + locate::raw_offset(raw, scalar, range.end) } else { start };
        self.source.span(start..end.max(start))
    }
}

impl Located for Node {
    fn location(&self) -> Location {
        Location { source: Arc::clone(&self.source), span: self.span }
    }
}
