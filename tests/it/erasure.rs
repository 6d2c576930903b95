//! Opt-outs of every form, and that nothing can be read of a person who was erased.

mod apply;
mod killed;
mod raw;

use crate::{
    fixture::{Fixture, FixtureOptions},
    store::{action, at, decision, row},
    stores,
};
use async_trait::async_trait;
use raw::Raw;
use reply_router::{
    engine::{DECISION_POLICY, Failpoint, TestHooks},
    model::{Action, ActionKind, ActionState, OptOutScope},
    store::{
        ActionFilter, AuditEntry, AuditFilter, DecisionFilter, Erased, OptOut, SettledThread, SqlStore, StoreError,
        prelude::*,
    },
};
use std::{
    future::Future,
    pin::pin,
    sync::{Arc, OnceLock},
    task::Poll,
};

fn opt_out(workspace: &str, email: &str) -> OptOut {
    OptOut { workspace: workspace.to_owned(), email: email.to_owned(), since: at(0), evidence: "no".to_owned() }
}

#[tokio::test]
async fn an_opt_out_of_a_domain_holds_below_it_and_a_shared_one_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let store = stores::open(&folder.path().join("s.db")).await.unwrap();
    store.add_opt_out(&opt_out("acme", "*@Acme.example")).await.unwrap();
    store.add_opt_out(&opt_out("globex", "jo@other.example")).await.unwrap();
    for (workspace, email, scope, holds) in [
        ("acme", "jane@acme.example", OptOutScope::Workspace, true),
        ("acme", "JANE@eu.Acme.example", OptOutScope::Workspace, true),
        ("acme", "jane@notacme.example", OptOutScope::Workspace, false),
        ("acme", "jane@acme.example.org", OptOutScope::Workspace, false),
        ("acme", "jane@example", OptOutScope::Workspace, false),
        ("globex", "jane@acme.example", OptOutScope::Workspace, false),
        ("globex", "jane@acme.example", OptOutScope::Shared, true),
        ("acme", "jo@other.example", OptOutScope::Workspace, false),
        ("acme", "jo@other.example", OptOutScope::Shared, true),
        ("new", "jo@other.example", OptOutScope::Shared, true),
    ] {
        assert_eq!(
            store.opt_out(workspace, email, scope).await.unwrap().is_some(),
            holds,
            "{workspace} {email} {scope:?}"
        );
        let facts = store.lead_facts(workspace, "t", Some(email), scope).await.unwrap();
        assert_eq!(facts.opt_out.is_some(), holds, "{workspace} {email} {scope:?}");
    }
}

#[tokio::test]
async fn many_opt_outs_are_added_at_once_and_read_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = stores::open(&folder.path().join("s.db")).await.unwrap();
    store.add_opt_out(&opt_out("acme", "gone@acme.example")).await.unwrap();
    store.erase("gone@acme.example", None, at(5)).await.unwrap();
    let all: Vec<OptOut> = ["acme", "globex"]
        .into_iter()
        .flat_map(|workspace| (0..5).map(move |number| opt_out(workspace, &format!("jo{number}@acme.example"))))
        .collect();
    let mut given = all.clone();
    // Once more, and one whose opt-out holds on without the address.
    given.extend([all[0].clone(), opt_out("acme", "GONE@acme.example")]);
    assert_eq!(store.add_opt_outs(given).await.unwrap(), 10);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let part = store.opt_outs_after(None, after.as_ref(), 3).await.unwrap();
        after = part.last().cloned();
        if part.is_empty() {
            break;
        }
        found.extend(part);
    }
    assert_eq!(found, all);
    let globex = ["globex".to_owned()];
    assert_eq!(store.opt_outs_after(Some(&globex), None, 100).await.unwrap(), all[5..]);
    assert_eq!(store.opt_outs_after(Some(&[]), None, 100).await.unwrap(), []);
    assert_eq!(store.erased_opt_outs(None).await.unwrap(), 1);
    assert_eq!(store.erased_opt_outs(Some(&globex)).await.unwrap(), 0);
    assert!(store.opt_out("acme", "gone@acme.example", OptOutScope::Workspace).await.unwrap().is_some());
}

