//! How mail is read, through rules: `tests/rules/reading/*.yaml`, one file for a subject, each case named by its kind, its
//! language and what it shows.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use reply_router::{
    app::{Caps, failing_tests},
    rules::{LoadContext, RuleSet},
    text,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/reading")
}

#[tokio::test]
async fn mail_is_read_as_its_cases_say() {
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
    assert!(failing.is_empty(), "read wrong: {failing:#?}");
}

/// What people wrote: the texts of all cases that are no automatic mail.
fn human_texts() -> Vec<(Option<String>, String)> {
    let field = |case: &serde_yaml::Value, name: &str| case[name].as_str().map(str::to_owned);
    let mut texts = Vec::new();
    for (file, name) in [
        ("auto_reply.yaml", "body"),
        ("opt_out.yaml", "body"),
        ("new_text.yaml", "new"),
        ("new_text_html.yaml", "new"),
        ("languages/auto_reply.yaml", "body"),
        ("languages/opt_out.yaml", "body"),
        ("languages/new_text.yaml", "new"),
    ] {
        let cases: Vec<serde_yaml::Value> = super::read(file);
        let people = cases.iter().filter(|case| case["kind"].is_null());
        texts.extend(people.filter_map(|case| Some((field(case, "subject"), field(case, name)?))));
    }
    texts
}

#[test]
fn people_are_no_robots() {
    let texts = human_texts();
    let (mut robots, mut uncertain) = (Vec::new(), Vec::new());
    for (subject, body) in &texts {
        let subject = subject.as_deref().unwrap_or("Re: A quick question");
        let found = text::automatic(&text::Mail {
            from: Some("Jane Doe <jane@acme.example>"),
            subject: Some(subject),
            body: Some(body),
            our_subjects: &["A quick question"],
            quotes: true,
            ..text::Mail::default()
        });
        match found.found {
            Some(found) => robots.push((subject, body, found.evidence)),
            None if found.is_uncertain() => uncertain.push((subject, body, found.signals)),
            None => {}
        }
    }
    println!("{} texts of people: {} may be automatic", texts.len(), uncertain.len());
    assert!(texts.len() >= 300, "{}", texts.len());
    assert!(robots.is_empty(), "{robots:#?}");
    assert!(uncertain.len() * 100 <= texts.len() * 3, "{uncertain:#?}");
}
