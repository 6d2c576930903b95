//! Two keys of one account, a key of another account, a workspace with another name.

use super::{ALL, announced, decisions, held, replies, rounds, setting};
use crate::fixture::{Fixture, FixtureOptions};
use reply_router::store::prelude::*;
use reply_router::{
    engine::Workspace,
    model::{Mode, OptOutScope, ThreadRow},
    simulator::{DEFAULT_KEY, Inbox, Key, NewThread, Options},
    store::{DecisionFilter, OptOut},
};
use std::time::Duration;

const SECOND: &str = "cs_live_second";

fn two_keys(accounts: (u32, u32), inbox: Inbox) -> Options {
    let keys = vec![Key::new(DEFAULT_KEY).of_account(accounts.0), Key::new(SECOND).of_account(accounts.1)];
    Options { keys, inbox, ..Options::for_tests() }
}

#[tokio::test]
async fn two_keys_of_one_account_answer_each_lead_once() {
    for in_phase in [true, false] {
        let setting = FixtureOptions {
            more_workspaces: vec![("globex", Mode::Live)],
            keys: vec![("globex", SECOND)],
            options: two_keys((0, 0), Inbox::Generated(3)),
            ..setting(Inbox::Empty)
        };
        let fixture = Fixture::without_baseline(setting).await;
        let mut events = fixture.engine.subscribe();
        for workspace in fixture.engine.workspaces().iter() {
            fixture.engine.intake().poll(workspace, true).await.unwrap();
        }
        for number in 0..20 {
            fixture.clock.advance(Duration::from_secs(1));
            fixture.hot_lead(&format!("lead{number}@acme.example"), "A call, please.");
        }
        let workspaces = fixture.engine.workspaces();
        let (acme, globex) = (&workspaces[0], &workspaces[1]);
        let decide = async |workspace: &Workspace| {
            fixture.engine.intake().poll(workspace, true).await.unwrap();
            if in_phase {
                // Both have seen everything before either decides.
                tokio::task::yield_now().await;
            }
            fixture.engine.intake().handle_pending(workspace).await.unwrap();
        };
        if in_phase {
            tokio::join!(decide(acme), decide(globex));
        } else {
            decide(globex).await;
            decide(acme).await;
        }
        for workspace in fixture.engine.workspaces().iter() {
            for lane in [reply_router::store::Lane::Api, reply_router::store::Lane::Destinations] {
                while fixture.engine.executor().run_due(workspace, lane, &|| false).await.unwrap().looked_at > 0 {}
            }
        }
        assert_eq!(replies(&fixture), 20, "in phase: {in_phase}");
        assert_eq!(held(&fixture, "foreign_use").await, 20);
        let titles = announced(&mut events);
        assert_eq!(titles.iter().filter(|title| title.contains("list the same account")).count(), 1, "{titles:?}");
        assert_eq!(acme.notes().len() + globex.notes().len(), 1, "{:?} {:?}", acme.notes(), globex.notes());
    }
}

#[tokio::test]
async fn a_workspace_that_only_watches_leaves_the_thread_to_the_one_that_acts() {
    let setting = FixtureOptions {
        mode: Mode::Shadow,
        more_workspaces: vec![("globex", Mode::Live)],
        keys: vec![("globex", SECOND)],
        options: two_keys((0, 0), Inbox::Generated(3)),
        ..setting(Inbox::Empty)
    };
    let fixture = Fixture::without_baseline(setting).await;
    for _ in 0..2 {
        for workspace in fixture.engine.workspaces().iter() {
            fixture.engine.intake().poll(workspace, true).await.unwrap();
            fixture.engine.intake().handle_pending(workspace).await.unwrap();
            fixture.engine.executor().run_due(workspace, reply_router::store::Lane::Api, &|| false).await.unwrap();
        }
        if replies(&fixture) == 0 {
            fixture.hot_lead("jane@acme.example", "A call, please.");
        }
    }
    assert_eq!((replies(&fixture), held(&fixture, "foreign_use").await), (1, 0));
}

