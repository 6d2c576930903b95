//! `destinations`, `smtp` and `network`: read here, judged by the module that owns them.

use super::reader::ConfigReader;
use super::schema::{self, EMAIL_KIND, SLACK_KIND};
use crate::destinations::{
    DestinationProblem, DestinationSettings, Destinations, EmailSettings, NetworkSettings, SlackSettings, SmtpSettings,
    WebhookSettings,
};
use crate::diagnostics::code;
use crate::yaml::{Fields, Node, Value};
use secrecy::SecretString;
use std::collections::BTreeMap;

/// What the three sections hold.
#[derive(Default)]
pub(super) struct Read {
    pub(super) destinations: BTreeMap<String, DestinationSettings>,
    pub(super) smtp: Option<SmtpSettings>,
    /// A mail server is written and cannot be used.
    smtp_is_wrong: bool,
    pub(super) network: NetworkSettings,
    /// The names that are written, also of destinations that cannot be used.
    pub(super) names: Vec<String>,
}

/// Reads the sections, each of which may be absent.
pub(super) fn read(root: &Fields<'_>, reading: &mut ConfigReader<'_>) -> Read {
    let mut read = Read::default();
    if let Some(fields) = root.non_null("network").and_then(|node| node.fields(&schema::NETWORK, &mut reading.out))
        && let Some(node) = fields.non_null("allow_private")
    {
        read.network.allow_private = node.bool(&mut reading.out).unwrap_or_default();
    }
    let smtp_node = root.non_null("smtp");
    read.smtp = smtp_node.and_then(|node| smtp(node, read.network, reading));
    read.smtp_is_wrong = smtp_node.is_some() && read.smtp.is_none();
    if let Some(node) = root.non_null("destinations") {
        read.destinations = named(node, &read, reading);
        read.names = names(node);
    }
    read
}

/// The names that are written in a section of destinations, also of those that cannot be used.
pub(super) fn names(node: &Node) -> Vec<String> {
    match &node.value {
        Value::Mapping(entries) => entries.iter().map(|(key, _)| key.text().to_owned()).collect(),
        _ => Vec::new(),
    }
}

/// Reads destinations by name, which use the mail server and the network of the whole file.
pub(super) fn named(node: &Node, read: &Read, reading: &mut ConfigReader<'_>) -> BTreeMap<String, DestinationSettings> {
    let mut all = BTreeMap::new();
    let Some(entries) = node.entries(&mut reading.out) else { return all };
    for (key, value) in entries.iter() {
        let name = reading.name(key, "destination");
        let Some((kind, body, settings)) = one(key, value, reading) else { continue };
        if kind == "email" && read.smtp_is_wrong {
            continue; // the mail server is reported already
        }
        let name = name.unwrap_or_else(|| key.text().to_owned());
        let alone = BTreeMap::from([(name.clone(), settings.clone())]);
        match Destinations::new(alone, read.smtp.clone(), read.network) {
            Ok(_) => {
                all.insert(name, settings);
            }
            Err(error) => {
                let place = problem_key(error.problem()).and_then(|key| body.get(key)).unwrap_or(body);
                let hint = hint(kind);
                let private = matches!(error.problem(), DestinationProblem::PrivateAddress { .. });
                let code = if private { code::PRIVATE_ADDRESS } else { code::BAD_DESTINATION };
                let hint = if private { "`network: { allow_private: true }` allows it" } else { hint };
                reading.report(code, place, error.problem().to_string(), hint);
            }
        }
    }
    all
}

fn hint(kind: &str) -> &'static str {
    match kind {
        "slack" => "write `slack: { webhook_url: \"${SLACK_WEBHOOK_URL}\" }`, or `token` and `channel`",
        "email" => "write `email: { to: [ae@acme.example] }`, and `smtp` beside `destinations`",
        _ => "write `webhook: { url: https://crm.example/hook, secret: \"${CRM_SECRET}\" }`",
    }
}

fn problem_key(problem: &DestinationProblem) -> Option<&'static str> {
    match problem {
        DestinationProblem::Url { key, .. }
        | DestinationProblem::PrivateAddress { key, .. }
        | DestinationProblem::Secret { key, .. }
        | DestinationProblem::Mailbox { key, .. } => Some(key),
        DestinationProblem::NoRecipient => Some("to"),
        DestinationProblem::CaFile { .. } => Some("ca_file"),
        _ => None,
    }
}

