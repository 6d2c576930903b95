//! What was read of an event's messages is kept with the event: whoever decides it again need not read them, and decides the
//! same.

use crate::{
    documents::{examples, load_example},
    fixture::{Fixture, FixtureOptions},
};
use reply_router::{
    backtest::{EventLine, Redactor},
    model::{Conversation, KeptAutoReply, KeptReading, KeptText, Message, SignalTrace},
    rules::{EventInput, LoadContext, RowReading, RuleSet, ThreadMessages, evaluate, trace_again},
    store::{EventFilter, EventStore as _},
};
use serde_json::{Value, json};
use std::{collections::HashMap, fs, path::PathBuf};

/// What is changed, and how.
type Change<T> = (&'static str, fn(&mut T));

const OURS: &str = "Hi Jane,\n\nI saw that your team grows fast. Would you like a demo of our tool?\n\nSam\n\nIf you would rather not hear from us again, reply with stop.";

/// As it comes out of a file.
pub(crate) fn carried(kept: KeptReading) -> KeptReading {
    let json = serde_json::to_string(&kept).unwrap();
    let found: KeptReading = serde_json::from_str(&json).unwrap();
    assert_eq!(found, kept, "{json}");
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A mail of the collections: its subject, its sender, and both its parts.
type Mail = [Option<String>; 4];

fn add_mails(value: &Value, mails: &mut Vec<Mail>) {
    let text = |keys: &[&str]| keys.iter().find_map(|key| value[key].as_str()).map(str::to_owned);
    let mail =
        [text(&["subject"]), text(&["from"]), text(&["text", "body", "body_text"]), text(&["html", "body_html"])];
    match value {
        Value::Array(items) => items.iter().for_each(|item| add_mails(item, mails)),
        Value::Object(_) if mail.iter().skip(2).any(Option::is_some) => mails.push(mail),
        Value::Object(fields) => fields.values().for_each(|value| add_mails(value, mails)),
        _ => {}
    }
}

/// The mails that the tests of the reader read, and real ones where they are there.
fn mails() -> Vec<Mail> {
    let mut mails = Vec::new();
    for folder in ["tests/text", "tests/text/languages"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "yaml") {
                let value: Value = serde_yaml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
                add_mails(&value, &mut mails);
            }
        }
    }
    assert!(mails.len() > 500, "{} mails", mails.len());
    match fs::read_to_string(root().join("../shared/data/replies/cases.json")) {
        Ok(json) => add_mails(&serde_json::from_str(&json).unwrap(), &mut mails),
        Err(_) => println!("the collection of real replies is absent"),
    }
    mails
}

fn ours() -> Value {
    json!({ "id": "m1", "from": "Sam Lee <sam@us.example>", "to": "jane@acme.example", "subject": "A quick question", "text": OURS, "outgoing": true, "created_at": "2026-01-05T08:00:00Z" })
}

fn event(mail: &Mail, number: usize) -> EventLine {
    let [subject, from, text, html] = mail;
    let from = from.as_deref().unwrap_or("Jane Doe <jane@acme.example>");
    let subject = subject.as_deref().unwrap_or("Re: A quick question");
    let mut messages = vec![ours()];
    if number.is_multiple_of(3) {
        messages.push(json!({ "id": "m2", "from": from, "text": format!("Who are you?\n\n> {OURS}"), "created_at": "2026-01-05T09:00:00Z" }));
    }
    messages.push(json!({ "id": "m3", "from": from, "subject": subject, "text": text, "html": html, "created_at": "2026-01-05T09:59:00Z" }));
    // The preview may be of another message.
    let preview = text.as_deref().filter(|_| number.is_multiple_of(2)).unwrap_or(OURS);
    let row = json!({ "id": "t", "lead_email": "jane@acme.example", "lead_name": "Jane Doe", "campaign_name": "Q1", "subject": subject, "preview": preview.chars().take(100).collect::<String>(), "category": "interested", "reply_count": 1 });
    let line = json!({ "version": 1, "id": "d", "kind": "message", "time": "2026-01-05T10:00:00Z", "workspace": "acme", "row": row, "thread": { "row": row, "inbox_email": "sam@us.example" }, "messages": messages, "history": [] });
    EventLine::from_json(&line.to_string()).unwrap()
}

/// The event as it comes out of an export.
fn exported(event: &EventLine) -> EventLine {
    let mut event = event.clone();
    event.read_messages();
    EventLine::from_json(&event.to_json().unwrap()).unwrap()
}

