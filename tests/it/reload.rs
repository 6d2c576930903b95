//! The configuration reloads like the rules, all or nothing: the real program, while leads write.

use crate::{
    cli_fixture::{CANARY, PATIENCE, binary, signal},
    service_process::{SERVICE, ServiceProcess},
};
use reply_router::simulator::{Inbox, Key, NewThread, Options, RateLimits, Simulator};
use serde_json::Value;
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

mod access;
mod accounts;

const RULES: &str = "rules:\n  - name: hot\n    when: { category: interested }\n    then:\n      \
                     - reply: { text: 'Hi from {{ workspace.name }}, {{ lead.first_name }}.' }\n";
const NAMES: [&str; 3] = ["acme", "globex", "initech"];

/// An account for each name, and a folder with the configuration.
struct Agency {
    accounts: Vec<Simulator>,
    folder: tempfile::TempDir,
}

impl Agency {
    async fn new(rate_limits: Option<RateLimits>) -> Self {
        let mut accounts = Vec::new();
        for name in NAMES {
            // Two keys of one account: one replaces the other.
            let keys = ["", "-new"].map(|which| Key::new(format!("{CANARY}{name}{which}"))).into();
            let options = Options { inbox: Inbox::Empty, keys, rate_limits, ..Options::default() };
            accounts.push(Simulator::start(options).await.unwrap());
        }
        let agency = Self { accounts, folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(agency.folder.path().join("rules")).unwrap();
        agency.write("rules/rules.yaml", RULES);
        agency
    }

    fn write(&self, name: &str, text: &str) {
        // At once, as editors do.
        let path = self.folder.path().join(name);
        let beside = path.with_extension("new");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(&beside, &path).unwrap();
    }

    /// A configuration with these workspaces, each with what stands beside its name.
    fn configuration(&self, workspaces: &[(&str, &str)], more: &str) -> String {
        let mut text = "workspaces:\n".to_owned();
        for (name, keys) in workspaces {
            let url = self.account(name).base_url();
            text += &format!(
                "  - {{ name: {name}, api_key: \"${{CANARY}}{name}\", base_url: \"{url}\", mode: live, poll_every: 1s, {keys} }}\n"
            );
        }
        text + "rules: rules/\nadmin: { listen: \"127.0.0.1:0\" }\n" + more
    }

    fn configure(&self, workspaces: &[(&str, &str)], more: &str) {
        self.write("reply-router.yaml", &self.configuration(workspaces, more));
    }

    async fn start(&self) -> ServiceProcess {
        let mut command = binary(self.folder.path(), SERVICE);
        command.env("CANARY", CANARY);
        ServiceProcess::start(command).await
    }

    fn account(&self, name: &str) -> &Simulator {
        &self.accounts[NAMES.iter().position(|found| *found == name).unwrap()]
    }

    fn lead(&self, name: &str, number: usize) {
        let account = NAMES.iter().position(|found| *found == name).unwrap();
        let thread = NewThread::new(format!("jane{number}@{name}-lead.example")).name("Jane Doe");
        let thread = thread.id(format!("7000000{account}-0000-4000-8000-{number:012}")).category("interested");
        self.account(name).workspace().add_thread(thread.message("Sure, a call on Tuesday?"));
    }

    /// How many leads were answered, none of them twice.
    fn answered(&self, name: &str) -> usize {
        let replies = self.account(name).workspace().accepted_replies();
        let threads: HashSet<_> = replies.iter().map(|reply| reply.thread_id.clone()).collect();
        assert_eq!(threads.len(), replies.len(), "{name} answered somebody twice");
        let own = format!("Hi from {name},");
        assert!(replies.iter().all(|reply| reply.body.as_deref().is_some_and(|text| text.contains(&own))));
        replies.len()
    }

    async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < PATIENCE, "never: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn status(service: &ServiceProcess) -> Value {
    serde_json::from_str(&service.get("/api/v1/status").await.1).unwrap()
}

async fn names(service: &ServiceProcess) -> Vec<String> {
    let status = status(service).await;
    let all = status["workspaces"].as_array().unwrap().iter();
    all.map(|workspace| workspace["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn workspaces_are_added_changed_and_removed_while_leads_write() {
    let agency = Agency::new(None).await;
    agency.configure(&[("acme", ""), ("globex", "")], "");
    let mut service = agency.start().await;
    agency
        .until("polled", || NAMES[..2].iter().all(|name| !agency.account(name).workspace().requests().is_empty()))
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    agency.lead("acme", 0);
    agency.lead("globex", 0);
    agency.until("both answer", || agency.answered("acme") == 1 && agency.answered("globex") == 1).await;

    // `globex` goes, `initech` comes, `acme` changes, while leads write to all of them.
    agency.configure(&[("acme", "safety: { replies_per_hour: 40 }"), ("initech", "")], "");
    let line = service.wait_for_log("workspaces replaced").await;
    for part in ["\"added\":\"initech\"", "\"changed\":\"acme\"", "\"removed\":\"globex\""] {
        assert!(line.contains(part), "{line}");
    }
    assert_eq!(names(&service).await, ["acme", "initech"]);
    agency.account("globex").workspace().clear_requests();
    tokio::time::sleep(Duration::from_secs(2)).await;
    for number in 1..4 {
        for name in NAMES {
            agency.lead(name, number);
        }
    }
    agency.until("those that run answer", || agency.answered("acme") == 4 && agency.answered("initech") == 3).await;
    assert_eq!(agency.account("globex").workspace().requests(), [], "nothing is asked of what is gone");

    // It comes back, and nobody who wrote meanwhile is lost.
    agency.configure(&[("acme", ""), ("globex", ""), ("initech", "")], "");
    service.wait_for_log("workspaces replaced").await;
    agency.until("all answer", || agency.answered("globex") == 4).await;
    assert_eq!((agency.answered("acme"), agency.answered("initech")), (4, 3));
    service.terminate().await.assert_exit(0);
}

#[tokio::test]
async fn an_error_keeps_everything_and_what_needs_a_restart_keeps_nothing_else_back() {
    let agency = Agency::new(None).await;
    agency.configure(&[("acme", "")], "");
    let mut service = agency.start().await;
    let before = status(&service).await["rules"]["revision"].clone();
    let whole = agency.configuration(&[("acme", ""), ("globex", "")], "");
    let wrong = [
        // Half of the file, an unknown key, a rule that fails its test, a destination that does not exist.
        (whole.split_at(whole.len() / 2).0.to_owned() + "\"", RULES.to_owned()),
        (whole.replace("poll_every", "poll_evry"), RULES.to_owned()),
        (
            whole.clone(),
            RULES.to_owned() + "tests:\n  - { name: t, given: { category: hot }, expect: { matched: [hot] } }\n",
        ),
        (whole.clone(), RULES.replace("- reply", "- slack: nowhere\n      - reply")),
    ];
    for (configuration, rules) in &wrong {
        agency.write("rules/rules.yaml", rules);
        agency.write("reply-router.yaml", configuration);
        service.wait_for_log("reload rejected").await;
        let status = status(&service).await;
        assert_eq!(status["rules"]["revision"], before);
        assert_ne!(status["rules"]["error"], Value::Null);
        assert_eq!(names(&service).await, ["acme"]);
    }
    agency.write("rules/rules.yaml", RULES);
    agency.write("reply-router.yaml", &format!("{whole}store: sqlite:other.db\n"));
    service.wait_for_log("restart needed").await;
    let began = Instant::now();
    while names(&service).await != ["acme", "globex"] {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let status = status(&service).await;
    assert!(status["restart_needed"].as_str().unwrap().contains("`store`"), "{status}");
    assert_eq!(status["rules"]["error"], Value::Null);
    service.terminate().await.assert_exit(0);
}

#[tokio::test]
async fn a_hundred_reloads_spend_no_more_than_the_budget_and_answer_once() {
    let limits = RateLimits { per_minute: 20, ..RateLimits::default() };
    let agency = Agency::new(Some(limits)).await;
    let keys = |count: usize| {
        format!("rate_limit: {{ per_minute: 20, per_hour: 300 }}, safety: {{ replies_per_hour: {} }}", 40 + count % 2)
    };
    agency.configure(&[("acme", &keys(0))], "");
    let service = agency.start().await;
    agency.until("polled", || !agency.account("acme").workspace().requests().is_empty()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    agency.lead("acme", 0);
    for count in 1..=100 {
        // Every tenth time it is gone for a moment, and comes back with the budget that its key had.
        let workspaces = [("acme", keys(count)), ("globex", String::new())];
        let some: Vec<_> = workspaces.iter().map(|(name, keys)| (*name, keys.as_str())).collect();
        agency.configure(if count % 10 == 0 { &some[1..] } else { &some }, "");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.post(format!("{}/api/v1/reload", service.pages)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    signal("-HUP", service.id());
    agency.until("it is answered", || agency.answered("acme") == 1).await;
    let refused =
        agency.account("acme").workspace().requests().iter().filter(|request| request.status == Some(429)).count();
    assert_eq!(refused, 0);
    service.terminate().await.assert_exit(0);
}

#[tokio::test]
async fn lists_reload_with_the_rules_all_or_nothing() {
    let agency = Agency::new(None).await;
    agency.write("rules/rules.yaml", &RULES.replace("category: interested", "lead_domain: { in: accounts }"));
    agency.write("accounts.csv", "domain\nother.example\n");
    agency.write("globex.csv", "domain\nglobex-lead.example\n");
    let own = "lists: { accounts: { file: globex.csv } }";
    agency.configure(&[("acme", ""), ("globex", own)], "lists: { accounts: { file: accounts.csv } }\n");
    let mut service = agency.start().await;
    let before = status(&service).await["rules"]["revision"].clone();
    agency
        .until("polled", || NAMES[..2].iter().all(|name| !agency.account(name).workspace().requests().is_empty()))
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    agency.lead("acme", 0);
    agency.lead("globex", 0);
    agency.until("whose own list has the lead answers", || agency.answered("globex") == 1).await;

    agency.write("accounts.csv", "domain\nacme-lead.example\nACME-lead.example\n");
    service.wait_for_log("reload rejected").await;
    let refused = status(&service).await;
    assert_eq!(refused["rules"]["revision"], before);
    let error = refused["rules"]["error"].as_str().unwrap();
    assert!(error.contains("accounts.csv:3") && error.contains("already, on line 2"), "{error}");
    agency.lead("globex", 1);
    agency.until("the lists that work go on", || agency.answered("globex") == 2).await;

    agency.write("accounts.csv", "domain\nacme-lead.example\n");
    let began = Instant::now();
    while status(&service).await["rules"]["revision"] == before {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(status(&service).await["rules"]["error"], Value::Null);
    agency.lead("acme", 1);
    agency.until("the new list has the lead", || agency.answered("acme") == 1).await;
    service.terminate().await.assert_exit(0);
}
