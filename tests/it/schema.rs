//! The JSON Schema of rules and configuration, asked through a validator that knows nothing of this program.
//!
//! What the loader takes must validate; what it refuses for a reason that a schema can say must not.

mod mutated;
mod rejected;

use crate::documents::{DOCUMENTS, configuration, snippets};
use reply_router::{rules, settings, settings::starter};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// Codes of mistakes that a schema can say. Where one is found, the schema must refuse the file too.
const SAID: [&str; 18] = [
    "Y020", "Y021", "Y022", "Y023", "Y024", "Y025", "R001", "R003", "R004", "R012", "R013", "R014", "R017", "R019",
    "C003", "C004", "C007", "C009",
];

/// A schema in both drafts that editors read.
struct Validator {
    seventh: jsonschema::Validator,
    newest: jsonschema::Validator,
}

impl Validator {
    fn new(schema: &Value) -> Self {
        assert!(jsonschema::draft7::meta::is_valid(schema), "it is a schema of draft-07");
        let mut newest = schema.clone();
        newest["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        assert!(jsonschema::draft202012::meta::is_valid(&newest), "it is a schema of draft 2020-12");
        Self {
            seventh: jsonschema::draft7::new(schema).unwrap(),
            newest: jsonschema::draft202012::new(&newest).unwrap(),
        }
    }

    fn accepts(&self, instance: &Value) -> bool {
        let seventh = self.seventh.is_valid(instance);
        assert_eq!(seventh, self.newest.is_valid(instance), "both drafts say the same of {instance}");
        seventh
    }

    fn why(&self, instance: &Value) -> String {
        self.seventh.iter_errors(instance).map(|error| format!("{}: {error}\n", error.instance_path())).collect()
    }
}

static RULES: LazyLock<Validator> = LazyLock::new(|| Validator::new(&rules::json_schema()));
static CONFIG: LazyLock<Validator> = LazyLock::new(|| Validator::new(&settings::json_schema()));

fn judge_of(name: &str) -> &'static Validator {
    if name.ends_with("reply-router.yaml") { &CONFIG } else { &RULES }
}

/// YAML as an editor reads it: version 1.2, in which `yes` and `off` are texts.
fn json_of(yaml: &str) -> Option<Value> {
    serde_yaml::from_str(yaml).ok()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files and folders in `examples/deploy/` that other programs read.
const READ_BY_OTHERS: [&str; 2] = ["compose.yaml", "kubernetes"];

/// Every rule file and configuration below a folder of the repository.
fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if READ_BY_OTHERS.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[track_caller]
fn accepts(judge: &Validator, name: &str, yaml: &str) {
    let instance = json_of(yaml).unwrap_or_else(|| panic!("{name} is YAML"));
    assert!(judge.accepts(&instance), "{name}\n{}", judge.why(&instance));
}

#[test]
fn words_of_older_yaml_are_texts() {
    let seen = json_of("[yes, no, on, off, y, n, true, 09:00, 2026-12-25, ~]").unwrap();
    assert_eq!(seen, json!(["yes", "no", "on", "off", "y", "n", true, "09:00", "2026-12-25", null]));
}

#[test]
fn shipped_files_validate() {
    let files = [yaml_files("rules"), yaml_files("examples")].concat();
    assert!(files.len() >= 9, "{files:?}");
    for file in files {
        let name = file.display().to_string();
        accepts(judge_of(&name), &name, &fs::read_to_string(&file).unwrap());
    }
    for (name, text) in starter::FILES {
        accepts(judge_of(name), name, text);
    }
}

/// With every comment that shows a key taken for what it shows.
#[test]
fn what_the_starter_has_in_comments_validates() {
    let open = |line: &str| {
        let key = line.trim_start().strip_prefix("# ")?;
        let word = key.trim_start().split(':').next()?;
        let is_key = word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-') && key.contains(':');
        is_key.then(|| line.replacen("# ", "", 1))
    };
    let lines: Vec<String> =
        starter::CONFIG.lines().skip(1).map(|line| open(line).unwrap_or_else(|| line.to_owned())).collect();
    let whole = lines.join("\n");
    for key in ["poll_every:", "store:", "sales-bot:", "smtp:", "alert:"] {
        assert!(lines.iter().any(|line| line.trim_start().starts_with(key)), "{key} in\n{whole}");
    }
    accepts(&CONFIG, "the starter", &whole);
}

#[test]
fn snippets_of_the_documents_validate() {
    let mut seen = 0;
    for document in DOCUMENTS {
        for (number, snippet) in snippets(document).iter().enumerate() {
            let name = format!("{document}, snippet {}", number + 1);
            match configuration(snippet) {
                Some(whole) => accepts(&CONFIG, &name, &whole),
                None => accepts(&RULES, &name, snippet),
            }
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen} snippets");
}

/// An empty file is no mistake among the rules, and one in the configuration.
#[test]
fn empty_files() {
    assert!(RULES.accepts(&Value::Null) && !CONFIG.accepts(&Value::Null));
}

fn print(args: &[&str]) -> String {
    let output = assert_cmd::Command::cargo_bin("reply-router").unwrap().args(args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

const COMMITTED: [(&str, &str); 2] = [("rules", "rules.schema.json"), ("config", "reply-router.schema.json")];

#[test]
fn the_committed_schemas_are_what_the_command_prints() {
    let folder = tempfile::tempdir().unwrap();
    print(&["schema", "--output", &folder.path().join("new").display().to_string()]);
    for (which, file) in COMMITTED {
        let printed = print(&["schema", which]);
        assert_eq!(fs::read_to_string(folder.path().join("new").join(file)).unwrap(), printed);
        let committed = fs::read_to_string(root().join("docs/schema").join(file)).unwrap();
        assert!(committed == printed, "docs/schema is old: cargo run -- schema --output docs/schema");
    }
}

#[test]
fn one_of_the_two_must_be_named() {
    let output = assert_cmd::Command::cargo_bin("reply-router").unwrap().arg("schema").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.stdout.is_empty() && said.contains("rules|config"), "{said}");
}

/// The line that tells an editor where the schema is, and that it is there.
#[test]
fn shipped_files_name_their_schema() {
    let named = |text: &str| {
        let line = text.lines().next().unwrap_or_default();
        line.strip_prefix("# yaml-language-server: $schema=").map(str::to_owned)
    };
    for file in [yaml_files("rules"), yaml_files("examples")].concat() {
        let schema = named(&fs::read_to_string(&file).unwrap());
        let schema = schema.unwrap_or_else(|| panic!("{} names no schema", file.display()));
        // Of a link, what it leads to counts.
        let file = file.canonicalize().unwrap();
        let found = file.parent().unwrap().join(&schema).canonicalize();
        let found = found.unwrap_or_else(|error| panic!("{}: {schema}: {error}", file.display()));
        let wanted = if file.ends_with("reply-router.yaml") { COMMITTED[1].1 } else { COMMITTED[0].1 };
        assert_eq!(found, root().join("docs/schema").join(wanted).canonicalize().unwrap(), "{}", file.display());
    }
    let folder = tempfile::tempdir().unwrap();
    print(&["init", &folder.path().display().to_string()]);
    for (name, _) in starter::FILES {
        let file = folder.path().join(name);
        let schema = named(&fs::read_to_string(&file).unwrap()).unwrap();
        let schema = fs::read_to_string(file.parent().unwrap().join(schema)).unwrap();
        let which = if name == "reply-router.yaml" { "config" } else { "rules" };
        assert_eq!(schema, print(&["schema", which]), "{name}");
    }
}
