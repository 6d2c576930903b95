//! Named conditions: what they stand for, where they are known, and what is told of them.

use super::{Case, context, rules};
use reply_router::{
    model::ConditionTrace,
    rules::{LoadContext, Need, RuleSet, WorkspaceContext},
};
use std::path::PathBuf;

const AGREES: &str = r#"
define:
  agrees:
    description: Says yes to a call.
    body: { says: ["(yes|sure) … (call|demo)"] }
    not: { is: refuses }
    capture: { day: '\b(monday|tuesday)\b' }
  refuses:
    body: ['\bno (?<what>call|demo)\b', { says: "don't" }]
  hot: { any: [{ is: agrees }, { subject: urgent }] }
"#;

fn with_rules(rules: &str) -> String {
    format!("version: 1{AGREES}rules:\n{rules}")
}

fn star(name: &str, when: &str) -> String {
    format!("  - name: {name}\n    when: {when}\n    then: [star]\n")
}

#[test]
fn a_name_stands_for_its_conditions() {
    let yes = Case::full("Sure, a call on Tuesday.");
    let no = Case::full("Sure, but no call, please: we don't want a call.");
    for (when, of_yes, of_no) in [
        ("{ is: agrees }", true, false),
        ("{ is: refuses }", false, true),
        ("{ is: hot }", true, false),
        ("{ is: [agrees, refuses] }", true, true),
        ("{ not: { is: agrees } }", false, true),
        ("{ not: { is: [agrees, refuses] } }", false, false),
        ("{ any: [{ is: refuses }, { category: other }] }", false, true),
        ("{ all: [{ is: hot }, { is: agrees }], category: meeting_request }", true, false),
        ("{ is: hot, category: other }", false, false),
    ] {
        let text = with_rules(&star("r", when));
        for thorough in [true, false] {
            for (case, expected) in [(&yes, of_yes), (&no, of_no)] {
                let quick = Case { thorough, ..case.clone() };
                let decision = quick.decide(&text);
                assert_eq!(decision.matched().next().is_some(), expected, "{when}");
            }
        }
    }
}

#[test]
fn its_captures_are_those_of_the_rule() {
    let text = with_rules(
        "  - name: own\n    when: { is: hot }\n    capture: { first: '^\\w+' }\n    then: [{ reply: { text: '{{ captures.first }} {{ captures.day }}' } }]\n  - name: instead\n    when: { is: hot }\n    capture: { day: '\\bcall\\b' }\n    then: [{ log: notes }]\n",
    );
    let text = text.replace("then: [{ log: notes }]", "then: [star]");
    let decision = Case::full("Sure, a call on Tuesday.").decide(&text);
    assert_eq!(decision.rules[0].captures["day"], "Tuesday");
    assert_eq!(decision.rules[0].captures["first"], "Sure");
    assert_eq!(decision.rules[1].captures["day"], "call", "the rule's own comes first");
    let named = with_rules(&star("r", "{ is: refuses }"));
    assert_eq!(Case::full("No demo.").decide(&named).rules[0].captures["what"], "demo");
}

#[test]
fn what_a_definition_saw_is_told_of_each_rule_that_uses_it() {
    let text =
        with_rules(&(star("first", "{ is: agrees }") + &star("second", "{ category: '*', not: { is: agrees } }")));
    let decision = Case::full("Sure, a call.").decide(&text);
    let told = |conditions: &[ConditionTrace]| -> Vec<String> {
        conditions.iter().map(|one| format!("{} {} {:?}", one.path, one.wanted, one.held)).collect()
    };
    assert_eq!(
        told(&decision.rules[0].conditions),
        [
            "when.is agrees Some(true)",
            "when.is[agrees].body says (yes|sure) … (call|demo) Some(true)",
            "when.is[agrees].not.is refuses Some(false)",
            r"when.is[agrees].not.is[refuses].body \bno (?<what>call|demo)\b Some(false)",
            "when.is[agrees].not.is[refuses].body says don't Some(false)",
        ]
    );
    let second = &decision.rules[1].conditions;
    assert_eq!(second[2].path, "when.not.is[agrees].body");
    assert_eq!(second[2].phrase, decision.rules[0].conditions[1].phrase);
    assert_eq!(second[2].phrase.as_ref().unwrap().place, "rules/a.yaml:5:20");
    assert!(second[1].is_use() && !second[2].is_use());
}

