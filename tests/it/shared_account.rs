//! More than one service on one account: what the last look sees, what it cannot, and what follows.

use crate::fixture::{ManualClock, Reply, FixtureOptions, Fixture, Endpoint, engine, safety};
use jiff::Timestamp;
use reply_router::{
    engine::{Clock, Engine, Safety},
    model::ActionState,
    simulator::Fault,
    store::{Lane, SqliteStore, Store},
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

/// Another service with a store of its own on the stage's account.
async fn second(stage: &Fixture, setting: &FixtureOptions, restless: bool) -> (Arc<Engine>, Arc<SqliteStore>) {
    let store = Arc::new(SqliteStore::open(&stage.folder.path().join("second.db")).await.unwrap());
    let clock = stage.clock.clone();
    let found = match restless {
        true => engine(setting, &stage.simulator, Arc::clone(&store) as Arc<dyn Store>, Restless(clock)),
        false => engine(setting, &stage.simulator, Arc::clone(&store) as Arc<dyn Store>, clock),
    };
    (found, store)
}

async fn decide(engine: &Engine) {
    let workspace = engine.workspace("acme").unwrap();
    engine.poll(workspace, true).await.unwrap();
    engine.handle_pending(workspace).await.unwrap();
}

async fn send(engine: &Engine) {
    engine.run_due(engine.workspace("acme").unwrap(), Lane::Api, &|| false).await.unwrap();
}

fn twice(stage: &Fixture) -> usize {
    let mut sent: HashMap<String, usize> = HashMap::new();
    for reply in stage.simulator.workspace().accepted_replies() {
        *sent.entry(reply.thread_id).or_default() += 1;
    }
    sent.values().filter(|count| **count > 1).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_services_in_phase_answer_few_leads_twice_and_then_hold() {
    let setting = FixtureOptions { safety: Safety { replies_per_hour: 1_000, ..safety() }, ..FixtureOptions::default() };
    let stage =
        Fixture::new(FixtureOptions { safety: Safety { replies_per_hour: 1_000, ..safety() }, ..FixtureOptions::default() }).await;
    let first_store = Arc::new(SqliteStore::open(&stage.folder.path().join("first.db")).await.unwrap());
    let first_clock = Restless(stage.clock.clone());
    let first = engine(&setting, &stage.simulator, Arc::clone(&first_store) as Arc<dyn Store>, first_clock);
    let (other, other_store) = second(&stage, &setting, true).await;
    tokio::join!(decide(&first), decide(&other));
    for lead in 0..60 {
        stage.hot_lead(&format!("lead{lead}@acme.example"), "Give me a call.");
    }
    tokio::join!(decide(&first), decide(&other));
    let (a, b) = (Arc::clone(&first), Arc::clone(&other));
    let both = [tokio::spawn(async move { send(&a).await }), tokio::spawn(async move { send(&b).await })];
    for one in both {
        one.await.unwrap();
    }
    let twice = twice(&stage);
    println!("{twice} of 60 leads were answered twice");
    assert!(twice <= 3, "{twice} of 60 twice");
    let answered = stage.simulator.workspace().accepted_replies().len() - twice;
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
    let mut stage = Fixture::new(FixtureOptions { safety: setting.safety.clone(), ..FixtureOptions::default() }).await;
    let (other, _store) = second(&stage, &setting, false).await;
    decide(&other).await;
    // Both have decided; the other one is faster.
    stage.hot_lead("jane@acme.example", "Give me a call.");
    decide(&other).await;
    stage.engine.poll(stage.workspace(), true).await.unwrap();
    stage.engine.handle_pending(stage.workspace()).await.unwrap();
    send(&other).await;
    assert_eq!(stage.simulator.workspace().accepted_replies().len(), 1);
    stage.run_due().await;
    assert_eq!(stage.simulator.workspace().accepted_replies().len(), 1, "not a second time");
    let reply = &stage.actions().await[0];
    assert_eq!((reply.state, reply.reason.as_ref().unwrap().code.as_str()), (ActionState::Held, "foreign_use"));
    assert_eq!(reply.sent_at, None, "nothing counts as sent");
    let received = stage.simulator.received();
    let seen = stage.simulator.workspace();
    assert!(seen.wait_until(Duration::from_secs(30), |_| received.slack().len() == 1).await);
    assert!(format!("{:?}", received.slack()).contains("Another service acts on workspace acme"));

    // It is remembered over a restart, and holds other replies too.
    stage = stage.restart(&setting).await;
    assert_eq!(stage.store.foreign_uses().await.unwrap().len(), 1);
    stage.hot_lead("joe@acme.example", "Give me a call.");
    stage.tick().await;
    let held =
        stage.states().await.into_iter().filter(|state| (state.1, state.2) == (ActionState::Held, Some("foreign_use")));
    assert_eq!(held.count(), 2);
    assert_eq!(stage.simulator.slack().len(), 1, "announced once");

    // A person goes on: what has its answer is given up, the other lead is answered.
    stage.engine.resume(Some("acme")).await.unwrap();
    stage.run_due().await;
    assert_eq!(stage.store.foreign_uses().await.unwrap(), []);
    let replies: Vec<_> = stage.states().await.into_iter().filter(|state| state.0 == Reply).collect();
    assert_eq!(replies[0], (Reply, ActionState::Cancelled, Some("person_answered")));
    assert_eq!(replies[1], (Reply, ActionState::Done, None));
    assert_eq!(twice(&stage), 0);
}

#[tokio::test]
async fn a_person_who_sends_a_draft_by_hand_is_no_other_service() {
    let setting = FixtureOptions { mode: reply_router::model::Mode::Draft, ..FixtureOptions::default() };
    let stage = Fixture::new(setting).await;
    let thread = stage.hot_lead("jane@acme.example", "Give me a call.");
    stage.tick().await;
    stage.clock.advance(Duration::from_secs(60));
    stage.simulator.workspace().person_answers(&thread, "Hi Jane, here is my calendar.");
    stage.tick().await;
    let reply = &stage.actions().await[0];
    assert_eq!(
        (reply.state, reply.reason.as_ref().unwrap().code.as_str()),
        (ActionState::Cancelled, "person_answered")
    );
    assert_eq!(stage.store.foreign_uses().await.unwrap(), []);
}

#[tokio::test]
async fn a_store_restored_together_with_its_lock_is_noticed_by_what_the_threads_show() {
    let stage = Fixture::new(FixtureOptions::default()).await;
    // What this store knows nothing of left in the time that the backup does not have.
    let thread = stage.hot_lead("jane@acme.example", "Give me a call.");
    stage.clock.advance(Duration::from_secs(60));
    stage.simulator.workspace().person_answers(&thread, "Hi Jane, here is my calendar.");
    stage.hot_lead("joe@acme.example", "Give me a call.");
    stage.tick().await;
    assert_eq!(stage.simulator.workspace().accepted_replies(), []);
    let found = stage.store.foreign_uses().await.unwrap();
    assert!(found[0].evidence.contains("restored from an older copy"), "{found:?}");
    let replies = stage.states().await.into_iter().filter(|state| state.0 == Reply);
    assert!(replies.into_iter().all(|state| (state.1, state.2) == (ActionState::Held, Some("foreign_use"))));
}

#[tokio::test]
async fn an_intent_whose_last_look_fails_is_taken_back() {
    let stage = Fixture::new(FixtureOptions::default()).await;
    stage.hot_lead("jane@acme.example", "Give me a call.");
    stage.engine.poll(stage.workspace(), true).await.unwrap();
    stage.engine.handle_pending(stage.workspace()).await.unwrap();
    stage.simulator.faults().next(Endpoint::Messages, 1, Fault::Status(503, String::new()));
    stage.run_due().await;
    let reply = &stage.actions().await[0];
    assert_eq!((reply.state, reply.sent_at, reply.attempts.len()), (ActionState::Waiting, None, 0));
    stage.clock.advance(Duration::from_secs(30));
    stage.run_due().await;
    assert_eq!(stage.simulator.workspace().accepted_replies().len(), 1);
}

#[tokio::test]
async fn a_rule_with_another_name_does_not_say_the_same_again() {
    let rules = "version: 1\nrules:\n  - { name: first, when: { category: interested }, then: [{ reply: { text: Here is my calendar for you. } }] }\n";
    let renamed = "version: 1\nrules:\n  - { name: second, when: { category: interested }, then: [{ reply: { text: Here is my calendar for you. } }] }\n";
    let safety = Safety { replies_per_lead: "9 per 7d".parse().unwrap(), ..safety() };
    let stage = Fixture::new(FixtureOptions { rules, safety, ..FixtureOptions::default() }).await;
    let thread = stage.hot_lead("jane@acme.example", "Yes.");
    stage.tick().await;
    assert_eq!(stage.simulator.workspace().accepted_replies().len(), 1);
    let set = reply_router::rules::RuleSet::parse(&[("rules.yaml", renamed)], &Default::default()).unwrap();
    stage.engine.replace_rules(set);
    stage.clock.advance(Duration::from_secs(60));
    stage.simulator.workspace().lead_writes(&thread, "And where is it?");
    stage.tick().await;
    assert_eq!(stage.simulator.workspace().accepted_replies().len(), 1, "{:?}", stage.states().await);
    assert_eq!(stage.states().await.last(), Some(&(Reply, ActionState::Suppressed, Some("repeat"))));
}
