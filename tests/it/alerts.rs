//! What people are told without asking: once, of one cause, and when it is over.

use crate::fixture::{Fixture, FixtureOptions, safety};
use reply_router::simulator::Endpoint;
use reply_router::store::prelude::*;
use reply_router::{
    model::{ActionKind, ActionState, DestinationKind, Safety},
    simulator::{Fault, NewThread},
};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn told() -> Safety {
    Safety { alert: Some("sales".to_owned()), ..safety() }
}

/// Waits until so many messages have come to Slack, and gives back all that have.
async fn slack(fixture: &Fixture, count: usize) -> Vec<String> {
    let received = fixture.simulator.received();
    let seen = fixture.simulator.workspace();
    let come = seen.wait_until(Duration::from_secs(30), |_| received.slack().len() >= count).await;
    let all: Vec<_> = received.slack().iter().map(|message| format!("{message:?}")).collect();
    assert!(come && all.len() == count, "{count} expected: {all:#?}");
    all
}

#[tokio::test]
async fn forwards_that_fail_are_told_once_an_hour_with_a_count() {
    let rules = "version: 1\nrules: [{ name: tell, when: { category: interested }, then: [webhook: crm] }]\n";
    let fixture = Fixture::new(FixtureOptions { rules, safety: told(), ..FixtureOptions::default() }).await;
    fixture.simulator.faults().always(Endpoint::Webhook, Fault::Status(400, String::new()));
    for lead in 0..4 {
        fixture.hot_lead(&format!("lead{lead}@acme.example"), "A call, please.");
        fixture.tick().await;
    }
    assert_eq!(
        fixture.states().await,
        [(ActionKind::Forward(DestinationKind::Webhook), ActionState::Failed, Some("refused")); 4]
    );
    let first = slack(&fixture, 1).await;
    assert!(first[0].contains("A message to `crm` failed") && first[0].contains("lead0@acme.example"), "{first:#?}");
    fixture.engine.alerts().watch_queue(fixture.workspace()).await.unwrap();
    slack(&fixture, 1).await;
    // The rest of them is told when the hour is over, even if nothing fails any more.
    fixture.clock.advance(HOUR);
    fixture.engine.alerts().watch_queue(fixture.workspace()).await.unwrap();
    let all = slack(&fixture, 2).await;
    assert!(all[1].contains("3 times within the hour") && all[1].contains("lead3@acme.example"), "{all:#?}");
}

#[tokio::test]
async fn a_destination_is_not_told_that_it_fails_itself() {
    let rules = "version: 1\nrules: [{ name: tell, when: { category: interested }, then: [slack: sales] }]\n";
    let fixture = Fixture::new(FixtureOptions { rules, safety: told(), ..FixtureOptions::default() }).await;
    let mut events = fixture.engine.subscribe();
    fixture.simulator.faults().always(Endpoint::SlackWebhook, Fault::Status(404, String::new()));
    fixture.hot_lead("jane@acme.example", "A call, please.");
    fixture.tick().await;
    assert_eq!(
        fixture.states().await,
        [(ActionKind::Forward(DestinationKind::Slack), ActionState::Failed, Some("refused"))]
    );
    let mut alerts = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let reply_router::engine::EngineEventKind::Alert(title) = event.what {
            alerts.push(title);
        }
    }
    assert_eq!(alerts, ["A message to `sales` failed (workspace acme)"], "the pages tell it");
    tokio::task::yield_now().await;
    assert_eq!(fixture.simulator.received().calls(), 1, "the forward itself, and nothing about it");
}

#[tokio::test]
async fn a_text_that_cannot_be_filled_in_is_told() {
    let fixture = Fixture::new(FixtureOptions { safety: told(), ..FixtureOptions::default() }).await;
    for lead in ["jane", "joe"] {
        // Without a name the greeting of the rule has nothing to print.
        let thread = NewThread::new(format!("{lead}@acme.example")).campaign("Q1 Launch").category("interested");
        fixture.simulator.workspace().add_thread(thread.message("Give me a call."));
        fixture.tick().await;
    }
    assert_eq!(fixture.states().await[0].1, ActionState::Failed);
    let all = slack(&fixture, 1).await;
    assert!(all[0].contains("The reply of rule `book-a-call` failed") && all[0].contains("jane@"), "{all:#?}");
}

