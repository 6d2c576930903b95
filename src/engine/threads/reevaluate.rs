//! What waited is evaluated again when it is due: does the rule still match what is known now?

use super::newest_row;
use crate::engine::shared::Shared;
use crate::engine::{Workspace, execution::guard::Verdict};
use crate::{
    model::{Action, ActionKind, ActionState, Conversation, Message, Reason, ReasonCode, ThreadDetail, ThreadRow},
    rules::{Again, ThreadMessages, lists_changed, still_matches},
    store::{DecisionRecord, EventValues, StoreError},
};
use jiff::Timestamp;
use std::time::Duration;

/// An action that is due within this time after its decision was just evaluated.
pub(in crate::engine) const JUST_EVALUATED: Duration = Duration::from_secs(10);

/// Whether an action waited since it was evaluated.
pub(in crate::engine) fn has_waited(action: &Action, now: Timestamp) -> bool {
    let age = Duration::try_from(now.duration_since(action.created_at)).unwrap_or_default();
    let waited = matches!(action.state, ActionState::Waiting | ActionState::Retrying) || age > JUST_EVALUATED;
    waited && !action.approved
}

impl Shared {
    /// Cancels an action if its rule no longer matches. `messages` are those of the last check, if there is one.
    pub(in crate::engine) async fn no_longer_matches(
        &self,
        workspace: &Workspace,
        action: &Action,
        messages: Option<&ThreadMessages>,
    ) -> Result<Option<Verdict>, StoreError> {
        let rules = self.rules();
        let rules = rules.of_workspace(workspace.name());
        let Some(rule) = rules.rule(&action.rule) else { return Ok(None) };
        let Some(decision) = self.store.decision(&action.decision_id).await? else { return Ok(None) };
        let Some(event) = self.event_of(&decision).await? else { return Ok(None) };
        let Some(earlier) = decision.trace.rules.iter().find(|trace| trace.name == action.rule) else {
            return Ok(None);
        };
        let now = newest_row(&*self.store, workspace.name(), &action.thread_id).await?;
        let row = now.as_ref().map_or_else(|| event.row.clone(), |now| mixed(&event.row, now));
        let detail = event.detail.as_ref().map(|detail| ThreadDetail { row: row.clone(), ..detail.clone() });
        let some = messages.and_then(|messages| some_at_the_event(&event, messages));
        let again = Again {
            workspace: workspace.name(),
            row: &row,
            detail: detail.as_ref(),
            messages: some.as_ref().or(messages),
            earlier,
            // Time alone changes nothing: `age` and `now` are those of the event.
            now: decision.at,
        };
        if still_matches(rules, rule, &again) {
            return Ok(None);
        }
        let mut text = format!("the rule `{}` no longer matches", action.rule);
        let Some(why) = lists_changed(rules, rule, &again) else {
            return Ok(Some(Verdict::Cancel(Reason::new(ReasonCode::RuleNoLongerMatches, text))));
        };
        text = format!("{text}: {why}");
        let reason = Reason::new(ReasonCode::RuleNoLongerMatches, text);
        // A reply that is cancelled is left for people. A forward would be missed by nobody, and nothing about the lead has
        // changed: whoever changed the list may not have meant it.
        Ok(Some(if matches!(action.kind, ActionKind::Forward(_)) {
            Verdict::Fail(reason)
        } else {
            Verdict::Cancel(reason)
        }))
    }
}

impl Shared {
    /// What a decision was made on, beside the texts of the messages. Those of earlier versions hold it themselves.
    async fn event_of(&self, decision: &DecisionRecord) -> Result<Option<EventValues>, StoreError> {
        if let Some(event) = &decision.trace.event {
            return Ok(Some(EventValues::clone(event)));
        }
        let event = self.store.events(std::slice::from_ref(&decision.id)).await?.remove(&decision.id);
        Ok(event.map(|event| EventValues {
            message_ids: event
                .messages
                .iter()
                .flat_map(Conversation::messages)
                .map(|message| message.id.clone())
                .collect(),
            row: event.row,
            detail: event.detail,
        }))
    }
}

/// The event's row with what people and ColdSend may have changed since: category, campaign, the lead.
fn mixed(event: &ThreadRow, now: &ThreadRow) -> ThreadRow {
    let or = |now: &Option<String>, event: &Option<String>| now.clone().or_else(|| event.clone());
    ThreadRow {
        category: now.category.clone(),
        campaign_name: or(&now.campaign_name, &event.campaign_name),
        lead_id: or(&now.lead_id, &event.lead_id),
        lead_email: or(&now.lead_email, &event.lead_email),
        lead_name: or(&now.lead_name, &event.lead_name),
        subject: or(&now.subject, &event.subject),
        ..event.clone()
    }
}

/// The messages that were there at the event, as they read now: what came since, such as our own, changes no count. `None`
/// if all were there.
fn some_at_the_event(event: &EventValues, messages: &ThreadMessages) -> Option<ThreadMessages> {
    let all = messages.conversation().messages();
    let there: Vec<&Message> = all.iter().filter(|message| event.message_ids.contains(&message.id)).collect();
    let has_more = there.len() < all.len();
    has_more.then(|| ThreadMessages::new(Conversation::new(there.into_iter().cloned().collect())))
}
