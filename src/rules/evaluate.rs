//! One pure evaluation: an event, the rules, the time, and what comes of it.

use super::{
    RuleSet,
    captured::Captured,
    condition::{self, Need, Truth},
    definition::Rule,
    event::{EventInput, Facts},
    pattern::truncate_input,
    plan::{self, Claimed, Matched},
    reading::ThreadMessages,
    rule_bits::RuleBits,
    seen::{self, ConditionResult},
};
use crate::model::{ActionTrace, Decision, Mode, PlannedAction, RuleTrace, ScriptTrace};
use std::collections::BTreeMap;

/// Evaluates all rules on an event.
///
/// The decision tells of each rule where the input is thorough, and otherwise of those that matched or had an error; of these
/// all that is known of them. What is decided is the same.
///
/// # Errors
/// [`Need`]: what must be read before the decision is final. Read it, and call again with it; a need is never asked
/// for twice, and never where the decision does not depend on it.
pub fn evaluate(set: &RuleSet, input: &EventInput<'_>, now: jiff::Timestamp) -> Result<Decision, Need> {
    evaluate_timed(set, input, now, &mut |_| {})
}

/// As [`evaluate`]; tells whenever it is through with a rule, by its place in the set, so that the caller can take the
/// time: this function reads no clock. Rules that are off, behind one that stopped, or ruled out together with others by a
/// value or a word that the event lacks, are not evaluated and not told.
///
/// # Errors
/// As [`evaluate`]. The rule that needs more was told before.
pub fn evaluate_timed(
    set: &RuleSet,
    input: &EventInput<'_>,
    now: jiff::Timestamp,
    through_with: &mut dyn FnMut(usize),
) -> Result<Decision, Need> {
    evaluate_with_modes(set, input, now, &|rule| effective_mode(rule, input), through_with)
}

/// As [`evaluate_timed`], with each rule in the mode that `mode_of` says.
pub(super) fn evaluate_with_modes(
    set: &RuleSet,
    input: &EventInput<'_>,
    now: jiff::Timestamp,
    mode_of: &dyn Fn(&Rule) -> Mode,
    through_with: &mut dyn FnMut(usize),
) -> Result<Decision, Need> {
    // Whoever passes the whole set must not get another workspace's rules.
    let set = set.of_workspace(input.workspace);
    let facts = set.facts(input, now);
    let mut decided = Decided::default();
    if input.thorough {
        evaluate_each(set, &facts, mode_of, through_with, &mut decided)?;
    } else {
        evaluate_candidates(set, &facts, mode_of, through_with, &mut decided)?;
    }
    let opt_out = facts.opt_out().map(str::to_owned);
    let mut reading = input.messages.map(ThreadMessages::reading).unwrap_or_default();
    reading.opt_out_words.clone_from(&opt_out);
    Ok(Decision {
        body: input.messages.and_then(ThreadMessages::body).map(|body| truncate_input(body).to_owned()),
        auto_reply: match (input.messages, facts.auto_reply()) {
            (_, Some(_)) => Some(true),
            (Some(_), None) => Some(false),
            (None, None) => None,
        },
        opt_out,
        reading,
        rules: decided.rules,
        actions: decided.actions,
    })
}

/// What the rules so far have said.
#[derive(Default)]
struct Decided {
    rules: Vec<RuleTrace>,
    actions: Vec<PlannedAction>,
    claimed: Claimed,
}

