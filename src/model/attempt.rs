//! One try of an action, and how it ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// How a try ended. Written as its snake-case text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// It was carried out.
    Accepted,
    /// It may or may not have been carried out.
    Unclear,
    /// The star was toggled to the opposite of what the rule wants: somebody else toggled it in between.
    Opposite,
    /// The request budget had no place; nothing left.
    NoBudget,
    /// There was no connection; nothing left.
    NotSent,
    /// The other side said no.
    Refused,
    /// A delivery failed and may be repeated.
    Failed,
    /// A dry run: nothing left.
    DryRun,
    /// The process ended while the action was in flight.
    Interrupted,
    /// Another version of the program wrote a text that this one does not know.
    #[serde(untagged)]
    Other(String),
}

impl AttemptOutcome {
    /// The outcome as programs write it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Accepted => "accepted",
            Self::Unclear => "unclear",
            Self::Opposite => "opposite",
            Self::NoBudget => "no_budget",
            Self::NotSent => "not_sent",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::DryRun => "dry_run",
            Self::Interrupted => "interrupted",
            Self::Other(text) => text,
        }
    }

    /// Whether the other side surely did not carry the try out.
    pub fn was_not_applied(&self) -> bool {
        matches!(self, Self::NoBudget | Self::NotSent | Self::Refused)
    }
}

impl fmt::Display for AttemptOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One try of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How it ended: a short word such as `accepted`, `refused`, `unclear`.
    #[schema(value_type = String)]
    pub outcome: AttemptOutcome,
    /// The status code of the response, where there was one.
    pub status: Option<u16>,
    /// For a reply, the fingerprint of the text that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_keep_their_texts_and_unknown_ones_are_read() {
        for (outcome, text) in [
            (AttemptOutcome::Accepted, "accepted"),
            (AttemptOutcome::Unclear, "unclear"),
            (AttemptOutcome::Opposite, "opposite"),
            (AttemptOutcome::NoBudget, "no_budget"),
            (AttemptOutcome::NotSent, "not_sent"),
            (AttemptOutcome::Refused, "refused"),
            (AttemptOutcome::Failed, "failed"),
            (AttemptOutcome::DryRun, "dry_run"),
            (AttemptOutcome::Interrupted, "interrupted"),
            (AttemptOutcome::Other("time_out".to_owned()), "time_out"),
        ] {
            let json = format!("\"{text}\"");
            assert_eq!(serde_json::to_string(&outcome).unwrap(), json);
            assert_eq!(serde_json::from_str::<AttemptOutcome>(&json).unwrap(), outcome);
            assert_eq!(outcome.as_str(), text);
        }
    }
}
