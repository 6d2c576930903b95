//! Lists that are empty, counted in other ways, in other orders, unreadable, or stand still.

use super::{announced, decisions, held, replies, rounds, setting};
use crate::fixture::{Fixture, FixtureOptions};
use reply_router::simulator::Endpoint;
use reply_router::store::prelude::*;
use reply_router::{
    model::{Safety, StartFrom},
    simulator::{Fault, Inbox, Message, NewThread, Options, RowOrder, TotalCount},
};
use std::time::Duration;

const EMPTY: &str = r#"{"success":true,"conversations":[],"total_count":0,"page":1,"limit":100,"unread_count":0}"#;
const EMPTY_BUT_COUNTED: &str = r#"{"success":true,"conversations":[],"total_count":40,"unread_count":40}"#;

fn list(fixture: &Fixture, times: usize, body: &str) {
    fixture.simulator.faults().next(Endpoint::List, times, Fault::Status(200, body.to_owned()));
}

#[tokio::test]
async fn a_first_list_that_is_empty_is_no_baseline() {
    for (body, odd) in [(EMPTY, false), (EMPTY_BUT_COUNTED, true)] {
        let fixture = Fixture::without_baseline(setting(Inbox::Generated(40))).await;
        let mut events = fixture.engine.subscribe();
        list(&fixture, 1, body);
        fixture.tick().await;
        assert_eq!(announced(&mut events).is_empty(), !odd, "{body}");
        for _ in 0..3 {
            fixture.clock.advance(Duration::from_secs(30));
            rounds(&fixture).await;
        }
        assert_eq!(replies(&fixture), 0, "{:?}", fixture.states().await);
        fixture.hot_lead("jane@acme.example", "A call, please.");
        rounds(&fixture).await;
        assert_eq!(replies(&fixture), 1);
        assert_eq!(fixture.workspace().notes(), [] as [&str; 0]);
    }
}

#[tokio::test]
async fn whoever_writes_first_to_an_empty_inbox_is_answered() {
    for sends_date in [true, false] {
        let options = Options { sends_date, ..Options::for_tests() };
        let fixture = Fixture::new(FixtureOptions { options, ..setting(Inbox::Empty) }).await;
        for _ in 0..3 {
            fixture.clock.advance(Duration::from_secs(30));
            fixture.tick().await;
            assert!(fixture.requests().iter().all(|request| request == "GET list"));
        }
        fixture.hot_lead("jane@acme.example", "A call, please.");
        rounds(&fixture).await;
        assert_eq!((replies(&fixture), fixture.workspace().notes().len()), (1, 0), "{:?}", fixture.states().await);
    }
}

