//! Three processes on one PostgreSQL with a simulator for each of many workspaces, under kills, stops and cut connections.
//!
//! ```sh
//! cargo bench --bench replicas                                     # 200 workspaces, 5,000 hot threads, two minutes
//! cargo bench --bench replicas -- --workspaces 20 --leads 400 --seconds 30 --seed 3 --keep-server
//! ```

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

use std::time::Duration;

fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let number = |name: &str, default: u64| {
        let found = args.iter().position(|arg| arg == name).and_then(|place| args.get(place + 1));
        found.map_or(default, |value| value.parse().unwrap())
    };
    let setting = replicas::Setting {
        workspaces: usize::try_from(number("--workspaces", 200)).unwrap(),
        leads: usize::try_from(number("--leads", 5_000)).unwrap(),
        lasts: Duration::from_secs(number("--seconds", 120)),
        poll_every: "10s",
        seed: number("--seed", 1),
        restarts_server: !args.iter().any(|arg| arg == "--keep-server"),
    };
    println!("{setting:?}");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(replicas::play(setting));
    println!("{outcome}");
    let holds = outcome.duplicates + outcome.lost + outcome.refused == 0;
    std::process::ExitCode::from(u8::from(!holds))
}
