//! From the wire's JSON to the types of the model.

use super::fields::{DecodeError, Fields};
use super::pages::{ListPage, MessagePage};
use super::reply::ReplyReceipt;
use crate::model::{MailAttachment, Message, ThreadDetail, ThreadRow};
use serde_json::Value;

/// A page of the inbox. A row that cannot be read is skipped and counted: it must not hide the others.
pub(super) fn list_page(answer: &Value, asked: (u32, u32)) -> Result<ListPage, DecodeError> {
    let top = Fields::of(answer, "")?;
    let total_count = top.count("total_count")?;
    let items = items(&top, "conversations", total_count)?;
    let mut rows = Vec::with_capacity(items.len());
    let mut skipped = 0;
    for (index, item) in items.iter().enumerate() {
        let path = format!("conversations[{index}]");
        match Fields::of(item, &path).and_then(|fields| row(&fields)) {
            Ok(row) => rows.push(row),
            Err(DecodeError { at, detail }) => {
                tracing::warn!(at, detail, "a row of ColdSend's list cannot be read and is skipped");
                skipped += 1;
            }
        }
    }
    Ok(ListPage {
        rows,
        skipped,
        total_count,
        unread_count: top.count("unread_count")?,
        starred_count: top.count("starred_count")?,
        page: small(top.count("page")?).unwrap_or(asked.0),
        limit: small(top.count("limit")?).unwrap_or(asked.1),
        date: None,
    })
}

/// A thread. Ignores the rest of the response, such as its message history.
pub(super) fn thread(answer: &Value) -> Result<ThreadDetail, DecodeError> {
    let top = Fields::of(answer, "")?;
    Ok(ThreadDetail {
        row: row(&top)?,
        campaign_id: top.text("campaign_id")?,
        inbox_email: top.text("inbox_email")?,
        from_address: top.text("from_address")?,
        to_address: top.text("to_address")?,
        ai_category: top.text("ai_category")?,
        ai_confidence: top.number("ai_confidence")?,
        manual_category: top.text("manual_category")?,
        tags: top.texts("tags")?,
        is_archived: top.flag("is_archived")?,
        created_at: top.time("created_at")?,
    })
}

/// A page of messages. Here nothing is skipped: who spoke last decides whether a lead is answered.
pub(super) fn message_page(answer: &Value, asked: (u32, u32)) -> Result<MessagePage, DecodeError> {
    let top = Fields::of(answer, "")?;
    let total_count = top.count("total_count")?;
    let items = items(&top, "messages", total_count)?;
    let mut messages = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let path = format!("messages[{index}]");
        messages.push(message(&Fields::of(item, &path)?, &path)?);
    }
    Ok(MessagePage {
        messages,
        total_count,
        page: small(top.count("page")?).unwrap_or(asked.0),
        limit: small(top.count("limit")?).unwrap_or(asked.1),
        total_pages: small(top.count("total_pages")?),
        has_next: top.flag("has_next")?,
        date: None,
    })
}

/// What the API says of an accepted reply; whatever cannot be read is left out.
pub(super) fn receipt(answer: &Value) -> Result<ReplyReceipt, DecodeError> {
    let top = Fields::of(answer, "")?;
    let text = |name| top.text(name).unwrap_or_default();
    Ok(ReplyReceipt {
        message: text("message"),
        from_address: text("from_address"),
        to_address: text("to_address"),
        message_id: text("message_id"),
        thread_id: text("thread_id"),
        date: None,
    })
}

/// The state after a toggle, where the answer says it.
pub(super) fn starred(answer: &Value) -> Option<bool> {
    Fields::of(answer, "").and_then(|top| top.flag("is_starred")).unwrap_or_default()
}

/// A list that may be missing only when it is said to be empty.
fn items<'a>(top: &Fields<'a>, name: &str, total_count: Option<u64>) -> Result<&'a [Value], DecodeError> {
    match top.list(name)? {
        Some(items) => Ok(items),
        None if total_count == Some(0) => Ok(&[]),
        None => Err(DecodeError { at: top.at(name), detail: "is missing".to_owned() }),
    }
}

fn small(count: Option<u64>) -> Option<u32> {
    count.and_then(|count| u32::try_from(count).ok())
}

fn row(fields: &Fields<'_>) -> Result<ThreadRow, DecodeError> {
    Ok(ThreadRow {
        id: fields.required("thread_id")?,
        lead_id: fields.text("lead_id")?,
        inbox_id: fields.text("inbox_id")?,
        lead_email: fields.text("lead_email")?,
        lead_name: fields.text("lead_name")?,
        campaign_name: fields.text("campaign_name")?,
        subject: fields.text("subject")?,
        preview: fields.raw_text("last_message_preview")?,
        last_message_at: fields.time("last_message_at")?,
        is_read: fields.flag("is_read")?,
        is_starred: fields.flag("is_starred")?,
        reply_count: fields.count("reply_count")?,
        category: fields.text("category")?,
    })
}

fn message(fields: &Fields<'_>, path: &str) -> Result<Message, DecodeError> {
    let message_id = fields.text("message_id")?;
    let Some(id) = fields.text("reply_id")?.or_else(|| message_id.clone()) else {
        return Err(DecodeError { at: fields.at("reply_id"), detail: "is missing".to_owned() });
    };
    // Taking our own mail for the lead's would have us answer ourselves; the reverse would lose an answer.
    let Some(outgoing) = fields.flag("is_outgoing")? else {
        return Err(DecodeError { at: fields.at("is_outgoing"), detail: "is missing".to_owned() });
    };
    let mut attachments = Vec::new();
    for (index, item) in fields.list("attachments")?.unwrap_or_default().iter().enumerate() {
        if item.is_null() {
            continue;
        }
        let path = format!("{path}.attachments[{index}]");
        let file = Fields::of(item, &path)?;
        attachments.push(MailAttachment {
            filename: file.text("filename")?,
            content_type: file.text("content_type")?,
            size_bytes: file.count("size_bytes")?,
        });
    }
    Ok(Message {
        id,
        from: fields.text("from_email")?,
        to: fields.text("to_email")?,
        subject: fields.text("subject")?,
        text: fields.raw_text("body_text")?,
        html: fields.raw_text("body_html")?,
        outgoing,
        is_read: fields.flag("is_read")?,
        created_at: fields.time("created_at")?,
        message_id,
        attachments,
    })
}
