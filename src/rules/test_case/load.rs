//! Reading tests, every mistake with its place.

use super::{Expectation, TestCase, forwards, steps};
use crate::diagnostics::{Diagnostic, Diagnostics, code};
use crate::yaml::{Fields, Node, Value};
use crate::{
    model::{ActionKind, MailAttachment, Message, ThreadDetail, ThreadRow},
    rules::schema::{CASE, EXPECT, MAX_REPLY_COUNT, MESSAGE, NOON, THREAD},
    text,
};
use jiff::Timestamp;
use std::time::Duration;

/// Between two messages that name no time.
const PAUSE: Duration = Duration::from_secs(3_600);
/// How much of the last message the list row shows.
const PREVIEW: usize = 120;

/// Reads a list of tests.
pub(in crate::rules) fn read(list: &Node, out: &mut Diagnostics) -> Vec<TestCase> {
    list.list(out).unwrap_or_default().iter().filter_map(|node| case(node, out)).collect()
}

fn case(node: &Node, out: &mut Diagnostics) -> Option<TestCase> {
    let fields = node.fields(&CASE, out)?;
    steps::reject_step_keys(&fields, out);
    let name_node = fields.required("name", out);
    let name = name_node.and_then(|node| node.non_empty_string(out))?;
    let now = fields.non_null("now").map_or_else(|| NOON.parse().ok(), |node| time(node, out))?;
    let thread_node = fields.non_null("thread");
    let mut thread = thread_node.map(|node| thread(node, out)).unwrap_or_default();
    let messages = messages(&fields, &thread, now, out)?;
    let steps = fields.non_null("steps").map(|node| steps::read(node, &thread, out)).unwrap_or_default();
    complete(&mut thread, &messages);
    // What comes of the event may be left to the steps, as long as one of them expects something.
    let expect = match fields.non_null("expect") {
        Some(node) => expect(node, out),
        None if steps.iter().any(|step| step.expect != Expectation::default()) => Expectation::default(),
        None => fields.required("expect", out).map(|node| expect(node, out))?,
    };
    let line = name_node.map_or(node.span.line, |node| node.span.line);
    let workspace = fields.non_null("workspace").and_then(|node| node.non_empty_string(out));
    let file = node.source().name().to_owned();
    let case = TestCase { name, file, line, workspace, thread, messages, now, expect, steps };
    if let Some(thread) = thread_node.filter(|_| case.needs_engine()) {
        steps::reject_derived_keys(thread, out);
    }
    Some(case)
}

fn thread(node: &Node, out: &mut Diagnostics) -> ThreadDetail {
    let mut detail = ThreadDetail::default();
    let Some(fields) = node.fields(&THREAD, out) else { return detail };
    let mut text = |key: &str| fields.non_null(key).and_then(|node| node.string(out));
    let row = ThreadRow {
        id: text("id").unwrap_or_else(|| "thread-in-a-test".to_owned()),
        lead_id: text("lead_id"),
        lead_email: text("lead_email"),
        lead_name: text("lead_name"),
        campaign_name: text("campaign"),
        subject: text("subject"),
        preview: text("preview"),
        ..ThreadRow::default()
    };
    detail.campaign_id = text("campaign_id");
    detail.inbox_email = text("inbox");
    detail.ai_category = text("ai_category");
    detail.manual_category = text("manual_category");
    let category = text("category");
    detail.row = row;
    detail.row.category = category.or_else(|| detail.manual_category.clone()).or_else(|| detail.ai_category.clone());
    detail.ai_confidence = fields.non_null("ai_confidence").and_then(|node| node.number(out));
    let count = fields.non_null("reply_count").and_then(|node| node.integer(0..=MAX_REPLY_COUNT, out));
    detail.row.reply_count = count.and_then(|count| u64::try_from(count).ok());
    detail.row.is_read = fields.non_null("is_read").and_then(|node| node.bool(out));
    detail.row.is_starred = fields.non_null("is_starred").and_then(|node| node.bool(out));
    let tags = fields.non_null("tags").map(Node::list_or_one).unwrap_or_default();
    detail.tags = tags.iter().filter_map(|tag| tag.string(out)).collect();
    detail
}

/// What the API would say of a thread with these messages.
fn complete(thread: &mut ThreadDetail, messages: &[Message]) {
    let row = &mut thread.row;
    let inbound = messages.iter().filter(|message| !message.outgoing).count();
    row.reply_count = row.reply_count.or_else(|| u64::try_from(inbound).ok());
    row.is_read = row.is_read.or(Some(false));
    row.is_starred = row.is_starred.or(Some(false));
    let Some(last) = messages.last() else { return };
    row.last_message_at = last.created_at;
    if row.preview.is_none() {
        show_last(thread, messages);
    }
    let row = &thread.row;
    let category = row.category.clone();
    thread.ai_category = thread.ai_category.take().or(category);
}

