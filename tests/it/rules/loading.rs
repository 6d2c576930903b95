//! Every mistake at its place, with a hint; and what is right is accepted.

use super::{Case, context, rules, told};
use reply_router::rules::RuleSet;

/// `code line:column` of every mistake.
fn mistakes(text: &str) -> Vec<String> {
    let wrong = RuleSet::parse(&[("a.yaml", text)], &context()).expect_err(text);
    wrong.sorted().iter().map(|item| format!("{} {}:{}", item.code, item.line, item.column)).collect()
}

fn hints(text: &str) -> String {
    let wrong = RuleSet::parse(&[("a.yaml", text)], &context()).expect_err(text);
    wrong.iter().map(|item| format!("{} / {}", item.message, item.hint.clone().unwrap_or_default())).collect()
}

#[test]
fn the_example_of_the_documentation_loads_and_answers() {
    let set = rules(include_str!("example.yaml"));
    let decision = Case::full("Sure, a call on Tuesday?").evaluate(&set).unwrap();
    let reply = decision.actions[0].payload.preview_text().unwrap().to_owned();
    assert_eq!(reply, "Hi Jane,\nTuesday works. Here is my calendar: https://cal.example/sam");
    assert_eq!(told(&decision).len(), 6);
    assert_eq!(set.rules()[0].line, 3);
    assert!(set.rules()[0].when_summary().starts_with("category: interested, meeting_request"));
    assert_eq!(set.revision().len(), 64);
    let plan = set.request_cost();
    assert_eq!((plan.at_least, plan.at_most), (1, 101));
}

#[test]
fn every_mistake_is_found_in_one_pass() {
    let text = "version: 1
rules:
  - name: Bad Name
    when: { categroy: interested, body: '(call' }
    then: [{ slack: sales-hott }, stra]
  - name: twice
    then: [star]
  - name: twice
    when: always
    script: |
      let a = 1;
      thread.reply_cout < a
    then: [{ reply: { text: 'Hi {{ lead.frist_name }}', hours: offcie, after: 3 } }]
";
    assert_eq!(
        mistakes(text),
        [
            "R001 3:11",
            "R004 4:13",
            "R005 4:42",
            "R008 5:21",
            "R012 5:35",
            "R003 6:5",
            "R002 8:11",
            "R006 12:7",
            "R007 13:36",
            "R009 13:64",
            "Y023 13:79",
        ]
    );
    let hints = hints(text);
    for hint in [
        "`bad-name`",
        "`category`",
        "`sales-hot`",
        "`star`",
        "thread.reply_count",
        "lead.first_name",
        "`office`",
        "`3s`",
    ] {
        assert!(hints.contains(hint), "{hint} in {hints}");
    }
}

#[test]
fn each_mistake_has_its_code() {
    let with = |rule: &str| format!("rules:\n  - {{ name: a, {rule} }}\n");
    for (rule, expected) in [
        ("when: always", "R013"),
        ("when: always, then: [{ reply: { } }]", "R014"),
        ("when: always, then: [{ reply: text }]", "R014"),
        ("when: always, then: [{ reply: { template: none.txt } }]", "R010"),
        ("when: always, then: [{ reply: { text: x, attachments: [none.pdf] } }]", "R010"),
        ("when: always, then: [{ email: sales-hot }]", "R008"),
        ("when: always, then: [{ slack: { text: x } }]", "Y021"),
        ("when: always, then: [{ reply: { text: '{{ captures.day }}' } }]", "R016"),
        ("when: always, then: [{ reply: { text: '{{ vars.day }}' } }]", "R016"),
        ("when: always, then: [{ reply: { text: '{{ nothing }}' } }]", "R007"),
        ("when: always, then: [{ reply: { text: '{% if %}' } }]", "R007"),
        ("when: always, then: [{ reply: { text: '{{ lead.email | nofilter }}' } }]", "R007"),
        ("when: always, then: [{ reply: { text: x, repeat: sometimes } }]", "Y025"),
        ("when: always, then: [{ reply: { text: x, limit: 3 a day } }]", "Y024"),
        ("when: always, then: [{ star: { color: red } }]", "Y020"),
        ("when: { reply_count: { gt: 5, lt: 3 } }, then: [star]", "R015"),
        ("when: { age: 2h }, then: [star]", "Y022"),
        ("when: { is_read: yes }, then: [star]", "Y022"),
        ("when: { category: [] }, then: [star]", "R003"),
        ("when: { }, then: [star]", "R003"),
        ("when: { body: 'a{1000}{1000}' }, then: [star]", "R005"),
        ("when: { body: '(?=a)' }, then: [star]", "R005"),
        ("when: always, mode: on, then: [star]", "Y025"),
        ("when: always, script: 'thred.id == 1', then: [star]", "R006"),
        ("when: always, script: 'let x = ;', then: [star]", "R006"),
        ("when: always, script: 'eval(\"1\")', then: [star]", "R006"),
        ("when: always, script: 'import \"x\" as y; true', then: [star]", "R006"),
    ] {
        let found = mistakes(&with(rule));
        assert!(found.iter().any(|mistake| mistake.starts_with(expected)), "{rule}: {found:?}");
    }
}

#[test]
fn folders_are_read_in_order_and_test_files_hold_no_rules() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "b.yaml",
        "rules: [{ name: second, when: always, then: [star] }]\ntests: [{ name: x, messages: [Hi], expect: { rules: [first, second] } }]",
    );
    write(
        "a/z.yaml",
        "rules: [{ name: first, when: always, then: [{ reply: { template: t.html, attachments: [o.pdf] } }] }]",
    );
    write("a/t.html", "<p>{{ message.text }}</p>");
    write("a/o.pdf", "x");
    write("a/z.test.yaml", "tests: [{ name: y, messages: [Hi], expect: { rules: [] } }]");
    write("notes.txt", "not yaml: [");
    let set = RuleSet::load(folder.path(), &context()).unwrap();
    assert_eq!(set.rules().iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(set.tests().iter().map(|case| case.name.as_str()).collect::<Vec<_>>(), ["y", "x"]);
    let decision = Case::full("a < b").evaluate(&set).unwrap();
    assert_eq!(decision.actions[0].payload.preview_text(), Some("<p>a &lt; b</p>"));
    write("a/t.html", "<p>{{ message.txt }}</p>");
    let wrong = RuleSet::load(folder.path(), &context()).unwrap_err();
    assert!(wrong.iter().next().unwrap().file.ends_with("t.html"));
    write("a/t.html", "<p>changed</p>");
    assert_ne!(RuleSet::load(folder.path(), &context()).unwrap().revision(), set.revision());
}

#[test]
fn without_a_configuration_names_are_warnings() {
    let context = reply_router::rules::LoadContext { without_configuration: true, ..Default::default() };
    let text = "rules: [{ name: a, when: always, then: [{ slack: anywhere }, { reply: { text: x, hours: any } }] }]";
    let set = RuleSet::parse(&[("a.yaml", text)], &context).unwrap();
    let codes: Vec<_> = set.warnings().sorted().iter().map(|found| found.code).collect();
    assert_eq!(codes, ["R008", "L008", "R009"]);
    assert_eq!(told(&Case::full("Yes").evaluate(&set).unwrap()), ["a slack done -", "a reply done -"]);
}
