//! What a backtest found, summed up as the events come.

use super::{
    compare::{Outcome, Side, effect, has_effect, is_shadow},
    difference::Difference,
    event_line::EventLine,
    replay::GIVEN_UP,
};
use crate::{
    model::{Decision, PlannedAction, PlannedOutcome, ReasonCode, cut_text},
    rules::{Need, RuleSet},
    store::EventKind,
};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use utoipa::ToSchema;

/// So many changed events are told of; the others are counted.
pub const MAX_CHANGES: usize = 20_000;
/// So many events that lack something are named for a rule.
const MAX_NAMED: usize = 20;
/// So many files that cannot be read are named.
const MAX_UNREADABLE: usize = 1_000;
/// So much of a text is told, in characters.
const MAX_TEXT: usize = 4_000;

/// How much a report holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many changed events.
    pub changes: usize,
    /// So many bytes of them, roughly.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { changes: MAX_CHANGES, bytes: usize::MAX }
    }
}

/// What was found.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Report {
    /// The events that both sets decided.
    pub events: u64,
    /// Those of them whose outcome differs.
    pub changed: u64,
    /// Events that lack what a rule needs, and so were not compared.
    pub lacking_events: u64,
    /// Events of workspaces that neither set knows.
    pub unknown_workspace: u64,
    /// Events that were given more than once: each counts once.
    pub repeated_events: u64,
    /// Those of `events` in which stand-ins replace people and domains.
    pub redacted_events: u64,
    /// Files that hold events and were not compared: they cannot be read, or nobody knows when they were.
    pub unreadable_events: u64,
    /// The first of them.
    pub unreadable: Vec<Unreadable>,
    /// Each rule that either set has: the later set's in order, then those that are gone.
    pub rules: Vec<RuleRow>,
    /// What rules need that events lack.
    pub lacking: Vec<Lacking>,
    /// The events whose outcome differs, oldest first.
    pub changes: Vec<Change>,
    /// How many more there are.
    pub changes_left_out: u64,
    /// Where each rule stands in `rules`.
    #[serde(skip)]
    places: HashMap<String, usize>,
    #[serde(skip)]
    limits: Limits,
    /// How many bytes the changes have.
    #[serde(skip)]
    bytes: usize,
}

/// What a rule did before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleRow {
    /// The rule.
    pub name: String,
    /// In the earlier set; `None` if that does not have it.
    pub before: Option<RuleCounts>,
    /// In the later set.
    pub after: Option<RuleCounts>,
    /// The events whose outcome changes, and in which it matches on one side only or does something else.
    pub changed: u64,
}

/// How often a rule matched, and what became of its actions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleCounts {
    /// The events that it matched.
    pub matches: u64,
    /// The events on which it could not be evaluated, and so did not match: its script or a template failed.
    pub errors: u64,
    /// The first error.
    pub error: Option<String>,
    /// Its actions by outcome: done, held, waiting, shadow, suppressed, cancelled, failed.
    pub actions: BTreeMap<&'static str, u64>,
}

/// What a rule needs that events lack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Lacking {
    /// The set that the rule is in: `before` or `after`.
    pub set: &'static str,
    /// The rule.
    pub rule: String,
    /// `messages` or `thread`.
    pub needs: &'static str,
    /// How many events lack it.
    pub events: u64,
    /// The first of them.
    pub ids: Vec<String>,
}

/// A file that holds an event and was not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Unreadable {
    /// The file.
    pub file: String,
    /// Why not.
    pub reason: String,
}

/// An event whose outcome differs.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Change {
    /// The id of the decision that was made on it.
    pub id: String,
    /// What made rules run.
    pub kind: EventKind,
    /// When rules were evaluated.
    pub time: Timestamp,
    /// The workspace's name.
    pub workspace: String,
    /// The thread's id at ColdSend.
    pub thread_id: String,
    /// The lead's address.
    pub lead: Option<String>,
    /// What the lead wrote anew; the row's preview where the messages were not read.
    pub new_text: Option<String>,
    /// What was done.
    pub before: ChangedSide,
    /// What would be done.
    pub after: ChangedSide,
    /// What made the difference.
    pub why: Difference,
}

