//! Which account a workspace lists, and which part of the store is its own.
//!
//! The name in the configuration may change, the key may come to belong to another account, and two keys may belong to
//! one. The threads show it: the same id with the same lead is the same thread. Ids alone may be equal by accident.

use super::Intake;
use crate::engine::{
    PollError, PollReport, Workspace,
    intake::poll::{MANY, TRANSIT, is_old},
};
use crate::{
    coldsend::ListPage,
    model::{ThreadRow, address_of, counted},
    store::{Renaming, StoreError, WorkspaceState},
};
use std::collections::HashMap;

/// The beginning of a pause's reason that asks which workspace this is.
const ASKED: &str = "The store has threads of this account under another name";

/// Under which names that are no longer configured the store has a list's threads.
pub(super) enum EarlierName {
    /// Under none.
    None,
    /// They belong to this name.
    Same(String),
    /// Some belong to these names.
    Unclear(Vec<String>),
}

impl Intake {
    /// The names under which the store has threads and that no workspace has now.
    pub(super) async fn unconfigured_names(&self) -> Result<Vec<String>, StoreError> {
        let names = self.shared.store.workspaces_with_threads().await?;
        Ok(names.into_iter().filter(|name| self.shared.workspace(name).is_none()).collect())
    }

    /// Renames what the store has under the name that `was` declares.
    pub(super) async fn adopt_declared_name(&self, workspace: &Workspace) -> Result<(), PollError> {
        let Some(was) = &workspace.settings().was else { return Ok(()) };
        if workspace.list.is_was_settled() || self.shared.workspace(was).is_some() {
            return Ok(());
        }
        let has_state = self.shared.store.workspace_state(was).await? != WorkspaceState::default();
        if has_state || self.shared.store.count_threads(was, 1).await? > 0 {
            self.adopt(workspace, was).await?;
        } else {
            // Whoever still has that name may be about to poll the account for the first time.
            self.rename(workspace, was).await?;
        }
        workspace.list.settle_was();
        Ok(())
    }

    /// Gives the workspace what the store has under an earlier name, once nobody has that any more.
    async fn rename(&self, workspace: &Workspace, was: &str) -> Result<(), PollError> {
        let in_use = |replica: String| PollError::NameInUse { was: was.to_owned(), replica };
        if self.shared.supervisor.is_running(was) {
            // What it has in flight ends first, here as well.
            return Err(in_use(self.shared.store.replica()));
        }
        match self.shared.store.rename_workspace(was, workspace.name(), ASKED, self.shared.now()).await? {
            Renaming::Done => Ok(()),
            Renaming::InUse { replica } => Err(in_use(replica)),
        }
    }

    /// Gives the workspace all records of an earlier name. Actions of that name that are in flight are recovered as
    /// after a crash.
    pub(super) async fn adopt(&self, workspace: &Workspace, name: &str) -> Result<(), PollError> {
        self.rename(workspace, name).await?;
        tracing::warn!(
            workspace = workspace.name(),
            was = name,
            "the workspace has a new name; its records go with it"
        );
        self.shared.recover(workspace).await?;
        self.shared.alerts.alert_workspace(
            workspace,
            &format!("Workspace {name} is called {} now", workspace.name()),
            format!(
                "The store has this account under the name {name}, which is not configured any more. Its baseline, decisions, \
                 opt-outs and pause belong to {} from now on.",
                workspace.name()
            ),
            "renamed",
        );
        workspace.wake_executor();
        Ok(())
    }

    /// Which of the names that are no longer configured owns these threads.
    pub(super) async fn earlier_name(
        &self,
        workspace: &Workspace,
        rows: &[ThreadRow],
        strangers: &[String],
    ) -> Result<EarlierName, StoreError> {
        if strangers.is_empty() {
            return Ok(EarlierName::None);
        }
        let owned = self.owned(rows).await?;
        let mut found: Vec<_> = owned.into_iter().filter(|(name, _)| strangers.contains(name)).collect();
        found.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        Ok(match found.as_slice() {
            [] => EarlierName::None,
            [(name, count)] => {
                let limit = u32::try_from(count.saturating_mul(2)).unwrap_or(u32::MAX);
                let has = self.shared.store.count_threads(name, limit.saturating_add(1)).await?;
                // Most of this list, or most threads that name ever had.
                let is_most = count * 2 > rows.len() || has <= limit;
                let is_new = self.shared.store.count_threads(workspace.name(), 1).await? == 0;
                if is_most && is_new {
                    EarlierName::Same(name.clone())
                } else {
                    EarlierName::Unclear(vec![name.clone()])
                }
            }
            many => EarlierName::Unclear(many.iter().map(|(name, _)| name.clone()).collect()),
        })
    }

