//! Who wrote the outgoing messages after the lead's newest one: this service, a teammate, or the campaign.
//!
//! ColdSend does not say who wrote a message, and a campaign may send its next step although the lead has replied. So the
//! messages that other leads got before they ever wrote are stored, as hashes of their pairs of words, and an outgoing
//! message is classified in this order:
//!
//! | what the message shows | taken for |
//! |---|---|
//! | it quotes the lead's words or address | a teammate |
//! | its sender never sent a step, here or elsewhere | a teammate |
//! | it is like a step that another lead got ([`ALIKE`]), beside what the thread was told before | a step |
//! | the thread does not begin with a campaign's message | a teammate |
//! | it takes up words of the lead's message | a teammate |
//! | it is somewhat like a step, shares a footer with earlier ones, or offers to unsubscribe | unclear |
//! | it refers to an earlier message of its own sender, as follow-ups do | unclear |
//! | nothing is known yet of what other leads got | unclear |
//! | it is as long as a step ([`STEP_PAIRS`]), and nothing in it shows that the lead's message was read | unclear |
//! | anything else | a teammate |
//!
//! A teammate's reply cancels open replies in the thread, a step changes nothing, and what is unclear holds them.

use super::own_replies::{replies, was_sent_by};
use crate::{
    model::{Conversation, Message, ThreadRow, address_of, same_address},
    store::{CampaignStep, Store, StoreError},
    text::{full_text, is_follow_up, likeness, new_text, word_pairs},
};

/// From this likeness on two messages are the same step with other names in it.
pub(in crate::engine) const ALIKE: f64 = 0.4;
/// From this likeness on they may be.
const SOMEWHAT_ALIKE: f64 = 0.15;
/// From this likeness on a message shares a footer, or more, with those that the thread began with.
const SHARES_FOOTER: f64 = 0.25;
/// Fewer pairs of words than this prove nothing.
const FEW_PAIRS: usize = 4;
/// A message with fewer new pairs of words than this is too short for a step.
const STEP_PAIRS: usize = 10;
/// This many words of the lead's in a row are a quotation.
const QUOTED_WORDS: usize = 5;
/// This many pairs of words in common with the lead's message are an answer to it.
const TAKEN_UP: usize = 2;

/// Who wrote one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Author {
    /// The campaign, and why.
    Step(String),
    /// Unclear, and why.
    Unclear(String),
    /// A teammate, or another service.
    Person,
}

/// Who else replied to the newest inbound message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) enum Answered {
    /// Nobody.
    No,
    /// Only the campaign's steps follow; why they are taken for that.
    Step(String),
    /// Something may be a reply, and why.
    Unclear(String),
    /// A teammate replied.
    Person,
}

/// What a message is classified by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    pub(in crate::engine) conversation: &'a Conversation,
    /// The thread belongs to a campaign.
    pub(in crate::engine) in_campaign: bool,
    /// The lead's address.
    pub(in crate::engine) lead: Option<&'a str>,
    /// What other leads got before they wrote.
    pub(in crate::engine) steps: &'a [CampaignStep],
}

/// The outgoing messages before the first inbound one: what the campaign has sent.
pub(in crate::engine) fn opening(conversation: &Conversation) -> impl Iterator<Item = &Message> {
    conversation.messages().iter().take_while(|message| message.outgoing)
}

pub(in crate::engine) fn pairs_of(message: &Message) -> Vec<u32> {
    word_pairs(&new_text(message.text.as_deref(), message.html.as_deref()))
}

