//! Every YAML snippet of the documents and every shipped rule file is loaded as a user's would be.

mod architecture;
mod configuration;
mod deploy;
mod reference;

use reply_router::{
    app::{Caps, failing_tests, rules_context},
    model::{DestinationKind, Mode},
    rules::{LoadContext, RuleSet},
    settings::Settings,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The documents whose snippets are loaded.
pub(crate) const DOCUMENTS: [&str; 7] = [
    "README.md",
    "docs/rules.md",
    "docs/testing.md",
    "docs/backtest.md",
    "docs/operations.md",
    "docs/reading.md",
    "docs/users.md",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A value that fits the variable's name.
fn any_variable(name: &str) -> Option<String> {
    let url = || "https://hooks.example/services/x".to_owned();
    // Two keys are two values.
    Some(if name.ends_with("_URL") { url() } else { format!("{name}-{}", "x".repeat(40)) })
}

/// The YAML snippets of a document.
pub(crate) fn snippets(document: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let parts = text.split("```yaml\n").skip(1);
    parts.map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

/// The tests beside the rules.
async fn passes(rules: &RuleSet, caps: &Caps) {
    let failing = failing_tests(rules, caps).await.unwrap();
    let told: Vec<_> = failing.iter().map(|(case, result)| format!("{}: {:#?}", case.name, result.failures)).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// What a snippet of a configuration begins with; all others are rules.
const CONFIGURATION: [&str; 7] =
    ["workspaces:", "store:", "admin:", "destinations:", "lists:", "safety:", "retention:"];

/// The snippet as a whole configuration, if it is of one.
pub(crate) fn configuration(snippet: &str) -> Option<String> {
    CONFIGURATION.iter().any(|key| snippet.starts_with(key)).then(|| match snippet.contains("workspaces:") {
        true => snippet.to_owned(),
        false => format!("workspaces: [{{ name: acme, api_key: \"${{KEY}}\" }}]\nrules: rules/\n{snippet}"),
    })
}

#[tokio::test]
async fn snippets_of_the_documents_load() {
    let mut seen = 0;
    for document in DOCUMENTS {
        for (number, snippet) in snippets(document).iter().enumerate() {
            let name = format!("{document}, snippet {}", number + 1);
            seen += 1;
            if let Some(whole) = configuration(snippet) {
                let found = Settings::parse(&name, &whole, Path::new("."), &any_variable);
                found.unwrap_or_else(|found| panic!("{}", found.render(false)));
                continue;
            }
            let context = LoadContext { without_configuration: true, ..LoadContext::default() };
            let rules = RuleSet::parse(&[(&name, snippet)], &context);
            passes(&rules.unwrap_or_else(|found| panic!("{}", found.render(false))), &Caps::default()).await;
        }
    }
    assert!(seen >= 4, "{seen} snippets");
}

/// Every folder of rules in `examples/`, by name.
pub(crate) fn examples() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("examples")).unwrap();
    let folders = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    // What watches the service and what runs it are no examples of rules: `admin::metrics` and `deploy` check them.
    let is_of_rules = |path: &PathBuf| !path.ends_with("monitoring") && !path.ends_with("deploy");
    let mut folders: Vec<_> = folders.filter(is_of_rules).collect();
    folders.sort();
    folders
}

/// The rules of an example, and its caps.
pub(crate) fn load_example(folder: &Path) -> (RuleSet, Caps) {
    let file = folder.join("reply-router.yaml");
    let mut caps = Caps::default();
    let rules = if file.exists() {
        let settings = Settings::load(&file, &any_variable).unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
        caps = Caps::from(&settings);
        RuleSet::load_workspaces(&rules_context(&settings))
    } else {
        // The demo brings its own destinations.
        let kinds = [("sales-hot", DestinationKind::Slack), ("account-team", DestinationKind::Email)];
        let destinations = kinds.map(|(name, kind)| (name.to_owned(), kind)).into();
        RuleSet::load(folder, &LoadContext { destinations, ..LoadContext::default() })
    };
    (rules.unwrap_or_else(|wrong| panic!("{}", wrong.render(false))), caps)
}

#[tokio::test]
async fn examples_load_without_a_word_and_do_what_their_tests_say() {
    let examples = examples();
    assert!(examples.len() >= 11, "{examples:?}");
    for example in examples {
        let name = example.display();
        let (rules, caps) = load_example(&example);
        assert!(rules.warnings().is_empty(), "{}", rules.warnings().render(false));
        assert!(rules.tests().len() >= 6, "{name} has {} tests", rules.tests().len());
        assert!(rules.rules().iter().all(|rule| rule.description.is_some()), "{name}: each rule says what it is for");
        passes(&rules, &caps).await;
        every_rule_is_tested(&rules);
    }
}

#[test]
fn every_example_says_its_job_and_stands_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let documents = ["docs/operations.md", "docs/rules.md"].map(|name| fs::read_to_string(root().join(name)).unwrap());
    for example in examples() {
        let name = example.file_name().unwrap().to_str().unwrap();
        let rules = example.join("rules.yaml");
        // Where the rules are several files, the configuration says it.
        let text = fs::read_to_string(if rules.exists() { rules } else { example.join("reply-router.yaml") }).unwrap();
        let head: String = text.lines().take_while(|line| line.starts_with('#')).collect();
        let says = ["# Job:", "# Change first:", "# Try it:"].iter().all(|part| head.contains(part));
        assert!(says || name == "demo", "{name}: {head}");
        let told = readme.contains(&format!("[{name}](examples/{name}/"))
            || documents.iter().any(|text| text.contains(&format!("[`examples/{name}/`](../examples/{name})")));
        assert!(told, "{name} is neither in the README nor in the documents");
    }
}

/// No expression is longer: what is longer, nobody can read aloud.
const MAX_REGEX: usize = 60;

/// The expressions in a rule file: in conditions, in captures, and in scripts.
fn expressions(value: &serde_json::Value, key: &str, found: &mut Vec<String>) {
    const PROSE: [&str; 10] =
        ["tests", "then", "description", "says", "contains", "is", "name", "mode", "category", "from"];
    match value {
        serde_json::Value::Object(fields) => {
            fields
                .iter()
                .filter(|(key, _)| !PROSE.contains(&key.as_str()))
                .for_each(|(key, v)| expressions(v, key, found));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| expressions(item, key, found)),
        serde_json::Value::String(script) if key == "script" => {
            found.extend(script.split('`').skip(1).step_by(2).map(str::to_owned));
        }
        serde_json::Value::String(text) => found.push(text.clone()),
        _ => {}
    }
}

#[test]
fn no_expression_of_the_shipped_rules_is_long() {
    let mut files = vec![root().join("rules"), root().join("examples"), root().join("src/settings/starter")];
    let (mut seen, mut long) = (0, Vec::new());
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if path.extension().is_none_or(|extension| extension != "yaml") || !text.contains("version: 1\n") {
            continue;
        }
        seen += 1;
        let mut found = Vec::new();
        expressions(&serde_yaml::from_str(&text).unwrap(), "", &mut found);
        let too_long = found.into_iter().filter(|text| text.chars().count() > MAX_REGEX);
        long.extend(too_long.map(|text| format!("{}: {text}", path.display())));
    }
    assert!(seen >= 20, "{seen} files");
    assert!(long.is_empty(), "{long:#?}");
}

