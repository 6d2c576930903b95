//! The main job, seen from outside: what the simulated API was asked for, and what the store says.

use crate::fixture::{Fixture, FixtureOptions, MarkRead, Reply, Star, safety};
use reply_router::simulator::Endpoint;
use reply_router::store::prelude::*;
use reply_router::{
    engine::EngineEventKind,
    model::{Action, ActionKind, ActionState, DestinationKind, Mode, OptOutScope, StartFrom},
    simulator::{Fault, Inbox, Message, NewThread, Options},
    store::DecisionFilter,
};
use std::time::Duration;

const ALL_KINDS: &str = r"
version: 1
rules:
  - name: everything
    when: { category: interested, body: call }
    then:
      - reply: { text: 'Hi {{ lead.first_name }}.' }
      - star
      - slack: sales
      - email: team
      - webhook: crm
      - log: lines
      - mark_read
  - name: no-star
    when: { category: not_interested }
    then: [unstar]
";

#[tokio::test]
async fn a_hot_thread_costs_one_request_of_each_kind() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    fixture.requests();
    let thread = fixture.hot_lead("jane@acme.example", "Sure, give me a call.");
    fixture.tick().await;
    assert_eq!(
        fixture.requests(),
        ["GET list", "GET messages", "GET messages", "POST reply", "PATCH star", "PATCH read"]
    );
    let done = ActionState::Done;
    assert_eq!(fixture.states().await, [(Reply, done, None), (Star, done, None), (MarkRead, done, None)]);
    let sent = fixture.simulator.workspace().accepted_replies();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].body.as_deref().map(str::trim), Some("Hi Jane, here is my calendar."));
    let thread = fixture.simulator.workspace().threads().into_iter().find(|found| found.id == thread).unwrap();
    assert!(thread.is_starred && thread.is_read);

    // Our own reply shows in the list: one read of the messages tells that nobody wrote, and nothing happens.
    fixture.tick().await;
    assert_eq!(fixture.requests(), ["GET list", "GET messages"]);
    // From then on an idle poll is one request.
    for _ in 0..3 {
        fixture.tick().await;
        assert_eq!(fixture.requests(), ["GET list"]);
    }
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
}

#[tokio::test]
async fn a_thread_that_no_rule_can_match_by_its_row_costs_nothing_more() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    fixture.requests();
    let thread = NewThread::new("joe@acme.example").campaign("Autumn").category("interested");
    fixture.simulator.workspace().add_thread(thread.message("Call me."));
    fixture.tick().await;
    assert_eq!(fixture.requests(), ["GET list"]);
    let decisions = fixture.store.decisions(&DecisionFilter { limit: 10, ..DecisionFilter::default() }).await.unwrap();
    assert_eq!(decisions.len(), 1, "it is on record all the same");
    assert!(decisions[0].matched.is_empty());
}

#[tokio::test]
async fn what_was_there_at_the_first_start_is_left_alone() {
    let options = Options { inbox: Inbox::Generated(5_000), ..Options::for_tests() };
    let everything = "version: 1\nrules:\n  - { name: all, when: always, then: [star] }\n";
    let fixture =
        Fixture::without_baseline(FixtureOptions { options, rules: everything, ..FixtureOptions::default() }).await;
    fixture.tick().await;
    let requests = fixture.requests();
    assert!(requests.len() <= 51, "{} requests", requests.len());
    assert!(requests.iter().all(|request| request == "GET list"));
    assert_eq!(fixture.actions().await.len(), 0);
    fixture.tick().await;
    assert_eq!(fixture.requests(), ["GET list"], "idle");

    // A message in an old thread is new, whatever its clock says.
    let old = fixture.simulator.workspace().threads().last().unwrap().id.clone();
    fixture.clock.advance(Duration::from_secs(60));
    fixture.simulator.workspace().lead_writes(&old, "Hello again");
    fixture.tick().await;
    assert_eq!(fixture.states().await, [(Star, ActionState::Done, None)]);
}

