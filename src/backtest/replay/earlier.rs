//! What was sent before the first event: only the history of events tells of it. It counts against repeats, limits and caps
//! as it was recorded.

use super::scene::Scene;
use crate::{
    engine::DECISION_POLICY,
    model::{
        Action, ActionId, ActionKind, ActionState, Attempt, AttemptOutcome, HistoryEntry, Payload, Repeat, ThreadRow,
        Timing, Transition,
    },
    rules::words_of,
    store::{
        ActionStore as _, Claim, DecisionRecord, DecisionStore as _, DecisionTrace, EventKind, SettledThread, SqlStore,
        StoreError,
    },
};
use jiff::Timestamp;
use std::time::Duration;

/// The thread that is written with each: the threads themselves were not seen in this play.
const NO_THREAD: &str = "reply-router:earlier";

/// Writes an action of then. If it had not left, the id that it has here comes back.
pub(super) async fn record_earlier(
    store: &SqlStore,
    scene: &Scene,
    entry: &HistoryEntry,
) -> Result<Option<ActionId>, StoreError> {
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
    let open = (!has_left(entry)).then(|| action.id.clone());
    store.record_decision(&record, None, vec![action], None, &settled, DECISION_POLICY).await?;
    Ok(open)
}

/// An action that had not left when it was recorded has left by the time of this event.
pub(super) async fn record_left(
    store: &SqlStore,
    scene: &Scene,
    id: &ActionId,
    entry: &HistoryEntry,
) -> Result<(), StoreError> {
    let Some(mut action) = store.action(id).await? else { return Ok(()) };
    let sent_at = scene.time_sent(entry).unwrap_or(scene.event.time);
    action.attempts = vec![accepted(entry, sent_at)];
    action.sent_at = Some(sent_at);
    Transition::done().apply_to(&mut action, sent_at);
    store.update_action(&mut action).await
}

/// Whether it was done by the time of the event, or may have been.
pub(super) fn has_left(entry: &HistoryEntry) -> bool {
    !ActionState::OPEN.contains(&entry.state)
}

/// Its message is known among others by this.
fn accepted(entry: &HistoryEntry, at: Timestamp) -> Attempt {
    Attempt { at, outcome: AttemptOutcome::Accepted, status: None, body: words_of(entry) }
}

fn action(record: &DecisionRecord, entry: &HistoryEntry) -> Action {
    let at = entry.created_at;
    // What had not left by then takes its place all the same. A later event may tell what became of it.
    let has_left = has_left(entry);
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
        attempts: vec![accepted(entry, at)],
        due_at: None,
        sent_at: has_left.then_some(at),
        created_at: at,
        updated_at: at,
        version: 0,
    }
}
