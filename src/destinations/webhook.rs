//! Webhooks, signed as Standard Webhooks say: the id, the time of the attempt and the body, under HMAC-SHA256.

use super::{
    delivery::{Delivered, DeliveryError, Reachable},
    destination::{Destination, DestinationInfo, SharedSettings, SimulatedReceivers},
    http::{HTTP_URL, Http, Target, classify},
    message::{Content, Delivery},
    problem::DestinationProblem,
    settings_reader::{SettingsReader, same_secret},
};
use crate::yaml::{Fields, Key, LazySchema, Schema, ValueType};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::{Map, Value, json};
use sha2::Sha256;

/// A webhook, signed as [Standard Webhooks](https://www.standardwebhooks.com) say.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Where it is posted to, `https://…` or `http://…`. Often carries a token, so it is a secret.
    pub url: SecretString,
    /// The signing secret: `whsec_` and base64 stand for the decoded bytes, anything else for its own bytes. Without one
    /// nothing is signed.
    pub secret: Option<SecretString>,
}

impl PartialEq for WebhookSettings {
    fn eq(&self, other: &Self) -> bool {
        same_secret(Some(&self.url), Some(&other.url)) && same_secret(self.secret.as_ref(), other.secret.as_ref())
    }
}

static SCHEMA: LazySchema = LazySchema::new(|| {
    Schema::new(
        "webhook",
        "Any program that speaks HTTP; signed as Standard Webhooks say.",
        [
            Key::new("url", ValueType::Matching(HTTP_URL.to_owned()), "Where it is posted to.")
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

/// A webhook, ready to be called.
#[derive(Debug)]
pub struct Webhook {
    target: Target,
    key: Option<SecretSlice<u8>>,
}

impl Destination for Webhook {
    type Settings = WebhookSettings;

    const INFO: DestinationInfo = DestinationInfo {
        doc: "Any program that speaks HTTP.",
        action_doc: "Calls a webhook: a destination's name, or `to` and more.",
        example: "webhook: { url: https://crm.example/hook, secret: \"${CRM_SECRET}\" }",
        hint: "",
        has_subject: false,
        recipient: None,
        for_each_rule: true,
        is_local: false,
    };

    fn schema() -> &'static LazySchema {
        &SCHEMA
    }

    fn read(fields: &Fields<'_>, reader: &mut dyn SettingsReader) -> Option<WebhookSettings> {
        let url = fields.required("url", reader.out())?;
        let secret = fields.non_null("secret").and_then(|node| reader.secret(node));
        Some(WebhookSettings { url: reader.secret(url)?, secret })
    }

    fn for_tests(simulated: &SimulatedReceivers) -> WebhookSettings {
        WebhookSettings { url: simulated.webhook_url.clone().into(), secret: None }
    }

    fn new(settings: WebhookSettings, shared: &SharedSettings) -> Result<Self, DestinationProblem> {
        let target = Target::new("url", &settings.url, &shared.network)?;
        let key = settings.secret.as_ref().map(key_of).transpose()?;
        Ok(Self { target, key })
    }

    async fn deliver(&self, http: &Http, delivery: &Delivery<'_>) -> Result<Delivered, DeliveryError> {
        let body = body(delivery)?;
        let seconds = delivery.now.as_second().to_string();
        let mut headers = HeaderMap::new();
        let mut set = |name: &'static str, value: &str| {
            let value = HeaderValue::from_str(value)
                .map_err(|_| DeliveryError::refused("the action's id does not fit into a header"))?;
            headers.insert(HeaderName::from_static(name), value);
            Ok::<(), DeliveryError>(())
        };
        set("webhook-id", delivery.id)?;
        set("webhook-timestamp", &seconds)?;
        if let Some(key) = &self.key {
            set("webhook-signature", &signature(key.expose_secret(), delivery.id, &seconds, &body)?)?;
        }
        let response = http.post(&self.target, headers, body, delivery.now).await?;
        classify(&response, &self.target.host(), None)
    }

    async fn check(&self, http: &Http) -> Result<Reachable, DeliveryError> {
        http.connect(&self.target).await?;
        let how = if self.target.is_encrypted() { "over TLS" } else { "without encryption" };
        Ok(Reachable { text: format!("{} takes connections {how}; nothing was sent", self.target.host()) })
    }
}

/// `whsec_` and base64 stand for the decoded bytes; anything else for its own bytes.
fn key_of(secret: &SecretString) -> Result<SecretSlice<u8>, DestinationProblem> {
    let wrong = |why| DestinationProblem::Secret { key: "secret", why };
    let text = secret.expose_secret().trim();
    let bytes = match text.strip_prefix("whsec_") {
        Some(encoded) => {
            STANDARD.decode(encoded).map_err(|_| wrong("begins with `whsec_`, but what follows is not base64"))?
        }
        None => text.as_bytes().to_vec(),
    };
    if bytes.is_empty() {
        return Err(wrong("is empty; set one or leave the key out"));
    }
    Ok(SecretSlice::from(bytes))
}

fn signature(key: &[u8], id: &str, seconds: &str, body: &[u8]) -> Result<String, DeliveryError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|_| DeliveryError::refused("the webhook's secret cannot be used as a key"))?;
    for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", body] {
        mac.update(part);
    }
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// The same bytes on every attempt: `timestamp` is when the action was decided, not when it is sent.
fn body(delivery: &Delivery<'_>) -> Result<Vec<u8>, DeliveryError> {
    let unwritable = |_| DeliveryError::refused("the notice cannot be written as JSON");
    let (kind, mut data) = match &delivery.content {
        Content::Notice(notice) => match serde_json::to_value(notice).map_err(unwritable)? {
            Value::Object(data) => ("reply.matched", data),
            _ => ("reply.matched", Map::new()),
        },
        Content::Alert { kind, alert } => (
            *kind,
            Map::from_iter([
                ("title".to_owned(), Value::from(alert.title.as_str())),
                ("text".to_owned(), Value::from(alert.text.as_str())),
            ]),
        ),
    };
    data.insert("action_id".to_owned(), Value::from(delivery.id));
    data.insert("link".to_owned(), delivery.link.map_or(Value::Null, Value::from));
    serde_json::to_vec(&json!({ "type": kind, "timestamp": delivery.created_at.to_string(), "data": data }))
        .map_err(unwritable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_both_forms() {
        let key = |text: &str| key_of(&SecretString::from(text)).map(|key| key.expose_secret().to_vec());
        assert_eq!(key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").map(|key| key.len()), Ok(24));
        assert_eq!(key("plain words"), Ok(b"plain words".to_vec()));
        for text in ["", "whsec_", "whsec_***"] {
            let error = key(text).unwrap_err().to_string();
            assert!(!error.contains("***"), "{error}");
        }
    }

    #[test]
    fn the_published_example_is_signed_alike() {
        let key = key_of(&SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let signed =
            signature(key.expose_secret(), "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signed.as_deref(), Ok("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }
}
