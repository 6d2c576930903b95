//! `docs/configuration.md` is written from the JSON Schema of the configuration, which is made of the declarations of its keys.

use super::root;
use reply_router::settings;
use serde_json::Value;
use std::{fmt::Write as _, fs};

/// A value as it may stand in the file.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The section that describes what a key holds, if it holds a mapping with keys of its own.
fn section_of(key: &Value) -> Option<&str> {
    let reference = |value: &Value| value["$ref"].as_str().map(str::to_owned);
    let inner = ["items", "anyOf", "patternProperties"].into_iter().flat_map(|name| match &key[name] {
        Value::Array(all) => all.iter().collect::<Vec<_>>(),
        Value::Object(all) if name == "patternProperties" => all.values().collect(),
        one => vec![one],
    });
    let found = std::iter::once(key).chain(inner).find(|value| reference(value).is_some())?;
    found["$ref"].as_str()?.strip_prefix("#/definitions/")
}

fn table(schema: &Value) -> String {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let mut table = "| key | for example | meaning |\n|---|---|---|\n".to_owned();
    for (name, key) in schema["properties"].as_object().unwrap() {
        let example = Some(&key["default"]).filter(|value| !value.is_null()).or_else(|| key["examples"].get(0));
        let example = example.map(|value| format!("`{}`", shown(value).trim_end())).unwrap_or_default();
        let must = if required.iter().any(|required| required == name) { "Required. " } else { "" };
        let keys = section_of(key).map(|section| format!(" Keys: [{section}](#{section}).")).unwrap_or_default();
        let doc = key["description"].as_str().unwrap();
        let row = format!("| `{name}` | {example} | {must}{doc}{keys} |");
        writeln!(table, "{}", row.replace('\n', " ")).unwrap();
    }
    table
}

#[test]
fn the_reference_of_the_configuration_is_what_the_schema_says() {
    let path = root().join("docs/configuration.md");
    let written = fs::read_to_string(&path).unwrap_or_default();
    let (head, _) = written.split_once("\n## ").unwrap_or((&written, ""));
    let schema = settings::json_schema();
    let mut wanted = format!("{}\n\n## The whole file\n\n{}", head.trim_end(), table(&schema));
    for (name, section) in schema["definitions"].as_object().unwrap() {
        let doc = section["description"].as_str().unwrap();
        write!(wanted, "\n## {name}\n\n{doc}\n\n{}", table(section)).unwrap();
    }
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    assert!(written == wanted, "docs/configuration.md is not what the schema says; UPDATE_EXPECTED=1 writes it");
}
