//! Polling: one request while nothing changes, more only while pages hold changes, every page now and then.

use super::Intake;
use crate::engine::{
    Workspace,
    failpoint::failpoint,
    intake::row_changes::{changed_rows, is_newest_first, shows_a_move},
};
use crate::{
    coldsend::{ApiError, ListPage, ListQuery, MAX_LIST_PAGES, Priority},
    model::ThreadRow,
    store::{KnownThread, StoreError, WorkspaceState},
};
use jiff::Timestamp;
use std::collections::HashMap;
use std::time::Duration;

/// This many old threads that turn up at once were not overlooked one by one: the list was incomplete before.
pub(super) const MANY: usize = 5;

/// Why a poll did not end.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The API.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The account's records have another name, which is in use still. Until it is not, nothing here is recorded or decided:
    /// what is answered there would be answered twice.
    #[error(
        "the store has this account under the name `{was}`, which {replica} still runs or has in its configuration. Nothing is \
         done here until {replica} has the new configuration or has ended; then the records go along"
    )]
    NameInUse {
        /// The earlier name.
        was: String,
        /// The process that has it.
        replica: String,
    },
}

/// What a poll did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PollReport {
    /// Pages read.
    pub pages: u32,
    /// Rows that became pending.
    pub changed: usize,
    /// Rows that were added to the baseline.
    pub remembered: usize,
}

/// What the first page showed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FirstPage {
    /// It holds the whole list.
    is_whole: bool,
    /// When the server gave it.
    date: Option<Timestamp>,
}

impl FirstPage {
    pub(super) fn is_whole(self) -> bool {
        self.is_whole
    }
}

impl Intake {
    /// Polls once and queues the rows that changed, on disk. `whole_sweep` reads all pages of a sweep that is due now
    /// instead of a few.
    pub async fn poll(&self, workspace: &Workspace, whole_sweep: bool) -> Result<PollReport, PollError> {
        let began = std::time::Instant::now();
        let result = self.poll_pages(workspace, whole_sweep).await;
        workspace.metrics.record_poll(began.elapsed(), result.as_ref().ok().map(|report| report.pages));
        let failed = result.as_ref().err().map(|error| match error {
            PollError::Api(error) => (error.to_string(), error.summary()),
            PollError::Store(error) => (error.to_string(), "the store fails"),
            PollError::NameInUse { .. } => (error.to_string(), "another process has its earlier name"),
        });
        workspace.poll_health.record_poll(self.shared.now(), failed);
        result
    }

    async fn poll_pages(&self, workspace: &Workspace, whole_sweep: bool) -> Result<PollReport, PollError> {
        self.adopt_declared_name(workspace).await?;
        let mut state = self.shared.store.workspace_state(workspace.name()).await?;
        let mut report = PollReport::default();
        if state.baseline_at.is_none() && !self.take_baseline(workspace, &mut state, &mut report).await? {
            return Ok(report);
        }
        let first = match self.newest_pages(workspace, &mut state, &mut report).await {
            Ok(first) => first,
            Err(error) => {
                // Changes below the page that failed would hide behind pages that no longer change: a sweep finds them.
                state.sweep_needed = true;
                self.shared.store.set_workspace_state(workspace.name(), &state).await?;
                return Err(error);
            }
        };
        state.last_poll_at = Some(self.shared.now());
        state.seen_at = first.date;
        self.shared.store.set_workspace_state(workspace.name(), &state).await?;
        self.sweep(workspace, &mut state, &mut report, first, whole_sweep).await?;
        Ok(report)
    }

    /// Page by page from the first, while a page holds changes.
    async fn newest_pages(
        &self,
        workspace: &Workspace,
        state: &mut WorkspaceState,
        report: &mut PollReport,
    ) -> Result<FirstPage, PollError> {
        let mut first = FirstPage::default();
        let mut late = 0;
        // Pages without a known thread: later pages show whose list this is.
        let mut doubtful: Vec<ListPage> = Vec::new();
        let mut is_ours = false;
        for number in 1..=MAX_LIST_PAGES {
            let page = self.page(workspace, number, report).await?;
            let known = self.known(workspace, &page.rows).await?;
            let whole = page.is_last();
            if number == 1 {
                first = FirstPage { is_whole: whole, date: page.date };
                self.look_for_oddities(workspace, &page).await?;
                is_ours = page.rows.is_empty();
            }
            is_ours |= !known.is_empty();
            if number == 1 && !is_ours {
                is_ours = self.shared.store.count_threads(workspace.name(), 1).await? == 0;
            }
            if !is_ours {
                doubtful.push(page);
                if whole {
                    self.take_for_another_account(workspace, state, &doubtful, report).await?;
                    return Ok(first);
                }
                continue;
            }
            for page in std::mem::take(&mut doubtful) {
                self.queue_changes(workspace, state, &page.rows, &HashMap::new(), &mut late, report).await?;
            }
            let changed = self.queue_changes(workspace, state, &page.rows, &known, &mut late, report).await?;
            // The counts of an empty or unreadable page are not compared with the next ones.
            if number == 1 && !page.rows.is_empty() {
                let counts = (page.total_count, page.unread_count);
                let before = (state.total_count, state.unread_count);
                (state.total_count, state.unread_count) = counts;
                let proves_order = is_newest_first(&page.rows);
                state.newest_first = proves_order && (state.newest_first || shows_a_move(&page.rows, &known));
                // If the newest stand first, a new thread or message shows on this page. If it is only counted, the
                // order is another one, and only a sweep finds it.
                let is_hinted = if proves_order { changed == 0 && grew(before, counts) } else { before != counts };
                if is_hinted && !whole {
                    state.newest_first = false;
                    state.sweep_needed = true;
                }
                if changed == 0 && grew(before, counts) {
                    let more_threads = grew((before.0, None), (counts.0, None));
                    if workspace.list.record_unseen_growth(more_threads) {
                        self.look_for_oddities(workspace, &page).await?;
                    }
                }
                if !whole && (is_hinted || !proves_order) {
                    return Ok(first);
                }
            }
            if changed == 0 || whole {
                return Ok(first);
            }
        }
        Ok(first)
    }

