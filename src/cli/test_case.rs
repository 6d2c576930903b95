//! A live thread as a test case that can stand beside the rules.

use crate::model::{Conversation, Message, ThreadRow};
use serde::Serialize;

#[derive(Serialize)]
struct File {
    tests: Vec<Case>,
}

#[derive(Serialize)]
struct Case {
    name: String,
    thread: Thread,
    messages: Vec<Said>,
    expect: Expect,
}

#[derive(Serialize)]
struct Thread {
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_count: Option<u64>,
}

#[derive(Serialize)]
struct Said {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    outgoing: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    body: String,
}

#[derive(Serialize)]
struct Expect {
    rules: Vec<String>,
}

/// The thread up to its newest inbound message, which is the event.
pub(super) fn yaml(row: &ThreadRow, conversation: &Conversation) -> anyhow::Result<String> {
    let last = conversation.messages().iter().rposition(|message| !message.outgoing);
    let messages = conversation.messages().iter().take(last.map_or(0, |last| last + 1));
    let said = |message: &Message| Said {
        outgoing: message.outgoing,
        from: message.from.clone().filter(|_| !message.outgoing),
        subject: message.subject.clone(),
        body: message.text.clone().unwrap_or_else(|| crate::text::whole_text(None, message.html.as_deref())),
    };
    let file = File {
        tests: vec![Case {
            name: format!("thread {}", row.id),
            thread: Thread {
                category: row.category().map(str::to_owned),
                campaign: row.campaign().map(str::to_owned),
                lead_email: row.lead_email.clone(),
                lead_name: row.lead_name.clone(),
                subject: row.subject.clone(),
                reply_count: row.reply_count,
            },
            messages: messages.map(said).collect(),
            expect: Expect { rules: Vec::new() },
        }],
    };
    let text = serde_yaml::to_string(&file)?;
    Ok(format!("# Say under `expect` what should come of it.\n{text}"))
}