fn one<'n>(
    key: &Node,
    value: &'n Node,
    reading: &mut ConfigReader<'_>,
) -> Option<(&'n str, &'n Node, DestinationSettings)> {
    let fields = value.fields(&schema::DESTINATION, &mut reading.out)?;
    let given: Vec<_> = fields.iter().filter(|(kind, _)| schema::DESTINATION.has(kind.text())).collect();
    let [(kind, body)] = given.as_slice() else {
        // An unknown key alone has been reported; a second sentence about it would not help.
        if given.len() > 1 || fields.iter().next().is_none() {
            let message = format!("the destination `{}` needs exactly one of slack, email, webhook", key.text());
            reading.report(code::BAD_DESTINATION, key, message, "give every address a destination of its own");
        }
        return None;
    };
    let settings = match kind.text() {
        SLACK_KIND => {
            let fields = body.fields(&schema::SLACK, &mut reading.out)?;
            DestinationSettings::Slack(SlackSettings {
                webhook_url: secret(&fields, "webhook_url", reading)?,
                token: secret(&fields, "token", reading)?,
                channel: text(&fields, "channel", reading)?,
                api_url: text(&fields, "api_url", reading)?,
            })
        }
        EMAIL_KIND => {
            let fields = body.fields(&schema::EMAIL, &mut reading.out)?;
            let to = fields.required("to", &mut reading.out)?;
            let to = addresses(Some(to), reading)?;
            DestinationSettings::Email(EmailSettings { to, cc: addresses(fields.non_null("cc"), reading)? })
        }
        _ => {
            let fields = body.fields(&schema::WEBHOOK, &mut reading.out)?;
            let url = fields.required("url", &mut reading.out)?;
            DestinationSettings::Webhook(WebhookSettings {
                url: reading.secret(url)?,
                secret: secret(&fields, "secret", reading)?,
            })
        }
    };
    Some((kind.text(), body, settings))
}

/// `None` when it is there and wrong; `Some(None)` when it is absent.
#[allow(clippy::option_option)] // wrong and absent are two things here
fn secret(fields: &Fields<'_>, key: &str, reading: &mut ConfigReader<'_>) -> Option<Option<SecretString>> {
    fields.non_null(key).map_or(Some(None), |node| reading.secret(node).map(Some))
}

#[allow(clippy::option_option)] // as above
fn text(fields: &Fields<'_>, key: &str, reading: &mut ConfigReader<'_>) -> Option<Option<String>> {
    fields.non_null(key).map_or(Some(None), |node| node.non_empty_string(&mut reading.out).map(Some))
}

fn addresses(node: Option<&Node>, reading: &mut ConfigReader<'_>) -> Option<Vec<String>> {
    let items = node.map(Node::list_or_one).unwrap_or_default();
    items.iter().map(|item| item.non_empty_string(&mut reading.out)).collect()
}

fn smtp(node: &Node, network: NetworkSettings, reading: &mut ConfigReader<'_>) -> Option<SmtpSettings> {
    let fields = node.fields(&schema::SMTP_SERVER, &mut reading.out)?;
    let url = fields.required("url", &mut reading.out);
    let url = url.and_then(|node| reading.secret(node));
    let from = fields.required("from", &mut reading.out).and_then(|node| node.non_empty_string(&mut reading.out));
    let ca_file = match fields.non_null("ca_file") {
        Some(node) => Some(reading.path(node)?),
        None => None,
    };
    let settings = SmtpSettings { url: url?, from: from?, ca_file };
    match Destinations::new(BTreeMap::new(), Some(settings.clone()), network) {
        Ok(_) => Some(settings),
        Err(error) => {
            let place = problem_key(error.problem()).and_then(|key| fields.non_null(key)).unwrap_or(node);
            let hint =
                "write `url: \"smtps://user:${SMTP_PASSWORD}@smtp.acme.example\"` and `from: \"Name <a@b.example>\"`";
            reading.report(code::BAD_SMTP, place, error.problem().to_string(), hint);
            None
        }
    }
}