/// Classifies one message by the table above.
pub(super) fn author(message: &Message, around: Around<'_>) -> Author {
    let Around { conversation, in_campaign, lead, steps } = around;
    let earlier: Vec<&Message> = opening(conversation).filter(|other| other.id != message.id).collect();
    let known: Vec<u32> = earlier.iter().flat_map(|other| pairs_of(other)).collect();
    let newest = conversation.newest_inbound().filter(|newest| newest.id != message.id);
    if newest.is_some_and(|newest| quotes(message, newest, lead)) {
        return Author::Person;
    }
    let senders = earlier.iter().filter_map(|other| other.from.as_deref());
    let senders: Vec<&str> = senders.chain(steps.iter().filter_map(|step| step.sender.as_deref())).collect();
    if let Some(from) = message.from.as_deref().filter(|from| address_of(from).is_some())
        && !senders.is_empty()
        && !senders.iter().any(|sender| same_address(sender, from))
    {
        return Author::Person;
    }
    let pairs = pairs_of(message);
    let fresh = pairs.iter().filter(|pair| !known.contains(pair)).count();
    let alike = steps.iter().map(|step| likeness(&pairs, &step.words, &known)).fold(0.0, f64::max);
    if fresh >= FEW_PAIRS && alike >= ALIKE {
        let percent = (alike * 100.0).round();
        return Author::Step(format!("{percent} % of its words stand in what another lead got before writing"));
    }
    if !in_campaign || earlier.is_empty() {
        return Author::Person;
    }
    let is_known = |pair: &u32| known.contains(pair) || steps.iter().any(|step| step.words.contains(pair));
    let asked = newest.map(pairs_of).unwrap_or_default();
    if asked.iter().filter(|pair| pairs.contains(pair) && !is_known(pair)).count() >= TAKEN_UP {
        return Author::Person;
    }
    let whole = full_text(message.text.as_deref(), message.html.as_deref()).to_lowercase();
    let unclear = if fresh >= FEW_PAIRS && alike >= SOMEWHAT_ALIKE {
        Some("it is somewhat like what the campaign sends to others")
    } else if earlier.iter().any(|other| likeness(&pairs, &pairs_of(other), &[]) >= SHARES_FOOTER) {
        Some("it shares much with what the campaign sent before")
    } else if whole.contains("unsubscribe") || whole.contains("opt out") || whole.contains("opt-out") {
        Some("it offers to unsubscribe, as campaigns do")
    } else if is_follow_up(&whole) {
        Some("it refers to an earlier message of its sender, as follow-ups do")
    } else if steps.is_empty() {
        Some("nothing is known yet of what the campaign sends to others")
    } else if fresh >= STEP_PAIRS {
        Some("nothing in it shows that the lead's message was read")
    } else {
        None
    };
    unclear.map_or(Author::Person, |why| Author::Unclear(why.to_owned()))
}

/// Whether a message quotes the other one: some of its words in a row, or its sender above a quotation.
fn quotes(message: &Message, newest: &Message, lead: Option<&str>) -> bool {
    let (text, html) = (message.text.as_deref(), message.html.as_deref());
    let whole = full_text(text, html);
    let words = |text: &str| {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect::<Vec<_>>()
    };
    let asked = words(&new_text(newest.text.as_deref(), newest.html.as_deref()));
    let said = words(&whole);
    let run = QUOTED_WORDS.min(asked.len());
    if run >= 2 && said.windows(run).any(|said| asked.windows(run).any(|asked| asked == said)) {
        return true;
    }
    let anew = new_text(text, html);
    let lead = lead.and_then(address_of);
    anew.len() < whole.len() && lead.is_some_and(|lead| whole.to_lowercase().contains(&lead))
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
pub(in crate::engine) async fn who_answered(
    store: &dyn Store,
    workspace: &str,
    thread_id: &str,
    conversation: &Conversation,
) -> Result<Answered, StoreError> {
    let after: Vec<&Message> = conversation.outgoing_after_newest_inbound().collect();
    let tied = conversation.outgoing_tied_with_newest_inbound();
    if after.is_empty() && tied.is_empty() {
        return Ok(Answered::No);
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
        return Ok(Answered::No);
    }
    let known = campaign_around(store, workspace, thread_id).await?;
    let around = known.around(conversation);
    let mut answered = Answered::No;
    for (message, is_tied) in after.iter().map(|one| (one, false)).chain(tied.iter().map(|one| (one, true))) {
        let at = message.created_at.map_or_else(String::new, |at| format!(" of {at}"));
        answered = match (author(message, around), answered) {
            (Author::Person, _) if !is_tied => return Ok(Answered::Person),
            (Author::Step(why), Answered::No) => Answered::Step(format!("the message{at} is a campaign step: {why}")),
            (Author::Step(_), other) => other,
            (Author::Person, _) => Answered::Unclear(format!(
                "the outgoing message{at} came in the same second as the lead's: it may be an answer"
            )),
            (Author::Unclear(why), _) => {
                Answered::Unclear(format!("the message{at} may be an answer or a campaign step: {why}"))
            }
        };
    }
    Ok(answered)
}

/// Whether a teammate wrote one of these messages, none of which is this service's. Makes no request.
pub(in crate::engine) async fn is_any_by_person(
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
    Ok(messages.iter().any(|message| author(message, known.around(conversation)) == Author::Person))
}

async fn campaign_around(store: &dyn Store, workspace: &str, thread_id: &str) -> Result<Known, StoreError> {
    let row = newest_row(store, workspace, thread_id).await?;
    let mut steps = store.campaign_steps(workspace).await?;
    steps.retain(|step| step.thread_id != thread_id);
    Ok(Known { row, steps })
}

/// The newest row of a thread that the store has.
pub(super) async fn newest_row(
    store: &dyn Store,
    workspace: &str,
    thread_id: &str,
) -> Result<Option<ThreadRow>, StoreError> {
    let mut known = store.known_threads(workspace, &[thread_id.to_owned()]).await?;
    Ok(known.remove(thread_id).and_then(|thread| thread.pending.or(thread.row)))
}

#[cfg(test)]
mod tests;
