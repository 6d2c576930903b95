//! What becomes of the actions of one side.

use super::{
    due::{DueActions, due_of},
    order::ThreadKey,
};
use crate::{
    engine::Recorded,
    model::{Action, ActionId, ActionKind, ActionState, Reason, ReasonCode},
    store::DecisionRecord,
};
use jiff::Timestamp;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// What stays due although it came up comes up again after this.
const AGAIN: Duration = Duration::from_secs(60);

/// The actions of one side.
#[derive(Default)]
pub(super) struct FollowedActions {
    /// Actions that may come up again.
    open: HashMap<ActionId, Open>,
    open_in: HashMap<ThreadKey, Vec<ActionId>>,
    due: DueActions,
    /// Actions so far.
    count: u64,
    /// What became of events so far, by their numbers, until it is taken.
    played: HashMap<u64, Played>,
    /// How many actions of these may still become something else.
    unknown: usize,
}

/// Where an action is followed.
struct Open {
    event: u64,
    /// Its place in the decision.
    place: usize,
    order: u64,
    thread: ThreadKey,
    /// The rule, if it is a reply.
    reply_of: Option<String>,
    /// If it came up and was left as it was: as it was left, and when it comes up again.
    left: Option<(AsLeft, Timestamp)>,
}

/// What tells that nothing has happened to an action: its version, and when it is due, which others set.
type AsLeft = (i64, Option<Timestamp>);

fn as_left(action: &Action) -> AsLeft {
    (action.version, action.due_at)
}

/// What became of an event.
pub(super) struct Played {
    pub(super) record: Arc<DecisionRecord>,
    pub(super) actions: Vec<Followed>,
}

/// What became of an action.
pub(super) struct Followed {
    /// As it is now; once a person would have to approve it, as it was then.
    pub(super) action: Action,
    /// What it waited for last.
    pub(super) waited: Option<Reason>,
    /// An operator will approve it.
    is_approved_later: bool,
    is_final: bool,
}

impl FollowedActions {
    /// Follows the actions of a decision from here on.
    pub(super) fn follow(&mut self, event: u64, thread: &ThreadKey, recorded: Recorded, now: Timestamp) {
        let Recorded { record, actions } = recorded;
        let mut followed = Vec::with_capacity(actions.len());
        for (place, action) in actions.into_iter().enumerate() {
            let order = self.count;
            self.count += 1;
            if !action.state.is_settled() {
                let reply_of = (action.kind == ActionKind::Reply).then(|| action.rule.clone());
                let open = Open { event, place, order, thread: thread.clone(), reply_of, left: None };
                self.open.insert(action.id.clone(), open);
                self.open_in.entry(thread.clone()).or_default().push(action.id.clone());
                self.due.put(&action, due_of(&action, order, now), now);
            }
            let is_final = is_final(&action);
            self.unknown += usize::from(!is_final);
            let waited = waits_for(&action).cloned();
            followed.push(Followed { is_final, waited, is_approved_later: false, action });
        }
        self.played.insert(event, Played { record, actions: followed });
    }

    /// The reply of an event that is held.
    pub(super) fn held_reply(&self, event: u64) -> Option<&Action> {
        let mut actions = self.played.get(&event)?.actions.iter().map(|followed| &followed.action);
        actions.find(|action| action.kind == ActionKind::Reply && action.state == ActionState::Held)
    }

    /// An operator will approve a reply of this event: until then it is not known what becomes of it.
    pub(super) fn expect_approval(&mut self, event: u64, reply: &ActionId) {
        let actions = self.played.get_mut(&event).into_iter().flat_map(|played| &mut played.actions);
        for followed in actions.filter(|followed| followed.action.id == *reply && followed.is_final) {
            (followed.is_final, followed.is_approved_later) = (false, true);
            followed.waited = Some(Reason::new(ReasonCode::Draft, "it was approved then"));
            self.unknown += 1;
        }
    }

    /// Whether all is known of an event.
    pub(super) fn is_final(&self, event: u64) -> bool {
        self.played.get(&event).is_none_or(|played| played.actions.iter().all(|action| action.is_final))
    }

