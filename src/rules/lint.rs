//! What is odd about rules that can be loaded: within one rule, and across all of them.
//!
//! A finding is called *proved* when it follows from the rules alone, whatever messages come; otherwise it says what may
//! happen.

use super::{
    definition::{Matcher, Rule},
    field::{GlobField, TextField},
    listed::ListedField,
    logic::{Budget, Dnf},
};
use crate::diagnostics::{Diagnostic, Diagnostics, Location, code};
use crate::model::{ActionKind, Mode};

/// How many names a sentence lists.
const NAMED: usize = 3;

/// What may be compared to find all the ways of one rule, and then between all rules.
const RULE_BUDGET: u64 = 12_000_000;
const PAIRS_BUDGET: u64 = 6_000_000;

/// A rule, and the ways in which it matches and does not; none where there are too many.
struct Known<'r> {
    rule: &'r Rule,
    matches: Option<Dnf<'r>>,
    other: Option<Dnf<'r>>,
}

impl<'r> Known<'r> {
    fn of(rule: &'r Rule) -> Self {
        let budget = Budget::new(RULE_BUDGET);
        Self { rule, matches: Dnf::from_rule(rule, &budget), other: Dnf::from_rule_negation(rule, &budget) }
    }
}

/// Looks at all rules of a set, in their order.
pub(super) fn rules(rules: &[Rule]) -> Diagnostics {
    let mut out = Diagnostics::new();
    let budget = Budget::new(PAIRS_BUDGET);
    let mut given_up = false;
    let all: Vec<Known<'_>> = rules.iter().map(Known::of).collect();
    for (index, known) in all.iter().enumerate() {
        let rule = known.rule;
        if rule.mode == Mode::Off {
            continue;
        }
        two_replies_of_one_rule(rule, &mut out);
        unguarded(rule, known.matches.as_ref(), &mut out);
        if rule.mentions.too_large || known.matches.is_none() || known.other.is_none() {
            let message = format!("`{}` has too many conditions to look for contradictions in it", rule.name);
            out.push(warn(code::NOT_ANALYSED, &rule.at, message, false).hint(SPLIT));
        }
        let Some(own) = known.matches.as_ref().filter(|own| !own.is_unsatisfiable() && !given_up) else { continue };
        let earlier = all.get(..index).unwrap_or_default();
        if hidden(rule, own, earlier, &budget, &mut out) {
            continue;
        }
        replies_meet(rule, own, earlier, &budget, &mut out);
        if budget.is_spent() {
            given_up = true;
            let message =
                format!("from `{}` on, rules are not compared with those before them: there are too many", rule.name);
            out.push(warn(code::NOT_ANALYSED, &rule.at, message, false).hint(SPLIT));
        }
    }
    out
}

const SPLIT: &str = "the rules work; only rules that hide one another, or contradict themselves, are not all found";

fn warn(code: &'static str, at: &Location, message: String, proved: bool) -> Diagnostic {
    Diagnostic::error(code, at, message).lint(proved)
}

