//! What intake and execution both read in a thread: who wrote a message, which replies are ours, whether a rule still
//! matches.

pub(super) mod author;
pub(super) mod foreign_use;
pub(super) mod own_replies;
pub(super) mod read;
pub(super) mod reevaluate;
