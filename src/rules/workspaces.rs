//! Whose rule is it: which workspaces have a rule, and what is odd about that.

use super::{
    RuleSet,
    context::WorkspaceContext,
    definition::{ActionDef, Condition, Matcher, Predicate, Rule},
    field::GlobField,
    lint,
    rule_index::RuleIndex,
    views::Views,
};
use crate::diagnostics::{Diagnostic, Diagnostics, Location, code};
use crate::lists::Lists;
use crate::model::{ActionKind, Mode};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// How many workspaces a sentence names.
const NAMED: usize = 3;

/// Whether a condition may hold in a workspace, whatever message comes. What is not about the workspace may hold, and may
/// not hold.
pub(super) fn may_hold(condition: &Condition, tests: &[Predicate], workspace: &str) -> bool {
    possible(condition, tests, workspace).0
}

/// Whether it may hold, and whether it may not.
fn possible(condition: &Condition, tests: &[Predicate], workspace: &str) -> (bool, bool) {
    let each = |children: &[Condition]| {
        children.iter().map(|child| possible(child, tests, workspace)).collect::<Vec<(bool, bool)>>()
    };
    match condition {
        Condition::Always => (true, false),
        Condition::Not(inner) => {
            let (may, may_not) = possible(inner, tests, workspace);
            (may_not, may)
        }
        Condition::All(children) => {
            let each = each(children);
            (each.iter().all(|(may, _)| *may), each.iter().any(|(_, may_not)| *may_not))
        }
        Condition::Any(children) => {
            let each = each(children);
            (each.iter().any(|(may, _)| *may), each.iter().all(|(_, may_not)| *may_not))
        }
        Condition::Is(used) => {
            let (may, may_not) = possible(&used.condition, tests, workspace);
            (may, may_not || used.script.is_some())
        }
        Condition::Test(index) => match tests.get(*index).map(|test| &test.check) {
            Some(Matcher::Glob(GlobField::Workspace, globs)) => {
                let held = globs.iter().any(|glob| glob.matches(Some(workspace)));
                (held, !held)
            }
            _ => (true, true),
        },
    }
}

impl Rule {
    /// Whether it may match in a workspace that has it, whatever message comes.
    pub fn may_match_in(&self, workspace: &str) -> bool {
        may_hold(&self.when, &self.tests, workspace)
    }

    /// Whether it says which workspaces it is for.
    fn names_workspaces(&self) -> bool {
        let asks = |test: &Predicate| match &test.check {
            Matcher::Glob(field, _) => *field == GlobField::Workspace,
            Matcher::Script(script) => script.reads("workspace", &["name"]),
            _ => false,
        };
        self.tests.iter().any(asks) || self.script.as_ref().is_some_and(|script| script.reads("workspace", &["name"]))
    }
}

/// A reply, or a destination, that several workspaces share although the rule does not say so. `of` are the workspaces that
/// have the rule.
pub(super) fn shared(rule: &Rule, of: &[&WorkspaceContext], out: &mut Diagnostics) {
    if of.len() < 2 || rule.mode == Mode::Off || rule.names_workspaces() {
        return;
    }
    let reply = rule.actions.iter().find(|action| action.kind == ActionKind::Reply);
    let at = match reply.or_else(|| rule.actions.iter().find(|action| goes_to_one_place(action, of))) {
        Some(action) => &action.at,
        None => return,
    };
    let what = match reply {
        Some(_) => format!("`{}` answers the leads of several workspaces", rule.name),
        None => format!("`{}` forwards the leads of several workspaces to one destination", rule.name),
    };
    let names: Vec<&str> = of.iter().map(|workspace| workspace.name.as_str()).collect();
    found(code::SHARED, at, format!("{what}, and does not say so: {}", listed(&names)), out);
}

/// Whether a forward of two workspaces arrives at the same destination.
fn goes_to_one_place(action: &ActionDef, of: &[&WorkspaceContext]) -> bool {
    let Some(target) = &action.target else { return false };
    of.iter().filter(|workspace| !workspace.own_destinations.contains(target)).count() > 1
}

fn found(code: &'static str, at: &Location, message: String, out: &mut Diagnostics) {
    let hint = "give each workspace rules of its own (`rules` under the workspace), or add `workspace: NAME` to `when`; \
                `workspace: '*'` says that all are meant";
    out.push(Diagnostic::error(code, at, message).lint(true).hint(hint));
}

