//! Alerts: what needs you goes to `safety.alert`, to the log and to whoever watches.
//!
//! A condition that begins and ends (an outage, a stuck queue, a store that fails) goes through [`Alerts::alert_once`]
//! and [`Alerts::end_alert`], what happens again and again through [`Alerts::alert_hourly`]. So one cause is one alert.

mod account;
mod conditions;
mod failures;
mod outage;

use super::{
    Clock, Workspace,
    status::{EngineEventKind, LiveStatus},
    workspace_set::WorkspaceSet,
};
use crate::{
    destinations::{Alert, Destinations},
    model::{Action, format_duration},
    store::{
        Store, StoreError,
        leases::{LEASE, LONGEST_AWAY},
    },
};
use conditions::{Conditions, Repeats};
use jiff::Timestamp;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How long something may be due before you are alerted that the queue is stuck.
const STUCK: Duration = Duration::from_secs(600);
/// The store is opened, and may pause everything, at most this long before the rest starts.
const A_MOMENT: Duration = Duration::from_secs(60);
/// What several processes see in the store is told by one of them in this time.
const ONCE: Duration = Duration::from_secs(86_400);
/// How long a process waits for the one before it to tell that the store fails.
const AFTER_THE_ONE_BEFORE: Duration = Duration::from_secs(600);
/// How long to wait after each failed try to deliver an alert.
const TRY_AGAIN: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(900),
    Duration::from_secs(2_400),
];
/// The name of the workspace in an alert that concerns all of them.
pub(super) const EVERY: &str = "all";
/// The condition that a workspace is paused because its key was refused.
pub(super) const PAUSED: &str = "paused";

/// Alerts: what needs you is sent to `safety.alert`, logged and published, once.
pub struct Alerts {
    store: Arc<dyn Store>,
    workspaces: Arc<WorkspaceSet>,
    clock: Arc<dyn Clock>,
    status: Arc<LiveStatus>,
    /// The address of the pages, for links; without a slash at its end.
    public_url: Option<String>,
    /// Nothing is sent; alerts are logged and shown.
    conditions: Mutex<Conditions>,
    repeats: Mutex<Repeats<Repeated>>,
    /// Who tells what all processes on the store see. `None` where no others are.
    standing: Mutex<Option<Standing>>,
    /// Nothing runs here, because leases could not be renewed in the store.
    is_store_away: AtomicBool,
}

/// Where this process stands among those on the store, when they last agreed.
#[derive(Debug, Clone, Copy)]
struct Standing {
    before: u32,
    replicas: u32,
    agreed: Instant,
}

impl Standing {
    /// How many others tell first. While the store fails nobody can ask: a process that has not been able to for so long that
    /// the others may have moved up is the last to tell.
    fn turns(self, now: Instant) -> u32 {
        let may_have_moved = now.duration_since(self.agreed) >= LEASE + LONGEST_AWAY;
        if may_have_moved { self.before.max(self.replicas) } else { self.before }
    }
}

/// An event that may happen again and again.
#[derive(Debug)]
struct Repeated {
    workspace: String,
    alert: Alert,
    /// The destination that gets no alert, because it is what fails.
    except: Option<String>,
    link: Option<String>,
}

impl Alerts {
    pub(super) fn new(
        store: Arc<dyn Store>,
        workspaces: Arc<WorkspaceSet>,
        clock: Arc<dyn Clock>,
        status: Arc<LiveStatus>,
        public_url: Option<String>,
    ) -> Self {
        let (conditions, repeats, standing, is_store_away) = Default::default();
        Self { store, workspaces, clock, status, public_url, conditions, repeats, standing, is_store_away }
    }

    /// Alerts that a condition has begun, unless you know: until [`Alerts::end_alert`] has reported its end, and for
    /// some time if it comes and goes. `key` names the condition in its workspace.
    pub(super) fn alert_once(&self, workspace: &str, key: &str, title: &str, text: &str) {
        self.alert_since(workspace, key, self.clock.now(), title, text);
    }

