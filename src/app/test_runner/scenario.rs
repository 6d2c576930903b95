//! Runs one test: its event, then each step, until one fails.

use super::{
    TestBed,
    thread::{new_message, new_thread},
    unplayable,
};
use crate::{
    app::AppError,
    engine::{Clock, Engine, EngineParts, HandleReport, Workspace, WorkspaceParts},
    model::{Action, ActionKind, ActionState, Mode, ReasonCode, RuleTrace, WorkspaceSettings},
    rules::{
        ActionOutcomes, ActionStatus, Actual, ActualForward, Expectation, HeldReply, RuleSet, StepEvent, StepLocation,
        TestCase, TestResult, evaluation_error,
    },
    store::{ActionFilter, ActionStore as _, DecisionRecord, DecisionStore as _, Lane, SqlStore, Store},
};
use jiff::Timestamp;
use std::{collections::HashSet, sync::Arc};

/// One thread has fewer actions, and things to do at fewer times.
const MAX_ITEMS: u32 = 10_000;

const NOT_OURS: &str = "the test does not belong to these rules";

/// A running test.
pub(super) struct Scenario<'s> {
    stage: &'s TestBed,
    engine: Arc<Engine>,
    store: Arc<SqlStore>,
    thread: String,
    /// What had been carried out when the last step ended.
    done: HashSet<crate::model::ActionId>,
    /// The latest decision.
    latest: Option<DecisionRecord>,
    /// Why each reply that was held as uncertain was held.
    uncertain: Vec<String>,
    /// Which rules could not be evaluated, and why.
    errors: Vec<String>,
}

impl<'s> Scenario<'s> {
    /// A workspace with an empty baseline, then with the test's thread.
    pub(super) async fn start(stage: &'s TestBed, case: &TestCase) -> Result<Self, AppError> {
        let store = Arc::new(SqlStore::in_memory_copy(None).await?);
        let engine = Engine::new(EngineParts {
            store: Arc::clone(&store) as Arc<dyn Store>,
            rules: RuleSet::default(),
            workspaces: vec![WorkspaceParts {
                settings: WorkspaceSettings {
                    mode: Mode::Live,
                    safety: stage.caps.of_workspace(case.workspace()),
                    ..WorkspaceSettings::new(case.workspace())
                },
                client: stage.client.clone(),
                destinations: stage.destinations.get(case.workspace()).cloned().ok_or_else(|| unplayable(NOT_OURS))?,
            }],
            public_url: None,
            clock: Arc::clone(&stage.clock) as Arc<dyn Clock>,
            dry_run: false,
            #[cfg(feature = "test-hooks")]
            test_hooks: None,
        });
        engine.replace_rules(Arc::clone(&stage.rules));
        let mut scene = Self {
            stage,
            engine,
            store,
            thread: String::new(),
            done: HashSet::new(),
            latest: None,
            uncertain: Vec::new(),
            errors: Vec::new(),
        };
        scene.look().await?;
        scene.thread = stage.simulator.workspace().add_thread(new_thread(case));
        Ok(scene)
    }

    /// Plays the event and each step, and ends with the first that does not do what is expected.
    pub(super) async fn play(&mut self, case: &TestCase) -> Result<TestResult, AppError> {
        let handled = self.look().await?;
        let mut observed = self.observe(&handled).await?;
        // What the definitions see of the conversation so far.
        let mut so_far = case.clone();
        if let Some(failed) = self.failed(&case.expect, &mut observed, None, &so_far).await? {
            return Ok(failed);
        }
        for (index, step) in case.steps.iter().enumerate() {
            let at = self.stage.clock.now().saturating_add(step.after).unwrap_or(Timestamp::MAX);
            self.let_pass(at).await?;
            self.happen(&step.event);
            let handled = self.look().await?;
            let mut observed = self.observe(&handled).await?;
            so_far.go_on(&step.event, at);
            let place = StepLocation { number: index + 1, line: step.line, event: step.event.as_str(), at };
            if let Some(failed) = self.failed(&step.expect, &mut observed, Some(place), &so_far).await? {
                return Ok(failed);
            }
        }
        let (uncertain, errors) = (std::mem::take(&mut self.uncertain), std::mem::take(&mut self.errors));
        Ok(TestResult { uncertain, errors, ..TestResult::default() })
    }

