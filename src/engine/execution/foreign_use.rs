//! A reply is held when another service was seen on the account.

use super::{
    Executor,
    guard::{Verdict, held_for_foreign_use},
};
use crate::engine::{Workspace, threads::foreign_use::unsent_words, threads::own_replies::replies};
use crate::{
    model::{Action, ActionState, Conversation, Reason, ReasonCode},
    store::StoreError,
};

impl Executor {
    /// Whether a message in the thread has the words of this reply, which has not left. If so, the workspace's replies
    /// are held from now on. The action itself may be in flight on disk: its last check calls this.
    pub(super) async fn find_unsent(
        &self,
        workspace: &Workspace,
        action: &Action,
        conversation: &Conversation,
    ) -> Result<Option<Verdict>, StoreError> {
        let is_ours_alone = action.approved || workspace.client().is_in_process();
        if is_ours_alone || conversation.outgoing_after_newest_inbound().next().is_none() {
            return Ok(None);
        }
        let mut ours = replies(&*self.shared.store, workspace.name(), &action.thread_id, &[]).await?;
        ours.retain(|other| other.id != action.id);
        // Its own earlier tries count; the one that is about to begin does not.
        let planned = Action { state: ActionState::Planned, ..action.clone() };
        ours.push(planned);
        let Some(message) = unsent_words(conversation, &ours, &[action], &action.outgoing_before) else {
            return Ok(None);
        };
        let evidence = self.shared.record_unsent(workspace, &action.thread_id, message).await?;
        Ok(Some(Verdict::Hold(Reason::new(ReasonCode::ForeignUse, evidence))))
    }

    /// Why the workspace's replies are held, if another service was seen.
    pub(super) async fn held_for_foreign_use(&self, workspace: &Workspace) -> Result<Option<Verdict>, StoreError> {
        let all = self.shared.store.foreign_uses().await?;
        let found = all.iter().find(|found| found.workspace == workspace.name());
        Ok(found.map(|found| {
            workspace.record_foreign_use();
            held_for_foreign_use(found)
        }))
    }
}
