//! A store that may not be written.

use super::{CliFixture, EVERYTHING, noted, store_file};
use crate::cli_fixture::run;
use std::{
    fs::{Permissions, set_permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

/// The program without the right to write whatever it likes, which root has.
fn bound_by_permissions(place: &CliFixture) -> Command {
    let plain = place.command(&["run"]);
    if !is_root() {
        return plain;
    }
    let mut command = Command::new("setpriv");
    command.arg("--bounding-set=-dac_override,-dac_read_search").arg(plain.get_program()).args(plain.get_args());
    command.current_dir(place.path()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0)
}

fn allow(path: &Path, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Refused with the path and the remedy; nothing is asked of the API, and no file changes.
async fn is_refused(place: &CliFixture, what: &str) {
    place.hot_lead("jane@acme.example");
    place.simulator.workspace().clear_requests();
    let before = place.files();
    if is_root() {
        crate::cli_fixture::run_tool("setpriv", "util-linux", &["--version"]);
    }
    let ran = run(bound_by_permissions(place)).await;
    assert_eq!(ran.code, 1, "{what}: {}", ran.err);
    for wanted in ["reply-router.db", "check that the folder exists and may be written"] {
        assert!(ran.err.contains(wanted), "{what}: {wanted} is not in {}", ran.err);
    }
    assert_eq!(place.simulator.workspace().requests(), [], "{what}");
    assert!(place.files() == before, "{what}: files changed");
}

#[tokio::test]
async fn a_folder_that_may_not_be_written() {
    let place = CliFixture::new(EVERYTHING).await;
    allow(place.path(), 0o555);
    is_refused(&place, "no store yet").await;
    allow(place.path(), 0o755);

    let place = noted(EVERYTHING).await;
    allow(place.path(), 0o555);
    is_refused(&place, "a store and its lock").await;
    allow(place.path(), 0o755);
}

#[tokio::test]
async fn a_file_that_may_not_be_written() {
    let place = noted(EVERYTHING).await;
    allow(&store_file(&place), 0o444);
    is_refused(&place, "the store").await;
    allow(&store_file(&place), 0o644);
    allow(&place.path().join("reply-router.db.lock"), 0o444);
    is_refused(&place, "the lock").await;
    allow(&place.path().join("reply-router.db.lock"), 0o644);
    // As soon as it may be written, all goes on.
    place.run(&["run", "--once"]).await.assert_exit(0);
    assert!(!place.simulator.workspace().accepted_replies().is_empty());
}
