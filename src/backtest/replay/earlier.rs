//! What was sent before the first event: only the history of events tells of it. It counts against repeats, limits and caps
//! as it was recorded.

use super::scene::Scene;
use crate::{
    engine::DECISION_POLICY,
    model::{
        Action, ActionId, ActionKind, ActionState, Attempt, AttemptOutcome, HistoryEntry, Payload, Repeat, ThreadRow,
        Timing,
    },
    rules::words_of,
    store::{Claim, DecisionRecord, DecisionStore as _, DecisionTrace, EventKind, SettledThread, SqlStore, StoreError},
};
use std::time::Duration;

/// The thread that is written with each: the threads themselves were not seen in this play.
const NO_THREAD: &str = "reply-router:earlier";

/// Writes an action of then.
pub(super) async fn record_earlier(store: &SqlStore, scene: &Scene, entry: &HistoryEntry) -> Result<(), StoreError> {
    let record = DecisionRecord {
        id: uuid::Uuid::now_v7().to_string(),
        workspace: scene.event.workspace.clone(),
        thread_id: entry.thread_id.clone(),
        message_id: entry.message_id.clone(),
        lead_email: entry.lead_email.clone(),
        at: entry.created_at,
        event: EventKind::Message,
        matched: Vec::new(),
        trace: DecisionTrace::default(),
    };
    let settled = SettledThread {
        row: ThreadRow { id: NO_THREAD.to_owned(), ..ThreadRow::default() },
        claim: Claim::default(),
        ..SettledThread::default()
    };
    let action = action(&record, entry);
    store.record_decision(&record, None, vec![action], None, &settled, DECISION_POLICY).await.map(drop)
}

fn action(record: &DecisionRecord, entry: &HistoryEntry) -> Action {
    let at = entry.created_at;
    // What had not left by then takes its place all the same. Nobody hears in this play what became of it.
    let has_left = !ActionState::OPEN.contains(&entry.state);
    let payload = match (&entry.kind, &entry.body) {
        (ActionKind::Reply, Some(body)) => {
            Payload::Reply { text: Some(body.clone()), html: None, attachments: Vec::new() }
        }
        _ => Payload::None,
    };
    Action {
        id: ActionId::new(),
        workspace: record.workspace.clone(),
        decision_id: record.id.clone(),
        thread_id: record.thread_id.clone(),
        message_id: record.message_id.clone(),
        lead_email: record.lead_email.clone(),
        rule: entry.rule.clone(),
        position: 0,
        kind: entry.kind,
        target: entry.target.clone(),
        state: if has_left { ActionState::Done } else { ActionState::Held },
        reason: None,
        payload,
        timing: Timing { after: Duration::ZERO, hours: None, repeat: Repeat::OncePerThread, limit: None },
        any_sender: false,
        any_auto_reply: false,
        approved: false,
        message_at: None,
        outgoing_before: Vec::new(),
        // Its message is known among others by this.
        attempts: vec![Attempt { at, outcome: AttemptOutcome::Accepted, status: None, body: words_of(entry) }],
        due_at: None,
        sent_at: has_left.then_some(at),
        created_at: at,
        updated_at: at,
        version: 0,
    }
}
