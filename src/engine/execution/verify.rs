//! Verifying an unconfirmed reply: it is looked up in the thread, never sent again.
//!
//! Reading the thread can prove that a reply was sent; it can never prove that it was not, since the API queues replies
//! and shows them later. So a reply that never shows is quarantined.

use super::Executor;
use crate::engine::{
    Workspace,
    failpoint::{failpoint, mutated},
    read_failures::Reach,
    threads::own_replies::{body_fingerprint, matches_attempt, matches_text, replies, was_sent_by},
    threads::read::read_thread,
    threads::takeover::is_any_by_teammate,
};
use crate::{
    coldsend::{ApiError, Priority},
    model::{Action, Message, Reason, ReasonCode, Transition},
    store::StoreError,
};
use jiff::Timestamp;
use std::time::Duration;

/// How long after the last check a read that fails is repeated.
const MAX_LOOK: Duration = Duration::from_secs(86_400);

/// When an unconfirmed reply is verified next; `None` when every time has passed.
pub(super) fn next_check(workspace: &Workspace, action: &Action, now: Timestamp) -> Option<Timestamp> {
    let sent = action.sent_at?;
    let times = workspace.safety().verify_after.iter();
    times.filter_map(|after| sent.saturating_add(*after).ok()).find(|at| *at > now)
}

impl Executor {
    /// Whether reads have failed for so long that an operator must decide without them.
    fn gave_up(&self, workspace: &Workspace, action: &Action) -> bool {
        let last = workspace.safety().verify_after.last().copied().unwrap_or_default();
        let until = action.sent_at.and_then(|sent| sent.saturating_add(last + MAX_LOOK).ok());
        until.is_some_and(|until| self.shared.now() >= until)
    }

    pub(in crate::engine) async fn verify(&self, workspace: &Workspace, mut action: Action) -> Result<(), StoreError> {
        let messages = match read_thread(workspace, &*self.shared.clock, &action.thread_id, Priority::Reply).await {
            Ok(messages) => Some(messages),
            // A thread that is gone shows nothing, now or later.
            Err(ApiError::NotFound { .. }) => None,
            Err(error) => {
                let reach = workspace.read_failures.record_failure(&action.thread_id, &error, self.shared.now());
                // A failed read proves nothing and uses up none of the times. But verifying ends at some time.
                if self.gave_up(workspace, &action) {
                    let text = format!("could not be looked for: {error}");
                    let next = Transition::quarantine(Reason::new(ReasonCode::Ambiguous, text));
                    return self.shared.transition(workspace, &mut action, next).await;
                }
                if error.is_auth_error() && reach == Reach::Workspace {
                    self.shared.pause_on_auth_error(workspace, &error.to_string()).await?;
                }
                let reason = Reason::new(ReasonCode::Ambiguous, format!("not looked for yet: {error}"));
                let pause = error.retry_after().unwrap_or(std::time::Duration::from_secs(60));
                let due = self.shared.now().saturating_add(pause).unwrap_or(Timestamp::MAX).max(self.next_read(reach));
                return self.shared.transition(workspace, &mut action, Transition::verify_at(due, reason)).await;
            }
        };
        let all = messages.as_ref().map(|messages| messages.conversation().messages()).unwrap_or_default();
        // A process that died before its last check knows less of what was there. What stands before the message that
        // the reply answers was.
        let answered = all.iter().position(|message| Some(&message.id) == action.message_id.as_ref()).unwrap_or(0);
        let (mut before, mut appeared): (Vec<&Message>, Vec<&Message>) = (Vec::new(), Vec::new());
        for (place, message) in all.iter().enumerate().filter(|(_, message)| message.outgoing) {
            let was_there = place < answered || action.outgoing_before.contains(&message.id);
            if was_there && !mutated!(self.shared, TrustOldText) {
                before.push(message)
            } else {
                appeared.push(message)
            }
        }
        let others = replies(&*self.shared.store, workspace.name(), &action.thread_id, &[]).await?;
        let others: Vec<&Action> = others.iter().filter(|other| other.id != action.id).collect();
        failpoint!(self.shared, ReplyLookedUp, &action);
        // An earlier reply with the same words may show only now: its message proves nothing for this one.
        let count = |messages: &[&Message]| messages.iter().filter(|message| matches_text(&action, message)).count();
        let expected = others.iter().filter(|other| may_have_sent(other, &action)).count();
        let expected = expected.saturating_sub(count(&before));
        if count(&appeared) > expected || count(&appeared) > 0 && mutated!(self.shared, TrustOldText) {
            return self.shared.transition(workspace, &mut action, Transition::done()).await;
        }
        // An earlier try with a text that was edited since, or another reply of ours that shows late, is no teammate's
        // reply.
        let ours = |message: &Message| {
            matches_text(&action, message)
                || matches_attempt(&action, message)
                || others.iter().any(|other| was_sent_by(other, message))
        };
        appeared.retain(|message| !ours(message));
        // A campaign step proves nothing.
        if let Some(messages) = &messages
            && is_any_by_teammate(
                &*self.shared.store,
                workspace.name(),
                &action.thread_id,
                messages.conversation(),
                &appeared,
            )
            .await?
        {
            let reason = Reason::new(ReasonCode::PersonAnswered, "another answer than ours is in the thread");
            return self.shared.transition(workspace, &mut action, Transition::cancel(reason)).await;
        }
        let reason = |text: &str| Reason::new(ReasonCode::Ambiguous, text);
        let next = match next_check(workspace, &action, self.shared.now()) {
            Some(due) => Transition::verify_at(due, reason("not in the thread so far")),
            None if mutated!(self.shared, RetryAbsent) => Transition::planned(self.shared.now()),
            None => Transition::quarantine(reason("never seen in the thread: it may still have been sent")),
        };
        self.shared.transition(workspace, &mut action, next).await
    }
}

/// Whether another reply of the thread may have sent the same words as this one.
fn may_have_sent(other: &Action, action: &Action) -> bool {
    let words = body_fingerprint(&action.payload);
    let tries = other.attempts.iter().filter(|attempt| !attempt.outcome.was_not_applied());
    words.is_some() && tries.into_iter().any(|attempt| attempt.body == words)
}
