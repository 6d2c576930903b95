//! What programs read: every field that is promised, and nothing that the description does not tell of.

use super::{AdminFixture, Answer};
use crate::fixture::{Fixture, FixtureOptions};
use reply_router::simulator::Endpoint;
use reply_router::store::prelude::*;
use reply_router::{
    model::{ActionState, Mode},
    simulator::Fault,
};
use serde_json::{Value, json};

/// The served description, in which a field that no schema names is an error.
struct Description(Value);

impl Description {
    async fn fetch(admin: &AdminFixture) -> Self {
        fn close(value: &mut Value) {
            match value {
                Value::Object(map) => {
                    if map.get("properties").is_some_and(Value::is_object) {
                        map.entry("additionalProperties").or_insert(json!(false));
                    }
                    map.values_mut().for_each(close);
                }
                Value::Array(items) => items.iter_mut().for_each(close),
                _ => {}
            }
        }
        let mut document = admin.get("/openapi.json").await.json();
        close(&mut document);
        Self(document)
    }

    /// A response fits what its route describes for its status.
    #[track_caller]
    fn check(&self, method: &str, route: &str, answer: &Answer) {
        let kind = answer.header("content-type");
        let mut responses = format!("/paths/{}/{method}/responses", route.replace('/', "~1"));
        let status = answer.status.to_string();
        let described = self.0.pointer(&responses).unwrap_or_else(|| panic!("{method} {route} is not described"));
        let named = if described.get(&status).is_some() { &status } else { "default" };
        responses.push_str(&format!("/{named}"));
        if let Some(target) = described[named]["$ref"].as_str() {
            responses = target.trim_start_matches('#').to_owned();
        }
        let schema = format!("{responses}/content/{}/schema", kind.replace('/', "~1"));
        assert!(self.0.pointer(&schema).is_some(), "{method} {route}: {status} {kind} is not described");
        let mut root = self.0.clone();
        // A reference is a URI, in which no brace may stand.
        root["$ref"] = json!(format!("#{}", schema.replace('{', "%7B").replace('}', "%7D")));
        let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&root).unwrap();
        let value: Value = serde_json::from_str(&answer.text).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{method} {route}: {errors:#?}");
    }
}

/// Every field that is named is there.
#[track_caller]
fn has(value: &Value, fields: &str) {
    for field in fields.split_whitespace() {
        assert!(value.get(field).is_some(), "{field} is missing in {value}");
    }
}

fn first(answer: &Answer) -> Value {
    let page = answer.json();
    has(&page, "items next");
    page["items"][0].clone()
}

