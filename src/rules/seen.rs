//! What the conditions of a rule saw of an event, for whoever asks why.

use super::{
    captured::Captured,
    condition::{Truth, flag_value, glob_values, holds_or_held, number_value},
    definition::{Capture, Condition, Matcher, Predicate, Rule, is_id},
    event::Facts,
    field::{GlobField, TextField},
    pattern::{Glob, Pattern, excerpt},
    said::Said,
};
use crate::model::{ConditionTrace, PhraseTrace, RowTrace, format_duration};
use std::time::Duration;

/// What looking at all conditions of a rule gave.
pub(super) struct ConditionResult {
    pub(super) answer: Truth,
    pub(super) traces: Vec<ConditionTrace>,
    pub(super) captured: Captured,
    pub(super) note: Option<String>,
}

/// The traces of a rule that was not reached.
pub(super) fn unevaluated(rule: &Rule) -> Vec<ConditionTrace> {
    rule.tests.iter().map(blank).collect()
}

fn blank(test: &Predicate) -> ConditionTrace {
    ConditionTrace {
        path: test.path.clone(),
        wanted: test.wanted.clone(),
        seen: None,
        held: None,
        span: None,
        phrase: None,
        row: None,
    }
}

/// Looks at each of a rule's conditions, and tells what it saw.
pub(super) fn evaluate(rule: &Rule, facts: &Facts<'_>) -> ConditionResult {
    let mut evaluator = Evaluator::new(rule, facts, &rule.captures);
    let answer = evaluator.node(&rule.when, false);
    ConditionResult { answer, traces: evaluator.traces, captured: evaluator.captured, note: evaluator.note }
}

pub(super) struct Evaluator<'e, 'a> {
    pub(super) rule: &'e Rule,
    pub(super) facts: &'e Facts<'a>,
    pub(super) traces: Vec<ConditionTrace>,
    pub(super) captured: Captured,
    pub(super) note: Option<String>,
    /// What the rule, or the definition at hand, looks for itself.
    pub(super) own: &'e [Capture],
}

impl<'e, 'a> Evaluator<'e, 'a> {
    pub(super) fn new(rule: &'e Rule, facts: &'e Facts<'a>, own: &'e [Capture]) -> Self {
        Self { rule, facts, traces: unevaluated(rule), captured: Captured::default(), note: None, own }
    }

    /// Tells whether a condition held.
    pub(super) fn set_held(&mut self, index: usize, answer: Truth) {
        if let Some(trace) = self.traces.get_mut(index) {
            trace.held = match answer {
                Truth::Yes => Some(true),
                Truth::No => Some(false),
                Truth::Unknown(_) | Truth::Failed => None,
            };
        }
    }

    /// Looks at a part of the conditions; `negated`: it stands under `not`.
    pub(super) fn node(&mut self, node: &'e Condition, negated: bool) -> Truth {
        match node {
            Condition::Always => Truth::Yes,
            Condition::Not(inner) => self.node(inner, !negated).not(),
            Condition::All(children) => self.part(children, Truth::Yes, Truth::and, negated),
            Condition::Any(children) => self.part(children, Truth::No, Truth::or, negated),
            Condition::Test(index) => self.test(*index, negated),
            Condition::Is(used) => self.definition(used, negated),
        }
    }

    /// What a part captures counts if the part as a whole comes out as it must.
    fn part(
        &mut self,
        children: &'e [Condition],
        start: Truth,
        join: fn(Truth, Truth) -> Truth,
        negated: bool,
    ) -> Truth {
        let before = std::mem::take(&mut self.captured);
        let truth = children.iter().fold(start, |truth, child| join(truth, self.node(child, negated)));
        let captured = std::mem::replace(&mut self.captured, before);
        self.captured.take_part(captured, truth, (!negated).into());
        truth
    }

    fn test(&mut self, index: usize, negated: bool) -> Truth {
        let Some(test) = self.rule.tests.get(index) else { return Truth::No };
        let answer = holds_or_held(test, self.facts);
        let seen = look(&test.check, answer == Truth::Yes, self.facts);
        self.set_held(index, answer);
        if let Some(trace) = self.traces.get_mut(index) {
            trace.seen = seen.shown;
            trace.span = seen.span;
            trace.phrase = seen.phrase;
            trace.row = seen.row;
        }
        if seen.is_cut {
            self.note = Some("the text is longer than 64 KiB; only the beginning was matched".to_owned());
        }
        if !negated {
            self.captured.take_groups(index, &test.check, answer, seen.captures);
        }
        answer
    }
}

/// What a comparison saw.
#[derive(Default)]
struct Seen {
    shown: Option<String>,
    span: Option<(usize, usize)>,
    captures: Vec<(String, String)>,
    is_cut: bool,
    phrase: Option<PhraseTrace>,
    row: Option<RowTrace>,
}

