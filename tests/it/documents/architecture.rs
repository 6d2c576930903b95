//! Everything that ARCHITECTURE.md names exists.

use super::root;
use std::{fs, path::Path};

/// The texts between backticks, outside of code blocks.
fn quoted(document: &str) -> Vec<String> {
    let prose: String = document.split("```").step_by(2).collect();
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn is_path(text: &str) -> bool {
    ["src/", "tests/", "benches/", "docs/", "examples/"].iter().any(|folder| text.starts_with(folder))
}

/// All Rust and SQL, comments left out.
fn code(folder: &Path, out: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            code(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "sql") {
            let text = fs::read_to_string(path).unwrap();
            out.extend(
                text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")),
            );
        }
    }
}

/// A name such as `Intake::poll`, `record_outcome` or `Need::Thread`.
fn is_item(text: &str) -> bool {
    let words: Vec<&str> = text.split("::").collect();
    let is_word = |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    words.iter().all(is_word) && (words.len() > 1 || text.contains('_') || text.starts_with(char::is_uppercase))
}

#[test]
fn named_files_exist() {
    let document = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let paths: Vec<String> = quoted(&document).into_iter().filter(|text| is_path(text)).collect();
    assert!(paths.len() > 40, "{} paths", paths.len());
    let absent: Vec<_> = paths.iter().filter(|path| !root().join(path).exists()).collect();
    assert!(absent.is_empty(), "{absent:#?}");
}

#[test]
fn named_items_exist() {
    let document = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (mut all, mut checked) = (String::new(), 0);
    code(&root().join("src"), &mut all);
    let is_there = |name: &str| {
        all.match_indices(name).any(|(at, _)| {
            let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            !is_part(all[..at].chars().next_back()) && !is_part(all[at + name.len()..].chars().next())
        })
    };
    for item in quoted(&document).iter().filter(|text| is_item(text)) {
        checked += 1;
        for name in item.split("::") {
            assert!(is_there(name), "`{item}` is nowhere in src");
        }
    }
    assert!(checked > 20, "{checked} items");
}
