//! What the schemas of several sections share.

use crate::destinations::{destination_info, destination_schema};
use crate::model::DestinationKind;
use crate::yaml::{Constraint, Key, LazySchema, Schema, ValueType};

/// An address of the web.
pub(super) const HTTP: &str = r"^\s*[Hh][Tt][Tt][Pp][Ss]?:";

/// A destination.
pub(super) static DESTINATION: LazySchema = LazySchema::new(|| {
    let keys = DestinationKind::ALL.map(|kind| {
        let settings = ValueType::Shape(destination_schema(kind));
        Key::new(kind.as_str(), settings, destination_info(kind).doc).non_null()
    });
    Schema::new("destination", "Where a forward goes; one kind of destination.", keys)
        .constraint(Constraint::ExactlyOne)
});