#[tokio::test]
async fn the_same_id_with_another_lead_is_another_thread() {
    let setting = FixtureOptions {
        more_workspaces: vec![("globex", Mode::Live)],
        keys: vec![("globex", SECOND)],
        options: two_keys((0, 1), Inbox::Generated(3)),
        ..setting(Inbox::Empty)
    };
    let fixture = Fixture::new(setting).await;
    let thread = fixture.hot_lead("jane@acme.example", "A call, please.");
    let row = |lead: &str| ThreadRow {
        id: thread.clone(),
        lead_email: Some(lead.to_owned()),
        last_message_at: Some("2026-07-01T00:00:00Z".parse().unwrap()),
        ..ThreadRow::default()
    };
    let long_ago = "2026-07-01T00:00:00Z".parse().unwrap();
    fixture.store.record_baseline("globex", &[row("joe@globex.example")], None, long_ago).await.unwrap();
    rounds(&fixture).await;
    assert_eq!((replies(&fixture), held(&fixture, "foreign_use").await), (1, 0));
}

#[tokio::test]
async fn the_key_of_another_account_begins_a_new_baseline() {
    let options = two_keys((0, 1), Inbox::Generated(40));
    let first = FixtureOptions { options: options.clone(), ..setting(Inbox::Empty) };
    let fixture = Fixture::new(first).await;
    for number in 0..40_u64 {
        let message =
            reply_router::simulator::Message::text("A call?").with_age(Duration::from_secs(1_800 * (number + 1)));
        let thread = NewThread::new(format!("other{number}@globex.example")).of_account(1);
        fixture.simulator.workspace().add_thread(thread.message(message));
    }
    fixture.clock.advance(Duration::from_secs(60));
    let second = FixtureOptions { options, keys: vec![("acme", SECOND)], ..setting(Inbox::Empty) };
    let fixture = fixture.restart(&second).await;
    let mut events = fixture.engine.subscribe();
    for _ in 0..3 {
        rounds(&fixture).await;
        fixture.clock.advance(Duration::from_secs(30));
    }
    assert_eq!(replies(&fixture), 0, "{:?}", fixture.states().await);
    assert_eq!(announced(&mut events), ["Workspace acme lists another account"]);
    let thread = NewThread::new("new@globex.example").of_account(1).message("A call, please.");
    fixture.simulator.workspace().add_thread(thread);
    rounds(&fixture).await;
    assert_eq!(replies(&fixture), 1, "whoever writes from now on is answered");
}

#[tokio::test]
async fn what_came_to_another_account_since_the_last_look_goes_before_a_person() {
    let options = two_keys((0, 1), Inbox::Generated(40));
    let fixture = Fixture::new(FixtureOptions { options: options.clone(), ..setting(Inbox::Empty) }).await;
    fixture.clock.advance(Duration::from_secs(86_400));
    for number in 0..10_u64 {
        // Seven of them are younger than the last look at the first account.
        let message =
            reply_router::simulator::Message::text("A call?").with_age(Duration::from_secs(3_600 + 12_000 * number));
        let thread = NewThread::new(format!("other{number}@globex.example")).of_account(1);
        fixture.simulator.workspace().add_thread(thread.message(message));
    }
    let second = FixtureOptions { options, keys: vec![("acme", SECOND)], ..setting(Inbox::Empty) };
    let fixture = fixture.restart(&second).await;
    rounds(&fixture).await;
    assert_eq!((replies(&fixture), held(&fixture, "too_old").await), (0, 7), "{:?}", fixture.states().await);
}

