//! Why two sets of rules do different things with an event: the first rule that says something else, and its first condition
//! that made the difference.

use crate::model::{ConditionTrace, Decision, PlannedAction, RuleTrace, cut_line};
use serde::Serialize;
use utoipa::ToSchema;

/// So much of a value is shown, in characters.
const MAX_VALUE: usize = 160;

/// What made the difference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Difference {
    /// The rule.
    pub rule: String,
    /// In a sentence.
    pub text: String,
    /// The condition, such as `when.body`, if one made it.
    pub condition: Option<String>,
    /// What the condition asks for.
    pub wanted: Option<String>,
    /// The value that it saw.
    pub seen: Option<String>,
    /// Where the rule is written: in the later set, or in the earlier one if the later has it not.
    pub file: String,
    /// The line of its name, from 1.
    pub line: usize,
}

/// Finds it in two decisions that tell of every rule.
pub(super) fn find_difference(before: &Decision, after: &Decision) -> Difference {
    let named = |decision: &'_ Decision, name: &str| decision.rules.iter().position(|rule| rule.name == name);
    // What matches on one side only, in the order of the later rules, then those that are gone.
    for rule in &after.rules {
        let earlier = named(before, &rule.name).and_then(|place| before.rules.get(place));
        match earlier {
            Some(earlier) if earlier.matched != rule.matched => return of_rule(earlier, rule),
            None if rule.matched => return simple(rule, format!("`{}` is new and matches", rule.name)),
            _ => {}
        }
    }
    for rule in before.rules.iter().filter(|rule| rule.matched) {
        if named(after, &rule.name).is_none() {
            return simple(rule, format!("`{}` matched and is gone", rule.name));
        }
    }
    // The same rules match: one of them does something else.
    for rule in after.rules.iter().filter(|rule| rule.matched) {
        let Some(earlier) = named(before, &rule.name).and_then(|place| before.rules.get(place)) else { continue };
        let of = |decision: &Decision| -> Vec<PlannedAction> {
            decision.actions.iter().filter(|action| action.rule == rule.name).cloned().collect()
        };
        let (one, other) = (of(before), of(after));
        if one != other {
            return simple(rule, format!("`{}` {}", rule.name, changed_action(&one, &other, earlier, rule)));
        }
    }
    let first = after.rules.first().or(before.rules.first());
    first.map_or_else(Difference::default, |rule| simple(rule, "the rules stand in another order".to_owned()))
}

fn changed_action(one: &[PlannedAction], other: &[PlannedAction], earlier: &RuleTrace, rule: &RuleTrace) -> String {
    if earlier.mode != rule.mode {
        return format!("was {} and is {}", earlier.mode, rule.mode);
    }
    let describe = |action: &PlannedAction| {
        let target = action.target.as_deref().into_iter();
        let whom = target.chain(action.payload.recipients().iter().map(String::as_str));
        whom.fold(action.kind.to_string(), |told, name| format!("{told} {name}"))
    };
    if one.len() != other.len() {
        let list = |actions: &[PlannedAction]| actions.iter().map(describe).collect::<Vec<_>>().join(", ");
        return format!("did {} and does {}", list(one), list(other));
    }
    for (one, other) in one.iter().zip(other) {
        let name = describe(other);
        if one == other {
            continue;
        }
        if describe(one) != name {
            return format!("did {} and does {name}", describe(one));
        }
        if one.would != other.would || one.reason != other.reason {
            let told = |action: &PlannedAction| {
                let reason = action.reason.as_ref().map(|reason| format!(" ({})", reason.text)).unwrap_or_default();
                format!("{}{reason}", action.would.describe(action.kind))
            };
            return format!("{name}: {}, now {}", told(one), told(other));
        }
        if one.payload != other.payload {
            return format!("says something else in its {name}");
        }
        if one.timing != other.timing {
            return format!("does {name} at another time");
        }
    }
    "does the same in another way".to_owned()
}

/// A rule that matches on one side only.
fn of_rule(before: &RuleTrace, after: &RuleTrace) -> Difference {
    let (matching, failing, verb) = match after.matched {
        true => (after, before, "matches now"),
        false => (before, after, "matches no more"),
    };
    let name = &after.name;
    if let Some(by) = &failing.stopped_by {
        let which = if after.matched { "no longer stops before it" } else { "stops before it" };
        return simple(after, format!("`{name}` {verb}: `{by}` {which}"));
    }
    if let Some(error) = &failing.error {
        let failed = if after.matched { "it failed before the change" } else { "it fails now" };
        return simple(after, format!("`{name}` {verb}: {failed}: {error}"));
    }
    let condition = first_different(matching, failing).map(|condition| (condition, failing.mode));
    if let Some((condition, _)) = condition {
        // Told of the later rule, where it has that condition.
        let own = after.conditions.iter().find(|found| found.path == condition.path).unwrap_or(condition);
        let told = if after.matched { own } else { condition };
        return Difference {
            condition: Some(told.path.clone()),
            wanted: Some(cut_line(&told.wanted, MAX_VALUE)),
            seen: told.seen.as_deref().map(|seen| cut_line(seen, MAX_VALUE)),
            ..simple(after, format!("`{name}` {verb}: {}", describe(told)))
        };
    }
    let script = |trace: &RuleTrace| trace.script.as_ref().and_then(|script| script.result);
    if script(matching) != script(failing) {
        return simple(after, format!("`{name}` {verb}: its script says so"));
    }
    match failing.note.as_deref().or(matching.note.as_deref()) {
        Some(note) => simple(after, format!("`{name}` {verb}: {note}")),
        None => simple(after, format!("`{name}` {verb}: its conditions were changed")),
    }
}

/// The first condition of the side that does not match that the other side has not, or saw otherwise; else the first that
/// the matching side has and the other has not.
fn first_different<'t>(matching: &'t RuleTrace, failing: &'t RuleTrace) -> Option<&'t ConditionTrace> {
    let same = |left: &ConditionTrace, right: &ConditionTrace| {
        (&left.path, &left.wanted, left.held) == (&right.path, &right.wanted, right.held)
    };
    let missing = |one: &&ConditionTrace, others: &[ConditionTrace]| !others.iter().any(|other| same(one, other));
    let speaks_against = |condition: &&ConditionTrace| {
        condition.held == Some(condition.path.split('.').filter(|part| *part == "not").count() % 2 == 1)
    };
    let own = || failing.conditions.iter().filter(|condition| missing(condition, &matching.conditions));
    own()
        .find(speaks_against)
        .or_else(|| own().find(|condition| condition.held.is_some()))
        .or_else(|| matching.conditions.iter().find(|condition| missing(condition, &failing.conditions)))
}

fn describe(condition: &ConditionTrace) -> String {
    let held = match condition.held {
        Some(true) => "holds",
        Some(false) => "does not hold",
        None => "was not looked at",
    };
    let seen = condition.seen.as_deref().map(|seen| format!(" on “{}”", cut_line(seen, MAX_VALUE))).unwrap_or_default();
    format!("{} {} {held}{seen}", condition.path, cut_line(&condition.wanted, MAX_VALUE))
}

fn simple(rule: &RuleTrace, text: String) -> Difference {
    Difference { rule: rule.name.clone(), text, file: rule.file.clone(), line: rule.line, ..Difference::default() }
}
