//! The mappings of `destinations`, `smtp` and `network`.

use super::HTTP;
use crate::destinations::SLACK_API_URL;
use crate::yaml::{Constraint, Key, KeyMatch, LazySchema, Schema, ValueType};
use serde_json::json;

const SMTP: &str = r"^\s*[Ss][Mm][Tt][Pp][Ss]?:";

/// A destination.
pub(in crate::settings) static DESTINATION: LazySchema = LazySchema::new(|| {
    let keys = [
        Key::new(SLACK_KIND, ValueType::Shape(&SLACK), "A Slack channel: `webhook_url`, or `token` and `channel`."),
        Key::new(EMAIL_KIND, ValueType::Shape(&EMAIL), "People's mailboxes; needs `smtp`."),
        Key::new(WEBHOOK_KIND, ValueType::Shape(&WEBHOOK), "Any program that speaks HTTP."),
    ];
    Schema::new("destination", "Where a forward goes: one of slack, email and webhook.", keys.map(Key::non_null))
        .constraint(Constraint::ExactlyOne)
});

pub(in crate::settings) const SLACK_KIND: &str = "slack";
pub(in crate::settings) const EMAIL_KIND: &str = "email";
pub(in crate::settings) const WEBHOOK_KIND: &str = "webhook";

/// A Slack channel.
pub(in crate::settings) static SLACK: LazySchema = LazySchema::new(|| {
    let ways = [vec![KeyMatch::Value("webhook_url")], vec![KeyMatch::Value("token"), KeyMatch::Value("channel")]];
    let shape = Schema::new(
        "slack",
        "A Slack channel: `webhook_url` alone, or `token` and `channel`.",
        [
            Key::new("webhook_url", ValueType::Matching(HTTP.to_owned()), "The address of an incoming webhook.")
                .example("${SLACK_WEBHOOK_URL}"),
            Key::new("token", ValueType::NonBlankText, "A bot's token (xoxb-…) with the scope chat:write.")
                .example("${SLACK_BOT_TOKEN}"),
            Key::new("channel", ValueType::NonBlankText, "The channel's name or id, for a token.")
                .example("#hot-leads"),
            Key::new(
                "api_url",
                ValueType::Matching(HTTP.to_owned()),
                // No default, or an editor begins with it.
                format!("Where Slack's API is, for a token; {SLACK_API_URL} when left away."),
            ),
        ],
    );
    let alone = ["token", "channel", "api_url"].map(|other| Constraint::NotBoth("webhook_url", other));
    alone.into_iter().fold(shape.constraint(Constraint::Any(ways.to_vec())), Schema::constraint)
});

/// Mailboxes.
pub(in crate::settings) static EMAIL: LazySchema = LazySchema::new(|| {
    Schema::new(
        "email",
        "People's mailboxes.",
        [
            Key::new(
                "to",
                ValueType::non_empty_list_or_one(ValueType::NonBlankText),
                "Who gets it: a@b.example, or Name <a@b.example>; one or a list.",
            )
            .required()
            .example(json!(["ae@acme.example"])),
            Key::new("cc", ValueType::list_or_one(ValueType::NonBlankText), "Who gets a copy."),
        ],
    )
});

/// A webhook.
pub(in crate::settings) static WEBHOOK: LazySchema = LazySchema::new(|| {
    Schema::new(
        "webhook",
        "Any program that speaks HTTP; signed as Standard Webhooks say.",
        [
            Key::new("url", ValueType::Matching(HTTP.to_owned()), "Where it is posted to.")
                .required()
                .example("https://crm.example/hooks/replies"),
            Key::new(
                "secret",
                ValueType::NonBlankText,
                "What it is signed with: whsec_ and base64, or any text. Without one it is not signed.",
            )
            .example("${CRM_SECRET}"),
        ],
    )
});

/// The mail server.
pub(in crate::settings) static SMTP_SERVER: LazySchema = LazySchema::new(|| {
    Schema::new(
        "smtp",
        "The mail server.",
        [
            Key::new(
                "url",
                ValueType::Matching(SMTP.to_owned()),
                "smtps:// for TLS, smtp://…?tls=required for STARTTLS, smtp:// for neither; user and password \
                 percent-encoded.",
            )
            .required()
            .example("smtps://user:${SMTP_PASSWORD}@smtp.acme.example"),
            Key::new("from", ValueType::NonBlankText, "The sender: a@b.example, or Name <a@b.example>.")
                .required()
                .example("Reply Router <router@acme.example>"),
            Key::new(
                "ca_file",
                ValueType::NonBlankText,
                "A file with certificates (PEM) that are trusted besides the system's.",
            ),
        ],
    )
});

/// What destinations may reach.
pub(in crate::settings) static NETWORK: LazySchema = LazySchema::new(|| {
    let key = Key::new(
        "allow_private",
        ValueType::Bool,
        "Whether Slack and webhooks may reach this machine, private and other addresses that are not on the public internet.",
    );
    Schema::new("network", "What Slack and webhooks may reach.", [key.default(false)])
});
