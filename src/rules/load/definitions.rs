//! `define`: named conditions of all files, read before the rules that use them.

use super::{
    Loader,
    conditions::{self, is_mapping},
    suspicious::NamedCategory,
};
use crate::diagnostics::{Diagnostic, Diagnostics, Located, code};
use crate::model::Mode;
use crate::rules::{
    definition::{Capture, Condition, Matcher, Predicate, References, Rule},
    definitions::{Definition, Use, moved},
    field::Cost,
    schema,
    workspaces::listed,
};
use crate::yaml::{Node, Value, did_you_mean};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// The keys of a definition that are no conditions.
pub(super) const OTHER_KEYS: [&str; 3] = ["description", "capture", "script"];
/// How deep definitions may use one another.
const MAX_DEPTH: usize = 32;

/// A definition as it is written.
struct Declared {
    name: String,
    key: Node,
    value: Node,
    /// The number of its file.
    file: usize,
    is_borrowed: bool,
}

/// A definition that was read, with what only its users need.
pub(super) struct ReadDefinition {
    pub(super) definition: Arc<Definition>,
    pub(super) categories: Vec<NamedCategory>,
    pub(super) depth: usize,
}

/// The definitions of all files.
#[derive(Default)]
pub(super) struct Definitions {
    declared: Vec<Declared>,
    by_name: HashMap<String, Vec<usize>>,
    /// By the same numbers; none for one with mistakes.
    read: Vec<Option<ReadDefinition>>,
    /// Those that something uses, or a test names.
    used: HashSet<usize>,
    /// Which workspaces have each file.
    scopes: Vec<Vec<usize>>,
    /// The workspaces' names.
    names: Vec<String>,
}

/// Why a name stands for nothing.
enum Missing {
    /// No file has it.
    Unknown,
    /// These workspaces have the file that uses it, and not the one that defines it.
    In(Vec<String>),
    /// These workspaces have different definitions.
    Different(Vec<String>),
}

impl Definitions {
    pub(super) fn new(scopes: Vec<Vec<usize>>, names: Vec<String>) -> Self {
        Self { scopes, names, ..Self::default() }
    }

    /// Says that a file is at hand for the definitions in it, wherever another file is.
    pub(super) fn borrow_for(&mut self, file: usize, borrowed: usize) {
        let scopes = self.scopes.get(file).cloned().unwrap_or_default();
        if self.scopes.len() <= borrowed {
            self.scopes.resize(borrowed + 1, Vec::new());
        }
        if let Some(place) = self.scopes.get_mut(borrowed) {
            place.extend(scopes);
        }
    }

    /// Takes in what a file defines.
    pub(super) fn declare(&mut self, file: usize, is_borrowed: bool, node: &Node, out: &mut Diagnostics) {
        let Some(entries) = node.entries(out) else { return };
        for (key, value) in entries.iter() {
            let name = key.text().to_owned();
            if !is_borrowed {
                super::rule::check_name("definition", &name, key, out);
            }
            let shares = |other: &&usize| {
                self.declared.get(**other).is_some_and(|other| self.share_a_workspace(other.file, file))
            };
            let earlier = self.by_name.get(&name).and_then(|all| all.iter().find(shares));
            if let Some(first) = earlier.and_then(|number| self.declared.get(*number)) {
                if !is_borrowed {
                    let place = format!("{}:{}", first.key.source().name(), first.key.span.line);
                    let message = format!("there is a definition `{name}` already, at {place}");
                    let error = Diagnostic::error(code::DEFINITION_TWICE, key, message);
                    out.push(error.hint("give one of them another name"));
                }
                continue;
            }
            self.by_name.entry(name.clone()).or_default().push(self.declared.len());
            self.declared.push(Declared { name, key: key.clone(), value: value.clone(), file, is_borrowed });
        }
    }

