//! Many workspaces in one process: each has flows of its own, which are started, replaced and stopped one by one, and none
//! waits for another.

use crate::fixture::{Fixture, FixtureOptions, HOT};
use async_trait::async_trait;
use reply_router::{
    coldsend::{Client, ClientSettings},
    destinations::{Destinations, NetworkSettings},
    engine::{Engine, EngineParts, Failpoint, SystemClock, TestHooks, WorkspaceParts},
    model::{Action, ActionKind, ActionState, Mode, WorkspaceSettings},
    rules::{LoadContext, RuleSet},
    simulator::{Endpoint, Fault, Inbox, NewThread, Options, Simulator},
    store::{ActionFilter, SqlStore, prelude::*},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Real time, for what hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// An account of its own for each workspace, in one process with the real clock.
struct Agency {
    accounts: Vec<(&'static str, Simulator)>,
    engine: Arc<Engine>,
    store: Arc<SqlStore>,
    running: Option<(CancellationToken, JoinHandle<()>)>,
    _folder: tempfile::TempDir,
}

impl Agency {
    /// Runs the workspaces of these names.
    async fn run(names: &[&'static str], test_hooks: Option<Arc<dyn TestHooks>>) -> Self {
        let mut accounts = Vec::new();
        for name in names {
            let options = Options { inbox: Inbox::Empty, ..Options::for_tests() };
            accounts.push((*name, Simulator::start(options).await.unwrap()));
        }
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(crate::stores::open(&folder.path().join("store.db")).await.unwrap());
        let rules = RuleSet::parse(&[("rules.yaml", HOT)], &LoadContext::default()).unwrap();
        let engine = Engine::new(EngineParts {
            store: Arc::clone(&store) as _,
            rules,
            workspaces: accounts.iter().map(|(name, simulator)| parts(name, simulator)).collect(),
            public_url: None,
            clock: Arc::new(SystemClock),
            dry_run: false,
            test_hooks,
        });
        let (stop, running) = (CancellationToken::new(), Arc::clone(&engine));
        let shutdown = stop.clone();
        let running = Some((stop, tokio::spawn(async move { running.run(shutdown).await })));
        let agency = Self { accounts, engine, store, running, _folder: folder };
        for name in names {
            agency.until(|| agency.engine.workspace(name).unwrap().status().last_poll.is_some()).await;
        }
        agency
    }

    fn account(&self, name: &str) -> &Simulator {
        &self.accounts.iter().find(|(found, _)| *found == name).unwrap().1
    }

    /// A hot lead writes in the account.
    fn lead(&self, name: &str, number: usize) -> String {
        let account = self.accounts.iter().position(|(found, _)| *found == name).unwrap();
        let thread = NewThread::new(format!("jane{number}@{name}.example"))
            .id(format!("7000000{account}-0000-4000-8000-{number:012}"))
            .name("Jane Doe")
            .category("interested");
        self.account(name).workspace().add_thread(thread.campaign("Q1 Launch").message("Give me a call."))
    }

    fn replies(&self, name: &str) -> usize {
        self.account(name).workspace().accepted_replies().len()
    }

    async fn until(&self, mut holds: impl FnMut() -> bool) {
        let began = Instant::now();
        while !holds() {
            if began.elapsed() > PATIENCE {
                let filter = ActionFilter { limit: 100, ..ActionFilter::default() };
                let actions = self.store.actions(&filter).await.unwrap().into_iter();
                let actions: Vec<_> =
                    actions.map(|action| (action.workspace, action.kind, action.state, action.reason)).collect();
                panic!("never held: {actions:#?}");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The same parts for each workspace that has some, with other settings where `change` makes them.
    fn parts(&self, change: impl Fn(&mut WorkspaceSettings)) -> Vec<WorkspaceParts> {
        let same = |workspace: &Arc<reply_router::engine::Workspace>| {
            let mut settings = workspace.settings().clone();
            change(&mut settings);
            WorkspaceParts {
                settings,
                client: workspace.client().clone(),
                destinations: workspace.destinations().clone(),
            }
        };
        self.engine.workspaces().iter().map(same).collect()
    }

    async fn actions(&self, state: ActionState) -> Vec<Action> {
        let filter = ActionFilter { states: vec![state], limit: 1_000, ..ActionFilter::default() };
        self.store.actions(&filter).await.unwrap()
    }

    async fn stop(mut self) {
        let (stop, running) = self.running.take().unwrap();
        stop.cancel();
        tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap();
    }
}

pub(crate) fn parts(name: &str, simulator: &Simulator) -> WorkspaceParts {
    let client = Client::new(ClientSettings {
        workspace: name.to_owned(),
        base_url: simulator.base_url().parse().unwrap(),
        api_key: "cs_live_simulated".to_owned().into(),
        per_minute: 100_000,
        per_hour: 100_000,
    });
    WorkspaceParts {
        settings: WorkspaceSettings {
            mode: Mode::Live,
            poll_every: Duration::from_millis(200),
            ..WorkspaceSettings::new(name)
        },
        client: client.unwrap(),
        destinations: Destinations::new(BTreeMap::new(), None, NetworkSettings::default()).unwrap(),
    }
}

/// How many requests of this kind the account has seen.
fn polls(simulator: &Simulator) -> usize {
    simulator.workspace().requests().iter().filter(|request| request.path.ends_with("/replies")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workspaces_come_change_and_go_while_others_run_on() {
    let agency = Agency::run(&["acme", "globex"], None).await;
    let (acme, globex) = (agency.engine.workspace("acme").unwrap(), agency.engine.workspace("globex").unwrap());
    agency.lead("acme", 0);
    agency.lead("globex", 0);
    agency.until(|| agency.replies("acme") == 1 && agency.replies("globex") == 1).await;

    // `globex` goes: nothing of it is asked for any more, and `acme` is the same as before.
    let report = agency.engine.replace(None, agency.parts(|_| {}).into_iter().take(1).collect()).await;
    assert_eq!((report.added.len(), report.changed.len(), report.removed), (0, 0, vec!["globex".to_owned()]));
    assert!(agency.engine.workspace("globex").is_none());
    assert!(Arc::ptr_eq(&acme, &agency.engine.workspace("acme").unwrap()));
    agency.account("globex").workspace().clear_requests();
    agency.lead("globex", 1);
    agency.lead("acme", 1);
    agency.until(|| agency.replies("acme") == 2).await;
    assert_eq!(agency.account("globex").workspace().requests(), []);

    // It comes back, and what came meanwhile is answered; what was counted before is not known any more.
    let mut parts = agency.parts(|_| {});
    parts.push(self::parts("globex", agency.account("globex")));
    let report = agency.engine.replace(None, parts).await;
    assert_eq!(report.added, ["globex"]);
    agency.until(|| agency.replies("globex") == 2).await;
    assert!(!Arc::ptr_eq(&globex, &agency.engine.workspace("globex").unwrap()));

    // One changes: its client and what it has counted stay, and nothing is polled more often for it.
    let before = agency.engine.workspace("acme").unwrap();
    let polled = before.metrics().polls.count();
    for count in 0..100 {
        let change = |settings: &mut WorkspaceSettings| settings.safety.replies_per_hour = 100 + count;
        let report = agency.engine.replace(None, agency.parts(change)).await;
        assert_eq!(report.changed, ["acme", "globex"]);
    }
    let after = agency.engine.workspace("acme").unwrap();
    assert_eq!(after.safety().replies_per_hour, 199);
    assert_eq!(after.client().requests_sent(), before.client().requests_sent());
    assert!(after.metrics().polls.count() >= polled);
    agency.lead("acme", 2);
    agency.until(|| agency.replies("acme") == 3).await;
    assert_eq!(agency.replies("globex"), 2);
    agency.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_in_flight_ends_before_its_workspace_starts_again() {
    let agency = Agency::run(&["acme"], None).await;
    let slow = Duration::from_millis(1_500);
    agency.account("acme").faults().next(Endpoint::Reply, 1, Fault::DelayAfter(slow));
    agency.lead("acme", 0);
    agency.until(|| agency.replies("acme") == 1).await;
    assert_eq!(agency.actions(ActionState::InFlight).await.len(), 1);
    let change = |settings: &mut WorkspaceSettings| settings.safety.replies_per_hour = 7;
    let report = agency.engine.replace(None, agency.parts(change)).await;
    assert_eq!(report.changed, ["acme"]);
    // When the change is done, so is the reply, and nobody had to look for it.
    let done = agency.actions(ActionState::Done).await;
    let reply = done.iter().find(|action| action.kind == ActionKind::Reply).expect("done");
    assert_eq!(reply.attempts.len(), 1);
    agency.until(|| agency.engine.workspace("acme").unwrap().status().last_poll.is_some()).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(agency.replies("acme"), 1);
    agency.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_whose_api_hangs_delays_no_other() {
    let agency = Agency::run(&["acme", "globex", "initech"], None).await;
    agency.account("acme").faults().always(Endpoint::AnyApi, Fault::Hang);
    agency.account("globex").faults().always(Endpoint::AnyApi, Fault::Status(500, "{}".to_owned()));
    let before = (polls(agency.account("acme")), polls(agency.account("initech")));
    for number in 0..20 {
        agency.lead("acme", number);
        agency.lead("globex", number);
        agency.lead("initech", number);
    }
    agency.until(|| agency.replies("initech") == 20).await;
    // While all of these were answered, the one that hangs has had one poll at most, and it still waits.
    assert!(polls(agency.account("acme")) <= before.0 + 1);
    assert!(polls(agency.account("initech")) > before.1);
    assert_eq!((agency.replies("acme"), agency.replies("globex")), (0, 0));
    // It is replaced while it hangs: nobody waits for that either.
    let began = Instant::now();
    let change = |settings: &mut WorkspaceSettings| settings.safety.replies_per_hour = 100;
    agency.engine.replace(None, agency.parts(change)).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    agency.stop().await;
}

/// Panics at the first events, of whatever workspace.
struct Panics(AtomicUsize);

#[async_trait]
impl TestHooks for Panics {
    async fn hit(&self, failpoint: Failpoint, _: Option<&Action>) {
        let may = |left: usize| left.checked_sub(1);
        if failpoint == Failpoint::RowsQueued && self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, may).is_ok() {
            panic!("an error of the program");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_that_panics_starts_again_and_stops_no_other() {
    let agency = Agency::run(&["acme", "globex"], Some(Arc::new(Panics(AtomicUsize::new(1))))).await;
    let mut events = agency.engine.subscribe();
    agency.lead("acme", 0);
    agency.until(|| matches!(events_of(&mut events), Some(title) if title.contains("acme was interrupted"))).await;
    agency.lead("globex", 0);
    agency.until(|| agency.replies("globex") == 1 && agency.replies("acme") == 1).await;
    agency.stop().await;
}

/// Holds a reply whose intent is written until the test lets it go.
pub(crate) struct Gate {
    pub(crate) come: Semaphore,
    pub(crate) go: Semaphore,
}

#[async_trait]
impl TestHooks for Gate {
    async fn hit(&self, failpoint: Failpoint, action: Option<&Action>) {
        if failpoint == Failpoint::IntentWritten && action.is_some_and(|action| action.kind == ActionKind::Reply) {
            self.come.add_permits(1);
            self.go.acquire().await.unwrap().forget();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_too_long_does_not_hold_up_a_change_and_never_runs_twice() {
    let gate = Arc::new(Gate { come: Semaphore::new(0), go: Semaphore::new(0) });
    let agency = Agency::run(&["acme"], Some(Arc::clone(&gate) as Arc<dyn TestHooks>)).await;
    agency.lead("acme", 0);
    gate.come.acquire().await.unwrap().forget();
    let change = |settings: &mut WorkspaceSettings| settings.safety.replies_per_hour = 7;
    let began = Instant::now();
    agency.engine.replace(None, agency.parts(change)).await;
    assert!(began.elapsed() < Duration::from_secs(15), "the change does not wait for ever");
    // The old flow is still there, so that no new one is.
    agency.account("acme").workspace().clear_requests();
    agency.lead("acme", 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(agency.account("acme").workspace().requests(), []);
    assert_eq!(agency.actions(ActionState::InFlight).await.len(), 1);
    gate.go.add_permits(2);
    agency.until(|| agency.replies("acme") == 2).await;
    let texts = agency.account("acme").workspace().accepted_replies();
    assert_ne!(texts[0].thread_id, texts[1].thread_id);
    agency.stop().await;
}

/// The title of the next alert.
fn events_of(events: &mut tokio::sync::broadcast::Receiver<reply_router::engine::EngineEvent>) -> Option<String> {
    while let Ok(event) = events.try_recv() {
        if let reply_router::engine::EngineEventKind::Alert(title) = event.what {
            return Some(title);
        }
    }
    None
}

#[tokio::test]
async fn a_single_workspace_polls_at_once_and_at_its_interval() {
    let fixture = Fixture::without_baseline(FixtureOptions::default()).await;
    let (engine, stop) = (Arc::clone(&fixture.engine), CancellationToken::new());
    let shutdown = stop.clone();
    let running = tokio::spawn(async move { engine.run(shutdown).await });
    let began = Instant::now();
    // Where it needs a lease, it begins anew with that.
    let workspace = || fixture.engine.workspace("acme").unwrap();
    while workspace().status().last_poll.is_none() {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.cancel();
    running.await.unwrap();
    // One page holds the baseline, and its successor is half a minute away.
    assert_eq!(workspace().metrics().polls.count(), 1);
}
