//! One rule: its keys, its script, what it captures.

use super::{
    Loader,
    conditions::{self, is_mapping},
    suspicious,
    text_patterns::captured_phrases,
    texts::parse_regex,
};
use crate::diagnostics::{Diagnostic, Diagnostics, Located, code};
use crate::model::Mode;
use crate::rules::{
    context::WorkspaceContext,
    definition::{Capture, CapturePattern, Content, References, Rule},
    schema,
    script::{Script, offset},
    workspaces,
};
use crate::yaml::{Fields, Node};

impl Loader<'_> {
    pub(super) fn rule(&mut self, node: &Node) {
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
        let mut depth = 0;
        let mut told = conditions::Told { mentions: &mut mentions, categories: &mut categories, depth: &mut depth };
        let named: Vec<&str> =
            self.having.iter().map(|scope| scope.name.as_str()).filter(|name| !name.is_empty()).collect();
        let written = fields.key("when").zip(fields.get("when"));
        let scope = conditions::Scope { workspaces: &named, definitions: &mut self.definitions, file: self.number };
        let when = conditions::read(written, scope, &mut tests, &mut told, &mut self.out);
        let may_match =
            |scope: &&&WorkspaceContext| scope.name.is_empty() || workspaces::may_hold(&when, &tests, &scope.name);
        self.concerned = self.having.iter().filter(may_match).copied().collect();
        if self.concerned.is_empty() {
            self.concerned.clone_from(&self.having);
        }
        self.check_listed(&tests);
        if let Some(when) = fields.non_null("when").filter(|_| self.kept.is_none()) {
            self.lint_list_names(when);
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
            Some(then) => self.actions(then, &label, script.as_ref()),
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
        self.categories.extend(categories.into_iter().filter(|one| !one.is_used));
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
        check_name("rule", &name, node, &mut self.out);
        let place = format!("{}:{}", node.source().name(), node.span.line);
        if let Some(first) = self.names.get(&name) {
            let message = format!("there is a rule `{name}` already, at {first}");
            self.out.push(Diagnostic::error(code::RULE_TWICE, node, message).hint("give one of them another name"));
        } else {
            self.names.insert(name.clone(), place);
        }
        Some(name)
    }

    pub(super) fn script(&mut self, node: &Node) -> Option<Script> {
        let source = node.non_empty_string(&mut self.out)?;
        match self.engine.compile(&source) {
            Ok(script) => {
                self.check_script_lookups(&script, node);
                Some(script.at(node))
            }
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

    pub(super) fn captures(&mut self, node: &Node) -> Vec<Capture> {
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
            let pattern = if is_mapping(value) {
                captured_phrases(value, &mut self.out).map(CapturePattern::Says)
            } else {
                parse_regex(value, &mut self.out).map(CapturePattern::Regex)
            };
            captures.extend(pattern.map(|pattern| Capture { name, pattern }));
        }
        captures
    }
}

/// Refuses what fits into no address, file or list.
pub(super) fn check_name(what: &str, name: &str, node: &Node, out: &mut Diagnostics) {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 100 || !name.chars().all(fits) {
        let message = format!("`{name}` is no {what} name: small letters, digits and `-` only, at most 100");
        let meant: String = name.to_lowercase().chars().map(|c| if fits(c) { c } else { '-' }).collect();
        let error = Diagnostic::error(code::RULE_NAME, node, message);
        let meant = meant.trim_matches('-');
        out.push(if meant.is_empty() { error } else { error.hint(format!("for example `{meant}`")) });
    }
}

/// How many bytes the dotted name at a place has; at least 1, for what is no name.
fn word_at(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
    rest.get(..end).map_or(0, |word| word.trim_end_matches('.').len()).max(1)
}
