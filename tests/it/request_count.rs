//! What a hot thread costs in requests: alone on the key, with somebody else on it, and when our own reply shows.

use crate::fixture::{Fixture, FixtureOptions, safety};
use reply_router::store::prelude::*;
use reply_router::{
    model::Safety,
    simulator::{NewThread, Options, RateLimits, ReplyCount, SentFormat},
};
use std::{future::Future, time::Duration};

const SECOND: Duration = Duration::from_secs(1);
/// One request of each kind.
const HOT: [&str; 5] = ["GET list", "GET messages", "POST reply", "PATCH star", "PATCH read"];
/// The same with the look between intent and reply.
const GUARDED: [&str; 6] = ["GET list", "GET messages", "GET messages", "POST reply", "PATCH star", "PATCH read"];

fn counted(reply_count: ReplyCount) -> Options {
    let rate_limits = Some(RateLimits { per_minute: 10_000, per_hour: 100_000 });
    Options { rate_limits, reply_count, ..Options::for_tests() }
}

/// A fixture whose service has polled for some minutes and has seen nobody else.
async fn alone(options: Options) -> Fixture {
    let safety = Safety { replies_per_hour: 1_000, ..safety() };
    let fixture = Fixture::new(FixtureOptions { options, safety, ..FixtureOptions::default() }).await;
    polls(&fixture, 10).await;
    assert!(fixture.workspace().client().is_alone());
    fixture.requests();
    fixture
}

async fn polls(fixture: &Fixture, count: usize) {
    for _ in 0..count {
        fixture.clock.advance(30 * SECOND);
        fixture.tick().await;
    }
}

/// A lead answers a campaign's message: its thread begins with that.
fn campaign_lead(fixture: &Fixture, email: &str) -> String {
    let ours = reply_router::simulator::Message::text("15 minutes for a demo of our product?").outgoing();
    let thread = NewThread::new(email).name("Jane Doe").campaign("Q1 Product Launch").category("interested");
    let thread = thread.message(ours.with_age(3_600 * SECOND));
    fixture.simulator.workspace().add_thread(thread.message("Sure, give me a call."))
}

async fn hot_thread(fixture: &Fixture, email: &str) -> Vec<String> {
    campaign_lead(fixture, email);
    fixture.clock.advance(SECOND);
    fixture.tick().await;
    fixture.requests()
}

#[tokio::test]
async fn alone_on_the_key_a_hot_thread_costs_four_and_its_page() {
    let fixture = alone(counted(ReplyCount::Inbound)).await;
    for lead in 0..3 {
        assert_eq!(hot_thread(&fixture, &format!("lead{lead}@acme.example")).await, HOT);
        polls(&fixture, 3).await;
        fixture.requests();
    }
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 3);
}

#[tokio::test]
async fn several_hot_threads_at_once_cost_four_each() {
    let fixture = alone(counted(ReplyCount::Inbound)).await;
    for lead in 0..8 {
        campaign_lead(&fixture, &format!("lead{lead}@acme.example"));
    }
    fixture.clock.advance(SECOND);
    fixture.tick().await;
    let requests = fixture.requests();
    assert_eq!(requests.iter().filter(|request| *request == "POST reply").count(), 8);
    assert_eq!(requests.iter().filter(|request| *request != "GET list").count(), 32);
}

#[tokio::test]
async fn while_somebody_else_may_use_the_key_the_reply_is_guarded_by_a_read_of_its_own() {
    // Too few counts were seen.
    let fixture =
        Fixture::new(FixtureOptions { options: counted(ReplyCount::Inbound), ..FixtureOptions::default() }).await;
    fixture.requests();
    assert_eq!(hot_thread(&fixture, "joe@acme.example").await, GUARDED);

    // Somebody else polls as we do.
    let fixture = alone(counted(ReplyCount::Inbound)).await;
    fixture.simulator.workspace().consume_budget(3);
    assert_eq!(hot_thread(&fixture, "jane@acme.example").await, GUARDED);
    assert!(!fixture.workspace().client().is_alone());
    for lead in 0..5 {
        fixture.clock.advance(30 * SECOND);
        fixture.simulator.workspace().consume_budget(1);
        fixture.tick().await;
        fixture.requests();
        assert_eq!(hot_thread(&fixture, &format!("lead{lead}@acme.example")).await, GUARDED);
    }

    // An API that counts nothing proves nothing.
    let fixture = Fixture::new(FixtureOptions::default()).await;
    polls(&fixture, 20).await;
    fixture.requests();
    assert_eq!(hot_thread(&fixture, "jane@acme.example").await, GUARDED);
}

