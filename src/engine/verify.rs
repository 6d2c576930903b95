//! An unclear reply is looked for, never repeated.
//!
//! Reading the thread can prove that a reply was sent; it can never prove that it was not, since the API queues replies
//! and shows them later. So an absent reply is left to a person.

use super::{
    Engine, Workspace,
    judge::fetch_messages,
    probe::{Bug, Step},
    take_over::{is_earlier_try, is_its_text},
};
use crate::{
    coldsend::Priority,
    model::{Action, ActionState, Message, Reason, ReasonCode},
    store::StoreError,
};
use jiff::Timestamp;

impl Engine {
    /// When an unclear reply is looked for next; `None` when every time has passed.
    pub(super) fn next_look(&self, action: &Action) -> Option<Timestamp> {
        let sent = action.sent_at?;
        let now = self.now();
        self.safety.verify_after.iter().filter_map(|after| sent.saturating_add(*after).ok()).find(|at| *at > now)
    }

    pub(super) async fn verify(&self, workspace: &Workspace, mut action: Action) -> Result<(), StoreError> {
        let messages = match fetch_messages(workspace.client(), &action.thread_id, Priority::Reply).await {
            Ok(messages) => messages,
            Err(error) => {
                // A failed look proves nothing: it does not use up one of the times.
                let reason = Reason::new(ReasonCode::Ambiguous, format!("not looked for yet: {error}"));
                let pause = error.retry_after().unwrap_or(std::time::Duration::from_secs(60));
                let due = self.now().saturating_add(pause).unwrap_or(Timestamp::MAX);
                return self.change(workspace, &mut action, ActionState::Unknown, Some(due), Some(reason)).await;
            }
        };
        let appeared: Vec<&Message> = messages
            .conversation()
            .messages()
            .iter()
            .filter(|message| message.outgoing)
            .filter(|message| !action.outgoing_before.contains(&message.id) || self.makes(Bug::OldTextProves))
            .collect();
        self.reached(Step::LookedFor, Some(&action)).await;
        if appeared.iter().any(|message| is_its_text(&action, message)) {
            return self.change(workspace, &mut action, ActionState::Done, None, None).await;
        }
        // An earlier try with a text that a person has edited since is nobody else's answer.
        if appeared.iter().any(|message| !is_earlier_try(&action, message)) {
            let reason = Reason::new(ReasonCode::PersonAnswered, "another answer than ours is in the thread");
            return self.change(workspace, &mut action, ActionState::Cancelled, None, Some(reason)).await;
        }
        let (state, due, text) = match self.next_look(&action) {
            Some(due) => (ActionState::Unknown, Some(due), "not in the thread so far"),
            None if self.makes(Bug::AbsentIsRetried) => (ActionState::Planned, Some(self.now()), "tried again"),
            None => (ActionState::Quarantined, None, "never seen in the thread: it may still have been sent"),
        };
        let reason = Reason::new(ReasonCode::Ambiguous, text);
        self.change(workspace, &mut action, state, due, Some(reason)).await
    }
}