impl Seen {
    fn value(shown: Option<String>) -> Self {
        Self { shown, ..Self::default() }
    }
}

/// What a comparison that held, or did not, sees of what has been read.
fn look(check: &Matcher, held: bool, facts: &Facts<'_>) -> Seen {
    match check {
        Matcher::Glob(GlobField::Campaign, globs) => Seen::value(shown_campaign(globs, facts)),
        Matcher::Glob(field, _) => {
            let values = glob_values(*field, facts).unwrap_or_default();
            Seen::value((!values.is_empty()).then(|| values.join(", ")))
        }
        Matcher::Text(field, patterns) => match facts.text_value(*field) {
            Ok(text) => look_at_text(*field, if held { patterns } else { &[] }, text, facts),
            Err(_) => Seen::default(),
        },
        Matcher::Says(field, said) => match facts.text_value(*field) {
            Ok(text) => look_for_phrase(*field, Some(said).filter(|_| held), text, facts),
            Err(_) => Seen::default(),
        },
        Matcher::Listed(listed) => {
            let (shown, span, row) = listed.trace(facts);
            Seen { shown, span, row, ..Seen::default() }
        }
        Matcher::Number(field, _) => {
            Seen::value(number_value(*field, facts).ok().flatten().map(|value| value.to_string()))
        }
        Matcher::Age(_) => {
            let shown = |age: Duration| format_duration(Duration::from_secs(age.as_secs()));
            Seen::value(facts.age().map(shown))
        }
        Matcher::Flag(field, _) => Seen::value(flag_value(*field, facts).ok().flatten().map(|value| value.to_string())),
        Matcher::AnyAutoReply | Matcher::Is(..) | Matcher::Script(_) => Seen::default(),
    }
}

/// The name, or the id where only that decides and is known.
fn shown_campaign(globs: &[Glob], facts: &Facts<'_>) -> Option<String> {
    let name = facts.input.row.campaign()?;
    if globs.iter().any(|glob| !is_id(glob) && glob.matches(Some(name))) || !globs.iter().any(is_id) {
        return Some(name.to_owned());
    }
    let detail = facts.input.detail?;
    Some(detail.campaign_id.clone().unwrap_or_else(|| name.to_owned()))
}

/// Where the first expression that is found stands in a text, and what its groups take.
fn look_at_text<'a>(field: TextField, patterns: &[Pattern], text: Option<&'a str>, facts: &Facts<'a>) -> Seen {
    let Some(original) = text else { return Seen::default() };
    let (hits, text) = (facts.literal_hits(field, original), facts.search_text(field, original));
    let Some(text) = text else { return Seen::default() };
    let mut likely = patterns.iter().filter(|pattern| hits.is_none_or(|hits| hits.may_match(pattern)));
    let found = likely.find_map(|pattern| Some((pattern, pattern.find(text.as_str())?)));
    let mut captures = Vec::new();
    if let Some((pattern, _)) = &found
        && pattern.group_names().next().is_some()
        && let Some(groups) = pattern.captures(text.as_str())
    {
        let named =
            pattern.group_names().filter_map(|name| Some((name, text.original_text(groups.name(name)?).trim())));
        captures.extend(named.filter(|(_, v)| !v.is_empty()).map(|(n, v)| (n.to_owned(), v.to_owned())));
    }
    let marked = found.map(|(_, found)| text.original_range(found.range()));
    let (shown, span) = excerpt(text.original(), marked.map(|marked| (marked.start, marked.end)));
    Seen { shown: Some(shown), span, captures, is_cut: text.is_cut(), ..Seen::default() }
}

/// Which phrase is found in a text, and where.
fn look_for_phrase<'a>(field: TextField, said: Option<&Said>, text: Option<&'a str>, facts: &Facts<'a>) -> Seen {
    let Some(original) = text else { return Seen::default() };
    let (hits, text) = (facts.phrase_hits(field, original), facts.search_text(field, original));
    let Some(text) = text else { return Seen::default() };
    let found = said.and_then(|said| said.find(hits, text.as_str()));
    let marked = found.as_ref().map(|(_, found)| text.original_range(found.range.clone()));
    let words = marked.clone().and_then(|marked| text.original().get(marked)).unwrap_or_default();
    let phrase = found.map(|(said, _)| PhraseTrace {
        phrase: said.phrase.as_str().to_owned(),
        place: said.place.clone(),
        words: words.split_whitespace().collect::<Vec<_>>().join(" "),
    });
    let (shown, span) = excerpt(text.original(), marked.map(|marked| (marked.start, marked.end)));
    Seen { shown: Some(shown), span, is_cut: text.is_cut(), phrase, ..Seen::default() }
}
