//! Telling people: quarantine, pauses and a stuck queue are announced at `safety.alert`, in the log and on the board.

use super::{Engine, Workspace, status::Happened};
use crate::{destinations::Announcement, model::Action, store::StoreError};

impl Engine {
    pub(super) fn alert_quarantined(&self, workspace: &Workspace, action: &Action) {
        let lead = action.lead_email.as_deref().unwrap_or("a lead without an address");
        self.alert(
            workspace.name(),
            Announcement {
                title: format!("A {} needs a decision (workspace {})", action.kind, workspace.name()),
                text: format!(
                    "The {} of rule `{}` to {lead} may or may not have been carried out, and Reply Router will not try \
                     again by itself. Look into the thread, then say whether it was sent: action {}.",
                    action.kind, action.rule, action.id
                ),
            },
            &action.id.0,
            self.thread_link(&action.thread_id),
        );
    }

    /// Pauses a workspace whose key was refused, once, and says so.
    pub(super) async fn pause_for(&self, workspace: &Workspace, why: &str) -> Result<(), StoreError> {
        if self.store.pauses().await?.iter().any(|pause| pause.workspace.as_deref() == Some(workspace.name())) {
            return Ok(());
        }
        self.store.pause(Some(workspace.name()), why, self.now()).await?;
        let text =
            format!("{why}. Nothing is sent from this workspace until the key is mended and somebody resumes it.");
        let announcement = Announcement { title: format!("Workspace {} is paused", workspace.name()), text };
        let id = format!("pause-{}-{}", workspace.name(), self.now().as_second());
        self.alert(workspace.name(), announcement, &id, None);
        Ok(())
    }

    fn alert(&self, workspace: &str, announcement: Announcement, id: &str, link: Option<String>) {
        tracing::error!(workspace, alert = announcement.title, "people should look");
        self.board.tell(self.now(), workspace, Happened::Alert(announcement.title.clone()));
        let Some(name) = self.safety.alert.clone().filter(|_| !self.dry_run) else { return };
        let (destinations, id, now) = (std::sync::Arc::clone(&self.destinations), id.to_owned(), self.now());
        // An alert must not hold up the queue that it tells of; it is tried twice and then left to the log and the pages.
        tokio::spawn(async move {
            for _ in 0..2 {
                match destinations.announce(&name, &id, &announcement, link.as_deref(), now).await {
                    Ok(_) => return,
                    Err(error) => tracing::warn!(destination = name, error = %error, "an alert was not delivered"),
                }
                tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            }
        });
    }
}