const PHRASE: &str = "the unmistakable zanzibar clause";
/// The person's name, address, local part, domain, and words of their mail.
const WORDS: [&str; 6] =
    ["quentina@erased.example", "quentina", "erased.example", "Quentina", "zanzibar", "the unmistakable zanzibar"];

fn quentina(fixture: &Fixture) -> String {
    let thread = reply_router::simulator::NewThread::new("quentina@erased.example");
    let thread = thread.name("Quentina Doe").campaign("Q1 Product Launch").category("interested");
    let text = format!("Sure, give me a call about {PHRASE}.");
    fixture.simulator.workspace().add_thread(thread.message(text.as_str()))
}

#[track_caller]
fn is_gone(raw: &Raw, when: &str) {
    for word in WORDS {
        assert!(!raw.has(word), "{word} can be read {when}");
    }
}

#[tokio::test]
async fn nothing_can_be_read_of_a_person_who_was_erased() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let thread = quentina(&fixture);
    fixture.hot_lead("stays@other.example", "Sure, give me a call.");
    fixture.tick().await;
    fixture.tick().await;
    // A second event builds on the first one.
    fixture.simulator.workspace().lead_writes(&thread, "Still about the unmistakable zanzibar, a call?").unwrap();
    fixture.tick().await;
    fixture.store.add_opt_out(&opt_out("acme", "quentina@erased.example")).await.unwrap();
    let sent = fixture.simulator.workspace().accepted_replies().len();
    let before = Raw::of(&fixture).await;
    assert!(WORDS.iter().all(|word| before.has(word)), "the search finds what is there");
    assert!(before.has("KeptReading"), "what was read of the messages is kept with the events");
    // Texts are compressed: what was unpacked of the bytes alone has them, too.
    let bytes = Raw::at(&fixture.store_path()).await;
    assert!(bytes.unpacked > 0 && bytes.has("zanzibar"), "{} values were unpacked", bytes.unpacked);

    let erased = fixture.store.erase("Quentina@erased.example", None, at(100)).await.unwrap();
    assert_eq!((erased.threads, erased.decisions, erased.opt_outs), (1, 2, 1), "{erased:?}");
    assert_eq!(erased.thread_ids, [("acme".to_owned(), thread.clone())]);
    let after = Raw::of(&fixture).await;
    is_gone(&after, "at once");
    assert!(after.has("stays@other.example") && after.unpacked > 0);
    // The opt-out holds; old mail stays old; what was sent is not sent again.
    let scope = OptOutScope::Workspace;
    assert!(fixture.store.opt_out("acme", "quentina@ERASED.example", scope).await.unwrap().is_some());
    fixture.tick().await;
    fixture.tick().await;
    // Neither a category nor a teammate's mail brings the person back.
    fixture.simulator.workspace().set_category(&thread, Some("meeting_request"));
    fixture.tick().await;
    fixture.simulator.workspace().person_answers(&thread, "Dear Quentina, of erased.example").unwrap();
    fixture.clock.advance(std::time::Duration::from_secs(60));
    fixture.tick().await;
    fixture.tick().await;
    is_gone(&Raw::of(&fixture).await, "after some polls");
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), sent);
    // Somebody unknown, and the same once more.
    for address in ["nobody@erased.example", "quentina@erased.example"] {
        let nothing = fixture.store.erase(address, None, at(100)).await.unwrap();
        assert!(nothing.is_nothing() && nothing.threads == 0, "{nothing:?}");
    }
    // Whoever writes again is a lead like any other, and gets nothing twice.
    fixture.simulator.workspace().lead_writes(&thread, "A call, please?").unwrap();
    fixture.tick().await;
    assert_eq!(fixture.actions().await.iter().filter(|action| action.lead_email.is_some()).count(), 3);
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), sent);
}

/// Erases the person once, at a failpoint. On a server another process does it.
struct EraseAt {
    at: Failpoint,
    store: OnceLock<Arc<SqlStore>>,
    done: OnceLock<Erased>,
}

