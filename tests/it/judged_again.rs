//! What waited is judged again when its time comes, and a campaign's own step is no person's answer.

use crate::fixture::{Fixture, FixtureOptions, Reply};
use reply_router::store::prelude::*;
use reply_router::{
    model::ActionState,
    rules::RuleSet,
    simulator::{Message, NewThread},
};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);

const LATER: &str = r"
version: 1
rules:
  - name: later
    when: { category: interested, is_read: false, reply_count: { lt: 9 }, body: 'call' }
    script: 'thread.is_starred != true'
    then:
      - reply: { text: 'Hello {{ lead.first_name }}, shall we talk?', after: 3h }
      - slack: { to: sales, after: 3h }
      - star: { after: 3h }
";

async fn decided(rules: &'static str) -> (Fixture, String) {
    let fixture = Fixture::new(FixtureOptions { rules, ..FixtureOptions::default() }).await;
    let thread = fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.tick().await;
    assert!(fixture.states().await.iter().all(|state| state.1 == ActionState::Waiting), "{:?}", fixture.states().await);
    fixture.clock.advance(HOUR);
    (fixture, thread)
}

#[tokio::test]
async fn what_waits_is_cancelled_when_its_rule_holds_no_more() {
    let (fixture, thread) = decided(LATER).await;
    fixture.simulator.workspace().set_category(&thread, Some("not_interested"));
    fixture.tick().await;
    fixture.clock.advance(2 * HOUR);
    fixture.requests();
    fixture.run_due().await;
    let cancelled = (ActionState::Cancelled, Some("rule_no_longer_matches"));
    assert!(fixture.states().await.iter().all(|state| (state.1, state.2) == cancelled), "{:?}", fixture.states().await);
    assert_eq!(fixture.requests(), Vec::<String>::new(), "no request is spent on it");
    assert_eq!(fixture.simulator.workspace().accepted_replies(), []);
    assert_eq!(fixture.simulator.slack().len(), 0);
}

#[tokio::test]
async fn what_people_read_and_star_and_what_time_changes_keeps_its_value() {
    let (fixture, thread) = decided(LATER).await;
    fixture.simulator.workspace().set_read(&thread, true);
    fixture.simulator.workspace().set_starred(&thread, true);
    fixture.tick().await;
    fixture.clock.advance(2 * HOUR);
    fixture.run_due().await;
    assert!(fixture.states().await.iter().all(|state| state.1 == ActionState::Done), "{:?}", fixture.states().await);
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
}

#[tokio::test]
async fn a_rule_that_was_changed_counts_as_it_is_now() {
    for (when, sent) in [("body: demo", 0), ("body: call", 1), ("campaign: 'Q2 *'", 0)] {
        let (fixture, _) = decided(LATER).await;
        let rules = format!(
            "version: 1\nrules:\n  - name: later\n    when: {{ {when} }}\n    then: [{{ reply: {{ text: Hello., after: 3h }} }}, star]\n"
        );
        fixture.engine.replace_rules(RuleSet::parse(&[("rules.yaml", &rules)], &Default::default()).unwrap());
        fixture.clock.advance(2 * HOUR);
        fixture.run_due().await;
        assert_eq!(
            fixture.simulator.workspace().accepted_replies().len(),
            sent,
            "{when}: {:?}",
            fixture.states().await
        );
    }
}

#[tokio::test]
async fn another_rule_answers_once_the_first_holds_no_more() {
    let rules = r"
version: 1
rules:
  - { name: yes, when: { category: interested }, then: [{ reply: { text: Let us talk then., after: 3h } }] }
  - { name: no, when: { category: not_interested }, then: [{ reply: { text: Thank you all the same. } }] }
";
    let (fixture, thread) = decided(rules).await;
    fixture.simulator.workspace().set_category(&thread, Some("not_interested"));
    fixture.tick().await;
    let sent = fixture.simulator.workspace().accepted_replies();
    assert_eq!(sent.iter().filter_map(|reply| reply.body.as_deref()).collect::<Vec<_>>(), ["Thank you all the same."]);
}

#[tokio::test]
async fn a_rule_that_is_gone_for_a_moment_cancels_nothing() {
    let (fixture, _) = decided(LATER).await;
    let other = "version: 1\nrules:\n  - { name: other, when: { category: x }, then: [star] }\n";
    let parse = |text: &str| {
        RuleSet::parse(
            &[("rules.yaml", text)],
            &reply_router::rules::LoadContext {
                destinations: [("sales".to_owned(), reply_router::model::DestinationKind::Slack)].into(),
                ..Default::default()
            },
        )
        .unwrap()
    };
    fixture.clock.advance(2 * HOUR);
    fixture.engine.replace_rules(parse(other));
    fixture.run_due().await;
    let waits = (ActionState::Waiting, Some("rule_removed"));
    assert!(fixture.states().await.iter().all(|state| (state.1, state.2) == waits), "{:?}", fixture.states().await);
    // A reload that stands refused keeps them waiting, however long.
    fixture.engine.record_rejected_rules("a file was half written").await;
    fixture.clock.advance(5 * MINUTE);
    fixture.run_due().await;
    assert!(fixture.states().await.iter().all(|state| (state.1, state.2) == waits), "{:?}", fixture.states().await);
    fixture.engine.replace_rules(parse(LATER));
    fixture.clock.advance(2 * MINUTE);
    fixture.run_due().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1, "{:?}", fixture.states().await);
    // One that stays away cancels.
    let (fixture, _) = decided(LATER).await;
    fixture.engine.replace_rules(parse(other));
    fixture.clock.advance(2 * HOUR);
    fixture.run_due().await;
    let gone = (ActionState::Cancelled, Some("rule_removed"));
    assert!(fixture.states().await.iter().all(|state| (state.1, state.2) == gone), "{:?}", fixture.states().await);
}

