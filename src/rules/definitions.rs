//! Named conditions (`define`) where rules use them (`is`).
//!
//! A use holds the definition's own conditions, so that all that is said of a rule without running it is said of its definitions,
//! too. A definition is evaluated at most once for an event: what it came to is kept with the event.

use super::{
    captured::Captured,
    condition::{Need, Truth, held_before},
    definition::{Capture, Condition, Matcher, Predicate, Rule},
    event::Facts,
    script::Script,
    seen::Evaluator,
};
use crate::model::{ConditionTrace, RuleTrace, ScriptTrace};
use std::{cell::OnceCell, collections::BTreeMap, ops::Range, sync::Arc};

/// A named condition.
#[derive(Debug, Clone)]
pub struct Definition {
    /// What uses it alone: nothing but `is: NAME`, with its place, its description and its captures.
    pub(super) rule: Rule,
    /// The files that it is in, by number.
    pub(super) file: usize,
}

impl Definition {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.rule.name
    }

    /// What it is for, in its author's words.
    pub fn description(&self) -> Option<&str> {
        self.rule.description.as_deref()
    }

    /// Where it stands: `FILE:LINE`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.rule.file, self.rule.line)
    }

    /// Whether it holds for an event.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> Result<bool, Need> {
        match super::condition::decide(&self.rule, facts) {
            Truth::Unknown(need) => Err(need),
            truth => Ok(truth == Truth::Yes),
        }
    }

    /// What each of its conditions saw, as a rule would tell it.
    pub(super) fn trace(&self, facts: &Facts<'_>) -> RuleTrace {
        let seen = super::seen::evaluate(&self.rule, facts);
        let mut trace = super::evaluate::blank(&self.rule, self.rule.mode);
        trace.matched = seen.answer == Truth::Yes;
        trace.error = facts.script_error(&self.rule);
        (trace.conditions, trace.note) = (seen.traces, seen.note);
        trace
    }
}

/// A use of a definition within a rule, or within another definition.
#[derive(Debug, Clone)]
pub struct Use {
    /// The definition's number in its set.
    pub(super) number: usize,
    /// Its place among the rule's conditions; those of the definition follow it.
    pub(super) header: usize,
    /// The conditions of the definition among the rule's.
    pub(super) tests: Range<usize>,
    /// What must hold.
    pub(super) condition: Condition,
    /// The place of the script that must also agree.
    pub(super) script: Option<usize>,
    /// What it looks for in the body itself.
    pub(super) captures: Arc<[Capture]>,
}

impl PartialEq for Use {
    fn eq(&self, other: &Self) -> bool {
        (self.number, self.header) == (other.number, other.header)
    }
}

impl Use {
    /// The same where the rule has so many more conditions before it.
    pub(super) fn moved(&self, by: usize) -> Self {
        Self {
            header: self.header + by,
            tests: self.tests.start + by..self.tests.end + by,
            condition: moved(&self.condition, by),
            script: self.script.map(|place| place + by),
            ..self.clone()
        }
    }
}

/// A condition whose tests stand so many places further on.
pub(super) fn moved(condition: &Condition, by: usize) -> Condition {
    let all = |children: &[Condition]| children.iter().map(|child| moved(child, by)).collect();
    match condition {
        Condition::Always => Condition::Always,
        Condition::All(children) => Condition::All(all(children)),
        Condition::Any(children) => Condition::Any(all(children)),
        Condition::Not(inner) => Condition::Not(Box::new(moved(inner, by))),
        Condition::Test(index) => Condition::Test(index + by),
        Condition::Is(used) => Condition::Is(Box::new(used.moved(by))),
    }
}

/// What a definition came to for an event, each part once.
#[derive(Debug, Default)]
pub(super) struct DefinitionFacts {
    truth: OnceCell<Truth>,
    script: OnceCell<ScriptTrace>,
    seen: OnceCell<SeenByDefinition>,
}

/// What its conditions saw.
#[derive(Debug, Clone)]
struct SeenByDefinition {
    traces: Vec<ConditionTrace>,
    captured: Captured,
    note: Option<String>,
}

impl Facts<'_> {
    /// Why a script of one of the rule's definitions failed.
    pub(super) fn script_error(&self, rule: &Rule) -> Option<String> {
        let used = rule.tests.iter().filter_map(|test| match test.check {
            Matcher::Is(number, _) => self.definitions.get(number),
            _ => None,
        });
        used.filter_map(|found| found.script.get()).find_map(|script| script.error.clone())
    }
}

/// Whether a definition holds; `inner` tells whether its conditions do, where that is not known yet.
pub(super) fn decide_use(used: &Use, rule: &Rule, facts: &Facts<'_>, inner: impl FnOnce() -> Truth) -> Truth {
    match facts.definitions.get(used.number) {
        Some(known) => *known.truth.get_or_init(|| with_script(used, rule, facts, inner())),
        None => with_script(used, rule, facts, inner()),
    }
}

