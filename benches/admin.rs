//! How long the admin server takes for each answer over a large store, and how long a service takes to start on it:
//!
//! ```sh
//! cargo bench --bench admin -- 1000000
//! REPLY_ROUTER_TEST_STORE=postgres cargo bench --bench admin -- 1000000
//! ```
//!
//! The number of decisions may be left out. Each is of a thread of its own, and has three actions.

// A measurement that is surprised ends there and says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// The tests use the rest of it.
#[allow(dead_code, unused_imports)]
#[path = "../tests/it/cli_fixture.rs"]
mod cli_fixture;
#[path = "../tests/it/filled_store.rs"]
mod filled_store;
#[allow(dead_code, unused_imports)]
#[path = "../tests/it/fixture.rs"]
mod fixture;
#[allow(dead_code)]
#[path = "../tests/it/service_process.rs"]
mod service_process;
#[allow(dead_code)]
#[path = "../tests/it/stores.rs"]
mod stores;

use axum::{body::Body, http::Request};
use filled_store::{bytes_per_decision, fill, with_rules};
use fixture::Fixture;
use reply_router::store::prelude::*;
use reply_router::{
    admin::{self, Access, AccessSettings, AdminSettings},
    simulator::DEFAULT_KEY,
    store::ActionFilter,
};
use service_process::{SERVICE, ServiceProcess};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tower::ServiceExt;

const RULES: usize = 20;
const RUNS: usize = 20;
/// A store's size is taken after so many decisions, and after as many again.
const SIZED: usize = 4_000;

fn main() {
    let (flags, numbers): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    if !flags.iter().any(|flag| flag == "--bench") {
        println!("the measurement takes minutes: cargo bench --bench admin");
        return;
    }
    let decisions: usize = numbers.first().map_or(100_000, |text| text.parse().expect("a number"));
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(measure(decisions));
}

