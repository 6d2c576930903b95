//! What `check` says of bad files: each folder of `tests/diagnostics` is a case, with what is printed beside it.
//!
//! A case has a configuration, or rules alone (`rules.yaml` or `rules/`), and `expected.txt`: the standard output of the
//! binary and how it ended. `sizes.txt` names files that are too large to be kept: `NAME BYTES`. To write what is printed
//! now: `UPDATE_EXPECTED=1 cargo test --test it diagnostics`, and read the difference.

use crate::cli_fixture::CommandOutput;
use reply_router::diagnostics::CODES;
use std::{
    collections::BTreeSet,
    fmt::Write,
    path::{Path, PathBuf},
    process::Command,
};

/// So many at least.
const CASES: usize = 60;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

/// All cases, by name.
pub(crate) fn cases() -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = entries
        .filter(|path| path.is_dir())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path))
        .collect();
    cases.sort();
    cases
}

fn check(folder: &Path, format: &str) -> CommandOutput {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reply-router"));
    command.current_dir(folder).env_remove("REPLY_ROUTER_CONFIG").env_remove("REPLY_ROUTER_ADMIN_TOKEN");
    command.args(["check", "--format", format]);
    if !folder.join("reply-router.yaml").exists() {
        command.arg(if folder.join("rules").is_dir() { "rules" } else { "rules.yaml" });
    }
    CommandOutput::new(&command.output().unwrap())
}

/// The case where it stands, or a copy of it with its large files.
fn with_large_files(case: &Path, scratch: &Path) -> PathBuf {
    let Ok(sizes) = std::fs::read_to_string(case.join("sizes.txt")) else { return case.to_owned() };
    for entry in std::fs::read_dir(case).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, scratch.join(path.file_name().unwrap())).unwrap();
    }
    for line in sizes.lines() {
        let (name, size) = line.split_once(' ').unwrap();
        std::fs::File::create(scratch.join(name)).unwrap().set_len(size.parse().unwrap()).unwrap();
    }
    scratch.to_owned()
}

#[test]
fn every_case_is_told_as_expected() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let cases = cases();
    assert!(cases.len() >= CASES, "{} cases", cases.len());
    let mut wrong = String::new();
    let mut told = BTreeSet::new();
    for (name, folder) in &cases {
        let scratch = tempfile::tempdir().unwrap();
        let place = with_large_files(folder, scratch.path());
        let ran = check(&place, "text");
        let printed = format!("{}exit {}\n", ran.out, ran.code);
        assert_eq!(ran.err, "", "{name}");
        told.extend(printed.lines().filter_map(code_of));
        let file = folder.join("expected.txt");
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        if printed != expected {
            let _ = writeln!(wrong, "{name}: expected\n{expected}\nprinted\n{printed}");
            if update {
                std::fs::write(&file, &printed).unwrap();
            }
        }
        other_forms_say_the_same(name, &place, &printed);
    }
    println!("{} cases of bad files, {} of {} codes told in them", cases.len(), told.len(), CODES.len());
    assert!(wrong.is_empty() || update, "{wrong}");
}

fn code_of(line: &str) -> Option<String> {
    let rest = line.strip_prefix("error[").or_else(|| line.strip_prefix("warning["))?;
    Some(rest.split_once(']')?.0.to_owned())
}

/// Programs and GitHub are told of the same codes at the same places.
fn other_forms_say_the_same(name: &str, folder: &Path, text: &str) {
    let codes: Vec<_> = text.lines().filter_map(code_of).collect();
    let places: Vec<&str> = text.lines().filter_map(|line| line.trim_start().strip_prefix("--> ")).collect();
    let json = check(folder, "json").json();
    let found = json["diagnostics"].as_array().unwrap();
    assert_eq!(found.iter().map(|one| one["code"].as_str().unwrap()).collect::<Vec<_>>(), codes, "{name}");
    let at = |one: &serde_json::Value| format!("{}:{}:{}", one["file"].as_str().unwrap(), one["line"], one["column"]);
    assert_eq!(found.iter().map(at).collect::<Vec<_>>(), places, "{name}");
    for one in found {
        let (line, column) = (one["line"].as_u64().unwrap(), one["column"].as_u64().unwrap());
        let (end_line, end_column) = (one["end_line"].as_u64().unwrap(), one["end_column"].as_u64().unwrap());
        assert!((line, column) <= (end_line, end_column), "{name}: {one}");
    }
    let github = check(folder, "github").out;
    assert_eq!(github.lines().count(), codes.len(), "{name}: {github}");
    for (line, code) in github.lines().zip(&codes) {
        assert!(line.starts_with("::error ") || line.starts_with("::warning "), "{name}: {line}");
        assert!(line.contains(&format!("title={code}::")), "{name}: {line}");
    }
}

#[test]
fn the_documentation_explains_every_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let (head, _) = written.split_once("\n## ").unwrap_or((&written, ""));
    let mut wanted = format!("{}\n", head.trim_end());
    let sections = [('Y', "YAML and values"), ('R', "Rules"), ('L', "Warnings across rules"), ('C', "Configuration")];
    for (letter, title) in sections {
        let _ = write!(wanted, "\n## {title}\n");
        for info in CODES.iter().filter(|info| info.id.starts_with(letter)) {
            let _ = write!(wanted, "\n### {}: {}\n\n{}\n", info.id, info.title, info.explanation);
        }
    }
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert!(written == wanted, "docs/errors.md is not what the codes say; UPDATE_EXPECTED=1 writes it");
    assert_eq!(wanted.matches("\n### ").count(), CODES.len());
}
