//! From YAML files to a [`RuleSet`]: every mistake of every file in one pass.

mod actions;
mod attached;
mod conditions;
mod files;
mod folder;
mod suspicious;
mod texts;

use files::Files;
use suspicious::NamedCategory;
use texts::{TemplateSite, TextSource, parse_regex};

use super::{
    RuleSet,
    definition::{Capture, Condition, Content, Matcher, References, Rule},
    files::FileAccess,
    prefilter::PrefilterBuilder,
    schema,
    script::{Script, ScriptEngine},
    set::LoadContext,
    template::Templates,
    test_case::{self, TestCase},
    workspaces::{self, WorkspaceContext},
};
use crate::diagnostics::{Diagnostic, Diagnostics, Located, Source, code};
use crate::model::Mode;
use crate::yaml::{self, Fields, Node, Value};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What is gathered while files are read.
pub(super) struct Loader<'c> {
    context: &'c LoadContext,
    /// The workspaces; one without a name where none are known.
    scopes: &'c [WorkspaceContext],
    /// Those that have the file at hand.
    having: Vec<&'c WorkspaceContext>,
    /// Those of them in which the rule at hand may match.
    concerned: Vec<&'c WorkspaceContext>,
    engine: ScriptEngine,
    out: Diagnostics,
    templates: Templates,
    rules: Vec<Rule>,
    /// The number of the file that each rule stands in.
    origins: Vec<usize>,
    cases: Vec<TestCase>,
    names: HashMap<String, String>,
    hash: Sha256,
    /// What rules may read and send.
    files: FileAccess,
    /// The folder of the file at hand.
    folder: PathBuf,
    /// The categories that rules name.
    categories: Vec<NamedCategory>,
    /// The templates of the rule at hand.
    sites: Vec<TemplateSite>,
}

/// Loads files and folders, which every workspace has.
pub(super) fn paths(paths: &[PathBuf], context: &LoadContext) -> Result<RuleSet, Diagnostics> {
    let everybody = everybody(context);
    let scopes = if context.workspaces.is_empty() { std::slice::from_ref(&everybody) } else { &context.workspaces };
    load(context, scopes, &vec![paths; scopes.len()])
}

/// Loads the rules of each workspace.
pub(super) fn workspaces(context: &LoadContext) -> Result<RuleSet, Diagnostics> {
    let paths: Vec<&[PathBuf]> = context.workspaces.iter().map(|workspace| workspace.rules.as_slice()).collect();
    load(context, &context.workspaces, &paths)
}

/// What stands for the workspaces where none are known.
fn everybody(context: &LoadContext) -> WorkspaceContext {
    WorkspaceContext {
        destinations: context.destinations.clone(),
        hours: context.hours.clone(),
        ..WorkspaceContext::default()
    }
}

/// Loads each file once, however many workspaces have it; `paths` are those of each scope.
fn load(context: &LoadContext, scopes: &[WorkspaceContext], paths: &[&[PathBuf]]) -> Result<RuleSet, Diagnostics> {
    let mut loader = Loader::new(context, scopes);
    let found = Files::find(paths, &mut loader.out);
    for (number, file) in found.all.iter().enumerate() {
        let name = file.display().to_string();
        if let Some(node) = yaml::load(file, &name, &mut loader.out) {
            loader.folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
            loader.files = file_access(context, found.roots.get(number));
            let has = found.of.iter().zip(scopes).filter(|(files, _)| files.contains(&number));
            loader.having = has.map(|(_, scope)| scope).collect();
            loader.file(&node, is_test_file(&name));
            loader.origins.resize(loader.rules.len(), number);
        }
    }
    for (paths, files) in paths.iter().zip(&found.of) {
        let has_rules = loader.origins.iter().any(|origin| files.contains(origin));
        let Some(path) = paths.first().filter(|_| !has_rules && !loader.out.has_errors()) else { continue };
        let none = Diagnostic::file(code::NO_RULES, path.display().to_string(), "there is no rule here");
        loader
            .out
            .push(none.hint("write a rule into a file that ends in .yaml; `reply-router init` writes a first one"));
    }
    loader.files = file_access(context, &found.roots);
    loader.finish(&found.of)
}

