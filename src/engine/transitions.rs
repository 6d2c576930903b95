//! Every change of an action's state: written first, then logged, counted, published and, where you are needed,
//! alerted.
//!
//! Nothing else in the engine writes an action. A new decision's actions are written with it, in one transaction.

use super::{Workspace, failpoint::mutated, status::EngineEventKind};
use crate::engine::shared::Shared;
use crate::{
    model::{Action, ActionState, ReasonCode, Transition},
    store::{AtIntent, IntentResult, StoreError},
};
use std::sync::Arc;

impl Shared {
    /// Writes an action's change and tells whoever listens.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if somebody else changed the action first: then nothing is written.
    pub(in crate::engine) async fn transition(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        transition: Transition,
    ) -> Result<(), StoreError> {
        self.write(action, transition).await?;
        self.publish_action(workspace, action);
        self.wake_if_resumed(workspace, action).await
    }

    /// Resuming wakes what waits. A resume between the look at the pause and the write of what waits found nothing to wake:
    /// so look once more, now that it can be woken.
    pub(in crate::engine) async fn wake_if_resumed(
        &self,
        workspace: &Workspace,
        action: &mut Action,
    ) -> Result<(), StoreError> {
        if let Some(reason) = waits_for_resume(action).cloned()
            && !self.is_paused(workspace.name()).await?
        {
            self.write(action, Transition::wait_until(self.now(), reason)).await?;
        }
        Ok(())
    }

    /// As [`Shared::transition`], for an action that a process which is gone left in flight.
    ///
    /// # Errors
    /// [`StoreError::NotHeld`] if another process has taken the workspace over: it may have the action in flight itself.
    pub(in crate::engine) async fn transition_recovered(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        transition: Transition,
    ) -> Result<(), StoreError> {
        transition.apply_to(action, self.now());
        self.store.recover_action(action).await?;
        self.publish_action(workspace, action);
        Ok(())
    }

    /// As [`Shared::transition`], for an action that a person decided on, and may have edited.
    pub(in crate::engine) async fn transition_decided(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        transition: Transition,
    ) -> Result<(), StoreError> {
        transition.apply_to(action, self.now());
        self.store.update_edited_action(action).await?;
        self.publish_action(workspace, action);
        Ok(())
    }

    /// Writes that an action is about to leave, unless a pause or an opt-out on disk forbids it: then the action stays
    /// as it was.
    pub(in crate::engine) async fn write_intent(
        &self,
        workspace: &Workspace,
        action: &mut Action,
    ) -> Result<IntentResult, StoreError> {
        let mut intent = action.clone();
        Transition::in_flight().apply_to(&mut intent, self.now());
        intent.sent_at = Some(intent.updated_at);
        let result = if mutated!(self, LateIntent | IgnorePause | SkipStoreCheck) {
            if !mutated!(self, LateIntent) {
                self.store.update_action(&mut intent).await?;
            }
            IntentResult::Written(AtIntent::default())
        } else {
            self.store.write_intent(&mut intent, workspace.safety().opt_outs).await?
        };
        if let IntentResult::Written(_) = result {
            *action = intent;
            self.publish_action(workspace, action);
        }
        Ok(result)
    }

    /// Tells of an action that was written with its decision.
    pub(in crate::engine) fn publish_planned(&self, workspace: &Workspace, action: &Action) {
        self.alerts.alert_failed(workspace, action);
        let what = || EngineEventKind::Action(Arc::new(action.clone()));
        self.status.publish(action.updated_at, workspace.name(), what);
    }

    /// Writes an action's change, and tells nobody.
    pub(in crate::engine) async fn write(&self, action: &mut Action, transition: Transition) -> Result<(), StoreError> {
        transition.apply_to(action, self.now());
        self.store.update_action(action).await
    }

    /// Tells of an action's change that is written.
    pub(in crate::engine) fn publish_action(&self, workspace: &Workspace, action: &Action) {
        tracing::info!(
            workspace = workspace.name(),
            thread = action.thread_id,
            action = %action.id,
            kind = %action.kind,
            rule = action.rule,
            state = %action.state,
            reason = action.reason.as_ref().map(|reason| reason.code.as_str()),
            body = action.attempts.last().and_then(|attempt| attempt.body.as_deref()),
            "action"
        );
        workspace.metrics.record_action(action);
        if action.state == ActionState::Quarantined {
            self.alerts.alert_quarantined(workspace, action);
        }
        self.publish_planned(workspace, action);
    }
}

/// Why the action has no due date until you resume, if so.
fn waits_for_resume(action: &Action) -> Option<&crate::model::Reason> {
    let reason = action.reason.as_ref().filter(|_| action.state == ActionState::Waiting && action.due_at.is_none())?;
    matches!(reason.code, ReasonCode::Paused | ReasonCode::Unauthorized).then_some(reason)
}
