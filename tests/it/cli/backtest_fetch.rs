//! `backtest --fetch`: what events lack is read from ColdSend, within its limits, and kept.

use super::{
    backtest::{BEFORE, leads, play, played},
    cli_fixture::{CliFixture, CommandOutput, PATIENCE, binary, run, signal},
};
use crate::{
    service_process::{SERVICE, ServiceProcess},
    stores::SERVER,
};
use reply_router::simulator::{Endpoint, Fault};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn what_events_lack_is_read_once_and_kept() {
    let place = played(BEFORE).await;
    place.write(
        "rules/rules.yaml",
        &BEFORE.replace("{ category: not_interested }", "{ category: not_interested, body: meeting }"),
    );
    let requests = || place.simulator.workspace().requests().len();
    let before = requests();
    let args = ["backtest", "--fetch", "--format", "json"];
    let ran = place.run(&args).await.assert_exit(0);
    assert_eq!(requests() - before, 2, "the messages of two threads: {}", ran.err);
    for note in
        ["2 events have less than the rules need: reading that takes at least 2 requests", "read 2 of 2 threads"]
    {
        assert!(ran.err.contains(note), "{note}: {ran:?}");
    }
    let found = ran.json();
    assert_eq!((&found["events"], &found["lacking_events"], &found["changed"]), (&json!(9), &json!(0), &json!(1)));
    assert_eq!(leads(&found), ["gus@gus.example".to_owned()].into());
    // It is with the events from now on.
    let again = place.run(&args).await.assert_exit(0);
    assert!(again.err.contains("No event lacks anything"), "{again:?}");
    assert_eq!(requests() - before, 2);
    assert_eq!(place.run(&["backtest", "--format", "json"]).await.assert_exit(0).json()["lacking_events"], json!(0));
    let exported = place.run(&["events", "export"]).await.assert_exit(0).out;
    assert!(exported.lines().all(|line| !line.contains("\"messages\":null")), "{exported}");
    // What was decided is told as before, though more is known by now.
    let told = place.run(&["explain", "fay@fay.example"]).await;
    assert!(!told.out.contains("reads the event differently"), "{told:?}");

    let ci = tempfile::tempdir().unwrap();
    std::fs::write(ci.path().join("rules.yaml"), BEFORE).unwrap();
    std::fs::write(ci.path().join("events.jsonl"), exported).unwrap();
    let args = ["backtest", "--rules", "rules.yaml", "--against", "rules.yaml", "--from", "events.jsonl", "--fetch"];
    let refused = run(binary(ci.path(), &args)).await.assert_exit(1);
    assert!(refused.err.contains("--fetch needs the configuration"), "{refused:?}");
    let refused = place.run(&["backtest", "--fetch", "--from", "-"]).await.assert_exit(1);
    assert!(refused.err.contains("name a file instead of standard input"), "{refused:?}");
}

#[tokio::test]
async fn what_is_read_beside_a_running_service_serves_once() {
    let place = played(BEFORE).await;
    let service = ServiceProcess::start(place.command(SERVICE)).await;
    place.write(
        "new/rules.yaml",
        &BEFORE.replace("{ category: not_interested }", "{ category: not_interested, body: meeting }"),
    );
    let args = ["backtest", "--rules", "new", "--fetch", "--format", "json"];
    let ran = place.run(&args).await.assert_exit(0);
    assert_eq!(ran.json()["lacking_events"], json!(0));
    assert!(ran.err.contains("a service has the store"), "{ran:?}");
    drop(service);
}

/// Rules that need the messages of two events more than those of before.
fn needing() -> String {
    BEFORE.replace("{ category: not_interested }", "{ category: not_interested, body: meeting }")
}

/// What is read of messages from here on.
struct Counted<'a> {
    place: &'a CliFixture,
    before: usize,
}

impl<'a> Counted<'a> {
    fn new(place: &'a CliFixture) -> Self {
        Self { place, before: place.simulator.workspace().requests().len() }
    }

    fn requests(&self) -> usize {
        self.place.simulator.workspace().requests().len() - self.before
    }
}

fn assert_compared(ran: CommandOutput) {
    let found = ran.assert_exit(0).json();
    assert_eq!((&found["events"], &found["lacking_events"], &found["changed"]), (&json!(9), &json!(0), &json!(1)));
}

const FETCH: [&str; 4] = ["backtest", "--fetch", "--format", "json"];

#[tokio::test]
async fn reading_waits_where_the_limit_is_used_up_and_loses_nothing() {
    let place = played(BEFORE).await;
    place.write("rules/rules.yaml", &needing());
    let counted = Counted::new(&place);
    let later = Fault::Respond {
        status: 429,
        headers: vec![("Retry-After".to_owned(), "1".to_owned())],
        body: r#"{"error":"Too many requests"}"#.to_owned(),
    };
    place.simulator.faults().next(Endpoint::Messages, 3, later);
    let began = Instant::now();
    let ran = place.run(&FETCH).await;
    assert!(began.elapsed() >= Duration::from_secs(3), "{ran:?}");
    assert!(ran.err.contains("ColdSend's limit is used up: the reading goes on in 1s"), "{ran:?}");
    assert!(ran.err.contains("read 2 of 2 threads"), "{ran:?}");
    assert_eq!(counted.requests(), 5, "three that were refused and two");
    assert_compared(ran);
    assert_compared(place.run(&["backtest", "--format", "json"]).await);
    assert_eq!(counted.requests(), 5);
}

#[tokio::test]
async fn a_key_that_is_refused_ends_the_reading_at_once() {
    let place = played(BEFORE).await;
    place.write("rules/rules.yaml", &needing());
    let counted = Counted::new(&place);
    place.simulator.faults().always(Endpoint::Messages, Fault::Status(401, "{}".to_owned()));
    let ran = place.run(&FETCH).await.assert_exit(1);
    assert!(ran.err.contains("What was read of 0 threads before is kept"), "{ran:?}");
    assert_eq!(counted.requests(), 1);
}

/// The first thread is read, the second one is not answered when somebody ends the command.
async fn interrupted(place: &CliFixture) {
    place.write("rules/rules.yaml", &needing());
    let counted = Counted::new(place);
    let faults = place.simulator.faults();
    faults.next(Endpoint::Messages, 1, Fault::Delay(Duration::from_millis(1)));
    faults.next(Endpoint::Messages, 1, Fault::Hang);
    let child = place.command(&FETCH).spawn().unwrap();
    let began = Instant::now();
    while counted.requests() < 2 {
        assert!(began.elapsed() < PATIENCE, "{} requests", counted.requests());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Ctrl-C would be ignored where a shell runs the tests in its background.
    signal("-TERM", child.id());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    faults.clear();
    let ran = place.run(&FETCH).await;
    assert!(ran.err.contains("1 event has less than the rules need"), "{ran:?}");
    assert_eq!(counted.requests(), 3, "one that was read, one that was cut off, and that one again");
    assert_compared(ran);
    let ran = place.run(&FETCH).await;
    assert!(ran.err.contains("No event lacks anything"), "{ran:?}");
    assert_eq!(counted.requests(), 3);
}

#[tokio::test]
async fn what_was_read_before_an_interruption_is_kept() {
    interrupted(&played(BEFORE).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_before_an_interruption_is_kept_on_a_server() {
    let database = format!("fetch{}", std::process::id());
    let store = tokio::task::spawn_blocking(move || SERVER.database(&database)).await.unwrap();
    let place = CliFixture::new(BEFORE).await;
    place.write("reply-router.yaml", &place.configuration(&format!("store: \"{store}\"\n")));
    play(&place).await;
    interrupted(&place).await;
}
