//! How cost grows: with the workspaces of one process, and with processes on one store.
//!
//! ```sh
//! cargo bench --bench growth                                       # 1 to 1,000 workspaces in one process, on both stores
//! cargo bench --bench growth -- --workspaces 1,30 --leads 200 --seconds 30 --store sqlite
//! cargo bench --bench growth -- --replicas 1,3 --workspaces 60 --leads 2000
//! ```
//!
//! Each workspace has a simulator and a key of its own, and is polled every ten seconds. In the first table, leads write at
//! even intervals, and each is answered, starred and marked as read. In the second one all write at once. What grows with
//! workspaces shows in the time of a poll, what grows with events in the time of an event. The store's statements are
//! counted by PostgreSQL; a file's are the same.

// A measurement that is surprised ends there and says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// The tests use the rest of it.
#[allow(dead_code, unused_imports)]
#[path = "../tests/it/cli_fixture.rs"]
mod cli_fixture;
#[allow(dead_code, unused_imports)]
#[path = "../tests/it/replicas.rs"]
mod replicas;
#[allow(dead_code)]
#[path = "../tests/it/service_process.rs"]
mod service_process;
#[allow(dead_code)]
#[path = "../tests/it/stores.rs"]
mod stores;

use jiff::Timestamp;
use reply_router::simulator::{LoggedRequest, RateLimits, Simulator};
use service_process::{SERVICE, ServiceProcess};
use std::{
    collections::HashMap,
    fmt,
    time::{Duration, Instant},
};
use stores::Server;

const POLL_EVERY: Duration = Duration::from_secs(10);
/// What a process does before it has polled each workspace twice is its start.
const WARM: Duration = Duration::from_secs(25);
const IDLE: Duration = Duration::from_secs(20);
/// The limits are lifted.
const NONE: RateLimits = RateLimits { per_minute: 1_000_000, per_hour: 1_000_000 };
const DATABASE: &str = "growth";
/// Nothing here takes as long.
const PATIENCE: Duration = Duration::from_secs(900);

struct Setting {
    workspaces: Vec<usize>,
    leads: usize,
    lasts: Duration,
    stores: Vec<String>,
    replicas: Option<Vec<usize>>,
}

impl Setting {
    fn read() -> Self {
        let args: Vec<String> = std::env::args().collect();
        let value = |name: &str| args.iter().position(|arg| arg == name).and_then(|place| args.get(place + 1));
        let numbers = |text: &String| text.split(',').map(|number| number.parse().unwrap()).collect::<Vec<usize>>();
        let replicas = value("--replicas").map(numbers);
        let is_alone = replicas.is_none();
        let workspaces = if is_alone { vec![1, 10, 100, 1_000] } else { vec![60] };
        let stores = value("--store").cloned().unwrap_or_else(|| "sqlite,postgres".to_owned());
        Self {
            workspaces: value("--workspaces").map_or(workspaces, numbers),
            leads: value("--leads").map_or(if is_alone { 300 } else { 2_000 }, |text| text.parse().unwrap()),
            lasts: Duration::from_secs(value("--seconds").map_or(60, |text| text.parse().unwrap())),
            stores: stores.split(',').map(str::to_owned).collect(),
            replicas,
        }
    }
}

fn main() {
    if !std::env::args().any(|arg| arg == "--bench") {
        println!("the measurement takes minutes: cargo bench --bench growth");
        return;
    }
    let setting = Setting::read();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match &setting.replicas {
            None => compare_workspaces(&setting).await,
            Some(counts) => compare_replicas(&setting, counts).await,
        }
    });
}

/// A folder with a configuration, its simulators, and its server if the store is on one.
struct Place {
    folder: tempfile::TempDir,
    server: Option<Server>,
    simulators: Vec<Simulator>,
}

impl Place {
    async fn new(store: &str, workspaces: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = match store {
            "sqlite" => None,
            "postgres" => Some(tokio::task::spawn_blocking(start_counting).await.unwrap()),
            other => panic!("--store is sqlite or postgres, not {other}"),
        };
        let address = server.as_ref().map_or("sqlite:store.db".to_owned(), |server| server.database(DATABASE));
        if let Some(server) = &server {
            server.query(DATABASE, "CREATE EXTENSION pg_stat_statements");
        }
        let every = format!("{}s", POLL_EVERY.as_secs());
        let simulators = replicas::write_folder(folder.path(), workspaces, &every, &address, NONE).await;
        let place = Self { folder, server, simulators };
        cli_fixture::run(cli_fixture::binary(place.folder.path(), &["run", "--once"])).await.assert_exit(0);
        place
    }

    async fn start(&self) -> ServiceProcess {
        ServiceProcess::start(cli_fixture::binary(self.folder.path(), SERVICE)).await
    }

