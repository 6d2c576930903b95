//! Expressions in mails of any spelling: what they find, and that what they found is shown as it was written.

use super::Case;
use reply_router::{
    app::{Caps, failing_tests},
    rules::{LoadContext, RuleSet},
};

#[tokio::test]
async fn expressions_find_what_they_say_in_any_spelling() {
    let set = RuleSet::parse(&[("spellings.yaml", include_str!("spellings.yaml"))], &LoadContext::default());
    let set = set.unwrap_or_else(|found| panic!("{}", found.render(false)));
    let failing = failing_tests(&set, &Caps::default()).await.unwrap();
    let failing = failing.into_iter().map(|(case, result)| format!("{}: {:?}", case.name, result.failures));
    assert_eq!(failing.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn a_match_is_marked_in_the_text_as_it_was_written() {
    for (body, pattern, marked) in [
        ("Oui — une pre\u{301}sentation, s’il vous plaît.", "présentation", "pre\u{301}sentation"),
        ("é é We are not\ninterested.", "not interested", "not\ninterested"),
        ("Ｇｉｖｅ me a ＤＥＭＯ now", "demo", "ＤＥＭＯ"),
        ("ü don’t", "don't", "don’t"),
        ("plain demo", "demo", "demo"),
    ] {
        let rules = format!("rules:\n  - name: r\n    when: {{ body: \"{pattern}\" }}\n    then: [star]\n");
        let decision = Case::full(body).decide(&rules);
        let trace = &decision.rules[0].conditions[0];
        let (seen, (start, end)) = (trace.seen.as_deref().unwrap(), trace.span.unwrap());
        assert_eq!((&seen[start..end], seen), (marked, body));
    }
}

#[test]
fn scripts_find_in_any_spelling_too() {
    let body = "We don’t need a pre\u{301}sentation, not\ninterested. On Tues\u{ad}day?";
    for (script, expected) in [
        ("message.body.regex_is_match(`don't need`)", true),
        ("message.body.regex_is_match(`not interested`)", true),
        ("message.body.contains_ci(\"NOT INTERESTED\")", true),
        ("message.body.contains_ci([\"don't\", \"x\"])", true),
        ("message.body.regex_capture(`on (\\w+)`) == \"Tuesday\"", true),
        ("message.body.regex_captures(`(?<what>présentation)`).what == \"pre\u{301}sentation\"", true),
        ("message.body.regex_is_match(`not[ ]interested`)", false),
    ] {
        let rules = format!("rules:\n  - name: r\n    script: |\n      {script}\n    then: [star]\n");
        assert_eq!(Case::full(body).decide(&rules).matched().next().is_some(), expected, "{script}");
    }
}
