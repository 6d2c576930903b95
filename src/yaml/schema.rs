//! What a mapping may hold, told once: the loader takes the keys it knows from here, and the JSON Schema is written from it,
//! so that a program and an editor never know different keys.

use serde_json::Value as Json;
use std::{ops::RangeInclusive, sync::LazyLock, time::Duration};

/// A mapping with fixed keys; made when it is first asked for, so that shapes may hold each other.
pub type LazySchema = LazyLock<Schema>;

/// A mapping with fixed keys.
#[derive(Debug)]
pub struct Schema {
    /// Its name among the definitions of a schema.
    pub name: &'static str,
    /// What it is, for people.
    pub doc: &'static str,
    /// The keys that it may have.
    pub keys: Vec<Key>,
    /// What must hold between them.
    pub laws: Vec<Constraint>,
    /// Keys that belong elsewhere, of which the loader says so itself instead of calling them unknown.
    pub elsewhere: Vec<&'static str>,
}

impl Schema {
    /// A mapping of these keys.
    pub fn new(name: &'static str, doc: &'static str, keys: impl IntoIterator<Item = Key>) -> Self {
        Self { name, doc, keys: keys.into_iter().collect(), laws: Vec::new(), elsewhere: Vec::new() }
    }

    /// Adds what must hold between the keys.
    #[must_use]
    pub fn constraint(mut self, law: Constraint) -> Self {
        self.laws.push(law);
        self
    }

    /// Leaves it to the loader to refuse these keys.
    #[must_use]
    pub fn checked_elsewhere(self, keys: Vec<&'static str>) -> Self {
        Self { elsewhere: keys, ..self }
    }

    /// The names of the keys, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.keys.iter().map(|key| key.name)
    }

    /// Whether such a key is not unknown.
    pub fn has(&self, name: &str) -> bool {
        self.names().chain(self.elsewhere.iter().copied()).any(|known| known == name)
    }
}

/// A key of a mapping.
#[derive(Debug, Clone)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What it is for, for people.
    pub doc: String,
    /// The values that it takes.
    pub form: ValueType,
    /// Whether it must be there.
    pub need: Presence,
    /// What holds without it.
    pub default: Option<Json>,
    /// Values to begin with.
    pub examples: Vec<Json>,
}

impl Key {
    /// A key that may be left away; without a value it counts as left away.
    pub fn new(name: &'static str, form: ValueType, doc: impl Into<String>) -> Self {
        Self { name, doc: doc.into(), form, need: Presence::Optional, default: None, examples: Vec::new() }
    }

    /// Whether it must be there.
    pub fn is_required(&self) -> bool {
        self.need == Presence::Required
    }

    /// It must be there, with a value.
    #[must_use]
    pub fn required(self) -> Self {
        Self { need: Presence::Required, ..self }
    }

    /// It may be left away, but where it stands it needs a value (or gives its absence a meaning of its own).
    #[must_use]
    pub fn non_null(self) -> Self {
        Self { need: Presence::NonNull, ..self }
    }

    /// What holds without it.
    #[must_use]
    pub fn default(self, value: impl Into<Json>) -> Self {
        Self { default: Some(value.into()), ..self }
    }

    /// A value to begin with.
    #[must_use]
    pub fn example(mut self, value: impl Into<Json>) -> Self {
        self.examples.push(value.into());
        self
    }
}

/// Whether a key must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It may be left away, also by a key without a value.
    Optional,
    /// It must be there, with a value.
    Required,
    /// It may be left away, but a key without a value is a mistake.
    NonNull,
}

/// What must hold between the keys of a mapping.
#[derive(Debug, Clone)]
pub enum Constraint {
    /// All keys of at least one of the groups are there.
    Any(Vec<Vec<KeyMatch>>),
    /// The two keys do not stand beside each other.
    NotBoth(&'static str, &'static str),
    /// At least one key is there.
    NotEmpty,
    /// Exactly one key is there.
    ExactlyOne,
}

/// That a key is there.
#[derive(Debug, Clone)]
pub enum KeyMatch {
    /// With a value or without.
    Key(&'static str),
    /// With any value.
    Value(&'static str),
    /// With this one.
    True(&'static str),
    /// As a list of mappings of which one has this other key.
    ListWith(&'static str, &'static str),
    /// As a list of mappings of which each has this other key, with a value.
    EachWith(&'static str, &'static str),
}

/// The values that a key takes, as the readers of [`Node`](super::Node) take them.
#[derive(Debug, Clone)]
pub enum ValueType {
    /// A text, also a blank one; a number counts as the text that it is written as.
    Text,
    /// A text that is not blank.
    NonBlankText,
    /// A text of this form, a regular expression that every engine reads; numbers do not count.
    Matching(String),
    /// A text of this form, or any number.
    MatchingOrNumber(String),
    /// A text of this form, or a whole number, perhaps from a least one up.
    MatchingOrInteger(String, Option<i64>),
    /// A length of time, such as `30s`.
    Duration,
    /// A length of time in a range.
    DurationIn(RangeInclusive<Duration>),
    /// A rate, such as `1 per 7d`.
    Rate,
    /// `true` or `false`.
    Bool,
    /// Any number.
    Number,
    /// A whole number in a range.
    Integer(i64, i64),
    /// One of these words.
    OneOf(Vec<&'static str>),
    /// One of these values.
    OneOfJson(Vec<Json>),
    /// Nothing, which means something here.
    Null,
    /// A mapping with fixed keys.
    Shape(&'static LazySchema),
    /// A list of so many.
    List {
        /// What is in it.
        item: Box<ValueType>,
        /// The fewest.
        least: usize,
        /// The most.
        most: Option<usize>,
    },
    /// A mapping whose keys are names that the user chooses, of this form.
    Map(String, Box<ValueType>),
    /// Any of these.
    AnyOf(Vec<ValueType>),
}

impl ValueType {
    /// A list, also an empty one.
    pub fn list(item: ValueType) -> Self {
        Self::List { item: Box::new(item), least: 0, most: None }
    }

    /// A list with something in it.
    pub fn non_empty_list(item: ValueType) -> Self {
        Self::List { item: Box::new(item), least: 1, most: None }
    }

    /// A value, or a list of them, also an empty one.
    pub fn list_or_one(item: ValueType) -> Self {
        Self::AnyOf(vec![item.clone(), Self::list(item)])
    }

    /// A value, or a list of them with something in it.
    pub fn non_empty_list_or_one(item: ValueType) -> Self {
        Self::AnyOf(vec![item.clone(), Self::non_empty_list(item)])
    }
}
