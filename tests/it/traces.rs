//! Whole traces are derived: from the event that is stored with a decision, and the rules of its revision.

use crate::fixture::{Fixture, FixtureOptions, HOT};
use reply_router::{
    engine::{DECISION_POLICY, Engine, EngineParts, Explanation, SystemClock, TracedDecision},
    model::{Conversation, Message, Mode, RuleTrace, ThreadRow},
    rules::{LoadContext, RuleSet},
    simulator::{Message as Mail, NewThread},
    store::{
        DecisionFilter, DecisionRecord, DecisionTrace, EventKind, SettledThread, SqlStore, Store, StoreError,
        StoredEvent, prelude::*,
    },
};
use rusqlite::Connection;
use std::{fmt::Write, path::Path, sync::Arc, time::Duration};

/// An engine that knows no rules and no workspace any more.
pub(crate) fn without_rules(store: Arc<SqlStore>) -> Arc<Engine> {
    Engine::new(EngineParts {
        store: store as Arc<dyn Store>,
        rules: RuleSet::default(),
        workspaces: Vec::new(),
        public_url: None,
        clock: Arc::new(SystemClock),
        dry_run: true,
        test_hooks: None,
    })
}

pub(crate) fn record(id: &str, matched: Vec<String>, rules: Vec<RuleTrace>) -> DecisionRecord {
    DecisionRecord {
        id: id.to_owned(),
        workspace: "acme".to_owned(),
        thread_id: "t".to_owned(),
        message_id: Some("m2".to_owned()),
        lead_email: Some("jane@acme.example".to_owned()),
        at: "2026-01-05T09:00:00Z".parse().unwrap(),
        event: EventKind::Message,
        matched,
        trace: DecisionTrace { rules, ..DecisionTrace::default() },
    }
}

pub(crate) async fn write(
    store: &SqlStore,
    record: &DecisionRecord,
    event: Option<&StoredEvent>,
) -> Result<(), StoreError> {
    let row = ThreadRow { id: record.thread_id.clone(), ..ThreadRow::default() };
    let settled = SettledThread { row, ..SettledThread::default() };
    store.record_decision(record, event.cloned(), Vec::new(), None, &settled, DECISION_POLICY).await.map(|_| ())
}

pub(crate) async fn traced(engine: &Engine, record: DecisionRecord) -> TracedDecision {
    engine.operator().trace_decisions(vec![record]).await.unwrap().pop().unwrap()
}

/// The explanation of a decision without what became of it since.
async fn shown(fixture: &Fixture, id: &str) -> serde_json::Value {
    let explanation = fixture.engine.operator().explain_decision(id).await.unwrap().unwrap();
    serde_json::to_value(Explanation { way: Vec::new(), ..explanation }).unwrap()
}

async fn decisions(fixture: &Fixture) -> Vec<DecisionRecord> {
    fixture.store.decisions(&DecisionFilter { limit: 100, ..DecisionFilter::default() }).await.unwrap()
}

const MANY: &str = r#"
version: 1
rules:
  - name: other-category
    when: { category: not_interested, body: '\bstop\b' }
    then: [star]
  - name: book-a-call
    when: { category: interested, campaign: 'Q1 *', body: '\bcall\b' }
    capture: { day: '(?i)\b(monday|tuesday)\b' }
    script: '#{ matched: message.text.contains_ci("call"), vars: #{ who: lead.first_name } }'
    then:
      - reply: { text: 'Hi {{ vars.who }}, {{ captures.day }} works.' }
      - slack: { to: sales, text: 'For {{ lead.email }}' }
  - name: of-the-thread
    when: { tags: vip, history: calendar }
    then: [mark_read]
  - name: fails
    when: always
    script: '1 / (thread.reply_count - thread.reply_count) == 0'
    then: [mark_read]
  - name: stops
    when: { body: '\bTuesday\b' }
    mode: draft
    then: [star]
    stop: true
  - name: behind
    when: always
    then: [mark_read]
"#;

fn options(rules: &'static str) -> FixtureOptions {
    FixtureOptions { rules, ..FixtureOptions::default() }
}