#[tokio::test]
async fn a_flood_of_new_mail_after_an_outage_is_answered() {
    let fixture = Fixture::new(setting(Inbox::Generated(40))).await;
    fixture.clock.advance(Duration::from_secs(3_600));
    for number in 0..250 {
        fixture.hot_lead(&format!("lead{number}@acme.example"), "A call, please.");
        fixture.clock.advance(Duration::from_secs(60));
    }
    let mut events = fixture.engine.subscribe();
    rounds(&fixture).await;
    assert_eq!((replies(&fixture), decisions(&fixture).await.len()), (250, 250));
    assert_eq!(announced(&mut events), [] as [&str; 0]);
}

/// A workspace with a baseline of 40 threads, a lead who has opted out, and a pause.
async fn with_history() -> Fixture {
    let fixture = Fixture::new(setting(Inbox::Generated(40))).await;
    fixture.clock.advance(Duration::from_secs(60));
    fixture.hot_lead("jane@acme.example", "A call, please.");
    rounds(&fixture).await;
    let opt_out = OptOut {
        workspace: "acme".to_owned(),
        email: "lead3@company3.example".to_owned(),
        since: fixture.engine.now(),
        evidence: "no more mail".to_owned(),
    };
    fixture.store.add_opt_out(&opt_out).await.unwrap();
    fixture.engine.operator().pause(Some("acme"), "a test").await.unwrap();
    assert_eq!(replies(&fixture), 1);
    fixture
}

async fn assert_carried_over(fixture: &Fixture) {
    rounds(fixture).await;
    assert_eq!(replies(fixture), 1, "{:?}", fixture.states().await);
    assert!(
        fixture.store.opt_out("renamed", "lead3@company3.example", OptOutScope::Workspace).await.unwrap().is_some()
    );
    let pauses = fixture.store.pauses().await.unwrap();
    assert_eq!(pauses.iter().map(|pause| pause.workspace.as_deref()).collect::<Vec<_>>(), [Some("renamed")]);
    let filter = DecisionFilter { workspace: Some("renamed".to_owned()), limit: 10, ..DecisionFilter::default() };
    assert_eq!(fixture.store.decisions(&filter).await.unwrap().len(), 1);
    assert_eq!(fixture.store.workspaces_with_threads().await.unwrap(), ["renamed"]);
    // The lead who has opted out and the one who was answered in the thread write again; another one for the first time.
    fixture.engine.operator().resume(Some("renamed")).await.unwrap();
    fixture.clock.advance(Duration::from_secs(60));
    let workspace = fixture.simulator.workspace();
    workspace.lead_writes(&workspace.thread_of("lead3@company3.example").unwrap().id, "Hello again");
    workspace.lead_writes(&workspace.thread_of("jane@acme.example").unwrap().id, "Hello again");
    fixture.hot_lead("joe@acme.example", "A call, please.");
    rounds(fixture).await;
    let sent = workspace.accepted_replies();
    assert_eq!(
        sent.iter().map(|reply| reply.to.as_str()).collect::<Vec<_>>(),
        ["jane@acme.example", "joe@acme.example"]
    );
}

#[tokio::test]
async fn a_workspace_with_another_name_keeps_what_it_knows() {
    let fixture = with_history().await;
    let renamed = FixtureOptions { name: "renamed", ..setting(Inbox::Empty) };
    let fixture = fixture.restart(&renamed).await;
    assert_carried_over(&fixture).await;
}

#[tokio::test]
async fn a_workspace_with_another_name_that_starts_in_a_flood_keeps_what_it_knows() {
    let fixture = with_history().await;
    fixture.clock.advance(Duration::from_secs(86_400));
    for number in 0..120 {
        fixture.simulator.workspace().add_thread(NewThread::new(format!("new{number}@acme.example")).message("Hello"));
    }
    let renamed = FixtureOptions { name: "renamed", ..setting(Inbox::Empty) };
    let fixture = fixture.restart(&renamed).await;
    fixture.engine.operator().resume(None).await.unwrap();
    rounds(&fixture).await;
    assert_eq!(replies(&fixture), 121, "{:?}", fixture.store.pauses().await.unwrap());
    assert!(
        fixture.store.opt_out("renamed", "lead3@company3.example", OptOutScope::Workspace).await.unwrap().is_some()
    );
}

