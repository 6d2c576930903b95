//! The measured program as a process of its own, and what the system says of it.

use super::inbox;
use reply_router::simulator::{DEFAULT_KEY, Simulator};
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// What a process has used since it began.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// User and system time.
    pub(crate) cpu: Duration,
    /// The largest memory that it had, and what it has now.
    pub(crate) peak_kib: u64,
    pub(crate) resident_kib: u64,
    /// What it had written to disk.
    pub(crate) written_bytes: u64,
}

impl Usage {
    /// Of a process that runs.
    pub(crate) fn of(pid: u32) -> Self {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let stat = read("stat");
        // The name in parentheses may hold spaces; user and system time are the 14th and 15th fields.
        let ticks: u64 = stat
            .rsplit_once(')')
            .map(|(_, rest)| {
                rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
            })
            .unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
        };
        let status = read("status");
        Self {
            cpu: Duration::from_millis(ticks * 10),
            peak_kib: field(&status, "VmHWM:"),
            resident_kib: field(&status, "VmRSS:"),
            written_bytes: field(&read("io"), "write_bytes:"),
        }
    }
}

/// The service. It ends with this.
pub(crate) struct Service {
    child: Child,
    folder: PathBuf,
    pages: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    /// Where its store is.
    pub(crate) fn store_path(folder: &Path) -> PathBuf {
        folder.join("store.db")
    }

    /// Starts it on the simulator; it has polled nothing yet. The store in `folder` is the one that it has or gets.
    pub(crate) fn start(program: &Path, folder: &Path, simulator: &Simulator, rules: usize) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "workspaces:
  - name: acme
    api_key: {DEFAULT_KEY}
    base_url: {}
    poll_every: 1s
    rate_limit: {{ per_minute: 1000000, per_hour: 1000000 }}
rules: rules.yaml
store: sqlite:{}
admin: {{ listen: '127.0.0.1:{port}' }}
destinations:
  sales: {{ slack: {{ webhook_url: '{}' }} }}
safety: {{ replies_per_hour: 100000 }}
network: {{ allow_private: true }}
",
            simulator.base_url(),
            Self::store_path(folder).display(),
            simulator.slack_url(),
        );
        std::fs::write(folder.join("reply-router.yaml"), config).unwrap();
        std::fs::write(folder.join("rules.yaml"), inbox::rules(rules)).unwrap();
        let log = File::create(folder.join("log")).unwrap();
        let child = Command::new(program)
            .args(["run", "--config"])
            .arg(folder.join("reply-router.yaml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        Self { child, folder: folder.to_owned(), pages: format!("http://127.0.0.1:{port}") }
    }

    /// What it has used so far.
    pub(crate) fn usage(&self) -> Usage {
        Usage::of(self.child.id())
    }

    /// Panics with the end of its log if it no longer runs.
    pub(crate) fn assert_runs(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            panic!("the service ended: {status}\n{log}");
        }
    }

    /// How many transactions it has committed, by its own count.
    pub(crate) async fn commits(&self) -> Option<u64> {
        let text = reqwest::get(format!("{}/metrics", self.pages)).await.ok()?.text().await.ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("reply_router_store_commit_seconds_count"))?;
        line.split_whitespace().last()?.parse().ok()
    }

    /// Ends it in the ordinary way; whether it did.
    pub(crate) fn stop(mut self) -> bool {
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(15) {
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

/// The size of the store with everything beside it.
pub(crate) fn store_bytes(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap().filter_map(Result::ok);
    let files = files.filter(|file| file.file_name().to_string_lossy().starts_with("store.db"));
    files.map(|file| file.metadata().map_or(0, |found| found.len())).sum()
}
