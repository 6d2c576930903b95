//! A row that is given, instead of found in the list: an event of the past that is played again.

use super::{
    Intake,
    pending::{Handled, IntakeError, Recorded},
    row_changes::{category_differs, message_differs},
};
use crate::engine::{Workspace, thread_cache::Given};
use crate::{
    model::{Mode, ThreadRow},
    rules::{RowReading, ThreadMessages},
    store::{EventKind, KnownThread, PendingThread, StoreError, WorkspaceState},
};
use std::{collections::HashMap, sync::Arc};

/// The id of a message that no thread has.
const NO_MESSAGE: &str = "";

/// A row, and which event it was.
#[derive(Debug, Clone, Copy)]
pub struct GivenRow<'a> {
    /// The row as the list showed it.
    pub row: &'a ThreadRow,
    /// What the row says: whoever plays the same event reads it once.
    pub row_reading: &'a Arc<RowReading>,
    /// What made rules run.
    pub kind: EventKind,
    /// The messages, where they need not be read from the account.
    pub messages: Option<&'a Arc<ThreadMessages>>,
    /// The newest inbound message, where it is known.
    pub message_id: Option<&'a str>,
    /// The modes that operators lowered rules to.
    pub overrides: &'a HashMap<String, Mode>,
}

impl Intake {
    /// Decides on a row as if a poll had just found it, and records the decision with its actions. Which event it is, a new
    /// message or another category, is not found out again; whether rules may act on it is.
    ///
    /// `None` if it turns out to be no event: a teammate has dealt with it.
    ///
    /// # Errors
    /// What the rules need of the thread cannot be read, or the store fails; then nothing was recorded.
    pub async fn decide_given(
        &self,
        workspace: &Workspace,
        given: &GivenRow<'_>,
    ) -> Result<Option<Recorded>, IntakeError> {
        let (row, now) = (given.row, self.shared.now());
        workspace.cache.evict_messages(&row.id);
        workspace.cache.put_star(&row.id, Some(row.is_starred.unwrap_or_default()), now);
        let known = Given { row_reading: Some(Arc::clone(given.row_reading)), messages: given.messages.cloned() };
        workspace.cache.give(&row.id, Some(known));
        let decided = self.decide_row(workspace, given).await;
        workspace.cache.give(&row.id, None);
        decided
    }

    /// The row of a thread that is known has come, and nobody has looked into it yet: of the replies that wait in the thread
    /// those are cancelled whose rules do not match what the row shows.
    ///
    /// # Errors
    /// The store fails.
    pub async fn show_given(&self, workspace: &Workspace, row: &ThreadRow) -> Result<(), StoreError> {
        let known = self.shared.store.known_threads(workspace.name(), std::slice::from_ref(&row.id)).await?;
        let Some(known) = known.get(&row.id).and_then(|thread| thread.row.as_ref()) else { return Ok(()) };
        if !category_differs(known, row) {
            return Ok(());
        }
        self.shared.store.queue_rows(workspace.name(), std::slice::from_ref(row), self.shared.now()).await?;
        self.cancel_unmatched_replies(workspace, &row.id).await
    }

    /// Leaves a row undecided: it counts as known from here on, and nothing comes of it.
    ///
    /// # Errors
    /// The store fails.
    pub async fn pass_over_given(&self, workspace: &Workspace, row: &ThreadRow) -> Result<(), StoreError> {
        self.shared.store.settle_thread(workspace.name(), &self.settled(row, None, workspace)).await
    }

    async fn decide_row(&self, workspace: &Workspace, given: &GivenRow<'_>) -> Result<Option<Recorded>, IntakeError> {
        if given.kind == EventKind::Apply {
            return self.apply_given(workspace, given).await.map(Some);
        }
        let (row, now) = (given.row, self.shared.now());
        let known = self.shared.store.known_threads(workspace.name(), std::slice::from_ref(&row.id)).await?;
        let pending = PendingThread { since: now, ..pending(given, known.get(&row.id)) };
        match self.handle(workspace, &pending, &WorkspaceState::default(), given.overrides).await? {
            Handled::Decided(decided) => Ok(Some(decided)),
            Handled::NoEvent | Handled::Waits(_) => Ok(None),
        }
    }

    async fn apply_given(&self, workspace: &Workspace, given: &GivenRow<'_>) -> Result<Recorded, IntakeError> {
        let (rules, now) = (self.shared.rules(), self.shared.now());
        let evaluation = self.evaluate_row(workspace, &rules, given.row, given.overrides, None, now).await?;
        if let Some(messages) = &evaluation.messages {
            workspace.cache.put_messages(&given.row.id, Arc::clone(messages), now);
        }
        let (record, actions) = self.record(workspace, given.row, &evaluation, EventKind::Apply, None).await?;
        Ok(Recorded { record, actions })
    }
}

/// The row with what was known before, changed where that would make another event of it: what was seen then decides.
fn pending(given: &GivenRow<'_>, known: Option<&KnownThread>) -> PendingThread {
    let row = given.row.clone();
    let before = known.and_then(|known| known.row.clone());
    let mut pending = PendingThread {
        since: jiff::Timestamp::UNIX_EPOCH,
        known: before,
        newest_inbound: known.and_then(|known| known.newest_inbound.clone()),
        inbound_seen: known.map(|known| known.inbound_seen.clone()).unwrap_or_default(),
        looked_at: known.and_then(|known| known.looked_at),
        row,
    };
    match (given.kind, &mut pending.known) {
        (EventKind::Category, known) => {
            let category = known.as_ref().map(|known| known.category.clone());
            let category = category.filter(|category| *category != pending.row.category);
            let other = pending.row.category.is_none().then(|| "none".to_owned());
            *known = Some(ThreadRow { category: category.unwrap_or(other), ..pending.row.clone() });
            pending.newest_inbound = given.message_id.map(str::to_owned).or(pending.newest_inbound);
            pending.inbound_seen.clear();
        }
        (_, Some(known)) => {
            if !message_differs(known, &pending.row) {
                known.last_message_at = pending.row.last_message_at.is_none().then_some(pending.since);
            }
            pending.newest_inbound = Some(NO_MESSAGE.to_owned());
            pending.inbound_seen.clear();
        }
        (_, None) => {}
    }
    pending
}
