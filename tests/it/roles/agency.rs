//! Two clients in one process, with users of one and of both.

use crate::{
    cli_fixture::{CANARY, PATIENCE, binary, run},
    service_process::{SERVICE, ServiceProcess},
};
use reply_router::simulator::{Inbox, Key, NewThread, Options, Simulator};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::{fs, path::Path, time::Instant};

/// The second client's key.
const OTHER: &str = "cs_live_canary5f0c1d9e7b3a4827";
pub(super) const ADMIN_TOKEN: &str = "admin-0123456789abcdef0123456789";

/// Somebody who calls.
pub(super) struct User {
    pub(super) name: &'static str,
    pub(super) role: &'static str,
    pub(super) token: &'static str,
    pub(super) sees_all: bool,
}

impl User {
    pub(super) fn workspaces(&self) -> &'static str {
        if self.sees_all { "all workspaces" } else { "acme" }
    }
}

const fn user(name: &'static str, role: &'static str, token: &'static str, sees_all: bool) -> User {
    User { name, role, token, sees_all }
}

/// Of `acme` alone, from the weakest role on; then of all.
pub(super) const USERS: &[User] = &[
    user("vera", "viewer", "vera-0123456789abcdef0123456789a", false),
    user("abby", "approver", "abby-0123456789abcdef0123456789a", false),
    user("adam", "admin", "adam-0123456789abcdef0123456789a", false),
    user("vic", "viewer", "vic-0123456789abcdef0123456789ab", true),
    user("alex", "approver", "alex-0123456789abcdef0123456789a", true),
    user("anna", "admin", "anna-0123456789abcdef0123456789a", true),
];
pub(super) const OWN: &[User] = USERS.first_chunk::<3>().unwrap();
pub(super) const WHOLE: &[User] = USERS.last_chunk::<3>().unwrap();

/// Whose workspace a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Own,
    Other,
    All,
}

/// What there is in a workspace.
pub(super) struct Ids {
    pub(super) workspace: &'static str,
    pub(super) action: String,
    pub(super) decision: String,
    pub(super) thread: String,
    pub(super) backtest: String,
}

pub(super) struct Agency {
    pub(super) service: ServiceProcess,
    pub(super) client: Client,
    acme: Ids,
    globex: Ids,
    /// Gone with this.
    _simulators: [Simulator; 2],
    _folder: tempfile::TempDir,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Answer {
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }
}

const SHARED: &str = "rules:\n  - name: shared-star\n    when: { category: interested }\n    then: [star]\n";

fn own_rule(name: &str) -> String {
    format!(
        "rules:\n  - name: {name}-hot\n    when: {{ category: interested }}\n    then:\n      - reply: {{ text: \"Hi from \
         {name}\" }}\n"
    )
}

impl Agency {
    /// Both clients have a lead whose reply is a draft, and an opt-out.
    pub(super) async fn new() -> Self {
        Self::with("").await
    }

    /// `more` is added to `admin`.
    pub(super) async fn with(more: &str) -> Self {
        let start = async |key: &str| {
            let keys = vec![Key::with_scopes(key, ["*"])];
            Simulator::start(Options { inbox: Inbox::Empty, keys, ..Options::default() }).await.unwrap()
        };
        let simulators = [start(CANARY).await, start(OTHER).await];
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("shared.yaml", SHARED);
        write("acme.yaml", &own_rule("acme"));
        write("globex.yaml", &own_rule("globex"));
        let users = USERS.iter().map(|user| {
            let User { name, role, token, sees_all } = user;
            let workspaces = if *sees_all { "" } else { ", workspaces: ['acme*']" };
            format!("    - {{ name: {name}, role: {role}, token: {token}{workspaces} }}\n")
        });
        let workspace = |name: &str, key: &str, at: &Simulator| {
            format!(
                "  - {{ name: {name}, api_key: \"${{{key}}}\", base_url: \"{}\", mode: draft, rules: [shared.yaml, {name}.yaml] }}\n",
                at.base_url()
            )
        };
        let [acme, globex] = &simulators;
        let text = format!(
            "workspaces:\n{}{}admin:\n  listen: 127.0.0.1:0\n  token: {ADMIN_TOKEN}\n{more}  users:\n{}",
            workspace("acme", "ACME_KEY", acme),
            workspace("globex", "GLOBEX_KEY", globex),
            users.collect::<String>()
        );
        write("reply-router.yaml", &text);
        let command = |args: &[&str]| {
            let mut command = binary(folder.path(), args);
            command.env("ACME_KEY", CANARY).env("GLOBEX_KEY", OTHER);
            command
        };
        run(command(&["run", "--once"])).await.assert_exit(0);
        for (number, (name, simulator)) in [("acme", acme), ("globex", globex)].into_iter().enumerate() {
            let thread = NewThread::new(format!("jane@{name}-lead.example")).name("Jane Doe").category("interested");
            let thread = thread.id(format!("7000000{number}-0000-4000-8000-000000000000"));
            simulator.workspace().add_thread(thread.message("Sure, a call on Tuesday?"));
        }
        run(command(&["run", "--once"])).await.assert_exit(0);
        let service = ServiceProcess::start(command(SERVICE)).await;
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let none = |workspace| Ids {
            workspace,
            action: String::new(),
            decision: String::new(),
            thread: String::new(),
            backtest: String::new(),
        };
        let mut agency = Self {
            service,
            client,
            acme: none("acme"),
            globex: none("globex"),
            _simulators: simulators,
            _folder: folder,
        };
        agency.acme = agency.find_ids("acme").await;
        agency.globex = agency.find_ids("globex").await;
        agency.opt_out_everywhere().await;
        agency
    }

