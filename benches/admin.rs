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
use fixture::{Fixture, FixtureOptions};
use futures_util::stream::{self, StreamExt};
use reply_router::store::prelude::*;
use reply_router::{
    admin::{self, Access, AccessSettings, AdminSettings},
    engine::DECISION_POLICY,
    model::{
        Action, ActionId, ActionKind, ActionState, Attempt, AttemptOutcome, Conversation, DestinationKind, Message,
        Mode, Payload, Reason, ReasonCode, Repeat, ThreadRow, Timing,
    },
    rules::{EventInput, RuleSet, ThreadMessages, evaluate},
    simulator::DEFAULT_KEY,
    store::{ActionFilter, DecisionRecord, DecisionTrace, EventKind, SettledThread, StoredEvent},
};
use service_process::{SERVICE, ServiceProcess};
use std::{
    fmt::Write as _,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};
use tower::ServiceExt;

const RULES: usize = 20;
const RUNS: usize = 20;
/// A store's size is taken after so many decisions, and after as many again.
const SIZED: usize = 1_000;

fn main() {
    let (flags, numbers): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    if !flags.iter().any(|flag| flag == "--bench") {
        println!("the measurement takes minutes: cargo bench --bench admin");
        return;
    }
    let decisions: usize = numbers.first().map_or(100_000, |text| text.parse().expect("a number"));
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(measure(decisions));
}

/// A store for so many rules, each of which looks for a word of its own.
async fn with_rules(count: usize) -> Fixture {
    let mut rules = "version: 1\nrules:\n".to_owned();
    for rule in 0..count {
        writeln!(
            rules,
            "  - {{ name: rule-{rule}, when: {{ category: interested, body: '\\bword{rule}\\b' }}, then: [{{ reply: {{ text: Hi }} }}, star] }}"
        )
        .unwrap();
    }
    Fixture::new(FixtureOptions { rules: Box::leak(rules.into_boxed_str()), ..FixtureOptions::default() }).await
}

/// What a decision takes on disk with its event, a mail of 1.5 kB, and its three actions: what a few thousand of them add
/// to a store, its indexes and the thread's row included.
async fn bytes_per_decision(rules: usize) -> u64 {
    let fixture = with_rules(rules).await;
    // What the first ones make, such as the text of the rules, is there once.
    fill(&fixture, rules, 0..SIZED).await;
    let before = fixture.store.metrics().await.unwrap().bytes;
    fill(&fixture, rules, SIZED..5 * SIZED).await;
    (fixture.store.metrics().await.unwrap().bytes - before) / (4 * SIZED as u64)
}

