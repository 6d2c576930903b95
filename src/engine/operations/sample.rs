//! What the rules would do with a sample message: from a file, or typed into a page.

use crate::engine::Explanation;
use crate::{
    model::{Conversation, Decision, Message, Mode, ThreadDetail, ThreadRow, address_of, display_name, same_address},
    rules::{EventInput, Need, RuleSet, ThreadMessages, evaluate},
    text,
};
use jiff::Timestamp;
use std::collections::HashMap;

/// How much of a message the inbox's list shows.
const PREVIEW_CHARACTERS: usize = 120;

/// A thread that exists nowhere, and when it is evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleThread {
    /// The thread.
    pub thread: ThreadDetail,
    /// Its messages, oldest first.
    pub messages: Vec<Message>,
    /// When rules are evaluated.
    pub now: Timestamp,
}

/// What the inbox would say of a thread of one sample message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SampleFields {
    /// The lead's address; the sender's, if it is not given.
    pub lead_email: Option<String>,
    /// The lead's full name; that of the sender, if they are the lead and it is not given.
    pub lead_name: Option<String>,
    /// The subject; the message's own, if it is not given.
    pub subject: Option<String>,
    /// The category.
    pub category: Option<String>,
    /// The campaign.
    pub campaign: Option<String>,
}

impl SampleThread {
    /// A thread of one message that has just come in; `name` takes the place of its id.
    pub fn new(name: impl Into<String>, mut message: Message, about: SampleFields, now: Timestamp) -> Self {
        message.id = "message-1".to_owned();
        let subject = about.subject.or_else(|| message.subject.clone());
        message.subject.clone_from(&subject);
        let lead_email = about.lead_email.or_else(|| message.from.as_deref().and_then(address_of));
        let own_name = || {
            let from = message.from.as_deref()?;
            let is_lead = lead_email.as_deref().is_some_and(|lead| same_address(lead, from));
            display_name(from).filter(|_| is_lead).map(str::to_owned)
        };
        let lead_name = about.lead_name.or_else(own_name);
        message.from = message.from.or_else(|| lead_email.clone());
        let preview = text::full_text(message.text.as_deref(), message.html.as_deref());
        let preview = preview.split_whitespace().collect::<Vec<_>>().join(" ");
        let row = ThreadRow {
            id: name.into(),
            lead_email,
            lead_name,
            campaign_name: about.campaign,
            category: about.category.clone(),
            subject,
            preview: Some(preview.chars().take(PREVIEW_CHARACTERS).collect()),
            last_message_at: message.created_at.or(Some(now)),
            is_read: Some(false),
            is_starred: Some(false),
            reply_count: Some(1),
            ..ThreadRow::default()
        };
        let thread = ThreadDetail { row, ai_category: about.category, ..ThreadDetail::default() };
        Self { thread, messages: vec![message], now }
    }

    /// Evaluates the rules with every condition, in a workspace with this ceiling and `safety.hold_uncertain`. Makes no
    /// request and asks no store.
    ///
    /// # Errors
    /// A rule needs what the sample does not have.
    pub fn evaluate(
        &self,
        rules: &RuleSet,
        workspace: &str,
        (ceiling, hold_uncertain): (Mode, bool),
        overrides: &HashMap<String, Mode>,
    ) -> Result<(Explanation, Decision), Need> {
        let messages = ThreadMessages::new(Conversation::new(self.messages.clone()));
        let input = EventInput {
            workspace,
            ceiling,
            row: &self.thread.row,
            row_reading: None,
            detail: Some(&self.thread),
            messages: Some(&messages),
            history: None,
            overrides,
            lead_opted_out: None,
            hold_uncertain,
            thorough: true,
        };
        let decision = evaluate(rules, &input, self.now)?;
        let newest = messages.newest_inbound().map(|message| message.id.as_str());
        Ok((Explanation::from_decision(&self.thread.row, newest, &decision), decision))
    }
}