#[tokio::test]
async fn a_decision_shows_every_rule_whatever_became_of_the_rules_since() {
    let fixture = Fixture::new(options(MANY)).await;
    let thread = fixture.hot_lead("jane@acme.example", "Sure, a call on Tuesday?");
    fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
    // What the rules say of all of it, asked before the service decides.
    let live = fixture.engine.operator().explain(fixture.workspace(), &thread, Duration::ZERO).await.unwrap();
    fixture.tick().await;
    let decision = decisions(&fixture).await.pop().unwrap();
    assert_eq!(decision.matched, ["book-a-call", "stops"]);
    let stored: Vec<_> = decision.trace.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(stored, ["book-a-call", "fails", "stops"], "only what matched or failed is stored");

    let first = shown(&fixture, &decision.id).await;
    let said = |rule: &serde_json::Value| {
        let keys = ["name", "file", "line", "mode", "matched", "stopped_by", "note", "error", "script", "captures"];
        let conditions = rule["conditions"].as_array().unwrap().iter();
        // The rules say it alike; the thread itself was read for the live one only where they needed it.
        let conditions: Vec<_> = conditions.map(|found| (found["path"].clone(), found["held"].clone())).collect();
        (keys.map(|key| rule[key].clone()), conditions)
    };
    let live = serde_json::to_value(live).unwrap();
    let [then, now] =
        [&live, &first].map(|told| told["rules"].as_array().unwrap().iter().map(said).collect::<Vec<_>>());
    assert_eq!(then, now);
    assert_eq!(now.len(), 6);
    assert_eq!(first["incomplete"], serde_json::Value::Null);

    fixture.engine.replace_rules(RuleSet::default());
    assert_eq!(shown(&fixture, &decision.id).await, first, "after a reload");
    let fixture = fixture.restart(&options(HOT)).await;
    assert_eq!(shown(&fixture, &decision.id).await, first, "after a restart with other rules");
}

#[tokio::test]
async fn each_event_of_a_thread_is_shown_as_it_was_and_keeps_only_what_is_new() {
    let long: String = (0..300).fold(String::new(), |mut text, number| {
        let _ = write!(text, "word{} ", number * 7_919 % 1_000);
        text
    });
    let fixture = Fixture::new(options(MANY)).await;
    let thread = fixture.hot_lead("jane@acme.example", &format!("Sure, a call on Tuesday? {long}"));
    fixture.tick().await;
    let mut before = vec![shown(&fixture, &decisions(&fixture).await[0].id).await];
    for number in 0..12 {
        fixture.clock.advance(Duration::from_secs(3_600));
        fixture.simulator.workspace().lead_writes(&thread, Mail::text(format!("And another one, number {number}.")));
        fixture.tick().await;
        let newest = decisions(&fixture).await.remove(0);
        before.push(shown(&fixture, &newest.id).await);
    }
    let fixture = fixture.restart(&options(HOT)).await;
    let mut all = decisions(&fixture).await;
    all.reverse();
    assert_eq!(all.len(), 13);
    for (decision, before) in all.iter().zip(&before) {
        assert_eq!(&shown(&fixture, &decision.id).await, before);
    }
    let ids: Vec<String> = all.iter().map(|decision| decision.id.clone()).collect();
    let events = fixture.store.events(&ids).await.unwrap();
    let counts = ids.iter().map(|id| events[id].messages.as_ref().unwrap().inbound_count());
    assert_eq!(counts.collect::<Vec<_>>(), (1..=13).collect::<Vec<_>>());
    let sizes = sizes(&fixture.store_path());
    let alone = sizes.iter().filter(|size| size.base.is_none()).count();
    assert_eq!(alone, 2, "a chain ends after eight events: {sizes:?}");
    for size in sizes.iter().filter(|size| size.base.is_some()) {
        assert!(size.event < 500, "{sizes:?}");
    }
}

/// What a decision takes, in bytes.
#[derive(Debug)]
struct Size {
    trace: i64,
    event: i64,
    base: Option<i64>,
}

fn sizes(path: &Path) -> Vec<Size> {
    let store = Connection::open(path).unwrap();
    let mut query = store
        .prepare("SELECT length(d.trace), length(e.body), e.base FROM decisions d JOIN decision_events e ON e.decision = d.id")
        .unwrap();
    let size = |row: &rusqlite::Row<'_>| Ok(Size { trace: row.get(0)?, event: row.get(1)?, base: row.get(2)? });
    query.query_map([], size).unwrap().collect::<rusqlite::Result<_>>().unwrap()
}

fn cold_rules(count: usize) -> &'static str {
    let mut rules = HOT.to_owned();
    for number in 1..count {
        let _ = write!(
            rules,
            "  - name: cold-{number}\n    when: {{ category: interested, body: '\\b(word{number}|other{number})\\b' }}\n    then: [{{ reply: {{ text: 'Hi, about that.' }} }}]\n"
        );
    }
    rules.leak()
}

const MAIL: &str = "Hi Sam,

thanks for getting in touch. We have been looking at this for a while, and your note came at the right time: our team
doubled since spring, and what we do by hand no longer keeps up. I would like to know more before I talk to our CFO.

Could we have a call next week? Tuesday after lunch would suit us best, or Thursday before ten. Please bring somebody who
can tell us how the import works; that is what we failed at with the last vendor. We are eleven people, two of them part
time, and most of us work from home.

