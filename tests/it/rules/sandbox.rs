//! Scripts cannot hang, grow, or reach anything; what goes wrong touches no other rule.

use super::Case;
use reply_router::{model::RuleTrace, rules::RuleSet};
use std::{
    fmt::Write,
    time::{Duration, Instant},
};

fn set(scripts: &[&str]) -> RuleSet {
    let mut text = "rules:\n  - { name: before, when: always, then: [star] }\n".to_owned();
    for (number, script) in scripts.iter().enumerate() {
        let script = script.replace('\n', "\n      ");
        writeln!(text, "  - name: script-{number}\n    script: |\n      {script}\n    then: [star]").unwrap();
    }
    text.push_str("  - { name: after, when: always, then: [star] }\n");
    RuleSet::parse(&[("a.yaml", &text)], &super::context()).unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// What came of the scripts; the rules around them match whatever they do.
fn run(scripts: &[&str]) -> Vec<RuleTrace> {
    let mut rules = Case::full("Sure, a call on Tuesday?").evaluate(&set(scripts)).unwrap().rules;
    assert!(rules.pop().unwrap().matched && rules.remove(0).matched, "another rule is not touched");
    rules
}

/// Each with a part of what is said of it.
const TRAPS: &[(&str, &str)] = &[
    ("loop { }", "100000 operations"),
    ("while true { let x = 1; }", "100000 operations"),
    ("for i in 0..9000000000 { } true", "100000 operations"),
    ("let f = |n| n; loop { f.call(1); }", "100000 operations"),
    ("let s = \"x\"; loop { s += s; } true", "large"),
    ("let a = [1]; loop { a += a; } true", "large"),
    ("let a = []; loop { a.push(a); } true", "large"),
    ("let m = #{}; for i in 0..9000000 { m[i.to_string()] = i; } true", "stopped"),
    ("let m = #{}; for i in 0..9000000 { m = #{ a: m, b: m }; } true", "large"),
    ("let s = \"x\"; s.pad(1000000000, \"y\"); true", "large"),
    ("let a = []; a.pad(1000000000, 1); true", "large"),
    ("let s = \"x\"; s.pad(200000, \"y\"); `${s}${s}` == \"\"", "large"),
    ("let s = \"\"; s.pad(200000, \"x\"); loop { s.replace(\"x\", \"y\"); s.replace(\"y\", \"x\"); }", "stopped"),
    ("fn f(n) { f(n + 1) } f(0)", "deep"),
    ("fn f(n) { g(n) } fn g(n) { f(n) } f(0)", "deep"),
    ("lead.id.ends_with(\"x\")", "`ends_with` was given a value that is absent"),
    ("lead.email - 1", "nothing takes these values"),
    ("throw \"no\"; true", "no"),
    ("1", "true or false"),
    ("#{ matched: 1 }", "true or false"),
    ("#{ matched: true, other: 1 }", "other"),
    ("#{ matched: true, vars: 1 }", "must be a map"),
    ("let s = \"x\"; s.pad(100000, \"y\"); #{ matched: true, vars: #{ s: s } }", "larger than 64 KiB"),
    ("regex_is_match(lead.email, \"(\" + lead.email)", "regular expression"),
    ("regex_is_match(lead.email, \"a{1000}\" + \"{1000}\")", "256 KiB"),
    ("now.hour(lead.email) == 1", "time zone"),
    ("lead.email.hours_since(now) == 1", "is no time"),
    ("lead.email.pick([[1]]) == 1", "`name`"),
    ("let i = 9223372036854775807; i + 1 == 0", "overflow"),
    ("1 / 0 == 0", "zero"),
    ("[1][5] == 1", "bounds"),
    ("captures.day == \"x\"", "day"),
    ("let t = thread; t.tags.filter(|tag| t.tags[0] == tag).len() == 1", "copy what the closure needs"),
];

#[test]
fn traps_end_early_and_are_told() {
    let mut wrong = Vec::new();
    for (script, expected) in TRAPS {
        let began = Instant::now();
        let trace = run(&[script]).remove(0);
        let told = trace.error.as_ref().is_some_and(|error| error.starts_with("a.yaml:5:") && error.contains(expected));
        if trace.matched || !told || began.elapsed() > Duration::from_secs(5) {
            wrong.push(format!("{script}: {:?} after {:?}", trace.error, began.elapsed()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_thousand_hostile_scripts_touch_no_other_rule() {
    // Those that need no time-out: what is shown is that nothing is left behind, neither in the engine nor the thread.
    let hostile: Vec<&str> =
        TRAPS.iter().map(|(script, _)| *script).filter(|script| !script.contains("200000")).collect();
    let mut scripts: Vec<&str> = hostile.iter().copied().cycle().take(999).collect();
    scripts.push("message.text.contains_ci(\"call\")");
    let traces = run(&scripts);
    assert_eq!(traces.len(), 1_000);
    let (fair, hostile) = traces.split_last().unwrap();
    assert!(fair.matched && fair.error.is_none(), "{fair:?}");
    assert!(hostile.iter().all(|trace| !trace.matched && trace.error.is_some()));
}

#[test]
fn nothing_waits_or_reaches_out() {
    // Refused when they are loaded; a call through a pointer, whose name is known only then, when they are run.
    for (script, is_refused) in [
        ("sleep(5); true", true),
        ("print(1); true", true),
        ("debug(1); true", true),
        ("eval(\"true\")", true),
        ("import \"x\" as y; true", true),
        ("export let x = 1; true", true),
        ("timestamp(); true", true),
        ("blob(10); true", true),
        ("rand(); true", true),
        ("open_file(\"/etc/passwd\"); true", true),
        ("thread.subject = \"x\"; true", true),
        ("now = \"x\"; true", false),
        ("call(Fn(\"sleep\"), 5); true", false),
        ("Fn(\"sleep\").call(5); true", false),
        ("Fn(\"eval\").call(\"true\")", false),
        ("Fn(\"print\").call(1); true", false),
        ("Fn(\"timestamp\").call(); true", false),
        ("Fn(\"ev\" + \"al\").call(\"true\")", false),
    ] {
        let began = Instant::now();
        let text = format!("rules:\n  - name: a\n    script: |\n      {script}\n    then: [star]\n");
        match RuleSet::parse(&[("a.yaml", &text)], &super::context()) {
            Ok(set) => {
                assert!(!is_refused, "{script}");
                let trace = Case::full("x").evaluate(&set).unwrap().rules.remove(0);
                assert!(!trace.matched && trace.error.is_some(), "{script}: {trace:?}");
            }
            Err(found) => assert!(is_refused, "{script}: {found}"),
        }
        assert!(began.elapsed() < Duration::from_secs(2), "{script}");
    }
}

#[test]
fn nothing_is_kept_between_runs() {
    let set = set(&["let tags = thread.tags; tags.push(\"x\"); thread.tags.len() == 2 && tags.len() == 3"]);
    for _ in 0..3 {
        assert!(Case::full("x").evaluate(&set).unwrap().rules[1].matched);
    }
}

#[test]
fn expressions_of_a_script_match_in_linear_time() {
    // Catastrophic for an engine that backtracks.
    let text = "a".repeat(60_000);
    let set = set(&["message.text.regex_is_match(`^(a+)+$`) && !message.text.regex_is_match(`(a*)*b`)"]);
    let began = Instant::now();
    assert!(Case::full(&text).evaluate(&set).unwrap().rules[1].matched);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn dear_calls_end_in_time_too() {
    // Each search takes a tenth of a second: few operations, much time.
    let mut number = 1_u32;
    let mut text = String::new();
    while text.len() < 64 * 1024 {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push(if number >> 31 == 1 { 'a' } else { 'b' });
    }
    let set = set(&["loop { message.text.regex_is_match(`[ab]*a[ab]{500}c`) }"]);
    let began = Instant::now();
    let trace = Case::full(&text).evaluate(&set).unwrap().rules.remove(1);
    assert!(trace.error.as_ref().is_some_and(|error| error.contains("stopped after 500 ms")), "{trace:?}");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}
