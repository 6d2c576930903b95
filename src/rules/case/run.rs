//! Running a test: the same evaluation as in service, offline, and what differs from what was expected.

use super::Case;
use crate::{
    model::{ActionKind, Conversation, Decision, Mode, Payload, RuleTrace, Would},
    rules::{EventInput, ReadMessages, RuleSet, evaluate::evaluate_in},
};
use std::collections::HashMap;

/// How a test ended.
#[derive(Debug, Clone)]
pub struct CaseResult {
    /// What differs; empty when it passed.
    pub failures: Vec<CaseFailure>,
    /// Each rule, in order, with the value that each condition saw.
    pub rules: Vec<RuleTrace>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFailure {
    /// Which expectation: `rules`, `actions`, `reply`, `body`.
    pub what: &'static str,
    /// What the test wants.
    pub wanted: String,
    /// What came of it.
    pub got: String,
    /// The rules that it is about, whose traces tell why.
    pub concerned: Vec<String>,
}

impl Case {
    /// Evaluates the rules on the last message. Each rule counts as live; nothing is known of earlier actions.
    pub fn run(&self, rules: &RuleSet) -> CaseResult {
        let messages = ReadMessages::new(Conversation::new(self.messages.clone()));
        let overrides = HashMap::new();
        let input = EventInput {
            workspace: "test",
            ceiling: Mode::Live,
            row: &self.thread.row,
            detail: Some(&self.thread),
            messages: Some(&messages),
            history: Some(&[]),
            overrides: &overrides,
            lead_opted_out: Some(false),
            thorough: true,
        };
        match evaluate_in(rules, &input, self.now, &|_| Mode::Live) {
            Ok(decision) => CaseResult { failures: self.compare(&decision), rules: decision.rules },
            Err(need) => CaseResult {
                failures: vec![CaseFailure {
                    what: "rules",
                    wanted: "a decision".to_owned(),
                    got: format!("a rule asks for {need:?}, which a test does not have"),
                    concerned: Vec::new(),
                }],
                rules: Vec::new(),
            },
        }
    }

    fn compare(&self, decision: &Decision) -> Vec<CaseFailure> {
        let expect = &self.expect;
        let mut failures = Vec::new();
        let matched: Vec<String> = decision.matched().map(str::to_owned).collect();
        if let Some(wanted) = expect.rules.as_ref().filter(|wanted| **wanted != matched) {
            let differ = |name: &&String| wanted.contains(name) != matched.contains(name);
            let concerned = wanted.iter().chain(&matched).filter(differ).cloned().collect();
            failures.push(CaseFailure { what: "rules", wanted: list(wanted), got: list(&matched), concerned });
        }
        let mut done: Vec<String> = decision
            .actions
            .iter()
            .filter(|action| action.would != Would::Suppressed)
            .map(|action| match action.would {
                Would::Failed => format!("{} (fails)", action.kind),
                _ => action.kind.to_string(),
            })
            .collect();
        if let Some(wanted) = &expect.actions {
            let got = list(&done);
            let mut sorted = wanted.clone();
            sorted.sort();
            done.sort();
            if sorted != done {
                failures.push(CaseFailure { what: "actions", wanted: list(wanted), got, concerned: matched.clone() });
            }
        }
        let reply = decision.actions.iter().find(|action| {
            action.kind == ActionKind::Reply && action.would != Would::Suppressed && action.would != Would::Failed
        });
        let text = reply.and_then(|action| match &action.payload {
            Payload::Reply { text, html, .. } => text.as_deref().or(html.as_deref()),
            _ => None,
        });
        let why = || {
            let first = decision.actions.iter().find(|action| action.kind == ActionKind::Reply);
            let reason = first.and_then(|action| action.reason.as_ref());
            reason.map_or_else(|| "no reply".to_owned(), |reason| format!("no reply ({reason})"))
        };
        for wanted in &expect.reply {
            if !text.is_some_and(|text| folded(text).contains(&folded(wanted))) {
                let got = text.map_or_else(why, str::to_owned);
                failures.push(CaseFailure { what: "reply", wanted: wanted.clone(), got, concerned: matched.clone() });
            }
        }
        if let Some(text) = text.filter(|_| expect.no_reply) {
            let (wanted, got) = ("no reply".to_owned(), text.to_owned());
            failures.push(CaseFailure { what: "reply", wanted, got, concerned: matched.clone() });
        }
        let body = decision.body.as_deref().unwrap_or_default();
        if let Some(wanted) = expect.body.as_ref().filter(|wanted| folded(wanted) != folded(body)) {
            let (wanted, got) = (wanted.clone(), body.to_owned());
            failures.push(CaseFailure { what: "body", wanted, got, concerned: Vec::new() });
        }
        failures
    }
}

fn list(names: &[String]) -> String {
    format!("[{}]", names.join(", "))
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
