//! More than one service on one account: what the last look sees, what it cannot, and what follows.

use crate::fixture::{Fixture, FixtureOptions, ManualClock, Reply, engine, safety};
use jiff::Timestamp;
use reply_router::simulator::Endpoint;
use reply_router::store::prelude::*;
use reply_router::{
    engine::{Clock, Engine},
    model::{ActionState, Safety},
    simulator::Fault,
    store::{Lane, SqlStore, Store},
};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Waits at random as a real clock does.
#[derive(Debug, Clone)]
struct Restless(ManualClock);

impl Clock for Restless {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn random_wait(&self, most: Duration) -> Duration {
        reply_router::engine::SystemClock.random_wait(most)
    }
}

/// Another service with a store of its own on the fixture's account.
async fn second(fixture: &Fixture, setting: &FixtureOptions, restless: bool) -> (Arc<Engine>, Arc<SqlStore>) {
    let store = Arc::new(crate::stores::open(&fixture.folder.path().join("second.db")).await.unwrap());
    let clock = fixture.clock.clone();
    let found = match restless {
        true => engine(setting, &fixture.simulator, Arc::clone(&store) as Arc<dyn Store>, Restless(clock)),
        false => engine(setting, &fixture.simulator, Arc::clone(&store) as Arc<dyn Store>, clock),
    };
    (found, store)
}

async fn decide(engine: &Engine) {
    let workspace = &engine.workspace("acme").unwrap();
    engine.intake().poll(workspace, true).await.unwrap();
    engine.intake().handle_pending(workspace).await.unwrap();
}

async fn send(engine: &Engine) {
    engine.executor().run_due(&engine.workspace("acme").unwrap(), Lane::Api, &|| false).await.unwrap();
}

fn twice(fixture: &Fixture) -> usize {
    let mut sent: HashMap<String, usize> = HashMap::new();
    for reply in fixture.simulator.workspace().accepted_replies() {
        *sent.entry(reply.thread_id).or_default() += 1;
    }
    sent.values().filter(|count| **count > 1).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_services_in_phase_answer_few_leads_twice_and_then_hold() {
    let setting =
        FixtureOptions { safety: Safety { replies_per_hour: 1_000, ..safety() }, ..FixtureOptions::default() };
    let fixture = Fixture::new(FixtureOptions {
        safety: Safety { replies_per_hour: 1_000, ..safety() },
        ..FixtureOptions::default()
    })
    .await;
    let first_store = Arc::new(crate::stores::open(&fixture.folder.path().join("first.db")).await.unwrap());
    let first_clock = Restless(fixture.clock.clone());
    let first = engine(&setting, &fixture.simulator, Arc::clone(&first_store) as Arc<dyn Store>, first_clock);
    let (other, other_store) = second(&fixture, &setting, true).await;
    tokio::join!(decide(&first), decide(&other));
    for lead in 0..60 {
        fixture.hot_lead(&format!("lead{lead}@acme.example"), "Give me a call.");
    }
    tokio::join!(decide(&first), decide(&other));
    let (a, b) = (Arc::clone(&first), Arc::clone(&other));
    let both = [tokio::spawn(async move { send(&a).await }), tokio::spawn(async move { send(&b).await })];
    for one in both {
        one.await.unwrap();
    }
    let twice = twice(&fixture);
    println!("{twice} of 60 leads were answered twice");
    assert!(twice <= 3, "{twice} of 60 twice");
    let answered = fixture.simulator.workspace().accepted_replies().len() - twice;
    let held = |actions: Vec<reply_router::model::Action>| {
        let code = |action: &reply_router::model::Action| action.reason.as_ref().map(|reason| reason.code.as_str());
        let mut held = actions.into_iter().filter(|action| action.state == ActionState::Held);
        held.any(|action| code(&action) == Some("foreign_use"))
    };
    let all = || reply_router::store::ActionFilter { limit: 1_000, ..Default::default() };
    let seen = (held(first_store.actions(&all()).await.unwrap()), held(other_store.actions(&all()).await.unwrap()));
    assert!(seen.0 || seen.1, "at least one of them has seen the other");
    assert!(answered > 0, "somebody was answered");
}

#[tokio::test]
async fn our_own_words_that_we_did_not_send_hold_the_workspace_until_it_is_resumed() {
    let safety = Safety { alert: Some("sales".to_owned()), ..safety() };
    let setting = FixtureOptions { safety, ..FixtureOptions::default() };
    let mut fixture =
        Fixture::new(FixtureOptions { safety: setting.safety.clone(), ..FixtureOptions::default() }).await;
    let (other, _store) = second(&fixture, &setting, false).await;
    decide(&other).await;
    // Both have decided; the other one is faster.
    fixture.hot_lead("jane@acme.example", "Give me a call.");
    decide(&other).await;
    fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
    fixture.engine.intake().handle_pending(fixture.workspace()).await.unwrap();
    send(&other).await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
    fixture.run_due().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1, "not a second time");
    let reply = &fixture.actions().await[0];
    assert_eq!((reply.state, reply.reason.as_ref().unwrap().code.as_str()), (ActionState::Held, "foreign_use"));
    assert_eq!(reply.sent_at, None, "nothing counts as sent");
    let received = fixture.simulator.received();
    let seen = fixture.simulator.workspace();
    assert!(seen.wait_until(Duration::from_secs(30), |_| received.slack().len() == 1).await);
    assert!(format!("{:?}", received.slack()).contains("Another service acts on workspace acme"));

    // It is remembered over a restart, and holds other replies too.
    fixture = fixture.restart(&setting).await;
    assert_eq!(fixture.store.foreign_uses().await.unwrap().len(), 1);
    fixture.hot_lead("joe@acme.example", "Give me a call.");
    fixture.tick().await;
    let held = fixture
        .states()
        .await
        .into_iter()
        .filter(|state| (state.1, state.2) == (ActionState::Held, Some("foreign_use")));
    assert_eq!(held.count(), 2);
    assert_eq!(fixture.simulator.slack().len(), 1, "announced once");

    // A person goes on: what has its answer is given up, the other lead is answered.
    fixture.engine.operator().resume(Some("acme")).await.unwrap();
    fixture.run_due().await;
    assert_eq!(fixture.store.foreign_uses().await.unwrap(), []);
    let replies: Vec<_> = fixture.states().await.into_iter().filter(|state| state.0 == Reply).collect();
    assert_eq!(replies[0], (Reply, ActionState::Cancelled, Some("person_answered")));
    assert_eq!(replies[1], (Reply, ActionState::Done, None));
    assert_eq!(twice(&fixture), 0);
}

