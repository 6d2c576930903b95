//! Trying rules: the routes and the page, over files that only this process has.

use super::{
    AdminFixture, Answer, TOKEN, bearer,
    rule_files::{FILE, FilesInMemory},
};
use crate::{
    fixture::{Fixture, FixtureOptions},
    traces::{record, write},
};
use reply_router::{
    admin::{self, Access, AccessSettings, AdminSettings, HookTokens, Reload, Role, User},
    engine::Clock as _,
    model::{Mode, ThreadRow},
    store::{EventStore as _, StoredEvent},
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::Semaphore;

const RULES: &str = r"version: 1
rules:
  - name: book-a-call
    when: { category: interested, body: '\bcall\b' }
    then: [star]
";
const EDITED: &str = r"version: 1
rules:
  - name: book-a-call
    when: { category: interested, body: '\b(call|meeting)\b' }
    then: [star]
tests:
  - name: a meeting
    thread: { category: interested }
    messages: [A meeting?]
    expect: { rules: [book-a-call] }
  - name: a price
    thread: { category: interested }
    messages: [The price?]
    expect: { rules: [book-a-call] }
";

/// A service with three events, whose rules are in memory.
async fn desk() -> (AdminFixture, Arc<FilesInMemory>) {
    let fixture = Fixture::new(FixtureOptions { rules: RULES, ..FixtureOptions::default() }).await;
    for (lead, text) in
        [("amy@a.example", "A call?"), ("bea@b.example", "A meeting <b>soon</b>?"), ("cai@c.example", "No thanks")]
    {
        fixture.hot_lead(lead, text);
    }
    fixture.tick().await;
    let files = Arc::new(FilesInMemory::new(RULES));
    (AdminFixture::over(fixture, Some(TOKEN), Some(files.clone())), files)
}

/// Starts one, and its id.
async fn started(desk: &AdminFixture, body: &Value) -> String {
    let answer = desk.post("/api/v1/backtest", &body.to_string()).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// How it ended.
pub(super) async fn ended(desk: &AdminFixture, id: &str) -> Value {
    let patience = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let found = desk.get(&format!("/api/v1/backtest/{id}")).await.json();
        if found["state"] != "running" {
            return found;
        }
        assert!(tokio::time::Instant::now() < patience, "{found:#}");
        tokio::task::yield_now().await;
    }
}

async fn ran(desk: &AdminFixture, body: &Value) -> Value {
    let id = started(desk, body).await;
    ended(desk, &id).await
}

async fn form(desk: &AdminFixture, fields: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let headers = [bearer(), ("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html")];
    desk.send("POST", "/backtest", &headers, &body).await
}

#[tokio::test]
async fn an_edit_is_checked_tested_and_compared() {
    let (desk, _) = desk().await;
    let revision = desk.fixture.engine.rules().revision().to_owned();
    let before = (desk.fixture.actions().await, desk.fixture.simulator.workspace().requests().len());

    let wrong = ran(&desk, &json!({ "task": "check", "rules": { FILE: "version: 1\nrules:\n  - nam: x\n" } })).await;
    assert_eq!(wrong["state"], "rejected", "{wrong:#}");
    let first = &wrong["result"]["diagnostics"][0];
    assert_eq!((&first["file"], &first["line"]), (&json!(FILE), &json!(3)), "{first:#}");

    let tested = ran(&desk, &json!({ "task": "test", "rules": { FILE: EDITED } })).await;
    assert_eq!(tested["state"], "done", "{tested:#}");
    let tests = &tested["result"]["tests"];
    assert_eq!((&tests["passed"], &tests["failed"]), (&json!(1), &json!(1)));
    assert_eq!(tests["items"][0]["name"], "a price", "the failing one first");
    assert_eq!(tests["items"][0]["failures"][0]["what"], "rules");

    let compared = ran(&desk, &json!({ "rules": { FILE: EDITED }, "since": "7d", "stateless": true })).await;
    assert_eq!(compared["state"], "done", "{compared:#}");
    assert_eq!(compared["progress"]["done"], 3);
    let result = &compared["result"];
    assert_eq!(result["before_revision"], revision.as_str());
    assert_ne!(result["after_revision"], revision.as_str());
    let report = &result["report"];
    assert_eq!((&report["events"], &report["changed"]), (&json!(3), &json!(1)), "{report:#}");
    assert_eq!(report["changes"][0]["lead"], "bea@b.example");
    let id = compared["id"].as_str().unwrap();
    let download = desk.get(&format!("/api/v1/backtest/{id}/report?format=markdown")).await;
    assert_eq!(download.header("content-disposition"), "attachment; filename=\"backtest.md\"");
    assert!(download.text.contains("### Backtest") && !download.text.contains("<b>"), "{}", download.text);
    assert_eq!(desk.get(&format!("/api/v1/backtest/{id}/report")).await.json()["changed"], 1);
    desk.get(&format!("/api/v1/backtest/{}/report", tested["id"].as_str().unwrap())).await.problem(404);

    // Nothing is any different.
    assert_eq!(desk.fixture.engine.rules().revision(), revision);
    assert_eq!(before, (desk.fixture.actions().await, desk.fixture.simulator.workspace().requests().len()));

    // Whoever is erased is in no result.
    let listed = desk.get("/api/v1/backtest").await.json();
    assert_eq!((&listed["items"][0]["id"], listed["items"].as_array().unwrap().len()), (&json!(id), 3));
    assert_eq!(listed["files"][0]["name"], FILE);
    desk.post("/api/v1/forget", r#"{"email": "bea@b.example"}"#).await.json();
    assert_eq!(desk.get("/api/v1/backtest").await.json()["items"], json!([]));
    desk.get(&format!("/api/v1/backtest/{id}")).await.problem(404);
}

#[tokio::test]
async fn what_cannot_be_tried_is_refused() {
    let (desk, _) = desk().await;
    for (body, status) in [
        (json!({ "rules": { "rules/99.yaml": "" } }), 404),
        (json!({ "workspace": "globex" }), 404),
        (json!({ "since": "soon" }), 400),
        (json!({ "since": "" }), 400),
        (json!({ "since": "0d" }), 400),
        (json!({ "since": "abc" }), 400),
        (json!({ "since": "-1d" }), 400),
        (json!({ "since": 7 }), 400),
        (json!({ "task": "send" }), 400),
        (json!({ "rules": [] }), 400),
        (json!({ "rules": { FILE: "#".repeat(1024 * 1024 + 1) } }), 413),
        (json!({ "rules": { FILE: "#".repeat(5 * 1024 * 1024) } }), 413),
    ] {
        let answer = desk.post("/api/v1/backtest", &body.to_string()).await;
        answer.problem(status);
    }
    desk.get("/api/v1/backtest/rules?file=/etc/passwd").await.problem(404);
    desk.get("/api/v1/backtest/no-such").await.problem(404);
    let elsewhere = ("origin", "https://evil.example");
    let site = ("sec-fetch-site", "cross-site");
    let answer = desk.send("POST", "/api/v1/backtest", &[bearer(), elsewhere, site], "{}").await;
    answer.problem(403);
    let other = AdminFixture::new(FixtureOptions::default()).await;
    other.post("/api/v1/backtest", "{}").await.problem(501);
    assert!(other.get("/backtest").await.text.contains("does not load its rules from files"));
}

#[tokio::test]
async fn one_runs_at_a_time_and_can_be_cancelled() {
    let (desk, files) = desk().await;
    files.loads.forget_permits(Semaphore::MAX_PERMITS);
    let id = started(&desk, &json!({ "rules": { FILE: EDITED } })).await;
    desk.post("/api/v1/backtest", "{}").await.problem(409);
    // What was written stays.
    let busy = form(&desk, &[("file", FILE), ("text", "version: 1 # <mine>"), ("do", "compare"), ("days", "7")]).await;
    assert_eq!(busy.status, 409);
    assert!(
        busy.text.contains("version: 1 # &#60;mine&#62;") && busy.text.contains("another one runs"),
        "{}",
        busy.text
    );
    let page = desk.get(&format!("/backtest?job={id}")).await.text;
    assert!(page.contains("data-poll") && page.contains(&format!("/backtest/{id}/cancel")), "{page}");
    let cancel = format!("/api/v1/backtest/{id}/cancel");
    assert_eq!(desk.post(&cancel, "").await.json()["state"], "cancelled");
    assert_eq!(desk.post(&cancel, "").await.json()["state"], "cancelled", "one that has ended stays so");
    assert_eq!(desk.get(&format!("/api/v1/backtest/{id}")).await.json()["state"], "cancelled");
    files.loads.add_permits(2);
    assert_eq!(ran_when_free(&desk, &json!({ "rules": { FILE: EDITED } })).await["state"], "done");
}

/// Runs one as soon as there is room.
async fn ran_when_free(desk: &AdminFixture, body: &Value) -> Value {
    let patience = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let answer = desk.post("/api/v1/backtest", &body.to_string()).await;
        if answer.status != 409 {
            return ended(desk, answer.json()["id"].as_str().unwrap()).await;
        }
        assert!(tokio::time::Instant::now() < patience, "{answer:?}");
        tokio::task::yield_now().await;
    }
}

/// However one is let go of while its rules are compiled: these are compiled to the end, and only so many at once.
#[tokio::test]
async fn one_that_is_let_go_of_has_its_place_until_its_work_ends() {
    let (desk, files) = desk().await;
    files.loads.forget_permits(Semaphore::MAX_PERMITS);
    for task in ["check", "test", "compare"] {
        let body = json!({ "task": task, "rules": { FILE: EDITED } });
        let places = if task == "check" { 2 } else { 1 };
        for how in ["cancel", "remove", "forget"] {
            for _ in 0..places {
                let before = files.begun.load(Ordering::SeqCst);
                let id = started(&desk, &body).await;
                // One that is let go of before it has begun is no work at all.
                while files.begun.load(Ordering::SeqCst) == before {
                    tokio::task::yield_now().await;
                }
                match how {
                    "cancel" => desk.post(&format!("/api/v1/backtest/{id}/cancel"), "").await,
                    "remove" => desk.send("DELETE", &format!("/api/v1/backtest/{id}"), &[bearer()], "").await,
                    _ => desk.post("/api/v1/forget", r#"{"email": "nobody@d.example"}"#).await,
                };
            }
            for _ in 0..3 {
                desk.post("/api/v1/backtest", &body.to_string()).await.problem(409);
            }
            files.loads.add_permits(places + 1);
            assert_eq!(ran_when_free(&desk, &body).await["state"], "done", "{task} {how}");
            // The others have ended as well.
            while files.loads.available_permits() > 0 {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// The events of other clients do not count, in the bound nor in how far it is.
#[tokio::test]
async fn only_events_of_their_workspaces_count() {
    let fixture = Fixture::new(FixtureOptions {
        rules: RULES,
        more_workspaces: vec![("globex", Mode::Live), ("initech", Mode::Live)],
        ..FixtureOptions::default()
    })
    .await;
    let theirs = ["acme", "globex"];
    fixture.store.keep_rules("r1", "{}").await.unwrap();
    for (number, workspace) in ["initech", "acme", "initech", "initech", "globex", "initech"].into_iter().enumerate() {
        let mut record = record(&format!("d{number}"), Vec::new(), Vec::new());
        (record.at, record.workspace) = (fixture.clock.now(), workspace.to_owned());
        record.thread_id = format!("t{number}");
        let row = ThreadRow { id: record.thread_id.clone(), ..ThreadRow::default() };
        let event = StoredEvent { revision: "r1".to_owned(), at: record.at, row, ..StoredEvent::default() };
        write(fixture.store.as_ref(), &record, Some(&event)).await.unwrap();
    }
    let settings = AdminSettings {
        listen: "127.0.0.1:8080".parse().unwrap(),
        access: Access::new(AccessSettings {
            users: vec![User {
                name: "sam".to_owned(),
                token: Some(TOKEN.to_owned().into()),
                role: Role::Approver,
                workspaces: Some(theirs.map(str::to_owned).to_vec()),
            }],
            ..AccessSettings::default()
        }),
        public_url: None,
        hook_tokens: HookTokens::default(),
    };
    let files: Arc<dyn Reload> = Arc::new(FilesInMemory::new(RULES));
    let router = admin::router(Arc::clone(&fixture.engine), settings, Some(files));
    let desk = AdminFixture { fixture, router };
    let found = ran(&desk, &json!({ "rules": { FILE: EDITED } })).await;
    assert_eq!((&found["state"], &found["progress"]["done"]), (&json!("done"), &json!(2)), "{found:#}");
    let one = ran(&desk, &json!({ "rules": { FILE: EDITED }, "workspace": "globex" })).await;
    assert_eq!((&one["state"], &one["progress"]["done"]), (&json!("done"), &json!(1)), "{one:#}");
}

/// Whether it has ended or runs: once it is removed it is gone, and makes room for the next one.
#[tokio::test]
async fn one_that_is_removed_is_gone() {
    let (desk, files) = desk().await;
    let over = ran(&desk, &json!({ "rules": { FILE: EDITED } })).await["id"].as_str().unwrap().to_owned();
    files.loads.forget_permits(Semaphore::MAX_PERMITS);
    let runs = started(&desk, &json!({ "rules": { FILE: EDITED } })).await;
    for id in [over, runs] {
        let path = format!("/api/v1/backtest/{id}");
        assert_eq!(desk.send("DELETE", &path, &[bearer()], "").await.status, 204);
        desk.get(&path).await.problem(404);
        desk.get(&format!("{path}/report")).await.problem(404);
        desk.post(&format!("{path}/cancel"), "").await.problem(404);
        desk.send("DELETE", &path, &[bearer()], "").await.problem(404);
    }
    assert_eq!(desk.get("/api/v1/backtest").await.json()["items"], json!([]));
    files.loads.add_permits(2);
    assert_eq!(ran_when_free(&desk, &json!({ "rules": { FILE: EDITED } })).await["state"], "done");
}

#[tokio::test]
async fn days_that_are_no_number_of_days_are_told_at_the_field() {
    let (desk, _) = desk().await;
    for days in ["0", "abc", "-1", "1000", "1.5", "", "99999999999999999999"] {
        let fields = [("file", FILE), ("text", "version: 1 # mine"), ("do", "compare"), ("days", days)];
        let answer = form(&desk, &fields).await;
        assert_eq!(answer.status, 400, "{days}");
        let parts = [
            "id=\"days-error\" role=\"alert\">days must be a whole number from 1 to 999<",
            "aria-describedby=\"days-error\"",
            "version: 1 # mine",
            &format!("name=\"days\" value=\"{days}\""),
        ];
        for part in parts {
            assert!(answer.text.contains(part), "{days}: {part}: {}", answer.text);
        }
        assert!(!answer.text.contains("class=\"error block\""), "once: {}", answer.text);
    }
    assert_eq!(desk.get("/api/v1/backtest").await.json()["items"], json!([]), "nothing was begun");
    // A check looks at no events.
    let fields = [("file", FILE), ("text", EDITED), ("do", "check"), ("days", "abc")];
    assert_eq!(form(&desk, &fields).await.status, 303);
    let fields = [("file", FILE), ("text", EDITED), ("do", "compare"), ("days", " 7 ")];
    assert_eq!(form(&desk, &fields).await.status, 303);
    let gone = desk.get("/backtest?file=rules/gone.yaml").await;
    assert_eq!(gone.status, 404);
    assert!(gone.text.contains("there is no rule file <code>rules/gone.yaml</code>"), "{}", gone.text);
}

#[tokio::test]
async fn only_the_last_few_are_kept() {
    let (desk, _) = desk().await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(ran(&desk, &json!({ "task": "check" })).await["id"].as_str().unwrap().to_owned());
    }
    let listed = desk.get("/api/v1/backtest").await.json();
    let kept: Vec<&str> = listed["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(kept.len(), 5);
    assert!(kept.contains(&ids[5].as_str()) && !kept.contains(&ids[0].as_str()));
}

#[tokio::test]
async fn the_page_goes_from_an_error_to_the_diff() {
    let (desk, _) = desk().await;
    let page = desk.get("/backtest").await.text;
    assert!(page.contains(r"body: &#39;\bcall\b&#39;") && page.contains("rules/20-later.yaml"), "{page}");
    assert!(page.contains("the active rules stay as they are"));

    let wrong = EDITED.replace("category: interested, body", "categoy: interested, body").replace('\n', "\r\n");
    let answer = form(&desk, &[("file", FILE), ("text", &wrong), ("do", "check"), ("days", "7")]).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let place = answer.header("location").split('#').next().unwrap().to_owned();
    let page = desk.get(&place).await.text;
    for part in ["1 error", "data-line=\"4\"", "categoy", "did you mean", ">edited<"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Another file is opened: the edit goes along.
    let fields = [("file", FILE), ("text", EDITED), ("open", "rules/20-later.yaml"), ("do", "open")];
    let page = form(&desk, &fields).await.text;
    assert!(page.contains("name=\"other_text\" value=\"version: 1\n") && page.contains("Also edited"), "{page}");
    let fields = [
        ("other_file", FILE),
        ("other_text", EDITED),
        ("file", "rules/20-later.yaml"),
        ("text", "version: 1\r\nrules: []\r\n"),
        ("days", "7"),
        ("do", "compare"),
    ];
    let answer = form(&desk, &fields).await;
    let id = answer.header("location").split("job=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let found = ended(&desk, &id).await;
    assert_eq!(found["files"], json!([FILE]), "a file as it is on disk is no edit");
    let page = desk.get(&format!("/backtest?job={id}")).await.text;
    for part in [
        "The outcome of 1 event changes.",
        "bea@b.example",
        "A meeting",
        "nothing: no rule matches",
        "<code>book-a-call</code> matches now",
        "format=markdown",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<b>soon"), "{page}");
    // A rule that matches as many events as before, and others.
    let other = RULES.replace("call\\b", "meeting\\b");
    assert_ne!(other, RULES);
    let id = ran_when_free(&desk, &json!({ "rules": { FILE: other }, "since": "7d" })).await["id"].clone();
    let page = desk.get(&format!("/backtest?job={}", id.as_str().unwrap())).await.text;
    let row = "<th scope=\"row\">book-a-call</th><td class=\"number\">1</td><td class=\"number\">1</td>\
        <td>1 done</td><td>1 done</td><td class=\"number\">2</td>";
    assert!(page.contains(row) && !page.contains("id=\"same-rules\""), "{page}");
    let file = form(&desk, &[("file", FILE), ("text", EDITED), ("do", "download")]).await;
    assert_eq!((file.text.as_str(), file.header("content-type")), (EDITED, "application/yaml"));
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"10-interested.yaml\"");
    let page = form(&desk, &[("file", FILE), ("text", EDITED), ("do", "discard")]).await.text;
    assert!(page.contains(r"&#39;\bcall\b&#39;") && !page.contains(">edited<"), "{page}");
}
