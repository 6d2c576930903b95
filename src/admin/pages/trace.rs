//! Shows why each rule matched or did not: recorded, live, or on the Try page.

use super::view::{SentenceTag, TextPart, TimeTag, parts};
use crate::{
    engine::{ExplainedRule, Explanation, chronological},
    model::{ConditionTrace, PhraseTrace, RowTrace, ScriptTrace, describe_planned, describe_target},
};

/// How much of a value is shown on each side of the match, in characters.
const AROUND: usize = 60;

/// One explanation.
pub(super) struct Trace {
    pub(super) lead: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) facts: Vec<(&'static str, String)>,
    /// Everything that speaks for automatic mail.
    pub(super) signals: Vec<SignalView>,
    /// What was taken as quoted, and why.
    pub(super) quoted: Vec<QuotedView>,
    /// What rules saw, the matches marked.
    pub(super) body: Option<Vec<TextPart>>,
    /// Why rules that did not match are absent, where they are.
    pub(super) incomplete: Option<String>,
    pub(super) rules: Vec<RuleTraceView>,
    pub(super) way: Vec<TimelineRow>,
    pub(super) not_considered: String,
}

/// One thing that speaks for automatic mail.
pub(super) struct SignalView {
    pub(super) is_certain: bool,
    pub(super) text: String,
    pub(super) words: String,
}

/// A part of the message that was taken as quoted.
pub(super) struct QuotedView {
    pub(super) why: String,
    pub(super) text: String,
}

/// The trace of one rule.
pub(super) struct RuleTraceView {
    pub(super) name: String,
    pub(super) place: String,
    pub(super) mode: &'static str,
    pub(super) matched: bool,
    /// `matched`, `no match`, `not reached`, `error`.
    pub(super) verdict: &'static str,
    pub(super) why: Vec<SentenceTag>,
    /// Why the rule did not match, shown while it is closed.
    pub(super) failed: Option<String>,
    pub(super) conditions: Vec<ConditionView>,
    pub(super) script: Option<ScriptView>,
    pub(super) captures: Vec<(String, String)>,
    pub(super) actions: Vec<ActionView>,
}

/// One condition: `good` is whether it spoke for the rule, with a `not` around it applied.
pub(super) struct ConditionView {
    pub(super) good: Option<bool>,
    pub(super) words: &'static str,
    pub(super) path: String,
    pub(super) wanted: String,
    pub(super) negated: bool,
    pub(super) looked: bool,
    pub(super) seen: Option<Vec<TextPart>>,
    /// The phrase that was found.
    pub(super) phrase: Option<PhraseTrace>,
    /// The row that was found.
    pub(super) row: Option<RowTrace>,
}

pub(super) struct ScriptView {
    pub(super) good: Option<bool>,
    pub(super) words: String,
    pub(super) vars: Vec<(String, String)>,
}

pub(super) struct ActionView {
    pub(super) kind: &'static str,
    pub(super) target: Option<String>,
    /// The outcome in words, and its colour.
    pub(super) outcome: String,
    pub(super) would: &'static str,
    pub(super) reason: Option<SentenceTag>,
}

pub(super) struct TimelineRow {
    pub(super) at: Option<TimeTag>,
    pub(super) state: Option<&'static str>,
    pub(super) text: String,
}

impl From<Explanation> for Trace {
    fn from(found: Explanation) -> Self {
        let yes_no =
            |value: Option<bool>| value.map_or("not known", |value| if value { "yes" } else { "no" }).to_owned();
        let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let is_uncertain = found.auto_reply == Some(false) && !found.signals.is_empty();
        let opt_out = match &found.opt_out_words {
            Some(words) => format!("{}: “{words}”", yes_no(found.opt_out)),
            None => yes_no(found.opt_out),
        };
        let language = found.language.clone().unwrap_or_else(|| "not known".to_owned());
        let facts = vec![
            ("Category", known(&found.category)),
            ("Campaign", known(&found.campaign)),
            ("Auto-reply", if is_uncertain { "possibly".to_owned() } else { yes_no(found.auto_reply) }),
            ("Opt-out", opt_out),
            ("Language", language),
        ];
        let signals = found.signals.into_iter().map(|signal| SignalView {
            is_certain: signal.certainty == "certain",
            text: signal.text,
            words: signal.words,
        });
        let quoted = found.quoted.into_iter().map(|quoted| QuotedView { why: quoted.why, text: quoted.text });
        let body = found.body.as_deref().map(|body| parts(body, marks(body, &found.rules)));
        let way = chronological(found.way).into_iter().map(|step| TimelineRow {
            at: step.at.map(TimeTag),
            state: step.state.map(crate::model::ActionState::as_str),
            text: step.text,
        });
        Self {
            lead: found.lead_email,
            subject: found.subject,
            facts,
            signals: signals.collect(),
            quoted: quoted.collect(),
            body,
            way: way.collect(),
            incomplete: found.incomplete,
            rules: found.rules.into_iter().map(RuleTraceView::from).collect(),
            not_considered: found.not_considered.join(", "),
        }
    }
}

