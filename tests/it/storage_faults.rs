//! Faults of the ground that the service stands on: a disk that is full, a store that cannot be written, is locked or is
//! damaged. Nothing leaves without its intent on disk, and what can recover does so by itself.

mod damaged;
mod full;
mod locked;
mod unwritable;

use crate::{
    cli_fixture::{CliFixture, EVERYTHING, PATIENCE},
    service_process::ServiceProcess,
};
use reply_router::store::prelude::*;
use reply_router::{
    model::{Action, ActionKind, ActionState, DestinationKind},
    store::{ActionFilter, SqlStore},
};
use std::path::PathBuf;

const KINDS: usize = 6;

/// A place whose inbox the program has noted, and its store.
async fn noted(rules: &str) -> CliFixture {
    let place = CliFixture::new(rules).await;
    place.run(&["run", "--once"]).await.assert_exit(0);
    place
}

fn store_file(place: &CliFixture) -> PathBuf {
    place.path().join("reply-router.db")
}

/// What the store says, looked at from beside the service.
async fn actions(place: &CliFixture) -> Vec<Action> {
    let store = SqlStore::open_read_only(&store_file(place)).await.unwrap();
    let found = store.actions(&ActionFilter { limit: 1_000, ..ActionFilter::default() }).await.unwrap();
    store.close().await;
    found
}

/// What has left so far, of every kind.
fn left(place: &CliFixture) -> Vec<(ActionKind, usize)> {
    let simulator = &place.simulator;
    let asked = |end: &str| place.write_requests().iter().filter(|request| request.ends_with(end)).count();
    vec![
        (ActionKind::Reply, asked("/reply")),
        (ActionKind::Star, asked("/star")),
        (ActionKind::MarkRead, asked("/read")),
        (ActionKind::Forward(DestinationKind::Slack), simulator.slack().len()),
        (ActionKind::Forward(DestinationKind::Email), simulator.mail().len()),
        (ActionKind::Forward(DestinationKind::Webhook), simulator.webhooks().len()),
    ]
}

/// Of each kind no more has left than the store has intents for.
async fn nothing_left_without_its_intent(place: &CliFixture) {
    // What leaves between the two looks has an intent that the second one sees.
    let left = left(place);
    let actions = actions(place).await;
    for (kind, requests) in left {
        let tried = |action: &&Action| action.state == ActionState::InFlight || !action.attempts.is_empty();
        let intents = actions.iter().filter(|action| action.kind == kind).filter(tried).count();
        assert!(requests <= intents, "{requests} requests of {kind}, {intents} intents");
    }
}

/// Waits until each lead's thread is marked as read, which is last; ends the service; all was done exactly once.
async fn done_exactly_once(place: &CliFixture, service: ServiceProcess, threads: &[String]) {
    read(place, threads).await;
    service.terminate().await.assert_exit(0);
    let actions = actions(place).await;
    assert_eq!(actions.len(), threads.len() * KINDS);
    assert!(actions.iter().all(|action| action.state == ActionState::Done), "{actions:#?}");
    assert!(left(place).iter().all(|(_, requests)| *requests == threads.len()), "{:?}", left(place));
    let accepted = place.simulator.workspace().accepted_replies();
    assert!(threads.iter().all(|thread| accepted.iter().filter(|reply| reply.thread_id == *thread).count() == 1));
}

async fn read(place: &CliFixture, threads: &[String]) {
    let workspace = place.simulator.workspace();
    let all_read =
        workspace.wait_until(PATIENCE, |now| threads.iter().all(|thread| now.thread(thread).unwrap().is_read)).await;
    assert!(all_read, "{:#?}", actions(place).await);
}
