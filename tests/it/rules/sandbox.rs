//! Scripts cannot hang, grow, or reach anything; what goes wrong touches no other rule.

use super::Case;
use reply_router::rules::RuleSet;
use std::time::{Duration, Instant};

fn run(script: &str) -> (bool, Option<String>) {
    let script = script.replace('\n', "\n      ");
    let text = format!(
        "rules:\n  - name: a\n    script: |\n      {script}\n    then: [star]\n  - {{ name: b, when: always, then: [star] }}\n"
    );
    let set = RuleSet::parse(&[("a.yaml", &text)], &super::context()).unwrap_or_else(|wrong| panic!("{wrong}"));
    let decision = Case::full("Sure, a call on Tuesday?").evaluate(&set).unwrap();
    assert!(decision.rules[1].matched, "another rule is not touched");
    (decision.rules[0].matched, decision.rules[0].error.clone())
}

#[test]
fn scripts_see_values_and_functions() {
    for script in [
        "thread.reply_count < 6 && !lead.email.ends_with(\"@rival.example\")",
        "thread.tags.contains(\"vip\") && \"emea\" in thread.tags",
        "message.body.contains_ci(\"CALL\")",
        "regex_is_match(message.text, \"t.esday\")",
        "regex_capture(message.text, \"on (\\\\w+)\") == \"Tuesday\"",
        "domain_of(lead.email) == \"acme.example\" && lead.domain.is_one_of([\"ACME.example\"])",
        "now.hours_since(thread.last_message_at) == 1.0 && now.weekday(\"UTC\") == \"mon\" && now.hour(\"Europe/Berlin\") == 10",
        "thread.manual_category == () && lead.id == ()",
        "thread.manual_category.contains_ci(\"x\") == false",
        "return #{ matched: true, vars: #{ a: [1, 2] } };",
        "let n = 0; for tag in thread.tags { n += tag.len(); } n == 7",
        "thread.message_count == 2",
    ] {
        assert_eq!(run(script), (true, None), "{script}");
    }
    assert_eq!(run("false"), (false, None));
}

#[test]
fn traps_end_early_and_are_told() {
    for (script, expected) in [
        ("loop { }", "operations"),
        ("let s = \"x\"; loop { s += s; } true", "large"),
        ("let a = [1]; loop { a += a; } true", "large"),
        ("let s = \"x\"; s.pad(1000000000, \"y\"); true", "large"),
        ("let a = []; a.pad(1000000000, 1); true", "large"),
        ("let s = \"\"; s.pad(200000, \"x\"); loop { s.replace(\"x\", \"y\"); s.replace(\"y\", \"x\"); }", "stopped"),
        ("fn f(n) { f(n + 1) } f(0)", "deep"),
        ("lead.id.ends_with(\"x\")", "line 1"),
        ("let a = 1;\nthrow \"no\";\ntrue", "line 2"),
        ("1", "true or false"),
        ("#{ matched: 1 }", "true or false"),
        ("#{ matched: true, other: 1 }", "other"),
        ("regex_is_match(lead.email, \"(\")", "regular expression"),
        ("now.hour(\"Mars\") == 1", "time zone"),
    ] {
        let began = Instant::now();
        let (matched, error) = run(script);
        assert!(!matched && began.elapsed() < Duration::from_secs(5), "{script}");
        assert!(error.as_ref().is_some_and(|error| error.contains(expected)), "{script}: {error:?}");
    }
}

#[test]
fn nothing_waits_or_reaches_out() {
    // A call through a pointer finds nothing either.
    for script in [
        "sleep(5); true",
        "print(1); true",
        "debug(1); true",
        "eval(\"true\")",
        "import \"x\" as y; true",
        "timestamp(); true",
        "thread.subject = \"x\"; true",
        "call(Fn(\"sleep\"), 5)",
        "Fn(\"sleep\").call(5); true",
        "Fn(\"eval\").call(\"true\")",
    ] {
        let began = Instant::now();
        let text = format!("rules: [{{ name: a, script: '{script}', then: [star] }}]");
        if let Ok(set) = RuleSet::parse(&[("a.yaml", &text)], &super::context()) {
            assert!(!Case::full("x").evaluate(&set).unwrap().rules[0].matched, "{script}");
        }
        assert!(began.elapsed() < Duration::from_secs(2), "{script}");
    }
}
