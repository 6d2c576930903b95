//! Conditions in three-valued logic: yes, no, or unknown until something is read.

use super::{
    definition::{Condition, Matcher, Predicate, Rule, is_id},
    definitions::decide_use,
    event::Facts,
    field::{FlagField, GlobField, NumberField, TextField},
    listed::ListedField,
    pattern::{Glob, Pattern},
    reading::ThreadMessages,
    said::Said,
};
use crate::model::{ConditionTrace, ThreadDetail, address_of, non_blank};
use std::{borrow::Cow, time::Duration};

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
    /// The script of a definition failed: whatever depends on it neither holds nor does not.
    Failed,
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
            // What is unknown may still decide.
            (Self::Unknown(need), _) | (_, Self::Unknown(need)) => Self::Unknown(need),
            (Self::Failed, _) | (_, Self::Failed) => Self::Failed,
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown(need) => Self::Unknown(need),
            Self::Failed => Self::Failed,
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }
}

/// Whether a rule's conditions hold on what has been read; ends at what decides.
pub(super) fn decide(rule: &Rule, facts: &Facts<'_>) -> Truth {
    decide_node(&rule.when, rule, facts)
}

fn decide_node(node: &Condition, rule: &Rule, facts: &Facts<'_>) -> Truth {
    match node {
        Condition::Always => Truth::Yes,
        Condition::Not(inner) => decide_node(inner, rule, facts).not(),
        Condition::All(children) => join(children, Truth::Yes, Truth::No, Truth::and, rule, facts),
        Condition::Any(children) => join(children, Truth::No, Truth::Yes, Truth::or, rule, facts),
        Condition::Test(index) => rule.tests.get(*index).map_or(Truth::No, |test| holds_or_held(test, facts)),
        Condition::Is(used) => decide_use(used, rule, facts, || decide_node(&used.condition, rule, facts)),
    }
}

fn join(
    children: &[Condition],
    start: Truth,
    decides: Truth,
    join: impl Fn(Truth, Truth) -> Truth,
    rule: &Rule,
    facts: &Facts<'_>,
) -> Truth {
    let mut answer = start;
    for child in children {
        answer = join(answer, decide_node(child, rule, facts));
        if answer == decides {
            break;
        }
    }
    answer
}

/// Whether a condition holds; where that needs more than was read, what was found when the event was first judged.
pub(super) fn holds_or_held(test: &Predicate, facts: &Facts<'_>) -> Truth {
    if facts.keeps_rows
        && matches!(test.check, Matcher::Listed(_))
        && let Some(truth) = held_before(test, facts)
    {
        return truth;
    }
    match holds(&test.check, facts) {
        truth @ Truth::Unknown(_) => held_before(test, facts).unwrap_or(truth),
        truth => truth,
    }
}

/// What was found of a condition when the event was first judged.
pub(super) fn held_before(test: &Predicate, facts: &Facts<'_>) -> Option<Truth> {
    let same = |trace: &&ConditionTrace| trace.path == test.path && trace.wanted == test.wanted;
    facts.earlier?.conditions.iter().find(same).and_then(|trace| trace.held).map(Truth::from)
}

/// Whether a comparison holds on what has been read.
fn holds(check: &Matcher, facts: &Facts<'_>) -> Truth {
    let held = match check {
        Matcher::Glob(GlobField::Campaign, globs) => campaign_holds(globs, facts),
        Matcher::Glob(field, globs) => glob_values(*field, facts)
            .map(|values| globs.iter().any(|glob| glob.matches(values.iter().map(AsRef::as_ref)))),
        Matcher::Text(field, patterns) => facts.text_value(*field).map(|text| is_found(*field, patterns, text, facts)),
        Matcher::Says(field, said) => facts.text_value(*field).map(|text| is_said(*field, said, text, facts)),
        Matcher::Listed(listed) => listed.find(facts).map(|found| found.is_some()),
        Matcher::Number(field, bounds) => number_value(*field, facts)
            .map(|value| value.is_some_and(|value| bounds.iter().any(|bounds| bounds.contain(value)))),
        Matcher::Age(bounds) => Ok(facts.age().is_some_and(|age| bounds.iter().any(|bounds| bounds.contain(age)))),
        Matcher::Flag(field, wanted) => flag_value(*field, facts).map(|value| value == Some(*wanted)),
        Matcher::AnyAutoReply => Ok(true),
        // Decided by what uses them.
        Matcher::Is(..) | Matcher::Script(_) => Ok(false),
    };
    held.map_or_else(Truth::Unknown, Truth::from)
}

/// A campaign is named by the row; its id is known to the thread only, and asked for only where a name does not decide.
fn campaign_holds(globs: &[Glob], facts: &Facts<'_>) -> Result<bool, Need> {
    let name = facts.input.row.campaign();
    if globs.iter().any(|glob| !is_id(glob) && glob.matches(name)) {
        return Ok(true);
    }
    if !globs.iter().any(is_id) || name.is_none() {
        return Ok(false);
    }
    let id = facts.input.detail.ok_or(Need::Thread)?.campaign_id.as_deref();
    Ok(globs.iter().any(|glob| is_id(glob) && glob.matches(id)))
}

