//! docs/admin-api.md: every route is there, every example works, and every answer has the keys that are shown.
//! `UPDATE_DOCS=1 cargo test admin::documented` writes the answers anew.

use super::{
    AdminFixture, HOOK_TOKEN, TOKEN,
    rule_files::{FILE, FilesInMemory},
};
use crate::fixture::{Fixture, FixtureOptions};
use reply_router::model::ActionState;
use reply_router::store::prelude::*;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

const DRAFT: &str = r"
version: 1
rules:
  - name: book-a-call
    description: Answer leads who ask for a call.
    mode: live
    when: { category: interested, body: '\bcall\b' }
    then:
      - reply: { text: 'Hi {{ lead.first_name }}, here is my calendar.' }
";

/// A desk with an action in each state that a person decides about, and what the examples call them.
async fn prepared() -> (AdminFixture, BTreeMap<&'static str, String>) {
    let fixture = Fixture::new(FixtureOptions { rules: DRAFT, ..FixtureOptions::default() }).await;
    let desk = AdminFixture::over(fixture, Some(TOKEN), Some(Arc::new(FilesInMemory::new(DRAFT))));
    for name in ["quinn", "frank", "hal", "jane"] {
        desk.fixture.hot_lead(&format!("{name}@acme.example"), "Sure, give me a call.");
    }
    desk.fixture.hot_lead("tom@acme.example", "A call? No. Please remove me from your list.");
    desk.fixture.engine.intake().poll(desk.fixture.workspace(), true).await.unwrap();
    desk.fixture.engine.intake().handle_pending(desk.fixture.workspace()).await.unwrap();
    let mut variables = BTreeMap::from([("TOKEN", TOKEN.to_owned()), ("HOOK_TOKEN", HOOK_TOKEN.to_owned())]);
    for mut action in desk.fixture.actions().await {
        if action.lead_email.as_deref() == Some("tom@acme.example") {
            variables.insert("LEFT", action.decision_id);
            continue;
        }
        let (name, state) = match action.lead_email.as_deref() {
            Some("quinn@acme.example") => ("QUARANTINED", ActionState::Quarantined),
            Some("frank@acme.example") => ("FAILED", ActionState::Failed),
            Some("hal@acme.example") => ("HELD_TOO", ActionState::Held),
            _ => ("HELD", ActionState::Held),
        };
        action.state = state;
        desk.fixture.store.update_action(&mut action).await.unwrap();
        variables.insert("DECISION", action.decision_id);
        variables.insert("THREAD", action.thread_id);
        variables.insert(name, action.id.0);
    }
    let edited = DRAFT.replace(r"\bcall\b", r"\b(calls|meeting)\b");
    let started = desk.post("/api/v1/backtest", &json!({ "rules": { FILE: edited } }).to_string()).await.json();
    let id = started["id"].as_str().unwrap().to_owned();
    super::backtest::ended(&desk, &id).await;
    variables.insert("BACKTEST", id);
    (desk, variables)
}

/// Method, headers, body and path of an example.
struct Example {
    method: String,
    headers: Vec<(String, String)>,
    body: String,
    path: String,
}

fn example(command: &str, variables: &BTreeMap<&str, String>) -> Example {
    let mut command = command.to_owned();
    // The longer names first: one may begin with another.
    for (name, value) in variables.iter().rev() {
        command = command.replace(&format!("${name}"), value);
    }
    let mut words = Vec::new();
    let mut rest = command.trim();
    while !rest.is_empty() {
        let (word, left) = match rest.chars().next() {
            Some(quote @ ('\'' | '"')) => rest[1..].split_once(quote).unwrap(),
            _ => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = left.trim_start();
    }
    let mut found = Example { method: String::new(), headers: Vec::new(), body: String::new(), path: String::new() };
    let mut words = words.into_iter();
    assert_eq!(words.next().as_deref(), Some("curl"));
    while let Some(word) = words.next() {
        match word.as_str() {
            "-H" => {
                let header = words.next().unwrap();
                let (name, value) = header.split_once(": ").unwrap();
                found.headers.push((name.to_owned(), value.to_owned()));
            }
            "-X" => found.method = words.next().unwrap(),
            "-d" => found.body = words.next().unwrap(),
            "-N" => {}
            url => found.path = url.strip_prefix("$ROUTER").unwrap().to_owned(),
        }
    }
    if found.method.is_empty() {
        found.method = if found.body.is_empty() { "GET" } else { "POST" }.to_owned();
    }
    found
}

/// The keys of a value; of a list those of its first item.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), shape(value))).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(list) => list.first().map(shape).into_iter().collect::<Vec<_>>().into(),
        _ => Value::Null,
    }
}

fn shortened(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(shortened),
        Value::Array(list) => {
            list.truncate(1);
            list.iter_mut().for_each(shortened);
        }
        _ => {}
    }
}

#[tokio::test]
async fn every_route_is_documented_and_every_example_works() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/admin-api.md");
    let text = fs::read_to_string(&path).unwrap();
    let (desk, variables) = prepared().await;
    let document = desk.get("/openapi.json").await.json();
    let mut wanted = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters") {
            if operation["tags"] != json!(["pages"]) {
                wanted.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let mut told = BTreeSet::new();
    let mut updated = text.clone();
    for section in text.split("\n### ").skip(1) {
        let (route, section) = section.split_once('\n').unwrap();
        told.insert(route.to_owned());
        let command = section.split("```sh\n").nth(1).unwrap().split("\n```").next().unwrap();
        let example = example(command, &variables);
        let (method, pattern) = route.split_once(' ').unwrap();
        let is_of = |(wanted, given): (&str, &str)| wanted.starts_with('{') || wanted == given;
        let given = example.path.split('?').next().unwrap();
        assert!(method == example.method && pattern.split('/').zip(given.split('/')).all(is_of), "{route}: {command}");
        if route == "GET /api/v1/events" {
            continue;
        }
        let headers: Vec<_> = example.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = desk.send(&example.method, &example.path, &headers, &example.body).await;
        assert!((200..300).contains(&answer.status), "{route}: {answer:?}");
        let Some(shown) = section.split("```json\n").nth(1).map(|rest| rest.split("\n```").next().unwrap()) else {
            continue;
        };
        let real = answer.json();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let mut short = real.clone();
            shortened(&mut short);
            let short = serde_json::to_string_pretty(&short).unwrap();
            let old = format!("### {route}\n{}", section.split("\n```json\n").next().unwrap());
            updated =
                updated.replace(&format!("{old}\n```json\n{shown}\n```"), &format!("{old}\n```json\n{short}\n```"));
            continue;
        }
        let shown: Value = serde_json::from_str(shown).unwrap_or_else(|error| panic!("{route}: {error}"));
        assert_eq!(shape(&shown), shape(&real), "{route}");
    }
    assert_eq!(told, wanted);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, updated).unwrap();
    }
}
