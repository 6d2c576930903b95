//! Texts inside of rules: templates with the place that each part of them has, and regular expressions.

use super::{Loader, suspicious};
use crate::diagnostics::{Diagnostic, Diagnostics, Location, Source, code};
use crate::rules::{
    captured,
    definition::{Matcher, Rule},
    pattern::Pattern,
    template::{TemplateRef, occurrences},
    workspaces::listed,
};
use crate::yaml::{self, Node};
use std::{
    collections::{BTreeSet, HashSet},
    ops::Range,
    sync::Arc,
};

/// How many mistakes of one text are told.
pub(super) const MAX_LISTED: usize = 50;

/// A template and where its text stands.
pub(super) struct TemplateSite {
    pub(super) template: TemplateRef,
    pub(super) at: TextSource,
}

/// Where a text stands: in a value of the YAML file, or in a file of its own.
pub(super) enum TextSource {
    Node(Node),
    File(Arc<Source>),
}

impl TextSource {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Node(node) => node.text(),
            Self::File(source) => source.text(),
        }
    }

    /// An error at a range of bytes of the text.
    pub(super) fn error(&self, code: &'static str, range: Range<usize>, message: impl Into<String>) -> Diagnostic {
        match self {
            Self::Node(node) => Diagnostic::error(code, &node.at(range), message),
            Self::File(source) => Diagnostic::error(code, &Location::new(source, range), message),
        }
    }
}

impl Loader<'_> {
    /// Names that a template takes from its own rule, which only the whole rule knows.
    pub(super) fn check_templates(&mut self, rule: &mut Rule, known: bool) {
        let (given, refused) = captured::names_of(&rule.when, &rule.tests);
        let captures = rule.captures.iter().map(|capture| capture.name.as_str());
        let names = CaptureNames {
            given: captures.chain(given.iter().map(String::as_str)).collect(),
            refused: refused.iter().map(String::as_str).collect(),
        };
        let mut needs_thread = false;
        for site in std::mem::take(&mut self.sites) {
            needs_thread |= site.template.needs_thread;
            for var in self.templates.workspace_vars(&site.template).into_iter().take(MAX_LISTED) {
                let text = site.at.text();
                let found = occurrences(text, &format!("workspace.vars.{var}"));
                let (start, end) = found.first().copied().unwrap_or((0, text.len()));
                self.check_var(&var, site.at.error(code::NO_CAPTURE, start..end, ""));
            }
            let uses = self.templates.references(&site.template).into_iter().filter(|_| known);
            let missing = uses.filter_map(|(root, field)| {
                let told = nothing_gives(&root, field.as_deref(), rule, &names)?;
                Some((root, field, told))
            });
            for (root, field, (message, hint)) in missing.take(MAX_LISTED) {
                let field = field.as_deref();
                let name = field.map_or_else(|| root.clone(), |field| format!("{root}.{field}"));
                let text = site.at.text();
                let found = occurrences(text, &name);
                let all = if found.is_empty() { vec![(0, text.len())] } else { found };
                for (start, end) in all.into_iter().take(MAX_LISTED) {
                    let error = site.at.error(code::NO_CAPTURE, start..end, message.clone());
                    self.out.push(error.hint(hint.clone()));
                }
            }
        }
        if let Some(script) = &rule.script {
            for var in script.workspace_vars() {
                self.check_var(var, Diagnostic::error(code::NO_CAPTURE, &rule.at, ""));
            }
        }
        for test in &rule.tests {
            let Matcher::Script(script) = &test.check else { continue };
            for var in script.workspace_vars() {
                self.check_var(var, Diagnostic::error(code::NO_CAPTURE, &rule.at, ""));
            }
        }
        rule.mentions.thread_in_templates = needs_thread;
        rule.mentions.captures = !given.is_empty();
    }
}

impl Loader<'_> {
    /// Reports a text that not every workspace has in which the rule may match; `found` says where it is asked for.
    fn check_var(&mut self, name: &str, mut found: Diagnostic) {
        let concerned = || self.concerned.iter().filter(|scope| !scope.name.is_empty());
        let lacking: Vec<&str> =
            concerned().filter(|scope| !scope.vars.contains_key(name)).map(|scope| scope.name.as_str()).collect();
        if lacking.is_empty() {
            return;
        }
        let known: BTreeSet<&str> = concerned().flat_map(|scope| scope.vars.keys()).map(String::as_str).collect();
        let add = format!("add `vars: {{ {name}: … }}` to the workspace");
        if known.contains(name) {
            found.code = code::NO_VAR;
            found.message = format!("`workspace.vars.{name}` is not defined for {}", listed(&lacking));
            self.out.push(found.lint(false).hint(add));
            return;
        }
        found.message = format!("no workspace that has this rule defines `workspace.vars.{name}`");
        self.out.push(found.hint(match yaml::did_you_mean(name, known) {
            Some(near) => format!("did you mean `workspace.vars.{near}`?"),
            None => add,
        }));
    }
}