    /// The mismatches, with the traces that explain them.
    async fn failed(
        &mut self,
        expect: &Expectation,
        observed: &mut Actual,
        step: Option<StepLocation>,
        so_far: &TestCase,
    ) -> Result<Option<TestResult>, AppError> {
        let all = Arc::clone(&self.stage.rules);
        let rules = all.of_workspace(self.workspace()?.name());
        if expect.is.is_some() {
            observed.is = so_far.holding(rules);
        }
        let failures = expect.compare(observed, rules);
        if failures.is_empty() {
            return Ok(None);
        }
        let told = |action: &Action| format!("{} (rule {})", standing(action), action.rule);
        let actions = self.actions().await?.iter().map(told).collect();
        let (uncertain, errors) = (std::mem::take(&mut self.uncertain), std::mem::take(&mut self.errors));
        let mut traces = self.traces().await?;
        traces.extend(so_far.definition_traces(rules, &failures));
        Ok(Some(TestResult { failures, step, uncertain, errors, rules: traces, actions }))
    }

    /// The latest trace of each rule.
    async fn traces(&mut self) -> Result<Vec<RuleTrace>, AppError> {
        let latest = self.latest.take().into_iter().collect();
        let traced = self.engine.operator().trace_decisions(latest).await.map_err(unplayable)?;
        Ok(traced.into_iter().flat_map(|traced| traced.record.trace.rules).collect())
    }

    fn workspace(&self) -> Result<Arc<Workspace>, AppError> {
        self.engine.workspaces().first().cloned().ok_or_else(|| unplayable("the workspace is gone"))
    }

    /// One round of the service: polls, decides, does what is due.
    async fn look(&self) -> Result<HandleReport, AppError> {
        let workspace = self.workspace()?;
        self.engine.intake().poll(&workspace, true).await.map_err(unplayable)?;
        let handled = self.engine.intake().handle_pending(&workspace).await.map_err(unplayable)?;
        self.do_what_is_due().await?;
        Ok(handled)
    }

    async fn do_what_is_due(&self) -> Result<(), AppError> {
        // A forward that is done may let the thread be marked as read.
        for lane in [Lane::Api, Lane::Destinations, Lane::Api] {
            self.engine.executor().run_due(&*self.workspace()?, lane, &|| false).await.map_err(unplayable)?;
        }
        Ok(())
    }

    /// Moves the clock, and stops whenever something is due.
    async fn let_pass(&self, until: Timestamp) -> Result<(), AppError> {
        for _ in 0..MAX_ITEMS {
            let Some(due) = self.next_due(until).await? else {
                self.stage.clock.set(until);
                return self.do_what_is_due().await;
            };
            self.stage.clock.set(due);
            self.do_what_is_due().await?;
        }
        Err(unplayable(format!("more than {MAX_ITEMS} actions became due in one step")))
    }

    /// The next time before `until` at which something is due. What waits for other actions looks every minute whether
    /// they have ended; it is woken when they have, so that nobody needs to stop for that.
    async fn next_due(&self, until: Timestamp) -> Result<Option<Timestamp>, AppError> {
        let now = self.stage.clock.now();
        let waits_for_others =
            |action: &Action| action.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::OtherActions);
        let actions = self.actions().await?;
        let due = actions.iter().filter(|action| !waits_for_others(action)).filter_map(|action| action.due_at);
        Ok(due.filter(|due| *due > now && *due < until).min())
    }

    fn happen(&self, event: &StepEvent) {
        let workspace = self.stage.simulator.workspace();
        match event {
            StepEvent::TimePasses => {}
            StepEvent::LeadWrites(message) => {
                workspace.lead_writes(&self.thread, new_message(message));
            }
            StepEvent::PersonAnswers(message) => {
                workspace.person_answers(&self.thread, new_message(message));
            }
            StepEvent::Category(category) => {
                workspace.change(&self.thread, |thread| {
                    // A manual category overrides the AI's, so only a person changes it.
                    let chosen = if thread.manual_category.is_some() {
                        &mut thread.manual_category
                    } else {
                        &mut thread.ai_category
                    };
                    chosen.clone_from(category);
                });
            }
        }
    }

    /// Every action, oldest first.
    async fn actions(&self) -> Result<Vec<Action>, AppError> {
        let mut actions = self.store.actions(&ActionFilter { limit: MAX_ITEMS, ..ActionFilter::default() }).await?;
        actions.reverse();
        Ok(actions)
    }

    /// The outcome of the latest step.
    async fn observe(&mut self, handled: &HandleReport) -> Result<Actual, AppError> {
        let decision = match handled.decisions.last() {
            Some(id) => self.store.decision(id).await?,
            None => None,
        };
        let actions = self.actions().await?;
        let is_new = |action: &&Action| action.state == ActionState::Done && !self.done.contains(&action.id);
        let sent: Vec<&Action> = actions.iter().filter(is_new).collect();
        let mut observed = decision.as_ref().map(|decision| decided(decision, &actions)).unwrap_or_default();
        let left = sent.iter().filter(|action| Some(&action.decision_id) != decision.as_ref().map(|found| &found.id));
        for action in left {
            observed.replies.extend(reply_text(action));
            observed.forwards.extend(forward(action));
        }
        let kinds = sent.iter().map(|action| action.kind).collect();
        observed.outcome = Some(ActionOutcomes { sent: kinds, all: all(&actions) });
        let done: Vec<_> = sent.iter().map(|action| action.id.clone()).collect();
        self.done.extend(done);
        if let Some(decision) = decision {
            self.uncertain.extend(observed.uncertain_reasons());
            for error in std::mem::take(&mut observed.errors) {
                // Once, however many steps it fails in.
                if !self.errors.contains(&error) {
                    self.errors.push(error);
                }
            }
            self.latest = Some(decision);
        }
        Ok(observed)
    }
}

