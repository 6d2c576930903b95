//! From a new message to its actions: polling, events, decisions, the executor, recovery.
//!
//! Two flows run side by side for each workspace. *Intake* polls the list, queues changed rows on disk, and turns each
//! into a decision with its actions, in one transaction. *Execution* takes what is due, asks the guard, writes the
//! intent, sends one request, writes the outcome. All work passes from one to the other through the store, so that
//! either can die at any step. In memory they share, for each workspace, what may be lost: a wake-up, messages and
//! stars that save requests and can only hold a reply back, and which threads could not be read ([`Workspace`] has the
//! table).

mod alerts;
mod clock;
mod concurrency;
mod erasure;
mod evaluation;
mod execution;
mod failpoint;
mod intake;
mod leases;
mod metrics;
mod operations;
mod own_rows;
mod read_failures;
mod replace;
mod retention;
mod run;
mod shared;
mod status;
mod supervisor;
#[cfg(feature = "test-hooks")]
mod test_hooks;
mod thread_cache;
mod threads;
mod transitions;
mod workspace;
mod workspace_set;

pub use alerts::Alerts;
pub use clock::{Clock, ManualClock, SystemClock};
pub use evaluation::{Evaluation, EvaluationContext, EvaluationInput, evaluate_thread, fetch_messages};
pub use execution::Executor;
pub use execution::executor::{ExecuteError, RunReport};
pub use intake::Intake;
pub use intake::given::GivenRow;
pub use intake::pending::{HandleReport, IntakeError, Recorded};
pub use intake::policy::DECISION_POLICY;
pub use intake::poll::{PollError, PollReport};
pub use metrics::WorkspaceMetrics;
pub use operations::Operator;
pub use operations::apply::ApplyReport;
pub use operations::approvals::{ApprovalError, Resolution, retry_effect};
pub use operations::explain::{ExplainedAction, ExplainedRule, Explanation};
pub use operations::health::{HealthCheck, check_destination, check_key};
pub use operations::sample::{SampleFields, SampleThread};
pub use operations::timeline::{TimelineEntry, chronological};
pub use operations::traces::TracedDecision;
pub use read_failures::{Reach, ReadFailures};
pub use replace::ReplaceReport;
pub use run::RunOnceReport;
pub use status::{EngineEvent, EngineEventKind, RuleHealth, WorkspacePhase, WorkspaceStatus};
#[cfg(feature = "test-hooks")]
pub use test_hooks::{Failpoint, Mutation, TestHooks};
pub use workspace::{Workspace, WorkspaceParts};
pub use workspace_set::Workspaces;

use crate::{rules::RuleSet, store::Store};
use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::Timestamp;
use leases::Reports;
use shared::Shared;
use status::LiveStatus;
use std::sync::Arc;
use supervisor::Supervisor;
use tokio::sync::{broadcast, watch};
use workspace_set::WorkspaceSet;

/// What the engine is made of.
pub struct EngineParts {
    /// The durable memory.
    pub store: Arc<dyn Store>,
    /// The active rules.
    pub rules: RuleSet,
    /// The workspaces.
    pub workspaces: Vec<WorkspaceParts>,
    /// The address of the pages, for links in forwards; without a slash at its end.
    pub public_url: Option<String>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Nothing leaves but GET requests: what would be sent is recorded as done in a scratch store.
    pub dry_run: bool,
    /// What a test puts in.
    #[cfg(feature = "test-hooks")]
    pub test_hooks: Option<Arc<dyn TestHooks>>,
}

/// The service itself, without its admin server.
///
/// [`Intake`] finds and decides, [`Executor`] carries out, [`Operator`] does what people ask, [`Alerts`] tells people.
pub struct Engine {
    shared: Arc<Shared>,
    intake: Intake,
    executor: Executor,
    operator: Operator,
    supervisor: Arc<Supervisor>,
}

