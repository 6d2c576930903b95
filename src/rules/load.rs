//! From YAML files to a [`RuleSet`]: every mistake of every file in one pass.

mod actions;
mod attached;
mod beside;
mod conditions;
mod curly_quotes;
mod definitions;
mod entry;
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

use beside::{load_tests, parse_tests};
use definitions::Definitions;
pub(super) use entry::kept;
use entry::{file_access, parse_sources, paths};
pub use files::RuleFile;
use lists::KnownLists;
use parsed::Contains;
use suspicious::NamedCategory;
use texts::{TemplateSite, TextSource};

use super::{
    RuleSet,
    context::{LoadContext, WorkspaceContext},
    definition::Rule,
    files::FileAccess,
    rule_index::RuleIndex,
    schema,
    script::ScriptEngine,
    sources::{RuleSources, SourceFile},
    template::Templates,
    test_case::TestCase,
    workspaces,
};
use crate::diagnostics::{Diagnostic, Diagnostics, code};
use crate::yaml::Node;
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
        entry::workspaces(context)
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
        let places: HashMap<usize, usize> =
            (0..).zip(&self.sources_of).map(|(place, number)| (*number, place)).collect();
        for (workspace, files) in self.sources.workspaces.iter_mut().zip(files) {
            workspace.files = files.iter().filter_map(|number| places.get(number).copied()).collect();
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

    /// What decides is part of the revision: file and template texts, each with its length so that none runs into the next.
    fn add_to_revision(&mut self, name: &str, text: &str) {
        for part in [name, text] {
            self.hash.update(part.len().to_le_bytes());
            self.hash.update(part.as_bytes());
        }
    }
}