    /// The same for a condition that began some time ago.
    fn alert_since(&self, workspace: &str, key: &str, began: Timestamp, title: &str, text: &str) {
        if locked(&self.conditions).begin(&condition(workspace, key), began, self.clock.now()) {
            let alert = Alert { title: title.to_owned(), text: text.to_owned() };
            self.send(workspace, alert, &self.alert_id(workspace, key), None, None);
        }
    }

    /// Records that a condition does not hold; call it whenever you see that. Once the condition has stayed away for a
    /// minute, its end is alerted if its beginning was, with how long it lasted.
    pub(super) fn end_alert(&self, workspace: &str, key: &str, title: &str) {
        let lasted = locked(&self.conditions).end(&condition(workspace, key), self.clock.now());
        if let Some(lasted) = lasted {
            let lasted = format_duration(Duration::from_secs(lasted.as_secs().max(1)));
            let alert = Alert { title: title.to_owned(), text: format!("It has lasted {lasted}.") };
            let id = self.alert_id(workspace, &format!("{key}-over"));
            self.send(workspace, alert, &id, None, None);
        }
    }

    /// Forgets a condition that an operator has ended.
    pub(super) fn forget_alert(&self, workspace: &str, key: &str) {
        locked(&self.conditions).forget(&condition(workspace, key));
    }

    /// Forgets the pauses of a workspace, or of all of them.
    pub(super) fn forget_pauses(&self, workspace: Option<&str>) {
        for found in self.workspaces.now().iter().filter(|found| workspace.is_none_or(|name| name == found.name())) {
            self.forget_alert(found.name(), PAUSED);
        }
    }

    /// Whether a condition was alerted and its end was not.
    pub(super) fn is_alerted(&self, workspace: &str, key: &str) -> bool {
        locked(&self.conditions).holds(&condition(workspace, key))
    }

    /// Alerts what may happen again and again: at once, and then once an hour with how often. `except` is a destination
    /// that gets no alert, because it is what fails.
    pub(super) fn alert_hourly(
        &self,
        workspace: &str,
        key: &str,
        alert: Alert,
        except: Option<&str>,
        link: Option<String>,
    ) {
        let what = Repeated { workspace: workspace.to_owned(), alert, except: except.map(str::to_owned), link };
        let first = locked(&self.repeats).note(&condition(workspace, key), what, self.clock.now());
        if let Some(Repeated { alert, link, .. }) = first {
            self.send(workspace, alert, &self.alert_id(workspace, key), link, except);
        }
    }

    /// Alerts what has happened again within the hour.
    fn alert_repeats(&self) {
        let due = locked(&self.repeats).due(self.clock.now());
        for (Repeated { workspace, mut alert, except, link }, count) in due {
            if count > 1 {
                alert.title = format!("{} ({count} times within the hour)", alert.title);
                alert.text = format!("The last one: {}", alert.text);
            }
            let id = self.alert_id(&workspace, &alert.title);
            self.send(&workspace, alert, &id, link, except.as_deref());
        }
    }

    pub(super) fn alert_quarantined(&self, workspace: &Workspace, action: &Action) {
        let lead = action.lead_email.as_deref().unwrap_or("a lead without an address");
        let alert = Alert {
            title: format!("A {} needs a decision (workspace {})", action.kind, workspace.name()),
            text: format!(
                "The {} of rule `{}` to {lead} may or may not have been carried out, and Reply Router will not try \
                 again by itself. Look into the thread, then say whether it was sent: action {}.",
                action.kind, action.rule, action.id
            ),
        };
        self.send(workspace.name(), alert, &action.id.0, self.thread_link(&action.thread_id), None);
    }

