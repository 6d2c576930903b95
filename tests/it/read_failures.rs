//! Reads on the way to an action that go wrong: the action was not tried, so it waits, unless the API is sure.

use crate::fixture::{Fixture, FixtureOptions, Reply};
use reply_router::simulator::Endpoint;
use reply_router::store::prelude::*;
use reply_router::{
    model::{ActionKind, ActionState},
    simulator::Fault,
};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
/// What was seen at the decision is too old by the time of the action.
const LATER: &str = r"
version: 1
rules:
  - { name: later, when: { category: interested }, then: [{ reply: { text: Hello., after: 3m } }] }
  - { name: star, when: { category: meeting_request }, then: [{ star: { after: 3m } }] }
";

/// (what happens to the read, what becomes of the action, with which reason)
fn outcomes() -> Vec<(Fault, ActionState, &'static str)> {
    use ActionState::{Failed, Waiting};
    let status = |status| Fault::Status(status, r#"{"detail":"no"}"#.to_owned());
    vec![
        (Fault::CloseBefore, Waiting, "unreachable"),
        (Fault::TruncateAfter(10), Waiting, "unreachable"),
        (Fault::TruncateAfter(200), Waiting, "unreachable"),
        (Fault::Garbage2xx, Waiting, "refused"),
        (Fault::Status(204, String::new()), Waiting, "refused"),
        (Fault::Redirect(302, "/elsewhere".to_owned()), Waiting, "refused"),
        (status(408), Waiting, "refused"),
        (status(409), Waiting, "refused"),
        (status(500), Waiting, "unreachable"),
        (status(503), Waiting, "unreachable"),
        (status(401), Waiting, "unauthorized"),
        (status(403), Waiting, "unauthorized"),
        (status(400), Failed, "refused"),
        (status(404), Failed, "refused"),
        (status(422), Failed, "refused"),
    ]
}

#[tokio::test]
async fn of_the_guard_and_before_a_star() {
    for (category, kind, endpoint) in
        [("interested", Reply, Endpoint::Messages), ("meeting_request", ActionKind::Star, Endpoint::Thread)]
    {
        for (fault, state, reason) in outcomes() {
            let what = format!("{kind}, {fault:?}");
            let fixture = Fixture::new(FixtureOptions { rules: LATER, ..FixtureOptions::default() }).await;
            let thread = fixture.hot_lead("jane@acme.example", "A call, please.");
            fixture.simulator.workspace().set_category(&thread, Some(category));
            fixture.tick().await;
            fixture.clock.advance(3 * MINUTE);
            // However often; a broken connection is tried once more at once.
            fixture.simulator.faults().next(endpoint.clone(), 20, fault);
            for _ in 0..5 {
                fixture.run_due().await;
                assert_eq!(fixture.states().await, [(kind, state, Some(reason))], "{what}");
                fixture.clock.advance(MINUTE);
            }
            fixture.simulator.faults().clear();
            fixture.engine.operator().resume(None).await.unwrap();
            fixture.run_due().await;
            let end = if state == ActionState::Waiting { ActionState::Done } else { state };
            assert_eq!(fixture.states().await[0].1, end, "{what}");
        }
    }
}

#[tokio::test]
async fn of_a_look_leave_the_reply_unknown() {
    for (fault, ..) in outcomes() {
        if matches!(fault, Fault::Status(404, _)) {
            continue;
        }
        let what = format!("{fault:?}");
        let fixture = Fixture::new(FixtureOptions::default()).await;
        fixture.hot_lead("jane@acme.example", "Give me a call.");
        fixture.simulator.faults().next(Endpoint::Reply, 1, Fault::CloseAfter);
        fixture.tick().await;
        fixture.simulator.faults().next(Endpoint::Messages, 100, fault);
        for _ in 0..30 {
            fixture.clock.advance(MINUTE);
            fixture.run_due().await;
            assert_eq!(fixture.states().await[0], (Reply, ActionState::Unknown, Some("ambiguous")), "{what}");
        }
        fixture.simulator.faults().clear();
        fixture.clock.advance(MINUTE);
        fixture.run_due().await;
        assert_eq!(fixture.states().await[0], (Reply, ActionState::Done, None), "{what}");
        assert_eq!(fixture.simulator.workspace().accepted_replies().len(), 1, "{what}");
    }
}

#[tokio::test]
async fn an_unclear_reply_in_a_thread_that_is_gone_comes_before_a_person() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let thread = fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.simulator.faults().next(Endpoint::Reply, 1, Fault::CloseAfter);
    fixture.tick().await;
    fixture.simulator.workspace().remove_thread(&thread);
    fixture.requests();
    for _ in 0..60 {
        fixture.clock.advance(MINUTE);
        fixture.run_due().await;
    }
    assert_eq!(fixture.states().await[0], (Reply, ActionState::Quarantined, Some("ambiguous")));
    assert!(fixture.requests().len() <= 6);
}

#[tokio::test]
async fn looks_that_fail_for_a_day_end_before_a_person() {
    for (status, pauses) in [(400, false), (401, true), (403, true)] {
        let fixture = Fixture::new(FixtureOptions::default()).await;
        fixture.hot_lead("jane@acme.example", "Give me a call.");
        fixture.simulator.faults().next(Endpoint::Reply, 1, Fault::CloseAfter);
        fixture.tick().await;
        fixture.simulator.faults().always(Endpoint::Messages, Fault::Status(status, "{}".to_owned()));
        fixture.clock.advance(MINUTE);
        fixture.run_due().await;
        assert_eq!(!fixture.store.pauses().await.unwrap().is_empty(), pauses, "{status}: a refused key is announced");
        fixture.clock.advance(MINUTE * 60 * 24);
        fixture.run_due().await;
        assert_eq!(fixture.states().await[0], (Reply, ActionState::Unknown, Some("ambiguous")), "{status}");
        fixture.clock.advance(MINUTE * 20);
        fixture.run_due().await;
        assert_eq!(fixture.states().await[0], (Reply, ActionState::Quarantined, Some("ambiguous")), "{status}");
    }
}
