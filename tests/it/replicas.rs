//! Three processes on one database, under kills, stops and cut connections: nobody is answered twice, nobody is forgotten,
//! no key's budget is exceeded.

use crate::{
    cli_fixture::binary,
    service_process::{SERVICE, ServiceProcess},
    stores::Server,
};
use reply_router::{
    model::ActionState,
    simulator::{Key, NewThread, Options, RateLimits, Simulator},
    store::{ActionFilter, DecisionFilter, SqlStore, prelude::*},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// What is played.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) workspaces: usize,
    pub(crate) leads: usize,
    pub(crate) lasts: Duration,
    pub(crate) poll_every: &'static str,
    pub(crate) seed: u64,
    /// The server is killed in the middle, and starts again.
    pub(crate) restarts_server: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) leads: usize,
    pub(crate) answered: usize,
    pub(crate) duplicates: usize,
    pub(crate) lost: usize,
    pub(crate) left_to_people: usize,
    pub(crate) refused: usize,
    pub(crate) kills: usize,
    pub(crate) stops: usize,
    pub(crate) cuts: usize,
    pub(crate) takeovers: Vec<Duration>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { leads, answered, duplicates, lost, left_to_people, refused, kills, stops, cuts, takeovers } = self;
        write!(
            f,
            "{kills} kills, {stops} stops, {cuts} cuts of all connections; {leads} leads: {answered} answered, "
        )?;
        write!(
            f,
            "{duplicates} twice, {lost} lost, {left_to_people} left to a person; {refused} requests over the limit; "
        )?;
        write!(f, "taken over after {takeovers:.1?}")
    }
}

/// The same sequence for the same seed.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// The workspaces, the server, and the processes.
pub(crate) struct Field {
    folder: tempfile::TempDir,
    server: Server,
    simulators: Vec<Simulator>,
    replicas: Vec<Option<ServiceProcess>>,
}

const DATABASE: &str = "replicas";

/// A configuration with so many workspaces and one rule for all of them, and the simulator of each.
pub(crate) async fn write_folder(
    folder: &Path,
    count: usize,
    poll_every: &str,
    store: &str,
    limits: RateLimits,
) -> Vec<Simulator> {
    let RateLimits { per_minute, per_hour } = limits;
    let mut simulators = Vec::with_capacity(count);
    let mut workspaces = String::new();
    for number in 0..count {
        let key = format!("cs_live_w{number}");
        let options = Options { keys: vec![Key::new(&key)], rate_limits: Some(limits), ..Options::for_tests() };
        let simulator = Simulator::start(options).await.unwrap();
        let base = simulator.base_url();
        workspaces += &format!(
            "  - {{ name: w{number}, api_key: {key}, base_url: \"{base}\", poll_every: {poll_every}, \
             rate_limit: {{ per_minute: {per_minute}, per_hour: {per_hour} }} }}\n"
        );
        simulators.push(simulator);
    }
    std::fs::create_dir(folder.join("rules")).unwrap();
    let rules = "version: 1\nrules:\n  - name: hot\n    when: { category: interested, workspace: \"*\" }\n    then:\n      \
                 - reply: { text: 'Hi {{ lead.email }}, my calendar.' }\n      - star\n      - mark_read\n";
    std::fs::write(folder.join("rules/rules.yaml"), rules).unwrap();
    let configuration = format!(
        "workspaces:\n{workspaces}rules: rules/\nstore: \"{store}\"\nadmin: {{ listen: \"127.0.0.1:0\" }}\n\
         safety: {{ verify_after: [1s, 2s], replies_per_hour: 100000 }}\n"
    );
    std::fs::write(folder.join("reply-router.yaml"), configuration).unwrap();
    simulators
}

/// A lead who writes what the rule answers. Its address comes back.
pub(crate) fn add_lead(simulators: &[Simulator], number: usize) -> String {
    let workspace = number % simulators.len();
    let email = format!("lead{number}@w{workspace}.example");
    let thread = NewThread::new(&email).name("Jane Doe").campaign("Q1 Launch").category("interested");
    simulators[workspace].workspace().add_thread(thread.message("Sure, a call on Tuesday?"));
    email
}

impl Field {
    pub(crate) async fn new(setting: &Setting) -> Self {
        let server = tokio::task::spawn_blocking(Server::start).await.unwrap();
        let address = server.database(DATABASE);
        let folder = tempfile::tempdir().unwrap();
        let simulators =
            write_folder(folder.path(), setting.workspaces, setting.poll_every, &address, RateLimits::default()).await;
        let field = Self { folder, server, simulators, replicas: Vec::new() };
        crate::cli_fixture::run(field.command(&["run", "--once"])).await.assert_exit(0);
        field
    }

