//! Much at once: caps hold, the order within a thread holds, nobody waits for somebody else's thread or destination, and
//! what has begun ends.

use crate::fixture::{Fixture, FixtureOptions, MarkRead, Reply, Star, safety};
use async_trait::async_trait;
use futures_util::future::join_all;
use reply_router::{
    engine::{DECISION_POLICY, Failpoint, TestHooks},
    model::{Action, ActionKind, ActionState, Safety},
    simulator::{Endpoint, Fault, NewThread},
    store::{ActionFilter, Lane, SettledThread, prelude::*},
};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;

/// `star` for those who only warm it up, everything for hot leads.
const RULES: &str = r"
version: 1
rules:
  - { name: warm, when: { category: question }, then: [star] }
  - name: hot
    when: { category: interested, body: call }
    then: [{ reply: { text: 'Hi {{ lead.first_name }}, here is my calendar.' } }, star, mark_read]
";

/// Threads whose stars are set one by one, then two at once, and so on: after that as much runs at once as may.
async fn warm_up(fixture: &Fixture) {
    for lead in 0..40 {
        let thread = NewThread::new(format!("warm{lead}@acme.example")).category("question");
        fixture.simulator.workspace().add_thread(thread.message("How much is it?"));
    }
    fixture.tick().await;
    assert_eq!(in_state(fixture, Star, ActionState::Done).await, 40);
}

async fn decide(fixture: &Fixture) {
    fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
    fixture.engine.intake().handle_pending(fixture.workspace()).await.unwrap();
}

async fn in_state(fixture: &Fixture, kind: ActionKind, state: ActionState) -> usize {
    fixture.states().await.iter().filter(|found| (found.0, found.1) == (kind, state)).count()
}

fn answered(fixture: &Fixture) -> usize {
    fixture.simulator.workspace().accepted_replies().len()
}

/// Holds actions of a kind, once their intents are written, until so many stand there together.
struct Together {
    kind: ActionKind,
    count: usize,
    come: AtomicUsize,
    go: Semaphore,
}

impl Together {
    fn new(kind: ActionKind, count: usize) -> Arc<Self> {
        Arc::new(Self { kind, count, come: AtomicUsize::new(0), go: Semaphore::new(0) })
    }
}

#[async_trait]
impl TestHooks for Together {
    async fn hit(&self, step: Failpoint, action: Option<&Action>) {
        if step != Failpoint::IntentWritten || action.is_none_or(|action| action.kind != self.kind) {
            return;
        }
        if self.come.fetch_add(1, Ordering::SeqCst) + 1 >= self.count {
            self.go.add_permits(Semaphore::MAX_PERMITS / 2 - self.go.available_permits());
        }
        self.go.acquire().await.unwrap().forget();
    }
}

#[tokio::test]
async fn threads_run_at_once_and_the_actions_of_each_in_their_order() {
    let hooks = Together::new(MarkRead, 32);
    let safety = Safety { replies_per_hour: 1_000, ..safety() };
    let setting = FixtureOptions {
        rules: RULES,
        safety,
        test_hooks: Some(Arc::clone(&hooks) as Arc<dyn TestHooks>),
        ..FixtureOptions::default()
    };
    let fixture = Fixture::new(setting).await;
    for lead in 0..60 {
        fixture.hot_lead(&format!("lead{lead}@acme.example"), "Give me a call.");
    }
    // It hangs here if fewer ever run at once.
    tokio::time::timeout(Duration::from_secs(60), fixture.tick()).await.unwrap();
    for kind in [Reply, Star, MarkRead] {
        assert_eq!(in_state(&fixture, kind, ActionState::Done).await, 60, "{kind}");
    }
    assert_eq!(answered(&fixture), 60);
    let mut writes: HashMap<String, Vec<String>> = HashMap::new();
    for request in fixture.simulator.workspace().requests().into_iter().filter(|request| request.method != "GET") {
        let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        writes.entry(parts[2].to_owned()).or_default().push(parts[3].to_owned());
    }
    assert_eq!(writes.len(), 60);
    for (thread, writes) in writes {
        assert_eq!(writes, ["reply", "star", "read"], "{thread}");
    }
}