/// The new text of the newest message if what was kept counts: with another one in its place, that is what comes.
fn counts(event: &EventLine) -> bool {
    const OTHER: &str = "somebody else's words";
    let mut event = event.clone();
    let Some(kept) = event.reading.as_mut() else { return false };
    *kept.texts.last_mut().unwrap() = Some(KeptText::Whole(OTHER.to_owned()));
    event.take_messages().unwrap().body() == Some(OTHER)
}

#[test]
fn with_what_was_read_the_decision_is_the_same() {
    let sets: Vec<RuleSet> = examples().iter().map(|folder| load_example(folder).0).collect();
    let default = RuleSet::load(&root().join("rules"), &LoadContext::default()).unwrap();
    let overrides = HashMap::new();
    let mut acted = 0;
    for (number, mail) in mails().iter().enumerate() {
        let mut read = event(mail, number);
        let mut kept = exported(&read);
        assert!(counts(&kept), "{mail:?}");
        let messages = [read.take_messages(), kept.take_messages()];
        // By the default rules each, by those of every example some.
        let turn = sets.iter().cycle().skip(number % sets.len()).take(2);
        for set in turn.chain([&default]) {
            let decide = |thorough: bool| {
                let decided = [(&read, &messages[0]), (&kept, &messages[1])].map(|(event, messages)| {
                    let names: Vec<&str> = set.views().map(|(name, _)| name).collect();
                    let workspace = names.first().copied().unwrap_or("acme");
                    let input = EventInput { workspace, ..event.input(messages.as_ref(), &overrides) };
                    match thorough {
                        true => trace_again(set, &input, event.time).unwrap(),
                        false => evaluate(set, &input, event.time).unwrap(),
                    }
                });
                let [read, kept] = decided;
                assert_eq!(read, kept, "{mail:?}");
                read.actions.len()
            };
            acted += decide(number % 2 == 0);
        }
        let [read, kept] = messages.map(Option::unwrap);
        let all = |messages: &ThreadMessages| {
            let texts = 0..messages.conversation().messages().len();
            let texts: Vec<String> = texts.map(|index| messages.new_text(index).to_owned()).collect();
            (texts, messages.full_body().map(str::to_owned), messages.uncertain(), messages.history().to_owned())
        };
        assert_eq!(all(&read), all(&kept), "{mail:?}");
        assert_eq!(read.keep_whole_reading(), kept.keep_whole_reading(), "{mail:?}");
    }
    assert!(acted > 100, "{acted} actions");
}

/// Evaluations of one event share what its row says; that of another row serves none.
#[test]
fn what_a_row_says_is_the_same_for_all_its_evaluations() {
    let default = RuleSet::load(&root().join("rules"), &LoadContext::default()).unwrap();
    // Automatic mail needs no look at its words.
    let rules = "version: 1\nrules: [{ name: a, when: { body: call }, then: [star] }]";
    let plain = RuleSet::parse(&[("a.yaml", rules)], &LoadContext::default()).unwrap();
    let overrides = HashMap::new();
    let (mut before, mut automatic, mut opted_out) = (None, 0, 0);
    for (number, mail) in mails().iter().enumerate() {
        let mut event = event(mail, number);
        // The row shows the mail itself, or one that nobody has read.
        event.row.preview = mail[2].clone();
        let messages = event.take_messages();
        let own = RowReading::new(&event.row);
        for (set, messages) in [(&default, None), (&default, messages.as_ref()), (&plain, None)] {
            let decide = |row_reading| {
                let input = EventInput { row_reading, workspace: "acme", ..event.input(messages, &overrides) };
                evaluate(set, &input, event.time)
            };
            let alone = decide(None);
            assert_eq!(decide(Some(&own)), alone, "{mail:?}");
            assert_eq!(decide(Some(&own)), alone, "{mail:?}");
            assert_eq!(decide(before.as_ref()), alone, "{mail:?}");
            let Ok(decision) = alone else { continue };
            automatic += usize::from(messages.is_none() && decision.auto_reply == Some(true));
            opted_out += usize::from(decision.opt_out.is_some());
        }
        before = Some(own);
    }
    assert!(automatic > 10 && opted_out > 10, "{automatic} automatic, {opted_out} opted out");
}