#[tokio::test]
async fn a_person_who_writes_in_an_old_thread_makes_no_event() {
    let fixture = Fixture::without_baseline(FixtureOptions::default()).await;
    let thread = fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.tick().await;
    fixture.clock.advance(Duration::from_secs(60));
    fixture.simulator.workspace().person_answers(&thread, "I will.");
    fixture.tick().await;
    assert_eq!(fixture.actions().await, []);
}

#[tokio::test]
async fn start_from_an_age_acts_on_what_is_younger() {
    let safety = reply_router::model::Safety { start_from: StartFrom::Age(Duration::from_secs(3_600)), ..safety() };
    let fixture = Fixture::without_baseline(FixtureOptions { safety, ..FixtureOptions::default() }).await;
    for (email, age) in [("new@acme.example", 600), ("old@acme.example", 7_200)] {
        let thread = NewThread::new(email).name("Jane Doe").campaign("Q1 x").category("interested");
        let message = Message::text("Call me").with_age(Duration::from_secs(age));
        fixture.simulator.workspace().add_thread(thread.message(message));
    }
    fixture.tick().await;
    let sent = fixture.simulator.workspace().accepted_replies();
    assert_eq!(sent.iter().map(|reply| reply.to.as_str()).collect::<Vec<_>>(), ["new@acme.example"]);
}

#[tokio::test]
async fn a_thread_that_is_opened_again_five_times_is_five_events() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let thread = fixture.hot_lead("jane@acme.example", "Thanks, nothing more.");
    fixture.tick().await;
    for number in 0..5 {
        fixture.clock.advance(Duration::from_secs(3_600));
        fixture.simulator.workspace().lead_writes(&thread, format!("Thanks again, {number}."));
        fixture.tick().await;
    }
    let filter = DecisionFilter { thread: Some(thread), limit: 100, ..DecisionFilter::default() };
    assert_eq!(fixture.store.decisions(&filter).await.unwrap().len(), 6);
}

#[tokio::test]
async fn two_messages_in_one_poll_get_one_reply_to_the_newest() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let thread = fixture.hot_lead("jane@acme.example", "A call? Maybe.");
    fixture.clock.advance(Duration::from_secs(5));
    fixture.simulator.workspace().lead_writes(&thread, "Yes, a call on Monday!");
    fixture.tick().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
    let newest = fixture.simulator.workspace().messages(&thread).iter().rfind(|m| !m.outgoing).unwrap().id.clone();
    assert_eq!(fixture.actions().await[0].message_id, Some(newest));
}

#[tokio::test]
async fn a_category_that_comes_later_is_an_event_and_flips_make_no_second_reply() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let thread = NewThread::new("jane@acme.example").name("Jane Doe").campaign("Q1 x").message("Let us have a call.");
    let thread = fixture.simulator.workspace().add_thread(thread);
    fixture.tick().await;
    assert_eq!(fixture.actions().await, []);
    for number in 0..10 {
        fixture.clock.advance(Duration::from_secs(60));
        let category = if number % 2 == 0 { Some("interested") } else { Some("not_interested") };
        fixture.simulator.workspace().set_category(&thread, category);
        fixture.tick().await;
    }
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);
}

#[tokio::test]
async fn a_message_without_a_category_is_left_alone_for_a_while() {
    let wait_for_category = Duration::from_secs(300);
    let fixture = Fixture::new(FixtureOptions { wait_for_category, ..FixtureOptions::default() }).await;
    let thread = NewThread::new("jane@acme.example").name("Jane Doe").campaign("Q1 x").message("Let us have a call.");
    let thread = fixture.simulator.workspace().add_thread(thread);
    fixture.tick().await;
    let all = DecisionFilter { limit: 10, ..DecisionFilter::default() };
    assert_eq!(fixture.store.decisions(&all).await.unwrap(), []);
    fixture.clock.advance(Duration::from_secs(60));
    fixture.simulator.workspace().set_category(&thread, Some("interested"));
    fixture.tick().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1);

    let other = NewThread::new("joe@acme.example").campaign("Q1 x").message("Let us have a call.");
    fixture.simulator.workspace().add_thread(other);
    fixture.tick().await;
    assert_eq!(fixture.store.decisions(&all).await.unwrap().len(), 1);
    fixture.clock.advance(wait_for_category);
    fixture.tick().await;
    assert_eq!(fixture.store.decisions(&all).await.unwrap().len(), 2, "the wait is over: judged without a category");
}

