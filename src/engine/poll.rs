//! Looking at the inbox: one request while nothing changes, more only while pages hold changes, every page now and then.

use super::{
    Engine, StartFrom, Workspace,
    changes::{changed_rows, is_newest_first},
    probe::Step,
};
use crate::{
    coldsend::{ApiError, ListPage, ListQuery, Priority},
    model::{Span, ThreadRow},
    store::{StoreError, WorkspaceState},
};
use jiff::Timestamp;
use std::collections::HashSet;

/// The most that the API gives in a page.
const PAGE: u32 = 100;
/// How many pages a running sweep reads at each poll: 3,000 threads in half an hour at the default pace.
const SWEEP_PAGES_PER_POLL: u32 = 1;
/// A first start that keeps finding rows that moved is content after so many rounds.
const BASELINE_ROUNDS: u32 = 3;
/// No inbox has more pages than this; an API that never ends its list must not hold us.
const LAST_PAGE: u32 = 10_000;

/// Why a poll did not end.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The API.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a poll did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PollReport {
    /// Pages read.
    pub pages: u32,
    /// Rows that were put in line.
    pub changed: usize,
    /// Rows that were noted without acting on them: the first start.
    pub remembered: usize,
}

impl Engine {
    /// Looks at the inbox once and puts what changed in line, on disk. `whole_sweep` reads all pages of a sweep that is
    /// due now instead of a few.
    pub async fn poll(&self, workspace: &Workspace, whole_sweep: bool) -> Result<PollReport, PollError> {
        let began = std::time::Instant::now();
        let result = self.poll_pages(workspace, whole_sweep).await;
        workspace.figures.note_poll(began.elapsed(), result.as_ref().ok().map(|report| report.pages));
        let failed = result.as_ref().err().map(|error| match error {
            PollError::Api(error) => (error.to_string(), error.summary()),
            PollError::Store(error) => (error.to_string(), "the store fails"),
        });
        workspace.note_poll(self.now(), failed);
        result
    }

    async fn poll_pages(&self, workspace: &Workspace, whole_sweep: bool) -> Result<PollReport, PollError> {
        let mut state = self.store.workspace_state(workspace.name()).await?;
        if state.baseline_at.is_none() {
            return self.first_start(workspace, state).await;
        }
        let mut report = PollReport::default();
        let result = self.newest_pages(workspace, &mut state, &mut report).await;
        if result.is_err() {
            // Changes below the page that failed would hide behind pages that no longer change.
            state.sweep_needed = true;
            self.store.set_workspace_state(workspace.name(), &state).await?;
            return result.map(|()| report);
        }
        state.last_poll_at = Some(self.now());
        self.store.set_workspace_state(workspace.name(), &state).await?;
        self.sweep(workspace, &mut state, &mut report, whole_sweep).await?;
        Ok(report)
    }

