//! What stands between a decision and a lead's mailbox: people who answer, pause or approve, opt-outs at the last moment,
//! caps, our own addresses, drafts that nobody looks at.

use crate::fixture::{Fixture, FixtureOptions, Reply, safety};
use async_trait::async_trait;
use jiff::Timestamp;
use reply_router::store::prelude::*;
use reply_router::{
    engine::{Failpoint, Resolution, TestHooks, retry_effect},
    model::{Action, ActionKind, ActionState, DestinationKind, Mode, Safety},
    simulator::{Fault, NewThread, Options, Workspace},
    store::{EventKind, OptOut, SqlStore, Store},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

const LATER: &str = r"
version: 1
rules:
  - name: later
    when: { category: [interested, meeting_request] }
    then:
      - reply: { text: 'Hello {{ lead.first_name }}, shall we talk on Tuesday?', after: 1h }
      - slack: sales
      - mark_read
";

const DAY: Duration = Duration::from_secs(86_400);

async fn reply_state(fixture: &Fixture) -> (ActionState, Option<&'static str>) {
    let reply = fixture.states().await.into_iter().rfind(|(kind, ..)| *kind == Reply).unwrap();
    (reply.1, reply.2)
}

#[tokio::test]
async fn a_person_who_answers_ends_what_waits_as_soon_as_it_is_seen() {
    for mode in [Mode::Live, Mode::Draft] {
        let fixture = Fixture::new(FixtureOptions { rules: LATER, mode, ..FixtureOptions::default() }).await;
        let thread = fixture.hot_lead("jane@acme.example", "Hi");
        fixture.tick().await;
        fixture.clock.advance(Duration::from_secs(60));
        fixture.simulator.workspace().person_answers(&thread, "I take this one.");
        fixture.tick().await;
        assert_eq!(reply_state(&fixture).await, (ActionState::Cancelled, Some("person_answered")), "{mode}");
        // Nothing more happens in the thread, whatever its category becomes.
        let before = fixture.actions().await.len();
        fixture.clock.advance(Duration::from_secs(60));
        fixture.simulator.workspace().set_category(&thread, Some("meeting_request"));
        fixture.tick().await;
        assert_eq!(fixture.actions().await.len(), before, "{mode}");
        // Until the lead writes again.
        fixture.clock.advance(Duration::from_secs(60));
        fixture.simulator.workspace().lead_writes(&thread, "When?");
        fixture.tick().await;
        assert!(fixture.actions().await.len() > before, "{mode}");
        assert_eq!(fixture.simulator.workspace().accepted_replies(), []);
    }
}

#[tokio::test]
async fn our_own_reply_is_no_take_over() {
    let rules = r"
version: 1
rules:
  - { name: answer, when: { category: interested }, then: [{ reply: { text: Hello there. } }] }
  - { name: tell, when: { category: meeting_request }, then: [{ slack: sales }] }
";
    let sent_form = reply_router::simulator::SentFormat::WithSignature("Sam Smith\nUs Ltd.".to_owned());
    let options = Options { sent_form, ..Options::for_tests() };
    let fixture = Fixture::new(FixtureOptions { rules, options, ..FixtureOptions::default() }).await;
    let thread = fixture.hot_lead("jane@acme.example", "Hi");
    fixture.tick().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
    fixture.clock.advance(Duration::from_secs(60));
    fixture.simulator.workspace().set_category(&thread, Some("meeting_request"));
    fixture.tick().await;
    assert_eq!(fixture.simulator.slack().len(), 1, "the category is news although we have answered");
}

/// Does something once, when an action of this kind is at a step.
struct Meanwhile {
    step: Failpoint,
    kind: ActionKind,
    deed: Mutex<Option<Deed>>,
    fixture: Mutex<Option<(Arc<SqlStore>, Workspace)>>,
}

#[derive(Clone, Copy)]
enum Deed {
    Pause,
    Resume,
    OptOut,
}

#[async_trait]
impl TestHooks for Meanwhile {
    async fn hit(&self, step: Failpoint, action: Option<&Action>) {
        if step != self.step || action.is_none_or(|action| action.kind != self.kind) {
            return;
        }
        let Some(deed) = self.deed.lock().unwrap().take() else { return };
        let (store, _) = self.fixture.lock().unwrap().clone().unwrap();
        let now: Timestamp = "2026-07-15T12:00:00Z".parse().unwrap();
        match deed {
            Deed::Pause => store.pause(Some("acme"), "a person paused it", None, now).await.unwrap(),
            Deed::Resume => {
                store.resume(None, now).await.unwrap();
            }
            Deed::OptOut => {
                let email = "jane@acme.example".to_owned();
                let opt_out =
                    OptOut { workspace: "acme".to_owned(), email, since: now, evidence: "by hand".to_owned() };
                store.add_opt_out(&opt_out).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_pause_or_an_opt_out_at_the_last_moment_still_holds() {
    let everything = r"
version: 1
rules:
  - name: everything
    when: { category: interested }
    then: [{ reply: { text: Hello. } }, star, { slack: sales }, { email: team }, { webhook: crm }, { log: lines }, mark_read]
";
    let mut cases: Vec<(ActionKind, Deed, ActionState, &str)> = Vec::new();
    for kind in ActionKind::ALL.into_iter().filter(|kind| *kind != ActionKind::Unstar) {
        cases.push((kind, Deed::Pause, ActionState::Waiting, "paused"));
    }
    cases.push((Reply, Deed::OptOut, ActionState::Suppressed, "opt_out"));
    for (kind, deed, state, reason) in cases {
        let deed = Mutex::new(Some(deed));
        let hooks = Arc::new(Meanwhile { step: Failpoint::GuardPassed, kind, deed, fixture: Mutex::new(None) });
        let setting = FixtureOptions {
            rules: everything,
            test_hooks: Some(Arc::clone(&hooks) as Arc<dyn TestHooks>),
            ..FixtureOptions::default()
        };
        let fixture = Fixture::new(setting).await;
        *hooks.fixture.lock().unwrap() = Some((Arc::clone(&fixture.store), fixture.simulator.workspace()));
        fixture.hot_lead("jane@acme.example", "Hi");
        fixture.tick().await;
        let found = fixture.states().await.into_iter().find(|found| found.0 == kind).unwrap();
        assert_eq!((found.1, found.2), (state, Some(reason)), "{kind}");
        let left = match kind {
            Reply => fixture.simulator.workspace().accepted_replies().len(),
            // A line leaves no trace in the simulator; its state says enough.
            ActionKind::Forward(DestinationKind::Log) => 0,
            ActionKind::Forward(DestinationKind::Slack) => fixture.simulator.slack().len(),
            ActionKind::Forward(DestinationKind::Email) => fixture.simulator.mail().len(),
            ActionKind::Forward(DestinationKind::Webhook) => fixture.simulator.webhooks().len(),
            ActionKind::Star | ActionKind::Unstar | ActionKind::MarkRead => {
                fixture.requests().iter().filter(|request| request.starts_with("PATCH")).count()
                    - usize::from(kind == ActionKind::MarkRead)
            }
        };
        assert_eq!(left, 0, "{kind}");
        // What waits for the pause goes once when it ends.
        fixture.engine.operator().resume(None).await.unwrap();
        fixture.run_due().await;
        if state == ActionState::Waiting {
            assert!(fixture.actions().await.iter().all(|action| action.state == ActionState::Done), "{kind}");
            assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1, "{kind}");
        }
    }
}

#[tokio::test]
async fn who_resumes_while_a_pause_is_being_noted_wakes_it_all_the_same() {
    let deed = Mutex::new(Some(Deed::Resume));
    let hooks = Arc::new(Meanwhile { step: Failpoint::GuardBlocked, kind: Reply, deed, fixture: Mutex::new(None) });
    let fixture = Fixture::new(FixtureOptions {
        test_hooks: Some(Arc::clone(&hooks) as Arc<dyn TestHooks>),
        ..FixtureOptions::default()
    })
    .await;
    *hooks.fixture.lock().unwrap() = Some((Arc::clone(&fixture.store), fixture.simulator.workspace()));
    fixture.engine.operator().pause(None, "a test").await.unwrap();
    fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.tick().await;
    assert_eq!(fixture.store.pauses().await.unwrap(), []);
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
    assert!(fixture.actions().await.iter().all(|action| action.state == ActionState::Done));
}

#[tokio::test]
async fn quarantine_is_announced_once_in_slack_status_and_metrics() {
    let safety = Safety { alert: Some("sales".to_owned()), ..safety() };
    let fixture = Fixture::new(FixtureOptions { safety, ..FixtureOptions::default() }).await;
    fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.simulator.faults().next(reply_router::simulator::Endpoint::Reply, 1, Fault::CloseBefore);
    fixture.tick().await;
    fixture.clock.advance(Duration::from_secs(901));
    fixture.run_due().await;
    let received = fixture.simulator.received();
    let seen = fixture.simulator.workspace();
    assert!(seen.wait_until(Duration::from_secs(30), |_| received.slack().len() == 1).await);
    let message = format!("{:?}", received.slack());
    assert!(message.contains("needs a decision") && message.contains("jane@acme.example"), "{message}");
    assert!(!message.contains("here is my calendar"), "no mail text: {message}");
    let queue = fixture.store.queue_counts(Some("acme")).await.unwrap();
    assert_eq!(queue.get(&ActionState::Quarantined), Some(&1), "status and metrics count what the store says");
}

#[tokio::test]
async fn a_queue_that_is_stuck_is_announced_once_until_it_moves() {
    let safety = Safety { alert: Some("sales".to_owned()), ..safety() };
    let fixture = Fixture::new(FixtureOptions { safety, ..FixtureOptions::default() }).await;
    let received = fixture.simulator.received();
    let seen = fixture.simulator.workspace();
    for round in 1..=2 {
        fixture.hot_lead(&format!("jane{round}@acme.example"), "Give me a call.");
        fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
        fixture.engine.intake().handle_pending(fixture.workspace()).await.unwrap();
        fixture.engine.alerts().watch_queue(fixture.workspace()).await.unwrap();
        fixture.clock.advance(Duration::from_secs(600));
        for _ in 0..3 {
            fixture.engine.alerts().watch_queue(fixture.workspace()).await.unwrap();
        }
        assert!(seen.wait_until(Duration::from_secs(30), |_| received.slack().len() >= round).await);
        fixture.run_due().await;
        fixture.engine.alerts().watch_queue(fixture.workspace()).await.unwrap();
        assert_eq!(received.slack().len(), round);
    }
}

#[tokio::test]
async fn a_draft_that_nobody_looks_at_expires_over_restarts() {
    let fixture = Fixture::new(FixtureOptions { mode: Mode::Draft, ..FixtureOptions::default() }).await;
    fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.tick().await;
    assert_eq!(reply_state(&fixture).await, (ActionState::Held, Some("draft")));
    fixture.clock.advance(7 * DAY - Duration::from_secs(1));
    fixture.run_due().await;
    assert_eq!(reply_state(&fixture).await.0, ActionState::Held);
    let draft = fixture.actions().await.into_iter().find(|action| action.kind == Reply).unwrap();
    assert_eq!(draft.due_at, Some(draft.created_at + 7 * DAY), "when it ends can be seen");
    fixture.clock.advance(Duration::from_secs(1));
    fixture.run_due().await;
    assert_eq!(reply_state(&fixture).await, (ActionState::Cancelled, Some("too_old")));
    assert!(fixture.engine.operator().approve(&draft.id, None).await.is_err(), "it is too late");
    assert_eq!(fixture.simulator.workspace().accepted_replies(), []);
}

#[tokio::test]
async fn a_failed_reply_that_is_tried_again_by_hand_minds_what_left_since() {
    let safety = Safety { replies_per_lead: "9 per 7d".parse().unwrap(), ..safety() };
    let fixture = Fixture::new(FixtureOptions { safety, ..FixtureOptions::default() }).await;
    let thread = fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.simulator.faults().next(reply_router::simulator::Endpoint::Reply, 1, Fault::Status(422, "{}".to_owned()));
    fixture.tick().await;
    let failed = fixture.actions().await.into_iter().find(|action| action.kind == Reply).unwrap();
    assert_eq!(failed.state, ActionState::Failed);
    assert!(retry_effect(&failed).unwrap().contains("The thread is read again"));

    // The message is judged once more (its category flips) and another record takes its place.
    for category in ["other", "interested"] {
        fixture.clock.advance(Duration::from_secs(60));
        fixture.simulator.workspace().set_category(&thread, Some(category));
        fixture.tick().await;
    }
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
    let refused = fixture.engine.operator().retry(&failed.id).await.unwrap_err().to_string();
    assert!(refused.contains("another action already does this"), "{refused}");

    // A newer message has a reply of its own; the rule answers a thread once.
    fixture.clock.advance(Duration::from_secs(60));
    fixture.simulator.workspace().lead_writes(&thread, "And a call with my boss?");
    fixture.tick().await;
    assert_eq!(reply_state(&fixture).await, (ActionState::Suppressed, Some("repeat")));
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
}

#[tokio::test]
async fn repeat_is_judged_again_when_a_reply_comes_up() {
    let rules = r"
version: 1
rules:
  - name: once
    when: { category: interested }
    then: [{ reply: { text: 'Hello {{ thread.subject }}', repeat: once_per_lead } }]
";
    let safety = Safety { replies_per_lead: "9 per 7d".parse().unwrap(), ..safety() };
    let fixture = Fixture::new(FixtureOptions { rules, safety, ..FixtureOptions::default() }).await;
    let lead = |subject: &str| {
        let thread = NewThread::new("jane@acme.example").name("Jane").campaign("Q1 x").category("interested");
        fixture.simulator.workspace().add_thread(thread.subject(subject).message("Hi"))
    };
    lead("one");
    fixture.simulator.faults().next(reply_router::simulator::Endpoint::Reply, 1, Fault::Status(422, "{}".to_owned()));
    fixture.tick().await;
    let failed = fixture.actions().await[0].id.clone();
    lead("two");
    fixture.tick().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
    fixture.engine.operator().retry(&failed).await.unwrap();
    fixture.run_due().await;
    let first = fixture.store.action(&failed).await.unwrap().unwrap();
    assert_eq!((first.state, first.reason.unwrap().code.as_str()), (ActionState::Suppressed, "repeat"));
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
}

#[tokio::test]
async fn a_limit_holds_for_every_kind_and_over_restarts() {
    let rules = r"
version: 1
rules:
  - name: few
    when: { category: interested }
    then:
      - { reply: { text: Hello., limit: 1 per 1h } }
      - { star: { limit: 1 per 1h } }
      - { slack: { to: sales, limit: 1 per 1h } }
";
    let fixture = Fixture::new(FixtureOptions { rules, ..FixtureOptions::default() }).await;
    let clock = &fixture.clock;
    for lead in ["a@acme.example", "b@acme.example"] {
        fixture.hot_lead(lead, "Hi");
        fixture.tick().await;
        clock.advance(Duration::from_secs(60));
    }
    let waiting: Vec<_> = fixture.actions().await.into_iter().filter(|one| one.state == ActionState::Waiting).collect();
    let codes: Vec<_> = waiting.iter().map(|one| one.reason.as_ref().unwrap().code.as_str()).collect();
    assert_eq!(codes, ["limit", "limit", "limit"]);
    assert!(waiting.iter().all(|one| one.due_at > Some(fixture.engine.now())), "each knows when its turn comes");
    // What waits is on disk: a process that starts anew goes on where this one stopped.
    let second = crate::fixture::engine(
        &FixtureOptions { rules, ..FixtureOptions::default() },
        &fixture.simulator,
        Arc::clone(&fixture.store) as Arc<dyn Store>,
        fixture.clock.clone(),
    );
    clock.advance(Duration::from_secs(3_600));
    for lane in [reply_router::store::Lane::Api, reply_router::store::Lane::Destinations] {
        second.executor().run_due(&second.workspace("acme").unwrap(), lane, &|| false).await.unwrap();
    }
    assert!(fixture.actions().await.iter().all(|one| one.state == ActionState::Done), "{:?}", fixture.states().await);
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 2);
    assert_eq!(fixture.simulator.slack().len(), 2);
}

#[tokio::test]
async fn mail_from_an_inbox_of_our_own_is_not_answered() {
    let rules = "version: 1\nrules:\n  - { name: all, when: always, then: [{ reply: { text: Hello. } }] }\n";
    let fixture = Fixture::new(FixtureOptions { rules, ..FixtureOptions::default() }).await;
    let ours = |text: &str| reply_router::simulator::Message::text(text).outgoing().sent_by("max@outreach.example");
    let thread = NewThread::new("joe@acme.example").message(ours("A question, Joe.").with_age(DAY));
    fixture.simulator.workspace().add_thread(thread.message("Yes?"));
    fixture.tick().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
    // Another inbox of ours wrote to this one, as if it were a lead.
    fixture.simulator.workspace().add_thread(NewThread::new("max@outreach.example").message("A question, Sam."));
    fixture.tick().await;
    assert_eq!(reply_state(&fixture).await, (ActionState::Suppressed, Some("auto_reply")));
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
}

#[tokio::test]
async fn a_robot_that_answers_every_answer_gets_one() {
    let rules = "version: 1\nrules:\n  - { name: all, when: always, then: [{ reply: { text: Thank you., repeat: once_per_message } }] }\n";
    let fixture = Fixture::new(FixtureOptions { rules, ..FixtureOptions::default() }).await;
    let thread = fixture.hot_lead("desk@acme.example", "Thank you for your message. How can I help?");
    for _ in 0..150 {
        fixture.tick().await;
        fixture.clock.advance(Duration::from_secs(60));
        fixture.simulator.workspace().lead_writes(&thread, "Thank you for your message. How can I help?");
    }
    fixture.tick().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
}

#[tokio::test]
async fn an_edited_second_try_is_told_from_the_first_that_arrives_late() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let thread = fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.simulator.faults().next(reply_router::simulator::Endpoint::Reply, 1, Fault::CloseBefore);
    fixture.tick().await;
    fixture.clock.advance(Duration::from_secs(901));
    fixture.run_due().await;
    assert_eq!(reply_state(&fixture).await, (ActionState::Quarantined, Some("ambiguous")));
    let id = fixture.actions().await.into_iter().find(|action| action.kind == Reply).unwrap().id;
    fixture.engine.operator().resolve(&id, Resolution::NotSent).await.unwrap();
    // The second try is unclear too, and what shows up is the first one's text after all.
    fixture.engine.operator().approve(&id, Some("An edited and quite different answer.".to_owned())).await.unwrap();
    fixture.simulator.faults().next(reply_router::simulator::Endpoint::Reply, 1, Fault::CloseBefore);
    fixture.run_due().await;
    fixture.clock.advance(Duration::from_secs(1));
    fixture.simulator.workspace().person_answers(&thread, "Hi Jane, here is my\ncalendar.\n\n-- \nSam");
    fixture.clock.advance(Duration::from_secs(6));
    fixture.run_due().await;
    let reply = fixture.store.action(&id).await.unwrap().unwrap();
    assert_eq!(reply.state, ActionState::Unknown, "our own earlier words are nobody else's answer");
    assert_eq!(reply.attempts.len(), 2);
    assert!(reply.attempts[0].body.is_some() && reply.attempts[0].body != reply.attempts[1].body);
    assert!(!format!("{:?}", reply.attempts).contains("calendar"), "a mark, not the text");
}

#[tokio::test]
async fn events_of_a_message_that_was_seen_by_its_row_alone_are_read_before_acting() {
    // A person has answered before the category changes: the row alone would not have told.
    let rules = "version: 1\nrules:\n  - { name: tell, when: { category: hot }, then: [{ slack: sales }] }\n";
    let fixture = Fixture::new(FixtureOptions { rules, ..FixtureOptions::default() }).await;
    let thread = fixture.hot_lead("jane@acme.example", "Hi");
    fixture.tick().await;
    fixture.clock.advance(Duration::from_secs(60));
    fixture.simulator.workspace().person_answers(&thread, "I take this one.");
    fixture.tick().await;
    fixture.clock.advance(Duration::from_secs(60));
    fixture.simulator.workspace().set_category(&thread, Some("hot"));
    fixture.requests();
    fixture.tick().await;
    assert_eq!(fixture.requests(), ["GET list", "GET messages"]);
    assert_eq!(fixture.simulator.slack().len(), 0);
    let decisions =
        fixture.store.decisions(&reply_router::store::DecisionFilter { limit: 9, ..Default::default() }).await;
    assert!(decisions.unwrap().iter().all(|decision| decision.event != EventKind::Category));
}
