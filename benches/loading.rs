//! What it takes to load rule sets that grow: time and memory by the number of rules, and of a set that differs from one that is
//! loaded already in one rule, as when an edit is tried: `cargo bench --locked --bench loading`. The numbers of rules may follow:
//! `-- 100 1000 9000`.
//!
//! Each row is a process of its own, so that no row gets the memory that another one has given back. Time is that of the thread
//! at work, where the system tells it. What grows with the rules alone shows in the time and memory of one rule, which stay as they
//! are.

// A measurement that is surprised ends there and says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clock;

use clock::Clock;
use reply_router::rules::{LoadContext, RuleSet};
use std::{fmt::Write as _, process::Command};

/// What each rule of a set has.
const KINDS: [(&str, &str); 8] = [
    ("short", "an expression of one word"),
    ("regex", "an expression of several words"),
    ("says", "a phrase"),
    ("campaign", "a campaign of its own"),
    ("category", "a category of its own, under `not`"),
    ("reply", "a reply with a template"),
    ("script", "a script"),
    ("mixed", "all of these, with a test"),
];
/// As many rules stand in one file, which has at most 1 MiB.
const RULES_OF_FILE: usize = 1_500;

fn main() {
    let (flags, words): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    if !flags.iter().any(|flag| flag == "--bench") {
        println!("the measurement takes a while: cargo bench --bench loading");
        return;
    }
    match words.as_slice() {
        [kind, count] if KINDS.iter().any(|(name, _)| name == kind) => row(kind, count.parse().expect("a number")),
        counts => {
            let counts: Vec<&str> = if counts.is_empty() {
                vec!["100", "1000", "9000"]
            } else {
                counts.iter().map(String::as_str).collect()
            };
            println!(
                "each rule has                        rules      load  of one rule    memory  of one rule   an edit    memory"
            );
            for (kind, _) in KINDS {
                for count in &counts {
                    let this = std::env::current_exe().expect("this program");
                    let done = Command::new(this).args(["--bench", kind, count]).status().expect("a process");
                    assert!(done.success(), "{kind} {count}");
                }
            }
        }
    }
}

fn row(kind: &str, count: usize) {
    let what = KINDS.iter().find(|(name, _)| *name == kind).map_or("", |(_, what)| what);
    // What every process needs once, and keeps.
    drop(load(&files(kind, 5, None)));
    let (before, clock) = (resident_kib(), Clock::start());
    let first = load(&files(kind, count, None));
    let (took, held) = (clock.elapsed(), resident_kib() - before);
    let clock = Clock::start();
    let second = load(&files(kind, count, Some(count / 2)));
    let (again, more) = (clock.elapsed(), resident_kib() - before - held);
    assert_ne!(first.revision(), second.revision());
    println!(
        "{what:<36}{count:>6}{:>7.0} ms{:>10.1} µs{:>6.1} MiB{:>9.2} KiB{:>7.0} ms{:>6.1} MiB",
        1e3 * took.as_secs_f64(),
        1e6 * took.as_secs_f64() / count as f64,
        held / 1_024.0,
        held / count as f64,
        1e3 * again.as_secs_f64(),
        more / 1_024.0
    );
}

fn load(files: &[String]) -> RuleSet {
    let names: Vec<String> = (0..files.len()).map(|number| format!("{number:02}.yaml")).collect();
    let sources: Vec<(&str, &str)> =
        names.iter().zip(files).map(|(name, text)| (name.as_str(), text.as_str())).collect();
    RuleSet::parse(&sources, &LoadContext::default()).unwrap_or_else(|found| panic!("{}", found.render(false)))
}

/// The files of a set, in which one rule may be another one.
fn files(kind: &str, count: usize, changed: Option<usize>) -> Vec<String> {
    let starts = (0..count).step_by(RULES_OF_FILE);
    starts.map(|start| file(kind, start..count.min(start + RULES_OF_FILE), changed)).collect()
}

fn file(kind: &str, numbers: std::ops::Range<usize>, changed: Option<usize>) -> String {
    let (mut text, mut tests) = ("version: 1\nrules:\n".to_owned(), "tests:\n".to_owned());
    for number in numbers {
        let other = if changed == Some(number) { "other" } else { "" };
        let kind =
            if kind == "mixed" { ["short", "regex", "says", "campaign", "reply", "script"][number % 6] } else { kind };
        let (when, then) = match kind {
            "short" => (format!("{{ body: item{number}{other} }}"), "star".to_owned()),
            "regex" => (
                format!("{{ body: '\\b(call|demo{other})\\b.{{0,30}}\\b(number|no\\.?) ?{number}\\b' }}"),
                "star".to_owned(),
            ),
            "says" => (
                format!("{{ body: {{ says: \"(how|what) … (cost*|price) item{number}{other}\" }} }}"),
                "star".to_owned(),
            ),
            "campaign" => (format!("{{ campaign: 'Campaign {number} {other}*', body: call }}"), "star".to_owned()),
            "category" => {
                (format!("{{ body: call, not: {{ category: own category {number}{other} }} }}"), "star".to_owned())
            }
            "reply" => (
                format!("{{ category: interested, campaign: Campaign {number} }}"),
                format!(
                    "reply: {{ text: \"Hi {{{{ lead.first_name | default('there') }}}}, number {number}{other} it is.\" }}"
                ),
            ),
            _ => ("always".to_owned(), "star".to_owned()),
        };
        let _ = writeln!(text, "  - name: rule-{number}\n    when: {when}");
        if kind == "script" {
            let _ = writeln!(
                text,
                "    script: thread.reply_count < 6 && !lead.email.ends_with(\"@rival{number}{other}.example\")"
            );
        }
        let _ = writeln!(text, "    then: [{then}]");
        let _ = writeln!(tests, "  - {{ name: test {number}, messages: [item{number}], expect: {{ is: [] }} }}");
    }
    if kind == "mixed" { text + &tests } else { text }
}

fn resident_kib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its size");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
