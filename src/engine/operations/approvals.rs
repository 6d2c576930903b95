//! What operators decide about single actions: approve, reject, retry, resolve.

use super::Operator;
use crate::{
    model::{Action, ActionId, ActionKind, ActionState, Payload, Reason, ReasonCode, Transition},
    store::StoreError,
};

/// What an operator found out about a quarantined action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// It was carried out.
    Sent,
    /// It was not: a reply is held for approval, a star is tried again.
    NotSent,
}

/// Why an operator's decision was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    /// There is no such action.
    #[error("there is no action {0}")]
    Unknown(ActionId),
    /// The action is in a state that the decision does not fit.
    #[error("the action is {state}; this needs one that is {wanted}")]
    WrongState {
        /// The state that it is in.
        state: ActionState,
        /// The state that it must be in.
        wanted: &'static str,
    },
    /// Somebody else changed the action first.
    #[error("the action has just been changed by somebody else; look at it again")]
    Changed,
    /// The workspace is no longer in the configuration.
    #[error("the workspace `{0}` is not configured")]
    NoWorkspace(String),
    /// Another action has taken its place.
    #[error("another action already does this for the same message: this one can only be rejected")]
    Superseded,
    /// The edited text cannot be sent.
    #[error("the text is empty")]
    EmptyText,
    /// The store.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ApprovalError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Changed(_) => Self::Changed,
            StoreError::Duplicate => Self::Superseded,
            other => Self::Store(other),
        }
    }
}

impl Operator {
    /// Approves a held action, with an edited text if one is given: it goes through the guard and out. Of many who
    /// approve the same one at once, one succeeds.
    pub async fn approve(&self, id: &ActionId, text: Option<String>) -> Result<Action, ApprovalError> {
        let mut action = self.in_state(id, &[ActionState::Held], "held").await?;
        if let Some(text) = text {
            if text.trim().is_empty() {
                return Err(ApprovalError::EmptyText);
            }
            if let Payload::Reply { text: body, html, .. } = &mut action.payload {
                *body = Some(text);
                // The HTML body no longer says the same.
                *html = None;
            }
        }
        action.approved = true;
        self.decide(action, Transition::planned(self.shared.now())).await
    }

    /// Rejects a held action: it is cancelled.
    pub async fn reject(&self, id: &ActionId) -> Result<Action, ApprovalError> {
        let action = self.in_state(id, &[ActionState::Held], "held").await?;
        let reason = Reason::new(ReasonCode::Rejected, "an operator rejected it");
        self.decide(action, Transition::cancel(reason)).await
    }

    /// Tries a failed action again, from the guard on.
    pub async fn retry(&self, id: &ActionId) -> Result<Action, ApprovalError> {
        let action = self.in_state(id, &[ActionState::Failed], "failed").await?;
        self.decide(action, Transition::planned(self.shared.now())).await
    }

    /// Resolves a quarantined action.
    pub async fn resolve(&self, id: &ActionId, resolution: Resolution) -> Result<Action, ApprovalError> {
        let mut action = self.in_state(id, &[ActionState::Quarantined], "quarantined").await?;
        match resolution {
            Resolution::Sent => self.decide(action, Transition::done()).await,
            Resolution::NotSent if action.kind == ActionKind::Reply => {
                let reason = Reason::new(ReasonCode::Draft, "a person says that it was not sent");
                action.sent_at = None;
                let expiry =
                    self.shared.workspace(&action.workspace).and_then(|workspace| self.shared.expiry(&workspace));
                self.decide(action, Transition::hold(reason, expiry)).await
            }
            Resolution::NotSent => self.decide(action, Transition::planned(self.shared.now())).await,
        }
    }

    async fn in_state(
        &self,
        id: &ActionId,
        states: &[ActionState],
        wanted: &'static str,
    ) -> Result<Action, ApprovalError> {
        let action = self.shared.store.action(id).await?.ok_or_else(|| ApprovalError::Unknown(id.clone()))?;
        if !states.contains(&action.state) {
            return Err(ApprovalError::WrongState { state: action.state, wanted });
        }
        Ok(action)
    }

    async fn decide(&self, mut action: Action, next: Transition) -> Result<Action, ApprovalError> {
        let workspace = self.shared.workspace(&action.workspace);
        let workspace = workspace.ok_or_else(|| ApprovalError::NoWorkspace(action.workspace.clone()))?;
        self.shared.transition_decided(&workspace, &mut action, next).await?;
        workspace.wake_executor();
        Ok(action)
    }
}

/// What "retry" or "not sent" would do with the action, in words; `None` if neither fits.
pub fn retry_effect(action: &Action) -> Option<&'static str> {
    Some(match (action.state, action.kind) {
        (ActionState::Failed, ActionKind::Reply) => {
            "The thread is read again. Unless somebody has answered, a newer message came, or the lead asked for \
             no more mail, the reply is sent once."
        }
        (ActionState::Failed, ActionKind::Star | ActionKind::Unstar) => {
            "The thread is read again, and its star switched if it is not as wanted."
        }
        (ActionState::Failed, ActionKind::MarkRead) => {
            "The thread is marked as read once the message's other actions have ended well."
        }
        (ActionState::Failed, ActionKind::Forward(_)) => {
            "It is delivered once more, with the same id. If an earlier try arrived after all, the receiver sees it \
             twice."
        }
        (ActionState::Quarantined, ActionKind::Reply) => {
            "It is held for approval. If the first try arrived after all and you approve it, the lead has it twice: \
             look into the sent mail first."
        }
        (ActionState::Quarantined, _) => "The thread is read again, and its star switched if it is not as wanted.",
        _ => return None,
    })
}