#[tokio::test]
async fn the_messages_of_one_lead_are_decided_one_after_another() {
    // Who opts out in one thread is not answered in another that is read at the same moment.
    let fixture = Fixture::new(FixtureOptions { rules: RULES, ..FixtureOptions::default() }).await;
    warm_up(&fixture).await;
    for lead in 0..20 {
        let email = format!("lead{lead}@acme.example");
        let thread = NewThread::new(&email).name("Jane").category("interested");
        fixture.simulator.workspace().add_thread(thread.message("Give me a call."));
        fixture.clock.advance(Duration::from_secs(1));
        fixture.hot_lead(&email, "Please no more mail, and no call. Unsubscribe me.");
    }
    fixture.tick().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies(), []);
}

#[tokio::test]
async fn fifty_replies_at_once_keep_a_cap_of_three() {
    let limited = r"
version: 1
rules:
  - { name: warm, when: { category: question }, then: [star] }
  - { name: hot, when: { category: interested }, then: [{ reply: { text: Hello there., limit: 3 per 1d } }] }
";
    let one_lead = Safety { replies_per_lead: "3 per 7d".parse().unwrap(), replies_per_hour: 1_000, ..safety() };
    let hourly = Safety { replies_per_hour: 3, ..safety() };
    for (rules, safety, is_one_lead, reason) in [
        (RULES, hourly, false, "hour_cap"),
        (limited, one_lead.clone(), false, "limit"),
        (RULES, one_lead, true, "lead_cap"),
    ] {
        let fixture = Fixture::new(FixtureOptions { rules, safety, ..FixtureOptions::default() }).await;
        warm_up(&fixture).await;
        // Refused ones use up nothing: others go in their place.
        fixture.simulator.faults().next(Endpoint::Reply, 2, Fault::Status(422, "{}".to_owned()));
        for lead in 0..50 {
            let email = if is_one_lead { "jane@acme.example".to_owned() } else { format!("lead{lead}@acme.example") };
            fixture.hot_lead(&email, "Give me a call.");
        }
        decide(&fixture).await;
        fixture.run_due().await;
        assert_eq!(answered(&fixture), 3, "{reason}");
        assert_eq!(in_state(&fixture, Reply, ActionState::Failed).await, 2, "{reason}");
        let stopped = fixture.states().await.iter().filter(|state| state.0 == Reply && state.2 == Some(reason)).count();
        assert_eq!(stopped, 45, "{reason}");
        let posts = fixture.requests().iter().filter(|request| *request == "POST reply").count();
        assert_eq!(posts, 5, "{reason}: none was sent to be counted");
    }
}

