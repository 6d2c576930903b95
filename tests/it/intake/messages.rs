//! Which message of a known thread is new: ids decide, and what rows showed; not times alone.

use super::{decisions, replies, rounds, setting};
use crate::fixture::{Fixture, FixtureOptions};
use jiff::Timestamp;
use reply_router::store::prelude::*;
use reply_router::{
    engine::EngineEventKind,
    simulator::{Inbox, Message, NewThread, ReplyCount},
};
use std::time::Duration;

async fn baseline(messages: Vec<Message>, reply_count: ReplyCount) -> (Fixture, String) {
    let mut options = setting(Inbox::Generated(3)).options;
    options.reply_count = reply_count;
    let fixture = Fixture::without_baseline(FixtureOptions { options, ..setting(Inbox::Empty) }).await;
    let thread = NewThread { messages, ..NewThread::new("jane@acme.example") };
    let thread = fixture.simulator.workspace().add_thread(thread);
    fixture.tick().await;
    (fixture, thread)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_known_thread_with_a_message_of_the_future_does_not_hide_later_ones() {
    for year in ["2026-07-16T00:00:00Z", "2036-01-01T00:00:00Z"] {
        let future = Message::text("My clock is wrong.").sent_at(at(year));
        let ours = Message::text("Do you have 15 minutes this week?").outgoing().with_age(Duration::from_secs(7_200));
        let (fixture, thread) = baseline(vec![ours, future], ReplyCount::Inbound).await;
        for number in 0..2 {
            fixture.clock.advance(Duration::from_secs(600));
            fixture.simulator.workspace().lead_writes(&thread, format!("A call, please. {number}"));
            rounds(&fixture).await;
            assert_eq!(decisions(&fixture).await.len(), number + 1, "{year}");
        }
        assert_eq!(replies(&fixture), 1, "{year}: once in a thread; {:?}", fixture.states().await);
        let newest = fixture.simulator.workspace().messages(&thread);
        let first = newest.iter().find(|message| message.text.as_deref() == Some("A call, please. 0")).unwrap();
        assert_eq!(decisions(&fixture).await[1].message_id.as_deref(), Some(first.id.as_str()));
    }
}

#[tokio::test]
async fn a_message_in_the_same_second_is_new() {
    for count in [ReplyCount::Inbound, ReplyCount::BothDirections] {
        for last in [Message::text("Thanks."), Message::text("Do you have 15 minutes this week?").outgoing()] {
            let (fixture, thread) = baseline(vec![last.clone()], count).await;
            fixture.simulator.workspace().lead_writes(&thread, "A call, please.");
            rounds(&fixture).await;
            assert_eq!(decisions(&fixture).await.len(), 1, "{count:?} {last:?}");
            // Whether ours was sent before or after is for a person to say.
            assert_eq!(replies(&fixture), usize::from(!last.outgoing), "{count:?} {last:?}");
        }
    }
}

#[tokio::test]
async fn a_message_that_is_dated_before_what_was_there_is_new_when_the_row_shows_it() {
    let (fixture, thread) =
        baseline(vec![Message::text("Do you have 15 minutes this week?").outgoing()], ReplyCount::Inbound).await;
    fixture.clock.advance(Duration::from_secs(60));
    fixture
        .simulator
        .workspace()
        .lead_writes(&thread, Message::text("A call, please.").with_age(Duration::from_secs(60)));
    rounds(&fixture).await;
    assert_eq!(decisions(&fixture).await.len(), 1);
}

#[tokio::test]
async fn what_our_side_writes_in_the_same_second_is_no_event() {
    for count in [ReplyCount::Inbound, ReplyCount::BothDirections] {
        let (fixture, thread) = baseline(vec![Message::text("A call, please.")], count).await;
        fixture.simulator.workspace().person_answers(&thread, "I will call.");
        rounds(&fixture).await;
        assert_eq!(decisions(&fixture).await, [], "{count:?}");
    }
}

#[tokio::test]
async fn a_message_that_is_deleted_makes_no_event_of_an_older_one() {
    let (fixture, thread) =
        baseline(vec![Message::text("Do you have 15 minutes this week?").outgoing()], ReplyCount::Inbound).await;
    for text in ["A call, please.", "Or a mail."] {
        fixture.clock.advance(Duration::from_secs(60));
        fixture.simulator.workspace().lead_writes(&thread, text);
        rounds(&fixture).await;
    }
    let before = decisions(&fixture).await.len();
    fixture.simulator.workspace().change(&thread, |thread| {
        thread.messages.retain(|message| message.text.as_deref() != Some("Or a mail."));
    });
    rounds(&fixture).await;
    assert_eq!(decisions(&fixture).await.len(), before);
}

#[tokio::test]
async fn a_thread_that_is_too_large_to_be_read_is_left_for_a_person() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let mut events = fixture.engine.subscribe();
    fixture.clock.advance(Duration::from_secs(60));
    let large = fixture.hot_lead("jane@acme.example", &"A call, please. ".repeat(1_100_000));
    fixture.hot_lead("joe@acme.example", "A call, please.");
    rounds(&fixture).await;
    let found = decisions(&fixture).await;
    let unread = found.iter().find(|decision| decision.thread_id == large).unwrap();
    assert_eq!(replies(&fixture), 1, "the other one is answered");
    assert!(unread.trace.problem.as_deref().is_some_and(|text| text.contains("16384 KiB")), "{:?}", unread.trace);
    let since = Timestamp::MIN;
    let left = fixture.store.left_for_people(since, None, None, 10).await.unwrap();
    assert_eq!(left.iter().map(|decision| decision.thread_id.as_str()).collect::<Vec<_>>(), [large.as_str()]);
    let mut alerts = 0;
    while let Ok(event) = events.try_recv() {
        alerts += usize::from(matches!(&event.what, EngineEventKind::Alert(title) if title.contains("cannot be read")));
    }
    assert_eq!(alerts, 1);
    rounds(&fixture).await;
    fixture.requests();
    fixture.clock.advance(Duration::from_secs(600));
    rounds(&fixture).await;
    assert_eq!(fixture.requests(), ["GET list"], "it is not read again and again");
}
