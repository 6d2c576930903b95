//! How fast the service is at its main job, beside a bare script that makes the same requests of the same simulator.
//!
//! README.md says how to run it. The measured program is this one, too: with `run` as its first word it is `reply-router`.

mod delay;
mod fill;
mod hot;
mod inbox;
mod observed;
mod service;
mod start;
mod sustained;

use clap::{Parser, Subcommand};
use reply_router::simulator::{Inbox, Options, RateLimits, Simulator};
use service::Service;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    measure: Option<Measure>,
    /// The program to measure; may be given several times.
    #[arg(long, global = true)]
    program: Vec<PathBuf>,
    /// Where stores are kept while they are measured; a folder in memory would hide the disk.
    #[arg(long, global = true)]
    folder: Option<PathBuf>,
    /// How long the service has polled before its work begins: only after a minute it knows that nobody else uses the key,
    /// and saves requests.
    #[arg(long, global = true, default_value = "75s", value_parser = parse_latency)]
    warm: Duration,
    /// Leave stores and logs where they are.
    #[arg(long, global = true)]
    keep: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum Measure {
    /// So many hot threads at once: a rule on the body, a reply, a star, a mark, a Slack message.
    Hot(hot::Arguments),
    /// Hot threads without an end.
    Sustained(sustained::Arguments),
    /// From the list's response to the request of the reply, one thread at a time.
    Delay(delay::Arguments),
    /// A first start on a large inbox.
    Start(start::StartArguments),
    /// A start with threads that are known.
    Known(start::KnownArguments),
}

/// What all measurements share.
struct Bench {
    programs: Vec<PathBuf>,
    folder: PathBuf,
    warm: Duration,
    keep: bool,
}

impl Bench {
    /// Waits until the service does nothing but poll, and lets it poll for a while.
    async fn warm_up(&self, service: &mut Service, simulator: &Simulator) {
        hot::wait_until_idle(service, simulator, Duration::from_secs(300)).await;
        tokio::time::sleep(self.warm).await;
        hot::wait_until_idle(service, simulator, Duration::from_secs(60)).await;
    }

    /// A folder for a store of its own, gone with what is returned unless it is to be kept.
    fn folder(&self) -> Folder {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("throughput-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = self.folder.join(name);
        std::fs::create_dir_all(&path).unwrap();
        Folder { path, keep: self.keep }
    }
}

struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.keep {
            println!("kept: {}", self.path.display());
        } else {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|word| word == "run") {
        return reply_router::cli::main();
    }
    let arguments = Arguments::parse();
    let bench = Bench {
        programs: if arguments.program.is_empty() { vec![std::env::current_exe().unwrap()] } else { arguments.program },
        // Beside the program, because the folder for temporary files may be in memory.
        folder: arguments.folder.unwrap_or_else(|| std::env::current_exe().unwrap().with_file_name("stores")),
        warm: arguments.warm,
        keep: arguments.keep,
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        match arguments.measure.unwrap_or_else(|| Measure::Hot(hot::Arguments::default())) {
            Measure::Hot(arguments) => hot::measure(&bench, &arguments).await,
            Measure::Sustained(arguments) => sustained::measure(&bench, &arguments).await,
            Measure::Delay(arguments) => delay::measure(&bench, &arguments).await,
            Measure::Start(arguments) => start::measure_first(&bench, &arguments).await,
            Measure::Known(arguments) => start::measure_known(&bench, &arguments).await,
        }
    });
    ExitCode::SUCCESS
}

/// A workspace whose limits nobody reaches. It sends their headers all the same, as the API does.
async fn simulator(latency: Duration, inbox: Inbox) -> Simulator {
    let rate_limits = Some(RateLimits { per_minute: 1_000_000, per_hour: 10_000_000 });
    Simulator::start(Options { inbox, latency, rate_limits, ..Options::default() }).await.unwrap()
}

/// A duration in the crate's own form, such as `50ms` or `2s`.
fn parse_latency(text: &str) -> Result<Duration, String> {
    match text.strip_suffix("ms").and_then(|number| number.parse().ok()) {
        Some(milliseconds) => Ok(Duration::from_millis(milliseconds)),
        None if text == "0" => Ok(Duration::ZERO),
        None => reply_router::model::parse_duration(text).map_err(|error| error.to_string()),
    }
}