#[tokio::test]
async fn a_destination_that_hangs_takes_no_place_from_another() {
    let rules = r"
version: 1
rules:
  - { name: crm, when: { category: question }, then: [{ webhook: crm }] }
  - { name: sales, when: { category: interested }, then: [{ slack: sales }] }
";
    let time_limit = Some(Duration::from_secs(600));
    let fixture = Fixture::new(FixtureOptions { rules, time_limit, ..FixtureOptions::default() }).await;
    for lead in 0..200 {
        let thread = NewThread::new(format!("slow{lead}@acme.example")).category("question");
        fixture.simulator.workspace().add_thread(thread.message("How much is it?"));
    }
    decide(&fixture).await;
    fixture.clock.advance(Duration::from_secs(1));
    for lead in 0..50 {
        fixture.hot_lead(&format!("lead{lead}@acme.example"), "Give me a call.");
    }
    decide(&fixture).await;
    fixture.simulator.faults().always(Endpoint::Webhook, Fault::Hang);
    let received = fixture.simulator.received();
    let run = fixture.engine.executor().run_due(fixture.workspace(), Lane::Destinations, &|| false);
    let all_others = async {
        while received.slack().len() < 50 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // While the first webhook still hangs, all of the other destination arrive.
    tokio::select! {
        run = tokio::time::timeout(Duration::from_secs(60), run) => {
            panic!("{run:?}: {} of 50 arrived", fixture.simulator.slack().len());
        }
        () = all_others => {}
    }
    assert_eq!(fixture.simulator.slack().len(), 50);
}

/// Says stop when so many intents are written.
struct StopsAfter {
    count: usize,
    intents: AtomicUsize,
    stop: Arc<AtomicBool>,
}

#[async_trait]
impl TestHooks for StopsAfter {
    async fn hit(&self, step: Failpoint, action: Option<&Action>) {
        let is_reply = action.is_some_and(|action| action.kind == Reply);
        if step == Failpoint::IntentWritten && is_reply && self.intents.fetch_add(1, Ordering::SeqCst) + 1 == self.count
        {
            self.stop.store(true, Ordering::SeqCst);
        }
    }
}

#[tokio::test]
async fn when_it_stops_nothing_begins_and_what_has_begun_is_recorded() {
    let stop = Arc::new(AtomicBool::new(false));
    let hooks = StopsAfter { count: 10, intents: AtomicUsize::new(0), stop: Arc::clone(&stop) };
    let hooks = Arc::new(hooks);
    let setting = FixtureOptions {
        rules: RULES,
        test_hooks: Some(Arc::clone(&hooks) as Arc<dyn TestHooks>),
        ..FixtureOptions::default()
    };
    let fixture = Fixture::new(setting).await;
    warm_up(&fixture).await;
    for lead in 0..50 {
        fixture.hot_lead(&format!("lead{lead}@acme.example"), "Give me a call.");
    }
    decide(&fixture).await;
    fixture.engine.executor().run_due(fixture.workspace(), Lane::Api, &|| stop.load(Ordering::SeqCst)).await.unwrap();
    let begun = hooks.intents.load(Ordering::SeqCst);
    assert!((10..50).contains(&begun), "{begun}");
    assert_eq!(answered(&fixture), begun);
    assert_eq!(in_state(&fixture, Reply, ActionState::Done).await, begun);
    assert_eq!(fixture.store.queue_counts(None).await.unwrap().get(&ActionState::InFlight), None);
}

#[tokio::test]
async fn more_than_one_batch_is_decided_in_one_pass() {
    let rules = "version: 1\nrules:\n  - { name: all, when: { category: question }, then: [star] }\n";
    let fixture = Fixture::new(FixtureOptions { rules, ..FixtureOptions::default() }).await;
    for lead in 0..450 {
        let thread = NewThread::new(format!("lead{lead}@acme.example")).category("question");
        fixture.simulator.workspace().add_thread(thread.message("How much is it?"));
    }
    decide(&fixture).await;
    assert_eq!(fixture.store.pending_count("acme").await.unwrap().0, 0);
}

/// However many a process left in flight, and however many processes died one after the other.
#[tokio::test]
async fn all_that_was_in_flight_is_recovered() {
    const COUNT: usize = 1_050;
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let store = &fixture.store;
    join_all((0..COUNT).map(async |number| {
        let mut made = crate::store::decision(&uuid::Uuid::now_v7().to_string(), "m1", 0);
        made.thread_id = format!("t{number}");
        let reply = crate::store::action(&made, ActionKind::Reply, ActionState::InFlight);
        let row = crate::store::row(&made.thread_id, 0);
        let settled = SettledThread { row, newest_inbound: made.message_id.clone(), ..SettledThread::default() };
        store.record_decision(&made, None, vec![reply], None, &settled, DECISION_POLICY).await.unwrap();
    }))
    .await;
    let in_flight = ActionFilter { states: vec![ActionState::InFlight], limit: 10_000, ..ActionFilter::default() };
    assert_eq!(store.actions(&in_flight).await.unwrap().len(), COUNT);
    assert_eq!(fixture.engine.executor().recover(fixture.workspace()).await.unwrap(), COUNT);
    assert_eq!(store.actions(&in_flight).await.unwrap(), []);
}
