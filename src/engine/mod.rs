//! From a new message to its actions: polling, events, decisions, the executor, recovery.
//!
//! Two flows run side by side for each workspace. *Intake* polls the list, puts changed rows in line (on disk), and turns
//! each into a decision with its action records, in one transaction. *Execution* takes what is due, asks the guard, writes
//! the intent, acts, writes the outcome. Nothing passes between them but the store, so that either can die at any step.

mod alerts;
mod clock;
mod evaluation;
mod execution;
mod failpoint;
mod intake;
mod metrics;
mod operations;
mod read_failures;
mod run;
mod status;
mod threads;
mod transitions;
mod workspace;

pub use clock::{Clock, SystemClock};
pub use evaluation::{Evaluation, EvaluationInput, evaluate_thread, fetch_messages};
pub use execution::executor::{ExecuteError, RunReport};
pub use failpoint::{Failpoint, Mutation, TestHooks};
pub use intake::pending::{HandleReport, IntakeError};
pub use intake::poll::{PollError, PollReport};
pub use metrics::WorkspaceMetrics;
pub use operations::apply::ApplyReport;
pub use operations::approvals::{ApprovalError, Resolution};
pub use operations::explain::{ExplainedAction, ExplainedRule, Explanation};
pub use operations::health::{HealthCheck, check_destination, check_key};
pub use operations::sample::{SampleFields, SampleThread};
pub use operations::timeline::{TimelineEntry, chronological};
pub use run::RunOnceReport;
pub use status::{EngineEvent, EngineEventKind, RuleHealth, WorkspacePhase, WorkspaceStatus};
pub use workspace::{Workspace, WorkspaceParts};

use crate::{rules::RuleSet, store::Store};
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::sync::Arc;

/// What the engine is made of.
pub struct EngineParts {
    /// The durable memory.
    pub store: Arc<dyn Store>,
    /// The rules in force.
    pub rules: RuleSet,
    /// The workspaces.
    pub workspaces: Vec<WorkspaceParts>,
    /// The address of the pages, for links in forwards; without a slash at its end.
    pub public_url: Option<String>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Nothing leaves but GET requests: what would be sent is recorded as done in a scratch store.
    pub dry_run: bool,
    /// Where tests look in; release builds do not ask it.
    pub probe: Option<Arc<dyn TestHooks>>,
}

/// The service itself, without its admin server.
pub struct Engine {
    store: Arc<dyn Store>,
    rules: ArcSwap<RuleSet>,
    workspaces: Vec<Workspace>,
    public_url: Option<String>,
    clock: Arc<dyn Clock>,
    dry_run: bool,
    probe: Option<Arc<dyn TestHooks>>,
    pub(crate) board: status::LiveStatus,
    told: alerts::Told,
}

impl Engine {
    /// Puts the parts together; nothing runs yet.
    pub fn new(parts: EngineParts) -> Arc<Self> {
        let workspaces: Vec<_> = parts.workspaces.into_iter().map(Workspace::new).collect();
        Arc::new(Self {
            store: parts.store,
            board: status::LiveStatus::new(parts.clock.now()),
            rules: ArcSwap::from_pointee(parts.rules),
            workspaces,
            public_url: parts.public_url,
            clock: parts.clock,
            dry_run: parts.dry_run,
            probe: parts.probe,
            told: alerts::Told::default(),
        })
    }

    /// The rules in force.
    pub fn rules(&self) -> Arc<RuleSet> {
        self.rules.load_full()
    }

    /// Puts other rules in force. What was decided before is judged by them when its time comes.
    pub fn replace_rules(&self, rules: impl Into<Arc<RuleSet>>) {
        let rules = rules.into();
        tracing::info!(revision = rules.revision(), rules = rules.rules().len(), "rules in force");
        let before = self.rules.swap(Arc::clone(&rules));
        let gone = before.rules().iter().filter(|rule| rules.rule(&rule.name).is_none());
        let names = gone.map(|rule| rule.name.as_str()).collect::<Vec<_>>();
        self.board.record_rules(self.clock.now(), &names, rules.rules().iter().map(|rule| rule.name.as_str()));
    }

    /// Notes that other rules were refused, and why; those in force stay. People are told of the first refusal.
    pub fn record_rejected_rules(&self, why: &str) {
        tracing::error!(why, "the changed rules are refused; the old ones stay in force");
        self.board.record_rules_error(Some(why.to_owned()));
        self.alert_rules_refused(why);
    }

    /// Why the rules as they stand in the files now are not in force; `None` if they are.
    pub fn rules_error(&self) -> Option<String> {
        self.board.rules_error()
    }

    /// Since when the rules in force are.
    pub fn rules_loaded_at(&self) -> Timestamp {
        self.board.rules_loaded_at()
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The workspaces, in the order of the configuration.
    pub fn workspaces(&self) -> &[Workspace] {
        &self.workspaces
    }

    /// The workspace of that name.
    pub fn workspace(&self, name: &str) -> Option<&Workspace> {
        self.workspaces.iter().find(|workspace| workspace.name() == name)
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether nothing leaves but GET requests: what would be sent is recorded as done.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }
}
