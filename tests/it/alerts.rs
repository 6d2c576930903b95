//! What people are told without asking: once, of one cause, and when it is over.

use crate::stage::{Setting, Stage, Where, safety};
use reply_router::{
    engine::Safety,
    model::{ActionKind, ActionState},
    simulator::{Fault, NewThread},
};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

fn told() -> Safety {
    Safety { alert: Some("sales".to_owned()), ..safety() }
}

/// Waits until so many messages have come to Slack, and gives back all that have.
async fn slack(stage: &Stage, count: usize) -> Vec<String> {
    let received = stage.simulator.received();
    let seen = stage.simulator.workspace();
    let come = seen.wait_until(Duration::from_secs(30), |_| received.slack().len() >= count).await;
    let all: Vec<_> = received.slack().iter().map(|message| format!("{message:?}")).collect();
    assert!(come && all.len() == count, "{count} expected: {all:#?}");
    all
}

#[tokio::test]
async fn forwards_that_fail_are_told_once_an_hour_with_a_count() {
    let rules = "version: 1\nrules: [{ name: tell, when: { category: interested }, then: [webhook: crm] }]\n";
    let stage = Stage::new(Setting { rules, safety: told(), ..Setting::default() }).await;
    stage.simulator.faults().always(Where::Webhook, Fault::Status(400, String::new()));
    for lead in 0..4 {
        stage.hot_lead(&format!("lead{lead}@acme.example"), "A call, please.");
        stage.round().await;
    }
    assert_eq!(stage.states().await, [(ActionKind::Webhook, ActionState::Failed, Some("refused")); 4]);
    let first = slack(&stage, 1).await;
    assert!(first[0].contains("A message to `crm` failed") && first[0].contains("lead0@acme.example"), "{first:#?}");
    stage.engine.watch_queue(stage.workspace()).await.unwrap();
    slack(&stage, 1).await;
    // The rest of them is told when the hour is over, even if nothing fails any more.
    stage.clock.advance(HOUR);
    stage.engine.watch_queue(stage.workspace()).await.unwrap();
    let all = slack(&stage, 2).await;
    assert!(all[1].contains("3 times within the hour") && all[1].contains("lead3@acme.example"), "{all:#?}");
}

#[tokio::test]
async fn a_destination_is_not_told_that_it_fails_itself() {
    let rules = "version: 1\nrules: [{ name: tell, when: { category: interested }, then: [slack: sales] }]\n";
    let stage = Stage::new(Setting { rules, safety: told(), ..Setting::default() }).await;
    let mut events = stage.engine.subscribe();
    stage.simulator.faults().always(Where::SlackWebhook, Fault::Status(404, String::new()));
    stage.hot_lead("jane@acme.example", "A call, please.");
    stage.round().await;
    assert_eq!(stage.states().await, [(ActionKind::Slack, ActionState::Failed, Some("refused"))]);
    let mut alerts = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let reply_router::engine::Happened::Alert(title) = event.what {
            alerts.push(title);
        }
    }
    assert_eq!(alerts, ["A message to `sales` failed (workspace acme)"], "the pages tell it");
    tokio::task::yield_now().await;
    assert_eq!(stage.simulator.received().calls(), 1, "the forward itself, and nothing about it");
}

#[tokio::test]
async fn a_text_that_cannot_be_filled_in_is_told() {
    let stage = Stage::new(Setting { safety: told(), ..Setting::default() }).await;
    for lead in ["jane", "joe"] {
        // Without a name the greeting of the rule has nothing to print.
        let thread = NewThread::new(format!("{lead}@acme.example")).campaign("Q1 Launch").category("interested");
        stage.simulator.workspace().add_thread(thread.message("Give me a call."));
        stage.round().await;
    }
    assert_eq!(stage.states().await[0].1, ActionState::Failed);
    let all = slack(&stage, 1).await;
    assert!(all[0].contains("The reply of rule `book-a-call` failed") && all[0].contains("jane@"), "{all:#?}");
}
