//! How a delivery ends: what was accepted, or why not and whether another attempt makes sense.

use crate::model::{Reason, ReasonCode};
use std::time::Duration;

/// The destination accepted the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// The status code of the answer, HTTP or SMTP.
    pub status: Option<u16>,
}

/// The destination can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reachable {
    /// One sentence for a person: what was reached, and how. Carries no secret.
    pub text: String,
}

/// A delivery that was not accepted, or not surely.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct DeliveryError {
    /// Whether another attempt makes sense.
    pub retry: bool,
    /// How long the destination asks to wait before it; a hint, at most one hour.
    pub retry_after: Option<Duration>,
    /// The status code of the answer, HTTP or SMTP, where there was one.
    pub status: Option<u16>,
    /// The class: `Refused`, `Unreachable` or `Unauthorized`.
    pub reason: ReasonCode,
    /// What happened and what to do, in a sentence. Carries no secret and no mail text.
    pub text: String,
}

impl DeliveryError {
    /// The reason that is recorded with the action.
    pub fn as_reason(&self) -> Reason {
        Reason::new(self.reason, self.text.clone())
    }

    /// Could not be reached, or fell silent: may be retried.
    pub(super) fn unreachable(text: impl Into<String>) -> Self {
        Self { retry: true, retry_after: None, status: None, reason: ReasonCode::Unreachable, text: text.into() }
    }

    /// Said no, and would say so again.
    pub(super) fn refused(text: impl Into<String>) -> Self {
        Self { retry: false, retry_after: None, status: None, reason: ReasonCode::Refused, text: text.into() }
    }

    /// Does not accept who we are, and would not the next time either.
    pub(super) fn unauthorized(text: impl Into<String>) -> Self {
        Self { reason: ReasonCode::Unauthorized, ..Self::refused(text) }
    }

    pub(super) fn status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// The same, but another attempt makes sense.
    pub(super) fn retryable(self, retry_after: Option<Duration>) -> Self {
        Self { retry: true, retry_after, ..self }
    }

    pub(super) fn unknown_destination(name: &str) -> Self {
        Self::refused(format!("there is no destination `{name}` any more; add it to the configuration"))
    }
}
