//! Slack, by incoming webhook or as a bot.

mod blocks;
mod errors;

use super::{
    delivery::{Delivered, DeliveryError, Reachable},
    destination::{Destination, DestinationInfo, RecipientInfo, SharedSettings, SimulatedReceivers},
    http::{HTTP_URL, Http, Response, Target, classify},
    message::{Content, Delivery},
    problem::DestinationProblem,
    sanitize::redacted_detail,
    settings_reader::{SettingsReader, same_secret},
};
use crate::yaml::{Constraint, Fields, Key, KeyMatch, LazySchema, Schema, ValueType};
use blocks::message;
use errors::{api_error, webhook_hint};
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Where Slack's API is by default.
const API_URL: &str = "https://slack.com/api";

/// A Slack channel: either `webhook_url`, or `token` and `channel`.
#[derive(Debug, Clone, Default)]
pub struct SlackSettings {
    /// An incoming webhook's address. Who knows it can post, so it is a secret.
    pub webhook_url: Option<SecretString>,
    /// A bot token (`xoxb-…`) with the scope `chat:write`.
    pub token: Option<SecretString>,
    /// The channel's name or id, for a token.
    pub channel: Option<String>,
    /// Where the API is, for a token; `https://slack.com/api` by default.
    pub api_url: Option<String>,
}

impl SlackSettings {
    /// Whether the channel is fixed by Slack.
    pub fn has_fixed_channel(&self) -> bool {
        self.webhook_url.is_some()
    }
}

impl PartialEq for SlackSettings {
    fn eq(&self, other: &Self) -> bool {
        same_secret(self.webhook_url.as_ref(), other.webhook_url.as_ref())
            && same_secret(self.token.as_ref(), other.token.as_ref())
            && (&self.channel, &self.api_url) == (&other.channel, &other.api_url)
    }
}

static SCHEMA: LazySchema = LazySchema::new(|| {
    let ways = [vec![KeyMatch::Value("webhook_url")], vec![KeyMatch::Value("token"), KeyMatch::Value("channel")]];
    let shape = Schema::new(
        "slack",
        "A Slack channel: `webhook_url` alone, or `token` and `channel`.",
        [
            Key::new("webhook_url", ValueType::Matching(HTTP_URL.to_owned()), "The address of an incoming webhook.")
                .example("${SLACK_WEBHOOK_URL}"),
            Key::new("token", ValueType::NonBlankText, "A bot's token (xoxb-…) with the scope chat:write.")
                .example("${SLACK_BOT_TOKEN}"),
            Key::new("channel", ValueType::NonBlankText, "The channel's name or id, for a token.")
                .example("#hot-leads"),
            Key::new(
                "api_url",
                ValueType::Matching(HTTP_URL.to_owned()),
                // No default, or an editor begins with it.
                format!("Where Slack's API is, for a token; {API_URL} when left away."),
            ),
        ],
    );
    let alone = ["token", "channel", "api_url"].map(|other| Constraint::NotBoth("webhook_url", other));
    alone.into_iter().fold(shape.constraint(Constraint::Any(ways.to_vec())), Schema::constraint)
});

#[derive(Debug)]
enum SlackTransport {
    Webhook(Target),
    Bot { post: Target, test: Target, token: SecretString, channel: String },
}

/// A Slack channel, ready to be posted to.
#[derive(Debug)]
pub struct Slack(SlackTransport);

impl Destination for Slack {
    type Settings = SlackSettings;

    const INFO: DestinationInfo = DestinationInfo {
        doc: "A Slack channel: `webhook_url`, or `token` and `channel`.",
        action_doc: "Tells a Slack channel: a destination's name, or `to` and more.",
        example: "slack: { webhook_url: \"${SLACK_WEBHOOK_URL}\" }",
        hint: ", or `token` and `channel`",
        has_subject: false,
        recipient: Some(RecipientInfo {
            key: "channel",
            doc: "Another channel than the destination's own, for a destination with a `token`: a name or an id; a template, \
                  such as a column of a list.",
            example: "#hot-leads",
            takes_several: false,
            check: check_channel,
            fixed: "it is an incoming webhook, whose channel Slack has fixed",
            fixed_hint: "give the destination `token` and `channel` instead of `webhook_url`",
        }),
        for_each_rule: false,
        is_local: false,
    };

