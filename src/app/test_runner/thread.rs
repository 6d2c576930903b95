//! A test's thread and messages as the simulated workspace takes them.

use crate::{model, rules::TestCase, simulator};

/// Where a test names no inbox.
const INBOX: &str = "sam@us.example";
/// The type of attachments, which tests name without one.
const FILE_TYPE: &str = "application/octet-stream";

/// The thread with its messages at their times. What the test does not say stays empty, as far as a workspace can leave it
/// empty: an inbox there always is.
pub(super) fn new_thread(case: &TestCase) -> simulator::NewThread {
    let (detail, row) = (&case.thread, &case.thread.row);
    simulator::NewThread {
        // Loading rejects any other id.
        id: Some(row.id.clone()).filter(|id| uuid::Uuid::parse_str(id).is_ok()),
        lead_email: row.lead_email.clone().unwrap_or_default(),
        lead_name: row.lead_name.clone(),
        campaign_name: row.campaign_name.clone(),
        campaign_id: detail.campaign_id.clone(),
        inbox_email: Some(detail.inbox_email.clone().unwrap_or_else(|| INBOX.to_owned())),
        subject: Some(row.subject.clone().unwrap_or_default()),
        ai_category: detail.ai_category.clone(),
        ai_confidence: detail.ai_confidence,
        manual_category: detail.manual_category.clone(),
        tags: detail.tags.clone(),
        is_read: row.is_read.unwrap_or_default(),
        is_starred: row.is_starred.unwrap_or_default(),
        messages: case.messages.iter().map(new_message).collect(),
        account: 0,
    }
}

/// A message; the default time is now.
pub(super) fn new_message(message: &model::Message) -> simulator::Message {
    let file = |file: &model::MailAttachment| simulator::Attachment {
        filename: file.filename.clone().unwrap_or_default(),
        content_type: FILE_TYPE.to_owned(),
        size_bytes: 0,
    };
    simulator::Message {
        from: message.from.clone(),
        to: message.to.clone(),
        subject: Some(message.subject.clone().unwrap_or_default()),
        text: message.text.clone(),
        html: message.html.clone(),
        outgoing: message.outgoing,
        age: None,
        at: message.created_at,
        attachments: message.attachments.iter().map(file).collect(),
    }
}