    /// Which workspaces have a file.
    pub(super) fn scopes_of(&self, file: usize) -> &[usize] {
        self.scopes.get(file).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether something uses what a file defines.
    pub(super) fn is_file_used(&self, file: usize) -> bool {
        self.used.iter().any(|number| self.declared.get(*number).is_some_and(|declared| declared.file == file))
    }

    fn share_a_workspace(&self, left: usize, right: usize) -> bool {
        let scopes = |file: usize| self.scopes.get(file).map(Vec::as_slice).unwrap_or_default();
        left == right || scopes(left).iter().any(|scope| scopes(right).contains(scope))
    }

    /// What a name stands for in a file.
    fn find(&self, name: &str, file: usize) -> Result<usize, Missing> {
        let all = self.by_name.get(name).ok_or(Missing::Unknown)?;
        let scopes = self.scopes.get(file).map(Vec::as_slice).unwrap_or_default();
        let in_scope = |scope: &usize| {
            all.iter().copied().find(|number| {
                let file = self.declared.get(*number).map(|declared| declared.file);
                file.and_then(|file| self.scopes.get(file)).is_some_and(|scopes| scopes.contains(scope))
            })
        };
        let each: Vec<Option<usize>> = scopes.iter().map(in_scope).collect();
        let found: BTreeSet<usize> = each.iter().flatten().copied().collect();
        let named = |wanted: &dyn Fn(&Option<usize>) -> bool| -> Vec<String> {
            let all = scopes.iter().zip(&each).filter(|(_, found)| wanted(found));
            all.filter_map(|(scope, _)| self.names.get(*scope).cloned()).collect()
        };
        match (found.first().copied(), found.len(), each.iter().all(Option::is_some)) {
            (None, ..) => Err(Missing::Unknown),
            (Some(number), 1, true) => Ok(number),
            (Some(_), 1, false) => Err(Missing::In(named(&|found| found.is_none()))),
            _ => Err(Missing::Different(named(&|found| found.is_some()))),
        }
    }

    /// The names that a file may use.
    fn names_in(&self, file: usize) -> Vec<&str> {
        let visible = self.declared.iter().filter(|other| self.share_a_workspace(other.file, file));
        visible.map(|declared| declared.name.as_str()).collect()
    }

    /// What a name stands for, which is then used; or a mistake that is told.
    pub(super) fn resolve(&mut self, item: &Node, file: usize, out: &mut Diagnostics) -> Option<usize> {
        let name = item.text();
        let error = |message: String| Diagnostic::error(code::UNKNOWN_DEFINITION, item, message);
        match self.find(name, file) {
            Ok(number) => {
                self.used.insert(number);
                return Some(number);
            }
            Err(Missing::Unknown) => {
                let known = self.names_in(file);
                let error = error(format!("there is no definition `{name}`"));
                out.push(match did_you_mean(name, known.iter().copied()) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None if known.is_empty() => error.hint(format!(
                        "add it: `define: {{ {name}: {{ … }} }}`; those of the examples are in `rules/phrases.yaml`, which \
                         `reply-router init` writes"
                    )),
                    None => error.hint(format!("there is: {}", listed(&known))),
                });
            }
            Err(Missing::In(lacking)) => {
                let lacking: Vec<&str> = lacking.iter().map(String::as_str).collect();
                let error = error(format!("no file of {} defines `{name}`", listed(&lacking)));
                out.push(error.hint("add the file with the definition to the workspace's `rules`"));
            }
            Err(Missing::Different(of)) => {
                let of: Vec<&str> = of.iter().map(String::as_str).collect();
                let error = error(format!("`{name}` is defined differently for {}", listed(&of)));
                out.push(error.hint("give the definitions different names, or each workspace a rule of its own"));
            }
        }
        None
    }

    pub(super) fn get(&self, number: usize) -> Option<&ReadDefinition> {
        self.read.get(number)?.as_ref()
    }

    /// All that were read, by number.
    pub(super) fn all(&self) -> Vec<Arc<Definition>> {
        self.read.iter().flatten().map(|read| Arc::clone(&read.definition)).collect()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.declared.len()
    }