/// `acme, globex and 3 more`.
pub(super) fn listed(names: &[&str]) -> String {
    let mut shown: Vec<String> = names.iter().take(NAMED).map(|name| (*name).to_owned()).collect();
    if let Some(more @ 1..) = names.len().checked_sub(NAMED) {
        shown.push(format!("{more} more"));
    }
    match shown.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// What each workspace sees of a set. `lists` are its lists, `files` are those of each workspace in its order, `origins` tells each rule's file.
pub(super) fn views(
    set: &RuleSet,
    workspaces: &[WorkspaceContext],
    lists: &[Lists],
    files: &[Vec<usize>],
    origins: &[usize],
) -> Views {
    let mut made = HashMap::new();
    made.insert((0..set.rules.len()).collect(), (Arc::clone(&set.rules), set.index.clone()));
    let mut in_file: HashMap<usize, Vec<usize>> = HashMap::new();
    for (place, origin) in origins.iter().enumerate() {
        in_file.entry(*origin).or_default().push(place);
    }
    let mut views = Vec::with_capacity(workspaces.len());
    for ((workspace, lists), files) in workspaces.iter().zip(lists).zip(files) {
        let places: Vec<usize> = files.iter().filter_map(|file| in_file.get(file)).flatten().copied().collect();
        // Most workspaces see what another one sees too.
        let (rules, index) = made.entry(places).or_insert_with_key(|places: &Vec<usize>| {
            let mut rules: Vec<Rule> = places.iter().filter_map(|place| set.rules.get(*place)).cloned().collect();
            let index = RuleIndex::build(&mut rules);
            (Arc::new(rules), Some(Arc::new(index)))
        });
        let files: HashSet<usize> = files.iter().copied().collect();
        let visible = set.definitions.iter().filter(|definition| files.contains(&definition.file));
        let definitions = Arc::new(visible.cloned().collect());
        let view = RuleSet {
            definitions,
            rules: Arc::clone(rules),
            index: index.clone(),
            cases: Arc::default(),
            hours: Arc::new(workspace.hours.clone()),
            vars: Arc::new(workspace.vars.clone()),
            lists: Arc::clone(lists),
            ..set.clone()
        };
        views.push((workspace.name.clone(), view));
    }
    views.into_iter().collect()
}

/// What is odd about rules that can be loaded: in what each workspace sees, and across workspaces.
pub(super) fn lint(set: &RuleSet, workspaces: &[WorkspaceContext]) -> Diagnostics {
    if set.views.is_empty() {
        return lint::rules(&set.rules);
    }
    let mut out = Diagnostics::new();
    let mut seen: Vec<(&Arc<Vec<Rule>>, Vec<&str>)> = Vec::new();
    for (name, view) in set.views.iter() {
        match seen.iter_mut().find(|(rules, _)| Arc::ptr_eq(rules, &view.rules)) {
            Some((_, names)) => names.push(name),
            None => seen.push((&view.rules, vec![name])),
        }
    }
    let found: Vec<(Diagnostics, Vec<&str>)> =
        seen.into_iter().map(|(rules, names)| (lint::rules(rules), names)).collect();
    let mut found_by: HashMap<Identity<'_>, usize> = HashMap::new();
    for (own, _) in &found {
        let distinct: HashSet<Identity<'_>> = own.iter().map(identity).collect();
        distinct.into_iter().for_each(|one| *found_by.entry(one).or_default() += 1);
    }
    for (own, names) in &found {
        for diagnostic in own.iter() {
            let everywhere = found_by.get(&identity(diagnostic)) == Some(&found.len());
            let mut diagnostic = diagnostic.clone();
            if !everywhere && [code::HIDDEN, code::REPLIES_MEET].contains(&diagnostic.code) {
                diagnostic.message = format!("{}; so it is for {}", diagnostic.message, listed(names));
            }
            out.push(diagnostic);
        }
    }
    let by_name: HashMap<&str, &WorkspaceContext> =
        workspaces.iter().rev().map(|workspace| (workspace.name.as_str(), workspace)).collect();
    for rule in set.rules.iter() {
        let having = set.views.having(&rule.name).filter(|name| rule.may_match_in(name));
        let of: Vec<&WorkspaceContext> = having.filter_map(|name| by_name.get(name).copied()).collect();
        shared(rule, &of, &mut out);
    }
    out
}

/// What makes two findings the same.
type Identity<'d> = (&'static str, &'d str, &'d str, usize);

fn identity(found: &Diagnostic) -> Identity<'_> {
    (found.code, &found.message, &found.file, found.line)
}