    fn schema() -> &'static LazySchema {
        &SCHEMA
    }

    fn read(fields: &Fields<'_>, reader: &mut dyn SettingsReader) -> Option<SlackSettings> {
        Some(SlackSettings {
            webhook_url: fields.non_null("webhook_url").and_then(|node| reader.secret(node)),
            token: fields.non_null("token").and_then(|node| reader.secret(node)),
            channel: fields.non_null("channel").and_then(|node| node.non_empty_string(reader.out())),
            api_url: fields.non_null("api_url").and_then(|node| node.non_empty_string(reader.out())),
        })
    }

    fn for_tests(simulated: &SimulatedReceivers) -> SlackSettings {
        let (api, token) = &simulated.slack_api;
        SlackSettings {
            token: Some(token.clone().into()),
            channel: Some("#tests".to_owned()),
            api_url: Some(api.clone()),
            webhook_url: None,
        }
    }

    fn new(settings: SlackSettings, shared: &SharedSettings) -> Result<Self, DestinationProblem> {
        let network = &shared.network;
        let transport = match settings {
            SlackSettings { webhook_url: Some(url), token: None, channel: None, api_url: None } => {
                SlackTransport::Webhook(Target::new("webhook_url", &url, network)?)
            }
            SlackSettings { webhook_url: Some(_), .. } => {
                return Err(DestinationProblem::SlackTransport(
                    "a `webhook_url` stands alone, its channel is fixed by Slack",
                ));
            }
            SlackSettings { webhook_url: None, token: Some(token), channel: Some(channel), api_url } => {
                if HeaderValue::from_str(token.expose_secret()).is_err() || token.expose_secret().trim().is_empty() {
                    return Err(DestinationProblem::Secret {
                        key: "token",
                        why: "is empty or has characters that no token has",
                    });
                }
                if channel.trim().is_empty() {
                    return Err(DestinationProblem::SlackTransport("`channel` is empty"));
                }
                let api_url = SecretString::from(api_url.unwrap_or_else(|| API_URL.to_owned()));
                let api = Target::new("api_url", &api_url, network)?;
                let (post, test) = (api.method("chat.postMessage"), api.method("auth.test"));
                SlackTransport::Bot { post, test, token, channel }
            }
            SlackSettings { token: Some(_), .. } => {
                return Err(DestinationProblem::SlackTransport("`channel` is missing"));
            }
            SlackSettings { .. } => return Err(DestinationProblem::SlackTransport("there is neither")),
        };
        Ok(Self(transport))
    }

    async fn deliver(&self, http: &Http, delivery: &Delivery<'_>) -> Result<Delivered, DeliveryError> {
        let mut message = message(delivery);
        let own = recipient(delivery)?;
        match &self.0 {
            SlackTransport::Webhook(_) if own.is_some() => Err(DeliveryError::refused(
                "an incoming webhook posts to its own channel alone; give the destination `token` and `channel`",
            )),
            SlackTransport::Webhook(target) => {
                let response =
                    http.post(target, HeaderMap::new(), message.to_string().into_bytes(), delivery.now).await?;
                classify(&response, &target.host(), webhook_hint(&response.body))
            }
            SlackTransport::Bot { post, token, channel, .. } => {
                let channel = own.unwrap_or(channel);
                if let Value::Object(fields) = &mut message {
                    fields.insert("channel".to_owned(), Value::from(channel));
                }
                let body = message.to_string().into_bytes();
                let response = http.post(post, bearer(token)?, body, delivery.now).await?;
                check_api_response(&response, &post.host(), channel)?;
                Ok(Delivered { status: Some(response.status) })
            }
        }
    }

    async fn check(&self, http: &Http) -> Result<Reachable, DeliveryError> {
        match &self.0 {
            SlackTransport::Webhook(target) => {
                http.connect(target).await?;
                let text = format!(
                    "{} is there; whether the webhook is valid shows only when a message is sent",
                    target.host()
                );
                Ok(Reachable { text })
            }
            SlackTransport::Bot { test, token, channel, .. } => {
                // The clock matters only for a `Retry-After` date, which nobody waits for here.
                let response = http.post(test, bearer(token)?, b"{}".to_vec(), Timestamp::UNIX_EPOCH).await?;
                let said = check_api_response(&response, &test.host(), channel)?;
                let secrets = [token.expose_secret().trim()];
                let field = |key: &str| {
                    let value =
                        said.get(key).and_then(Value::as_str).and_then(|value| redacted_detail(value, &secrets));
                    value.unwrap_or_else(|| "?".to_owned())
                };
                let text = format!(
                    "Slack knows the token as {} in {}; whether it may post to {channel} shows only when a message is sent",
                    field("user"),
                    field("team")
                );
                Ok(Reachable { text })
            }
        }
    }
}

