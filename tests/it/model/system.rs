//! The system under test, whole: simulator, client, SQLite file, engine; what a transition does to it, and how it dies and
//! starts again.

use super::{
    actors::{Actors, ServerClock},
    hooks::ModelHooks,
    oracle::{Oracle, Violation},
    rules::RULES,
    snapshot::Snapshot,
    transition::{FaultSpec, InitialState, Interruption, Transition},
};
use crate::fixture::{self, FixtureOptions, ManualClock};
use jiff::SignedDuration;
use reply_router::store::prelude::*;
use reply_router::{
    engine::{Clock, Engine, ExecuteError, IntakeError, Mutation, PollError, Resolution, Workspace},
    model::{Action, ActionKind, ActionState, ReasonCode, Safety},
    simulator::{Endpoint, Fault, Options, RateLimits, Simulator},
    store::{ActionFilter, Lane, SqlStore},
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// Everything.
pub(crate) struct System {
    pub(crate) simulator: Simulator,
    pub(crate) scene: Arc<Actors>,
    /// The service's own clock.
    clock: ManualClock,
    watcher: Arc<ModelHooks>,
    /// The process; `None` only while it is dead.
    process: Option<Process>,
    oracle: Oracle,
    /// Gone with the world.
    folder: tempfile::TempDir,
}

pub(crate) struct Process {
    pub(crate) store: Arc<SqlStore>,
    pub(crate) engine: Arc<Engine>,
    workspace: Arc<Workspace>,
}

impl Process {
    fn workspace(&self) -> &Workspace {
        &self.workspace
    }
}

/// Real time, for what hangs.
const PATIENCE: Duration = Duration::from_secs(30);

impl System {
    pub(crate) async fn new(beginning: &InitialState, bug: Option<Mutation>) -> Self {
        let server = ServerClock::new();
        let time = server.clone();
        let options = Options {
            visibility_lag: Duration::from_secs(beginning.lag),
            sent_form: beginning.form.clone(),
            clock: Arc::new(move || time.now()),
            rate_limits: beginning.alone.then_some(RateLimits { per_minute: 10_000, per_hour: 100_000 }),
            ..Options::for_tests()
        };
        let simulator = Simulator::start(options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("store.db"), empty_store()).unwrap();
        let scene = Arc::new(Actors { workspace: simulator.workspace(), clock: server, journal: Default::default() });
        let watcher = Arc::new(ModelHooks::new(Arc::clone(&scene), bug));
        let clock = ManualClock::new();
        let mut world = Self { simulator, scene, clock, watcher, process: None, oracle: Oracle::default(), folder };
        for (lead, topic) in (10..).zip(&beginning.old) {
            let thread = world.scene.lead_starts_thread(lead, *topic);
            world.scene.journal.lock().unwrap().old.insert(thread);
        }
        world.advance(600);
        world.starts().await;
        if beginning.glitch {
            world.simulator.faults().next(Endpoint::List, 1, empty_list());
            // Whether it believes the empty list is its own affair; it looks again before anybody writes.
            let _ = world.process().engine.intake().poll(world.process().workspace(), true).await;
            world.advance(60);
        }
        let process = world.process();
        process.engine.intake().poll(process.workspace(), true).await.unwrap();
        for _ in 0..if beginning.alone { 6 } else { 0 } {
            world.advance(30);
            process.engine.intake().poll(process.workspace(), true).await.unwrap();
        }
        assert_eq!(process.workspace().client().is_alone(), beginning.alone);
        for (lead, topic) in (0..).zip(&beginning.letters) {
            world.scene.lead_starts_thread(lead, *topic);
        }
        world
    }

    pub(crate) fn process(&self) -> &Process {
        self.process.as_ref().unwrap()
    }

    /// The process dies, if it runs, and another one starts.
    async fn starts(&mut self) {
        self.process = None;
        let store = Arc::new(crate::stores::open(&self.folder.path().join("store.db")).await.unwrap());
        self.watcher.attach_store(&store);
        let setting = FixtureOptions {
            rules: RULES,
            safety: Safety { replies_per_lead: "2 per 1d".parse().unwrap(), replies_per_hour: 5, ..fixture::safety() },
            test_hooks: Some(Arc::clone(&self.watcher) as _),
            ..FixtureOptions::default()
        };
        let engine = fixture::engine(&setting, &self.simulator, Arc::clone(&store) as _, self.clock.clone());
        let workspace = engine.workspace("acme").unwrap();
        let process = Process { store, engine, workspace };
        process.engine.executor().recover(process.workspace()).await.unwrap();
        self.process = Some(process);
    }

    /// Lets it happen, then looks whether all still holds.
    pub(crate) async fn apply(&mut self, transition: &Transition) -> Result<(), Violation> {
        let requests = self.scene.workspace.requests().len();
        let patience = tokio::time::timeout(PATIENCE, self.happens(transition)).await;
        patience.map_err(|_| Violation::new("nothing hangs", format!("{transition:?}")))??;
        // The client's wait after a 429 is real time; another process has another client.
        if is_refused_for_limit(&self.scene.workspace, requests) {
            self.starts().await;
        }
        if transition.is_of_the_world() && self.oracle.before.is_some() {
            return Ok(());
        }
        let seen = self.sees().await;
        self.oracle.after(transition, seen)
    }

    /// What was seen when the service had last done something.
    pub(crate) fn seen(&self) -> &Snapshot {
        self.oracle.before.as_ref().unwrap()
    }

    async fn sees(&self) -> Snapshot {
        Snapshot::capture(&self.simulator, &self.scene, &self.process().store).await
    }

    async fn happens(&mut self, transition: &Transition) -> Result<(), Violation> {
        let scene = Arc::clone(&self.scene);
        let thread = |nth: u8| scene.nth_thread(nth).map(|thread| thread.id);
        match transition {
            Transition::LeadStartsThread { lead, topic } => drop(scene.lead_starts_thread(*lead, *topic)),
            Transition::LeadWrites { thread: nth, topic } => {
                thread(*nth).into_iter().for_each(|id| scene.lead_writes(&id, *topic));
            }
            Transition::PersonAnswers { thread: nth } => {
                thread(*nth).into_iter().for_each(|id| scene.person_answers(&id));
            }
            Transition::SequenceSends { thread: nth } => {
                thread(*nth).into_iter().for_each(|id| scene.sequence_sends(&id));
            }
            Transition::ThreadBreaks { thread: nth } => {
                self.threads_mend();
                thread(*nth).into_iter().for_each(|id| self.thread_breaks(id));
            }
            Transition::ThreadsMend => self.threads_mend(),
            Transition::CategoryChanges { thread: nth, topic } => {
                thread(*nth).into_iter().for_each(|id| scene.turn_category(&id, topic.category()));
            }
            Transition::StarToggled { thread: nth } => thread(*nth).into_iter().for_each(|id| scene.toggle_star(&id)),
            Transition::ThreadRead { thread: nth } => thread(*nth).into_iter().for_each(|id| {
                scene.workspace.set_read(&id, true);
            }),
            Transition::TimePasses { seconds } => self.advance(u64::from(*seconds)),
            Transition::ClockJumps { seconds } => {
                self.clock.set(self.clock.now() + SignedDuration::from_secs(i64::from(*seconds)));
                scene.journal.lock().unwrap().clock_was_set = true;
            }
            Transition::Intake { moment } => return self.at_work(*moment, intake).await,
            Transition::Runs { lane, moment } => {
                let (lane, workspace) = (*lane, scene.workspace.clone());
                let work = async move |process: &Process| runs(process, lane, &workspace).await;
                return self.at_work(*moment, work).await;
            }
            Transition::Round { moment } => {
                let workspace = scene.workspace.clone();
                return self.at_work(*moment, async move |process: &Process| round(process, &workspace).await).await;
            }
            Transition::Pauses => self.process().engine.operator().pause(None, "a test").await.unwrap(),
            Transition::Resumes => self.process().engine.operator().resume(None).await.unwrap(),
            Transition::InjectFault(FaultSpec::Http(endpoint, fault)) => {
                self.simulator.faults().next(endpoint.clone(), 1, fault.clone());
            }
            Transition::InjectFault(FaultSpec::Smtp(step, fault)) => {
                self.simulator.faults().smtp(*step, 1, fault.clone())
            }
            Transition::Restarts => self.starts().await,
            Transition::Approves { nth, edited } => {
                if let Some(action) = self.nth_action(*nth, ActionState::Held).await {
                    let text = format!("Edited. [{}]", action.message_id.as_deref().unwrap_or_default());
                    let _ = self.process().engine.operator().approve(&action.id, edited.then_some(text)).await.unwrap();
                }
            }
            Transition::Rejects { nth } => {
                if let Some(action) = self.nth_action(*nth, ActionState::Held).await {
                    self.process().engine.operator().reject(&action.id).await.unwrap();
                }
            }
            Transition::Retries { nth } => {
                if let Some(action) = self.nth_action(*nth, ActionState::Failed).await {
                    // A reply that somebody else's has replaced in the meantime cannot come back.
                    let _ = self.process().engine.operator().retry(&action.id).await;
                }
            }
            Transition::Resolves { nth } => {
                if let Some(action) = self.nth_action(*nth, ActionState::Quarantined).await {
                    let seen = self.sees().await;
                    let sent = action.kind != ActionKind::Reply || seen.is_accepted(&action);
                    let resolution = if sent { Resolution::Sent } else { Resolution::NotSent };
                    self.process().engine.operator().resolve(&action.id, resolution).await.unwrap();
                }
            }
        }
        Ok(())
    }

    fn thread_breaks(&self, id: String) {
        let suffix = format!("/replies/threads/{id}/messages");
        self.simulator.faults().always(Endpoint::Path { method: "GET".to_owned(), suffix }, Fault::CloseBefore);
        self.scene.journal.lock().unwrap().broken = Some(id);
    }

    fn threads_mend(&self) {
        self.simulator.faults().clear();
        self.scene.journal.lock().unwrap().broken = None;
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.scene.clock.advance(seconds);
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Whether something is due in a lane.
    pub(crate) fn is_due(&self, lane: Lane) -> bool {
        let now = self.clock.now();
        self.seen()
            .actions
            .iter()
            .any(|action| lane.accepts(action.kind) && action.due_at.is_some_and(|due| due <= now))
    }

    /// How long until something is due that does not merely look every minute whether others have ended; else a minute.
    pub(crate) fn until_due(&self) -> u64 {
        let looks = |action: &Action| action.reason.as_ref().is_some_and(|why| why.code == ReasonCode::OtherActions);
        let due = self.seen().actions.iter().filter(|action| !looks(action)).filter_map(|action| action.due_at).min();
        let left = due.map(|due| due.duration_since(self.clock.now()).as_secs() + 1);
        left.and_then(|left| u64::try_from(left).ok()).filter(|left| *left > 0).unwrap_or(61)
    }

    /// Works; if the process is to die meanwhile, it does, and starts again.
    async fn at_work(
        &mut self,
        moment: Option<Interruption>,
        work: impl AsyncFnOnce(&Process) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        self.watcher.arm(moment);
        let dead = self.dies_during(work).await;
        self.watcher.arm(None);
        match dead {
            Some(ended) => ended,
            None => {
                self.scene.journal.lock().unwrap().crashes += 1;
                self.starts().await;
                Ok(())
            }
        }
    }

    /// `None` if the process died.
    async fn dies_during(
        &self,
        work: impl AsyncFnOnce(&Process) -> Result<(), Violation>,
    ) -> Option<Result<(), Violation>> {
        let process = self.process();
        tokio::select! {
            biased;
            () = self.watcher.crashed() => None,
            ended = work(process) => Some(ended),
        }
    }

    async fn nth_action(&self, nth: u8, state: ActionState) -> Option<Action> {
        let filter = ActionFilter { states: vec![state], limit: 100, ..ActionFilter::default() };
        let actions = self.process().store.actions(&filter).await.unwrap();
        let index = usize::from(nth).checked_rem(actions.len())?;
        let action = actions.into_iter().nth(index)?;
        self.scene.journal.lock().unwrap().touched.insert(action.id.clone());
        Some(action)
    }
}

/// Whether the API refused one of the requests since there were so many.
fn is_refused_for_limit(workspace: &reply_router::simulator::Workspace, since: usize) -> bool {
    workspace.requests().iter().skip(since).any(|request| request.status == Some(429))
}

/// Polls and decides, as the service's intake does.
async fn intake(process: &Process) -> Result<(), Violation> {
    match process.engine.intake().poll(process.workspace(), true).await {
        Ok(_) => {}
        Err(PollError::Api(_)) => return Ok(()),
        Err(error @ (PollError::Store(_) | PollError::NameInUse { .. })) => {
            return Err(Violation::new("the store works", error.to_string()));
        }
    }
    match process.engine.intake().handle_pending(process.workspace()).await {
        Ok(_) | Err(IntakeError::Api(_)) => Ok(()),
        Err(IntakeError::Store(error)) => Err(Violation::new("the store works", error.to_string())),
    }
}

async fn runs(process: &Process, lane: Lane, workspace: &reply_router::simulator::Workspace) -> Result<(), Violation> {
    let requests = workspace.requests().len();
    let stop = || is_refused_for_limit(workspace, requests);
    match process.engine.executor().run_due(process.workspace(), lane, &stop).await {
        Ok(_) => Ok(()),
        Err(ExecuteError::Store(error)) => Err(Violation::new("the store works", error.to_string())),
    }
}

async fn round(process: &Process, workspace: &reply_router::simulator::Workspace) -> Result<(), Violation> {
    intake(process).await?;
    // After a 429 the client would wait in real time.
    if workspace.requests().last().is_some_and(|request| request.status == Some(429)) {
        return Ok(());
    }
    for lane in [Lane::Api, Lane::Destinations] {
        runs(process, lane, workspace).await?;
    }
    Ok(())
}

/// What the API says while it knows nothing.
fn empty_list() -> Fault {
    let body = r#"{"success":true,"conversations":[],"total_count":0,"page":1,"limit":100,"unread_count":0,"starred_count":0}"#;
    Fault::Respond { status: 200, headers: Vec::new(), body: body.to_owned() }
}

/// A store with nothing in it: making one anew for each sequence would take longer than most sequences.
fn empty_store() -> &'static [u8] {
    static EMPTY: OnceLock<Vec<u8>> = OnceLock::new();
    EMPTY.get_or_init(|| {
        let made = std::thread::spawn(|| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store.db");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { SqlStore::open(&path).await.unwrap().close().await });
            std::fs::read(&path).unwrap()
        });
        made.join().unwrap()
    })
}
