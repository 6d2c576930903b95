//! The baseline: the threads that are there at the first poll of a workspace. No rule acts on them.
//!
//! The server's own clock (the `Date` of the first response) separates what was there from what came while pages were
//! read. It also bounds what the list shows: the newest message of the baseline, unless it is dated in the future, is
//! the line before which mail counts as old for good, whenever it turns up.

use super::Intake;
use crate::engine::{PollError, PollReport, Workspace, intake::identity::EarlierName, intake::poll::MANY};
use crate::{
    coldsend::MAX_LIST_PAGES,
    model::{StartFrom, ThreadRow},
    store::WorkspaceState,
};
use jiff::Timestamp;
use std::collections::HashSet;

/// How often all pages are read while rows move between them.
const ROUNDS: u32 = 3;

/// What the pages have shown so far.
struct Listed {
    /// Whether an earlier poll found the list empty, so that what is newer came since.
    began_empty: bool,
    /// When this poll began, by the server's clock; when the first one began, if that did not end.
    began_at: Option<Timestamp>,
    seen: HashSet<String>,
    old: Vec<ThreadRow>,
    new: Vec<ThreadRow>,
}

impl Listed {
    /// Adds the rows that were not seen yet. Those of the very first page were there, whatever their dates are.
    fn take(&mut self, rows: Vec<ThreadRow>, is_first: bool, since: Option<Timestamp>) {
        for row in rows {
            if !self.seen.insert(row.id.clone()) {
                continue;
            }
            let came_since = match (row.last_message_at, self.began_at) {
                (Some(at), Some(began)) if self.began_empty => at >= began,
                (Some(at), Some(began)) => at > began && !is_first,
                _ => false,
            };
            let is_asked_for = row.last_message_at.zip(since).is_some_and(|(at, since)| at >= since);
            if came_since || is_asked_for { self.new.push(row) } else { self.old.push(row) }
        }
    }
}

impl Intake {
    /// Records what is there without acting on it, except for what `start_from` asks for. Returns whether there is a
    /// baseline now: an empty list proves none, and threads that the store has under another name need your word first.
    pub(super) async fn take_baseline(
        &self,
        workspace: &Workspace,
        state: &mut WorkspaceState,
        report: &mut PollReport,
    ) -> Result<bool, PollError> {
        let is_paused = self.is_paused_for_identity(workspace).await?;
        let strangers = self.unconfigured_names().await?;
        let is_repeated = state.first_look_at.is_some();
        let mut listed = Listed {
            began_empty: state.began_empty,
            began_at: state.first_look_at.filter(|_| is_repeated),
            seen: HashSet::new(),
            old: Vec::new(),
            new: Vec::new(),
        };
        let mut date = None;
        for round in 0..ROUNDS {
            let before = listed.seen.len();
            let mut total = None;
            for number in 1..=MAX_LIST_PAGES {
                let page = self.page(workspace, number, report).await?;
                let is_first = number == 1 && round == 0;
                if number == 1 {
                    (state.total_count, state.unread_count) = (page.total_count, page.unread_count);
                }
                if is_first {
                    date = page.date;
                    self.look_for_oddities(workspace, &page).await?;
                    // Without a `Date`, only this machine's clock says when the list was empty.
                    let began = state.first_look_at.or(page.date).unwrap_or_else(|| self.shared.now());
                    state.first_look_at = Some(began);
                    listed.began_at = listed.began_at.or(page.date);
                    state.last_poll_at = Some(self.shared.now());
                    state.began_empty |= page.rows.is_empty() && !is_repeated;
                    self.shared.store.set_workspace_state(workspace.name(), state).await?;
                    if page.rows.is_empty() {
                        return Ok(false);
                    }
                }
                let is_last = page.is_last()
                    || is_counted_to_the_end(&page.total_count, &mut total, number, &listed, page.rows.len());
                let since = self.since(workspace, date);
                if is_first {
                    let name = self.earlier_name(workspace, &page.rows, &strangers).await?;
                    if let EarlierName::Same(name) = name {
                        self.adopt(workspace, &name).await?;
                        *state = self.shared.store.workspace_state(workspace.name()).await?;
                        state.baseline_at = state.baseline_at.or(Some(self.shared.now()));
                        return Ok(true);
                    }
                }
                listed.take(page.rows, is_first && !is_repeated, since);
                if is_last {
                    break;
                }
            }
            // Rows move between pages while they are read. A round that saw fewer threads than are counted is repeated,
            // unless it found nothing new.
            let all = total.is_none_or(|total| usize::try_from(total).is_ok_and(|total| listed.seen.len() >= total));
            if all || listed.seen.len() == before {
                break;
            }
        }
        let everything: Vec<ThreadRow> = listed.old.iter().chain(&listed.new).cloned().collect();
        match self.earlier_name(workspace, &everything, &strangers).await? {
            EarlierName::None => {}
            EarlierName::Same(name) => {
                self.adopt(workspace, &name).await?;
                *state = self.shared.store.workspace_state(workspace.name()).await?;
                state.baseline_at = state.baseline_at.or(Some(self.shared.now()));
                return Ok(true);
            }
            // You have resumed it: it gets a new baseline.
            EarlierName::Unclear(_) if state.identity_asked && !is_paused => {}
            EarlierName::Unclear(names) => {
                self.ask_for_identity(workspace, state, &names).await?;
                return Ok(false);
            }
        }
        if state.began_empty && listed.old.len() < MANY {
            // A few old threads prove no list that was incomplete before. Rules run on them; replies to old mail are
            // held.
            listed.new.append(&mut listed.old);
        }
        self.set_baseline(workspace, state, listed, date, report).await?;
        Ok(false)
    }