/// What one set of rules does with a changed event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChangedSide {
    /// The rules that matched, in order.
    pub rules: Vec<String>,
    /// What is done or recorded.
    pub actions: Vec<ChangedAction>,
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChangedAction {
    /// The rule that does it.
    pub rule: String,
    /// What it does.
    pub kind: &'static str,
    /// Its destination, for forwards.
    pub target: Option<String>,
    /// Whom it is for, beside the destination's own: a channel, or addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// The outcome: done, held, waiting, shadow, suppressed, cancelled, failed.
    pub outcome: &'static str,
    /// Why.
    pub reason: Option<String>,
    /// The text of a reply or a forward.
    pub text: Option<String>,
}

impl Report {
    /// A report on two sets; no event so far.
    pub fn new(before: &RuleSet, after: &RuleSet) -> Self {
        Self::within(Limits::default(), before, after)
    }

    /// The same, which holds no more than this of the changes; the others are counted.
    pub fn within(limits: Limits, before: &RuleSet, after: &RuleSet) -> Self {
        let mut report = Self { limits, ..Self::default() };
        for (set, is_after) in [(after, true), (before, false)] {
            for rule in set.rules() {
                let counts = RuleCounts::default();
                let row = report.row(&rule.name);
                let side = if is_after { &mut row.after } else { &mut row.before };
                *side = Some(counts);
            }
        }
        report
    }

    /// Adds an event.
    pub fn add(&mut self, event: &EventLine, outcome: Outcome) {
        let Outcome { before, after, difference, new_text } = outcome;
        let (before, after) = match (before, after) {
            (Side::Decided(before), Side::Decided(after)) => (before, after),
            (before, after) => {
                self.lacking_events += 1;
                for (set, side) in [("before", before), ("after", after)] {
                    if let Side::Lacks(lack) = side {
                        self.add_lack(set, lack.rule, lack.need, &event.id);
                    }
                }
                return;
            }
        };
        self.events += 1;
        self.redacted_events += u64::from(event.redacted);
        self.count(&before, |row| row.before.get_or_insert_default());
        self.count(&after, |row| row.after.get_or_insert_default());
        let Some(why) = difference else { return };
        self.changed += 1;
        for name in changed_rules(&before, &after) {
            self.row(name).changed += 1;
        }
        if self.changes.len() >= self.limits.changes || self.bytes >= self.limits.bytes {
            self.changes_left_out += 1;
            return;
        }
        let change = Change {
            id: event.id.clone(),
            kind: event.kind,
            time: event.time,
            workspace: event.workspace.clone(),
            thread_id: event.row.id.clone(),
            lead: event.row.lead_email.clone(),
            new_text: new_text.as_deref().or(event.row.preview.as_deref()).map(|text| cut_text(text, MAX_TEXT)),
            before: side(&before),
            after: side(&after),
            why,
        };
        self.bytes += change.size();
        self.changes.push(change);
    }

    /// Adds a file that was not compared.
    pub(super) fn add_unreadable(&mut self, unreadable: Unreadable) {
        self.unreadable_events += 1;
        if self.unreadable.len() < MAX_UNREADABLE {
            self.unreadable.push(unreadable);
        }
    }

    fn row(&mut self, name: &str) -> &mut RuleRow {
        let place = match self.places.get(name) {
            Some(place) => *place,
            None => {
                self.places.insert(name.to_owned(), self.rules.len());
                self.rules.push(RuleRow { name: name.to_owned(), before: None, after: None, changed: 0 });
                self.rules.len() - 1
            }
        };
        &mut self.rules[place]
    }

