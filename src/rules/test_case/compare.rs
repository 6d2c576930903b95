//! What a test wanted beside what came of it.

use super::{ActualForward, Expectation, ExpectedState, forwards};
use crate::{
    model::{ActionKind, ActionState, ActionTrace, PlannedOutcome, Reason, ReasonCode, RuleTrace},
    rules::RuleSet,
};
use jiff::Timestamp;
use std::fmt;

/// How a test ended.
#[derive(Debug, Clone, Default)]
pub struct TestResult {
    /// What differs; empty when it passed. Of a test with steps, what differs in the first one that fails.
    pub failures: Vec<Mismatch>,
    /// The step that fails; `None` for the event itself.
    pub step: Option<StepLocation>,
    /// Why each reply that is held as uncertain is held.
    pub uncertain: Vec<String>,
    /// Which rules could not be evaluated and so did not match, and why: such as a script that never ends.
    pub errors: Vec<String>,
    /// Where the test failed: each rule, in order, with the value that each condition saw.
    pub rules: Vec<RuleTrace>,
    /// How every action of a played test stood when it ended, in words, oldest first.
    pub actions: Vec<String>,
}

/// Which step of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepLocation {
    /// Its number, from 1.
    pub number: usize,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// The key that says what happens in it.
    pub event: &'static str,
    /// When it was.
    pub at: Timestamp,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Which expectation: `rules`, `is`, `actions`, `reply`, `forwards`, `body`, `sent`, `waiting`, `held`, `states`.
    pub what: &'static str,
    /// What the test wants.
    pub wanted: String,
    /// What came of it.
    pub got: String,
    /// The rules that it is about, whose traces tell why.
    pub concerned: Vec<String>,
}

/// What came of an event or a step.
#[derive(Debug, Clone, Default)]
pub struct Actual {
    /// The rules that matched, in order.
    pub matched: Vec<String>,
    /// The definitions that hold, where the test asks.
    pub is: Vec<String>,
    /// What was decided, in order.
    pub actions: Vec<(ActionKind, PlannedOutcome)>,
    /// The texts of the replies that left, or that were decided and may still leave.
    pub replies: Vec<String>,
    /// Why there is none, where a reply was decided.
    pub no_reply: Option<Reason>,
    /// The forwards that left, or that were decided and may still leave.
    pub forwards: Vec<ActualForward>,
    /// What `body` was matched on.
    pub body: Option<String>,
    /// The replies among them that are held because the message may be automatic mail.
    pub uncertain: Vec<HeldReply>,
    /// Which rules could not be evaluated, and why.
    pub errors: Vec<String>,
    /// What became of actions, where the test was played.
    pub outcome: Option<ActionOutcomes>,
}

/// A reply that is held as uncertain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldReply {
    /// Its rule.
    pub rule: String,
    /// Why it is held.
    pub why: String,
    /// Whether the rule does nothing else.
    pub is_all: bool,
}

/// The replies of a rule that are held as uncertain.
pub(super) fn held_as_uncertain(rule: &RuleTrace) -> Vec<HeldReply> {
    let reason = |action: &ActionTrace| {
        let reason = action.reason.as_ref().filter(|reason| reason.code == ReasonCode::Uncertain)?;
        (action.would == PlannedOutcome::Held).then(|| reason.text.clone())
    };
    let mut planned = rule.actions.iter().filter(|action| action.would != PlannedOutcome::Suppressed);
    let is_all = planned.all(|action| reason(action).is_some());
    let held = rule.actions.iter().filter_map(reason);
    held.map(|why| HeldReply { rule: rule.name.clone(), why, is_all }).collect()
}

/// What says that a rule could not be evaluated.
pub fn evaluation_error(rule: &RuleTrace) -> Option<String> {
    let error = rule.error.as_ref().or(rule.script.as_ref().and_then(|script| script.error.as_ref()))?;
    Some(format!("rule `{}` ({}:{}): {error}", rule.name, rule.file, rule.line))
}

