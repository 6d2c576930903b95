//! How many mails a second different engines put through the same rules, on one thread.
//!
//! `cargo run --release [-- RULES MAILS]` in this folder. Compare the ratios within one run.

mod ours;
mod plain;
mod sieve_engine;
mod workload;
mod zen;

use aho_corasick::AhoCorasickKind;
use ours::Ours;
use plain::{Prefilter, Scripts};
use regex_syntax::hir::literal::ExtractKind;
use sieve_engine::SieveEngine;
use std::time::{Duration, Instant};
use workload::{Mail, rules};
use zen::Zen;

/// Slow engines get fewer mails: no row takes longer.
const PATIENCE: Duration = Duration::from_secs(3);

struct Row {
    name: &'static str,
    mails_per_second: f64,
    /// How many rules matched each mail.
    matched: Vec<usize>,
}

/// Calls `matches` with each mail's number until all are done or it has taken long enough.
fn measure(name: &'static str, mails: usize, mut matches: impl FnMut(usize) -> usize) -> Row {
    for warm in 0..mails.min(20) {
        std::hint::black_box(matches(warm));
    }
    let (began, mut matched) = (Instant::now(), Vec::with_capacity(mails));
    while matched.len() < mails && began.elapsed() < PATIENCE {
        matched.push(matches(matched.len()));
    }
    Row { name, mails_per_second: matched.len() as f64 / began.elapsed().as_secs_f64(), matched }
}

/// Prints the rows beside the last one, which is ours; each must have found the same in the mails that it did.
fn print(title: &str, rows: &[Row]) {
    println!("\n{title}\n{:<54} {:>10} {:>14} {:>9} {:>9}", "", "mails/s", "ours is", "mails", "matched");
    let Some(ours) = rows.last() else { return };
    for Row { name, mails_per_second, matched } in rows {
        let ratio = format!("{:.1} times", ours.mails_per_second / mails_per_second);
        let found: usize = matched.iter().sum();
        println!("{name:<54} {mails_per_second:>10.0} {ratio:>14} {:>9} {found:>9}", matched.len());
    }
    for row in rows {
        let common = row.matched.len().min(ours.matched.len());
        assert_eq!(row.matched[..common], ours.matched[..common], "{} finds something else", row.name);
    }
}

fn main() {
    let number = |at: usize, default| std::env::args().nth(at).map_or(default, |text| text.parse().expect("a number"));
    let (count, mails) = (number(1, 500), number(2, 20_000));
    let rules = rules(count);
    let mails: Vec<Mail> = (0..mails).map(Mail::new).collect();
    let sieve_mails: Vec<String> = mails.iter().map(|mail| SieveEngine::mail(&mail.body)).collect();
    let size = mails.iter().map(|mail| mail.body.len()).sum::<usize>() / mails.len().max(1);
    println!("{count} rules, {} mails of 2 kB read already, {size} bytes of new text", mails.len());

    let all = mails.len();
    let engine = (SieveEngine::contains(&rules), Zen::contains(&rules), Ours::contains(&rules));
    let rows = [
        measure("sieve-rs", all, |mail| engine.0.matches(&sieve_mails[mail])),
        measure("zen-engine", all, |mail| engine.1.matches(&mails[mail].body)),
        measure("str::contains, one by one", all, |mail| plain::contains(&rules, &mails[mail].body)),
        measure("ours, the whole decision", all, |mail| engine.2.decide(&mails[mail], false)),
    ];
    print("each rule: the body contains a text", &rows);

    let engine = (SieveEngine::regex(&rules), Zen::regex(&rules), Ours::regex(&rules));
    let regexes = plain::compile(&rules);
    let (begin, end) = (ExtractKind::Prefix, ExtractKind::Suffix);
    let prefilters = [(&begin, None), (&end, None), (&end, Some(AhoCorasickKind::DFA))];
    let prefilters = prefilters.map(|(kind, automaton)| Prefilter::new(&rules, kind, automaton));
    let rows = [
        measure("sieve-rs", all, |mail| engine.0.matches(&sieve_mails[mail])),
        measure("zen-engine", all, |mail| engine.1.matches(&mails[mail].body)),
        measure("regex, one by one", all, |mail| plain::one_by_one(&regexes, &mails[mail].body)),
        measure("plain prefilter on how matches begin, then regexes", all, |mail| {
            prefilters[0].matches(&mails[mail].body)
        }),
        measure("plain prefilter on how matches end, then regexes", all, |mail| {
            prefilters[1].matches(&mails[mail].body)
        }),
        measure("the same with a DFA, however large", all, |mail| prefilters[2].matches(&mails[mail].body)),
        measure("ours, every condition traced", all, |mail| engine.2.decide(&mails[mail], true)),
        measure("ours, the whole decision", all, |mail| engine.2.decide(&mails[mail], false)),
    ];
    print("each rule: a regex is found in the body", &rows);

    let (scripts, engine) = (Scripts::new(count), Ours::scripts(count));
    let rows = [
        measure("rhai alone", all, |mail| scripts.matches(&mails[mail])),
        measure("ours, the whole decision", all, |mail| engine.decide(&mails[mail], false)),
    ];
    print("each rule: a script that looks at the thread, the lead and the body", &rows);
    for row in &rows {
        println!("{:<54} {:>10.2} µs a script", row.name, 1e6 / row.mails_per_second / count as f64);
    }
}
