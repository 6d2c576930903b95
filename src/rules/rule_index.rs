//! Which rules of a list can match an event at all, found without looking at each of them.
//!
//! A rule requires what all ways to match it have in common: one of some categories, campaigns, workspaces or leads, and one
//! of some texts in a field. A rule that lacks one of these certainly does not match, whatever else is read; the others are
//! evaluated, in their order.

use super::{
    definition::{Condition, Matcher, Predicate, Rule, is_id},
    event::Facts,
    field::{GlobField, TextField},
    listed::ListedField,
    pattern::{Fold, Glob, GlobText, Pattern},
    prefilter::{Needles, Prefilter, PrefilterBuilder},
    rule_bits::{RuleBits, RulePlaces},
    said::PhraseIndex,
};
use crate::model::non_blank;
use std::{borrow::Cow, collections::HashMap, sync::Arc};

/// The short values that the list row tells.
const ROW_FIELDS: [GlobField; 5] =
    [GlobField::Workspace, GlobField::Category, GlobField::Campaign, GlobField::LeadDomain, GlobField::LeadEmail];

/// Fewer expressions on a field than this are searched one by one.
const MIN_PATTERNS: usize = 2;

/// What each rule of a list requires.
#[derive(Debug, Clone, Default)]
pub(super) struct RuleIndex {
    count: usize,
    values: Vec<ValueIndex>,
    texts: Vec<TextIndex>,
    phrases: Vec<PhraseIndex>,
}

/// What rules require of a short value.
#[derive(Debug, Clone)]
struct ValueIndex {
    field: GlobField,
    fold: Fold,
    /// Rules that require nothing of it.
    free: RuleBits,
    /// Rules that it may be absent for.
    absent: RuleBits,
    /// Rules by the value, folded.
    exact: HashMap<Box<[char]>, RulePlaces>,
    /// Rules by a value with `*` or `?`.
    globs: Vec<(GlobText, RulePlaces)>,
    /// Rules by a list that has it: each list is looked into once, however many rules ask.
    lists: Vec<(String, RulePlaces)>,
}

/// What rules require of a text.
#[derive(Debug, Clone)]
struct TextIndex {
    field: TextField,
    prefilter: Prefilter,
    /// Rules that require nothing of it.
    free: RuleBits,
    /// The others.
    bound: RuleBits,
    /// The rules that may match where one of the prefilter's texts was found, by the number of the text. Of the sets that an
    /// expression requires, the rarest alone brings a rule here.
    rules_of: Vec<Box<[u32]>>,
    /// What else must be there, by the rule: all sets of one of these expressions. None where one text is enough.
    sets_of: Vec<Box<[Arc<[Needles]>]>>,
}

impl RuleIndex {
    /// Looks at all rules of a list. Their expressions know from then on what they require.
    pub(super) fn build(rules: &mut [Rule]) -> Self {
        let count = rules.len();
        let texts = TextField::ALL.iter().filter_map(|field| TextIndex::build(*field, rules)).collect();
        let values = ROW_FIELDS.into_iter().filter_map(|field| ValueIndex::build(field, rules)).collect();
        let phrases = TextField::ALL.iter().filter_map(|field| PhraseIndex::build(*field, rules)).collect();
        Self { count, values, texts, phrases }
    }

    /// The rules that may match what is known of an event, or may need more of it.
    pub(super) fn candidates(&self, facts: &Facts<'_>) -> RuleBits {
        let mut left = RuleBits::all(self.count);
        for index in &self.values {
            index.narrow(facts, &mut left);
        }
        for index in &self.texts {
            if index.bound.meets(&left) {
                index.narrow(facts, &mut left);
            }
        }
        self.phrases.iter().for_each(|index| index.narrow(facts, &mut left));
        left
    }

    /// The phrases of all rules on a field, looked for together.
    pub(super) fn phrases(&self, field: TextField) -> Option<&PhraseIndex> {
        self.phrases.iter().find(|index| index.is_of(field))
    }

    /// The texts of all expressions on a field, where they are looked for together.
    pub(super) fn prefilter(&self, field: TextField) -> Option<&Prefilter> {
        self.texts.iter().find(|index| index.field == field).map(|index| &index.prefilter)
    }
}

