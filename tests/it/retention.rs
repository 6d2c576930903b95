//! What is removed, and that nothing decides otherwise for it.

use crate::{
    fixture::{Fixture, FixtureOptions},
    store::{action, at, decision, row},
    stores,
};
use proptest::prelude::*;
use reply_router::{
    engine::DECISION_POLICY,
    model::{
        Action, ActionKind, ActionState, Attempt, AttemptOutcome, DestinationKind, HistoryEntry, OptOutScope, Payload,
    },
    store::{
        ActionFilter, AuditEntry, AuditFilter, DecisionFilter, RemovalMark, RemoveBefore, ReplyFacts, ReplyQuestion,
        SentFilter, SentWindow, SettledThread, SqlStore, StoredEvent, prelude::*,
    },
    text::fingerprint,
};
use std::time::Duration;

const DAY: i64 = 86_400;

/// Removes all that is older than so many seconds, as the service does; how many decisions that were comes back.
pub(crate) async fn remove(store: &SqlStore, second: i64) -> u64 {
    let before = RemoveBefore { others: Some(at(second)), ..RemoveBefore::default() };
    let (mut next, mut removed) = (Some(RemovalMark::default()), 0);
    while let Some(from) = next {
        let step = store.remove_old_decisions(&before, from).await.unwrap();
        (next, removed) = (step.next, removed + step.decisions);
    }
    while store.remove_old_audit(at(second)).await.unwrap() > 0 {}
    while store.give_back_space().await.unwrap() {}
    removed
}

/// One thing that happens: a decision about a message with some actions, one of which may have another rule's name and words.
#[derive(Debug, Clone)]
struct Event {
    thread: u8,
    lead: u8,
    message: Option<u8>,
    rule: u8,
    words: u8,
    kinds: Vec<u8>,
    states: Vec<u8>,
    /// Seconds since the event before.
    later: i64,
    /// What happens to what is open then.
    settles: bool,
    /// How old what is removed after it is, if anything is.
    removes: Option<i64>,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let what = (0..4_u8, 0..3_u8, proptest::option::weighted(0.8, 0..3_u8), 0..2_u8, 0..3_u8);
    let how = (
        proptest::collection::vec(0..4_u8, 0..4),
        proptest::collection::vec(0..6_u8, 4),
        0..3 * DAY,
        any::<bool>(),
        proptest::option::weighted(0.3, DAY..10 * DAY),
    );
    let event =
        (what, how).prop_map(|((thread, lead, message, rule, words), (kinds, states, later, settles, removes))| {
            Event { thread, lead, message, rule, words, kinds, states, later, settles, removes }
        });
    proptest::collection::vec(event, 1..25)
}

const KINDS: [ActionKind; 4] =
    [ActionKind::Reply, ActionKind::Star, ActionKind::MarkRead, ActionKind::Forward(DestinationKind::Slack)];
const STATES: [ActionState; 6] = [
    ActionState::Done,
    ActionState::Done,
    ActionState::Suppressed,
    ActionState::Held,
    ActionState::Quarantined,
    ActionState::Failed,
];

/// What a store says of every lead and thread, as far as anything is decided by it.
async fn answers(store: &SqlStore) -> Vec<(ReplyFacts, Vec<String>)> {
    let mut all = Vec::new();
    for thread in 0..4 {
        for lead in 0..3 {
            let window = SentWindow { since: at(0), newest: 1_000 };
            let question = ReplyQuestion {
                workspace: "acme".to_owned(),
                thread_id: format!("t{thread}"),
                lead_email: Some(format!("Lead{lead}@acme.example")),
                opt_outs: OptOutScope::Workspace,
                rule: "rule0".to_owned(),
                to_lead: window,
                of_workspace: None,
                by_rule: Some(window),
            };
            let mut facts = store.reply_facts(&question).await.unwrap();
            let same = |entry: &HistoryEntry| HistoryEntry {
                action: reply_router::model::ActionId(String::new()),
                body: None,
                words: entry.words.clone().or_else(|| entry.body.as_deref().map(fingerprint)),
                // Whose it is matters where it is the lead in question.
                lead_email: entry.lead_email.clone().filter(|email| *email == format!("lead{lead}@acme.example")),
                ..entry.clone()
            };
            facts.lead.history = facts.lead.history.iter().map(same).collect();
            facts.lead.history.sort_by_key(|entry| format!("{entry:?}"));
            let filter =
                SentFilter { kind: ActionKind::Star, lead_email: Some("lead1@acme.example"), rule: Some("rule1") };
            let stars = store.sent_since("acme", &filter, window).await.unwrap();
            let replies = ActionFilter {
                workspace: Some("acme".to_owned()),
                thread: Some(format!("t{thread}")),
                kind: Some(ActionKind::Reply),
                limit: 1_000,
                ..ActionFilter::default()
            };
            let mut ours = store.actions(&replies).await.unwrap();
            ours.retain(|action| action.state.counts_toward_limits());
            ours.extend(store.kept_replies("acme", &format!("t{thread}")).await.unwrap());
            let mut ours: Vec<String> = ours
                .iter()
                .map(|one| {
                    format!("{:?} {:?} {:?} {:?}", one.message_id, one.sent_at, one.attempts, one.outgoing_before)
                })
                .chain(stars.iter().map(ToString::to_string))
                .collect();
            ours.sort();
            all.push((facts, ours));
        }
    }
    all
}

