//! Failures stay where they belong: a thread, a destination, or the whole workspace, by what else answers.

use crate::fixture::{Fixture, FixtureOptions};
use reply_router::simulator::Endpoint;
use reply_router::store::prelude::*;
use reply_router::{
    engine::IntakeError,
    model::{ActionKind, ActionState, DestinationKind},
    simulator::{Fault, NewThread},
};
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
const LATER: &str = r"
version: 1
rules:
  - { name: later, when: { category: interested }, then: [{ reply: { text: Hello., after: 3m } }] }
";

/// Reads of this thread's messages.
fn messages_of(thread: &str) -> Endpoint {
    Endpoint::Path { method: "GET".to_owned(), suffix: format!("{thread}/messages") }
}

fn answered(fixture: &Fixture) -> usize {
    fixture.simulator.workspace().accepted_replies().len()
}

async fn due_of(fixture: &Fixture, thread: &str) -> Duration {
    let actions = fixture.actions().await;
    let due = actions.iter().find(|action| action.thread_id == thread).unwrap().due_at.unwrap();
    due.duration_since(fixture.engine.now()).try_into().unwrap()
}

#[tokio::test]
async fn a_thread_whose_messages_hang_or_break_stops_no_other() {
    let faults = [
        Fault::Hang,
        Fault::CloseBefore,
        Fault::TruncateAfter(200),
        Fault::Garbage2xx,
        Fault::Redirect(302, "/elsewhere".to_owned()),
        Fault::Status(503, String::new()),
        Fault::Status(404, String::new()),
    ];
    for fault in faults {
        let time_limit = Some(Duration::from_millis(400));
        let fixture = Fixture::new(FixtureOptions { time_limit, ..FixtureOptions::default() }).await;
        let mut bad = Vec::new();
        for lead in 0..2 {
            bad.push(fixture.hot_lead(&format!("bad{lead}@acme.example"), "Give me a call."));
            fixture.simulator.faults().always(messages_of(&bad[lead]), fault.clone());
        }
        for lead in 0..3 {
            fixture.hot_lead(&format!("lead{lead}@acme.example"), "Give me a call.");
        }
        fixture.tick().await;
        assert_eq!(answered(&fixture), 3, "{fault:?}");
        if matches!(fault, Fault::Status(404, _)) {
            continue;
        }
        // It is left alone for a minute, then for two, and is answered when it can be.
        for (pass, reads) in [0, 1, 0, 1, 0, 0, 0, 1].into_iter().enumerate() {
            fixture.requests();
            fixture.tick().await;
            // A connection that breaks before an answer is tried once more at once.
            let log = fixture.simulator.workspace().requests();
            let count = log.iter().filter(|request| bad.iter().any(|id| request.path.contains(id))).count();
            assert!(count == 2 * reads || count == 4 * reads, "{fault:?}, pass {pass}: {count}");
            fixture.clock.advance(MINUTE);
        }
        fixture.simulator.faults().clear();
        fixture.clock.advance(8 * MINUTE);
        fixture.tick().await;
        assert_eq!(answered(&fixture), 5, "{fault:?}");
    }
}

#[tokio::test]
async fn a_guard_that_hangs_on_one_thread_holds_up_no_other() {
    let time_limit = Some(Duration::from_millis(400));
    let fixture = Fixture::new(FixtureOptions { rules: LATER, time_limit, ..FixtureOptions::default() }).await;
    let bad = fixture.hot_lead("bad@acme.example", "Give me a call.");
    fixture.tick().await;
    fixture.clock.advance(Duration::from_secs(1));
    fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.tick().await;
    fixture.simulator.faults().always(messages_of(&bad), Fault::Hang);
    fixture.clock.advance(3 * MINUTE);
    fixture.run_due().await;
    assert_eq!(answered(&fixture), 1);
    assert_eq!(due_of(&fixture, &bad).await, MINUTE / 2, "nothing tells yet that it is the thread");
    // Others answer, it does not: it is tried less and less often.
    for (lead, pause) in [60, 120, 240, 480, 960, 1_800, 1_800].into_iter().enumerate() {
        fixture.hot_lead(&format!("lead{lead}@acme.example"), "Give me a call.");
        fixture.tick().await;
        fixture.clock.advance(30 * MINUTE);
        fixture.run_due().await;
        assert_eq!(answered(&fixture), 2 + lead);
        assert_eq!(due_of(&fixture, &bad).await, Duration::from_secs(pause));
    }
    fixture.simulator.faults().clear();
    fixture.clock.advance(30 * MINUTE);
    fixture.run_due().await;
    assert_eq!(answered(&fixture), 9);
}

