//! Starts: on a large inbox that nobody knows yet, and with many threads that are known.

use super::{
    Bench, fill, hot,
    observed::Start,
    service::{Service, store_bytes},
    simulator,
};
use reply_router::simulator::Inbox;
use std::time::{Duration, Instant};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StartArguments {
    /// Threads in the inbox.
    #[arg(long, default_value_t = 100_000)]
    threads: usize,
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct KnownArguments {
    /// Threads that the store knows.
    #[arg(long, default_value_t = 1_000_000)]
    threads: usize,
    /// Threads that the inbox lists.
    #[arg(long, default_value_t = 1_000)]
    listed: usize,
}

pub(crate) async fn measure_first(bench: &Bench, arguments: &StartArguments) {
    println!("a first start on {} threads", arguments.threads);
    println!("{:>8} {:>8} {:>8} {:>8} {:>9}  program", "wall s", "CPU s", "requests", "peak MB", "store MB");
    for program in &bench.programs {
        let folder = bench.folder();
        let simulator = simulator(Duration::ZERO, Inbox::Generated(arguments.threads)).await;
        let (start, began) = (Start::now(&simulator), Instant::now());
        let mut service = Service::start(program, folder.path(), &simulator, 1);
        // The first poll has read every page; polls of one page follow.
        while start.requests(&simulator).list < arguments.threads / 100 {
            assert!(began.elapsed() < Duration::from_secs(900), "the first poll does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
            service.assert_runs();
        }
        let (wall, list) = (began.elapsed(), start.requests(&simulator).list);
        hot::wait_until_idle(&mut service, &simulator, Duration::from_secs(120)).await;
        let usage = service.usage();
        assert!(service.stop());
        println!(
            "{:>8.2} {:>8.2} {list:>8} {:>8.1} {:>9.1}  {}",
            wall.as_secs_f64(),
            usage.cpu.as_secs_f64(),
            usage.peak_kib as f64 / 1_024.0,
            store_bytes(folder.path()) as f64 / 1_048_576.0,
            program.display()
        );
        simulator.shutdown().await;
    }
}

pub(crate) async fn measure_known(bench: &Bench, arguments: &KnownArguments) {
    println!("a start with {} known threads", arguments.threads);
    println!("{:>8} {:>8} {:>8} {:>8} {:>9}  program", "ready s", "CPU s", "peak MB", "now MB", "store MB");
    for program in &bench.programs {
        let folder = bench.folder();
        fill::fill_threads(&Service::store_path(folder.path()), arguments.threads).await;
        let simulator = simulator(Duration::ZERO, Inbox::Generated(arguments.listed)).await;
        let began = Instant::now();
        let mut service = Service::start(program, folder.path(), &simulator, 1);
        hot::wait_until_idle(&mut service, &simulator, Duration::from_secs(300)).await;
        let ready = began.elapsed();
        tokio::time::sleep(Duration::from_secs(10)).await;
        let usage = service.usage();
        assert!(service.stop());
        println!(
            "{:>8.2} {:>8.2} {:>8.1} {:>8.1} {:>9.1}  {}",
            ready.as_secs_f64(),
            usage.cpu.as_secs_f64(),
            usage.peak_kib as f64 / 1_024.0,
            usage.resident_kib as f64 / 1_024.0,
            store_bytes(folder.path()) as f64 / 1_048_576.0,
            program.display()
        );
        simulator.shutdown().await;
    }
}
