//! The connection dies at every byte of a request and of its answer.
//!
//! Each byte gets an action of its own where the request is a write, and a request of its own where it is a read. At the
//! end all is compared with what the simulated sides took.

mod reads;
mod writes;

use crate::{
    fixture::{Fixture, FixtureOptions, ManualClock, engine, safety},
    proxy::Proxy,
};
use reply_router::simulator::Endpoint;
use reply_router::store::prelude::*;
use reply_router::{
    model::{Action, ActionKind, ActionState, DestinationKind, Safety},
    simulator::{ConnectionFault, Fault},
    store::{ActionFilter, DecisionFilter, Store},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Where a connection dies.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// After so many bytes of the request.
    Request(usize),
    /// After so many bytes of the answer.
    Answer(usize),
}

/// What came of it all.
#[derive(Debug, Default, Clone, Copy)]
struct CutStats {
    began: Option<Instant>,
    cuts: usize,
    leads: usize,
    effects: usize,
    /// Effects beyond the first, for the same lead.
    repeated: usize,
    done: usize,
    quarantined: usize,
    failed: usize,
}

impl CutStats {
    /// Of two fields together.
    fn with(self, other: Self) -> Self {
        Self {
            began: self.began.min(other.began).or(other.began),
            cuts: self.cuts + other.cuts,
            leads: self.leads + other.leads,
            effects: self.effects + other.effects,
            repeated: self.repeated + other.repeated,
            done: self.done + other.done,
            quarantined: self.quarantined + other.quarantined,
            failed: self.failed + other.failed,
        }
    }

    fn show(&self, what: &str) {
        let Self { began, cuts, leads, effects, repeated, done, quarantined, failed } = self;
        let seconds = began.map(|began| began.elapsed().as_secs_f32()).unwrap_or_default();
        println!(
            "{what:<28} {cuts:>5} cuts, {leads:>5} leads, {effects:>5} took effect, {repeated:>4} repeated, 0 lost: \
             {done} done, {quarantined} quarantined, {failed} failed; {seconds:.1} s"
        );
    }
}

/// A fixture to which lead after lead comes.
struct CutFixture {
    fixture: Fixture,
    kind: ActionKind,
    figures: CutStats,
    /// The threads that are under way.
    threads: Vec<String>,
}

/// It is connections that die here, never somebody's patience: on a machine that does something else meanwhile, nothing may
/// look like a destination that hangs.
const PATIENCE: Duration = Duration::from_secs(600);

fn setting(rules: &'static str) -> FixtureOptions {
    let verify_after = [5, 15].map(Duration::from_secs).to_vec();
    FixtureOptions {
        rules,
        safety: Safety { replies_per_hour: 1_000_000, verify_after, ..safety() },
        time_limit: Some(PATIENCE),
        ..FixtureOptions::default()
    }
}

impl CutFixture {
    async fn new(kind: ActionKind, rules: &'static str) -> Self {
        Self {
            fixture: Fixture::new(setting(rules)).await,
            kind,
            figures: CutStats { began: Some(Instant::now()), ..CutStats::default() },
            threads: Vec::new(),
        }
    }

    /// The same, reached through doors: before HTTP and before SMTP.
    async fn behind_doors(kind: ActionKind, rules: &'static str) -> (Self, [Proxy; 2]) {
        let mut field = Self::new(kind, rules).await;
        let simulator = &field.fixture.simulator;
        let doors = [Proxy::start(simulator.address()).await, Proxy::start(simulator.smtp_address()).await];
        let (http_at, smtp_at) = (Some(doors[0].address()), Some(doors[1].address()));
        let setting = FixtureOptions { http_at, smtp_at, ..setting(rules) };
        let (store, clock): (_, ManualClock) = (Arc::clone(&field.fixture.store), field.fixture.clock.clone());
        let behind = engine(&setting, simulator, store as Arc<dyn Store>, clock);
        field.fixture.replace_engine(behind);
        field.fixture.engine.intake().poll(field.fixture.workspace(), true).await.unwrap();
        (field, doors)
    }

    /// From here on nothing stands that could be used again: other clients, on the same store.
    fn renew_client(&mut self, rules: &'static str) {
        let (store, clock): (_, ManualClock) = (Arc::clone(&self.fixture.store), self.fixture.clock.clone());
        let renewed = engine(&setting(rules), &self.fixture.simulator, store as Arc<dyn Store>, clock);
        self.fixture.replace_engine(renewed);
    }

    /// So many leads write. All their addresses and names are equally long, and so are all requests.
    fn leads(&mut self, count: usize) {
        for _ in 0..count {
            self.figures.leads += 1;
            let email = format!("lead{:05}@acme.example", self.figures.leads);
            let thread = self.fixture.hot_lead(&email, "A call, please.");
            self.fixture.simulator.workspace().set_starred(&thread, self.kind == ActionKind::Unstar);
            self.threads.push(thread);
        }
        self.fixture.clock.advance(Duration::from_secs(1));
    }

    async fn poll(&self) -> bool {
        self.fixture.engine.intake().poll(self.fixture.workspace(), true).await.is_ok()
    }

    async fn decide(&self) -> bool {
        self.fixture.engine.intake().handle_pending(self.fixture.workspace()).await.is_ok()
    }

