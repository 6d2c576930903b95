//! Running a test of one event: the same evaluation as in service, offline.

use super::{Actual, Mismatch, TestCase, TestResult, compare::held_as_uncertain};
use crate::{
    model::{ActionKind, Conversation, Decision, Mode, Payload, PlannedOutcome},
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
                let actual = Actual::decided(&decision);
                let failures = self.expect.compare(&actual, rules);
                TestResult {
                    failures,
                    uncertain: actual.uncertain_reasons(),
                    rules: decision.rules,
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
        let messages = ThreadMessages::new(Conversation::new(self.messages.clone()));
        let overrides = HashMap::new();
        let input = EventInput {
            workspace: self.workspace(),
            ceiling: Mode::Live,
            row: &self.thread.row,
            detail: Some(&self.thread),
            messages: Some(&messages),
            history: Some(&[]),
            overrides: &overrides,
            lead_opted_out: Some(false),
            hold_uncertain,
            thorough: true,
        };
        evaluate_with_modes(rules, &input, self.now, &|_| Mode::Live, &mut |_| {})
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
        Self {
            matched: decision.matched().map(str::to_owned).collect(),
            actions: decision.actions.iter().map(|action| (action.kind, action.would)).collect(),
            replies: texts.collect(),
            no_reply: replies().find_map(|action| action.reason.clone()),
            body: decision.body.clone(),
            uncertain: decision.rules.iter().flat_map(held_as_uncertain).collect(),
            outcome: None,
        }
    }
}
