//! Keeps the directions between modules that `src/lib.rs` promises, by reading the `crate::…` paths.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// What each module may use of the crate, beside itself.
fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    const BELOW_ENGINE: &[&str] = &["model", "text", "rules", "coldsend", "destinations", "store"];
    const BELOW_ADMIN: &[&str] = &["model", "text", "diagnostics", "lists", "rules", "store", "engine", "backtest"];
    const ALL: &[&str] = &[
        "model",
        "text",
        "diagnostics",
        "yaml",
        "lists",
        "rules",
        "coldsend",
        "destinations",
        "store",
        "engine",
        "admin",
        "backtest",
        "simulator",
        "settings",
        "cli",
        "app",
        "tls",
    ];
    BTreeMap::from([
        ("model", &[] as &[&str]),
        ("text", &[]),
        ("diagnostics", &["text"]),
        ("yaml", &["model", "diagnostics"]),
        ("lists", &["model", "text", "diagnostics", "yaml"]),
        ("rules", &["model", "text", "diagnostics", "yaml", "lists", "destinations"]),
        ("tls", &[]),
        ("coldsend", &["model", "tls"]),
        ("destinations", &["model", "diagnostics", "yaml", "tls"]),
        ("store", &["model", "text", "tls"]),
        ("engine", BELOW_ENGINE),
        ("admin", BELOW_ADMIN),
        ("backtest", &["model", "text", "lists", "rules", "coldsend", "destinations", "store", "engine"]),
        ("simulator", &[]),
        ("settings", ALL),
        ("cli", ALL),
        ("app", ALL),
    ])
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The first names behind `crate::` in a line that is no comment, also in `use crate::{a::…, b::…}` over several lines.
fn used_modules(source: &str) -> Vec<String> {
    let code: String =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
    let mut used = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut name = String::new();
            let mut at_start = true;
            for character in group.chars() {
                match character {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => at_start = true,
                    c if depth == 1 && at_start && (c.is_alphanumeric() || c == '_') => {
                        name.push(c);
                        continue;
                    }
                    c if c.is_whitespace() => {}
                    _ => at_start = false,
                }
                if !name.is_empty() {
                    used.push(std::mem::take(&mut name));
                    at_start = character == ',';
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            used.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    used
}

#[test]
fn modules_keep_their_directions() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let allowed = allowed();
    let mut wrong = Vec::new();
    for (module, may_use) in &allowed {
        let mut files = Vec::new();
        rust_files(&source.join(module), &mut files);
        assert!(!files.is_empty(), "module {module} is gone: mend the table in this test");
        for file in files {
            for used in used_modules(&fs::read_to_string(&file).unwrap()) {
                let is_module = allowed.contains_key(used.as_str());
                if is_module && used != *module && !may_use.contains(&used.as_str()) {
                    wrong.push(format!("{} uses {used}", file.strip_prefix(&source).unwrap().display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_use_lines_sees_groups() {
    let source = "use crate::{\n    model::{A, B},\n    text,\n};\nuse crate::rules::x;\n// crate::admin\nfn f() { crate::store::y() }";
    assert_eq!(used_modules(source), ["model", "text", "rules", "store"]);
}
