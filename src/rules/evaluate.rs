//! One pure evaluation: an event, the rules, the time, and what comes of it.

use super::{
    RuleSet,
    condition::{self, Need, Truth},
    definition::{Capture, Rule},
    event::{EventInput, Facts, ThreadMessages},
    field::TextField,
    pattern::truncate_input,
    plan::{self, Claimed, Matched},
    search_text::SearchText,
};
use crate::model::{ActionTrace, Decision, MailReading, Mode, RuleTrace};
use std::collections::BTreeMap;

/// Evaluates all rules on an event.
///
/// # Errors
/// [`Need`]: what must be read before the decision is final. Read it, and call again with it; a need is never asked
/// for twice, and never where the decision does not depend on it.
pub fn evaluate(set: &RuleSet, input: &EventInput<'_>, now: jiff::Timestamp) -> Result<Decision, Need> {
    evaluate_timed(set, input, now, &mut |_| {})
}

/// As [`evaluate`]; tells whenever it is through with a rule, by its place in the set, so that the caller can take the
/// time: this function reads no clock. Rules that are off, or behind one that stopped, are not evaluated and not told.
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

/// As [`evaluate_watched`], with each rule in the mode that `mode_of` says.
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
    let mut taken = Claimed::default();
    let mut stopped_by: Option<&str> = None;
    let mut decision = Decision {
        body: None,
        auto_reply: None,
        opt_out: None,
        reading: MailReading::default(),
        rules: Vec::new(),
        actions: Vec::new(),
    };
    for (place, rule) in set.rules().iter().enumerate() {
        let mode = mode_of(rule);
        let mut trace = blank(rule, mode);
        if stopped_by.is_some() || mode == Mode::Off {
            trace.stopped_by = stopped_by.map(str::to_owned);
            trace.note = stopped_by.is_none().then(|| "the rule is off".to_owned());
            trace.conditions = condition::unevaluated(rule);
            decision.rules.push(trace);
            continue;
        }
        match rule_matches(rule, &facts, &mut trace) {
            Truth::Unknown(need) => {
                through_with(place);
                return Err(need);
            }
            Truth::No => {}
            Truth::Yes => {
                trace.matched = true;
                let vars = trace.script.as_ref().map(|script| script.vars.clone()).unwrap_or_default();
                let matched = Matched { rule, mode, captures: &trace.captures, vars: &vars };
                let actions = plan::plan(set, &matched, &facts, &mut taken);
                trace.actions = actions
                    .iter()
                    .map(|action| ActionTrace {
                        kind: action.kind,
                        target: action.target.clone(),
                        would: action.would,
                        reason: action.reason.clone(),
                    })
                    .collect();
                decision.actions.extend(actions);
                if rule.stop && mode > Mode::Shadow {
                    stopped_by = Some(&rule.name);
                }
            }
        }
        decision.rules.push(trace);
        through_with(place);
    }
    decision.body = input.messages.and_then(ThreadMessages::body).map(|body| truncate_input(body).to_owned());
    decision.auto_reply = match (input.messages, facts.auto_reply()) {
        (_, Some(_)) => Some(true),
        (Some(_), None) => Some(false),
        (None, None) => None,
    };
    decision.opt_out = facts.opt_out().map(str::to_owned);
    decision.reading = input.messages.map(ThreadMessages::reading).unwrap_or_default();
    decision.reading.opt_out_words.clone_from(&decision.opt_out);
    Ok(decision)
}

/// The rule's own mode, lowered by the workspace's ceiling and by what was set at run time.
pub fn effective_mode(rule: &Rule, input: &EventInput<'_>) -> Mode {
    let lowered = input.overrides.get(&rule.name).copied().unwrap_or_default();
    rule.mode.min(input.ceiling).min(lowered)
}

fn blank(rule: &Rule, mode: Mode) -> RuleTrace {
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
    rule_matches(rule, facts, &mut blank(rule, rule.mode)) != Truth::No
}

/// Whether the rule matches, cheapest questions first.
fn rule_matches(rule: &Rule, facts: &Facts<'_>, trace: &mut RuleTrace) -> Truth {
    let looked = condition::evaluate(rule, facts);
    trace.conditions = looked.traces;
    trace.note = looked.note;
    let mut answer = looked.answer;
    if answer == Truth::No {
        return Truth::No;
    }
    // Judged again without the messages, the row alone would say less than the messages did.
    let is_judged = facts.earlier.is_some() && facts.input.messages.is_none();
    if !rule.mentions.auto_reply && !is_judged && facts.auto_reply().is_some() {
        trace.note = Some("automatic mail: the rule does not mention `auto_reply`".to_owned());
        return Truth::No;
    }
    trace.captures = looked.captures;
    if let Some(earlier) = facts.earlier.filter(|_| is_judged) {
        trace.captures.clone_from(&earlier.captures);
    }
    if !rule.captures.is_empty()
        && let Some(body) = facts.input.messages.and_then(ThreadMessages::body)
        && let Some(body) = facts.search_text(TextField::Body, body)
    {
        for capture in &rule.captures {
            if let Some(text) = captured(capture, body) {
                trace.captures.insert(capture.name.clone(), text);
            }
        }
    }
    if let Some(script) = &rule.script {
        let needs = [
            (script.needs_thread && facts.input.detail.is_none(), Need::Thread),
            (script.needs_messages && facts.input.messages.is_none(), Need::Messages),
        ];
        let said = match needs.into_iter().find(|(missing, _)| *missing) {
            Some((_, need)) => match facts.earlier.and_then(|earlier| earlier.script.as_ref()?.result) {
                Some(result) => Truth::from(result),
                None => Truth::Unknown(need),
            },
            None => {
                let ran = script.run(facts, &trace.captures);
                let said = Truth::from(ran.result == Some(true));
                trace.error.clone_from(&ran.error);
                trace.script = Some(ran);
                said
            }
        };
        answer = answer.and(said);
    }
    if answer != Truth::Yes {
        return answer;
    }
    // The message first: that it is automatic mail may make the thread needless.
    if rule.mentions.carries_text && facts.input.messages.is_none() {
        return Truth::Unknown(Need::Messages);
    }
    if rule.mentions.thread_in_templates && facts.input.detail.is_none() {
        return Truth::Unknown(Need::Thread);
    }
    Truth::Yes
}

fn captured(capture: &Capture, body: &SearchText<'_>) -> Option<String> {
    let found = capture.pattern.regex().captures(body.as_str())?;
    let group = if found.len() > 1 { found.iter().skip(1).flatten().next()? } else { found.get(0)? };
    Some(body.original_text(group).trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}
