//! Threads, decisions and actions, and the ways to find them.

use super::stored;
use crate::{
    model::{Action, ActionId, ActionKind, ActionState, ReasonCode, ThreadRow, Transition},
    store::{DecisionRecord, MAX_INBOUND_SEEN, SettledThread, StoreError, StoredEvent},
};
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};

/// A workspace, and a thread or an address in it.
type Within = (String, String);

/// An action's number: they grow in the order of decisions and their actions.
pub(super) type Number = usize;

/// Everything that was recorded.
#[derive(Debug, Default)]
pub(super) struct Records {
    threads: HashMap<Within, Thread>,
    decisions: HashMap<String, Decision>,
    actions: Vec<Recorded>,
    numbers: HashMap<ActionId, Number>,
    of_lead: HashMap<Within, Vec<Number>>,
    /// When those left that count, by workspace and kind, and by the rule as well.
    sent: HashMap<(String, ActionKind), BTreeSet<(Timestamp, Number)>>,
    sent_by_rule: HashMap<(String, ActionKind, String), BTreeSet<(Timestamp, Number)>>,
}

/// What is known of a thread; one that is only named has no row.
#[derive(Debug, Default)]
pub(super) struct Thread {
    pub(super) row: Option<ThreadRow>,
    pub(super) pending: Option<ThreadRow>,
    pub(super) newest_inbound: Option<String>,
    pub(super) inbound_seen: Vec<String>,
    pub(super) last_outgoing: Vec<String>,
    pub(super) looked_at: Option<Timestamp>,
    pub(super) first_seen_at: Timestamp,
    /// Its actions in their order.
    actions: Vec<Number>,
    /// The actions that have a place, by it: each has one.
    places: HashMap<Place, Number>,
}

#[derive(Debug)]
struct Decision {
    record: DecisionRecord,
    event: Option<StoredEvent>,
    /// How many of its actions may still become something else.
    unsettled: usize,
    is_released: bool,
}

/// An action as it stands.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) action: Action,
    /// Its place in its thread.
    pub(super) place: Option<Place>,
}

/// Where a living action stands in its thread, see [`Action::place`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place([Box<str>; 4]);

impl Place {
    pub(super) fn of(action: &Action) -> Option<Self> {
        action.place().map(|parts| Self(parts.map(|part| part.into())))
    }
}

impl Records {
    pub(super) fn thread(&self, workspace: &str, thread: &str) -> Option<&Thread> {
        self.threads.get(&(workspace.to_owned(), thread.to_owned()))
    }

    pub(super) fn thread_mut(&mut self, workspace: &str, thread: &str, first_seen_at: Timestamp) -> &mut Thread {
        let new = || Thread { first_seen_at: stored(first_seen_at), ..Thread::default() };
        self.threads.entry((workspace.to_owned(), thread.to_owned())).or_insert_with(new)
    }

    /// All threads, with their workspaces and ids.
    pub(super) fn all_threads(&self) -> impl Iterator<Item = (&str, &str, &Thread)> {
        self.threads.iter().map(|((workspace, id), thread)| (workspace.as_str(), id.as_str(), thread))
    }

    pub(super) fn decision(&self, id: &str) -> Option<&DecisionRecord> {
        self.decisions.get(id).map(|decision| &decision.record)
    }

    /// What a decision was made on.
    pub(super) fn event(&self, decision: &str) -> Option<&StoredEvent> {
        self.decisions.get(decision)?.event.as_ref()
    }

    pub(super) fn action(&self, id: &ActionId) -> Option<&Action> {
        self.recorded(*self.numbers.get(id)?).map(|recorded| &recorded.action)
    }

    /// The place that an action has in its thread.
    pub(super) fn place(&self, id: &ActionId) -> Option<&Place> {
        self.recorded(*self.numbers.get(id)?)?.place.as_ref()
    }

    pub(super) fn recorded(&self, number: Number) -> Option<&Recorded> {
        self.actions.get(number)
    }

