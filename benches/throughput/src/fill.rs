//! A store with a past, written through the store's own methods.

use jiff::Timestamp;
use reply_router::{
    engine::DECISION_POLICY,
    model::{
        Action, ActionId, ActionKind, ActionState, Attempt, Conversation, DestinationKind, Message, Mode, Payload,
        Repeat, ThreadRow, Timing,
    },
    store::{DecisionRecord, DecisionTrace, EventKind, SettledThread, SqlStore, StoredEvent, prelude::*},
};
use std::{path::Path, sync::Arc, time::Duration};

/// Transactions under way at once: the store may write them together.
const AT_ONCE: usize = 64;
/// Each past event had a reply, a star, a mark and a forward.
pub(crate) const ACTIONS: usize = 4;
/// The rules that they were decided by.
const REVISION: &str = "of the past";

fn row(number: usize, at: Timestamp) -> ThreadRow {
    ThreadRow {
        id: format!("{number:08x}-0000-4000-8000-{number:012x}"),
        lead_id: Some(format!("{number:08x}-0000-4000-9000-{number:012x}")),
        inbox_id: Some("1b0c0000-0000-4000-8000-000000000001".to_owned()),
        lead_email: Some(format!("past{number}@old{}.example", number % 997)),
        lead_name: Some(format!("Past{number} Doe")),
        campaign_name: Some(format!("Campaign {}", number % 12)),
        subject: Some("Re: Quick question".to_owned()),
        preview: Some(format!("Hi Sam, sounds good, number {number}. Can we have a call on Tuesday?")),
        last_message_at: Some(at),
        is_read: Some(true),
        is_starred: Some(true),
        reply_count: Some(1),
        category: Some("interested".to_owned()),
    }
}

/// Threads that are known and were never acted on.
pub(crate) async fn fill_threads(path: &Path, threads: usize) {
    let store = SqlStore::open(path).await.unwrap();
    let now = Timestamp::now();
    for first in (0..threads).step_by(1_000) {
        let rows: Vec<_> =
            (first..threads.min(first + 1_000)).map(|number| row(number, past(now, number, threads))).collect();
        store.record_baseline("acme", &rows, Some(now), now).await.unwrap();
    }
    store.close().await;
}

/// Decided events of the last thirty days, whose actions are done.
pub(crate) async fn fill_actions(path: &Path, actions: usize) {
    let store = Arc::new(SqlStore::open(path).await.unwrap());
    let (now, events) = (Timestamp::now(), actions / ACTIONS);
    store.keep_rules(REVISION, "{}").await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..events {
        if tasks.len() >= AT_ONCE {
            tasks.join_next().await.unwrap().unwrap();
        }
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let (decision, event, actions, settled) = event(number, past(now, number, events));
            store.record_decision(&decision, Some(event), actions, None, &settled, DECISION_POLICY).await.unwrap();
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    store.close().await;
}

/// Thirty days ago for the first one, three hours ago for the last one.
fn past(now: Timestamp, number: usize, count: usize) -> Timestamp {
    let span = 30 * 86_400 - 3 * 3_600;
    let age = 3 * 3_600 + span * (count - number) as u64 / count.max(1) as u64;
    now.checked_sub(Duration::from_secs(age)).unwrap()
}

fn event(number: usize, at: Timestamp) -> (DecisionRecord, StoredEvent, Vec<Action>, SettledThread) {
    let row = row(number, at);
    let (id, message) = (uuid_at(at, number), format!("{number:08x}-0000-4000-a000-{number:012x}"));
    let decision = DecisionRecord {
        id: id.clone(),
        workspace: "acme".to_owned(),
        thread_id: row.id.clone(),
        message_id: Some(message.clone()),
        lead_email: row.lead_email.clone(),
        at,
        event: EventKind::Message,
        matched: vec!["book-a-call".to_owned()],
        trace: DecisionTrace {
            body: Some(format!("Hi Sam,\n\nsounds good, number {number}. Can we have a call on Tuesday?")),
            subject: row.subject.clone(),
            campaign: row.campaign_name.clone(),
            category: row.category.clone(),
            lead_name: row.lead_name.clone(),
            message_at: Some(at),
            ..DecisionTrace::default()
        },
    };
    let inbound = Message {
        id: message.clone(),
        from: row.lead_email.clone(),
        subject: row.subject.clone(),
        text: decision.trace.body.clone(),
        created_at: Some(at),
        ..Message::default()
    };
    let event = StoredEvent {
        revision: REVISION.to_owned(),
        at,
        workspace: decision.workspace.clone(),
        ceiling: Mode::Live,
        row: row.clone(),
        messages: Some(Conversation::new(vec![inbound])),
        history: Some(Vec::new()),
        lead_opted_out: Some(false),
        hold_uncertain: true,
        ..StoredEvent::default()
    };
    let text = "Hi, here is my calendar: https://cal.example/sam".to_owned();
    let kinds = [
        (ActionKind::Reply, None, Payload::Reply { text: Some(text), html: None, attachments: Vec::new() }),
        (ActionKind::Star, None, Payload::None),
        (ActionKind::MarkRead, None, Payload::None),
        (ActionKind::Forward(DestinationKind::Slack), Some("sales"), Payload::None),
    ];
    let actions = kinds.into_iter().enumerate().map(|(position, (kind, target, payload))| Action {
        id: ActionId(uuid_at(at, number * ACTIONS + position)),
        workspace: "acme".to_owned(),
        decision_id: id.clone(),
        thread_id: row.id.clone(),
        message_id: Some(message.clone()),
        lead_email: row.lead_email.clone(),
        rule: "book-a-call".to_owned(),
        position: position as u32,
        kind,
        target: target.map(str::to_owned),
        state: ActionState::Done,
        reason: None,
        payload,
        timing: Timing { after: Duration::ZERO, hours: None, repeat: Repeat::OncePerThread, limit: None },
        any_sender: false,
        any_auto_reply: false,
        approved: false,
        message_at: Some(at),
        outgoing_before: Vec::new(),
        attempts: Vec::<Attempt>::new(),
        due_at: None,
        sent_at: Some(at),
        created_at: at,
        updated_at: at,
        version: 4,
    });
    let settled = SettledThread {
        newest_inbound: Some(message.clone()),
        inbound: vec![message.clone()],
        looked_at: Some(at),
        row: row.clone(),
        ..SettledThread::default()
    };
    (decision, event, actions.collect(), settled)
}

/// A UUID version 7 of that time.
fn uuid_at(at: Timestamp, number: usize) -> String {
    let milliseconds = at.as_millisecond().unsigned_abs() & 0xffff_ffff_ffff;
    let (high, low) = (milliseconds >> 16, milliseconds & 0xffff);
    format!("{high:08x}-{low:04x}-7000-8000-{number:012x}")
}