#[tokio::test]
async fn a_decision_that_is_not_new_any_more_is_guarded_by_a_read_of_its_own() {
    let fixture = alone(counted(ReplyCount::Inbound)).await;
    campaign_lead(&fixture, "jane@acme.example");
    fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
    fixture.engine.intake().handle_pending(fixture.workspace()).await.unwrap();
    fixture.clock.advance(4 * SECOND);
    fixture.run_due().await;
    assert_eq!(fixture.requests(), GUARDED);

    // Nor is one whose thread has changed in the list since.
    let thread = campaign_lead(&fixture, "joe@acme.example");
    fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
    fixture.engine.intake().handle_pending(fixture.workspace()).await.unwrap();
    fixture.clock.advance(SECOND);
    fixture.simulator.workspace().lead_writes(&thread, "No, please no more mail. Unsubscribe.");
    fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
    fixture.run_due().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1, "not to joe");
}

#[tokio::test]
async fn our_own_reply_in_the_list_costs_nothing() {
    for reply_count in [ReplyCount::Inbound, ReplyCount::BothDirections] {
        let fixture = alone(counted(reply_count)).await;
        hot_thread(&fixture, "first@acme.example").await;
        fixture.clock.advance(30 * SECOND);
        fixture.tick().await;
        // Where a second copy of our words would not be counted, one such row an hour is read.
        let first: &[&str] =
            if reply_count == ReplyCount::Inbound { &["GET list", "GET messages"] } else { &["GET list"] };
        assert_eq!(fixture.requests(), first, "{reply_count:?}");
        for lead in 0..5 {
            hot_thread(&fixture, &format!("lead{lead}@acme.example")).await;
            fixture.clock.advance(30 * SECOND);
            fixture.tick().await;
            assert_eq!(fixture.requests(), ["GET list"], "{reply_count:?}");
        }
        // From then on an idle poll is one request.
        polls(&fixture, 1).await;
        assert_eq!(fixture.requests(), ["GET list"]);
    }
}

#[tokio::test]
async fn a_row_that_shows_anything_else_is_read() {
    for reply_count in [ReplyCount::Inbound, ReplyCount::BothDirections] {
        let fixture = alone(counted(reply_count)).await;
        hot_thread(&fixture, "first@acme.example").await;
        polls(&fixture, 1).await;
        // The lead has written again before our reply shows, or after it.
        for (lead, before) in [("before@acme.example", true), ("after@acme.example", false)] {
            let thread = campaign_lead(&fixture, lead);
            fixture.clock.advance(SECOND);
            if before {
                let answer = fixture.simulator.workspace();
                fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
                fixture.engine.intake().handle_pending(fixture.workspace()).await.unwrap();
                answer.lead_writes(&thread, "And another thing, about the price.");
                fixture.clock.advance(SECOND);
                fixture.run_due().await;
            } else {
                fixture.tick().await;
                fixture.clock.advance(SECOND);
                fixture.simulator.workspace().lead_writes(&thread, "And another thing, about the price.");
            }
            fixture.requests();
            fixture.clock.advance(30 * SECOND);
            fixture.tick().await;
            assert_eq!(fixture.requests()[..2], ["GET list", "GET messages"], "{reply_count:?}, {lead}");
        }
    }
    // A mail server that adds a signature makes another preview.
    let sent_form = SentFormat::WithSignature("Sam Smith\nUs Ltd.".to_owned());
    let fixture = alone(Options { sent_form, ..counted(ReplyCount::BothDirections) }).await;
    hot_thread(&fixture, "jane@acme.example").await;
    fixture.clock.advance(30 * SECOND);
    fixture.tick().await;
    assert_eq!(fixture.requests(), ["GET list", "GET messages"]);
}

/// How many statements the store runs for a piece of work.
async fn statements(fixture: &Fixture, work: impl Future<Output = ()>) -> u64 {
    let before = fixture.store.metrics().await.unwrap().statements;
    work.await;
    // The question before is one.
    fixture.store.metrics().await.unwrap().statements - before - 1
}

/// On a server each statement is a way there and back, and a thousand workspaces are polled all day.
#[tokio::test]
async fn an_idle_poll_asks_little_of_the_store_and_an_event_no_more_than_its_steps_need() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    fixture.hot_lead("joe@acme.example", "A call, please.");
    fixture.tick().await;
    fixture.tick().await;
    let idle = statements(&fixture, fixture.engine.intake().poll_and_handle(fixture.workspace())).await;
    let lanes = statements(&fixture, fixture.run_due()).await;
    fixture.hot_lead("jane@acme.example", "A call, please.");
    let event = statements(&fixture, async {
        fixture.engine.intake().poll_and_handle(fixture.workspace()).await;
        fixture.run_due().await;
    })
    .await;
    eprintln!("an idle poll: {idle}, three looks at lanes: {lanes}, an event with three actions: {event}");
    assert_eq!(
        (idle, lanes),
        (9, 3),
        "a poll: the state, the page, the state again in a transaction, what is due and pending"
    );
    assert!(event <= 165, "{event}");
}
