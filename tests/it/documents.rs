//! Every YAML snippet of the documents and every shipped rule file is loaded as a user's would be.

use reply_router::{
    app::{failing_tests, rules_context},
    rules::{Context, RuleSet},
    settings::{SafetySettings, Settings},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A value that fits the variable's name.
fn any_variable(name: &str) -> Option<String> {
    Some(if name.ends_with("_URL") { "https://hooks.example/services/x".to_owned() } else { "x".repeat(40) })
}

fn snippets(document: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let parts = text.split("```yaml\n").skip(1);
    parts.map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

/// The tests beside the rules.
async fn passes(rules: &RuleSet) {
    let failing = failing_tests(rules, &SafetySettings::default()).await.unwrap();
    let told: Vec<_> = failing.iter().map(|(case, result)| format!("{}: {:#?}", case.name, result.failures)).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[tokio::test]
async fn snippets_of_the_documents_load() {
    let mut seen = 0;
    for document in ["README.md", "docs/rules.md", "docs/testing.md", "docs/operations.md"] {
        for (number, snippet) in snippets(document).iter().enumerate() {
            let name = format!("{document}, snippet {}", number + 1);
            seen += 1;
            if snippet.starts_with("workspaces:") {
                let found = Settings::parse(&name, snippet, Path::new("."), &any_variable);
                found.unwrap_or_else(|found| panic!("{}", found.render(false)));
                continue;
            }
            let context = Context { without_configuration: true, ..Context::default() };
            let rules = RuleSet::parse(&[(&name, snippet)], &context);
            passes(&rules.unwrap_or_else(|found| panic!("{}", found.render(false)))).await;
        }
    }
    assert!(seen >= 4, "{seen} snippets");
}

#[tokio::test]
async fn examples_and_the_default_set_load_without_a_word() {
    for example in ["hot-to-slack-and-email", "interested-reply", "script"] {
        let file = root().join("examples").join(example).join("reply-router.yaml");
        let settings = Settings::load(&file, &any_variable).unwrap_or_else(|found| panic!("{}", found.render(false)));
        let rules = RuleSet::load(&settings.rules, &rules_context(&settings));
        let rules = rules.unwrap_or_else(|found| panic!("{}", found.render(false)));
        assert!(rules.warnings().is_empty(), "{}", rules.warnings().render(false));
        assert!(!rules.cases().is_empty(), "{example} has tests");
        passes(&rules).await;
    }
    let rules = RuleSet::load(&root().join("rules"), &Context::default());
    let rules = rules.unwrap_or_else(|found| panic!("{}", found.render(false)));
    assert!(rules.rules().iter().all(|rule| rule.mode == reply_router::model::Mode::Shadow), "all in shadow");
    passes(&rules).await;
}

#[test]
fn every_command_of_the_binary_stands_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let help = assert_cmd::Command::cargo_bin("reply-router").unwrap().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let commands = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let commands = commands.take_while(|line| line.starts_with("  "));
    let names: Vec<_> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 10, "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        assert!(readme.contains(&format!("`reply-router {name}")), "{name} is not in the README");
    }
}
