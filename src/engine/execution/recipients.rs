//! Whom a forward is for that has waited: the rules and lists say it when it leaves, not when it was decided. An account that
//! has a new owner since is told to the new one.

use super::Executor;
use crate::engine::Workspace;
use crate::engine::threads::reevaluate::JUST_EVALUATED;
use crate::{
    model::{Action, ActionState, Payload, Reason, ReasonCode, Transition},
    rules::{Again, ThreadMessages, forward_again},
    store::StoreError,
};
use std::time::Duration;

impl Executor {
    /// The forward as it leaves; `None` if it does not, which is written then. One that was just decided is left as it is,
    /// and so is one whose event is not kept any more.
    pub(super) async fn forward_now(
        &self,
        workspace: &Workspace,
        mut action: Action,
    ) -> Result<Option<Action>, StoreError> {
        if !self.may_have_changed(&action) {
            return Ok(Some(action));
        }
        let again = match self.forward_anew(workspace, &action).await? {
            None => return Ok(Some(action)),
            Some(Ok(payload)) if payload.recipients() == action.payload.recipients() && has_content(&action) => {
                return Ok(Some(action));
            }
            Some(Ok(payload)) => Action { payload, updated_at: self.shared.now(), ..action.clone() },
            Some(Err(why)) => {
                let reason = Reason::new(ReasonCode::Template, why);
                self.shared.transition(workspace, &mut action, Transition::failed(reason)).await?;
                return Ok(None);
            }
        };
        let place = again.place();
        if self.shared.store.siblings(&action).await?.iter().any(|other| place.is_some() && other.place() == place) {
            let reason = Reason::new(ReasonCode::SameTarget, "another action has told them");
            self.shared.transition(workspace, &mut action, Transition::suppress(reason)).await?;
            return Ok(None);
        }
        action = again;
        self.shared.store.update_edited_action(&mut action).await?;
        tracing::info!(workspace = workspace.name(), action = %action.id, rule = action.rule, "addressed anew");
        Ok(Some(action))
    }

    fn may_have_changed(&self, action: &Action) -> bool {
        let age = Duration::try_from(self.shared.now().duration_since(action.created_at)).unwrap_or_default();
        let waited = matches!(action.state, ActionState::Waiting | ActionState::Retrying) || age > JUST_EVALUATED;
        waited && (!has_content(action) || !action.payload.recipients().is_empty())
    }

    /// What the rules of now make of it; `None` where that is what it is already, or cannot be told.
    async fn forward_anew(
        &self,
        workspace: &Workspace,
        action: &Action,
    ) -> Result<Option<Result<Payload, String>>, StoreError> {
        let rules = self.shared.rules();
        let Some(decision) = self.shared.store.decision(&action.decision_id).await? else { return Ok(None) };
        let Some(event) = self.shared.store.events(std::slice::from_ref(&decision.id)).await?.remove(&decision.id)
        else {
            return Ok(None);
        };
        if event.revision == rules.revision() && has_content(action) {
            return Ok(None);
        }
        let Some(earlier) = decision.trace.rules.iter().find(|trace| trace.name == action.rule) else {
            return Ok(None);
        };
        let messages = event.messages.map(|messages| ThreadMessages::with_reading(messages, event.reading));
        let again = Again {
            workspace: workspace.name(),
            row: &event.row,
            detail: event.detail.as_ref(),
            messages: messages.as_ref(),
            earlier,
            now: event.at,
        };
        Ok(forward_again(&rules, action, &again))
    }
}

/// Whether there is something to send; not where the template failed when it was decided.
fn has_content(action: &Action) -> bool {
    matches!(action.payload, Payload::Notice(_))
}
