//! A reply as it is sent, and what the API says when it took it.

use super::ApiError;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use std::fmt;

/// How many files may go with a reply.
const MAX_ATTACHMENTS: usize = 5;
/// How large they may be together, before encoding, in bytes.
const MAX_ATTACHED_BYTES: usize = 10 * 1024 * 1024;

/// A reply to a lead: plain text, HTML or both.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ReplyBody {
    /// The plain-text part; blank counts as absent.
    pub text: Option<String>,
    /// The HTML part; blank counts as absent.
    pub html: Option<String>,
    /// At most five files, 10 MB together.
    pub attachments: Vec<ReplyAttachment>,
}

/// A file that goes with a reply.
#[derive(Clone, PartialEq, Eq)]
pub struct ReplyAttachment {
    /// The name that the lead sees.
    pub filename: String,
    /// Its media type; blank stands for `application/octet-stream`.
    pub content_type: String,
    /// The file itself, not encoded.
    pub content: Vec<u8>,
}

/// What the API said when it accepted a reply. Every field may be missing: accepted is accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplyReceipt {
    /// The API's sentence, such as `Reply queued successfully`.
    pub message: Option<String>,
    /// The inbox that sends it.
    pub from_address: Option<String>,
    /// Whom it goes to.
    pub to_address: Option<String>,
    /// The mail's Message-ID, when it is known already.
    pub message_id: Option<String>,
    /// The thread that the API says it replied in.
    pub thread_id: Option<String>,
    /// When the server says that it took the reply, in whole seconds.
    pub date: Option<Timestamp>,
}

impl fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = |part: &Option<String>| part.as_ref().map(String::len);
        f.debug_struct("ReplyBody")
            .field("text_bytes", &length(&self.text))
            .field("html_bytes", &length(&self.html))
            .field("attachments", &self.attachments)
            .finish()
    }
}

impl fmt::Debug for ReplyAttachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyAttachment")
            .field("content_type", &self.content_type)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

impl ReplyBody {
    /// A reply of plain text alone.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// The JSON to post, or what the API would refuse anyway.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, ApiError> {
        let invalid = |detail: String| Err(ApiError::Invalid { detail });
        let part = |part: &Option<String>| part.clone().filter(|text| !text.trim().is_empty());
        let (text, html) = (part(&self.text), part(&self.html));
        if text.is_none() && html.is_none() {
            return invalid("the reply has neither text nor HTML".to_owned());
        }
        if self.attachments.len() > MAX_ATTACHMENTS {
            let count = self.attachments.len();
            return invalid(format!("the reply has {count} attachments: ColdSend takes at most {MAX_ATTACHMENTS}"));
        }
        let bytes: usize = self.attachments.iter().map(|file| file.content.len()).sum();
        if bytes > MAX_ATTACHED_BYTES {
            return invalid(format!("the reply's attachments are {bytes} bytes together: ColdSend takes 10 MB"));
        }
        let mut object = serde_json::Map::new();
        if let Some(text) = text {
            object.insert("body".to_owned(), text.into());
        }
        if let Some(html) = html {
            object.insert("html_body".to_owned(), html.into());
        }
        if !self.attachments.is_empty() {
            let files = self.attachments.iter().map(|file| {
                let content_type = match file.content_type.trim() {
                    "" => "application/octet-stream",
                    given => given,
                };
                serde_json::json!({
                    "filename": file.filename,
                    "content_base64": STANDARD.encode(&file.content),
                    "content_type": content_type,
                })
            });
            object.insert("attachments".to_owned(), files.collect());
        }
        serde_json::to_vec(&object).or_else(|error| invalid(error.to_string()))
    }
}