    /// Waits until so many leads have their answer, their star and their mark.
    async fn wait_for(&self, leads: usize) {
        let began = Instant::now();
        while self.count_done() < leads * 3 {
            assert!(began.elapsed() < PATIENCE, "{} of {} requests", self.count_done(), leads * 3);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn count_done(&self) -> usize {
        let is_done = |request: &&LoggedRequest| {
            request.method != "GET" && request.status.is_some_and(|status| (200..300).contains(&status))
        };
        let count = |simulator: &Simulator| {
            simulator.workspace().inspect_requests(|requests| requests.iter().filter(is_done).count())
        };
        self.simulators.iter().map(count).sum()
    }

    /// How long each lead waited for the request that answers.
    fn delays(&self, written: &HashMap<String, Timestamp>) -> Vec<Duration> {
        let accepted = self.simulators.iter().flat_map(|simulator| simulator.workspace().accepted_replies());
        let mut delays: Vec<Duration> =
            accepted.map(|reply| Duration::try_from(reply.at.duration_since(written[&reply.to])).unwrap()).collect();
        delays.sort();
        delays
    }

    /// How many statements the server has run.
    fn statements(&self) -> Option<f64> {
        let sql = "SELECT sum(calls) FROM pg_stat_statements WHERE toplevel";
        self.server.as_ref().map(|server| server.query(DATABASE, sql).parse().unwrap())
    }

    fn server_cpu(&self) -> Option<f64> {
        self.server.as_ref().map(|server| family_cpu(server.pid()))
    }
}

fn start_counting() -> Server {
    Server::start_with_options(&["shared_preload_libraries=pg_stat_statements"])
}

/// What work cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Seconds of CPU.
    cpu: f64,
    server_cpu: Option<f64>,
    statements: Option<f64>,
    commits: f64,
}

impl Cost {
    fn join(self, other: Self, join: impl Fn(f64, f64) -> f64) -> Self {
        let both = |one: Option<f64>, other: Option<f64>| one.zip(other).map(|(one, other)| join(one, other));
        Self {
            cpu: join(self.cpu, other.cpu),
            server_cpu: both(self.server_cpu, other.server_cpu),
            statements: both(self.statements, other.statements),
            commits: join(self.commits, other.commits),
        }
    }

    fn minus(self, other: Self) -> Self {
        self.join(other, |one, other| one - other)
    }

    fn times(self, factor: f64) -> Self {
        self.join(self, |one, _| one * factor)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |figure: Option<f64>| figure.map_or("–".to_owned(), |figure| format!("{figure:.1}"));
        let (server, statements) = (known(self.server_cpu.map(|cpu| cpu * 1e3)), known(self.statements));
        write!(f, "{:>9.2}{server:>8}{statements:>7}{:>7.2}", self.cpu * 1e3, self.commits)
    }
}

/// What a process and its server have used until now.
#[derive(Debug, Clone, Copy)]
struct Usage {
    at: Instant,
    cost: Cost,
}

impl Usage {
    async fn now(place: &Place, service: &ServiceProcess) -> Self {
        let (status, metrics) = service.get("/metrics").await;
        assert_eq!(status, 200);
        let commits = metrics.lines().find_map(|line| line.strip_prefix("reply_router_store_commit_seconds_count "));
        let (server_cpu, statements) = tokio::task::block_in_place(|| (place.server_cpu(), place.statements()));
        let cpu = cpu_seconds(&stat(service.id()), 11);
        let cost = Cost { cpu, server_cpu, statements, commits: commits.unwrap().trim().parse().unwrap() };
        Self { at: Instant::now(), cost }
    }
}

/// What follows the name of a process in its `stat` (proc_pid_stat(5)): the third field is the first here.
fn stat(pid: u32) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = text.rsplit_once(") ").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
    rest.split(' ').map(str::to_owned).collect()
}

/// Two fields of it, in user and in kernel mode; a tick is ten milliseconds.
fn cpu_seconds(stat: &[String], first: usize) -> f64 {
    let ticks = |place: usize| stat.get(place).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(first) + ticks(first + 1)) / 100.0
}

/// Of a process, of its children, and of those that it has buried.
fn family_cpu(pid: u32) -> f64 {
    let own = stat(pid);
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    let children = pids.map(stat).filter(|child| child.get(1) == Some(&pid.to_string()));
    cpu_seconds(&own, 11) + cpu_seconds(&own, 13) + children.map(|child| cpu_seconds(&child, 11)).sum::<f64>()
}

fn resident_mib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1_024.0
}