    /// What became of it; `None` if it was no event for this side.
    pub(super) fn take(&mut self, event: u64) -> Option<Played> {
        let played = self.played.remove(&event)?;
        self.unknown -= played.actions.iter().filter(|action| !action.is_final).count();
        Some(played)
    }

    /// Whether it is still open what becomes of an action that is told of.
    pub(super) fn is_any_open_told(&self) -> bool {
        self.unknown > 0
    }

    /// Nothing comes up any more: what waits is told as waiting.
    pub(super) fn end(&mut self) {
        for played in self.played.values_mut() {
            played.actions.iter_mut().for_each(|action| action.is_final = true);
        }
        self.unknown = 0;
    }

    /// When the next action comes up.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.next()
    }

    /// Takes the action that comes up next, with its time and its thread.
    pub(super) fn take_due(&mut self) -> Option<(Timestamp, ActionId, ThreadKey)> {
        let (at, id) = self.due.take()?;
        let thread = self.open.get(&id)?.thread.clone();
        Some((at, id, thread))
    }

    /// Whether it may come up again.
    pub(super) fn is_open(&self, id: &ActionId) -> bool {
        self.open.contains_key(id)
    }

    /// The actions of a thread that may come up again.
    pub(super) fn open_in(&self, thread: &ThreadKey) -> Vec<ActionId> {
        self.open_in.get(thread).cloned().unwrap_or_default()
    }

    /// Whether there are any.
    pub(super) fn has_open_in(&self, thread: &ThreadKey) -> bool {
        self.open_in.contains_key(thread)
    }

    /// The rule of a reply that has not left in the thread.
    pub(super) fn open_reply(&self, thread: &ThreadKey) -> Option<&str> {
        let mut open = self.open_in.get(thread)?.iter().filter_map(|id| self.open.get(id));
        open.find_map(|open| open.reply_of.as_deref())
    }

    /// Takes down where an action stands after it came up.
    pub(super) fn update_after_turn(&mut self, action: &Action, now: Timestamp) {
        if let Some(open) = self.open.get_mut(&action.id) {
            let before = self.played.get(&open.event).and_then(|played| played.actions.get(open.place));
            let is_left = before.is_some_and(|before| as_left(&before.action) == as_left(action));
            let again = now.saturating_add(AGAIN).unwrap_or(Timestamp::MAX);
            open.left = is_left.then(|| (as_left(action), again));
        }
        self.update(action, now);
    }

    /// Takes down where an action stands.
    pub(super) fn update(&mut self, action: &Action, now: Timestamp) {
        let id = &action.id;
        let Some(open) = self.open.get(id) else { return };
        let followed = self.played.get_mut(&open.event).and_then(|played| played.actions.get_mut(open.place));
        let mut due = due_of(action, open.order, now);
        if let (Some(due), Some((left, again))) = (&mut due, open.left)
            && left == as_left(action)
        {
            due.at = due.at.max(again);
        }
        if let Some(followed) = followed.filter(|followed| !followed.is_final) {
            if let Some(reason) = waits_for(action) {
                followed.waited = Some(reason.clone());
            }
            followed.is_final = is_final(action) && !(action.state == ActionState::Held && followed.is_approved_later);
            self.unknown -= usize::from(followed.is_final);
            followed.action = action.clone();
        }
        self.due.put(action, due, now);
        if action.state.is_settled()
            && let Some(Open { thread, .. }) = self.open.remove(id)
            && let Some(others) = self.open_in.get_mut(&thread)
        {
            others.retain(|other| other != id);
            if others.is_empty() {
                self.open_in.remove(&thread);
            }
        }
    }
}

/// Whether nothing more is told of it, unless somebody approves it.
fn is_final(action: &Action) -> bool {
    action.state.is_settled() || action.state == ActionState::Held
}

/// What it waits for, beside other actions.
fn waits_for(action: &Action) -> Option<&Reason> {
    let reason = action.reason.as_ref().filter(|_| action.state == ActionState::Waiting)?;
    (!action.waits_for_others()).then_some(reason)
}
