//! Human take-over: once a person has answered a message, automation in the thread rests until the lead writes again.

use crate::engine::{Engine, Workspace};
use crate::{
    model::{Action, ActionKind, ActionState, Message, Payload, Reason, ReasonCode, Transition},
    store::{ActionFilter, StoreError},
    text::{fingerprint, has_fingerprint, html_to_text, is_same_reply},
};

/// A thread with more replies than this is no thread.
const MAX_REPLIES: u32 = 1_000;

impl Engine {
    /// Gives up every reply in the thread that has not left. A person has answered: whoever approves or waits has nothing
    /// left to say.
    pub(in crate::engine) async fn cancel_replies(
        &self,
        workspace: &Workspace,
        thread_id: &str,
    ) -> Result<(), StoreError> {
        for mut action in self.replies(workspace, thread_id, &ActionState::OPEN).await? {
            // What another service has answered stays before the person who must look at that.
            if action.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::ForeignUse) {
                continue;
            }
            let reason = Reason::new(ReasonCode::PersonAnswered, "somebody has answered the message");
            match self.transition(workspace, &mut action, Transition::cancel(reason)).await {
                // Whoever was faster has looked at the thread, or will.
                Err(StoreError::Changed(_)) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Holds every reply in the thread that waits by itself: what follows the lead's message may be a person's answer.
    pub(in crate::engine) async fn hold_replies(
        &self,
        workspace: &Workspace,
        thread_id: &str,
        why: &str,
    ) -> Result<(), StoreError> {
        let by_itself = [ActionState::Planned, ActionState::Waiting, ActionState::Retrying];
        for mut action in self.replies(workspace, thread_id, &by_itself).await? {
            if action.approved {
                continue;
            }
            let next = Transition::hold(Reason::new(ReasonCode::PersonAnswered, why), self.expiry(workspace));
            match self.transition(workspace, &mut action, next).await {
                Err(StoreError::Changed(_)) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether a reply in the thread waits for its time or for a person.
    pub(in crate::engine) async fn has_open_replies(
        &self,
        workspace: &Workspace,
        thread_id: &str,
    ) -> Result<bool, StoreError> {
        Ok(!self.replies(workspace, thread_id, &ActionState::OPEN).await?.is_empty())
    }

    /// The replies in the thread that are in one of these states; in any if none is named.
    pub(in crate::engine) async fn replies(
        &self,
        workspace: &Workspace,
        thread_id: &str,
        states: &[ActionState],
    ) -> Result<Vec<Action>, StoreError> {
        let filter = ActionFilter {
            workspace: Some(workspace.name().to_owned()),
            thread: Some(thread_id.to_owned()),
            kind: Some(ActionKind::Reply),
            states: states.to_vec(),
            limit: MAX_REPLIES,
            ..ActionFilter::default()
        };
        self.store.actions(&filter).await
    }
}

/// The fingerprint of what a reply sends; `None` for other kinds.
pub(in crate::engine) fn body_fingerprint(payload: &Payload) -> Option<String> {
    match payload {
        Payload::Reply { text, html, .. } => text.as_deref().or(html.as_deref()).map(fingerprint),
        _ => None,
    }
}

/// Whether a message is what this reply sent, in its last try or in an earlier one with another text.
pub(in crate::engine) fn was_sent_by(action: &Action, message: &Message) -> bool {
    let left = action.sent_at.is_some() || !action.attempts.is_empty();
    left && (matches_text(action, message) || matches_attempt(action, message))
}

/// Whether a message has the text that the reply sends now.
pub(in crate::engine) fn matches_text(action: &Action, message: &Message) -> bool {
    let Payload::Reply { text, html, .. } = &action.payload else { return false };
    let same = |sent: &str| is_same_reply(sent, message.text.as_deref(), message.html.as_deref());
    text.as_deref().is_some_and(same) || html.as_deref().is_some_and(|html| same(&html_to_text(html)))
}

/// Whether a message has the text of one of the reply's tries. A person may have edited it since.
pub(in crate::engine) fn matches_attempt(action: &Action, message: &Message) -> bool {
    let marks = action.attempts.iter().filter_map(|attempt| attempt.body.as_deref());
    marks.into_iter().any(|mark| has_fingerprint(mark, message.text.as_deref(), message.html.as_deref()))
}
