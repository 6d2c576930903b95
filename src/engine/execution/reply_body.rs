//! A reply as it is sent, with its files as they are now.

use super::Executor;
use crate::{
    coldsend::{ReplyAttachment, ReplyBody},
    model::{Action, Attachment, Payload, Reason, ReasonCode},
    rules::{FileAccess, FileRefusal, MAX_ATTACHED_BYTES},
};

impl Executor {
    /// The reply as it is sent; files are read now.
    pub(super) async fn body(&self, action: &Action) -> Result<ReplyBody, Reason> {
        let Payload::Reply { text, html, attachments } = &action.payload else {
            return Err(Reason::new(ReasonCode::Template, "the reply was never rendered"));
        };
        let attachments = if attachments.is_empty() {
            Vec::new()
        } else {
            let (files, rules) = (attachments.clone(), self.shared.rules());
            let read = tokio::task::spawn_blocking(move || read_attachments(&files, rules.files())).await;
            read.map_err(|error| Reason::new(ReasonCode::Template, error.to_string()))??
        };
        Ok(ReplyBody { text: text.clone(), html: html.clone(), attachments })
    }
}

/// Reads the files of a reply as they are now: what they were when the rules were loaded proves nothing of that.
fn read_attachments(attachments: &[Attachment], allowed: &FileAccess) -> Result<Vec<ReplyAttachment>, Reason> {
    let mut left = MAX_ATTACHED_BYTES;
    let read = attachments.iter().map(|file| {
        let content = allowed.open(&file.path).and_then(|open| open.read(left)).map_err(|error| {
            let why = match error {
                FileRefusal::TooLarge(_) => "the attachments have more than 10 MB together".to_owned(),
                other => other.to_string(),
            };
            Reason::new(ReasonCode::Template, format!("the attachment {} is not sent: {why}", file.filename))
        })?;
        left = left.saturating_sub(content.len() as u64);
        let (filename, content_type) = (file.filename.clone(), file.content_type.clone());
        Ok(ReplyAttachment { filename, content_type, content })
    });
    read.collect()
}
