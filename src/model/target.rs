//! Where a forward goes, as people read it.

use super::{Action, PlannedAction};

/// A destination with whom a message is for beside its own: `sales-bot #emea`.
pub fn describe_target(target: &str, recipients: &[String]) -> String {
    recipients.iter().fold(target.to_owned(), |told, name| format!("{told} {name}"))
}

impl Action {
    /// Where it goes. `None` for what goes to no destination.
    pub fn describe_target(&self) -> Option<String> {
        self.target.as_deref().map(|target| describe_target(target, self.payload.recipients()))
    }
}

impl PlannedAction {
    /// Where it would go. `None` for what goes to no destination.
    pub fn describe_target(&self) -> Option<String> {
        self.target.as_deref().map(|target| describe_target(target, self.payload.recipients()))
    }
}
