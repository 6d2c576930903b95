//! `backtest` of events that are written by hand: what a play knows of the past, and what it cannot know.

use super::cli_fixture::{CommandOutput, binary, run};
use serde_json::{Value, json};

/// Rules and events in a folder, without a configuration.
struct Events {
    folder: tempfile::TempDir,
    lines: Vec<Value>,
}

impl Events {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), lines: Vec::new() }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// An event of the workspace `acme` on the 5th of January, with what else it has.
    fn add(&mut self, id: &str, time: &str, thread: &str, messages: Value, more: Value) -> &mut Self {
        let mut line = json!({
            "version": 1, "id": id, "kind": "message", "time": format!("2026-01-05T{time}Z"), "workspace": "acme",
            "messages": messages, "row": { "id": thread, "lead_email": "jo@acme.example", "category": "interested" },
        });
        for (key, value) in more.as_object().unwrap() {
            match (value, &mut line[key]) {
                (Value::Object(more), Value::Object(known)) => known.extend(more.clone()),
                (value, known) => *known = value.clone(),
            }
        }
        self.lines.push(line);
        self
    }

    async fn compare(&self, before: &str, after: &str, args: &[&str]) -> CommandOutput {
        self.write("old.yaml", &format!("version: 1\nrules:\n{before}"));
        self.write("new.yaml", &format!("version: 1\nrules:\n{after}"));
        self.write("events.jsonl", &self.lines.iter().map(|line| format!("{line}\n")).collect::<String>());
        let all = ["backtest", "--rules", "new.yaml", "--against", "old.yaml", "--from", "events.jsonl"];
        run(binary(self.folder.path(), &[&all[..], args].concat())).await
    }

    async fn json(&self, before: &str, after: &str) -> Value {
        self.compare(before, after, &["--format", "json"]).await.assert_exit(0).json()
    }
}

/// A message at a time of that day; one of a teammate, unless the lead wrote it.
fn mail(who: &str, time: &str, text: &str) -> Value {
    let lead = who == "lead";
    let from = if lead { "jo@acme.example" } else { "sam@us.example" };
    json!({
        "id": format!("{who}-{time}"), "from": from, "outgoing": !lead, "text": text,
        "created_at": format!("2026-01-05T{time}:00Z"),
    })
}

const NOTHING: &str = "  - { name: none, when: { body: nothing-of-the-kind }, then: [star] }\n";

#[tokio::test]
async fn who_answers_before_an_event_without_messages_is_not_forgotten() {
    let first = [mail("sam", "08:00", "Hi"), mail("lead", "09:00", "A call?")];
    let then = [mail("sam", "09:30", "I rang you."), mail("lead", "12:00", "Thanks")];
    let rules =
        "  - { name: call, when: { is_starred: false, body: call }, then: [{ reply: { text: Yes., after: 2h } }] }\n";
    let row = |starred: bool| json!({ "row": { "is_starred": starred } });
    let mut events = Events::new();
    events.add("a", "09:00:10", "t1", json!(first), row(false));
    let mut change = row(true);
    change["kind"] = json!("category");
    change["row"]["category"] = json!("question");
    events.add("b", "10:00:00", "t1", Value::Null, change);
    events.add("c", "12:00:10", "t1", json!([&first[..], &then[..]].concat()), row(true));
    let found = events.json(NOTHING, rules).await;
    assert_eq!(found["changed"], 0, "{found:#}");
    assert_eq!(found["rules"][0]["after"]["actions"], json!({ "cancelled": 1 }), "{found:#}");
}

#[tokio::test]
async fn what_only_a_configuration_knows_is_said_to_be_unknown() {
    let mut events = Events::new();
    events.add("a", "23:00:10", "t1", json!([mail("lead", "23:00", "A call?")]), json!({}));
    let plain = "  - { name: call, when: { body: call }, then: [{ reply: { text: Yes. } }] }\n";
    let hours = "  - { name: call, when: { body: call, lead_domain: { in: accounts } }, then: [{ reply: { text: Yes., hours: office } }] }\n";
    let (no_hours, no_list) = ("`office`", "`accounts`");
    for format in ["table", "markdown", "json"] {
        let told = events.compare(plain, hours, &["--format", format]).await.assert_exit(0);
        let said = if format == "json" {
            "without_configuration"
        } else {
            "Without a configuration: `safety` is the default, opening hours never close"
        };
        told.assert_prints(&[no_hours, no_list, said]);
    }
    let found = events.json(plain, hours).await;
    assert_eq!(found["without_configuration"].as_array().map(Vec::len), Some(2), "{found:#}");
    let found = events.json(plain, plain).await;
    assert_eq!(found["without_configuration"], json!([]));
}

