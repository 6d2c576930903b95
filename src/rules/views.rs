//! What each workspace sees of a set of rules, found by its name: with a thousand workspaces, each decision asks for one.

use super::RuleSet;
use std::collections::HashMap;

/// What each workspace sees, in the order of the configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct Views {
    all: Vec<(String, RuleSet)>,
    places: HashMap<String, usize>,
    /// Which workspaces have a rule, by its name.
    having: HashMap<String, Vec<usize>>,
}

impl Views {
    /// Whether no workspaces are known.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What the workspace of that name sees.
    pub(super) fn named(&self, name: &str) -> Option<&RuleSet> {
        self.places.get(name).and_then(|place| self.all.get(*place)).map(|(_, view)| view)
    }

    /// The names of the workspaces that have a rule.
    pub(super) fn having(&self, rule: &str) -> impl Iterator<Item = &str> {
        let places = self.having.get(rule).into_iter().flatten();
        places.filter_map(|place| self.all.get(*place)).map(|(name, _)| name.as_str())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &RuleSet)> {
        self.all.iter().map(|(name, view)| (name.as_str(), view))
    }
}

impl FromIterator<(String, RuleSet)> for Views {
    fn from_iter<I: IntoIterator<Item = (String, RuleSet)>>(all: I) -> Self {
        let all: Vec<(String, RuleSet)> = all.into_iter().collect();
        let mut places = HashMap::with_capacity(all.len());
        let mut having: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, (name, view)) in all.iter().enumerate() {
            // Of two of one name the first counts.
            places.entry(name.clone()).or_insert(place);
            for rule in view.rules() {
                match having.get_mut(&rule.name) {
                    Some(places) => places.push(place),
                    None => drop(having.insert(rule.name.clone(), vec![place])),
                }
            }
        }
        Self { all, places, having }
    }
}
