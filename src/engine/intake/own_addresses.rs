//! The addresses that the workspaces send from. Mail from one of them is never answered: two of our own inboxes that write
//! to each other would never stop.

use crate::engine::{Engine, Workspace};
use crate::{
    model::{Conversation, ThreadRow, address_of, same_address},
    store::StoreError,
};

impl Engine {
    /// Notes the senders of the outgoing messages. The lead's own address is none of ours, whatever a message says.
    pub(in crate::engine) async fn learn_own_addresses(
        &self,
        workspace: &Workspace,
        row: &ThreadRow,
        conversation: &Conversation,
    ) -> Result<(), StoreError> {
        let outgoing = conversation.messages().iter().filter(|message| message.outgoing);
        let senders = outgoing.filter_map(|message| address_of(message.from.as_deref()?));
        let lead = row.lead_email.as_deref().unwrap_or_default();
        let new: Vec<String> =
            senders.filter(|sender| !same_address(sender, lead) && workspace.is_new_own_address(sender)).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.store.add_own_addresses(&new).await?;
        workspace.record_own_addresses(new);
        Ok(())
    }
}
