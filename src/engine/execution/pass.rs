//! One pass over a lane: what is due is carried out, several threads at once, until nothing is.
//!
//! The actions of one thread run one after another, in the order of the store: the reply first, `mark_read` last. In the
//! lane of forwards that holds for a thread and a destination; a destination that hangs keeps no place from another.

use super::Executor;
use super::executor::{ExecuteError, RunReport};
use crate::engine::{Workspace, concurrency::MAX_AT_ONCE};
use crate::{
    model::{ActionId, ActionKind},
    store::{DueAction, Lane, StoreError},
};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use std::collections::{HashSet, VecDeque};
use std::future::pending;

/// How many due actions are fetched at once: more than can run, so that some can begin whatever runs already.
const BATCH: u32 = 2 * MAX_AT_ONCE as u32;

/// What runs one after another.
type Queue = (String, Option<String>);

/// How the step of an action ended.
struct Ended {
    action: ActionId,
    queue: Queue,
    result: Result<(), StoreError>,
    /// A thread could not be read meanwhile.
    failed: bool,
}

/// What a pass has begun, and what it may begin.
pub(super) struct Pass<'a> {
    executor: &'a Executor,
    workspace: &'a Workspace,
    lane: Lane,
    stop: &'a (dyn Fn() -> bool + Sync),
    /// Due actions that have not begun, in their order.
    due: VecDeque<DueAction>,
    running: FuturesUnordered<BoxFuture<'a, Ended>>,
    actions: HashSet<ActionId>,
    queues: HashSet<Queue>,
    /// Actions that ended while due ones were being fetched: the fetched state may be the one before.
    ended: HashSet<ActionId>,
    /// Something has ended since due actions were fetched: others may be due for that.
    is_stale: bool,
    /// New actions were planned since.
    has_news: bool,
    /// More was due than was fetched.
    is_cut: bool,
    /// The destinations that were left out when due actions were fetched.
    left_out: Vec<String>,
    /// Nothing more begins.
    is_ending: bool,
    report: RunReport,
    error: Option<StoreError>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        executor: &'a Executor,
        workspace: &'a Workspace,
        lane: Lane,
        stop: &'a (dyn Fn() -> bool + Sync),
    ) -> Self {
        Self {
            executor,
            workspace,
            lane,
            stop,
            due: VecDeque::new(),
            running: FuturesUnordered::new(),
            actions: HashSet::new(),
            queues: HashSet::new(),
            ended: HashSet::new(),
            is_stale: true,
            has_news: false,
            is_cut: false,
            left_out: Vec::new(),
            is_ending: false,
            report: RunReport::default(),
            error: None,
        }
    }

    /// Carries out what is due until nothing is, `stop` says so, or something fails that concerns all. What has begun
    /// ends and is recorded in any case.
    pub(super) async fn run(mut self) -> Result<RunReport, ExecuteError> {
        let mut fetching: Option<BoxFuture<'a, Result<Vec<DueAction>, StoreError>>> = None;
        loop {
            self.begin_what_may();
            if fetching.is_none() && self.needs_more() {
                (self.is_stale, self.has_news) = (false, false);
                self.ended.clear();
                // News of before is in what is fetched now.
                let _ = self.workspace.due(self.lane).notified().now_or_never();
                fetching = Some(self.fetch());
            }
            if self.running.is_empty() && fetching.is_none() {
                break;
            }
            let fetched = async {
                match &mut fetching {
                    Some(fetching) => fetching.await,
                    None => pending().await,
                }
            };
            tokio::select! {
                // In this order, so that equal work asks the store equally often.
                biased;
                Some(ended) = self.running.next() => self.record_end(ended),
                due = fetched => {
                    fetching = None;
                    self.record_due(due);
                }
                () = self.workspace.due(self.lane).notified(), if !self.has_news && !self.is_ending => {
                    self.has_news = true;
                }
            }
        }
        match self.error {
            Some(error) => Err(error.into()),
            None => Ok(self.report),
        }
    }

    /// Begins due actions, in their order, as far as there are places.
    fn begin_what_may(&mut self) {
        while !self.is_ending && self.has_place() {
            let Some(place) = self.due.iter().position(|action| self.may_begin(action)) else { return };
            if (self.stop)() {
                self.is_ending = true;
                return;
            }
            let Some(action) = self.due.remove(place) else { return };
            self.begin(action);
        }
    }

    fn begin(&mut self, action: DueAction) {
        let (executor, workspace, lane) = (self.executor, self.workspace, self.lane);
        let (id, queue) = (action.id.clone(), queue_of(&action));
        self.actions.insert(id.clone());
        self.queues.insert(queue.clone());
        self.report.looked_at += 1;
        self.running.push(Box::pin(async move {
            let failures = workspace.read_failures.failures();
            let result = executor.step(workspace, &action.id).await;
            let failed = lane == Lane::Api && workspace.read_failures.failures() > failures;
            Ended { action: id, queue, result, failed }
        }));
    }

    fn has_place(&self) -> bool {
        let places = match self.lane {
            Lane::Api => self.workspace.acting.size(),
            Lane::Destinations => MAX_AT_ONCE,
        };
        self.running.len() < places
    }

    fn may_begin(&self, action: &DueAction) -> bool {
        let is_free = !self.queues.contains(&queue_of(action));
        is_free && action.target.as_deref().is_none_or(|target| !self.is_full(target))
    }

    /// Whether the destination can take nothing more now.
    fn is_full(&self, target: &str) -> bool {
        let running = self.queues.iter().filter(|(_, other)| other.as_deref() == Some(target)).count();
        running >= self.workspace.targets.at_once(target)
    }

    /// Whether to fetch: there is a place, and either nothing that is known can take it, or a reply may have come that
    /// goes before what is known.
    fn needs_more(&self) -> bool {
        if self.is_ending || !self.has_place() || !(self.is_stale || self.has_news || self.hides_others()) {
            return false;
        }
        let next = self.due.iter().find(|action| self.may_begin(action));
        next.is_none_or(|next| self.has_news && self.lane == Lane::Api && next.kind != ActionKind::Reply)
    }

    /// Whether a destination that can take nothing more since the fetch may have kept others out of what was fetched.
    fn hides_others(&self) -> bool {
        self.is_cut && self.full_targets().any(|target| !self.left_out.iter().any(|left_out| left_out == target))
    }

    fn full_targets(&self) -> impl Iterator<Item = &str> {
        let used = self.queues.iter().filter_map(|(_, target)| target.as_deref());
        used.filter(|target| self.is_full(target))
    }

    /// Fetches what is due, without destinations that can take nothing more now.
    fn fetch(&mut self) -> BoxFuture<'a, Result<Vec<DueAction>, StoreError>> {
        let (executor, workspace, lane) = (self.executor, self.workspace, self.lane);
        let mut except = workspace.targets.paused();
        except.extend(self.full_targets().map(str::to_owned));
        except.sort_unstable();
        except.dedup();
        self.left_out.clone_from(&except);
        Box::pin(async move {
            let shared = &executor.shared;
            shared.store.due_actions(workspace.name(), lane, shared.now(), &except, BATCH).await
        })
    }

    fn record_due(&mut self, due: Result<Vec<DueAction>, StoreError>) {
        match due {
            Ok(mut due) => {
                self.is_cut = due.len() >= BATCH as usize;
                due.retain(|action| !self.actions.contains(&action.id) && !self.ended.contains(&action.id));
                self.due = due.into();
            }
            Err(error) => self.fail(error),
        }
    }

    fn record_end(&mut self, ended: Ended) {
        self.actions.remove(&ended.action);
        self.queues.remove(&ended.queue);
        self.ended.insert(ended.action);
        self.is_stale = true;
        match ended.result {
            // Somebody else changed it: their change counts.
            Ok(()) | Err(StoreError::Changed(_)) => {}
            Err(error) => return self.fail(error),
        }
        if ended.failed {
            self.workspace.acting.close();
            // What has become due meanwhile may come first.
            self.due.clear();
            if self.workspace.read_failures.is_down() {
                self.report.api_is_down = true;
                self.is_ending = true;
            }
        }
        if self.lane == Lane::Destinations {
            // A `mark_read` may have waited for it.
            self.workspace.due(Lane::Api).notify_one();
        }
    }

    /// Nothing leaves while the store fails.
    fn fail(&mut self, error: StoreError) {
        self.is_ending = true;
        self.error.get_or_insert(error);
    }
}

fn queue_of(action: &DueAction) -> Queue {
    (action.thread_id.clone(), action.target.clone())
}
