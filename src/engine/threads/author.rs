//! Who wrote the outgoing messages after the lead's newest one: this service, a teammate, or the campaign.
//!
//! ColdSend does not say who wrote a message, and a campaign may send its next step although the lead has replied. So
//! the messages that other leads got before they ever wrote are stored, as hashes of their pairs of words, and an
//! outgoing message is classified in this order:
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

use crate::{
    model::{Conversation, Message, address_of, same_address},
    store::CampaignStep,
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
    CampaignStep(String),
    /// Unclear, and why.
    Unclear(String),
    /// A teammate, or another service.
    Teammate,
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

fn pairs_of(message: &Message) -> Vec<u32> {
    word_pairs(&new_text(message.text.as_deref(), message.html.as_deref()))
}

/// Classifies one message by the table above.
pub(super) fn author(message: &Message, around: Around<'_>) -> Author {
    let Around { conversation, in_campaign, lead, steps } = around;
    let earlier: Vec<&Message> = opening(conversation).filter(|other| other.id != message.id).collect();
    let known: Vec<u32> = earlier.iter().flat_map(|other| pairs_of(other)).collect();
    let newest = conversation.newest_inbound().filter(|newest| newest.id != message.id);
    if newest.is_some_and(|newest| quotes(message, newest, lead)) {
        return Author::Teammate;
    }
    let senders = earlier.iter().filter_map(|other| other.from.as_deref());
    let senders: Vec<&str> = senders.chain(steps.iter().filter_map(|step| step.sender.as_deref())).collect();
    if let Some(from) = message.from.as_deref().filter(|from| address_of(from).is_some())
        && !senders.is_empty()
        && !senders.iter().any(|sender| same_address(sender, from))
    {
        return Author::Teammate;
    }
    let pairs = pairs_of(message);
    let fresh = pairs.iter().filter(|pair| !known.contains(pair)).count();
    let alike = steps.iter().map(|step| likeness(&pairs, &step.words, &known)).fold(0.0, f64::max);
    if fresh >= FEW_PAIRS && alike >= ALIKE {
        let percent = (alike * 100.0).round();
        return Author::CampaignStep(format!("{percent} % of its words stand in what another lead got before writing"));
    }
    if !in_campaign || earlier.is_empty() {
        return Author::Teammate;
    }
    let is_known = |pair: &u32| known.contains(pair) || steps.iter().any(|step| step.words.contains(pair));
    let asked = newest.map(pairs_of).unwrap_or_default();
    if asked.iter().filter(|pair| pairs.contains(pair) && !is_known(pair)).count() >= TAKEN_UP {
        return Author::Teammate;
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
    unclear.map_or(Author::Teammate, |why| Author::Unclear(why.to_owned()))
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

#[cfg(test)]
mod tests;