#[tokio::test]
async fn an_outage_in_the_middle_of_a_poll_loses_nothing() {
    let options = Options { inbox: Inbox::Generated(50), ..Options::for_tests() };
    let fixture = Fixture::new(FixtureOptions { options, ..FixtureOptions::default() }).await;
    for number in 0..250 {
        fixture.hot_lead(&format!("lead{number}@acme.example"), "Thanks");
        fixture.clock.advance(Duration::from_secs(1));
    }
    // The first page is read and put in line; the second one fails.
    let workspace = fixture.workspace();
    fixture.simulator.faults().next(Endpoint::List, 1, Fault::Delay(Duration::ZERO));
    fixture.simulator.faults().next(Endpoint::List, 1, Fault::Status(503, String::new()));
    fixture.engine.intake().poll(workspace, true).await.unwrap_err();
    while !fixture.engine.intake().handle_pending(workspace).await.unwrap().decisions.is_empty() {}
    fixture.tick().await;
    while !fixture.engine.intake().handle_pending(workspace).await.unwrap().decisions.is_empty() {}
    let all = DecisionFilter { limit: 1_000, ..DecisionFilter::default() };
    assert_eq!(fixture.store.decisions(&all).await.unwrap().len(), 250);
}

#[tokio::test]
async fn rows_in_another_order_are_found_by_the_sweep() {
    for order in [reply_router::simulator::RowOrder::OldestFirst, reply_router::simulator::RowOrder::ById] {
        let options = Options { inbox: Inbox::Generated(250), order, ..Options::for_tests() };
        let fixture = Fixture::new(FixtureOptions { options, ..FixtureOptions::default() }).await;
        fixture.hot_lead("jane@acme.example", "A call, please.");
        fixture.tick().await;
        assert_eq!(
            fixture.simulator.workspace().accepted_replies().len(),
            1,
            "{order:?} {:?} {:?}",
            fixture.requests(),
            fixture.states().await
        );
    }
}

#[tokio::test]
async fn every_kind_of_action_ends_done_and_read_comes_last() {
    let fixture = Fixture::new(FixtureOptions { rules: ALL_KINDS, ..FixtureOptions::default() }).await;
    fixture.hot_lead("jane@acme.example", "Sure, a call.");
    fixture.requests();
    fixture.tick().await;
    assert!(
        fixture.states().await.iter().all(|(_, state, _)| *state == ActionState::Done),
        "{:?}",
        fixture.states().await
    );
    assert_eq!(fixture.simulator.slack().len(), 1);
    assert_eq!(fixture.simulator.mail().len(), 1);
    assert_eq!(fixture.simulator.webhooks().len(), 1);
    assert_eq!(fixture.requests().last().map(String::as_str), Some("PATCH read"));
}

#[tokio::test]
async fn a_thread_stays_unread_when_something_did_not_end_well() {
    let fixture = Fixture::new(FixtureOptions { rules: ALL_KINDS, ..FixtureOptions::default() }).await;
    fixture.simulator.faults().next(Endpoint::SlackWebhook, 1, Fault::Status(404, "no_service".to_owned()));
    fixture.hot_lead("jane@acme.example", "Sure, a call.");
    fixture.tick().await;
    let states = fixture.states().await;
    assert!(
        states.contains(&(ActionKind::Forward(DestinationKind::Slack), ActionState::Failed, Some("refused"))),
        "{states:?}"
    );
    assert!(states.contains(&(MarkRead, ActionState::Cancelled, Some("other_action"))), "{states:?}");
}

