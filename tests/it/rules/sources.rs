//! A rule set is kept as text and made again from it.

use super::{Case, context};
use reply_router::{
    model::Mode,
    rules::{EventInput, LoadContext, RuleSet, RuleSources, ThreadMessages, WorkspaceContext, trace_again},
};
use std::{collections::BTreeMap, fs};

const SHARED: &str = r"
version: 1
rules:
  - name: calls
    when: { category: meeting_request, body: '\b(call|demo)\b' }
    capture: { day: '(?i)\b(monday|tuesday)\b' }
    then:
      - reply: { template: texts/hello.txt, attachments: [prices.pdf], hours: late }
      - star
  - name: hot
    when: { lead_domain: acme.example }
    script: '#{ matched: workspace.vars.team != (), vars: #{ team: workspace.vars.team } }'
    then: [{ slack: { to: sales-hot, text: 'For {{ vars.team }}' } }]
tests:
  - name: a test that is not kept
    messages: ['A call?']
    expect: { rules: [calls] }
";
const OWN: &str = "version: 1\nrules:\n  - { name: first, when: always, then: [mark_read], mode: shadow }\n";

fn workspace(folder: &std::path::Path, name: &str, rules: &[&str], team: &str) -> WorkspaceContext {
    let known = context();
    let mut hours = known.hours.clone();
    hours.insert("late".to_owned(), known.hours[if name == "acme" { "evening" } else { "office" }].clone());
    WorkspaceContext {
        name: name.to_owned(),
        rules: rules.iter().map(|path| folder.join(path)).collect(),
        destinations: known.destinations,
        hours,
        vars: BTreeMap::from([("team".to_owned(), team.to_owned())]),
        ..WorkspaceContext::default()
    }
}

fn loaded(folder: &std::path::Path, team: &str) -> RuleSet {
    let workspaces = vec![
        workspace(folder, "acme", &["own.yaml", "shared"], team),
        workspace(folder, "globex", &["shared"], "east"),
    ];
    let context = LoadContext { workspaces, ..context() };
    RuleSet::load_workspaces(&context).unwrap_or_else(|found| panic!("{}", found.render(false)))
}

#[test]
fn a_set_made_again_from_its_sources_decides_and_tells_the_same() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("shared/texts")).unwrap();
    for (file, text) in [
        ("own.yaml", OWN),
        ("shared/all.yaml", SHARED),
        ("shared/only.test.yaml", "version: 1\ntests: []\n"),
        (
            "shared/texts/hello.txt",
            "Hi {{ lead.first_name }}, {{ captures.day }} works, says {{ workspace.vars.team }}.",
        ),
        ("shared/prices.pdf", "prices"),
    ] {
        fs::write(folder.path().join(file), text).unwrap();
    }
    let set = loaded(folder.path(), "west");
    let other = loaded(folder.path(), "north");
    assert_ne!(set.revision(), other.revision(), "what a workspace calls its own decides too");
    drop(folder);

    let text = set.sources().to_text().unwrap();
    let again = RuleSet::from_sources(&RuleSources::from_text(&text).unwrap(), &RuleSet::default()).unwrap();
    assert_eq!(again.revision(), set.revision());
    assert_eq!(again.sources(), set.sources());
    let names: Vec<&str> = again.sources().texts().map(|(name, _)| name.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["own.yaml", "all.yaml", "hello.txt"]);
    assert_eq!(again.tests().len(), 0);

    let case = Case::full("Sure, a call on Tuesday?");
    let messages = ThreadMessages::new(case.messages.clone().unwrap());
    let mut rendered = Vec::new();
    for workspace in ["acme", "globex", "unknown"] {
        let input = EventInput {
            workspace,
            ceiling: Mode::Live,
            row: &case.row,
            row_reading: None,
            detail: case.detail.as_ref(),
            messages: Some(&messages),
            history: Some(&[]),
            overrides: &case.overrides,
            lead_opted_out: Some(false),
            hold_uncertain: true,
            thorough: false,
        };
        let [then, now] = [&set, &again].map(|set| trace_again(set, &input, super::NOW.parse().unwrap()).unwrap());
        assert_eq!(then, now, "{workspace}");
        rendered.extend(now.actions.iter().filter_map(|action| action.payload.preview_text()).map(str::to_owned));
        assert_eq!(now.rules.len(), [3, 2, 0][usize::from(workspace != "acme") + usize::from(workspace == "unknown")]);
    }
    assert_eq!(
        rendered,
        ["Hi Jane, Tuesday works, says west.", "For west", "Hi Jane, Tuesday works, says east.", "For east"]
    );
}

#[test]
fn kept_sources_that_are_none_are_refused() {
    assert!(RuleSources::from_text("{").is_err());
    let broken = r#"{"files":[{"name":"a.yaml","folder":"","text":"version: 1\nrules: [{ name: a, when: { bdy: x }, then: [star] }]"}]}"#;
    let error = RuleSet::from_sources(&RuleSources::from_text(broken).unwrap(), &RuleSet::default()).unwrap_err();
    assert!(error.to_string().contains("unknown condition `bdy`"), "{error}");
    let lost = r#"{"files":[{"name":"a.yaml","folder":"","text":"version: 1\nrules: [{ name: a, when: always, then: [{ reply: { template: a.txt } }] }]"}]}"#;
    let error = RuleSet::from_sources(&RuleSources::from_text(lost).unwrap(), &RuleSet::default()).unwrap_err();
    assert!(error.to_string().contains("`a.txt` was not kept"), "{error}");
    assert_eq!(RuleSet::from_sources(&RuleSources::default(), &RuleSet::default()).unwrap().rules().len(), 0);
}
