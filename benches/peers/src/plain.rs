//! What one would write by hand: each regex in turn; or a search for the words that a regex needs, and then only the
//! regexes whose words were found.

use crate::workload::Rule;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::{Regex, RegexBuilder};
use regex_syntax::{
    hir::literal::{ExtractKind, Extractor},
    parse,
};
use rhai::{AST, Dynamic, Engine, Map, Scope};

pub fn compile(rules: &[Rule]) -> Vec<Regex> {
    let compile = |rule: &Rule| RegexBuilder::new(&rule.regex).case_insensitive(true).build().expect("a regex");
    rules.iter().map(compile).collect()
}

pub fn one_by_one(regexes: &[Regex], body: &str) -> usize {
    regexes.iter().filter(|regex| regex.is_match(body)).count()
}

pub fn contains(rules: &[Rule], body: &str) -> usize {
    let body = body.to_ascii_lowercase();
    rules.iter().filter(|rule| body.contains(&rule.contains)).count()
}

pub struct Prefilter {
    literals: AhoCorasick,
    /// The rule of each literal.
    rules: Vec<usize>,
    regexes: Vec<Regex>,
}

impl Prefilter {
    /// `kind` says whether to search for how matches begin or for how they end; `automaton`, which one to search with: by
    /// default the builder chooses.
    pub fn new(rules: &[Rule], kind: &ExtractKind, automaton: Option<AhoCorasickKind>) -> Self {
        let (mut literals, mut owners) = (Vec::new(), Vec::new());
        for (index, rule) in rules.iter().enumerate() {
            let found = Extractor::new().kind(kind.clone()).extract(&parse(&rule.regex).expect("a regex"));
            for literal in found.literals().expect("a rule with words") {
                literals.push(literal.as_bytes().to_vec());
                owners.push(index);
            }
        }
        let literals =
            AhoCorasick::builder().ascii_case_insensitive(true).kind(automaton).build(literals).expect("an automaton");
        Self { literals, rules: owners, regexes: compile(rules) }
    }

    pub fn matches(&self, body: &str) -> usize {
        let mut candidates: Vec<usize> =
            self.literals.find_overlapping_iter(body).map(|found| self.rules[found.pattern().as_usize()]).collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates.into_iter().filter(|rule| self.regexes[*rule].is_match(body)).count()
    }
}

/// rhai alone: compiled scripts, one scope for a mail.
pub struct Scripts {
    engine: Engine,
    scripts: Vec<AST>,
}

impl Scripts {
    pub fn new(count: usize) -> Self {
        let engine = Engine::new();
        let compile = |index| engine.compile_expression(crate::ours::script("conversation", index)).expect("a script");
        let scripts = (0..count).map(compile).collect();
        Self { engine, scripts }
    }

    pub fn matches(&self, mail: &crate::workload::Mail) -> usize {
        let row = &mail.thread.row;
        let map = |fields: Vec<(&str, Dynamic)>| {
            fields.into_iter().map(|(name, value)| (name.into(), value)).collect::<Map>()
        };
        let text = |text: &Option<String>| Dynamic::from(text.clone().unwrap_or_default());
        let mut scope = Scope::new();
        let count = i64::try_from(row.reply_count.unwrap_or_default()).unwrap_or_default();
        scope.push_constant("conversation", map(vec![("reply_count", count.into()), ("subject", text(&row.subject))]));
        scope.push_constant("lead", map(vec![("email", text(&row.lead_email)), ("name", text(&row.lead_name))]));
        scope.push_constant("message", map(vec![("body", Dynamic::from(mail.body.clone()))]));
        let holds =
            |script: &&AST| self.engine.eval_ast_with_scope::<bool>(&mut scope.clone(), script).unwrap_or(false);
        self.scripts.iter().filter(holds).count()
    }
}