async fn compare_workspaces(setting: &Setting) {
    println!(
        "{} leads in {} s, polled every {} s; per poll and per event: CPU of the process, CPU of the server, statements, \
         commits",
        setting.leads,
        setting.lasts.as_secs(),
        POLL_EVERY.as_secs()
    );
    println!(
        "{:<9}{:>11}{:>9}{:>8}{:>9} |{:>9}{:>8}{:>7}{:>7} |{:>9}{:>8}{:>7}{:>7} |{:>8}{:>8}{:>9}{:>9}",
        "store",
        "workspaces",
        "ready s",
        "MiB",
        "CPU %",
        "ms/poll",
        "server",
        "stmts",
        "commit",
        "ms/event",
        "server",
        "stmts",
        "commit",
        "p50 s",
        "p95 s",
        "/ ms",
        "metrics"
    );
    for store in &setting.stores {
        for count in &setting.workspaces {
            measure_workspaces(store, *count, setting).await;
        }
    }
}

async fn measure_workspaces(store: &str, count: usize, setting: &Setting) {
    let place = Place::new(store, count).await;
    let began = Instant::now();
    let service = place.start().await;
    let ready = began.elapsed();
    tokio::time::sleep(WARM).await;
    let idle = Usage::now(&place, &service).await;
    tokio::time::sleep(IDLE).await;
    let before = Usage::now(&place, &service).await;
    let mut written = HashMap::new();
    let began = Instant::now();
    for number in 0..setting.leads {
        let due = setting.lasts * u32::try_from(number).unwrap() / u32::try_from(setting.leads).unwrap();
        tokio::time::sleep_until((began + due).into()).await;
        // Leads go round the workspaces in steps, so that neighbours in the list are not asked in turn.
        written.insert(replicas::add_lead(&place.simulators, number * 7), Timestamp::now());
    }
    place.wait_for(setting.leads).await;
    let after = Usage::now(&place, &service).await;
    let (delays, mib) = (place.delays(&written), resident_mib(service.id()));
    let (page, metrics) = (time_page(&service, "/").await, time_page(&service, "/metrics").await);

    let seconds = |from: &Usage, to: &Usage| to.at.duration_since(from.at).as_secs_f64();
    let polls = |from: &Usage, to: &Usage| count as f64 * seconds(from, to) / POLL_EVERY.as_secs_f64();
    let idle_cost = before.cost.minus(idle.cost);
    let poll = idle_cost.times(1.0 / polls(&idle, &before));
    let busy_cost = after.cost.minus(before.cost);
    let event = busy_cost.minus(poll.times(polls(&before, &after))).times(1.0 / setting.leads as f64);
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize].as_secs_f64();
    println!(
        "{store:<9}{count:>11}{:>9.2}{mib:>8.0}{:>9.1} |{poll} |{event} |{:>8.1}{:>8.1}{page:>9.1}{metrics:>9.1}",
        ready.as_secs_f64(),
        100.0 * idle_cost.cpu / seconds(&idle, &before),
        at(0.5),
        at(0.95),
    );
}

/// The fastest of a few, in milliseconds.
async fn time_page(service: &ServiceProcess, path: &str) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        assert_eq!(service.get(path).await.0, 200, "{path}");
        best = best.min(began.elapsed().as_secs_f64() * 1e3);
    }
    best
}

async fn compare_replicas(setting: &Setting, counts: &[usize]) {
    println!(
        "{} leads at once in {} workspaces, on PostgreSQL; time until all are answered, from the first request that is \
         not a poll",
        setting.leads, setting.workspaces[0]
    );
    println!("{:>9}{:>9}{:>10}{:>14}{:>14}", "replicas", "wall s", "events/s", "ms/event", "server ms");
    for count in counts {
        let place = Place::new("postgres", setting.workspaces[0]).await;
        let mut services = Vec::new();
        for _ in 0..*count {
            services.push(place.start().await);
        }
        tokio::time::sleep(WARM).await;
        let cpu = || services.iter().map(|service| cpu_seconds(&stat(service.id()), 11)).sum::<f64>();
        let (before, server_before) = (cpu(), place.server_cpu().unwrap());
        (0..setting.leads).for_each(|number| drop(replicas::add_lead(&place.simulators, number)));
        let began = Timestamp::now();
        place.wait_for(setting.leads).await;
        let (used, server_used) = (cpu() - before, place.server_cpu().unwrap() - server_before);
        let wall = wall_since(&place.simulators, began).as_secs_f64();
        let events = setting.leads as f64;
        println!(
            "{count:>9}{wall:>9.1}{:>10.0}{:>14.2}{:>14.2}",
            events / wall,
            used * 1e3 / events,
            server_used * 1e3 / events
        );
    }
}

/// From the first request after `began` that follows a poll with news to the last one.
fn wall_since(simulators: &[Simulator], began: Timestamp) -> Duration {
    let mut times = Vec::new();
    for simulator in simulators {
        simulator.workspace().inspect_requests(|requests| {
            let work = requests.iter().filter(|request| request.at >= began && request.path != "/replies");
            times.extend(work.map(|request| request.at));
        });
    }
    let (first, last) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    Duration::try_from(last.duration_since(*first)).unwrap()
}
