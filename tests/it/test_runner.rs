//! Tests with steps: what they can show, and that they fail with the right words when the rules do something else.

mod actors;
mod failures;
mod uncertain;

use reply_router::{
    app::{Caps, TestRunner},
    model::DestinationKind,
    rules::{LoadContext, RuleSet, TestResult, hours::OpeningHours},
};
use std::collections::{BTreeMap, BTreeSet};

/// Monday to Friday, 9 to 18 o'clock in New York.
fn office() -> OpeningHours {
    use jiff::civil::Weekday::{Friday, Monday, Thursday, Tuesday, Wednesday};
    let days = [Monday, Tuesday, Wednesday, Thursday, Friday];
    let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
    OpeningHours::new(&days, 9 * 60, 18 * 60, zone, BTreeSet::new()).unwrap()
}

fn context() -> LoadContext {
    let destinations =
        [("sales", DestinationKind::Slack), ("team", DestinationKind::Email), ("crm", DestinationKind::Webhook)];
    LoadContext {
        destinations: destinations.map(|(name, kind)| (name.to_owned(), kind)).into(),
        hours: BTreeMap::from([("office".to_owned(), office())]),
        ..LoadContext::default()
    }
}

#[track_caller]
fn parsed(text: &str) -> RuleSet {
    let rules = RuleSet::parse(&[("rules.yaml", text)], &context());
    rules.unwrap_or_else(|found| panic!("{}", found.render(false)))
}

/// Every test beside the rules, under the default caps.
async fn results(text: &str) -> Vec<TestResult> {
    let rules = parsed(text);
    let caps = Caps::default();
    let mut tests = TestRunner::new(&rules, &caps);
    let mut results = Vec::new();
    for case in rules.tests() {
        assert!(case.needs_engine(), "{}", case.name);
        results.push(tests.run(case).await.unwrap());
    }
    tests.shutdown().await;
    results
}

/// A rule that answers interested leads, with `reply` as its reply and `more` after it.
fn rule(reply: &str, more: &str) -> String {
    format!(
        r"version: 1
rules:
  - name: book-a-call
    when: {{ category: interested }}
    then:
      - reply: {{ text: 'Hi, here is my calendar.'{reply} }}
{more}
"
    )
}

/// What stands in a test, what is put in its place, the step that fails then, and which expectation it is, what it wants
/// and what it gets.
type Mistake<'a> = (&'a str, &'a str, Option<usize>, (&'a str, &'a str, &'a str));

