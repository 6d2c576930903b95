//! The metrics, and the examples that watch them.

use super::AdminFixture;
use crate::{
    cli_fixture::run_tool,
    fixture::{FixtureOptions, safety},
};
use reply_router::model::Safety;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/monitoring")
}

/// A desk at which something of most kinds has happened.
async fn busy() -> AdminFixture {
    let safety = Safety { replies_per_hour: 1_000, ..safety() };
    let desk = AdminFixture::new(FixtureOptions { safety, ..FixtureOptions::default() }).await;
    for name in ["jane", "joe"] {
        desk.fixture.hot_lead(&format!("{name}@acme.example"), "Please call.");
    }
    desk.fixture.clock.advance(Duration::from_secs(45));
    desk.fixture.tick().await;
    desk
}

async fn metrics(desk: &AdminFixture) -> String {
    let answer = desk.send("GET", "/metrics", &[], "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/plain; version=0.0.4; charset=utf-8"));
    answer.text
}

/// Every metric that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let word = |character: char| !(character.is_ascii_alphanumeric() || character == '_');
    let names = text.split(word).filter(|word| word.starts_with("reply_router_"));
    names
        .map(|name| {
            let short = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
            short.unwrap_or(name).to_owned()
        })
        .collect()
}

#[tokio::test]
async fn every_metric_has_its_help_and_what_the_examples_ask_for_is_there() {
    let desk = busy().await;
    let text = metrics(&desk).await;
    let told: BTreeSet<_> =
        text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).map(str::to_owned).collect();
    let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    for sample in &samples {
        let names = named(sample.split(['{', ' ']).next().unwrap());
        assert!(names.iter().all(|name| told.contains(name)), "{sample} has no help");
    }
    let mut asked = 0;
    for file in ["grafana-dashboard.json", "alerts.yml", "alerts.test.yml", "../../docs/operations.md"] {
        let names = named(&fs::read_to_string(examples().join(file)).unwrap());
        let missing: Vec<_> = names.difference(&told).collect();
        assert!(missing.is_empty(), "{file} asks for {missing:?}");
        asked += names.len();
    }
    assert!(asked > 30, "{asked}");
    let dashboard = fs::read_to_string(examples().join("grafana-dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() > 10);
}

#[tokio::test]
async fn the_figures_are_right() {
    let desk = busy().await;
    let text = metrics(&desk).await;
    for wanted in [
        "reply_router_poll_up{workspace=\"acme\"} 1",
        "reply_router_poll_seconds_count{workspace=\"acme\"} 2",
        "reply_router_polls_failed_total{workspace=\"acme\"} 0",
        "reply_router_decisions_total{workspace=\"acme\",event=\"message\"} 2",
        "reply_router_actions{state=\"done\"} 6",
        "reply_router_actions{state=\"quarantined\"} 0",
        "reply_router_kind_actions{workspace=\"acme\",kind=\"reply\",state=\"done\"} 2",
        "reply_router_rule_matches_total{workspace=\"acme\",rule=\"book-a-call\"} 2",
        "reply_router_rule_evaluation_seconds_count{workspace=\"acme\",rule=\"book-a-call\"} 2",
        "reply_router_rule_errors_total{workspace=\"acme\",rule=\"book-a-call\"} 0",
        "reply_router_rule_live{workspace=\"acme\",rule=\"book-a-call\"} 1",
        // They came 45 seconds before the replies left.
        "reply_router_reply_latency_seconds_bucket{workspace=\"acme\",le=\"30\"} 0",
        "reply_router_reply_latency_seconds_bucket{workspace=\"acme\",le=\"60\"} 2",
        "reply_router_reply_latency_seconds_sum{workspace=\"acme\"} 90",
        "reply_router_queue_age_seconds{workspace=\"acme\"} 0",
        "reply_router_pending_threads{workspace=\"acme\"} 0",
        "reply_router_paused{workspace=\"acme\"} 0",
        "reply_router_rules_refused 0",
        "reply_router_store_failing{workspace=\"acme\"} 0",
    ] {
        assert!(text.lines().any(|line| line == wanted), "{wanted}\n{text}");
    }
    desk.post("/api/v1/pause", "").await.json();
    desk.fixture.hot_lead("jim@acme.example", "Please call.");
    desk.fixture.engine.intake().poll(desk.fixture.workspace(), true).await.unwrap();
    desk.fixture.clock.advance(Duration::from_secs(20));
    let text = metrics(&desk).await;
    for wanted in [
        "reply_router_paused{workspace=\"acme\"} 1",
        // The two that were answered show a reply more.
        "reply_router_pending_threads{workspace=\"acme\"} 3",
        "reply_router_pending_age_seconds{workspace=\"acme\"} 20",
    ] {
        assert!(text.lines().any(|line| line == wanted), "{wanted}\n{text}");
    }
    assert!(!text.contains("acme.example"), "no address of anybody\n{text}");
}

#[tokio::test]
async fn promtool_finds_no_fault() {
    run_tool("promtool", "prometheus", &["--version"]);
    for args in
        [["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"], ["check", "config", "prometheus.yml"]]
    {
        let ran = Command::new("promtool").args(args).current_dir(examples()).output().unwrap();
        assert!(
            ran.status.success(),
            "{args:?}\n{}{}",
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr)
        );
    }
    let text = metrics(&busy().await).await;
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = promtool.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let ran = child.wait_with_output().unwrap();
    assert!(ran.status.success(), "{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
}
