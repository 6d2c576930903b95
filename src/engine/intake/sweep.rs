//! Sweeps: every page is read now and then, because the order of the list is only a claim.

use super::Intake;
use crate::engine::{
    PollError, PollReport, Workspace, intake::list_state::Sweep, intake::poll::FirstPage,
    intake::row_changes::is_newest_first,
};
use crate::{coldsend::MAX_LIST_PAGES, model::ThreadRow, store::WorkspaceState};
use jiff::Timestamp;
use std::time::Duration;

/// How many pages a running sweep reads at each poll: 3,000 threads in half an hour at the default pace.
const SWEEP_PAGES_PER_POLL: u32 = 1;

impl Intake {
    /// Reads every page, a few at each poll: to the end of the list, or back to `max_age` if the list is known to have
    /// the newest message first.
    pub(super) async fn sweep(
        &self,
        workspace: &Workspace,
        state: &mut WorkspaceState,
        report: &mut PollReport,
        first: FirstPage,
        whole: bool,
    ) -> Result<(), PollError> {
        let now = self.shared.now();
        let every = workspace.settings().sweep_every;
        // A clock that was set back must not prevent a sweep.
        let rested = |rest: Duration| state.last_sweep_at.is_none_or(|last| last > now || passed(last, rest, now));
        let is_requested = state.sweep_needed && rested(workspace.list.rest_between_sweeps().min(every));
        let mut sweep = match workspace.list.sweep() {
            Some(sweep) => sweep,
            // The first page was read a moment ago.
            None if is_requested || rested(every) => Sweep { page: 2, ..Sweep::default() },
            None => return Ok(()),
        };
        if first.is_whole() {
            return self.sweep_ended(workspace, state, sweep.found).await;
        }
        let pages = if whole || is_requested { MAX_LIST_PAGES } else { SWEEP_PAGES_PER_POLL };
        let mut late = 0;
        for _ in 0..pages {
            let page = self.page(workspace, sweep.page, report).await?;
            let known = self.known(workspace, &page.rows).await?;
            let changed = self.queue_changes(workspace, state, &page.rows, &known, &mut late, report).await?;
            sweep.found |= changed > 0;
            // One row out of place, on any page, disproves the order of the whole list.
            if !is_newest_first(&page.rows) || !sweep.is_continued_by(&page.rows) {
                state.newest_first = false;
            }
            let is_over = state.newest_first && is_past_max_age(&page.rows, workspace.safety().max_age, now);
            if page.is_last() || is_over || sweep.page >= MAX_LIST_PAGES {
                return self.sweep_ended(workspace, state, sweep.found).await;
            }
            sweep.turn(&page.rows);
            workspace.list.set_sweep(Some(sweep.clone()));
        }
        Ok(())
    }

    async fn sweep_ended(
        &self,
        workspace: &Workspace,
        state: &mut WorkspaceState,
        found: bool,
    ) -> Result<(), PollError> {
        workspace.list.set_sweep(None);
        if state.sweep_needed {
            workspace.list.record_requested_sweep(found);
        }
        state.last_sweep_at = Some(self.shared.now());
        state.sweep_needed = false;
        Ok(self.shared.store.set_workspace_state(workspace.name(), state).await?)
    }
}

/// A reply to anything older would be held.
fn is_past_max_age(rows: &[ThreadRow], max_age: Duration, now: Timestamp) -> bool {
    rows.last().and_then(|row| row.last_message_at).is_some_and(|last| passed(last, max_age, now))
}

fn passed(since: Timestamp, span: Duration, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(since)).is_ok_and(|age| age >= span)
}
