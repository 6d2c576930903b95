//! Only rules that can match are evaluated: what is decided is the same as if each were.

use super::{Case, context};
use proptest::prelude::*;
use reply_router::{
    model::{Conversation, Message, Mode},
    rules::RuleSet,
};
use std::fmt::Write;

const PATTERNS: [&str; 22] = [
    r"\b(call|demo)\b",
    r"\bcalls?\b",
    "pricing",
    r"not  interested",
    r"\bno\b",
    r"(?<day>monday|tuesday)",
    r"on (?<when>\w+)",
    r"\d+ seats",
    r"seats for \d+",
    r"^yes",
    "été|rückruf",
    "ΣΑΣ",
    "Kelvin",
    r"(?-i)\bASAP\b",
    r"call.*demo",
    r"(price|cost)s?( list)?",
    r"\s+seats\s+",
    "[^a-z]{2}api",
    r"\bapi\b",
    r"(?:very )+good",
    r"\$\d",
    r"x{2,}y?",
];
const PHRASES: [&str; 12] = [
    "(yes|no) … (call|demo)",
    "not interested",
    "call*",
    "(very)? good",
    "été|rückruf",
    "price list",
    "# seats",
    "api",
    "^ yes",
    "no .",
    "on … (monday|tuesday)",
    "not, no",
];
const WORDS: [&str; 34] = [
    "call",
    "CALL",
    "recall",
    "calls",
    "demo",
    "pricing",
    "not",
    "interested",
    "no",
    "know",
    "Monday",
    "tuesday",
    "on",
    "12",
    "seats",
    "for",
    "yes",
    "Été",
    "RÜCKRUF",
    "σας",
    "\u{212a}elvin",
    "kelvin",
    "asap",
    "ASAP",
    "price",
    "costs",
    "list",
    "api",
    "capital",
    "very",
    "good",
    "$5",
    "xxy",
    "café",
];
const SEPARATORS: [&str; 8] = [" ", " ", "\n", "  ", ", ", "\u{a0}", "-", ""];
const SCRIPTS: [&str; 8] = [
    "thread.reply_count < 3",
    "message.text.contains_ci(\"demo\")",
    "captures.day == \"Monday\" || captures.keys().len() > 1",
    "lead.email.len() > thread.preview.len()",
    "#{ matched: true, vars: #{ who: lead.first_name } }",
    "thread.tags.len() > 1",
    "thread.keys().len() > 5 && now != ()",
    "1 / (thread.reply_count - 2) == 0",
];

fn pattern() -> impl Strategy<Value = String> {
    prop::sample::select(PATTERNS.as_slice()).prop_map(|text| format!("'{text}'"))
}

/// Expressions, phrases, or both beside each other.
fn looked_for() -> impl Strategy<Value = String> {
    let patterns = prop::collection::vec(pattern(), 1..3).prop_map(|all| all.join(", "));
    let phrases = prop::sample::subsequence(PHRASES.to_vec(), 1..4);
    let phrases = phrases.prop_map(|all| format!("{{ says: ['{}'] }}", all.join("', '")));
    let both = (pattern(), phrases.clone()).prop_map(|(pattern, phrases)| format!("{pattern}, {phrases}"));
    prop_oneof![3 => patterns, 2 => phrases, 1 => both].prop_map(|any| format!("[{any}]"))
}