    /// How many of these threads each workspace in the store has.
    async fn owned(&self, rows: &[ThreadRow]) -> Result<HashMap<String, usize>, StoreError> {
        let leads: HashMap<&str, Option<String>> =
            rows.iter().map(|row| (row.id.as_str(), row.lead_email.as_deref().and_then(address_of))).collect();
        let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
        let mut owned = HashMap::new();
        for owner in self.shared.store.thread_owners(&ids).await? {
            if leads.get(owner.thread_id.as_str()).is_some_and(|lead| *lead == owner.lead_email) {
                *owned.entry(owner.workspace).or_default() += 1;
            }
        }
        Ok(owned)
    }

    /// Whether the workspace is paused until you say which one it was.
    pub(super) async fn is_paused_for_identity(&self, workspace: &Workspace) -> Result<bool, StoreError> {
        let pauses = self.shared.store.pauses().await?;
        Ok(pauses
            .iter()
            .any(|pause| pause.workspace.as_deref() == Some(workspace.name()) && pause.reason.starts_with(ASKED)))
    }

    /// Pauses the workspace until you say which one it was.
    pub(super) async fn ask_for_identity(
        &self,
        workspace: &Workspace,
        state: &mut WorkspaceState,
        names: &[String],
    ) -> Result<(), StoreError> {
        if self.is_paused_for_identity(workspace).await? {
            return Ok(());
        }
        let listed = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let (first, name) = (names.first().map(String::as_str).unwrap_or_default(), workspace.name());
        let why = format!(
            "{ASKED} ({listed}). If `{name}` is its new name, write `was: {first}` below `name: {name}` in the configuration: \
             its opt-outs, baseline and records go with it. If it is another account, resume the workspace: it \
             begins anew"
        );
        state.identity_asked = true;
        self.shared.store.set_workspace_state(name, state).await?;
        self.shared.store.pause(Some(name), &why, None, self.shared.now()).await?;
        self.shared.alerts.alert_workspace(
            workspace,
            &format!("Workspace {name} is paused"),
            format!("{why}."),
            "identity",
        );
        Ok(())
    }

