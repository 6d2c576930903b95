//! How many events a second large rule sets decide, and the share of scripts in it: `cargo bench --locked --bench evaluate`.
//! The numbers of rules and of events may follow: `-- 500 10000`.
//!
//! Each event is a mail of its own (about 2 kB, quoted history below), read already: what is measured is the evaluation
//! with its traces as the service makes it, on one thread, not the API. Compare the ratios within one run.

// A measurement that is surprised ends there and says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::Timestamp;
use reply_router::{
    model::{Conversation, Message, Mode, ThreadDetail, ThreadRow},
    rules::{EventInput, LoadContext, RuleSet, ThreadMessages, evaluate},
};
use std::{collections::HashMap, fmt::Write, time::Instant};

const WORDS: [&str; 40] = [
    "calendar",
    "pricing",
    "demo",
    "budget",
    "contract",
    "security",
    "integration",
    "timeline",
    "onboarding",
    "support",
    "renewal",
    "discount",
    "roadmap",
    "compliance",
    "pilot",
    "reference",
    "invoice",
    "migration",
    "training",
    "latency",
    "colleague",
    "quarter",
    "meeting",
    "proposal",
    "vendor",
    "platform",
    "report",
    "feature",
    "dashboard",
    "export",
    "api",
    "webhook",
    "residency",
    "backup",
    "uptime",
    "audit",
    "partner",
    "license",
    "upgrade",
    "rollout",
];

fn main() {
    let (flags, numbers): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    if !flags.iter().any(|flag| flag == "--bench") {
        println!("the measurement takes a while: cargo bench --bench evaluate");
        return;
    }
    let number = |at: usize, default| numbers.get(at).map_or(default, |text: &String| text.parse().expect("a number"));
    let (rules, events) = (number(0, 500), number(1, 10_000));
    let mails: Vec<Event> = (0..events).map(Event::new).collect();
    let began = Instant::now();
    for mail in &mails {
        std::hint::black_box((mail.messages.body(), mail.messages.auto_reply(), mail.messages.opt_out()));
    }
    let reading = began.elapsed();
    println!("{rules} rules, {events} events of {} bytes", mails.first().map_or(0, |mail| mail.size));
    println!("reading the mail (once an event, whatever the rules)  {:>9.0} events/s", rate(events, reading));
    for (name, sort) in [
        ("category first, then words; every fifth with a script", Sort::Mixed),
        ("the same without scripts", Sort::MixedWithoutScripts),
        ("words in the body only", Sort::BodyOnly),
        ("scripts only", Sort::ScriptsOnly),
    ] {
        let text = written(rules, sort);
        let began = Instant::now();
        let set = RuleSet::parse(&[("bench.yaml", &text)], &LoadContext::default());
        let set = set.unwrap_or_else(|found| panic!("{}", found.render(false)));
        let loading = began.elapsed();
        let quick = measured(&set, &mails, false);
        let thorough = measured(&set, &mails, true);
        println!(
            "{name:<54}{:>9.0} events/s, {:>9.0} with every condition traced, {} of {} matched; loaded in {} ms",
            rate(events, quick.0),
            rate(events, thorough.0),
            quick.1,
            rules * events,
            loading.as_millis()
        );
    }
}

fn rate(events: usize, took: std::time::Duration) -> f64 {
    events as f64 / took.as_secs_f64()
}

fn measured(set: &RuleSet, mails: &[Event], thorough: bool) -> (std::time::Duration, usize) {
    let now: Timestamp = "2026-01-07T17:00:00Z".parse().unwrap();
    let overrides = HashMap::new();
    let began = Instant::now();
    let mut matched = 0;
    for mail in mails {
        let input = EventInput {
            workspace: "bench",
            ceiling: Mode::Live,
            row: &mail.thread.row,
            detail: Some(&mail.thread),
            messages: Some(&mail.messages),
            history: Some(&[]),
            overrides: &overrides,
            lead_opted_out: Some(false),
            hold_uncertain: true,
            thorough,
        };
        matched += evaluate(set, &input, now).unwrap().matched().count();
    }
    (began.elapsed(), matched)
}

#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Mixed,
    MixedWithoutScripts,
    BodyOnly,
    ScriptsOnly,
}

fn written(rules: usize, sort: Sort) -> String {
    let mut text = "version: 1\nrules:\n".to_owned();
    for index in 0..rules {
        let (word, other) = (WORDS[index % WORDS.len()], WORDS[(index / WORDS.len() + 7 * index + 3) % WORDS.len()]);
        let category = ["interested", "meeting_request", "question", "not_now", "referral"][index % 5];
        let body = format!("'\\b({word}|{other}) (number|no\\.?) ?{index}\\b'");
        let when = match sort {
            Sort::BodyOnly => format!("when: {{ body: {body} }}"),
            Sort::ScriptsOnly => String::new(),
            _ => format!("when: {{ category: {category}, reply_count: {{ lt: 8 }}, body: {body} }}"),
        };
        let script = match sort {
            Sort::ScriptsOnly => format!(
                "script: thread.reply_count < 6 && !lead.email.ends_with(\"@rival{index}.example\") && message.body.contains(\"{word} number {index}\")"
            ),
            Sort::Mixed if index % 5 == 0 => {
                format!("script: thread.reply_count < 6 && !lead.email.ends_with(\"@rival{index}.example\")")
            }
            _ => String::new(),
        };
        let _ = writeln!(text, "  - name: rule-{index}\n    {when}\n    {script}\n    then: [star]");
    }
    text
}

struct Event {
    thread: ThreadDetail,
    messages: ThreadMessages,
    size: usize,
}

impl Event {
    /// A mail unlike any other: a search that remembers the last text must not win.
    fn new(number: usize) -> Self {
        let mut next = number as u64 * 2_654_435_761 + 1;
        let mut draw = |below: usize| {
            next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (next >> 33) as usize % below
        };
        let mut body = format!("Hello Sam,\n\nwe looked at {} number {}.\n", WORDS[draw(WORDS.len())], draw(500));
        while body.len() < 1_000 {
            let _ = write!(body, "Our {} needs a {} before the {}", WORDS[draw(40)], WORDS[draw(40)], WORDS[draw(40)]);
            let _ = writeln!(body, " of {} {}, as you said.", WORDS[draw(40)], draw(10_000));
        }
        body.push_str("\nJane\n\nOn Mon, Jan 5, 2026 at 9:00 AM Sam <sam@us.example> wrote:\n");
        while body.len() < 2_000 {
            let _ = writeln!(body, "> {} and {} for your {}", WORDS[draw(40)], WORDS[draw(40)], WORDS[draw(40)]);
        }
        let size = body.len();
        let row = ThreadRow {
            id: format!("thread-{number}"),
            lead_email: Some(format!("jane{number}@acme.example")),
            lead_name: Some("Jane Doe".to_owned()),
            campaign_name: Some("Q1 Product Launch".to_owned()),
            subject: Some("Re: Quick question".to_owned()),
            preview: Some(body.chars().take(100).collect()),
            reply_count: Some(draw(6) as u64),
            category: Some(["interested", "meeting_request", "question", "not_now", "referral"][draw(5)].to_owned()),
            ..ThreadRow::default()
        };
        let message = Message {
            id: "m1".to_owned(),
            from: row.lead_email.clone(),
            subject: row.subject.clone(),
            text: Some(body),
            ..Message::default()
        };
        let thread = ThreadDetail { row, ..ThreadDetail::default() };
        Self { thread, messages: ThreadMessages::new(Conversation::new(vec![message])), size }
    }
}
