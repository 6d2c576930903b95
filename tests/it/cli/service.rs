//! `run` as a service, and `demo`.

use super::cli_fixture::{CliFixture, EVERYTHING, PATIENCE, binary, run, signal};
use crate::service_process::{SERVICE, ServiceProcess};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use tokio::sync::mpsc::unbounded_channel;

#[tokio::test]
async fn the_service_answers_works_and_ends() {
    let place = CliFixture::new(EVERYTHING).await;
    let service = ServiceProcess::start(place.command(SERVICE)).await;
    assert_eq!(service.get("/healthz").await.0, 200);
    let (code, status) = service.get("/api/v1/status").await;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!((code, &status["workspaces"][0]["name"]), (200, &json!("acme")), "{status:#}");
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));

    // A second one keeps off.
    let second = place.run(&["run"]).await.assert_exit(1);
    assert!(second.err.contains("reply-router.db") && second.err.contains("another"), "{}", second.err);
    place.run(&["status", "--url", &service.pages]).await.assert_exit(0).assert_prints(&[
        "acme",
        "book-a-call",
        "not-now",
    ]);

    // It noted what was there, then a lead writes.
    let workspace = place.simulator.workspace();
    assert!(workspace.wait_until(PATIENCE, |now| now.requests().iter().any(|one| one.status == Some(200))).await);
    let hot = place.hot_lead("jane@acme.example");
    // Well below the minute after which `mark_read` looks by itself: the last of the others must wake it.
    let soon = std::time::Duration::from_secs(40);
    assert!(workspace.wait_until(soon, |now| now.thread(&hot).unwrap().is_read).await);
    let ran = service.terminate().await.assert_exit(0);
    assert!(ran.err.contains("stopped"), "{}", ran.err);
    assert!(!ran.err.contains("Sure, a call"), "no mail text in logs: {}", ran.err);
    assert_eq!(workspace.accepted_replies().len(), 1);
    // What it did is known to the next.
    place.run(&["run", "--once"]).await.assert_exit(0);
    assert_eq!(workspace.accepted_replies().len(), 1);
}

#[tokio::test]
async fn the_demo_tells_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    let demo = |more: &'static str| {
        let args = format!("demo --every 1s --listen 127.0.0.1:0 --sinks 127.0.0.1:0 {more}");
        binary(folder.path(), &args.split_whitespace().collect::<Vec<_>>())
    };
    // It ends by itself.
    let greeting = ["rules and their status   http://127.0.0.1:", " sent, ", "Nothing was real"];
    run(demo("--for 1s")).await.assert_exit(0).assert_prints(&greeting);

    // Or when it is told to, here after the first reply.
    let mut child = demo("").spawn().unwrap();
    let id = child.id();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (sender, mut said) = unbounded_channel();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let mut all = String::new();
    let telling = async {
        while let Some(line) = said.recv().await {
            if line.contains("✓ reply") {
                signal("-TERM", id);
            }
            all = format!("{all}{line}\n");
        }
    };
    if tokio::time::timeout(PATIENCE, telling).await.is_err() {
        let _ = child.kill();
    }
    assert!(child.wait().unwrap().success(), "{all}");
    for wanted in ["matched:", "✓ reply", " sent, ", "Nothing was real"] {
        assert!(all.contains(wanted), "{wanted} is not in\n{all}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the demo leaves nothing behind");
}

