//! What was sent before the first event: only the history of events tells of it. It counts against repeats, limits and caps
//! as it was recorded.

use super::{order::ThreadKey, scene::Scene};
use crate::{
    engine::DECISION_POLICY,
    model::{
        Action, ActionId, ActionKind, ActionState, Attempt, AttemptOutcome, HistoryEntry, Payload, Reason, ReasonCode,
        Repeat, ThreadRow, Timing, Transition, address_of, new_decision_id,
    },
    rules::words_of,
    store::{
        ActionStore as _, Claim, DecisionRecord, DecisionStore as _, DecisionTrace, EventKind, PlayedStore,
        SettledThread, StoreError, WHOLE_HISTORY,
    },
};
use jiff::Timestamp;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

/// The thread that is written with each: the threads themselves were not seen in this play.
const NO_THREAD: &str = "reply-router:earlier";

/// The actions of before the first event, as events have told of them so far.
pub(super) struct EarlierActions {
    store: Arc<PlayedStore>,
    /// Their ids of then.
    known: HashSet<ActionId>,
    /// Those that had not left, by their ids of then.
    open: HashMap<ActionId, OpenAction>,
    /// The same by the threads and leads that they are of.
    open_by_place: HashMap<Place, Vec<ActionId>>,
}

/// A workspace with a thread or a lead: a history tells of all that was done in the one or for the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Thread(String, String),
    Lead(String, String),
}

/// An action of then that had not left.
struct OpenAction {
    /// The id that it has here.
    id: ActionId,
    rule: String,
    kind: ActionKind,
}

impl EarlierActions {
    pub(super) fn new(store: Arc<PlayedStore>) -> Self {
        Self { store, known: HashSet::new(), open: HashMap::new(), open_by_place: HashMap::new() }
    }

    /// Takes down what an event tells: actions that were not known yet, those that have left by then, and those that have
    /// been given up by then.
    pub(super) async fn learn(&mut self, scene: &Scene) -> Result<(), StoreError> {
        for entry in &scene.earlier {
            if self.known.insert(entry.action.clone()) {
                self.record(scene, entry).await?;
            } else if has_left(entry)
                && let Some(open) = self.open.remove(&entry.action)
            {
                self.record_left(scene, &open.id, entry).await?;
            }
        }
        self.cancel_given_up(scene).await
    }

    /// The rule of a reply that has not left in the thread.
    pub(super) fn open_reply(&self, (workspace, thread): &ThreadKey) -> Option<&str> {
        let ids = self.open_by_place.get(&Place::Thread(workspace.clone(), thread.clone()))?;
        let mut open = ids.iter().filter_map(|id| self.open.get(id));
        open.find(|open| open.kind == ActionKind::Reply).map(|open| open.rule.as_str())
    }

    /// Writes an action of then.
    async fn record(&mut self, scene: &Scene, entry: &HistoryEntry) -> Result<(), StoreError> {
        let record = DecisionRecord {
            id: new_decision_id(),
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
        if !has_left(entry) {
            let lead = record.lead_email.iter().map(|lead| Place::Lead(record.workspace.clone(), lead.clone()));
            for place in lead.chain([Place::Thread(record.workspace.clone(), record.thread_id.clone())]) {
                self.open_by_place.entry(place).or_default().push(entry.action.clone());
            }
            let open = OpenAction { id: action.id.clone(), rule: action.rule.clone(), kind: action.kind };
            self.open.insert(entry.action.clone(), open);
        }
        self.store.record_decision(&record, None, vec![action], None, &settled, DECISION_POLICY).await?;
        // Nobody decides it anew.
        self.store.release(&record.id);
        Ok(())
    }

    /// An action that had not left when it was recorded has left by the time of this event.
    async fn record_left(&self, scene: &Scene, id: &ActionId, entry: &HistoryEntry) -> Result<(), StoreError> {
        let Some(mut action) = self.store.action(id).await? else { return Ok(()) };
        let sent_at = scene.time_sent(entry).unwrap_or(scene.event.time);
        action.attempts = vec![accepted(entry, sent_at)];
        action.sent_at = Some(sent_at);
        Transition::done().apply_to(&mut action, sent_at);
        self.store.update_action(&mut action).await
    }

    /// Of an action that a history of its thread or its lead does not tell any more, nothing has come: it was cancelled or
    /// rejected, has expired or has failed.
    async fn cancel_given_up(&mut self, scene: &Scene) -> Result<(), StoreError> {
        let event = &scene.event;
        let Some(history) = event.history.as_ref().filter(|history| history.len() < WHOLE_HISTORY as usize) else {
            return Ok(());
        };
        let (workspace, thread) = scene.key();
        let lead = event.row.lead_email.as_deref().and_then(address_of);
        let lead = lead.map(|lead| Place::Lead(workspace.clone(), lead));
        let places = lead.into_iter().chain([Place::Thread(workspace, thread)]);
        let ids = places.filter_map(|place| self.open_by_place.get(&place)).flatten();
        let is_told = |id: &ActionId| history.iter().any(|entry| entry.action == *id);
        let given_up: Vec<ActionId> = ids.filter(|id| self.open.contains_key(*id) && !is_told(id)).cloned().collect();
        for open in given_up.iter().filter_map(|id| self.open.remove(id)).collect::<Vec<_>>() {
            let Some(mut action) = self.store.action(&open.id).await? else { continue };
            let reason = Reason::new(ReasonCode::Rejected, "it was given up");
            Transition::cancel(reason).apply_to(&mut action, event.time);
            self.store.update_action(&mut action).await?;
        }
        Ok(())
    }
}

/// Whether it was done by the time of the event, or may have been.
fn has_left(entry: &HistoryEntry) -> bool {
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
        id: ActionId::of_decision(&record.id, 0).unwrap_or_default(),
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