pub(super) fn glob_values<'a>(field: GlobField, facts: &Facts<'a>) -> Result<Vec<Cow<'a, str>>, Need> {
    let row = facts.input.row;
    let one = |value: Option<&'a str>| non_blank(value).map(Cow::Borrowed).into_iter().collect::<Vec<_>>();
    let detail = || facts.input.detail.ok_or(Need::Thread);
    Ok(match field {
        GlobField::Category => one(row.category()),
        GlobField::Campaign => one(row.campaign()),
        GlobField::LeadEmail => facts.lead_address().map(Cow::Owned).into_iter().collect(),
        GlobField::LeadDomain => row.lead_domain().map(Cow::Owned).into_iter().collect(),
        GlobField::Inbox => inbox_values(detail()?),
        GlobField::Tags => {
            detail()?.tags.iter().filter(|tag| !tag.trim().is_empty()).map(|tag| Cow::Borrowed(tag.as_str())).collect()
        }
        GlobField::AiCategory => one(detail()?.ai_category.as_deref()),
        GlobField::ManualCategory => one(detail()?.manual_category.as_deref()),
        GlobField::Workspace => one(Some(facts.input.workspace)),
        GlobField::LeadLanguage => one(facts.messages()?.language()),
        GlobField::From => {
            let from = facts.messages()?.newest_inbound().and_then(|message| message.from.as_deref());
            non_blank(from).map(|from| address_of(from).map_or(Cow::Borrowed(from), Cow::Owned)).into_iter().collect()
        }
        GlobField::Attachment => {
            let message = facts.messages()?.newest_inbound();
            let files = message.map(|message| message.attachments.as_slice()).unwrap_or_default();
            files.iter().filter_map(|file| non_blank(file.filename.as_deref())).map(Cow::Borrowed).collect()
        }
    })
}

impl ListedField {
    /// Its values, as far as has been read.
    pub(super) fn values<'a>(self, facts: &Facts<'a>) -> Result<Vec<Cow<'a, str>>, Need> {
        match self {
            Self::Short(field) => glob_values(field, facts),
            Self::Text(field) => Ok(facts.text_value(field)?.map(Cow::Borrowed).into_iter().collect()),
        }
    }
}

/// An inbox is named by its address; where a rule names it by id, that fits too.
fn inbox_values(detail: &ThreadDetail) -> Vec<Cow<'_, str>> {
    let address =
        non_blank(detail.inbox_email.as_deref()).map(|text| address_of(text).map_or(Cow::Borrowed(text), Cow::Owned));
    let id = non_blank(detail.row.inbox_id.as_deref()).map(Cow::Borrowed);
    address.into_iter().chain(id).collect()
}

pub(super) fn number_value(field: NumberField, facts: &Facts<'_>) -> Result<Option<f64>, Need> {
    let talk = || facts.messages().map(ThreadMessages::conversation);
    Ok(match field {
        NumberField::ReplyCount => facts.input.row.reply_count.map(|count| count as f64),
        NumberField::AiConfidence => facts.input.detail.ok_or(Need::Thread)?.ai_confidence,
        NumberField::MessageCount => Some(talk()?.messages().len() as f64),
        NumberField::InboundCount => Some(talk()?.inbound_count() as f64),
        NumberField::OutboundCount => Some(talk()?.outbound_count() as f64),
    })
}

pub(super) fn flag_value(field: FlagField, facts: &Facts<'_>) -> Result<Option<bool>, Need> {
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

/// Whether one of the expressions is found in a text.
fn is_found<'a>(field: TextField, patterns: &[Pattern], text: Option<&'a str>, facts: &Facts<'a>) -> bool {
    let Some(original) = text else { return false };
    let (hits, text) = (facts.literal_hits(field, original), facts.search_text(field, original));
    let is_likely = |pattern: &&Pattern| hits.is_none_or(|hits| hits.may_match(pattern));
    text.is_some_and(|text| patterns.iter().filter(is_likely).any(|pattern| pattern.is_match(text.as_str())))
}

/// Whether one of the phrases is found in a text.
fn is_said<'a>(field: TextField, said: &Said, text: Option<&'a str>, facts: &Facts<'a>) -> bool {
    let Some(original) = text else { return false };
    let (hits, text) = (facts.phrase_hits(field, original), facts.search_text(field, original));
    text.is_some_and(|text| said.is_found(hits, text.as_str()))
}

impl<'a> Facts<'a> {
    /// The text of a field; none where it is absent or blank.
    pub(super) fn text_value(&self, field: TextField) -> Result<Option<&'a str>, Need> {
        let row = self.input.row;
        Ok(match field {
            TextField::LeadName => non_blank(row.lead_name.as_deref()),
            TextField::Subject => non_blank(row.subject.as_deref()),
            TextField::Preview => non_blank(row.preview.as_deref()),
            TextField::Body => self.messages()?.body(),
            TextField::FullBody => self.messages()?.full_body(),
            TextField::History => Some(self.messages()?.history()),
        })
    }

    fn messages(&self) -> Result<&'a ThreadMessages, Need> {
        self.input.messages.ok_or(Need::Messages)
    }

    /// The time since the last message; zero where the clock says that it lies ahead.
    pub(super) fn age(&self) -> Option<Duration> {
        let at = self.input.row.last_message_at?;
        Some(Duration::try_from(self.now.duration_since(at)).unwrap_or_default())
    }
}