async fn apply(store: &SqlStore, number: usize, second: i64, event: &Event) -> Vec<(ActionKind, ActionState)> {
    let mut made = decision(&format!("d{number}"), "", second);
    made.thread_id = format!("t{}", event.thread);
    made.message_id = event.message.map(|message| format!("m{}-{message}", event.thread));
    made.lead_email = Some(format!("lead{}@acme.example", event.lead));
    let text = format!("Hi, these are words number {}.", event.words);
    let actions = event.kinds.iter().zip(&event.states).map(|(kind, state)| {
        let state = STATES[usize::from(*state)];
        let may_have_left = state == ActionState::Done || state == ActionState::Quarantined;
        let attempt = Attempt {
            at: at(second),
            outcome: AttemptOutcome::Accepted,
            status: Some(200),
            body: Some(fingerprint(&text)),
        };
        let kind = KINDS[usize::from(*kind)];
        Action {
            rule: format!("rule{}", event.rule),
            payload: match kind {
                ActionKind::Reply => Payload::Reply { text: Some(text.clone()), html: None, attachments: vec![] },
                _ => Payload::None,
            },
            sent_at: may_have_left.then(|| at(second + 1)),
            attempts: if may_have_left { vec![attempt] } else { vec![] },
            due_at: None,
            ..action(&made, kind, state)
        }
    });
    let settled = SettledThread { row: row(&made.thread_id, second), ..SettledThread::default() };
    let written =
        store.record_decision(&made, None, actions.collect(), None, &settled, DECISION_POLICY).await.unwrap().actions;
    if event.settles {
        let mut open = store
            .actions(&ActionFilter { states: vec![ActionState::Held], limit: 100, ..ActionFilter::default() })
            .await
            .unwrap();
        for action in &mut open {
            action.state = ActionState::Done;
            action.sent_at = Some(at(second + 2));
            action.updated_at = at(second + 2);
            store.update_action(action).await.unwrap();
        }
    }
    written.iter().map(|action| (action.kind, action.state)).collect()
}

#[test]
fn nothing_is_decided_otherwise_for_what_was_removed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cases = if stores::on_postgres() { 6 } else { 24 };
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let removed = std::cell::Cell::new(0);
    let ran = runner.run(&events(), |events| {
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let whole = stores::open(&folder.path().join("whole.db")).await.unwrap();
            let thinned = stores::open(&folder.path().join("thinned.db")).await.unwrap();
            let mut second = 0;
            // Whatever chance brings, one thread is surely removed at the end.
            let sure = Event {
                thread: 9,
                lead: 0,
                message: None,
                rule: 0,
                words: 0,
                kinds: vec![],
                states: vec![],
                later: 0,
                settles: false,
                removes: None,
            };
            for (number, event) in std::iter::once(&sure).chain(&events).enumerate() {
                second += event.later;
                let (one, other) =
                    (apply(&whole, number, second, event).await, apply(&thinned, number, second, event).await);
                prop_assert_eq!(one, other, "what becomes of new actions");
                if let Some(age) = event.removes {
                    removed.set(removed.get() + remove(&thinned, second - age).await);
                    prop_assert_eq!(answers(&whole).await, answers(&thinned).await);
                }
            }
            prop_assert_eq!(answers(&whole).await, answers(&thinned).await);
            second += 2 * DAY;
            removed.set(removed.get() + remove(&thinned, second).await);
            // Removing again finds nothing more.
            prop_assert_eq!(remove(&thinned, second).await, 0);
            prop_assert_eq!(whole.action_totals().await.unwrap(), thinned.action_totals().await.unwrap());
            prop_assert_eq!(
                whole.match_counts(None, None).await.unwrap(),
                thinned.match_counts(None, None).await.unwrap()
            );
            // The queue counts what is there.
            let queue = thinned.queue_counts(None).await.unwrap();
            let there = thinned.actions(&ActionFilter { limit: 10_000, ..ActionFilter::default() }).await.unwrap();
            prop_assert_eq!(queue.values().sum::<u64>(), there.len() as u64);
            Ok(())
        })
    });
    ran.unwrap();
    assert!(removed.get() >= u64::from(cases), "{} decisions were removed", removed.get());
}

