//! A store that comes back from a backup has forgotten what left since then: it only looks until a person has looked too.

use crate::fixture::{Fixture, FixtureOptions, ManualClock, Reply, engine};
use reply_router::store::prelude::*;
use reply_router::{
    model::ActionState,
    store::{SqlStore, Store},
};
use std::{path::Path, sync::Arc};

async fn reopened(path: &Path) -> Arc<SqlStore> {
    Arc::new(SqlStore::open(path).await.unwrap())
}

fn beside(path: &Path, ending: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[tokio::test]
async fn a_store_from_yesterdays_backup_sends_nothing_until_somebody_resumes() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let path = fixture.store_path();
    fixture.hot_lead("first@acme.example", "Give me a call.");
    fixture.tick().await;
    fixture.store.close().await;
    let backup = std::fs::read(&path).unwrap();

    // Life goes on: another lead is answered. Then the backup is put back.
    let Fixture { simulator, clock, store, engine: first, folder, .. } = fixture;
    drop((store, first));
    let run = async |clock: &ManualClock, store: Arc<SqlStore>| {
        let engine = engine(&FixtureOptions::default(), &simulator, store as Arc<dyn Store>, clock.clone());
        let workspace = &engine.workspace("acme").unwrap();
        engine.alerts().alert_if_paused().await.unwrap();
        engine.executor().recover(workspace).await.unwrap();
        engine.intake().poll(workspace, true).await.unwrap();
        engine.intake().handle_pending(workspace).await.unwrap();
        engine.executor().run_due(workspace, reply_router::store::Lane::Api, &|| false).await.unwrap();
        engine
    };
    let write = |email: &str| {
        let thread = reply_router::simulator::NewThread::new(email).name("Jo").campaign("Q1 x").category("interested");
        simulator.workspace().add_thread(thread.message("Give me a call."));
    };
    write("second@acme.example");
    let store = reopened(&path).await;
    assert_eq!(store.pauses().await.unwrap(), [], "a store that stayed in its place is as it was");
    drop(run(&clock, Arc::clone(&store)).await);
    store.close().await;
    drop(store);
    assert_eq!(simulator.workspace().accepted_replies().len(), 2);
    for ending in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(beside(&path, ending));
    }
    std::fs::write(&path, &backup).unwrap();

    write("third@acme.example");
    let store = reopened(&path).await;
    let pauses = store.pauses().await.unwrap();
    assert_eq!(pauses.len(), 1);
    assert!(pauses[0].workspace.is_none() && pauses[0].reason.contains("backup"), "{}", pauses[0].reason);
    let second = run(&clock, Arc::clone(&store)).await;
    assert_eq!(simulator.workspace().accepted_replies().len(), 2, "it decides, and sends nothing");
    drop(second);
    store.close().await;
    drop(store);

    // It stays so over restarts, and after a person's word the lost answer is not given again while the new one goes.
    let store = reopened(&path).await;
    assert_eq!(store.pauses().await.unwrap().len(), 1);
    let engine = run(&clock, Arc::clone(&store)).await;
    engine.operator().resume(None).await.unwrap();
    let workspace = &engine.workspace("acme").unwrap();
    engine.executor().run_due(workspace, reply_router::store::Lane::Api, &|| false).await.unwrap();
    let sent: Vec<_> = simulator.workspace().accepted_replies().into_iter().map(|reply| reply.to).collect();
    assert_eq!(sent, ["first@acme.example", "second@acme.example", "third@acme.example"]);
    let filter = reply_router::store::ActionFilter { limit: 100, kind: Some(Reply), ..Default::default() };
    let actions = store.actions(&filter).await.unwrap();
    let of = |email: &str| actions.iter().find(|action| action.lead_email.as_deref() == Some(email)).unwrap();
    assert_eq!(of("second@acme.example").state, ActionState::Cancelled, "our own answer is in the thread already");
    assert_eq!(of("third@acme.example").state, ActionState::Done);
    drop(folder);
}

#[tokio::test]
async fn a_store_without_its_mark_begins_with_a_pause_too() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let path = fixture.store_path();
    fixture.hot_lead("first@acme.example", "Give me a call.");
    fixture.tick().await;
    fixture.store.close().await;
    let Fixture { store, engine, folder, simulator: _simulator, clock: _, .. } = fixture;
    drop((store, engine));
    std::fs::remove_file(beside(&path, ".lock")).unwrap();
    let store = reopened(&path).await;
    assert!(store.pauses().await.unwrap()[0].reason.contains("no mark beside it"));
    drop(folder);
}

#[tokio::test]
async fn a_store_that_never_sent_anything_needs_no_mark() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let path = fixture.store_path();
    fixture.store.close().await;
    let Fixture { store, engine, folder, simulator: _simulator, clock: _, .. } = fixture;
    drop((store, engine));
    std::fs::remove_file(beside(&path, ".lock")).unwrap();
    assert_eq!(reopened(&path).await.pauses().await.unwrap(), []);
    drop(folder);
}

#[tokio::test]
async fn a_crash_right_after_the_first_intent_is_no_restore() {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let path = fixture.store_path();
    let mark = std::fs::read(beside(&path, ".lock")).unwrap();
    assert!(mark.ends_with(b" 00000000000000000000\n"), "{}", String::from_utf8_lossy(&mark));
    fixture.hot_lead("first@acme.example", "Give me a call.");
    fixture.tick().await;
    fixture.store.close().await;
    let Fixture { store, engine, folder, simulator: _simulator, clock: _, .. } = fixture;
    drop((store, engine));
    // As it stands when the process dies between the intent and the mark.
    std::fs::write(beside(&path, ".lock"), mark).unwrap();
    assert_eq!(reopened(&path).await.pauses().await.unwrap(), []);
    drop(folder);
}

#[tokio::test]
async fn intents_that_are_written_at_once_leave_one_mark() {
    let safety = reply_router::model::Safety { replies_per_hour: 1_000, ..crate::fixture::safety() };
    let fixture = Fixture::new(FixtureOptions { safety, ..FixtureOptions::default() }).await;
    let path = fixture.store_path();
    for number in 0..40 {
        fixture.hot_lead(&format!("lead{number}@acme.example"), "Give me a call.");
    }
    fixture.tick().await;
    let intents = fixture.actions().await.iter().map(|action| action.attempts.len()).sum::<usize>();
    assert!(intents >= 80, "{intents}");
    fixture.store.close().await;
    let mark = std::fs::read_to_string(beside(&path, ".lock")).unwrap();
    let count: usize = mark.trim().split_once(' ').unwrap().1.parse().unwrap();
    assert!(mark.lines().count() == 1 && count >= intents, "{count} of {intents}: {mark}");
    let Fixture { store, engine, folder, simulator: _simulator, clock: _, .. } = fixture;
    drop((store, engine));
    assert_eq!(reopened(&path).await.pauses().await.unwrap(), []);
    drop(folder);
}
