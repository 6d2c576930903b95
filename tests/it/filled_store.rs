//! A store with as many decisions as are wanted, and what they take on disk: tests and measurements share it.

use crate::{
    fixture::{Fixture, FixtureOptions},
    stores,
};
use futures_util::stream::{self, StreamExt};
use reply_router::store::prelude::*;
use reply_router::{
    engine::DECISION_POLICY,
    model::{
        Action, ActionId, ActionKind, ActionState, Attempt, AttemptOutcome, Conversation, DestinationKind, Message,
        Mode, Payload, Reason, ReasonCode, Repeat, ThreadRow, Timing,
    },
    rules::{EventInput, RuleSet, ThreadMessages, evaluate},
    store::{DecisionRecord, DecisionTrace, EventKind, SettledThread, StoredEvent},
};
use std::{collections::BTreeMap, fmt::Write as _, ops::Range, time::Duration};

/// A store for so many rules, each of which looks for a word of its own.
pub(crate) async fn with_rules(count: usize) -> Fixture {
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
/// to a store, its indexes and the thread's row included. In a file, also what each table and each index takes of it.
pub(crate) async fn bytes_per_decision(rules: usize, sized: usize) -> (u64, Vec<(String, f64)>) {
    let fixture = with_rules(rules).await;
    // What the first ones make is there once: the text of the rules, and the changes, of which the newest are kept.
    fill(&fixture, rules, 0..sized).await;
    let (before, parts_before) = (fixture.store.metrics().await.unwrap().bytes, parts(&fixture));
    fill(&fixture, rules, sized..2 * sized).await;
    let mut parts: Vec<(String, f64)> = parts(&fixture)
        .into_iter()
        .map(|(name, bytes)| {
            let grown = bytes - parts_before.get(&name).copied().unwrap_or_default();
            (name, grown as f64 / sized as f64)
        })
        .collect();
    parts.sort_by(|one, other| other.1.total_cmp(&one.1));
    ((fixture.store.metrics().await.unwrap().bytes - before) / sized as u64, parts)
}

/// The bytes of each table and each index of a file.
fn parts(fixture: &Fixture) -> BTreeMap<String, i64> {
    if stores::on_postgres() {
        return BTreeMap::new();
    }
    let file = rusqlite::Connection::open(fixture.store_path()).unwrap();
    let mut sizes = file.prepare("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").unwrap();
    let sizes = sizes.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    sizes.collect::<rusqlite::Result<_>>().unwrap()
}

/// So many decisions are written at once; they share their commits.
const AT_ONCE: usize = 256;

/// Decisions over sixty days, the last ones now: one in five matches nothing, the others a rule with a reply, a star and a
/// forward; one action in a thousand is quarantined.
pub(crate) async fn fill(fixture: &Fixture, rule_count: usize, numbers: Range<usize>) {
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
        let written = store.record_decision(&decision, Some(event), actions.collect(), None, &settled, DECISION_POLICY);
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
        row_reading: None,
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