    /// All actions, in their order.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Recorded> {
        self.actions.iter()
    }

    /// The actions of a thread, in their order.
    pub(super) fn in_thread(&self, workspace: &str, thread: &str) -> impl DoubleEndedIterator<Item = &Recorded> {
        self.numbers_in_thread(workspace, thread).iter().filter_map(|number| self.actions.get(*number))
    }

    pub(super) fn numbers_in_thread(&self, workspace: &str, thread: &str) -> &[Number] {
        self.thread(workspace, thread).map(|thread| thread.actions.as_slice()).unwrap_or_default()
    }

    /// The actions for a lead, whose address is in lower case, in their order.
    pub(super) fn numbers_of_lead(&self, workspace: &str, lead: &str) -> &[Number] {
        self.of_lead.get(&(workspace.to_owned(), lead.to_owned())).map(Vec::as_slice).unwrap_or_default()
    }

    /// When those actions of a workspace left that count, newest first.
    pub(super) fn sent<'a>(
        &'a self,
        workspace: &str,
        kind: ActionKind,
        rule: Option<&str>,
    ) -> impl Iterator<Item = Timestamp> + use<'a> {
        let found = match rule {
            Some(rule) => self.sent_by_rule.get(&(workspace.to_owned(), kind, rule.to_owned())),
            None => self.sent.get(&(workspace.to_owned(), kind)),
        };
        found.into_iter().flat_map(|times| times.iter().rev().map(|(at, _)| *at))
    }

    /// Makes due, of some actions, what a resumption ends: what was held for another service, and what waits.
    pub(super) fn resume(&mut self, is_resumed: impl Fn(&Action) -> bool, now: Timestamp) -> Result<(), StoreError> {
        let mut released = Vec::new();
        for Recorded { action, .. } in self.actions.iter_mut().filter(|recorded| is_resumed(&recorded.action)) {
            match (action.state, action.reason.as_ref().map(|reason| reason.code)) {
                (ActionState::Held, Some(ReasonCode::ForeignUse)) => released.push(action.clone()),
                (ActionState::Waiting | ActionState::Retrying, Some(ReasonCode::Paused | ReasonCode::Unauthorized)) => {
                    action.due_at = Some(stored(now))
                }
                _ => {}
            }
        }
        for mut action in released {
            Transition::planned(now).apply_to(&mut action, now);
            self.update(&action, false)?;
        }
        Ok(())
    }

    /// Whether a thread may be settled: not if its person was erased since it was taken from the line.
    pub(super) fn may_settle(&self, workspace: &str, settled: &SettledThread) -> bool {
        let is_erased = |thread: &Thread| thread.row.as_ref().is_some_and(ThreadRow::is_erased);
        let known = self.thread(workspace, &settled.row.id);
        !settled.was_in_line || known.is_none_or(|thread| thread.pending.is_some() || !is_erased(thread))
    }

    /// Takes a row out of the line, and notes what was read of its thread. The row of an erased person stays so if
    /// `keep_erased` says so.
    pub(super) fn settle(&mut self, workspace: &str, settled: &SettledThread, keep_erased: bool, now: Timestamp) {
        let thread = self.thread_mut(workspace, &settled.row.id, now);
        let row = settled.row.clone();
        let was_erased = thread.row.as_ref().is_some_and(ThreadRow::is_erased);
        thread.row = Some(if keep_erased && was_erased { row.erased() } else { row });
        if settled.newest_inbound.is_some() {
            thread.newest_inbound.clone_from(&settled.newest_inbound);
        }
        if !settled.inbound.is_empty() {
            let newest = settled.inbound.len().saturating_sub(MAX_INBOUND_SEEN);
            thread.inbound_seen = settled.inbound.iter().skip(newest).cloned().collect();
        }
        if !settled.last_outgoing.is_empty() {
            thread.last_outgoing.clone_from(&settled.last_outgoing);
        }
        thread.looked_at = settled.looked_at.map(stored);
        if thread.pending.as_ref() == Some(&settled.row) {
            thread.pending = None;
        }
    }

    /// Whether a decision has this id already.
    pub(super) fn has_decision(&self, id: &str) -> bool {
        self.decisions.contains_key(id)
    }

    pub(super) fn add_decision(&mut self, mut record: DecisionRecord, event: Option<StoredEvent>) {
        record.at = stored(record.at);
        let id = record.id.clone();
        self.decisions.insert(id, Decision { record, event, unsettled: 0, is_released: false });
    }

    /// Writes a new action of a decision.
    pub(super) fn add_action(&mut self, of: &DecisionRecord, new: &Action) {
        let (number, place) = (self.actions.len(), Place::of(new));
        let mut action = Action {
            workspace: of.workspace.clone(),
            decision_id: of.id.clone(),
            thread_id: of.thread_id.clone(),
            message_id: of.message_id.clone(),
            lead_email: of.lead_email.clone(),
            created_at: stored(of.at),
            ..new.clone()
        };
        as_stored(&mut action);
        let thread = self.thread_mut(&of.workspace, &of.thread_id, of.at);
        thread.actions.push(number);
        if let Some(place) = &place {
            thread.places.insert(place.clone(), number);
        }
        if let Some(lead) = &of.lead_email {
            self.of_lead.entry((of.workspace.clone(), lead.clone())).or_default().push(number);
        }
        if !action.state.is_settled()
            && let Some(decision) = self.decisions.get_mut(&of.id)
        {
            decision.unsettled += 1;
        }
        self.numbers.insert(action.id.clone(), number);
        self.actions.push(Recorded { action, place });
        self.note_sent(number, true);
    }

    /// The action that has a place in a thread.
    pub(super) fn has_place(&self, workspace: &str, thread: &str, place: &Place) -> bool {
        self.thread(workspace, thread).is_some_and(|thread| thread.places.contains_key(place))
    }

    /// Writes a changed action, with what it sends if that was edited.
    pub(super) fn update(&mut self, changed: &Action, is_edited: bool) -> Result<(), StoreError> {
        let gone = || StoreError::Changed(changed.id.clone());
        let number = *self.numbers.get(&changed.id).ok_or_else(gone)?;
        let before = self.actions.get(number).filter(|before| before.action.version == changed.version);
        let before = before.ok_or_else(gone)?;
        let mut next = Action {
            state: changed.state,
            reason: changed.reason.clone(),
            due_at: changed.due_at,
            sent_at: changed.sent_at,
            updated_at: changed.updated_at,
            message_at: changed.message_at,
            approved: changed.approved,
            outgoing_before: changed.outgoing_before.clone(),
            attempts: changed.attempts.clone(),
            version: changed.version + 1,
            ..before.action.clone()
        };
        if is_edited {
            next.payload.clone_from(&changed.payload);
            next.timing.clone_from(&changed.timing);
            (next.any_sender, next.any_auto_reply) = (changed.any_sender, changed.any_auto_reply);
        }
        as_stored(&mut next);
        let place = Place::of(changed);
        let was_settled = before.action.state.is_settled();
        let thread = self.threads.get_mut(&(next.workspace.clone(), next.thread_id.clone())).ok_or_else(gone)?;
        if place != before.place {
            if place.as_ref().is_some_and(|place| thread.places.contains_key(place)) {
                return Err(StoreError::Duplicate);
            }
            if let Some(before) = &before.place {
                thread.places.remove(before);
            }
            if let Some(place) = &place {
                thread.places.insert(place.clone(), number);
            }
        }
        self.note_sent(number, false);
        let decision_id = next.decision_id.clone();
        let is_settled = next.state.is_settled();
        if let Some(slot) = self.actions.get_mut(number) {
            *slot = Recorded { action: next, place };
        }
        self.note_sent(number, true);
        if is_settled && changed.kind != ActionKind::MarkRead {
            self.wake_waiting(changed);
        }
        if let Some(decision) = self.decisions.get_mut(&decision_id) {
            match (was_settled, is_settled) {
                (false, true) => decision.unsettled = decision.unsettled.saturating_sub(1),
                (true, false) => decision.unsettled += 1,
                _ => {}
            }
            self.drop_released(&decision_id);
        }
        Ok(())
    }

    /// All is told that has become of a decision.
    pub(super) fn release(&mut self, decision: &str) {
        if let Some(found) = self.decisions.get_mut(decision) {
            found.is_released = true;
            self.drop_released(decision);
        }
    }

    fn drop_released(&mut self, decision: &str) {
        if self.decisions.get(decision).is_some_and(|found| found.is_released && found.unsettled == 0) {
            self.decisions.remove(decision);
        }
    }

    /// An action of the thread that waits for the message's other actions becomes due.
    fn wake_waiting(&mut self, settled: &Action) {
        let Some(thread) = self.threads.get(&(settled.workspace.clone(), settled.thread_id.clone())) else { return };
        let actions = &mut self.actions;
        for number in &thread.actions {
            let Some(Recorded { action, .. }) = actions.get_mut(*number) else { continue };
            let waits = action.state == ActionState::Waiting
                && action.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::OtherActions);
            if waits && is_of_event(action, settled.message_id.as_deref(), &settled.decision_id) {
                action.due_at = Some(stored(settled.updated_at));
            }
        }
    }

    /// Counts an action among those that have left, or no more.
    fn note_sent(&mut self, number: Number, counts: bool) {
        let Some(Recorded { action, place: Some(_) }) = self.actions.get(number) else { return };
        let Some(at) = action.sent_at else { return };
        let key = (action.workspace.clone(), action.kind);
        let by_rule = (action.workspace.clone(), action.kind, action.rule.clone());
        for times in [self.sent.entry(key).or_default(), self.sent_by_rule.entry(by_rule).or_default()] {
            if counts {
                times.insert((at, number));
            } else {
                times.remove(&(at, number));
            }
        }
    }
}

/// Whether an action is of this message, or of this decision where the messages were not read.
pub(super) fn is_of_event(action: &Action, message: Option<&str>, decision: &str) -> bool {
    match action.message_id.as_deref() {
        Some(own) => Some(own) == message,
        None => action.decision_id == decision,
    }
}

/// What is kept of its times.
fn as_stored(action: &mut Action) {
    action.due_at = action.due_at.filter(|_| action.comes_up()).map(stored);
    action.sent_at = action.sent_at.map(stored);
    action.message_at = action.message_at.map(stored);
    action.updated_at = stored(action.updated_at);
    for attempt in &mut action.attempts {
        attempt.at = stored(attempt.at);
    }
}
