//! At every failpoint.

use super::{
    KILLS,
    fixture::{CrashFixture, KINDS, KillPoint},
};
use reply_router::{
    engine::{Failpoint, Mutation},
    model::{ActionKind, ActionState, DestinationKind},
    simulator::{Endpoint, Fault},
};
use std::time::Duration;

/// The place of each kind, one workspace for each.
fn spots(reply_ends: ActionState) -> Vec<KillPoint> {
    let spot = |kind: &ActionKind| {
        let reply_ends = Some(reply_ends).filter(|_| *kind == ActionKind::Reply);
        KillPoint { reply_ends, ..KillPoint::new(kind.as_str()) }
    };
    KINDS.iter().map(spot).collect()
}

/// Kills at a failpoint of each kind. The kinds of `again` reach it once more for the lead of the kill before.
async fn kill_at(field: &mut CrashFixture, failpoint: Failpoint, again: &[ActionKind], kills: usize) {
    for number in 0..kills {
        field.hot_leads();
        let places = field.spots.iter().zip(KINDS).map(|((spot, _), kind)| {
            let count = if number > 0 && again.contains(&kind) { 2 } else { 1 };
            format!("{failpoint:?}:{kind}:{count}:{}", spot.name)
        });
        let mut service = field.start(&places.collect::<Vec<_>>().join(",")).await;
        for _ in KINDS {
            service.wait_for_log("stopped at a failpoint").await;
        }
        service.kill();
    }
}

async fn killed_at(failpoint: Failpoint, again: &[ActionKind], reply_ends: ActionState) {
    let mut field = CrashFixture::new(spots(reply_ends)).await;
    kill_at(&mut field, failpoint, again, KILLS).await;
    field.end(failpoint.as_str()).await;
}

#[tokio::test]
async fn before_the_intent() {
    killed_at(Failpoint::GuardPassed, &KINDS, ActionState::Done).await;
}

#[tokio::test]
async fn between_intent_and_request() {
    let again: Vec<_> = KINDS.into_iter().filter(|kind| *kind != ActionKind::Reply).collect();
    killed_at(Failpoint::IntentWritten, &again, ActionState::Quarantined).await;
}

#[tokio::test]
async fn between_answer_and_outcome() {
    // A reply is looked for and found, a star is read back: neither is asked for again.
    let again = [
        ActionKind::Forward(DestinationKind::Slack),
        ActionKind::Forward(DestinationKind::Email),
        ActionKind::Forward(DestinationKind::Webhook),
        ActionKind::MarkRead,
    ];
    killed_at(Failpoint::ResponseReceived, &again, ActionState::Done).await;
}

#[tokio::test]
async fn after_the_outcome() {
    killed_at(Failpoint::OutcomeWritten, &[], ActionState::Done).await;
}

/// Kills at a failpoint of the intake; `again` as above.
async fn killed_at_intake(failpoint: Failpoint, again: bool) {
    let mut field = CrashFixture::new(vec![KillPoint::new("intake")]).await;
    for number in 0..KILLS {
        field.hot_leads();
        let count = if number > 0 && again { 2 } else { 1 };
        let mut service = field.start(&format!("{failpoint:?}::{count}")).await;
        service.wait_for_log("stopped at a failpoint").await;
        service.kill();
    }
    field.end(failpoint.as_str()).await;
}

#[tokio::test]
async fn when_rows_are_in_line() {
    killed_at_intake(Failpoint::RowsQueued, false).await;
}

#[tokio::test]
async fn when_the_rules_have_spoken() {
    killed_at_intake(Failpoint::Evaluated, true).await;
}

#[tokio::test]
async fn when_the_decision_is_written() {
    killed_at_intake(Failpoint::DecisionWritten, false).await;
}

/// The API accepts and gives no answer; the program is killed when it has seen the reply in the thread.
#[tokio::test]
async fn after_an_unclear_reply_was_looked_for() {
    let mut field =
        CrashFixture::new(vec![KillPoint { reply_ends: Some(ActionState::Done), ..KillPoint::new("reply") }]).await;
    for number in 0..KILLS {
        field.hot_leads();
        field.spots[0].1.faults().next(Endpoint::Reply, 1, Fault::CloseAfter);
        let count = if number > 0 { 2 } else { 1 };
        let mut service = field.start(&format!("ReplyLookedUp:reply:{count}")).await;
        service.wait_for_log("stopped at a failpoint").await;
        service.kill();
    }
    field.end("ReplyLookedUp").await;
}

/// The checker is checked: with these mutations one kill at each kind shows them.
#[tokio::test]
async fn a_mutation_is_noticed() {
    for (mutation, failpoint, reply_ends, sign) in [
        (Mutation::SkipRecovery, Failpoint::ResponseReceived, ActionState::Done, "the reply is in_flight"),
        (Mutation::LateIntent, Failpoint::ResponseReceived, ActionState::Done, "2 replies were accepted"),
        (Mutation::RetryAbsent, Failpoint::IntentWritten, ActionState::Quarantined, "the reply is lost"),
        (
            Mutation::AlwaysMarkRead,
            Failpoint::IntentWritten,
            ActionState::Quarantined,
            "mark_read is done, the thread read: true",
        ),
    ] {
        // What was sent shows late, so that no guard sees it and hides the mutation.
        let lag = Duration::from_secs(60);
        let spots = spots(reply_ends).into_iter().map(|spot| KillPoint { lag, ..spot });
        let mut field = CrashFixture::new(spots.collect()).await;
        field.mutation = Some(mutation);
        kill_at(&mut field, failpoint, &[], 1).await;
        let wrong = field.violations(mutation.as_str()).await;
        assert!(wrong.iter().any(|found| found.contains(sign)), "{mutation:?}:\n{}", wrong.join("\n"));
    }
}
