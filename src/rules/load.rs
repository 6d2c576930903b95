//! From YAML files to a [`RuleSet`]: every mistake of every file in one pass.

mod actions;
mod attached;
mod conditions;
mod curly_quotes;
mod definitions;
mod files;
mod folder;
mod list_lint;
mod listed;
mod lists;
mod neighbours;
mod parsed;
mod recipients;
mod rule;
mod suspicious;
mod text_patterns;
mod texts;
mod uses;

use definitions::Definitions;
use files::Files;
pub use files::RuleFile;
use lists::KnownLists;
use parsed::{Contains, Parsed, contents};
use suspicious::NamedCategory;
use texts::{TemplateSite, TextSource};

use super::{
    RuleSet,
    context::{Edit, LoadContext, WorkspaceContext},
    definition::Rule,
    files::FileAccess,
    rule_index::RuleIndex,
    schema,
    script::ScriptEngine,
    sources::{RuleSources, SourceFile},
    template::Templates,
    test_case::{self, TestCase},
    workspaces,
};
use crate::diagnostics::{Diagnostic, Diagnostics, Source, code};
use crate::lists::List;
use crate::yaml::{self, Node};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

impl RuleSet {
    /// Loads a file, or every `*.yaml` below a folder, sorted by path, for every workspace. Files named `*.test.yaml` hold
    /// tests only.
    ///
    /// # Errors
    /// Every mistake of every file, with its place. Warnings alone are no error: see [`RuleSet::warnings`].
    pub fn load(path: &Path, context: &LoadContext) -> Result<Self, Diagnostics> {
        paths(&[path.to_owned()], context)
    }

    /// Loads the rules of each workspace of the context, in the order of its paths.
    ///
    /// # Errors
    /// As [`RuleSet::load`].
    pub fn load_workspaces(context: &LoadContext) -> Result<Self, Diagnostics> {
        workspaces(context)
    }

    /// The files that [`RuleSet::load_workspaces`] reads, in the order in which it reads them.
    pub fn find_files(context: &LoadContext) -> Vec<RuleFile> {
        files::of_workspaces(context)
    }

    /// Loads only the tests of a file, whatever rules stand beside them.
    ///
    /// # Errors
    /// Every mistake in the tests.
    pub fn load_tests(path: &Path) -> Result<Vec<TestCase>, Diagnostics> {
        load_tests(path)
    }

    /// As [`RuleSet::load_tests`], of a text.
    ///
    /// # Errors
    /// As [`RuleSet::load_tests`].
    pub fn parse_tests(name: &str, text: &str) -> Result<Vec<TestCase>, Diagnostics> {
        parse_tests(name, text)
    }

    /// Loads texts instead of files, in this order: pairs of the name to be shown and the YAML.
    ///
    /// # Errors
    /// As [`RuleSet::load`].
    pub fn parse(sources: &[(&str, &str)], context: &LoadContext) -> Result<Self, Diagnostics> {
        parse_sources(sources, context)
    }
}

/// What is gathered while files are read.
pub(super) struct Loader<'c> {
    context: &'c LoadContext,
    /// The workspaces; one without a name where none are known.
    scopes: &'c [WorkspaceContext],
    /// Those that have the file at hand.
    having: Vec<&'c WorkspaceContext>,
    /// Those of them in which the rule at hand may match.
    concerned: Vec<&'c WorkspaceContext>,
    /// The lists of every scope.
    lists: KnownLists,
    engine: ScriptEngine,
    out: Diagnostics,
    templates: Templates,
    rules: Vec<Rule>,
    /// The number of the file at hand.
    number: usize,
    /// The number of the file that each rule stands in.
    origins: Vec<usize>,
    cases: Vec<TestCase>,
    names: HashMap<String, String>,
    hash: Sha256,
    /// What rules may read and send.
    files: FileAccess,
    /// What the set is made of.
    sources: RuleSources,
    /// The places of its files among all that were read.
    sources_of: Vec<usize>,
    /// What it was made of before, where it is made again: then no file is read.
    kept: Option<&'c RuleSources>,
    /// The folder of the file at hand.
    folder: PathBuf,
    /// The categories that rules name.
    categories: Vec<NamedCategory>,
    /// The templates of the rule at hand.
    sites: Vec<TemplateSite>,
    /// The named conditions of all files.
    definitions: Definitions,
}

/// Loads files and folders, which every workspace has.
fn paths(paths: &[PathBuf], context: &LoadContext) -> Result<RuleSet, Diagnostics> {
    let everybody = everybody(context);
    let scopes = if context.workspaces.is_empty() { std::slice::from_ref(&everybody) } else { &context.workspaces };
    load(context, scopes, &vec![paths; scopes.len()])
}

