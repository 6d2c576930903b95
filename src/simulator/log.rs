//! What the simulator has seen: requests, accepted replies, and what the HTTP sinks received.

use jiff::Timestamp;
use serde_json::Value;

/// A request to the API, in the order of arrival.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedRequest {
    /// When it arrived.
    pub at: Timestamp,
    /// `GET`, `POST` or `PATCH`.
    pub method: String,
    /// The path below the base, such as `/replies`.
    pub path: String,
    /// The query as sent, without the question mark.
    pub query: String,
    /// The body, where it is JSON.
    pub body: Option<Value>,
    /// The status answered; `None` while it is being handled and when it was never answered.
    pub status: Option<u16>,
    /// When the response was ready to leave; `None` as for `status`.
    pub responded_at: Option<Timestamp>,
    /// The status that the API itself gave, whatever became of its answer; `None` when a fault kept the request from it.
    pub carried_out: Option<u16>,
    /// The key as sent.
    pub key: Option<String>,
    pub(crate) number: u64,
}

impl LoggedRequest {
    /// The (decoded) value of a query parameter.
    pub fn param(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// A reply that the API accepted, visible or still in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedReply {
    /// When it was accepted.
    pub at: Timestamp,
    /// The thread answered in.
    pub thread_id: String,
    /// The lead's address.
    pub to: String,
    /// The plain text.
    pub body: Option<String>,
    /// The HTML part, if the mail has one.
    pub html_body: Option<String>,
    /// The attached files, decoded.
    pub attachments: Vec<AttachedFile>,
}

/// A file of an accepted reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedFile {
    /// The file name that the mail gives.
    pub filename: String,
    /// Its media type.
    pub content_type: String,
    /// The decoded bytes.
    pub content: Vec<u8>,
}

/// A message that the Slack sink received.
#[derive(Debug, Clone, PartialEq)]
pub struct SlackMessage {
    /// When.
    pub at: Timestamp,
    /// The channel, for `chat.postMessage`; `None` for the incoming webhook.
    pub channel: Option<String>,
    /// The `text` field.
    pub text: String,
    /// The whole payload.
    pub payload: Value,
}

/// A call that the webhook sink received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookCall {
    /// When.
    pub at: Timestamp,
    /// The HTTP method, in capitals.
    pub method: String,
    /// The path and query.
    pub path: String,
    /// The headers, names in lower case, in the order sent.
    pub headers: Vec<(String, String)>,
    /// The body as sent.
    pub body: Vec<u8>,
}

impl WebhookCall {
    /// A header's value; the name's case does not count.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `Null` when it is not.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}
