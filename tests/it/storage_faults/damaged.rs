//! A store that was damaged on disk, as the program meets it: it is somebody's only copy.

use super::{CliFixture, EVERYTHING, ServiceProcess, noted, read, store_file};
use crate::service_process::SERVICE;
use std::fs;

/// Refused by name, with what to do, and no byte of it changed.
async fn is_refused(place: &CliFixture, what: &str) {
    place.simulator.workspace().clear_requests();
    let before = place.files();
    for args in [&["run"] as &[&str], &["run", "--once"]] {
        let ran = place.run(args).await.assert_exit(1);
        assert!(ran.err.contains("reply-router.db is damaged"), "{what}: {}", ran.err);
        assert!(ran.err.contains("backup"), "{what}: {}", ran.err);
    }
    assert_eq!(place.simulator.workspace().requests(), [], "{what}");
    for (name, content) in place.files() {
        // The index of the log is made anew out of it whenever somebody looks.
        assert!(name.ends_with("-shm") || before.get(&name) == Some(&content), "{what}: {name} changed");
    }
}

/// A store that has seen a lead.
async fn used() -> CliFixture {
    let place = noted(EVERYTHING).await;
    place.hot_lead("jane@acme.example");
    place.run(&["run", "--once"]).await.assert_exit(0);
    place
}

#[tokio::test]
async fn a_damaged_store_is_refused_and_left_as_it_is() {
    let place = used().await;
    let whole = fs::read(store_file(&place)).unwrap();
    let page = |number: usize| number * 4096..(number + 1) * 4096;
    let mut overwritten = whole.clone();
    overwritten[page(3)].fill(0xa5);
    let mut torn = whole.clone();
    torn.truncate(whole.len() / 2);
    for (what, content) in [("a page overwritten", overwritten), ("the second half gone", torn)] {
        fs::write(store_file(&place), content).unwrap();
        is_refused(&place, what).await;
    }
    fs::write(store_file(&place), whole).unwrap();
    place.run(&["run", "--once"]).await.assert_exit(0);
    assert_eq!(place.simulator.workspace().accepted_replies().len(), 1);
}

/// The service was killed, so that the newest changes are still in the log beside the store.
#[tokio::test]
async fn a_damaged_store_with_a_log_is_refused_and_left_as_it_is() {
    let place = used().await;
    let service = ServiceProcess::start(place.command(SERVICE)).await;
    let thread = place.hot_lead("john@acme.example");
    read(&place, &[thread]).await;
    service.kill();
    let mut content = fs::read(store_file(&place)).unwrap();
    assert!(fs::metadata(place.path().join("reply-router.db-wal")).unwrap().len() > 0);
    let last = content.len() - 4096;
    content[4096 * 3..last].fill(0xa5);
    fs::write(store_file(&place), content).unwrap();
    is_refused(&place, "killed, then damaged").await;
}
