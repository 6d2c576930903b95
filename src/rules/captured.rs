//! What a rule captures: named groups of its conditions, and what `capture` looks for.
//!
//! Only a condition that holds gives anything, and whatever it is a part of must hold, too: of alternatives those that do, of
//! definitions those that do, and nothing under `not`. Of one name the first counts, in the order written.

use super::{
    condition::{Need, Truth},
    definition::{Capture, CapturePattern, Condition, Matcher, Predicate},
    event::Facts,
    field::TextField,
    pattern::Pattern,
    reading::ThreadMessages,
    search_text::SearchText,
};
use std::collections::{BTreeMap, BTreeSet};

/// What conditions captured, by name, each with the place of its condition among the rule's.
#[derive(Debug, Clone, Default)]
pub(super) struct Captured(BTreeMap<String, (usize, Capturing)>);

#[derive(Debug, Clone)]
enum Capturing {
    Text(String),
    /// It is captured or not: this must be read first.
    Unknown(Need),
}

impl Captured {
    /// What a rule captured when the event was first judged.
    pub(super) fn of_earlier(captures: &BTreeMap<String, String>) -> Self {
        let text = |(name, text): (&String, &String)| (name.clone(), (0, Capturing::Text(text.clone())));
        Self(captures.iter().map(text).collect())
    }

    /// Takes what the condition at a place captured, unless one before it captured something of that name.
    fn take(&mut self, place: usize, name: String, found: Capturing) {
        match self.0.get_mut(&name) {
            Some(known) if known.0 <= place => {}
            Some(known) => *known = (place, found),
            None => {
                self.0.insert(name, (place, found));
            }
        }
    }

    /// Takes the texts of a condition's groups; where it is not known whether it holds, the groups may have one.
    pub(super) fn take_groups(
        &mut self,
        place: usize,
        check: &Matcher,
        truth: Truth,
        texts: impl IntoIterator<Item = (String, String)>,
    ) {
        match (truth, check) {
            (Truth::Yes, _) => {
                texts.into_iter().for_each(|(name, text)| self.take(place, name, Capturing::Text(text)));
            }
            (Truth::Unknown(need), Matcher::Text(_, patterns)) => {
                let names = patterns.iter().flat_map(Pattern::group_names);
                names.for_each(|name| self.take(place, name.to_owned(), Capturing::Unknown(need)));
            }
            _ => {}
        }
    }

    /// Takes what a part of the conditions captured, if that part holds; `wanted` is what it must come to.
    pub(super) fn take_part(&mut self, part: Self, truth: Truth, wanted: Truth) {
        for (name, (place, found)) in part.0 {
            match truth {
                Truth::Unknown(need) => self.take(place, name, Capturing::Unknown(need)),
                truth if truth == wanted => self.take(place, name, found),
                _ => {}
            }
        }
    }

    /// Takes what a definition gives that is used at a place, but for what `own` looks for itself.
    pub(super) fn take_definition(&mut self, place: usize, given: &Self, truth: Truth, own: &[Capture]) {
        let is_own = |name: &str| own.iter().any(|capture| capture.name == name);
        let given = given.0.iter().filter(|(name, _)| !is_own(name));
        let moved = given.map(|(name, (_, found))| (name.clone(), (place, found.clone()))).collect();
        self.take_part(Self(moved), truth, Truth::Yes);
    }

    /// Takes what `capture` finds in the body, whatever the conditions gave.
    pub(super) fn take_own(&mut self, captures: &[Capture], facts: &Facts<'_>) {
        let Some(body) = facts.input.messages.and_then(ThreadMessages::body).filter(|_| !captures.is_empty()) else {
            return;
        };
        let Some(body) = facts.search_text(TextField::Body, body) else { return };
        for capture in captures {
            if let Some(text) = find(capture, body) {
                self.0.insert(capture.name.clone(), (0, Capturing::Text(text)));
            }
        }
    }

    /// The texts that are known.
    pub(super) fn known(self) -> BTreeMap<String, String> {
        let text = |found| match found {
            Capturing::Text(text) => Some(text),
            Capturing::Unknown(_) => None,
        };
        self.0.into_iter().filter_map(|(name, (_, found))| Some((name, text(found)?))).collect()
    }

    /// All texts.
    ///
    /// # Errors
    /// What must be read before it is known what is captured.
    pub(super) fn settled(self) -> Result<BTreeMap<String, String>, Need> {
        let unknown = self.0.values().filter_map(|(_, found)| match found {
            Capturing::Unknown(need) => Some(*need),
            Capturing::Text(_) => None,
        });
        match unknown.min() {
            Some(need) => Err(need),
            None => Ok(self.known()),
        }
    }
}

fn find(capture: &Capture, body: &SearchText<'_>) -> Option<String> {
    let range = match &capture.pattern {
        CapturePattern::Regex(pattern) => {
            let found = pattern.captures(body.as_str())?;
            let group = if found.len() > 1 { found.iter().skip(1).flatten().next()? } else { found.get(0)? };
            group.range()
        }
        CapturePattern::Says(said) => said.find(None, body.as_str())?.1.range,
    };
    let text = body.original().get(body.original_range(range))?.trim();
    Some(text).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The names that conditions may give to the templates: those that they give when they hold, and those that stand under `not`
/// and give nothing.
pub(super) fn names_of(condition: &Condition, tests: &[Predicate]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut given, mut refused) = (BTreeSet::new(), BTreeSet::new());
    let mut tell = |name: &str, negated: bool| {
        let names = if negated { &mut refused } else { &mut given };
        names.insert(name.to_owned());
    };
    gather(condition, tests, false, &mut tell);
    (given, refused)
}

fn gather(condition: &Condition, tests: &[Predicate], negated: bool, tell: &mut dyn FnMut(&str, bool)) {
    match condition {
        Condition::Always => {}
        Condition::Not(inner) => gather(inner, tests, !negated, tell),
        Condition::All(children) | Condition::Any(children) => {
            children.iter().for_each(|child| gather(child, tests, negated, tell));
        }
        Condition::Test(index) => {
            if let Some(Matcher::Text(_, patterns)) = tests.get(*index).map(|test| &test.check) {
                patterns.iter().flat_map(Pattern::group_names).for_each(|name| tell(name, negated));
            }
        }
        Condition::Is(used) => {
            used.captures.iter().for_each(|capture| tell(&capture.name, negated));
            // A definition that must not hold gives nothing, whatever it consists of.
            gather(&used.condition, tests, false, &mut |name, inside| tell(name, inside || negated));
        }
    }
}