#[tokio::test]
async fn shadow_and_draft_and_off() {
    let done = ActionState::Done;
    for (mode, wanted) in [
        (Mode::Off, vec![]),
        (
            Mode::Shadow,
            vec![
                (Reply, ActionState::Suppressed, Some("shadow")),
                (Star, ActionState::Suppressed, Some("shadow")),
                (MarkRead, ActionState::Suppressed, Some("shadow")),
            ],
        ),
        (
            Mode::Draft,
            vec![
                (Reply, ActionState::Held, Some("draft")),
                (Star, done, None),
                (MarkRead, ActionState::Waiting, Some("other_actions")),
            ],
        ),
    ] {
        let fixture = Fixture::new(FixtureOptions { mode, ..FixtureOptions::default() }).await;
        fixture.hot_lead("jane@acme.example", "Give me a call.");
        fixture.tick().await;
        assert_eq!(fixture.states().await, wanted, "{mode}");
        assert_eq!(fixture.simulator.workspace().accepted_replies(), []);
    }
}

#[tokio::test]
async fn an_approved_draft_goes_out_once_with_the_edited_text() {
    let fixture = Fixture::new(FixtureOptions { mode: Mode::Draft, ..FixtureOptions::default() }).await;
    fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.tick().await;
    let draft = fixture.actions().await[0].id.clone();
    let all = (0..50).map(|_| fixture.engine.operator().approve(&draft, Some("Edited.".to_owned())));
    let approved = futures_util::future::join_all(all).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(approved, 1);
    fixture.run_due().await;
    let sent = fixture.simulator.workspace().accepted_replies();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].body.as_deref(), Some("Edited."));
    assert!(fixture.states().await.iter().all(|(_, state, _)| *state == ActionState::Done));
}

#[tokio::test]
async fn whoever_watches_sees_every_change_of_an_action() {
    let fixture = Fixture::new(FixtureOptions { mode: Mode::Draft, ..FixtureOptions::default() }).await;
    let mut events = fixture.engine.subscribe();
    let mut seen = || {
        let changes = std::iter::from_fn(|| events.try_recv().ok()).filter_map(|event| match event.what {
            EngineEventKind::Action(action) if action.kind == ActionKind::Reply => Some(action.state),
            _ => None,
        });
        changes.collect::<Vec<_>>()
    };
    let thread = fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.tick().await;
    assert_eq!(seen(), [ActionState::Held]);
    fixture.clock.advance(Duration::from_secs(60));
    fixture.simulator.workspace().lead_writes(&thread, "Give me a call on Monday.");
    fixture.tick().await;
    assert_eq!(seen(), [ActionState::Cancelled, ActionState::Held], "the newer message cancels the older draft");
    let held = |action: &Action| action.kind == ActionKind::Reply && action.state == ActionState::Held;
    let draft = fixture.actions().await.into_iter().find(held).unwrap().id;
    fixture.engine.operator().approve(&draft, None).await.unwrap();
    assert_eq!(seen(), [ActionState::Planned]);
    fixture.run_due().await;
    assert_eq!(seen(), [ActionState::InFlight, ActionState::Done]);
}

#[tokio::test]
async fn the_guard_sees_what_happened_since_the_decision() {
    let delayed: &str = r"
version: 1
rules:
  - name: later
    when: { category: interested }
    then:
      - reply: { text: Hello., after: 3m }
      - mark_read
";
    type Change = fn(&Fixture, &str);
    let cases: [(&str, Change, ActionState, Option<&str>); 6] = [
        ("nothing", |_, _| {}, ActionState::Done, None),
        (
            "a person answers",
            |fixture, thread| drop(fixture.simulator.workspace().person_answers(thread, "I take this.")),
            ActionState::Cancelled,
            Some("person_answered"),
        ),
        (
            "the lead writes again",
            |fixture, thread| drop(fixture.simulator.workspace().lead_writes(thread, "One more thing.")),
            ActionState::Cancelled,
            Some("newer_message"),
        ),
        (
            "a colleague of the lead opts out in an older message",
            |fixture, thread| {
                drop(fixture.simulator.workspace().lead_writes(thread, "Please remove me from your list."))
            },
            ActionState::Cancelled,
            Some("newer_message"),
        ),
        (
            "the thread is read",
            |fixture, thread| {
                assert!(fixture.simulator.workspace().set_read(thread, true));
            },
            ActionState::Done,
            None,
        ),
        (
            "the star is set",
            |fixture, thread| {
                assert!(fixture.simulator.workspace().set_starred(thread, true));
            },
            ActionState::Done,
            None,
        ),
    ];
    for (what, change, state, reason) in cases {
        let fixture = Fixture::new(FixtureOptions { rules: delayed, ..FixtureOptions::default() }).await;
        let thread = fixture.hot_lead("jane@acme.example", "Hi");
        fixture.tick().await;
        assert_eq!(fixture.states().await[0], (Reply, ActionState::Waiting, Some("after")), "{what}");
        fixture.clock.advance(Duration::from_secs(60));
        change(&fixture, &thread);
        fixture.clock.advance(Duration::from_secs(121));
        fixture.run_due().await;
        assert_eq!(fixture.states().await[0], (Reply, state, reason), "{what}");
        let sent = usize::from(state == ActionState::Done);
        assert_eq!(fixture.simulator.workspace().accepted_replies().len(), sent, "{what}");
    }
}

