//! A whole set of rules, loaded and compiled.

use super::{
    definition::Rule,
    definitions::Definition,
    event::{EventInput, Facts},
    files::FileAccess,
    hours::OpeningHours,
    lint,
    rule_index::RuleIndex,
    sources::RuleSources,
    template::Templates,
    test_case::TestCase,
    views::Views,
};
use crate::diagnostics::{Diagnostic, Diagnostics, Location};
use crate::lists::{List, Lists};
use crate::model::Mode;
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

/// Rules in the order in which they are evaluated, with all that they need, compiled.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    pub(super) rules: Arc<Vec<Rule>>,
    pub(super) cases: Arc<Vec<TestCase>>,
    /// `None` where each rule is evaluated.
    pub(super) index: Option<Arc<RuleIndex>>,
    pub(super) templates: Arc<Templates>,
    pub(super) hours: Arc<BTreeMap<String, OpeningHours>>,
    pub(super) vars: Arc<BTreeMap<String, String>>,
    pub(super) lists: Lists,
    pub(super) revision: String,
    pub(super) sources: Arc<RuleSources>,
    pub(super) warnings: Arc<Diagnostics>,
    pub(super) files: FileAccess,
    /// The definitions that the rules can use.
    pub(super) definitions: Arc<Vec<Arc<Definition>>>,
    /// How many the whole set has: their numbers are below.
    pub(super) definition_count: usize,
    /// What each workspace sees of it, by name. Empty where no workspaces are known: then all of it is for everybody.
    pub(super) views: Views,
}

/// What a workspace sees that the configuration does not name.
static NOTHING: LazyLock<RuleSet> = LazyLock::new(RuleSet::default);

impl RuleSet {
    /// What a workspace sees: its own rules in its own order, with its opening hours and texts. All of it, where no
    /// workspaces are known.
    #[must_use]
    pub fn of_workspace(&self, name: &str) -> &Self {
        match self.views.named(name) {
            Some(view) => view,
            None if self.views.is_empty() => self,
            None => &NOTHING,
        }
    }

    /// The names of the workspaces that have a rule; `None` where no workspaces are known.
    pub fn workspaces_with(&self, rule: &str) -> Option<Vec<&str>> {
        (!self.views.is_empty()).then(|| self.views.having(rule).collect())
    }

    /// What each of the workspaces sees, by name.
    pub fn views(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.views.iter()
    }

    /// An event as these rules see it.
    pub(super) fn facts<'a>(&'a self, input: &'a EventInput<'a>, now: Timestamp) -> Facts<'a> {
        Facts::new(input, now, self.index.as_deref(), self)
    }

    /// The same for conditions that stand outside of the rules: each is searched for.
    pub(super) fn facts_alone<'a>(&'a self, input: &'a EventInput<'a>, now: Timestamp) -> Facts<'a> {
        Facts::new(input, now, None, self)
    }

    /// What tells which rules can match an event at all.
    pub(super) fn index(&self) -> Option<&RuleIndex> {
        self.index.as_deref()
    }

    /// The same rules, evaluated one by one, each expression searched for: what the others are compared with.
    #[must_use]
    pub fn without_index(&self) -> Self {
        let views = self.views.iter().map(|(name, view)| (name.to_owned(), view.without_index())).collect();
        Self { index: None, views, ..self.clone() }
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The definitions that the rules can use, in the order of their files.
    pub fn definitions(&self) -> &[Arc<Definition>] {
        &self.definitions
    }

    /// The tests beside the rules, in the order of their files.
    pub fn tests(&self) -> &[TestCase] {
        &self.cases
    }

    /// The same rules as tests play them: each one live, whatever its mode. Opening hours that are not known, in a set
    /// without a configuration, never close.
    pub fn for_tests(&self) -> Self {
        let mut set = self.without_unknown_hours();
        for rule in Arc::make_mut(&mut set.rules) {
            rule.mode = Mode::Live;
        }
        set.views = set.views.iter().map(|(name, view)| (name.to_owned(), view.for_tests())).collect();
        set
    }

    /// The same rules, whose actions keep to the opening hours that are known: in a set without a configuration, others never
    /// close.
    #[must_use]
    pub fn without_unknown_hours(&self) -> Self {
        let mut set = self.clone();
        let is_unknown = |name: &String| !self.hours.contains_key(name);
        let mut named =
            self.rules.iter().flat_map(|rule| &rule.actions).filter_map(|action| action.timing.hours.as_ref());
        if named.any(is_unknown) {
            for action in Arc::make_mut(&mut set.rules).iter_mut().flat_map(|rule| &mut rule.actions) {
                action.timing.hours.take_if(|name| is_unknown(name));
            }
        }
        set.views = self.views.iter().map(|(name, view)| (name.to_owned(), view.without_unknown_hours())).collect();
        set
    }

    /// One rule.
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == name)
    }

    /// A hash of all that the rules were made of: files, templates, opening hours, the workspaces' own texts, and the lists that
    /// they look into. Equal revisions decide equally.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// What somebody should look at although the rules work.
    pub fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }

    /// What a workspace's ceiling makes of rules that say more; `at` is where it is written.
    pub fn ceiling_warning(&self, workspace: &str, ceiling: Mode, at: &Location) -> Option<Diagnostic> {
        lint::ceiling_warning(&self.rules, workspace, ceiling, at)
    }

    /// What the rules may read and send.
    pub fn files(&self) -> &FileAccess {
        &self.files
    }

    /// Opening hours that rules name.
    pub fn hours(&self, name: &str) -> Option<&OpeningHours> {
        self.hours.get(name)
    }

    /// The texts of the workspace, for templates and scripts.
    pub(super) fn vars(&self) -> &BTreeMap<String, String> {
        &self.vars
    }

    /// The lists that rules look into in a workspace, by name.
    pub fn lists_of(&self, workspace: &str) -> impl Iterator<Item = (&str, &Arc<List>)> {
        let used = self.sources.lists_of(workspace);
        self.of_workspace(workspace).lists().filter(|(name, _)| used.contains_key(*name))
    }

    /// The lists that rules can look into here, by name.
    pub fn lists(&self) -> impl Iterator<Item = (&str, &Arc<List>)> {
        self.lists.iter().map(|(name, list)| (name.as_str(), list))
    }

    pub(super) fn templates(&self) -> &Templates {
        &self.templates
    }

    /// Whether opening hours are open. Hours that are not known, in a set without a configuration, never close.
    pub(super) fn is_open(&self, hours: &str, now: Timestamp) -> bool {
        self.hours(hours).is_none_or(|hours| hours.is_open(now))
    }
}
