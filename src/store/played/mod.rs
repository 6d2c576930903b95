//! The store of a play: plain memory.
//!
//! Events of the past that are played again ask the store as often as the service does, and nothing of it outlives the play.
//! So what is asked while events are decided and actions carried out is answered from maps here, as the SQL of
//! [`SqlStore`](super::SqlStore) would: a test has both answer the same jobs. Nobody asks a play for pages, counts or leases:
//! that is refused.
//!
//! | file | holds |
//! |---|---|
//! | `records` | threads, decisions and actions, and the ways to find them |
//! | `threads`, `decisions`, `actions`, `controls` | the traits that a play asks |
//! | `facts` | what is asked before an action leaves |
//! | `refused` | the traits that it does not |

mod actions;
mod controls;
mod decisions;
mod facts;
mod records;
mod refused;
mod threads;

use super::StoreError;
use controls::Switches;
use jiff::Timestamp;
use records::Records;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The store of a play; one task uses it.
#[derive(Debug, Default)]
pub struct PlayedStore(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    records: Records,
    switches: Switches,
    /// The rules of each revision.
    rules: HashMap<String, String>,
}

impl PlayedStore {
    /// What is known of a decision: all has become of it that is told. The event that it was made on goes as soon as nothing
    /// waits any more that might be decided anew; what it has done counts on.
    pub fn release(&self, decision: &str) {
        self.kept().records.release(decision);
    }

    // Each job leaves whole records, or ends the play.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A time as a database has it: in microseconds.
fn stored(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

fn refused<T>(what: &'static str) -> Result<T, StoreError> {
    Err(StoreError::NotInAPlay(what))
}
