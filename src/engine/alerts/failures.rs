//! Alerts of actions that failed for good and of rules that cannot be evaluated: once an hour for each destination or
//! rule.

use super::{Alert, Alerts};
use crate::engine::{Evaluation, Workspace};
use crate::{
    coldsend::ApiError,
    model::{Action, ActionKind, ActionState, ThreadRow},
};

impl Alerts {
    /// Alerts that an action failed and is not tried again.
    pub(in crate::engine) fn alert_failed(&self, workspace: &Workspace, action: &Action) {
        if action.state != ActionState::Failed {
            return;
        }
        let name = workspace.name();
        let is_forward = matches!(action.kind, ActionKind::Forward(_));
        let failed = action.target.as_deref().filter(|_| is_forward);
        let (key, title) = match failed {
            Some(target) => (format!("failed-{target}"), format!("A message to `{target}` failed (workspace {name})")),
            None => (
                format!("failed-{}-{}", action.kind, action.rule),
                format!("The {} of rule `{}` failed (workspace {name})", action.kind, action.rule),
            ),
        };
        let lead = action.lead_email.as_deref().unwrap_or("a lead without an address");
        let why = action.reason.as_ref().map_or("for no known reason", |reason| reason.text.as_str());
        let text = format!(
            "The {} of rule `{}` about {lead} was not carried out: {why}. It is not tried again by itself; you can retry \
             it: action {}.",
            action.kind, action.rule, action.id
        );
        // A destination that fails cannot deliver its own alert; a text that cannot be rendered says nothing about it.
        let tried = failed.filter(|_| !action.attempts.is_empty());
        let link = self.thread_link(&action.thread_id);
        self.alert_hourly(name, &key, Alert { title, text }, tried, link);
    }

    /// Alerts that a thread cannot be read again and again, while others can.
    pub(in crate::engine) fn alert_unread(&self, workspace: &Workspace, row: &ThreadRow, error: &ApiError) {
        let name = workspace.name();
        let lead = row.lead_email.as_deref().unwrap_or("a lead without an address");
        let title = format!("A thread cannot be read (workspace {name})");
        let text = format!(
            "The thread of {lead} has changed and cannot be read: {error}. It stays pending and is tried about once an hour; \
             look into it in ColdSend."
        );
        self.alert_hourly(name, "unread", Alert { title, text }, None, self.thread_link(&row.id));
    }

    /// Alerts that rules could not be evaluated, so that they did not match.
    pub(in crate::engine) fn alert_rule_errors(&self, workspace: &Workspace, evaluation: &Evaluation) {
        for (rule, error) in evaluation.decision.rules.iter().filter_map(|rule| Some((rule, rule.error.as_ref()?))) {
            let title = format!("Rule `{}` cannot be evaluated (workspace {})", rule.name, workspace.name());
            let text = format!("It did not match because of an error: {error}");
            self.alert_hourly(workspace.name(), &format!("rule-{}", rule.name), Alert { title, text }, None, None);
        }
    }
}
