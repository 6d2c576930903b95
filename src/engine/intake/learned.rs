//! What intake has stored already of what it learned from threads, so that it is not written again.

use crate::store::CampaignStep;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// More steps than this are forgotten at once: they are only there to save reads of the store.
const REMEMBERED: usize = 1_000;

/// What is in the store already, so that it is not written again.
#[derive(Debug, Default)]
pub(in crate::engine) struct Learned {
    own_addresses: Mutex<HashSet<String>>,
    /// Messages of campaigns that were stored, or need not be.
    steps: Mutex<HashSet<String>>,
    /// The stored steps, as they were last read.
    known_steps: Mutex<Option<Arc<[CampaignStep]>>>,
}

impl Learned {
    pub(super) fn is_new_own_address(&self, address: &str) -> bool {
        !locked(&self.own_addresses).contains(address)
    }

    pub(super) fn record_own_addresses(&self, addresses: Vec<String>) {
        locked(&self.own_addresses).extend(addresses);
    }

    pub(super) fn is_new_step(&self, message: &str) -> bool {
        !locked(&self.steps).contains(message)
    }

    /// The stored steps, if nothing was added since they were read.
    pub(super) fn steps(&self) -> Option<Arc<[CampaignStep]>> {
        locked(&self.known_steps).clone()
    }

    pub(super) fn record_known_steps(&self, steps: Vec<CampaignStep>) -> Arc<[CampaignStep]> {
        Arc::clone(locked(&self.known_steps).insert(steps.into()))
    }

    pub(super) fn forget_known_steps(&self) {
        locked(&self.known_steps).take();
    }

    pub(super) fn record_steps(&self, messages: impl Iterator<Item = String>) {
        let mut steps = locked(&self.steps);
        if steps.len() >= REMEMBERED {
            steps.clear();
        }
        steps.extend(messages);
    }
}

/// Plain values: a panic in between leaves nothing half-done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
