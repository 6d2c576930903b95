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
use futures_util::stream::{self, StreamExt};
use reply_router::store::prelude::*;
use reply_router::{
    admin::{self, AdminSettings},
    engine::DECISION_POLICY,
    model::{
        Action, ActionId, ActionKind, ActionState, Attempt, AttemptOutcome, ConditionTrace, DestinationKind, Mode,
        Payload, Reason, ReasonCode, Repeat, RuleTrace, ThreadRow, Timing,
    },
    store::{ActionFilter, DecisionRecord, DecisionTrace, EventKind, SettledThread},
};
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

/// So many decisions are written at once; they share their commits.
const AT_ONCE: usize = 256;

/// Decisions over sixty days, the last ones now: one in five matches nothing, the others a rule with a reply, a star and a
/// forward; one action in a thousand is quarantined.
async fn fill(fixture: &Fixture, decisions: usize) {
    let now = fixture.engine.now().as_microsecond();
    let (trace, payload) = (trace(), "Hi, here it is. ".repeat(20));
    let write = async |i: usize| {
        let at = now - i64::try_from((decisions - i) * (60 * 86_400_000_000 / decisions)).unwrap();
        let at = jiff::Timestamp::from_microsecond(at).unwrap();
        let (rule, thread) = (format!("rule-{}", i % RULES), format!("thread-{}", i / 3));
        let matched = if i.is_multiple_of(5) { vec![] } else { vec![rule.clone()] };
        let decision = DecisionRecord {
            id: format!("{i:08x}-0000-7000-8000-{i:012x}"),
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
                id: ActionId(format!("{i:08x}-0000-7000-80{place:02x}-{i:012x}")),
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
        let written =
            fixture.store.record_decision(&decision, None, actions.collect(), None, &settled, DECISION_POLICY).await;
        written.unwrap();
    };
    stream::iter(0..decisions).map(write).buffered(AT_ONCE).collect::<Vec<()>>().await;
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
