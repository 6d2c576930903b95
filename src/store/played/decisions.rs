//! Decisions with their actions, and the events that they were made on.

use super::{
    PlayedStore,
    records::{Place, Records},
    refused, stored,
};
use crate::{
    model::{Action, ReasonCode},
    store::{
        Claim, DecisionFilter, DecisionPolicy, DecisionRecord, DecisionStore, EventFilter, EventPage, EventPlace,
        EventStore, OptOut, ReadLater, RecordedDecision, SettledThread, StoreError, StoredEvent, ThreadOwner,
    },
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};

#[async_trait]
impl DecisionStore for PlayedStore {
    async fn record_decision(
        &self,
        decision: &DecisionRecord,
        event: Option<StoredEvent>,
        actions: Vec<Action>,
        opt_out: Option<&OptOut>,
        settled: &SettledThread,
        policy: DecisionPolicy,
    ) -> Result<RecordedDecision, StoreError> {
        let kept = &mut *self.kept();
        let records = &mut kept.records;
        if !records.may_settle(&decision.workspace, settled) {
            return Err(StoreError::Forgotten);
        }
        if records.has_decision(&decision.id) {
            return Err(StoreError::Duplicate);
        }
        let first_seen_at = records.first_seen_at(decision, settled);
        let owner = records.owner(decision, &settled.claim, first_seen_at);
        let cancelled = records.changed_older(decision, policy);
        // All that may be refused is found before anything is written.
        let mut taken = Taken { records, decision, freed: HashSet::new(), added: HashSet::new() };
        for action in &cancelled {
            taken.change(action);
        }
        let mut new = Vec::with_capacity(actions.len());
        for mut action in actions {
            if let Some(owner) = &owner
                && let Some(next) = (policy.on_owned)(&action, owner, settled.claim.expiry)
            {
                let now = action.updated_at;
                next.apply_to(&mut action, now);
            }
            if !taken.add(&action) {
                // A living action has its place: from an earlier event of the message, or from a rule that has since been
                // renamed.
                let now = action.updated_at;
                (policy.on_place_taken)(&action).apply_to(&mut action, now);
                if !taken.add(&action) {
                    return Err(StoreError::Duplicate);
                }
            }
            new.push(action);
        }
        records.settle(&decision.workspace, settled, false, decision.at);
        // A thread that is not settled is named at least.
        records.thread_mut(&decision.workspace, &decision.thread_id, decision.at);
        records.add_decision(decision.clone(), event);
        let mut written = RecordedDecision { actions: new, cancelled };
        for action in &mut written.cancelled {
            records.update(action, false)?;
            action.version += 1;
        }
        for action in &written.actions {
            records.add_action(decision, action);
        }
        if let Some(opt_out) = opt_out {
            kept.switches.add_opt_out(opt_out);
        }
        Ok(written)
    }

    async fn decision(&self, id: &str) -> Result<Option<DecisionRecord>, StoreError> {
        Ok(self.kept().records.decision(id).cloned())
    }

    async fn decisions(&self, _: &DecisionFilter) -> Result<Vec<DecisionRecord>, StoreError> {
        refused("lists of decisions")
    }

    async fn left_for_people(
        &self,
        _: Timestamp,
        _: Option<&[String]>,
        _: Option<&str>,
        _: u32,
    ) -> Result<Vec<DecisionRecord>, StoreError> {
        refused("lists of decisions")
    }

    async fn left_count(&self, _: Timestamp, _: Option<&[String]>) -> Result<u64, StoreError> {
        refused("lists of decisions")
    }
}

#[async_trait]
impl EventStore for PlayedStore {
    async fn keep_rules(&self, revision: &str, sources: &str) -> Result<(), StoreError> {
        self.kept().rules.entry(revision.to_owned()).or_insert_with(|| sources.to_owned());
        Ok(())
    }

    async fn kept_rules(&self, revision: &str) -> Result<Option<String>, StoreError> {
        Ok(self.kept().rules.get(revision).cloned())
    }

    async fn events(&self, decisions: &[String]) -> Result<HashMap<String, StoredEvent>, StoreError> {
        let kept = self.kept();
        let found = decisions.iter().filter_map(|id| Some((id.clone(), kept.records.event(id)?.clone())));
        Ok(found.collect())
    }

