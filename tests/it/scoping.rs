//! Whose rule is it: two clients in one process, each with an account, rules, texts, destinations and caps of its own.

use crate::{
    cli_fixture::{CANARY, CommandOutput, binary, run},
    service_process::{SERVICE, ServiceProcess},
};
use reply_router::simulator::{Inbox, Key, NewThread, Options, Simulator};
use serde_json::{Value, json};

/// The second client's key; must never be printed either.
const OTHER: &str = "cs_live_canary5f0c1d9e7b3a4827";

/// Two accounts, and a folder with one configuration for both.
struct Agency {
    acme: Simulator,
    globex: Simulator,
    folder: tempfile::TempDir,
}

impl Agency {
    /// `acme` and `globex` are the keys of each workspace beside name and address, `more` what follows.
    async fn new(acme: &str, globex: &str, more: &str) -> Self {
        let start = |key: &str| {
            Simulator::start(Options {
                inbox: Inbox::Empty,
                keys: vec![Key::with_scopes(key, ["*"])],
                ..Options::default()
            })
        };
        let (first, second) = (start(CANARY).await.unwrap(), start(OTHER).await.unwrap());
        let agency = Self { acme: first, globex: second, folder: tempfile::tempdir().unwrap() };
        let (at_acme, at_globex) = (&agency.acme, &agency.globex);
        let text = format!(
            r#"workspaces:
  - name: acme
    api_key: "${{ACME_KEY}}"
    base_url: "{}"
    destinations: {{ sales: {{ slack: {{ webhook_url: "{}" }} }} }}
    {acme}
  - name: globex
    api_key: "${{GLOBEX_KEY}}"
    base_url: "{}"
    destinations: {{ sales: {{ slack: {{ webhook_url: "{}" }} }} }}
    {globex}
admin: {{ listen: "127.0.0.1:0" }}
network: {{ allow_private: true }}
{more}
"#,
            at_acme.base_url(),
            at_acme.slack_url(),
            at_globex.base_url(),
            at_globex.slack_url(),
        );
        agency.write("reply-router.yaml", &text);
        agency
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn run(&self, args: &[&str]) -> impl Future<Output = CommandOutput> + use<> {
        let mut command = binary(self.folder.path(), args);
        command.env("ACME_KEY", CANARY).env("GLOBEX_KEY", OTHER);
        run(command)
    }

    /// An interested lead in each account, whom the other one does not know.
    fn leads(&self) {
        for (account, (name, simulator)) in [("acme", &self.acme), ("globex", &self.globex)].into_iter().enumerate() {
            let thread = NewThread::new(format!("jane@{name}-lead.example")).name("Jane Doe").category("interested");
            let thread = thread.id(thread_id(account, 0));
            simulator.workspace().add_thread(thread.message("Sure, a call on Tuesday?"));
        }
    }

    /// Notes what is there, then lets a lead write to each account and does what the rules say.
    async fn pass(&self) {
        self.run(&["run", "--once"]).await.assert_exit(0);
        self.leads();
        self.run(&["run", "--once"]).await.assert_exit(0);
    }
}

/// Threads of two accounts never have one id: the service would take them for one account under two keys.
fn thread_id(account: usize, number: usize) -> String {
    format!("7000000{account}-0000-4000-8000-00000000000{number}")
}

/// The texts of all replies that an account has taken.
fn replies(of: &Simulator) -> Vec<String> {
    of.workspace()
        .accepted_replies()
        .iter()
        .filter_map(|reply| reply.body.as_deref().map(|text| text.trim().to_owned()))
        .collect()
}

const ACME: &str = "rules:\n  - name: acme-hot\n    when: { category: interested }\n    then:\n      \
                    - reply: { text: \"Hi from ACME: {{ workspace.vars.calendar }}\" }\n      - slack: sales\n    stop: true\n";
const GLOBEX: &str = "rules:\n  - name: globex-hot\n    when: { category: interested }\n    then:\n      \
                      - reply: { text: \"Hi from {{ workspace.name }}: {{ workspace.vars.calendar }}\" }\n      - slack: sales\n";

async fn own_rules() -> Agency {
    let agency = Agency::new(
        "rules: rules/acme.yaml\n    vars: { calendar: cal-of-acme }",
        "rules: [rules/globex/]\n    vars: { calendar: cal-of-globex }",
        "",
    )
    .await;
    agency.write("rules/acme.yaml", ACME);
    agency.write("rules/globex/hot.yaml", GLOBEX);
    agency
}

#[tokio::test]
async fn a_rule_acts_in_its_own_workspace_only() {
    let agency = own_rules().await;
    agency.run(&["check"]).await.assert_exit(0).assert_prints(&["no errors", "rules/acme.yaml, "]);
    agency.pass().await;
    assert_eq!(replies(&agency.acme), ["Hi from ACME: cal-of-acme"]);
    assert_eq!(replies(&agency.globex), ["Hi from globex: cal-of-globex"]);
    // One name, two destinations.
    assert_eq!((agency.acme.slack().len(), agency.globex.slack().len()), (1, 1));
}

#[tokio::test]
async fn another_workspaces_rules_are_not_even_shown() {
    let agency = own_rules().await;
    agency.leads();
    let preview = agency.run(&["preview", "--format", "json"]).await.assert_exit(0).json();
    let rules = |workspace: &str| {
        let threads = preview["threads"].as_array().unwrap().iter();
        let of = threads.filter(|thread| thread["workspace"] == workspace);
        of.flat_map(|thread| thread["rules"].as_array().unwrap()).map(|rule| rule["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(rules("acme"), [json!("acme-hot")]);
    assert_eq!(rules("globex"), [json!("globex-hot")]);
    // The table says whose a thread is, where there are several.
    let table = agency.run(&["preview"]).await.assert_exit(0).assert_prints(&["workspace", "globex"]);
    assert!(
        table.out.contains("reply to jane@globex-lead.example (workspace globex, rule globex-hot)"),
        "{}",
        table.out
    );
    let table = agency.run(&["preview", "--workspace", "acme"]).await.assert_exit(0);
    assert!(!table.out.contains("workspace") && !table.out.contains("globex"), "{}", table.out);
    // What is written to a file is judged in one workspace, and that must be said.
    agency.write("mail.txt", "Sure, a call on Tuesday?");
    let explain = ["explain", "--file", "mail.txt", "--category", "interested", "--format", "json"];
    let ran = agency.run(&explain).await.assert_exit(1);
    assert!(ran.err.contains("--workspace"), "{}", ran.err);
    let found = agency.run(&[&explain[..], &["--workspace", "globex"]].concat()).await.assert_exit(0).json();
    let names: Vec<&Value> = found["rules"].as_array().unwrap().iter().map(|rule| &rule["name"]).collect();
    assert_eq!(names, [&json!("globex-hot")]);
}

#[tokio::test]
async fn pages_and_routes_tell_whose_a_rule_is() {
    let agency = own_rules().await;
    agency.pass().await;
    let mut command = binary(agency.folder.path(), SERVICE);
    command.env("ACME_KEY", CANARY).env("GLOBEX_KEY", OTHER);
    let service = ServiceProcess::start(command).await;
    let get = async |path: &str| -> Value { serde_json::from_str(&service.get(path).await.1).unwrap() };
    let names = |list: &Value| -> Vec<Value> {
        list["items"].as_array().unwrap().iter().map(|rule| rule["name"].clone()).collect()
    };
    let all = get("/api/v1/rules").await;
    assert_eq!(names(&all), [json!("acme-hot"), json!("globex-hot")]);
    assert_eq!(all["items"][1]["workspace_modes"], json!({ "globex": "live" }));
    assert_eq!(all["items"][1]["matches"]["total"], 1);
    assert_eq!(names(&get("/api/v1/rules?workspace=globex").await), [json!("globex-hot")]);
    assert_eq!(service.get("/api/v1/rules?workspace=nobody").await.0, 404);
    let decided = get("/api/v1/decisions?workspace=globex").await;
    let seen: Vec<&Value> =
        decided["items"].as_array().unwrap().iter().flat_map(|one| one["trace"]["rules"].as_array().unwrap()).collect();
    assert!(!seen.is_empty() && seen.iter().all(|rule| rule["name"] == "globex-hot"), "{decided:#}");
    let (code, page) = service.get("/activity?workspace=globex").await;
    assert!(code == 200 && page.contains("jane@globex-lead.example"), "{page}");
    assert!(!page.contains("jane@acme-lead.example"), "{page}");
    let (_, page) = service.get("/").await;
    assert!(page.contains("globex: live") && page.contains("acme: live"), "{page}");
    // The same form on each page: only what is of the workspace.
    let (_, page) = service.get("/?workspace=globex").await;
    assert!(page.contains("<option selected>globex</option>"), "{page}");
    assert!(page.contains("globex-hot") && !page.contains("acme-hot"), "{page}");
    assert!(page.contains("1 reply sent in the last 24 hours"), "{page}");
    assert!(
        page.contains("/activity?rule=globex-hot&#38;state=done&#38;workspace=globex")
            || page.contains("/activity?rule=globex-hot&amp;state=done&#38;workspace=globex"),
        "{page}"
    );
    assert!(!page.contains("Pause acme") && page.contains("Pause globex"), "{page}");
    for path in ["/?workspace=nobody", "/queue?workspace=nobody", "/api/v1/status?workspace=nobody"] {
        assert_eq!(service.get(path).await.0, 404, "{path}");
    }
    let status = get("/api/v1/status?workspace=globex").await;
    assert_eq!((status["workspaces"].as_array().unwrap().len(), &status["rules"]["count"]), (1, &json!(1)));
    let (_, metrics) = service.get("/metrics").await;
    for (name, own) in [("acme", "acme-hot"), ("globex", "globex-hot")] {
        for family in ["matches_total", "live", "errors_total"] {
            let wanted = format!("reply_router_rule_{family}{{workspace=\"{name}\",rule=\"{own}\"}} ");
            assert!(metrics.contains(&wanted), "{wanted}\n{metrics}");
        }
        let done = format!("rule_actions{{workspace=\"{name}\",rule=\"{own}\",state=\"done\",reason=\"\"}} 2");
        assert!(metrics.contains(&done), "{done}\n{metrics}");
    }
    assert!(!metrics.contains("{workspace=\"acme\",rule=\"globex-hot\""), "{metrics}");
    service.terminate().await.assert_exit(0);
}

#[tokio::test]
async fn a_shared_rule_that_does_not_say_so_is_warned_about() {
    let agency = Agency::new("mode: live", "mode: live", "rules: rules/").await;
    agency.write("rules/hot.yaml", &ACME.replace(": {{ workspace.vars.calendar }}", ""));
    let found = agency.run(&["check", "--format", "json"]).await.assert_exit(0).json();
    let codes: Vec<_> = found["diagnostics"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert!(codes.contains(&json!("L020")), "{found:#}");
    // Said, it is meant; and where it says one of them, it is that one's.
    for (pattern, answered) in [("'*'", [1, 1]), ("acm*", [1, 0])] {
        let agency = Agency::new("mode: live", "mode: live", "rules: rules/").await;
        let condition = format!("when: {{ workspace: {pattern}, ");
        agency.write(
            "rules/hot.yaml",
            &ACME.replace(": {{ workspace.vars.calendar }}", "").replace("when: { ", &condition),
        );
        let ran = agency.run(&["check"]).await.assert_exit(0);
        assert!(!ran.out.contains("L020"), "{}", ran.out);
        agency.pass().await;
        assert_eq!([&agency.acme, &agency.globex].map(|of| replies(of).len()), answered, "{pattern}");
    }
}

#[tokio::test]
async fn caps_and_hours_are_the_workspaces_own() {
    let globex = "vars: { calendar: b }\n    hours: { open: { days: [mon, tue, wed, thu, fri, sat, sun], from: \"00:00\", to: \
                  \"24:00\", timezone: UTC } }";
    let agency = Agency::new(
        "vars: { calendar: a }\n    safety: { replies_per_hour: 1, replies_per_lead: 1 per 1d }",
        globex,
        "rules: rules/\nhours: { open: { from: \"00:00\", to: \"24:00\", timezone: UTC } }\nsafety: { replies_per_hour: 2 }",
    )
    .await;
    agency.write(
        "rules/hot.yaml",
        "rules:\n  - name: hot\n    when: { workspace: '*', category: interested }\n    then: [{ reply: \
                                    { text: \"{{ workspace.vars.calendar }}\", hours: open } }]\n",
    );
    agency.run(&["run", "--once"]).await.assert_exit(0);
    for number in 0..3 {
        for (account, simulator) in [&agency.acme, &agency.globex].into_iter().enumerate() {
            let lead = format!("lead-{number}@lead.example");
            let thread = NewThread::new(lead).id(thread_id(account, number)).category("interested");
            simulator.workspace().add_thread(thread.message("Sure, a call on Tuesday?"));
        }
    }
    agency.run(&["run", "--once"]).await.assert_exit(0);
    assert_eq!(replies(&agency.acme), ["a"], "one an hour, by its own cap");
    assert_eq!(replies(&agency.globex), ["b", "b"], "two an hour, by everybody's");
}

#[tokio::test]
async fn one_key_in_two_workspaces_is_refused() {
    let agency = Agency::new("mode: live", "mode: live", "rules: rules/").await;
    agency.write("rules/hot.yaml", ACME);
    let same = |args: &[&str]| {
        let mut command = binary(agency.folder.path(), args);
        command.env("ACME_KEY", CANARY).env("GLOBEX_KEY", CANARY);
        run(command)
    };
    let found = same(&["check", "--format", "json"]).await.assert_exit(1).json();
    let all = found["diagnostics"].as_array().unwrap();
    let found = all.iter().find(|one| one["code"] == "C021").unwrap_or_else(|| panic!("{found:#}"));
    assert!(found["message"].as_str().unwrap().contains("`acme`"), "{found:#}");
    let written = std::fs::read_to_string(agency.folder.path().join("reply-router.yaml")).unwrap();
    let line = written.lines().position(|line| line.contains("GLOBEX_KEY")).unwrap() + 1;
    assert_eq!((&found["line"], &found["column"]), (&json!(line), &json!(14)), "{found:#}");
    for args in [&["run", "--once"][..], &["doctor"], &["preview"]] {
        let ran = same(args).await.assert_exit(1);
        assert!(ran.err.contains("C021"), "{args:?}: {}", ran.err);
    }
    assert!(agency.acme.workspace().requests().is_empty() && agency.globex.workspace().requests().is_empty());
}

#[tokio::test]
async fn names_that_nothing_has_are_told() {
    let agency = own_rules().await;
    agency.write("rules/acme.yaml", &ACME.replace("category: interested", "category: interested, workspace: acmee"));
    let out = agency.run(&["check"]).await.assert_exit(0).out;
    assert!(out.contains("L021") && out.contains("did you mean `acme`"), "{out}");
    agency.write("rules/acme.yaml", &ACME.replace("vars.calendar", "vars.calender"));
    let out = agency.run(&["check"]).await.assert_exit(1).out;
    assert!(out.contains("R016") && out.contains("did you mean `workspace.vars.calendar`"), "{out}");
    // What only one client knows is no destination of the other.
    agency.write("rules/acme.yaml", &ACME.replace("slack: sales", "slack: sale"));
    let out = agency.run(&["check"]).await.assert_exit(1).out;
    assert!(out.contains("there is no destination `sale` for the workspace `acme`"), "{out}");
    agency.write(
        "rules/acme.yaml",
        &format!("{ACME}tests:\n  - {{ name: a, workspace: acmme, messages: [Hi], expect: {{ rules: [] }} }}\n"),
    );
    let out = agency.run(&["check"]).await.assert_exit(1).out;
    assert!(out.contains("R022") && out.contains("did you mean `acme`"), "{out}");
}

/// A continuous integration knows no keys.
#[tokio::test]
async fn tests_of_two_workspaces_need_no_keys() {
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/agency");
    run(binary(&example, &["test"])).await.assert_exit(0).assert_prints(&["9 passed, 0 failed"]);
    let found = run(binary(&example, &["check", "--format", "json"])).await.assert_exit(1).json();
    let codes: Vec<_> = found["diagnostics"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert!(codes.iter().all(|code| code == "C002") && codes.len() == 4, "{found:#}");
}

#[tokio::test]
async fn tests_take_place_in_their_workspace() {
    let agency = own_rules().await;
    let case = |name: &str, more: &str, expect: &str| {
        format!(
            "  - name: {name}\n    {more}\n    thread: {{ category: interested, lead_email: jane@lead.example }}\n    \
             messages: [\"Sure, a call.\"]\n    expect: {{ {expect} }}\n"
        )
    };
    let tests = [
        case("its own", "", "rules: [acme-hot], reply: cal-of-acme"),
        case("the other one", "workspace: globex", "rules: [globex-hot], reply: cal-of-globex"),
        case(
            "played",
            "workspace: globex",
            "rules: [globex-hot], sent: [reply, slack], reply: \"Hi from globex: cal-of-globex\"",
        ),
    ];
    agency.write("rules/acme.yaml", &format!("{ACME}tests:\n{}", tests.concat()));
    agency.run(&["test"]).await.assert_exit(0).assert_prints(&["3 passed, 0 failed"]);
    // A path is for the workspace whose it is.
    agency.write(
        "rules/globex/hot.test.yaml",
        &format!("tests:\n{}", case("by path", "", "rules: [globex-hot], reply: cal-of-globex")),
    );
    agency.run(&["test", "rules/globex/"]).await.assert_exit(0).assert_prints(&["1 passed, 0 failed"]);
    agency
        .run(&["check", "rules/globex/hot.yaml"])
        .await
        .assert_exit(0)
        .assert_prints(&["no errors in rules/globex/hot.yaml"]);
}