const REMOVE: &str = "Please remove me from your list.";
const PRICE: &str = "  - { name: price, when: { body: price }, then: [{ reply: { text: 10 EUR } }] }\n";
const VIP: &str = "  - { name: vip, when: { tags: vip }, then: [star] }\n";

#[tokio::test]
async fn an_opt_out_counts_where_an_event_is_not_compared_and_until_it_is_lifted() {
    let asked = json!([mail("lead", "11:00", "What is the price?")]);
    let thread = |id: &str| json!({ "thread": { "id": id, "tags": [] } });
    // The first event lacks the thread.
    let mut events = Events::new();
    events.add("a", "09:00:10", "t1", json!([mail("lead", "09:00", REMOVE)]), json!({}));
    events.add("b", "11:00:10", "t2", asked.clone(), thread("t2"));
    let found = events.json(VIP, &[PRICE, VIP].concat()).await;
    assert_eq!((&found["changed"], &found["lacking_events"]), (&json!(0), &json!(1)), "{found:#}");
    assert_eq!(found["rules"][0]["after"]["actions"], json!({ "suppressed": 1 }), "{found:#}");

    // While playing, one side lacks the messages: its reply waits in the thread.
    let first = json!([mail("sam", "08:00", "Hi"), mail("lead", "09:00", "A call?")]);
    let mut events = Events::new();
    events.add("a", "09:00:10", "t1", first, json!({}));
    let row = json!({ "row": { "category": "not_interested", "preview": REMOVE } });
    events.add("b", "09:30:10", "t1", Value::Null, row);
    events.add("c", "11:00:10", "t2", asked.clone(), json!({}));
    let call = |after: &str| {
        let when = "category: interested, body: call";
        format!("  - {{ name: call, when: {{ {when} }}, then: [{{ reply: {{ text: Yes.{after} }} }}] }}\n{PRICE}")
    };
    let price = PRICE.replace("body: price", "category: interested, body: price");
    let [at_once, later] = ["", ", after: 1h"].map(|after| call(after).replace(PRICE, &price));
    let found = events.json(&at_once, &later).await;
    for side in ["before", "after"] {
        assert_eq!(found["rules"][1][side]["actions"], json!({ "suppressed": 1 }), "{found:#}");
    }

    // An operator lifts it.
    for (known, actions) in [(json!(null), json!({ "suppressed": 1 })), (json!(false), json!({ "done": 1 }))] {
        let mut events = Events::new();
        events.add("a", "09:00:10", "t1", json!([mail("lead", "09:00", REMOVE)]), json!({}));
        events.add("b", "11:00:10", "t2", asked.clone(), json!({ "lead_opted_out": known }));
        let found = events.json(NOTHING, PRICE).await;
        assert_eq!(found["rules"][0]["after"]["actions"], actions, "{found:#}");
    }
}

#[tokio::test]
async fn a_reply_that_waited_before_the_first_event_has_left_once_a_later_one_says_so() {
    let first = [mail("sam", "08:00", "Hi"), mail("lead", "09:00", "A call?")];
    let then = [mail("sam", "10:00", "My calendar."), mail("lead", "12:00", "And the price?")];
    let history = |state: &str| {
        json!([{
            "action": "01a218ae-b7a4-731e-89c8-1e60cdea1527", "rule": "call", "kind": "reply", "target": null,
            "thread_id": "t1", "message_id": "lead-09:00", "lead_email": "jo@acme.example", "state": state,
            "created_at": "2026-01-05T09:00:10Z", "body": "My calendar.",
        }])
    };
    let mut told = Vec::new();
    for state in ["done", "waiting", "planned", "held"] {
        let mut events = Events::new();
        let change = json!({ "kind": "category", "history": history(state) });
        events.add("a", "09:30:00", "t1", json!(first), change);
        let all = json!([&first[..], &then[..]].concat());
        events.add("b", "12:00:10", "t1", all, json!({ "history": history("done") }));
        told.push(events.json(NOTHING, PRICE).await["rules"][0]["after"].clone());
    }
    assert!(told.iter().all(|found| *found == told[0]), "{told:#?}");
}

