//! A person is erased by the command.

use super::cli_fixture::{CliFixture, EVERYTHING};
use crate::service_process::{SERVICE, ServiceProcess};

#[tokio::test]
async fn a_person_is_erased_while_the_service_runs() {
    let place = CliFixture::new(EVERYTHING).await;
    let service = ServiceProcess::start(place.command(SERVICE)).await;
    let at = service.pages.clone();
    let run = async |args: &[&str]| place.run(&[args, &["--url", &at]].concat()).await;
    let workspace = place.simulator.workspace();
    let patience = super::cli_fixture::PATIENCE;
    assert!(workspace.wait_until(patience, |now| now.requests().iter().any(|one| one.status == Some(200))).await);
    let thread = place.hot_lead("quentina@erased.example");
    assert!(workspace.wait_until(patience, |now| now.thread(&thread).unwrap().is_read).await);
    let said = run(&["forget", "Quentina <quentina@ERASED.example>"]).await.assert_exit(0);
    let said = said.assert_prints(&["erased in acme: 1 thread, 1 decision"]);
    assert!(!said.err.contains("quentina"), "{said:#?}");
    // Some more polls, in which our own reply shows.
    let before = workspace.requests().len();
    assert!(workspace.wait_until(patience, |now| now.requests().len() >= before + 5).await);
    run(&["forget", "quentina@erased.example"]).await.assert_exit(0).assert_prints(&["nothing is known"]);
    run(&["forget", "quentina@erased.example", "--workspace", "globex"]).await.assert_exit(1);
    let ended = service.terminate().await;
    assert!(!ended.err.contains("quentina"), "{ended:#?}");
    let word = b"quentina";
    for (name, bytes) in place.files() {
        assert!(!bytes.windows(word.len()).any(|part| part == word), "{name}");
    }
    assert_eq!(workspace.accepted_replies().len(), 1);
}

#[tokio::test]
async fn a_person_is_erased_and_answered_no_more_than_before() {
    let place = CliFixture::new(EVERYTHING).await;
    place.run(&["run", "--once"]).await.assert_exit(0);
    let thread = place.hot_lead("quentina@erased.example");
    place.hot_lead("stays@other.example");
    place.run(&["run", "--once"]).await.assert_exit(0);
    // Our own reply shows in the list: a row that changes later is read anew, as of anybody.
    place.run(&["run", "--once"]).await.assert_exit(0);
    let holds = |word: &str| {
        let files = place.files().into_iter().filter(|(name, _)| name.contains("reply-router.db"));
        files.into_iter().any(|(_, bytes)| bytes.windows(word.len()).any(|part| part == word.as_bytes()))
    };
    assert!(holds("quentina") && holds("stays@other.example"));

    let said = place.run(&["forget", "Quentina <quentina@ERASED.example>"]).await.assert_exit(0);
    let said = said.assert_prints(&["erased in acme: 1 thread, 1 decision"]);
    assert!(!said.err.contains("quentina"), "{said:#?}");
    assert!(!holds("quentina") && holds("stays@other.example"));
    place.run(&["forget", "quentina@erased.example"]).await.assert_exit(0).assert_prints(&["nothing is known"]);
    place.run(&["forget", "quentina"]).await.assert_exit(1);
    let unknown = place.run(&["forget", "a@b.example", "--workspace", "globex"]).await.assert_exit(1);
    assert!(unknown.err.contains("globex"), "{unknown:#?}");

    // Old mail stays old, and the reply that left is not sent again.
    let replies = place.simulator.workspace().accepted_replies().len();
    place.run(&["run", "--once"]).await.assert_exit(0);
    assert_eq!(place.simulator.workspace().accepted_replies().len(), replies);
    assert!(place.simulator.workspace().thread(&thread).is_some());
    assert!(!holds("quentina"), "a poll brings nothing back");
}