/// Evaluates one rule after the other, each of its conditions, and tells of all of them.
fn evaluate_each(
    set: &RuleSet,
    facts: &Facts<'_>,
    mode_of: &dyn Fn(&Rule) -> Mode,
    through_with: &mut dyn FnMut(usize),
    decided: &mut Decided,
) -> Result<(), Need> {
    let mut stopped_by: Option<&str> = None;
    for (place, rule) in set.rules().iter().enumerate() {
        let mode = mode_of(rule);
        if stopped_by.is_some() || mode == Mode::Off {
            let mut trace = blank(rule, mode);
            trace.stopped_by = stopped_by.map(str::to_owned);
            trace.note = stopped_by.is_none().then(|| "the rule is off".to_owned());
            trace.conditions = seen::unevaluated(rule);
            decided.rules.push(trace);
            continue;
        }
        let mut seen = Some(seen::evaluate(rule, facts));
        let when = seen.as_ref().map_or(Truth::No, |seen| seen.answer);
        let found = decide_rule(rule, facts, when, &mut seen);
        if let Truth::Unknown(need) = found.truth {
            through_with(place);
            return Err(need);
        }
        let stops = found.truth == Truth::Yes && rule.stop && mode > Mode::Shadow;
        record(set, facts, (rule, mode), found, seen, decided);
        if stops {
            stopped_by = Some(&rule.name);
        }
        through_with(place);
    }
    Ok(())
}

/// Evaluates the rules that can match, in order, and tells of those that do or had an error.
fn evaluate_candidates(
    set: &RuleSet,
    facts: &Facts<'_>,
    mode_of: &dyn Fn(&Rule) -> Mode,
    through_with: &mut dyn FnMut(usize),
    decided: &mut Decided,
) -> Result<(), Need> {
    let all = || RuleBits::all(set.rules().len());
    let candidates = set.index().map_or_else(all, |index| index.candidates(facts));
    for (place, rule) in candidates.places().filter_map(|place| Some((place, set.rules().get(place)?))) {
        let mode = mode_of(rule);
        if mode == Mode::Off {
            continue;
        }
        let mut seen = None;
        let found = decide_rule(rule, facts, condition::decide(rule, facts), &mut seen);
        let is_told = match found.truth {
            Truth::Unknown(need) => {
                through_with(place);
                return Err(need);
            }
            Truth::Yes => true,
            Truth::No | Truth::Failed => {
                found.error.is_some() || found.script.as_ref().is_some_and(|script| script.error.is_some())
            }
        };
        let stops = found.truth == Truth::Yes && rule.stop && mode > Mode::Shadow;
        if is_told {
            let seen = seen.or_else(|| Some(seen::evaluate(rule, facts)));
            record(set, facts, (rule, mode), found, seen, decided);
        }
        through_with(place);
        if stops {
            break;
        }
    }
    Ok(())
}

/// Tells of a rule, and plans its actions if it matches.
fn record(
    set: &RuleSet,
    facts: &Facts<'_>,
    (rule, mode): (&Rule, Mode),
    found: RuleResult,
    seen: Option<ConditionResult>,
    decided: &mut Decided,
) {
    let mut trace = blank(rule, mode);
    trace.matched = found.truth == Truth::Yes;
    trace.error = found.error.or_else(|| found.script.as_ref().and_then(|script| script.error.clone()));
    trace.script = found.script;
    if let Some(seen) = seen {
        if found.reached {
            trace.captures = captures(rule, facts, seen.captured).known();
        }
        (trace.conditions, trace.note) = (seen.traces, seen.note);
    }
    if found.is_automatic {
        trace.note = Some("automatic mail: the rule does not mention `auto_reply`".to_owned());
    }
    if trace.matched {
        let none = serde_json::Map::new();
        let vars = trace.script.as_ref().map_or(&none, |script| &script.vars);
        let matched = Matched { rule, mode, captures: &trace.captures, vars };
        let actions = plan::plan(set, &matched, facts, &mut decided.claimed);
        let told = |action: &PlannedAction| ActionTrace {
            kind: action.kind,
            target: action.target.clone(),
            recipients: action.payload.recipients().to_vec(),
            would: action.would,
            reason: action.reason.clone(),
        };
        trace.actions = actions.iter().map(told).collect();
        decided.actions.extend(actions);
    }
    decided.rules.push(trace);
}

/// The rule's own mode, lowered by the workspace's ceiling and by what was set at run time.
pub fn effective_mode(rule: &Rule, input: &EventInput<'_>) -> Mode {
    let lowered = input.overrides.get(&rule.name).copied().unwrap_or_default();
    rule.mode.min(input.ceiling).min(lowered)
}