    /// The whole list was read, and none of its threads is known. If many were known before, or many are older than the
    /// last poll, the key belongs to another account now: what is there becomes a new baseline, and replies to what
    /// came since the last poll are held.
    pub(super) async fn take_for_another_account(
        &self,
        workspace: &Workspace,
        state: &mut WorkspaceState,
        pages: &[ListPage],
        report: &mut PollReport,
    ) -> Result<(), PollError> {
        let rows: Vec<ThreadRow> = pages.iter().flat_map(|page| page.rows.iter().cloned()).collect();
        let date = pages.first().and_then(|page| page.date);
        let now = self.shared.now();
        let last_look = state.seen_at.or(state.old_before);
        let last_look = last_look.and_then(|look| look.checked_sub(TRANSIT).ok());
        let is_older = |row: &ThreadRow| row.last_message_at.zip(last_look).is_some_and(|(at, look)| at < look);
        let older = rows.iter().filter(|row| is_older(row)).count();
        let many = u32::try_from(MANY).unwrap_or(u32::MAX);
        let knew_many = self.shared.store.count_threads(workspace.name(), many).await? >= many;
        if older < MANY && !(knew_many && (older > 0 || rows.len() >= MANY)) {
            if older > 0 {
                state.old_before = state.old_before.max(last_look);
            }
            self.shared.store.queue_rows(workspace.name(), &rows, now).await?;
            report.changed += rows.len();
            return Ok(());
        }
        let since = self.since(workspace, date);
        let is_asked_for = |row: &ThreadRow| row.last_message_at.zip(since).is_some_and(|(at, since)| at >= since);
        let (noted, queued): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| match since {
            Some(_) => !is_asked_for(row),
            None => is_older(row) || row.last_message_at.is_none(),
        });
        let newest = queued.iter().filter_map(|row| row.last_message_at).max();
        state.old_before = match since {
            Some(since) => Some(since),
            // What is queued is held; what comes from the next second on is new.
            None => {
                newest.max(date).or(last_look).and_then(|at| at.checked_add(std::time::Duration::from_secs(1)).ok())
            }
        };
        self.shared.store.record_baseline(workspace.name(), &noted, date, now).await?;
        self.shared.store.queue_rows(workspace.name(), &queued, now).await?;
        report.remembered += noted.len();
        report.changed += queued.len();
        state.baseline_at = Some(now);
        state.last_sweep_at = Some(now);
        state.newest_first = false;
        state.sweep_needed = false;
        let held = match queued.iter().filter(|row| is_old(row.last_message_at, state)).count() {
            0 => String::new(),
            held => format!(" Replies to {held} that came since the last look are held."),
        };
        self.shared.alerts.alert_workspace(
            workspace,
            &format!("Workspace {} lists another account", workspace.name()),
            format!(
                "None of the threads that were known is in its list any more: the key belongs to another account. The {} \
                 threads that were there already are its new baseline and are not answered.{held} If that is not meant, \
                 check `api_key` and `base_url`.",
                noted.len()
            ),
            "account",
        );
        Ok(())
    }

    /// Alerts that old threads turned up that a complete list would have shown before.
    pub(super) fn announce_late_threads(&self, workspace: &Workspace) {
        self.shared.alerts.alert_workspace(
            workspace,
            &format!("Old threads turned up in workspace {}", workspace.name()),
            "The list shows threads that it did not show at the first start, with mail that is older. They belong to the \
             baseline now and are not answered: look through the inbox for leads who still wait."
                .to_owned(),
            "late",
        );
    }

    /// Alerts once that the list looks wrong, and shows why as long as it does.
    pub(super) async fn look_for_oddities(&self, workspace: &Workspace, page: &ListPage) -> Result<(), StoreError> {
        let counts_some = [page.total_count, page.unread_count].iter().flatten().any(|count| *count > 0);
        let oddity = if page.rows.is_empty() && page.skipped > 0 {
            Some(format!(
                "ColdSend's list cannot be read: none of its {} rows has a thread id. No new message is seen.",
                page.skipped
            ))
        } else if page.skipped > 0 {
            let rows = counted(page.skipped, "row", "rows");
            Some(format!("{rows} of ColdSend's list cannot be read; what is in there is not seen."))
        } else if page.rows.is_empty() && counts_some {
            Some("ColdSend's list is empty, although it counts threads. No new message is seen.".to_owned())
        } else if page.rows.is_empty() && self.shared.store.count_threads(workspace.name(), 1).await? > 0 {
            Some("ColdSend's list is empty, although it had threads before. No new message is seen.".to_owned())
        } else if workspace.list.is_frozen() {
            Some("ColdSend's list stands still: it counts more and more, but shows the same threads.".to_owned())
        } else {
            None
        };
        match &oddity {
            Some(text) => {
                self.shared.alerts.alert_once(
                    workspace.name(),
                    "list",
                    &format!("The list of workspace {} looks wrong", workspace.name()),
                    text,
                );
            }
            None => {
                self.shared.alerts.end_alert(
                    workspace.name(),
                    "list",
                    &format!("The list of workspace {} is all right again", workspace.name()),
                );
            }
        }
        workspace.list.set_oddity(oddity);
        Ok(())
    }

    /// Alerts once for each workspace that another one lists the same threads.
    pub(super) async fn announce_sharing(&self, workspace: &Workspace, thread_id: &str) -> Result<(), StoreError> {
        let owners = self.shared.store.thread_owners(&[thread_id.to_owned()]).await?;
        let others = owners
            .iter()
            .filter(|owner| owner.workspace != workspace.name() && self.shared.workspace(&owner.workspace).is_some());
        let Some(owner) = others.min_by_key(|owner| owner.first_seen_at).map(|owner| owner.workspace.as_str()) else {
            return Ok(());
        };
        workspace.list.set_sharing(owner);
        self.shared.alerts.alert_once(
            workspace.name(),
            "shared",
            &format!("Workspaces {owner} and {} list the same account", workspace.name()),
            &format!(
                "Their keys belong to one account. {owner} acts on the threads that it saw first; what {} would do in them is \
                 held. Remove one of the two from the configuration.",
                workspace.name()
            ),
        );
        Ok(())
    }
}