    async fn set_baseline(
        &self,
        workspace: &Workspace,
        state: &mut WorkspaceState,
        listed: Listed,
        date: Option<Timestamp>,
        report: &mut PollReport,
    ) -> Result<(), PollError> {
        let now = self.shared.now();
        self.shared.store.record_baseline(workspace.name(), &listed.old, date, now).await?;
        self.shared.store.queue_rows(workspace.name(), &listed.new, now).await?;
        report.remembered += listed.old.len();
        report.changed += listed.new.len();
        state.old_before = self.old_before(workspace, &listed.old, state.first_look_at, date);
        state.baseline_at = Some(now);
        state.last_poll_at = Some(now);
        state.last_sweep_at = Some(now);
        state.seen_at = date;
        state.newest_first = false;
        self.shared.store.set_workspace_state(workspace.name(), state).await?;
        tracing::info!(
            workspace = workspace.name(),
            known = report.remembered,
            new = report.changed,
            "baseline recorded"
        );
        Ok(())
    }

    /// Mail before this time counts as old: the time of the newest message in the baseline, at most that of the first
    /// poll. A baseline without any message ends at the first poll.
    pub(super) fn old_before(
        &self,
        workspace: &Workspace,
        old: &[ThreadRow],
        first_look_at: Option<Timestamp>,
        date: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let newest = old.iter().filter_map(|row| row.last_message_at).max();
        let line = match (newest, first_look_at) {
            (Some(newest), Some(look)) => Some(newest.min(look)),
            (newest, look) => newest.or(look),
        };
        match self.since(workspace, date) {
            Some(since) => line.map(|line| line.min(since)),
            None => line,
        }
    }

    /// Mail from this time on counts as new although it was there: what `start_from` asks for.
    pub(in crate::engine) fn since(&self, workspace: &Workspace, date: Option<Timestamp>) -> Option<Timestamp> {
        match workspace.safety().start_from {
            StartFrom::Now => None,
            StartFrom::Age(age) => {
                Some(date.unwrap_or_else(|| self.shared.now()).saturating_sub(age).unwrap_or(Timestamp::MIN))
            }
            StartFrom::Since(date) => Some(date),
        }
    }
}

/// Whether the count says that a full page is the last one. It is trusted only if it is the same on at least two pages
/// and that many threads have been seen.
fn is_counted_to_the_end(
    count: &Option<u64>,
    total: &mut Option<u64>,
    number: u32,
    listed: &Listed,
    rows: usize,
) -> bool {
    let is_same = number > 1 && *count == *total;
    *total = if number == 1 || is_same { *count } else { None };
    let seen = listed.seen.len() + rows;
    is_same && total.is_some_and(|total| u64::try_from(seen).is_ok_and(|seen| seen == total))
}
