//! Running a test of one event: the same evaluation as in service, offline.

use super::{
    Actual, ActualForward, Mismatch, TestCase, TestResult,
    compare::{evaluation_error, held_as_uncertain},
};
use crate::{
    model::{ActionKind, Conversation, Decision, Mode, Payload, PlannedOutcome, RuleTrace},
    rules::{EventInput, Need, RuleSet, ThreadMessages, evaluate::evaluate_with_modes},
};
use std::collections::HashMap;

impl TestCase {
    /// Evaluates the rules on the last message. Each rule counts as live; nothing is known of earlier actions. Steps, and
    /// what becomes of actions, are not looked at: see [`TestCase::needs_engine`].
    ///
    /// `hold_uncertain` is `safety.hold_uncertain`.
    pub fn run(&self, rules: &RuleSet, hold_uncertain: bool) -> TestResult {
        let rules = rules.of_workspace(self.workspace());
        match self.decide(rules, hold_uncertain) {
            Ok(decision) => {
                let mut actual = Actual::decided(&decision);
                actual.is = self.expect.is.as_ref().map(|_| self.holding(rules)).unwrap_or_default();
                let failures = self.expect.compare(&actual, rules);
                let traces = self.definition_traces(rules, &failures);
                TestResult {
                    failures,
                    uncertain: actual.uncertain_reasons(),
                    errors: actual.errors,
                    rules: decision.rules.into_iter().chain(traces).collect(),
                    ..TestResult::default()
                }
            }
            Err(need) => TestResult {
                failures: vec![Mismatch {
                    what: "rules",
                    wanted: "a decision".to_owned(),
                    got: format!("a rule needs {need:?}, which a test does not have"),
                    concerned: Vec::new(),
                }],
                ..TestResult::default()
            },
        }
    }

    /// What the rules of a workspace say of the last message, each as if it were live.
    ///
    /// # Errors
    /// Never in earnest: a test has all that rules can ask for.
    pub fn decide(&self, rules: &RuleSet, hold_uncertain: bool) -> Result<Decision, Need> {
        self.with_event(hold_uncertain, |input| {
            evaluate_with_modes(rules, input, self.now, &|_| Mode::Live, &mut |_| {})
        })
    }

    /// The definitions of a workspace that hold for the last message.
    pub fn holding(&self, rules: &RuleSet) -> Vec<String> {
        self.with_event(true, |input| {
            let facts = rules.facts_alone(input, self.now);
            let holding = rules.definitions().iter().filter(|one| one.holds(&facts) == Ok(true));
            holding.map(|one| one.name().to_owned()).collect()
        })
    }

    /// Why the definitions that mismatches are about hold or do not.
    pub fn definition_traces(&self, rules: &RuleSet, failures: &[Mismatch]) -> Vec<RuleTrace> {
        let about: Vec<&String> =
            failures.iter().filter(|failure| failure.what == "is").flat_map(|failure| &failure.concerned).collect();
        if about.is_empty() {
            return Vec::new();
        }
        self.with_event(true, |input| {
            let facts = rules.facts_alone(input, self.now);
            let concerned = rules.definitions().iter().filter(|one| about.iter().any(|name| *name == one.name()));
            concerned.map(|one| one.trace(&facts)).collect()
        })
    }

    /// The last message as an event.
    fn with_event<T>(&self, hold_uncertain: bool, look: impl FnOnce(&EventInput<'_>) -> T) -> T {
        let messages = ThreadMessages::new(Conversation::new(self.messages.clone()));
        let overrides = HashMap::new();
        let input = EventInput {
            workspace: self.workspace(),
            ceiling: Mode::Live,
            row: &self.thread.row,
            row_reading: None,
            detail: Some(&self.thread),
            messages: Some(&messages),
            history: Some(&[]),
            overrides: &overrides,
            lead_opted_out: Some(false),
            hold_uncertain,
            thorough: true,
        };
        look(&input)
    }
}

impl Actual {
    /// What a decision says by itself.
    fn decided(decision: &Decision) -> Self {
        let replies = || decision.actions.iter().filter(|action| action.kind == ActionKind::Reply);
        let stands = |would| !matches!(would, PlannedOutcome::Suppressed | PlannedOutcome::Failed);
        let texts = replies().filter(|action| stands(action.would)).filter_map(|action| match &action.payload {
            Payload::Reply { text, html, .. } => text.clone().or_else(|| html.clone()),
            _ => None,
        });
        let forwards = decision.actions.iter().filter(|action| stands(action.would));
        let forwards =
            forwards.filter_map(|action| ActualForward::new(action.kind, action.target.as_deref(), &action.payload));
        Self {
            matched: decision.matched().map(str::to_owned).collect(),
            actions: decision.actions.iter().map(|action| (action.kind, action.would)).collect(),
            replies: texts.collect(),
            forwards: forwards.collect(),
            no_reply: replies().find_map(|action| action.reason.clone()),
            body: decision.body.clone(),
            uncertain: decision.rules.iter().flat_map(held_as_uncertain).collect(),
            errors: decision.rules.iter().filter_map(evaluation_error).collect(),
            outcome: None,
            is: Vec::new(),
        }
    }
}