async fn measure(decisions: usize) {
    for rules in [5, 100] {
        let (bytes, parts) = bytes_per_decision(rules, SIZED).await;
        println!("{bytes} bytes a decision with {rules} rules");
        parts.iter().filter(|(_, bytes)| *bytes >= 1.0).for_each(|(name, bytes)| println!("{bytes:>9.1}  {name}"));
    }
    let fixture = with_rules(RULES).await;
    let began = Instant::now();
    fill(&fixture, RULES, 0..decisions).await;
    let figures = fixture.store.metrics().await.unwrap();
    println!(
        "{decisions} decisions with {} actions, {} MiB, written in {:.1} s",
        fixture.store.action_totals().await.unwrap().iter().map(|total| total.count).sum::<u64>(),
        figures.bytes >> 20,
        began.elapsed().as_secs_f64()
    );
    let settings = AdminSettings {
        listen: "127.0.0.1:8080".parse().unwrap(),
        access: Access::new(AccessSettings::default()),
        public_url: None,
        hook_tokens: Default::default(),
    };
    let router = admin::router(Arc::clone(&fixture.engine), settings, None);
    let filter = ActionFilter { limit: 10_000, ..ActionFilter::default() };
    let middle = fixture.store.actions(&filter).await.unwrap().pop().unwrap();
    let paths = [
        "/".to_owned(),
        "/activity".to_owned(),
        "/activity?rule=rule-3&state=done".to_owned(),
        "/activity?campaign=Campaign%203&matched=false".to_owned(),
        format!("/activity?cursor={}", middle.decision_id),
        format!("/threads/{}", middle.thread_id),
        "/queue".to_owned(),
        "/queue?state=failed".to_owned(),
        "/try".to_owned(),
        "/workspace".to_owned(),
        "/metrics".to_owned(),
        "/readyz".to_owned(),
        "/api/v1/status".to_owned(),
        "/api/v1/rules".to_owned(),
        "/api/v1/rules/rule-7".to_owned(),
        "/api/v1/actions".to_owned(),
        format!("/api/v1/actions?cursor={}", middle.id),
        "/api/v1/actions?state=done".to_owned(),
        "/api/v1/actions?state=quarantined".to_owned(),
        "/api/v1/actions?state=held,failed,quarantined".to_owned(),
        "/api/v1/actions?rule=rule-3".to_owned(),
        "/api/v1/actions?rule=rule-3&state=quarantined".to_owned(),
        "/api/v1/actions?kind=webhook".to_owned(),
        "/api/v1/actions?workspace=nowhere".to_owned(),
        "/api/v1/actions?lead=lead77@acme.example".to_owned(),
        "/api/v1/actions?campaign=Campaign%203".to_owned(),
        "/api/v1/actions?campaign=none".to_owned(),
        format!("/api/v1/actions?thread={}", middle.thread_id),
        format!("/api/v1/actions/{}", middle.id),
        "/api/v1/decisions".to_owned(),
        "/api/v1/decisions?rule=rule-3".to_owned(),
        "/api/v1/decisions?rule=nobody".to_owned(),
        "/api/v1/decisions?matched=false".to_owned(),
        "/api/v1/decisions?state=quarantined".to_owned(),
        "/api/v1/decisions?state=done".to_owned(),
        "/api/v1/decisions?state=done,held".to_owned(),
        "/api/v1/decisions?state=quarantined&rule=rule-3".to_owned(),
        "/api/v1/decisions?campaign=Campaign%203".to_owned(),
        "/api/v1/decisions?lead=lead77@acme.example".to_owned(),
        format!("/api/v1/decisions/{}", middle.decision_id),
        "/api/v1/opt-outs".to_owned(),
        "/api/v1/audit".to_owned(),
        "/openapi.json".to_owned(),
        "/api/v1/actions?limit=10000".to_owned(),
        "/api/v1/decisions?limit=10000".to_owned(),
    ];
    println!("{:>9} {:>9} {:>8}  answer", "median ms", "worst ms", "KiB");
    let mut slow = 0;
    for path in paths {
        let mut times = Vec::with_capacity(RUNS);
        let mut length = 0;
        for _ in 0..RUNS {
            let request = Request::builder().uri(&path).header("host", "localhost").body(Body::empty()).unwrap();
            let began = Instant::now();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            length = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap().len();
            times.push(began.elapsed());
        }
        times.sort();
        let (median, worst) = (times[RUNS / 2], times[RUNS - 1]);
        let mark = if worst > Duration::from_millis(200) { " <-- more than 200 ms" } else { "" };
        slow += usize::from(!mark.is_empty());
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        println!("{:>9.1} {:>9.1} {:>8}  {path}{mark}", ms(median), ms(worst), length / 1_024);
    }
    println!("{slow} answers took more than 200 ms at their worst");
    drop(router);
    start_service(fixture).await;
}

/// A process of its own on the same store: until it answers, and until it has polled.
async fn start_service(fixture: Fixture) {
    let path = fixture.store_path();
    let address = match stores::on_postgres() {
        true => stores::database_of(&path).await,
        false => format!("sqlite:{}", path.display()),
    };
    let Fixture { simulator, store, engine, folder, .. } = fixture;
    store.close().await;
    drop((store, engine));
    let configuration = format!(
        "workspaces:\n  - {{ name: acme, api_key: {DEFAULT_KEY}, base_url: \"{}\" }}\nrules: rules.yaml\n\
         store: \"{address}\"\nadmin: {{ listen: \"127.0.0.1:0\" }}\n",
        simulator.base_url()
    );
    let rules = "version: 1\nrules:\n  - { name: hot, when: { category: interested }, then: [star] }\n";
    std::fs::write(folder.path().join("reply-router.yaml"), configuration).unwrap();
    std::fs::write(folder.path().join("rules.yaml"), rules).unwrap();
    let began = Instant::now();
    let service = ServiceProcess::start(cli_fixture::binary(folder.path(), SERVICE)).await;
    let ready = began.elapsed();
    while service.get("/readyz").await.0 != 200 {
        assert!(began.elapsed() < Duration::from_secs(600), "it does not poll");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let polled = began.elapsed();
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
    let resident = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    println!(
        "a service on it answers after {:.2} s and has polled after {:.2} s; {resident}",
        ready.as_secs_f64(),
        polled.as_secs_f64()
    );
}