    async fn find_ids(&self, workspace: &'static str) -> Ids {
        let action = &self.list(&USERS[5], &format!("/api/v1/actions?workspace={workspace}&state=held")).await[0];
        let text = |key: &str| action[key].as_str().unwrap().to_owned();
        Ids {
            workspace,
            action: text("id"),
            decision: text("decision_id"),
            thread: text("thread_id"),
            backtest: self.backtest(workspace).await,
        }
    }

    async fn backtest(&self, workspace: &str) -> String {
        // Whoever sees this client alone sees what its own admin has tried, and nothing of whoever sees all.
        let by = if workspace == "acme" { &OWN[2] } else { &WHOLE[2] };
        let tried = self.tried(by, &json!({ "workspace": workspace })).await;
        tried["id"].as_str().unwrap().to_owned()
    }

    /// In place of those that somebody has removed.
    pub(super) async fn try_everywhere(&mut self) {
        self.acme.backtest = self.backtest("acme").await;
        self.globex.backtest = self.backtest("globex").await;
    }

    /// What came of an edit that somebody tries.
    pub(super) async fn tried(&self, user: &User, edit: &Value) -> Value {
        let started = self.send(user, &Method::POST, "/api/v1/backtest", Some(edit)).await;
        assert_eq!(started.status, 202, "{}", started.text);
        let job: Value = serde_json::from_str(&started.text).unwrap();
        let path = format!("/api/v1/backtest/{}", job["id"].as_str().unwrap());
        let began = Instant::now();
        loop {
            let found = self.send(user, &Method::GET, &path, None).await.json();
            if found["state"] != "running" {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "{found:#}");
        }
    }

    pub(super) fn ids(&self, place: Place) -> &Ids {
        if place == Place::Other { &self.globex } else { &self.acme }
    }

    pub(super) async fn send(&self, user: &User, method: &Method, path: &str, body: Option<&Value>) -> Answer {
        let request = self.client.request(method.clone(), format!("{}{path}", self.service.pages));
        let request = request.bearer_auth(user.token);
        let request = match body {
            Some(body) if path.starts_with("/api/") => request.json(body),
            Some(body) => request.form(body),
            None => request,
        };
        let mut response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        // A stream of events has no end: its beginning is enough.
        let text = if kind.is_some_and(|kind| kind == "text/event-stream") {
            String::from_utf8(response.chunk().await.unwrap().unwrap().to_vec()).unwrap()
        } else {
            response.text().await.unwrap()
        };
        Answer { status, text }
    }

    pub(super) async fn list(&self, user: &User, path: &str) -> Vec<Value> {
        let mut answer = self.send(user, &Method::GET, path, None).await.json();
        serde_json::from_value(answer["items"].take()).unwrap()
    }

    pub(super) async fn opt_out_everywhere(&self) {
        for name in ["acme", "globex"] {
            let body = serde_json::json!({ "workspace": name, "email": format!("gone@{name}-lead.example") });
            let answer = self.send(&USERS[5], &Method::POST, "/api/v1/opt-outs", Some(&body)).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
        }
    }

    /// The table has every route of the service's own description that asks who calls, with the role that it declares.
    pub(super) async fn covers_every_route<T>(&self, table: &[(&str, &str, &str, T)]) {
        let document = self.send(&USERS[0], &Method::GET, "/openapi.json", None).await.json();
        let mut described = Vec::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                if let Some(role) = operation["x-role"].as_str() {
                    described.push((method.to_uppercase(), path.clone(), role.to_owned()));
                }
            }
        }
        let mut listed: Vec<_> = table
            .iter()
            .map(|(method, path, role, _)| ((*method).to_owned(), (*path).to_owned(), (*role).to_owned()))
            .collect();
        described.sort();
        listed.sort();
        assert_eq!(listed, described);
    }
}

/// A document that is what the tests have seen; `UPDATE_EXPECTED` writes it.
#[track_caller]
pub(super) fn keep(document: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{document} is not what was seen; UPDATE_EXPECTED=1 writes it\n{text}");
}
