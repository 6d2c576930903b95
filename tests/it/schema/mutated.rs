//! Every value of a full file changed in many ways, and each change shown to the loader and to the schema.

use super::{CONFIG, RULES, SAID, Validator, json_of};
use reply_router::diagnostics::Diagnostics;
use reply_router::{
    model::DestinationKind,
    rules::{LoadContext, RuleSet},
    settings::Settings,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

/// A rule file with every key that there is.
const RULE_FILE: &str = include_str!("rules.yaml");
/// A configuration with every key that there is.
const CONFIG_FILE: &str = include_str!("reply-router.yaml");
/// What it has of destinations, each of which costs time: a client with certificates is made to see whether it can work.
const DESTINATIONS: [&str; 3] = ["destinations", "smtp", "network"];

/// What each value is replaced by.
fn replacements() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-3),
        json!(1.5),
        json!(""),
        json!(" "),
        json!("x"),
        json!("Two Words"),
        json!("30s"),
        json!("0s"),
        json!("5 per 1d"),
        json!("5 per 0s"),
        json!("always"),
        json!("star"),
        json!("live"),
        json!("09:00"),
        json!("2026-12-25"),
        json!("${WORD}"),
        json!("${NUMBER}"),
        json!("${FLAG}"),
        json!([]),
        json!([null]),
        json!(["x"]),
        json!([["x"]]),
        json!({}),
        json!({ "x": 1 }),
    ]
}

/// The places of all values.
fn places(value: &Value, here: &str, all: &mut Vec<String>) {
    all.push(here.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| places(item, &format!("{here}/{at}"), all))
        }
        Value::Object(fields) => fields.iter().for_each(|(key, item)| places(item, &format!("{here}/{key}"), all)),
        _ => {}
    }
}

/// The file with one change: a value replaced, put into a list, given an unknown key, or taken away.
///
/// Where loading takes long, each place gets only some of the replacements, others than its neighbour.
fn changes(whole: &Value, few: bool) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    places(whole, "", &mut all);
    let mut changed = Vec::new();
    for (number, place) in all.iter().enumerate() {
        let with = |value: Value| {
            let mut file = whole.clone();
            *file.pointer_mut(place).unwrap() = value;
            file
        };
        let old = whole.pointer(place).unwrap();
        for new in replacements().into_iter().skip(if few { number % 4 } else { 0 }).step_by(if few { 4 } else { 1 }) {
            changed.push((format!("{place} is {new}"), with(new)));
        }
        changed.push((format!("{place} in a list"), with(json!([old]))));
        if let Value::Object(fields) = old {
            let mut fields = fields.clone();
            fields.insert("zzz".to_owned(), json!(1));
            changed.push((format!("{place} has an unknown key"), with(Value::Object(fields))));
        }
        if let Some((parent, key)) = place.rsplit_once('/') {
            let mut file = whole.clone();
            match file.pointer_mut(parent).unwrap() {
                Value::Object(fields) => drop(fields.remove(key)),
                Value::Array(items) => drop(items.remove(key.parse().unwrap())),
                _ => unreachable!(),
            }
            changed.push((format!("without {place}"), file));
        }
    }
    changed
}

/// Shows every change to both: what loads must validate, and what is refused with a code that a schema can say must not.
fn compare(judge: &Validator, whole: &Value, few: bool, load: impl Fn(&str) -> Result<(), Diagnostics>) {
    load(&whole.to_string()).unwrap_or_else(|found| panic!("the file itself is fine: {}", found.render(false)));
    assert!(judge.accepts(whole), "{}", judge.why(whole));
    let (mut taken, mut refused, mut wrong) = (0, 0, Vec::new());
    for (what, file) in changes(whole, few) {
        let valid = judge.accepts(&file);
        match load(&file.to_string()) {
            Ok(()) => {
                taken += 1;
                if !valid {
                    wrong.push(format!("{what}: loads, but\n{}", judge.why(&file)));
                }
            }
            Err(found) => {
                refused += 1;
                // What a variable holds, no schema can know.
                let mut written = found.iter().filter(|found| !found.message.starts_with("the value of `${"));
                if valid && written.any(|found| SAID.contains(&found.code)) {
                    wrong.push(format!("{what}: validates, but {}", found.render(false)));
                }
            }
        }
    }
    assert!(taken > 10 && refused > 100, "{taken} taken, {refused} refused");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), taken + refused, wrong.join("\n"));
}