    /// Page by page from the first, while a page holds changes.
    async fn newest_pages(
        &self,
        workspace: &Workspace,
        state: &mut WorkspaceState,
        report: &mut PollReport,
    ) -> Result<(), PollError> {
        for number in 1..=LAST_PAGE {
            let page = self.page(workspace, number, report).await?;
            let changed = self.queue_changes(workspace, &page.rows, report).await?;
            if number == 1 {
                let counts = (page.total_count, page.unread_count);
                let known = (state.total_count, state.unread_count);
                (state.total_count, state.unread_count) = counts;
                let proves_order = is_newest_first(&page.rows);
                // Where the newest stand first, a thread or message that is new shows on this page. One that is only
                // counted stands somewhere else: the order is another one, and only reading every page finds it.
                let hinted = if proves_order { changed == 0 && grew(known, counts) } else { known != counts };
                if !is_last(&page, number) && (hinted || !proves_order) {
                    state.sweep_needed |= hinted;
                    return Ok(());
                }
            }
            if changed == 0 || is_last(&page, number) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Every page back to `max_age`, a few at each poll.
    async fn sweep(
        &self,
        workspace: &Workspace,
        state: &mut WorkspaceState,
        report: &mut PollReport,
        whole: bool,
    ) -> Result<(), PollError> {
        let now = self.now();
        let every = workspace.settings().sweep_every;
        let due = state.sweep_needed || state.last_sweep_at.is_none_or(|last| passed(last, every, now));
        let mut number = match workspace.sweep_page() {
            Some(page) => page,
            // The first page was read a moment ago.
            None if due => 2,
            None => return Ok(()),
        };
        let pages = if whole || state.sweep_needed { LAST_PAGE } else { SWEEP_PAGES_PER_POLL };
        for _ in 0..pages {
            if beyond(state, number) {
                return self.sweep_ended(workspace, state).await;
            }
            let page = self.page(workspace, number, report).await?;
            self.queue_changes(workspace, &page.rows, report).await?;
            if is_last(&page, number) || is_past_max_age(workspace, &page.rows, now) {
                return self.sweep_ended(workspace, state).await;
            }
            number += 1;
            workspace.set_sweep_page(Some(number));
        }
        Ok(())
    }

    async fn sweep_ended(&self, workspace: &Workspace, state: &mut WorkspaceState) -> Result<(), PollError> {
        workspace.set_sweep_page(None);
        state.last_sweep_at = Some(self.now());
        state.sweep_needed = false;
        Ok(self.store.set_workspace_state(workspace.name(), state).await?)
    }

    /// Notes what is there without acting on it, but for what `start_from` asks for. Rows move between pages while they
    /// are read, so a round that saw fewer threads than the list counts is followed by another.
    async fn first_start(&self, workspace: &Workspace, mut state: WorkspaceState) -> Result<PollReport, PollError> {
        let mut report = PollReport::default();
        let mut seen = HashSet::new();
        let mut total = None;
        for _ in 0..BASELINE_ROUNDS {
            for number in 1..=LAST_PAGE {
                let page = self.page(workspace, number, &mut report).await?;
                total = page.total_count;
                (state.total_count, state.unread_count) = (page.total_count, page.unread_count);
                let last = is_last(&page, number);
                let rows = page.rows.into_iter().filter(|row| seen.insert(row.id.clone()));
                let (new, old): (Vec<_>, Vec<_>) = rows.partition(|row| self.counts_as_new(workspace, row));
                self.store.remember_rows(workspace.name(), &old, self.now()).await?;
                self.store.queue_rows(workspace.name(), &new, self.now()).await?;
                report.remembered += old.len();
                report.changed += new.len();
                if last {
                    break;
                }
            }
            if total.is_none_or(|total| usize::try_from(total).is_ok_and(|total| seen.len() >= total)) {
                break;
            }
        }
        let now = self.now();
        state.baseline_at = Some(now);
        state.last_poll_at = Some(now);
        state.last_sweep_at = Some(now);
        self.store.set_workspace_state(workspace.name(), &state).await?;
        tracing::info!(
            workspace = workspace.name(),
            known = report.remembered,
            new = report.changed,
            "first start: what is there is noted"
        );
        Ok(report)
    }

    fn counts_as_new(&self, workspace: &Workspace, row: &ThreadRow) -> bool {
        let since = match workspace.safety().start_from {
            StartFrom::Now => return false,
            StartFrom::Age(age) => self.now().saturating_sub(age).unwrap_or(Timestamp::MIN),
            StartFrom::Date(date) => date,
        };
        row.last_message_at.is_some_and(|at| at >= since)
    }

    async fn page(&self, workspace: &Workspace, number: u32, report: &mut PollReport) -> Result<ListPage, PollError> {
        let query = ListQuery { page: number, limit: PAGE, ..ListQuery::default() };
        let page = workspace.client().list(&query, Priority::Poll).await?;
        report.pages += 1;
        let now = self.now();
        workspace.note_progress(now);
        for row in &page.rows {
            workspace.remember_star(&row.id, row.is_starred, now);
        }
        Ok(page)
    }

    async fn queue_changes(
        &self,
        workspace: &Workspace,
        rows: &[ThreadRow],
        report: &mut PollReport,
    ) -> Result<usize, PollError> {
        let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
        let known = self.store.known_threads(workspace.name(), &ids).await?;
        let changed = changed_rows(rows, &known);
        if !changed.is_empty() {
            self.store.queue_rows(workspace.name(), &changed, self.now()).await?;
            self.reached(Step::RowsQueued, None).await;
        }
        report.changed += changed.len();
        Ok(changed.len())
    }
}

/// A reply to anything older would be held, and in this order all that follows is older still.
fn is_past_max_age(workspace: &Workspace, rows: &[ThreadRow], now: Timestamp) -> bool {
    let last = rows.last().and_then(|row| row.last_message_at);
    is_newest_first(rows) && last.is_some_and(|last| passed(last, workspace.safety().max_age, now))
}

/// Whether no page follows: by what the page holds, not by a count that may lag behind it.
fn is_last(page: &ListPage, number: u32) -> bool {
    let full = page.rows.len() + page.skipped >= usize::try_from(PAGE).unwrap_or(usize::MAX);
    let counted = page.total_count.is_some_and(|total| total <= u64::from(number) * u64::from(PAGE));
    !full || counted
}

type Counts = (Option<u64>, Option<u64>);

fn grew(known: Counts, now: Counts) -> bool {
    let more = |known: Option<u64>, now: Option<u64>| known.zip(now).is_some_and(|(known, now)| now > known);
    more(known.0, now.0) || more(known.1, now.1)
}

/// Whether the list is known to end before this page.
fn beyond(state: &WorkspaceState, number: u32) -> bool {
    state.total_count.is_some_and(|total| total <= u64::from(number - 1) * u64::from(PAGE))
}

fn passed(since: Timestamp, span: Span, now: Timestamp) -> bool {
    Span::try_from(now.duration_since(since)).is_ok_and(|age| age >= span)
}
