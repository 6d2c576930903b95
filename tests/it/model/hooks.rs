//! Stands at the engine's steps: ends the process there, lets the world change there, plants a mistake.

use super::{
    actors::Actors,
    transition::{Interrupt, Interruption},
};
use async_trait::async_trait;
use reply_router::store::prelude::*;
use reply_router::{
    engine::{Failpoint, Mutation, TestHooks},
    model::{Action, ActionState},
    store::{ActionFilter, SqlStore},
};
use std::sync::{Arc, Mutex, Weak};
use tokio::sync::Notify;

pub(crate) struct ModelHooks {
    scene: Arc<Actors>,
    bug: Option<Mutation>,
    waiting_for: Mutex<Option<Interruption>>,
    store: Mutex<Weak<SqlStore>>,
    crash: Notify,
}

impl ModelHooks {
    pub(crate) fn new(scene: Arc<Actors>, bug: Option<Mutation>) -> Self {
        Self { scene, bug, waiting_for: Mutex::default(), store: Mutex::default(), crash: Notify::new() }
    }

    /// The store in which somebody pauses.
    pub(crate) fn attach_store(&self, store: &Arc<SqlStore>) {
        *self.store.lock().unwrap() = Arc::downgrade(store);
    }

    /// Waits for a moment, or for none any more.
    pub(crate) fn arm(&self, moment: Option<Interruption>) {
        *self.waiting_for.lock().unwrap() = moment;
    }

    /// Ends when the process is to die.
    pub(crate) async fn crashed(&self) {
        self.crash.notified().await;
    }

    /// The moment, if it has come.
    fn come(&self, step: Failpoint) -> Option<Interrupt> {
        let mut waiting_for = self.waiting_for.lock().unwrap();
        let moment = waiting_for.as_mut().filter(|moment| moment.step == step)?;
        if moment.nth > 0 {
            moment.nth -= 1;
            return None;
        }
        waiting_for.take().map(|moment| moment.what)
    }
}

#[async_trait]
impl TestHooks for ModelHooks {
    async fn hit(&self, step: Failpoint, action: Option<&Action>) {
        let Some(what) = self.come(step) else { return };
        let thread = match action {
            Some(action) => Some(action.thread_id.clone()),
            None => self.scene.nth_thread(0).map(|thread| thread.id),
        };
        match (what, thread) {
            (Interrupt::Crash, _) => {
                self.crash.notify_one();
                std::future::pending().await
            }
            (Interrupt::OperatorPauses, _) => {
                let store = self.store.lock().unwrap().upgrade().unwrap();
                store.pause(None, "a person paused it", None, self.scene.clock.now()).await.unwrap();
                let states = vec![ActionState::InFlight];
                let in_flight = ActionFilter { states, limit: 1_000, ..ActionFilter::default() };
                let on_their_way = store.actions(&in_flight).await.unwrap().len();
                let mut journal = self.scene.journal.lock().unwrap();
                journal.paused_at = Some(self.scene.clock.now());
                journal.on_their_way = on_their_way;
            }
            (Interrupt::SequenceSends, Some(thread)) => self.scene.sequence_sends(&thread),
            (Interrupt::PersonAnswers, Some(thread)) => self.scene.person_answers(&thread),
            (Interrupt::LeadWrites(topic), Some(thread)) => self.scene.lead_writes(&thread, topic),
            (Interrupt::StarToggled, Some(thread)) => self.scene.toggle_star(&thread),
            (_, None) => {}
        }
    }

    fn is_mutated(&self, mistake: Mutation) -> bool {
        self.bug == Some(mistake)
    }
}
