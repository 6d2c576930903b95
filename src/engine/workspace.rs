//! One workspace at run time: its settings, its client, and what is remembered for seconds only.

use super::intake::list_state::Intake;
use super::metrics::Metrics;
use super::read_failures::ReadFailures;
use super::status::{WorkspacePhase, WorkspaceStatus};
use crate::{
    coldsend::ApiError,
    coldsend::Client,
    destinations::Destinations,
    model::{Safety, WorkspaceSettings},
    rules::ThreadMessages,
};
use jiff::Timestamp;
use std::time::Duration;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};
use tokio::sync::Notify;

/// A read of messages that ended within this time may hold a reply back without another request; it lets none go.
pub(super) const FRESH: Duration = Duration::from_secs(10);
/// A list row tells for so long whether a thread is starred.
const STAR_KNOWN: Duration = Duration::from_secs(60);
/// More entries than this are dropped at once: they are only there to save requests.
const REMEMBERED: usize = 1_000;

/// How long nothing is sent to a destination that did not answer in time: this, then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const MAX_TARGET_PAUSE: Duration = Duration::from_secs(300);

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

/// A workspace at run time.
#[derive(Debug)]
pub struct Workspace {
    parts: WorkspaceParts,
    status: Mutex<WorkspaceStatus>,
    reads: Mutex<Memory<Arc<ThreadMessages>>>,
    stars: Mutex<Memory<bool>>,
    /// What reads of its threads have shown of how far a failure reaches.
    pub(super) read_failures: ReadFailures,
    /// Since when polls, and reads of threads, fail without one that ends well.
    poll_outage: Mutex<Option<Outage>>,
    read_outage: Mutex<Option<Outage>>,
    /// When the poll under way last got on; `None` while there is none.
    progress: Mutex<Option<Timestamp>>,
    /// Destinations that do not answer in time: how often in a row, and until when nothing is sent there.
    slow_targets: Mutex<HashMap<String, (u32, Instant)>>,
    /// Addresses that the workspace sends from and that are in the store.
    own_addresses: Mutex<HashSet<String>>,
    /// The store could not be written when it was last tried.
    store_fails: AtomicBool,
    /// What polling remembers.
    pub(super) intake: Intake,
    /// Messages of campaigns that were remembered, or need not be.
    steps: Mutex<HashSet<String>>,
    /// When a reply last came up to leave.
    last_reply: Mutex<Option<Instant>>,
    pub(super) figures: Metrics,
    /// Somebody says that there may be something new.
    pub(super) nudge: Notify,
    /// Something became due.
    pub(super) due: Notify,
    /// The same for the lane of forwards.
    pub(super) due_forwards: Notify,
}