#[test]
fn rules_are_judged_as_the_loader_judges() {
    let destinations = [
        ("hot", DestinationKind::Slack),
        ("team", DestinationKind::Email),
        ("crm", DestinationKind::Webhook),
        ("lines", DestinationKind::Log),
    ];
    let context = LoadContext {
        destinations: BTreeMap::from(destinations.map(|(name, kind)| (name.to_owned(), kind))),
        base_dir: Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schema"),
        without_configuration: true,
        ..LoadContext::default()
    };
    let load = |text: &str| RuleSet::parse(&[("rules.yaml", text)], &context).map(drop);
    let whole = json_of(RULE_FILE).unwrap();
    // Each rule alone, so that the others need not be compiled for each change.
    for rule in whole["rules"].as_array().unwrap() {
        let many_patterns = rule["name"] == "everything";
        // The definitions that it uses.
        let define = if many_patterns { whole["define"].clone() } else { json!({}) };
        compare(&RULES, &json!({ "version": 1, "define": define, "rules": [rule] }), many_patterns, load);
    }
    compare(&RULES, &json!({ "tests": whole["tests"] }), false, load);
}

/// The configuration file with or without what it has of destinations.
fn configuration(destinations: bool) -> Value {
    let mut whole = json_of(CONFIG_FILE).unwrap();
    let fields = whole.as_object_mut().unwrap();
    if destinations {
        fields.retain(|key, _| DESTINATIONS.contains(&key.as_str()));
        fields.insert("rules".to_owned(), json!("rules/"));
        fields.insert("workspaces".to_owned(), json!([{ "name": "acme", "api_key": "x" }]));
    } else {
        fields.retain(|key, _| !DESTINATIONS.contains(&key.as_str()));
        fields["safety"]["alert"] = Value::Null;
    }
    whole
}

fn load_configuration(text: &str) -> Result<(), Diagnostics> {
    let env = |name: &str| match name {
        "WORD" => Some("word-word-word-word-word-word-word-word".to_owned()),
        "NUMBER" => Some("5".to_owned()),
        "FLAG" => Some("true".to_owned()),
        _ => None,
    };
    Settings::parse("reply-router.yaml", text, Path::new("."), &env).map(drop)
}

#[test]
fn the_configuration_is_judged_as_loading_judges() {
    compare(&CONFIG, &configuration(false), false, load_configuration);
}

#[test]
fn destinations_are_judged_as_loading_judges() {
    compare(&CONFIG, &configuration(true), true, load_configuration);
}

/// The two files use every key, so that no key goes untried.
#[test]
fn the_files_use_every_key() {
    fn keys(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
            Value::Object(fields) => {
                found.extend(fields.keys().cloned());
                fields.values().for_each(|item| keys(item, found));
            }
            _ => {}
        }
    }
    fn known(schema: &Value, found: &mut Vec<String>) {
        let own =
            |schema: &Value| schema["properties"].as_object().map(|keys| keys.keys().cloned().collect::<Vec<_>>());
        found.extend(own(schema).unwrap_or_default());
        schema["definitions"]
            .as_object()
            .unwrap()
            .values()
            .for_each(|inner| found.extend(own(inner).unwrap_or_default()));
    }
    let schemas =
        [(reply_router::rules::json_schema(), RULE_FILE), (reply_router::settings::json_schema(), CONFIG_FILE)];
    for (schema, file) in schemas {
        let (mut used, mut all) = (Vec::new(), Vec::new());
        keys(&json_of(file).unwrap(), &mut used);
        known(&schema, &mut all);
        let missing: Vec<_> = all.iter().filter(|key| !used.contains(key)).collect();
        assert!(missing.is_empty() && all.len() > 30, "{missing:?}");
    }
}
