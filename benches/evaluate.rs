//! How many events a second large rule sets decide, beside a plain prefilter on the same expressions and mails; what a script
//! costs, a trace on demand, and a comparison of two sets as `backtest` makes it: `cargo bench --locked --bench evaluate`. The numbers of rules and of events may follow:
//! `-- 500 4000`.
//!
//! Each event is a mail of its own (about 2 kB, quoted history below), read already: what is measured is the decision, on one
//! thread, not the API. The plain prefilter is what one would write oneself: one automaton of the texts that the matches of all
//! expressions begin with, or end with, then a search for those whose texts were found; it makes no decision, it only counts.
//! How often the texts occur decides what a prefilter saves: "rare" words are in a mail of twenty, "common" ones in each.
//! Time is that of the thread at work, where the system tells it. Each row takes a second at most and half a second at least: what
//! is slow gets fewer mails, what is quick the same again. Compare the ratios within one run.

// A measurement that is surprised ends there and says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clock;
mod lists;

use aho_corasick::AhoCorasick;
use clock::Clock;
use jiff::Timestamp;
use regex::{Regex, RegexBuilder};
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use reply_router::{
    backtest::{EventLine, VERSION, compare},
    model::{Conversation, Message, Mode, ThreadDetail, ThreadRow},
    rules::{EventInput, LoadContext, RuleSet, ThreadMessages, evaluate},
    store::EventKind,
};
use std::{
    collections::HashMap,
    fmt::Write,
    time::{Duration, Instant},
};

/// How long one row may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// A shorter time is not told well enough.
const LONG_ENOUGH: Duration = Duration::from_millis(500);

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
    "standard",
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
    let (rules, events) = (number(0, 500), number(1, 4_000));
    let mails: Vec<Event> = (0..events).map(Event::new).collect();
    let began = Clock::start();
    for mail in &mails {
        let messages = &mail.messages;
        std::hint::black_box((messages.body(), messages.auto_reply(), messages.opt_out()));
        std::hint::black_box((messages.language(), messages.full_body()));
    }
    let reading = began.elapsed();
    println!("{rules} rules, {events} events of {} bytes", mails.first().map_or(0, |mail| mail.size));
    println!("reading the mail (once an event, whatever the rules)  {:>9.0} events/s", rate(events, reading));
    for (name, sort, rules) in [
        ("category first, then words; every fifth with a script", Sort::Mixed, rules),
        ("the same without scripts", Sort::MixedWithoutScripts, rules),
        ("rare words in the body only", Sort::BodyOnly(Words::Rare), rules),
        ("rare words in the body only, 5 rules", Sort::BodyOnly(Words::Rare), 5),
        ("a common word, then rare ones", Sort::BodyOnly(Words::CommonThenRare), rules),
        ("a common word, then any three digits", Sort::BodyOnly(Words::Common), rules),
        ("scripts only", Sort::ScriptsOnly, rules),
    ] {
        let text = written(rules, sort);
        let began = Clock::start();
        let set = RuleSet::parse(&[("bench.yaml", &text)], &LoadContext::default());
        let set = set.unwrap_or_else(|found| panic!("{}", found.render(false)));
        let loading = began.elapsed();
        let quick = decisions(&set, &mails, false);
        let thorough = decisions(&set, &mails, true);
        println!(
            "{name:<54}{:>9.0} events/s, a trace of all rules {:>6.3} ms; {} matched in {} events; loaded in {} ms",
            quick.per_second(),
            1e3 / thorough.per_second(),
            quick.matched(),
            quick.found.len(),
            loading.as_millis()
        );
        match sort {
            Sort::BodyOnly(words) => {
                for (name, kind) in [("begin", ExtractKind::Prefix), ("end", ExtractKind::Suffix)] {
                    let Some(plain) = Plain::new(rules, words, &kind) else { continue };
                    let plain = measured(&mails, |mail| plain.matched(mail));
                    let common = plain.found.len().min(quick.found.len());
                    assert_eq!(plain.found[..common], quick.found[..common], "both find the same");
                    println!(
                        "  a plain prefilter on how matches {name:<19}{:>9.0} events/s; with the decision {:.1} times that",
                        plain.per_second(),
                        quick.per_second() / plain.per_second()
                    );
                }
            }
            Sort::ScriptsOnly => {
                let each = 1e6 / quick.per_second() / rules as f64;
                println!("  that is, each script                                {each:>9.2} µs");
            }
            Sort::Mixed | Sort::MixedWithoutScripts => {}
        }
    }
    lists::measure(&mails);
    compare_sets(&mails);
    look_for_phrases();
}