impl ValueIndex {
    /// `None` where no rule requires anything of the field.
    fn build(field: GlobField, rules: &[Rule]) -> Option<Self> {
        let count = rules.len();
        let fold = field.fold();
        let (mut free, mut absent) = (RuleBits::all(count), RuleBits::none(count));
        let mut exact: HashMap<&[char], Vec<u32>> = HashMap::new();
        let mut globs: HashMap<&str, (&GlobText, Vec<u32>)> = HashMap::new();
        let mut lists: HashMap<&str, Vec<u32>> = HashMap::new();
        for (place, rule) in rules.iter().enumerate() {
            let Some(values) = required_values(&rule.when, &rule.tests, field) else { continue };
            free.remove(place);
            let number = u32::try_from(place).unwrap_or(u32::MAX);
            for value in values {
                match value {
                    Required::List(name) => lists.entry(name).or_default().push(number),
                    Required::Glob(Glob::Absent) => absent.insert(place),
                    Required::Glob(Glob::Like(text)) => match text.exact(fold) {
                        Some(value) => exact.entry(value).or_default().push(number),
                        None => globs.entry(text.as_str()).or_insert((text, Vec::new())).1.push(number),
                    },
                }
            }
        }
        if free == RuleBits::all(count) {
            return None;
        }
        let places = |places| RulePlaces::of(places, count);
        Some(Self {
            field,
            fold,
            free,
            absent,
            exact: exact.into_iter().map(|(value, rules)| (value.into(), places(rules))).collect(),
            globs: globs.into_values().map(|(text, rules)| (text.clone(), places(rules))).collect(),
            lists: lists.into_iter().map(|(name, rules)| (name.to_owned(), places(rules))).collect(),
        })
    }

    /// Takes out the rules that the event's value does not fit.
    fn narrow(&self, facts: &Facts<'_>, left: &mut RuleBits) {
        let row = facts.input.row;
        let value: Option<Cow<'_, str>> = match self.field {
            GlobField::Category => row.category().map(Cow::Borrowed),
            GlobField::Campaign => row.campaign().map(Cow::Borrowed),
            GlobField::LeadEmail => facts.lead_address().map(Cow::Owned),
            GlobField::LeadDomain => row.lead_domain().map(Cow::Owned),
            _ => Some(Cow::Borrowed(facts.input.workspace)),
        };
        let mut may = self.free.clone();
        match non_blank(value.as_deref()) {
            None => may.add(&self.absent),
            Some(value) => {
                let folded = self.fold.apply(value);
                if let Some(rules) = self.exact.get(folded.as_slice()) {
                    rules.add_to(&mut may);
                }
                for (_, rules) in self.globs.iter().filter(|(glob, _)| glob.matches_folded(&folded)) {
                    rules.add_to(&mut may);
                }
                let by = ListedField::Short(self.field).by();
                let has = |name: &String| facts.lists.get(name).is_some_and(|list| list.find(value, by).is_some());
                for (_, rules) in self.lists.iter().filter(|(name, _)| has(name)) {
                    rules.add_to(&mut may);
                }
            }
        }
        left.keep(&may);
    }
}