fn names(rules: &[&Rule]) -> String {
    let mut named: Vec<String> = rules.iter().take(NAMED).map(|rule| format!("`{}`", rule.name)).collect();
    match rules.len().checked_sub(NAMED) {
        None | Some(0) => {}
        Some(more) => named.push(format!("{more} more")),
    }
    match named.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// A rule that earlier ones with `stop` keep every event from.
fn hidden<'r>(rule: &Rule, own: &Dnf<'r>, earlier: &[Known<'r>], budget: &Budget, out: &mut Diagnostics) -> bool {
    let without = |ways: &Dnf<'r>, known: &Known<'r>| ways.and(known.other.as_ref()?, budget);
    let stops = || earlier.iter().filter(|known| known.rule.stop && known.rule.mode > Mode::Shadow);
    let one = stops().find(|stop| without(own, stop).is_some_and(|left| left.is_unsatisfiable()));
    let by: Vec<&Rule> = match one {
        Some(one) => vec![one.rule],
        None => {
            let mut left = own.clone();
            let mut by = Vec::new();
            for stop in stops() {
                let Some(rest) = without(&left, stop) else { continue };
                by.push(stop.rule);
                left = rest;
                if left.is_unsatisfiable() {
                    break;
                }
            }
            if !left.is_unsatisfiable() {
                return false;
            }
            by
        }
    };
    let ends = if by.len() == 1 { "matches all that it would, and stops" } else { "match all that it would, and stop" };
    let message = format!("`{}` is never reached: {} {ends}", rule.name, names(&by));
    let found = warn(code::HIDDEN, &rule.at, message, true);
    out.push(found.hint("put it first, or take `stop: true` away"));
    true
}

fn replies(rule: &Rule) -> impl Iterator<Item = &Location> {
    let all = rule.actions.iter().filter(|action| action.kind == ActionKind::Reply);
    all.map(|action| &action.at)
}

fn two_replies_of_one_rule(rule: &Rule, out: &mut Diagnostics) {
    for second in replies(rule).skip(1) {
        let message = format!("`{}` has more than one reply, and a message gets one", rule.name);
        let found = warn(code::REPLIES_MEET, second, message, true);
        out.push(found.hint("the first reply is sent, later ones are suppressed; put the choice into one template"));
    }
}

/// Two rules whose replies can meet on one event: the later one's is suppressed then.
fn replies_meet<'r>(rule: &Rule, own: &Dnf<'r>, earlier: &[Known<'r>], budget: &Budget, out: &mut Diagnostics) {
    let Some(at) = replies(rule).next().filter(|_| rule.mode > Mode::Shadow) else { return };
    let (mut always, mut sometimes) = (Vec::new(), Vec::new());
    for known in earlier {
        let before = known.rule;
        // One that stops lets no later rule see what it answers.
        if before.stop || before.mode <= Mode::Shadow || replies(before).next().is_none() {
            continue;
        }
        let Some(ways) = &known.matches else { continue };
        match own.and(ways, budget) {
            Some(both) if both.is_unsatisfiable() => continue,
            // Nothing is said of what was not compared.
            None if budget.is_spent() => return,
            _ => {}
        }
        // A reply that its own `repeat` refuses passes the message on, so that even then the later one may be sent.
        let only = known.other.as_ref().and_then(|other| own.and(other, budget));
        if only.is_some_and(|only| only.is_unsatisfiable()) { always.push(before) } else { sometimes.push(before) }
    }
    let hint = "only the first that matches answers; order them so that the better answer comes first, give that one \
                `stop: true`, or make their conditions exclude each other";
    if !always.is_empty() {
        let matches = if always.len() == 1 { "matches" } else { "match" };
        let others = names(&always);
        let message =
            format!("whatever `{}` matches, {others} {matches} before it, and a message gets one reply", rule.name);
        out.push(warn(code::REPLIES_MEET, at, message, true).hint(hint));
    } else if !sometimes.is_empty() {
        let answers = if sometimes.len() == 1 { "answers" } else { "answer" };
        let others = names(&sometimes);
        let message = format!("`{}` may match the same message as {others}, which {answers} first", rule.name);
        out.push(warn(code::REPLIES_MEET, at, message, false).hint(hint));
    }
}

/// What says something of what the lead wants: a category, or words of theirs.
fn says_what_is_wanted(check: &Matcher) -> bool {
    match check {
        Matcher::Glob(field, _) => {
            matches!(field, GlobField::Category | GlobField::AiCategory | GlobField::ManualCategory)
        }
        Matcher::Text(field, _) | Matcher::Says(field, _) => !matches!(field, TextField::LeadName),
        Matcher::Listed(listed) => match listed.field {
            ListedField::Short(field) => {
                matches!(field, GlobField::Category | GlobField::AiCategory | GlobField::ManualCategory)
            }
            ListedField::Text(field) => !matches!(field, TextField::LeadName),
        },
        // Somebody who answers automatic mail knows what comes.
        Matcher::Flag(super::field::FlagField::AutoReply, wanted) => *wanted,
        _ => false,
    }
}

/// A reply that is sent whatever the lead wants.
fn unguarded(rule: &Rule, own: Option<&Dnf<'_>>, out: &mut Diagnostics) {
    let Some(at) = replies(rule).next().filter(|_| rule.mode > Mode::Shadow) else { return };
    let by_script = rule.script.as_ref().is_some_and(|script| {
        script.reads("thread", &["category", "ai_category", "manual_category", "preview", "subject"])
            || script.reads("message", &["body", "full_body", "subject"])
    });
    if by_script || own.is_none_or(|own| own.all_require(says_what_is_wanted)) {
        return;
    }
    let message = format!("`{}` answers without asking what the lead wants", rule.name);
    let hint = "add a `category`, or a `body` that it must match, beside the other conditions";
    out.push(warn(code::UNGUARDED, at, message, true).hint(hint));
}

/// A workspace's ceiling that silences rules: what a person reads after `mode: live` is not what happens.
pub(super) fn ceiling_warning(rules: &[Rule], workspace: &str, ceiling: Mode, at: &Location) -> Option<Diagnostic> {
    let lowered: Vec<&Rule> = rules.iter().filter(|rule| rule.mode > ceiling).collect();
    if lowered.is_empty() {
        return None;
    }
    let what = match ceiling {
        Mode::Off => "runs no rule",
        Mode::Shadow => "only records what rules would do",
        Mode::Draft => "holds every reply for approval",
        Mode::Live => return None,
    };
    let message = format!("the workspace `{workspace}` is `{ceiling}` and {what}, also of {}", names(&lowered));
    let found = warn(code::CEILING, at, message, true);
    Some(found.hint("right for a start; when what the rules would do is right, raise it to `draft`, then to `live`"))
}