/// What ten times the phrases cost, and what ten times the mail that repeats their beginnings does: of phrases that begin alike, and
/// of such as have their first words in common and others beside; the mail was read before.
fn look_for_phrases() {
    let alike = |number: usize| format!("how much … (cost|price) item{number}");
    let different =
        |number: usize| format!("(how|opener{number}) … (much|extra{number}) … (cost|price{number}) … item{number}");
    let set = |phrase: &dyn Fn(usize) -> String, count: usize| {
        let list: Vec<String> = (0..count).map(|number| format!("\"{}\"", phrase(number))).collect();
        let text = format!(
            "version: 1\nrules:\n  - name: asks\n    when: {{ body: {{ says: [{}] }} }}\n    then: [star]\n",
            list.join(", ")
        );
        RuleSet::parse(&[("bench.yaml", &text)], &LoadContext::default()).expect("rules that load")
    };
    let time = |set: &RuleSet, mail: &[Event; 1]| {
        // Automatic mail and opt-outs are looked for once, whatever the rules.
        decisions(set, mail, false);
        let found = decisions(set, mail, false);
        found.took.as_secs_f64() / found.events as f64
    };
    let mixed = |words: usize| -> String {
        // No two sentences are the same, and no phrase is whole.
        let word = |at: usize| match at * 7 % 11 {
            0..4 => ["how ", "much ", "cost ", "price "][at % 4].to_owned(),
            4..6 => format!("opener{} ", at * 31 % 200),
            6..8 => format!("extra{} ", at * 37 % 200),
            _ => WORDS[at * 13 % WORDS.len()].to_owned() + " ",
        };
        (0..words).map(word).collect()
    };
    for (name, phrase, body) in [
        (
            "that begin alike",
            &alike as &dyn Fn(usize) -> String,
            &(|words: usize| "how much price ".repeat(words / 3)) as &dyn Fn(usize) -> String,
        ),
        ("with different openers", &different, &(|words: usize| "how much cost ".repeat(words / 3))),
        ("with different openers", &different, &mixed),
    ] {
        let (few, many) = (set(phrase, 200), set(phrase, 2_000));
        let [short, long] = [1_000, 10_000].map(|words| [Event::of_body(0, body(words), |_| 0)]);
        let base = time(&few, &short);
        println!(
            "200 phrases {name:<23} a mail of 1,000 such words {:>9.3} ms; 2,000 phrases {:.1} times that, 10,000 words \
             {:.1} times, both {:.1} times",
            1e3 * base,
            time(&many, &short) / base,
            time(&few, &long) / base,
            time(&many, &long) / base
        );
    }
}

/// What `backtest --stateless` does with each event of a file, on one core: reads the line, and the mail where the line does not
/// say what it says, and decides by two sets of a hundred rules, of which one differs.
fn compare_sets(mails: &[Event]) {
    let set = |text: &str| RuleSet::parse(&[("bench.yaml", text)], &LoadContext::default()).expect("rules that load");
    let text = written(100, Sort::Mixed);
    let before = set(&text);
    let after = set(&text.replacen("lt: 8", "lt: 3", 1));
    for (name, is_kept) in [("with what was read", true), ("to be read anew", false)] {
        let line = |mail: &Event| {
            let mut line = mail.line();
            if is_kept {
                line.read_messages();
            }
            line.to_json().expect("a line")
        };
        let lines: Vec<String> = mails.iter().map(line).collect();
        let bytes = lines.iter().map(String::len).sum::<usize>() / lines.len().max(1);
        let alone = measured(&lines, |line| EventLine::from_json(line).map_or(0, |event| event.row.id.len()));
        let taken = measured(&lines, |line| {
            let mut event = EventLine::from_json(line).expect("a line");
            event.take_messages().and_then(|messages| messages.body().map(str::len)).unwrap_or_default()
        });
        let decided = measured(&lines, |line| {
            let mut event = EventLine::from_json(line).expect("a line");
            usize::from(compare(&before, &after, &mut event).difference.is_some())
        });
        println!(
            "backtest, two sets of 100 rules, lines {name:<20} {:>9.0} events/s, {bytes} bytes each",
            decided.per_second()
        );
        println!(
            "  the lines alone {:>9.0} events/s, with their new texts {:>9.0}",
            alone.per_second(),
            taken.per_second()
        );
    }
}

/// How long it took, and what was found.
struct Measured {
    took: Duration,
    /// How many mails, each as often as it was looked at.
    events: usize,
    /// How many expressions or rules matched each mail.
    found: Vec<usize>,
}

impl Measured {
    fn per_second(&self) -> f64 {
        rate(self.events, self.took)
    }

    fn matched(&self) -> usize {
        self.found.iter().sum()
    }
}

