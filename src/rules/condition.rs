//! Conditions in three-valued logic: yes, no, or unknown until something is read.

use super::{
    definition::{Condition, Matcher, Predicate, Rule, is_id},
    event::{Facts, ThreadMessages},
    field::{FlagField, GlobField, NumberField, TextField},
    pattern::{Pattern, excerpt},
};
use crate::model::{ConditionTrace, ThreadDetail, address_of, format_duration, non_blank};
use std::collections::BTreeMap;

/// What must be read before a rule can be decided. The order is from cheap to dear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// The thread: one request.
    Thread,
    /// The messages: one request, more for a very long conversation.
    Messages,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    Unknown(Need),
}

impl From<bool> for Truth {
    fn from(held: bool) -> Self {
        if held { Self::Yes } else { Self::No }
    }
}

impl Truth {
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown(left), Self::Unknown(right)) => Self::Unknown(left.min(right)),
            (Self::Unknown(need), Self::Yes) | (Self::Yes, Self::Unknown(need)) => Self::Unknown(need),
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown(need) => Self::Unknown(need),
        }
    }

    fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }
}

/// What looking at a rule's conditions gave.
pub(super) struct ConditionResult {
    pub(super) answer: Truth,
    pub(super) traces: Vec<ConditionTrace>,
    pub(super) captures: BTreeMap<String, String>,
    pub(super) note: Option<String>,
}

/// The traces of a rule that was not reached.
pub(super) fn unevaluated(rule: &Rule) -> Vec<ConditionTrace> {
    rule.tests.iter().map(blank).collect()
}

fn blank(test: &Predicate) -> ConditionTrace {
    ConditionTrace { path: test.path.clone(), wanted: test.wanted.clone(), seen: None, held: None, span: None }
}

/// Evaluates a rule's conditions on what has been read.
pub(super) fn evaluate(rule: &Rule, facts: &Facts<'_>) -> ConditionResult {
    let mut eye = Evaluator { rule, facts, traces: unevaluated(rule), captures: BTreeMap::new(), note: None };
    let answer = eye.node(&rule.when, false);
    ConditionResult { answer, traces: eye.traces, captures: eye.captures, note: eye.note }
}

struct Evaluator<'e, 'a> {
    rule: &'e Rule,
    facts: &'e Facts<'a>,
    traces: Vec<ConditionTrace>,
    captures: BTreeMap<String, String>,
    note: Option<String>,
}

impl Evaluator<'_, '_> {
    fn node(&mut self, node: &Condition, negated: bool) -> Truth {
        // With named groups every alternative is looked at, so that what is captured does not depend on costs.
        let all = self.facts.input.thorough || (self.rule.mentions.named_groups && !negated);
        match node {
            Condition::Always => Truth::Yes,
            Condition::Not(inner) => self.node(inner, !negated).not(),
            Condition::All(children) => {
                self.children(children, negated, Truth::Yes, Truth::No, Truth::and, self.facts.input.thorough)
            }
            Condition::Any(children) => self.children(children, negated, Truth::No, Truth::Yes, Truth::or, all),
            Condition::Test(index) => self.test(*index, negated),
        }
    }

    fn children(
        &mut self,
        children: &[Condition],
        negated: bool,
        start: Truth,
        decides: Truth,
        join: impl Fn(Truth, Truth) -> Truth,
        all: bool,
    ) -> Truth {
        let mut answer = start;
        for child in children {
            answer = join(answer, self.node(child, negated));
            if answer == decides && !all {
                break;
            }
        }
        answer
    }

    fn test(&mut self, index: usize, negated: bool) -> Truth {
        let Some(test) = self.rule.tests.get(index) else { return Truth::No };
        let mut seen = check(&test.check, self.facts);
        if matches!(seen.answer, Truth::Unknown(_)) {
            let same = |trace: &&ConditionTrace| trace.path == test.path && trace.wanted == test.wanted;
            let earlier = self.facts.earlier.and_then(|earlier| earlier.conditions.iter().find(same));
            if let Some(held) = earlier.and_then(|trace| trace.held) {
                seen.answer = held.into();
            }
        }
        let CheckResult { answer, shown, span, captures, cut } = seen;
        if let Some(trace) = self.traces.get_mut(index) {
            trace.held = match answer {
                Truth::Yes => Some(true),
                Truth::No => Some(false),
                Truth::Unknown(_) => None,
            };
            trace.seen = shown;
            trace.span = span;
        }
        if cut {
            self.note = Some("the text is longer than 64 KiB; only the beginning was matched".to_owned());
        }
        if !negated && answer == Truth::Yes {
            for (name, value) in captures {
                self.captures.entry(name).or_insert(value);
            }
        }
        answer
    }
}

