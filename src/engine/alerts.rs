//! Telling people: quarantine, pauses and a stuck queue are announced at `safety.alert`, in the log and on the board.

use super::{Engine, Workspace, status::Happened};
use crate::{
    destinations::{Announcement, Destinations},
    model::{Action, Span, format_span},
    store::StoreError,
};

/// How long something may be due before people are told that the queue is stuck.
const STUCK: Span = Span::from_secs(600);
/// What stands for the name of a workspace in an alert that concerns all of them.
const EVERY: &str = "all";
/// The store is opened, and may pause everything, a moment before the rest starts.
const A_MOMENT: Span = Span::from_secs(60);

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
        self.store.pause(Some(workspace.name()), why, None, self.now()).await?;
        let text =
            format!("{why}. Nothing is sent from this workspace until the key is mended and somebody resumes it.");
        let announcement = Announcement { title: format!("Workspace {} is paused", workspace.name()), text };
        let id = format!("pause-{}-{}", workspace.name(), self.now().as_second());
        self.alert(workspace.name(), announcement, &id, None);
        Ok(())
    }

    /// Says once that something has been due for ten minutes and does not leave; again only after it has moved.
    pub async fn watch_queue(&self, workspace: &Workspace) -> Result<(), StoreError> {
        let due = self.store.next_due(workspace.name()).await?;
        let late = due.and_then(|due| Span::try_from(self.now().duration_since(due)).ok());
        let late = late.filter(|late| *late >= STUCK);
        if workspace.note_stuck(late.is_some())
            && let Some(late) = late
        {
            self.alert_stuck(workspace, &format!("something has been due for {}", format_span(late)));
        }
        Ok(())
    }

    /// Says once that nothing leaves because the store fails.
    pub(super) fn store_fails(&self, workspace: &Workspace, error: &str) {
        if workspace.note_store(true) {
            self.alert_stuck(workspace, error);
        }
    }

    fn alert_stuck(&self, workspace: &Workspace, why: &str) {
        let title = format!("The queue of workspace {} is stuck", workspace.name());
        let text = format!("Nothing leaves at present: {why}. It goes on by itself when it can.");
        let id = format!("stuck-{}-{}", workspace.name(), self.now().as_second());
        self.alert(workspace.name(), Announcement { title, text }, &id, None);
    }

    /// Says that the service began with a pause of everything, and why: a store that was restored from a backup.
    pub async fn announce_pause(&self) -> Result<(), StoreError> {
        let pauses = self.store.pauses().await?;
        let Some(pause) = pauses.into_iter().find(|pause| pause.workspace.is_none()) else { return Ok(()) };
        tracing::warn!(since = %pause.since, reason = pause.reason, "everything is paused; nothing leaves");
        let since_start = pause.since.saturating_add(A_MOMENT).is_ok_and(|then| then >= self.started_at());
        if since_start {
            let announcement = Announcement { title: "Everything is paused".to_owned(), text: pause.reason };
            self.alert(EVERY, announcement, &format!("pause-all-{}", pause.since.as_second()), None);
        }
        Ok(())
    }

    fn alert(&self, workspace: &str, announcement: Announcement, id: &str, link: Option<String>) {
        tracing::error!(workspace, alert = announcement.title, "people should look");
        self.board.tell(self.now(), workspace, Happened::Alert(announcement.title.clone()));
        if self.dry_run {
            return;
        }
        for (destinations, name) in self.alert_at(workspace) {
            let (id, now) = (id.to_owned(), self.now());
            let (announcement, link) = (announcement.clone(), link.clone());
            // An alert must not hold up the queue that it tells of; it is tried twice and then left to the log and the
            // pages.
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

    /// Where an alert about a workspace goes; what concerns all of them goes once to each destination that one of them
    /// has.
    fn alert_at(&self, workspace: &str) -> Vec<(Destinations, String)> {
        let mut places: Vec<(&Destinations, &str)> = Vec::new();
        let concerned = self.workspaces.iter().filter(|found| workspace == EVERY || found.name() == workspace);
        for (destinations, name) in
            concerned.filter_map(|found| Some((found.destinations(), found.safety().alert.as_deref()?)))
        {
            if !places.iter().any(|(known, same)| *same == name && known.share(destinations, name)) {
                places.push((destinations, name));
            }
        }
        places.into_iter().map(|(destinations, name)| (destinations.clone(), name.to_owned())).collect()
    }
}
