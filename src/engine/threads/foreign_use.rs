//! Another service on the same account: it is seen by our own words in a thread that we did not send, and by a request
//! limit that falls faster than we use it.

use crate::engine::{
    Engine, Workspace,
    evaluation::Evaluation,
    execution::guard::Verdict,
    intake::records::{action_records, decision_record},
    threads::own_replies::{body_fingerprint, matches_text},
};
use crate::{
    model::{Action, ActionKind, ActionState, Conversation, Message, Reason, ReasonCode, ThreadRow},
    store::{EventKind, ForeignUse, StoreError},
};

/// The first answer to the newest inbound message that has the words of one of our replies although we did not send them,
/// or not so often. `judged` are replies that nobody could have copied by hand: no person has seen them. Messages in
/// `known` were judged before.
pub(in crate::engine) fn unsent_words<'a>(
    conversation: &'a Conversation,
    ours: &[Action],
    judged: &[&Action],
    known: &[String],
) -> Option<&'a Message> {
    let newest = conversation.newest_inbound()?;
    let answers: Vec<&Message> = conversation.outgoing_after_newest_inbound().collect();
    judged.iter().find_map(|action| {
        let with_text = |messages: &[&Message]| messages.iter().filter(|message| matches_text(action, message)).count();
        let found = with_text(&answers);
        if found == 0 {
            return None;
        }
        let words = body_fingerprint(&action.payload);
        let sent = |of_newest: bool| -> usize {
            let same = ours.iter().filter(|other| {
                (other.message_id.as_ref() == Some(&newest.id)) == of_newest
                    && (body_fingerprint(&other.payload) == words
                        || other.attempts.iter().any(|attempt| attempt.body == words))
            });
            same.map(tries).sum()
        };
        let before: Vec<&Message> = conversation.messages().iter().filter(|message| message.outgoing).collect();
        let before = with_text(&before).saturating_sub(found);
        // What we sent for older messages may have stood before the newest one.
        let explained = sent(true) + sent(false).saturating_sub(before);
        let unknown = |message: &&&Message| matches_text(action, message) && !known.contains(&message.id);
        if found > explained { answers.iter().find(unknown).copied() } else { None }
    })
}

/// How often a reply may have left.
fn tries(action: &Action) -> usize {
    let made = action.attempts.iter().filter(|attempt| !attempt.outcome.was_not_applied()).count();
    made + usize::from(action.state == ActionState::InFlight)
}

/// Whether nobody but the service can know the words of a reply: no person was shown it for approval.
pub(in crate::engine) fn is_unseen(action: &Action) -> bool {
    !action.approved && action.state != ActionState::Held
}

impl Engine {
    /// Whether an answer in the thread has the words of the reply at hand, which has not left; if so the workspace's
    /// replies are held from now on. The action itself may be in flight on disk: its last look is what asks.
    pub(in crate::engine) async fn find_unsent(
        &self,
        workspace: &Workspace,
        action: &Action,
        conversation: &Conversation,
    ) -> Result<Option<Verdict>, StoreError> {
        if action.approved || conversation.outgoing_after_newest_inbound().next().is_none() {
            return Ok(None);
        }
        let mut ours = self.replies(workspace, &action.thread_id, &[]).await?;
        ours.retain(|other| other.id != action.id);
        // Its own earlier tries count, the one that is about to be made does not.
        let planned = Action { state: ActionState::Planned, ..action.clone() };
        ours.push(planned);
        let Some(message) = unsent_words(conversation, &ours, &[action], &action.outgoing_before) else {
            return Ok(None);
        };
        let evidence = self.record_unsent(workspace, &action.thread_id, message).await?;
        Ok(Some(Verdict::Hold(Reason::new(ReasonCode::ForeignUse, evidence))))
    }

    /// The same when an event is judged: with the replies that the rules plan now, and those of the thread that wait.
    pub(in crate::engine) async fn find_unsent_at_event(
        &self,
        workspace: &Workspace,
        row: &ThreadRow,
        judged: &Evaluation,
    ) -> Result<(), StoreError> {
        let Some(messages) = &judged.messages else { return Ok(()) };
        let conversation = messages.conversation();
        if conversation.outgoing_after_newest_inbound().next().is_none() {
            return Ok(());
        }
        let ours = self.replies(workspace, &row.id, &[]).await?;
        let record = decision_record(workspace.name(), row, judged, EventKind::Message, self.now());
        let mut planned = action_records(&record, judged, self.now(), None);
        let may_leave = |action: &Action| ActionState::OPEN.contains(&action.state) && is_unseen(action);
        planned.retain(|action| action.kind == ActionKind::Reply && may_leave(action));
        let newest = conversation.newest_inbound().map(|newest| &newest.id);
        let sent = |action: &Action| action.message_id.as_ref() == newest && tries(action) > 0;
        let recorded = ours.iter().filter(|action| may_leave(action) || sent(action));
        let known: Vec<String> = ours.iter().flat_map(|action| action.outgoing_before.iter().cloned()).collect();
        let mut judged: Vec<&Action> = recorded.collect();
        judged.extend(&planned);
        if let Some(message) = unsent_words(conversation, &ours, &judged, &known) {
            self.record_unsent(workspace, &row.id, message).await?;
        }
        Ok(())
    }

    /// Remembers and announces that our words were sent by somebody else.
    pub(in crate::engine) async fn record_unsent(
        &self,
        workspace: &Workspace,
        thread_id: &str,
        message: &Message,
    ) -> Result<String, StoreError> {
        let at = message.created_at.map_or_else(String::new, |at| format!(" at {at}"));
        let evidence = format!(
            "our own words were sent in thread {thread_id}{at}, and not by this service: another service uses this \
             account, or the store was restored from an older copy"
        );
        let found =
            ForeignUse { workspace: workspace.name().to_owned(), since: self.now(), evidence: evidence.clone() };
        if self.store.add_foreign_use(&found).await? {
            self.alert_foreign_use(workspace, &evidence, self.thread_link(thread_id));
        }
        Ok(evidence)
    }

    /// Why the workspace's replies are held, if another service was seen.
    pub(in crate::engine) async fn held_for_foreign_use(
        &self,
        workspace: &Workspace,
    ) -> Result<Option<Verdict>, StoreError> {
        let found = self.store.foreign_uses().await?.into_iter().find(|found| found.workspace == workspace.name());
        Ok(found.map(|found| {
            let text = format!("held until you resume the workspace: {}", found.evidence);
            Verdict::Hold(Reason::new(ReasonCode::ForeignUse, text))
        }))
    }

    /// Whether somebody else uses the workspace's key, as the limits that the API tells show. Workspaces that share a key
    /// see each other and say nothing.
    pub fn is_key_shared(&self, workspace: &Workspace) -> bool {
        let shares =
            |other: &&Workspace| other.name() != workspace.name() && other.client().has_same_key(workspace.client());
        workspace.client().budget().foreign_use && !self.workspaces().iter().any(|other| shares(&other))
    }
}
