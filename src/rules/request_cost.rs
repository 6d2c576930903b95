//! What a set of rules costs in requests, told from the rules alone.

use super::{RuleSet, definition::Rule, field::Cost};
use crate::model::{ActionKind, Mode};
use serde::Serialize;

/// How many requests the rules cost for 100 threads, the list itself included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RequestCost {
    /// If no condition asks for more than the list row.
    pub at_least: u32,
    /// If every condition that may ask does.
    pub at_most: u32,
}

/// Whether a rule asks for something that costs a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Frequency {
    /// For no message.
    Never,
    /// Where the conditions before it hold.
    Sometimes,
    /// For every message that comes to it.
    Always,
}

/// What one rule costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleCost {
    /// The rule.
    pub name: String,
    /// Whether it reads the thread; one request, shared by all rules of an event.
    pub thread: Frequency,
    /// Whether it reads the messages; one request, shared by all rules of an event.
    pub messages: Frequency,
    /// The requests that its actions take at most, where it matches and acts.
    pub acting: u32,
}

impl RuleSet {
    /// What the rules cost in requests to decide 100 threads.
    pub fn request_cost(&self) -> RequestCost {
        Self::plan_of(&self.rules.iter().collect::<Vec<_>>())
    }

    /// The same in a workspace: without the rules that can match nothing there.
    pub fn request_plan_in(&self, workspace: &str) -> RequestCost {
        Self::plan_of(&self.rules.iter().filter(|rule| rule.may_match_in(workspace)).collect::<Vec<_>>())
    }

    /// Whether any rule may ask for the thread's own page.
    pub fn may_read_threads(&self) -> bool {
        self.rules.iter().any(|rule| rule.mode > Mode::Off && rule.may_need(Cost::Thread))
    }

    fn plan_of(rules: &[&Rule]) -> RequestCost {
        let active = || rules.iter().filter(|rule| rule.mode > Mode::Off);
        let may = |cost| active().any(|rule| rule.may_need(cost));
        let always = |cost| active().next().is_some_and(|rule| rule.asks(cost) == Frequency::Always);
        let each = |asked: bool| if asked { 100 } else { 0 };
        RequestCost {
            at_least: 1 + each(always(Cost::Thread)) + each(always(Cost::Messages)),
            at_most: 1 + each(may(Cost::Thread)) + each(may(Cost::Messages)),
        }
    }

    /// What each rule that is not off costs, in order.
    pub fn rule_costs(&self) -> Vec<RuleCost> {
        let active = self.rules.iter().filter(|rule| rule.mode > Mode::Off);
        let cost = |rule: &Rule| RuleCost {
            name: rule.name.clone(),
            thread: rule.asks(Cost::Thread),
            messages: rule.asks(Cost::Messages),
            acting: acting(rule.actions.iter().map(|action| action.kind), rule.mode),
        };
        active.map(cost).collect()
    }

    /// The requests that the actions of one event take at most, whatever rules match.
    pub fn max_action_requests(&self) -> u32 {
        self.acting_of(|_| true)
    }

    /// The same in a workspace.
    pub fn acting_at_most_in(&self, workspace: &str) -> u32 {
        self.acting_of(|rule| rule.may_match_in(workspace))
    }

    fn acting_of(&self, counts: impl Fn(&Rule) -> bool) -> u32 {
        let active = self.rules.iter().filter(|rule| rule.mode > Mode::Shadow && counts(rule));
        acting(active.flat_map(|rule| rule.actions.iter().map(|action| action.kind)), Mode::Live)
    }
}

/// A reply is one request, and one read before it while somebody else may use the key; the row that shows it then proves
/// itself (the read where it cannot, as after a restart, is rare and not counted). Star and read marks take one each, and are done once an event.
fn acting(kinds: impl Iterator<Item = ActionKind>, mode: Mode) -> u32 {
    if mode <= Mode::Shadow {
        return 0;
    }
    let mut kinds: Vec<ActionKind> = kinds.collect();
    kinds.sort_by_key(|kind| kind.as_str());
    kinds.dedup();
    let each = |kind: &ActionKind| match kind {
        ActionKind::Reply => 2,
        ActionKind::Star | ActionKind::Unstar | ActionKind::MarkRead => 1,
        ActionKind::Forward(_) => 0,
    };
    kinds.iter().map(each).sum()
}

impl Rule {
    fn may_need(&self, cost: Cost) -> bool {
        let by_script = self.script.as_ref().is_some_and(|script| match cost {
            Cost::Row => false,
            Cost::Thread => script.needs_thread,
            Cost::Messages => script.needs_messages,
        });
        let by_content = match cost {
            Cost::Row => false,
            Cost::Thread => self.mentions.thread_in_templates,
            Cost::Messages => self.mentions.carries_text,
        };
        by_script || by_content || self.tests.iter().any(|test| test.check.may_need(cost))
    }

    fn asks(&self, cost: Cost) -> Frequency {
        if !self.may_need(cost) {
            return Frequency::Never;
        }
        // Where something cheaper is asked first, that may decide.
        let cheap = self.tests.iter().any(|test| test.check.cost() == Cost::Row)
            || self.script.as_ref().is_some_and(|script| !script.needs_thread && !script.needs_messages);
        let other = match cost {
            Cost::Thread => self.may_need(Cost::Messages),
            _ => self.may_need(Cost::Thread),
        };
        if cheap || other { Frequency::Sometimes } else { Frequency::Always }
    }
}