fn leaf() -> impl Strategy<Value = String> {
    let list = |values: &[&'static str]| {
        prop::sample::subsequence(values.to_vec(), 1..3).prop_map(|values| format!("[{}]", values.join(", ")))
    };
    let text =
        prop::sample::select(vec!["body", "body", "body", "full_body", "history", "subject", "preview", "lead_name"]);
    prop_oneof![
        4 => (text, looked_for()).prop_map(|(field, any)| format!("{{ {field}: {any} }}")),
        2 => list(&["interested", "meeting_request", "'Meeting-Request'", "'m*'", "null", "other"])
            .prop_map(|values| format!("{{ category: {values} }}")),
        1 => list(&["'Q1 *'", "q1 product launch", "External", "0b0e6d3a-7d0c-4a4e-9e55-0d4c0a7f1f10", "'*'"])
            .prop_map(|values| format!("{{ campaign: {values} }}")),
        1 => list(&["acme.example", "'*.example'", "other.example"]).prop_map(|values| format!("{{ lead_domain: {values} }}")),
        1 => list(&["'*@acme.example'", "jane@acme.example"]).prop_map(|values| format!("{{ lead_email: {values} }}")),
        1 => list(&["acme", "'a*'", "globex"]).prop_map(|values| format!("{{ workspace: {values} }}")),
        1 => list(&["vip", "'em*'"]).prop_map(|values| format!("{{ tags: {values} }}")),
        1 => (0..4).prop_map(|count| format!("{{ reply_count: {{ gte: {count} }} }}")),
        1 => prop::sample::select(vec!["opt_out: true", "auto_reply: true", "auto_reply: any", "from: '*@acme.example'"])
            .prop_map(|condition| format!("{{ {condition} }}")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    leaf().prop_recursive(3, 10, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            several.clone().prop_map(|all| format!("{{ any: [{}] }}", all.join(", "))),
            several.prop_map(|all| format!("{{ all: [{}] }}", all.join(", "))),
            inner.prop_map(|one| format!("{{ not: {one} }}")),
        ]
    })
}

pub(super) fn rule() -> impl Strategy<Value = String> {
    let script = prop::option::weighted(0.3, prop::sample::select(SCRIPTS.as_slice()));
    let then = prop::sample::select(vec![
        "star",
        "mark_read",
        "{ reply: { text: 'Hello {{ captures.day | default(lead.first_name) }}.' } }",
        "{ reply: { text: 'Of {{ thread.inbox }}: {{ captures.when }}' } }",
        "{ slack: { to: sales-hot, text: '{{ captures.when }}' } }",
        "{ webhook: crm }",
    ]);
    let mode = prop::sample::select(vec!["live", "live", "live", "draft", "shadow", "off"]);
    let capture = pattern();
    let when = prop_oneof![9 => condition(), 1 => Just("always".to_owned())];
    (when, script, then, mode, capture, prop::bool::weighted(0.2)).prop_map(
        |(when, script, then, mode, capture, stop)| {
            let script = script.map(|script| format!("\n    script: '{script}'")).unwrap_or_default();
            let then = match script.contains("who") {
                true => then.replace("captures.when", "vars.who"),
                false => then.to_owned(),
            };
            let capture = format!("\n    capture: {{ day: {capture}, when: {capture} }}");
            format!("when: {when}{script}{capture}\n    mode: {mode}\n    then: [{then}]\n    stop: {stop}\n")
        },
    )
}

fn text(words: usize) -> impl Strategy<Value = String> {
    let part = (prop::sample::select(WORDS.as_slice()), prop::sample::select(SEPARATORS.as_slice()));
    prop::collection::vec(part, 0..words)
        .prop_map(|parts| parts.into_iter().flat_map(|(word, separator)| [word, separator]).collect())
}

pub(super) fn event() -> impl Strategy<Value = Case> {
    let category = prop::sample::select(vec![None, Some("interested"), Some("Meeting Request"), Some("x"), Some(" ")]);
    let campaign = prop::sample::select(vec![None, Some("Q1 Product Launch"), Some("External"), Some("Q2")]);
    let ending = prop::sample::select(vec![
        "",
        "",
        "",
        "\n\nPlease remove me from your list.",
        "\n\nI am out of office until Monday and have no access to my mail.",
        "\n\nOn Mon, Jan 5, 2026 at 9:00 AM Sam <sam@us.example> wrote:\n> a call or a demo, pricing, api\n",
    ]);
    let subject = prop::option::of(text(4));
    let known = (any::<bool>(), any::<bool>(), 0..4_u64, any::<bool>());
    (category, campaign, ending, subject, text(4), text(12), known).prop_map(
        |(category, campaign, ending, subject, preview, body, (has_thread, has_messages, count, is_lowered))| {
            let mut case = Case::full(&format!("{body}{ending}"));
            case.row.category = category.map(str::to_owned);
            case.row.campaign_name = campaign.map(str::to_owned);
            case.row.subject = subject;
            case.row.preview = Some(preview);
            case.row.reply_count = Some(count);
            if let Some(detail) = case.detail.as_mut() {
                detail.row = case.row.clone();
            }
            case.detail.take_if(|_| !has_thread);
            case.messages.take_if(|_| !has_messages);
            if is_lowered {
                case.overrides =
                    [("r1", Mode::Off), ("r2", Mode::Shadow)].map(|(rule, mode)| (rule.to_owned(), mode)).into();
            }
            case
        },
    )
}

