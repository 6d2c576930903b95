//! What is of a store in a file alone: its lock, its damage, its permissions, its size.

mod size;

use super::{StoreFixture, at, decision, row};
use reply_router::{
    engine::DECISION_POLICY,
    store::{OptOut, SettledThread, SqlStore, StoreError, prelude::*},
};

#[tokio::test]
async fn a_second_service_is_refused_while_the_first_lives() {
    let bed = StoreFixture::new().await;
    let second = SqlStore::open(&bed.path()).await;
    assert!(matches!(second, Err(StoreError::InUse { .. })), "{second:?}");
    SqlStore::open_read_only(&bed.path()).await.unwrap();
    let path = bed.path();
    drop(bed.store);
    SqlStore::open(&path).await.unwrap();
}

#[tokio::test]
async fn a_damaged_store_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let garbage = b"this is no database, but somebody's only copy of something".repeat(100);
    std::fs::write(&path, &garbage).unwrap();
    let opened = SqlStore::open(&path).await;
    assert!(matches!(opened, Err(StoreError::Corrupt { .. })), "{opened:?}");
    assert_eq!(std::fs::read(&path).unwrap(), garbage);
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused() {
    let bed = StoreFixture::new().await;
    let path = bed.path();
    bed.store.close().await;
    drop(bed.store);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    drop(connection);
    let opened = SqlStore::open(&path).await;
    assert!(matches!(opened, Err(StoreError::NewerSchema { .. })), "{opened:?}");
    let opened = SqlStore::open_read_only(&path).await;
    assert!(matches!(opened, Err(StoreError::NewerSchema { .. })), "{opened:?}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_a_clear_error() {
    let opened = SqlStore::open(std::path::Path::new("/nowhere/at/all/s.db")).await.unwrap_err();
    assert!(opened.to_string().contains("check that the folder exists"), "{opened}");
}

#[tokio::test]
async fn a_scratch_store_begins_with_a_copy_and_leaves_the_file_alone() {
    let bed = StoreFixture::new().await;
    bed.record(&decision("d1", "m1", 0), vec![]).await;
    let before = std::fs::read(bed.path()).unwrap();
    let scratch = SqlStore::in_memory_copy(Some(&bed.path())).await.unwrap();
    assert!(scratch.decision("d1").await.unwrap().is_some());
    let settled = SettledThread { row: row("t", 0), newest_inbound: None, ..SettledThread::default() };
    scratch.record_decision(&decision("d2", "m2", 1), None, vec![], None, &settled, DECISION_POLICY).await.unwrap();
    assert!(scratch.decision("d2").await.unwrap().is_some());
    assert!(bed.store.decision("d2").await.unwrap().is_none());
    assert_eq!(std::fs::read(bed.path()).unwrap(), before);
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_of_a_store_are_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let modes = || {
        let entries = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap());
        let mut found: Vec<_> = entries
            .map(|entry| {
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                (entry.file_name().to_string_lossy().into_owned(), format!("{mode:o}"))
            })
            .collect();
        found.sort();
        found
    };
    let private = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "600".to_owned())).collect::<Vec<_>>();
    let all = private(&["store.db", "store.db-shm", "store.db-wal", "store.db.lock"]);
    let store = SqlStore::open(&path).await.unwrap();
    store.add_opt_out(&opt_out("jane@acme.example")).await.unwrap();
    assert_eq!(modes(), all, "new");
    // A process that ended at once leaves its log behind, and an older version left all of it open to everybody.
    let loose = std::fs::Permissions::from_mode(0o644);
    for (name, _) in &all {
        std::fs::set_permissions(folder.path().join(name), loose.clone()).unwrap();
    }
    let copy = tempfile::tempdir().unwrap();
    for (name, _) in &all {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    store.close().await;
    drop(store);
    for (name, _) in &all {
        std::fs::rename(copy.path().join(name), folder.path().join(name)).unwrap();
    }
    let _store = SqlStore::open(&path).await.unwrap();
    assert_eq!(modes(), all, "old");
}

fn opt_out(email: &str) -> OptOut {
    OptOut { workspace: "acme".to_owned(), email: email.to_owned(), since: at(0), evidence: "remove me".to_owned() }
}
