//! Which workspaces run in this process, and that no workspace has two flows of a kind at once.
//!
//! [`Supervisor::should_run`] says which should run; the loop of [`Engine::run`] compares that with what runs, stops what
//! should not and starts what should. Whoever changes what should run calls [`Supervisor::recompute`].

use super::{Engine, Workspace, Workspaces, intake::schedule::PollSchedule};
use crate::store::Lane;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    task::{JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// What a stopped workspace has in flight may take so long: longer than any request, so that its outcome is recorded. What
/// takes longer is given up, and its next start recovers it as after a crash.
const STOP_PATIENCE: Duration = Duration::from_secs(60);
/// How long a workspace rests after one of its flows panicked: this, then twice as long each time.
const FIRST_REST: Duration = Duration::from_secs(5);
const MAX_REST: Duration = Duration::from_secs(300);
/// A workspace that ran so long has recovered from its last panic.
const RECOVERED: Duration = Duration::from_secs(600);
/// How long to rest before a workspace is started again that the store kept from starting.
const STORE_REST: Duration = Duration::from_secs(5);
/// Of workspaces that start together, each polls so long after the one before: few are polled at once.
const BETWEEN_FIRST_POLLS: Duration = Duration::from_millis(20);

/// Knows which workspaces should run here, and which do.
#[derive(Debug)]
pub(in crate::engine) struct Supervisor {
    /// Workspaces that are stopped while they are replaced, by name.
    held: Mutex<HashSet<String>>,
    /// The workspaces whose lease this process holds; `None` where it needs none.
    leases: Mutex<Option<HashSet<String>>>,
    changed: Notify,
    running: watch::Sender<HashSet<String>>,
}

impl Supervisor {
    pub(in crate::engine) fn new() -> Self {
        let running = watch::Sender::new(HashSet::new());
        Self { held: Mutex::default(), leases: Mutex::default(), changed: Notify::new(), running }
    }

    /// Which of the workspaces should run in this process now.
    fn should_run(&self, workspaces: &Workspaces, held: &HashSet<String>) -> Vec<Arc<Workspace>> {
        let runs = |name: &str| !held.contains(name) && self.holds(name);
        workspaces.iter().filter(|workspace| runs(workspace.name())).cloned().collect()
    }

    /// Whether this process holds the workspace's lease, or needs none.
    pub(in crate::engine) fn holds(&self, name: &str) -> bool {
        self.leases().as_ref().is_none_or(|leases| leases.contains(name))
    }

    /// From now on it holds these and needs them. Whether that is a change.
    pub(in crate::engine) fn set_leases(&self, names: HashSet<String>) -> bool {
        let mut leases = self.leases();
        let is_change = leases.as_ref() != Some(&names);
        *leases = Some(names);
        drop(leases);
        if is_change {
            self.recompute();
        }
        is_change
    }

    /// Whether a flow of the workspace runs.
    pub(in crate::engine) fn is_running(&self, name: &str) -> bool {
        self.running.borrow().contains(name)
    }

    fn leases(&self) -> MutexGuard<'_, Option<HashSet<String>>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares what should run with what runs, soon.
    pub(in crate::engine) fn recompute(&self) {
        self.changed.notify_one();
    }

    /// Stops the workspaces of these names until the result is dropped. Nothing of them begins any more; wait with
    /// [`Supervisor::stopped`] until what had begun has ended.
    pub(in crate::engine) fn hold(self: &Arc<Self>, names: HashSet<String>) -> Held {
        self.held().extend(names.iter().cloned());
        self.recompute();
        Held { supervisor: Arc::clone(self), names }
    }

    /// Ends when no flow of these workspaces runs in this process.
    pub(in crate::engine) async fn stopped(&self, names: &HashSet<String>) {
        // The sender is a part of this: it cannot be gone.
        let _ = self.running.subscribe().wait_for(|running| running.is_disjoint(names)).await;
    }

    /// Plain values: a panic in between leaves nothing half-done.
    fn held(&self) -> MutexGuard<'_, HashSet<String>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Workspaces that do not run until this is dropped.
#[must_use]
pub(in crate::engine) struct Held {
    supervisor: Arc<Supervisor>,
    names: HashSet<String>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.supervisor.held().retain(|name| !self.names.contains(name));
        self.supervisor.recompute();
    }
}

/// A workspace whose flows run.
struct Running {
    workspace: Arc<Workspace>,
    stop: CancellationToken,
}

/// What runs, by name. Whoever drops it ends everything at once.
struct Flows {
    started: Instant,
    running: HashMap<String, Running>,
    tasks: JoinSet<String>,
    /// Which workspace a task is, for one that panics.
    names: HashMap<tokio::task::Id, String>,
}

impl Engine {
    /// Runs the workspaces until `shutdown`: then no new action begins; the one in flight ends and is recorded.
    pub async fn run(self: &Arc<Self>, shutdown: CancellationToken) {
        let mut flows =
            Flows { started: Instant::now(), running: HashMap::new(), tasks: JoinSet::new(), names: HashMap::new() };
        let mut removing = JoinSet::new();
        let (engine, stop) = (Arc::clone(self), shutdown.clone());
        removing.spawn(async move { engine.shared.remove_old_records(&stop).await });
        let (engine, stop) = (Arc::clone(self), shutdown.clone());
        removing.spawn(async move { engine.shared.keep_finishing_erasures(&stop).await });
        if self.is_shared() {
            // Nothing runs before it is ours.
            self.supervisor.set_leases(HashSet::new());
        }
        let ended = CancellationToken::new();
        let leases = tokio::spawn(Arc::clone(self).keep_leases(shutdown.clone(), ended.clone()));
        loop {
            self.compare(&mut flows, &shutdown);
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.supervisor.changed.notified() => {}
                Some(ended) = flows.tasks.join_next_with_id(), if !flows.tasks.is_empty() => self.record_end(&mut flows, ended),
            }
        }
        while let Some(ended) = flows.tasks.join_next_with_id().await {
            self.record_end(&mut flows, ended);
        }
        ended.cancel();
        while removing.join_next().await.is_some() {}
        if let Err(error) = leases.await {
            tracing::error!(%error, "whoever renews leases ended unexpectedly");
        }
        self.release_all().await;
    }

    /// Stops what should not run, and starts what should and of which nothing runs.
    fn compare(self: &Arc<Self>, flows: &mut Flows, shutdown: &CancellationToken) {
        // Until what runs is published nobody holds a workspace: who does sees what was started.
        let held = self.supervisor.held();
        let workspaces = self.shared.workspaces.now();
        let wanted = self.supervisor.should_run(&workspaces, &held);
        let by_name: HashMap<&str, &Arc<Workspace>> = wanted.iter().map(|found| (found.name(), found)).collect();
        for (name, running) in &flows.running {
            if !by_name.get(name.as_str()).is_some_and(|wanted| Arc::ptr_eq(wanted, &running.workspace)) {
                running.stop.cancel();
            }
        }
        let mut first_poll = Instant::now();
        for workspace in wanted {
            if flows.running.contains_key(workspace.name()) {
                continue;
            }
            let stop = shutdown.child_token();
            let name = workspace.name().to_owned();
            let every = workspace.settings().poll_every;
            let polls = match workspaces.len() {
                1 => PollSchedule::alone(flows.started, first_poll, every),
                _ => PollSchedule::among_others(&name, flows.started, first_poll, every),
            };
            let task = Arc::clone(self).run_workspace(Arc::clone(&workspace), stop.clone(), polls);
            let named = name.clone();
            let task = flows.tasks.spawn(async move {
                task.await;
                named
            });
            flows.names.insert(task.id(), name.clone());
            flows.running.insert(name, Running { workspace, stop });
            first_poll += BETWEEN_FIRST_POLLS;
        }
        self.publish_running(flows);
        drop(held);
    }

    fn record_end(&self, flows: &mut Flows, ended: Result<(tokio::task::Id, String), JoinError>) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(name) = flows.names.remove(&id) else { return };
        if let Err(error) = ended {
            tracing::error!(workspace = name, %error, "the workspace ended unexpectedly; it starts again");
        }
        flows.running.remove(&name);
        self.publish_running(flows);
    }

    fn publish_running(&self, flows: &Flows) {
        self.supervisor.running.send_if_modified(|running| {
            let is_same =
                running.len() == flows.running.len() && flows.running.keys().all(|name| running.contains(name));
            if !is_same {
                *running = flows.running.keys().cloned().collect();
            }
            !is_same
        });
    }

    /// Runs the flows of one workspace until `stop`.
    ///
    /// A flow that panics ends those of its workspace and no others: what panics is most likely a message or a response that
    /// only this workspace has, and hundreds of others must not stop, and stop again at each restart, for it. Starting again
    /// is as safe as after a crash: all work is in the store, what was in flight is recovered first, and what is remembered
    /// in memory may be lost at any time.
    async fn run_workspace(self: Arc<Self>, workspace: Arc<Workspace>, stop: CancellationToken, polls: PollSchedule) {
        let mut rest = FIRST_REST;
        while !stop.is_cancelled() {
            let began = Instant::now();
            let pause = match self.run_flows(&workspace, &stop, polls).await {
                Ok(()) => return,
                Err(StartError::Store(error)) => {
                    tracing::error!(workspace = workspace.name(), %error, "store fails; nothing of the workspace runs");
                    self.shared.alerts.alert_store_failing(&workspace, &error);
                    STORE_REST
                }
                Err(StartError::Panicked(error)) => {
                    if began.elapsed() >= RECOVERED {
                        rest = FIRST_REST;
                    }
                    tracing::error!(workspace = workspace.name(), %error, "a flow ended unexpectedly; it starts again soon");
                    self.shared.alerts.alert_panic(&workspace);
                    let pause = rest;
                    rest = (rest * 2).min(MAX_REST);
                    pause
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Recovers what is in flight, then runs the three flows until `stop` or until one of them panics. They have all ended
    /// when this returns.
    async fn run_flows(
        self: &Arc<Self>,
        workspace: &Arc<Workspace>,
        stop: &CancellationToken,
        polls: PollSchedule,
    ) -> Result<(), StartError> {
        workspace.forget_counts().await;
        let recovered = self.shared.recover(workspace).await.map_err(StartError::Store)?;
        if recovered > 0 {
            tracing::warn!(workspace = workspace.name(), recovered, "actions were in flight when the last run ended");
        }
        let stop = stop.child_token();
        let mut tasks = JoinSet::new();
        for flow in [Flow::Intake, Flow::Lane(Lane::Api), Flow::Lane(Lane::Destinations)] {
            let (engine, workspace, stop) = (Arc::clone(self), Arc::clone(workspace), stop.clone());
            tasks.spawn(async move {
                match flow {
                    Flow::Intake => engine.intake.run(&workspace, polls, &stop).await,
                    Flow::Lane(lane) => engine.executor.run(&workspace, lane, &stop).await,
                }
            });
        }
        let given_up = async {
            stop.cancelled().await;
            tokio::time::sleep(STOP_PATIENCE).await;
        };
        tokio::pin!(given_up);
        let mut is_given_up = false;
        let mut panicked = None;
        loop {
            tokio::select! {
                ended = tasks.join_next() => match ended {
                    None => break,
                    Some(Ok(())) => {}
                    Some(Err(error)) => {
                        stop.cancel();
                        panicked = panicked.or(error.is_panic().then_some(error));
                    }
                },
                () = &mut given_up, if !is_given_up => {
                    is_given_up = true;
                    tracing::warn!(workspace = workspace.name(), "actions still in flight; the next start verifies them");
                    tasks.abort_all();
                }
            }
        }
        panicked.map_or(Ok(()), |error| Err(StartError::Panicked(error)))
    }
}

/// Why the flows of a workspace do not run.
enum StartError {
    /// What was in flight could not be recovered.
    Store(crate::store::StoreError),
    /// One of them panicked.
    Panicked(JoinError),
}

#[derive(Clone, Copy)]
enum Flow {
    Intake,
    Lane(Lane),
}
