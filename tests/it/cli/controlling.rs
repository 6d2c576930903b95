//! What an operator tells the running service from the terminal, and what `status` says of it.

use crate::{
    cli_fixture::{CliFixture, EVERYTHING, PATIENCE},
    service_process::{SERVICE, ServiceProcess},
};
use serde_json::{Value, json};

async fn status(service: &ServiceProcess) -> Value {
    serde_json::from_str(&service.get("/api/v1/status").await.1).unwrap()
}

#[tokio::test]
async fn drafts_are_listed_approved_and_rejected_and_everything_is_paused_and_resumed() {
    let place =
        CliFixture::new(&EVERYTHING.replace("  - name: book-a-call\n", "  - name: book-a-call\n    mode: draft\n"))
            .await;
    let service = ServiceProcess::start(place.command(SERVICE)).await;
    let at = service.pages.clone();
    let run = async |args: &[&str]| place.run(&[args, &["--url", &at]].concat()).await;
    run(&["approve"]).await.assert_exit(0).assert_prints(&["nothing to approve"]);

    let workspace = place.simulator.workspace();
    assert!(workspace.wait_until(PATIENCE, |now| now.requests().iter().any(|one| one.status == Some(200))).await);
    for lead in ["jane@acme.example", "joe@acme.example"] {
        let thread = place.hot_lead(lead);
        // Starred by the same decision: the draft is on record.
        assert!(workspace.wait_until(PATIENCE, |now| now.thread(&thread).unwrap().is_starred).await);
    }
    let list = run(&["approve"]).await.assert_exit(0).assert_prints(&[
        "jane@acme.example",
        "joe@acme.example",
        "Hi Jane",
        "book-a-call",
    ]);
    let id_of = |lead: &str| {
        let line = list.out.lines().find(|line| line.contains(lead)).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    };
    let (jane, joe) = (id_of("jane@acme.example"), id_of("joe@acme.example"));

    run(&["pause", "acme"]).await.assert_exit(0).assert_prints(&[
        "paused acme",
        "acme is paused",
        "reply-router resume acme",
    ]);
    assert_eq!(status(&service).await["workspaces"][0]["paused"], json!(true));
    let ran = run(&["pause", "acmee"]).await.assert_exit(1);
    assert!(ran.err.contains("unknown workspace `acmee`; use one of acme"), "{}", ran.err);
    run(&["resume"]).await.assert_exit(0).assert_prints(&["resumed everything", "acme is polling"]);
    assert_eq!(status(&service).await["workspaces"][0]["paused"], json!(false));

    run(&["approve", &jane, "--text", "Tuesday at ten?"])
        .await
        .assert_exit(0)
        .assert_prints(&["jane@acme.example", ": sent"]);
    let sent: Vec<_> = workspace.accepted_replies().into_iter().filter_map(|reply| reply.body).collect();
    assert_eq!(sent, ["Tuesday at ten?"]);
    run(&["reject", &joe])
        .await
        .assert_exit(0)
        .assert_prints(&["rejected the reply for joe@acme.example", "nothing was sent"]);
    let again = run(&["approve", &joe]).await.assert_exit(1);
    assert!(again.err.contains("cancelled"), "{}", again.err);
    let unknown = run(&["reject", "nobody"]).await.assert_exit(1);
    assert!(unknown.err.contains("nobody"), "{}", unknown.err);
    // A time is told to the second.
    let told = run(&["status"]).await.assert_exit(0);
    let has_fraction = |word: &str| word.contains('.') && word.ends_with('Z');
    assert!(told.out.contains("last poll 20") && !told.out.split_whitespace().any(has_fraction), "{}", told.out);
    service.terminate().await.assert_exit(0);
    let gone = run(&["pause"]).await.assert_exit(1);
    assert!(gone.err.contains("is `reply-router run` running?"), "{}", gone.err);
}

#[tokio::test]
async fn what_is_not_in_force_is_said_rejected_rules_and_a_configuration_that_needs_a_restart() {
    let place = CliFixture::new(EVERYTHING).await;
    let mut service = ServiceProcess::start(place.command(SERVICE)).await;
    let told = async || place.run(&["status", "--url", &service.pages]).await.assert_exit(0).out;
    let before = told().await;
    assert!(!before.contains("REJECTED") && !before.contains("RESTART"), "{before}");
    place.write("rules/rules.yaml", &EVERYTHING.replace("category: interested", "categroy: interested"));
    service.wait_for_log("reload rejected").await;
    let told = async || place.run(&["status", "--url", &service.pages]).await.assert_exit(0).out;
    let rejected = told().await;
    for part in ["RELOAD REJECTED", "categroy", "`reply-router check`"] {
        assert!(rejected.contains(part), "{part} is not in\n{rejected}");
    }
    place.write("rules/rules.yaml", EVERYTHING);
    service.wait_for_log("rules loaded").await;

    let more = "store: sqlite:other.db\nsafety: { max_age: 3d }\n";
    place.write("reply-router.yaml", &place.configuration(more));
    let line = service.wait_for_log("restart needed").await;
    assert!(line.contains("`store` in reply-router.yaml has changed: restart the service to use it"), "{line}");
    let told = place.run(&["status", "--url", &service.pages]).await.assert_exit(0).out;
    assert!(told.contains("RESTART NEEDED: `store` in reply-router.yaml has changed"), "{told}");
    for page in ["/", "/workspace"] {
        let (_, page) = service.get(page).await;
        assert!(page.contains("Restart needed: <code>store</code> in reply-router.yaml has changed"), "{page}");
    }
    place.write("reply-router.yaml", &place.configuration(""));
    service.wait_for_log("no restart needed any more").await;
    assert_eq!(status(&service).await["restart_needed"], Value::Null);
    service.terminate().await.assert_exit(0);
}