impl Workspace {
    pub(super) fn new(parts: WorkspaceParts) -> Self {
        Self {
            parts,
            status: Mutex::new(WorkspaceStatus::default()),
            reads: Mutex::default(),
            stars: Mutex::default(),
            read_failures: ReadFailures::default(),
            poll_outage: Mutex::default(),
            read_outage: Mutex::default(),
            progress: Mutex::default(),
            slow_targets: Mutex::default(),
            own_addresses: Mutex::default(),
            store_fails: AtomicBool::default(),
            intake: Intake::default(),
            steps: Mutex::default(),
            last_reply: Mutex::default(),
            figures: Metrics::new(),
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

    /// The way to its API.
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

    /// How it fares.
    pub fn status(&self) -> WorkspaceStatus {
        let mut status = locked(&self.status).clone();
        if let Some(outage) = self.failure() {
            status.phase = WorkspacePhase::Failing;
            status.error = Some(outage.error);
            status.failing_since = Some(outage.since);
        }
        status
    }

    fn failure(&self) -> Option<Outage> {
        locked(&self.poll_outage).clone().or_else(|| locked(&self.read_outage).clone())
    }

    /// Since when polls or reads fail, or a request of the poll under way waits.
    pub(super) fn outage(&self, now: Timestamp) -> Option<Outage> {
        let waits = || {
            let since = (*locked(&self.progress)).filter(|since| *since < now)?;
            let summary = "a request waits for its place in the request limit";
            Some(Outage { since, error: summary.to_owned(), summary })
        };
        self.failure().or_else(waits)
    }

    /// Polls soon; many calls cost one poll.
    pub fn nudge(&self) {
        self.figures.record_nudge();
        self.nudge.notify_one();
    }

    pub(super) fn wake_executor(&self) {
        self.due.notify_one();
        self.due_forwards.notify_one();
    }

    /// Notes how a poll ended.
    pub(super) fn record_poll(&self, at: Timestamp, error: Option<(String, &'static str)>) {
        locked(&self.status).last_poll = Some(at);
        record_outage(&self.poll_outage, at, error);
    }

    /// Notes whether threads can be read at all.
    pub(super) fn record_reads(&self, at: Timestamp, error: Option<&ApiError>) {
        record_outage(&self.read_outage, at, error.map(|error| (error.to_string(), error.summary())));
    }

    /// A poll begins, with what comes of it.
    pub(super) fn begin_look(&self, at: Timestamp) {
        *locked(&self.progress) = Some(at);
    }

    /// It got on.
    pub(super) fn record_progress(&self, at: Timestamp) {
        let mut progress = locked(&self.progress);
        *progress = progress.map(|_| at);
    }

    /// It has ended.
    pub(super) fn end_look(&self) {
        *locked(&self.progress) = None;
    }

    /// Notes that a destination did not answer in time, or did.
    pub(super) fn record_target(&self, target: &str, is_slow: bool) {
        let mut slow = locked(&self.slow_targets);
        if !is_slow {
            slow.remove(target);
            return;
        }
        let count = slow.get(target).map_or(0, |(count, _)| *count);
        let pause = FIRST_PAUSE * (1 << count.min(4));
        slow.insert(target.to_owned(), (count + 1, Instant::now() + pause.min(MAX_TARGET_PAUSE)));
    }

    /// The destinations to which nothing is sent for now, so that they do not hold up others.
    pub(super) fn slow_targets(&self) -> Vec<String> {
        let now = Instant::now();
        locked(&self.slow_targets).iter().filter(|(_, (_, until))| *until > now).map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn record_next_poll(&self, at: Timestamp) {
        locked(&self.status).next_poll = Some(at);
    }

    pub(super) fn cache_messages(&self, thread: &str, messages: Arc<ThreadMessages>, at: Timestamp) {
        remember(&self.reads, thread, messages, at);
    }

    /// The messages, if they were read within [`FRESH`].
    pub(super) fn cached_messages(&self, thread: &str, now: Timestamp) -> Option<Arc<ThreadMessages>> {
        recall(&self.reads, thread, now, FRESH)
    }

    pub(super) fn evict_messages(&self, thread: &str) {
        locked(&self.reads).remove(thread);
    }

    pub(super) fn cache_star(&self, thread: &str, starred: Option<bool>, at: Timestamp) {
        match starred {
            Some(starred) => remember(&self.stars, thread, starred, at),
            None => drop(locked(&self.stars).remove(thread)),
        }
    }

    /// Whether the thread is starred, if that was seen a moment ago.
    pub(super) fn cached_star(&self, thread: &str, now: Timestamp) -> Option<bool> {
        recall(&self.stars, thread, now, STAR_KNOWN)
    }

    pub(super) fn is_new_own_address(&self, address: &str) -> bool {
        !locked(&self.own_addresses).contains(address)
    }

    pub(super) fn record_own_addresses(&self, addresses: Vec<String>) {
        locked(&self.own_addresses).extend(addresses);
    }

    /// Whether nothing leaves because the store could not be written when it was last tried.
    pub fn is_store_failing(&self) -> bool {
        self.store_fails.load(Ordering::Relaxed)
    }

    pub(super) fn record_store(&self, fails: bool) {
        self.store_fails.store(fails, Ordering::Relaxed);
    }

    pub(super) fn is_new_step(&self, message: &str) -> bool {
        !locked(&self.steps).contains(message)
    }

    pub(super) fn record_steps(&self, messages: impl Iterator<Item = String>) {
        let mut steps = locked(&self.steps);
        if steps.len() >= REMEMBERED {
            steps.clear();
        }
        steps.extend(messages);
    }

    pub(super) fn record_reply(&self) {
        *locked(&self.last_reply) = Some(Instant::now());
    }

    /// Whether another reply came up to leave within this time.
    pub(super) fn has_just_replied(&self, within: Duration) -> bool {
        locked(&self.last_reply).is_some_and(|at| at.elapsed() < within)
    }
}

/// Since when something fails, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outage {
    pub since: Timestamp,
    /// The last error, as the log has it.
    pub error: String,
    /// The same in words that anybody may see.
    pub summary: &'static str,
}

fn record_outage(outage: &Mutex<Option<Outage>>, at: Timestamp, error: Option<(String, &'static str)>) {
    let mut outage = locked(outage);
    // A clock that is set back must not make it last for ever.
    let since = outage.as_ref().map_or(at, |outage| outage.since.min(at));
    *outage = error.map(|(error, summary)| Outage { since, error, summary });
}

/// What was seen of a thread, and when, by both clocks: the one of the service, and the one that nobody can set.
type Memory<T> = HashMap<String, (T, Timestamp, Instant)>;

fn remember<T>(map: &Mutex<Memory<T>>, key: &str, value: T, at: Timestamp) {
    let mut map = locked(map);
    if map.len() >= REMEMBERED {
        map.clear();
    }
    map.insert(key.to_owned(), (value, at, Instant::now()));
}

/// Fresh by both clocks: one that was set back would make an old look young, or as if it came from the future.
fn recall<T: Clone>(map: &Mutex<Memory<T>>, key: &str, now: Timestamp, span: Duration) -> Option<T> {
    let map = locked(map);
    let (value, at, seen) = map.get(key)?;
    let age = Duration::try_from(now.duration_since(*at)).ok()?;
    (age <= span && seen.elapsed() <= span).then(|| value.clone())
}

/// These maps hold plain values: a panic in between leaves nothing half-done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