#[tokio::test]
async fn a_person_who_sends_a_draft_by_hand_is_no_other_service() {
    let setting = FixtureOptions { mode: reply_router::model::Mode::Draft, ..FixtureOptions::default() };
    let fixture = Fixture::new(setting).await;
    let thread = fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.tick().await;
    fixture.clock.advance(Duration::from_secs(60));
    fixture.simulator.workspace().person_answers(&thread, "Hi Jane, here is my calendar.");
    fixture.tick().await;
    let reply = &fixture.actions().await[0];
    assert_eq!(
        (reply.state, reply.reason.as_ref().unwrap().code.as_str()),
        (ActionState::Cancelled, "person_answered")
    );
    assert_eq!(fixture.store.foreign_uses().await.unwrap(), []);
}

#[tokio::test]
async fn a_store_restored_together_with_its_lock_is_noticed_by_what_the_threads_show() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    // What this store knows nothing of left in the time that the backup does not have.
    let thread = fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.clock.advance(Duration::from_secs(60));
    fixture.simulator.workspace().person_answers(&thread, "Hi Jane, here is my calendar.");
    fixture.hot_lead("joe@acme.example", "Give me a call.");
    fixture.tick().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies(), []);
    let found = fixture.store.foreign_uses().await.unwrap();
    assert!(found[0].evidence.contains("restored from an older copy"), "{found:?}");
    let replies = fixture.states().await.into_iter().filter(|state| state.0 == Reply);
    assert!(replies.into_iter().all(|state| (state.1, state.2) == (ActionState::Held, Some("foreign_use"))));
}

#[tokio::test]
async fn an_intent_whose_last_look_fails_is_taken_back() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
    fixture.engine.intake().handle_pending(fixture.workspace()).await.unwrap();
    fixture.simulator.faults().next(Endpoint::Messages, 1, Fault::Status(503, String::new()));
    fixture.run_due().await;
    let reply = &fixture.actions().await[0];
    assert_eq!((reply.state, reply.sent_at, reply.attempts.len()), (ActionState::Waiting, None, 0));
    fixture.clock.advance(Duration::from_secs(30));
    fixture.run_due().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
}

#[tokio::test]
async fn a_rule_with_another_name_does_not_say_the_same_again() {
    let rules = "version: 1\nrules:\n  - { name: first, when: { category: interested }, then: [{ reply: { text: Here is my calendar for you. } }] }\n";
    let renamed = "version: 1\nrules:\n  - { name: second, when: { category: interested }, then: [{ reply: { text: Here is my calendar for you. } }] }\n";
    let safety = Safety { replies_per_lead: "9 per 7d".parse().unwrap(), ..safety() };
    let fixture = Fixture::new(FixtureOptions { rules, safety, ..FixtureOptions::default() }).await;
    let thread = fixture.hot_lead("jane@acme.example", "Yes.");
    fixture.tick().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
    let set = reply_router::rules::RuleSet::parse(&[("rules.yaml", renamed)], &Default::default()).unwrap();
    fixture.engine.replace_rules(set);
    fixture.clock.advance(Duration::from_secs(60));
    fixture.simulator.workspace().lead_writes(&thread, "And where is it?");
    fixture.tick().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1, "{:?}", fixture.states().await);
    assert_eq!(fixture.states().await.last(), Some(&(Reply, ActionState::Suppressed, Some("repeat"))));
}