    /// Lets the time pass until something is due, and does it.
    async fn step(&self) -> bool {
        let Some(due) = self.fixture.store.next_due("acme").await.unwrap() else { return false };
        self.fixture.clock.set(due.max(self.fixture.engine.now()));
        self.fixture.run_due().await;
        true
    }

    /// All goes well again: whoever wrote gets what the rule says, or a person is asked.
    async fn settle(&mut self) {
        let faults = self.fixture.simulator.faults();
        assert_eq!(faults.pending(), 0, "every cut hit something");
        assert!(self.poll().await && self.decide().await);
        let mut steps = 0;
        while self.step().await {
            steps += 1;
            assert!(steps < 100, "{:?}", self.fixture.states().await.last());
        }
        // Whatever was taken was counted before or belongs to one of these.
        let taken = self.taken();
        let counted = self.figures.effects;
        for thread in std::mem::take(&mut self.threads) {
            let filter = ActionFilter { thread: Some(thread.clone()), limit: 10, ..ActionFilter::default() };
            let actions = self.fixture.store.actions(&filter).await.unwrap();
            assert_eq!(actions.len(), 1, "each lead's message is decided once: {actions:?}");
            self.count(&thread, &actions[0], &taken);
            // So that the list stays short.
            self.fixture.simulator.workspace().remove_thread(&thread);
        }
        assert_eq!(self.figures.effects - counted, taken.len());
        self.fixture.simulator.workspace().clear_requests();
    }

    /// Compares an action with what the simulated side took.
    fn count(&mut self, thread: &str, action: &Action, taken: &[String]) {
        let found = self.fixture.simulator.workspace().thread(thread).unwrap();
        let done = action.state == ActionState::Done;
        let right = match action.kind {
            ActionKind::Star => found.is_starred,
            ActionKind::Unstar => !found.is_starred,
            ActionKind::MarkRead => found.is_read,
            _ => true,
        };
        assert!(right || !done, "done, and it is not so: {action:?}");
        let effects = match action.kind {
            ActionKind::Forward(_) => taken.iter().filter(|text| text.contains(&action.id.0)).count(),
            _ => taken.iter().filter(|of| *of == thread).count(),
        };
        match action.kind {
            ActionKind::Reply => {
                assert!(effects <= 1, "{effects} replies");
                assert_eq!(done, effects == 1, "it can be seen at once: {action:?}");
            }
            ActionKind::Star | ActionKind::Unstar => assert!(effects <= 1, "switched {effects} times: {action:?}"),
            _ => {}
        }
        assert!(effects > 0 || !done, "done, and nothing happened: {action:?}");
        self.figures.effects += effects;
        self.figures.repeated += effects.saturating_sub(1);
        match action.state {
            ActionState::Done => self.figures.done += 1,
            ActionState::Quarantined => self.figures.quarantined += 1,
            ActionState::Failed => self.figures.failed += 1,
            other => panic!("it ended {other}"),
        }
    }

    /// What the other side has taken: of each piece the part by which it can be told from others.
    fn taken(&self) -> Vec<String> {
        let simulator = &self.fixture.simulator;
        match self.kind {
            ActionKind::Reply => {
                let mut all = simulator.workspace().accepted_replies();
                all.drain(self.figures.effects..).map(|reply| reply.thread_id).collect()
            }
            ActionKind::Forward(DestinationKind::Log) => panic!("a line is no request"),
            ActionKind::Forward(DestinationKind::Slack) => {
                let new = simulator.slack().split_off(self.figures.effects);
                new.iter().map(|message| message.payload.to_string()).collect()
            }
            ActionKind::Forward(DestinationKind::Webhook) => {
                let new = simulator.webhooks().split_off(self.figures.effects);
                new.iter().map(|call| call.header("webhook-id").unwrap().to_owned()).collect()
            }
            ActionKind::Forward(DestinationKind::Email) => {
                let id = |raw: &str| raw.lines().find(|line| line.starts_with("Message-ID: ")).map(str::to_owned);
                let new = simulator.mail().split_off(self.figures.effects);
                new.iter().map(|mail| id(&mail.raw).unwrap()).collect()
            }
            _ => {
                let log = simulator.workspace().requests();
                let carried_out =
                    log.iter().filter(|request| request.method == "PATCH" && request.carried_out.is_some());
                carried_out.map(|request| request.path.split('/').nth(3).unwrap().to_owned()).collect()
            }
        }
    }

    /// Nobody was forgotten, and nothing came that nobody asked for.
    async fn finish(self) -> CutStats {
        let filter = DecisionFilter { limit: 10_000, ..DecisionFilter::default() };
        assert_eq!(self.fixture.store.decisions(&filter).await.unwrap().len(), self.figures.leads);
        self.figures
    }

    /// The next request of this endpoint, on a connection of its own, dies so.
    fn cut(&self, endpoint: &Endpoint, cut: Cut) {
        let faults = self.fixture.simulator.faults();
        match cut {
            Cut::Request(bytes) => faults.connections(1, ConnectionFault::CloseAfterReading(bytes)),
            Cut::Answer(bytes) => faults.next(endpoint.clone(), 1, Fault::TruncateAfter(bytes)),
        }
    }
}

/// Every byte of a request and of its answer, the ends included.
fn every_byte((request, answer): (usize, usize)) -> [Vec<Cut>; 2] {
    [(0..=request).map(Cut::Request).collect(), (0..=answer).map(Cut::Answer).collect()]
}
