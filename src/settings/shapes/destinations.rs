//! The mappings of `destinations`, `smtp` and `network`.

use super::HTTP;
use crate::destinations::SLACK_API_URL;
use crate::rules::yaml::{Form, Has, Key, Law, LazyShape, Shape};
use serde_json::json;

const SMTP: &str = r"^\s*[Ss][Mm][Tt][Pp][Ss]?:";

/// A destination.
pub(in crate::settings) static DESTINATION: LazyShape = LazyShape::new(|| {
    let keys = [
        Key::new(SLACK_KIND, Form::Shape(&SLACK), "A Slack channel: `webhook_url`, or `token` and `channel`."),
        Key::new(EMAIL_KIND, Form::Shape(&EMAIL), "People's mailboxes; needs `smtp`."),
        Key::new(WEBHOOK_KIND, Form::Shape(&WEBHOOK), "Any program that speaks HTTP."),
    ];
    Shape::new("destination", "Where a forward goes: one of slack, email and webhook.", keys.map(Key::never_blank))
        .law(Law::ExactlyOne)
});

pub(in crate::settings) const SLACK_KIND: &str = "slack";
pub(in crate::settings) const EMAIL_KIND: &str = "email";
pub(in crate::settings) const WEBHOOK_KIND: &str = "webhook";

/// A Slack channel.
pub(in crate::settings) static SLACK: LazyShape = LazyShape::new(|| {
    let ways = [vec![Has::Value("webhook_url")], vec![Has::Value("token"), Has::Value("channel")]];
    let shape = Shape::new(
        "slack",
        "A Slack channel: `webhook_url` alone, or `token` and `channel`.",
        [
            Key::new("webhook_url", Form::Written(HTTP.to_owned()), "The address of an incoming webhook.")
                .example("${SLACK_WEBHOOK_URL}"),
            Key::new("token", Form::FilledText, "A bot's token (xoxb-…) with the scope chat:write.")
                .example("${SLACK_BOT_TOKEN}"),
            Key::new("channel", Form::FilledText, "The channel's name or id, for a token.").example("#hot-leads"),
            Key::new(
                "api_url",
                Form::Written(HTTP.to_owned()),
                // No default, or an editor begins with it.
                format!("Where Slack's API is, for a token; {SLACK_API_URL} when left away."),
            ),
        ],
    );
    let alone = ["token", "channel", "api_url"].map(|other| Law::NotBoth("webhook_url", other));
    alone.into_iter().fold(shape.law(Law::Any(ways.to_vec())), Shape::law)
});

/// Mailboxes.
pub(in crate::settings) static EMAIL: LazyShape = LazyShape::new(|| {
    Shape::new(
        "email",
        "People's mailboxes.",
        [
            Key::new(
                "to",
                Form::filled_list_or_one(Form::FilledText),
                "Who gets it: a@b.example, or Name <a@b.example>; one or a list.",
            )
            .required()
            .example(json!(["ae@acme.example"])),
            Key::new("cc", Form::list_or_one(Form::FilledText), "Who gets a copy."),
        ],
    )
});

/// A webhook.
pub(in crate::settings) static WEBHOOK: LazyShape = LazyShape::new(|| {
    Shape::new(
        "webhook",
        "Any program that speaks HTTP; signed as Standard Webhooks say.",
        [
            Key::new("url", Form::Written(HTTP.to_owned()), "Where it is posted to.")
                .required()
                .example("https://crm.example/hooks/replies"),
            Key::new(
                "secret",
                Form::FilledText,
                "What it is signed with: whsec_ and base64, or any text. Without one it is not signed.",
            )
            .example("${CRM_SECRET}"),
        ],
    )
});

/// The mail server.
pub(in crate::settings) static SMTP_SERVER: LazyShape = LazyShape::new(|| {
    Shape::new(
        "smtp",
        "The mail server.",
        [
            Key::new(
                "url",
                Form::Written(SMTP.to_owned()),
                "smtps:// for TLS, smtp://…?tls=required for STARTTLS, smtp:// for neither; user and password \
                 percent-encoded.",
            )
            .required()
            .example("smtps://user:${SMTP_PASSWORD}@smtp.acme.example"),
            Key::new("from", Form::FilledText, "The sender: a@b.example, or Name <a@b.example>.")
                .required()
                .example("Reply Router <router@acme.example>"),
            Key::new(
                "ca_file",
                Form::FilledText,
                "A file with certificates (PEM) that are trusted besides the system's.",
            ),
        ],
    )
});

/// What destinations may reach.
pub(in crate::settings) static NETWORK: LazyShape = LazyShape::new(|| {
    let key = Key::new(
        "allow_private",
        Form::Bool,
        "Whether Slack and webhooks may reach this machine, private and other addresses that are not on the public internet.",
    );
    Shape::new("network", "What Slack and webhooks may reach.", [key.default(false)])
});
