//! When the actions of one side come up.
//!
//! What waits for the same limit or cap comes up one after another: while the first of them finds no place, no other one does. So
//! each place costs one look, however many wait for it.

use crate::model::{Action, ActionId, ActionKind, ActionState, ReasonCode};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// When an action comes up; at the same time replies before others, then in the order of their decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    pub(super) at: Timestamp,
    urgency: u8,
    order: u64,
}

/// Whose turn it is among those that are due at the same time.
type Turn = (u8, u64);

/// A limit or a cap that actions wait for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Cap {
    workspace: String,
    kind: ActionKind,
    /// The rule, if the limit is its own.
    rule: Option<String>,
}

/// The actions that wait for the same limit or cap, by their turns.
#[derive(Debug, Default)]
struct Queue {
    waiting: BTreeMap<Turn, (ActionId, Timestamp)>,
    /// When the first of them comes up, unless it just has.
    first: Option<Due>,
}

/// Where an action stands.
#[derive(Debug, Clone)]
enum Place {
    Listed(Due),
    InQueue(Cap, Turn),
}

/// All that comes up.
#[derive(Debug, Default)]
pub(super) struct DueActions {
    listed: BTreeSet<(Due, ActionId)>,
    queues: HashMap<Cap, Queue>,
    places: HashMap<ActionId, Place>,
}

impl DueActions {
    /// When the next action comes up.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.listed.first().map(|(due, _)| due.at)
    }

    /// Takes it.
    pub(super) fn take(&mut self) -> Option<(Timestamp, ActionId)> {
        let (due, id) = self.listed.pop_first()?;
        match self.places.get(&id) {
            // It keeps its turn until it is known what came of it.
            Some(Place::InQueue(cap, _)) => {
                if let Some(queue) = self.queues.get_mut(cap) {
                    queue.first = None;
                }
            }
            _ => drop(self.places.remove(&id)),
        }
        Some((due.at, id))
    }

    /// An action comes up then, or not at all; what it waits for says with which others it takes turns.
    pub(super) fn put(&mut self, action: &Action, due: Option<Due>, now: Timestamp) {
        let cap = due.and_then(|_| Cap::of(action));
        match self.places.remove(&action.id) {
            Some(Place::Listed(before)) => drop(self.listed.remove(&(before, action.id.clone()))),
            Some(Place::InQueue(before, turn)) => {
                self.take_out(&before, turn);
                if cap.as_ref() != Some(&before) {
                    self.list_first(&before, now);
                }
            }
            None => {}
        }
        match (due, cap) {
            (Some(due), Some(cap)) => {
                let turn = due.turn();
                let queue = self.queues.entry(cap.clone()).or_default();
                queue.waiting.insert(turn, (action.id.clone(), due.at));
                self.places.insert(action.id.clone(), Place::InQueue(cap.clone(), turn));
                self.list_first(&cap, now);
            }
            (Some(due), None) => {
                self.listed.insert((due, action.id.clone()));
                self.places.insert(action.id.clone(), Place::Listed(due));
            }
            (None, _) => {}
        }
    }

    fn take_out(&mut self, cap: &Cap, turn: Turn) {
        self.unlist(cap);
        if let Some(queue) = self.queues.get_mut(cap) {
            queue.waiting.remove(&turn);
        }
    }

    /// The first of a queue comes up when it is due, and the others do not.
    fn list_first(&mut self, cap: &Cap, now: Timestamp) {
        self.unlist(cap);
        let Some(queue) = self.queues.get_mut(cap) else { return };
        let Some((&(urgency, order), (id, at))) = queue.waiting.first_key_value() else {
            self.queues.remove(cap);
            return;
        };
        let due = Due { at: now.max(*at), urgency, order };
        self.listed.insert((due, id.clone()));
        queue.first = Some(due);
    }

    fn unlist(&mut self, cap: &Cap) {
        let Some(queue) = self.queues.get_mut(cap) else { return };
        let Some(due) = queue.first.take() else { return };
        if let Some((id, _)) = queue.waiting.get(&due.turn()) {
            self.listed.remove(&(due, id.clone()));
        }
    }
}

