//! Action records.

use super::{
    PlayedStore,
    facts::{history, sent},
    records::{Records, is_of_event},
    refused,
};
use crate::{
    model::{Action, ActionId, ActionKind, OptOutScope},
    store::{
        ActionFilter, ActionStore, ActionSummary, ActionUnderControl, AtIntent, DueAction, IntentResult, Lane,
        LeadFacts, ReplyFacts, ReplyQuestion, SentFilter, SentWindow, StoreError,
    },
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::HashMap;

#[async_trait]
impl ActionStore for PlayedStore {
    async fn action(&self, id: &ActionId) -> Result<Option<Action>, StoreError> {
        Ok(self.kept().records.action(id).cloned())
    }

    async fn actions(&self, filter: &ActionFilter) -> Result<Vec<Action>, StoreError> {
        if filter.campaign.is_some() || filter.before.is_some() {
            return refused("lists of actions by campaign or by pages");
        }
        Ok(find(&self.kept().records, filter))
    }

    async fn siblings(&self, of: &Action) -> Result<Vec<Action>, StoreError> {
        let kept = self.kept();
        let in_thread = kept.records.in_thread(&of.workspace, &of.thread_id).map(|recorded| &recorded.action);
        let others = in_thread
            .filter(|other| other.id != of.id && is_of_event(other, of.message_id.as_deref(), &of.decision_id));
        Ok(others.cloned().collect())
    }

    async fn action_under_control(&self, id: &ActionId) -> Result<Option<ActionUnderControl>, StoreError> {
        let kept = self.kept();
        Ok(kept.records.action(id).map(|action| ActionUnderControl {
            is_paused: kept.switches.is_paused(&action.workspace),
            lowered: kept.switches.lowered(&action.rule),
            action: action.clone(),
        }))
    }

    async fn update_action(&self, action: &mut Action) -> Result<(), StoreError> {
        self.kept().records.update(action, false)?;
        action.version += 1;
        Ok(())
    }

    async fn recover_action(&self, action: &mut Action) -> Result<(), StoreError> {
        self.update_action(action).await
    }

    async fn update_edited_action(&self, action: &mut Action) -> Result<(), StoreError> {
        self.kept().records.update(action, true)?;
        action.version += 1;
        Ok(())
    }

    async fn write_intent(&self, action: &mut Action, opt_outs: OptOutScope) -> Result<IntentResult, StoreError> {
        let kept = &mut *self.kept();
        if kept.switches.is_paused(&action.workspace) {
            return Ok(IntentResult::Paused);
        }
        let lead = action.lead_email.as_deref().filter(|_| action.kind == ActionKind::Reply);
        if let Some(found) = lead.and_then(|lead| kept.switches.opt_out(&action.workspace, lead, opt_outs)) {
            return Ok(IntentResult::OptedOut(found.evidence.clone()));
        }
        let thread = kept.records.thread(&action.workspace, &action.thread_id);
        let is_in_line = thread.is_some_and(|thread| thread.pending.is_some());
        let foreign_use = kept.switches.foreign_use(&action.workspace).cloned();
        kept.records.update(action, false)?;
        action.version += 1;
        Ok(IntentResult::Written(AtIntent { foreign_use, is_in_line }))
    }

    async fn lead_facts(
        &self,
        workspace: &str,
        thread_id: &str,
        lead_email: Option<&str>,
        opt_outs: OptOutScope,
    ) -> Result<LeadFacts, StoreError> {
        let kept = self.kept();
        let lead = lead_email.map(str::to_lowercase);
        Ok(LeadFacts {
            history: history(&kept.records, workspace, thread_id, lead.as_deref()),
            opt_out: lead.and_then(|lead| kept.switches.opt_out(workspace, &lead, opt_outs)).cloned(),
        })
    }

    /// Nothing is removed from a play.
    async fn kept_replies(&self, _: &str, _: &str) -> Result<Vec<Action>, StoreError> {
        Ok(Vec::new())
    }

    async fn reply_facts(&self, question: &ReplyQuestion) -> Result<ReplyFacts, StoreError> {
        let kept = self.kept();
        let lead = question.lead_email.as_deref().map(str::to_lowercase);
        let (records, workspace) = (&kept.records, question.workspace.as_str());
        let all = SentFilter { kind: ActionKind::Reply, lead_email: None, rule: None };
        let count = |filter: SentFilter<'_>, window| sent(records, workspace, &filter, window);
        let opted_out = |lead: &str| kept.switches.opt_out(workspace, lead, question.opt_outs);
        Ok(ReplyFacts {
            foreign_use: kept.switches.foreign_use(workspace).cloned(),
            to_lead: match lead.as_deref() {
                Some(lead) => count(SentFilter { lead_email: Some(lead), ..all }, question.to_lead),
                None => Vec::new(),
            },
            of_workspace: question.of_workspace.map(|window| count(all, window)).unwrap_or_default(),
            by_rule: question
                .by_rule
                .map(|window| count(SentFilter { rule: Some(&question.rule), ..all }, window))
                .unwrap_or_default(),
            lead: LeadFacts {
                history: history(records, workspace, &question.thread_id, lead.as_deref()),
                opt_out: lead.as_deref().and_then(opted_out).cloned(),
            },
        })
    }

    async fn sent_since(
        &self,
        workspace: &str,
        filter: &SentFilter<'_>,
        window: SentWindow,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let lead = filter.lead_email.map(str::to_lowercase);
        let filter = SentFilter { lead_email: lead.as_deref(), ..*filter };
        Ok(sent(&self.kept().records, workspace, &filter, window))
    }

    async fn actions_by_decision(&self, _: &[String]) -> Result<HashMap<String, Vec<ActionSummary>>, StoreError> {
        refused("lists of actions by decision")
    }

    async fn due_actions(
        &self,
        _: &str,
        _: Lane,
        _: Timestamp,
        _: &[String],
        _: u32,
    ) -> Result<Vec<DueAction>, StoreError> {
        refused("what is due")
    }

    async fn next_due(&self, _: &str) -> Result<Option<Timestamp>, StoreError> {
        refused("what is due")
    }
}

/// Actions, newest first.
fn find(records: &Records, filter: &ActionFilter) -> Vec<Action> {
    let lead = filter.lead.as_deref().map(str::to_lowercase);
    let is_wanted = |action: &&Action| {
        filter.workspace.as_ref().is_none_or(|name| *name == action.workspace)
            && filter.workspaces.as_ref().is_none_or(|names| names.contains(&action.workspace))
            && (filter.states.is_empty() || filter.states.contains(&action.state))
            && filter.rule.as_ref().is_none_or(|rule| *rule == action.rule)
            && filter.thread.as_ref().is_none_or(|thread| *thread == action.thread_id)
            && lead.as_ref().is_none_or(|lead| Some(lead) == action.lead_email.as_ref())
            && filter.kind.is_none_or(|kind| kind == action.kind)
            && filter.decision.as_ref().is_none_or(|decision| *decision == action.decision_id)
    };
    let limit = filter.limit as usize;
    match (&filter.workspace, &filter.thread) {
        (Some(workspace), Some(thread)) => {
            let in_thread = records.in_thread(workspace, thread).rev().map(|recorded| &recorded.action);
            in_thread.filter(is_wanted).take(limit).cloned().collect()
        }
        _ => records.all().rev().map(|recorded| &recorded.action).filter(is_wanted).take(limit).cloned().collect(),
    }
}