/// Loads the rules of each workspace.
fn workspaces(context: &LoadContext) -> Result<RuleSet, Diagnostics> {
    let paths: Vec<&[PathBuf]> = context.workspaces.iter().map(|workspace| workspace.rules.as_slice()).collect();
    load(context, &context.workspaces, &paths)
}

/// What stands for the workspaces where none are known.
fn everybody(context: &LoadContext) -> WorkspaceContext {
    WorkspaceContext {
        destinations: context.destinations.clone(),
        hours: context.hours.clone(),
        lists: context.lists.clone(),
        ..WorkspaceContext::default()
    }
}

/// Loads each file once, however many workspaces have it; `paths` are those of each scope.
fn load(context: &LoadContext, scopes: &[WorkspaceContext], paths: &[&[PathBuf]]) -> Result<RuleSet, Diagnostics> {
    let mut loader = Loader::new(context, scopes);
    loader.read_lists();
    let found = Files::find(paths, context, &mut loader.out);
    let mut parsed = Vec::with_capacity(found.all.len());
    for (number, file) in found.all.iter().enumerate() {
        let name = file.display().to_string();
        let mut files = file_access(context, found.roots.get(number));
        let edit = context.edit.as_ref().and_then(|edit| Some((edit, edit.texts.get(file)?)));
        let node = match edit {
            Some((edit, text)) => {
                files = files.for_trying(edit.may_name.clone());
                yaml::parse(&Source::new(name.as_str(), text.as_str()), &mut loader.out)
            }
            None => yaml::load(file, &name, &mut loader.out),
        };
        if let Some(node) = node {
            parsed.push(Parsed {
                number,
                node,
                folder: file.parent().map(Path::to_path_buf).unwrap_or_default(),
                files,
                contains: contents(&name),
            });
        }
    }
    let mut files = found.of.clone();
    loader.declare(&mut parsed, &files);
    // Whoever may name few files gets no definitions out of others.
    let is_held_back = |number: usize| {
        let edit = context.edit.as_ref().filter(|edit| edit.may_name.is_some());
        edit.zip(found.all.get(number)).is_some_and(|(edit, file)| edit.texts.contains_key(file))
    };
    let alone = (0..found.all.len()).filter(|number| found.is_alone.contains(number) && !is_held_back(*number));
    let alone: Vec<usize> = alone.collect();
    neighbours::borrow(&mut loader, &alone, &found.all, &mut parsed, &mut files);
    loader.read(parsed);
    for (paths, files) in paths.iter().zip(&found.of) {
        let has_rules = loader.origins.iter().any(|origin| files.contains(origin)) || loader.defines(files);
        let Some(path) = paths.first().filter(|_| !has_rules && !loader.out.has_errors()) else { continue };
        let none = Diagnostic::file(code::NO_RULES, path.display().to_string(), "there is no rule here");
        loader
            .out
            .push(none.hint("write a rule into a file that ends in .yaml; `reply-router init` writes a first one"));
    }
    loader.files = file_access(context, &found.roots);
    loader.finish(&files)
}

/// What rules may read and send: files below the folders that they come from.
fn file_access<'p>(context: &LoadContext, folders: impl IntoIterator<Item = &'p Vec<PathBuf>>) -> FileAccess {
    let mut access = FileAccess::new(context.attachments_from.clone(), context.private_files.clone());
    folders.into_iter().flatten().for_each(|folder| access.allow(folder));
    access
}

/// Loads the tests of one file.
fn load_tests(path: &Path) -> Result<Vec<TestCase>, Diagnostics> {
    let mut out = Diagnostics::new();
    let node = yaml::load(path, &path.display().to_string(), &mut out);
    cases_in(node, out)
}

/// Loads the tests of a text.
fn parse_tests(name: &str, text: &str) -> Result<Vec<TestCase>, Diagnostics> {
    let mut out = Diagnostics::new();
    let node = yaml::parse(&Source::new(name, text), &mut out);
    cases_in(node, out)
}

fn cases_in(mut node: Option<Node>, mut out: Diagnostics) -> Result<Vec<TestCase>, Diagnostics> {
    if let Some(node) = &mut node {
        curly_quotes::take_off(node, &mut out);
    }
    let tests = node.as_ref().and_then(|node| node.get("tests"));
    let cases = tests.map(|tests| test_case::read(tests, &mut out)).unwrap_or_default();
    if out.has_errors() { Err(out) } else { Ok(cases) }
}

