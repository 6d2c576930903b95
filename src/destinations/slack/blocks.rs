//! A notice as a Slack message.
//!
//! Everything that a lead or a rule wrote goes into `plain_text` elements with `&`, `<` and `>` escaped: there it is
//! neither a mention nor a link nor formatting. The only formatted text is the link to the thread, which is ours.

use super::super::{
    message::{Alert, Content, Delivery},
    sanitize::{multi_line, one_line},
};
use crate::model::Notice;
use serde_json::{Value, json};
use url::Url;

/// Slack's limits: the header, one field, one section, one element of a context line.
const HEADER: usize = 150;
const FIELD: usize = 2_000;
const SECTION: usize = 3_000;
const CONTEXT: usize = 500;

/// The body of `chat.postMessage` but for the channel, which is an incoming webhook's whole body.
pub(super) fn message(delivery: &Delivery<'_>) -> Value {
    let (summary, mut blocks) = match &delivery.content {
        Content::Notice(notice) => notice_blocks(notice),
        Content::Alert { alert, .. } => alert_blocks(alert),
    };
    if let Some(link) = delivery.link.and_then(link) {
        blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": link } }));
    }
    let mut context = Vec::new();
    if let Content::Notice(notice) = &delivery.content {
        context.push(plain(&rule_line(notice), CONTEXT));
    }
    context.push(plain(&format!("Action {}", one_line(delivery.id, 100)), CONTEXT));
    blocks.push(json!({ "type": "context", "elements": context }));
    json!({
        "text": escaped(&summary, SECTION),
        "mrkdwn": false,
        "blocks": blocks,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

fn notice_blocks(notice: &Notice) -> (String, Vec<Value>) {
    let who = notice.lead_name.as_deref().or(notice.lead_email.as_deref()).unwrap_or("a lead");
    let header = format!("Reply from {}", one_line(who, 200));
    let mut fields = Vec::new();
    let mut field = |label: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            fields.push(plain(&format!("{label}: {value}"), FIELD));
        }
    };
    let line = |text: &Option<String>| text.as_deref().map(|text| one_line(text, 300));
    let lead = match (line(&notice.lead_name), line(&notice.lead_email)) {
        (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
        (name, email) => email.or(name),
    };
    field("Lead", lead);
    field("Campaign", line(&notice.campaign));
    field("Category", line(&notice.category));
    field("Written by", line(&notice.from));
    field("Subject", line(&notice.subject));

    let mut blocks = vec![json!({ "type": "header", "text": plain(&header, HEADER) })];
    if let Some(text) = notice.text.as_deref().filter(|text| !text.trim().is_empty()) {
        blocks.push(section(&multi_line(text)));
    }
    if !fields.is_empty() {
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    let new_text = multi_line(&notice.new_text);
    if !new_text.trim().is_empty() {
        let quoted: Vec<String> = new_text.trim().lines().map(|line| format!("> {line}")).collect();
        blocks.push(section(&quoted.join("\n")));
    }
    let summary = match one_line(&notice.new_text, 300) {
        text if text.is_empty() => header,
        text => format!("{header}: {text}"),
    };
    (summary, blocks)
}

fn alert_blocks(alert: &Alert) -> (String, Vec<Value>) {
    let title = one_line(&alert.title, 300);
    let text = multi_line(&alert.text);
    let mut blocks = vec![json!({ "type": "header", "text": plain(&title, HEADER) })];
    if !text.trim().is_empty() {
        blocks.push(section(&text));
    }
    (format!("{title}: {}", one_line(&text, 1_000)), blocks)
}

fn rule_line(notice: &Notice) -> String {
    match notice.rule_description.as_deref().map(|text| one_line(text, 300)) {
        Some(text) if !text.is_empty() => format!("Rule {}: {text}", notice.rule),
        _ => format!("Rule {}", notice.rule),
    }
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": plain(text, SECTION) })
}

/// Text that Slack shows as it is. Slack refuses an empty one.
fn plain(text: &str, most: usize) -> Value {
    let text = escaped(text, most);
    json!({ "type": "plain_text", "emoji": false, "text": if text.is_empty() { " ".to_owned() } else { text } })
}

/// Escaped as Slack asks, at most `most` characters after that, never cut inside an escape.
fn escaped(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut length = 0;
    // Where to cut so that `…` still fits, should it turn out too long.
    let mut cut = 0;
    for c in text.chars() {
        let piece = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            _ => "",
        };
        length += if piece.is_empty() { 1 } else { piece.len() };
        if length > most {
            out.truncate(cut);
            out.push('…');
            return out;
        }
        if piece.is_empty() {
            out.push(c);
        } else {
            out.push_str(piece);
        }
        if length < most {
            cut = out.len();
        }
    }
    out
}

/// Our link to the thread in Slack's form; `None` if it is no web address.
fn link(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let address = url.as_str().replace('&', "&amp;").replace('<', "%3C").replace('>', "%3E").replace('|', "%7C");
    Some(format!("<{address}|Open the thread>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_never_cuts_an_escape_and_keeps_the_bound() {
        for (text, most, expected) in [
            ("a<b>&c", 50, "a&lt;b&gt;&amp;c"),
            ("abcdef", 6, "abcdef"),
            ("abcdefg", 6, "abcde…"),
            ("ab<cd", 6, "ab…"),
            ("ab<", 6, "ab&lt;"),
            ("äöü", 2, "ä…"),
            ("<", 3, "…"),
        ] {
            assert_eq!(escaped(text, most), expected, "{text}");
        }
        assert!(escaped(&"<é".repeat(5_000), SECTION).chars().count() <= SECTION);
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(
            link("https://router.example/threads/1?a=1&b=|<x>").as_deref(),
            Some("<https://router.example/threads/1?a=1&amp;b=%7C%3Cx%3E|Open the thread>")
        );
        assert_eq!(link("javascript:alert(1)"), None);
        assert_eq!(link("nothing"), None);
    }
}
