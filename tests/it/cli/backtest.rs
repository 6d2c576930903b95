//! `backtest` and `events export`: what a change of the rules would have done, over the real binary.

use super::cli_fixture::{CliFixture, binary, run, run_tool};
use crate::service_process::{SERVICE, ServiceProcess};
use reply_router::simulator::NewThread;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const BEFORE: &str = r"version: 1
rules:
  - name: book-a-call
    when: { category: interested, body: '\bcall\b' }
    then: [{ reply: { text: 'Hi {{ lead.first_name }}, here is my calendar.' } }, star]
  - name: price
    when: { category: interested, body: '\bprice\b' }
    then: [{ reply: { text: Our prices. } }]
  - name: not-now
    when: { category: not_interested }
    then: [mark_read]
";
/// A lead's name, its category, and what it writes.
const LEADS: [(&str, &str, &str); 9] = [
    ("amy", "interested", "Sure, a call on Tuesday?"),
    ("bea", "interested", "A meeting sounds good."),
    ("cai", "interested", "What is the price? A meeting would do."),
    ("dan", "interested", "What is the price of it?"),
    ("eva", "interested", "Tell me more."),
    ("fay", "not_interested", "No meeting, thank you."),
    ("gus", "not_interested", "Not now."),
    ("hal", "interested", "A call or a meeting, as you like."),
    ("ida", "interested", "Could a meeting wait? First the call."),
];

pub(super) fn after() -> String {
    BEFORE.replace(r"'\bcall\b'", r"'\b(call|meeting)\b'")
}

/// A service that has polled twice: the leads wrote in between.
pub(super) async fn played(rules: &str) -> CliFixture {
    let place = CliFixture::new(rules).await;
    play(&place).await;
    place
}

/// Polls, lets the leads write, and polls again.
pub(super) async fn play(place: &CliFixture) {
    place.run(&["run", "--once"]).await.assert_exit(0);
    for (name, category, text) in LEADS {
        let thread = NewThread::new(format!("{name}@{name}.example")).name(format!("{name} Doe")).campaign("Q1");
        place.simulator.workspace().add_thread(thread.category(category).message(text));
    }
    place.run(&["run", "--once"]).await.assert_exit(0);
}

/// What each lead got: replies, a star, whether its thread was marked as read.
fn outcomes(place: &CliFixture) -> BTreeMap<String, (Vec<Option<String>>, bool, bool)> {
    let workspace = place.simulator.workspace();
    let replies = workspace.accepted_replies();
    let of = |name: &str| {
        let thread = workspace.thread_of(&format!("{name}@{name}.example")).unwrap();
        let replies = replies.iter().filter(|reply| reply.thread_id == thread.id).map(|reply| reply.body.clone());
        (replies.collect(), thread.is_starred, thread.is_read)
    };
    LEADS.iter().map(|(name, ..)| (format!("{name}@{name}.example"), of(name))).collect()
}

