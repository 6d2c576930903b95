//! What waits: for its time, for opening hours, for a limit; over daylight-saving edges, restarts, and clocks that jump.

use crate::fixture::{Fixture, FixtureOptions, Reply};
use jiff::{Timestamp, civil, civil::Weekday, tz::TimeZone};
use reply_router::simulator::Endpoint;
use reply_router::store::prelude::*;
use reply_router::{
    model::{ActionKind, ActionState, DestinationKind},
    rules::hours::OpeningHours,
    simulator::Fault,
};
use std::{collections::BTreeSet, time::Duration};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
const ALL_DAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

macro_rules! only {
    ($action:literal) => {
        concat!("version: 1\nrules: [{ name: only, when: { category: interested }, then: [", $action, "] }]\n")
    };
}

const IN_HOURS: &str = only!("{ reply: { text: Hello., after: 3m, hours: open } }");
const LATER: &str = only!("{ reply: { text: Hello., after: 3m } }");

fn in_hours(zone: &str, from: u16, to: u16) -> FixtureOptions {
    let hours = OpeningHours::new(&ALL_DAYS, from, to, TimeZone::get(zone).unwrap(), BTreeSet::new()).unwrap();
    FixtureOptions { rules: IN_HOURS, hours: vec![("open", hours)], ..FixtureOptions::default() }
}

