//! Somebody else holds the store's lock: a backup, a person with a database shell.

use super::{CliFixture, EVERYTHING, ServiceProcess, actions, done_exactly_once, left, noted, store_file};
use crate::{cli_fixture::PATIENCE, service_process::SERVICE};
use reply_router::{
    model::{ActionKind, ActionState},
    simulator::{Endpoint, Fault},
};
use rusqlite::Connection;
use std::time::Duration;

async fn lock(place: &CliFixture) -> Connection {
    let path = store_file(place);
    let locking = tokio::task::spawn_blocking(move || {
        let connection = Connection::open(path).unwrap();
        connection.busy_timeout(PATIENCE).unwrap();
        connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
        connection
    });
    locking.await.unwrap()
}

async fn unlock(connection: Connection) {
    connection.execute_batch("ROLLBACK").unwrap();
}

/// While it polls: the lead is not even in line.
#[tokio::test]
async fn a_locked_store_takes_no_lead_and_gets_it_later() {
    let place = noted(EVERYTHING).await;
    let mut service = ServiceProcess::start(place.command(SERVICE)).await;
    let lock = lock(&place).await;
    let thread = place.hot_lead("jane@acme.example");
    let said = service.wait_for_log("poll failed").await;
    assert!(said.contains("locked"), "{said}");
    assert_eq!(service.get("/healthz").await.0, 200);
    assert!(left(&place).iter().all(|(_, count)| *count == 0), "{:?}", left(&place));
    unlock(lock).await;
    done_exactly_once(&place, service, &[thread]).await;
}

/// When everything is decided and due.
#[tokio::test]
async fn a_locked_store_lets_nothing_leave() {
    let rules = EVERYTHING
        .replace("my calendar.' }", "my calendar.', after: 2s }")
        .replace("- star\n", "- star: { after: 2s }\n")
        .replace("slack: sales", "slack: { to: sales, after: 2s }")
        .replace("{ to: team,", "{ to: team, after: 2s,")
        .replace("webhook: crm", "webhook: { to: crm, after: 2s }");
    let place = noted(&rules).await;
    let mut service = ServiceProcess::start(place.command(SERVICE)).await;
    let thread = place.hot_lead("jane@acme.example");
    service.wait_for_log("\"decided\"").await;
    let lock = lock(&place).await;
    // Each lane says so.
    for _ in 0..2 {
        let said = service.wait_for_log("store fails; nothing is sent").await;
        assert!(said.contains("locked"), "{said}");
    }
    assert_eq!(service.get("/healthz").await.0, 200);
    assert!(left(&place).iter().all(|(_, count)| *count == 0), "{:?}", left(&place));
    unlock(lock).await;
    done_exactly_once(&place, service, &[thread]).await;
}

/// Between acceptance and outcome: the service keeps what it knows until it can be written.
#[tokio::test]
async fn an_outcome_that_cannot_be_written_is_waited_out() {
    let place = noted(EVERYTHING).await;
    place.simulator.faults().next(Endpoint::Reply, 1, Fault::DelayAfter(Duration::from_secs(1)));
    let mut threads = vec![place.hot_lead("jane@acme.example")];
    let mut service = ServiceProcess::start(place.command(SERVICE)).await;
    let workspace = place.simulator.workspace();
    assert!(workspace.wait_until(PATIENCE, |now| !now.accepted_replies().is_empty()).await);
    let lock = lock(&place).await;
    threads.push(place.hot_lead("john@acme.example"));
    let said = service.wait_for_log("outcome not stored").await;
    assert!(said.contains("locked"), "{said}");
    let before = left(&place);
    service.wait_for_log("outcome not stored").await;
    assert_eq!(left(&place), before, "nothing else leaves");
    assert_eq!(place.write_requests().len(), 1, "{:?}", place.write_requests());
    let reply = actions(&place).await.into_iter().find(|action| action.kind == ActionKind::Reply).unwrap();
    assert_eq!(reply.state, ActionState::InFlight, "another process would know that it may have left");
    unlock(lock).await;
    done_exactly_once(&place, service, &threads).await;
}