/// Where in the body the conditions of rules that matched found what they wanted.
fn marks(body: &str, rules: &[ExplainedRule]) -> Vec<(usize, usize)> {
    let conditions = rules.iter().filter(|rule| rule.matched).flat_map(|rule| &rule.conditions);
    let of_body = conditions.filter(|found| found.held == Some(true) && last(&found.path) == "body");
    let place = |found: &ConditionTrace| {
        let (start, end) = found.span?;
        // What was seen is the body, or a part of it.
        let at = body.find(found.seen.as_deref()?)?;
        Some((at + start, at + end))
    };
    of_body.filter_map(place).collect()
}

/// The name of the field at the end of a path such as `when.any[1].body`.
fn last(path: &str) -> &str {
    let name = path.rsplit('.').next().unwrap_or(path);
    name.split('[').next().unwrap_or(name)
}

impl From<ExplainedRule> for RuleTraceView {
    fn from(rule: ExplainedRule) -> Self {
        let stopped = rule.stopped_by.map(|by| format!("Not evaluated: {by} matched and stops later rules."));
        let verdict = match (&stopped, &rule.error, rule.matched) {
            (Some(_), _, _) => "not reached",
            (None, Some(_), _) => "error",
            (None, None, true) => "matched",
            (None, None, false) => "no match",
        };
        let actions = rule.actions.into_iter().map(|action| {
            let reason = action.reason.map(|code| (code, action.reason_text.as_deref().unwrap_or_default()));
            let (outcome, reason) = describe_planned(action.kind, action.would, reason);
            ActionView {
                kind: action.kind.as_str(),
                target: action.target.map(|target| describe_target(&target, &action.recipients)),
                outcome,
                would: action.would.as_str(),
                reason: reason.map(SentenceTag),
            }
        });
        let conditions: Vec<_> = rule.conditions.into_iter().map(ConditionView::from).collect();
        let script = rule.script.map(ScriptView::from);
        let failed = (verdict == "no match" || verdict == "error").then(|| first_failed(&conditions, script.as_ref()));
        let failed = rule.note.clone().or(rule.error.clone()).filter(|_| !rule.matched).or(failed.flatten());
        Self {
            place: format!("{}:{}", rule.file, rule.line),
            failed: failed.or_else(|| stopped.clone()),
            mode: rule.mode.as_str(),
            matched: rule.matched,
            verdict,
            why: [stopped, rule.error, rule.note].into_iter().flatten().map(SentenceTag).collect(),
            conditions,
            script,
            captures: rule.captures.into_iter().collect(),
            actions: actions.collect(),
            name: rule.name,
        }
    }
}

