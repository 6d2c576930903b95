//! One declaration for each key: its name, the values that it takes, the field that they fill, and what it is for.
//!
//! Everything else follows from it: the reader, the JSON schema with range and default, and docs/configuration.md. To add a
//! key, add a field with its default, and a line to the `keys()` of its section.

use super::reader::ConfigReader;
use crate::model::{Mode, Rate, format_duration};
use crate::yaml::{Fields, Key, LazySchema, Node, Schema, ValueType};
use serde_json::{Value as Json, json};
use std::{ops::RangeInclusive, time::Duration};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// Reads a value; reports what is wrong and gives `None` then.
type ReadValue<T> = Box<dyn Fn(&Node, &mut ConfigReader<'_>) -> Option<T>>;
/// How a default is shown, if it is.
type ShowDefault<T> = Box<dyn Fn(&mut T) -> Option<Json>>;
/// Reads a value into its field; false where it was refused.
type ReadField<S> = Box<dyn Fn(&Node, &mut S, &mut ConfigReader<'_>) -> bool>;

/// The values that a key takes: what an editor may write, how they are read, and how a default is shown.
pub(super) struct Takes<T> {
    value_type: ValueType,
    read: ReadValue<T>,
    show: ShowDefault<T>,
}

impl<T: 'static> Takes<T> {
    /// Values of this type. `read` reports what is wrong and gives `None` then. No default is shown.
    pub(super) fn new(
        value_type: ValueType,
        read: impl Fn(&Node, &mut ConfigReader<'_>) -> Option<T> + 'static,
    ) -> Self {
        Self { value_type, read: Box::new(read), show: Box::new(|_| None) }
    }

    /// The same, with the default shown as this.
    pub(super) fn shown(self, show: impl Fn(&T) -> Json + 'static) -> Self {
        Self { show: Box::new(move |value| Some(show(value))), ..self }
    }

    /// The same for a field that is `None` without the key.
    pub(super) fn optional(self) -> Takes<Option<T>> {
        let Self { value_type, read, .. } = self;
        Takes::new(value_type, move |node, reader| read(node, reader).map(Some))
    }
}

/// A duration in this range.
pub(super) fn duration(range: RangeInclusive<Duration>) -> Takes<Duration> {
    let value_type = ValueType::DurationIn(range.clone());
    Takes::new(value_type, move |node, reader| reader.duration(node, &range))
        .shown(|span| json!(format_duration(*span)))
}

/// How long records are kept: limits count in hours, so a day at least.
pub(super) fn retention() -> Takes<Duration> {
    duration(DAY..=3_650 * DAY)
}

/// A whole number from 1 to `most`.
pub(super) fn count(most: u32) -> Takes<u32> {
    let range = 1..=i64::from(most);
    Takes::new(ValueType::Integer(1, i64::from(most)), move |node, reader| {
        node.integer(range.clone(), &mut reader.out).and_then(|value| u32::try_from(value).ok())
    })
    .shown(|count| json!(count))
}

/// A rate such as `1 per 7d`.
pub(super) fn rate() -> Takes<Rate> {
    Takes::new(ValueType::Rate, |node, reader| node.rate(&mut reader.out)).shown(|rate| json!(rate))
}

/// Yes or no.
pub(super) fn flag() -> Takes<bool> {
    Takes::new(ValueType::Bool, |node, reader| node.bool(&mut reader.out)).shown(|value| json!(value))
}

/// One of the modes.
pub(super) fn mode() -> Takes<Mode> {
    let modes = Mode::ALL.map(|mode| (mode.as_str(), mode));
    Takes::new(ValueType::OneOf(modes.map(|(word, _)| word).to_vec()), move |node, reader| {
        node.one_of(&modes, &mut reader.out)
    })
    .shown(|mode| json!(mode.as_str()))
}

/// A key of a section, which fills a field of `S`.
pub(super) struct ConfigKey<S> {
    key: Key,
    default: ShowDefault<S>,
    /// `None` where the section reads it itself.
    read: Option<ReadField<S>>,
}

impl<S: 'static> ConfigKey<S> {
    /// A key that may be left away; the field keeps its default then.
    pub(super) fn new<T: 'static>(
        name: &'static str,
        takes: Takes<T>,
        field: fn(&mut S) -> &mut T,
        doc: &'static str,
    ) -> Self {
        let Takes { value_type, read, show } = takes;
        Self {
            key: Key::new(name, value_type, doc),
            default: Box::new(move |usual| show(field(usual))),
            read: Some(Box::new(move |node, into, reader| {
                read(node, reader).map(|value| *field(into) = value).is_some()
            })),
        }
    }

    /// A mapping with keys of its own, which fill the fields of a `T`. What it does not say stays as it is.
    pub(super) fn section<T: 'static>(
        name: &'static str,
        schema: &'static LazySchema,
        keys: fn() -> Vec<ConfigKey<T>>,
        field: fn(&mut S) -> &mut T,
    ) -> Self {
        Self {
            key: Key::new(name, ValueType::Shape(schema), schema.doc),
            default: Box::new(|_| None),
            read: Some(Box::new(move |node, into, reader| {
                let fields = node.fields(schema, &mut reader.out);
                fields.is_some_and(|fields| read(&keys(), &fields, field(into), reader))
            })),
        }
    }

    /// A key that the section reads itself, because it needs more than its own value.
    pub(super) fn read_apart(key: Key) -> Self {
        Self { key, default: Box::new(|_| None), read: None }
    }

    /// What it is for in this place, where that is not what the section itself says.
    pub(super) fn doc(mut self, doc: &str) -> Self {
        doc.clone_into(&mut self.key.doc);
        self
    }

    /// It may be left away, but a key without a value is a mistake, which the section reports.
    pub(super) fn non_null(self) -> Self {
        Self { key: self.key.non_null(), ..self }
    }

    /// It must be there.
    pub(super) fn required(self) -> Self {
        Self { key: self.key.required(), default: Box::new(|_| None), ..self }
    }

    /// A value to begin with.
    pub(super) fn example(self, value: impl Into<Json>) -> Self {
        Self { key: self.key.example(value), ..self }
    }
}

/// The schema of a section. `usual` is what holds without the section, from which the defaults are taken.
pub(super) fn schema<S>(
    name: &'static str,
    doc: &'static str,
    keys: Vec<ConfigKey<S>>,
    usual: impl Into<Option<S>>,
) -> Schema {
    let mut usual = usual.into();
    let keys = keys.into_iter().map(|ConfigKey { key, default, .. }| match usual.as_mut().and_then(default) {
        Some(value) => key.default(value),
        None => key,
    });
    Schema::new(name, doc, keys)
}

/// Reads every key that the section has into `into`. False if a required key is missing or a value was refused, which is
/// reported then.
pub(super) fn read<S>(keys: &[ConfigKey<S>], fields: &Fields<'_>, into: &mut S, reader: &mut ConfigReader<'_>) -> bool {
    let mut complete = true;
    for ConfigKey { key, read, .. } in keys {
        let Some(read) = read else { continue };
        complete &= match fields.non_null(key.name) {
            Some(node) => read(node, into, reader),
            None if key.is_required() => fields.required(key.name, &mut reader.out).is_some(),
            None => true,
        };
    }
    complete
}