    async fn events_after(&self, _: &EventFilter, _: Option<EventPlace>, _: u32) -> Result<EventPage, StoreError> {
        refused("lists of events")
    }

    async fn add_to_event(&self, _: &str, _: ReadLater) -> Result<bool, StoreError> {
        refused("what is read of an event later")
    }

    async fn newest_revision(&self) -> Result<Option<String>, StoreError> {
        refused("the newest rules")
    }
}

/// The places in a thread that a decision would take and set free.
struct Taken<'a> {
    records: &'a Records,
    decision: &'a DecisionRecord,
    freed: HashSet<Place>,
    added: HashSet<Place>,
}

impl Taken<'_> {
    /// An older action changes.
    fn change(&mut self, action: &Action) {
        let (before, after) = (self.records.place(&action.id), Place::of(action));
        if before != after.as_ref() {
            self.freed.extend(before.cloned());
        }
    }

    /// A new action; whether its place is free, if it has one.
    fn add(&mut self, action: &Action) -> bool {
        let Some(place) = Place::of(action) else { return true };
        let (workspace, thread) = (&self.decision.workspace, &self.decision.thread_id);
        let is_taken = self.records.has_place(workspace, thread, &place) && !self.freed.contains(&place);
        !is_taken && self.added.insert(place)
    }
}

impl Records {
    /// Since when the decision's thread is known, once it is written.
    fn first_seen_at(&self, decision: &DecisionRecord, settled: &SettledThread) -> Timestamp {
        let thread = self.thread(&decision.workspace, &decision.thread_id);
        let is_known = thread.is_some_and(|thread| thread.is_known()) || settled.row.id == decision.thread_id;
        thread.filter(|_| is_known).map_or(decision.at, |thread| thread.first_seen_at)
    }

    /// A newer message has come: what becomes of actions that still wait because of an older one.
    fn changed_older(&self, decision: &DecisionRecord, policy: DecisionPolicy) -> Vec<Action> {
        let Some(message) = &decision.message_id else { return Vec::new() };
        let waits = |action: &&Action| {
            !action.state.is_settled() && action.message_id.as_ref().is_some_and(|older| older != message)
        };
        let in_thread = self.in_thread(&decision.workspace, &decision.thread_id).map(|recorded| &recorded.action);
        let changed = in_thread.filter(waits).filter_map(|action| {
            let next = (policy.on_newer_message)(action)?;
            let mut action = action.clone();
            next.apply_to(&mut action, decision.at);
            Some(action)
        });
        changed.collect()
    }

    /// Every workspace that has one of these threads.
    pub(super) fn owners(&self, ids: &[String]) -> Vec<ThreadOwner> {
        let mut owners = Vec::new();
        for (workspace, id, thread) in self.all_threads() {
            if thread.is_known() && ids.iter().any(|wanted| wanted == id) {
                owners.push(ThreadOwner {
                    workspace: workspace.to_owned(),
                    thread_id: id.to_owned(),
                    lead_email: thread.lead_email(),
                    first_seen_at: thread.first_seen_at,
                });
            }
        }
        owners
    }

    /// The other workspace that owns the decision's thread: it has acted on the same message, or saw the thread first.
    fn owner(&self, decision: &DecisionRecord, claim: &Claim, first_seen_at: Timestamp) -> Option<String> {
        let mut first = (stored(first_seen_at), &decision.workspace);
        let mut owner = None;
        for rival in &claim.rivals {
            // Ids of different accounts may be the same by accident; then the leads differ.
            let thread = self.thread(rival, &decision.thread_id).filter(|thread| thread.is_known());
            let Some(thread) = thread.filter(|thread| thread.lead_email() == decision.lead_email) else { continue };
            let is_same_message = |action: &Action| match (&action.message_id, &decision.message_id) {
                (Some(theirs), Some(ours)) => theirs == ours,
                _ => true,
            };
            let has_acted = self.in_thread(rival, &decision.thread_id).any(|recorded| {
                let reason = recorded.action.reason.as_ref().map(|reason| reason.code);
                recorded.place.is_some() && reason != Some(ReasonCode::ForeignUse) && is_same_message(&recorded.action)
            });
            if has_acted {
                return Some(rival.clone());
            }
            if (thread.first_seen_at, rival) < first {
                first = (thread.first_seen_at, rival);
                owner = Some(rival.clone());
            }
        }
        owner
    }
}