impl Due {
    fn turn(self) -> Turn {
        (self.urgency, self.order)
    }
}

impl Cap {
    fn of(action: &Action) -> Option<Self> {
        let reason = action.reason.as_ref().filter(|_| action.state == ActionState::Waiting)?;
        let rule = match reason.code {
            ReasonCode::HourCap => None,
            ReasonCode::Limit => Some(action.rule.clone()),
            _ => return None,
        };
        Some(Self { workspace: action.workspace.clone(), kind: action.kind, rule })
    }
}

/// When an action comes up. What waits for other actions is woken by them.
pub(super) fn due_of(action: &Action, order: u64, now: Timestamp) -> Option<Due> {
    let at = action.due_at.filter(|_| action.comes_up())?;
    (!action.waits_for_others() || at <= now).then(|| Due { at, urgency: action.urgency(), order })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Payload, Reason, Repeat, Timing};
    use std::time::Duration;

    fn at(time: &str) -> Timestamp {
        format!("2026-01-05T{time}:00Z").parse().unwrap()
    }

    fn action(state: ActionState, reason: Option<ReasonCode>, due: Option<&str>) -> Action {
        Action {
            id: ActionId::new(),
            workspace: "acme".to_owned(),
            decision_id: String::new(),
            thread_id: "t".to_owned(),
            message_id: None,
            lead_email: None,
            rule: "call".to_owned(),
            position: 0,
            kind: ActionKind::Reply,
            target: None,
            state,
            reason: reason.map(|code| Reason::new(code, "")),
            payload: Payload::None,
            timing: Timing { after: Duration::ZERO, hours: None, repeat: Repeat::OncePerThread, limit: None },
            any_sender: false,
            any_auto_reply: false,
            approved: false,
            message_at: None,
            outgoing_before: Vec::new(),
            attempts: Vec::new(),
            due_at: due.map(at),
            sent_at: None,
            created_at: at("08:00"),
            updated_at: at("08:00"),
            version: 0,
        }
    }

    #[test]
    fn what_waits_for_one_cap_comes_up_one_after_another() {
        let mut due = DueActions::default();
        let waits = |until: &str| action(ActionState::Waiting, Some(ReasonCode::HourCap), Some(until));
        let mut all = [waits("10:00"), waits("10:00"), waits("10:01")];
        let other = action(ActionState::Waiting, Some(ReasonCode::After), Some("10:00"));
        for (order, action) in (0_u64..).zip(all.iter().rev().chain([&other])) {
            let order = 10 - order;
            due.put(action, due_of(action, order, at("09:00")), at("09:00"));
        }
        // The turns are the other way round; the one that has nothing to do with the cap came last and is before them.
        assert_eq!(due.take(), Some((at("10:00"), other.id.clone())));
        assert_eq!(due.take(), Some((at("10:00"), all[0].id.clone())));
        assert_eq!(due.next(), None, "the others wait for what comes of the first one");
        all[0].state = ActionState::Done;
        due.put(&all[0], due_of(&all[0], 8, at("10:00")), at("10:00"));
        assert_eq!(due.take(), Some((at("10:00"), all[1].id.clone())));
        all[1].due_at = Some(at("10:30"));
        due.put(&all[1], due_of(&all[1], 9, at("10:00")), at("10:00"));
        assert_eq!(due.next(), Some(at("10:30")), "as long as the first one waits, so do all");
        // It is given up: the next one may go at once.
        all[1].state = ActionState::Cancelled;
        due.put(&all[1], due_of(&all[1], 9, at("10:10")), at("10:10"));
        assert_eq!(due.take(), Some((at("10:10"), all[2].id.clone())));
        all[2].state = ActionState::Done;
        due.put(&all[2], None, at("10:10"));
        assert_eq!((due.next(), due.queues.len(), due.places.len()), (None, 0, 0));
    }
}