/// Loads texts.
fn parse_sources(sources: &[(&str, &str)], context: &LoadContext) -> Result<RuleSet, Diagnostics> {
    let everybody = everybody(context);
    let scopes = if context.workspaces.is_empty() { std::slice::from_ref(&everybody) } else { &context.workspaces };
    let mut loader = Loader::new(context, scopes);
    loader.read_lists();
    loader.folder.clone_from(&context.base_dir);
    if !context.base_dir.as_os_str().is_empty() {
        loader.files.allow(&context.base_dir);
    }
    let files = vec![(0..sources.len()).collect(); scopes.len()];
    let mut parsed = Vec::with_capacity(sources.len());
    for (number, (name, text)) in sources.iter().enumerate() {
        if let Some(node) = yaml::parse(&Source::new(*name, *text), &mut loader.out) {
            let (folder, files) = (loader.folder.clone(), loader.files.clone());
            parsed.push(Parsed { number, node, folder, files, contains: contents(name) });
        }
    }
    loader.declare(&mut parsed, &files);
    loader.read(parsed);
    loader.finish(&files)
}

/// Makes a set again from what it was made of; `lists` has those that are read now, by their digests.
pub(super) fn kept(sources: &RuleSources, lists: &HashMap<&str, Arc<List>>) -> Result<RuleSet, Diagnostics> {
    let context = sources.context();
    let everybody = everybody(&context);
    let (scopes, of) = match context.workspaces.as_slice() {
        [] => (std::slice::from_ref(&everybody), vec![(0..sources.files.len()).collect()]),
        all => (all, sources.workspaces.iter().map(|workspace| workspace.files.clone()).collect::<Vec<_>>()),
    };
    let mut loader = Loader::new(&context, scopes);
    loader.kept = Some(sources);
    loader.lists = KnownLists::of_kept(sources, lists);
    let mut parsed = Vec::with_capacity(sources.files.len());
    for (number, file) in sources.files.iter().enumerate() {
        if let Some(node) = yaml::parse(&Source::new(file.name.as_str(), file.text.as_str()), &mut loader.out) {
            let (folder, files) = (PathBuf::from(&file.folder), loader.files.clone());
            let contains = if file.only_definitions { Contains::Definitions } else { Contains::All };
            parsed.push(Parsed { number, node, folder, files, contains });
        }
    }
    loader.declare(&mut parsed, &of);
    loader.read(parsed);
    loader.finish(&of)
}

impl<'c> Loader<'c> {
    fn new(context: &'c LoadContext, scopes: &'c [WorkspaceContext]) -> Self {
        Self {
            context,
            scopes,
            having: Vec::new(),
            concerned: Vec::new(),
            lists: KnownLists::default(),
            engine: ScriptEngine::new(),
            out: Diagnostics::new(),
            templates: Templates::default(),
            rules: Vec::new(),
            number: 0,
            origins: Vec::new(),
            cases: Vec::new(),
            names: HashMap::new(),
            hash: Sha256::new(),
            files: file_access(context, []),
            sources: RuleSources::of_context(context),
            sources_of: Vec::new(),
            kept: None,
            folder: PathBuf::new(),
            categories: Vec::new(),
            sites: Vec::new(),
            definitions: Definitions::default(),
        }
    }

    /// Puts it all together; `files` are those of each workspace, in its order.
    fn finish(mut self, files: &[Vec<usize>]) -> Result<RuleSet, Diagnostics> {
        if self.out.has_errors() {
            return Err(self.out);
        }
        for (workspace, files) in self.sources.workspaces.iter_mut().zip(files) {
            let place = |number: &usize| self.sources_of.iter().position(|read| read == number);
            workspace.files = files.iter().filter_map(place).collect();
        }
        self.lists.note_used(&mut self.sources);
        let context = self.sources.context_text();
        self.add_to_revision("", &context);
        let revision = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let (mut rules, cases, templates) = (self.rules, self.cases, self.templates);
        let index = RuleIndex::build(&mut rules);
        if self.kept.is_none() && !rules.is_empty() {
            self.definitions.warn_of_unused(&mut self.out);
        }
        let mut set = RuleSet {
            definitions: Arc::new(self.definitions.all()),
            definition_count: self.definitions.len(),
            rules: Arc::new(rules),
            cases: Arc::new(cases),
            index: Some(Arc::new(index)),
            templates: Arc::new(templates),
            hours: Arc::new(self.context.hours.clone()),
            lists: self.lists.everywhere(self.context),
            revision,
            sources: Arc::new(self.sources),
            files: self.files,
            ..RuleSet::default()
        };
        set.views =
            workspaces::views(&set, &self.context.workspaces, &self.lists.of_workspaces(), files, &self.origins);
        if self.kept.is_none() {
            let mut warnings = self.out;
            suspicious::categories(&self.categories, &mut warnings);
            warnings.extend(workspaces::lint(&set, &self.context.workspaces));
            set.warnings = Arc::new(warnings);
        }
        Ok(set)
    }