async fn measure(decisions: usize) {
    for rules in [5, 100] {
        println!("{} bytes a decision with {rules} rules", bytes_per_decision(rules).await);
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

/// So many decisions are written at once; they share their commits.
const AT_ONCE: usize = 256;

/// Decisions over sixty days, the last ones now: one in five matches nothing, the others a rule with a reply, a star and a
/// forward; one action in a thousand is quarantined.
async fn fill(fixture: &Fixture, rule_count: usize, numbers: Range<usize>) {
    let decisions = numbers.end;
    let now = fixture.engine.now().as_microsecond();
    let payload = "Hi, here it is. ".repeat(20);
    let rules = fixture.engine.rules();
    fixture.store.keep_rules(rules.revision(), &rules.sources().to_text().unwrap()).await.unwrap();
    // One that each rule matches, and one that none does.
    let samples: Vec<_> = (0..=rule_count).map(|rule| sample(&rules, rule)).collect();
    let write = async |i: usize| {
        let at = now - i64::try_from((decisions - i) * (60 * 86_400_000_000 / decisions)).unwrap();
        let at = jiff::Timestamp::from_microsecond(at).unwrap();
        let (rule, thread) = (format!("rule-{}", i % rule_count), format!("thread-{i}"));
        let matched = if i.is_multiple_of(5) { vec![] } else { vec![rule.clone()] };
        let (event, trace) = samples.get(if matched.is_empty() { rule_count } else { i % rule_count }).unwrap();
        let decision = DecisionRecord {
            id: format!("{i:08x}-0000-7000-8000-{i:08x}0000"),
            workspace: "acme".to_owned(),
            thread_id: thread.clone(),
            message_id: Some(format!("message-{i}")),
            lead_email: Some(format!("lead{}@acme.example", i / 3 % 20_000)),
            at,
            event: EventKind::Message,
            trace: DecisionTrace { campaign: Some(format!("Campaign {}", i % 12)), ..trace.clone() },
            matched,
        };
        let kinds = [ActionKind::Reply, ActionKind::Star, ActionKind::Forward(DestinationKind::Slack)];
        let actions = kinds.into_iter().enumerate().filter(|_| !decision.matched.is_empty()).map(|(place, kind)| {
            let number = i - i / 5;
            let (state, reason) = match number {
                n if n.is_multiple_of(1_000) => (ActionState::Quarantined, None),
                n if n.is_multiple_of(7) => {
                    (ActionState::Suppressed, Some(Reason::new(ReasonCode::AlreadyAnswered, "it has one")))
                }
                n if n.is_multiple_of(11) => (ActionState::Failed, None),
                _ => (ActionState::Done, None),
            };
            Action {
                id: ActionId::of_decision(&decision.id, place).unwrap(),
                workspace: "acme".to_owned(),
                decision_id: decision.id.clone(),
                thread_id: thread.clone(),
                message_id: decision.message_id.clone(),
                lead_email: decision.lead_email.clone(),
                rule: rule.clone(),
                position: u32::try_from(place).unwrap(),
                kind,
                target: (!kind.is_api_write()).then(|| "sales".to_owned()),
                state,
                reason,
                payload: Payload::Reply { text: Some(payload.clone()), html: None, attachments: vec![] },
                timing: Timing { after: Duration::ZERO, hours: None, repeat: Repeat::OncePerThread, limit: None },
                any_sender: false,
                any_auto_reply: false,
                approved: false,
                message_at: Some(at),
                outgoing_before: vec![],
                attempts: vec![Attempt { at, outcome: AttemptOutcome::Accepted, status: Some(200), body: None }],
                due_at: None,
                sent_at: Some(at),
                created_at: at,
                updated_at: at,
                version: 2,
            }
        });
        let row = ThreadRow { id: thread.clone(), last_message_at: Some(at), ..ThreadRow::default() };
        let settled = SettledThread { row, ..SettledThread::default() };
        let row = ThreadRow { id: thread.clone(), lead_email: decision.lead_email.clone(), ..event.row.clone() };
        let event = StoredEvent { row, at, ..event.clone() };
        let store = &fixture.store;
        let written =
            store.record_decision(&decision, Some(&event), actions.collect(), None, &settled, DECISION_POLICY);
        written.await.unwrap();
    };
    stream::iter(numbers).map(write).buffered(AT_ONCE).collect::<Vec<()>>().await;
}

/// An event with a mail of 1.5 kB in which one rule finds its word, as rules decide it.
fn sample(rules: &RuleSet, rule: usize) -> (StoredEvent, DecisionTrace) {
    let ours = "Hi Jane,\n\nmany companies like yours lose hours each week on lists that nobody reads.\n\nBest,\nSam";
    let mut text = format!("Hi Sam,\n\nsounds good, and word{rule} it is.\n");
    for sentence in 0..12 {
        writeln!(
            text,
            "We have looked at {sentence} others since spring, and the budget of number {rule} is not fixed yet."
        )
        .unwrap();
    }
    write!(text, "\nBest regards,\nJane\n\nOn Mon, Jan 5, 2026 at 9:00 AM Sam <sam@us.example> wrote:\n").unwrap();
    ours.lines().for_each(|line| writeln!(text, "> {line}").unwrap());
    let message = |id: &str, text: &str, outgoing| Message {
        id: id.to_owned(),
        from: Some(if outgoing { "sam@us.example" } else { "jane@acme.example" }.to_owned()),
        subject: Some("Re: 15 minutes for a demo?".to_owned()),
        text: Some(text.to_owned()),
        outgoing,
        ..Message::default()
    };
    let mut event = StoredEvent {
        revision: rules.revision().to_owned(),
        workspace: "acme".to_owned(),
        ceiling: Mode::Live,
        row: ThreadRow {
            id: "thread".to_owned(),
            subject: Some("Re: 15 minutes for a demo?".to_owned()),
            category: Some("interested".to_owned()),
            ..ThreadRow::default()
        },
        messages: Some(Conversation::new(vec![message("m1", ours, true), message("m2", &text, false)])),
        history: Some(Vec::new()),
        ..StoredEvent::default()
    };
    let messages = event.messages.clone().map(ThreadMessages::new);
    let input = EventInput {
        workspace: "acme",
        ceiling: Mode::Live,
        row: &event.row,
        detail: None,
        messages: messages.as_ref(),
        history: Some(&[]),
        overrides: &std::collections::HashMap::new(),
        lead_opted_out: None,
        hold_uncertain: false,
        thorough: false,
    };
    let decision = evaluate(rules, &input, event.at).unwrap();
    event.reading = messages.as_ref().map(ThreadMessages::keep_reading);
    let trace = DecisionTrace {
        body: decision.body,
        auto_reply: decision.auto_reply,
        reading: decision.reading,
        subject: event.row.subject.clone(),
        category: event.row.category.clone(),
        rules: decision.rules,
        ..DecisionTrace::default()
    };
    (event, trace)
}
