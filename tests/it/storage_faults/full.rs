//! A disk that is full: the kernel lets the program write no file beyond a size, and later lets it again.

use super::{
    CliFixture, EVERYTHING, ServiceProcess, done_exactly_once, noted, nothing_left_without_its_intent, read, store_file,
};
use crate::{
    cli_fixture::{run, run_tool},
    service_process::SERVICE,
};
use rusqlite::Connection;
use std::process::Command;

/// A page of the store with its frame in the log.
const FRAME: u64 = 4096 + 24;

/// The program, which is told of a full disk instead of being ended by a signal. `before` is run by the shell first.
fn with_limits(place: &CliFixture, before: &str, args: &[&str]) -> Command {
    let plain = place.command(args);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("trap '' XFSZ; {before} exec \"$0\" \"$@\"")]).arg(plain.get_program());
    command.args(plain.get_args()).current_dir(place.path()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    command
}

fn limit(service: &ServiceProcess, bytes: &str) {
    // The soft limit alone, which its owner may lift.
    run_tool("prlimit", "util-linux", &["--pid", &service.id().to_string(), &format!("--fsize={bytes}:")]);
}

/// The log's length is what is written next, so the limit can say after how many pages the disk is full.
async fn empty_the_log(place: &CliFixture) {
    let connection = Connection::open(store_file(place)).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    let busy = || connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).unwrap();
    while busy() != 0 {
        tokio::task::yield_now().await;
    }
}

/// One lead after the other comes while so many pages still fit.
async fn full_after(pages: [u64; 3]) {
    let place = noted(EVERYTHING).await;
    let mut service = ServiceProcess::start(with_limits(&place, "", SERVICE)).await;
    let mut threads = Vec::new();
    for (number, pages) in pages.into_iter().enumerate() {
        empty_the_log(&place).await;
        limit(&service, &(pages * FRAME + 32).to_string());
        threads.push(place.hot_lead(&format!("lead{number}@acme.example")));
        // Polls write too, so whatever the limit is, they come to it.
        for _ in 0..3 {
            let said = service.wait_for_any(&["the store failed", "outcome not stored"]).await;
            assert!(said.contains("full") || said.contains("disk I/O error"), "{said}");
            nothing_left_without_its_intent(&place).await;
        }
        assert_eq!(service.get("/healthz").await.0, 200);
        if pages == 0 {
            let (status, said) = service.get("/readyz").await;
            assert!(status == 503 && said.contains("cannot be written"), "{status} {said}");
        }
        let left = super::left(&place).into_iter().map(|(kind, count)| format!("{kind} {}", count - number));
        eprintln!("full after {pages:>3} pages; left by then: {}", left.collect::<Vec<_>>().join(", "));
        if pages == 0 {
            assert!(super::left(&place).iter().all(|(_, count)| *count == number), "{:?}", super::left(&place));
        }
        limit(&service, "unlimited");
        read(&place, &threads).await;
    }
    done_exactly_once(&place, service, &threads).await;
}

#[tokio::test]
async fn a_full_disk_holds_everything_back_until_there_is_room() {
    tokio::join!(
        full_after([0, 30, 100]),
        full_after([8, 50, 120]),
        full_after([15, 65, 140]),
        full_after([22, 80, 160]),
    );
}

#[tokio::test]
async fn a_disk_that_is_full_at_the_start_is_said() {
    let place = CliFixture::new(EVERYTHING).await;
    place.hot_lead("jane@acme.example");
    let ran = run(with_limits(&place, "ulimit -S -f 0;", &["run"])).await.assert_exit(1);
    assert!(ran.err.contains("reply-router.db"), "{}", ran.err);
    assert!(ran.err.contains("full") || ran.err.contains("disk I/O error"), "{}", ran.err);
    assert_eq!(place.simulator.workspace().requests(), []);
}
