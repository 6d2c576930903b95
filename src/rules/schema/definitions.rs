//! The mappings below `define`.

use super::{WHEN, capture, script};
use crate::yaml::{Constraint, Key, KeyMatch, LazySchema, Schema, ValueType};

/// A definition: conditions, and what may stand beside them.
pub(in crate::rules) static DEFINITION: LazySchema = LazySchema::new(|| {
    let description = Key::new("description", ValueType::Text, "What it is for, in your words.");
    let keys = WHEN.keys.iter().cloned().chain([description, script(), capture()]);
    let conditions = WHEN.names().chain(["script"]).map(|name| vec![KeyMatch::Value(name)]).collect();
    let doc = "A condition with a name; all of its keys must hold.";
    Schema::new("definition", doc, keys).constraint(Constraint::Any(conditions))
});
