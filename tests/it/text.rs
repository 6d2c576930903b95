//! Tests of `text`, seen from outside: `tests/text/*.yaml` holds the cases, each file one subject.

mod hostile;
mod languages;
mod person_name;
mod reading;
mod reported;
mod rules;
mod thread;

use std::path::Path;
use std::time::Instant;

use proptest::prelude::*;
use reply_router::text;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewText {
    name: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    html: Option<String>,
    new: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Automatic {
    name: String,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    back_on: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OptOut {
    #[serde(default)]
    subject: Option<String>,
    body: String,
    out: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SameReply {
    name: String,
    sent: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    html: Option<String>,
    same: bool,
}

#[derive(Debug, Deserialize)]
struct RealReply {
    id: String,
    body_text: Option<String>,
    body_html: Option<String>,
    new_text: String,
}

fn read<T: for<'a> Deserialize<'a>>(file: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/text").join(file);
    let yaml = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_yaml::from_str(&yaml).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What came of one case: its name, and what was wanted and got where they differ.
struct Outcome {
    name: String,
    wrong: Option<(String, String)>,
}

fn outcome(name: &str, wanted: impl Into<String>, got: impl Into<String>) -> Outcome {
    let (wanted, got) = (wanted.into(), got.into());
    Outcome { name: name.to_owned(), wrong: (wanted != got).then_some((wanted, got)) }
}

/// Prints the table and fails when fewer than `at_least` cases hold.
fn report(subject: &str, outcomes: &[Outcome], at_least: usize) {
    let right = outcomes.iter().filter(|outcome| outcome.wrong.is_none()).count();
    println!("{subject}: {right} of {}", outcomes.len());
    for outcome in outcomes {
        match &outcome.wrong {
            None => println!("  right  {}", outcome.name),
            Some((wanted, got)) => {
                println!("  WRONG  {}\n         wanted {wanted:?}\n         got    {got:?}", outcome.name)
            }
        }
    }
    let wrong: Vec<_> =
        outcomes.iter().filter(|outcome| outcome.wrong.is_some()).map(|outcome| outcome.name.as_str()).collect();
    assert!(right >= at_least, "{subject}: {right} of {} hold, {at_least} must; wrong: {wrong:?}", outcomes.len());
}

#[test]
fn real_replies_keep_what_the_sender_wrote() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/replies/cases.json");
    let Ok(json) = std::fs::read_to_string(&path) else {
        println!("the collection of real replies is absent; nothing measured");
        return;
    };
    let cases: Vec<RealReply> = serde_json::from_str(&json).unwrap();
    let outcomes: Vec<_> = cases
        .iter()
        .map(|case| {
            let got = text::new_text(case.body_text.as_deref(), case.body_html.as_deref());
            outcome(&case.id, fold(&case.new_text), fold(&got))
        })
        .collect();
    // One case of the 49 expects a word that its HTML does not contain.
    report("real replies", &outcomes, cases.len().saturating_sub(1));
}

fn check_new_text(file: &str) {
    let cases: Vec<NewText> = read(file);
    let outcomes: Vec<_> = cases
        .iter()
        .map(|case| {
            outcome(&case.name, fold(&case.new), fold(&text::new_text(case.text.as_deref(), case.html.as_deref())))
        })
        .collect();
    report(file, &outcomes, cases.len());
}

#[test]
fn new_text_out_of_plain_text() {
    check_new_text("new_text.yaml");
}

#[test]
fn new_text_out_of_html() {
    check_new_text("new_text_html.yaml");
}

#[test]
fn automatic_mail_is_told_from_people() {
    let cases: Vec<Automatic> = read("auto_reply.yaml");
    let outcomes: Vec<_> = cases
        .iter()
        .map(|case| {
            let found = text::auto_reply(case.from.as_deref(), case.subject.as_deref(), case.body.as_deref(), None);
            let shown = |kind: Option<&str>, back: Option<String>| {
                format!("{} {}", kind.unwrap_or("person"), back.unwrap_or_default())
            };
            let got = shown(
                found.as_ref().map(|found| found.kind.as_str()),
                found.as_ref().and_then(|found| found.back_on).map(|date| date.to_string()),
            );
            outcome(&case.name, shown(case.kind.as_deref(), case.back_on.clone()), got)
        })
        .collect();
    report("auto_reply", &outcomes, cases.len());
}

#[test]
fn opt_outs_are_heard() {
    let cases: Vec<OptOut> = read("opt_out.yaml");
    let outcomes: Vec<_> = cases
        .iter()
        .map(|case| {
            let found = text::opt_out(case.subject.as_deref(), &case.body);
            let name = fold(&format!("{} {}", case.subject.as_deref().unwrap_or_default(), case.body));
            let got = if found.is_some() { "out".to_owned() } else { "stays".to_owned() };
            outcome(&format!("{name} [{}]", found.unwrap_or_default()), if case.out { "out" } else { "stays" }, got)
        })
        .collect();
    report("opt_out", &outcomes, cases.len());
}

#[test]
fn our_own_reply_is_recognised() {
    let cases: Vec<SameReply> = read("same_reply.yaml");
    let outcomes: Vec<_> = cases
        .iter()
        .map(|case| {
            let same = text::is_same_reply(&case.sent, case.text.as_deref(), case.html.as_deref());
            outcome(&case.name, case.same.to_string(), same.to_string())
        })
        .collect();
    report("is_same_reply", &outcomes, cases.len());
}

/// What outlives any input: everything public, called once.
fn call_everything(input: &str) {
    for (plain, html) in [(Some(input), None), (None, Some(input)), (Some(input), Some(input))] {
        let _ = text::new_text(plain, html);
        let _ = text::full_text(plain, html);
        let _ = text::is_same_reply("Hi Jane, Tuesday works. https://cal.example/sam", plain, html);
    }
    let _ = text::html_to_text(input);
    let _ = text::auto_reply(Some(input), Some(input), Some(input), Some(jiff::civil::date(2026, 1, 5)));
    for ours in ["A quick question", input] {
        let _ = text::automatic(&text::Mail {
            from: Some(input),
            subject: Some(&format!("{input}: {ours}")),
            body: Some(input),
            our_subjects: &[ours, input],
            ..text::Mail::default()
        });
    }
    let _ = text::language(input);
    let _ = text::opt_out(Some(input), input);
    let _ = text::is_same_reply(input, Some(input), Some(input));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_panics_on_any_text(input in "\\PC{0,300}") {
        call_everything(&input);
    }

    #[test]
    fn nothing_panics_on_what_looks_like_mail(parts in prop::collection::vec(prop::sample::select(vec![
        "<div", "<blockquote type=\"cite\">", "</blockquote>", ">", "\"", "'", "&#x1F600;", "&#55296;", "&nbsp;", "<!--", "-->", "<style>", "</p>", "<li>", "<ol>",
        "\n", "\r\n", "> ", "-- ", "On Mon, Jan 5, 2026 at 9:00 AM Sam <sam@us.example> wrote:", "From: Sam", "Sent: Monday", "To: Jane", "Subject: x", "ß", "é", "İ",
        "\u{a0}", "\u{200b}", "👍🏽", "until 31.02.2026", "back on ", "12 January 2026", "out of office", "unsubscribe", "https://x.example/", " ", "—", "…", "Ω",
    ]), 0..60)) {
        call_everything(&parts.concat());
    }

    #[test]
    fn a_plain_answer_without_marks_is_never_cut(words in "[a-zA-Z]{1,12}( [a-zA-Z]{1,12}){0,20}\\.") {
        prop_assert_eq!(text::new_text(Some(&words), None), words.clone());
        // HTML ends lines at its own places; the words are the same.
        prop_assert_eq!(fold(&text::new_text(None, Some(&format!("<p>{words}</p>")))), words);
    }

    #[test]
    fn our_own_text_is_found_however_it_is_wrapped(words in prop::collection::vec("[a-z]{2,9}", 12..60), width in 20usize..80) {
        let sent = words.join(" ");
        let mut wrapped = String::new();
        let mut length = 0;
        for word in &words {
            if length + word.len() > width {
                wrapped.push_str("\r\n");
                length = 0;
            } else if length > 0 {
                wrapped.push(' ');
            }
            wrapped.push_str(word);
            length += word.len() + 1;
        }
        prop_assert!(text::is_same_reply(&sent, Some(&wrapped), None));
    }
}

#[test]
fn hostile_input_takes_no_longer_than_its_length_deserves() {
    let cases = [
        ("nested", "<div>".repeat(50_000) + "deep" + &"</div>".repeat(50_000)),
        ("quotes", "<blockquote>".repeat(30_000) + "deep"),
        ("unclosed tags", "<a href=\"x ".repeat(30_000)),
        ("unclosed quotes", "<a b='".repeat(50_000)),
        ("only <", "<".repeat(300_000)),
        ("comments", "<!--".repeat(60_000)),
        ("styles", "<style>".repeat(40_000)),
        ("mis-nested", "<b><i></b></i>".repeat(20_000)),
        ("ampersands", "&#".repeat(100_000)),
        ("quote signs", ">\n".repeat(100_000)),
        ("one long line", "On ".repeat(80_000)),
        ("attributions", "On Mon, Jan 5, 2026 at 9:00 AM Sam\n".repeat(6_000)),
        ("headers", "From: a@b.example\n".repeat(3_000)),
        ("dashes", "--\n".repeat(20_000)),
        ("unsubscribe", "how do your customers unsubscribe ".repeat(7_000)),
        ("dates", "until until 1.1. ".repeat(12_000)),
    ];
    // The patterns are compiled at their first use, which is not what is measured.
    call_everything("warm up: <p>hello</p>");
    for (name, input) in cases {
        let start = Instant::now();
        call_everything(&input);
        // Told, not asserted: how long it takes is the machine's affair, but a step that explodes never ends here.
        println!("{name}: {} bytes, {:?}", input.len(), start.elapsed());
    }
    assert!(text::html_to_text(&("<div>".repeat(50_000) + "deep")).contains("deep"));
}
