//! The tests beside rules.

use super::{Loader, curly_quotes};
use crate::diagnostics::{Diagnostic, Diagnostics, Source, code};
use crate::rules::{
    context::Edit,
    test_case::{self, TestCase},
    workspaces,
};
use crate::yaml::{self, Node};
use std::{path::Path, sync::Arc};

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

fn cases_in(mut node: Option<Node>, mut out: Diagnostics) -> Result<Vec<TestCase>, Diagnostics> {
    if let Some(node) = &mut node {
        curly_quotes::take_off(node, &mut out);
    }
    let tests = node.as_ref().and_then(|node| node.get("tests"));
    let cases = tests.map(|tests| test_case::read(tests, &mut out)).unwrap_or_default();
    if out.has_errors() { Err(out) } else { Ok(cases) }
}

impl Loader<'_> {
    /// Tests happen in the workspace that they name, or in the first one that has their file.
    pub(super) fn tests(&mut self, node: &Node) {
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
}