struct CheckResult {
    answer: Truth,
    shown: Option<String>,
    span: Option<(usize, usize)>,
    captures: Vec<(String, String)>,
    cut: bool,
}

impl CheckResult {
    fn unknown(need: Need) -> Self {
        Self { answer: Truth::Unknown(need), shown: None, span: None, captures: Vec::new(), cut: false }
    }

    fn plain(held: bool, shown: Option<String>) -> Self {
        Self { answer: held.into(), shown, span: None, captures: Vec::new(), cut: false }
    }
}

fn check(check: &Matcher, facts: &Facts<'_>) -> CheckResult {
    match check {
        Matcher::Glob(field, globs) => {
            if *field == GlobField::Campaign {
                return campaign(globs, facts);
            }
            let values = match glob_values(*field, facts) {
                Ok(values) => values,
                Err(need) => return CheckResult::unknown(need),
            };
            let held = globs.iter().any(|glob| glob.matches(values.iter().map(String::as_str)));
            CheckResult::plain(held, (!values.is_empty()).then(|| values.join(", ")))
        }
        Matcher::Text(field, patterns) => match text_value(*field, facts) {
            Ok(text) => search(*field, patterns, text, facts),
            Err(need) => CheckResult::unknown(need),
        },
        Matcher::Number(field, bounds) => match number_value(*field, facts) {
            Ok(None) => CheckResult::plain(false, None),
            Ok(Some(value)) => {
                CheckResult::plain(bounds.iter().any(|bounds| bounds.contain(value)), Some(value.to_string()))
            }
            Err(need) => CheckResult::unknown(need),
        },
        Matcher::Age(bounds) => match facts.age() {
            None => CheckResult::plain(false, None),
            Some(age) => {
                let shown = format_duration(std::time::Duration::from_secs(age.as_secs()));
                CheckResult::plain(bounds.iter().any(|bounds| bounds.contain(age)), Some(shown))
            }
        },
        Matcher::Flag(field, wanted) => match flag_value(*field, facts) {
            Ok(value) => CheckResult::plain(value == Some(*wanted), value.map(|value| value.to_string())),
            Err(need) => CheckResult::unknown(need),
        },
        Matcher::AnyAutoReply => CheckResult::plain(true, None),
    }
}

/// A campaign is named by the row; its id is known to the thread only, and asked for only where a name does not decide.
fn campaign(globs: &[super::pattern::Glob], facts: &Facts<'_>) -> CheckResult {
    let name = facts.input.row.campaign();
    let shown = name.map(str::to_owned);
    if globs.iter().any(|glob| !is_id(glob) && glob.matches(name)) {
        return CheckResult::plain(true, shown);
    }
    if !globs.iter().any(is_id) || name.is_none() {
        return CheckResult::plain(false, shown);
    }
    let Some(detail) = facts.input.detail else { return CheckResult::unknown(Need::Thread) };
    let id = detail.campaign_id.as_deref();
    CheckResult::plain(globs.iter().any(|glob| is_id(glob) && glob.matches(id)), id.map(str::to_owned).or(shown))
}

fn glob_values(field: GlobField, facts: &Facts<'_>) -> Result<Vec<String>, Need> {
    let row = facts.input.row;
    let one = |value: Option<&str>| non_blank(value).map(str::to_owned).into_iter().collect::<Vec<_>>();
    let detail = || facts.input.detail.ok_or(Need::Thread);
    Ok(match field {
        GlobField::Category => one(row.category()),
        GlobField::Campaign => one(row.campaign()),
        GlobField::LeadEmail => facts.lead_address().into_iter().collect(),
        GlobField::LeadDomain => row.lead_domain().into_iter().collect(),
        GlobField::Inbox => inbox_values(detail()?),
        GlobField::Tags => detail()?.tags.iter().filter(|tag| !tag.trim().is_empty()).cloned().collect(),
        GlobField::AiCategory => one(detail()?.ai_category.as_deref()),
        GlobField::ManualCategory => one(detail()?.manual_category.as_deref()),
        GlobField::Workspace => one(Some(facts.input.workspace)),
        GlobField::LeadLanguage => one(facts.messages()?.language()),
        GlobField::From => {
            let from = facts.messages()?.newest_inbound().and_then(|message| message.from.as_deref());
            non_blank(from).map(|from| address_of(from).unwrap_or_else(|| from.to_owned())).into_iter().collect()
        }
        GlobField::Attachment => {
            let message = facts.messages()?.newest_inbound();
            let files = message.map(|message| message.attachments.as_slice()).unwrap_or_default();
            files.iter().filter_map(|file| non_blank(file.filename.as_deref())).map(str::to_owned).collect()
        }
    })
}

