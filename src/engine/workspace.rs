//! One workspace at run time: its settings, its client, and what is remembered in memory.

use super::{
    concurrency::Window,
    execution::caps::Caps,
    execution::pace::{ReplyPace, Targets},
    intake::{learned::Learned, list_state::ListState, poll_health::PollHealth},
    metrics::{Metrics, WorkspaceMetrics},
    own_rows::OwnRows,
    read_failures::ReadFailures,
    status::{WorkspacePhase, WorkspaceStatus},
    thread_cache::ThreadCache,
};
use crate::{
    coldsend::Client,
    destinations::Destinations,
    model::{ActionKind, Safety, WorkspaceSettings},
    store::Lane,
};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// What a workspace is made of.
#[derive(Debug, Clone)]
pub struct WorkspaceParts {
    /// What the configuration says of it.
    pub settings: WorkspaceSettings,
    /// The client of its API.
    pub client: Client,
    /// Where its forwards and alerts go. Those that workspaces share are the same destination in each.
    pub destinations: Destinations,
}

/// A workspace at run time. All that it remembers may be lost at any time:
///
/// | in memory | written by | read by |
/// |---|---|---|
/// | the state of the list, what was learned | intake | intake |
/// | how polls end | intake | alerts, status |
/// | how much may run at once | each its own | each its own |
/// | how destinations respond, the pace of replies, who counts | execution | execution |
/// | cached messages and stars | both | execution, to save requests |
/// | rows that our replies will show | execution | intake |
/// | whether another service was seen | both | execution |
/// | read failures | both | both |
/// | metrics | both | monitoring |
/// | wake-ups | all | the loops |
#[derive(Debug)]
pub struct Workspace {
    parts: WorkspaceParts,
    pub(super) list: ListState,
    pub(super) learned: Learned,
    pub(super) poll_health: PollHealth,
    /// How many threads are read at once.
    pub(super) reading: Window,
    /// How many actions of the API's lane are carried out at once.
    pub(super) acting: Window,
    pub(super) targets: Targets,
    /// Counts what leaves through the API.
    caps: Caps,
    /// The same for the lane of forwards.
    pub(super) forward_caps: Caps,
    pub(super) reply_pace: ReplyPace,
    pub(super) cache: ThreadCache,
    pub(super) own_rows: OwnRows,
    /// Another service was seen on the account since the process started.
    foreign_use: AtomicBool,
    pub(super) read_failures: ReadFailures,
    pub(super) metrics: Metrics,
    /// The store could not be written when it was last tried.
    store_fails: AtomicBool,
    /// There may be something new.
    pub(super) nudge: Notify,
    /// Something became due.
    due: Notify,
    /// The same for the lane of forwards.
    due_forwards: Notify,
}

impl Workspace {
    pub(super) fn new(parts: WorkspaceParts) -> Self {
        Self {
            parts,
            list: ListState::default(),
            learned: Learned::default(),
            poll_health: PollHealth::default(),
            reading: Window::default(),
            acting: Window::default(),
            targets: Targets::default(),
            caps: Caps::default(),
            forward_caps: Caps::default(),
            reply_pace: ReplyPace::default(),
            cache: ThreadCache::default(),
            own_rows: OwnRows::default(),
            foreign_use: AtomicBool::default(),
            read_failures: ReadFailures::default(),
            metrics: Metrics::new(),
            store_fails: AtomicBool::default(),
            nudge: Notify::new(),
            due: Notify::new(),
            due_forwards: Notify::new(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.parts.settings.name
    }

    /// What the configuration says of it.
    pub fn settings(&self) -> &WorkspaceSettings {
        &self.parts.settings
    }

    /// The client of its API.
    pub fn client(&self) -> &Client {
        &self.parts.client
    }

    /// What protects its leads and domains.
    pub fn safety(&self) -> &Safety {
        &self.parts.settings.safety
    }

    /// Where its forwards and alerts go.
    pub fn destinations(&self) -> &Destinations {
        &self.parts.destinations
    }

    /// Whether it is polled, and when.
    pub fn status(&self) -> WorkspaceStatus {
        let (last_poll, next_poll) = self.poll_health.times();
        let failure = self.poll_health.failure();
        let phase = if failure.is_some() { WorkspacePhase::Failing } else { WorkspacePhase::Polling };
        let failing_since = failure.as_ref().map(|outage| outage.since);
        WorkspaceStatus { phase, last_poll, next_poll, error: failure.map(|outage| outage.error), failing_since }
    }

    /// What you should know about its list of threads, in sentences; empty when all is well.
    pub fn notes(&self) -> Vec<String> {
        self.list.notes()
    }

    /// What was counted since the process started.
    pub fn metrics(&self) -> WorkspaceMetrics {
        self.metrics.read()
    }

    /// Polls soon; many calls cost one poll.
    pub fn nudge(&self) {
        self.metrics.record_nudge();
        self.nudge.notify_one();
    }

    /// Who counts the actions of a kind.
    pub(super) fn caps(&self, kind: ActionKind) -> &Caps {
        if kind.is_api_write() { &self.caps } else { &self.forward_caps }
    }

    /// What wakes a lane.
    pub(super) fn due(&self, lane: Lane) -> &Notify {
        match lane {
            Lane::Api => &self.due,
            Lane::Destinations => &self.due_forwards,
        }
    }

    pub(super) fn wake_executor(&self) {
        self.due.notify_one();
        self.due_forwards.notify_one();
    }

    /// Whether another service was seen on the account since the process started, even if you have resumed since.
    pub(super) fn has_seen_foreign_use(&self) -> bool {
        self.foreign_use.load(Ordering::Relaxed)
    }

    pub(super) fn record_foreign_use(&self) {
        self.foreign_use.store(true, Ordering::Relaxed);
    }

    /// Whether nothing leaves because the store could not be written when it was last tried.
    pub fn is_store_failing(&self) -> bool {
        self.store_fails.load(Ordering::Relaxed)
    }

    pub(super) fn record_store(&self, fails: bool) {
        self.store_fails.store(fails, Ordering::Relaxed);
    }
}