#[tokio::test]
async fn every_answer_has_the_shape_that_is_described() {
    let more = vec![("globex", Mode::Draft)];
    let desk =
        AdminFixture::new(FixtureOptions { mode: Mode::Live, more_workspaces: more, ..FixtureOptions::default() })
            .await;
    let thread = desk.fixture.hot_lead("jane@acme.example", "Sure, give me a call.");
    desk.fixture.tick().await;
    desk.post("/api/v1/opt-outs", r#"{"email": "joe@acme.example"}"#).await.json();
    let description = Description::fetch(&desk).await;
    assert_eq!(
        (&description.0["openapi"], &description.0["info"]["version"]),
        (&json!("3.1.0"), &json!(env!("CARGO_PKG_VERSION")))
    );

    let action = first(&desk.get("/api/v1/actions?kind=reply").await);
    let decision = first(&desk.get("/api/v1/decisions").await);
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    for (route, named) in [
        ("/openapi.json", ""),
        ("/api/v1/status", ""),
        ("/api/v1/workspaces", ""),
        ("/api/v1/rules", ""),
        ("/api/v1/rules/{name}", "book-a-call"),
        ("/api/v1/actions", ""),
        ("/api/v1/actions/{id}", &id(&action)),
        ("/api/v1/decisions", ""),
        ("/api/v1/decisions/{id}", &id(&decision)),
        ("/api/v1/threads/{id}/explain", &thread),
        ("/api/v1/left", ""),
        ("/api/v1/opt-outs", ""),
        ("/api/v1/audit", ""),
        ("/api/v1/rules/{name}", "no-such-rule"),
        ("/api/v1/actions/{id}", "no-such-action"),
    ] {
        let path = route.replace("{name}", named).replace("{id}", named);
        let answer = desk.get(&path).await;
        let wanted = if named.starts_with("no-such") { "application/problem+json" } else { "application/json" };
        assert_eq!(answer.header("content-type"), wanted, "{path}");
        description.check("get", route, &answer);
    }
    for (route, body) in [
        ("/api/v1/pause", r#"{"workspace": "globex"}"#),
        ("/api/v1/resume", ""),
        ("/api/v1/rules/{name}/mode", r#"{"mode": "draft"}"#),
        ("/api/v1/rules/{name}/mode", r#"{"mode": null}"#),
        ("/api/v1/rules/{name}/mode", r#"{"mode": "loud"}"#),
        ("/api/v1/opt-outs", r#"{"email": "joe@acme.example"}"#),
        ("/api/v1/forget", r#"{"email": "nobody@acme.example"}"#),
        ("/api/v1/forget", r#"{"email": "*@acme.example"}"#),
        ("/api/v1/reload", ""),
    ] {
        let answer = desk.post(&route.replace("{name}", "book-a-call"), body).await;
        description.check("post", route, &answer);
    }

    let status = desk.get("/api/v1/status").await.json();
    has(&status, "version paused rules workspaces queue");
    has(&status["rules"], "revision loaded_at error");
    has(&status["workspaces"][0], "name state paused last_poll next_poll error budget");
    has(&status["workspaces"][0]["budget"], "minute_left hour_left");
    has(&status["queue"], "waiting held unknown quarantined failed");
    let rule = first(&desk.get("/api/v1/rules").await);
    has(&rule, "name description file line mode effective_mode lowered_by matches actions suppressed last_match");
    has(&rule, "last_error mean_us");
    has(&rule["matches"], "1h 24h 7d total");
    assert_eq!(rule["actions"]["1h"], json!({"done": 3}));
    assert_eq!((&rule["effective_mode"], &rule["lowered_by"]), (&json!("live"), &json!(null)));
    assert_eq!(rule["workspace_modes"], json!({"acme": "live", "globex": "draft"}));
    has(&action, "id workspace thread_id message_id lead_email rule kind target state reason attempts due_at");
    has(&action, "created_at updated_at");
    has(&action["attempts"][0], "at outcome status");
    assert_eq!((&action["state"], &action["kind"]), (&json!("done"), &json!("reply")));
    has(&decision, "id workspace thread_id message_id lead_email at matched actions trace");
    assert_eq!(decision["matched"], json!(["book-a-call"]));
    assert_eq!(decision["actions"].as_array().unwrap().len(), 3);
    let explained = desk.get(&format!("/api/v1/threads/{thread}/explain")).await.json();
    has(&explained, "thread_id message_id body auto_reply opt_out rules");
    has(&explained["rules"][0], "name file line mode matched stopped_by conditions script actions");
    has(&explained["rules"][0]["conditions"][0], "path wanted seen held span");
    has(&explained["rules"][0]["actions"][0], "kind would reason");
    has(&first(&desk.get("/api/v1/opt-outs").await), "workspace email since evidence");

    let metrics = desk.send("GET", "/metrics", &[], "").await.text;
    assert!(
        metrics.contains("reply_router_rule_matches_total{workspace=\"acme\",rule=\"book-a-call\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_limit_is_clamped_and_a_cursor_leads_through_all() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    for number in 0..4 {
        desk.fixture.hot_lead(&format!("lead{number}@acme.example"), "Please call.");
        let body = format!(r#"{{"email": "out{number}@acme.example"}}"#);
        assert_eq!(desk.post("/api/v1/opt-outs", &body).await.status, 201);
    }
    desk.fixture.tick().await;
    for (list, all) in [("actions", 12), ("decisions", 4), ("opt-outs", 4)] {
        let length = async |limit: &str| {
            let page = desk.get(&format!("/api/v1/{list}?limit={limit}")).await.json();
            page["items"].as_array().unwrap().len()
        };
        for (limit, wanted) in [
            ("", all),
            ("0", 1),
            ("-7", 1),
            ("2", 2),
            ("10001", all),
            ("99999999999999999999", all),
            ("many", all),
            ("%20%203", 3),
        ] {
            assert_eq!(length(limit).await, wanted, "{list} {limit}");
        }
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = desk.get(&format!("/api/v1/{list}?limit=3&cursor={cursor}")).await.json();
            seen.extend(
                page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|item| item["id"].to_string() + &item["email"].to_string()),
            );
            pages += 1;
            let Some(next) = page["next"].as_str() else { break };
            cursor = next.to_owned();
        }
        assert_eq!((seen.len(), pages), (all, all.div_ceil(3)), "{list}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), all, "{list}: nothing twice");
    }
}

#[tokio::test]
async fn lists_are_filtered() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let thread = desk.fixture.hot_lead("jane@acme.example", "Please call.");
    desk.fixture.hot_lead("joe@acme.example", "Please call.");
    desk.fixture.tick().await;
    let mut held = desk.fixture.actions().await.remove(0);
    held.state = ActionState::Held;
    desk.fixture.store.update_action(&mut held).await.unwrap();
    for (path, wanted) in [
        ("actions?state=held".to_owned(), 1),
        ("actions?state=held,done".to_owned(), 6),
        ("actions?kind=star".to_owned(), 2),
        (format!("actions?thread={thread}"), 3),
        (format!("actions?thread={thread}&kind=reply&state="), 1),
        ("actions?rule=book-a-call".to_owned(), 6),
        ("actions?rule=other".to_owned(), 0),
        ("actions?workspace=globex".to_owned(), 0),
        (format!("decisions?thread={thread}"), 1),
        ("decisions?rule=book-a-call".to_owned(), 2),
        ("decisions?rule=other".to_owned(), 0),
        ("decisions?lead=JANE@acme.example".to_owned(), 1),
        ("decisions?state=held".to_owned(), 1),
        ("decisions?campaign=q1%20product%20launch&matched=true".to_owned(), 2),
        ("decisions?matched=false".to_owned(), 0),
        ("decisions?workspace=globex".to_owned(), 0),
        ("actions?lead=jane@acme.example&campaign=Q1%20Product%20Launch".to_owned(), 3),
        ("actions?campaign=other".to_owned(), 0),
    ] {
        let page = desk.get(&format!("/api/v1/{path}")).await.json();
        assert_eq!(page["items"].as_array().unwrap().len(), wanted, "{path}");
    }
}

#[tokio::test]
async fn a_thread_is_looked_for_in_every_workspace() {
    let setting = FixtureOptions { more_workspaces: vec![("globex", Mode::Shadow)], ..FixtureOptions::default() };
    let desk = AdminFixture::over(Fixture::new(setting).await, Some(super::TOKEN), None);
    let thread = desk.fixture.hot_lead("jane@acme.example", "Please call.");
    let path = format!("/api/v1/threads/{thread}/explain");
    let mode = |answer: &Answer| answer.json()["rules"][0]["mode"].clone();
    assert_eq!(mode(&desk.get(&path).await), "live");
    let faults = desk.fixture.simulator.faults();
    faults.next(Endpoint::Thread, 1, Fault::Status(404, r#"{"detail": "no"}"#.to_owned()));
    assert_eq!(mode(&desk.get(&path).await), "shadow", "the first one does not know it");
    faults.next(Endpoint::Thread, 1, Fault::Status(401, r#"{"detail": "no"}"#.to_owned()));
    assert_eq!(mode(&desk.get(&path).await), "shadow", "the first one cannot be asked");
    faults.next(Endpoint::Thread, 1, Fault::Status(404, r#"{"detail": "no"}"#.to_owned()));
    desk.get(&format!("{path}?workspace=acme")).await.problem(404);
    faults.next(Endpoint::Thread, 1, Fault::Status(401, r#"{"detail": "no"}"#.to_owned()));
    desk.get(&format!("{path}?workspace=acme")).await.problem(502);
}
