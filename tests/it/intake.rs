//! Which mail is new and which workspace it belongs to: first starts that go wrong, lists in any order, other accounts.

mod accounts;
mod lists;
mod messages;

use crate::stage::{Setting, Stage, safety};
use reply_router::{
    engine::{EngineEvent, EngineEventKind, Safety},
    model::ActionState,
    simulator::{Inbox, Options},
    store::{DecisionFilter, DecisionRecord, Store},
};
use tokio::sync::broadcast::Receiver;

/// Answers whoever writes.
const ALL: &str = "version: 1\nrules:\n  - { name: all, when: always, then: [{ reply: { text: Hello. } }] }\n";

fn setting(inbox: Inbox) -> Setting {
    Setting {
        rules: ALL,
        options: Options { inbox, ..Options::for_tests() },
        safety: Safety { replies_per_hour: 1_000_000, ..safety() },
        ..Setting::default()
    }
}

fn replies(stage: &Stage) -> usize {
    stage.simulator.workspace().accepted_replies().len()
}

/// As [`Stage::round`], until nothing is left to be decided or done.
async fn rounds(stage: &Stage) {
    stage.round().await;
    while !stage.engine.handle_pending(stage.workspace()).await.unwrap().decisions.is_empty() {}
    while stage.store.next_due(stage.workspace().name()).await.unwrap().is_some_and(|due| due <= stage.engine.now()) {
        stage.run_due().await;
    }
}

async fn decisions(stage: &Stage) -> Vec<DecisionRecord> {
    stage.store.decisions(&DecisionFilter { limit: 10_000, ..DecisionFilter::default() }).await.unwrap()
}

async fn held(stage: &Stage, code: &str) -> usize {
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
