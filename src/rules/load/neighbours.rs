//! Definitions for a file that is loaded alone: `test rules/20-mine.yaml` finds what the files beside it define.

use super::{
    Loader,
    definitions::{is_lacking, names_used},
    parsed::{Contains, Parsed, is_test_file},
};
use crate::diagnostics::Diagnostics;
use crate::rules::files::{CONFIGURATION, FileAccess};
use crate::yaml::{self, Node};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// No more files beside one are looked at.
const MAX_FILES: usize = 200;

/// Takes in the files beside those that are loaded alone where these use names that no file defines. Nothing but the definitions
/// of such a file counts. `all` are the files that were asked for, `of` those of each workspace.
pub(super) fn borrow(
    loader: &mut Loader<'_>,
    alone: &[usize],
    all: &[PathBuf],
    parsed: &mut Vec<Parsed>,
    of: &mut [Vec<usize>],
) {
    let mut next = all.len();
    for number in alone {
        let Some(file) = parsed.iter().find(|parsed| parsed.number == *number) else { continue };
        if !is_lacking(&loader.definitions, *number, &names_in(&file.node)) {
            continue;
        }
        let folder = file.folder.clone();
        for path in beside(&folder, all) {
            // What is wrong with a file that nobody asked for is not told.
            let Some(node) = yaml::load(&path, &path.display().to_string(), &mut Diagnostics::new()) else { continue };
            let Some(define) = node.get("define").filter(|node| !node.is_null()).cloned() else { continue };
            loader.definitions.borrow_for(*number, next);
            loader.definitions.declare(next, true, &define, &mut Diagnostics::new());
            of.iter_mut().filter(|files| files.contains(number)).for_each(|files| files.push(next));
            let (folder, files) = (folder.clone(), FileAccess::default());
            parsed.push(Parsed { number: next, node, folder, files, contains: Contains::Definitions });
            next += 1;
        }
    }
}

/// The names that the rules and definitions of a file use.
fn names_in(file: &Node) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let rules = file.get("rules").map(Node::list_or_one).unwrap_or_default();
    rules.iter().filter_map(|rule| rule.get("when")).for_each(|when| names_used(when, &mut names));
    if let Some(yaml::Value::Mapping(entries)) = file.get("define").map(|define| &define.value) {
        entries.iter().for_each(|(_, value)| names_used(value, &mut names));
    }
    names
}

/// The YAML files of a folder that were not asked for, by name.
fn beside(folder: &Path, all: &[PathBuf]) -> Vec<PathBuf> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(here) else { return Vec::new() };
    let is_wanted = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        is_yaml
            && !name.starts_with('.')
            && !is_test_file(&name)
            && name != CONFIGURATION
            && !all.iter().any(|known| known.file_name() == path.file_name() && is_same(known, path))
            && path.is_file()
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| folder.join(entry.file_name())))
        .filter(is_wanted)
        .take(MAX_FILES)
        .collect();
    found.sort();
    found
}

fn is_same(left: &Path, right: &Path) -> bool {
    left.canonicalize().ok() == right.canonicalize().ok()
}