const SOON: &str = "version: 1\nrules:\n  - { name: soon, when: { category: interested }, then: [{ reply: { text: 'Hello {{ lead.first_name }}, shall we talk?', after: 3m } }] }\n";
const STEP_1: &str = "we help teams such as yours to book twice as many demos with half the mail. Worth a look?";
const STEP_2: &str = "just floating this to the top of your inbox. Any thoughts on how you handle outreach today?";

/// A lead of the campaign who has got these steps and then writes.
fn lead(fixture: &Fixture, name: &str, steps: &[&str]) -> String {
    let mut thread = NewThread::new(format!("{name}@{name}.example")).name(format!("{name} Doe")).campaign("Q1 x");
    for (number, step) in steps.iter().enumerate() {
        let age = HOUR * (48 - 24 * u32::try_from(number).unwrap());
        thread = thread.message(Message::text(format!("Hi {name}, {step}")).outgoing().with_age(age));
    }
    fixture.simulator.workspace().add_thread(thread.category("interested").message("Sounds good, when could we speak?"))
}

async fn after_a_message(others: &[&[&str]], text: &str) -> Fixture {
    let fixture = Fixture::new(FixtureOptions { rules: SOON, ..FixtureOptions::default() }).await;
    for (number, steps) in others.iter().enumerate() {
        lead(&fixture, ["bob", "eve", "joe"][number], steps);
    }
    fixture.tick().await;
    let thread = lead(&fixture, "jane", &[STEP_1]);
    fixture.tick().await;
    fixture.clock.advance(MINUTE);
    fixture.simulator.workspace().person_answers(&thread, text);
    fixture.tick().await;
    fixture.clock.advance(3 * MINUTE);
    fixture.run_due().await;
    fixture
}

async fn janes(fixture: &Fixture) -> (ActionState, Option<&'static str>) {
    let all = fixture.actions().await;
    let reply =
        all.iter().find(|action| action.lead_email.as_deref() == Some("jane@jane.example") && action.kind == Reply);
    let reply = reply.unwrap();
    (reply.state, reply.reason.as_ref().map(|reason| reason.code.as_str()))
}

#[tokio::test]
async fn a_step_of_the_campaign_neither_cancels_a_reply_nor_goes_unnoticed() {
    let step = format!("Hi jane, {STEP_2}");
    let known: &[&[&str]] = &[&[STEP_1, STEP_2], &[STEP_1]];
    let fixture = after_a_message(known, &step).await;
    assert_eq!(janes(&fixture).await, (ActionState::Done, Some("campaign_step")));
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 3);
    // Nobody else has got it so far: a person decides, and may let it go.
    let fixture = after_a_message(&[], &step).await;
    assert_eq!(janes(&fixture).await, (ActionState::Held, Some("person_answered")));
    let id = fixture.actions().await[0].id.clone();
    fixture.engine.operator().approve(&id, None).await.unwrap();
    fixture.run_due().await;
    assert_eq!(janes(&fixture).await.0, ActionState::Done);
    // A person is a person.
    for text in ["I will call you in an hour.", "Sounds good, when could we speak? At five."] {
        let fixture = after_a_message(known, text).await;
        assert_eq!(janes(&fixture).await, (ActionState::Cancelled, Some("person_answered")), "{text}");
    }
}

#[tokio::test]
async fn an_answer_of_the_same_second_that_is_listed_first_is_not_sent_over() {
    let fixture = Fixture::new(FixtureOptions { rules: SOON, ..FixtureOptions::default() }).await;
    let thread = lead(&fixture, "eve", &[STEP_1]);
    fixture.tick().await;
    fixture.clock.advance(HOUR);
    fixture.run_due().await;
    let sent = fixture.simulator.workspace().accepted_replies().len();
    // Both in one second, the person's first, and nobody has looked in between.
    let other = fixture.simulator.workspace().add_thread(
        NewThread::new("jane@jane.example")
            .name("Jane Doe")
            .campaign("Q1 x")
            .category("interested")
            .message(Message::text("A question, Jane.").outgoing().with_age(HOUR))
            .message(Message::text("I take this one.").outgoing())
            .message("Sounds good, when could we speak?"),
    );
    fixture.tick().await;
    fixture.clock.advance(3 * MINUTE);
    fixture.run_due().await;
    assert_eq!(janes(&fixture).await, (ActionState::Held, Some("person_answered")));
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), sent);
    // One that was seen before the lead wrote is no answer to it.
    fixture.clock.advance(HOUR);
    fixture.simulator.workspace().person_answers(&thread, "See you on Monday, and bring the figures.");
    fixture.tick().await;
    fixture.simulator.workspace().lead_writes(&thread, "Which figures, and shall we speak before?");
    fixture.tick().await;
    fixture.clock.advance(3 * MINUTE);
    fixture.run_due().await;
    let last = fixture.states().await.pop().unwrap();
    assert_ne!((last.1, last.2), (ActionState::Held, Some("person_answered")), "{other}");
    assert_eq!(fixture.store.foreign_uses().await.unwrap(), []);
}
