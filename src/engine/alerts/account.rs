//! Alerts of other services on the account, and of rejected reloads.

use super::{Alerts, EVERY, condition, locked};
use crate::destinations::Alert;
use crate::engine::Workspace;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Processes that read the same files see a mistake in them within this time.
const SAME_FILES: Duration = Duration::from_secs(600);

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

    /// Alerts once that a reload was rejected: processes on one store that read the same files see the same mistake, and one
    /// of them tells it.
    pub(in crate::engine) async fn alert_reload_failed(&self, why: &str) {
        let (key, now) = (condition(EVERY, RELOAD_FAILED), self.clock.now());
        if !locked(&self.conditions).begin(&key, now, now) {
            return;
        }
        let digest = Sha256::digest(why.as_bytes());
        let mistake: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let claimed = self.store.claim_alert(&format!("{RELOAD_FAILED}-{mistake}"), SAME_FILES).await;
        match claimed {
            Ok(false) => {
                tracing::warn!("another process has alerted that the reload failed");
                locked(&self.conditions).leave_to_others(&key);
            }
            // Twice is better than never.
            Ok(true) | Err(_) => {
                let text = format!("{why}. The current rules stay active until you fix the files.");
                let alert = Alert { title: "Reload failed; keeping current rules".to_owned(), text };
                self.send(EVERY, alert, &self.alert_id(EVERY, RELOAD_FAILED), None, None);
            }
        }
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