pub(super) fn blank(rule: &Rule, mode: Mode) -> RuleTrace {
    RuleTrace {
        name: rule.name.clone(),
        file: rule.file.clone(),
        line: rule.line,
        mode,
        matched: false,
        stopped_by: None,
        note: None,
        error: None,
        conditions: Vec::new(),
        script: None,
        captures: BTreeMap::new(),
        actions: Vec::new(),
    }
}

/// Whether a rule that is judged again holds, or cannot be told not to.
pub(super) fn does_hold(rule: &Rule, facts: &Facts<'_>) -> bool {
    decide_rule(rule, facts, condition::decide(rule, facts), &mut None).truth != Truth::No
}

/// What a rule came to, its conditions being known.
struct RuleResult {
    truth: Truth,
    /// Its script, if that was run.
    script: Option<ScriptTrace>,
    /// It is kept from automatic mail.
    is_automatic: bool,
    /// Its conditions let it go on, so that it captures.
    reached: bool,
    /// Why a definition that it depends on failed.
    error: Option<String>,
}

/// Whether a rule matches whose conditions came to `when`, cheapest questions first. `seen` is what its conditions saw, where
/// that was looked at; it is filled in where the script asks for captures.
fn decide_rule(rule: &Rule, facts: &Facts<'_>, when: Truth, seen: &mut Option<ConditionResult>) -> RuleResult {
    let mut found = RuleResult { truth: when, script: None, is_automatic: false, reached: false, error: None };
    if when == Truth::Failed {
        found.truth = Truth::No;
        found.error = facts.script_error(rule);
        return found;
    }
    if when == Truth::No {
        return found;
    }
    if !rule.mentions.auto_reply && !facts.is_judged_blind() && facts.auto_reply().is_some() {
        found.truth = Truth::No;
        found.is_automatic = true;
        return found;
    }
    found.reached = true;
    if let Some(script) = &rule.script {
        let said_before = || facts.earlier.and_then(|earlier| earlier.script.as_ref()?.result);
        let kept = said_before().filter(|_| facts.keeps_rows && !script.lookups.is_empty());
        let said = match (kept, script.unread(facts)) {
            (Some(result), _) => Truth::from(result),
            (None, Some(need)) => match said_before() {
                Some(result) => Truth::from(result),
                None => Truth::Unknown(need),
            },
            (None, None) => match captures_for(script.reads_captures(), rule, facts, seen) {
                Err(need) => Truth::Unknown(need),
                Ok(captured) => {
                    let ran = script.run(facts, &captured);
                    let said = Truth::from(ran.result == Some(true));
                    found.script = Some(ran);
                    said
                }
            },
        };
        found.truth = when.and(said);
    }
    if found.truth != Truth::Yes {
        return found;
    }
    // The message first: that it is automatic mail may make the thread needless.
    if rule.mentions.carries_text && facts.input.messages.is_none() {
        found.truth = Truth::Unknown(Need::Messages);
    } else if rule.mentions.thread_in_templates && facts.input.detail.is_none() {
        found.truth = Truth::Unknown(Need::Thread);
    } else if let Err(need) = captures_for(rule.mentions.captures && rule.mentions.carries_text, rule, facts, seen) {
        found.truth = Truth::Unknown(need);
    }
    found
}

/// What a rule captures, where somebody asks for it; or what must be read before that is known.
fn captures_for(
    is_asked: bool,
    rule: &Rule,
    facts: &Facts<'_>,
    seen: &mut Option<ConditionResult>,
) -> Result<BTreeMap<String, String>, Need> {
    if !is_asked {
        return Ok(BTreeMap::new());
    }
    let seen = seen.get_or_insert_with(|| seen::evaluate(rule, facts));
    captures(rule, facts, seen.captured.clone()).settled()
}

/// What a rule captures: named groups of its conditions, what its definitions give, and its own captures.
fn captures(rule: &Rule, facts: &Facts<'_>, of_conditions: Captured) -> Captured {
    let mut all = match facts.earlier.filter(|_| facts.is_judged_blind()) {
        Some(earlier) => Captured::of_earlier(&earlier.captures),
        None => of_conditions,
    };
    all.take_own(&rule.captures, facts);
    all
}