pub(super) fn leads(found: &Value) -> BTreeSet<String> {
    found["changes"].as_array().unwrap().iter().map(|change| change["lead"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn exactly_the_events_whose_outcome_changes_are_named() {
    let (one, other) = (played(BEFORE).await, played(&after()).await);
    let (was, would) = (outcomes(&one), outcomes(&other));
    let differing: BTreeSet<String> = was.keys().filter(|lead| was[*lead] != would[*lead]).cloned().collect();
    assert_eq!(differing, ["bea@bea.example".to_owned(), "cai@cai.example".to_owned()].into());

    one.write("rules/rules.yaml", &after());
    for (how, options) in [("stateful", &["backtest"][..]), ("stateless", &["backtest", "--stateless"])] {
        let (files, requests) = (one.files(), one.simulator.workspace().requests().len());
        let found = one.run(&[options, &["--format", "json"]].concat()).await.assert_exit(0).json();
        assert_eq!(leads(&found), differing, "{found:#}");
        assert_eq!((files, requests), (one.files(), one.simulator.workspace().requests().len()), "nothing is done");
        assert_eq!((&found["events"], &found["changed"], &found["lacking_events"]), (&json!(9), &json!(2), &json!(0)));
        let book = &found["rules"][0];
        assert_eq!(
            (&book["name"], &book["before"]["matches"], &book["after"]["matches"]),
            (&json!("book-a-call"), &json!(3), &json!(5))
        );
        let changed: Vec<&Value> = found["rules"].as_array().unwrap().iter().map(|rule| &rule["changed"]).collect();
        assert_eq!(changed, [2, 1, 0], "events in which each rule does something else: {found:#}");
        let price = &found["rules"][1];
        assert_eq!(price["before"]["actions"], json!({ "done": 2 }));
        assert_eq!(price["after"]["actions"], json!({ "done": 1, "suppressed": 1 }));
        let cai =
            found["changes"].as_array().unwrap().iter().find(|change| change["lead"] == "cai@cai.example").unwrap();
        assert_eq!(cai["new_text"], "What is the price? A meeting would do.");
        assert_eq!(cai["before"]["rules"], json!(["price"]));
        assert_eq!(cai["before"]["actions"][0]["text"], "Our prices.");
        assert_eq!(cai["after"]["rules"], json!(["book-a-call", "price"]));
        assert_eq!(cai["after"]["actions"][0]["text"], "Hi Cai, here is my calendar.");
        let why = &cai["why"];
        assert_eq!((&why["rule"], &why["condition"]), (&json!("book-a-call"), &json!("when.body")), "{why:#}");
        assert!(why["wanted"].as_str().unwrap().contains("meeting"), "{why:#}");
        assert_eq!(found["how"], how);
    }

    // The other way round, and with no change.
    let changed = ["backtest", "--stateless", "--fail-on-change"];
    one.run(&changed).await.assert_exit(1).assert_prints(&[
        "2 events changes",
        "bea@bea.example",
        "`book-a-call` matches now",
    ]);
    one.write("old/rules.yaml", BEFORE);
    let back = ["backtest", "--rules", "old", "--against", "rules", "--stateless", "--format", "json"];
    assert_eq!(leads(&one.run(&back).await.assert_exit(0).json()), differing);
    one.write("rules/rules.yaml", BEFORE);
    one.run(&changed).await.assert_exit(0).assert_prints(&["9 events", "No outcome changes"]);
    // One for another: the counts are the same, and the events are not.
    let swapped = BEFORE.replace(r"'\bprice\b'", "'^(Tell me more|What is the price of it)'");
    one.write("rules/rules.yaml", &swapped);
    let found = one.run(&["backtest", "--stateless", "--format", "json"]).await.assert_exit(0).json();
    let price = &found["rules"][1];
    assert_eq!((&price["before"], &price["changed"]), (&price["after"], &json!(2)), "{found:#}");
    // Another rule for the same is no change, nor are its words.
    one.write("rules/rules.yaml", &BEFORE.replace("name: price", "name: cost"));
    one.run(&changed).await.assert_exit(0).assert_prints(&["No outcome changes", "cost"]);

    // Less was read of those who are not interested than this rule needs.
    one.write(
        "rules/rules.yaml",
        &BEFORE.replace("{ category: not_interested }", "{ category: not_interested, body: later }"),
    );
    let found = one.run(&["backtest", "--stateless", "--format", "json"]).await.assert_exit(0).json();
    assert_eq!((&found["events"], &found["lacking_events"]), (&json!(7), &json!(2)), "{found:#}");
    let lack = &found["lacking"][0];
    assert_eq!(
        (&lack["rule"], &lack["set"], &lack["needs"], &lack["events"]),
        (&json!("not-now"), &json!("after"), &json!("messages"), &json!(2))
    );
    one.run(&["backtest", "--stateless"])
        .await
        .assert_exit(0)
        .assert_prints(&["`not-now` (after it) needs the messages of 2 events"]);
}

#[tokio::test]
async fn a_running_service_is_compared_and_goes_on() {
    let place = played(BEFORE).await;
    let service = ServiceProcess::start(place.command(SERVICE)).await;
    place.write("new/rules.yaml", &after());
    let found =
        place.run(&["backtest", "--rules", "new", "--stateless", "--format", "json"]).await.assert_exit(0).json();
    assert_eq!((&found["changed"], &found["before"]["from"]), (&json!(2), &json!("running")), "{found:#}");
    let lines = place.run(&["events", "export"]).await.assert_exit(0);
    assert_eq!(lines.out.lines().count(), 9);
    drop(service);
}

#[tokio::test]
async fn rules_are_compared_with_those_of_a_commit() {
    let place = played(BEFORE).await;
    let folder = place.path().to_str().unwrap().to_owned();
    let git = |args: &[&str]| {
        let identity =
            ["-C", &folder, "-c", "user.name=Jo", "-c", "user.email=jo@acme.example", "-c", "commit.gpgsign=false"];
        run_tool("git", "git", &[&identity[..], args].concat());
    };
    git(&["init", "-q"]);
    git(&["add", "rules"]);
    git(&["commit", "-q", "-m", "rules"]);
    place.write("rules/rules.yaml", &after());
    place.write("rules/more.yaml", "version: 1\nrules:\n  - { name: more, when: { category: never }, then: [star] }\n");
    let before = place.files();
    let found = place
        .run(&["backtest", "--against", "git:HEAD", "--format", "json", "--stateless"])
        .await
        .assert_exit(0)
        .json();
    assert_eq!(leads(&found).len(), 2, "{found:#}");
    assert_eq!(before, place.files(), "git's index is as it was");
    for (revision, why) in [
        ("git:nowhere", "git cannot read rules/ at nowhere"),
        ("git:", "needs a revision"),
        ("nowhere", "no file or folder `nowhere`"),
    ] {
        let refused = place.run(&["backtest", "--against", revision]).await.assert_exit(1);
        assert!(refused.err.contains(why), "{refused:?}");
    }
}

#[tokio::test]
async fn an_export_serves_where_there_is_no_store() {
    let place = played(BEFORE).await;
    let exported = place.run(&["events", "export"]).await.assert_exit(0);
    let first: Value = serde_json::from_str(exported.out.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["version"], &first["kind"], &first["workspace"]),
        (&json!(1), &json!("message"), &json!("acme"))
    );
    assert_eq!(exported.out.lines().count(), 9);
    let redacted = place.run(&["events", "export", "--redact"]).await.assert_exit(0).out;
    for (name, ..) in LEADS {
        assert!(
            exported.out.contains(&format!("{name}@{name}.example")) && !redacted.contains(&format!("{name}@")),
            "{name}"
        );
    }
    assert!(!redacted.contains(" Doe") && redacted.contains("meeting"), "{redacted}");

    // Elsewhere: no configuration, no store.
    let ci = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        std::fs::create_dir_all(ci.path().join(name).parent().unwrap()).unwrap();
        std::fs::write(ci.path().join(name), text).unwrap();
    };
    write("old/rules.yaml", BEFORE);
    write("rules/rules.yaml", &after());
    for (name, text) in [("events.jsonl", &exported.out), ("redacted.jsonl", &redacted)] {
        write(name, text);
        let args = ["backtest", "--rules", "rules", "--against", "old", "--from", name, "--stateless", "--format"];
        let go = async |format: &str| run(binary(ci.path(), &[&args[..], &[format]].concat())).await.assert_exit(0);
        let found = go("json").await.json();
        assert_eq!((&found["events"], &found["changed"]), (&json!(9), &json!(2)), "{name}: {found:#}");
        let redacted = if name == "redacted.jsonl" { 9 } else { 0 };
        assert_eq!(found["redacted_events"], redacted, "{name}: {found:#}");
        let said = go("table").await.out.contains("9 events are redacted: a rule that asks for a certain domain");
        assert_eq!(said, redacted > 0, "{name}");
        go("markdown").await.assert_prints(&["### Backtest", "| book-a-call | 3 | 5 |", "<details><summary>"]);
        go("github").await.assert_prints(&[
            "::warning file=rules/rules.yaml,line=3,title=backtest%3A book-a-call::The outcome of 2 events",
        ]);
    }
    let refused = async |args: &[&str], why: &str| {
        let ran = run(binary(ci.path(), &[&["backtest", "--rules", "rules", "--against", "old"], args].concat())).await;
        let ran = ran.assert_exit(1);
        assert!(ran.err.contains(why), "{why}: {ran:?}");
    };
    write("torn.jsonl", &format!("{}\n{{\"version\":1}}\n", exported.out.lines().next().unwrap()));
    refused(&["--from", "torn.jsonl"], "torn.jsonl:2: it is no event").await;
    write("newer.jsonl", "{\"version\":7}\n");
    refused(&["--from", "newer.jsonl"], "newer.jsonl:1: it has version 7").await;
    write("empty.jsonl", "\n");
    refused(&["--from", "empty.jsonl"], "there are no events in empty.jsonl").await;
    refused(&["--from", "none.jsonl"], "cannot read none.jsonl").await;
    refused(&["--from", "old"], "there is no mail (.eml) in old").await;
    refused(&[], "name events with --from").await;
    let old = run(binary(ci.path(), &["backtest", "--rules", "rules"])).await.assert_exit(1);
    assert!(old.err.contains("--against git:REV"), "{old:?}");
    // A mail is an event.
    write(
        "mails/a.eml",
        "From: Jo <jo@acme.example>\nTo: sam@us.example\nSubject: Re: Hi\nDate: Mon, 5 Jan 2026 09:00:00 +0000\n\nA meeting then?\n",
    );
    write("rules/rules.yaml", "version: 1\nrules:\n  - { name: meet, when: { body: meeting }, then: [star] }\n");
    let mails = ["backtest", "--rules", "rules", "--against", "old", "--from", "mails", "--fail-on-change"];
    run(binary(ci.path(), &mails)).await.assert_exit(1).assert_prints(&[
        "1 event",
        "jo@acme.example, 2026-01-05 09:00",
        "wrote: A meeting then?",
        "before: nothing: no rule matches",
        "after:  star (`meet`)",
        "`meet` is new and matches",
    ]);
}

#[tokio::test]
async fn a_comment_has_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("old.yaml", "version: 1\nrules:\n  - { name: gone, when: { category: x }, then: [star] }\n");
    write(
        "new.yaml",
        "version: 1\nrules:\n  - { name: all, when: { category: any }, then: [{ reply: { text: 'Hello | <b>there</b> @team' } }] }\n",
    );
    let line = |number: usize| {
        let row = json!({ "id": format!("t{number}"), "lead_email": format!("jo{number}@acme.example"), "category": "any", "preview": "word ".repeat(40) });
        let message = json!({ "id": "m", "from": format!("jo{number}@acme.example"), "text": "word ".repeat(40) });
        let event = json!({ "version": 1, "id": format!("d{number}"), "kind": "message", "time": "2026-01-05T09:00:00Z", "workspace": "acme", "row": row, "messages": [message] });
        format!("{event}\n")
    };
    write("events.jsonl", &(0..3_000).map(line).collect::<String>());
    let args = [
        "backtest",
        "--rules",
        "new.yaml",
        "--against",
        "old.yaml",
        "--from",
        "events.jsonl",
        "--stateless",
        "--format",
    ];
    let go = async |format: &str| run(binary(folder.path(), &[&args[..], &[format]].concat())).await.assert_exit(0).out;
    let comment = go("markdown").await;
    assert!(comment.chars().count() <= 60_000 && comment.chars().count() > 50_000, "{}", comment.chars().count());
    let shown = comment.matches("<details>").count();
    assert!(
        comment.ends_with(&format!("{} changed events more left out.\n", 3_000 - shown)),
        "{}",
        &comment[comment.len() - 200..]
    );
    assert!(!comment.contains("<b>") && !comment.contains("@team"), "a lead's words are no markup");
    let all: Value = serde_json::from_str(&go("json").await).unwrap();
    assert_eq!((all["changes"].as_array().unwrap().len(), &all["changes_left_out"]), (3_000, &json!(0)));
    assert!(go("table").await.ends_with("… and 2900 more; --format json tells of all.\n"));
}