    fn count(&mut self, decision: &Decision, counts: impl Fn(&mut RuleRow) -> &mut RuleCounts) {
        for name in decision.matched() {
            counts(self.row(name)).matches += 1;
        }
        for (rule, error) in decision.rules.iter().filter_map(|rule| Some((rule, rule.error.as_ref()?))) {
            let counts = counts(self.row(&rule.name));
            counts.errors += 1;
            counts.error.get_or_insert_with(|| cut_text(error, MAX_TEXT));
        }
        for action in &decision.actions {
            *counts(self.row(&action.rule)).actions.entry(outcome_of(action)).or_default() += 1;
        }
    }

    fn add_lack(&mut self, set: &'static str, rule: String, need: Need, id: &str) {
        let needs = match need {
            Need::Thread => "thread",
            Need::Messages => "messages",
        };
        let is_same = |lack: &&mut Lacking| (lack.set, lack.needs, &lack.rule) == (set, needs, &rule);
        match self.lacking.iter_mut().find(is_same) {
            Some(lack) => {
                lack.events += 1;
                if lack.ids.len() < MAX_NAMED {
                    lack.ids.push(id.to_owned());
                }
            }
            None => self.lacking.push(Lacking { set, rule, needs, events: 1, ids: vec![id.to_owned()] }),
        }
    }
}

impl Change {
    /// In memory, in bytes; roughly.
    fn size(&self) -> usize {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let side = |side: &ChangedSide| -> usize {
            let actions = side.actions.iter();
            let actions = actions.map(|action| 256 + length(&action.text) + length(&action.reason));
            actions.sum::<usize>() + side.rules.iter().map(|rule| 24 + rule.len()).sum::<usize>()
        };
        let why = self.why.text.len() + length(&self.why.wanted) + length(&self.why.seen);
        512 + length(&self.lead) + length(&self.new_text) + side(&self.before) + side(&self.after) + why
    }
}

fn side(decision: &Decision) -> ChangedSide {
    let actions = decision.actions.iter().filter(|action| has_effect(action) || is_stopped(action));
    let actions = actions.map(|action| ChangedAction {
        rule: action.rule.clone(),
        kind: action.kind.as_str(),
        target: action.target.clone(),
        recipients: action.payload.recipients().to_vec(),
        outcome: outcome_of(action),
        reason: action.reason.as_ref().map(|reason| reason.text.clone()).filter(|text| !text.is_empty()),
        text: action.payload.preview_text().map(|text| cut_text(text, MAX_TEXT)),
    });
    ChangedSide { rules: decision.matched().map(str::to_owned).collect(), actions: actions.collect() }
}

/// The rules whose part in the outcome differs.
fn changed_rules<'a>(before: &'a Decision, after: &'a Decision) -> BTreeSet<&'a str> {
    let parts = |decision: &'a Decision| {
        let mut parts: BTreeMap<&str, Vec<String>> = decision.matched().map(|name| (name, Vec::new())).collect();
        for action in decision.actions.iter().filter(|action| has_effect(action)) {
            parts.entry(action.rule.as_str()).or_default().push(effect(action));
        }
        parts.values_mut().for_each(|effects| effects.sort_unstable());
        parts
    };
    let (before, after) = (parts(before), parts(after));
    let names = before.keys().chain(after.keys()).copied();
    names.filter(|name| before.get(name) != after.get(name)).collect()
}

fn outcome_of(action: &PlannedAction) -> &'static str {
    match &action.reason {
        _ if is_shadow(action) => "shadow",
        Some(reason) if action.would == PlannedOutcome::Suppressed && GIVEN_UP.contains(&reason.code) => "cancelled",
        _ => action.would.as_str(),
    }
}

/// Whether policy stopped it, and not another rule that does the same.
fn is_stopped(action: &PlannedAction) -> bool {
    let does_another = |code| matches!(code, ReasonCode::AlreadyAnswered | ReasonCode::SameTarget);
    let code = action.reason.as_ref().map(|reason| reason.code);
    action.would == PlannedOutcome::Suppressed && !code.is_none_or(does_another)
}