/// Calls `matches` with one mail after the other until all are through and it took long enough, or it took too long.
fn measured<M>(mails: &[M], mut matches: impl FnMut(&M) -> usize) -> Measured {
    let (clock, began) = (Clock::start(), Instant::now());
    let (mut events, mut found) = (0, Vec::with_capacity(mails.len()));
    'all: while events == 0 || clock.elapsed() < LONG_ENOUGH {
        for mail in mails {
            if events % 16 == 0 && began.elapsed() > PATIENCE {
                break 'all;
            }
            let matched = matches(mail);
            if found.len() < mails.len() {
                found.push(matched);
            }
            events += 1;
        }
    }
    Measured { took: clock.elapsed(), events, found }
}

/// What one would write without this program.
struct Plain {
    automaton: AhoCorasick,
    /// The expression that each text belongs to.
    of: Vec<usize>,
    expressions: Vec<Regex>,
}

impl Plain {
    /// `None` where matches have no such texts.
    fn new(rules: usize, words: Words, kind: &ExtractKind) -> Option<Self> {
        let (mut texts, mut of, mut expressions) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..rules {
            let expression = expression(index, words);
            let found = Extractor::new().kind(kind.clone()).extract(&regex_syntax::parse(&expression).unwrap());
            let literals = found.literals()?;
            texts.extend(literals.iter().map(|literal| literal.as_bytes().to_vec()));
            of.resize(texts.len(), index);
            expressions.push(RegexBuilder::new(&expression).case_insensitive(true).build().unwrap());
        }
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&texts).unwrap();
        Some(Self { automaton, of, expressions })
    }

    fn matched(&self, mail: &Event) -> usize {
        let body = mail.messages.body().unwrap();
        let mut likely = vec![false; self.expressions.len()];
        for found in self.automaton.find_overlapping_iter(body) {
            likely[self.of[found.pattern().as_usize()]] = true;
        }
        let likely = self.expressions.iter().zip(likely).filter(|(_, likely)| *likely);
        likely.filter(|(expression, _)| expression.is_match(body)).count()
    }
}

fn rate(events: usize, took: Duration) -> f64 {
    events as f64 / took.as_secs_f64()
}

/// The whole decision on each mail.
fn decisions(set: &RuleSet, mails: &[Event], thorough: bool) -> Measured {
    let now: Timestamp = "2026-01-07T17:00:00Z".parse().unwrap();
    let overrides = HashMap::new();
    measured(mails, |mail| {
        let input = EventInput {
            workspace: "bench",
            ceiling: Mode::Live,
            row: &mail.thread.row,
            row_reading: None,
            detail: Some(&mail.thread),
            messages: Some(&mail.messages),
            history: Some(&[]),
            overrides: &overrides,
            lead_opted_out: Some(false),
            hold_uncertain: true,
            thorough,
        };
        evaluate(set, &input, now).unwrap().matched().count()
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Mixed,
    MixedWithoutScripts,
    BodyOnly(Words),
    ScriptsOnly,
}

#[derive(Clone, Copy, PartialEq)]
enum Words {
    Rare,
    CommonThenRare,
    Common,
}

fn expression(index: usize, words: Words) -> String {
    let (word, other) = (WORDS[index % WORDS.len()], WORDS[(index / WORDS.len() + 7 * index + 3) % WORDS.len()]);
    match words {
        Words::Rare => format!("\\b({word}|{other}) (number|no\\.?) ?{index}\\b"),
        Words::CommonThenRare => format!("\\b({word}|{other})\\b.{{0,30}}\\b(number|no\\.?) ?{index}\\b"),
        Words::Common => format!("\\b({word}|{other}) {}\\d\\d\\b", index % 10),
    }
}

fn written(rules: usize, sort: Sort) -> String {
    let mut text = "version: 1\nrules:\n".to_owned();
    for index in 0..rules {
        let word = WORDS[index % WORDS.len()];
        let category = ["interested", "meeting_request", "question", "not_now", "referral"][index % 5];
        let words = if let Sort::BodyOnly(words) = sort { words } else { Words::Rare };
        let body = format!("'{}'", expression(index, words));
        let when = match sort {
            Sort::BodyOnly(_) => format!("when: {{ body: {body} }}"),
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
        Self::of_body(number, body, draw)
    }

    fn of_body(number: usize, body: String, mut draw: impl FnMut(usize) -> usize) -> Self {
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

    /// The event as a line of an export.
    fn line(&self) -> EventLine {
        EventLine {
            version: VERSION,
            id: self.thread.row.id.clone(),
            kind: EventKind::Message,
            time: Timestamp::UNIX_EPOCH,
            workspace: "bench".to_owned(),
            revision: String::new(),
            matched: Vec::new(),
            message_id: None,
            mode: Mode::Live,
            overrides: Default::default(),
            lead_opted_out: Some(false),
            hold_uncertain: true,
            row: self.thread.row.clone(),
            thread: Some(self.thread.clone()),
            messages: Some(self.messages.conversation().messages().to_vec()),
            reading: None,
            history: Some(Vec::new()),
            redacted: false,
        }
    }
}