    /// Warns of definitions that nothing uses.
    pub(super) fn warn_of_unused(&self, out: &mut Diagnostics) {
        let unused =
            self.declared.iter().enumerate().filter(|(number, one)| !one.is_borrowed && !self.used.contains(number));
        for (_, declared) in unused {
            let message = format!("nothing uses the definition `{}`", declared.name);
            let warning = Diagnostic::error(code::UNUSED_DEFINITION, &declared.key, message).lint(false);
            out.push(warning.hint("use it with `is`, name it in a test, or take it away"));
        }
    }
}

/// Whether no file defines one of the names that a file uses.
pub(super) fn is_lacking(definitions: &Definitions, file: usize, names: &BTreeSet<String>) -> bool {
    names.iter().any(|name| matches!(definitions.find(name, file), Err(Missing::Unknown)))
}

/// The names that stand under `is` in a mapping of conditions, and below.
pub(super) fn names_used(when: &Node, names: &mut BTreeSet<String>) {
    // As deep as the file is nested, which the parser bounds.
    let Value::Mapping(entries) = &when.value else { return };
    for (key, value) in entries {
        match key.text() {
            "is" => names.extend(value.list_or_one().iter().map(|item| item.text().to_owned())),
            "any" | "all" | "not" => value.list_or_one().iter().for_each(|item| names_used(item, names)),
            _ => {}
        }
    }
}

impl Loader<'_> {
    /// Reads all definitions, each after those that it uses.
    pub(super) fn read_definitions(&mut self) {
        let count = self.definitions.declared.len();
        self.definitions.read = (0..count).map(|_| None).collect();
        let mut waits: Vec<HashSet<usize>> = Vec::with_capacity(count);
        for declared in &self.definitions.declared {
            let mut names = BTreeSet::new();
            names_used(&declared.value, &mut names);
            waits.push(names.iter().filter_map(|name| self.definitions.find(name, declared.file).ok()).collect());
        }
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (user, used) in waits.iter().enumerate() {
            for used in used {
                if let Some(users) = users.get_mut(*used) {
                    users.push(user);
                }
            }
        }
        let mut ready: std::collections::VecDeque<usize> =
            waits.iter().enumerate().filter(|(_, used)| used.is_empty()).map(|(number, _)| number).collect();
        let mut is_left = vec![true; count];
        while let Some(number) = ready.pop_front() {
            if let Some(left) = is_left.get_mut(number) {
                *left = false;
            }
            self.definition(number);
            for user in users.get(number).cloned().unwrap_or_default() {
                let Some(used) = waits.get_mut(user) else { continue };
                if used.remove(&number) && used.is_empty() {
                    ready.push_back(user);
                }
            }
        }
        self.tell_circles(&waits, &is_left);
    }

    /// Tells each circle once: definitions that use one another are left over.
    fn tell_circles(&mut self, waits: &[HashSet<usize>], is_left: &[bool]) {
        let mut told: HashSet<usize> = HashSet::new();
        for start in is_left.iter().enumerate().filter(|(_, left)| **left).map(|(number, _)| number) {
            let (mut way, mut at) = (Vec::new(), start);
            while !told.contains(&at) && !way.contains(&at) {
                way.push(at);
                let next = waits.get(at).and_then(|used| used.iter().min().copied());
                let Some(next) = next else { break };
                at = next;
            }
            let circle = way.iter().position(|number| *number == at).and_then(|place| way.get(place..));
            let circle: Vec<&Declared> =
                circle.unwrap_or_default().iter().filter_map(|number| self.definitions.declared.get(*number)).collect();
            if let Some(first) = circle.first() {
                let names: Vec<&str> = circle.iter().chain([first]).map(|declared| declared.name.as_str()).collect();
                let message = format!("definitions go in a circle: {}", names.join(" → "));
                let error = Diagnostic::error(code::DEFINITION_CIRCLE, &first.key, message);
                self.out.push(error.hint("what one of them needs of another, put into a third"));
            }
            told.extend(way);
        }
    }

    /// Reads one.
    fn definition(&mut self, number: usize) {
        let Some(declared) = self.definitions.declared.get(number) else { return };
        let (name, key, value, file) =
            (declared.name.clone(), declared.key.clone(), declared.value.clone(), declared.file);
        let before = self.out.error_count();
        if !is_mapping(&value) {
            let message = format!("`{name}` needs conditions, not {}", value.describe());
            let error = Diagnostic::error(code::NO_CONDITION, &value, message);
            self.out.push(error.hint("write them as under `when`: `{ body: { says: \"…\" } }`"));
            return;
        }
        self.set_having(file);
        self.concerned.clone_from(&self.having);
        if self.kept.is_none() {
            self.lint_list_names(&value);
        }
        let description = value.get("description").filter(|node| !node.is_null());
        let description = description.and_then(|node| node.string(&mut self.out));
        let script = value.get("script").filter(|node| !node.is_null()).and_then(|node| self.script(node));
        let captures = value.get("capture").filter(|node| !node.is_null());
        let captures: Arc<[Capture]> = captures.map(|node| self.captures(node)).unwrap_or_default().into();
        let named: Vec<&str> =
            self.having.iter().map(|scope| scope.name.as_str()).filter(|name| !name.is_empty()).collect();
        let (mut tests, mut mentions, mut categories) = (Vec::new(), References::default(), Vec::new());
        let mut depth = 0;
        let mut told = conditions::Told { mentions: &mut mentions, categories: &mut categories, depth: &mut depth };
        let scope = conditions::Scope { workspaces: &named, definitions: &mut self.definitions, file };
        let when = conditions::read_definition((&key, &value), scope, &mut tests, &mut told, &mut self.out);
        if depth >= MAX_DEPTH {
            let message = format!("`{name}` uses definitions that use others, more than {MAX_DEPTH} deep");
            self.out.push(Diagnostic::error(code::DEFINITION_CIRCLE, &key, message));
        }
        if self.out.error_count() > before {
            return;
        }
        mentions.auto_reply |= script.as_ref().is_some_and(|script| script.mentions_auto_reply);
        let rule = alone(number, &name, &key, (when, tests, script), &captures, mentions);
        let definition = Definition { rule: Rule { description, ..rule }, file };
        self.categories.extend(categories.iter().cloned());
        let read = ReadDefinition { definition: Arc::new(definition), categories, depth };
        if let Some(place) = self.definitions.read.get_mut(number) {
            *place = Some(read);
        }
    }
}

