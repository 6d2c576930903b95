//! The live status of the engine, for the pages, the API and the terminal.

use super::Evaluation;
use crate::model::Action;
use crate::store::{DecisionRecord, EventKind};
use jiff::Timestamp;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::broadcast;

/// Whether a workspace is being polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WorkspacePhase {
    /// The last poll ended well, or there was none yet.
    #[default]
    Polling,
    /// The last poll failed.
    Failing,
}

/// The status of a workspace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkspaceStatus {
    /// Whether the last poll ended well.
    pub phase: WorkspacePhase,
    /// When the last poll ended.
    pub last_poll: Option<Timestamp>,
    /// When the next one begins.
    pub next_poll: Option<Timestamp>,
    /// Why the last poll failed, or why threads cannot be read.
    pub error: Option<String>,
    /// Since when it fails; `None` if it does not.
    pub failing_since: Option<Timestamp>,
}

/// The health of a rule since this process started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleHealth {
    /// The last error of its script or template, and when.
    pub last_error: Option<(String, Timestamp)>,
    /// How often it was evaluated; events that are ruled out for many rules at once do not count.
    pub evaluations: u64,
    /// How long that took together.
    pub evaluation_time: Duration,
    /// How often it ended in an error of its own.
    pub errors: u64,
}

/// What happened, for those who watch.
#[derive(Debug, Clone)]
pub struct EngineEvent {
    /// When.
    pub at: Timestamp,
    /// The workspace.
    pub workspace: String,
    /// What.
    pub what: EngineEventKind,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum EngineEventKind {
    /// Rules ran on an event.
    Decided {
        /// What they said.
        decision: Arc<DecisionRecord>,
        /// What made them run.
        event: EventKind,
        /// The lead's name or address, for display.
        lead: String,
    },
    /// An action changed its state.
    Action(Arc<Action>),
    /// A poll failed.
    PollFailed(String),
    /// An alert was sent; its title.
    Alert(String),
    /// Another process has written something.
    Written,
}

/// What the pages show beside the store.
#[derive(Debug)]
pub(super) struct LiveStatus {
    started_at: Timestamp,
    rules_loaded_at: Mutex<Timestamp>,
    rules_error: Mutex<Option<String>>,
    restart_needed: Mutex<Option<String>>,
    /// Since when rules that were active are gone.
    gone_since: Mutex<HashMap<String, Timestamp>>,
    events: broadcast::Sender<EngineEvent>,
    /// By workspace, then by rule.
    rules: Mutex<HashMap<String, HashMap<String, RuleHealth>>>,
}

impl LiveStatus {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            started_at: now,
            rules_loaded_at: Mutex::new(now),
            rules_error: Mutex::default(),
            restart_needed: Mutex::default(),
            gone_since: Mutex::default(),
            events: broadcast::channel(256).0,
            rules: Mutex::default(),
        }
    }

    /// When the process started.
    pub(super) fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// Records that other rules are active, and which are gone.
    pub(super) fn record_rules<'a>(&self, now: Timestamp, gone: &[&str], there: impl Iterator<Item = &'a str>) {
        let mut since = self.gone_since.lock().unwrap_or_else(PoisonError::into_inner);
        for name in there {
            since.remove(name);
        }
        for name in gone {
            since.entry((*name).to_owned()).or_insert(now);
        }
        drop(since);
        *self.rules_loaded_at.lock().unwrap_or_else(PoisonError::into_inner) = now;
        self.record_rules_error(None);
    }

    pub(super) fn record_rules_error(&self, error: Option<String>) {
        *self.rules_error.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }

    /// Since when a rule is gone; since the start for one that this process never had.
    pub(super) fn rule_gone_since(&self, rule: &str) -> Timestamp {
        let since = self.gone_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get(rule).copied().unwrap_or(self.started_at)
    }

    pub(super) fn rules_error(&self) -> Option<String> {
        self.rules_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn rules_loaded_at(&self) -> Timestamp {
        *self.rules_loaded_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens from now on. A slow reader misses the oldest.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<EngineEvent> {
        self.events.subscribe()
    }

    /// Why the service must be restarted to use its configuration as it is now; `None` if it need not.
    pub(super) fn restart_needed(&self) -> Option<String> {
        self.restart_needed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records that the configuration has changed since the start, or is as it was.
    pub(super) fn record_restart_needed(&self, why: Option<String>) {
        let mut known = self.restart_needed.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == why {
            return;
        }
        match &why {
            Some(why) => tracing::warn!("restart needed: {why}"),
            None => tracing::info!("no restart needed any more: the configuration is as it was at the start"),
        }
        *known = why;
    }

    /// Tells that another process has written.
    pub(super) fn publish_written(&self, at: Timestamp, workspace: &str) {
        self.publish(at, workspace, || EngineEventKind::Written);
    }

    /// Tells those who watch. What is told is made only if somebody does.
    pub(super) fn publish(&self, at: Timestamp, workspace: &str, what: impl FnOnce() -> EngineEventKind) {
        if self.events.receiver_count() > 0 {
            // The last one who listened may have gone meanwhile, which is no error.
            let _ = self.events.send(EngineEvent { at, workspace: workspace.to_owned(), what: what() });
        }
    }

    pub(super) fn record_evaluation(&self, evaluation: &Evaluation, now: Timestamp) {
        let workspace = evaluation.context.workspace.as_str();
        let mut known = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains_key(workspace) {
            known.insert(workspace.to_owned(), HashMap::new());
        }
        let Some(rules) = known.get_mut(workspace) else { return };
        let mut of_rule = |rule: &str, change: &dyn Fn(&mut RuleHealth)| match rules.get_mut(rule) {
            Some(health) => change(health),
            None => change(rules.entry(rule.to_owned()).or_default()),
        };
        for (rule, took) in &evaluation.took {
            of_rule(rule, &|health| {
                health.evaluations += 1;
                health.evaluation_time += *took;
            });
        }
        for (rule, error) in evaluation.decision.rules.iter().filter_map(|rule| Some((rule, rule.error.as_ref()?))) {
            of_rule(&rule.name, &|health| {
                health.errors += 1;
                health.last_error = Some((error.clone(), now));
            });
        }
    }

    /// How the rule fares in these workspaces since the process started.
    pub(super) fn rule_health<'a>(&self, rule: &str, workspaces: impl Iterator<Item = &'a str>) -> RuleHealth {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sum = RuleHealth::default();
        for health in workspaces.filter_map(|name| rules.get(name)?.get(rule)) {
            sum.evaluations += health.evaluations;
            sum.evaluation_time += health.evaluation_time;
            sum.errors += health.errors;
            let is_newer = |(_, at): &&(String, Timestamp)| sum.last_error.as_ref().is_none_or(|(_, known)| at > known);
            if let Some(newer) = health.last_error.as_ref().filter(is_newer) {
                sum.last_error = Some(newer.clone());
            }
        }
        sum
    }
}

impl RuleHealth {
    /// How long the rule is evaluated on average; `None` before it was.
    pub fn mean_evaluation(&self) -> Option<Duration> {
        let count = u32::try_from(self.evaluations).ok().filter(|count| *count > 0)?;
        Some(self.evaluation_time / count)
    }
}