#[tokio::test]
async fn state_decides_what_would_have_been_sent() {
    let place = played(BEFORE).await;
    place.write(
        "rules/rules.yaml",
        &after().replace("here is my calendar.' }", "here is my calendar.', limit: 4 per 1h }"),
    );
    let found = place.run(&["backtest", "--format", "json"]).await.assert_exit(0).json();
    // The fifth reply of the new rule waits for an hour.
    assert_eq!(found["how"], "stateful");
    let changes = found["changes"].as_array().unwrap().iter();
    let actions = changes.flat_map(|change| change["after"]["actions"].as_array().unwrap());
    let waited = |action: &&Value| action["reason"].as_str().is_some_and(|why| why.contains("limit of 4 per 1h"));
    assert_eq!(actions.filter(waited).count(), 1, "{found:#}");
    // An event that is given twice counts once; a file may begin with a mark.
    let exported = place.run(&["events", "export"]).await.assert_exit(0).out;
    place.write("twice.jsonl", &format!("\u{feff}{exported}{exported}"));
    let twice = place.run(&["backtest", "--from", "twice.jsonl"]).await.assert_exit(0);
    twice.assert_prints(&["9 events: running before", "9 events were given more than once: each counts once."]);
}

#[tokio::test]
async fn what_was_sent_before_the_first_event_counts_in_whatever_order_events_stand() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let rules = |text: &str| {
        format!(
            "version: 1\nrules:\n  - {{ name: call, when: {{ body: call }}, then: [{{ reply: {{ text: {text} }} }}] }}\n"
        )
    };
    write("old.yaml", &rules("My calendar."));
    write("new.yaml", &rules("Our calendar."));
    let message = |id: &str, outgoing: bool, text: &str, at: &str| {
        let from = outgoing.then_some("sam@us.example");
        json!({ "id": id, "from": from, "outgoing": outgoing, "text": text, "created_at": at })
    };
    let sent = |thread: &str, message: &str, at: &str| {
        json!({
            "action": "01a218ae-b7a4-731e-89c8-1e60cdea1555", "rule": "call", "kind": "reply", "target": null,
            "thread_id": thread, "message_id": message, "lead_email": format!("{thread}@acme.example"), "state": "done",
            "created_at": at, "body": "My calendar.",
        })
    };
    let line = |id: &str, kind: &str, time: &str, thread: &str, messages: Value, history: Value, overrides: Value| {
        json!({
            "version": 1, "id": id, "kind": kind, "time": time, "workspace": "acme", "messages": messages, "history": history,
            "overrides": overrides, "row": { "id": thread, "lead_email": format!("{thread}@acme.example") },
        })
    };
    let (call, none) = (|id: &str, at: &str| message(id, false, "A call, please.", at), json!({}));
    let events = [
        // The rule has answered in the thread ten days before.
        line(
            "a",
            "message",
            "2026-01-15T09:00:00Z",
            "t1",
            json!([
                call("1", "2026-01-05T09:00:00Z"),
                message("2", true, "My calendar.", "2026-01-05T09:01:00Z"),
                call("3", "2026-01-15T09:00:00Z")
            ]),
            json!([sent("t1", "1", "2026-01-05T09:00:30Z")]),
            none.clone(),
        ),
        // It answers here, and what it sent then is no teammate's message when the category changes.
        line(
            "b",
            "message",
            "2026-01-15T10:00:00Z",
            "t2",
            json!([call("4", "2026-01-15T10:00:00Z")]),
            json!([]),
            none.clone(),
        ),
        line(
            "c",
            "category",
            "2026-01-15T10:30:00Z",
            "t2",
            json!([call("4", "2026-01-15T10:00:00Z"), message("5", true, "My calendar.", "2026-01-15T10:00:01Z")]),
            json!([sent("t2", "4", "2026-01-15T10:00:00Z")]),
            none.clone(),
        ),
        // An operator had lowered the rule for a while.
        line(
            "d",
            "message",
            "2026-01-15T11:00:00Z",
            "t3",
            json!([call("6", "2026-01-15T11:00:00Z")]),
            json!([]),
            json!({ "call": "shadow" }),
        ),
        line("e", "apply", "2026-01-15T12:00:00Z", "t4", json!([call("7", "2026-01-15T12:00:00Z")]), json!([]), none),
    ];
    let lines: Vec<String> = events.iter().rev().map(ToString::to_string).collect();
    write("events.jsonl", &lines.join("\n"));
    let args =
        ["backtest", "--rules", "new.yaml", "--against", "old.yaml", "--from", "events.jsonl", "--format", "json"];
    let found = run(binary(folder.path(), &args)).await.assert_exit(0).json();
    let ids: Vec<&str> =
        found["changes"].as_array().unwrap().iter().map(|change| change["id"].as_str().unwrap()).collect();
    assert_eq!((ids, &found["events"]), (vec!["b", "d", "e"], &json!(5)), "{found:#}");
    for side in ["before", "after"] {
        assert_eq!(found["rules"][0][side]["actions"], json!({ "done": 2, "shadow": 1, "suppressed": 2 }), "{found:#}");
    }
}

/// What fails on every event matches none, and so changes nothing: that must not look like a harmless change.
#[tokio::test]
async fn a_rule_that_fails_is_told() {
    let place = played(BEFORE).await;
    let broken = format!("{BEFORE}  - {{ name: endless, script: 'loop {{ }}', then: [star] }}\n");
    place.write("rules/rules.yaml", &broken);
    for options in [&["backtest"][..], &["backtest", "--stateless"]] {
        let found = place.run(&[options, &["--format", "json"]].concat()).await.assert_exit(0).json();
        let endless =
            &found["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "endless").unwrap()["after"];
        assert_eq!((&endless["matches"], &endless["errors"]), (&json!(0), &json!(9)), "{found:#}");
        let table = place.run(options).await.assert_exit(0).out;
        let told = "`endless` (after it) failed on 9 events, and so did not match them: ";
        assert!(table.contains(told), "{table}");
        assert_eq!(table.contains(", matching alone: "), options.len() == 2, "{table}");
    }
}
