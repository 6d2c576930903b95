//! What intake learns from each thread that it reads: the addresses that the workspaces send from, and what campaigns
//! send by themselves.
//!
//! Mail from one of the workspaces' own addresses is never answered: two inboxes that write to each other would never
//! stop.

use super::Intake;
use crate::engine::{
    Workspace,
    threads::author::{ALIKE, opening},
};
use crate::{
    model::{Conversation, ThreadRow, address_of, same_address},
    rules::ThreadMessages,
    store::{CampaignStep, StoreError},
    text::{likeness, word_pairs},
};

/// This many copies of one step are enough.
const COPIES: usize = 3;

impl Intake {
    /// Records the senders of the outgoing messages. The lead's own address is none of ours, whatever a message says.
    pub(super) async fn learn_own_addresses(
        &self,
        workspace: &Workspace,
        row: &ThreadRow,
        conversation: &Conversation,
    ) -> Result<(), StoreError> {
        let outgoing = conversation.messages().iter().filter(|message| message.outgoing);
        let senders = outgoing.filter_map(|message| address_of(message.from.as_deref()?));
        let lead = row.lead_email.as_deref().unwrap_or_default();
        let new: Vec<String> = senders
            .filter(|sender| !same_address(sender, lead) && workspace.learned.is_new_own_address(sender))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        self.shared.store.add_own_addresses(&new).await?;
        workspace.learned.record_own_addresses(new);
        Ok(())
    }

    /// Records what a campaign's thread begins with.
    pub(super) async fn learn_messages(
        &self,
        workspace: &Workspace,
        row: &ThreadRow,
        messages: &ThreadMessages,
    ) -> Result<(), StoreError> {
        let conversation = messages.conversation();
        if row.campaign().is_none() || conversation.newest_inbound().is_none() {
            return Ok(());
        }
        let new: Vec<CampaignStep> = opening(conversation)
            .enumerate()
            .filter(|(_, message)| workspace.learned.is_new_step(&message.id))
            .map(|(index, message)| CampaignStep {
                thread_id: row.id.clone(),
                message_id: message.id.clone(),
                sender: message.from.as_deref().and_then(address_of),
                words: word_pairs(messages.new_text(index)),
            })
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let known = match workspace.learned.steps() {
            Some(known) => known,
            None => workspace.learned.record_known_steps(self.shared.store.campaign_steps(workspace.name()).await?),
        };
        let copies = |step: &CampaignStep| {
            let alike = |other: &&CampaignStep| {
                other.thread_id != step.thread_id && likeness(&other.words, &step.words, &[]) >= 1.0 - ALIKE
            };
            known.iter().filter(alike).take(COPIES).count()
        };
        let worth: Vec<CampaignStep> = new.iter().filter(|step| copies(step) < COPIES).cloned().collect();
        if !worth.is_empty() {
            self.shared.store.add_campaign_steps(workspace.name(), &worth, self.shared.now()).await?;
            workspace.learned.forget_known_steps();
        }
        workspace.learned.record_steps(new.into_iter().map(|step| step.message_id));
        Ok(())
    }
}
