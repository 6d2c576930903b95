//! From [`Shape`]s to a JSON Schema.
//!
//! The schema says draft-07, which every editor knows, and uses only what means the same in draft 2020-12: no tuples, no
//! `dependencies`, and beside a `$ref`, which older readers take alone, only what explains.

use super::schema::{Constraint, Key, KeyMatch, LazySchema, Presence, Schema, ValueType};
use crate::model::{duration_pattern, format_duration, rate_pattern};
use serde_json::{Map, Value as Json, json};

/// A text with a `${` somewhere.
const VARIABLE: &str = r"\$\{";
/// A text that is a variable and nothing else, which may stand for a number or for `true`.
const ONE_VARIABLE: &str = r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$";

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// `${NAME}` is a text like any other.
    Plain,
    /// `${NAME}` may stand in any value.
    Enabled,
}

/// The JSON Schema of a file that holds such a mapping; `blank` where an empty file is fine too.
pub fn json_schema(root: &'static Schema, title: &str, variables: Interpolation, blank: bool) -> Json {
    let mut writer = Writer { variables, definitions: Map::new() };
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    schema.insert("title".to_owned(), json!(title));
    if let Json::Object(own) = writer.shape(root) {
        schema.extend(own);
    }
    if blank {
        schema.insert("type".to_owned(), json!(["object", "null"]));
    }
    schema.insert("definitions".to_owned(), Json::Object(writer.definitions));
    Json::Object(schema)
}

struct Writer {
    variables: Interpolation,
    definitions: Map<String, Json>,
}

impl Writer {
    fn shape(&mut self, shape: &Schema) -> Json {
        let properties: Map<String, Json> = shape.keys.iter().map(|key| (key.name.to_owned(), self.key(key))).collect();
        let mut schema = Map::new();
        schema.insert("description".to_owned(), json!(shape.doc));
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Json::Object(properties));
        schema.insert("additionalProperties".to_owned(), json!(false));
        let required: Vec<&str> =
            shape.keys.iter().filter(|key| key.need == Presence::Required).map(|key| key.name).collect();
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
        let mut laws = Vec::new();
        for law in &shape.laws {
            match law {
                Constraint::NotEmpty => drop(schema.insert("minProperties".to_owned(), json!(1))),
                Constraint::ExactlyOne => {
                    schema.insert("minProperties".to_owned(), json!(1));
                    // Apart, because one editor completes nothing in an empty value where it stands beside the keys.
                    laws.push(json!({ "maxProperties": 1 }));
                }
                Constraint::Any(groups) => {
                    let groups: Vec<Json> =
                        groups.iter().map(|group| all_of(group.iter().map(|key| has(shape, key)).collect())).collect();
                    laws.push(json!({ "anyOf": groups }));
                }
                Constraint::NotBoth(one, other) => {
                    let both = [one, other].map(|key| has(shape, &KeyMatch::Value(key)));
                    // Without its type, it would hold of everything that is no mapping.
                    laws.push(json!({ "not": { "type": "object", "allOf": both } }));
                }
            }
        }
        if !laws.is_empty() {
            schema.insert("allOf".to_owned(), Json::Array(laws));
        }
        Json::Object(schema)
    }

    fn key(&mut self, key: &Key) -> Json {
        let form = self.form(&key.form);
        let form = if key.need == Presence::Optional { or_null(form) } else { form };
        let mut schema = Map::new();
        let range = range(&key.form).map(|range| format!(" Range: {range}.")).unwrap_or_default();
        let default = key.default.as_ref().map(|value| format!(" Default: {}.", shown(value))).unwrap_or_default();
        let doc = format!("{}{range}{default}", key.doc);
        schema.insert("description".to_owned(), json!(doc));
        // Editors look here for what to begin a value with.
        if form.get("anyOf").is_some() {
            schema.insert("type".to_owned(), json!(types_of(&form)));
        }
        if let Json::Object(own) = form {
            schema.extend(own);
        }
        if let Some(default) = &key.default {
            schema.insert("default".to_owned(), default.clone());
        }
        if !key.examples.is_empty() {
            schema.insert("examples".to_owned(), json!(key.examples));
        }
        Json::Object(schema)
    }

    fn form(&mut self, form: &ValueType) -> Json {
        match form {
            ValueType::Text => json!({ "type": ["string", "number"] }),
            ValueType::NonBlankText => json!({ "type": ["string", "number"], "pattern": r"\S" }),
            ValueType::Matching(pattern) => json!({ "type": "string", "pattern": self.pattern(pattern) }),
            ValueType::MatchingOrNumber(pattern) => {
                json!({ "type": ["string", "number"], "pattern": self.pattern(pattern) })
            }
            ValueType::MatchingOrInteger(pattern, least) => {
                let mut schema = json!({ "type": ["string", "integer"], "pattern": self.pattern(pattern) });
                if let (Some(least), Some(own)) = (least, schema.as_object_mut()) {
                    own.insert("minimum".to_owned(), json!(least));
                }
                schema
            }
            ValueType::Duration | ValueType::DurationIn(_) => {
                json!({ "type": "string", "pattern": self.pattern(&duration_pattern()) })
            }
            ValueType::Rate => json!({ "type": "string", "pattern": self.pattern(&rate_pattern()) }),
            ValueType::Bool => self.or_variable(json!({ "type": ["boolean"] })),
            ValueType::Number => self.or_variable(json!({ "type": ["number"] })),
            ValueType::Integer(least, most) => {
                self.or_variable(json!({ "type": ["integer"], "minimum": least, "maximum": most }))
            }
            ValueType::OneOf(words) if self.variables == Interpolation::Enabled => {
                json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": VARIABLE }] })
            }
            ValueType::OneOf(words) => json!({ "enum": words }),
            ValueType::OneOfJson(values) => json!({ "enum": values }),
            ValueType::Null => json!({ "type": "null" }),
            ValueType::Shape(shape) => self.reference(shape),
            ValueType::List { item, least, most } => {
                let mut schema = Map::new();
                schema.insert("type".to_owned(), json!("array"));
                schema.insert("items".to_owned(), self.form(item));
                if *least > 0 {
                    schema.insert("minItems".to_owned(), json!(least));
                }
                if let Some(most) = most {
                    schema.insert("maxItems".to_owned(), json!(most));
                }
                Json::Object(schema)
            }
            ValueType::Map(names, value) => json!({
                "type": "object",
                "patternProperties": { names: self.form(value) },
                "additionalProperties": false,
            }),
            ValueType::AnyOf(forms) => any_of(forms.iter().map(|form| self.form(form)).collect()),
        }
    }

    fn reference(&mut self, shape: &'static LazySchema) -> Json {
        if !self.definitions.contains_key(shape.name) {
            // Taken first, because a shape may hold itself.
            self.definitions.insert(shape.name.to_owned(), Json::Null);
            let written = self.shape(shape);
            self.definitions.insert(shape.name.to_owned(), written);
        }
        json!({ "$ref": format!("#/definitions/{}", shape.name) })
    }

    fn pattern(&self, own: &str) -> String {
        match self.variables {
            Interpolation::Plain => own.to_owned(),
            Interpolation::Enabled => format!("{own}|{VARIABLE}"),
        }
    }

    /// `schema`, whose `type` is a list, or a variable that stands for such a value.
    fn or_variable(&self, mut schema: Json) -> Json {
        if self.variables == Interpolation::Enabled
            && let Some(types) = schema.get_mut("type").and_then(Json::as_array_mut)
        {
            types.push(json!("string"));
            if let Some(own) = schema.as_object_mut() {
                own.insert("pattern".to_owned(), json!(ONE_VARIABLE));
            }
        }
        schema
    }
}

