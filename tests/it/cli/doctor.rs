//! `doctor`: says what is wrong, changes nothing.

use super::cli_fixture::{CliFixture, EVERYTHING};
use reply_router::simulator::{SmtpFault, SmtpStep};

#[tokio::test]
async fn all_is_well() {
    let place = CliFixture::new(EVERYTHING).await;
    let hot = place.hot_lead("jane@acme.example");
    let before = place.files();
    place.run(&["doctor"]).await.assert_exit(0).assert_prints(&[
        "the key is accepted",
        "99 requests left this minute, 999 this hour\n",
        "scope replies:update: granted",
        "scope replies:create: granted",
        "rules: 2 rules",
        "store",
        "destination sales",
        "destination team",
        "destination crm",
    ]);
    let workspace = place.simulator.workspace();
    let thread = workspace.thread(&hot).unwrap();
    assert!(!thread.is_read && !thread.is_starred && workspace.accepted_replies().is_empty());
    // What it asks of the write routes is about a thread that is not there, and is answered so.
    let writes = workspace.requests().into_iter().filter(|request| request.method != "GET");
    assert!(writes.inspect(|request| assert_eq!(request.status, Some(404), "{request:?}")).count() == 2);
    assert!(place.simulator.slack().is_empty() && place.simulator.mail().is_empty());
    assert_eq!(place.files(), before);

    // The requests of the first run are another client's to the second one.
    let again = place.run(&["doctor", "--send", "team"]).await.assert_exit(0);
    again.assert_prints(&["test message delivered", "96 requests left", "3 requests were not of this command"]);
    assert_eq!(place.simulator.mail().len(), 1);
    place.run(&["doctor", "--send", "nobody"]).await.assert_exit(1).assert_prints(&["FAIL", "nobody"]);
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let place = CliFixture::with_scopes(EVERYTHING, &["replies:read"]).await;
    place.write("rules/bad.yaml", "version: 1\nrules: [{ name: BAD, when: always, then: [star] }]\n");
    place.write("reply-router.db", "this is no database, and it never was one, not even for a little while");
    place.simulator.faults().smtp(SmtpStep::Greeting, 10, SmtpFault::Code(554, "go away".to_owned()));
    let before = place.files();
    place.run(&["doctor"]).await.assert_exit(1).assert_prints(&[
        "the key is accepted",
        "the key lacks replies:update",
        "the key lacks replies:create",
        "reply-router check",
        "FAIL store",
        "FAIL destination team",
        "ok   destination sales",
    ]);
    assert_eq!(place.files(), before);
}

#[tokio::test]
async fn programs_read_the_same() {
    let place = CliFixture::with_scopes(EVERYTHING, &["replies:read", "replies:update"]).await;
    let report = place.run(&["doctor", "--format", "json"]).await.assert_exit(1).json();
    assert_eq!(report["ok"], false);
    let checks = report["checks"].as_array().unwrap();
    let find = |what: &str| checks.iter().find(|check| check["what"] == what).unwrap_or_else(|| panic!("{report:#}"));
    assert_eq!(find("workspace acme scope replies:update")["ok"], true);
    assert_eq!(find("workspace acme scope replies:create")["ok"], false);
    assert!(
        find("workspace acme scope replies:create")["text"].as_str().unwrap().contains("the key lacks replies:create")
    );
}