#[async_trait]
impl TestHooks for EraseAt {
    async fn hit(&self, failpoint: Failpoint, action: Option<&Action>) {
        let is_reply = action.is_none_or(|action| action.kind == ActionKind::Reply);
        let Some(store) = self.store.get().filter(|_| failpoint == self.at && is_reply && self.done.get().is_none())
        else {
            return;
        };
        let erased = store.erase("quentina@erased.example", None, at(100)).await.unwrap();
        self.done.set(erased).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_on_ends_without_bringing_them_back() {
    for (failpoint, replies, counted) in [
        (Failpoint::Evaluated, 0, [1, 0, 0, 0]),
        (Failpoint::DecisionWritten, 0, [0, 1, 3, 0]),
        (Failpoint::GuardPassed, 0, [0, 1, 3, 0]),
        (Failpoint::IntentWritten, 1, [0, 1, 2, 1]),
        (Failpoint::ResponseReceived, 1, [0, 1, 2, 1]),
        (Failpoint::OutcomeWritten, 1, [0, 1, 2, 0]),
    ] {
        let hooks = Arc::new(EraseAt { at: failpoint, store: OnceLock::new(), done: OnceLock::new() });
        let options =
            FixtureOptions { test_hooks: Some(Arc::clone(&hooks) as Arc<dyn TestHooks>), ..FixtureOptions::default() };
        let fixture = Fixture::new(options).await;
        let store = match stores::on_postgres() {
            true => Arc::new(stores::open(&fixture.store_path()).await.unwrap()),
            false => Arc::clone(&fixture.store),
        };
        assert!(hooks.store.set(store).is_ok());
        let thread = quentina(&fixture);
        fixture.tick().await;
        let erased = hooks.done.get().unwrap_or_else(|| panic!("{failpoint:?} was not hit"));
        let Erased { undecided, decisions, cancelled, unconfirmed, .. } = erased;
        assert_eq!([*undecided, *decisions, *cancelled, *unconfirmed], counted, "{failpoint:?}");
        assert_eq!(fixture.simulator.workspace().accepted_replies().len(), replies, "{failpoint:?}");
        assert!(fixture.actions().await.is_empty(), "{failpoint:?}");
        assert!(fixture.store.queue_counts(None).await.unwrap().is_empty(), "{failpoint:?}");
        // Our reply shows in the list, and time passes.
        for _ in 0..3 {
            fixture.clock.advance(std::time::Duration::from_secs(400));
            fixture.tick().await;
        }
        is_gone(&Raw::of(&fixture).await, failpoint.as_str());
        let replied = |state: &str| {
            let totals = fixture.store.action_totals();
            let state: ActionState = state.parse().unwrap();
            async move {
                let totals = totals.await.unwrap();
                totals.iter().filter(|total| total.state == state && total.kind == ActionKind::Reply).count()
            }
        };
        assert_eq!(replied("done").await, replies, "the outcome is counted: {failpoint:?}");
        assert_eq!(replied("in_flight").await, 0, "{failpoint:?}");
        // After the same message comes up again, nothing leaves again.
        fixture.simulator.workspace().lead_writes(&thread, "Could we have a call?").unwrap();
        for _ in 0..2 {
            fixture.clock.advance(std::time::Duration::from_secs(400));
            fixture.tick().await;
        }
        assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1, "{failpoint:?}");
    }
}

/// How often a future may be asked before it is dropped, as by a process that ends.
async fn for_so_long<F: Future>(future: F, most: usize) -> Option<F::Output> {
    let (mut future, mut asked) = (pin!(future), 0);
    std::future::poll_fn(|context| {
        asked += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if asked >= most => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_interrupted_is_finished_when_it_is_asked_again() {
    let (mut interrupted, mut ended) = (0, false);
    for most in 1..100 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        let store = stores::open(&path).await.unwrap();
        for number in 0..60 {
            let mut made = decision(&format!("d{number}"), &format!("m{number}"), number);
            made.thread_id = format!("t{}", number / 55);
            made.lead_email = Some("quentina@erased.example".to_owned());
            made.trace.body = Some(format!("number {number} of {PHRASE}"));
            let mut settled = row(&made.thread_id, number);
            settled.lead_email = Some("Quentina <quentina@erased.example>".to_owned());
            let settled = SettledThread { row: settled, ..SettledThread::default() };
            let actions = vec![action(&made, ActionKind::Reply, ActionState::Done)];
            store.record_decision(&made, None, actions, None, &settled, DECISION_POLICY).await.unwrap();
        }
        store.add_opt_out(&opt_out("acme", "quentina@erased.example")).await.unwrap();
        let done = for_so_long(store.erase("quentina@erased.example", None, at(0)), most).await;
        interrupted += usize::from(done.is_none());
        ended = done.is_some();
        // The process has ended, and another one goes on.
        store.close().await;
        let store = stores::open(&path).await.unwrap();
        store.erase("quentina@erased.example", None, at(0)).await.unwrap();
        assert!(store.decisions(&DecisionFilter { limit: 9, ..DecisionFilter::default() }).await.unwrap().is_empty());
        is_gone(&Raw::at(&path).await, &format!("after {most}"));
        for (thread, count) in [("t0", 55), ("t1", 5)] {
            assert_eq!(store.kept_replies("acme", thread).await.unwrap().len(), count, "what was sent is known");
        }
        assert!(store.erase("quentina@erased.example", None, at(0)).await.unwrap().is_nothing());
        if ended {
            break;
        }
    }
    assert!(ended && interrupted > 3, "{interrupted} were interrupted");
}

/// A poll has compared a row with what was known, and the person is erased before it writes.
#[tokio::test]
async fn a_row_that_was_compared_before_is_not_written_after() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = stores::open(&path).await.unwrap();
    let named = |second| {
        let mut row = row("t", second);
        row.lead_email = Some("Quentina <quentina@erased.example>".to_owned());
        row
    };
    store.queue_changed_rows("acme", &[(named(1), false)], at(1)).await.unwrap();
    assert_eq!(store.erase("quentina@erased.example", None, at(9)).await.unwrap().threads, 1);
    store.queue_changed_rows("acme", &[(named(2), true)], at(10)).await.unwrap();
    assert_eq!(store.pending_count("acme").await.unwrap().0, 0);
    is_gone(&Raw::at(&path).await, "as nothing was written");
    // The next look compares with what is left: whoever writes again is there again.
    store.queue_changed_rows("acme", &[(named(2), false)], at(11)).await.unwrap();
    assert_eq!(store.pending_count("acme").await.unwrap().0, 1);
}

#[tokio::test]
async fn threads_of_an_earlier_version_are_found_and_only_those_of_the_workspace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = stores::open(&path).await.unwrap();
    let named = |id: &str| {
        let mut named = row(id, 5);
        named.lead_email = Some("Quentina <quentina@Erased.example>".to_owned());
        named.preview = Some(PHRASE.to_owned());
        named
    };
    for workspace in ["acme", "globex"] {
        store.record_baseline(workspace, &[named("old")], None, at(1)).await.unwrap();
        store.queue_rows(workspace, &[named("pending")], at(1)).await.unwrap();
    }
    let many: Vec<_> = (0..1_200).map(|number| row(&format!("t{number}"), 5)).collect();
    store.record_baseline("acme", &many, None, at(1)).await.unwrap();
    let forget_hashes = "UPDATE threads SET lead = NULL";
    if stores::on_postgres() {
        let address = stores::database_of(&path).await;
        let name = address.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
        tokio::task::spawn_blocking(move || stores::SERVER.query(&name, forget_hashes)).await.unwrap();
    } else {
        rusqlite::Connection::open(&path).unwrap().execute(forget_hashes, []).unwrap();
    }
    let acme = ["acme".to_owned()];
    let erased = store.erase("quentina@erased.example", Some(&acme), at(9)).await.unwrap();
    assert_eq!((erased.threads, erased.undecided, erased.workspaces), (2, 1, vec!["acme".to_owned()]));
    let known = store.known_threads("acme", &["old".to_owned(), "pending".to_owned()]).await.unwrap();
    assert!(known.values().all(|thread| thread.row.as_ref().is_some_and(|row| row.is_erased())));
    assert!(known.values().all(|thread| thread.pending.is_none()));
    // What was being evaluated is not recorded any more; a new message is.
    let settled = SettledThread { row: named("pending"), was_in_line: true, ..SettledThread::default() };
    let mut made = decision("late", "m1", 9);
    made.thread_id = "pending".to_owned();
    let refused = store.record_decision(&made, None, Vec::new(), None, &settled, DECISION_POLICY).await;
    assert!(matches!(refused, Err(StoreError::Forgotten)), "{refused:?}");
    assert!(matches!(store.settle_thread("acme", &settled).await, Err(StoreError::Forgotten)));
    // A baseline that is recorded again does not bring them back.
    store.record_baseline("acme", &[named("old")], None, at(1)).await.unwrap();
    assert!(store.known_threads("acme", &["old".to_owned()]).await.unwrap()["old"].row.as_ref().unwrap().is_erased());
    store.queue_rows("acme", &[named("pending")], at(20)).await.unwrap();
    store.record_decision(&made, None, Vec::new(), None, &settled, DECISION_POLICY).await.unwrap();
    // The other workspace was left alone, until it is asked for.
    assert_eq!(store.erase("quentina@erased.example", None, at(9)).await.unwrap().threads, 3);
    is_gone(&Raw::at(&path).await, "at last");
}

#[tokio::test]
async fn lines_of_the_audit_log_lose_the_address_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = stores::open(&folder.path().join("s.db")).await.unwrap();
    let line = async |id: &str, target: Option<&str>, details: serde_json::Value| {
        let entry = AuditEntry {
            id: id.to_owned(),
            at: at(1),
            who: "token".to_owned(),
            remote: None,
            what: "opt_out.add".to_owned(),
            target: target.map(str::to_owned),
            details: details.as_object().unwrap().clone(),
            request_id: None,
        };
        store.add_audit(&entry).await.unwrap();
    };
    line("1", Some("quentina@erased.example"), serde_json::json!({ "workspaces": ["acme"] })).await;
    line("2", Some("d1"), serde_json::json!({ "workspace": "acme", "lead_email": "Quentina@erased.example" })).await;
    line("3", Some("quentina@erased.example"), serde_json::json!({ "workspaces": ["acme", "globex"] })).await;
    line("4", Some("other@erased.example"), serde_json::json!({ "workspace": "acme" })).await;
    let acme = ["acme".to_owned()];
    assert_eq!(store.erase("quentina@erased.example", Some(&acme), at(9)).await.unwrap().audit, 3);
    let lines = async || {
        let mut found = store.audit(&AuditFilter { limit: 9, ..AuditFilter::default() }).await.unwrap();
        found.reverse();
        found
            .into_iter()
            .map(|line| (line.target.unwrap(), serde_json::Value::from(line.details).to_string()))
            .map(|(target, details)| format!("{target} {details}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        lines().await,
        [
            r#"quentina@erased.example {"workspaces":["globex"]}"#,
            r#"erased {"workspaces":["acme"]}"#,
            r#"d1 {"workspace":"acme","lead_email":"erased"}"#,
            // What the line said of the other workspace stands in a line of its own.
            r#"erased {"workspaces":["acme"]}"#,
            r#"other@erased.example {"workspace":"acme"}"#,
        ]
    );
    assert_eq!(store.erase("quentina@erased.example", None, at(9)).await.unwrap().audit, 1);
    assert_eq!(lines().await[0], r#"erased {"workspaces":["globex"]}"#);
    let actions = store.actions(&ActionFilter { limit: 1, ..ActionFilter::default() }).await.unwrap();
    assert!(actions.is_empty());
}

#[tokio::test]
async fn what_had_not_left_is_cancelled() {
    let rules = "
version: 1
rules:
  - name: later
    when: { category: interested }
    then: [{ reply: { text: 'Hi.', after: 1h } }]
";
    let fixture = Fixture::new(FixtureOptions { rules, ..FixtureOptions::default() }).await;
    let thread = fixture.hot_lead("jane@acme.example", "Sure, give me a call.");
    fixture.tick().await;
    assert_eq!(fixture.actions().await[0].state, ActionState::Waiting);
    let erased = fixture.store.erase("jane@acme.example", None, at(0)).await.unwrap();
    assert_eq!((erased.cancelled, erased.decisions), (1, 1));
    fixture.clock.advance(std::time::Duration::from_secs(2 * 3_600));
    fixture.tick().await;
    assert!(fixture.simulator.workspace().accepted_replies().is_empty());
    assert!(fixture.store.queue_counts(None).await.unwrap().is_empty());
    // Whoever writes again is new.
    fixture.simulator.workspace().lead_writes(&thread, "Still there?").unwrap();
    fixture.tick().await;
    assert_eq!(fixture.actions().await.len(), 1);
}

#[tokio::test]
async fn an_address_is_one_person_s_however_it_is_written() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let scope = OptOutScope::Workspace;
    // Who opted out under one spelling is not answered under another.
    fixture.hot_lead("own@dot.example.", "Please remove me from your list.");
    fixture.tick().await;
    fixture.hot_lead("Own@DOT.example", "Yes, please call me.");
    fixture.tick().await;
    assert!(fixture.simulator.workspace().accepted_replies().is_empty());
    let found = fixture.store.opt_outs(None, 0, 9).await.unwrap();
    assert_eq!(found.iter().map(|found| found.email.as_str()).collect::<Vec<_>>(), ["own@dot.example"]);

    // What an earlier version has written holds, and goes.
    fixture.store.add_opt_out(&opt_out("acme", "old@dot.example.")).await.unwrap();
    fixture.store.add_opt_out(&opt_out("acme", "gone@dot.example.")).await.unwrap();
    for spelling in ["old@dot.example", "old@dot.example.", "gone@dot.example"] {
        assert!(fixture.store.opt_out("acme", spelling, scope).await.unwrap().is_some(), "{spelling}");
    }
    assert!(fixture.store.opt_out("acme", "old@dot.example.org", scope).await.unwrap().is_none());
    assert!(fixture.store.remove_opt_out(Some("acme"), "<GONE@dot.example>").await.unwrap());
    assert!(fixture.store.opt_out("acme", "gone@dot.example", scope).await.unwrap().is_none());

    // One asks for it as it comes.
    for (lead, asked) in [
        ("Dot@dot2.example.", "dot@dot2.example"),
        ("dot@dot3.example", "<dot@dot3.example.>"),
        ("jane\u{ff20}dot4.example", "jane@dot4.example"),
        ("jane@xn--bcher-kva.example", "jane@b\u{fc}cher.example"),
        ("\"quo ted\"@dot5.example", "\"Quo ted\"@dot5.example"),
        ("Not given", "not given"),
    ] {
        fixture.hot_lead(lead, "Sure, give me a call.");
        fixture.tick().await;
        let erased = fixture.store.erase(asked, None, at(100)).await.unwrap();
        assert_eq!((erased.threads, erased.decisions), (1, 1), "{lead} {asked}: {erased:?}");
    }
    let erased = fixture.store.erase("OLD@dot.example", None, at(100)).await.unwrap();
    assert_eq!((erased.threads, erased.opt_outs), (0, 1));
    assert!(!Raw::of(&fixture).await.has("old@dot.example"));
    for spelling in ["old@dot.example", "old@dot.example."] {
        assert!(fixture.store.opt_out("acme", spelling, scope).await.unwrap().is_some(), "{spelling}");
    }
    assert_eq!(fixture.store.erase("own@dot.example", None, at(100)).await.unwrap().threads, 2);
    // The hash that the pages show is nobody's name.
    let hash = fixture.store.erase("old@dot.example", None, at(100)).await.unwrap().stands_for.unwrap();
    assert!(fixture.store.erase(&hash, None, at(100)).await.unwrap().is_nothing());
    assert!(fixture.store.opt_out("acme", "old@dot.example", scope).await.unwrap().is_some());
}