#[tokio::test]
async fn opt_outs_are_remembered_and_block_later_replies() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let first = NewThread::new("jane@acme.example").name("Jane Doe").campaign("Q2").category("not_interested");
    fixture.simulator.workspace().add_thread(first.message("Please remove me from your list."));
    fixture.tick().await;
    let remembered = fixture.store.opt_out("acme", "Jane@Acme.example", OptOutScope::Workspace).await.unwrap();
    assert!(remembered.is_some(), "found although no rule asks");
    fixture.clock.advance(Duration::from_secs(60));
    fixture.hot_lead("jane@acme.example", "Well, give me a call.");
    fixture.tick().await;
    assert!(fixture.states().await.contains(&(Reply, ActionState::Suppressed, Some("opt_out"))));
    assert_eq!(fixture.simulator.workspace().accepted_replies(), []);
}

#[tokio::test]
async fn a_pause_holds_everything_back_until_it_ends() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    fixture.engine.operator().pause(None, "a test").await.unwrap();
    fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.tick().await;
    assert!(fixture.states().await.iter().all(|state| (state.1, state.2) == (ActionState::Waiting, Some("paused"))));
    assert_eq!(fixture.simulator.workspace().accepted_replies(), []);
    fixture.engine.operator().resume(None).await.unwrap();
    fixture.run_due().await;
    assert!(fixture.states().await.iter().all(|(_, state, _)| *state == ActionState::Done));
}

#[tokio::test]
async fn a_dry_run_only_reads() {
    let fixture = Fixture::new(FixtureOptions { rules: ALL_KINDS, dry_run: true, ..FixtureOptions::default() }).await;
    fixture.hot_lead("jane@acme.example", "Give me a call.");
    let no = NewThread::new("no@acme.example").category("not_interested").message("No.");
    let no = fixture.simulator.workspace().add_thread(no);
    fixture.simulator.workspace().set_starred(&no, true);
    fixture.requests();
    fixture.tick().await;
    assert!(fixture.requests().iter().all(|request| request.starts_with("GET ")));
    assert_eq!(
        fixture.simulator.slack().len() + fixture.simulator.mail().len() + fixture.simulator.webhooks().len(),
        0
    );
    let kinds: std::collections::BTreeSet<_> = fixture.actions().await.iter().map(|action| action.kind).collect();
    assert_eq!(kinds.len(), ActionKind::ALL.len(), "every kind was tried");
}

#[tokio::test]
async fn what_was_in_flight_when_the_process_died_is_never_sent_again() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
    fixture.engine.intake().handle_pending(fixture.workspace()).await.unwrap();
    let mut reply = fixture.actions().await.remove(0);
    reply.state = ActionState::InFlight;
    reply.due_at = None;
    reply.sent_at = Some(fixture.engine.now());
    fixture.store.update_action(&mut reply).await.unwrap();
    assert_eq!(fixture.engine.executor().recover(fixture.workspace()).await.unwrap(), 1);
    assert_eq!(fixture.states().await[0], (Reply, ActionState::Unknown, Some("ambiguous")));
    fixture.clock.advance(Duration::from_secs(901));
    fixture.run_due().await;
    assert_eq!(fixture.states().await[0], (Reply, ActionState::Quarantined, Some("ambiguous")));
    assert_eq!(fixture.simulator.workspace().accepted_replies(), []);
}
