//! At every named place between two steps.

use super::{
    KILLS,
    field::{Field, KINDS, Spot},
};
use reply_router::{
    model::{ActionKind, ActionState},
    simulator::{Endpoint, Fault},
};

/// Kills at one step of each kind. The kinds of `again` reach the step once more for the lead of the kill before.
async fn killed_at(step: &str, again: &[ActionKind], reply_ends: ActionState) {
    let spot = |kind: &ActionKind| {
        let reply_ends = Some(reply_ends).filter(|_| *kind == ActionKind::Reply);
        Spot { reply_ends, ..Spot::new(kind.as_str()) }
    };
    let mut field = Field::new(KINDS.iter().map(spot).collect()).await;
    for number in 0..KILLS {
        field.hot_leads();
        let places = field.spots.iter().zip(KINDS).map(|((spot, _), kind)| {
            let count = if number > 0 && again.contains(&kind) { 2 } else { 1 };
            format!("{step}:{kind}:{count}:{}", spot.name)
        });
        let mut service = field.start(&places.collect::<Vec<_>>().join(",")).await;
        for _ in KINDS {
            service.until("standing still").await;
        }
        service.kill();
    }
    field.end(step).await;
}

#[tokio::test]
async fn before_the_intent() {
    killed_at("guarded", &KINDS, ActionState::Done).await;
}

#[tokio::test]
async fn between_intent_and_request() {
    let again: Vec<_> = KINDS.into_iter().filter(|kind| *kind != ActionKind::Reply).collect();
    killed_at("intent_written", &again, ActionState::Quarantined).await;
}

#[tokio::test]
async fn between_answer_and_outcome() {
    // A reply is looked for and found, a star is read back: neither is asked for again.
    let again = [ActionKind::Slack, ActionKind::Email, ActionKind::Webhook, ActionKind::MarkRead];
    killed_at("answered", &again, ActionState::Done).await;
}

#[tokio::test]
async fn after_the_outcome() {
    killed_at("outcome_written", &[], ActionState::Done).await;
}

/// Kills at a step of the intake; `again` as above.
async fn killed_at_intake(step: &str, again: bool) {
    let mut field = Field::new(vec![Spot::new("intake")]).await;
    for number in 0..KILLS {
        field.hot_leads();
        let count = if number > 0 && again { 2 } else { 1 };
        let mut service = field.start(&format!("{step}::{count}")).await;
        service.until("standing still").await;
        service.kill();
    }
    field.end(step).await;
}

#[tokio::test]
async fn when_rows_are_in_line() {
    killed_at_intake("rows_queued", false).await;
}

#[tokio::test]
async fn when_the_rules_have_spoken() {
    killed_at_intake("judged", true).await;
}

#[tokio::test]
async fn when_the_decision_is_written() {
    killed_at_intake("decision_written", false).await;
}

/// The API accepts and gives no answer; the program is killed when it has seen the reply in the thread.
#[tokio::test]
async fn after_an_unclear_reply_was_looked_for() {
    let mut field = Field::new(vec![Spot { reply_ends: Some(ActionState::Done), ..Spot::new("reply") }]).await;
    for number in 0..KILLS {
        field.hot_leads();
        field.spots[0].1.faults().next(Endpoint::Reply, 1, Fault::CloseAfter);
        let count = if number > 0 { 2 } else { 1 };
        let mut service = field.start(&format!("looked_for:reply:{count}")).await;
        service.until("standing still").await;
        service.kill();
    }
    field.end("looked_for").await;
}
