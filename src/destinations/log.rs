//! A line on standard error for each message: for trying rules out, above all in a dry run, and for log collectors.

use super::{
    delivery::{Delivered, DeliveryError, Reachable},
    destination::{Destination, DestinationInfo, SharedSettings, SimulatedReceivers},
    http::Http,
    message::{Content, Delivery},
    problem::DestinationProblem,
    sanitize::{one_line, shorten},
    settings_reader::SettingsReader,
};
use crate::yaml::{Fields, Key, LazySchema, Schema, ValueType};
use serde_json::{Map, Value};
use std::io::{self, Write};

/// Characters of one text that a line shows.
const MAX_TEXT_LEN: usize = 300;

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// `key=value`, with texts in quotes.
    #[default]
    Text,
    /// One JSON object.
    Json,
    /// Not at all: for tests of rules.
    Discard,
}

static SCHEMA: LazySchema = LazySchema::new(|| {
    let format = Key::new(
        "format",
        ValueType::OneOf(vec!["text", "json"]),
        "How a line is written: text (key=value) or json (one object).",
    );
    Schema::new("log", "A line on standard error for each message.", [format.default("text")])
});

/// Standard error, in a format.
#[derive(Debug)]
pub struct Log(LogFormat);

impl Destination for Log {
    type Settings = LogFormat;

    const INFO: DestinationInfo = DestinationInfo {
        doc: "A line on standard error for each message, also in a dry run.",
        action_doc: "Writes a line to standard error: a destination's name, or `to` and more.",
        example: "log: {}",
        hint: "",
        has_subject: false,
        recipient: None,
        for_each_rule: true,
        is_local: true,
    };

    fn schema() -> &'static LazySchema {
        &SCHEMA
    }

    fn read(fields: &Fields<'_>, reader: &mut dyn SettingsReader) -> Option<LogFormat> {
        match fields.non_null("format") {
            Some(node) => node.one_of(&[("text", LogFormat::Text), ("json", LogFormat::Json)], reader.out()),
            None => Some(LogFormat::Text),
        }
    }

    fn new(format: LogFormat, _: &SharedSettings) -> Result<Self, DestinationProblem> {
        Ok(Self(format))
    }

    fn for_tests(_: &SimulatedReceivers) -> LogFormat {
        LogFormat::Discard
    }

    async fn deliver(&self, _: &Http, delivery: &Delivery<'_>) -> Result<Delivered, DeliveryError> {
        let line = match self.0 {
            LogFormat::Text => text_line(&fields(delivery)),
            LogFormat::Json => Value::Object(fields(delivery)).to_string(),
            LogFormat::Discard => return Ok(Delivered { status: None }),
        };
        // A pipe that nobody reads blocks the thread that writes to it.
        let written =
            tokio::task::spawn_blocking(move || io::stderr().lock().write_all(format!("{line}\n").as_bytes()));
        match written.await {
            Ok(Ok(())) => Ok(Delivered { status: None }),
            Ok(Err(error)) => Err(DeliveryError::unreachable(format!("standard error cannot be written: {error}"))),
            Err(_) => Err(DeliveryError::unreachable("the line was not written, because the service ends")),
        }
    }

    async fn check(&self, _: &Http) -> Result<Reachable, DeliveryError> {
        Ok(Reachable { text: "writes to standard error".to_owned() })
    }
}

/// What a line says, in this order; what is not known is left out.
fn fields(delivery: &Delivery<'_>) -> Map<String, Value> {
    let short = |text: &str| shorten(&one_line(text, MAX_TEXT_LEN), MAX_TEXT_LEN);
    let known = match &delivery.content {
        Content::Notice(notice) => vec![
            ("event", Some("reply.matched".to_owned())),
            ("workspace", Some(notice.workspace.clone())),
            ("rule", Some(notice.rule.clone())),
            ("lead", notice.lead_email.clone()),
            ("thread", Some(notice.thread_id.clone())),
            ("category", notice.category.clone()),
            ("text", notice.text.clone()),
            ("new_text", Some(notice.new_text.clone())),
        ],
        Content::Alert { kind, alert } => {
            vec![
                ("event", Some((*kind).to_owned())),
                ("title", Some(alert.title.clone())),
                ("text", Some(alert.text.clone())),
            ]
        }
    };
    let ends = [("action_id", Some(delivery.id.to_owned())), ("link", delivery.link.map(str::to_owned))];
    let mut fields = Map::new();
    fields.insert("at".to_owned(), Value::from(delivery.now.to_string()));
    for (key, value) in known.into_iter().chain(ends) {
        if let Some(value) = value.map(|value| short(&value)).filter(|value| !value.is_empty()) {
            fields.insert(key.to_owned(), Value::from(value));
        }
    }
    if delivery.dry_run {
        fields.insert("dry_run".to_owned(), Value::from(true));
    }
    fields
}

/// `key=value` for each field. Values with anything but letters, digits and a few signs are quoted as JSON.
fn text_line(fields: &Map<String, Value>) -> String {
    let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:@+/".contains(c));
    let value = |value: &Value| match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    };
    fields.iter().map(|(key, found)| format!("{key}={}", value(found))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Notice;
    use jiff::Timestamp;

    #[test]
    fn a_line_stays_one_line_whatever_the_lead_writes() {
        let notice = Notice {
            workspace: "acme".to_owned(),
            rule: "hot".to_owned(),
            lead_email: Some("jane@lead.example".to_owned()),
            new_text: format!("yes\r\n\u{1b}[2Jevent=\"forged\" \u{202e}{}", "x".repeat(1_000)),
            ..Notice::default()
        };
        let delivery = Delivery {
            id: "a-1",
            created_at: Timestamp::UNIX_EPOCH,
            content: Content::Notice(&notice),
            link: None,
            now: Timestamp::UNIX_EPOCH,
            dry_run: true,
        };
        let fields = fields(&delivery);
        let line = text_line(&fields);
        assert!(!line.contains(char::is_control) && !line.contains('\u{202e}'), "{line}");
        assert!(line.contains("rule=hot") && line.contains("lead=jane@lead.example"), "{line}");
        assert!(line.contains("action_id=a-1") && line.contains("dry_run=true"), "{line}");
        assert!(line.contains(r#"event=\"forged\""#), "{line}");
        assert_eq!(fields["new_text"].as_str().map(|text| text.chars().count()), Some(MAX_TEXT_LEN));
    }
}