    /// Alerts once that something has been due for ten minutes and does not leave; again only after it has moved. Also
    /// alerts what has happened again within the hour.
    pub async fn watch_queue(&self, workspace: &Workspace) -> Result<(), StoreError> {
        self.alert_repeats();
        let due = self.store.next_due(workspace.name()).await?;
        let late = due.and_then(|due| Duration::try_from(self.clock.now().duration_since(due)).ok());
        let name = workspace.name();
        match late.filter(|late| *late >= STUCK) {
            // If you know the cause, the queue is no news.
            Some(_) if self.is_alerted(EVERY, STORE) || self.is_alerted(name, outage::FAILING) => {}
            Some(late) => self.alert_once(
                name,
                STUCK_QUEUE,
                &format!("The queue of workspace {name} is stuck"),
                &format!(
                    "Nothing leaves at present: something has been due for {}. It goes on by itself when it can.",
                    format_duration(late)
                ),
            ),
            None => self.end_alert(name, STUCK_QUEUE, &format!("The queue of workspace {name} moves again")),
        }
        Ok(())
    }

    /// Alerts once, for all workspaces, that nothing leaves because the store fails. Processes on one store cannot agree then:
    /// the one that came first tells it at once, the next one ten minutes later, should the first be gone too.
    /// That another process has taken the workspace over is no failure: what runs of it here is about to end.
    pub(super) fn alert_store_failing(&self, workspace: &Workspace, error: &StoreError) {
        if !matches!(error, StoreError::NotHeld { .. }) {
            workspace.record_store(true);
            self.alert_store(&error.to_string());
        }
    }

    /// The same of a process in which nothing runs, because the store does not answer.
    pub(super) fn alert_store_away(&self, error: &str) {
        self.is_store_away.store(true, Ordering::Relaxed);
        self.alert_store(error);
    }

    fn alert_store(&self, error: &str) {
        let turns = locked(&self.standing).map_or(0, |standing| standing.turns(Instant::now()));
        let wait = AFTER_THE_ONE_BEFORE * turns;
        if locked(&self.conditions).begin_later(&condition(EVERY, STORE), wait, self.clock.now()) {
            let text = format!("Nothing leaves at present: {error}. It goes on by itself when it can.");
            let alert = Alert { title: "The store fails".to_owned(), text };
            self.send(EVERY, alert, &self.alert_id(EVERY, STORE), None, None);
        }
    }

    /// The store answers a process in which nothing runs.
    pub(super) fn end_store_away(&self) {
        self.end_alert(EVERY, STORE, "The store works again");
    }

    /// Whether nothing runs here because the store does not answer.
    pub fn is_store_away(&self) -> bool {
        self.is_store_away.load(Ordering::Relaxed)
    }

    /// Forgets what was seen of a workspace while it ran here before: whoever ran it since then saw how that ended, and what
    /// is seen from now on is new.
    pub(super) fn forget_run(&self, workspace: &str) {
        for key in [STUCK_QUEUE, outage::FAILING] {
            self.forget_alert(workspace, key);
        }
    }

    /// Records that the processes on the store have agreed how many of them there are, and how many stand before this one.
    pub(super) fn set_standing(&self, before: u64, replicas: u64) {
        let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let standing = Standing { before: count(before), replicas: count(replicas), agreed: Instant::now() };
        *locked(&self.standing) = Some(standing);
        self.is_store_away.store(false, Ordering::Relaxed);
    }

    /// Records that the store was written.
    pub(super) fn store_works(&self, workspace: &Workspace) {
        workspace.record_store(false);
        self.end_store_away();
    }

    /// Alerts that the service started with a pause of everything, and why: a store that was restored from a backup.
    pub async fn alert_if_paused(&self) -> Result<(), StoreError> {
        let pauses = self.store.pauses().await?;
        let Some(pause) = pauses.into_iter().find(|pause| pause.workspace.is_none()) else { return Ok(()) };
        tracing::warn!(since = %pause.since, reason = pause.reason, "everything is paused; nothing leaves");
        let since_start = pause.since.saturating_add(A_MOMENT).is_ok_and(|then| then >= self.status.started_at());
        if since_start {
            let alert = Alert { title: "Everything is paused".to_owned(), text: pause.reason };
            let id = format!("pause-all-{}", pause.since.as_microsecond());
            // Each process that starts sees it.
            if self.store.claim_alert(&id, ONCE).await? {
                self.send(EVERY, alert, &id, None, None);
            }
        }
        Ok(())
    }

