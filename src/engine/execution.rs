//! Execution: takes what is due, asks the guard, writes the intent, sends one request, writes the outcome.

mod attempts;
pub(super) mod caps;
mod controls;
pub(super) mod executor;
mod facts;
mod foreign_use;
mod forward;
pub(super) mod guard;
mod mark_read;
pub(super) mod pace;
mod pass;
mod recipients;
mod recovery;
mod reply;
mod reply_body;
mod run;
mod star;
mod verify;

use super::shared::Shared;
use std::sync::Arc;

/// Carries out what was decided. It reads actions from the store alone.
#[derive(Clone)]
pub struct Executor {
    shared: Arc<Shared>,
}

impl Executor {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}