impl Engine {
    /// Puts the parts together; nothing runs yet.
    pub fn new(parts: EngineParts) -> Arc<Self> {
        let EngineParts { store, clock, dry_run, .. } = parts;
        let workspaces = parts.workspaces.into_iter().map(|parts| Arc::new(Workspace::new(parts.prepare(dry_run))));
        let workspaces = Arc::new(WorkspaceSet::new(workspaces.collect()));
        let status = Arc::new(LiveStatus::new(clock.now()));
        let alerts = Alerts::new(
            Arc::clone(&store),
            Arc::clone(&workspaces),
            Arc::clone(&clock),
            Arc::clone(&status),
            parts.public_url,
        );
        let supervisor = Arc::new(Supervisor::new());
        let shared = Arc::new(Shared {
            store,
            active_rules: ArcSwap::from_pointee(parts.rules),
            workspaces,
            supervisor: Arc::clone(&supervisor),
            clock,
            status,
            alerts,
            kept_revision: ArcSwapOption::empty(),
            reports: Reports::default(),
            erasures: watch::Sender::default(),
            dry_run,
            #[cfg(feature = "test-hooks")]
            test_hooks: parts.test_hooks,
        });
        let intake = Intake::new(Arc::clone(&shared));
        let executor = Executor::new(Arc::clone(&shared));
        let operator = Operator::new(Arc::clone(&shared), intake.clone(), executor.clone());
        Arc::new(Self { shared, intake, executor, operator, supervisor })
    }

    /// Polls and decides.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Carries out what was decided.
    pub fn executor(&self) -> &Executor {
        &self.executor
    }

    /// Does what an operator asks.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// Tells people what needs them.
    pub fn alerts(&self) -> &Alerts {
        &self.shared.alerts
    }

    /// The active rules.
    pub fn rules(&self) -> Arc<RuleSet> {
        self.shared.rules()
    }

    /// Makes other rules active. What was decided before is evaluated by them when its time comes.
    pub fn replace_rules(&self, rules: impl Into<Arc<RuleSet>>) {
        let rules = rules.into();
        tracing::info!(revision = rules.revision(), rules = rules.rules().len(), "rules loaded");
        let before = self.shared.active_rules.swap(Arc::clone(&rules));
        let gone = before.rules().iter().filter(|rule| rules.rule(&rule.name).is_none());
        let names = gone.map(|rule| rule.name.as_str()).collect::<Vec<_>>();
        let there = rules.rules().iter().map(|rule| rule.name.as_str());
        self.shared.status.record_rules(self.now(), &names, there);
    }

    /// Records that a reload was rejected, and why; the active rules stay. People are told of the first rejection.
    pub async fn record_rejected_rules(&self, why: &str) {
        tracing::error!(why, "reload rejected, keeping current rules");
        self.shared.status.record_rules_error(Some(why.to_owned()));
        self.shared.alerts.alert_reload_failed(why).await;
    }

    /// Why the rules in the files are not active; `None` if they are.
    pub fn rules_error(&self) -> Option<String> {
        self.shared.status.rules_error()
    }

    /// When the active rules were loaded.
    pub fn rules_loaded_at(&self) -> Timestamp {
        self.shared.status.rules_loaded_at()
    }

    /// How a rule fares in these workspaces since the process started.
    pub fn rule_health<'a>(&self, rule: &str, workspaces: impl IntoIterator<Item = &'a str>) -> RuleHealth {
        self.shared.status.rule_health(rule, workspaces.into_iter())
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.shared.store
    }

    /// The workspaces as they are now, in the order of the configuration.
    pub fn workspaces(&self) -> Workspaces {
        self.shared.workspaces.now()
    }

    /// The workspace of that name.
    pub fn workspace(&self, name: &str) -> Option<Arc<Workspace>> {
        self.shared.workspace(name)
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// Whether only GET requests leave: what would be sent is recorded as done.
    pub fn is_dry_run(&self) -> bool {
        self.shared.dry_run
    }

    /// When the process started.
    pub fn started_at(&self) -> Timestamp {
        self.shared.status.started_at()
    }

    /// What happens from now on. A slow reader misses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<EngineEvent> {
        self.shared.status.subscribe()
    }

    /// Why the service must be restarted to use its configuration as it is now; `None` if it need not.
    pub fn restart_needed(&self) -> Option<String> {
        self.shared.status.restart_needed()
    }

    /// Records that the configuration has changed since the start, or is as it was.
    pub fn record_restart_needed(&self, why: Option<String>) {
        self.shared.status.record_restart_needed(why);
    }
}
