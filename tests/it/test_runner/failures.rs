//! What is said of mistakes in steps, and of a step that fails.

use super::{context, rule};
use crate::cli_fixture::{CliFixture, EVERYTHING, run};
use reply_router::rules::RuleSet;

#[tokio::test]
async fn mistakes_in_steps_are_named_with_their_place() {
    let step = |step: &str| format!("  - {{ name: a, messages: [Hi], expect: {{ rules: [] }}, steps: [{step}] }}\n");
    let played =
        |thread: &str| format!("  - {{ name: a, thread: {{ {thread} }}, messages: [Hi], expect: {{ sent: [] }} }}\n");
    let cases = [
        (step("{ then_lead_write: Hi }"), "did you mean `then_lead_writes`?"),
        (step("{ expect: { rules: [] } }"), "nothing happens in this step"),
        (step("{ then_lead_writes: Hi, then_category: x }"), "a step has one event"),
        (step("{ then_lead_writes: { body: Hi, at: 2026-01-07T17:00:00Z } }"), "let time pass with `after`"),
        (step("{ then_lead_writes: { subject: Hi } }"), "is empty"),
        (step("{ after: 5 }"), "`5s` is seconds"),
        (step("{ after: 1m, expect: { sent: [stir] } }"), "did you mean `star`?"),
        (step("{ after: 1m, expect: { waitng: [] } }"), "did you mean `waiting`?"),
        (step("{ after: 1m, expect: {} }"), "expects nothing"),
        (step("{ after: 1m, expect: { states: { replay: done } } }"), "did you mean `reply`?"),
        (step("{ after: 1m, expect: { states: { reply: don } } }"), "did you mean `done`?"),
        (step("{ after: 1m, expect: { states: { reply: suppressed repaet } } }"), "did you mean `repeat`?"),
        (step("{ after: 1m, expect: { states: { reply: suppressed repeat now } } }"), "more than a state and a reason"),
        (step("{ after: 200d }, { after: 200d, expect: { sent: [] } }"), "more than 365d have passed"),
        (step(&"{ after: 1s }, ".repeat(51)), "at most 50 steps"),
        ("  - { name: a, messages: [Hi], steps: [{ after: 1m }] }\n".to_owned(), "`expect` is missing"),
        ("  - { name: a, messages: [Hi], expect: { rules: [] }, after: 4m }\n".to_owned(), "under `steps:`"),
        ("  - { name: a, messages: [Hi], expect: { rules: [] }, then_category: x }\n".to_owned(), "under `steps:`"),
        (played("preview: Hello"), "`preview` cannot be set"),
        (played("reply_count: 3"), "`reply_count` cannot be set"),
        (played("lead_id: l-1"), "`lead_id` cannot be set"),
        (played("id: t-1"), "must be a UUID"),
        (played("category: a, ai_category: b"), "the category is `b`"),
    ];
    for (case, wanted) in cases {
        let text = format!("{}tests:\n{case}", rule("", ""));
        let found = RuleSet::parse(&[("rules.yaml", &text)], &context()).expect_err(&case);
        let said = found.render(false);
        assert!(said.contains(wanted) && said.contains("rules.yaml:9"), "{case}{said}");
    }
}

/// A test that the rules of these tests do not pass: a rule answers a thread once.
const FAILING: &str = r#"
tests:
  - name: the reply has left
    now: 2026-01-07T17:00:00Z
    thread: { category: interested, lead_email: jane@acme.example, lead_name: Jane Doe }
    messages: ["A call?"]
    expect: { sent: [reply, star, slack, email, webhook, mark_read] }
    steps:
      - then_lead_writes: A call, please.
        expect: { rules: [book-a-call], sent: [reply] }
"#;

#[tokio::test]
async fn the_commands_tell_of_the_step_that_fails() {
    let place = CliFixture::new(&format!("{EVERYTHING}{FAILING}")).await;
    place.run(&["test", "--junit", "junit.xml"]).await.assert_exit(1).assert_prints(&[
        "✗ the reply has left",
        "step 1 (line 25, then_lead_writes) at 2026-01-07T17:01:00Z",
        "sent     expected  [reply]",
        "actual    [star, slack, email, webhook]",
        "actions at that point",
        "reply suppressed repeat: this rule has it done in this thread (rule book-a-call)",
        "✓ when.body expected \\bcall\\b, saw `A call, please.`",
        "0 passed, 1 failed",
    ]);
    let junit = std::fs::read_to_string(place.path().join("junit.xml")).unwrap();
    assert!(junit.contains("step 1 (line 25, then_lead_writes), sent: expected [reply], actual ["), "{junit}");
    // The service does not start with such rules, and says where to look.
    let ran = place.run(&["run", "--once"]).await.assert_exit(1);
    for wanted in ["R021", "rules.yaml:25", "fails in step 1: sent: expected [reply], actual [star"] {
        assert!(ran.err.contains(wanted), "{wanted} is not in {}", ran.err);
    }
    // Nothing was asked of the configured workspace, and nobody was told anything.
    assert!(place.simulator.workspace().requests().is_empty());
    assert_eq!(place.simulator.received().calls(), 0);
}

#[tokio::test]
async fn hours_count_where_no_key_is_set() {
    let rules = EVERYTHING.replace("- star\n", "- { star: { hours: office } }\n");
    let rules = rules.as_str();
    let test = r#"
tests:
  - name: nothing is starred at night
    now: 2026-01-07T23:00:00Z
    thread: { category: interested, lead_email: jane@acme.example, lead_name: Jane Doe }
    messages: ["A call?"]
    expect: { sent: [reply, slack, email, webhook], waiting: [star, mark_read], states: { star: waiting hours } }
"#;
    let place = CliFixture::new(&format!("{rules}{test}")).await;
    let hours = "hours: { office: { days: [wed], from: '09:00', to: '18:00', timezone: UTC } }\n";
    place.write("reply-router.yaml", &place.configuration(hours).replace(&place.simulator.slack_url(), "${SLACK_URL}"));
    let mut without = place.command(&["test"]);
    without.env_remove("COLDSEND_API_KEY");
    run(without).await.assert_exit(0).assert_prints(&["1 passed, 0 failed"]);
}
