//! A headless Chromium, spoken to through its driver in the language of WebDriver: a handful of requests, so that no further
//! library is needed for it.

use crate::cli_fixture::{PATIENCE, signal};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// What WebDriver calls an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How often a page is asked whether something has happened.
const BLINK: Duration = Duration::from_millis(20);

/// A browser with one window; it ends with this.
pub(super) struct Browser {
    driver: Child,
    client: reqwest::Client,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub(super) async fn start() -> Self {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = command
            .spawn()
            .unwrap_or_else(|error| panic!("this test needs `chromedriver` (package chromium-driver): {error}"));
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.into_iter().find_map(|line| Some(line.split_once("successfully on port ")?.1.to_owned()));
        let port = port.expect("chromedriver says its port");
        let port = port.trim_end_matches('.');
        let profile = tempfile::tempdir().unwrap();
        let mut flags: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--lang=en-GB",
        ]
        .map(str::to_owned)
        .to_vec();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": flags },
            "goog:loggingPrefs": { "browser": "ALL" },
        }}});
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().unwrap();
        let root = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self { driver, client, session: root.clone(), _profile: profile };
        let session = browser.ask("POST", "", wanted).await;
        let id = session["sessionId"].as_str().expect("the package chromium is there").to_owned();
        browser.session = format!("{root}/{id}");
        browser
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: Value) -> impl Future<Output = Value> + use<> {
        let place = std::panic::Location::caller();
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.session));
        let request = if method == "POST" { request.json(&body) } else { request };
        let path = path.to_owned();
        async move {
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            let value = answer["value"].clone();
            assert!(value.get("error").is_none(), "{place}: {path}: {value:#}");
            value
        }
    }

    pub(super) async fn go(&self, url: &str) {
        self.ask("POST", "/url", json!({ "url": url })).await;
    }

    pub(super) async fn url(&self) -> String {
        self.ask("GET", "/url", Value::Null).await.as_str().unwrap().to_owned()
    }

    /// Runs a function's body in the page, past its policy.
    pub(super) async fn run(&self, script: &str) -> Value {
        self.ask("POST", "/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// The same, with a callback as the last argument.
    pub(super) async fn run_until_called(&self, script: &str) -> Value {
        self.ask("POST", "/execute/async", json!({ "script": script, "args": [] })).await
    }

    /// Waits until a function's body says true.
    #[track_caller]
    pub(super) fn wait_until(&self, what: &str, script: &str) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let began = Instant::now();
            while self.run(script).await != json!(true) {
                if began.elapsed() > PATIENCE {
                    let page = self.run("return document.body.innerText").await;
                    panic!("{place}: not so: {what}: {page}");
                }
                tokio::time::sleep(BLINK).await;
            }
        }
    }

    /// Waits until a text is to be read.
    #[track_caller]
    pub(super) fn wait_for_text(&self, text: &str) -> impl Future<Output = ()> {
        let script = format!("return document.body.innerText.includes({})", json!(text));
        let text = text.to_owned();
        let place = std::panic::Location::caller();
        async move {
            let began = Instant::now();
            while self.run(&script).await != json!(true) {
                if began.elapsed() > PATIENCE {
                    panic!("{place}: {text} is not in {}", self.run("return document.body.innerText").await);
                }
                tokio::time::sleep(BLINK).await;
            }
        }
    }

    #[track_caller]
    fn find(&self, selector: &str) -> impl Future<Output = String> + use<> {
        let found = self.ask("POST", "/element", json!({ "using": "css selector", "value": selector }));
        async move { found.await[ELEMENT].as_str().unwrap().to_owned() }
    }

    /// Clicks the way a person does: it must be there to be seen.
    pub(super) async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        self.ask("POST", &format!("/element/{element}/click"), json!({})).await;
    }

    /// Replaces what stands in a field.
    pub(super) async fn fill(&self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        self.ask("POST", &format!("/element/{element}/clear"), json!({})).await;
        self.ask("POST", &format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    /// Chooses an entry of a list by what it says.
    pub(super) async fn choose(&self, selector: &str, entry: &str) {
        let element = self.find(selector).await;
        self.ask("POST", &format!("/element/{element}/value"), json!({ "text": entry })).await;
    }

    /// Keys that go to whatever has the focus.
    pub(super) async fn keys(&self, keys: &str) {
        let strokes = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() })));
        let actions = json!({ "actions": [{ "type": "key", "id": "keys", "actions": strokes.collect::<Vec<_>>() }] });
        self.ask("POST", "/actions", actions).await;
    }

    /// A command of the browser's own protocol.
    pub(super) async fn command(&self, name: &str, params: Value) -> Value {
        self.ask("POST", "/goog/cdp/execute", json!({ "cmd": name, "params": params })).await
    }

    /// The window's width, and the colours that the viewer's system prefers.
    pub(super) async fn set_viewport(&self, width: u32, colours: &str) {
        let metrics = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.command("Emulation.setDeviceMetricsOverride", metrics).await;
        let colours = json!({ "features": [{ "name": "prefers-color-scheme", "value": colours }] });
        self.command("Emulation.setEmulatedMedia", colours).await;
    }

    pub(super) async fn set_timezone(&self, name: &str) {
        self.command("Emulation.setTimezoneOverride", json!({ "timezoneId": name })).await;
    }

    /// The whole page as a PNG.
    pub(super) async fn screenshot(&self) -> Vec<u8> {
        use base64::Engine as _;
        let taken = self.command("Page.captureScreenshot", json!({ "captureBeyondViewport": true })).await;
        base64::engine::general_purpose::STANDARD.decode(taken["data"].as_str().unwrap()).unwrap()
    }

    /// What the page complained of since the last call: errors of scripts, what the policy forbade, what was not found.
    pub(super) async fn console_errors(&self) -> Vec<String> {
        let log = self.ask("POST", "/se/log", json!({ "type": "browser" })).await;
        let entries = log.as_array().unwrap().iter();
        entries.filter(|entry| entry["level"] == "SEVERE").map(|entry| entry["message"].to_string()).collect()
    }

    pub(super) async fn close(self) {
        self.ask("DELETE", "", Value::Null).await;
    }
}

impl Drop for Browser {
    /// Told to end, the driver ends its browser too.
    fn drop(&mut self) {
        signal("-TERM", self.driver.id());
        self.driver.wait().ok();
    }
}