    pub(in crate::engine) async fn page(
        &self,
        workspace: &Workspace,
        number: u32,
        report: &mut PollReport,
    ) -> Result<ListPage, PollError> {
        let page = workspace.client().list(&ListQuery::page(number), Priority::Poll).await?;
        report.pages += 1;
        let now = self.shared.now();
        workspace.poll_health.record_progress(now);
        workspace.list.record_date(page.date, now);
        for row in &page.rows {
            workspace.cache.put_star(&row.id, row.is_starred, now);
        }
        Ok(page)
    }

    pub(in crate::engine) async fn known(
        &self,
        workspace: &Workspace,
        rows: &[ThreadRow],
    ) -> Result<HashMap<String, KnownThread>, StoreError> {
        let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
        self.shared.store.known_threads(workspace.name(), &ids).await
    }

    /// Queues the rows that changed and returns how many. Replies to old mail of threads that turn up only now are held
    /// ([`Intake::handle_pending`]). If there are many such threads, the list was incomplete before: then they belong
    /// to the baseline.
    pub(super) async fn queue_changes(
        &self,
        workspace: &Workspace,
        state: &WorkspaceState,
        rows: &[ThreadRow],
        known: &HashMap<String, KnownThread>,
        late: &mut usize,
        report: &mut PollReport,
    ) -> Result<usize, PollError> {
        let mut changed = changed_rows(rows, known);
        let count = changed.len();
        for row in &changed {
            // What was read before the row changed lets no reply go.
            workspace.cache.evict_messages(&row.id);
        }
        let is_late = |row: &ThreadRow| !known.contains_key(&row.id) && is_old(row.last_message_at, state);
        let found = changed.iter().filter(|row| is_late(row)).count();
        *late += found;
        if found > 0 && *late >= MANY {
            let (old, new): (Vec<_>, Vec<_>) = changed.into_iter().partition(is_late);
            self.shared.store.record_baseline(workspace.name(), &old, state.seen_at, self.shared.now()).await?;
            report.remembered += old.len();
            if *late - found < MANY {
                self.announce_late_threads(workspace);
            }
            changed = new;
        }
        if !changed.is_empty() {
            let is_known = |row: &ThreadRow| {
                let row = known.get(&row.id).and_then(|known| known.row.as_ref().or(known.pending.as_ref()));
                row.is_some_and(|row| !row.is_erased())
            };
            let changed: Vec<_> = changed.iter().map(|row| (row.clone(), is_known(row))).collect();
            self.shared.store.queue_changed_rows(workspace.name(), &changed, self.shared.now()).await?;
            failpoint!(self.shared, RowsQueued);
        }
        if count > 0 {
            workspace.list.record_change();
        }
        report.changed += changed.len();
        Ok(count)
    }
}

/// Mail is dated when it is sent and listed a little later, at most this much.
pub(super) const TRANSIT: Duration = Duration::from_secs(120);

/// Whether replies to mail of this time are held. If the list was empty at the first poll, a message that was sent just
/// before may have come since.
pub(super) fn is_too_old(at: Option<Timestamp>, state: &WorkspaceState) -> bool {
    let transit = if state.began_empty { TRANSIT } else { Duration::ZERO };
    is_old(at.and_then(|at| at.checked_add(transit).ok()), state)
}

/// Whether mail of this time was there before the first poll. Mail without a time was not.
pub(super) fn is_old(at: Option<Timestamp>, state: &WorkspaceState) -> bool {
    at.zip(state.old_before).is_some_and(|(at, old_before)| at < old_before)
}

type Counts = (Option<u64>, Option<u64>);

fn grew(known: Counts, now: Counts) -> bool {
    let more = |known: Option<u64>, now: Option<u64>| known.zip(now).is_some_and(|(known, now)| now > known);
    more(known.0, now.0) || more(known.1, now.1)
}
