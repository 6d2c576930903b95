//! What is done with the store as a whole.

use super::cli_fixture::{CliFixture, EVERYTHING};
use crate::service_process::{SERVICE, ServiceProcess};

#[tokio::test]
async fn a_file_that_an_earlier_version_has_made_is_compacted() {
    let place = CliFixture::new(EVERYTHING).await;
    let refused = place.run(&["store", "compact"]).await.assert_exit(1);
    assert!(refused.err.contains("does not exist"), "{refused:?}");
    place.run(&["run", "--once"]).await.assert_exit(0);
    // As such a file is: without the list of free pages, and with many of them.
    let path = place.path().join("reply-router.db");
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch(
        "PRAGMA auto_vacuum = NONE; VACUUM; CREATE TABLE filler (a);
         WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO filler SELECT zeroblob(1000) FROM n;
         DROP TABLE filler; PRAGMA wal_checkpoint(TRUNCATE);",
    )
    .unwrap();
    drop(file);
    let size = || std::fs::metadata(&path).unwrap().len();
    let before = size();
    assert!(before > 2_000_000, "{before}");
    let said = place.run(&["store", "compact"]).await.assert_exit(0);
    let said = said.assert_prints(&["reply-router.db had 2.", " MiB and has ", " KiB now"]);
    assert!(size() < 400_000, "{} {said:?}", size());
    let file = rusqlite::Connection::open(&path).unwrap();
    let mode: i64 = file.pragma_query_value(None, "auto_vacuum", |row| row.get(0)).unwrap();
    assert_eq!(mode, 2, "from now on it gives space back by itself");
    drop(file);
    // Not while somebody has it.
    let service = ServiceProcess::start(place.command(SERVICE)).await;
    let refused = place.run(&["store", "compact"]).await.assert_exit(1);
    assert!(refused.err.contains("stop it first"), "{refused:?}");
    service.terminate().await;
    // A server does it by itself.
    let more = "store: postgres://router@127.0.0.1:1/router\n";
    place.write("reply-router.yaml", &place.configuration(more));
    place.run(&["store", "compact"]).await.assert_exit(0).assert_prints(&["autovacuum"]);
}