/// An inbox is named by its address; where a rule names it by id, that fits too.
fn inbox_values(detail: &ThreadDetail) -> Vec<String> {
    let address =
        non_blank(detail.inbox_email.as_deref()).map(|text| address_of(text).unwrap_or_else(|| text.to_owned()));
    let id = non_blank(detail.row.inbox_id.as_deref()).map(str::to_owned);
    address.into_iter().chain(id).collect()
}

fn text_value<'a>(field: TextField, facts: &Facts<'a>) -> Result<Option<&'a str>, Need> {
    let row = facts.input.row;
    Ok(match field {
        TextField::LeadName => non_blank(row.lead_name.as_deref()),
        TextField::Subject => non_blank(row.subject.as_deref()),
        TextField::Preview => non_blank(row.preview.as_deref()),
        TextField::Body => facts.messages()?.body(),
        TextField::FullBody => facts.messages()?.full_body(),
        TextField::History => Some(facts.messages()?.history()),
    })
}

fn number_value(field: NumberField, facts: &Facts<'_>) -> Result<Option<f64>, Need> {
    let talk = || facts.messages().map(ThreadMessages::conversation);
    Ok(match field {
        NumberField::ReplyCount => facts.input.row.reply_count.map(|count| count as f64),
        NumberField::AiConfidence => facts.input.detail.ok_or(Need::Thread)?.ai_confidence,
        NumberField::MessageCount => Some(talk()?.messages().len() as f64),
        NumberField::InboundCount => Some(talk()?.inbound_count() as f64),
        NumberField::OutboundCount => Some(talk()?.outbound_count() as f64),
    })
}

fn flag_value(field: FlagField, facts: &Facts<'_>) -> Result<Option<bool>, Need> {
    Ok(match field {
        FlagField::IsRead => facts.input.row.is_read,
        FlagField::IsStarred => facts.input.row.is_starred,
        FlagField::HasAttachment => {
            Some(facts.messages()?.newest_inbound().is_some_and(|message| !message.attachments.is_empty()))
        }
        FlagField::AutoReply => Some(facts.messages()?.auto_reply().is_some()),
        // What is found without the messages decides; that nothing is there is known only with them.
        FlagField::OptOut if facts.input.lead_opted_out == Some(true) || facts.opt_out().is_some() => Some(true),
        FlagField::OptOut => {
            facts.messages()?;
            Some(false)
        }
    })
}

fn search<'a>(field: TextField, patterns: &[Pattern], text: Option<&'a str>, facts: &Facts<'a>) -> CheckResult {
    let Some(text) = text.and_then(|text| facts.search_text(field, text)) else {
        return CheckResult::plain(false, None);
    };
    // Captures are computed for the first pattern that is found only; finding alone is cheaper.
    let there = facts.literal_hits(field, text.as_str());
    let mut likely = patterns.iter().filter(|pattern| there.may_match(pattern));
    let found = likely.find_map(|pattern| Some((pattern, pattern.regex().find(text.as_str())?)));
    let mut captures = Vec::new();
    if let Some((pattern, _)) = &found
        && pattern.group_names().next().is_some()
        && let Some(groups) = pattern.regex().captures(text.as_str())
    {
        let named =
            pattern.group_names().filter_map(|name| Some((name, text.original_text(groups.name(name)?).trim())));
        captures.extend(named.filter(|(_, v)| !v.is_empty()).map(|(n, v)| (n.to_owned(), v.to_owned())));
    }
    let marked = found.as_ref().map(|(_, found)| text.original_range(found.range()));
    let (shown, span) = excerpt(text.original(), marked.map(|marked| (marked.start, marked.end)));
    CheckResult { answer: found.is_some().into(), shown: Some(shown), span, captures, cut: text.is_cut() }
}

impl<'a> Facts<'a> {
    fn messages(&self) -> Result<&'a ThreadMessages, Need> {
        self.input.messages.ok_or(Need::Messages)
    }

    /// The time since the last message; zero where the clock says that it lies ahead.
    pub(super) fn age(&self) -> Option<std::time::Duration> {
        let at = self.input.row.last_message_at?;
        Some(std::time::Duration::try_from(self.now.duration_since(at)).unwrap_or_default())
    }
}