#[tokio::test]
async fn many_threads_that_hang_delay_a_new_lead_by_a_moment_only() {
    let time_limit = Some(Duration::from_millis(700));
    let fixture = Fixture::new(FixtureOptions { rules: LATER, time_limit, ..FixtureOptions::default() }).await;
    for lead in 0..15 {
        let bad = fixture.hot_lead(&format!("bad{lead}@acme.example"), "Give me a call.");
        fixture.simulator.faults().always(messages_of(&bad), Fault::Hang);
    }
    fixture.tick().await;
    for lead in 0..3 {
        fixture.hot_lead(&format!("lead{lead}@acme.example"), "Give me a call.");
        fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
        fixture.engine.intake().handle_pending(fixture.workspace()).await.unwrap();
        fixture.clock.advance(3 * MINUTE);
        let began = Instant::now();
        // What could not be read before comes last, so that the first look is at the new one.
        for _ in 0..40 {
            fixture.run_due().await;
            if answered(&fixture) > lead {
                break;
            }
        }
        assert_eq!(answered(&fixture), lead + 1);
        assert!(lead == 0 || began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn several_threads_in_a_row_are_the_workspace_and_cost_few_requests() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    for lead in 0..100 {
        fixture.hot_lead(&format!("lead{lead}@acme.example"), "Give me a call.");
    }
    fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
    fixture.simulator.faults().always(Endpoint::Messages, Fault::Status(503, String::new()));
    fixture.requests();
    let mut costs = Vec::new();
    for _ in 0..6 {
        let ended = fixture.engine.intake().handle_pending(fixture.workspace()).await;
        assert!(matches!(ended, Err(IntakeError::Api(_))), "{ended:?}");
        costs.push(fixture.requests().len());
        fixture.clock.advance(MINUTE / 2);
    }
    assert_eq!(costs, [20, 10, 5, 5, 5, 5]);
    fixture.simulator.faults().clear();
    fixture.clock.advance(70 * MINUTE);
    for _ in 0..8 {
        fixture.tick().await;
    }
    assert_eq!(fixture.store.pending_count("acme").await.unwrap().0, 0);
    assert_eq!(answered(&fixture), 50, "and the rest within the next hours");
}

#[tokio::test]
async fn while_no_guard_is_answered_the_queue_asks_with_one_request_at_a_time() {
    let fixture = Fixture::new(FixtureOptions { rules: LATER, ..FixtureOptions::default() }).await;
    for lead in 0..40 {
        fixture.hot_lead(&format!("lead{lead}@acme.example"), "Give me a call.");
    }
    fixture.tick().await;
    fixture.clock.advance(3 * MINUTE);
    fixture.simulator.faults().always(Endpoint::Messages, Fault::Status(503, String::new()));
    fixture.requests();
    let mut costs = Vec::new();
    for _ in 0..5 {
        let report = fixture
            .engine
            .executor()
            .run_due(fixture.workspace(), reply_router::store::Lane::Api, &|| false)
            .await
            .unwrap();
        assert!(report.api_is_down);
        costs.push(fixture.requests().len());
        fixture.clock.advance(MINUTE / 2);
    }
    assert_eq!(costs, [3, 1, 1, 1, 1]);
    fixture.simulator.faults().clear();
    fixture.run_due().await;
    assert_eq!(answered(&fixture), 40);
}

#[tokio::test]
async fn threads_that_wait_or_fail_keep_no_new_lead_waiting() {
    for fails in [false, true] {
        let wait_for_category = if fails { Duration::ZERO } else { 30 * MINUTE };
        let fixture = Fixture::new(FixtureOptions { wait_for_category, ..FixtureOptions::default() }).await;
        let mut others = Vec::new();
        for lead in 0..250 {
            let category = fails.then_some("interested");
            let mut thread = NewThread::new(format!("wait{lead}@acme.example")).name("Joe").campaign("Q1 Launch");
            if let Some(category) = category {
                thread = thread.category(category);
            }
            let id = fixture.simulator.workspace().add_thread(thread.message("Give me a call."));
            if fails {
                fixture.simulator.faults().always(messages_of(&id), Fault::Status(500, String::new()));
            }
            others.push(id);
        }
        // Long enough that every one of them has had its turn.
        for _ in 0..3 {
            let _ = fixture.engine.intake().poll(fixture.workspace(), true).await;
            let _ = fixture.engine.intake().handle_pending(fixture.workspace()).await;
            fixture.clock.advance(Duration::from_secs(10));
        }
        for lead in 0..3 {
            fixture.hot_lead(&format!("lead{lead}@acme.example"), "Give me a call.");
            fixture.clock.advance(Duration::from_secs(30));
            fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
            let _ = fixture.engine.intake().handle_pending(fixture.workspace()).await;
            fixture.run_due().await;
            assert_eq!(answered(&fixture), lead + 1, "at the first look, fails: {fails}");
        }
        if !fails {
            // Nothing of them is lost: a category, or the end of the wait, makes them ready.
            fixture.simulator.workspace().set_category(&others[100], Some("interested"));
            fixture.tick().await;
            assert_eq!(answered(&fixture), 4);
            fixture.clock.advance(30 * MINUTE);
            fixture.tick().await;
            fixture.tick().await;
            assert_eq!(fixture.store.pending_count("acme").await.unwrap().0, 0);
        }
    }
}

#[tokio::test]
async fn a_destination_that_hangs_holds_up_no_other() {
    let rules = "version: 1\nrules:\n  - { name: crm, when: { category: interested }, then: [webhook: crm] }\n  \
                 - { name: sales, when: { category: hot }, then: [slack: sales] }\n";
    let time_limit = Some(Duration::from_secs(4));
    let fixture = Fixture::new(FixtureOptions { rules, time_limit, ..FixtureOptions::default() }).await;
    fixture.simulator.faults().always(Endpoint::Webhook, Fault::Hang);
    for lead in 0..70 {
        fixture.hot_lead(&format!("lead{lead}@acme.example"), "Give me a call.");
    }
    fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
    fixture.engine.intake().handle_pending(fixture.workspace()).await.unwrap();
    fixture.clock.advance(Duration::from_secs(1));
    let hot = fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.simulator.workspace().set_category(&hot, Some("hot"));
    let began = Instant::now();
    fixture.tick().await;
    assert_eq!(fixture.simulator.slack().len(), 1);
    assert!(began.elapsed() < Duration::from_secs(12), "one try there, not seventy: {:?}", began.elapsed());
    let waiting = fixture.states().await.iter().filter(|state| state.1 == ActionState::Planned).count();
    assert_eq!(waiting, 69, "what nobody tried has used up no try");
    assert_eq!(fixture.states().await[0].0, ActionKind::Forward(DestinationKind::Webhook));
}