impl Actual {
    /// Why each reply that is held as uncertain is held.
    pub fn uncertain_reasons(&self) -> Vec<String> {
        self.uncertain.iter().map(|held| held.why.clone()).collect()
    }
}

/// What became of actions.
#[derive(Debug, Clone, Default)]
pub struct ActionOutcomes {
    /// What was carried out since the step before.
    pub sent: Vec<ActionKind>,
    /// Every action so far, oldest first; of one decision, what is left to another rule stands before the rest.
    pub all: Vec<ActionStatus>,
}

/// How an action stands.
#[derive(Debug, Clone)]
pub struct ActionStatus {
    /// What it does.
    pub kind: ActionKind,
    /// Its state.
    pub state: ActionState,
    /// Why.
    pub reason: Option<Reason>,
    /// When it is looked at next.
    pub due_at: Option<Timestamp>,
}

impl fmt::Display for ActionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.state)?;
        if let Some(reason) = &self.reason {
            write!(f, " {reason}")?;
        }
        // What is held has a date as well, the one on which it is given up.
        match (self.due_at, self.state) {
            (Some(due), ActionState::Held) => write!(f, ", expires {due}"),
            (Some(due), _) => write!(f, ", due at {due}"),
            (None, _) => Ok(()),
        }
    }
}

impl fmt::Display for ExpectedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.state)?;
        self.reason.map_or(Ok(()), |reason| write!(f, " {reason}"))
    }
}

/// What still waits, for its time or for another action or for another try.
fn waits(state: ActionState) -> bool {
    matches!(state, ActionState::Planned | ActionState::Waiting | ActionState::Retrying)
}

impl Expectation {
    /// Everything in which what came differs from what is expected.
    pub fn compare(&self, observed: &Actual, rules: &RuleSet) -> Vec<Mismatch> {
        let mut failures = self.compare_decision(observed);
        if let Some(outcome) = &observed.outcome {
            failures.extend(self.compare_outcome(outcome, rules));
        }
        failures
    }

    fn compare_decision(&self, observed: &Actual) -> Vec<Mismatch> {
        let mut failures = Vec::new();
        let matched = &observed.matched;
        // What is held as uncertain is neither sent nor refused: a test may want either.
        let may_be_unwanted = |name: &String| observed.uncertain.iter().any(|held| held.is_all && held.rule == *name);
        let is_met = |wanted: &Vec<String>| {
            let counted = matched.iter().filter(|name| wanted.contains(name) || !may_be_unwanted(name));
            counted.eq(wanted)
        };
        if let Some(wanted) = self.rules.as_ref().filter(|wanted| !is_met(wanted)) {
            let differ = |name: &&String| wanted.contains(name) != matched.contains(name);
            let concerned = wanted.iter().chain(matched).filter(differ).cloned().collect();
            failures.push(Mismatch { what: "rules", wanted: list(wanted), got: list(matched), concerned });
        }
        if let Some(wanted) = self.is.as_ref().filter(|wanted| sorted(wanted) != sorted(&observed.is)) {
            let holding = &observed.is;
            let differ = |name: &&String| wanted.contains(name) != holding.contains(name);
            let concerned = wanted.iter().chain(holding).filter(differ).cloned().collect();
            failures.push(Mismatch { what: "is", wanted: list(wanted), got: list(holding), concerned });
        }
        let about_matched = |what, wanted, got| Mismatch { what, wanted, got, concerned: matched.clone() };
        if let Some(wanted) = &self.actions {
            let decided = observed.actions.iter().filter(|(_, would)| *would != PlannedOutcome::Suppressed);
            let got: Vec<String> = decided
                .map(|(kind, would)| match would {
                    PlannedOutcome::Failed => format!("{kind} (fails)"),
                    _ => kind.to_string(),
                })
                .collect();
            let mut without_held = got.clone();
            for _ in &observed.uncertain {
                let place = without_held.iter().position(|kind| kind == ActionKind::Reply.as_str());
                place.map(|place| without_held.remove(place));
            }
            if ![got.as_slice(), &without_held].iter().any(|got| sorted(wanted) == sorted(got)) {
                failures.push(about_matched("actions", list(wanted), list(&got)));
            }
        }
        let why = || match &observed.no_reply {
            Some(reason) => format!("no reply ({reason})"),
            None => "no reply".to_owned(),
        };
        for wanted in &self.reply {
            if !observed.replies.iter().any(|text| folded(text).contains(&folded(wanted))) {
                let got = if observed.replies.is_empty() { why() } else { observed.replies.join("\n") };
                failures.push(about_matched("reply", wanted.clone(), got));
            }
        }
        if self.no_reply && observed.replies.len() > observed.uncertain.len() {
            failures.push(about_matched("reply", "no reply".to_owned(), observed.replies.join("\n")));
        }
        if let Some(wanted) = &self.forwards {
            failures.extend(forwards::compare(wanted, &observed.forwards, matched));
        }
        let body = observed.body.as_deref().unwrap_or_default();
        if let Some(wanted) = self.body.as_ref().filter(|wanted| folded(wanted) != folded(body)) {
            let (wanted, got) = (wanted.clone(), body.to_owned());
            failures.push(Mismatch { what: "body", wanted, got, concerned: Vec::new() });
        }
        failures
    }

