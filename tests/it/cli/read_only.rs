//! The commands that change nothing: `init` apart, which writes only what is not there.

use super::cli_fixture::{CliFixture, EVERYTHING, binary, run};
use reply_router::simulator::NewThread;
use serde_json::{Value, json};

#[tokio::test]
async fn init_writes_and_then_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let go = async |args: &[&str]| {
        let mut command = binary(folder.path(), args);
        command.env("COLDSEND_API_KEY", "cs_live_anything");
        run(command).await
    };
    go(&["init"]).await.assert_exit(0).assert_prints(&[
        "wrote",
        "reply-router.yaml",
        "interested.yaml",
        "phrases.yaml",
        "reply-router preview",
    ]);
    go(&["check"]).await.assert_exit(0).assert_prints(&["no errors"]);
    let path = folder.path().join("reply-router.yaml");
    let mine = format!("# mine\n{}", std::fs::read_to_string(&path).unwrap());
    std::fs::write(&path, &mine).unwrap();
    go(&["init"]).await.assert_exit(0).assert_prints(&["kept", "nothing to do"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), mine);
}

#[tokio::test]
async fn init_puts_everything_where_the_configuration_is_to_stand() {
    let folder = tempfile::tempdir().unwrap();
    let go = async |args: &[&str]| {
        let mut command = binary(folder.path(), args);
        command.env("COLDSEND_API_KEY", "cs_live_anything");
        run(command).await
    };
    let next = go(&["init", "--config", "etc/router.yaml"]).await.assert_exit(0);
    assert!(next.out.contains("reply-router run --config etc/router.yaml"), "{}", next.out);
    for name in
        ["etc/router.yaml", "etc/rules/interested.yaml", "etc/rules/phrases.yaml", "etc/schema/rules.schema.json"]
    {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
    assert!(!folder.path().join("reply-router.yaml").exists() && !folder.path().join("rules").exists());
    go(&["check", "--config", "etc/router.yaml"]).await.assert_exit(0).assert_prints(&["no errors"]);
    let torn = go(&["init", "elsewhere", "--config", "etc/router.yaml"]).await.assert_exit(1);
    assert!(torn.err.contains("leave out one of the two"), "{}", torn.err);
    assert!(!folder.path().join("elsewhere").exists());
}

#[tokio::test]
async fn a_script_that_fails_is_told_with_its_place() {
    let place = CliFixture::new(
        "rules:\n  - name: broken\n    when: { category: interested }\n    script: |\n      let n = 1;\n      \
         thread.manual_category.len() > n\n    then: [star]\n",
    )
    .await;
    let thread = place.hot_lead("jane@acme.example");
    place.hot_lead("joe@acme.example");
    let told = "rules/rules.yaml:6:30: `len` was given a value that is absent here";
    place.run(&["check"]).await.assert_exit(0);
    place.run(&["preview"]).await.assert_exit(0).assert_prints(&["rule broken fails on 2 threads: ", told]);
    place.run(&["explain", &thread]).await.assert_exit(0).assert_prints(&["broken", told]);
}

#[tokio::test]
async fn preview_shows_all_and_changes_nothing() {
    let place = CliFixture::new(EVERYTHING).await;
    let hot = place.hot_lead("jane@acme.example");
    let cold = NewThread { is_starred: true, ..NewThread::new("joe@cold.example").category("not_interested") };
    place.simulator.workspace().add_thread(cold.message("No, thanks."));
    let before = place.files();

    place.run(&["preview"]).await.assert_exit(0).assert_prints(&[
        "jane@acme.example",
        "book-a-call",
        "Hi Jane, here is my calendar.",
        "not-now",
        "all GET; nothing changed",
        "not checked (needs stored history): repeats",
    ]);
    let report = place.run(&["preview", "--format", "json"]).await.assert_exit(0).json();
    assert_eq!((&report["truncated"], report["requests"].as_u64().is_some()), (&json!(false), true), "{report:#}");
    let threads = report["threads"].as_array().unwrap();
    let jane = threads.iter().find(|thread| thread["thread_id"] == json!(hot)).unwrap();
    let expected = [
        ("lead_email", json!("jane@acme.example")),
        ("category", json!("interested")),
        ("campaign", json!("Q1 Launch")),
        ("body", json!("Sure, a call on Tuesday?")),
        ("subject", json!("Quick question")),
    ];
    for (key, value) in expected {
        assert_eq!(jane[key], value, "{key}");
    }
    assert!(jane["message_id"].is_string(), "{jane:#}");
    let rule = json!({"name": "book-a-call", "matched": true, "mode": "live", "error": null, "captures": {}});
    assert_eq!(jane["rules"][0], rule);
    let actions = jane["actions"].as_array().unwrap();
    let said: Vec<_> =
        actions.iter().map(|action| (action["kind"].as_str().unwrap(), action["target"].clone())).collect();
    let no = Value::Null;
    let wanted = [
        ("reply", no.clone()),
        ("star", no.clone()),
        ("mark_read", no),
        ("slack", json!("sales")),
        ("email", json!("team")),
        ("webhook", json!("crm")),
    ];
    assert_eq!(said, wanted);
    assert!(actions.iter().all(|action| action["would"] == "done" && action["reason"].is_null()), "{actions:#?}");
    assert_eq!(actions[0]["text"], "Hi Jane, here is my calendar.");

    place.run(&["preview", "--thread", &hot]).await.assert_exit(0).assert_prints(&["1 thread, 1 matched, 1 reply"]);
    let cut = place.run(&["preview", "--limit", "1", "--format", "json"]).await.assert_exit(0).json();
    assert_eq!((cut["threads"].as_array().unwrap().len(), &cut["truncated"]), (1, &json!(true)));
    let rules = ["preview", "--rules", "rules/rules.yaml"];
    place.run(&rules).await.assert_exit(0);

    assert_eq!(place.write_requests(), [""; 0]);
    assert_eq!(place.files(), before);
    assert!(place.simulator.slack().is_empty() && place.simulator.mail().is_empty());
    assert!(place.simulator.webhooks().is_empty());
}

#[tokio::test]
async fn preview_needs_no_file() {
    let place = CliFixture::new("version: 1\nrules: [{ name: all, when: always, then: [star] }]\n").await;
    place.hot_lead("jane@acme.example");
    std::fs::remove_file(place.path().join("reply-router.yaml")).unwrap();
    let mut command = place.command(&["preview", "--rules", "rules/"]);
    command.env("COLDSEND_BASE_URL", place.simulator.base_url());
    run(command).await.assert_exit(0).assert_prints(&["jane@acme.example", "all"]);
}

#[tokio::test]
async fn a_dry_run_only_reads() {
    let place = CliFixture::new(EVERYTHING).await;
    place.write("reply-router.yaml", &place.configuration("safety: { start_from: 24h }\n"));
    place.hot_lead("jane@acme.example");
    let before = place.files();
    place
        .run(&["run", "--once", "--dry-run"])
        .await
        .assert_exit(0)
        .assert_prints(&["jane@acme.example: book-a-call", "would have"]);
    assert_eq!(place.write_requests(), [""; 0]);
    assert_eq!(place.files(), before, "no store was made");

    // A store that is there is read, so that what it knows counts, and stays as it is, byte for byte.
    place.run(&["run", "--once"]).await.assert_exit(0);
    place.simulator.workspace().clear_requests();
    place.hot_lead("joe@acme.example");
    let before = place.files();
    let ran = place
        .run(&["run", "--once", "--dry-run"])
        .await
        .assert_exit(0)
        .assert_prints(&["joe@acme.example: book-a-call"]);
    assert!(!ran.out.contains("jane@"), "{}", ran.out);
    assert_eq!(place.write_requests(), [""; 0]);
    let (before, after) = (before, place.files());
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(before == after, "the store changed");
}

#[tokio::test]
async fn explain_says_why() {
    let place = CliFixture::new(EVERYTHING).await;
    let hot = place.hot_lead("jane@acme.example");
    let before = place.files();
    place.run(&["explain", &hot]).await.assert_exit(0).assert_prints(&[
        "jane@acme.example",
        "| Sure, a call on Tuesday?",
        "book-a-call [live]",
        "rules.yaml:3",
        "when.body",
        "→ reply: would be sent",
    ]);
    let found = place.run(&["explain", &hot, "--format", "json"]).await.assert_exit(0).json();
    assert_eq!(found["thread_id"], json!(hot));
    assert_eq!((&found["auto_reply"], &found["opt_out"]), (&json!(false), &json!(false)));
    let rule = &found["rules"][0];
    assert_eq!((&rule["name"], &rule["line"], &rule["matched"]), (&json!("book-a-call"), &json!(3), &json!(true)));
    assert!(rule["stopped_by"].is_null() && rule["file"].is_string(), "{rule:#}");
    let conditions = rule["conditions"].as_array().unwrap();
    let body = conditions.iter().find(|condition| condition["path"] == "when.body").unwrap();
    assert_eq!((&body["seen"], &body["held"]), (&json!("Sure, a call on Tuesday?"), &json!(true)));
    assert_eq!(body["span"], json!([8, 12]));
    assert_eq!(rule["actions"][0]["kind"], "reply");

    // The test case is rules' YAML: beside the rules, it loads.
    let case =
        place.run(&["explain", &hot, "--as-test"]).await.assert_exit(0).assert_prints(&["tests:", "a call on Tuesday"]);
    assert_eq!(place.files(), before);
    assert_eq!(place.write_requests(), [""; 0]);
    place.write("rules/jane.test.yaml", &case.out);
    place.run(&["check"]).await.assert_exit(0);
}

#[tokio::test]
async fn check_in_three_forms() {
    let place = CliFixture::new(EVERYTHING).await;
    place.run(&["check"]).await.assert_exit(0).assert_prints(&["no errors in", "API requests"]);
    let good = place.run(&["check", "--format", "json"]).await.assert_exit(0).json();
    // These tests poll every second, which leaves nothing for an hour.
    let codes: Vec<_> = good["diagnostics"].as_array().unwrap().iter().map(|found| &found["code"]).collect();
    assert_eq!(codes, ["L010"]);
    let costs = &good["requests_per_100_threads"];
    assert!(costs["at_least"].is_u64() && costs["at_most"].is_u64(), "{good}");

    place.write("rules/bad.yaml", "version: 1\nrules:\n  - name: bad\n    when: { body: '(' }\n    then: [star]\n");
    place.run(&["check"]).await.assert_exit(1).assert_prints(&["bad.yaml:4:", "body: '('"]);
    let bad = place.run(&["check", "--format", "json"]).await.assert_exit(1).json();
    let one = &bad["diagnostics"][0];
    assert!(one["file"].as_str().unwrap().ends_with("bad.yaml"), "{one}");
    assert_eq!((&one["severity"], &one["line"]), (&json!("error"), &json!(4)));
    for key in ["code", "message", "column", "end_line", "end_column", "hint"] {
        assert!(one.get(key).is_some(), "{key}");
    }
    let ran =
        place.run(&["check", "--format", "github"]).await.assert_exit(1).assert_prints(&["::error file=", "line=4"]);
    assert!(ran.out.lines().all(|line| line.starts_with("::")), "{}", ran.out);
    // Named files are looked at instead of the configured ones.
    place.run(&["check", "rules/rules.yaml"]).await.assert_exit(0);
    assert!(place.simulator.workspace().requests().is_empty(), "`check` is offline");
}
