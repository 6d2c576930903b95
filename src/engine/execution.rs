//! Execution: takes what is due, asks the guard, writes the intent, sends one request, writes the outcome.

mod attempts;
mod controls;
pub(super) mod executor;
mod forward;
pub(super) mod guard;
mod mark_read;
mod recovery;
mod reply;
mod star;
mod verify;
