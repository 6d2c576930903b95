//! How many events a second two sets of rules play with all state, beside the same comparison without any:
//! `cargo bench --locked --bench replay`. The numbers of rules and of events may follow: `-- 100 20000`.
//!
//! Each event is a mail of its own (about 2 kB, quoted history below), four to a lead; a fifth of them is answered, starred and
//! marked as read. They are measured as the service keeps them, with what was read of each, and as lines that have to be read
//! anew. Time is what the processor worked for the whole process, so the rates are those of one core, however many work.
//! Compare the ratios within one run.

// A measurement that is surprised ends there and says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::Timestamp;
use reply_router::{
    backtest::{EventLine, Replay, compare},
    model::{Rate, Safety, WorkspaceSettings},
    rules::{LoadContext, RuleSet},
};
use serde_json::json;
use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

const WORDS: [&str; 10] =
    ["calendar", "pricing", "demo", "budget", "contract", "security", "timeline", "support", "renewal", "discount"];

fn main() {
    let (flags, numbers): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    if !flags.iter().any(|flag| flag == "--bench") {
        println!("the measurement takes a while: cargo bench --bench replay");
        return;
    }
    let number = |at: usize, default| numbers.get(at).map_or(default, |text: &String| text.parse().expect("a number"));
    let (rules, events) = (number(0, 100), number(1, 20_000));
    let set = |text: &str| RuleSet::parse(&[("bench.yaml", text)], &LoadContext::default()).expect("rules that load");
    let before = set(&written(rules, "call"));
    let after = set(&written(rules, "(call|meeting)"));
    let to_read: Vec<EventLine> = (0..events).map(event).collect();
    let mut read = to_read.clone();
    read.iter_mut().for_each(EventLine::read_messages);
    println!("{rules} rules, {} events, two sets", events);
    // What the service kept has been read; lines that somebody else wrote have not, nor those of another version.
    measure("as the service keeps them", &before, &after, &read);
    measure("to be read anew", &before, &after, &to_read);
}

/// Plays the events, after a comparison of matching alone.
fn measure(which: &str, before: &RuleSet, after: &RuleSet, events: &[EventLine]) {
    // Whoever compares has read the lines, and gives them away.
    let mut given = events.to_vec();
    let began = worked();
    let mut stateless = 0;
    for event in &mut given {
        stateless += usize::from(compare(before, after, event).difference.is_some());
    }
    let without = worked() - began;

    let safety = Safety {
        replies_per_lead: Rate { count: 9, per: Duration::from_secs(86_400) },
        replies_per_hour: 100_000,
        ..Safety::default()
    };
    let settings = WorkspaceSettings { safety, ..WorkspaceSettings::new("bench") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let given = events.to_vec();
    let (clock, began) = (Instant::now(), worked());
    let (stateful, played) = runtime.block_on(async {
        let mut replay = Replay::new(before, after, [settings]).unwrap();
        let mut compared = replay.add(given).await.unwrap();
        while let Some(more) = replay.rest().await.unwrap() {
            compared.extend(more);
        }
        let changed = compared.iter().filter(|(_, outcome)| outcome.difference.is_some()).count();
        (changed, compared.len())
    });
    let with = worked() - began;
    assert_eq!(played, events.len());
    let rate = |took: Duration| events.len() as f64 / took.as_secs_f64();
    println!("events {which}");
    println!("  matching alone  {:>9.0} events/s, {stateless} outcomes change", rate(without));
    println!(
        "  with all state  {:>9.0} events/s, {stateful} outcomes change; {:.1} times the work; {:.1} s by the clock",
        rate(with),
        with.as_secs_f64() / without.as_secs_f64(),
        clock.elapsed().as_secs_f64()
    );
}

/// What the processor has worked for this process.
fn worked() -> Duration {
    let told = std::fs::read_to_string("/proc/self/stat").expect("a system that tells its times");
    let after_name = told.rsplit(") ").next().unwrap();
    let ticks: u64 = after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

fn written(rules: usize, call: &str) -> String {
    let mut text = format!(
        "version: 1\nrules:\n  - name: book-a-call\n    when: {{ category: interested, body: '\\b{call}\\b' }}\n    then: [{{ reply: {{ text: 'Hi {{{{ lead.first_name }}}}, my calendar.', repeat: 9 per 1d }} }}, star, mark_read]\n"
    );
    for index in 1..rules {
        let (word, other) = (WORDS[index % WORDS.len()], WORDS[(index * 7 + 3) % WORDS.len()]);
        let category = ["interested", "question", "not_now", "referral"][index % 4];
        let _ = writeln!(
            text,
            "  - name: rule-{index}\n    when: {{ category: {category}, body: '\\b({word}|{other}) (number|no\\.?) ?{index}\\b' }}\n    then: [star]"
        );
    }
    text
}

fn event(number: usize) -> EventLine {
    let start: Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
    let at = start + Duration::from_secs(30 * number as u64);
    let (lead, word) = (number / 4, WORDS[number % WORDS.len()]);
    let email = format!("jo{lead}@acme{lead}.example");
    let (category, asks) = match number % 5 {
        0 => ("interested", if number.is_multiple_of(50) { "A meeting would suit me" } else { "Let us have a call" }),
        1 => ("interested", "Tell me more"),
        _ => ("question", "I wonder"),
    };
    let mut text = format!(
        "Hello Sam,\n\n{asks} about the {word} of it, we are about {number} people here.\n\nRegards,\nJo\n\nOn Mon, 5 Jan 2026 at 08:00, Sam <sam@us.example> wrote:\n"
    );
    for line in 0..24 {
        let _ = writeln!(text, "> we help teams like yours with the {} of their work, line {line}", WORDS[line % 10]);
    }
    let message = |id: String, from: &str, outgoing: bool, text: &str, at: Timestamp| json!({ "id": id, "from": from, "outgoing": outgoing, "text": text, "created_at": at });
    let first = "we help teams like yours with all of their work";
    let event = json!({
        "version": 1, "id": format!("d{number}"), "kind": "message", "time": at, "workspace": "bench",
        "message_id": format!("in{number}"), "lead_opted_out": false, "history": [],
        "row": {
            "id": format!("t{number}"), "lead_email": email, "lead_name": "Jo Doe", "campaign_name": "Q1",
            "subject": "Re: a question", "preview": "Hello Sam", "last_message_at": at, "is_read": false,
            "is_starred": false, "reply_count": 1, "category": category,
        },
        "thread": { "row": { "id": format!("t{number}") }, "inbox_email": "sam@us.example" },
        "messages": [
            message(format!("out{number}"), "sam@us.example", true, first, start),
            message(format!("in{number}"), &email, false, &text, at),
        ],
    });
    EventLine::from_json(&event.to_string()).unwrap()
}
