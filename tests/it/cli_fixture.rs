//! A folder with a configuration and rules, a simulated workspace beside it, and the binary that is run there.

use reply_router::simulator::{Inbox, Key, NewThread, Options, Simulator};
use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

/// In every secret of these tests; must never be printed.
pub(crate) const CANARY: &str = "cs_live_canary5f0c1d9e7b3a4826";
/// Long enough for a busy machine; nothing here takes as long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What one run of the binary gave.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl CommandOutput {
    /// Whatever is run here: no panic, no backtrace, no secret.
    #[track_caller]
    pub(crate) fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let ran =
            Self { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) };
        for forbidden in [CANARY, "panicked", "stack backtrace", "RUST_BACKTRACE"] {
            assert!(!ran.out.contains(forbidden) && !ran.err.contains(forbidden), "{forbidden}\n{ran:#?}");
        }
        ran
    }

    #[track_caller]
    pub(crate) fn assert_exit(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn assert_prints(self, wanted: &[&str]) -> Self {
        for wanted in wanted {
            assert!(self.out.contains(wanted), "{wanted} is not in\n{}\n{}", self.out, self.err);
        }
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.out, self.err))
    }
}

/// The fixture of these tests.
pub(crate) struct CliFixture {
    pub(crate) simulator: Simulator,
    folder: tempfile::TempDir,
}

/// A rule with every kind of action.
pub(crate) const EVERYTHING: &str = r"version: 1
rules:
  - name: book-a-call
    when:
      category: interested
      body: '\bcall\b'
    then:
      - reply: { text: 'Hi {{ lead.first_name | default(''there'') }}, here is my calendar.' }
      - star
      - mark_read
      - slack: sales
      - email: { to: team, subject: 'Hot: {{ lead.email }}' }
      - webhook: crm
  - name: not-now
    when: { category: not_interested }
    then: [unstar]
";

impl CliFixture {
    pub(crate) async fn new(rules: &str) -> Self {
        Self::with_scopes(rules, &["*"]).await
    }

    pub(crate) async fn with_scopes(rules: &str, scopes: &[&str]) -> Self {
        let keys = vec![Key::with_scopes(CANARY, scopes.iter().copied())];
        let options = Options { inbox: Inbox::Empty, keys, ..Options::default() };
        let place = Self { simulator: Simulator::start(options).await.unwrap(), folder: tempfile::tempdir().unwrap() };
        place.write("rules/rules.yaml", rules);
        place.write("reply-router.yaml", &place.configuration(""));
        place
    }

    /// The configuration of these tests with `more` at its end.
    pub(crate) fn configuration(&self, more: &str) -> String {
        format!(
            r#"workspaces:
  - {{ name: acme, api_key: "${{COLDSEND_API_KEY}}", base_url: "{}", poll_every: 1s }}
rules: rules/
admin: {{ listen: "127.0.0.1:0" }}
network: {{ allow_private: true }}
destinations:
  sales: {{ slack: {{ webhook_url: "{}" }} }}
  team: {{ email: {{ to: [ae@acme.example] }} }}
  crm: {{ webhook: {{ url: "{}" }} }}
smtp: {{ url: "{}", from: "Reply Router <router@acme.example>" }}
{more}"#,
            self.simulator.base_url(),
            self.simulator.slack_url(),
            self.simulator.webhook_url(),
            self.simulator.smtp_url(),
        )
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The binary in this folder, with nothing of our own environment but what it needs.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = binary(self.path(), args);
        command.env("COLDSEND_API_KEY", CANARY);
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> impl Future<Output = CommandOutput> + use<> {
        run(self.command(args))
    }

    /// An interested lead writes for the first time; the thread's id comes back.
    pub(crate) fn hot_lead(&self, email: &str) -> String {
        let thread = NewThread::new(email).name("Jane Doe").campaign("Q1 Launch").category("interested");
        self.simulator.workspace().add_thread(thread.message("Sure, a call on Tuesday?"))
    }

    /// Requests that were not GET.
    pub(crate) fn write_requests(&self) -> Vec<String> {
        let requests = self.simulator.workspace().requests().into_iter();
        requests.filter(|one| one.method != "GET").map(|one| format!("{} {}", one.method, one.path)).collect()
    }

    /// Every file below the folder with its content.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
                }
            }
        }
        found
    }
}

pub(crate) fn binary(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reply-router"));
    command.args(args).current_dir(folder).env_clear().env("RUST_BACKTRACE", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) async fn run(mut command: Command) -> CommandOutput {
    let child = command.spawn().unwrap();
    let id = child.id();
    let ending = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let Ok(output) = tokio::time::timeout(PATIENCE, ending).await else {
        signal("-KILL", id);
        panic!("{command:?} does not end");
    };
    CommandOutput::new(&output.unwrap())
}

/// Sends a signal to a process that this test started.
pub(crate) fn signal(name: &str, id: u32) {
    run_tool("kill", "procps", &[name, &id.to_string()]);
}

/// Runs a program of the system; where it is absent, says what to install.
pub(crate) fn run_tool(program: &str, package: &str, args: &[&str]) {
    let ran = Command::new(program).args(args).output();
    let ran = ran.unwrap_or_else(|error| panic!("this test needs `{program}` (package {package}): {error}"));
    assert!(ran.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&ran.stderr));
}
