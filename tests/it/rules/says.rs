//! Phrases in conditions: what they find, what they tell, and what they cost.

use super::{Case, rules};
use reply_router::{model::PhraseTrace, rules::Need};

fn rule(when: &str) -> String {
    format!("rules:\n  - name: r\n    when: {when}\n    then: [star]\n")
}

fn matches(body: &str, when: &str) -> bool {
    Case::full(body).decide(&rule(when)).matched().next().is_some()
}

#[test]
fn phrases_are_found_in_each_text_field() {
    let case = Case::full(
        "Sure, a CALL on Tuesday?\n\nOn Mon, Jan 5, 2026 at 9:00 AM Sam <sam@us.example> wrote:\n> 15 minutes?",
    );
    for (when, expected) in [
        ("{ body: { says: \"(yes|sure) … (call|demo)\" } }", true),
        ("{ body: { says: ['how much', 'a call on (monday|tuesday)'] } }", true),
        ("{ body: { says: [how much, a demo] } }", false),
        ("{ body: { says: \"# minutes\" } }", false),
        ("{ full_body: { says: \"# minutes\" } }", true),
        ("{ history: { says: '15 minutes for … demo' } }", true),
        ("{ subject: { says: a demo } }", true),
        ("{ preview: { says: 'sure, a call' } }", true),
        ("{ lead_name: { says: jane } }", true),
        ("{ body: [{ says: nothing }, '\\bcall\\b'] }", true),
        ("{ body: [{ says: a call }, nothing] }", true),
        ("{ body: { any: [{ contains: nothing }, { says: nothing }] } }", false),
        ("{ not: { body: { says: a demo } } }", true),
        ("{ not: { body: [{ says: a call }, nothing] } }", false),
    ] {
        assert_eq!(case.decide(&rule(when)).matched().next().is_some(), expected, "{when}");
    }
}

#[test]
fn the_phrase_its_words_and_its_place_are_told() {
    let text = "rules:\n  - name: r\n    when:\n      body:\n        says:\n          - how much\n          - \"(yes|sure) … call\"\n    then: [star]\n";
    for thorough in [true, false] {
        let case = Case { thorough, ..Case::full("Hello.\n\nSure, let’s have\na call. Sure!") };
        let decision = case.decide(text);
        let condition = &decision.rules[0].conditions[0];
        assert_eq!((condition.path.as_str(), condition.held), ("when.body", Some(true)));
        assert_eq!(condition.wanted, "says how much or (yes|sure) … call");
        let expected = PhraseTrace {
            phrase: "(yes|sure) … call".to_owned(),
            place: "rules/a.yaml:7:13".to_owned(),
            words: "Sure, let’s have a call".to_owned(),
        };
        assert_eq!(condition.phrase, Some(expected));
        let (start, end) = condition.span.unwrap();
        assert_eq!(&condition.seen.as_deref().unwrap()[start..end], "Sure, let’s have\na call");
    }
    let missed = Case::full("No.").decide(text);
    assert_eq!((missed.rules[0].conditions[0].held, &missed.rules[0].conditions[0].phrase), (Some(false), &None));
}

#[test]
fn phrases_ask_for_messages_where_they_need_them() {
    let set = rules(&rule("{ category: meeting_request, body: { says: call } }"));
    assert_eq!(Case::row().evaluate(&set).err(), Some(Need::Messages));
    let mut other = Case::row();
    other.row.category = Some("other".to_owned());
    assert!(other.evaluate(&set).is_ok(), "the category decides");
    let set = rules(&rule("{ subject: { says: a demo } }"));
    assert_eq!(Case::row().evaluate(&set).map(|decision| decision.matched().count()), Ok(1));
    assert_eq!((set.request_cost().at_least, set.request_cost().at_most), (1, 1));
}

