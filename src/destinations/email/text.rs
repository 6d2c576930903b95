//! What a notice says by e-mail: the rule's own words, what the lead wrote anew, the facts, the conversation below.

use super::super::{
    message::{Content, Delivery},
    sanitize::{multi_line, one_line, shorten},
};
use crate::model::{Notice, NoticeMessage};
use std::fmt::Write;

/// Characters of one text, and messages of a conversation (the newest), that a mail shows.
const MAX_TEXT_LEN: usize = 20_000;
const MAX_MESSAGES: usize = 30;
const SUBJECT: usize = 200;

/// The subject: the rule's own, or `Reply from NAME <email> (campaign)`. One line, whatever a lead's name holds.
pub(super) fn subject(delivery: &Delivery<'_>) -> String {
    let notice = match &delivery.content {
        Content::Alert { alert, .. } => return one_line(&alert.title, SUBJECT),
        Content::Notice(notice) => notice,
    };
    if let Some(own) =
        notice.email_subject.as_deref().map(|text| one_line(text, SUBJECT)).filter(|text| !text.is_empty())
    {
        return own;
    }
    let who = lead_line(notice).unwrap_or_else(|| "a lead".to_owned());
    let campaign = line(&notice.campaign).map(|name| format!(" ({name})")).unwrap_or_default();
    one_line(&format!("Reply from {who}{campaign}"), SUBJECT)
}

/// The plain-text part.
pub(super) fn text_part(delivery: &Delivery<'_>) -> String {
    let mut out = String::new();
    match &delivery.content {
        Content::Alert { alert, .. } => block(&mut out, &alert.text),
        Content::Notice(notice) => {
            block(&mut out, notice.text.as_deref().unwrap_or_default());
            block(&mut out, &notice.new_text);
            block(
                &mut out,
                &facts(notice).iter().map(|(label, value)| format!("{label}: {value}")).collect::<Vec<_>>().join("\n"),
            );
        }
    }
    if let Some(link) = delivery.link {
        block(&mut out, &format!("Thread: {}", one_line(link, 2_000)));
    }
    if let Content::Notice(notice) = &delivery.content {
        conversation_text(&mut out, notice);
    }
    block(&mut out, &format!("-- \nReply Router, action {}", one_line(delivery.id, 120)));
    out
}

/// The HTML part: the same, escaped, without anything that a mail program would have to load.
pub(super) fn html_part(delivery: &Delivery<'_>) -> String {
    let mut out = String::from(
        "<!doctype html><html><head><meta charset=\"utf-8\"></head><body style=\"font-family:sans-serif\">",
    );
    match &delivery.content {
        Content::Alert { alert, .. } => paragraph(&mut out, &alert.text, ""),
        Content::Notice(notice) => {
            paragraph(&mut out, notice.text.as_deref().unwrap_or_default(), "");
            paragraph(&mut out, &notice.new_text, "border-left:3px solid #2b6cb0;padding-left:12px");
            out.push_str("<table>");
            for (label, value) in facts(notice) {
                let _ = write!(out, "<tr><td style=\"color:#666\">{label}</td><td>{}</td></tr>", escaped(&value));
            }
            out.push_str("</table>");
        }
    }
    if let Some(link) = delivery.link.filter(|link| link.starts_with("https://") || link.starts_with("http://")) {
        let _ = write!(out, "<p><a href=\"{}\">Open the thread</a></p>", escaped(&one_line(link, 2_000)));
    }
    if let Content::Notice(notice) = &delivery.content {
        conversation_html(&mut out, notice);
    }
    let id = escaped(&one_line(delivery.id, 120));
    let _ = write!(out, "<p style=\"color:#666;font-size:small\">Reply Router, action {id}</p></body></html>");
    out
}

/// Label and value of what is known, in the order in which people look for it.
fn facts(notice: &Notice) -> Vec<(&'static str, String)> {
    let rule = match line(&notice.rule_description) {
        Some(description) => format!("{} ({description})", notice.rule),
        None => notice.rule.clone(),
    };
    let known = [
        ("Lead", lead_line(notice)),
        ("Written by", line(&notice.from)),
        ("Campaign", line(&notice.campaign)),
        ("Category", line(&notice.category)),
        ("Subject", line(&notice.subject)),
        ("Received", notice.message_at.map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())),
        ("Workspace", Some(notice.workspace.clone())),
        ("Rule", Some(rule)),
    ];
    known.into_iter().filter_map(|(label, value)| Some((label, value.filter(|value| !value.is_empty())?))).collect()
}

fn lead_line(notice: &Notice) -> Option<String> {
    match (line(&notice.lead_name), line(&notice.lead_email)) {
        (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
        (name, email) => email.or(name),
    }
}

fn conversation_text(out: &mut String, notice: &Notice) {
    let (left_out, shown) = newest(notice);
    if shown.is_empty() {
        return;
    }
    block(out, &format!("Conversation, oldest first{}", left_out_words(left_out)));
    for message in shown {
        let quoted: Vec<String> = bounded(&message.text).lines().map(|line| format!("> {line}")).collect();
        block(out, &format!("{}\n{}", heading(message), quoted.join("\n")));
    }
}

fn conversation_html(out: &mut String, notice: &Notice) {
    let (left_out, shown) = newest(notice);
    if shown.is_empty() {
        return;
    }
    let _ = write!(out, "<h3>Conversation, oldest first{}</h3>", left_out_words(left_out));
    for message in shown {
        let _ = write!(out, "<p style=\"color:#666\">{}</p>", escaped(&heading(message)));
        paragraph(out, &message.text, "border-left:3px solid #ccc;padding-left:12px");
    }
}

fn newest(notice: &Notice) -> (usize, &[NoticeMessage]) {
    let left_out = notice.conversation.len().saturating_sub(MAX_MESSAGES);
    (left_out, notice.conversation.get(left_out..).unwrap_or_default())
}

fn left_out_words(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" ({count} older messages left out)") }
}

fn heading(message: &NoticeMessage) -> String {
    let from = line(&message.from).unwrap_or_else(|| if message.outgoing { "us" } else { "the lead" }.to_owned());
    let who = if message.outgoing { format!("{from} (we)") } else { from };
    match message.at {
        Some(at) => format!("{who}, {}", at.strftime("%Y-%m-%d %H:%M UTC")),
        None => who,
    }
}

fn line(text: &Option<String>) -> Option<String> {
    text.as_deref().map(|text| one_line(text, 300)).filter(|text| !text.is_empty())
}

fn bounded(text: &str) -> String {
    shorten(multi_line(text).trim(), MAX_TEXT_LEN)
}

fn block(out: &mut String, text: &str) {
    let text = bounded(text);
    if !text.is_empty() {
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        out.push_str(&text);
    }
}

fn paragraph(out: &mut String, text: &str, style: &str) {
    let text = bounded(text);
    if !text.is_empty() {
        let _ = write!(out, "<div style=\"white-space:pre-wrap;margin:1em 0;{style}\">{}</div>", escaped(&text));
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
