//! What is odd about rules that can be loaded: within one rule, and across all of them.
//!
//! A finding is called *proved* when it follows from the rules alone, whatever messages come; otherwise it says what may
//! happen.

use super::{
    definition::{At, Check, GlobField, Rule, TextField},
    diagnostic::{Diagnostic, Diagnostics, code},
    logic::Ways,
};
use crate::model::{ActionKind, Mode};

/// How many names a sentence lists.
const NAMED: usize = 3;

/// Looks at all rules of a set, in their order.
pub(super) fn rules(rules: &[Rule]) -> Diagnostics {
    let mut out = Diagnostics::new();
    let ways: Vec<Option<Ways<'_>>> = rules.iter().map(Ways::of_rule).collect();
    for (index, (rule, own)) in rules.iter().zip(&ways).enumerate() {
        if rule.mode == Mode::Off {
            continue;
        }
        let earlier = rules.get(..index).unwrap_or_default();
        two_replies_of_one_rule(rule, &mut out);
        unguarded(rule, own.as_ref(), &mut out);
        let Some(own) = own.as_ref().filter(|own| !own.are_none()) else { continue };
        if hidden(rule, own, earlier, &mut out) {
            continue;
        }
        replies_meet(rule, own, earlier.iter().zip(&ways), &mut out);
    }
    out
}

fn warn(code: &'static str, at: &At, message: String, proved: bool) -> Diagnostic {
    Diagnostic::over(code, at, message).finding(proved)
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

/// The ways that are left where a rule does not match.
fn without<'r>(ways: &Ways<'r>, rule: &'r Rule) -> Option<Ways<'r>> {
    Ways::of_no_rule(rule).and_then(|no| ways.and(&no))
}

/// A rule that earlier ones with `stop` keep every event from.
fn hidden<'r>(rule: &Rule, own: &Ways<'r>, earlier: &'r [Rule], out: &mut Diagnostics) -> bool {
    let stops = || earlier.iter().filter(|earlier| earlier.stop && earlier.mode > Mode::Shadow);
    let one = stops().find(|stop| without(own, stop).is_some_and(|left| left.are_none()));
    let by: Vec<&Rule> = match one {
        Some(one) => vec![one],
        None => {
            let mut left = own.clone();
            let mut by = Vec::new();
            for stop in stops() {
                let Some(rest) = without(&left, stop) else { continue };
                by.push(stop);
                left = rest;
                if left.are_none() {
                    break;
                }
            }
            if !left.are_none() {
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

fn replies(rule: &Rule) -> impl Iterator<Item = &At> {
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
fn replies_meet<'r>(
    rule: &Rule,
    own: &Ways<'r>,
    earlier: impl Iterator<Item = (&'r Rule, &'r Option<Ways<'r>>)>,
    out: &mut Diagnostics,
) {
    let Some(at) = replies(rule).next().filter(|_| rule.mode > Mode::Shadow) else { return };
    let (mut always, mut sometimes) = (Vec::new(), Vec::new());
    for (before, ways) in earlier {
        // One that stops lets no later rule see what it answers.
        if before.stop || before.mode <= Mode::Shadow || replies(before).next().is_none() {
            continue;
        }
        let Some(ways) = ways else { continue };
        if own.and(ways).is_some_and(|both| both.are_none()) {
            continue;
        }
        // A reply that its own `repeat` refuses passes the message on, so that even then the later one may be sent.
        if without(own, before).is_some_and(|only| only.are_none()) {
            always.push(before)
        } else {
            sometimes.push(before)
        }
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
fn says_what_is_wanted(check: &Check) -> bool {
    match check {
        Check::Glob(field, _) => {
            matches!(field, GlobField::Category | GlobField::AiCategory | GlobField::ManualCategory)
        }
        Check::Text(field, _) => !matches!(field, TextField::LeadName),
        // Somebody who answers automatic mail knows what comes.
        Check::Flag(super::definition::FlagField::AutoReply, wanted) => *wanted,
        _ => false,
    }
}

/// A reply that is sent whatever the lead wants.
fn unguarded(rule: &Rule, own: Option<&Ways<'_>>, out: &mut Diagnostics) {
    let Some(at) = replies(rule).next().filter(|_| rule.mode > Mode::Shadow) else { return };
    let by_script = rule.script.as_ref().is_some_and(|script| {
        script.reads("thread", &["category", "ai_category", "manual_category", "preview", "subject"])
            || script.reads("message", &["body", "full_body", "subject"])
    });
    if by_script || own.is_none_or(|own| own.all_demand(says_what_is_wanted)) {
        return;
    }
    let message = format!("`{}` answers without asking what the lead wants", rule.name);
    let hint = "add a `category`, or a `body` that it must match, beside the other conditions";
    out.push(warn(code::UNGUARDED, at, message, true).hint(hint));
}

/// A workspace's ceiling that silences rules: what a person reads after `mode: live` is not what happens.
pub(super) fn silenced(rules: &[Rule], workspace: &str, ceiling: Mode, at: &At) -> Option<Diagnostic> {
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