#[test]
fn a_definition_needs_what_its_conditions_need() {
    let set = rules(&with_rules(&star("r", "{ category: meeting_request, is: hot }")));
    assert_eq!(Case::row().evaluate(&set).err(), Some(Need::Messages));
    let mut other = Case::row();
    other.row.category = Some("other".to_owned());
    assert!(other.evaluate(&set).is_ok(), "the category decides");
    let cost = set.request_cost();
    assert_eq!((cost.at_least, cost.at_most), (1, 101));
}

const WITH_SCRIPT: &str = r#"version: 1
define:
  few: { category: "*", script: "captures.len() == 0 && thread.reply_count < 3" }
  only-script: { script: "thread.reply_count == 2" }
  fails: { script: "1 / (thread.reply_count - 2) == 0" }
  day-is-tuesday:
    body: call
    capture: { day: '\b(monday|tuesday)\b' }
    script: captures.day == "Tuesday"
rules:
  - { name: few, when: { is: few }, then: [star] }
  - { name: only-script, when: { is: only-script }, then: [star] }
  - { name: fails, when: { is: fails }, then: [star] }
  - { name: not-fails, when: { not: { is: fails } }, then: [star] }
  - { name: else-fails, when: { any: [{ is: fails }, { category: "*" }] }, then: [star] }
  - { name: day, when: { is: day-is-tuesday }, then: [star] }
"#;

#[test]
fn a_script_must_agree_and_one_that_fails_makes_no_rule_match() {
    for thorough in [true, false] {
        let case = Case { thorough, ..Case::full("A call on Tuesday.") };
        let decision = case.decide(WITH_SCRIPT);
        assert_eq!(decision.matched().collect::<Vec<_>>(), ["few", "only-script", "else-fails", "day"]);
        for name in ["fails", "not-fails"] {
            let failed = decision.rules.iter().find(|rule| rule.name == name).unwrap();
            let error = failed.error.as_deref().unwrap();
            assert!(error.starts_with("rules/a.yaml:5:") && !failed.matched, "{error}");
        }
    }
}

/// Whatever number of rules use it, and however often; a script that is run more than once would take another time each.
#[test]
fn a_definition_is_evaluated_once() {
    let mut text = WITH_SCRIPT.to_owned();
    for number in 0..2_000 {
        text.push_str(&format!(
            "  - {{ name: more-{number}, when: {{ is: [slow], not: {{ is: few }} }}, then: [star] }}\n"
        ));
    }
    // Thousands of runs of it would take minutes.
    text = text.replace("define:\n", "define:\n  slow: { script: \"let n = 0; while n < 20000 { n += 1; } true\" }\n");
    let decision = Case { thorough: false, ..Case::full("A call.") }.decide(&text);
    assert_eq!(decision.matched().count(), 3);
}

#[test]
fn a_guard_of_the_rule_is_that_of_its_definitions() {
    let text = "define:\n  away: { auto_reply: true }\n  colleague: { from: '*@acme.example' }\nrules:\n".to_owned()
        + &star("plain", "{ category: '*' }")
        + &star("away", "{ is: away }")
        + &star("not-away", "{ not: { is: away } }")
        + "  - { name: answers, when: { is: colleague, category: '*' }, then: [{ reply: { text: Hi } }] }\n";
    let set = rules(&text);
    let any: Vec<bool> = set.rules().iter().map(|rule| rule.any_auto_reply()).collect();
    assert_eq!(any, [false, true, false, false]);
    assert_eq!(set.rules().iter().map(|rule| rule.any_sender()).collect::<Vec<_>>(), [false, false, false, true]);
    let case = Case::full("I am out of office until Monday.").newest(|message| {
        message.subject = Some("Automatic reply: A demo".to_owned());
    });
    assert_eq!(case.evaluate(&set).unwrap().matched().collect::<Vec<_>>(), ["away"]);
}

fn workspaces(folder: &std::path::Path, of: &[(&str, &[&str])]) -> LoadContext {
    let workspace = |(name, paths): &(&str, &[&str])| WorkspaceContext {
        name: (*name).to_owned(),
        rules: paths.iter().map(|path| folder.join(path)).collect::<Vec<PathBuf>>(),
        ..WorkspaceContext::default()
    };
    LoadContext { workspaces: of.iter().map(workspace).collect(), ..context() }
}

fn write(folder: &std::path::Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("version: 1\n{text}")).unwrap();
}