/// That a key is there; without a value it counts as left away.
fn has(shape: &Schema, key: &KeyMatch) -> Json {
    let (name, value) = match key {
        KeyMatch::Key(name) => (name, None),
        KeyMatch::Value(name) => {
            let may_be_blank = shape.keys.iter().any(|key| key.name == *name && key.need == Presence::Optional);
            let some = ["string", "number", "boolean", "array", "object"];
            (name, may_be_blank.then(|| json!({ "type": some })))
        }
        KeyMatch::ListWith(name, inner) => {
            let item = json!({ "required": [inner], "properties": { *inner: { "type": "object" } } });
            (name, Some(json!({ "type": "array", "contains": item })))
        }
        KeyMatch::EachWith(name, inner) => {
            let item = json!({ "required": [inner], "properties": { *inner: { "not": { "type": "null" } } } });
            (name, Some(json!({ "type": "array", "items": item })))
        }
        KeyMatch::True(name) => (name, Some(json!({ "const": true }))),
    };
    match value {
        Some(value) => json!({ "required": [name], "properties": { *name: value } }),
        None => json!({ "required": [name] }),
    }
}

fn all_of(mut schemas: Vec<Json>) -> Json {
    match schemas.len() {
        1 => schemas.remove(0),
        _ => json!({ "allOf": schemas }),
    }
}

/// Any of the schemas, without an `anyOf` directly within the other.
fn any_of(schemas: Vec<Json>) -> Json {
    let mut flat = Vec::new();
    for schema in schemas {
        match schema.get("anyOf").and_then(Json::as_array).filter(|_| schema.as_object().is_some_and(|s| s.len() == 1))
        {
            Some(inner) => flat.extend(inner.iter().cloned()),
            None => flat.push(schema),
        }
    }
    json!({ "anyOf": flat })
}

/// The types of the values that a schema takes.
fn types_of(schema: &Json) -> Vec<&str> {
    let list = |key: &str| schema.get(key).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut found: Vec<&str> = list("type").iter().filter_map(Json::as_str).collect();
    found.extend(schema.get("type").and_then(Json::as_str));
    found.extend(schema.get("$ref").map(|_| "object"));
    found.extend(list("enum").iter().map(|value| match value {
        Json::Number(_) => "number",
        _ => "string",
    }));
    found.extend(list("anyOf").iter().flat_map(types_of));
    let mut once = Vec::new();
    for one in found {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

fn or_null(mut schema: Json) -> Json {
    match schema.get_mut("type") {
        Some(Json::Array(types)) => {
            types.push(json!("null"));
            schema
        }
        Some(Json::String(one)) => {
            let types = json!([one.as_str(), "null"]);
            if let Some(own) = schema.as_object_mut() {
                own.insert("type".to_owned(), types);
            }
            schema
        }
        _ => any_of(vec![schema, json!({ "type": "null" })]),
    }
}

/// The values that a type allows, in words, where its name does not say it all.
fn range(form: &ValueType) -> Option<String> {
    match form {
        ValueType::Integer(least, most) => Some(format!("{least} to {most}")),
        ValueType::DurationIn(range) => {
            Some(format!("{} to {}", format_duration(*range.start()), format_duration(*range.end())))
        }
        ValueType::List { item, least, most: Some(most) } => match range(item) {
            Some(each) => Some(format!("{least} to {most} items, each {each}")),
            None => Some(format!("{least} to {most} items")),
        },
        _ => None,
    }
}

/// A value as YAML shows it.
fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
