//! How long the admin server takes for each answer over a large store: `cargo bench --locked --bench admin -- 100000`. The
//! number of decisions may be left out; each has three actions.

// A measurement that is surprised ends there and says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// The tests use the rest of it.
#[allow(dead_code, unused_imports)]
#[path = "../tests/it/fixture.rs"]
mod fixture;

use axum::{body::Body, http::Request};
use fixture::{Fixture, FixtureOptions};
use reply_router::{
    admin::{self, AdminSettings},
    model::{ConditionTrace, Mode, RuleTrace},
    store::{ActionFilter, DecisionTrace, Store},
};
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};
use tower::ServiceExt;

const RULES: usize = 20;
const RUNS: usize = 20;

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
    let mut rules = "version: 1\nrules:\n".to_owned();
    for rule in 0..RULES {
        writeln!(
            rules,
            "  - {{ name: rule-{rule}, when: {{ body: 'word{rule}' }}, then: [{{ reply: {{ text: Hi }} }}, star] }}"
        )
        .unwrap();
    }
    let fixture =
        Fixture::new(FixtureOptions { rules: Box::leak(rules.into_boxed_str()), ..FixtureOptions::default() }).await;
    let began = Instant::now();
    fill(&fixture, decisions).await;
    let figures = fixture.store.metrics().await.unwrap();
    println!(
        "{decisions} decisions with {} actions, {} MiB, written in {:.1} s",
        fixture.store.action_totals().await.unwrap().iter().map(|total| total.count).sum::<u64>(),
        figures.bytes >> 20,
        began.elapsed().as_secs_f64()
    );
    let settings = AdminSettings {
        listen: "127.0.0.1:8080".parse().unwrap(),
        token: None,
        public_url: None,
        hook_tokens: std::collections::HashMap::new(),
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
}

/// Decisions over sixty days, the last ones now: one in five matches nothing, the others a rule with a reply, a star and a
/// forward; one action in a thousand is quarantined. Written past the store, whose own way syncs each decision.
async fn fill(fixture: &Fixture, decisions: usize) {
    let now = fixture.engine.now().as_microsecond();
    let options = SqliteConnectOptions::new().filename(fixture.store_path()).busy_timeout(Duration::from_secs(60));
    let mut connection = options.connect().await.unwrap();
    let trace = serde_json::to_string(&trace()).unwrap();
    let payload =
        format!(r#"{{"type":"reply","text":"{}","html":null,"attachments":[]}}"#, "Hi, here it is. ".repeat(20));
    let timing = r#"{"after":{"secs":0,"nanos":0},"hours":null,"repeat":"once_per_thread","limit":null}"#;
    let numbers = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)";
    let at = "(?2 - (?1 - i) * (60 * 86400000000 / ?1))";
    let id = "printf('%08x-0000-7000-8000-%012x', i, i)";
    let statements = [
        format!(
            "{numbers} INSERT INTO decisions (id, workspace, thread_id, message_id, lead_email, at, event, matched, trace, campaign)
             SELECT {id}, 'acme', 'thread-' || (i / 3), 'message-' || i, 'lead' || (i / 3 % 20000) || '@acme.example', {at},
             'message', CASE WHEN i % 5 = 0 THEN '[]' ELSE '[\"rule-' || (i % {RULES}) || '\"]' END, ?3,
             'Campaign ' || (i % 12) FROM n"
        ),
        "INSERT INTO decision_rules (rule, at, decision_id)
         SELECT json_extract(matched, '$[0]'), at, id FROM decisions WHERE matched <> '[]' AND ?1 + ?2 <> ?3".to_owned(),
        format!(
            "INSERT INTO actions (id, workspace, decision_id, thread_id, message_id, message_key, lead_email, rule, position,
             kind, target, state, reason_code, reason_text, payload, timing, any_sender, any_auto_reply, approved, message_at,
             outgoing_before, attempts, due_at, sent_at, created_at, updated_at, version, campaign)
             SELECT substr(id, 1, 24) || printf('%02x', kinds.key) || substr(id, 27), workspace, id, thread_id, message_id,
             message_id, lead_email, json_extract(matched, '$[0]'), kinds.key, kinds.value,
             CASE kinds.value WHEN 'slack' THEN 'sales' END,
             CASE WHEN rowid_of % 1000 = 0 THEN 'quarantined' WHEN rowid_of % 7 = 0 THEN 'suppressed' WHEN rowid_of % 11 = 0
             THEN 'failed' ELSE 'done' END,
             CASE WHEN rowid_of % 7 = 0 THEN 'already_answered' END, '', ?3, '{timing}', 0, 0, 0, at, '[]',
             '[{{\"at\":\"2026-07-15T12:00:00Z\",\"outcome\":\"accepted\",\"status\":200}}]', NULL, at + 30000000, at, at, 2,
             campaign
             FROM (SELECT *, row_number() OVER (ORDER BY id) AS rowid_of FROM decisions WHERE matched <> '[]' AND ?1 + ?2 > 0),
             (SELECT 0 AS key, 'reply' AS value UNION ALL SELECT 1, 'star' UNION ALL SELECT 2, 'slack') AS kinds"
        ),
    ];
    let mut tx = connection.begin().await.unwrap();
    for (number, statement) in statements.into_iter().enumerate() {
        let text = if number == 2 { &payload } else { &trace };
        let count = i64::try_from(decisions).unwrap();
        sqlx::query(sqlx::AssertSqlSafe(statement)).bind(count).bind(now).bind(text).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    connection.close().await.unwrap();
}

/// Of the size that twenty rules with two conditions each leave.
fn trace() -> DecisionTrace {
    let condition = |path: &str| ConditionTrace {
        path: path.to_owned(),
        wanted: "one of interested, meeting_request".to_owned(),
        seen: Some("interested".to_owned()),
        held: Some(true),
        span: None,
    };
    let rule = |number: usize| RuleTrace {
        name: format!("rule-{number}"),
        file: "rules/rules.yaml".to_owned(),
        line: number + 1,
        mode: Mode::Live,
        matched: number == 3,
        stopped_by: None,
        note: None,
        error: None,
        conditions: vec![condition("when.category"), condition("when.body")],
        script: None,
        captures: std::collections::BTreeMap::new(),
        actions: Vec::new(),
    };
    DecisionTrace {
        body: Some("Sure, a call on Tuesday would be fine. ".repeat(8)),
        subject: Some("Re: 15 minutes for a demo?".to_owned()),
        campaign: Some("Campaign 3".to_owned()),
        rules: (0..RULES).map(rule).collect(),
        ..DecisionTrace::default()
    }
}