#[test]
fn what_was_kept_counts_for_its_messages_alone() {
    let mail =
        ["Re: A quick question", "Jane Doe <jane@acme.example>", "Sure, a call.\n\n> Hi Jane", "<p>Sure, a call.</p>"];
    let event = exported(&event(&mail.map(|part| Some(part.to_owned())), 1));
    assert!(counts(&event));
    let changed: [Change<Vec<Message>>; 11] = [
        ("text", |all| all[1].text.as_mut().unwrap().push('!')),
        ("html", |all| all[1].html.as_mut().unwrap().push('!')),
        ("no html", |all| all[1].html = None),
        ("from", |all| all[1].from = Some("no-reply@acme.example".to_owned())),
        ("to", |all| all[1].to = Some("sam@us.example".to_owned())),
        ("subject", |all| all[1].subject = Some("Automatic reply: A quick question".to_owned())),
        ("direction", |all| all[0].outgoing = false),
        ("time", |all| all[1].created_at = None),
        ("what came before", |all| all[0].text.as_mut().unwrap().push('!')),
        ("one less", |all| drop(all.remove(0))),
        ("one more", |all| all.push(all[1].clone())),
    ];
    for (what, change) in changed {
        let mut event = event.clone();
        change(event.messages.as_mut().unwrap());
        assert!(!counts(&event), "{what}");
        // It is read anew, and kept anew.
        event.read_messages();
        assert!(counts(&event), "{what}");
        let fresh = ThreadMessages::new(Conversation::in_order(event.messages.clone().unwrap()));
        assert_eq!(event.reading, Some(fresh.keep_whole_reading()), "{what}");
    }
    // What is never read changes nothing.
    let mut other = event.clone();
    let newest = &mut other.messages.as_mut().unwrap()[1];
    (newest.is_read, newest.id) = (Some(true), "another".to_owned());
    assert!(counts(&other));
}

#[test]
fn what_no_reader_wrote_does_not_count() {
    let text = "Grüße, ich bin im Urlaub bis 12. Januar 2026.";
    let mail = ["Abwesenheitsnotiz: A quick question", "jane@acme.example", text];
    let mail: Vec<Option<String>> = mail.map(|part| Some(part.to_owned())).into_iter().chain([None]).collect();
    let event = exported(&event(&mail.try_into().unwrap(), 1));
    let body = |event: &EventLine| {
        let messages = event.clone().take_messages().unwrap();
        assert!(messages.auto_reply().is_some() && messages.language() == Some("de"));
        messages.body().unwrap().to_owned()
    };
    let right = body(&event);
    assert!(event.reading.as_ref().unwrap().auto_reply.is_some(), "{:?}", event.reading);
    let wrong: [Change<KeptReading>; 13] = [
        ("behind the end", |kept| kept.texts[1] = Some(KeptText::Part(3, 9_000))),
        ("backwards", |kept| kept.texts[1] = Some(KeptText::Part(9, 3))),
        ("within a letter", |kept| kept.texts[1] = Some(KeptText::Part(0, 3))),
        ("very far", |kept| kept.texts[1] = Some(KeptText::Part(usize::MAX, usize::MAX))),
        ("of no message", |kept| kept.texts.resize(9, None)),
        ("an unknown language", |kept| kept.mail.language = Some("xx".to_owned())),
        ("an unknown signal", |kept| kept.mail.signals[0].kind = "x".to_owned()),
        ("an unknown certainty", |kept| kept.mail.signals[0].certainty = "x".to_owned()),
        ("an unknown kind", |kept| kept.auto_reply = Some(KeptAutoReply { kind: "x".to_owned(), back_on: None })),
        ("no reason", |kept| kept.mail.signals.clear()),
        ("a reason for nothing", |kept| kept.auto_reply = None),
        ("an uncertain reason", |kept| {
            kept.mail.signals.retain(|signal: &SignalTrace| signal.certainty == "possible");
        }),
        ("another stamp", |kept| kept.stamp = "0123456789abcdef".to_owned()),
    ];
    for (what, change) in wrong {
        let mut forged = event.clone();
        change(forged.reading.as_mut().unwrap());
        assert_eq!(body(&forged), right, "{what}");
        let whole = Some(KeptText::Whole("forged".to_owned()));
        if forged.reading.as_ref().unwrap().texts.get(1) == event.reading.as_ref().unwrap().texts.get(1) {
            forged.reading.as_mut().unwrap().texts[1] = whole;
            assert_eq!(body(&forged), right, "{what}");
        }
    }
    // What is not even of this shape is a mistake in the line.
    let line = event.to_json().unwrap();
    for (from, to, says) in [
        ("\"texts\":[", "\"texts\":[{},", "column"),
        ("\"reading\":{", "\"reading\":{\"stamp\":5,", "a number instead of text"),
    ] {
        assert!(line.contains(from), "{line}");
        let said = EventLine::from_json(&line.replace(from, to)).unwrap_err().to_string();
        assert!(said.contains(says), "{said}");
    }
    // Lines of programs that keep nothing, or something else.
    let mut value: Value = serde_json::from_str(&line).unwrap();
    for reading in [json!(null), json!({}), json!({ "stamp": "x", "moons": 3 })] {
        value["reading"] = reading;
        assert_eq!(body(&EventLine::from_json(&value.to_string()).unwrap()), right);
    }
}

