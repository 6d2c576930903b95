//! The service as a process of its own: what it logs, what its pages say, and how it ends.

use crate::cli_fixture::{CommandOutput, PATIENCE, signal};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Output},
    time::Duration,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// What [`Running`] is started with: its log is read.
pub(crate) const SERVICE: &[&str] = &["--log-format", "json", "run"];

/// A service that runs, and what it has logged. It dies with this.
pub(crate) struct ServiceProcess {
    child: Child,
    log: UnboundedReceiver<String>,
    said: String,
    pub(crate) pages: String,
}

impl Drop for ServiceProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl ServiceProcess {
    /// Starts it and waits until it runs.
    pub(crate) async fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (sender, log) = unbounded_channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut running = Self { child, log, said: String::new(), pages: String::new() };
        let line: Value = serde_json::from_str(&running.wait_for_log("\"pages\"").await).unwrap();
        running.pages = line["pages"].as_str().unwrap().to_owned();
        running
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The first line of the log from here on that has `wanted` in it.
    pub(crate) async fn wait_for_log(&mut self, wanted: &str) -> String {
        self.wait_for_any(&[wanted]).await
    }

    /// As [`Self::until`], with any of these in it.
    pub(crate) async fn wait_for_any(&mut self, wanted: &[&str]) -> String {
        loop {
            let Ok(line) = tokio::time::timeout(PATIENCE, self.log.recv()).await else {
                panic!("never said {wanted:?}\n{}", self.said);
            };
            let line = line.unwrap_or_else(|| panic!("ended before {wanted:?}\n{}", self.said));
            self.said = format!("{}{line}\n", self.said);
            if wanted.iter().any(|wanted| line.contains(wanted)) {
                return line;
            }
        }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{}{path}", self.pages)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// What an admin route answers to this JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.post(format!("{}{path}", self.pages)).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// SIGKILL: it has no chance to do anything more.
    pub(crate) fn kill(mut self) {
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(self.child.try_wait().unwrap(), None, "it has ended by itself\n{}", self.said);
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9), "{}", self.said);
    }

    /// SIGTERM; it ends within ten seconds.
    pub(crate) async fn terminate(mut self) -> CommandOutput {
        signal("-TERM", self.child.id());
        let rest = async {
            while let Some(line) = self.log.recv().await {
                self.said = format!("{}{line}\n", self.said);
            }
        };
        tokio::time::timeout(Duration::from_secs(10), rest).await.unwrap();
        let status = self.child.wait().unwrap();
        CommandOutput::new(&Output { status, stdout: Vec::new(), stderr: self.said.clone().into_bytes() })
    }
}
