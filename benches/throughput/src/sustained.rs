//! Hot threads without an end: how many a second, and whether that stays so.

use super::{
    Bench, fill, inbox,
    observed::{Kind, Start, kind},
    service::{Service, store_bytes},
    simulator,
};
use reply_router::simulator::Inbox;
use std::time::{Duration, Instant};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// For how long.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// So many threads wait at any time.
    #[arg(long, default_value_t = 1_000)]
    waiting: usize,
    /// How many actions the store holds already.
    #[arg(long, value_delimiter = ',', default_value = "0")]
    actions: Vec<usize>,
    /// How long the API takes for a request.
    #[arg(long, default_value = "0", value_parser = super::parse_latency)]
    latency: Duration,
    /// Rules: all but the last one look for other words.
    #[arg(long, default_value_t = 1)]
    rules: usize,
    /// The length of a window in seconds.
    #[arg(long, default_value_t = 5)]
    window: u64,
}

pub(crate) async fn measure(bench: &Bench, arguments: &Arguments) {
    println!(
        "{} s, {} threads waiting; threads that had all four actions, a second and by window",
        arguments.seconds, arguments.waiting
    );
    println!(
        "{:>9} {:>7} {:>9} {:>9} {:>8} {:>9}  windows",
        "actions", "threads", "a second", "replies/s", "CPU ms", "KiB each"
    );
    for actions in &arguments.actions {
        for program in &bench.programs {
            let folder = bench.folder();
            if *actions > 0 {
                fill::fill_actions(&Service::store_path(folder.path()), *actions).await;
            }
            let simulator = simulator(arguments.latency, Inbox::Empty).await;
            let mut service = Service::start(program, folder.path(), &simulator, arguments.rules);
            bench.warm_up(&mut service, &simulator).await;
            let (cpu, stored) = (service.usage().cpu, store_bytes(folder.path()));
            let (start, began) = (Start::now(&simulator), Instant::now());
            let (mut added, mut done, mut seen) = (0, 0, 0);
            let (mut windows, mut in_window) = (Vec::new(), 0);
            while began.elapsed() < Duration::from_secs(arguments.seconds) {
                let new = start.inspect(&simulator, |requests| {
                    let new = requests[seen..].iter().filter(|request| kind(request) == Kind::Read).count();
                    seen = requests.len();
                    new
                });
                done += new;
                in_window += new;
                if began.elapsed() >= Duration::from_secs(arguments.window * (windows.len() as u64 + 1)) {
                    windows.push(in_window as f64 / arguments.window as f64);
                    in_window = 0;
                }
                while added < done + arguments.waiting {
                    simulator.workspace().add_thread(inbox::hot_thread(added));
                    added += 1;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
                service.assert_runs();
            }
            let cpu = service.usage().cpu.saturating_sub(cpu);
            let seconds = began.elapsed().as_secs_f64();
            let replies = start.requests(&simulator).reply;
            assert!(service.stop());
            let bytes = store_bytes(folder.path()).saturating_sub(stored);
            let windows: Vec<_> = windows.iter().map(|rate| format!("{rate:.0}")).collect();
            println!(
                "{actions:>9} {done:>7} {:>9.1} {:>9.1} {:>8.2} {:>9.1}  {}  {}",
                done as f64 / seconds,
                replies as f64 / seconds,
                cpu.as_secs_f64() * 1_000.0 / done.max(1) as f64,
                bytes as f64 / 1_024.0 / done.max(1) as f64,
                windows.join(" "),
                program.display()
            );
            simulator.shutdown().await;
        }
    }
}