/// The first condition that failed. A single alternative of `any` decides nothing, so others come first.
fn first_failed(conditions: &[ConditionView], script: Option<&ScriptView>) -> Option<String> {
    let mut against = conditions.iter().filter(|found| found.good == Some(false));
    let is_alternative = |found: &&ConditionView| found.path.split('.').any(|part| part.starts_with("any["));
    let first = against.clone().find(|found| !is_alternative(found)).or_else(|| against.next());
    let Some(found) = first else {
        return script.filter(|script| script.good == Some(false)).map(|script| format!("script: {}", script.words));
    };
    let seen = found.seen.as_deref().map(|parts| parts.iter().map(|part| part.text.as_str()).collect::<String>());
    if !found.looked {
        let must = if found.negated { "must not hold" } else { "does not hold" };
        return Some(format!("{} {must}", found.wanted));
    }
    let seen = seen.map_or_else(|| "nothing".to_owned(), |text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    let (path, wanted) = (found.path.trim_start_matches("when."), &found.wanted);
    let must = if found.negated { "must not be" } else { "expects" };
    Some(format!("{path} {must} {wanted}, saw {seen}"))
}

impl From<ConditionTrace> for ConditionView {
    fn from(found: ConditionTrace) -> Self {
        let negated = found.path.split('.').filter(|part| part.split('[').next() == Some("not")).count() % 2 == 1;
        let good = found.held.map(|held| held != negated);
        let words = match (found.held, negated) {
            (None, _) => "not evaluated",
            (Some(true), false) => "holds",
            (Some(false), false) => "does not hold",
            (Some(true), true) => "holds, but must not",
            (Some(false), true) => "does not hold, as required",
        };
        Self {
            good,
            words,
            negated,
            looked: found.held.is_some() && !found.is_use(),
            seen: found.seen.as_deref().map(|seen| around(seen, found.span)),
            phrase: found.phrase,
            row: found.row,
            path: found.path,
            wanted: found.wanted,
        }
    }
}

impl From<ScriptTrace> for ScriptView {
    fn from(script: ScriptTrace) -> Self {
        let (good, words) = match (script.result, script.error) {
            (_, Some(error)) => (Some(false), error),
            (Some(true), None) => (Some(true), "true".to_owned()),
            (Some(false), None) => (Some(false), "false".to_owned()),
            (None, None) => (None, "not run".to_owned()),
        };
        let shown = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        Self { good, words, vars: script.vars.into_iter().map(|(name, value)| (name, shown(value))).collect() }
    }
}

/// The match with a little around it, or the beginning of a value.
fn around(seen: &str, span: Option<(usize, usize)>) -> Vec<TextPart> {
    let found = span.and_then(|(start, end)| Some((seen.get(..start)?, seen.get(start..end)?, seen.get(end..)?)));
    let Some((before, found, after)) = found else {
        let cut: String = seen.chars().take(2 * AROUND).collect();
        let more = if cut.len() < seen.len() { "…" } else { "" };
        return vec![TextPart { text: format!("{cut}{more}"), marked: false }];
    };
    let skipped = before.chars().count().saturating_sub(AROUND);
    let before: String = before.chars().skip(skipped).collect();
    let cut: String = after.chars().take(AROUND).collect();
    let (first, last) = (if skipped > 0 { "…" } else { "" }, if cut.len() < after.len() { "…" } else { "" });
    let part = |text: String, marked| TextPart { text, marked };
    vec![part(format!("{first}{before}"), false), part(found.to_owned(), true), part(format!("{cut}{last}"), false)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(path: &str, held: Option<bool>) -> ConditionView {
        let (path, wanted) = (path.to_owned(), "call".to_owned());
        let seen = Some("a call".to_owned());
        ConditionView::from(ConditionTrace { path, wanted, seen, held, span: Some((2, 6)), phrase: None, row: None })
    }

    #[test]
    fn what_must_not_hold_and_does_not_speaks_for_the_rule() {
        assert_eq!(condition("when.body", Some(true)).good, Some(true));
        assert_eq!(condition("when.not.body", Some(false)).good, Some(true));
        assert_eq!(condition("when.not.body", Some(true)).good, Some(false));
        assert_eq!(condition("when.not.any[0].not.body", Some(true)).good, Some(true));
        assert_eq!(condition("when.not.body", None).good, None);
        assert_eq!(condition("when.notes.body", Some(false)).good, Some(false), "a name that begins with it is none");
    }

    #[test]
    fn the_match_is_shown_with_a_little_around_it() {
        let long = "x".repeat(200);
        let seen = format!("{long}call{long}");
        let shown = around(&seen, Some((200, 204)));
        assert_eq!(shown.iter().map(|part| part.text.chars().count()).collect::<Vec<_>>(), [61, 4, 61]);
        assert_eq!((shown[1].text.as_str(), shown[1].marked), ("call", true));
        let whole = around("short", None);
        assert_eq!(whole, [TextPart { text: "short".to_owned(), marked: false }]);
    }
}
