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
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
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

impl WorkspaceParts {
    /// The same for a dry run, if it is one.
    pub(super) fn prepare(self, dry_run: bool) -> Self {
        let Self { destinations, .. } = self;
        Self { destinations: if dry_run { destinations.for_dry_run() } else { destinations }, ..self }
    }
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
    pub(super) list: Arc<ListState>,
    pub(super) learned: Arc<Learned>,
    pub(super) poll_health: Arc<PollHealth>,
    /// How many threads are read at once.
    pub(super) reading: Window,
    /// How many actions of the API's lane are carried out at once.
    pub(super) acting: Window,
    pub(super) targets: Arc<Targets>,
    /// Counts what leaves through the API.
    caps: Caps,
    /// The same for the lane of forwards.
    pub(super) forward_caps: Caps,
    pub(super) reply_pace: Arc<ReplyPace>,
    pub(super) cache: Arc<ThreadCache>,
    pub(super) own_rows: Arc<OwnRows>,
    /// Another service was seen on the account since the process started.
    foreign_use: Arc<AtomicBool>,
    pub(super) read_failures: Arc<ReadFailures>,
    pub(super) metrics: Arc<Metrics>,
    /// The store could not be written when it was last tried.
    store_fails: AtomicBool,
    /// There may be something new.
    pub(super) nudge: Arc<Notify>,
    /// Something became due.
    due: Notify,
    /// The same for the lane of forwards.
    due_forwards: Notify,
}

impl Workspace {
    pub(super) fn new(parts: WorkspaceParts) -> Self {
        Self {
            parts,
            list: Arc::default(),
            learned: Arc::default(),
            poll_health: Arc::default(),
            reading: Window::default(),
            acting: Window::default(),
            targets: Arc::default(),
            caps: Caps::default(),
            forward_caps: Caps::default(),
            reply_pace: Arc::default(),
            cache: Arc::default(),
            own_rows: Arc::default(),
            foreign_use: Arc::default(),
            read_failures: Arc::default(),
            metrics: Arc::new(Metrics::new()),
            store_fails: AtomicBool::default(),
            nudge: Arc::default(),
            due: Notify::new(),
            due_forwards: Notify::new(),
        }
    }

    /// The same workspace, of which nothing is remembered but what was counted.
    pub(super) fn begin_anew(&self) -> Self {
        let (metrics, nudge) = (Arc::clone(&self.metrics), Arc::clone(&self.nudge));
        Self { metrics, nudge, ..Self::new(self.parts.clone()) }
    }

    /// The same workspace with other settings. What counts, and who asked for a poll, goes on. What is remembered of the
    /// account goes on while the key and the address are the same; another key may belong to another account, and then
    /// nothing is known of it, as at a start. What has left is counted anew in any case: the caps may be others.
    pub(super) fn succeed(&self, parts: WorkspaceParts) -> Self {
        let (before, after) = (&self.parts, &parts);
        let is_same_account = before.client.has_same_key(&after.client);
        let asks_for_name = before.settings.was != after.settings.was;
        let has_same_destinations = before.destinations.is_same(&after.destinations);
        let new = Self { metrics: Arc::clone(&self.metrics), nudge: Arc::clone(&self.nudge), ..Self::new(parts) };
        if !is_same_account {
            return new;
        }
        new.record_store(self.is_store_failing());
        Self {
            list: if asks_for_name { Arc::default() } else { Arc::clone(&self.list) },
            learned: Arc::clone(&self.learned),
            poll_health: Arc::clone(&self.poll_health),
            targets: if has_same_destinations { Arc::clone(&self.targets) } else { Arc::default() },
            reply_pace: Arc::clone(&self.reply_pace),
            cache: Arc::clone(&self.cache),
            own_rows: Arc::clone(&self.own_rows),
            foreign_use: Arc::clone(&self.foreign_use),
            read_failures: Arc::clone(&self.read_failures),
            ..new
        }
    }

    /// Whether it was made of this: the same settings, the same client, the same destinations.
    pub(super) fn is_made_of(&self, parts: &WorkspaceParts) -> bool {
        self.parts.settings == parts.settings
            && self.parts.client.is_same(&parts.client)
            && self.parts.destinations.is_same(&parts.destinations)
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

    /// Forgets what holds only while this process alone lets actions of the workspace leave. Call it before its flows start.
    pub(super) async fn forget_counts(&self) {
        self.caps.forget().await;
        self.forward_caps.forget().await;
        self.cache.forget_messages();
    }

    /// Forgets what was read of a thread and written in it: the person was erased.
    pub(super) fn forget_thread(&self, thread: &str) {
        self.cache.evict_messages(thread);
        self.own_rows.expect(thread, None);
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
    pub(super) fn is_store_failing(&self) -> bool {
        self.store_fails.load(Ordering::Relaxed)
    }

    pub(super) fn record_store(&self, fails: bool) {
        self.store_fails.store(fails, Ordering::Relaxed);
    }
}
