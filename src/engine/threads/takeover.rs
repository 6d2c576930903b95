//! Takeover: whether a teammate, or the campaign, has replied to the lead's newest message.

use super::{
    author::{Around, Author, author},
    newest_row,
    own_replies::{replies, was_sent_by},
};
use crate::{
    model::{Conversation, Message, ThreadRow},
    store::{CampaignStep, Store, StoreError},
};

/// Who else replied to the newest inbound message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) enum Takeover {
    /// Nobody.
    None,
    /// Only the campaign's steps follow; why they are taken for that.
    CampaignStep(String),
    /// Something may be a reply, and why.
    Unclear(String),
    /// A teammate replied.
    Teammate,
}

/// What the store knows of a thread's campaign.
struct Known {
    row: Option<ThreadRow>,
    /// What other leads got before they wrote.
    steps: Vec<CampaignStep>,
}

impl Known {
    fn around<'a>(&'a self, conversation: &'a Conversation) -> Around<'a> {
        Around {
            conversation,
            in_campaign: self.row.as_ref().is_some_and(|row| row.campaign().is_some()),
            lead: self.row.as_ref().and_then(|row| row.lead_email.as_deref()),
            steps: &self.steps,
        }
    }
}

/// Who else than this service replied to the newest inbound message. Makes no request.
pub(in crate::engine) async fn detect_takeover(
    store: &dyn Store,
    workspace: &str,
    thread_id: &str,
    conversation: &Conversation,
) -> Result<Takeover, StoreError> {
    let after: Vec<&Message> = conversation.outgoing_after_newest_inbound().collect();
    let tied = conversation.outgoing_tied_with_newest_inbound();
    if after.is_empty() && tied.is_empty() {
        return Ok(Takeover::None);
    }
    let ours = replies(store, workspace, thread_id, &[]).await?;
    let foreign = |message: &&&Message| !ours.iter().any(|action| was_sent_by(action, message));
    let after: Vec<&Message> = after.iter().filter(foreign).copied().collect();
    let mut tied: Vec<&Message> = tied.iter().filter(foreign).copied().collect();
    if !tied.is_empty() {
        // What was there when the thread was last read came before the lead's newest message.
        let seen = store.last_outgoing(workspace, thread_id).await?;
        tied.retain(|message| !seen.contains(&message.id));
    }
    if after.is_empty() && tied.is_empty() {
        return Ok(Takeover::None);
    }
    let known = campaign_around(store, workspace, thread_id).await?;
    let around = known.around(conversation);
    let mut takeover = Takeover::None;
    for (message, is_tied) in after.iter().map(|one| (one, false)).chain(tied.iter().map(|one| (one, true))) {
        let at = message.created_at.map_or_else(String::new, |at| format!(" of {at}"));
        takeover = match (author(message, around), takeover) {
            (Author::Teammate, _) if !is_tied => return Ok(Takeover::Teammate),
            (Author::CampaignStep(why), Takeover::None) => {
                Takeover::CampaignStep(format!("the message{at} is a campaign step: {why}"))
            }
            (Author::CampaignStep(_), other) => other,
            (Author::Teammate, _) => Takeover::Unclear(format!(
                "the outgoing message{at} came in the same second as the lead's: it may be an answer"
            )),
            (Author::Unclear(why), _) => {
                Takeover::Unclear(format!("the message{at} may be an answer or a campaign step: {why}"))
            }
        };
    }
    Ok(takeover)
}

/// Whether a teammate wrote one of these messages, none of which is this service's. Makes no request.
pub(in crate::engine) async fn is_any_by_teammate(
    store: &dyn Store,
    workspace: &str,
    thread_id: &str,
    conversation: &Conversation,
    messages: &[&Message],
) -> Result<bool, StoreError> {
    if messages.is_empty() {
        return Ok(false);
    }
    let known = campaign_around(store, workspace, thread_id).await?;
    Ok(messages.iter().any(|message| author(message, known.around(conversation)) == Author::Teammate))
}

async fn campaign_around(store: &dyn Store, workspace: &str, thread_id: &str) -> Result<Known, StoreError> {
    let row = newest_row(store, workspace, thread_id).await?;
    let mut steps = store.campaign_steps(workspace).await?;
    steps.retain(|step| step.thread_id != thread_id);
    Ok(Known { row, steps })
}