Best regards,
Jane Doe
Head of Operations
Acme Examples Ltd
+44 20 7946 0123

On Mon, Jul 13, 2026 at 9:00 AM Sam <sam@us.example> wrote:
> Hi Jane,
>
> I saw that Acme is hiring for its support team. Teams of your size usually spend a third of their time on questions that
> were answered before. We bring that down to a tenth within a month, without a project and without new tools.
>
> Would you be open to a short conversation?
>
> Best,
> Sam
";

#[tokio::test]
async fn a_decision_takes_two_kilobytes_however_many_rules_there_are() {
    let mut taken = Vec::new();
    for count in [5, 100, 300] {
        let fixture = Fixture::new(options(cold_rules(count))).await;
        let thread =
            NewThread::new("jane@acme.example").name("Jane Doe").campaign("Q1 Product Launch").category("interested");
        let ours = MAIL.split("wrote:\n").nth(1).unwrap().lines().map(|line| line.trim_start_matches(['>', ' ']));
        let ours = Mail::text(ours.collect::<Vec<_>>().join("\n")).outgoing().with_age(Duration::from_secs(100_000));
        fixture.simulator.workspace().add_thread(thread.message(ours).message(MAIL));
        fixture.tick().await;
        assert_eq!(decisions(&fixture).await[0].matched, ["book-a-call"]);
        let size = sizes(&fixture.store_path()).pop().unwrap();
        eprintln!("{count} rules: trace {} bytes, event {} bytes", size.trace, size.event);
        assert!(size.trace + size.event <= 2_000, "{count} rules: {size:?}");
        taken.push(size.trace + size.event);
    }
    assert!(taken[2] <= taken[0] + 40, "{taken:?}");
}

/// A small event, with the rules that decide it.
fn small() -> (RuleSet, StoredEvent) {
    let text = "version: 1\nrules:\n  - { name: a, when: { body: call }, then: [star] }\n  - { name: b, when: { body: demo }, then: [star] }\n";
    let set = RuleSet::parse(&[("a.yaml", text)], &LoadContext::default()).unwrap();
    let message = |id: &str, text: &str, outgoing| Message {
        id: id.to_owned(),
        text: Some(text.to_owned()),
        outgoing,
        ..Message::default()
    };
    let event = StoredEvent {
        revision: set.revision().to_owned(),
        workspace: "acme".to_owned(),
        ceiling: Mode::Live,
        row: ThreadRow { id: "t".to_owned(), ..ThreadRow::default() },
        messages: Some(Conversation::new(vec![message("m1", "Hello", true), message("m2", "A call?", false)])),
        ..StoredEvent::default()
    };
    (set, event)
}

#[tokio::test]
async fn what_cannot_be_derived_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqlStore::open(&folder.path().join("s.db")).await.unwrap());
    let engine = without_rules(Arc::clone(&store));
    let (set, event) = small();
    let unkept = write(&store, &record("d0", vec![], vec![]), Some(&event)).await;
    assert!(matches!(&unkept, Err(StoreError::Database(why)) if why.contains("are not kept")), "{unkept:?}");
    assert!(store.decision("d0").await.unwrap().is_none(), "nothing was written");

    store.keep_rules(set.revision(), &set.sources().to_text().unwrap()).await.unwrap();
    store.keep_rules(set.revision(), "what was kept is not replaced").await.unwrap();
    let future = r#"{"files":[{"name":"a.yaml","folder":"","text":"version: 1\nrules: [{ name: a, when: { mood: x }, then: [star] }]"}]}"#;
    store.keep_rules("future", future).await.unwrap();

    let right = record("d1", vec!["a".to_owned()], vec![]);
    write(&store, &right, Some(&event)).await.unwrap();
    let found = traced(&engine, right).await;
    let names: Vec<_> = found.record.trace.rules.iter().map(|rule| (rule.name.as_str(), rule.matched)).collect();
    assert_eq!((names, found.incomplete), (vec![("a", true), ("b", false)], None));

    let stored = found.record.trace.rules[..1].to_vec();
    let future = record("d2", vec!["a".to_owned()], stored.clone());
    write(&store, &future, Some(&StoredEvent { revision: "future".to_owned(), ..event.clone() })).await.unwrap();
    let found = traced(&engine, future.clone()).await;
    let why = found.incomplete.unwrap();
    assert!(why.starts_with("the rules of this decision cannot be loaded by this version"), "{why}");
    assert_eq!(found.record, future);

    let other = record("d3", vec!["b".to_owned()], stored);
    write(&store, &other, Some(&event)).await.unwrap();
    let found = traced(&engine, other.clone()).await;
    assert_eq!(found.incomplete.as_deref(), Some("this version of Reply Router reads the event differently"));
    assert_eq!(found.record, other);
}

