//! The texts of a list row, each read when somebody first asks what it says.

use super::reading::day;
use crate::{
    model::{ThreadRow, non_blank},
    text::{self, AutoReply, Mail},
};
use jiff::Timestamp;
use std::sync::OnceLock;

/// What a list row says by itself, each answer found at most once: for all evaluations of the row that have it.
#[derive(Debug, Default)]
pub struct RowReading {
    from: Option<String>,
    subject: Option<String>,
    preview: Option<String>,
    written: Option<Timestamp>,
    auto_reply: OnceLock<Option<AutoReply>>,
    opt_out_in_subject: OnceLock<Option<String>>,
    opt_out_in_preview: OnceLock<Option<String>>,
}

impl RowReading {
    /// Takes the texts of a row; reads nothing yet.
    pub fn new(row: &ThreadRow) -> Self {
        Self {
            from: row.lead_email.clone(),
            subject: row.subject.clone(),
            preview: row.preview.clone(),
            written: row.last_message_at,
            ..Self::default()
        }
    }

    /// Whether these are the texts of a row.
    pub(super) fn is_of(&self, row: &ThreadRow) -> bool {
        (&self.from, &self.subject, &self.preview) == (&row.lead_email, &row.subject, &row.preview)
            && self.written == row.last_message_at
    }

    /// The automatic mail that the row certainly shows.
    pub(super) fn auto_reply(&self) -> Option<&AutoReply> {
        let found = self.auto_reply.get_or_init(|| {
            text::automatic(&Mail {
                from: self.from.as_deref(),
                subject: self.subject.as_deref(),
                body: self.preview.as_deref(),
                written: self.written.map(day),
                // The row's subject is the conversation's, which may be ours: nothing tells.
                ..Mail::default()
            })
            .found
        });
        found.as_ref()
    }

    /// The words of an opt-out in the subject.
    pub(super) fn opt_out_in_subject(&self) -> Option<&str> {
        let found = self.opt_out_in_subject.get_or_init(|| text::opt_out(self.subject.as_deref(), ""));
        found.as_deref()
    }

    /// The words of an opt-out in the preview.
    pub(super) fn opt_out_in_preview(&self) -> Option<&str> {
        let found = self.opt_out_in_preview.get_or_init(|| text::opt_out(None, non_blank(self.preview.as_deref())?));
        found.as_deref()
    }
}
