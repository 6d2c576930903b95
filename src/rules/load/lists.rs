//! The lists that rules look into: read once for all workspaces, and known by the names that each workspace has for them.

use super::{
    Loader,
    texts::{MAX_LISTED, TextSource},
};
use crate::{
    diagnostics::{Diagnostic, Severity, code},
    lists::{List, ListSource, Lists},
    rules::{
        context::{LoadContext, WorkspaceContext},
        definition::{Matcher, Predicate},
        script::{Script, offset},
        sources::RuleSources,
        template_lookups::lookups,
    },
    yaml::{Node, did_you_mean},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// The lists of every scope, read.
#[derive(Default)]
pub(super) struct KnownLists {
    /// By the scopes' places. What could not be read is missing, and reported.
    of_scopes: Vec<Lists>,
    /// The names that rules look into; `None` where a name is not known before a template or a script runs.
    used: Used,
}

#[derive(Default)]
struct Used {
    names: BTreeSet<String>,
    any: bool,
}

impl KnownLists {
    /// Those of a kept set: the same that are read now.
    pub(super) fn of_kept(sources: &RuleSources, lists: &HashMap<&str, Arc<List>>) -> Self {
        let of = |digests: &BTreeMap<String, String>| -> Lists {
            let known = digests.iter();
            let known =
                known.filter_map(|(name, digest)| Some((name.clone(), Arc::clone(lists.get(digest.as_str())?))));
            Arc::new(known.collect())
        };
        let of_scopes = match sources.workspaces.as_slice() {
            [] => vec![of(&sources.lists)],
            all => all.iter().map(|workspace| of(&workspace.lists)).collect(),
        };
        Self { of_scopes, used: Used::default() }
    }

    /// A rule looks into the list of this name; without a name, into one that only a run tells.
    pub(super) fn record_use(&mut self, name: Option<&str>) {
        match name {
            Some(name) => {
                self.used.names.insert(name.to_owned());
            }
            None => self.used.any = true,
        }
    }

    /// Those of each workspace, in order.
    pub(super) fn of_workspaces(&self) -> Vec<Lists> {
        self.of_scopes.clone()
    }

    /// Those that all have who are in no workspace.
    pub(super) fn everywhere(&self, context: &LoadContext) -> Lists {
        self.of_scopes.first().filter(|_| context.workspaces.is_empty()).cloned().unwrap_or_default()
    }

    /// Takes down the digests of those that rules look into.
    pub(super) fn note_used(&self, sources: &mut RuleSources) {
        let digests = |lists: &Lists| -> BTreeMap<String, String> {
            let used = lists.iter().filter(|(name, _)| self.used.any || self.used.names.contains(*name));
            used.map(|(name, list)| (name.clone(), list.digest().to_owned())).collect()
        };
        if sources.workspaces.is_empty() {
            sources.lists = self.of_scopes.first().map(digests).unwrap_or_default();
            return;
        }
        for (workspace, lists) in sources.workspaces.iter_mut().zip(&self.of_scopes) {
            workspace.lists = digests(lists);
        }
    }
}

impl Loader<'_> {
    /// Reads the lists of all scopes, each file once.
    pub(super) fn read_lists(&mut self) {
        let mut read: Vec<(&ListSource, Option<Arc<List>>)> = Vec::new();
        for scope in self.scopes {
            let mut lists = BTreeMap::new();
            for (name, source) in &scope.lists {
                let list = match read.iter().find(|(known, _)| known.is_same(source)) {
                    Some((_, list)) => list.clone(),
                    None => {
                        let list = source.read().map_err(|found| self.out.extend(found)).ok();
                        if let Some(list) = &list {
                            self.lint_list(name, list, source);
                        }
                        read.push((source, list.clone()));
                        list
                    }
                };
                lists.extend(list.map(|list| (name.clone(), list)));
            }
            // Most workspaces have the same ones.
            let same = self.lists.of_scopes.iter().find(|known| is_same(known, &lists)).cloned();
            self.lists.of_scopes.push(same.unwrap_or_else(|| Arc::new(lists)));
        }
    }

    /// The list of a name in a workspace, if it could be read.
    pub(super) fn list_of(&self, scope: &WorkspaceContext, name: &str) -> Option<&Arc<List>> {
        let place = self.scopes.iter().position(|known| std::ptr::eq(known, scope))?;
        self.lists.of_scopes.get(place)?.get(name)
    }

    /// Takes down that the rule at hand looks into a list; why it cannot, where a workspace does not have the list.
    pub(super) fn use_list(&mut self, name: &str) -> Option<(String, String)> {
        self.lists.record_use(Some(name));
        if self.kept.is_some() {
            return None;
        }
        self.check_list(name)
    }

    /// Why a list cannot be looked into, where a workspace concerned does not have it.
    fn check_list(&self, name: &str) -> Option<(String, String)> {
        let lacking = |scope: &&&WorkspaceContext| !scope.lists.contains_key(name);
        let scope = self.concerned.iter().find(lacking).copied()?;
        let known: Vec<&str> = scope.lists.keys().map(String::as_str).collect();
        let hint = if let Some(near) = did_you_mean(name, known.iter().copied()) {
            format!("did you mean `{near}`?")
        } else if known.is_empty() {
            format!(
                "lists stand in the configuration: `lists: {{ {name}: {{ file: lists/accounts.csv, key: domain }} }}`"
            )
        } else {
            format!("there is: {}", known.join(", "))
        };
        Some((format!("there is no list `{name}` in the configuration{}", self.place_of(scope)), hint))
    }

    /// Checks the lists that conditions look into which only a test names: they are no part of the rules.
    pub(super) fn check_lists_of_test(&mut self, tests: &[Predicate]) {
        self.concerned.clone_from(&self.having);
        for test in tests {
            let Matcher::Listed(listed) = &test.check else { continue };
            for list in &listed.lists {
                if let Some(told) = self.check_list(&list.name) {
                    self.report_list(Diagnostic::error(code::UNKNOWN_LIST, &list.at, ""), told);
                }
            }
        }
    }

    /// Why a column of a list cannot be read, where the list of a workspace does not have it.
    fn check_column(&self, list: &str, column: &str) -> Option<(String, String)> {
        let lists = self.concerned.iter().filter_map(|scope| Some((scope, self.list_of(scope, list)?)));
        let (scope, lacking) = lists.into_iter().find(|(_, found)| !found.has_column(column))?;
        let hint = match did_you_mean(column, lacking.columns().iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", lacking.columns().join(", ")),
        };
        Some((format!("the list `{list}` has no column `{column}`{}", self.place_of(scope)), hint))
    }

    /// Checks the lists that a template looks into.
    pub(super) fn check_lookups(&mut self, source: &str, at: &TextSource) {
        for lookup in lookups(source) {
            let Some(list) = &lookup.list else {
                self.lists.record_use(None);
                continue;
            };
            if let Some(told) = self.use_list(&list.path) {
                self.report_list(at.error(code::UNKNOWN_LIST, list.range.clone(), ""), told);
                continue;
            }
            for column in lookup.columns.iter().take(MAX_LISTED) {
                if let Some(told) = self.check_column(&list.path, &column.path) {
                    self.report_list(at.error(code::UNKNOWN_COLUMN, column.range.clone(), ""), told);
                }
            }
        }
    }

    /// Checks the lists that a script looks into.
    pub(super) fn check_script_lookups(&mut self, script: &Script, node: &Node) {
        let place = |at: rhai::Position, length: usize| {
            let start = offset(script.source(), at.line(), at.position());
            node.at(start..start + length)
        };
        for lookup in &script.lookups {
            let Some((list, at)) = &lookup.list else {
                self.lists.record_use(None);
                continue;
            };
            if let Some(told) = self.use_list(list) {
                self.report_list(Diagnostic::error(code::UNKNOWN_LIST, &place(*at, list.len() + 2), ""), told);
                continue;
            }
            for (column, at) in lookup.columns.iter().take(MAX_LISTED) {
                if let Some(told) = self.check_column(list, column) {
                    self.report_list(Diagnostic::error(code::UNKNOWN_COLUMN, &place(*at, 1), ""), told);
                }
            }
        }
    }

    /// An error; without a configuration, in which lists stand, a warning.
    pub(super) fn report_list(&mut self, mut found: Diagnostic, (message, hint): (String, String)) {
        found.message = message;
        if self.context.without_configuration {
            found.severity = Severity::Warning;
        }
        self.out.push(found.hint(hint));
    }
}

fn is_same(known: &Lists, lists: &BTreeMap<String, Arc<List>>) -> bool {
    known.len() == lists.len()
        && known.iter().zip(lists).all(|((name, list), (other, found))| name == other && Arc::ptr_eq(list, found))
}