#[tokio::test]
async fn what_is_open_or_pending_or_newer_keeps_its_whole_thread() {
    let folder = tempfile::tempdir().unwrap();
    let store = stores::open(&folder.path().join("s.db")).await.unwrap();
    store.keep_rules("r1", "rules: []").await.unwrap();
    let record = async |thread: &str, message: &str, second: i64, state: ActionState| {
        let mut made = decision(&format!("{thread}-{message}"), message, second);
        made.thread_id = thread.to_owned();
        let event = StoredEvent { revision: "r1".to_owned(), at: at(second), ..StoredEvent::default() };
        let settled = SettledThread { row: row(thread, second), ..SettledThread::default() };
        let actions = vec![action(&made, ActionKind::Reply, state)];
        store.record_decision(&made, Some(event), actions, None, &settled, DECISION_POLICY).await.unwrap();
    };
    record("done", "m1", 0, ActionState::Done).await;
    record("done", "m2", 10, ActionState::Cancelled).await;
    for (thread, state) in [
        ("held", ActionState::Held),
        ("unknown", ActionState::Unknown),
        ("quarantined", ActionState::Quarantined),
        ("waiting", ActionState::Waiting),
    ] {
        record(thread, "m1", 0, state).await;
    }
    record("newer", "m1", 0, ActionState::Done).await;
    record("newer", "m2", 200, ActionState::Done).await;
    record("pending", "m1", 0, ActionState::Done).await;
    store.queue_rows("acme", &[row("pending", 300)], at(300)).await.unwrap();
    assert_eq!(remove(&store, 100).await, 2);
    let left = store.decisions(&DecisionFilter { limit: 100, ..DecisionFilter::default() }).await.unwrap();
    assert_eq!(left.len(), 7);
    assert!(left.iter().all(|decision| decision.thread_id != "done"));
    let ids: Vec<String> = left.iter().map(|decision| decision.id.clone()).collect();
    assert_eq!(store.events(&ids).await.unwrap().len(), 7, "every event can be read still");
    // The thread stays known, so that its old mail is never new.
    assert!(store.known_threads("acme", &["done".to_owned()]).await.unwrap()["done"].row.is_some());
    // Other spans win where a workspace says so.
    let before =
        RemoveBefore { others: Some(at(1_000)), workspaces: [("acme".to_owned(), None)].into_iter().collect() };
    assert_eq!(store.remove_old_decisions(&before, RemovalMark::default()).await.unwrap().decisions, 0);
}

#[tokio::test]
async fn lines_of_the_audit_log_go_with_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = stores::open(&folder.path().join("s.db")).await.unwrap();
    for second in 0..450 {
        let entry = AuditEntry {
            id: format!("{second:05}"),
            at: at(second),
            who: "token".to_owned(),
            remote: None,
            what: "pause".to_owned(),
            target: None,
            details: serde_json::Map::new(),
            request_id: None,
        };
        store.add_audit(&entry).await.unwrap();
    }
    remove(&store, 440).await;
    let left = store.audit(&AuditFilter { limit: 1_000, ..AuditFilter::default() }).await.unwrap();
    assert_eq!(left.len(), 10);
}

#[tokio::test]
async fn a_lead_gets_nothing_twice_after_all_of_it_was_removed() {
    let options = FixtureOptions { retention: Some(Duration::from_secs(30 * 86_400)), ..FixtureOptions::default() };
    let fixture = Fixture::new(options).await;
    let thread = fixture.hot_lead("jane@acme.example", "Sure, give me a call.");
    fixture.tick().await;
    fixture.tick().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
    assert_eq!(fixture.engine.remove_old_records().await.unwrap(), 0, "nothing is old yet");
    fixture.clock.advance(Duration::from_secs(31 * 86_400));
    assert_eq!(fixture.engine.remove_old_records().await.unwrap(), 1);
    assert!(fixture.actions().await.is_empty());
    // A poll sees nothing new; a new message does not bring the same reply again.
    fixture.tick().await;
    assert!(fixture.actions().await.is_empty());
    fixture.simulator.workspace().lead_writes(&thread, "A call, please?").unwrap();
    fixture.tick().await;
    fixture.tick().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
    let replies: Vec<_> = fixture.states().await.into_iter().filter(|(kind, ..)| *kind == ActionKind::Reply).collect();
    assert_eq!(replies, [(ActionKind::Reply, ActionState::Suppressed, Some("repeat"))]);
}
