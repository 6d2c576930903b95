//! What is shipped beside the program fits together: `examples/deploy/`, `packaging/`, the Dockerfile and the documents.

use super::{any_variable, passes, root};
use crate::stores::Server;
use reply_router::{
    app::{Caps, rules_context},
    rules::RuleSet,
    settings::{Settings, StoreSettings, starter},
    store::{SqlStore, prelude::*},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

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
    for (folder, is_shared) in [("examples/deploy", false), ("examples/deploy/replicas", true)] {
        let example = read(&format!("{folder}/reply-router.env.example"));
        let named = example.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
        let named: BTreeMap<&str, &str> = named.collect();
        let value = |name: &str| match named.get(name) {
            Some(value) if !value.is_empty() => Some((*value).to_owned()),
            _ => any_variable(name),
        };
        let path = format!("{folder}/config/reply-router.yaml");
        let settings = Settings::load(&root().join(&path), &value);
        let settings = settings.unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
        assert_eq!(matches!(settings.store, StoreSettings::Postgres(_)), is_shared, "{path}");
        let rules = RuleSet::load_workspaces(&rules_context(&settings));
        let rules = rules.unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
        assert!(!rules.tests().is_empty());
        passes(&rules, &Caps::from(&settings)).await;
        assert_eq!(variables(&read(&path)), named.keys().map(|name| (*name).to_owned()).collect());
    }
}

/// The SQL of the documents, a snippet each.
fn sql_snippets() -> Vec<String> {
    let operations = read("docs/operations.md");
    let parts = operations.split("```sql\n").skip(1);
    parts.map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sql_of_the_documents_makes_a_database_and_pauses_a_restored_store() {
    let [make, pause] = sql_snippets().try_into().unwrap();
    // A server of its own: users are the server's.
    let server = tokio::task::spawn_blocking(Server::start).await.unwrap();
    server.query("postgres", &make);
    let address = format!("postgres://reply_router:change-me@127.0.0.1:{}/reply_router?sslmode=disable", server.port());
    let store = SqlStore::connect(&address).await.unwrap();
    assert!(store.pauses().await.unwrap().is_empty());
    server.query("reply_router", &pause);
    server.query("reply_router", &pause);
    let pauses = store.pauses().await.unwrap();
    assert_eq!(pauses.len(), 1);
    assert!(pauses[0].workspace.is_none() && pauses[0].reason == "restored from a backup", "{pauses:?}");
    store.close().await;
}

#[test]
fn the_first_rules_are_those_that_init_writes() {
    let text = |text: &str| text.split_once('\n').unwrap().1.to_owned();
    for path in ["examples/deploy/config/interested.yaml", "examples/deploy/replicas/config/interested.yaml"] {
        assert_eq!(text(&read(path)), text(starter::RULES), "{path}, but for the schema's path");
    }
    assert_eq!(text(&read("rules/phrases.yaml")), text(starter::PHRASES), "but for the schema's path");
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
fn the_package_has_the_rules_that_init_writes() {
    let manifest = read("Cargo.toml");
    for (path, _) in starter::FILES.iter().filter(|(path, _)| path.starts_with("rules/")) {
        let name = path.trim_start_matches("rules/");
        assert!(manifest.contains(&format!("[\"src/settings/starter/{name}\", \"etc/reply-router/rules/\"")), "{path}");
        assert!(manifest.contains(&format!("\"/etc/reply-router/{path}\"")), "{path} is a file that people change");
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
    let replicas = read("examples/deploy/replicas/compose.yaml");
    let pods = read("examples/deploy/kubernetes/replicas/deployment.yaml");
    assert!(pods.contains("runAsUser: 10001\n"));
    for text in [&compose, &deployment, &replicas, &pods] {
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

#[test]
fn every_line_of_the_log_that_the_documents_explain_is_written() {
    let operations = read("docs/operations.md");
    let table = operations.split("| line | meaning |").nth(1).unwrap().split("\n\n").next().unwrap();
    let lines: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert!(lines.len() >= 6, "{lines:?}");
    let code = code(&root().join("src"));
    for line in lines {
        assert!(code.contains(&format!("\"{line}\"")), "nothing logs `{line}`");
    }
}