/// Outside a checkout the demo's rules are a file all the same: the Backtest page shows it, and an edit of it reloads.
#[tokio::test]
async fn the_demo_has_its_rules_in_a_file_wherever_it_runs() {
    let (folder, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let args = ["demo", "--every", "1s", "--listen", "127.0.0.1:0", "--sinks", "127.0.0.1:0"];
    let mut command = binary(folder.path(), &args);
    let mut child = command.env("TMPDIR", temporary.path()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let told = |line: &String| Some(line.split_once("rules and their status")?.1.trim().to_owned());
    let mut greeting = String::new();
    let pages = lines.by_ref().find_map(|line| {
        greeting.push_str(&line);
        told(&line)
    });
    let pages = pages.unwrap();
    let rest = std::thread::spawn(move || lines.count());
    let written = std::fs::read_dir(temporary.path()).unwrap().next().unwrap().unwrap().path().join("rules.yaml");
    assert!(greeting.contains(&written.display().to_string()), "{greeting}");
    let rules = std::fs::read_to_string(&written).unwrap();
    let page = reqwest::get(format!("{pages}/backtest")).await.unwrap().text().await.unwrap();
    let first_rule = rules.lines().find(|line| line.contains("- name:")).unwrap().trim();
    assert!(page.contains(first_rule) && !page.contains("cannot be read"), "{page}");
    let more = "rules:\n  - { name: added-by-hand, when: { lead_email: nobody@elsewhere.example }, then: [star] }\n";
    std::fs::write(&written, rules.replacen("rules:\n", more, 1)).unwrap();
    let client = reqwest::Client::new();
    let reload = client.post(format!("{pages}/api/v1/reload")).send().await.unwrap();
    assert!(reload.status().is_success(), "{}", reload.text().await.unwrap());
    let now = reqwest::get(format!("{pages}/api/v1/rules")).await.unwrap().text().await.unwrap();
    assert!(now.contains("added-by-hand"), "{now}");
    signal("-TERM", child.id());
    assert!(child.wait().unwrap().success());
    rest.join().unwrap();
    for place in [folder.path(), temporary.path()] {
        assert_eq!(std::fs::read_dir(place).unwrap().count(), 0, "the demo leaves nothing behind");
    }
}

#[tokio::test]
async fn a_watch_goes_on_until_it_is_told_to_end_and_readers_of_events_hold_nothing_up() {
    let place = CliFixture::new(EVERYTHING).await;
    let mut service = ServiceProcess::start(place.command(SERVICE)).await;
    let mut watch = place.command(&["status", "--watch", "--url", &service.pages]).spawn().unwrap();
    let (sender, mut lines) = unbounded_channel();
    let out = BufReader::new(watch.stdout.take().unwrap()).lines();
    std::thread::spawn(move || out.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let mut tables = 0;
    while tables < 2 {
        let line = tokio::time::timeout(PATIENCE, lines.recv()).await.expect("another table").expect("it goes on");
        assert!(!line.contains('\u{1b}'), "no control characters where nobody looks: {line:?}");
        tables += usize::from(line.contains("last match"));
    }
    signal("-INT", watch.id());
    let ended = tokio::task::spawn_blocking(move || watch.wait().unwrap());
    assert!(tokio::time::timeout(PATIENCE, ended).await.expect("it ends").unwrap().success());

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    // What is logged for a request carries its id, and who sent it.
    let reload = format!("{}/api/v1/reload", service.pages.trim_end_matches('/'));
    client.post(reload).header("x-request-id", "my-request-7").send().await.unwrap().error_for_status().unwrap();
    let line = service.wait_for_log("operator change").await;
    assert!(line.contains("my-request-7") && line.contains("127.0.0.1") && line.contains("reload"), "{line}");

    let events = format!("{}/api/v1/events", service.pages.trim_end_matches('/'));
    let mut reader = client.get(events).send().await.unwrap();
    assert!(reader.chunk().await.unwrap().unwrap().starts_with(b"event: ready"));
    let began = std::time::Instant::now();
    service.terminate().await.assert_exit(0);
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
    while let Ok(Some(_)) = reader.chunk().await {}
}

#[tokio::test]
async fn a_command_is_the_one_whose_token_is_in_the_environment() {
    let place = CliFixture::new(EVERYTHING).await;
    let (all, kim) = ("a".repeat(32), "k".repeat(32));
    let admin = format!(
        "admin: {{ listen: \"127.0.0.1:0\", token: {all}, users: [{{ name: kim, token: {kim}, role: viewer }}] }}"
    );
    place.write("reply-router.yaml", &place.configuration("").replace("admin: { listen: \"127.0.0.1:0\" }", &admin));
    let service = ServiceProcess::start(place.command(SERVICE)).await;
    let pause = |token: Option<&str>| {
        let mut command = place.command(&["pause", "acme", "--url", &service.pages]);
        command.envs(token.map(|token| ("REPLY_ROUTER_ADMIN_TOKEN", token)));
        run(command)
    };
    let refused = pause(Some(&kim)).await.assert_exit(1);
    assert!(refused.err.contains("approver") || refused.err.contains("403"), "{refused:#?}");
    pause(None).await.assert_exit(0);
    service.terminate().await;
}
