//! The writing endpoints: the reply and its validation, marking as read, and the star that toggles.

use super::html;
use super::log::{AcceptedReply, AttachedFile};
use super::options::SentFormat;
use super::outcome::{Outcome, Refusal};
use super::query::validation_error;
use super::state::{IdKind, Shared, State};
use super::thread::{Attachment, StoredMessage};
use axum::http::StatusCode;
use base64::Engine;
use jiff::Timestamp;
use serde_json::{Value, json};

/// All files of a reply together, in bytes.
const MAX_BYTES: usize = 10 * 1024 * 1024;
/// Files of a reply.
const MAX_FILES: usize = 5;

/// A reply as asked for.
#[derive(Debug)]
struct ReplyRequest {
    body: Option<String>,
    html_body: Option<String>,
    attachments: Vec<AttachedFile>,
}

/// Checks a reply, accepts it and queues it.
pub(super) fn accept(shared: &Shared, id: &str, body: &[u8], now: Timestamp) -> Outcome {
    let request = read(body)?;
    let visible_at = now.checked_add(shared.options.visibility_lag).unwrap_or(now);
    let (text, html) = sent(&shared.options.sent_form, &request);
    shared.write(|state| {
        let reply_id = state.next_id(IdKind::Reply);
        let message_id = format!("<{reply_id}@mail.outreach.example>");
        let Some(thread) = state.thread_mut(id) else {
            return Err(Refusal::text(StatusCode::NOT_FOUND, "Thread not found"));
        };
        let (from, to) = (thread.inbox_email.clone(), thread.lead_email.clone());
        let files = request.attachments.iter().map(|file| Attachment {
            filename: file.filename.clone(),
            content_type: file.content_type.clone(),
            size_bytes: file.content.len() as u64,
        });
        thread.messages.push(StoredMessage {
            id: reply_id,
            from: from.clone(),
            to: to.clone(),
            subject: format!("Re: {}", thread.subject),
            text,
            html,
            outgoing: true,
            is_read: true,
            at: visible_at,
            message_id: message_id.clone(),
            attachments: files.collect(),
            through_api: true,
        });
        thread.messages.sort_by_key(|message| message.at);
        state.accepted.push(AcceptedReply {
            at: now,
            thread_id: id.to_owned(),
            to: to.clone(),
            body: request.body,
            html_body: request.html_body,
            attachments: request.attachments,
        });
        Ok(json!({
            "success": true, "message": "Reply queued successfully", "from_address": from, "to_address": to,
            "message_id": message_id, "thread_id": id,
        }))
    })
}

/// Marks a thread and its messages as read.
pub(super) fn mark_read(state: &mut State, id: &str, now: Timestamp) -> Option<Value> {
    let thread = state.threads.flags_mut(id)?;
    thread.is_read = true;
    let mut marked = 0;
    for message in thread.messages.iter_mut().filter(|message| !message.is_read && message.at <= now) {
        message.is_read = true;
        marked += 1;
    }
    Some(json!({
        "success": true, "message": format!("Marked {marked} messages as read"), "marked_count": marked,
        "thread_ids": [id],
    }))
}

/// Turns the star to the other state.
pub(super) fn toggle_star(state: &mut State, id: &str) -> Option<Value> {
    let thread = state.threads.flags_mut(id)?;
    thread.is_starred = !thread.is_starred;
    let message = if thread.is_starred { "Thread starred" } else { "Thread unstarred" };
    Some(json!({ "success": true, "message": message, "thread_id": id, "is_starred": thread.is_starred }))
}