#[tokio::test]
async fn files_are_compared_with_the_configuration_and_without_its_secrets() {
    let mut events = Events::new();
    events.add("a", "23:00:10", "t1", json!([mail("lead", "23:00", "A call?")]), json!({}));
    events.write(
        "reply-router.yaml",
        "workspaces: [{ name: acme, api_key: \"${NO_SUCH_KEY_IS_SET}\" }]\nrules: new.yaml\nhours:\n  office: { days: [mon, tue, wed, \
         thu, fri], from: \"09:00\", to: \"17:00\", timezone: Europe/Berlin }\n",
    );
    let plain = "  - { name: call, when: { body: call }, then: [{ reply: { text: Yes. } }] }\n";
    let hours = plain.replace("text: Yes.", "text: Yes., hours: office");
    let found = events.json(plain, &hours).await;
    let reason = &found["changes"][0]["after"]["actions"][0]["reason"];
    assert!(reason.as_str().is_some_and(|why| why.contains("outside `office`")), "{found:#}");
    assert!(found["without_configuration"].is_null(), "{found:#}");
}

#[tokio::test]
async fn what_one_set_cannot_decide_is_played_by_neither() {
    // The star of the earlier set makes its next rule ask for the tags; the later set answers without them.
    let vip = "  - { name: vip, when: { is_starred: true, tags: vip }, then: [mark_read] }\n";
    let star = "  - { name: hello, when: { body: hello }, then: [star] }\n";
    let mut events = Events::new();
    let row = json!({ "row": { "is_starred": false } });
    events.add("a", "09:00:10", "t1", json!([mail("lead", "09:00", "hello")]), row.clone());
    let price = json!([mail("lead", "09:00", "hello"), mail("lead", "10:00", "What is the price?")]);
    events.add("b", "10:00:10", "t1", price, row);
    let mut other = json!({ "thread": { "id": "t2", "tags": [] } });
    other["row"]["is_starred"] = json!(false);
    events.add("c", "11:00:10", "t2", json!([mail("lead", "11:00", "What is the price?")]), other);
    let (before, after) = ([vip, star, PRICE].concat(), [vip, PRICE].concat());
    for (one, two, set) in [(&before, &after, "before"), (&after, &before, "after")] {
        let found = events.json(one, two).await;
        let ids: Vec<&str> =
            found["changes"].as_array().unwrap().iter().map(|change| change["id"].as_str().unwrap()).collect();
        assert_eq!((ids, &found["lacking_events"]), (vec!["a"], &json!(1)), "{found:#}");
        let lack = &found["lacking"][0];
        assert_eq!((&lack["set"], &lack["rule"], &lack["ids"]), (&json!(set), &json!("vip"), &json!(["b"])));
        let price = found["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "price").unwrap();
        for side in ["before", "after"] {
            assert_eq!(price[side]["actions"], json!({ "done": 1 }), "{found:#}");
        }
    }
}

#[tokio::test]
async fn what_waits_learns_of_another_category_that_is_not_compared() {
    let call = "  - { name: call, when: { category: interested, body: call }, then: [{ reply: { text: Yes., after: 2h } }] }\n";
    let vip = "  - { name: vip, when: { category: question, tags: vip }, then: [star] }\n";
    let first = [mail("sam", "08:00", "Hi"), mail("lead", "09:00", "A call?")];
    let mut events = Events::new();
    events.add("a", "09:00:10", "t1", json!(first), json!({}));
    events.add("b", "10:00:00", "t1", json!(first), json!({ "kind": "category", "row": { "category": "question" } }));
    let found = events.json(NOTHING, &[call, vip].concat()).await;
    assert_eq!((&found["lacking_events"], &found["changed"]), (&json!(1), &json!(0)), "{found:#}");
    assert_eq!(found["rules"][0]["after"]["actions"], json!({ "cancelled": 1 }), "{found:#}");
}

#[tokio::test]
async fn a_reply_that_waited_before_the_first_event_is_gone_once_a_later_one_does_not_tell_of_it() {
    let first = [mail("sam", "08:00", "Hi"), mail("lead", "09:00", "A call?")];
    let entry = json!([{
        "action": "01a218ae-b7a4-731e-89c8-1e60cdea1527", "rule": "call", "kind": "reply", "target": null,
        "thread_id": "t1", "message_id": "lead-09:00", "lead_email": "jo@acme.example", "state": "held",
        "created_at": "2026-01-05T09:00:10Z", "body": "My calendar.",
    }]);
    // A rule that answers this message when the category changes again.
    let hot = "  - { name: hot, when: { category: hot, body: call }, then: [{ reply: { text: Now. } }] }\n";
    let category =
        |name: &str, history: Value| json!({ "kind": "category", "row": { "category": name }, "history": history });
    for (history, outcome) in [(json!([]), "done"), (entry.clone(), "suppressed"), (Value::Null, "suppressed")] {
        let mut events = Events::new();
        events.add("a", "09:30:00", "t1", json!(first), category("question", entry.clone()));
        events.add("b", "12:00:10", "t1", json!(first), category("hot", history));
        let found = events.json(NOTHING, hot).await;
        assert_eq!(found["rules"][0]["after"]["actions"], json!({ outcome: 1 }), "{found:#}");
    }
}

/// What operators decided then on a reply that was held is known from the history of the thread's next event.
#[tokio::test]
async fn what_operators_decided_then_is_decided_in_the_play() {
    let call = |text: &str| {
        format!(
            "  - name: call\n    mode: draft\n    when: {{ category: interested, body: call }}\n    then: [{{ reply: {{ text: {text}, repeat: once_per_lead }} }}]\n"
        )
    };
    let first = [mail("sam", "08:00", "Hi"), mail("lead", "09:00", "A call?")];
    let sent = [mail("sam", "09:40", "My calendar.")];
    let entry = |state: &str| {
        json!([{
            "action": "01a218ae-b7a4-731e-89c8-1e60cdea1527", "rule": "call", "kind": "reply", "target": null,
            "thread_id": "t1", "message_id": "lead-09:00", "lead_email": "jo@acme.example", "state": state,
            "created_at": "2026-01-05T09:00:10Z", "body": "My calendar.",
        }])
    };
    let play = async |revision: &str, then: &[Value], history: Value, after: &str| {
        let mut events = Events::new();
        let of_then = |message: &str| json!({ "revision": revision, "message_id": message });
        events.add("a", "09:00:10", "t1", json!(first), of_then("lead-09:00"));
        let mut next = of_then("lead-09:00");
        (next["kind"], next["row"], next["history"]) = (json!("category"), json!({ "category": "question" }), history);
        events.add("b", "12:00:10", "t1", json!([&first[..], then].concat()), next);
        events.add("c", "13:00:10", "t2", json!([mail("lead", "13:00", "A call now?")]), of_then("lead-13:00"));
        events.json(&call("My calendar."), &call(after)).await
    };
    let unknown = play("", &sent, entry("done"), "My calendar.").await;
    assert_eq!(unknown["rules"][0]["before"]["actions"], json!({ "held": 1, "suppressed": 1 }), "{unknown:#}");
    let revision = unknown["before"]["revision"].as_str().unwrap();
    // It was approved; an operator who approves what one set writes approves what the other one writes in its place.
    for (after, changed) in [("My calendar.", 0), ("Our calendar.", 1)] {
        let found = play(revision, &sent, entry("done"), after).await;
        for side in ["before", "after"] {
            assert_eq!(found["rules"][0][side]["actions"], json!({ "done": 1, "suppressed": 1 }), "{found:#}");
        }
        assert_eq!(found["changed"], changed, "{found:#}");
        let change = &found["changes"][0]["after"]["actions"][0];
        if changed > 0 {
            assert_eq!(change["reason"], "at 2026-01-05 09:40, because it was approved then", "{found:#}");
        }
    }
    // It was rejected: it does not stand in the way of another one.
    let found = play(revision, &[], json!([]), "My calendar.").await;
    assert_eq!(found["rules"][0]["before"]["actions"], json!({ "held": 2 }), "{found:#}");
    // It is held still.
    let found = play(revision, &[], entry("held"), "My calendar.").await;
    assert_eq!(found["rules"][0]["before"]["actions"], json!({ "held": 1, "suppressed": 1 }), "{found:#}");
}

#[tokio::test]
async fn an_export_that_was_interrupted_is_told_from_one_that_is_wrong() {
    let mut events = Events::new();
    events.add("a", "09:00:10", "t1", json!([mail("lead", "09:00", "Ein Anruf, später?")]), json!({}));
    events.json(NOTHING, PRICE).await;
    let whole = events.lines[0].to_string();
    let in_a_letter = whole.find('ä').unwrap() + 1;
    for (text, says) in [
        (format!("{whole}\n{}", &whole[..60]).into_bytes(), "cut.jsonl:2: the file ends in the middle of this line"),
        (
            [format!("{whole}\n").as_bytes(), &whole.as_bytes()[..in_a_letter]].concat(),
            "cut.jsonl:2: the file ends in the middle of this line",
        ),
        (format!("{}\n{whole}\n", &whole[..60]).into_bytes(), "cut.jsonl:1: it is no event: it ends too early"),
    ] {
        std::fs::write(events.folder.path().join("cut.jsonl"), text).unwrap();
        let args = ["backtest", "--rules", "new.yaml", "--against", "old.yaml", "--from", "cut.jsonl"];
        for args in [&args[..], &[&args[..], &["--stateless"]].concat()] {
            let ran = run(binary(events.folder.path(), args)).await.assert_exit(1);
            assert!(ran.err.contains(says), "{says}: {ran:?}");
        }
    }
    // A line without its end is one.
    std::fs::write(events.folder.path().join("cut.jsonl"), &whole).unwrap();
    let args = ["backtest", "--rules", "new.yaml", "--against", "old.yaml", "--from", "cut.jsonl"];
    run(binary(events.folder.path(), &args)).await.assert_exit(0).assert_prints(&["1 event:"]);
}

#[tokio::test]
async fn a_mail_that_cannot_be_read_or_has_no_date_is_named_and_the_others_are_compared() {
    let events = Events::new();
    std::fs::create_dir(events.folder.path().join("mails")).unwrap();
    let mail = |name: &str, headers: &str| {
        let text = format!("From: Jo <jo@acme.example>\nTo: sam@us.example\n{headers}\nThe price?\n");
        events.write(&format!("mails/{name}.eml"), &text);
    };
    mail("z", "Date: Mon, 5 Jan 2026 09:00:00 +0000\n");
    mail(
        "received",
        "Received: from a by b; Tue, 6 Jan 2026 10:00:00 +0000\nReceived: from c by a; Mon, 5 Jan 2026 08:00:00 +0000\n",
    );
    mail("wrong", "Date: some day\nReceived: from a by b; Wed, 7 Jan 2026 10:00:00 +0000\n");
    mail("undated", "");
    mail("old", "Date: Mon, 5 Jan 1959 09:00:00 +0000\n");
    events.write("mails/empty.eml", "");
    std::fs::create_dir(events.folder.path().join("mails/folder.eml")).unwrap();
    events.write("old.yaml", &format!("version: 1\nrules:\n{NOTHING}"));
    events.write("new.yaml", "version: 1\nrules:\n  - { name: price, when: { body: price }, then: [star] }\n");
    let args = ["backtest", "--rules", "new.yaml", "--against", "old.yaml", "--from", "mails", "--format"];
    for how in [&[][..], &["--stateless"]] {
        let go = async |format: &str| run(binary(events.folder.path(), &[&args[..], &[format], how].concat())).await;
        let found = go("json").await.assert_exit(1).json();
        assert_eq!((&found["events"], &found["unreadable_events"]), (&json!(3), &json!(3)), "{found:#}");
        let times: Vec<&str> =
            found["changes"].as_array().unwrap().iter().map(|change| change["time"].as_str().unwrap()).collect();
        assert_eq!(times, ["2026-01-05T09:00:00Z", "2026-01-06T10:00:00Z", "2026-01-07T10:00:00Z"], "in this order");
        let told: Vec<(&str, &str)> = found["unreadable"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["file"].as_str().unwrap(), one["reason"].as_str().unwrap()))
            .collect();
        assert_eq!(
            told.iter().map(|(file, _)| *file).collect::<Vec<_>>(),
            ["mails/empty.eml", "mails/undated.eml", "mails/old.eml"]
        );
        assert!(told[0].1.contains("it is not a mail") && told[2].1.contains("between 1970 and 9999"), "{told:?}");
        assert!(told[1].1.contains("neither `Date` nor `Received` says when it was written"), "{told:?}");
        for format in ["table", "markdown"] {
            go(format).await.assert_exit(1).assert_prints(&[
                "3 files were not compared: they cannot be read, or do not say when they were written.",
                "mails/undated.eml",
            ]);
        }
    }
}

#[tokio::test]
async fn what_is_due_at_once_is_done_at_once_however_many_actions_an_event_has() {
    // Times as a service writes them, finer than a store keeps them.
    let mut events = Events::new();
    let time = "17:59:30.878181532";
    events.add("a", time, "t1", json!([mail("lead", "17:59", "A call?")]), json!({}));
    let row = json!({ "row": { "category": "not_interested" } });
    let then = json!([mail("lead", "17:59", "A call?"), mail("lead", "18:00", "No, sorry.")]);
    events.add("b", "18:00:31.5", "t1", then, row);
    let rule = |count: usize| {
        let then: String = (0..count).map(|number| format!(", {{ webhook: crm-{number} }}")).collect();
        format!(
            "  - {{ name: call, when: {{ category: interested }}, then: [{{ reply: {{ text: Yes., after: 6s }} }}, star{then}] }}\n"
        )
    };
    let found = events.json(&rule(0), &rule(3)).await;
    assert_eq!(found["rules"][0]["before"]["actions"], json!({ "done": 2 }), "{found:#}");
    assert_eq!(found["rules"][0]["after"]["actions"], json!({ "done": 5 }), "{found:#}");
}