    fn command(&self, args: &[&str]) -> Command {
        binary(self.folder.path(), args)
    }

    pub(crate) async fn start(&mut self, count: usize) {
        while self.replicas.len() < count {
            self.replicas.push(None);
        }
        for place in 0..self.replicas.len() {
            if self.replicas[place].is_none() {
                self.replicas[place] = Some(ServiceProcess::start(self.command(SERVICE)).await);
            }
        }
        // Each has its share.
        let began = Instant::now();
        while self.holders().await.values().collect::<BTreeSet<_>>().len() < count.min(self.simulators.len()) {
            assert!(began.elapsed() < Duration::from_secs(60), "{:?}", self.holders().await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Who holds which workspace.
    async fn holders(&self) -> BTreeMap<String, String> {
        let rows = self.query("SELECT workspace || ' ' || coalesce(holder, '') FROM leases").await;
        rows.lines().filter_map(|row| row.split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }

    async fn query(&self, sql: &str) -> String {
        tokio::task::block_in_place(|| self.server.query(DATABASE, sql))
    }

    /// How long it takes until nothing is held by one that held something when it was killed or stopped.
    async fn time_takeover(&self, before: &BTreeMap<String, String>, began: Instant) -> Duration {
        let holders: BTreeSet<&String> = before.values().collect();
        loop {
            let now = self.holders().await;
            let left: BTreeSet<&String> = now.values().collect();
            if holders.iter().any(|holder| !left.contains(holder)) {
                return began.elapsed();
            }
            assert!(began.elapsed() < Duration::from_secs(30), "nobody takes over: {now:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until everything has settled or is a person's, and counts.
    async fn settle(&mut self, outcome: &mut Outcome) {
        let store = SqlStore::connect(&self.server.database(DATABASE)).await.unwrap();
        let began = Instant::now();
        loop {
            let decided =
                store.decisions(&DecisionFilter { limit: 100_000, ..Default::default() }).await.unwrap().len();
            let queue = store.queue_counts(None).await.unwrap();
            let open: HashMap<_, _> =
                queue.iter().filter(|(state, count)| **count > 0 && !state.is_settled()).collect();
            if decided >= outcome.leads && open.keys().all(|state| **state == ActionState::Quarantined) {
                break;
            }
            assert!(
                began.elapsed() < Duration::from_secs(900),
                "{decided} of {} decided, open: {open:?}",
                outcome.leads
            );
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let quarantined = ActionFilter { states: vec![ActionState::Quarantined], limit: 100_000, ..Default::default() };
        let quarantined: BTreeSet<_> =
            store.actions(&quarantined).await.unwrap().into_iter().filter_map(|action| action.lead_email).collect();
        for number in 0..outcome.leads {
            let workspace = number % self.simulators.len();
            let email = format!("lead{number}@w{workspace}.example");
            let accepted = self.simulators[workspace].workspace().accepted_replies();
            let count =
                accepted.iter().filter(|reply| reply.body.as_deref().is_some_and(|body| body.contains(&email))).count();
            outcome.answered += usize::from(count > 0);
            outcome.duplicates += count.saturating_sub(1);
            let is_left = quarantined.contains(&email);
            outcome.left_to_people += usize::from(is_left);
            outcome.lost += usize::from(count == 0 && !is_left);
        }
        for simulator in &self.simulators {
            outcome.refused +=
                simulator.workspace().inspect_requests(|all| all.iter().filter(|one| one.status == Some(429)).count());
        }
        store.close().await;
    }
}

/// Plays it.
pub(crate) async fn play(setting: Setting) -> Outcome {
    let mut field = Field::new(&setting).await;
    field.start(3).await;
    let mut dice = Dice(setting.seed);
    let mut outcome = Outcome::default();
    let began = Instant::now();
    let mut next_disturbance = Duration::from_secs(2);
    let mut restarts = setting.restarts_server;
    let mut stopped: Option<(usize, Instant)> = None;
    while outcome.leads < setting.leads || began.elapsed() < setting.lasts {
        let due = setting.leads as f64 * began.elapsed().as_secs_f64() / setting.lasts.as_secs_f64();
        while outcome.leads < setting.leads && (outcome.leads as f64) < due {
            add_lead(&field.simulators, outcome.leads);
            outcome.leads += 1;
        }
        if let Some((place, until)) = stopped.filter(|(_, until)| Instant::now() >= *until) {
            let _ = until;
            crate::cli_fixture::signal("-CONT", field.replicas[place].as_ref().unwrap().id());
            stopped = None;
        }
        if restarts && began.elapsed() > setting.lasts / 2 {
            restarts = false;
            tokio::task::block_in_place(|| field.server.restart());
        }
        if began.elapsed() >= next_disturbance && stopped.is_none() {
            let place = dice.throw(3);
            let before = field.holders().await;
            // Each in turn, so that none is left to chance.
            match (outcome.kills + outcome.stops + outcome.cuts) % 3 {
                0 => {
                    outcome.kills += 1;
                    field.replicas[place].take().unwrap().kill();
                    // One that has just started may hold nothing yet.
                    if before.values().collect::<BTreeSet<_>>().len() == field.replicas.len() {
                        outcome.takeovers.push(field.time_takeover(&before, Instant::now()).await);
                    }
                    field.replicas[place] = Some(ServiceProcess::start(field.command(SERVICE)).await);
                }
                1 => {
                    outcome.stops += 1;
                    crate::cli_fixture::signal("-STOP", field.replicas[place].as_ref().unwrap().id());
                    let long = Duration::from_millis(500 + 500 * dice.throw(20) as u64);
                    stopped = Some((place, Instant::now() + long));
                }
                _ => {
                    outcome.cuts += 1;
                    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                         WHERE datname = current_database() AND pid <> pg_backend_pid()";
                    field.query(cut).await;
                }
            }
            next_disturbance = began.elapsed() + Duration::from_millis(1_000 + 500 * dice.throw(5) as u64);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if let Some((place, _)) = stopped {
        crate::cli_fixture::signal("-CONT", field.replicas[place].as_ref().unwrap().id());
    }
    field.settle(&mut outcome).await;
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_answered_twice_or_forgotten_while_processes_die_and_stop() {
    let setting = Setting {
        workspaces: 6,
        leads: 72,
        lasts: Duration::from_secs(20),
        poll_every: "2s",
        seed: 7,
        restarts_server: true,
    };
    let outcome = play(setting).await;
    eprintln!("{outcome}");
    assert_eq!((outcome.duplicates, outcome.lost, outcome.refused), (0, 0, 0), "{outcome}");
    assert!(outcome.answered + outcome.left_to_people >= outcome.leads, "{outcome}");
    assert!(outcome.kills > 0 && outcome.stops > 0 && outcome.cuts > 0, "{outcome}");
    assert!(outcome.takeovers.iter().all(|time| *time < Duration::from_secs(10)), "{outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_ready_again_after_an_outage_though_others_run_what_it_ran() {
    let setting =
        Setting { workspaces: 1, leads: 0, lasts: Duration::ZERO, poll_every: "1s", seed: 0, restarts_server: false };
    let mut field = Field::new(&setting).await;
    field.start(1).await;
    let before = field.holders().await;
    field.start(2).await;
    let mut first = field.replicas[0].take().unwrap();

    tokio::task::block_in_place(|| field.server.kill());
    first.wait_for_log("nothing runs here until it does").await;
    assert_eq!(first.get("/readyz").await.0, 503);
    crate::cli_fixture::signal("-STOP", first.id());
    tokio::task::block_in_place(|| field.server.start_again());
    field.time_takeover(&before, Instant::now()).await;
    crate::cli_fixture::signal("-CONT", first.id());
    answers(&first, 200, "ready").await;
    let (_, metrics) = first.get("/metrics").await;
    assert!(metrics.contains("reply_router_store_failing{workspace=\"w0\"} 0"), "{metrics}");
    let second = field.replicas[1].as_ref().unwrap();
    answers(second, 200, "ready").await;

    // A store that can be read and not be written: nobody runs anything, and both say so.
    let lock = "BEGIN; LOCK TABLE leases, replicas IN EXCLUSIVE MODE; SELECT pg_sleep(12); COMMIT";
    let runtime = tokio::runtime::Handle::current();
    let began = Instant::now();
    let seen = tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            scope.spawn(|| field.server.query(DATABASE, lock));
            runtime.block_on(async {
                answers(&first, 503, "nothing runs here, because the store cannot be written").await;
                answers(second, 503, "nothing runs here, because the store cannot be written").await;
            });
            began.elapsed()
        })
    });
    assert!(seen < Duration::from_secs(12), "they say so while it lasts: {seen:?}");
    answers(&first, 200, "ready").await;
    answers(second, 200, "ready").await;
}

/// Waits until this is what it answers to whoever asks whether it is ready.
async fn answers(replica: &ServiceProcess, status: u16, text: &str) {
    let began = Instant::now();
    loop {
        let said = replica.get("/readyz").await;
        if said.0 == status && said.1.contains(text) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(25), "{said:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
