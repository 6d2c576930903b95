//! How mail is read, through rules: `tests/rules/reading/*.yaml`, one file for a subject, each case named by its kind, its
//! language and what it shows. `failing.txt` beside them names the cases that are not met yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use reply_router::{
    app::{Caps, failing_tests},
    rules::{LoadContext, RuleSet},
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/reading")
}

/// The cases that may fail, as `FILE: NAME`.
fn known_to_fail() -> BTreeSet<String> {
    let text = std::fs::read_to_string(folder().join("failing.txt")).unwrap();
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

#[tokio::test]
async fn mail_is_read_as_its_cases_say() {
    let known = known_to_fail();
    let (mut all, mut failing) = (BTreeSet::new(), BTreeSet::new());
    let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut files: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    files.sort();
    for path in &files {
        let file = path.file_stem().unwrap().to_string_lossy();
        let rules = RuleSet::load(path, &LoadContext::default()).unwrap();
        let failed: BTreeMap<_, _> = failing_tests(&rules, &Caps::default())
            .await
            .unwrap()
            .into_iter()
            .map(|(case, result)| (case.name.clone(), result.failures))
            .collect();
        for case in rules.tests() {
            let name = format!("{file}: {}", case.name);
            let kind = case.name.split([':', '(']).next().unwrap_or_default().trim();
            let (cases, passed) = kinds.entry(format!("{file}, {kind}")).or_default();
            *cases += 1;
            match failed.get(&case.name) {
                None => *passed += 1,
                Some(failures) => {
                    println!("FAILS  {name}");
                    for found in failures {
                        println!("       {}: expected {:?}, actual {:?}", found.what, found.wanted, found.got);
                    }
                    failing.insert(name.clone());
                }
            }
            assert!(all.insert(name), "two cases have one name: {}", case.name);
        }
    }
    for (kind, (cases, passed)) in &kinds {
        println!("{passed:>3} of {cases:>3}  {kind}");
    }
    println!("{} of {} cases are met", all.len() - failing.len(), all.len());
    let met: Vec<_> = known.difference(&failing).collect();
    println!("{} are listed as failing; take these off, they are met: {met:#?}", known.len());
    let unknown: Vec<_> = known.difference(&all).collect();
    assert!(unknown.is_empty(), "failing.txt names cases that are not there: {unknown:#?}");
    let new: Vec<_> = failing.difference(&known).collect();
    assert!(new.is_empty(), "these fail and are not in failing.txt: {new:#?}");
}
