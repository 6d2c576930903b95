//! Runs the tests beside the rules. The engine itself runs a test with steps, against a simulated workspace on the loopback
//! address with a manual clock and a store in memory: nothing waits in real time, and nothing is sent.

mod scenario;
mod thread;

use super::AppError;
use crate::diagnostics::{Diagnostic, Diagnostics, code};
use crate::{
    coldsend::{Client, ClientSettings},
    destinations::{DestinationSettings, Destinations, NetworkSettings, SimulatedReceivers, SmtpSettings},
    engine::{Clock, ManualClock},
    model::{ActionKind, Safety, StartFrom},
    rules::{RuleSet, TestCase, TestResult},
    settings::Settings,
    simulator::{self, Simulator},
};
use jiff::Timestamp;
use scenario::Scenario;
use std::{collections::BTreeMap, sync::Arc};
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

/// More requests than any test makes: the budget must not slow it.
const NO_LIMIT: u32 = 1_000_000;
/// In the tests, nothing else is named so.
const ADDRESS: &str = "Reply Router <router@tests.example>";

/// The rules, if the tests beside them pass.
///
/// # Errors
/// Every failing test with its location; or that a test could not run.
pub(super) async fn require_passing(rules: RuleSet, caps: &Caps) -> Result<RuleSet, AppError> {
    let mut failing = Diagnostics::new();
    for (case, result) in failing_tests(&rules, caps).await? {
        let step = result.step.map(|step| format!(" in step {}", step.number)).unwrap_or_default();
        for failure in &result.failures {
            let message = format!(
                "the test “{}” fails{step}: {}: expected {}, actual {}",
                case.name, failure.what, failure.wanted, failure.got
            );
            let mut found = Diagnostic::file(code::TEST_FAILS, case.file.clone(), message);
            found.line = result.step.map_or(case.line, |step| step.line);
            found.end_line = found.line;
            failing.push(found.hint("`reply-router test` shows what each rule saw"));
        }
    }
    if failing.is_empty() { Ok(rules) } else { Err(AppError::Invalid(failing)) }
}

/// The tests beside the rules that fail, with what differs.
///
/// # Errors
/// A test could not run.
pub async fn failing_tests<'r>(rules: &'r RuleSet, caps: &Caps) -> Result<Vec<(&'r TestCase, TestResult)>, AppError> {
    let mut tests = TestRunner::new(rules, caps);
    let mut failing = Vec::new();
    for case in rules.tests() {
        let result = tests.run(case).await?;
        if !result.failures.is_empty() {
            failing.push((case, result));
        }
    }
    tests.shutdown().await;
    Ok(failing)
}

/// Runs the tests of one set of rules, one after the other. What tests with steps need is built for the first of them.
pub struct TestRunner<'r> {
    rules: &'r RuleSet,
    caps: &'r Caps,
    stage: Option<TestBed>,
}

/// The caps for tests with steps, of each workspace.
#[derive(Debug, Clone, Default)]
pub struct Caps {
    everywhere: Safety,
    own: BTreeMap<String, Safety>,
}

impl From<&Settings> for Caps {
    fn from(settings: &Settings) -> Self {
        let own = settings.workspaces.iter();
        let own = own.map(|workspace| (workspace.name().to_owned(), workspace.settings.safety.clone()));
        Self { everywhere: settings.safety.clone(), own: own.collect() }
    }
}

impl Caps {
    /// As engine settings. A test sets its own start and sends no alerts.
    fn of_workspace(&self, name: &str) -> Safety {
        let safety = self.own.get(name).unwrap_or(&self.everywhere);
        // A test may contain mail of any age: all of it is new.
        Safety { start_from: StartFrom::Since(jiff::Timestamp::MIN), alert: None, ..safety.clone() }
    }
}

impl<'r> TestRunner<'r> {
    /// Builds nothing yet. `caps` hold in tests with steps as they do in service.
    pub fn new(rules: &'r RuleSet, caps: &'r Caps) -> Self {
        Self { rules, caps, stage: None }
    }