#[test]
fn what_redaction_removes_is_in_no_reading() {
    let text = "Hi,\n\nI am Quentina of Zanzibar. Remove me: quentina@zanzibar.example, +44 20 7946 0000.\n\nOn Mon, Sam Lee wrote:\n> Hi Quentina";
    let mail = ["Re: For Quentina", "Quentina Doe <quentina@zanzibar.example>", text];
    let mail: Vec<Option<String>> = mail.map(|part| Some(part.to_owned())).into_iter().chain([None]).collect();
    let mut event = event(&mail.try_into().unwrap(), 1);
    event.row.lead_name = Some("Quentina Doe".to_owned());
    event.row.lead_email = Some("quentina@zanzibar.example".to_owned());
    let event = exported(&event);
    assert!(event.to_json().unwrap().contains("uentina") && counts(&event));
    let mut redactor = Redactor::default();
    redactor.learn(&event);
    let redacted = redactor.redact(event);
    assert_eq!(redacted.reading, None, "it is that of the texts as they were");
    let redacted = exported(&redacted);
    let kept = redacted.reading.clone().unwrap();
    assert!(counts(&redacted) && kept.mail.opt_out_words.is_some() && !kept.mail.quoted.is_empty(), "{kept:?}");
    let line = redacted.to_json().unwrap().to_lowercase();
    for word in ["quentina", "7946 0000", "zanzibar.example", "doe"] {
        assert!(!line.contains(word), "{word}: {line}");
    }
}

#[tokio::test]
async fn the_service_keeps_what_it_has_read() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let thread = fixture.hot_lead("jane@acme.example", "Sure, give me a call.");
    fixture.tick().await;
    fixture.simulator.workspace().lead_writes(&thread, "And a price list, please.").unwrap();
    fixture.tick().await;
    fixture.tick().await;
    let page = fixture.store.events_after(&EventFilter::default(), None, 10).await.unwrap();
    let events: Vec<EventLine> = page.events.into_iter().map(EventLine::from).collect();
    let read: Vec<&EventLine> = events.iter().filter(|event| event.messages.is_some()).collect();
    assert!(read.len() >= 2, "{events:?}");
    for event in &read {
        assert!(counts(event), "{event:?}");
    }
    let last = (*read.last().unwrap()).clone().take_messages().unwrap();
    assert_eq!(last.body(), Some("And a price list, please."));
}

/// What decides what is read is part of the reader's version: whole folders, and beside them the files that these use.
#[test]
fn the_version_of_the_reader_covers_all_that_it_uses() {
    let script = fs::read_to_string(root().join("build.rs")).unwrap();
    let listed: Vec<&str> =
        script.split("const PARTS").nth(1).unwrap().split("];").next().unwrap().split('"').collect();
    let listed: Vec<&str> = listed.into_iter().skip(1).step_by(2).collect();
    assert!(listed.iter().all(|part| root().join(part).exists()), "{listed:?}");
    let mut files = vec![root().join("src/rules/reading.rs")];
    files.extend(fs::read_dir(root().join("src/rules/reading")).unwrap().map(|entry| entry.unwrap().path()));
    assert!(files.len() > 2 && listed.contains(&"src/text") && listed.contains(&"Cargo.lock"), "{files:?}");
    for file in files {
        assert!(listed.iter().any(|part| file.starts_with(root().join(part))), "{file:?}");
        let text = fs::read_to_string(&file).unwrap();
        for line in text.lines().map(|line| line.trim().trim_start_matches("use ")) {
            let outside = ["super::", "rules::", "crate::rules::"].iter().find_map(|path| line.strip_prefix(path));
            let module = outside.and_then(|rest| rest.split(':').next());
            if let Some(module) = module.filter(|module| !["kept", "messages"].contains(module)) {
                let part = format!("src/rules/{module}.rs");
                assert!(listed.contains(&part.as_str()), "{file:?} uses {part}: {line}");
            }
        }
    }
}
