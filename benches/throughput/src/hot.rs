//! So many hot threads at once.

use super::{
    Bench, fill, inbox,
    observed::{Requests, Start},
    service::{Service, Usage, store_bytes},
    simulator,
};
use reply_router::simulator::{DEFAULT_KEY, Inbox, Simulator};
use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// Hot threads.
    #[arg(long, default_value_t = 500)]
    threads: usize,
    /// How long the API takes for a request.
    #[arg(long, value_delimiter = ',', default_value = "0,50ms", value_parser = super::parse_latency)]
    latency: Vec<Duration>,
    /// How many actions the store holds already.
    #[arg(long, value_delimiter = ',', default_value = "0")]
    actions: Vec<usize>,
    /// Rules: all but the last one look for other words.
    #[arg(long, value_delimiter = ',', default_value = "1")]
    rules: Vec<usize>,
    /// Leave the script out.
    #[arg(long)]
    no_script: bool,
    /// Requests that the script makes at once.
    #[arg(long, default_value_t = 16)]
    workers: usize,
    /// Give up after so many seconds.
    #[arg(long, default_value_t = 600)]
    timeout: u64,
}

impl Default for Arguments {
    fn default() -> Self {
        let latency = vec![Duration::ZERO, Duration::from_millis(50)];
        let (actions, rules) = (vec![0], vec![1]);
        Self { threads: 500, latency, actions, rules, no_script: false, workers: 16, timeout: 600 }
    }
}

/// What came of one run.
struct Outcome {
    wall: Duration,
    /// Until the last action, and until the program was idle again.
    cpu: Duration,
    cpu_settled: Duration,
    peak_kib: u64,
    requests: Requests,
    commits: Option<u64>,
    written: u64,
    stored: u64,
    finished: bool,
}

pub(crate) async fn measure(bench: &Bench, arguments: &Arguments) {
    let threads = arguments.threads;
    println!("{threads} hot threads; CPU until the last action + until all is quiet; requests a thread");
    println!(
        "{:<24} {:>8} {:>9} {:>5} {:>8} {:>13} {:>7} {:>8} {:>8} {:>8} {:>6}  requests",
        "program", "latency", "actions", "rules", "wall s", "CPU s", "peak MB", "commits", "written", "stored", "ratio"
    );
    for latency in &arguments.latency {
        let script = match arguments.no_script {
            true => None,
            false => Some(run_script(arguments, *latency).await),
        };
        if let Some(outcome) = &script {
            print(&format!("script, {} workers", arguments.workers), *latency, None, outcome, None, threads);
        }
        for actions in &arguments.actions {
            for rules in &arguments.rules {
                for program in &bench.programs {
                    let folder = bench.folder();
                    if *actions > 0 {
                        fill::fill_actions(&Service::store_path(folder.path()), *actions).await;
                    }
                    let outcome = run_service(bench, arguments, program, folder.path(), *rules, *latency).await;
                    let name = shown(program);
                    print(&name, *latency, Some((*actions, *rules)), &outcome, script.as_ref(), threads);
                }
            }
        }
    }
    println!(
        "ratio: wall and CPU over the script's; written, stored: KiB a thread, written to disk and left in the store"
    );
}

fn shown(program: &Path) -> String {
    let name = program.display().to_string();
    let tail: String = name.chars().rev().take(24).collect();
    tail.chars().rev().collect()
}

fn print(
    name: &str,
    latency: Duration,
    store: Option<(usize, usize)>,
    outcome: &Outcome,
    script: Option<&Outcome>,
    threads: usize,
) {
    let each = |count: usize| format!("{:.2}", count as f64 / threads as f64);
    let kib = |bytes: u64| format!("{:.1}", bytes as f64 / 1_024.0 / threads as f64);
    let (actions, rules) = store.map(|(actions, rules)| (actions.to_string(), rules.to_string())).unwrap_or_default();
    let ratio = script.map(|script| {
        let over = |ours: Duration, theirs: Duration| ours.as_secs_f64() / theirs.as_secs_f64().max(0.001);
        format!("{:.1}/{:.1}", over(outcome.wall, script.wall), over(outcome.cpu_settled, script.cpu_settled))
    });
    let requests = outcome.requests;
    println!(
        "{name:<24} {:>8} {actions:>9} {rules:>5} {:>8.2} {:>6.2}+{:>6.2} {:>7.1} {:>8} {:>8} {:>8} {:>6}  list {} thread {} messages {} \
         reply {} star {} read {} slack {}{}",
        format!("{} ms", latency.as_millis()),
        outcome.wall.as_secs_f64(),
        outcome.cpu.as_secs_f64(),
        outcome.cpu_settled.saturating_sub(outcome.cpu).as_secs_f64(),
        outcome.peak_kib as f64 / 1_024.0,
        outcome.commits.map_or_else(|| "-".to_owned(), |commits| each(commits as usize)),
        if outcome.written == 0 { "-".to_owned() } else { kib(outcome.written) },
        if outcome.stored == 0 { "-".to_owned() } else { kib(outcome.stored) },
        ratio.unwrap_or_default(),
        requests.list,
        each(requests.thread),
        each(requests.messages),
        each(requests.reply),
        each(requests.star),
        each(requests.read),
        each(requests.slack),
        if outcome.finished { "" } else { "  NOT ALL DONE" },
    );
}

