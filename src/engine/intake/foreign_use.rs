//! Our own words in a thread that this service did not send: looked for whenever a thread is evaluated.

use super::{
    Intake,
    records::{action_records, decision_record},
};
use crate::engine::{
    Evaluation, Workspace,
    threads::foreign_use::{is_unseen, tries, unsent_words},
    threads::own_replies::replies,
};
use crate::{
    model::{Action, ActionKind, ActionState, ThreadRow},
    store::{EventKind, StoreError},
};

impl Intake {
    /// Looks for our words among the messages of an event: those of replies that the rules plan now, and of open ones.
    pub(super) async fn find_unsent_at_event(
        &self,
        workspace: &Workspace,
        row: &ThreadRow,
        evaluation: &Evaluation,
    ) -> Result<(), StoreError> {
        // Of an account in this process, what the messages show is what was there.
        if workspace.client().is_in_process() {
            return Ok(());
        }
        let Some(messages) = &evaluation.messages else { return Ok(()) };
        let conversation = messages.conversation();
        if conversation.outgoing_after_newest_inbound().next().is_none() {
            return Ok(());
        }
        let ours = replies(&*self.shared.store, workspace.name(), &row.id, &[]).await?;
        let record = decision_record(workspace.name(), row, evaluation, EventKind::Message, self.shared.now());
        let mut planned = action_records(&record, evaluation, self.shared.now(), None);
        let may_leave = |action: &Action| ActionState::OPEN.contains(&action.state) && is_unseen(action);
        planned.retain(|action| action.kind == ActionKind::Reply && may_leave(action));
        let newest = conversation.newest_inbound().map(|newest| &newest.id);
        let sent = |action: &Action| action.message_id.as_ref() == newest && tries(action) > 0;
        let recorded = ours.iter().filter(|action| may_leave(action) || sent(action));
        let known: Vec<String> = ours.iter().flat_map(|action| action.outgoing_before.iter().cloned()).collect();
        let mut unseen: Vec<&Action> = recorded.collect();
        unseen.extend(&planned);
        if let Some(message) = unsent_words(conversation, &ours, &unseen, &known) {
            self.shared.record_unsent(workspace, &row.id, message).await?;
        }
        Ok(())
    }
}
