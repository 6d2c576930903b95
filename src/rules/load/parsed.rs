//! The files that were read, before what they hold is: what they define first, then rules and tests.

use super::{Loader, curly_quotes, definitions::Definitions};
use crate::rules::files::FileAccess;
use crate::yaml::Node;
use std::path::PathBuf;

/// A file that was read.
pub(super) struct Parsed {
    /// Its number among all that are read.
    pub(super) number: usize,
    pub(super) node: Node,
    pub(super) folder: PathBuf,
    /// What its rules may read and send.
    pub(super) files: FileAccess,
    pub(super) contains: Contains,
}

/// What of a file counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Contains {
    All,
    /// It is a file of tests.
    Tests,
    /// It lies beside a file that is loaded alone, and defines what that uses.
    Definitions,
}

/// What counts of a file of this name.
pub(super) fn contents(name: &str) -> Contains {
    if is_test_file(name) { Contains::Tests } else { Contains::All }
}

/// Whether a file of this name holds tests only.
pub(super) fn is_test_file(name: &str) -> bool {
    name.ends_with(".test.yaml") || name.ends_with(".test.yml")
}

impl Loader<'_> {
    /// Takes in what the files define; `of` are those of each workspace.
    pub(super) fn declare(&mut self, parsed: &mut [Parsed], of: &[Vec<usize>]) {
        let count = parsed.iter().map(|parsed| parsed.number + 1).max().unwrap_or_default();
        let scopes = |number: usize| {
            of.iter().enumerate().filter(move |(_, files)| files.contains(&number)).map(|(scope, _)| scope).collect()
        };
        let names = self.scopes.iter().map(|scope| scope.name.clone()).collect();
        self.definitions = Definitions::new((0..count).map(scopes).collect(), names);
        for parsed in parsed {
            curly_quotes::take_off(&mut parsed.node, &mut self.out);
            let define = parsed.node.get("define").filter(|node| !node.is_null());
            if let Some(define) = define.filter(|_| parsed.contains != Contains::Tests) {
                let is_borrowed = parsed.contains == Contains::Definitions;
                self.definitions.declare(parsed.number, is_borrowed, define, &mut self.out);
            }
        }
    }

    /// Reads what the files hold: first all definitions, then rules and tests.
    pub(super) fn read(&mut self, parsed: Vec<Parsed>) {
        self.read_definitions();
        for Parsed { number, node, folder, files, contains } in parsed {
            (self.number, self.folder, self.files) = (number, folder, files);
            self.set_having(number);
            self.file(&node, contains);
            self.origins.resize(self.rules.len(), number);
        }
    }

    /// Says which workspaces have the file at hand.
    pub(super) fn set_having(&mut self, number: usize) {
        let scopes = self.definitions.scopes_of(number).iter();
        self.having = scopes.filter_map(|scope| self.scopes.get(*scope)).collect();
    }

    /// Whether one of the files defines something.
    pub(super) fn defines(&self, files: &[usize]) -> bool {
        self.definitions.all().iter().any(|definition| files.contains(&definition.file))
    }
}