/// When each reply was accepted, by its lead.
fn sent(fixture: &Fixture) -> Vec<(String, Timestamp)> {
    let accepted = fixture.simulator.workspace().accepted_replies();
    accepted.into_iter().map(|reply| (reply.to, reply.at)).collect()
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Whether the clock on the wall says from nine to six: nothing here is moved by a switch in the night.
fn is_office_time(zone: &TimeZone, at: Timestamp) -> bool {
    (9..18).contains(&zone.to_datetime(at).hour())
}

#[tokio::test]
async fn office_hours_over_the_switch_days() {
    const STEP: Duration = Duration::from_secs(1_200);
    for (zone, day) in [
        ("America/New_York", "2026-03-08"),
        ("America/New_York", "2026-11-01"),
        ("Europe/Berlin", "2026-03-08"),
        ("Europe/Berlin", "2026-11-01"),
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25"),
    ] {
        let setting = in_hours(zone, 9 * 60, 18 * 60);
        let mut fixture = Fixture::without_baseline(in_hours(zone, 9 * 60, 18 * 60)).await;
        let local = TimeZone::get(zone).unwrap();
        let day: civil::Date = day.parse().unwrap();
        let at = |date: civil::Date, hour| local.to_timestamp(date.at(hour, 0, 0, 0)).unwrap();
        let (begin, end) = (at(day.yesterday().unwrap(), 8), at(day.tomorrow().unwrap(), 21));
        fixture.clock.set(begin);
        fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
        let mut expected = Vec::new();
        for step in 0.. {
            let now = fixture.engine.now();
            if now >= end {
                break;
            }
            if step % 6 == 0 {
                let lead = format!("lead{step}@acme.example");
                fixture.hot_lead(&lead, "A call, please.");
                let mut due = now + 3 * MINUTE;
                while !is_office_time(&local, due) {
                    due += MINUTE;
                }
                expected.push((lead, due));
            }
            fixture.tick().await;
            if step % 25 == 24 {
                fixture = fixture.restart(&setting).await;
            }
            fixture.clock.advance(STEP);
        }
        let mut found = sent(&fixture);
        found.sort();
        expected.retain(|(_, due)| *due + STEP < end);
        expected.sort();
        assert_eq!(found.len(), expected.len(), "{zone} {day}");
        for ((lead, due), (to, at)) in expected.iter().zip(&found) {
            assert_eq!(lead, to);
            assert!(is_office_time(&local, *at), "{zone} {day}: {lead} at {at}");
            assert!(due <= at && at.duration_since(*due) < STEP.try_into().unwrap(), "{zone} {day}: {lead} at {at}");
        }
    }
}

#[tokio::test]
async fn a_window_with_an_end_in_the_hour_that_is_missing_or_twice() {
    // (zone, from, to, decided, sent)
    let cases = [
        // There is no half past two: the window opens an hour later by the clock on the wall.
        ("America/New_York", (2, 30), (5, 0), "2026-03-08T06:00:00Z", "2026-03-08T07:30:00Z"),
        ("Europe/Berlin", (2, 30), (5, 0), "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z"),
        // Nor does one close then.
        ("America/New_York", (22, 0), (2, 30), "2026-03-08T07:20:00Z", "2026-03-08T07:23:00Z"),
        ("America/New_York", (22, 0), (2, 30), "2026-03-08T07:28:00Z", "2026-03-09T02:00:00Z"),
        // Half past one comes twice: the first counts, at both ends.
        ("America/New_York", (1, 30), (5, 0), "2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z"),
        ("America/New_York", (22, 0), (1, 30), "2026-11-01T05:20:00Z", "2026-11-01T05:23:00Z"),
        ("America/New_York", (22, 0), (1, 30), "2026-11-01T05:28:00Z", "2026-11-02T03:00:00Z"),
        ("Europe/Berlin", (2, 30), (5, 0), "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"),
        // A whole night is an hour shorter or longer.
        ("Europe/Berlin", (22, 0), (6, 0), "2026-03-29T03:56:00Z", "2026-03-29T03:59:00Z"),
        ("Europe/Berlin", (22, 0), (6, 0), "2026-03-29T03:57:00Z", "2026-03-29T20:00:00Z"),
        ("Europe/Berlin", (22, 0), (6, 0), "2026-10-25T04:56:00Z", "2026-10-25T04:59:00Z"),
        ("Europe/Berlin", (22, 0), (6, 0), "2026-10-25T04:57:00Z", "2026-10-25T21:00:00Z"),
    ];
    for (zone, from, to, decided, expected) in cases {
        let minutes = |(hour, minute): (u16, u16)| hour * 60 + minute;
        let fixture = Fixture::without_baseline(in_hours(zone, minutes(from), minutes(to))).await;
        fixture.clock.set(instant(decided));
        fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
        fixture.hot_lead("jane@acme.example", "A call, please.");
        while sent(&fixture).is_empty() {
            fixture.tick().await;
            let due = fixture.store.next_due("acme").await.unwrap();
            let Some(due) = due else { break };
            // A moment before its time nothing happens.
            fixture.clock.set((due - Duration::from_secs(1)).max(fixture.engine.now()));
            fixture.run_due().await;
            assert_eq!(sent(&fixture), [], "{zone}, decided {decided}");
            fixture.clock.set(due);
        }
        let found: Vec<_> = sent(&fixture).into_iter().map(|(_, at)| at.to_string()).collect();
        assert_eq!(found, [expected], "{zone}, decided {decided}");
    }
}

#[tokio::test]
async fn a_clock_that_jumps_sends_nothing_twice_and_nothing_too_late() {
    let fixture = Fixture::new(FixtureOptions { rules: LATER, ..FixtureOptions::default() }).await;
    let began = fixture.engine.now();
    fixture.hot_lead("jane@acme.example", "A call, please.");
    fixture.tick().await;
    assert_eq!(fixture.states().await, [(Reply, ActionState::Waiting, Some("after"))]);

    // A day back, an hour long: its time has not come.
    for minutes in [0, 3, 60] {
        fixture.clock.set(began - DAY + minutes * MINUTE);
        fixture.tick().await;
        assert_eq!(sent(&fixture), []);
    }
    // And forward again: it is sent, once, whatever the clock does then.
    for now in [began + 3 * MINUTE, began + 4 * MINUTE, began - DAY, began + DAY, began - 2 * DAY, began + 30 * DAY] {
        fixture.clock.set(now);
        fixture.tick().await;
        fixture.run_due().await;
        assert_eq!(sent(&fixture), [("jane@acme.example".to_owned(), began + 3 * MINUTE)]);
    }
    assert_eq!(fixture.states().await, [(Reply, ActionState::Done, None)]);
}

#[tokio::test]
async fn a_clock_that_jumps_a_week_ahead_leaves_the_reply_to_a_person() {
    let fixture = Fixture::new(FixtureOptions { rules: LATER, ..FixtureOptions::default() }).await;
    fixture.hot_lead("jane@acme.example", "A call, please.");
    fixture.tick().await;
    fixture.clock.advance(7 * DAY + MINUTE);
    fixture.tick().await;
    assert_eq!(fixture.states().await, [(Reply, ActionState::Held, Some("too_old"))]);
    // The clock is put right: it stays held, until somebody says so.
    fixture.clock.set(fixture.engine.now() - 7 * DAY + 5 * MINUTE);
    fixture.tick().await;
    assert_eq!(fixture.states().await, [(Reply, ActionState::Held, Some("too_old"))]);
    assert_eq!(sent(&fixture), []);
    fixture.engine.operator().approve(&fixture.actions().await[0].id, None).await.unwrap();
    fixture.run_due().await;
    assert_eq!(sent(&fixture).len(), 1);
}

#[tokio::test]
async fn an_unclear_reply_is_not_repeated_when_the_clock_jumps() {
    for (jump, forward) in [(DAY, false), (DAY, true), (30 * DAY, true), (Duration::from_secs(7), false)] {
        let setting = FixtureOptions::default();
        let mut fixture = Fixture::new(FixtureOptions::default()).await;
        fixture.hot_lead("jane@acme.example", "Give me a call.");
        fixture.simulator.faults().next(Endpoint::Reply, 1, Fault::CloseBefore);
        fixture.tick().await;
        assert_eq!(fixture.states().await[0].1, ActionState::Unknown);
        let now = fixture.engine.now();
        fixture.clock.set(if forward { now + jump } else { now - jump });
        fixture = fixture.restart(&setting).await;
        let mut steps = 0;
        while let Some(due) = fixture.store.next_due("acme").await.unwrap() {
            fixture.clock.set(due.max(fixture.engine.now()));
            fixture.run_due().await;
            steps += 1;
            assert!(steps < 100, "{:?}", fixture.states().await);
        }
        assert_eq!(fixture.states().await[0], (Reply, ActionState::Quarantined, Some("ambiguous")));
        let posts = fixture.requests().iter().filter(|request| *request == "POST reply").count();
        assert_eq!(posts, 1, "{jump:?} forward: {forward}");
    }
}

#[tokio::test]
async fn limits_count_over_restarts_and_clocks_that_jump() {
    const LIMITED: &str = only!("{ reply: { text: Hello., limit: 2 per 1h } }");
    let setting = FixtureOptions { rules: LIMITED, ..FixtureOptions::default() };
    let mut fixture = Fixture::new(FixtureOptions { rules: LIMITED, ..FixtureOptions::default() }).await;
    for lead in 0..5 {
        fixture.hot_lead(&format!("lead{lead}@acme.example"), "A call, please.");
    }
    for minute in 0..3 * 60 {
        fixture.tick().await;
        if minute % 20 == 0 {
            fixture = fixture.restart(&setting).await;
        }
        fixture.clock.advance(MINUTE);
    }
    let times: Vec<_> = sent(&fixture).into_iter().map(|(_, at)| at).collect();
    assert_eq!(times.len(), 5, "{times:?}");
    for three in times.windows(3) {
        assert!(three[2].duration_since(three[0]).as_secs() >= 3_600, "{times:?}");
    }

    // What left in a future that was none still counts.
    for lead in 5..8 {
        fixture.hot_lead(&format!("lead{lead}@acme.example"), "A call, please.");
    }
    fixture.tick().await;
    let count = sent(&fixture).len();
    fixture.clock.set(fixture.engine.now() - DAY);
    for _ in 0..30 {
        fixture.tick().await;
        fixture.clock.advance(MINUTE);
    }
    assert_eq!(sent(&fixture).len(), count, "the window is full");
    fixture.clock.advance(DAY + 60 * MINUTE);
    fixture.tick().await;
    assert_eq!(sent(&fixture).len(), 8);
}

#[tokio::test]
async fn retries_are_counted_over_restarts() {
    const FORWARD: &str = only!("{ slack: sales }");
    let setting = FixtureOptions { rules: FORWARD, ..FixtureOptions::default() };
    let mut fixture = Fixture::new(FixtureOptions { rules: FORWARD, ..FixtureOptions::default() }).await;
    fixture.hot_lead("jane@acme.example", "A call, please.");
    fixture.simulator.faults().always(Endpoint::SlackWebhook, Fault::Status(503, String::new()));
    fixture.tick().await;
    for (tries, wait) in [(1, 2), (2, 20), (3, 300)] {
        assert_eq!(
            fixture.states().await,
            [(ActionKind::Forward(DestinationKind::Slack), ActionState::Retrying, Some("refused"))]
        );
        assert_eq!(fixture.simulator.received().calls(), tries);
        fixture = fixture.restart(&setting).await;
        fixture.run_due().await;
        fixture.clock.advance(Duration::from_secs(wait - 1));
        fixture.run_due().await;
        assert_eq!(fixture.simulator.received().calls(), tries, "not before its time");
        fixture.clock.advance(Duration::from_secs(1));
        fixture.run_due().await;
    }
    assert_eq!(
        fixture.states().await,
        [(ActionKind::Forward(DestinationKind::Slack), ActionState::Failed, Some("refused"))]
    );
    assert_eq!(fixture.simulator.received().calls(), 4);
}

#[tokio::test]
async fn a_limit_that_is_used_up_is_no_try() {
    // (what waits for the limit, at which request, the one that goes wrong otherwise then, and what follows)
    let cases = [
        (only!("{ reply: { text: Hello. } }"), Endpoint::Reply, Endpoint::Messages, ActionState::Waiting),
        (only!("mark_read"), Endpoint::Read, Endpoint::Read, ActionState::Retrying),
        (only!("star"), Endpoint::Star, Endpoint::Star, ActionState::Retrying),
        (only!("star"), Endpoint::Star, Endpoint::Thread, ActionState::Waiting),
    ];
    for (rules, limited, then, state) in cases {
        let setting = FixtureOptions { rules, ..FixtureOptions::default() };
        let mut fixture = Fixture::new(FixtureOptions { rules, ..FixtureOptions::default() }).await;
        fixture.hot_lead("jane@acme.example", "A call, please.");
        fixture.simulator.faults().next(limited, 5, Fault::Status(429, String::new()));
        for _ in 0..5 {
            fixture.tick().await;
            assert_eq!(fixture.states().await[0].1, ActionState::Waiting, "{rules}");
            // The client keeps away from the API by the machine's clock; a new one need not.
            fixture = fixture.restart(&setting).await;
            fixture.clock.advance(MINUTE);
        }
        fixture.simulator.faults().next(then, 1, Fault::Status(503, String::new()));
        fixture.run_due().await;
        assert_eq!(fixture.states().await[0].1, state, "{rules}");
        fixture.clock.advance(MINUTE);
        fixture.run_due().await;
        assert_eq!(fixture.states().await[0].1, ActionState::Done, "{rules}");
    }
}

#[tokio::test]
async fn while_the_api_is_down_a_reply_that_waits_asks_twice_a_minute() {
    let fixture = Fixture::new(FixtureOptions { rules: LATER, ..FixtureOptions::default() }).await;
    fixture.hot_lead("jane@acme.example", "A call, please.");
    fixture.tick().await;
    fixture.simulator.faults().always(Endpoint::Messages, Fault::Status(503, String::new()));
    fixture.requests();
    for _ in 0..600 {
        fixture.clock.advance(Duration::from_secs(1));
        fixture.run_due().await;
    }
    let count = fixture.requests().len();
    assert!((10..=15).contains(&count), "{count} requests in the seven minutes since its time came");
    fixture.simulator.faults().clear();
    fixture.clock.advance(MINUTE);
    fixture.run_due().await;
    assert_eq!(fixture.states().await, [(Reply, ActionState::Done, None)]);
}
