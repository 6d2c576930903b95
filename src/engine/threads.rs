//! What intake and execution both read in a thread: who wrote a message, which replies are ours, whether a rule still
//! matches.

pub(super) mod author;
pub(super) mod foreign_use;
pub(super) mod own_replies;
pub(super) mod read;
pub(super) mod reevaluate;
pub(super) mod takeover;

use crate::{
    model::ThreadRow,
    store::{Store, StoreError},
};

/// Whether the list has shown another row of a thread that was not looked at yet.
pub(super) async fn is_in_line(store: &dyn Store, workspace: &str, thread_id: &str) -> Result<bool, StoreError> {
    let known = store.known_threads(workspace, &[thread_id.to_owned()]).await?;
    Ok(known.get(thread_id).is_some_and(|thread| thread.pending.is_some()))
}

/// The newest row of a thread that the store has.
async fn newest_row(store: &dyn Store, workspace: &str, thread_id: &str) -> Result<Option<ThreadRow>, StoreError> {
    let mut known = store.known_threads(workspace, &[thread_id.to_owned()]).await?;
    Ok(known.remove(thread_id).and_then(|thread| thread.pending.or(thread.row)))
}
