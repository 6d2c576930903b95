//! What every engine gets: the same rules, and the new text of the same mails, each unlike any other.

use reply_router::{
    model::{Conversation, Message, ThreadDetail, ThreadRow},
    rules::ThreadMessages,
};
use std::fmt::Write;

/// None of them makes a mail look like automatic mail or an opt-out.
pub const WORDS: [&str; 40] = [
    "calendar",
    "pricing",
    "demo",
    "budget",
    "contract",
    "security",
    "integration",
    "timeline",
    "onboarding",
    "support",
    "renewal",
    "discount",
    "roadmap",
    "compliance",
    "pilot",
    "standard",
    "invoice",
    "migration",
    "training",
    "latency",
    "colleague",
    "quarter",
    "meeting",
    "proposal",
    "vendor",
    "platform",
    "report",
    "feature",
    "dashboard",
    "export",
    "api",
    "webhook",
    "residency",
    "backup",
    "uptime",
    "audit",
    "partner",
    "license",
    "upgrade",
    "rollout",
];

/// A condition on the body, as each engine can say it.
pub struct Rule {
    pub regex: String,
    pub contains: String,
}

pub fn rules(count: usize) -> Vec<Rule> {
    let rule = |index: usize| {
        let (word, other) = (WORDS[index % 40], WORDS[(index / 40 + 7 * index + 3) % 40]);
        Rule {
            regex: format!(r"\b({word}|{other}) (number|no\.?) ?{index}\b"),
            contains: format!("{word} number {index}."),
        }
    };
    (0..count).map(rule).collect()
}

/// A mail of about 2 kB, half of it quoted, read already.
pub struct Mail {
    pub thread: ThreadDetail,
    pub messages: ThreadMessages,
    /// What the lead wrote anew, as rules see it.
    pub body: String,
}

impl Mail {
    pub fn new(number: usize) -> Self {
        let mut next = number as u64 * 2_654_435_761 + 1;
        let mut draw = |below: usize| {
            next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (next >> 33) as usize % below
        };
        let index = draw(500);
        let word = if draw(2) == 0 { WORDS[index % 40] } else { WORDS[draw(40)] };
        let mut text = format!("Hello Sam,\n\nwe looked at {word} number {index}.\n");
        while text.len() < 1_000 {
            let _ = write!(text, "Our {} needs a {} before the {}", WORDS[draw(40)], WORDS[draw(40)], WORDS[draw(40)]);
            let _ = writeln!(text, " of {} {}, as you said.", WORDS[draw(40)], draw(10_000));
        }
        text.push_str("\nJane\n\nOn Mon, Jan 5, 2026 at 9:00 AM Sam <sam@us.example> wrote:\n");
        while text.len() < 2_000 {
            let _ = writeln!(text, "> {} and {} for your {}", WORDS[draw(40)], WORDS[draw(40)], WORDS[draw(40)]);
        }
        let row = ThreadRow {
            id: format!("thread-{number}"),
            lead_email: Some(format!("jane{number}@acme.example")),
            lead_name: Some("Jane Doe".to_owned()),
            campaign_name: Some("Q1 Product Launch".to_owned()),
            subject: Some("Re: Quick question".to_owned()),
            preview: Some(text.chars().take(100).collect()),
            reply_count: Some(draw(6) as u64),
            category: Some("interested".to_owned()),
            ..ThreadRow::default()
        };
        let message = Message {
            id: "m1".to_owned(),
            from: row.lead_email.clone(),
            subject: row.subject.clone(),
            text: Some(text),
            ..Message::default()
        };
        let messages = ThreadMessages::new(Conversation::new(vec![message]));
        let body = messages.body().unwrap_or_default().to_string();
        // All that is asked about a mail is read before anything is measured.
        let _ = (messages.auto_reply(), messages.opt_out());
        Self { thread: ThreadDetail { row, ..ThreadDetail::default() }, messages, body }
    }
}