async fn run_script(arguments: &Arguments, latency: Duration) -> Outcome {
    let simulator = simulator(latency, Inbox::Empty).await;
    add_hot(&simulator, arguments.threads);
    let start = Start::now(&simulator);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("script.py");
    let mut command = Command::new("python3");
    command.arg(script).args([simulator.base_url(), simulator.slack_url(), DEFAULT_KEY.to_owned()]);
    command.args(["--workers", &arguments.workers.to_string()]).stderr(Stdio::inherit());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let used: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the script ends well");
    let cpu = Duration::from_secs_f64(used["cpu"].as_f64().unwrap());
    let requests = start.requests(&simulator);
    let outcome = Outcome {
        wall: start.wall(&simulator),
        cpu,
        cpu_settled: cpu,
        peak_kib: used["peak_kib"].as_u64().unwrap(),
        requests,
        commits: None,
        written: 0,
        stored: 0,
        finished: requests.are_complete(arguments.threads),
    };
    simulator.shutdown().await;
    outcome
}

async fn run_service(
    bench: &Bench,
    arguments: &Arguments,
    program: &Path,
    folder: &Path,
    rules: usize,
    latency: Duration,
) -> Outcome {
    let simulator = simulator(latency, Inbox::Empty).await;
    let mut service = Service::start(program, folder, &simulator, rules);
    bench.warm_up(&mut service, &simulator).await;
    let (before, commits, stored) = (service.usage(), service.commits().await, store_bytes(folder));
    let start = Start::now(&simulator);
    add_hot(&simulator, arguments.threads);
    let began = Instant::now();
    let timeout = Duration::from_secs(arguments.timeout);
    let mut requests = start.requests(&simulator);
    while !requests.are_complete(arguments.threads) && began.elapsed() < timeout {
        tokio::time::sleep(Duration::from_millis(10)).await;
        service.assert_runs();
        requests = start.requests(&simulator);
        // It polls and polls, and does nothing any more: what is missing will not come.
        if requests.list > arguments.threads / 100 && start.ends_with_polls(&simulator, 8) {
            break;
        }
    }
    let acted = service.usage();
    let finished = requests.are_complete(arguments.threads);
    if finished {
        wait_until_idle(&mut service, &simulator, Duration::from_secs(60)).await;
    }
    let settled: Usage = service.usage();
    let all = start.requests(&simulator);
    let outcome = Outcome {
        wall: start.wall(&simulator),
        cpu: acted.cpu.saturating_sub(before.cpu),
        cpu_settled: settled.cpu.saturating_sub(before.cpu),
        peak_kib: settled.peak_kib,
        requests: Requests { list: requests.list, ..all },
        commits: service.commits().await.zip(commits).map(|(after, before)| after.saturating_sub(before)),
        written: settled.written_bytes.saturating_sub(before.written_bytes),
        stored: 0,
        finished,
    };
    assert!(service.stop(), "the service does not end");
    simulator.shutdown().await;
    Outcome { stored: store_bytes(folder).saturating_sub(stored), ..outcome }
}

fn add_hot(simulator: &Simulator, threads: usize) {
    let workspace = simulator.workspace();
    for number in 0..threads {
        workspace.add_thread(inbox::hot_thread(number));
    }
}

/// Waits until the service does nothing but poll.
pub(crate) async fn wait_until_idle(service: &mut Service, simulator: &Simulator, timeout: Duration) {
    let start = Start::now(simulator);
    let began = Instant::now();
    while !start.ends_with_polls(simulator, 3) {
        assert!(began.elapsed() < timeout, "the service does not come to rest");
        tokio::time::sleep(Duration::from_millis(20)).await;
        service.assert_runs();
    }
}