/// One pass finds the phrases of all rules: rules without theirs are not looked at.
#[test]
fn rules_without_their_phrases_are_not_evaluated() {
    let phrases = ["how much", "a call", "price list", "(yes|sure) … call", "no thanks"];
    let mut text = "rules:\n".to_owned();
    for (number, phrase) in phrases.iter().enumerate() {
        text.push_str(&format!(
            "  - name: r{number}\n    when: {{ body: {{ says: \"{phrase}\" }} }}\n    then: [star]\n"
        ));
    }
    let case = Case { thorough: false, ..Case::full("Sure, a call is fine.") };
    let mut evaluated = Vec::new();
    let decision = case.evaluate_timed(&rules(&text), &mut |place| evaluated.push(place)).unwrap();
    assert_eq!(evaluated, [1, 3]);
    assert_eq!(decision.matched().collect::<Vec<_>>(), ["r1", "r3"]);
}

/// Every shape that could make a search slow: time grows with the text alone. Counted by steps would be better than by a
/// clock; that it ends at once is what a test can see.
#[test]
fn hostile_texts_and_phrases_end_at_once() {
    let phrases = ["yes … yes … yes … yes … end", "(a|b|c)? (a|b|c)? (a|b|c)? (a|b|c)? end", "yes* … *yes end"];
    let list = phrases.map(|phrase| format!("\"{phrase}\"")).join(", ");
    for text in ["yes ".repeat(20_000), "a b c ".repeat(12_000), "yes,".repeat(20_000)] {
        assert!(!matches(&text, &format!("{{ body: {{ says: [{list}] }} }}")));
    }
}

/// Thousands of phrases with one opener, on a mail that repeats it: they are walked once, and found once each.
#[test]
fn many_phrases_with_one_opener_end_at_once() {
    let list: Vec<String> = (0..2_000).map(|number| format!("\"how much … (cost|price) item{number}\"")).collect();
    let text = rule(&format!("{{ body: {{ says: [{}] }} }}", list.join(", ")));
    let set = rules(&text);
    for (body, found) in [
        ("how much price ".repeat(3_300), None),
        ("how much is the price item1999 ".repeat(2_000), Some("how much … (cost|price) item1999")),
    ] {
        for thorough in [true, false] {
            let decision = Case { thorough, ..Case::full(&body) }.evaluate(&set).unwrap();
            let phrase = decision.rules.first().and_then(|rule| rule.conditions.first()?.phrase.as_ref());
            assert_eq!(phrase.map(|found| found.phrase.as_str()), found);
        }
    }
}

/// A sign counts where the phrase has it, and what stands at the beginning of a line is found there.
#[test]
fn signs_and_lines_in_phrases() {
    for (body, says, expected) in [
        ("Is it under $500?", "under $500", true),
        ("Is it under 500 seats?", "under $500", false),
        ("We need 50+ seats", "# seats", true),
        ("50 seats", "50%", false),
        ("No problem, call me", "no.", false),
        ("No.\nSam", "no.", true),
        ("Hi Sam,\nstop it please", "^ stop", true),
        ("Hi Sam,\nplease stop it", "^ stop", false),
        ("Our answer:\nyes", "^ yes .", true),
    ] {
        assert_eq!(matches(body, &format!("{{ body: {{ says: '{says}' }} }}")), expected, "{says} in {body}");
    }
    assert!(matches("Hi Sam,\nstop\nBye", "{ body: '(?m)^stop$' }"));
    assert!(!matches("Hi Sam,\nstop", "{ body: '^stop' }"));
}

#[test]
fn a_capture_takes_the_signs_of_its_phrase() {
    let text = "rules:\n  - name: r\n    when: { body: { says: \"(costs|pay) … #\" } }\n    capture: { price: { says: \"$#\" }, rate: { says: \"#%\" } }\n    then: [star]\n";
    let decision = Case::full("It costs $40 now, minus 15%.").decide(text);
    let captures = &decision.rules[0].captures;
    assert_eq!((captures["price"].as_str(), captures["rate"].as_str()), ("$40", "15%"));
}
