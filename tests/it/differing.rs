//! Processes on one database whose configurations differ, as while a new one is rolled out: each workspace runs where it is
//! known, nobody is answered twice, and what all of them see is told once.

use crate::{
    cli_fixture::{PATIENCE, binary, run, signal},
    service_process::{SERVICE, ServiceProcess},
    stores::Server,
};
use reply_router::simulator::{Key, NewThread, Options, RateLimits, Simulator};
use serde_json::{Value, json};
use std::{path::Path, time::Instant};

const DATABASE: &str = "differing";

struct Field {
    server: Server,
    simulators: Vec<Simulator>,
    folders: Vec<tempfile::TempDir>,
}

impl Field {
    async fn new(workspaces: usize) -> Self {
        let server = tokio::task::spawn_blocking(Server::start).await.unwrap();
        let mut simulators = Vec::new();
        let limits = RateLimits { per_minute: 100_000, per_hour: 100_000 };
        for number in 0..workspaces {
            let options = Options {
                keys: vec![Key::new(format!("cs_live_w{number}"))],
                rate_limits: Some(limits),
                ..Options::for_tests()
            };
            simulators.push(Simulator::start(options).await.unwrap());
        }
        Self { server, simulators, folders: Vec::new() }
    }

    /// A folder with a configuration of these workspaces, whose rule answers with a text of its own.
    fn configure(&mut self, workspaces: &[usize], text: &str) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let known = workspaces.iter().map(|number| {
            let base = self.simulators[*number].base_url();
            format!(
                "  - {{ name: w{number}, api_key: cs_live_w{number}, base_url: \"{base}\", poll_every: 1s, \
                 rate_limit: {{ per_minute: 100000, per_hour: 100000 }} }}\n"
            )
        });
        let configuration = format!(
            "workspaces:\n{}rules: rules.yaml\nstore: \"{}\"\nadmin: {{ listen: \"127.0.0.1:0\" }}\n\
             network: {{ allow_private: true }}\ndestinations: {{ sales: {{ slack: {{ webhook_url: \"{}\" }} }} }}\n\
             safety: {{ alert: sales }}\n",
            known.collect::<String>(),
            self.server.database(DATABASE),
            self.simulators[0].slack_url(),
        );
        std::fs::write(folder.path().join("reply-router.yaml"), configuration).unwrap();
        write_rules(folder.path(), text);
        self.folders.push(folder);
        self.folders.len() - 1
    }

    async fn start(&self, place: usize) -> ServiceProcess {
        ServiceProcess::start(binary(self.folders[place].path(), SERVICE)).await
    }

    fn write(&self, workspace: usize, lead: &str) {
        let thread = NewThread::new(format!("{lead}@w{workspace}.example")).name("Jane Doe").category("interested");
        self.simulators[workspace].workspace().add_thread(thread.message("Sure, a call on Tuesday?"));
    }

    /// How often the lead was answered.
    fn answers(&self, workspace: usize, lead: &str) -> usize {
        let to = format!("{lead}@w{workspace}.example");
        self.simulators[workspace].workspace().accepted_replies().iter().filter(|reply| reply.to == to).count()
    }

    async fn wait_for_answers(&self, leads: &[(usize, &str)]) {
        let began = Instant::now();
        while leads.iter().any(|(workspace, lead)| self.answers(*workspace, lead) == 0) {
            assert!(
                began.elapsed() < PATIENCE,
                "{:?}",
                leads.iter().map(|(w, l)| self.answers(*w, l)).collect::<Vec<_>>()
            );
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    async fn wait_for_alert(&self, title: &str) {
        let began = Instant::now();
        while self.alerts(title) == 0 {
            assert!(began.elapsed() < PATIENCE, "nobody tells: {title}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    fn alerts(&self, title: &str) -> usize {
        self.simulators[0]
            .received()
            .slack()
            .iter()
            .filter(|message| message.payload.to_string().contains(title))
            .count()
    }

    async fn query(&self, database: &str, sql: &str) -> String {
        tokio::task::block_in_place(|| self.server.query(database, sql))
    }
}

fn write_rules(folder: &Path, text: &str) {
    let rules = format!(
        "version: 1\nrules:\n  - name: hot\n    when: {{ category: interested, workspace: \"*\" }}\n    then:\n      \
         - reply: {{ text: '{text}, my calendar.' }}\n      - star\n"
    );
    std::fs::write(folder.join("rules.yaml"), rules).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_with_differing_configurations_run_what_each_knows_and_tell_once() {
    let mut field = Field::new(4).await;
    let old = field.configure(&[0, 1, 2], "Hi from before");
    let new = field.configure(&[1, 2, 3], "Hi from after");
    for place in [old, new] {
        run(binary(field.folders[place].path(), &["run", "--once"])).await.assert_exit(0);
    }
    let mut first = field.start(old).await;
    let mut second = field.start(new).await;
    let shares = "SELECT count(DISTINCT holder) FROM leases WHERE holder IS NOT NULL";
    let began = Instant::now();
    while field.query(DATABASE, shares).await != "2" {
        assert!(began.elapsed() < PATIENCE, "each has its share");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    (0..4).for_each(|workspace| field.write(workspace, "jane"));
    field.wait_for_answers(&[(0, "jane"), (1, "jane"), (2, "jane"), (3, "jane")]).await;
    let texts = |workspace: usize| field.simulators[workspace].workspace().accepted_replies()[0].body.clone().unwrap();
    assert!(texts(0).contains("from before") && texts(3).contains("from after"), "by the rules of those who know them");

    // Both read files with the same mistake.
    for folder in &field.folders {
        std::fs::write(folder.path().join("rules.yaml"), "version: 1\nrules: [{ name: hot, when: 7 }]\n").unwrap();
    }
    first.wait_for_log("reload rejected").await;
    second.wait_for_log("reload rejected").await;
    field.wait_for_alert("Reload failed").await;
    assert_eq!(field.alerts("Reload failed"), 1);
    for (place, text) in [(old, "Hi from before"), (new, "Hi from after")] {
        write_rules(field.folders[place].path(), text);
    }
    first.wait_for_log("rules loaded").await;
    second.wait_for_log("rules loaded").await;

    // The one that came first is stopped until its lease has run out, and goes on when nobody can ask who is first any more.
    signal("-STOP", first.id());
    let alone =
        "SELECT count(*) FROM leases WHERE holder = (SELECT holder FROM replicas ORDER BY expires_at DESC LIMIT 1)";
    let began = Instant::now();
    while field.query(DATABASE, alone).await != "3" {
        assert!(began.elapsed() < PATIENCE, "the other one takes what it knows");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    // The database lets nobody in.
    let away = format!(
        "ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS false;
         SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{DATABASE}'"
    );
    field.query("postgres", &away).await;
    signal("-CONT", first.id());
    first.wait_for_log("nothing runs here until it does").await;
    second.wait_for_log("nothing runs here until it does").await;
    field.wait_for_alert("The store fails").await;
    // Time for the other one, had it told too.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(field.alerts("The store fails"), 1);
    field.query("postgres", &format!("ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS true")).await;

    // Whoever knows a workspace alone is gone: it waits for somebody who knows it.
    first.kill();
    (0..4).for_each(|workspace| field.write(workspace, "joe"));
    field.wait_for_answers(&[(1, "joe"), (2, "joe"), (3, "joe")]).await;
    assert_eq!(field.answers(0, "joe"), 0, "nobody knows the workspace");
    let again = field.start(old).await;
    field.wait_for_answers(&[(0, "joe")]).await;
    for workspace in 0..4 {
        for lead in ["jane", "joe"] {
            assert_eq!(field.answers(workspace, lead), 1, "{lead} of w{workspace}");
        }
    }
    again.terminate().await.assert_exit(0);
    second.terminate().await.assert_exit(0);
}

/// The result of a comparison shows what leads wrote, and it is in the memory of the process that made it.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_through_one_process_is_in_no_memory_of_the_others() {
    let mut field = Field::new(1).await;
    let place = field.configure(&[0], "Hi");
    run(binary(field.folders[place].path(), &["run", "--once"])).await.assert_exit(0);
    let processes = [field.start(place).await, field.start(place).await];
    field.write(0, "jane");
    field.write(0, "joe");
    field.wait_for_answers(&[(0, "jane"), (0, "joe")]).await;
    let listed = async |process: &ServiceProcess| {
        let (status, text) = process.get("/api/v1/backtest").await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str::<Value>(&text).unwrap()["items"].as_array().unwrap().clone()
    };
    let rules = "version: 1\nrules:\n  - { name: other, when: { category: referral }, then: [star] }\n";
    let compare = json!({ "rules": { "rules.yaml": rules } });
    for process in &processes {
        let (status, started) = process.post("/api/v1/backtest", &compare).await;
        assert_eq!(status, 202, "{started:#}");
        let path = format!("/api/v1/backtest/{}", started["id"].as_str().unwrap());
        let began = Instant::now();
        while !process.get(&path).await.1.contains("jane@w0.example") {
            assert!(began.elapsed() < PATIENCE, "{}", process.get(&path).await.1);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(listed(process).await.len(), 1);
    }
    let (status, report) = processes[0].post("/api/v1/forget", &json!({ "email": "jane@w0.example" })).await;
    assert_eq!((status, &report["threads"]), (200, &json!(1)), "{report:#}");
    assert!(listed(&processes[0]).await.is_empty());
    let began = Instant::now();
    while !listed(&processes[1]).await.is_empty() {
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", listed(&processes[1]).await);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
