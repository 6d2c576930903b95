//! Findings across rules: what is called proved holds for every message that comes.

use super::{Case, rules};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use reply_router::diagnostics::Diagnostic;
use reply_router::model::Decision;
use std::{cell::Cell, collections::BTreeMap, fmt::Write};

/// A condition as YAML in a flow mapping, out of few values so that they meet.
fn condition() -> impl Strategy<Value = String> {
    let category = prop::sample::subsequence(vec!["a", "b", "'a*'", "null", "'*'"], 1..3);
    let bound = prop::sample::select(vec!["gt", "gte", "lt", "lte"]);
    let count = prop::sample::select(vec!["reply_count", "message_count"]);
    let leaf = prop_oneof![
        category.prop_map(|values| format!("{{ category: [{}] }}", values.join(", "))),
        prop::sample::select(vec!["x", "y", "'x*'", "'x y'", "'^x'"]).prop_map(|p| format!("{{ subject: {p} }}")),
        (count, bound, 0..4).prop_map(|(field, bound, n)| format!("{{ {field}: {{ {bound}: {n} }} }}")),
        any::<bool>().prop_map(|wanted| format!("{{ is_read: {wanted} }}")),
        any::<bool>().prop_map(|wanted| format!("{{ opt_out: {wanted} }}")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(|all| format!("{{ any: [{}] }}", all.join(", "))),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|all| format!("{{ all: [{}] }}", all.join(", "))),
            inner.prop_map(|one| format!("{{ not: {one} }}")),
        ]
    })
}

#[derive(Debug, Clone)]
struct Drawn {
    when: String,
    stop: bool,
    script: bool,
    replies: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    (condition(), any::<bool>(), prop::bool::weighted(0.1), any::<bool>())
        .prop_map(|(when, stop, script, replies)| Drawn { when, stop, script, replies })
}

fn written(drawn: &[Drawn]) -> String {
    let mut text = "version: 1\nrules:\n".to_owned();
    for (index, rule) in drawn.iter().enumerate() {
        let then = if rule.replies { "{ reply: { text: Hello. } }" } else { "star" };
        let script = if rule.script { ", script: thread.reply_count == 2" } else { "" };
        let (when, stop) = (&rule.when, rule.stop);
        let _ = writeln!(text, "  - {{ name: r{index}, when: {when}{script}, then: [{then}], stop: {stop} }}");
    }
    text
}

/// Everything that the conditions above can tell apart, and more.
fn events() -> Vec<Case> {
    let mut events = Vec::new();
    for category in [None, Some("a"), Some("b"), Some("ab"), Some("c")] {
        for subject in [None, Some("x"), Some("y"), Some("z x y"), Some("")] {
            for count in [None, Some(0), Some(1), Some(2), Some(4)] {
                for (read, body) in
                    [(None, "Yes"), (Some(true), "Please remove me from your list."), (Some(false), "Hm")]
                {
                    let mut case = Case::full(body);
                    case.row.category = category.map(str::to_owned);
                    case.row.subject = subject.map(str::to_owned);
                    case.row.preview = None;
                    case.row.reply_count = count;
                    case.row.is_read = read;
                    events.push(case);
                }
            }
        }
    }
    events
}

/// The rule on whose line a finding stands.
fn of_rule(found: &Diagnostic) -> usize {
    found.line - 3
}

/// What is wrong with a claim, seen with one message.
fn refutes(found: &Diagnostic, decision: &Decision, drawn: &[Drawn], text: &str) -> bool {
    let index = of_rule(found);
    let trace = &decision.rules[index];
    let whole = text.lines().nth(found.line - 1).unwrap().find("when:").unwrap() + 1 == found.column;
    let matched = |index: usize| decision.rules[index].matched;
    match found.code {
        "L001" => trace.matched,
        "L003" => whole && trace.matched,
        "L004" => whole && !drawn[index].script && !trace.matched && trace.stopped_by.is_none(),
        "L002" => {
            let named = |other: &usize| found.message.contains(&format!("`r{other}`"));
            trace.matched && !(0..index).filter(named).any(matched)
        }
        _ => false,
    }
}

#[test]
fn what_is_proved_holds_for_every_message() {
    let events = events();
    let proved = Cell::new(0);
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let ran = runner.run(&prop::collection::vec(drawn(), 1..5), |drawn| {
        let text = written(&drawn);
        let set = rules(&text);
        let claims: Vec<_> = set.warnings().iter().filter(|found| found.proved == Some(true)).collect();
        proved.set(proved.get() + claims.len());
        for event in events.iter().filter(|_| !claims.is_empty()) {
            let decision = event.evaluate(&set).unwrap();
            let wrong = claims.iter().find(|found| refutes(found, &decision, &drawn, &text));
            prop_assert!(wrong.is_none(), "{wrong:?}\n{text}");
        }
        Ok(())
    });
    println!("{} findings called proved, each tried on {} messages", proved.get(), events.len());
    ran.unwrap();
    assert!(proved.get() > 100, "{}", proved.get());
}

/// What is found in the bad files of `tests/diagnostics`, by code.
#[test]
fn a_table_of_what_is_found() {
    let mut table: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (name, folder) in crate::diagnostics::cases() {
        let expected = std::fs::read_to_string(folder.join("expected.txt")).unwrap();
        for line in expected.lines().filter_map(|line| line.strip_prefix("warning[L")) {
            let (code, message) = line.split_once("]: ").unwrap_or_else(|| panic!("{name}: {line}"));
            let count = table.entry(format!("L{code}")).or_default();
            if message.ends_with("(proved)") { count.0 += 1 } else { count.1 += 1 }
        }
    }
    println!("{:<6} {:<52} {:>6} {:>10}", "code", "finding", "proved", "not proved");
    for info in reply_router::diagnostics::CODES.iter().filter(|info| info.id.starts_with('L')) {
        let (proved, open) = table.get(info.id).copied().unwrap_or_default();
        println!("{:<6} {:<52} {proved:>6} {open:>10}", info.id, info.title);
        assert!(proved + open > 0, "no case of {}", info.id);
    }
}
