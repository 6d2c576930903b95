//! Which mail is new and which workspace it belongs to: first starts that go wrong, lists in any order, other accounts.

mod accounts;
mod lists;
mod messages;

use crate::fixture::{Fixture, FixtureOptions, safety};
use reply_router::store::prelude::*;
use reply_router::{
    engine::{EngineEvent, EngineEventKind},
    model::{ActionState, Safety},
    simulator::{Inbox, Options},
    store::{DecisionFilter, DecisionRecord},
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

fn replies(fixture: &Fixture) -> usize {
    fixture.simulator.workspace().accepted_replies().len()
}

/// As [`Stage::round`], until nothing is left to be decided or done.
async fn rounds(fixture: &Fixture) {
    fixture.tick().await;
    while !fixture.engine.intake().handle_pending(fixture.workspace()).await.unwrap().decisions.is_empty() {}
    while fixture
        .store
        .next_due(fixture.workspace().name())
        .await
        .unwrap()
        .is_some_and(|due| due <= fixture.engine.now())
    {
        fixture.run_due().await;
    }
}

async fn decisions(fixture: &Fixture) -> Vec<DecisionRecord> {
    fixture.store.decisions(&DecisionFilter { limit: 10_000, ..DecisionFilter::default() }).await.unwrap()
}

async fn held(fixture: &Fixture, code: &str) -> usize {
    let states = fixture.states().await;
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
