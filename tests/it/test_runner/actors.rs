//! What people do between two steps: the lead, a person of ours, a colleague, whoever sets the category.

use super::{rule, shows};

#[tokio::test]
async fn people_come_first() {
    let test = r#"
tests:
  - name: a teammate who replies first takes over
    now: 2026-01-07T17:00:00Z
    thread: { category: interested, lead_email: jane@acme.example }
    messages: ["Sure, a call on Tuesday?"]
    expect: { sent: [star], waiting: [reply] }
    steps:
      - after: 2m
        then_person_answers: "I am on it. Sam"
        expect: { rules: [], states: { reply: cancelled person_answered } }
      - after: 4m
        expect: { sent: [], waiting: [] }
      - then_lead_writes: { body: "Great. And Wednesday?", subject: "Re: a call", attachments: [plan.pdf] }
        expect: { rules: [book-a-call], waiting: [reply], body: "Great. And Wednesday?" }
      - after: 5m
        expect: { sent: [reply] }
  - name: an opt-out in a later message ends it
    thread: { category: interested, lead_email: jane@acme.example }
    messages: ["Sure, a call on Tuesday?"]
    expect: { waiting: [reply] }
    steps:
      - then_lead_writes: "On second thought: please remove me from your list."
        expect: { rules: [book-a-call], sent: [star], states: { reply: suppressed opt_out } }
      - after: 10d
        then_lead_writes: "A call?"
        expect: { sent: [star], states: { reply: suppressed opt_out } }
"#;
    shows(&rule(", after: 5m", "      - star"), test, &[]).await;
    let (take_over, opt_out) = test.split_at(test.find("  - name: an opt-out").unwrap());
    let wrong = [
        ("states: { reply: cancelled person_answered }", "waiting: [reply]", Some(1), ("waiting", "[reply]", "[]")),
        (
            "cancelled person_answered",
            "cancelled newer_message",
            Some(1),
            ("states", "reply cancelled newer_message", "reply cancelled person_answered: a teammate replied"),
        ),
        ("rules: [], states", "rules: [book-a-call], states", Some(1), ("rules", "[book-a-call]", "[]")),
    ];
    shows(&rule(", after: 5m", "      - star"), take_over, &wrong).await;
    let opt_out = format!("tests:\n{opt_out}");
    let wrong =
        [("rules: [book-a-call], sent: [star]", "sent: [star, reply]", Some(1), ("sent", "[star, reply]", "[star]"))];
    shows(&rule(", after: 5m", "      - star"), &opt_out, &wrong).await;
}

#[tokio::test]
async fn a_newer_message_cancels_what_waits() {
    let test = r#"
tests:
  - name: the newer message is the one that is answered
    thread: { category: interested, lead_email: jane@acme.example }
    messages: ["Sure."]
    steps:
      - after: 2m
        then_lead_writes: No, Thursday.
        expect: { sent: [], waiting: [reply], states: { reply: waiting after } }
      - after: 4m
        expect: { sent: [] }
      - after: 1m
        expect: { sent: [reply] }
      - after: 30d
        expect: { sent: [] }
"#;
    let wrong = [
        // The first reply would have left here.
        (
            "- after: 4m\n        expect: { sent: [] }",
            "- after: 4m\n        expect: { sent: [reply] }",
            Some(2),
            ("sent", "[reply]", "[]"),
        ),
        ("waiting: [reply], s", "waiting: [reply, reply], s", Some(1), ("waiting", "[reply, reply]", "[reply]")),
    ];
    // The reply that waits for the first message does not count: it gives way to the newer message.
    for repeat in ["", ", repeat: once_per_message", ", repeat: once_per_lead"] {
        shows(&rule(&format!(", after: 5m{repeat}"), ""), test, &wrong).await;
    }
}

#[tokio::test]
async fn a_category_that_comes_later_is_an_event() {
    let test = r#"
tests:
  - name: answered when the category comes, and only once
    thread: { lead_email: jane@acme.example }
    messages: ["Sure."]
    expect: { rules: [], sent: [] }
    steps:
      - after: 10m
        then_category: interested
        expect: { rules: [book-a-call], sent: [reply] }
      - then_category: not_interested
        expect: { rules: [], sent: [] }
      - then_category: null
        expect: { rules: [], sent: [] }
  - name: a person's choice is changed by a person
    thread: { manual_category: not_now, ai_category: interested, lead_email: jane@acme.example }
    messages: ["Sure."]
    expect: { rules: [], sent: [] }
    steps:
      - then_category: interested
        expect: { sent: [reply] }
"#;
    shows(&rule("", ""), test, &[]).await;
    let (one, _) = test.split_at(test.find("  - name: a person's").unwrap());
    let wrong =
        [("rules: [book-a-call], sent: [reply]", "rules: [], sent: []", Some(1), ("rules", "[]", "[book-a-call]"))];
    shows(&rule("", ""), one, &wrong).await;
}

#[tokio::test]
async fn who_is_not_the_lead_is_held_and_given_up_in_the_end() {
    let test = r#"
tests:
  - name: a colleague's message is left to a person
    thread: { category: interested, lead_email: jane@acme.example }
    messages: [{ from: bob@acme.example, body: "Jane asked me to answer." }]
    expect: { sent: [], held: [reply], states: { reply: held sender_is_not_lead } }
    steps:
      - after: 8d
        expect: { held: [], states: { reply: cancelled too_old } }
"#;
    let wrong = [("sent: [], held: [reply]", "sent: [], held: []", None, ("held", "[]", "[reply]"))];
    shows(&rule("", ""), test, &wrong).await;
}