#[tokio::test]
async fn the_earlier_name_may_be_given() {
    let fixture = with_history().await;
    let renamed = FixtureOptions { name: "renamed", was: vec![("renamed", "acme")], ..setting(Inbox::Empty) };
    let fixture = fixture.restart(&renamed).await;
    assert_carried_over(&fixture).await;
}

/// The store has parts of the account under two names that are not configured any more.
async fn under_two_names() -> Fixture {
    let fixture = with_history().await;
    fixture.store.resume(None, fixture.engine.now()).await.unwrap();
    let rows: Vec<ThreadRow> = fixture.simulator.workspace().threads()[20..30]
        .iter()
        .map(|thread| ThreadRow {
            id: thread.id.clone(),
            lead_email: Some(thread.lead_email.clone()),
            ..ThreadRow::default()
        })
        .collect();
    let now = fixture.engine.now();
    fixture.store.record_baseline("older", &rows, None, now).await.unwrap();
    let renamed = FixtureOptions { name: "renamed", ..setting(Inbox::Empty) };
    let fixture = fixture.restart(&renamed).await;
    let mut events = fixture.engine.subscribe();
    for _ in 0..2 {
        rounds(&fixture).await;
    }
    assert_eq!(announced(&mut events), ["Workspace renamed is paused"]);
    let pauses = fixture.store.pauses().await.unwrap();
    assert!(pauses[0].reason.contains("`acme`, `older`") && pauses[0].reason.contains("was: acme"), "{pauses:?}");
    assert_eq!(fixture.store.count_threads("renamed", 10).await.unwrap(), 0, "nothing is recorded before it is clear");
    fixture
}

#[tokio::test]
async fn a_name_that_is_not_clear_is_asked_about_and_then_given() {
    let fixture = under_two_names().await;
    let renamed = FixtureOptions { name: "renamed", was: vec![("renamed", "acme")], ..setting(Inbox::Empty) };
    let fixture = fixture.restart(&renamed).await;
    fixture.simulator.workspace().add_thread(NewThread::new("joe@acme.example").message("Hello"));
    rounds(&fixture).await;
    assert_eq!(fixture.store.pauses().await.unwrap(), []);
    assert!(
        fixture.store.opt_out("renamed", "lead3@company3.example", OptOutScope::Workspace).await.unwrap().is_some()
    );
    assert_eq!(replies(&fixture), 2, "jane before, and joe now");
}

#[tokio::test]
async fn a_name_that_is_not_clear_begins_anew_when_it_is_resumed() {
    let fixture = under_two_names().await;
    fixture.engine.operator().resume(Some("renamed")).await.unwrap();
    rounds(&fixture).await;
    assert_eq!((replies(&fixture), fixture.store.count_threads("renamed", 100).await.unwrap()), (1, 41));
    fixture.clock.advance(Duration::from_secs(60));
    fixture.simulator.workspace().add_thread(NewThread::new("joe@acme.example").message("Hello"));
    rounds(&fixture).await;
    assert_eq!(replies(&fixture), 2);
}

#[tokio::test]
async fn an_empty_list_does_not_hide_whose_account_it_is() {
    let fixture = with_history().await;
    fixture.simulator.faults().next(
        reply_router::simulator::Endpoint::List,
        2,
        reply_router::simulator::Fault::Status(
            200,
            r#"{"success":true,"conversations":[],"total_count":0}"#.to_owned(),
        ),
    );
    let renamed = FixtureOptions { name: "renamed", rules: ALL, ..setting(Inbox::Empty) };
    let fixture = fixture.restart(&renamed).await;
    for _ in 0..2 {
        fixture.tick().await;
    }
    assert_carried_over(&fixture).await;
}