    fn file(&mut self, node: &Node, contains: Contains) {
        if node.is_null() {
            return;
        }
        let Some(fields) = node.fields(&schema::FILE, &mut self.out) else { return };
        if let Some(version) = fields.non_null("version")
            && version.text() != "1"
        {
            let message = format!("version `{}` is unknown", version.text());
            self.out.push(Diagnostic::error(code::VERSION, version, message).hint("write `version: 1`"));
        }
        let counts_all = contains == Contains::All || contains == Contains::Tests;
        if let Some(tests) = fields.non_null("tests").filter(|_| self.kept.is_none() && counts_all) {
            self.tests(tests);
        }
        let (rules, define) = (fields.non_null("rules"), fields.non_null("define"));
        if contains == Contains::Tests {
            for (what, part) in [("rules", rules), ("definitions", define)] {
                let Some(part) = part else { continue };
                let message = "a file named *.test.yaml holds tests only";
                let error = Diagnostic::error(code::UNKNOWN_KEY, part, message);
                self.out.push(error.hint(format!("put its {what} into another file")));
            }
            return;
        }
        let is_used = contains == Contains::All || self.definitions.is_file_used(self.number);
        if !is_used || (rules.is_none() && define.is_none()) {
            return;
        }
        let source = node.source();
        self.add_to_revision(source.name(), source.text());
        self.sources_of.push(self.number);
        self.sources.files.push(SourceFile {
            name: source.name().to_owned(),
            folder: self.folder.to_string_lossy().into_owned(),
            text: source.text().to_owned(),
            only_definitions: contains == Contains::Definitions,
        });
        if let Some(rules) = rules.filter(|_| contains == Contains::All) {
            for rule in rules.list(&mut self.out).unwrap_or_default() {
                self.rule(rule);
            }
        }
    }

    /// Tests happen in the workspace that they name, or in the first one that has their file.
    fn tests(&mut self, node: &Node) {
        let known: Vec<&str> = self.context.workspaces.iter().map(|workspace| workspace.name.as_str()).collect();
        // Whoever sees some of the workspaces tries rules without the tests of others.
        let edit = self.context.edit.as_ref().filter(|edit| edit.may_name.is_some());
        let is_edited = |edit: &Edit| edit.texts.keys().any(|path| path.as_os_str() == node.source().name());
        let leaves_out = edit.is_some_and(|edit| !is_edited(edit));
        for test in node.list_or_one().iter().filter_map(|test| test.get("workspace")) {
            if leaves_out || known.is_empty() || known.contains(&test.text()) || test.text().trim().is_empty() {
                continue;
            }
            let error = format!("there is no workspace `{}` in the configuration", test.text());
            let error = Diagnostic::error(code::UNKNOWN_WORKSPACE, test, error);
            self.out.push(error.hint(match yaml::did_you_mean(test.text(), known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there is: {}", workspaces::listed(&known)),
            }));
        }
        self.tests_name_definitions(node);
        let first = self.having.first().map(|scope| scope.name.clone()).filter(|_| !known.is_empty());
        let mut cases = test_case::read(node, &mut self.out);
        for case in &mut cases {
            case.workspace = case.workspace.take().or_else(|| first.clone());
        }
        cases.retain(|case| !leaves_out || known.contains(&case.workspace()));
        self.cases.extend(cases);
    }

    /// Definitions that tests expect to hold.
    fn tests_name_definitions(&mut self, tests: &Node) {
        for test in tests.list_or_one() {
            let steps = test.get("steps").map(Node::list_or_one).unwrap_or_default();
            for expected in std::iter::once(test).chain(steps).filter_map(|part| part.get("expect")?.get("is")) {
                for item in expected.list_or_one().iter().filter(|item| !item.text().is_empty()) {
                    let found = self.definitions.resolve(item, self.number, &mut self.out);
                    if let Some(read) = found.and_then(|number| self.definitions.get(number)) {
                        let definition = Arc::clone(&read.definition);
                        self.check_lists_of_test(&definition.rule.tests);
                    }
                }
            }
        }
    }

    /// What decides is part of the revision: file and template texts, each with its length so that none runs into the next.
    fn add_to_revision(&mut self, name: &str, text: &str) {
        for part in [name, text] {
            self.hash.update(part.len().to_le_bytes());
            self.hash.update(part.as_bytes());
        }
    }
}
