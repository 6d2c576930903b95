//! Faults that users of such tools reported, as rule files with tests: an outside collection, as the real replies are.

use std::path::Path;

use reply_router::{
    app::{Caps, failing_tests},
    rules::{LoadContext, RuleSet, TestResult},
};

/// What came of a file's tests: how many there are, and each that fails.
struct FileResult {
    tests: usize,
    failing: Vec<(String, TestResult)>,
}

async fn run_file(path: &Path) -> FileResult {
    let yaml = std::fs::read_to_string(path).unwrap();
    let rules = match RuleSet::load(path, &LoadContext::default()) {
        Ok(rules) => rules,
        Err(refused) => {
            let tests = yaml.matches("- name:").count() - 1;
            // What a mistake in a rule file deserves is either a repair or an error.
            if yaml.contains("or the file is refused") {
                return FileResult { tests, failing: Vec::new() };
            }
            panic!("{}: {:?}", path.display(), refused.iter().map(|found| &found.message).collect::<Vec<_>>());
        }
    };
    let failing = failing_tests(&rules, &Caps::default()).await.unwrap();
    let failing = failing.into_iter().map(|(case, result)| (case.name.clone(), result)).collect();
    FileResult { tests: rules.tests().len(), failing }
}

#[tokio::test]
async fn reported_faults_are_mended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/reported");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("the collection of reported faults is absent; nothing measured");
        return;
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    files.sort();
    let (mut all, mut passed) = (0, 0);
    let mut lines = Vec::new();
    for path in &files {
        let result = run_file(path).await;
        all += result.tests;
        passed += result.tests - result.failing.len();
        let file = path.file_stem().unwrap().to_string_lossy();
        for (name, result) in result.failing {
            lines.push(format!("  FAILS  {file}: {name}"));
            for found in result.failures {
                let (wanted, got) = (found.wanted, found.got);
                lines.push(format!("         {}: expected {wanted:?}, actual {got:?}", found.what));
            }
        }
    }
    println!("reported faults: {passed} of {all} tests pass\n{}", lines.join("\n"));
    assert_eq!(passed, all, "reported faults that are back");
}