    /// Alerts that a flow of the workspace panicked; it starts again by itself.
    pub(super) fn alert_panic(&self, workspace: &Workspace) {
        let title = format!("Workspace {} was interrupted by an error of Reply Router", workspace.name());
        let text =
            "It starts again by itself, and nothing that was recorded is lost. Please report the error: the log \
                    has it."
                .to_owned();
        self.alert_workspace(workspace, &title, text, "interrupted");
    }

    /// Alerts what concerns a workspace as a whole and is no lasting condition.
    pub(super) fn alert_workspace(&self, workspace: &Workspace, title: &str, text: String, key: &str) {
        self.alert_hourly(workspace.name(), key, Alert { title: title.to_owned(), text }, None, None);
    }

    /// The page of the thread, if the pages have an address that others can reach.
    pub(in crate::engine) fn thread_link(&self, thread_id: &str) -> Option<String> {
        let base = self.public_url.as_deref()?.trim_end_matches('/');
        let mut url = url::Url::parse(base).ok()?;
        url.path_segments_mut().ok()?.pop_if_empty().extend(["threads", thread_id]);
        Some(url.to_string())
    }

    /// An id that the receiver can tell an alert from another by.
    fn alert_id(&self, workspace: &str, key: &str) -> String {
        format!("{key}-{workspace}-{}", self.clock.now().as_second())
    }

    fn send(&self, workspace: &str, alert: Alert, id: &str, link: Option<String>, except: Option<&str>) {
        tracing::error!(workspace, alert = alert.title, "alert");
        self.status.publish(self.clock.now(), workspace, || EngineEventKind::Alert(alert.title.clone()));
        for (destinations, name) in self.alert_at(workspace) {
            if except == Some(name.as_str()) {
                continue;
            }
            let (id, now) = (id.to_owned(), self.clock.now());
            let (alert, link) = (alert.clone(), link.clone());
            // An alert must not hold up the queue that it is about. What it is about may also keep it from arriving, so
            // it is tried five times within about 20 minutes and then left to the log and the pages.
            tokio::spawn(async move {
                for pause in TRY_AGAIN {
                    match destinations.send_alert(&name, &id, &alert, link.as_deref(), now).await {
                        Ok(_) => return,
                        Err(error) => tracing::warn!(destination = name, error = %error, "alert not delivered"),
                    }
                    tokio::time::sleep(pause).await;
                }
            });
        }
    }

    /// Where an alert about a workspace goes; what concerns all of them goes once to each destination that one of them
    /// has.
    fn alert_at(&self, workspace: &str) -> Vec<(Destinations, String)> {
        let workspaces = self.workspaces.now();
        let mut places: Vec<(&Destinations, &str)> = Vec::new();
        let concerned = workspaces.iter().filter(|found| workspace == EVERY || found.name() == workspace);
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

/// The condition that the store fails.
const STORE: &str = "store";
/// The condition that what is due does not leave.
const STUCK_QUEUE: &str = "stuck";

fn condition(workspace: &str, key: &str) -> String {
    format!("{workspace}/{key}")
}

/// Nothing can panic while it holds the lock.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_could_not_ask_for_long_tells_last() {
        let agreed = Instant::now();
        let standing = |before| Standing { before, replicas: 3, agreed };
        assert_eq!(standing(0).turns(agreed + LEASE + LEASE), 0, "a slow machine changes nothing");
        assert_eq!(standing(1).turns(agreed + LONGEST_AWAY), 1);
        assert_eq!(standing(0).turns(agreed + LEASE + LONGEST_AWAY), 3, "the others may have moved up");
    }
}
