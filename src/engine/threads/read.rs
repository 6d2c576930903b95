//! Reading a thread: with a short time limit first, so that one that hangs does not hold up others.

use crate::engine::{Clock, Workspace, evaluation::fetch_messages};
use crate::{
    coldsend::{ApiError, Client, Priority},
    rules::ThreadMessages,
};
use std::{sync::Arc, time::Duration};

/// How long the first read of a thread may take.
const FIRST_LIMIT: Duration = Duration::from_secs(8);

/// The client to read a thread with. A read that takes long gives up early, so that others get their turn; the next
/// one of the same thread gets all the time that a read may take.
pub(in crate::engine) fn thread_reader(workspace: &Workspace, thread: &str) -> Client {
    let limit = (!workspace.read_failures.is_failing(thread)).then_some(FIRST_LIMIT);
    workspace.client().with_read_limit(limit)
}

/// Reads a thread's messages, and learns from how that ends when it ends well; how far a failure reaches is for the
/// caller to ask.
pub(in crate::engine) async fn read_thread(
    workspace: &Workspace,
    clock: &dyn Clock,
    thread: &str,
    priority: Priority,
) -> Result<Arc<ThreadMessages>, ApiError> {
    let messages = fetch_messages(&thread_reader(workspace, thread), thread, priority).await?;
    workspace.read_failures.record_success(thread, clock.now());
    Ok(messages)
}