fn read(body: &[u8]) -> Result<ReplyRequest, Refusal> {
    let invalid = |mistakes: Vec<Value>| Refusal::invalid(Value::Array(mistakes));
    if body.is_empty() {
        return Err(invalid(vec![validation_error(&["body"], "Field required", "missing")]));
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        invalid(vec![validation_error(&["body"], &format!("JSON decode error: {error}"), "json_invalid")])
    })?;
    let Some(fields) = value.as_object() else {
        let message = "Input should be a valid dictionary or object to extract fields from";
        return Err(invalid(vec![validation_error(&["body"], message, "model_attributes_type")]));
    };
    let mut mistakes = Vec::new();
    let mut text = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => {
            mistakes.push(validation_error(&["body", name], "Input should be a valid string", "string_type"));
            None
        }
    };
    let (body, html_body) = (text("body"), text("html_body"));
    let attachments = files(fields.get("attachments"), &mut mistakes);
    let blank = |part: &Option<String>| part.as_deref().is_none_or(|part| part.trim().is_empty());
    if mistakes.is_empty() && blank(&body) && blank(&html_body) {
        let message = "Value error, at least one of body or html_body is required";
        mistakes.push(validation_error(&["body"], message, "value_error"));
    }
    if !mistakes.is_empty() {
        return Err(invalid(mistakes));
    }
    if attachments.iter().map(|file| file.content.len()).sum::<usize>() > MAX_BYTES {
        return Err(Refusal::text(StatusCode::BAD_REQUEST, "Attachments exceed the total limit of 10 MB"));
    }
    Ok(ReplyRequest { body, html_body, attachments })
}

fn files(value: Option<&Value>, mistakes: &mut Vec<Value>) -> Vec<AttachedFile> {
    let items = match value {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(items)) => items,
        Some(_) => {
            mistakes.push(validation_error(&["body", "attachments"], "Input should be a valid list", "list_type"));
            return Vec::new();
        }
    };
    if items.len() > MAX_FILES {
        let message = format!("List should have at most {MAX_FILES} items after validation, not {}", items.len());
        mistakes.push(validation_error(&["body", "attachments"], &message, "too_long"));
        return Vec::new();
    }
    let mut files = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let index = index.to_string();
        let mut field = |name: &str| match item.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            None => {
                mistakes.push(validation_error(&["body", "attachments", &index, name], "Field required", "missing"));
                None
            }
            Some(_) => {
                let location = ["body", "attachments", &index, name];
                mistakes.push(validation_error(&location, "Input should be a valid string", "string_type"));
                None
            }
        };
        let (filename, content) = (field("filename"), field("content_base64"));
        let content_type = item.get("content_type").and_then(Value::as_str).unwrap_or("application/octet-stream");
        let (Some(filename), Some(content)) = (filename, content) else { continue };
        match base64::engine::general_purpose::STANDARD.decode(content) {
            Ok(content) => files.push(AttachedFile { filename, content_type: content_type.to_owned(), content }),
            Err(_) => {
                let location = ["body", "attachments", &index, "content_base64"];
                mistakes.push(validation_error(&location, "Value error, invalid base64", "value_error"));
            }
        }
    }
    files
}

/// Text and HTML as they show up among the messages.
fn sent(form: &SentFormat, request: &ReplyRequest) -> (Option<String>, Option<String>) {
    let given = (request.body.clone(), request.html_body.clone());
    let text = match &request.body {
        Some(text) => text.clone(),
        None => html::to_text(request.html_body.as_deref().unwrap_or_default()),
    };
    match form {
        SentFormat::Unchanged => given,
        SentFormat::Rewrapped(columns) => (Some(rewrap(&text, *columns)), given.1),
        SentFormat::HtmlOnly => {
            let html = given.1.unwrap_or_else(|| {
                let lines: Vec<String> = text.lines().map(html::escape).collect();
                format!("<html><body><div dir=\"ltr\">{}</div></body></html>", lines.join("<br>\r\n"))
            });
            (None, Some(html))
        }
        SentFormat::WithSignature(signature) => {
            let html = given.1.map(|html| format!("{html}<br>-- <br>{}", html::escape(signature)));
            (Some(format!("{text}\n\n-- \n{signature}")), html)
        }
    }
}

fn rewrap(text: &str, columns: usize) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut current = String::new();
        for word in line.split_whitespace() {
            if !current.is_empty() && current.chars().count() + 1 + word.chars().count() > columns {
                lines.push(std::mem::take(&mut current));
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push(current);
    }
    lines.join("\r\n")
}