/// The channel that the action names.
fn recipient<'d>(delivery: &Delivery<'d>) -> Result<Option<&'d str>, DeliveryError> {
    let Content::Notice(notice) = delivery.content else { return Ok(None) };
    match notice.recipients.as_slice() {
        [] => Ok(None),
        [channel] if check_channel(channel).is_ok() => Ok(Some(channel)),
        _ => Err(DeliveryError::refused("the action names no channel of Slack")),
    }
}

/// Whether this may be the name or the id of a channel.
fn check_channel(text: &str) -> Result<(), &'static str> {
    let is_id = text.starts_with(['C', 'G', 'D', 'U'])
        && (8..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let name = text.strip_prefix('#').unwrap_or(text);
    let fits = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || matches!(c, '-' | '_' | '.');
    if is_id || (!name.is_empty() && name.chars().count() <= 80 && name.chars().all(fits)) {
        return Ok(());
    }
    Err("is no channel of Slack: small letters, digits, `-` and `_`, at most 80, or an id")
}

fn bearer(token: &SecretString) -> Result<HeaderMap, DeliveryError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret().trim()))
        .map_err(|_| DeliveryError::unauthorized("the Slack token has characters that no token has"))?;
    value.set_sensitive(true);
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value), (reqwest::header::CONTENT_TYPE, json)]))
}

/// Slack's API says no with status 200 too: `{"ok": false, "error": "…"}`. Gives the answer's fields if it said yes.
fn check_api_response(response: &Response, host: &str, channel: &str) -> Result<Value, DeliveryError> {
    let said: Option<Value> = serde_json::from_slice(&response.body).ok();
    let ok = said.as_ref().and_then(|said| said.get("ok")).and_then(Value::as_bool);
    let code = said.as_ref().and_then(|said| said.get("error")).and_then(Value::as_str);
    if let (Some(false), Some(code)) = (ok, code) {
        let needed = said.as_ref().and_then(|said| said.get("needed")).and_then(Value::as_str);
        let error = api_error(code, needed, channel, response.retry_after).status(response.status);
        // A word that we do not know beside a status that passes.
        let passes = matches!(response.status, 408 | 425 | 429 | 500..=599);
        return Err(if passes { error.retryable(response.retry_after) } else { error });
    }
    classify(response, host, None)?;
    match (ok, said) {
        (Some(true), Some(said)) => Ok(said),
        // It may have been posted; the action's id in the message tells a repeated one.
        _ => {
            Err(DeliveryError::refused(format!("{host} answered with something that is not Slack's; check `api_url`"))
                .retryable(response.retry_after)
                .status(response.status))
        }
    }
}