/// What uses a definition and nothing else.
fn alone(
    number: usize,
    name: &str,
    key: &Node,
    (when, mut own, script): (Condition, Vec<Predicate>, Option<crate::rules::Script>),
    captures: &Arc<[Capture]>,
    mentions: References,
) -> Rule {
    for test in &mut own {
        let rest = test.path.strip_prefix("when").unwrap_or(&test.path);
        test.path = format!("is[{name}]{rest}");
    }
    let script_place = script.map(|script| {
        let path = format!("is[{name}].script");
        own.push(Predicate { path, wanted: "true".to_owned(), check: Matcher::Script(Arc::new(script)) });
        own.len()
    });
    let cost = own.iter().map(|test| test.check.cost()).max().unwrap_or(Cost::Row);
    let count = own.len();
    let header = Predicate { path: "is".to_owned(), wanted: name.to_owned(), check: Matcher::Is(number, cost) };
    let tests = std::iter::once(header).chain(own).collect();
    let used = Use {
        number,
        header: 0,
        tests: 1..count + 1,
        condition: moved(&when, 1),
        script: script_place,
        captures: Arc::clone(captures),
    };
    Rule {
        name: name.to_owned(),
        description: None,
        file: key.source().name().to_owned(),
        line: key.span.line,
        mode: Mode::Live,
        when: Condition::Is(Box::new(used)),
        tests,
        script: None,
        captures: Vec::new(),
        actions: Vec::new(),
        stop: false,
        at: key.location(),
        mentions,
    }
}

/// The keys that a definition may have, for what is said of an unknown one.
pub(super) fn known_keys() -> impl Iterator<Item = &'static str> {
    schema::DEFINITION.names()
}