/// What rules may read and send: files below the folders that they come from.
fn file_access<'p>(context: &LoadContext, folders: impl IntoIterator<Item = &'p Vec<PathBuf>>) -> FileAccess {
    let mut access = FileAccess::new(context.attachments_from.clone(), context.private_files.clone());
    folders.into_iter().flatten().for_each(|folder| access.allow(folder));
    access
}

/// Loads the tests of one file.
pub(super) fn load_tests(path: &Path) -> Result<Vec<TestCase>, Diagnostics> {
    let mut out = Diagnostics::new();
    let node = yaml::load(path, &path.display().to_string(), &mut out);
    cases_in(node, out)
}

/// Loads the tests of a text.
pub(super) fn parse_tests(name: &str, text: &str) -> Result<Vec<TestCase>, Diagnostics> {
    let mut out = Diagnostics::new();
    let node = yaml::parse(&Source::new(name, text), &mut out);
    cases_in(node, out)
}

fn cases_in(node: Option<Node>, mut out: Diagnostics) -> Result<Vec<TestCase>, Diagnostics> {
    let tests = node.as_ref().and_then(|node| node.get("tests"));
    let cases = tests.map(|tests| test_case::read(tests, &mut out)).unwrap_or_default();
    if out.has_errors() { Err(out) } else { Ok(cases) }
}

/// Loads texts.
pub(super) fn parse_sources(sources: &[(&str, &str)], context: &LoadContext) -> Result<RuleSet, Diagnostics> {
    let everybody = everybody(context);
    let scopes = if context.workspaces.is_empty() { std::slice::from_ref(&everybody) } else { &context.workspaces };
    let mut loader = Loader::new(context, scopes);
    loader.folder.clone_from(&context.base_dir);
    if !context.base_dir.as_os_str().is_empty() {
        loader.files.allow(&context.base_dir);
    }
    loader.having = scopes.iter().collect();
    for (number, (name, text)) in sources.iter().enumerate() {
        if let Some(node) = yaml::parse(&Source::new(*name, *text), &mut loader.out) {
            loader.file(&node, is_test_file(name));
            loader.origins.resize(loader.rules.len(), number);
        }
    }
    loader.finish(&vec![(0..sources.len()).collect(); scopes.len()])
}

fn is_test_file(name: &str) -> bool {
    name.ends_with(".test.yaml") || name.ends_with(".test.yml")
}

impl<'c> Loader<'c> {
    fn new(context: &'c LoadContext, scopes: &'c [WorkspaceContext]) -> Self {
        Self {
            context,
            scopes,
            having: Vec::new(),
            concerned: Vec::new(),
            engine: ScriptEngine::new(),
            out: Diagnostics::new(),
            templates: Templates::default(),
            rules: Vec::new(),
            origins: Vec::new(),
            cases: Vec::new(),
            names: HashMap::new(),
            hash: Sha256::new(),
            files: file_access(context, []),
            folder: PathBuf::new(),
            categories: Vec::new(),
            sites: Vec::new(),
        }
    }

    /// Puts it all together; `files` are those of each workspace, in its order.
    fn finish(self, files: &[Vec<usize>]) -> Result<RuleSet, Diagnostics> {
        if self.out.has_errors() {
            return Err(self.out);
        }
        let revision = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let (mut rules, cases, templates) = (self.rules, self.cases, self.templates);
        let mut needles = PrefilterBuilder::default();
        for test in rules.iter_mut().flat_map(|rule| &mut rule.tests) {
            if let Matcher::Text(_, patterns) = &mut test.check {
                patterns.iter_mut().for_each(|pattern| needles.add(pattern));
            }
        }
        let mut set = RuleSet {
            rules: Arc::new(rules),
            cases: Arc::new(cases),
            needles: Arc::new(needles.build()),
            templates: Arc::new(templates),
            hours: Arc::new(self.context.hours.clone()),
            revision,
            files: self.files,
            ..RuleSet::default()
        };
        set.views = workspaces::views(&set, &self.context.workspaces, files, &self.origins);
        let mut warnings = self.out;
        suspicious::categories(&self.categories, &mut warnings);
        warnings.extend(workspaces::lint(&set, &self.context.workspaces));
        set.warnings = Arc::new(warnings);
        Ok(set)
    }

