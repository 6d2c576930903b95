//! Edits of rules that are tried in the running service.

use super::{
    backtest::{after, leads, played},
    cli_fixture::{CliFixture, PATIENCE},
};
use crate::service_process::{SERVICE, ServiceProcess};
use serde_json::{Value, json};
use std::time::Instant;

/// A service, and what talks to it.
struct Service {
    process: ServiceProcess,
    client: reqwest::Client,
}

impl Service {
    async fn of(place: &CliFixture) -> Self {
        let process = ServiceProcess::start(place.command(SERVICE)).await;
        Self { process, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    async fn start(&self, body: &Value) -> (u16, Value) {
        let request = self.client.post(format!("{}/api/v1/backtest", self.process.pages)).json(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn get(&self, id: &str) -> Value {
        serde_json::from_str(&self.process.get(&format!("/api/v1/backtest/{id}")).await.1).unwrap()
    }

    /// What came of it.
    async fn tried(&self, body: &Value) -> Value {
        let (status, job) = self.start(body).await;
        assert_eq!(status, 202, "{job:#}");
        let began = Instant::now();
        loop {
            let found = self.get(job["id"].as_str().unwrap()).await;
            if found["state"] != "running" {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "{found:#}");
        }
    }
}

#[tokio::test]
async fn edits_are_compared_with_the_active_rules_and_written_nowhere() {
    let rules = super::backtest::BEFORE;
    let place = played(rules).await;
    let service = Service::of(&place).await;
    let requests = || {
        let all = place.simulator.workspace().requests();
        all.iter().filter(|request| request.method != "GET").count()
    };
    let before = requests();
    let found = service.tried(&json!({ "rules": { "rules/rules.yaml": after() } })).await;
    assert_eq!(found["state"], "done", "{found:#}");
    let report = &found["result"]["report"];
    assert_eq!(leads(report), ["bea@bea.example".to_owned(), "cai@cai.example".to_owned()].into());
    // A file more, and another one: both edits count.
    let more = "version: 1\nrules:\n  - { name: more, when: { category: interested }, then: [star] }\n";
    let found = service.tried(&json!({ "rules": { "rules.yaml": after(), "rules/more.yaml": more } })).await;
    let names: Vec<&str> = found["result"]["report"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["more", "book-a-call", "price", "not-now"]);
    // A test with steps is played inside the service.
    let steps = format!(
        "{rules}tests:\n  - name: a call\n    thread: {{ category: interested, lead_email: jo@acme.example }}\n    \
         messages: [A call?]\n    expect: {{ sent: [reply, star] }}\n    steps:\n      - then_lead_writes: More of it\n        \
         expect: {{ rules: [] }}\n"
    );
    let found = service.tried(&json!({ "task": "test", "rules": { "rules/rules.yaml": steps } })).await;
    assert_eq!(found["state"], "done", "{found:#}");
    assert_eq!(found["result"]["tests"]["items"].as_array().unwrap().len(), 1, "{found:#}");
    assert_eq!(std::fs::read_to_string(place.path().join("rules/rules.yaml")).unwrap(), rules);
    assert!(!place.path().join("rules/more.yaml").exists());
    assert_eq!(requests(), before, "nothing was sent");
    let status: Value = serde_json::from_str(&service.process.get("/api/v1/status").await.1).unwrap();
    assert_eq!(status["rules"]["revision"], found["result"]["before_revision"]);
}

/// What somebody writes into the page reads nothing of the machine.
#[tokio::test]
async fn an_edit_reads_no_file_that_rules_may_not_read() {
    let place = played(super::backtest::BEFORE).await;
    place.write("rules/hello.txt", "Hello {{ lead.first_name }}");
    place.write("secret.txt", "a secret");
    let service = Service::of(&place).await;
    for name in [
        "/etc/cron.d/x.yaml",
        "../x.yaml",
        "rules/../../x.yaml",
        "rules/.x.yaml",
        "rules/x.txt",
        "reply-router.yaml",
        "rules/",
        "",
        "/etc/passwd",
    ] {
        let (status, answer) = service.start(&json!({ "rules": { name: "version: 1" } })).await;
        assert_eq!(status, 404, "{name}: {answer:#}");
        let query = url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>();
        assert_eq!(service.process.get(&format!("/api/v1/backtest/rules?file={query}")).await.0, 404, "{name}");
    }
    let edit = |action: &str| {
        let text = format!("rules:\n  - name: x\n    when: {{ category: interested }}\n    then:\n      - {action}\n");
        json!({ "task": "check", "rules": { "rules/rules.yaml": text } })
    };
    let absolute = place.path().join("secret.txt").display().to_string();
    for path in
        ["/etc/passwd", "/etc/no-such-file", "../secret.txt", "../no-such.txt", "/proc/self/environ", absolute.as_str()]
    {
        for action in [format!("reply: {{ template: {path} }}"), format!("reply: {{ text: x, attachments: [{path}] }}")]
        {
            let found = service.tried(&edit(&action)).await;
            assert_eq!(found["state"], "rejected", "{action}: {found:#}");
            let message = found["result"]["diagnostics"][0]["message"].as_str().unwrap();
            assert!(message.contains("outside the folders"), "the same whether it is there or not: {message}");
        }
    }
    assert_eq!(service.tried(&edit("reply: { template: hello.txt }")).await["state"], "done");
    let found = service.tried(&edit("reply: { template: helo.txt }")).await;
    assert!(found.to_string().contains("did you mean `hello.txt`"), "{found:#}");
    // No variable of the environment is put in.
    let text = edit("reply: { text: 'key ${COLDSEND_API_KEY}' }");
    let found = service.tried(&json!({ "rules": text["rules"] })).await;
    assert!(found.to_string().contains("key ${COLDSEND_API_KEY}"), "{found:#}");
}
