//! Another service on the same account shows itself by our own words in a thread that we did not send.

use crate::engine::shared::Shared;
use crate::engine::{
    Workspace,
    threads::own_replies::{body_fingerprint, matches_text},
};
use crate::{
    model::{Action, ActionState, Conversation, Message},
    store::{ForeignUse, StoreError},
};

/// The first message after the newest inbound one that has the words of one of our replies although we did not send
/// them, or not so often. `unseen` are replies whose words nobody can have copied: no operator has seen them. Messages
/// in `known` were considered before.
pub(in crate::engine) fn unsent_words<'a>(
    conversation: &'a Conversation,
    ours: &[Action],
    unseen: &[&Action],
    known: &[String],
) -> Option<&'a Message> {
    let newest = conversation.newest_inbound()?;
    let answers: Vec<&Message> = conversation.outgoing_after_newest_inbound().collect();
    unseen.iter().find_map(|action| {
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
pub(in crate::engine) fn tries(action: &Action) -> usize {
    let made = action.attempts.iter().filter(|attempt| !attempt.outcome.was_not_applied()).count();
    made + usize::from(action.state == ActionState::InFlight)
}

/// Whether only the service can know the words of a reply: no operator was shown it for approval.
pub(in crate::engine) fn is_unseen(action: &Action) -> bool {
    !action.approved && action.state != ActionState::Held
}

impl Shared {
    /// Records that somebody else sent our words, alerts you, and returns the evidence.
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
        workspace.record_foreign_use();
        if self.store.add_foreign_use(&found).await? {
            self.alerts.alert_foreign_use(workspace, &evidence, self.alerts.thread_link(thread_id));
        }
        Ok(evidence)
    }
}
