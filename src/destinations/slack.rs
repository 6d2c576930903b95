//! Slack, by incoming webhook or as a bot.

use super::{
    Delivery,
    delivery::{Delivered, DeliveryError, Reachable},
    http::{Answer, Http, Target, classify},
    sanitize::redacted_detail,
    settings::{DestinationProblem, NetworkSettings, SLACK_API_URL, SlackSettings},
    slack_blocks::message,
    slack_errors::{api_error, webhook_hint},
};
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

#[derive(Debug)]
enum SlackTransport {
    Webhook(Target),
    Bot { post: Target, test: Target, token: SecretString, channel: String },
}

/// A Slack channel, ready to be posted to.
#[derive(Debug)]
pub(super) struct Slack(SlackTransport);

impl Slack {
    pub(super) fn new(settings: SlackSettings, network: &NetworkSettings) -> Result<Self, DestinationProblem> {
        let way = match settings {
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
                let api_url = SecretString::from(api_url.unwrap_or_else(|| SLACK_API_URL.to_owned()));
                let api = Target::new("api_url", &api_url, network)?;
                let (post, test) = (api.method("chat.postMessage"), api.method("auth.test"));
                SlackTransport::Bot { post, test, token, channel }
            }
            SlackSettings { token: Some(_), .. } => {
                return Err(DestinationProblem::SlackTransport("`channel` is missing"));
            }
            SlackSettings { .. } => return Err(DestinationProblem::SlackTransport("there is neither")),
        };
        Ok(Self(way))
    }

    pub(super) async fn send(&self, http: &Http, parcel: &Delivery<'_>) -> Result<Delivered, DeliveryError> {
        let mut message = message(parcel);
        match &self.0 {
            SlackTransport::Webhook(target) => {
                let answer = http.post(target, HeaderMap::new(), message.to_string().into_bytes(), parcel.now).await?;
                classify(&answer, &target.host(), webhook_hint(&answer.body))
            }
            SlackTransport::Bot { post, token, channel, .. } => {
                if let Value::Object(fields) = &mut message {
                    fields.insert("channel".to_owned(), Value::from(channel.as_str()));
                }
                let body = message.to_string().into_bytes();
                let answer = http.post(post, bearer(token)?, body, parcel.now).await?;
                judge_api(&answer, &post.host(), channel)?;
                Ok(Delivered { status: Some(answer.status) })
            }
        }
    }

    pub(super) async fn check(&self, http: &Http) -> Result<Reachable, DeliveryError> {
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
                let answer = http.post(test, bearer(token)?, b"{}".to_vec(), Timestamp::UNIX_EPOCH).await?;
                let said = judge_api(&answer, &test.host(), channel)?;
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

fn bearer(token: &SecretString) -> Result<HeaderMap, DeliveryError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret().trim()))
        .map_err(|_| DeliveryError::unauthorized("the Slack token has characters that no token has"))?;
    value.set_sensitive(true);
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value), (reqwest::header::CONTENT_TYPE, json)]))
}

/// Slack's API says no with status 200 too: `{"ok": false, "error": "…"}`. Gives the answer's fields if it said yes.
fn judge_api(answer: &Answer, host: &str, channel: &str) -> Result<Value, DeliveryError> {
    let said: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let ok = said.as_ref().and_then(|said| said.get("ok")).and_then(Value::as_bool);
    let code = said.as_ref().and_then(|said| said.get("error")).and_then(Value::as_str);
    if let (Some(false), Some(code)) = (ok, code) {
        let needed = said.as_ref().and_then(|said| said.get("needed")).and_then(Value::as_str);
        let error = api_error(code, needed, channel, answer.retry_after).status(answer.status);
        // A word that we do not know beside a status that passes.
        let passes = matches!(answer.status, 408 | 425 | 429 | 500..=599);
        return Err(if passes { error.retryable(answer.retry_after) } else { error });
    }
    classify(answer, host, None)?;
    match (ok, said) {
        (Some(true), Some(said)) => Ok(said),
        // It may have been posted; the action's id in the message tells a repeated one.
        _ => {
            Err(DeliveryError::refused(format!("{host} answered with something that is not Slack's; check `api_url`"))
                .retryable(answer.retry_after)
                .status(answer.status))
        }
    }
}
