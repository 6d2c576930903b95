//! The values that a script sees: those that it names, each made once for an event, whichever scripts name it.

use super::{event::Facts, script_check::NameRef, script_error::NAMES, values};
use rhai::{Dynamic, Identifier, Map as RhaiMap};
use serde_json::Value;
use std::{cell::OnceCell, collections::BTreeMap};

/// The names with fields that are kept for an event.
const KEPT: [&str; 3] = ["thread", "lead", "message"];

/// What a script names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct NeededValues(Vec<(&'static str, Needed)>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Needed {
    /// A map with these fields of the name, which are all that the script reads of it.
    Fields(Vec<NeededField>),
    /// The workspace with its texts; these are absent rather than unknown.
    Workspace(Vec<String>),
    Captures,
    Now,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct NeededField {
    name: &'static str,
    key: Identifier,
    /// Its number among all that are kept.
    number: usize,
}

/// What was made for an event, by the fields' numbers, and the time.
#[derive(Default)]
pub(super) struct ScriptValues {
    fields: OnceCell<Box<[OnceCell<Dynamic>]>>,
    now: OnceCell<Dynamic>,
}

impl NeededValues {
    pub(super) fn of(mentions: &[NameRef]) -> Self {
        let is_named = |name: &&str| mentions.iter().any(|mention| mention.root == *name);
        Self(NAMES.into_iter().filter(is_named).map(|name| (name, Needed::of(name, mentions))).collect())
    }

    /// Each name with its value.
    pub(super) fn values<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        captures: &'a BTreeMap<String, String>,
    ) -> impl Iterator<Item = (&'static str, Dynamic)> + 'a {
        self.0.iter().map(move |(name, needed)| (*name, needed.value(name, facts, captures)))
    }
}

impl Needed {
    fn of(name: &'static str, mentions: &[NameRef]) -> Self {
        let of_name = || mentions.iter().filter(|mention| mention.root == name);
        match name {
            "captures" => Self::Captures,
            "now" => Self::Now,
            "workspace" => {
                let vars = of_name().filter(|mention| mention.field.as_deref() == Some("vars"));
                Self::Workspace(vars.filter_map(|mention| mention.inner.clone()).collect())
            }
            _ => {
                // Used as a whole, it has every field.
                let is_whole = of_name().any(|mention| mention.field.is_none());
                let before = KEPT.into_iter().take_while(|kept| *kept != name).map(count).sum::<usize>();
                let fields = values::fields_of(name).unwrap_or_default().iter().map(|(field, _)| *field).enumerate();
                let named = |field: &str| is_whole || of_name().any(|mention| mention.field.as_deref() == Some(field));
                let fields = fields.filter(|(_, field)| named(field));
                Self::Fields(
                    fields
                        .map(|(index, field)| NeededField { name: field, key: field.into(), number: before + index })
                        .collect(),
                )
            }
        }
    }

    fn value(&self, root: &str, facts: &Facts<'_>, captures: &BTreeMap<String, String>) -> Dynamic {
        match self {
            Self::Fields(fields) => {
                // One by one: collecting sorts them in a list first.
                let mut map = RhaiMap::new();
                for field in fields {
                    map.insert(field.key.clone(), field.value(root, facts));
                }
                map.into()
            }
            Self::Workspace(named) => workspace(facts, named),
            Self::Captures => {
                let entries = captures.iter().map(|(key, text)| (key.as_str().into(), Dynamic::from(text.clone())));
                entries.collect::<RhaiMap>().into()
            }
            Self::Now => facts.script_values.now.get_or_init(|| Dynamic::from(facts.now.to_string())).clone(),
        }
    }
}

impl NeededField {
    /// What is absent is `()`, so that only a name that does not exist is an error.
    fn value(&self, root: &str, facts: &Facts<'_>) -> Dynamic {
        let made = || values::field_value(facts, root, self.name).map_or(Dynamic::UNIT, dynamic);
        let all = facts.script_values.fields.get_or_init(|| {
            let count = KEPT.into_iter().map(count).sum();
            (0..count).map(|_| OnceCell::new()).collect()
        });
        match all.get(self.number) {
            Some(kept) => kept.get_or_init(made).clone(),
            None => made(),
        }
    }
}

fn count(root: &str) -> usize {
    values::fields_of(root).map_or(0, <[_]>::len)
}

fn dynamic(value: Value) -> Dynamic {
    rhai::serde::to_dynamic(value).unwrap_or(Dynamic::UNIT)
}

fn workspace(facts: &Facts<'_>, named: &[String]) -> Dynamic {
    let mut map = RhaiMap::new();
    for (field, _) in values::fields_of("workspace").unwrap_or_default() {
        let mut value = values::field_value(facts, "workspace", field);
        if let Some(Value::Object(vars)) = &mut value {
            for name in named {
                vars.entry(name.as_str()).or_insert(Value::Null);
            }
        }
        map.insert((*field).into(), value.map_or(Dynamic::UNIT, dynamic));
    }
    map.into()
}