#[tokio::test]
async fn an_event_whose_base_is_gone_is_none_and_takes_no_other_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = SqlStore::open(&path).await.unwrap();
    let (set, first) = small();
    store.keep_rules(set.revision(), "{}").await.unwrap();
    let mut messages = first.messages.clone().unwrap().messages().to_vec();
    messages.push(Message { id: "m3".to_owned(), text: Some("When?".to_owned()), ..Message::default() });
    let later = StoredEvent { messages: Some(Conversation::new(messages)), ..first.clone() };
    let next = DecisionRecord { message_id: Some("m3".to_owned()), ..record("d2", vec![], vec![]) };
    let other = DecisionRecord { thread_id: "u".to_owned(), ..record("d3", vec![], vec![]) };
    for (record, event) in [(&record("d1", vec![], vec![]), &first), (&next, &later), (&other, &first)] {
        write(&store, record, Some(event)).await.unwrap();
    }
    let ids = ["d1", "d2", "d3"].map(str::to_owned);
    assert_eq!(store.events(&ids).await.unwrap().len(), 3);
    let gone = Connection::open(&path)
        .unwrap()
        .execute("DELETE FROM decision_events WHERE decision IN (SELECT base FROM decision_events)", [])
        .unwrap();
    assert_eq!(gone, 1, "the second builds on the first");
    let found = store.events(&ids).await.unwrap();
    assert_eq!((found.len(), &found["d3"]), (1, &first));
    // The next one of the thread stands for itself.
    let last = DecisionRecord { message_id: Some("m4".to_owned()), ..record("d4", vec![], vec![]) };
    write(&store, &last, Some(&later)).await.unwrap();
    assert_eq!(store.events(&["d4".to_owned()]).await.unwrap()["d4"], later);
}

#[tokio::test]
async fn decisions_of_version_8_show_the_traces_that_they_have() {
    let folder = tempfile::tempdir().unwrap();
    let (new, old) = (folder.path().join("new.db"), folder.path().join("old.db"));
    let store = SqlStore::open(&new).await.unwrap();
    let (_, event) = small();
    let rule = |name: &str, matched| RuleTrace {
        name: name.to_owned(),
        file: "a.yaml".to_owned(),
        line: 3,
        mode: Mode::Live,
        matched,
        stopped_by: None,
        note: None,
        error: None,
        conditions: Vec::new(),
        script: None,
        captures: std::collections::BTreeMap::default(),
        actions: Vec::new(),
    };
    let record = record("d1", vec!["a".to_owned()], vec![rule("a", true), rule("gone", false)]);
    write(&store, &record, None).await.unwrap();
    store.close().await;
    drop(store);
    let connection = Connection::open(&old).unwrap();
    connection.execute_batch(include_str!("../../src/store/sql/sqlite/steps/version_8.sql")).unwrap();
    connection.pragma_update(None, "user_version", 8).unwrap();
    connection.execute("ATTACH ? AS new", [new.to_str().unwrap()]).unwrap();
    for table in ["workspaces", "names", "threads", "decisions", "decision_rules", "marks", "match_hours", "changes"] {
        let columns: Vec<String> = {
            let mut query = connection.prepare("SELECT name FROM pragma_table_info(?, 'main')").unwrap();
            query.query_map([table], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
        };
        let columns = columns.join(", ");
        connection
            .execute(&format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}"), [])
            .unwrap();
    }
    drop(connection);
    let before = std::fs::read(&old).unwrap();
    for store in [SqlStore::in_memory_copy(Some(&old)).await.unwrap(), SqlStore::open_snapshot(&old).await.unwrap()] {
        let found = store.decision("d1").await.unwrap();
        assert_eq!(found.as_ref(), Some(&record));
        store.close().await;
    }
    assert!(std::fs::read(&old).unwrap() == before, "who only looks changes nothing");
    for _ in 0..2 {
        let store = Arc::new(SqlStore::open(&old).await.unwrap());
        let engine = without_rules(Arc::clone(&store));
        let found = traced(&engine, store.decision("d1").await.unwrap().unwrap()).await;
        assert_eq!((found.record, found.incomplete), (record.clone(), None));
        store.close().await;
    }
    let store = SqlStore::open(&old).await.unwrap();
    store.keep_rules(&event.revision, "{}").await.unwrap();
    let next = DecisionRecord { id: "d2".to_owned(), ..record };
    write(&store, &next, Some(&event)).await.unwrap();
    assert_eq!(store.events(&["d1".to_owned(), "d2".to_owned()]).await.unwrap()["d2"], event);
}