fn codes(set: Result<RuleSet, reply_router::diagnostics::Diagnostics>) -> Vec<&'static str> {
    match set {
        Ok(set) => set.warnings().iter().map(|one| one.code).collect(),
        Err(wrong) => wrong.iter().map(|one| one.code).collect(),
    }
}

#[test]
fn each_workspace_has_the_definitions_of_its_files() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    write(folder, "acme/phrases.yaml", "define: { agrees: { body: { says: yes please } } }");
    write(folder, "globex/phrases.yaml", "define: { agrees: { body: { says: sure thing } } }");
    write(folder, "acme/a.yaml", "rules: [{ name: acme, when: { is: agrees }, then: [star] }]");
    write(folder, "globex/a.yaml", "rules: [{ name: globex, when: { is: agrees }, then: [star] }]");
    let context = workspaces(folder, &[("acme", &["acme"]), ("globex", &["globex"])]);
    let set = RuleSet::load_workspaces(&context).unwrap();
    assert!(set.warnings().is_empty());
    let case = Case::full("Sure thing.");
    assert_eq!(case.evaluate(&set).unwrap().matched().count(), 0, "the case is of acme");
    assert_eq!(Case::full("Yes please.").evaluate(&set).unwrap().matched().collect::<Vec<_>>(), ["acme"]);
    let again = RuleSet::from_sources(set.sources(), &set).unwrap();
    assert_eq!(again.revision(), set.revision());
    assert_eq!(Case::full("Yes please.").evaluate(&again).unwrap().matched().collect::<Vec<_>>(), ["acme"]);
    // A rule that both have would mean two things.
    write(folder, "common/c.yaml", "rules: [{ name: both, when: { is: agrees, workspace: '*' }, then: [star] }]");
    let both = workspaces(folder, &[("acme", &["acme", "common"]), ("globex", &["globex", "common"])]);
    assert_eq!(codes(RuleSet::load_workspaces(&both)), ["R025"]);
    let lacking = workspaces(folder, &[("acme", &["acme", "common"]), ("globex", &["globex/a.yaml", "common"])]);
    assert!(codes(RuleSet::load_workspaces(&lacking)).contains(&"R025"));
    // What one workspace leaves unused, another may use.
    write(folder, "shared/s.yaml", "define: { later: { body: { says: later } } }");
    write(folder, "globex/b.yaml", "rules: [{ name: late, when: { is: later }, then: [star] }]");
    let shared = workspaces(folder, &[("acme", &["acme", "shared"]), ("globex", &["globex", "shared"])]);
    assert_eq!(codes(RuleSet::load_workspaces(&shared)), [""; 0]);
}

#[test]
fn a_changed_definition_is_another_revision() {
    let before = rules(&with_rules(&star("r", "{ is: hot }")));
    let after = rules(&with_rules(&star("r", "{ is: hot }")).replace("(yes|sure)", "(yes|sure|happy)"));
    assert_ne!(before.revision(), after.revision());
    let only = "define: { agrees: { body: { says: yes } } }";
    let using = "rules: [{ name: r, when: { is: agrees }, then: [star] }]";
    let load = |define: &str| RuleSet::parse(&[("a.yaml", define), ("b.yaml", using)], &context()).unwrap();
    assert_ne!(load(only).revision(), load(&only.replace("yes", "sure")).revision());
    let again = RuleSet::from_sources(load(only).sources(), &load(only)).unwrap();
    assert_eq!(again.revision(), load(only).revision());
}

#[test]
fn a_file_alone_finds_definitions_beside_it() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    write(
        folder,
        "phrases.yaml",
        "define: { agrees: { is: yes }, yes: { body: { says: yes } }, other: { body: { says: other } } }",
    );
    write(folder, "broken.yaml", "define: { more: { bdy: x } }");
    write(folder, "a.yaml", "rules: [{ name: r, when: { is: agrees }, then: [star] }]");
    write(folder, "b.yaml", "rules: [{ name: s, when: { is: unknown }, then: [star] }]");
    std::fs::remove_file(folder.join("broken.yaml")).unwrap();
    let set = RuleSet::load(&folder.join("a.yaml"), &context()).unwrap();
    assert_eq!(set.rules().len(), 1);
    assert!(set.warnings().is_empty(), "{}", set.warnings());
    assert_eq!(Case::full("Yes.").evaluate(&set).unwrap().matched().count(), 1);
    let again = RuleSet::from_sources(set.sources(), &set).unwrap();
    assert_eq!(again.revision(), set.revision());
    assert_eq!(codes(RuleSet::load(&folder.join("b.yaml"), &context())), ["R025"]);
    assert_eq!(RuleSet::load(&folder.join("phrases.yaml"), &context()).unwrap().definitions().len(), 3);
}

