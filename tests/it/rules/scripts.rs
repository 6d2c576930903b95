//! What scripts see and can call.

use super::Case;
use reply_router::{
    model::RuleTrace,
    rules::{RuleSet, SCRIPT_FUNCTIONS},
};

fn run(script: &str) -> RuleTrace {
    let script = script.replace('\n', "\n      ");
    let text = format!("rules:\n  - name: a\n    script: |\n      {script}\n    then: [star]\n");
    let set = RuleSet::parse(&[("a.yaml", &text)], &super::context()).unwrap_or_else(|wrong| panic!("{wrong}"));
    Case::full("Sure, a call on Tuesday?").evaluate(&set).unwrap().rules.remove(0)
}

#[track_caller]
fn holds(script: &str) {
    let trace = run(script);
    assert_eq!((trace.matched, trace.error.as_deref()), (true, None), "{script}");
}

/// What is said of a script that is refused when it is loaded.
fn refused(yaml: &str) -> String {
    let text = format!("rules:\n  - name: a\n    then: [star]\n{yaml}\n");
    RuleSet::parse(&[("a.yaml", &text)], &super::context()).unwrap_err().to_string()
}

#[test]
fn scripts_see_values() {
    for script in [
        "thread.reply_count < 6 && !lead.email.ends_with(\"@rival.example\")",
        "thread.tags.contains(\"vip\") && \"emea\" in thread.tags",
        "thread.manual_category == () && lead.id == ()",
        "return #{ matched: true, vars: #{ a: [1, 2] } };",
        "let n = 0; for tag in thread.tags { n += tag.len(); } n == 7",
        "thread.message_count == 2",
        "let first = thread.tags[0]; thread.tags.filter(|tag| tag == first).len() == 1",
        "now == \"2026-01-05T09:00:00Z\" && lead.first_name == \"Jane\"",
    ] {
        holds(script);
    }
    let trace = run("false");
    assert_eq!((trace.matched, trace.error), (false, None));
}

#[test]
fn every_function_works_as_its_documentation_says() {
    for function in SCRIPT_FUNCTIONS.iter().filter(|function| function.name() != "lookup") {
        assert!(function.example.contains(&format!("{}(", function.name())), "{function:?}");
        holds(function.example);
    }
}

#[test]
fn functions_are_methods_too_and_bear_absent_and_odd_values() {
    for script in [
        "contains_ci(message.body, \"CALL\") && message.body.contains_ci(\"sure,\")",
        "!message.body.contains_ci([]) && !message.body.contains_ci([1, ()])",
        "lead.domain.is_one_of([\"ACME.example\"]) && is_one_of(2, [1, 2.0]) && !is_one_of(2, [\"2\", ()])",
        "!is_one_of((), [(), 1]) && !thread.manual_category.is_one_of([\"a\"]) && thread.tags.is_one_of([\"EMEA\", 1])",
        "domain_of(lead.email) == \"acme.example\" && domain_of(lead.id) == () && domain_of(\"no address\") == ()",
        "\"x@mail.acme.example\".domain_is_one_of([\"acme.example\"]) && !\"x@notacme.example\".domain_is_one_of([\"acme.example\"])",
        "lead.domain.domain_is_one_of([\"example\"]) && !lead.id.domain_is_one_of([\"example\"])",
        "regex_is_match(message.text, \"t.esday\") && !regex_is_match(thread.manual_category, \"x\")",
        "regex_capture(message.text, `on (\\w+)`) == \"Tuesday\" && regex_capture(message.text, \"call\") == \"call\"",
        "regex_capture(message.text, \"(demo)|(call)\") == \"call\" && regex_capture(message.text, \"absent\") == ()",
        "regex_captures(message.text, `(?<what>call|demo) on (\\w+)`) == #{ \"0\": \"call on Tuesday\", \"1\": \"call\", \"2\": \"Tuesday\", what: \"call\" }",
        "regex_captures(message.text, `(?<a>demo)|call`).a == () && regex_captures(message.text, \"absent\") == ()",
        "thread.manual_category.contains_ci(\"x\") == false && thread.manual_category.contains_ci([\"x\"]) == false",
        "pick(lead.email, [#{ name: \"bob\", link: 1 }, #{ name: \"anna\", link: 2 }]).link == 1 && lead.email.pick([7]) == 7",
        "lead.id.pick([1]) == () && lead.email.pick([]) == ()",
        "now.hours_since(thread.last_message_at) == 1.0 && now.weekday(\"UTC\") == \"mon\" && now.hour(\"Europe/Berlin\") == 10",
        "now.date(\"Asia/Tokyo\") == \"2026-01-05\" && \"2026-01-05T20:00:00Z\".date(\"Asia/Tokyo\") == \"2026-01-06\"",
        "now.days_until(\"2026-01-12\") > 6 && now.days_until(\"2026-01-12\") < 7",
        "!(now.days_until(message.back_on) < 7) && !(now.days_since(thread.created_at) > 0) && !(message.back_on.hour(\"UTC\") > 1)",
    ] {
        holds(script);
    }
}

#[test]
fn what_can_only_fail_is_refused_at_its_place_in_the_file() {
    for (yaml, expected) in [
        ("    script: |\n      let a = 1;\n      mesage.text == \"\"", "a.yaml:6:7"),
        ("    script: |\n\n      let a = 1;\n      message.txt == \"\"", "a.yaml:7:7"),
        ("    script: 'thread.reply_count < && 6'", "a.yaml:4:"),
        ("    script: message.text.contain_ci(\"x\")", "a.yaml:4:26"),
        ("    script: \"now.hour(\\\"Mars\\\") == 1\"", "a.yaml:4:23"),
        ("    script: 'let private = 1; true'", "`private` is a word of the language"),
        ("    script: >\n      true &&\n      domain_off(lead.email)", "a.yaml:6:7"),
    ] {
        let told = refused(yaml);
        assert!(told.contains("R006") && told.contains(expected), "{yaml}\n{told}");
    }
}

#[test]
fn what_fails_at_run_time_names_its_place_in_the_file() {
    let at = |yaml: &str| {
        let text = format!("rules:\n  - name: a\n    then: [star]\n{yaml}\n");
        let set =
            RuleSet::parse(&[("rules/a.yaml", &text)], &super::context()).unwrap_or_else(|wrong| panic!("{wrong}"));
        let trace = Case::full("x").evaluate(&set).unwrap().rules.remove(0);
        assert_eq!(trace.script.and_then(|script| script.error), trace.error);
        trace.error.unwrap()
    };
    for (yaml, expected) in [
        ("    script: |\n      let a = 1;\n      throw \"no\";\n      true", "rules/a.yaml:6:7: Runtime error: no"),
        ("    script: |\n      true &&\n        lead.id.ends_with(\"x\")", "rules/a.yaml:6:17: `ends_with` was given"),
        ("    script: 'true && lead.id.ends_with(''x'')'", "rules/a.yaml:4:"),
        ("    script: >\n      true &&\n      [1][5] == 1", "rules/a.yaml:6:"),
        ("    script: \"[1][5] == 1\"", "rules/a.yaml:4:"),
        ("    script: |\n      fn f(a) {\n        a[9]\n      }\n      f([1]) == 1", "rules/a.yaml:6:"),
        ("    script: |\n      1", "rules/a.yaml:5:7: the script must end in true or false"),
    ] {
        let told = at(yaml);
        assert!(told.starts_with(expected), "{yaml}\n{told}");
    }
}