#[tokio::test]
async fn the_default_set_loads_in_shadow_and_does_what_its_tests_say() {
    let rules = RuleSet::load(&root().join("rules"), &LoadContext::default());
    let rules = rules.unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    assert!(rules.warnings().is_empty(), "{}", rules.warnings().render(false));
    assert!(rules.rules().iter().all(|rule| rule.mode == Mode::Shadow), "all in shadow");
    assert!(rules.tests().len() >= 6 * 4, "{} tests", rules.tests().len());
    passes(&rules, &Caps::default()).await;
    every_rule_is_tested(&rules);
}

/// Each rule matches in one of the tests at least.
#[track_caller]
fn every_rule_is_tested(rules: &RuleSet) {
    let expected: Vec<&String> = rules.tests().iter().flat_map(|case| case.expect.rules.iter().flatten()).collect();
    let untested: Vec<_> =
        rules.rules().iter().map(|rule| &rule.name).filter(|name| !expected.contains(name)).collect();
    assert!(untested.is_empty(), "no test expects {untested:?}");
}

#[test]
fn every_command_of_the_binary_stands_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let help = assert_cmd::Command::cargo_bin("reply-router").unwrap().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let commands = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let commands = commands.take_while(|line| line.starts_with("  "));
    // What is told of a command may take several lines, which are indented further.
    let commands = commands.filter(|line| !line.starts_with("   "));
    let names: Vec<_> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 10, "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        assert!(readme.contains(&format!("`reply-router {name}")), "{name} is not in the README");
    }
}