pub(super) fn set(rules: &[String]) -> RuleSet {
    let mut text = "version: 1\nrules:\n".to_owned();
    for (number, rule) in rules.iter().enumerate() {
        let _ = write!(text, "  - name: r{number}\n    {rule}");
    }
    RuleSet::parse(&[("rules/a.yaml", &text)], &context()).unwrap_or_else(|found| panic!("{}", found.render(false)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..Default::default() })]

    /// Whichever rules are evaluated: the same needs, the same rules match, the same actions are planned, and what is told of
    /// those rules is the same.
    #[test]
    fn the_candidates_decide_what_all_rules_do(
        rules in prop::collection::vec(rule(), 1..40),
        mut events in prop::collection::vec(event(), 12),
    ) {
        let set = set(&rules);
        let plain = set.without_index();
        for event in &mut events {
            event.thorough = true;
            let each = event.evaluate(&plain);
            prop_assert_eq!(&each, &event.evaluate(&set));
            event.thorough = false;
            let few = event.evaluate(&set);
            match (each, few) {
                (Ok(mut each), Ok(few)) => {
                    each.rules.retain(|rule| rule.matched || rule.error.is_some());
                    prop_assert_eq!(each, few);
                }
                (each, few) => prop_assert_eq!(each.err(), few.err()),
            }
        }
    }
}

fn quick(case: Case) -> Case {
    Case { thorough: false, ..case }
}

#[test]
fn rules_without_what_they_require_are_not_evaluated() {
    let mut text = "version: 1\nrules:\n".to_owned();
    for number in 0..200 {
        let category = ["interested", "other"][number % 2];
        let _ = writeln!(
            text,
            "  - {{ name: r{number}, when: {{ category: {category}, body: '\\bword{number} (yes|no)\\b' }}, then: [star] }}"
        );
    }
    let set = RuleSet::parse(&[("rules/a.yaml", &text)], &context()).unwrap();
    let told = |case: &Case| {
        let mut told = Vec::new();
        let decision = case.evaluate_timed(&set, &mut |place| told.push(place)).unwrap();
        (told, decision.matched().map(str::to_owned).collect::<Vec<_>>())
    };
    let mut case = quick(Case::full("word7 yes, word8\nno, word9 maybe, sword10 yes"));
    case.row.category = Some("Other".to_owned());
    assert_eq!(told(&case), (vec![7], vec!["r7".to_owned()]));
    case.row.category = Some("interested".to_owned());
    assert_eq!(told(&case), (vec![8], vec!["r8".to_owned()]));
    case.row.category = None;
    assert_eq!(told(&case).0, Vec::<usize>::new());
    // For an explanation each rule is evaluated.
    case.thorough = true;
    assert_eq!(told(&case).0.len(), 200);
}

#[test]
fn a_rule_that_may_need_the_messages_asks_for_them() {
    let rule = "when: { category: interested, body: '\\bword\\b' }\n    then: [star]\n";
    let set = set(&vec![rule.to_owned(); 10]);
    let mut case = quick(Case::row());
    assert_eq!(case.evaluate(&set).unwrap().rules, []);
    case.row.category = Some("interested".to_owned());
    assert_eq!(case.evaluate(&set).err(), Some(reply_router::rules::Need::Messages));
    case.messages = Some(Conversation::new(vec![Message { text: Some("a WORD".to_owned()), ..Message::default() }]));
    assert_eq!(case.evaluate(&set).unwrap().matched().count(), 10);
}
