//! What people change: switches, modes, opt-outs, and what they decide about single actions.

use super::AdminFixture;
use crate::fixture::{Fixture, FixtureOptions, Reply, safety};
use reply_router::store::prelude::*;
use reply_router::{
    model::{ActionState, Mode, Safety},
    store::SqlStore,
};
use serde_json::{Value, json};

const DRAFT: &str = r"
version: 1
rules:
  - name: careful
    mode: draft
    when: { body: call }
    then:
      - reply: { text: 'Hi {{ lead.first_name }}.' }
";

async fn paused(desk: &AdminFixture) -> (bool, Vec<bool>) {
    let status = desk.get("/api/v1/status").await.json();
    let workspaces = status["workspaces"].as_array().unwrap();
    (status["paused"] == true, workspaces.iter().map(|found| found["paused"] == true).collect())
}

/// Left out or empty, on whichever route: no workspace is named.
#[tokio::test]
async fn an_empty_workspace_is_none() {
    let setting = FixtureOptions { more_workspaces: vec![("globex", Mode::Live)], ..FixtureOptions::default() };
    let desk = AdminFixture::new(setting).await;
    let described = desk.get("/openapi.json").await.json();
    let mut asked = 0;
    for (path, item) in described["paths"].as_object().unwrap() {
        let parameters = item["get"]["parameters"].as_array().cloned().unwrap_or_default();
        let takes_it = parameters.iter().any(|found| found["in"] == "query" && found["name"] == "workspace");
        // A stream never ends.
        if takes_it && !path.contains('{') && path != "/api/v1/events" {
            assert_eq!(desk.get(&format!("{path}?workspace=")).await.status, 200, "{path}");
            asked += 1;
        }
    }
    assert!(asked > 5, "{asked}");

    let entry = r#"{"email": "joe@acme.example", "workspace": ""}"#;
    let added = desk.post("/api/v1/opt-outs", entry).await.json();
    assert_eq!(added["items"].as_array().unwrap().len(), 2, "{added}");
    let removed = desk.send("DELETE", "/api/v1/opt-outs/joe@acme.example?workspace=", &[super::bearer()], "").await;
    assert_eq!(removed.status, 204);
    assert_eq!(desk.get("/api/v1/opt-outs").await.json()["items"], serde_json::json!([]));
    let paused = async || desk.get("/api/v1/status").await.json()["paused"].as_bool().unwrap();
    for (path, body, status, pauses) in [
        ("/api/v1/pause", r#"{"workspace": ""}"#, 200, true),
        ("/api/v1/resume", r#"{"workspace": ""}"#, 200, false),
        ("/pause?workspace=", "", 303, true),
        ("/resume?workspace=", "", 303, false),
    ] {
        assert_eq!(desk.post(path, body).await.status, status, "{path}");
        assert_eq!(paused().await, pauses, "{path}");
    }
}

#[tokio::test]
async fn resume_ends_what_it_names_and_without_a_name_everything() {
    let setting = FixtureOptions { more_workspaces: vec![("globex", Mode::Live)], ..FixtureOptions::default() };
    let desk = AdminFixture::new(setting).await;
    let (acme, all) = (r#"{"workspace": "acme"}"#, r#"{"workspace": null}"#);
    for (path, body, wanted) in [
        ("pause", acme, (false, vec![true, false])),
        ("pause", all, (true, vec![true, true])),
        ("resume", acme, (true, vec![true, true])),
        ("pause", acme, (true, vec![true, true])),
        ("resume", all, (false, vec![false, false])),
        ("pause", "", (true, vec![true, true])),
        ("resume", "", (false, vec![false, false])),
    ] {
        assert_eq!(desk.post(&format!("/api/v1/{path}"), body).await.status, 200);
        assert_eq!(paused(&desk).await, wanted, "{path} {body}");
    }
    assert!(desk.fixture.store.pauses().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_pause_and_a_mode_survive_a_restart() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    desk.post("/api/v1/pause", "{}").await.json();
    desk.post("/api/v1/rules/book-a-call/mode", r#"{"mode": "off"}"#).await.json();
    let AdminFixture { fixture, router } = desk;
    let path = fixture.store_path();
    let Fixture { store, engine, folder, .. } = fixture;
    drop((router, engine, store));
    let store = SqlStore::open(&path).await.unwrap();
    assert_eq!(store.pauses().await.unwrap().len(), 1);
    assert_eq!(store.override_modes().await.unwrap().get("book-a-call"), Some(&Mode::Off));
    drop((store, folder));
}

#[tokio::test]
async fn a_mode_is_lowered_and_never_raised() {
    let desk = AdminFixture::new(FixtureOptions { rules: DRAFT, ..FixtureOptions::default() }).await;
    let path = "/api/v1/rules/careful/mode";
    let cases = [
        (r#"{"mode": "off"}"#, Ok(("off", json!("override")))),
        (r#"{"mode": "shadow"}"#, Ok(("shadow", json!("override")))),
        (r#"{"mode": "draft"}"#, Ok(("draft", json!(null)))),
        (r#"{"mode": "live"}"#, Err(422)),
        (r#"{"mode": "shadow"}"#, Ok(("shadow", json!("override")))),
        (r#"{"mode": "loud"}"#, Err(400)),
        (r#"{"mode": 7}"#, Err(400)),
        ("{}", Err(400)),
        ("", Err(400)),
        (r#"{"mode": null}"#, Ok(("draft", json!(null)))),
    ];
    for (body, wanted) in cases {
        let answer = desk.post(path, body).await;
        match wanted {
            Ok((effective, by)) => {
                let rule = answer.json();
                assert_eq!((&rule["effective_mode"], &rule["lowered_by"]), (&json!(effective), &by), "{body}");
                assert_eq!(rule["mode"], "draft", "{body}");
            }
            Err(status) => drop(answer.problem(status)),
        }
    }
    assert!(desk.fixture.store.override_modes().await.unwrap().is_empty());
    desk.post("/api/v1/rules/nobody/mode", r#"{"mode": "off"}"#).await.problem(404);
}

#[tokio::test]
async fn an_opt_out_without_a_workspace_is_for_all() {
    let setting = FixtureOptions { more_workspaces: vec![("globex", Mode::Live)], ..FixtureOptions::default() };
    let desk = AdminFixture::new(setting).await;
    let answer = desk.post("/api/v1/opt-outs", r#"{"email": "Jane <JANE@acme.example>", "evidence": "phone"}"#).await;
    assert_eq!(answer.status, 201);
    let added = answer.json();
    assert_eq!((&added["workspace"], &added["email"]), (&json!(null), &json!("jane@acme.example")));
    let in_workspaces: Vec<_> = added["items"].as_array().unwrap().iter().map(|item| &item["workspace"]).collect();
    assert_eq!(in_workspaces, ["acme", "globex"]);
    let one = desk.post("/api/v1/opt-outs", r#"{"email": "jane@acme.example", "workspace": "acme"}"#).await.json();
    assert_eq!((&one["workspace"], &one["evidence"]), (&json!("acme"), &json!("phone")), "an earlier entry stays");

    let path = "/api/v1/opt-outs/jane@acme.example";
    let delete = async |path: &str| desk.send("DELETE", path, &[super::bearer()], "").await.status;
    assert_eq!(delete(&format!("{path}?workspace=globex")).await, 204);
    assert_eq!(delete(&format!("{path}?workspace=globex")).await, 404);
    let left = desk.get("/api/v1/opt-outs").await.json();
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    assert_eq!(delete(path).await, 204);
}

/// `*@gmail.com` is everybody with a mailbox there, and hardly ever meant.
#[tokio::test]
async fn a_domain_of_free_mail_is_asked_about_before_it_is_an_opt_out() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let question = "`*@gmail.com` is everybody with a mailbox there";
    let path = "/api/v1/opt-outs";
    for email in ["*@gmail.com", " *@GMail.com "] {
        let answer = desk.post(path, &json!({ "email": email }).to_string()).await;
        let told = answer.problem(400);
        assert!(told.contains(question) && told.contains("nothing was added") && told.contains("free_mail"), "{told}");
    }
    let form = async |body: &str| {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        desk.send("POST", "/opt-outs", &[super::bearer(), kind, ("accept", "text/html")], body).await
    };
    let page = form("email=*%40gmail.com&evidence=a+%3Cjoke%3E").await;
    assert_eq!(page.status, 400);
    let shown = "<code>*@gmail.com</code> is everybody with a mailbox there";
    for part in [shown, "value=\"*@gmail.com\"", "a &#60;joke&#62;", "name=\"free_mail\"", "aria-invalid"] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    let page = form("email=nonsense").await;
    assert_eq!(page.status, 400);
    assert!(
        page.text.contains("<code>nonsense</code> is not an e-mail address")
            && !page.text.contains("name=\"free_mail\"")
    );
    assert_eq!(desk.get(path).await.json()["items"], json!([]), "nothing was added");
    // Other domains, and one person there, are no question; and who means it says so.
    for body in [
        json!({ "email": "*@acme.example" }),
        json!({ "email": "jane@gmail.com" }),
        json!({ "email": "*@gmail.com", "free_mail": true }),
    ] {
        assert_eq!(desk.post(path, &body.to_string()).await.status, 201, "{body}");
    }
    assert_eq!(form("email=*%40gmx.de&free_mail=yes").await.status, 303);
    assert_eq!(desk.get(path).await.json()["items"].as_array().unwrap().len(), 4);
}

/// Three leads with a held reply each; the states are then as given.
async fn with_states(states: [ActionState; 3]) -> (AdminFixture, Vec<String>) {
    let safety = Safety { replies_per_hour: 1_000, ..safety() };
    let desk = AdminFixture::new(FixtureOptions { rules: DRAFT, safety, ..FixtureOptions::default() }).await;
    for (number, _) in states.iter().enumerate() {
        desk.fixture.hot_lead(&format!("lead{number}@acme.example"), "Please call.");
    }
    desk.fixture.tick().await;
    let mut ids = Vec::new();
    for (mut action, state) in desk.fixture.actions().await.into_iter().zip(states) {
        assert_eq!((action.kind, action.state), (Reply, ActionState::Held));
        action.state = state;
        desk.fixture.store.update_action(&mut action).await.unwrap();
        ids.push(action.id.0);
    }
    (desk, ids)
}

#[tokio::test]
async fn a_held_reply_is_approved_once_or_rejected() {
    let (desk, ids) = with_states([ActionState::Held; 3]).await;
    let path = |number: usize, what: &str| format!("/api/v1/actions/{}/{what}", ids[number]);
    desk.post(&path(0, "approve"), r#"{"text": "  "}"#).await.problem(422);
    desk.post(&path(0, "approve"), r#"{"text": 7}"#).await.problem(400);
    let approved = desk.post(&path(0, "approve"), r#"{"text": "Edited."}"#).await.json();
    assert_eq!((&approved["state"], &approved["approved"]), (&json!("planned"), &json!(true)));
    desk.post(&path(0, "approve"), "{}").await.problem(409);
    assert_eq!(desk.post(&path(1, "approve"), "").await.json()["state"], "planned", "as it is");
    let rejected = desk.post(&path(2, "reject"), "").await.json();
    assert_eq!((&rejected["state"], &rejected["reason"]["code"]), (&json!("cancelled"), &json!("rejected")));
    for what in ["approve", "reject", "retry"] {
        desk.post(&path(2, what), "").await.problem(409);
    }
    desk.fixture.run_due().await;
    let mut sent: Vec<_> =
        desk.fixture.simulator.workspace().accepted_replies().into_iter().map(|reply| reply.body.unwrap()).collect();
    sent.sort();
    assert_eq!(sent.len(), 2);
    assert!(sent[0].contains("Edited.") && sent[1].contains("Hi Jane."), "{sent:?}");
    desk.post(&path(0, "approve"), "{}").await.problem(409);
}

#[tokio::test]
async fn a_failed_one_is_tried_again_and_a_quarantined_one_resolved() {
    let (desk, ids) = with_states([ActionState::Failed, ActionState::Quarantined, ActionState::Quarantined]).await;
    let path = |number: usize, what: &str| format!("/api/v1/actions/{}/{what}", ids[number]);
    for (number, what, body) in [
        (0, "approve", ""),
        (0, "resolve", r#"{"outcome": "sent"}"#),
        (1, "retry", ""),
        (1, "approve", ""),
        (1, "reject", ""),
    ] {
        desk.post(&path(number, what), body).await.problem(409);
    }
    for body in ["", "{}", r#"{"outcome": "maybe"}"#] {
        desk.post(&path(1, "resolve"), body).await.problem(400);
    }
    let state =
        async |number, what, body| -> Value { desk.post(&path(number, what), body).await.json()["state"].clone() };
    assert_eq!(state(0, "retry", "").await, "planned");
    assert_eq!(state(1, "resolve", r#"{"outcome": "sent"}"#).await, "done");
    assert_eq!(state(2, "resolve", r#"{"outcome": "not_sent"}"#).await, "held");
    for what in ["approve", "reject", "retry"] {
        desk.post(&format!("/api/v1/actions/nobody/{what}"), "").await.problem(404);
    }
    desk.get("/api/v1/actions/nobody").await.problem(404);
}

#[tokio::test]
async fn the_buttons_of_the_page_do_the_same() {
    let (desk, ids) = with_states([ActionState::Held, ActionState::Quarantined, ActionState::Failed]).await;
    // Where it can be seen: the one that is a draft now by itself.
    let again = format!("/queue#action-{}", ids[1]);
    let decided = |number: usize| format!("/queue?decided={}", ids[number]);
    for (number, decision, state, place) in [
        (0, "reject", ActionState::Cancelled, decided(0)),
        (1, "not-sent", ActionState::Held, again),
        (2, "retry", ActionState::Planned, decided(2)),
    ] {
        let answer = desk.post(&format!("/actions/{}/{decision}", ids[number]), "").await;
        assert_eq!((answer.status, answer.header("location")), (303, place.as_str()), "{decision}");
        let action = desk.fixture.actions().await.remove(number);
        assert_eq!(action.state, state, "{decision}");
    }
    desk.post(&format!("/actions/{}/approve", ids[0]), "").await.problem(409);
    desk.post(&format!("/actions/{}/shout", ids[0]), "").await.problem(404);
    assert_eq!(desk.post("/pause", "").await.status, 303);
    assert_eq!(paused(&desk).await, (true, vec![true]));
    assert_eq!(desk.post("/resume", "").await.status, 303);
    assert_eq!(paused(&desk).await, (false, vec![false]));
}