/// The test passes as written. With each of the mistakes put into its expectations it fails, at that step, in these words.
async fn shows(rules: &str, test: &str, mistakes: &[Mistake<'_>]) {
    let passing = results(&format!("{rules}{test}")).await;
    for result in &passing {
        assert!(result.failures.is_empty(), "{:#?}\n{:#?}", result.failures, result.actions);
    }
    for (right, wrong, step, (what, wanted, got)) in mistakes {
        assert_eq!(test.matches(right).count(), 1, "{right} stands once in the test");
        let failing = results(&format!("{rules}{}", test.replace(right, wrong))).await;
        let [failing] = failing.as_slice() else { panic!("one test at a time") };
        assert_eq!(failing.step.map(|step| step.number), *step, "{wrong}: {failing:#?}");
        let found = failing.failures.iter().find(|failure| failure.what == *what);
        let found = found.unwrap_or_else(|| panic!("{wrong}: {failing:#?}"));
        assert_eq!((found.wanted.as_str(), found.got.as_str()), (*wanted, *got), "{wrong}");
    }
}

#[tokio::test]
async fn a_delay_passes_and_then_the_reply_leaves() {
    let test = r#"
tests:
  - name: the reply waits for five minutes, and the thread is read only after it
    now: 2026-01-07T17:00:00Z
    thread: { category: interested, lead_email: jane@acme.example }
    messages: [{ outgoing: true, body: "15 minutes?" }, "Sure."]
    expect: { rules: [book-a-call], actions: [reply, star, mark_read], sent: [star], waiting: [reply, mark_read] }
    steps:
      - after: 4m59s
        expect: { sent: [], waiting: [mark_read, reply], states: { reply: waiting after } }
      - after: 1s
        expect: { sent: [mark_read, reply], waiting: [], reply: my calendar, states: { reply: done, mark_read: done } }
"#;
    let mistakes = [
        ("sent: [star], w", "sent: [star, reply], w", None, ("sent", "[star, reply]", "[star]")),
        (
            "states: { reply: waiting after }",
            "states: { reply: done }",
            Some(1),
            ("states", "reply done", "reply waiting after: waits 5m, then checks again, due at 2026-01-07T17:05:00Z"),
        ),
        ("waiting: [], reply", "waiting: [reply], reply", Some(2), ("waiting", "[reply]", "[]")),
        ("reply: my calendar", "reply: your diary", Some(2), ("reply", "your diary", "Hi, here is my calendar.")),
    ];
    shows(&rule(", after: 5m", "      - star\n      - mark_read"), test, &mistakes).await;
}

/// Each step tells which definitions hold for what the lead wrote by then.
#[tokio::test]
async fn definitions_hold_for_the_message_of_their_step() {
    let rules = rule("", "").replace(
        "rules:\n",
        "define:\n  asks: { body: { says: how much } }\n  agrees: { body: { says: \"(yes|sure)\" } }\nrules:\n",
    );
    let test = r#"
tests:
  - name: first a question, then a yes
    thread: { category: interested, lead_email: jane@acme.example }
    messages: ["How much is it?"]
    expect: { is: [asks], sent: [reply] }
    steps:
      - after: 8d
        then_lead_writes: "Sure, how much?"
        expect: { is: [agrees, asks] }
      - then_lead_writes: "Never mind."
        expect: { is: [] }
"#;
    let mistakes = [
        ("is: [asks]", "is: [agrees]", None, ("is", "[agrees]", "[asks]")),
        ("is: [agrees, asks]", "is: [agrees]", Some(1), ("is", "[agrees]", "[asks, agrees]")),
        ("is: [] }", "is: [asks] }", Some(2), ("is", "[asks]", "[]")),
    ];
    shows(&rules, test, &mistakes).await;
}

#[tokio::test]
async fn hours_hold_a_reply_over_the_weekend() {
    // A Friday evening in New York.
    let test = r#"
tests:
  - name: what comes on Friday evening is answered on Monday morning
    now: 2026-01-09T23:30:00Z
    thread: { category: interested, lead_email: jane@acme.example }
    messages: ["Sure."]
    expect: { sent: [], states: { reply: waiting hours } }
    steps:
      - after: 2d
        expect: { sent: [], waiting: [reply] }
      - after: 14h
        expect: { sent: [] }
      - after: 30m
        expect: { sent: [reply] }
"#;
    let mistakes = [
        ("sent: [], waiting", "sent: [reply], waiting", Some(1), ("sent", "[reply]", "[]")),
        (
            "reply: waiting hours",
            "reply: done",
            None,
            ("states", "reply done", "reply waiting hours: outside `office`, due at 2026-01-12T14:00:00Z"),
        ),
    ];
    shows(&rule(", hours: office", ""), test, &mistakes).await;
}

#[tokio::test]
async fn repeat_is_counted_as_in_service() {
    let thread = "thread: { category: interested, lead_email: jane@acme.example }";
    // In a week the lead's cap is over, and the rule's own `repeat` still holds.
    let once = format!(
        r#"
tests:
  - name: once in a thread
    {thread}
    messages: ["Sure."]
    expect: {{ sent: [reply] }}
    steps:
      - after: 8d
        then_lead_writes: And on Friday?
        expect: {{ rules: [book-a-call], actions: [], sent: [], reply: null, states: {{ reply: suppressed repeat }} }}
"#
    );
    let suppressed = "reply suppressed repeat: this rule has it done in this thread";
    let wrong = [
        ("sent: [], reply: null", "sent: [reply], reply: null", Some(1), ("sent", "[reply]", "[]")),
        ("suppressed repeat", "done", Some(1), ("states", "reply done", suppressed)),
        (
            "reply: null",
            "reply: my calendar",
            Some(1),
            ("reply", "my calendar", "no reply (repeat: this rule has it done in this thread)"),
        ),
    ];
    shows(&rule("", ""), &once, &wrong).await;
    let wrong = [(
        "suppressed repeat",
        "suppressed opt_out",
        Some(1),
        ("states", "reply suppressed opt_out", "reply suppressed repeat: this rule has it done for this lead"),
    )];
    shows(&rule(", repeat: once_per_lead", ""), &once, &wrong).await;
    let rate = format!(
        r#"
tests:
  - name: as often as the rate allows
    {thread}
    messages: ["Sure."]
    expect: {{ sent: [reply] }}
    steps:
      - after: 8d
        then_lead_writes: And on Friday?
        expect: {{ sent: [], states: {{ reply: suppressed repeat }} }}
      - after: 2d
        then_lead_writes: Are you there?
        expect: {{ sent: [reply] }}
"#
    );
    let wrong = [("sent: [], states", "sent: [reply], states", Some(1), ("sent", "[reply]", "[]"))];
    shows(&rule(", repeat: 1 per 10d", ""), &rate, &wrong).await;
}

#[tokio::test]
async fn caps_and_limits_are_kept() {
    let cap = r#"
tests:
  - name: a lead is written to once in a week
    thread: { category: interested, lead_email: jane@acme.example }
    messages: ["Sure."]
    expect: { sent: [reply] }
    steps:
      - after: 6d
        then_lead_writes: And on Friday?
        expect: { actions: [reply], sent: [], states: { reply: suppressed lead_cap } }
      - after: 2d
        then_lead_writes: Are you there?
        expect: { sent: [reply] }
"#;
    let wrong = [(
        "suppressed lead_cap",
        "suppressed repeat",
        Some(1),
        ("states", "reply suppressed repeat", "reply suppressed lead_cap: the lead has had 1 per 7d already"),
    )];
    shows(&rule(", repeat: once_per_message", ""), cap, &wrong).await;

    let limit = r#"
tests:
  - name: the channel is told twice in a day
    now: 2026-01-07T17:00:00Z
    thread: { category: interested, lead_email: jane@acme.example }
    messages: ["One."]
    expect: { sent: [slack] }
    steps:
      - then_lead_writes: Two.
        expect: { sent: [slack] }
      - then_lead_writes: Three.
        expect: { sent: [], states: { slack: waiting limit } }
      - after: 23h
        expect: { sent: [], waiting: [slack] }
      - after: 58m
        expect: { sent: [slack], waiting: [] }
"#;
    let wrong = [
        (
            "slack: waiting limit",
            "slack: done",
            Some(2),
            (
                "states",
                "slack done",
                "slack waiting limit: the rule's limit of 2 per 1d is used up, due at 2026-01-08T17:00:00Z",
            ),
        ),
        ("sent: [], waiting: [slack]", "sent: [slack], waiting: []", Some(3), ("waiting", "[]", "[slack]")),
    ];
    let telling = "version: 1\nrules:\n  - name: tell\n    when: always\n    then:\n      - slack: { to: sales, limit: 2 per 1d }\n";
    shows(telling, limit, &wrong).await;
}

#[tokio::test]
async fn modes_do_not_matter_and_every_destination_is_the_simulators() {
    let rules = r#"version: 1
rules:
  - name: tell-all
    mode: "off"
    when: { category: interested }
    then: [slack: sales, email: team, webhook: crm, star, mark_read]
  - name: tell-again
    mode: shadow
    when: { category: interested }
    then: [slack: sales, { reply: { text: Hi. } }]
"#;
    let test = r#"
tests:
  - name: each is carried out once, and the thread is read at the end
    thread: { category: interested, lead_email: jane@acme.example, is_starred: true }
    messages: ["Sure."]
    expect:
      rules: [tell-all, tell-again]
      sent: [slack, email, webhook, star, reply, mark_read]
      waiting: []
      held: []
      states: { mark_read: done, slack: done }
"#;
    let wrong = [("held: []", "held: [reply]", None, ("held", "[reply]", "[]"))];
    shows(rules, test, &wrong).await;
}

#[tokio::test]
async fn one_test_leaves_nothing_to_the_next() {
    // The same lead twice: were anything left, the cap would keep the second one from being answered.
    let test = r#"
tests:
  - { name: one, thread: { category: interested, lead_email: jane@acme.example, inbox: a@us.example }, messages: [Sure.], expect: { sent: [reply] } }
  - { name: two, thread: { category: interested, lead_email: jane@acme.example }, messages: [Sure.], expect: { sent: [reply] } }
"#;
    shows(&rule("", ""), test, &[]).await;
}