/// What a rule captures, by name.
struct CaptureNames<'r> {
    given: HashSet<&'r str>,
    /// Only what must not hold would give these.
    refused: HashSet<&'r str>,
}

/// Why a name of a template has no value in this rule, and what to do about it; nothing if it may have one.
fn nothing_gives(
    root: &str,
    field: Option<&str>,
    rule: &Rule,
    captures: &CaptureNames<'_>,
) -> Option<(String, String)> {
    match (root, field, &rule.script) {
        ("captures", Some(field), _) if captures.given.contains(field) => None,
        ("captures", Some(field), _) if captures.refused.contains(field) => {
            let message = format!("`{field}` is captured under `not` only, and what must not hold gives nothing");
            Some((message, format!("look for it in the rule: `capture: {{ {field}: … }}`")))
        }
        ("captures", Some(field), _) => {
            let hint = match yaml::did_you_mean(field, captures.given.iter().copied()) {
                Some(near) => format!("did you mean `captures.{near}`?"),
                None => format!("add `{field}` to `capture`, or name a group of a condition: `(?P<{field}>…)`"),
            };
            Some((format!("nothing in the rule captures `{field}`"), hint))
        }
        ("vars", field, None) => {
            let shown = field.unwrap_or("NAME");
            let hint = format!("give the rule a script that returns #{{ matched: true, vars: #{{ {shown}: … }} }}");
            Some(("`vars` come from a script, and the rule has none".to_owned(), hint))
        }
        ("vars", Some(field), Some(script)) if !script.may_set(field) => {
            let message = format!("the script never names `{field}`");
            Some((message, format!("return it: #{{ matched: true, vars: #{{ {field}: … }} }}")))
        }
        _ => None,
    }
}

/// A regular expression, its mistake pointed at inside the text.
pub(super) fn parse_regex(node: &Node, out: &mut Diagnostics) -> Option<Pattern> {
    let text = node.non_empty_string(out)?;
    if let Some(backspace) = node.check_backspace() {
        out.push(backspace);
        return None;
    }
    match Pattern::new(&text) {
        Ok(pattern) => {
            odd_regex(node, &text, &pattern, out);
            suspicious::regex(node, &text, out);
            Some(pattern)
        }
        Err(error) => {
            let mut found = match error.span {
                Some((start, end)) => {
                    Diagnostic::error(code::BAD_REGEX, &node.at(start..end.max(start + 1)), error.message)
                }
                None => Diagnostic::error(code::BAD_REGEX, node, error.message),
            };
            found.hint = error.hint;
            out.push(found);
            None
        }
    }
}

/// What an expression finds that nobody meant.
fn odd_regex(node: &Node, text: &str, pattern: &Pattern, out: &mut Diagnostics) {
    let finds_empty = pattern.matches_nothing();
    if finds_empty && pattern.matches_everything() {
        let what = "this is found in every text, because it may be empty";
        let found = Diagnostic::error(code::MATCHES_EMPTY, node, what).lint(true);
        out.push(found.hint("`*` and `?` allow nothing at all; write `+`, or name what must be there"));
    } else if finds_empty {
        let found = Diagnostic::error(code::MATCHES_EMPTY, node, "this is found in an empty text as well");
        out.push(
            found.lint(false).hint("right if a message without words is meant; otherwise name what must be there"),
        );
    }
    let ends = [
        (text.starts_with(".*"), 0..2),
        (text.ends_with(".*") && !text.ends_with("\\.*"), text.len().saturating_sub(2)..text.len()),
    ];
    for (_, range) in ends.into_iter().filter(|(there, _)| *there && !finds_empty) {
        let found = Diagnostic::error(code::ANY_AT_THE_END, &node.at(range), "`.*` at an end changes nothing");
        out.push(found.lint(true).hint("leave it out: the text is searched for anywhere"));
    }
}
