//! The commands that act, once.

use super::cli_fixture::{CliFixture, EVERYTHING};
use reply_router::simulator::{Endpoint, Fault};

#[tokio::test]
async fn the_main_job_in_one_pass() {
    let place = CliFixture::new(EVERYTHING).await;
    let old = place.hot_lead("old@acme.example");
    place.run(&["run", "--once"]).await.assert_exit(0).assert_prints(&["first start", "are left alone"]);
    assert_eq!(place.write_requests(), [""; 0], "the first start acts on nothing");

    let hot = place.hot_lead("jane@acme.example");
    place.run(&["run", "--once"]).await.assert_exit(0).assert_prints(&[
        "jane@acme.example: book-a-call",
        "reply done",
        "mark_read done",
    ]);
    let workspace = place.simulator.workspace();
    let replies = workspace.accepted_replies();
    let [reply] = replies.as_slice() else { panic!("{replies:?}") };
    assert_eq!((&reply.thread_id, reply.body.as_deref()), (&hot, Some("Hi Jane, here is my calendar.")));
    let thread = workspace.thread(&hot).unwrap();
    assert!(thread.is_starred && thread.is_read, "{thread:?}");
    let old = workspace.thread(&old).unwrap();
    assert!(!old.is_starred && !old.is_read, "{old:?}");
    let simulator = &place.simulator;
    assert_eq!((simulator.slack().len(), simulator.mail().len(), simulator.webhooks().len()), (1, 1, 1));

    // Nothing is done twice.
    workspace.clear_requests();
    place.run(&["run", "--once"]).await.assert_exit(0);
    assert_eq!(place.write_requests(), [""; 0]);
}

#[tokio::test]
async fn a_pass_that_failed_ends_with_1() {
    let place = CliFixture::new(EVERYTHING).await;
    place.run(&["run", "--once"]).await.assert_exit(0);
    place.hot_lead("jane@acme.example");
    place.simulator.faults().next(Endpoint::Reply, 1, Fault::Status(422, r#"{"detail":"no such inbox"}"#.to_owned()));
    let ran = place.run(&["run", "--once"]).await.assert_exit(1);
    assert!(ran.err.contains("reply of rule book-a-call failed") && ran.err.contains("no such inbox"), "{}", ran.err);
    place.simulator.faults().always(Endpoint::List, Fault::Status(401, r#"{"detail":"Invalid API key"}"#.to_owned()));
    let ran = place.run(&["run", "--once"]).await.assert_exit(1);
    assert!(ran.err.contains("api_key"), "{}", ran.err);
}

#[tokio::test]
async fn apply_acts_on_what_is_there_once() {
    let place = CliFixture::new(EVERYTHING).await;
    let hot = place.hot_lead("jane@acme.example");
    let ran = place.run(&["apply"]).await.assert_exit(1).assert_prints(&["jane@acme.example", "book-a-call"]);
    assert!(ran.err.contains("--yes"), "{}", ran.err);
    assert_eq!(place.write_requests(), [""; 0], "nobody said yes");

    place
        .run(&["apply", "--yes"])
        .await
        .assert_exit(0)
        .assert_prints(&["jane@acme.example: reply done", "1 thread, 6 actions"]);
    place.run(&["apply", "--yes", "--thread", &hot]).await.assert_exit(0);
    place.run(&["run", "--once"]).await.assert_exit(0);
    assert_eq!(place.simulator.workspace().accepted_replies().len(), 1);
    assert!(place.simulator.workspace().thread(&hot).unwrap().is_starred);
}