/// What the list shows of the last message.
pub(super) fn show_last(thread: &mut ThreadDetail, messages: &[Message]) {
    let Some(last) = messages.last() else { return };
    let whole = text::full_text(last.text.as_deref(), last.html.as_deref());
    let words = whole.split_whitespace().collect::<Vec<_>>().join(" ");
    thread.row.preview = Some(words.chars().take(PREVIEW).collect());
    thread.row.last_message_at = last.created_at;
}

fn messages(fields: &Fields<'_>, thread: &ThreadDetail, now: Timestamp, out: &mut Diagnostics) -> Option<Vec<Message>> {
    let node = fields.required("messages", out)?;
    let items = node.list(out)?;
    let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
    let mut messages = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        // The last one has come a moment ago.
        let left = count.saturating_sub(u32::try_from(index).unwrap_or(0) + 1);
        let age = PAUSE.saturating_mul(left) + Duration::from_secs(60);
        let mut message = message(item, thread, out)?;
        message.id = format!("message-{}", index + 1);
        message.created_at = message.created_at.or_else(|| now.saturating_sub(age).ok());
        messages.push(message);
    }
    match messages.last() {
        Some(last) if !last.outgoing => Some(messages),
        _ => {
            let place = items.last().unwrap_or(node);
            let message = "the last message is the event, so it must be the lead's";
            let error = Diagnostic::error(code::TEST_EVENT, place, message);
            out.push(error.hint("add a message of the lead as the last item"));
            None
        }
    }
}

pub(super) fn message(node: &Node, thread: &ThreadDetail, out: &mut Diagnostics) -> Option<Message> {
    let lead = thread.row.lead_email.clone();
    if !matches!(node.value, Value::Mapping(_)) {
        let subject = thread.row.subject.clone();
        return Some(Message { text: Some(node.string(out)?), from: lead, subject, ..Message::default() });
    }
    let fields = node.fields(&MESSAGE, out)?;
    let outgoing = fields.non_null("outgoing").and_then(|node| node.bool(out)).unwrap_or_default();
    let mut text = |key: &str| fields.non_null(key).and_then(|node| node.string(out));
    let sender = if outgoing { thread.inbox_email.clone() } else { lead };
    let mut message = Message {
        outgoing,
        from: text("from").or(sender),
        to: text("to"),
        subject: text("subject").or_else(|| thread.row.subject.clone()),
        text: text("body"),
        html: text("html"),
        ..Message::default()
    };
    message.created_at = fields.non_null("at").and_then(|node| time(node, out));
    for file in fields.non_null("attachments").map(Node::list_or_one).unwrap_or_default() {
        let filename = file.string(out);
        message.attachments.push(MailAttachment { filename, ..MailAttachment::default() });
    }
    if message.text.is_none() && message.html.is_none() {
        let error = Diagnostic::error(code::MISSING_KEY, node, "the message is empty");
        out.push(error.hint("write its text under `body`, or its HTML under `html`"));
        return None;
    }
    Some(message)
}

pub(super) fn expect(node: &Node, out: &mut Diagnostics) -> Expectation {
    let mut expect = Expectation::default();
    let Some(fields) = node.fields(&EXPECT, out) else { return expect };
    let words = |key: &str, out: &mut Diagnostics| {
        let items = fields.non_null(key)?.list_or_one();
        Some(items.iter().filter_map(|item| item.string(out)).collect::<Vec<_>>())
    };
    expect.rules = words("rules", out);
    expect.is = words("is", out);
    expect.actions = words("actions", out);
    expect.reply = words("reply", out).unwrap_or_default();
    expect.no_reply = fields.get("reply").is_some_and(Node::is_null);
    expect.forwards = fields.non_null("forwards").map(|node| forwards::read(node, out));
    expect.body = fields.non_null("body").and_then(|node| node.string(out));
    let kinds = ActionKind::ALL.map(ActionKind::as_str);
    for item in fields.non_null("actions").map(Node::list_or_one).unwrap_or_default() {
        if !kinds.contains(&item.text()) {
            out.push(steps::unknown(item, code::UNKNOWN_ACTION, "action", item.text(), &kinds));
        }
    }
    steps::read_outcomes(&fields, &mut expect, out);
    if fields.iter().next().is_none() {
        let error = Diagnostic::error(code::MISSING_KEY, node, "the test expects nothing, so it could never fail");
        out.push(error.hint("say which `rules` match: a list of their names, [] for none"));
    }
    expect
}

fn time(node: &Node, out: &mut Diagnostics) -> Option<Timestamp> {
    let text = node.string(out)?;
    let time = text.parse().ok();
    if time.is_none() {
        let error = Diagnostic::error(code::WRONG_TYPE, node, format!("`{text}` is not a time"));
        out.push(error.hint("write it as 2026-01-07T17:00:00Z, or with an offset such as -05:00"));
    }
    time
}