#[test]
fn many_definitions_within_one_another_are_bounded() {
    let mut deep = "define:\n  d0: { category: x }\n".to_owned();
    for number in 1..40 {
        deep.push_str(&format!("  d{number}: {{ is: d{} }}\n", number - 1));
    }
    deep.push_str("rules: [{ name: r, when: { is: d39 }, then: [star] }]\n");
    assert!(codes(RuleSet::parse(&[("a.yaml", &deep)], &context())).contains(&"R026"));
    let mut wide = "define:\n  d0: { category: x }\n".to_owned();
    for number in 1..25 {
        let before = number - 1;
        wide.push_str(&format!("  d{number}: {{ any: [{{ is: d{before} }}, {{ is: d{before}, subject: x }}] }}\n"));
    }
    wide.push_str("rules: [{ name: r, when: { is: d24 }, then: [star] }]\n");
    assert!(codes(RuleSet::parse(&[("a.yaml", &wide)], &context())).contains(&"R027"));
}

/// Whatever a condition is a part of must hold, too, before its groups and captures count; of one name the first in the order
/// written does.
#[test]
fn only_what_holds_gives_captures() {
    let define = r#"define:
  wrong: { body: { says: "not for me" }, capture: { who: '\b(paul|anna)\b' } }
  right: { body: { says: "(ask|write to)" }, capture: { who: '\b(anna|kim)\b' } }
  of-a-group: { body: '\bask (?<who>\w+)', not: { is: wrong } }
  twice: { any: [{ is: wrong }, { is: right }], capture: { price: '\$(\d+)' } }
  refused: { not: { is: right } }
  cheap-last: { any: [{ body: 'write to (?<who>\w+)' }, { subject: '\ba (?<who>\w+)' }] }
rules:
"#;
    let body = "Paul is gone. Ask Anna, or write to Kim: $40, not $50.";
    for (when, who) in [
        ("{ any: [{ is: wrong }, { is: right }] }", Some("Anna")),
        ("{ is: [wrong, right] }", Some("Anna")),
        ("{ is: right, not: { is: wrong } }", Some("Anna")),
        ("{ is: [of-a-group, right] }", Some("Anna")),
        ("{ is: twice }", Some("Anna")),
        ("{ not: { is: refused } }", None),
        ("{ not: { not: { body: '\\bask (?<who>\\w+)' } } }", Some("Anna")),
        ("{ any: [{ body: '^(?<who>\\w+)', subject: other }, { is: right }] }", Some("Anna")),
        ("{ any: [{ body: '^(?<who>\\w+)', subject: demo }, { is: right }] }", Some("Paul")),
        ("{ any: [{ is: right }, { body: '^(?<who>\\w+)' }] }", Some("Anna")),
        (
            "{ any: [{ all: [{ body: '^(?<who>\\w+)' }, { category: other }] }, { body: 'to (?<who>\\w+)' }] }",
            Some("Kim"),
        ),
        ("{ not: [{ body: '^(?<who>\\w+)', subject: other }, { category: other }] }", None),
        // A cheap condition is looked at first, and stands last all the same.
        ("{ is: cheap-last }", Some("Kim")),
        ("{ any: [{ body: 'write to (?<who>\\w+)' }, { subject: '\\ba (?<who>\\w+)' }] }", Some("Kim")),
    ] {
        for thorough in [true, false] {
            let case = Case { thorough, ..Case::full(body) };
            let decision = case.decide(&format!("{define}{}", star("r", when)));
            let rule = decision.rules.first().unwrap_or_else(|| panic!("{when} does not match"));
            assert_eq!(rule.captures.get("who").map(String::as_str), who, "{when}, thorough: {thorough}");
        }
    }
    let own = "  - { name: r, when: { is: right }, capture: { who: nobody }, then: [star] }\n";
    let decision = Case::full(body).decide(&format!("{define}{own}"));
    assert_eq!(decision.rules[0].captures.get("who"), None, "the rule looks for it itself");
    let price = Case::full(body).decide(&format!("{define}{}", star("r", "{ is: twice }")));
    assert_eq!(price.rules[0].captures["price"], "40");
}

