//! Alerts of other services on the account, and of rejected reloads.

use super::{Alerts, EVERY};
use crate::destinations::Alert;
use crate::engine::Workspace;

/// The condition that a reload was rejected.
const RELOAD_FAILED: &str = "rules-refused";

impl Alerts {
    /// Alerts that somebody else sent our words; the workspace's replies are held from now on.
    pub(in crate::engine) fn alert_foreign_use(&self, workspace: &Workspace, why: &str, link: Option<String>) {
        let title = format!("Another service acts on workspace {}", workspace.name());
        let text = format!(
            "{why}. The workspace's replies are held. Stop the other service, look into the threads, then resume the \
             workspace."
        );
        let id = self.alert_id(workspace.name(), "foreign-use");
        self.send(workspace.name(), Alert { title, text }, &id, link, None);
    }

    /// Alerts once that the key's limit falls faster than this service uses it, and when that ends.
    pub(in crate::engine) fn watch_key(&self, workspace: &Workspace) {
        const KEY: &str = "key-shared";
        if self.is_key_shared(workspace) {
            let title = format!("Somebody else uses the key of workspace {}", workspace.name());
            let text = "The API's limit for the key falls faster than this service uses it: another service or program \
                        has the key. Stop it, or give it a key of its own. Nothing is held for this alone.";
            self.alert_once(workspace.name(), KEY, &title, text);
        } else {
            let title = format!("Nobody else uses the key of workspace {} any more", workspace.name());
            self.end_alert(workspace.name(), KEY, &title);
        }
    }

    /// Alerts once that a reload was rejected.
    pub(in crate::engine) fn alert_reload_failed(&self, why: &str) {
        let text = format!("{why}. The current rules stay active until you fix the files.");
        self.alert_once(EVERY, RELOAD_FAILED, "Reload failed; keeping current rules", &text);
    }

    /// Alerts, if a reload was rejected before, that the rules in the files are active.
    pub(in crate::engine) fn watch_rules(&self) {
        if self.status.rules_error().is_none() {
            self.end_alert(EVERY, RELOAD_FAILED, "Rules reloaded");
        }
    }

    /// Whether somebody else uses the workspace's key, as the limits that the API tells show. Workspaces that share a
    /// key see each other and say nothing.
    pub fn is_key_shared(&self, workspace: &Workspace) -> bool {
        let shares =
            |other: &Workspace| other.name() != workspace.name() && other.client().has_same_key(workspace.client());
        workspace.client().budget().foreign_use && !self.workspaces.now().iter().any(|other| shares(other))
    }
}
