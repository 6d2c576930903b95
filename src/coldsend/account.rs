//! An account within the process, in place of the API.

use super::{error::ApiError, reply::ReplyBody};
use crate::model::{Conversation, ThreadDetail};
use std::fmt::Debug;

/// What a client made by [`Client::in_process`](super::Client::in_process) speaks to: past events that are played again have
/// no server. No request leaves, no budget is spent, and nobody else uses the account.
pub trait Account: Debug + Send + Sync {
    /// What the list row of a thread does not say.
    ///
    /// # Errors
    /// It is not known here.
    fn thread(&self, id: &str) -> Result<ThreadDetail, ApiError>;

    /// All messages of a thread.
    ///
    /// # Errors
    /// They are not known here.
    fn conversation(&self, id: &str) -> Result<Conversation, ApiError>;

    /// Takes a reply to the lead.
    fn reply(&self, id: &str, body: &ReplyBody);

    /// Marks the thread as read.
    fn mark_read(&self, id: &str);

    /// Toggles the thread's star; the new state comes back.
    fn toggle_star(&self, id: &str) -> bool;
}