#[tokio::test]
async fn a_first_page_that_is_not_whole_is_no_reason_to_answer_the_rest() {
    let fixture = Fixture::without_baseline(setting(Inbox::Generated(40))).await;
    let all = fixture.simulator.workspace().threads();
    let row = |index: usize| {
        let (id, email, at) = (&all[index].id, &all[index].lead_email, all[index].messages.last().unwrap().at);
        let category = all[index].category().unwrap();
        format!(
            r#"{{"thread_id":"{id}","lead_email":"{email}","last_message_at":"{at}","reply_count":1,"category":"{category}"}}"#
        )
    };
    let some = format!(r#"{{"success":true,"conversations":[{},{}]}}"#, row(0), row(1));
    list(&fixture, 1, &some);
    let mut events = fixture.engine.subscribe();
    for _ in 0..3 {
        rounds(&fixture).await;
        fixture.clock.advance(Duration::from_secs(30));
    }
    assert_eq!(replies(&fixture), 0);
    assert_eq!(announced(&mut events), ["Old threads turned up in workspace acme"]);
}

#[tokio::test]
async fn old_mail_that_turns_up_alone_goes_before_a_person() {
    let fixture = Fixture::new(setting(Inbox::Generated(40))).await;
    fixture.clock.advance(Duration::from_secs(3_600));
    for age in [2, 3] {
        let message = Message::text("A call?").with_age(Duration::from_secs(86_400 * age));
        fixture.simulator.workspace().add_thread(NewThread::new(format!("late{age}@acme.example")).message(message));
        rounds(&fixture).await;
    }
    assert_eq!((replies(&fixture), held(&fixture, "too_old").await), (0, 2));
    let draft = fixture.actions().await[0].id.clone();
    fixture.engine.operator().approve(&draft, None).await.unwrap();
    fixture.run_due().await;
    assert_eq!(replies(&fixture), 1, "approved, it goes");
}

#[tokio::test]
async fn counts_are_not_believed_at_the_first_start() {
    for total_count in [TotalCount::Zero, TotalCount::Page, TotalCount::SoFar] {
        for order in [RowOrder::NewestFirst, RowOrder::OldestFirst, RowOrder::ById] {
            let options = Options { inbox: Inbox::Generated(250), total_count, order, ..Options::for_tests() };
            let fixture = Fixture::without_baseline(FixtureOptions { options, ..setting(Inbox::Empty) }).await;
            for _ in 0..3 {
                rounds(&fixture).await;
                fixture.clock.advance(Duration::from_secs(3_601));
            }
            assert_eq!(replies(&fixture), 0, "{total_count:?} {order:?}");
            assert_eq!(fixture.store.count_threads("acme", 1_000).await.unwrap(), 250, "{total_count:?} {order:?}");
        }
    }
}

#[tokio::test]
async fn counts_are_not_believed_later() {
    for total_count in [TotalCount::Zero, TotalCount::Page, TotalCount::SoFar] {
        let options = Options { inbox: Inbox::Generated(3), total_count, ..Options::for_tests() };
        let fixture = Fixture::new(FixtureOptions { options, ..setting(Inbox::Empty) }).await;
        for number in 0..250 {
            fixture.clock.advance(Duration::from_secs(1));
            fixture.hot_lead(&format!("lead{number}@acme.example"), "A call, please.");
        }
        rounds(&fixture).await;
        assert_eq!(decisions(&fixture).await.len(), 250, "{total_count:?}");
        fixture.requests();
        // The replies moved every thread: once these are read, an idle poll is one request.
        rounds(&fixture).await;
        fixture.requests();
        rounds(&fixture).await;
        assert_eq!(fixture.requests(), ["GET list"]);
    }
}

#[tokio::test]
async fn a_first_start_is_as_many_requests_as_pages() {
    let fixture = Fixture::without_baseline(setting(Inbox::Generated(5_000))).await;
    fixture.engine.intake().poll(fixture.workspace(), false).await.unwrap();
    assert_eq!(fixture.requests().len(), 50);
    assert_eq!(fixture.actions().await.len(), 0);
    fixture.engine.intake().poll(fixture.workspace(), false).await.unwrap();
    assert_eq!(fixture.requests(), ["GET list"]);
}

#[tokio::test]
async fn messages_deep_in_a_list_by_creation_are_found() {
    for read in [false, true] {
        let options = Options { order: RowOrder::ByCreation, ..Options::for_tests() };
        let fixture = Fixture::without_baseline(FixtureOptions { options, ..setting(Inbox::Empty) }).await;
        // Created and last written in the same order: sorted by accident, and older than `max_age`.
        let ids: Vec<String> = (0..600_u64)
            .map(|number| {
                let message = Message::text("No.").with_age(Duration::from_secs(86_400 * 30 - number * 60));
                let thread = NewThread { is_read: true, ..NewThread::new(format!("lead{number}@acme.example")) };
                fixture.simulator.workspace().add_thread(thread.message(message))
            })
            .collect();
        rounds(&fixture).await;
        assert_eq!(fixture.actions().await.len(), 0);
        for round in 0..13 {
            fixture.clock.advance(Duration::from_secs(3_700));
            for place in 0..10 {
                let id = &ids[(round * 37 + place * 53) % 500];
                fixture.simulator.workspace().lead_writes(id, format!("A call, please. {round}"));
                fixture.simulator.workspace().set_read(id, read);
            }
            rounds(&fixture).await;
        }
        fixture.clock.advance(Duration::from_secs(3_700));
        rounds(&fixture).await;
        assert_eq!(decisions(&fixture).await.len(), 130, "read: {read}");
    }
}

#[tokio::test]
async fn a_sweep_of_a_list_with_the_newest_first_ends_at_max_age() {
    let options = Options { inbox: Inbox::Generated(2_000), ..Options::for_tests() };
    let fixture = Fixture::new(FixtureOptions { options, ..setting(Inbox::Empty) }).await;
    let oldest = fixture.simulator.workspace().threads().last().unwrap().id.clone();
    fixture.clock.advance(Duration::from_secs(86_400 * 9));
    fixture.requests();
    rounds(&fixture).await;
    assert_eq!(fixture.requests().len(), 21, "nothing has shown the order: every page, and an empty one");
    // A thread moves to the top.
    fixture.simulator.workspace().lead_writes(&oldest, "Hello again");
    rounds(&fixture).await;
    rounds(&fixture).await;
    fixture.clock.advance(Duration::from_secs(3_700));
    fixture.requests();
    rounds(&fixture).await;
    assert_eq!(fixture.requests(), ["GET list", "GET list"], "the second page is past the age");
}

#[tokio::test]
async fn leads_who_write_during_a_long_first_start_are_answered() {
    for order in [RowOrder::NewestFirst, RowOrder::OldestFirst, RowOrder::ById] {
        let options = Options { inbox: Inbox::Generated(900), order, ..Options::for_tests() };
        let fixture = Fixture::without_baseline(FixtureOptions { options, ..setting(Inbox::Empty) }).await;
        let workspace = fixture.simulator.workspace();
        let threads = workspace.threads();
        // One of the first page, one of the last, and one that is not there yet.
        let known = [threads[3].id.clone(), threads[890].id.clone()];
        fixture.simulator.faults().next(Endpoint::List, 9, Fault::DelayAfter(Duration::from_millis(30)));
        let writing = async {
            assert!(workspace.wait_until(Duration::from_secs(20), |workspace| workspace.requests().len() >= 4).await);
            fixture.clock.advance(Duration::from_secs(60));
            for thread in &known {
                workspace.lead_writes(thread, "A call, please.");
            }
            fixture.hot_lead("jane@acme.example", "A call, please.");
        };
        let (polled, ()) = tokio::join!(fixture.engine.intake().poll(fixture.workspace(), false), writing);
        polled.unwrap();
        for _ in 0..2 {
            rounds(&fixture).await;
            fixture.clock.advance(Duration::from_secs(3_700));
        }
        rounds(&fixture).await;
        let mut sent: Vec<_> = workspace.accepted_replies().into_iter().map(|reply| reply.thread_id).collect();
        sent.sort_unstable();
        sent.dedup();
        assert_eq!((sent.len(), replies(&fixture)), (3, 3), "{order:?} {:?}", fixture.states().await);
    }
}

#[tokio::test]
async fn what_start_from_asks_for_is_answered_after_an_empty_list_too() {
    let safety =
        Safety { start_from: StartFrom::Age(Duration::from_secs(60 * 10 + 1)), ..setting(Inbox::Empty).safety };
    let fixture = Fixture::without_baseline(FixtureOptions { safety, ..setting(Inbox::Generated(40)) }).await;
    list(&fixture, 1, EMPTY);
    rounds(&fixture).await;
    rounds(&fixture).await;
    assert_eq!(replies(&fixture), 10);
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_said_once() {
    let fixture = Fixture::new(setting(Inbox::Generated(3))).await;
    let mut events = fixture.engine.subscribe();
    for (body, words) in [
        (r#"{"success":true,"conversations":[{"lead_email":"a@b.example"}],"total_count":1}"#, "thread id"),
        (EMPTY, "had threads before"),
        (EMPTY_BUT_COUNTED, "although it counts"),
    ] {
        list(&fixture, 3, body);
        for _ in 0..3 {
            fixture.tick().await;
            let notes = fixture.workspace().notes();
            assert!(notes.len() == 1 && notes[0].contains(words), "{notes:?}");
        }
        // The end is told a minute later.
        for _ in 0..3 {
            fixture.tick().await;
            fixture.clock.advance(Duration::from_secs(61));
        }
        fixture.clock.advance(Duration::from_secs(3_601));
        let titles = announced(&mut events);
        assert_eq!(titles.iter().filter(|title| title.contains("looks wrong")).count(), 1, "{titles:?}");
        assert_eq!(fixture.workspace().notes(), [] as [&str; 0]);
    }
    assert_eq!(fixture.actions().await.len(), 0);
}

#[tokio::test]
async fn a_list_that_stands_still_is_said_and_does_not_cost_every_page_at_every_poll() {
    let fixture = Fixture::new(setting(Inbox::Generated(250))).await;
    let threads = fixture.simulator.workspace().threads();
    let rows = threads.iter().take(100).map(|thread| {
        let (id, email, at) = (&thread.id, &thread.lead_email, thread.messages.last().unwrap().at);
        serde_json::json!({ "thread_id": id, "lead_email": email, "last_message_at": at.to_string(), "reply_count": 1,
            "last_message_preview": "x", "category": thread.category() })
    });
    let rows: Vec<_> = rows.collect();
    let page = |count: usize| serde_json::json!({ "conversations": rows, "total_count": count }).to_string();
    list(&fixture, 1, &page(250));
    fixture.tick().await;
    fixture.simulator.faults().clear();
    let mut events = fixture.engine.subscribe();
    fixture.requests();
    for number in 0..20 {
        fixture.clock.advance(Duration::from_secs(30));
        // The first page stays what it is.
        list(&fixture, 1, &page(251 + number));
        fixture.tick().await;
        fixture.simulator.faults().clear();
    }
    let titles = announced(&mut events);
    assert_eq!(titles, ["The list of workspace acme looks wrong"]);
    assert!(fixture.workspace().notes()[0].contains("stands still"), "{:?}", fixture.workspace().notes());
    let requests = fixture.requests().len();
    assert!(requests <= 20 + 2 * 6, "{requests} requests for 20 polls");
}
