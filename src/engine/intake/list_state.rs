//! What intake remembers of a list between two polls, in memory: the running sweep, and what looks wrong.

use crate::model::ThreadRow;
use jiff::Timestamp;
use std::time::Duration;
use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The counts grow this often without a change on any page before the list counts as frozen.
const FROZEN: u32 = 6;
/// After a sweep that counts asked for found nothing, the next one waits this long, then twice as long each time.
const FIRST_REST: Duration = Duration::from_secs(60);

/// A pass over every page that goes on at the next poll.
#[derive(Debug, Clone, Default)]
pub(super) struct Sweep {
    /// The page to read next.
    pub(super) page: u32,
    /// The rows of the page before it.
    pub(super) before: HashSet<String>,
    /// When the last row of the page before it got its last message.
    pub(super) last_at: Option<Timestamp>,
    /// Whether it found a change.
    pub(super) found: bool,
}

impl Sweep {
    /// Moves on to the next page.
    pub(super) fn turn(&mut self, rows: &[ThreadRow]) {
        self.page += 1;
        self.before = rows.iter().map(|row| row.id.clone()).collect();
        self.last_at = rows.last().and_then(|row| row.last_message_at);
    }

    /// Whether the page follows the one before it in the order newest first. Rows that were pushed down to this page by
    /// newer ones say nothing.
    pub(super) fn is_continued_by(&self, rows: &[ThreadRow]) -> bool {
        let next = rows.iter().find(|row| !self.before.contains(&row.id));
        next.is_none_or(|row| self.last_at.is_none_or(|last| row.last_message_at.is_some_and(|at| at <= last)))
    }
}

/// What polling remembers of a workspace's list.
#[derive(Debug, Default)]
pub(in crate::engine) struct ListState(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    sweep: Option<Sweep>,
    /// How many sweeps in a row were asked for and found nothing.
    fruitless: u32,
    /// How often the counts grew while no page showed a change.
    unseen_growth: u32,
    /// What looks wrong about the list.
    oddity: Option<String>,
    /// The workspace that owns threads of this one, too.
    shares_with: Option<String>,
    /// What is under the name that `was` declares was taken over, or there is nothing.
    is_was_settled: bool,
    /// What the server's clock and this machine's showed at the same moment.
    clocks: Option<(Timestamp, Timestamp)>,
}

impl ListState {
    fn locked(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sweep(&self) -> Option<Sweep> {
        self.locked().sweep.clone()
    }

    pub(super) fn set_sweep(&self, sweep: Option<Sweep>) {
        self.locked().sweep = sweep;
    }

    /// Records whether a sweep that counts asked for found a change.
    pub(super) fn record_requested_sweep(&self, found: bool) {
        let mut memory = self.locked();
        memory.fruitless = if found { 0 } else { memory.fruitless.saturating_add(1) };
    }

    /// How long after the last sweep counts may ask for the next one. A count that grows for another reason must not
    /// cost every page at every poll.
    pub(super) fn rest_between_sweeps(&self) -> Duration {
        match self.locked().fruitless {
            0 => Duration::ZERO,
            fruitless => FIRST_REST * (1 << (fruitless - 1).min(10)),
        }
    }

    /// Records that a page showed a change.
    pub(super) fn record_change(&self) {
        self.locked().unseen_growth = 0;
    }

    /// Records that counts grew while the first page stayed the same, and returns whether the list is frozen. More
    /// threads weigh more than more unread ones, which people also make.
    pub(super) fn record_unseen_growth(&self, more_threads: bool) -> bool {
        let mut memory = self.locked();
        memory.unseen_growth = memory.unseen_growth.saturating_add(if more_threads { 2 } else { 1 });
        memory.unseen_growth >= FROZEN
    }

    /// Whether the counts grow and grow while the pages stay the same.
    pub(super) fn is_frozen(&self) -> bool {
        self.locked().unseen_growth >= FROZEN
    }

    /// Records what looks wrong about the list.
    pub(super) fn set_oddity(&self, oddity: Option<String>) {
        self.locked().oddity = oddity;
    }

    /// Records which workspace has the same threads.
    pub(super) fn set_sharing(&self, owner: &str) {
        self.locked().shares_with = Some(owner.to_owned());
    }

    /// Whether nothing is left to be taken over from the name that `was` declares.
    pub(super) fn is_was_settled(&self) -> bool {
        self.locked().is_was_settled
    }

    /// Records that nothing is.
    pub(super) fn settle_was(&self) {
        self.locked().is_was_settled = true;
    }

    /// Records what the server's clock shows.
    pub(super) fn record_date(&self, date: Option<Timestamp>, now: Timestamp) {
        self.locked().clocks = date.map(|date| (date, now));
    }

    /// What the server's clock shows about now; `None` where the server does not say.
    pub(super) fn server_time(&self, now: Timestamp) -> Option<Timestamp> {
        let (date, then) = self.locked().clocks?;
        date.checked_add(now.duration_since(then)).ok()
    }

    /// What you should know about the list, in sentences; empty when all is well.
    pub(in crate::engine) fn notes(&self) -> Vec<String> {
        let memory = self.locked();
        let sharing = memory.shares_with.as_ref().map(|owner| {
            format!(
                "Workspace `{owner}` lists the same threads: both keys belong to one account. What both could answer is held."
            )
        });
        memory.oddity.iter().cloned().chain(sharing).collect()
    }
}