    fn file(&mut self, node: &Node, only_tests: bool) {
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
        if let Some(tests) = fields.non_null("tests") {
            self.tests(tests);
        }
        let Some(rules) = fields.non_null("rules") else { return };
        if only_tests {
            let message = "a file named *.test.yaml holds tests only";
            self.out.push(Diagnostic::error(code::UNKNOWN_KEY, rules, message).hint("put its rules into another file"));
            return;
        }
        self.add_to_revision(node.source().name(), node.source().text());
        for rule in rules.list(&mut self.out).unwrap_or_default() {
            self.rule(rule);
        }
    }

    /// Tests happen in the workspace that they name, or in the first one that has their file.
    fn tests(&mut self, node: &Node) {
        let known: Vec<&str> = self.context.workspaces.iter().map(|workspace| workspace.name.as_str()).collect();
        for test in node.list_or_one().iter().filter_map(|test| test.get("workspace")) {
            if known.is_empty() || known.contains(&test.text()) || test.text().trim().is_empty() {
                continue;
            }
            let error = format!("there is no workspace `{}` in the configuration", test.text());
            let error = Diagnostic::error(code::UNKNOWN_WORKSPACE, test, error);
            self.out.push(error.hint(match yaml::did_you_mean(test.text(), known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there is: {}", workspaces::listed(&known)),
            }));
        }
        let first = self.having.first().map(|scope| scope.name.clone()).filter(|_| !known.is_empty());
        let mut cases = test_case::read(node, &mut self.out);
        for case in &mut cases {
            case.workspace = case.workspace.take().or_else(|| first.clone());
        }
        self.cases.extend(cases);
    }

    /// What decides is part of the revision: file and template texts, each with its length so that none runs into the next.
    fn add_to_revision(&mut self, name: &str, text: &str) {
        for part in [name, text] {
            self.hash.update(part.len().to_le_bytes());
            self.hash.update(part.as_bytes());
        }
    }

    fn rule(&mut self, node: &Node) {
        let Some(fields) = node.fields(&schema::RULE, &mut self.out) else { return };
        let name = self.name(&fields);
        let description = fields.non_null("description").and_then(|node| node.string(&mut self.out));
        let modes = Mode::ALL.map(|mode| (mode.as_str(), mode));
        let mode = fields.non_null("mode").and_then(|node| node.one_of(&modes, &mut self.out)).unwrap_or_default();
        let stop = fields.non_null("stop").and_then(|node| node.bool(&mut self.out)).unwrap_or_default();
        let before = self.out.error_count();
        let mut mentions = References::default();
        let mut tests = Vec::new();
        let mut categories = Vec::new();
        let mut told = conditions::Told { mentions: &mut mentions, categories: &mut categories };
        let named: Vec<&str> =
            self.having.iter().map(|scope| scope.name.as_str()).filter(|name| !name.is_empty()).collect();
        let written = fields.key("when").zip(fields.get("when"));
        let when = conditions::read(written, &named, &mut tests, &mut told, &mut self.out);
        let may_match =
            |scope: &&&WorkspaceContext| scope.name.is_empty() || workspaces::may_hold(&when, &tests, &scope.name);
        self.concerned = self.having.iter().filter(may_match).copied().collect();
        if self.concerned.is_empty() {
            self.concerned.clone_from(&self.having);
        }
        let script = fields.non_null("script").and_then(|node| self.script(node));
        let misspelt = fields.has_typo("when") || fields.has_typo("script");
        if fields.get("when").is_none() && fields.non_null("script").is_none() && !misspelt {
            let place = fields.key("name").unwrap_or(node);
            let error = Diagnostic::error(code::NO_CONDITION, place, "the rule has neither `when` nor `script`");
            self.out.push(error.hint("write `when: always` if it is meant for every message"));
        }
        let captures = fields.non_null("capture").map(|node| self.captures(node)).unwrap_or_default();
        // What a part that is refused would have given to the templates is not missed there as well.
        let known = self.out.error_count() == before;
        let label = name.clone().unwrap_or_default();
        let actions = match fields.non_null("then") {
            Some(then) => self.actions(then, &label),
            None => Vec::new(),
        };
        if fields.non_null("then").is_none() && !stop && !fields.has_typo("then") {
            let place = fields.key("then").or_else(|| fields.key("name")).unwrap_or(node);
            let error = Diagnostic::error(code::NO_ACTION, place, "the rule does nothing: `then` is missing");
            self.out.push(error.hint("a rule that only keeps later rules away says `stop: true`"));
        }
        mentions.auto_reply |= script.as_ref().is_some_and(|script| script.mentions_auto_reply);
        if !mentions.auto_reply {
            suspicious::absences(&categories, &mut self.out);
        }
        self.categories.extend(categories);
        mentions.carries_text = actions.iter().any(|action| !matches!(action.content, Content::None));
        let line = fields.non_null("name").map_or(node.span.line, |name| name.span.line);
        let (file, name) = (node.source().name().to_owned(), label);
        let at = fields.non_null("name").unwrap_or(node).location();
        let mut rule =
            Rule { at, name, description, file, line, mode, when, tests, script, captures, actions, stop, mentions };
        self.check_templates(&mut rule, known);
        self.rules.push(rule);
    }