    fn compare_outcome(&self, outcome: &ActionOutcomes, rules: &RuleSet) -> Vec<Mismatch> {
        let in_state = |holds: fn(ActionState) -> bool| -> Vec<ActionKind> {
            outcome.all.iter().filter(|action| holds(action.state)).map(|action| action.kind).collect()
        };
        let held = |state| state == ActionState::Held;
        let about = |kinds: &[ActionKind]| -> Vec<String> {
            let does = |rule: &&crate::rules::Rule| rule.actions.iter().any(|action| kinds.contains(&action.kind));
            rules.rules().iter().filter(does).map(|rule| rule.name.clone()).collect()
        };
        let mut failures = Vec::new();
        let lists = [
            ("sent", &self.sent, outcome.sent.clone()),
            ("waiting", &self.waiting, in_state(waits)),
            ("held", &self.held, in_state(held)),
        ];
        for (what, wanted, got) in lists {
            let Some(wanted) = wanted.as_ref().filter(|wanted| sorted(wanted) != sorted(&got)) else { continue };
            let count = |list: &[ActionKind], kind| list.iter().filter(|found| **found == kind).count();
            let differ: Vec<_> =
                ActionKind::ALL.into_iter().filter(|kind| count(wanted, *kind) != count(&got, *kind)).collect();
            failures.push(Mismatch { what, wanted: list(wanted), got: list(&got), concerned: about(&differ) });
        }
        for wanted in &self.states {
            let newest = outcome.all.iter().rfind(|action| action.kind == wanted.kind);
            let code = |action: &ActionStatus| action.reason.as_ref().map(|reason| reason.code);
            let fits = |action: &ActionStatus| {
                action.state == wanted.state && wanted.reason.is_none_or(|reason| code(action) == Some(reason))
            };
            if newest.is_some_and(fits) {
                continue;
            }
            let got = newest.map_or_else(|| format!("no {} was decided", wanted.kind), ToString::to_string);
            let concerned = about(&[wanted.kind]);
            failures.push(Mismatch { what: "states", wanted: wanted.to_string(), got, concerned });
        }
        failures
    }
}

impl ActionStatus {
    /// Whether it is only recorded because another rule does the same for the message already.
    pub fn is_duplicate(&self) -> bool {
        let code = self.reason.as_ref().map(|reason| reason.code);
        self.state == ActionState::Suppressed
            && matches!(code, Some(ReasonCode::AlreadyAnswered | ReasonCode::SameTarget))
    }
}

fn sorted<T: Ord + Clone>(items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort();
    items
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    format!("[{}]", items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

pub(super) fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
