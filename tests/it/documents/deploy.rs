//! What is shipped beside the program fits together: `examples/deploy/`, `packaging/`, the Dockerfile and the documents.

use super::{any_variable, passes, root};
use reply_router::{
    app::{Caps, rules_context},
    rules::RuleSet,
    settings::{Settings, starter},
};
use std::{collections::BTreeSet, fs, path::Path};

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Each `${NAME}` outside of comments.
fn variables(yaml: &str) -> BTreeSet<String> {
    let lines = yaml.lines().map(|line| line.split(" #").next().unwrap()).filter(|line| !line.starts_with('#'));
    let names = |line: &str| -> Vec<String> {
        line.split("${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect()
    };
    lines.flat_map(names).collect()
}

#[tokio::test]
async fn the_configuration_for_containers_loads_and_its_variables_are_named_beside_it() {
    let file = root().join("examples/deploy/config/reply-router.yaml");
    let settings = Settings::load(&file, &any_variable).unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    let rules = RuleSet::load_workspaces(&rules_context(&settings));
    let rules = rules.unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    assert!(!rules.tests().is_empty());
    passes(&rules, &Caps::from(&settings)).await;
    let example = read("examples/deploy/reply-router.env.example");
    let named = example.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    let named: BTreeSet<String> = named.map(|(name, _)| name.to_owned()).collect();
    assert_eq!(variables(&read("examples/deploy/config/reply-router.yaml")), named);
}

#[test]
fn the_first_rules_are_those_that_init_writes() {
    let text = |text: &str| text.split_once('\n').unwrap().1.to_owned();
    assert_eq!(
        text(&read("examples/deploy/config/interested.yaml")),
        text(starter::RULES),
        "but for the schema's path"
    );
    let store = "\nstore: sqlite:/var/lib/reply-router/reply-router.db\n";
    assert_eq!(
        read("packaging/reply-router.yaml"),
        starter::CONFIG.replace("\n# store: sqlite:reply-router.db\n", store)
    );
    assert!(read("packaging/reply-router.yaml").contains(store));
}

#[test]
fn the_package_takes_files_that_are_there() {
    let manifest = read("Cargo.toml");
    let assets = manifest.split("\nassets = [\n").nth(1).unwrap().split("\n]").next().unwrap();
    let sources: Vec<&str> = assets.lines().filter_map(|line| line.split('"').nth(1)).collect();
    assert!(sources.len() >= 10, "{sources:?}");
    // What is under `target/` packaging/build.sh makes.
    for source in sources.iter().filter(|source| !source.starts_with("target/")) {
        let folder = source.split('*').next().unwrap();
        assert!(root().join(folder).exists(), "{source}");
    }
    for name in ["postinst", "prerm", "postrm"] {
        assert!(!read(&format!("packaging/{name}")).contains("rm -"), "{name} deletes something");
    }
}

#[test]
fn the_unit_the_package_and_the_containers_mean_the_same_files() {
    let unit = read("examples/deploy/systemd/reply-router.service");
    assert!(unit.contains("\nStateDirectory=reply-router\n"), "where packaging/reply-router.yaml has the store");
    for file in ["/etc/reply-router/reply-router.yaml", "/etc/reply-router/environment"] {
        assert!(unit.contains(file) && read("Cargo.toml").contains(&format!("\"{file}\"")), "{file}");
    }
    let (dockerfile, compose) = (read("Dockerfile"), read("examples/deploy/compose.yaml"));
    let deployment = read("examples/deploy/kubernetes/deployment.yaml");
    assert!(dockerfile.contains("--uid 10001 ") && deployment.contains("runAsUser: 10001\n"));
    assert!(read("examples/deploy/config/reply-router.yaml").contains("store: sqlite:/data/"));
    assert!(compose.contains("store:/data\n") && deployment.contains("mountPath: /data }"));
    for text in [&compose, &deployment] {
        assert!(text.contains("/etc/reply-router/reply-router.yaml") && text.contains("/healthz"));
    }
}

#[test]
fn every_alert_of_the_monitoring_example_is_explained() {
    let operations = read("docs/operations.md");
    let alerts = read("examples/monitoring/alerts.yml");
    let names: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() >= 10, "{names:?}");
    let missing: Vec<_> = names.iter().filter(|name| !operations.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/operations.md does not explain {missing:?}");
}

/// All Rust below a folder.
fn code(folder: &Path) -> String {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| if path.is_dir() { code(&path) } else { fs::read_to_string(path).unwrap() }).collect()
}

#[test]
fn every_title_that_the_documents_give_an_alert_is_one() {
    let operations = read("docs/operations.md");
    let table = operations.split("| title | what to do |").nth(1).unwrap().split("\n\n").next().unwrap();
    let titles: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert!(titles.len() >= 15, "{titles:?}");
    let code = code(&root().join("src/engine"));
    for title in titles {
        for part in title.split('…').filter(|part| part.len() > 1) {
            assert!(code.contains(part.trim()), "no alert is called `{title}`");
        }
    }
}