#[tokio::test]
async fn an_outage_is_told_once_when_it_has_lasted_and_once_when_it_is_over() {
    let portal =
        Fault::Respond { status: 200, headers: Vec::new(), body: "<html>Sign in to the hotel</html>".to_owned() };
    let faults = [
        Fault::Status(503, String::new()),
        portal,
        Fault::Garbage2xx,
        Fault::Redirect(302, "/login".to_owned()),
        Fault::CloseBefore,
    ];
    for fault in faults {
        let fixture = Fixture::new(FixtureOptions { safety: told(), ..FixtureOptions::default() }).await;
        fixture.simulator.faults().always(Endpoint::List, fault.clone());
        for minute in 0..=16 {
            fixture.engine.intake().poll_and_handle(fixture.workspace()).await;
            fixture.engine.alerts().watch_outage(fixture.workspace());
            let outage = fixture.engine.alerts().outage(fixture.workspace());
            assert_eq!(outage.is_some(), minute >= 5, "{fault:?}, minute {minute}: {outage:?}");
            if minute == 4 {
                slack(&fixture, 0).await;
            }
            fixture.clock.advance(MINUTE);
        }
        let first = slack(&fixture, 1).await;
        assert!(first[0].contains("Workspace acme has failed for 5m"), "{fault:?}: {first:#?}");
        fixture.simulator.faults().clear();
        for _ in 0..5 {
            fixture.engine.intake().poll_and_handle(fixture.workspace()).await;
            fixture.engine.alerts().watch_outage(fixture.workspace());
            assert_eq!(fixture.engine.alerts().outage(fixture.workspace()), None);
            fixture.clock.advance(MINUTE);
        }
        let all = slack(&fixture, 2).await;
        assert!(all[1].contains("works again") && all[1].contains("17m"), "{fault:?}: {all:#?}");
    }
}

#[tokio::test]
async fn threads_that_cannot_be_read_at_all_are_an_outage_too() {
    let fixture = Fixture::new(FixtureOptions { safety: told(), ..FixtureOptions::default() }).await;
    fixture.simulator.faults().always(Endpoint::Messages, Fault::Status(500, String::new()));
    for lead in 0..9 {
        fixture.hot_lead(&format!("lead{lead}@acme.example"), "A call, please.");
    }
    for _ in 0..8 {
        fixture.engine.intake().poll_and_handle(fixture.workspace()).await;
        fixture.engine.alerts().watch_outage(fixture.workspace());
        fixture.clock.advance(MINUTE);
    }
    assert!(slack(&fixture, 1).await[0].contains("has failed for 5m"));
    fixture.simulator.faults().clear();
    for _ in 0..10 {
        fixture.engine.intake().poll_and_handle(fixture.workspace()).await;
        fixture.engine.alerts().watch_outage(fixture.workspace());
        fixture.run_due().await;
        fixture.clock.advance(10 * MINUTE);
    }
    slack(&fixture, 2).await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 9);
}

#[tokio::test]
async fn a_refused_key_pauses_the_workspace_and_is_told_once_though_nothing_is_sent() {
    for (status, place) in
        [(401, Endpoint::List), (403, Endpoint::List), (401, Endpoint::Messages), (403, Endpoint::Messages)]
    {
        let what = format!("{status} {place:?}");
        let fixture = Fixture::new(FixtureOptions { safety: told(), ..FixtureOptions::default() }).await;
        if place == Endpoint::Messages {
            fixture.hot_lead("joe@acme.example", "Please call me.");
        }
        fixture.simulator.faults().always(place, Fault::Status(status, "{}".to_owned()));
        let minutes = async || {
            for _ in 0..16 {
                fixture.engine.intake().poll_and_handle(fixture.workspace()).await;
                fixture.engine.alerts().watch_outage(fixture.workspace());
                fixture.run_due().await;
                fixture.clock.advance(MINUTE);
            }
        };
        minutes().await;
        assert_eq!(fixture.store.pauses().await.unwrap()[0].workspace.as_deref(), Some("acme"), "{what}");
        assert!(slack(&fixture, 1).await[0].contains("Workspace acme is paused"), "{what}");
        // Whoever resumes before the key is mended is told again.
        fixture.engine.operator().resume(Some("acme")).await.unwrap();
        minutes().await;
        assert!(slack(&fixture, 2).await[1].contains("Workspace acme is paused"), "{what}");
        fixture.simulator.faults().clear();
        fixture.engine.operator().resume(None).await.unwrap();
        fixture.hot_lead("jane@acme.example", "Give me a call.");
        minutes().await;
        let answered = fixture.simulator.workspace().accepted_replies().len();
        assert_eq!(answered, if what.contains("List") { 1 } else { 2 }, "{what}");
        slack(&fixture, 2).await;
    }
}

#[tokio::test]
async fn a_thread_that_cannot_be_read_is_told_after_a_quarter_of_an_hour() {
    let fixture = Fixture::new(FixtureOptions { safety: told(), ..FixtureOptions::default() }).await;
    let bad = fixture.hot_lead("bad@acme.example", "Give me a call.");
    let messages = Endpoint::Path { method: "GET".to_owned(), suffix: format!("{bad}/messages") };
    fixture.simulator.faults().always(messages, Fault::Garbage2xx);
    for minute in 0..60 {
        if minute % 10 == 0 {
            fixture.hot_lead(&format!("lead{minute}@acme.example"), "Give me a call.");
        }
        fixture.engine.intake().poll_and_handle(fixture.workspace()).await;
        fixture.engine.alerts().watch_outage(fixture.workspace());
        fixture.run_due().await;
        if minute == 14 {
            slack(&fixture, 0).await;
        }
        fixture.clock.advance(MINUTE);
    }
    let all = slack(&fixture, 1).await;
    assert!(all[0].contains("A thread cannot be read") && all[0].contains("bad@acme.example"), "{all:#?}");
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 6, "and nobody else waited for it");
}