/// A value, or what has it.
enum Required<'r> {
    Glob(&'r Glob),
    List(&'r str),
}

/// The values one of which the field has wherever the condition holds; `None` where it may have any.
fn required_values<'r>(node: &'r Condition, tests: &'r [Predicate], field: GlobField) -> Option<Vec<Required<'r>>> {
    match node {
        Condition::Always | Condition::Not(_) => None,
        Condition::All(children) => {
            let each = children.iter().filter_map(|child| required_values(child, tests, field));
            each.min_by_key(Vec::len)
        }
        Condition::Any(children) => {
            let each: Option<Vec<_>> = children.iter().map(|child| required_values(child, tests, field)).collect();
            Some(each?.into_iter().flatten().collect())
        }
        Condition::Is(used) => required_values(&used.condition, tests, field),
        Condition::Test(index) => match &tests.get(*index)?.check {
            // A campaign's id is not in the row.
            Matcher::Glob(of, globs) if *of == field && !(field == GlobField::Campaign && globs.iter().any(is_id)) => {
                Some(globs.iter().map(Required::Glob).collect())
            }
            Matcher::Listed(listed) if listed.field == ListedField::Short(field) => {
                Some(listed.names().map(Required::List).collect())
            }
            _ => None,
        },
    }
}

impl TextIndex {
    /// `None` where too few rules look for anything in the field.
    fn build(field: TextField, rules: &mut [Rule]) -> Option<Self> {
        let mut builder = PrefilterBuilder::default();
        let (mut patterns, mut weights) = (0, Vec::with_capacity(rules.len()));
        for rule in rules.iter_mut() {
            let mut of_rule = vec![None; rule.tests.len()];
            for (test, weight) in rule.tests.iter_mut().zip(&mut of_rule) {
                let Matcher::Text(of, found) = &mut test.check else { continue };
                if *of == field {
                    patterns += found.len();
                    let each: Vec<Option<f64>> = found.iter_mut().map(|pattern| builder.add(pattern)).collect();
                    *weight = each.into_iter().collect::<Option<Vec<_>>>().and_then(least);
                }
            }
            weights.push(of_rule);
        }
        let all = |rules: &mut [Rule], change: &dyn Fn(&mut Pattern)| {
            for test in rules.iter_mut().flat_map(|rule| &mut rule.tests) {
                if let Matcher::Text(of, patterns) = &mut test.check
                    && *of == field
                {
                    patterns.iter_mut().for_each(change);
                }
            }
        };
        all(rules, &|pattern| builder.sort(pattern));
        let prefilter = builder.build().filter(|_| patterns >= MIN_PATTERNS);
        let Some(prefilter) = prefilter else {
            all(rules, &|pattern| pattern.needles = None);
            return None;
        };
        let (mut free, mut bound) = (RuleBits::all(rules.len()), RuleBits::none(rules.len()));
        let mut rules_of = vec![Vec::new(); prefilter.len()];
        let mut sets_of = vec![Box::default(); rules.len()];
        for (place, (rule, weights)) in rules.iter().zip(&weights).enumerate() {
            let Some((_, mut tests)) = required_tests(&rule.when, weights) else { continue };
            free.remove(place);
            bound.insert(place);
            tests.sort_unstable();
            tests.dedup();
            let mut required: Vec<Arc<[Needles]>> = Vec::new();
            for test in tests.into_iter().filter_map(|test| rule.tests.get(test)) {
                let Matcher::Text(_, patterns) = &test.check else { continue };
                required.extend(patterns.iter().filter_map(|pattern| pattern.needles.clone()));
            }
            for id in required.iter().filter_map(|sets| sets.first()).flat_map(|set| &set.ids) {
                if let (Some(rules), Ok(place)) = (rules_of.get_mut(*id as usize), u32::try_from(place))
                    && rules.last() != Some(&place)
                {
                    rules.push(place);
                }
            }
            if required.iter().any(|sets| sets.len() > 1)
                && let Some(sets) = sets_of.get_mut(place)
            {
                *sets = required.into_boxed_slice();
            }
        }
        Some(Self {
            field,
            prefilter,
            free,
            bound,
            rules_of: rules_of.into_iter().map(Vec::into_boxed_slice).collect(),
            sets_of,
        })
    }

    /// Takes out the rules none of whose texts is in the event's.
    fn narrow(&self, facts: &Facts<'_>, left: &mut RuleBits) {
        // Where it is not read yet, a rule may ask for it.
        let Ok(text) = facts.text_value(self.field) else { return };
        let hits = text.and_then(|text| facts.literal_hits(self.field, text));
        let mut may = self.free.clone();
        if let Some(hits) = hits {
            for id in hits.found() {
                let rules = self.rules_of.get(*id as usize).map(AsRef::as_ref).unwrap_or_default();
                let has_all = |place: &usize| {
                    let sets = self.sets_of.get(*place).map(AsRef::as_ref).unwrap_or_default();
                    sets.is_empty() || sets.iter().any(|sets| hits.has_all(sets))
                };
                rules.iter().map(|place| *place as usize).filter(has_all).for_each(|place| may.insert(place));
            }
        }
        left.keep(&may);
    }
}

fn least(weights: Vec<f64>) -> Option<f64> {
    weights.into_iter().min_by(f64::total_cmp)
}

/// The tests one of which holds wherever the condition does, of those that have a weight; of several such sets the
/// heaviest.
pub(super) fn required_tests(node: &Condition, weights: &[Option<f64>]) -> Option<(f64, Vec<usize>)> {
    match node {
        Condition::Always | Condition::Not(_) => None,
        Condition::All(children) => {
            let each = children.iter().filter_map(|child| required_tests(child, weights));
            each.max_by(|(left, _), (right, _)| left.total_cmp(right))
        }
        Condition::Any(children) => {
            let each: Option<Vec<_>> = children.iter().map(|child| required_tests(child, weights)).collect();
            let each = each?;
            let weight = least(each.iter().map(|(weight, _)| *weight).collect())?;
            Some((weight, each.into_iter().flat_map(|(_, tests)| tests).collect()))
        }
        Condition::Is(used) => required_tests(&used.condition, weights),
        Condition::Test(index) => Some(((*weights.get(*index)?)?, vec![*index])),
    }
}
