//! Replies that are held because the message may be automatic mail.

use crate::cli_fixture::CliFixture;

const RULES: &str = r#"version: 1
rules:
  - name: answer
    when: { category: interested, not: { lead_language: de } }
    then: [{ reply: { text: "Here is my calendar.", after: AFTER } }]
  - name: mark
    when: { body: prices }
    then: [{ reply: { text: "Our prices." } }, star]
  - name: knows
    when: { category: robots, auto_reply: any }
    then: [{ reply: { text: "Hello machine." } }]
tests:
  - name: nobody need be answered
    thread: { category: interested, lead_email: notifications@acme.example }
    messages: ["The room is booked."]
    expect: { rules: [], actions: [], reply: null }
  - name: a person may be answered
    thread: { category: interested, lead_email: notifications@acme.example }
    messages: ["The room is booked."]
    expect: { rules: [answer], actions: [reply], reply: calendar }
  - name: what else a rule does counts
    thread: { category: other, lead_email: notifications@acme.example }
    messages: ["The prices please."]
    expect: { rules: [mark], actions: [star], reply: null, states: { reply: held uncertain, star: done } }
  - name: a rule that asks for automatic mail is sure
    thread: { category: robots, lead_email: notifications@acme.example }
    messages: ["The room is booked."]
    expect: { rules: [knows], sent: [reply], reply: machine }
  - name: the guard holds, too
    thread: { category: interested, lead_email: jane@acme.example }
    messages: [{ from: tickets@acme.example, body: "The room is booked, please." }]
    expect: { held: [reply], states: { reply: held } }
  - name: a person of another language
    thread: { category: interested, lead_email: jane@acme.example }
    messages: ["Vielen Dank, das ist nicht für uns."]
    expect: { rules: [], reply: null }
"#;

#[tokio::test]
async fn a_reply_that_is_held_as_uncertain_meets_either_wish() {
    for after in ["0s", "5m"] {
        let place = CliFixture::new(&RULES.replace("AFTER", after)).await;
        let found = place.run(&["test"]).await.assert_exit(0);
        found.assert_prints(&[
            "held as uncertain: may be automatic mail: the sender's address is one that programs write from",
            "6 passed",
        ]);
        let off = format!("{}safety: {{ hold_uncertain: false }}\n", place.configuration(""));
        place.write("reply-router.yaml", &off);
        place.run(&["test"]).await.assert_exit(1).assert_prints(&["4 passed, 2 failed"]);
    }
}