/// A script sees no more than the templates do.
#[test]
fn a_script_sees_what_holds_alone() {
    let text = r#"define:
  wrong: { body: { says: nobody }, capture: { who: '\b(paul)\b' } }
  right: { body: { says: ask }, capture: { who: '\b(anna)\b' } }
  scripted: { is: [wrong, right], script: 'captures.who == "Anna"' }
rules:
  - { name: in-a-definition, when: { is: scripted }, then: [star] }
  - { name: in-a-rule, when: { is: [wrong, right] }, script: 'captures.who == "Anna"', then: [star] }
"#;
    for thorough in [true, false] {
        let decision = Case { thorough, ..Case::full("Paul is gone, ask Anna.") }.decide(text);
        assert_eq!(decision.matched().collect::<Vec<_>>(), ["in-a-definition", "in-a-rule"]);
    }
}

/// What an alternative captures that only the thread decides is not known before the thread is read.
#[test]
fn what_is_captured_does_not_depend_on_what_was_read() {
    let when = "{ any: [{ tags: gold, body: '(?<who>paul)' }, { body: '(?<who>anna)' }] }";
    let reply =
        format!("rules:\n  - {{ name: r, when: {when}, then: [{{ reply: {{ text: '{{{{ captures.who }}}}' }} }}] }}\n");
    let set = rules(&reply);
    let mut case = Case::full("Paul and Anna.");
    let detail = case.detail.take();
    assert_eq!(case.evaluate(&set).err(), Some(Need::Thread));
    case.detail = detail;
    assert_eq!(case.evaluate(&set).unwrap().rules[0].captures["who"], "Anna");
    // Where nothing is sent, and where the first alternative holds, it does not matter.
    let first = "{ any: [{ body: '(?<who>anna)' }, { tags: vip, body: '(?<who>paul)' }] }";
    for text in [format!("rules:\n{}", star("r", when)), reply.replace(when, first)] {
        let case = Case { detail: None, ..Case::full("Paul and Anna.") };
        assert!(case.evaluate(&rules(&text)).is_ok(), "{text}");
    }
    let script = "rules:\n  - { name: r, when: { tags: vip, body: '(?<who>paul)' }, script: 'captures.who == \"x\"', then: [star] }\n";
    let case = Case { detail: None, ..Case::full("Paul and Anna.") };
    assert_eq!(case.evaluate(&rules(script)).err(), Some(Need::Thread));
}

/// A definition is decided once for all rules, before their scripts run: none of their `vars` reach it, and none of its own
/// reach them.
#[test]
fn scripts_of_rules_and_definitions_know_nothing_of_each_other() {
    let define = "define:\n  named: { script: '#{ matched: true, vars: #{ who: \"Anna\" } }' }\nrules:\n";
    let rule = |script: &str| {
        format!(
            "{define}  - {{ name: r, when: {{ is: named }}, {script} then: [{{ reply: {{ text: '{{{{ vars.who }}}}' }} }}] }}\n"
        )
    };
    let load = |text: &str| RuleSet::parse(&[("a.yaml", text)], &context());
    assert_eq!(codes(load(&rule(""))), ["R016"]);
    let own = rule("script: '#{ matched: true, vars: #{ who: \"Kim\" } }',");
    let decision = Case::full("Hi").decide(&own);
    assert_eq!(decision.rules[0].script.as_ref().unwrap().vars["who"], "Kim");
    let asks =
        "define:\n  asks: { script: 'vars.who == \"Kim\"' }\nrules: [{ name: r, when: { is: asks }, then: [star] }]\n";
    assert_eq!(codes(load(asks)), ["R006"], "a script has no `vars` to read");
}

/// A list that does not exist is told of what a test uses, too; the lists of a definition that nothing uses may come later.
#[test]
fn the_lists_of_a_definition_that_only_a_test_names_are_checked() {
    let define = "define: { ours: { lead_domain: { in: no-such-list } }, later: { lead_domain: { in: nor-this } } }\n";
    let rule = "rules: [{ name: r, when: { category: x }, then: [star] }]\n";
    let test = "tests: [{ name: t, messages: [Hi], expect: { is: [ours] } }]\n";
    let load = |text: &str| RuleSet::parse(&[("a.yaml", text)], &context());
    assert_eq!(codes(load(&format!("{define}{rule}{test}"))), ["R040"]);
    let step = "tests: [{ name: t, messages: [Hi], steps: [{ then_lead_writes: Yes, expect: { is: [ours] } }] }]\n";
    assert_eq!(codes(load(&format!("{define}{rule}{step}"))), ["R040"]);
    assert!(load(&format!("{define}{rule}")).is_ok());
}