/// A decision, and its replies that were sent or are still open.
fn decided(decision: &DecisionRecord, actions: &[Action]) -> Actual {
    let replies =
        || actions.iter().filter(|action| action.decision_id == decision.id && action.kind == ActionKind::Reply);
    let stands = |action: &&Action| {
        !matches!(action.state, ActionState::Suppressed | ActionState::Failed | ActionState::Cancelled)
    };
    Actual {
        matched: decision.matched.clone(),
        actions: decision
            .trace
            .rules
            .iter()
            .flat_map(|rule| &rule.actions)
            .map(|action| (action.kind, action.would))
            .collect(),
        replies: replies().filter(stands).filter_map(reply_text).collect(),
        forwards: actions
            .iter()
            .filter(|action| action.decision_id == decision.id && stands(action))
            .filter_map(forward)
            .collect(),
        no_reply: replies().find_map(|action| action.reason.clone()),
        body: decision.trace.body.clone(),
        uncertain: held_as_uncertain(decision, actions),
        errors: decision.trace.rules.iter().filter_map(evaluation_error).collect(),
        outcome: None,
        is: Vec::new(),
    }
}

/// The replies of a decision that are held as uncertain, by the rules or by the guard.
fn held_as_uncertain(decision: &DecisionRecord, actions: &[Action]) -> Vec<HeldReply> {
    let why = |action: &Action| {
        let reason = action.reason.as_ref().filter(|reason| reason.code == ReasonCode::Uncertain)?;
        (action.state == ActionState::Held && action.kind == ActionKind::Reply).then(|| reason.text.clone())
    };
    let of_decision = || actions.iter().filter(|action| action.decision_id == decision.id);
    let is_all = |rule: &str| {
        let mut of_rule = of_decision().filter(|action| action.rule == rule && action.state != ActionState::Suppressed);
        of_rule.all(|action| why(action).is_some())
    };
    let held = of_decision().filter_map(|action| Some((action, why(action)?)));
    held.map(|(action, why)| HeldReply { rule: action.rule.clone(), why, is_all: is_all(&action.rule) }).collect()
}

fn reply_text(action: &Action) -> Option<String> {
    (action.kind == ActionKind::Reply).then(|| action.payload.preview_text().map(str::to_owned)).flatten()
}

fn forward(action: &Action) -> Option<ActualForward> {
    ActualForward::new(action.kind, action.target.as_deref(), &action.payload)
}

/// How every action stands, oldest first; of one decision, what is left to another rule before the rest, so that the
/// newest of a kind is the one that counts.
fn all(actions: &[Action]) -> Vec<ActionStatus> {
    let mut decisions: Vec<&str> = Vec::new();
    let mut all: Vec<(usize, ActionStatus)> = Vec::with_capacity(actions.len());
    for action in actions {
        let known = decisions.iter().position(|id| *id == action.decision_id);
        let number = known.unwrap_or_else(|| {
            decisions.push(&action.decision_id);
            decisions.len() - 1
        });
        all.push((number, standing(action)));
    }
    all.sort_by_key(|(number, standing)| (*number, !standing.is_duplicate()));
    all.into_iter().map(|(_, standing)| standing).collect()
}

fn standing(action: &Action) -> ActionStatus {
    ActionStatus { kind: action.kind, state: action.state, reason: action.reason.clone(), due_at: action.due_at }
}