fn with_script(used: &Use, rule: &Rule, facts: &Facts<'_>, held: Truth) -> Truth {
    let test = used.script.and_then(|place| rule.tests.get(place));
    let Some((test, script)) = test.and_then(|test| match &test.check {
        Matcher::Script(script) => Some((test, script)),
        _ => None,
    }) else {
        return held;
    };
    if held == Truth::No {
        return held;
    }
    let kept = held_before(test, facts).filter(|_| facts.keeps_rows && !script.lookups.is_empty());
    let said = match (kept, script.unread(facts)) {
        (Some(kept), _) => kept,
        (None, Some(need)) => held_before(test, facts).unwrap_or(Truth::Unknown(need)),
        (None, None) => match captures_of(used, rule, facts, script) {
            Err(need) => Truth::Unknown(need),
            Ok(captures) => {
                let run = || script.run(facts, &captures);
                let ran = facts.definitions.get(used.number).map(|known| known.script.get_or_init(run).result);
                match ran.unwrap_or_else(|| run().result) {
                    Some(held) => held.into(),
                    None => Truth::Failed,
                }
            }
        },
    };
    held.and(said)
}

/// What the definition captures for its own script, where that asks; or what must be read before that is known.
fn captures_of(used: &Use, rule: &Rule, facts: &Facts<'_>, script: &Script) -> Result<BTreeMap<String, String>, Need> {
    if !script.reads_captures() {
        return Ok(BTreeMap::new());
    }
    let mut evaluator = Evaluator::new(rule, facts, &used.captures);
    evaluator.node(&used.condition, false);
    let mut captured = evaluator.captured;
    captured.take_own(&used.captures, facts);
    captured.settled()
}

impl<'e> Evaluator<'e, '_> {
    /// Looks at a definition's conditions, or tells again what they saw.
    pub(super) fn definition(&mut self, used: &'e Use, negated: bool) -> Truth {
        let known = self.facts.definitions.get(used.number);
        let looked;
        let (truth, seen) = match known.and_then(|known| known.seen.get()) {
            Some(seen) => {
                self.tell_again(used, seen);
                (decide_use(used, self.rule, self.facts, || Truth::No), seen)
            }
            None => {
                let (truth, seen) = self.look_at_definition(used);
                looked = seen;
                (truth, known.map_or(&looked, |known| known.seen.get_or_init(|| looked.clone())))
            }
        };
        if !negated {
            self.captured.take_definition(used.header, &seen.captured, truth, self.own);
        }
        self.note = self.note.take().or_else(|| seen.note.clone());
        self.set_held(used.header, truth);
        truth
    }

    fn look_at_definition(&mut self, used: &'e Use) -> (Truth, SeenByDefinition) {
        let captured_before = std::mem::take(&mut self.captured);
        let note_before = self.note.take();
        let own_before = std::mem::replace(&mut self.own, &used.captures);
        let held = self.node(&used.condition, false);
        let truth = decide_use(used, self.rule, self.facts, || held);
        let known = self.facts.definitions.get(used.number);
        if let (Some(place), Some(ran)) = (used.script, known.and_then(|known| known.script.get()))
            && let Some(trace) = self.traces.get_mut(place)
        {
            trace.held = ran.result;
            trace.seen = ran.error.clone().or_else(|| ran.result.map(|said| said.to_string()));
        }
        let mut captured = std::mem::replace(&mut self.captured, captured_before);
        let note = std::mem::replace(&mut self.note, note_before);
        self.own = own_before;
        if matches!(truth, Truth::Yes | Truth::Unknown(_)) {
            captured.take_own(&used.captures, self.facts);
        }
        let traces = self.traces.get(used.tests.clone()).unwrap_or_default().to_vec();
        (truth, SeenByDefinition { traces, captured, note })
    }

    fn tell_again(&mut self, used: &Use, seen: &SeenByDefinition) {
        let own = self.traces.get_mut(used.tests.clone()).unwrap_or_default();
        for (own, seen) in own.iter_mut().zip(&seen.traces) {
            let (path, wanted) = (std::mem::take(&mut own.path), std::mem::take(&mut own.wanted));
            *own = ConditionTrace { path, wanted, ..seen.clone() };
        }
    }
}

/// The conditions of a definition, as they are called in whatever uses it at this path.
pub(super) fn tests_at(definition: &Definition, path: &str) -> Vec<Predicate> {
    let at_path = |test: &Predicate| {
        // Alone it is used at `is`, and its conditions are below `is[NAME]`.
        let rest = test.path.strip_prefix("is").unwrap_or(&test.path);
        Predicate { path: format!("{path}{rest}"), ..test.clone() }
    };
    definition.rule.tests.iter().map(at_path).collect()
}
