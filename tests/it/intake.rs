//! Which mail is new and which workspace it belongs to: first starts that go wrong, lists in any order, other accounts.

mod accounts;
mod lists;
mod messages;

use crate::fixture::{FixtureOptions, Fixture, safety};
use reply_router::{
    engine::{EngineEvent, EngineEventKind, Safety},
    model::ActionState,
    simulator::{Inbox, Options},
    store::{DecisionFilter, DecisionRecord, Store},
};
use tokio::sync::broadcast::Receiver;

/// Answers whoever writes.
const ALL: &str = "version: 1\nrules:\n  - { name: all, when: always, then: [{ reply: { text: Hello. } }] }\n";

fn setting(inbox: Inbox) -> FixtureOptions {
    FixtureOptions {
        rules: ALL,
        options: Options { inbox, ..Options::for_tests() },
        safety: Safety { replies_per_hour: 1_000_000, ..safety() },
        ..FixtureOptions::default()
    }
}

fn replies(stage: &Fixture) -> usize {
    stage.simulator.workspace().accepted_replies().len()
}

/// As [`Stage::round`], until nothing is left to be decided or done.
async fn rounds(stage: &Fixture) {
    stage.tick().await;
    while !stage.engine.handle_pending(stage.workspace()).await.unwrap().decisions.is_empty() {}
    while stage.store.next_due(stage.workspace().name()).await.unwrap().is_some_and(|due| due <= stage.engine.now()) {
        stage.run_due().await;
    }
}

async fn decisions(stage: &Fixture) -> Vec<DecisionRecord> {
    stage.store.decisions(&DecisionFilter { limit: 10_000, ..DecisionFilter::default() }).await.unwrap()
}

async fn held(stage: &Fixture, code: &str) -> usize {
    let states = stage.states().await;
    states.iter().filter(|(_, state, reason)| *state == ActionState::Held && *reason == Some(code)).count()
}

/// The titles of what was announced since the last call.
fn announced(events: &mut Receiver<EngineEvent>) -> Vec<String> {
    let mut titles = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let EngineEventKind::Alert(title) = event.what {
            titles.push(title);
        }
    }
    titles
}