    /// Runs one test: by one evaluation, or step by step.
    ///
    /// # Errors
    /// The test could not run. A failing test is no error.
    pub async fn run(&mut self, case: &TestCase) -> Result<TestResult, AppError> {
        if !case.needs_engine() {
            let safety = self.caps.of_workspace(case.workspace());
            return Ok(case.run(self.rules, safety.hold_uncertain));
        }
        if self.stage.is_none() {
            self.stage = Some(TestBed::new(self.rules, self.caps).await?);
        }
        let Some(stage) = &self.stage else { return Ok(TestResult::default()) };
        // Log lines of a test are not those of the service.
        stage.play(case).with_subscriber(NoSubscriber::new()).await
    }

    /// Ends the simulated workspace.
    pub async fn shutdown(self) {
        if let Some(TestBed { simulator, .. }) = self.stage {
            simulator.shutdown().await;
        }
    }
}

/// What all tests of a set of rules are played on. Each has an engine and a store of its own; they share the simulated
/// workspace, emptied after each, because building the clients costs more than playing.
struct TestBed {
    rules: Arc<RuleSet>,
    clock: Arc<ManualClock>,
    simulator: Simulator,
    client: Client,
    /// Of each workspace that a test happens in.
    destinations: BTreeMap<String, Destinations>,
    caps: Caps,
}

impl TestBed {
    async fn new(rules: &RuleSet, caps: &Caps) -> Result<Self, AppError> {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let time = Arc::clone(&clock);
        let options = simulator::Options {
            inbox: simulator::Inbox::Empty,
            rate_limits: None,
            clock: Arc::new(move || time.now()),
            ..simulator::Options::default()
        };
        let simulator = Simulator::start(options).await?;
        let client = Client::new(ClientSettings {
            workspace: "test".to_owned(),
            base_url: simulator.base_url().parse().map_err(unplayable)?,
            api_key: simulator::DEFAULT_KEY.to_owned().into(),
            per_minute: NO_LIMIT,
            per_hour: NO_LIMIT,
        })?;
        let mut all = BTreeMap::new();
        for name in rules.tests().iter().map(TestCase::workspace) {
            if !all.contains_key(name) {
                all.insert(name.to_owned(), destinations(rules.of_workspace(name), &simulator)?);
            }
        }
        let (rules, caps) = (Arc::new(rules.for_tests()), caps.clone());
        Ok(Self { rules, clock, simulator, client, destinations: all, caps })
    }

    async fn play(&self, case: &TestCase) -> Result<TestResult, AppError> {
        self.clock.set(case.now);
        let result = match Scenario::start(self, case).await {
            Ok(mut scene) => scene.play(case).await,
            Err(error) => Err(error),
        };
        let workspace = self.simulator.workspace();
        for thread in workspace.threads() {
            workspace.remove_thread(&thread.id);
        }
        workspace.clear_requests();
        result
    }
}

/// One for every name that the rules of a workspace use, whatever the configuration says of it: all of them the simulator's.
fn destinations(rules: &RuleSet, simulator: &Simulator) -> Result<Destinations, AppError> {
    let receivers = SimulatedReceivers {
        slack_url: simulator.slack_url(),
        slack_api: (simulator.slack_api_url(), simulator::SLACK_TOKEN.to_owned()),
        webhook_url: simulator.webhook_url(),
        mailbox: ADDRESS.to_owned(),
    };
    let actions = rules.rules().iter().flat_map(|rule| &rule.actions);
    let named = actions.filter_map(|action| {
        let ActionKind::Forward(kind) = action.kind else { return None };
        Some((action.target.clone()?, DestinationSettings::for_tests(kind, &receivers)))
    });
    let smtp = SmtpSettings { url: simulator.smtp_url().into(), from: ADDRESS.to_owned(), ca_file: None };
    let named: BTreeMap<_, _> = named.collect();
    Ok(Destinations::new(named, Some(smtp), NetworkSettings { allow_private: true })?)
}

/// Something that has nothing to do with the rules stopped a test.
fn unplayable(error: impl std::fmt::Display) -> AppError {
    AppError::TestsAborted(error.to_string())
}