    fn name(&mut self, fields: &Fields<'_>) -> Option<String> {
        let node = fields.required("name", &mut self.out)?;
        let name = node.string(&mut self.out)?;
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 100 || !name.chars().all(fits) {
            let message = format!("`{name}` is no rule name: small letters, digits and `-` only, at most 100");
            let meant: String = name.to_lowercase().chars().map(|c| if fits(c) { c } else { '-' }).collect();
            let error = Diagnostic::error(code::RULE_NAME, node, message);
            let meant = meant.trim_matches('-');
            self.out.push(if meant.is_empty() { error } else { error.hint(format!("for example `{meant}`")) });
        }
        let place = format!("{}:{}", node.source().name(), node.span.line);
        if let Some(first) = self.names.get(&name) {
            let message = format!("there is a rule `{name}` already, at {first}");
            self.out.push(Diagnostic::error(code::RULE_TWICE, node, message).hint("give one of them another name"));
        } else {
            self.names.insert(name.clone(), place);
        }
        Some(name)
    }

    fn script(&mut self, node: &Node) -> Option<Script> {
        let source = node.non_empty_string(&mut self.out)?;
        match self.engine.compile(&source) {
            Ok(script) => Some(script.at(node)),
            Err(errors) => {
                for error in errors {
                    let start = offset(&source, error.line, error.column);
                    let end = start + word_at(&source, start);
                    let mut diagnostic = Diagnostic::error(code::BAD_SCRIPT, &node.at(start..end), error.message);
                    diagnostic.hint = error.hint;
                    self.out.push(diagnostic);
                }
                None
            }
        }
    }

    fn captures(&mut self, node: &Node) -> Vec<Capture> {
        let Some(entries) = node.entries(&mut self.out) else { return Vec::new() };
        let mut captures = Vec::new();
        for (key, value) in entries.iter() {
            let name = key.text().to_owned();
            let word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !name.starts_with(|c: char| c.is_ascii_digit());
            if !word {
                let message = format!("`{name}` cannot be used in a template: letters, digits and `_` only");
                self.out.push(Diagnostic::error(code::RULE_NAME, key, message));
            }
            if let Some(pattern) = parse_regex(value, &mut self.out) {
                captures.push(Capture { name, pattern });
            }
        }
        captures
    }
}

/// The byte of a line and column (both from 1, columns in characters) of a text.
pub(super) fn offset(text: &str, line: Option<usize>, column: Option<usize>) -> usize {
    let line = line.unwrap_or(1).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let column = column.unwrap_or(1).saturating_sub(1);
    start + rest.char_indices().nth(column).map_or(rest.trim_end().len(), |(at, _)| at)
}

/// How many bytes the dotted name at a place has; at least 1, for what is no name.
fn word_at(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
    rest.get(..end).map_or(0, |word| word.trim_end_matches('.').len()).max(1)
}

/// Whether a node is a mapping.
fn is_mapping(node: &Node) -> bool {
    matches!(node.value, Value::Mapping(_))
}

/// A condition that holds for everything.
const ALWAYS: Condition = Condition::Always;
