//! What one process has begun and not ended, while others go on.

use super::{Shared, planned, renewed};
use crate::{proxy::Proxy, store::at, stores::SERVER};
use reply_router::{
    model::{Action, ActionState, OptOutScope, Reason, ReasonCode, Transition},
    store::{ChangeKind, IntentResult, OptOut, SqlStore, StoreError, prelude::*},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_postgres::NoTls;

/// More than enough for anything that is waited for here.
const AT_MOST: Duration = Duration::from_secs(20);

/// Somebody who keeps what is written from being committed.
struct Lock {
    client: tokio_postgres::Client,
}

impl Lock {
    async fn take(shared: &Shared) -> Self {
        let (client, connection) = tokio_postgres::connect(&shared.address, NoTls).await.unwrap();
        tokio::spawn(connection);
        // What numbers changes, which is the last thing before a commit.
        client.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(7217330191)").await.unwrap();
        Self { client }
    }

    /// Until so many wait for a lock.
    async fn wait_for(&self, count: i64) {
        let began = Instant::now();
        let sql = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        while self.client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) < count {
            assert!(began.elapsed() < AT_MOST, "fewer than {count} wait for a lock");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn release(self) {
        self.client.batch_execute("ROLLBACK").await.unwrap();
    }
}

/// An intent that a process is about to write.
fn intend(process: &Arc<SqlStore>, action: &Action) -> tokio::task::JoinHandle<Result<IntentResult, StoreError>> {
    let (process, mut action) = (Arc::clone(process), action.clone());
    Transition::in_flight().apply_to(&mut action, at(1));
    tokio::spawn(async move { process.write_intent(&mut action, OptOutScope::Workspace).await })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stops_in_a_transaction_keeps_no_workspace() {
    let shared = Shared::new().await;
    let door = Proxy::start(([127, 0, 0, 1], SERVER.port()).into()).await;
    let through = shared.address.replace(&format!(":{}/", SERVER.port()), &format!(":{}/", door.address().port()));
    let (first, second) = (Arc::new(SqlStore::connect(&through).await.unwrap()), shared.process().await);
    let wanted = super::names(1);
    renewed(&first, &wanted).await;
    let action = planned(&first, "w0").await.unwrap();
    let lock = Lock::take(&shared).await;
    let intent = intend(&first, &action);
    lock.wait_for(1).await;
    door.hold();
    lock.release().await;
    // The server has done what it was asked, and hears nothing more.
    let began = Instant::now();
    loop {
        shared.expire(&first).await;
        if renewed(&second, &wanted).await == (1, 0) {
            break;
        }
        assert!(began.elapsed() < AT_MOST, "nobody can take the workspace over");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let taken = intend(&second, &action).await.unwrap().unwrap();
    assert!(matches!(taken, IntentResult::Written(_)), "{taken:?}: what the first began was taken back");
    intent.abort();
    door.cut();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_replies_is_said_to_be_there_after_those_that_have_not_seen_it() {
    let shared = Shared::new().await;
    let (first, second) = (shared.process().await, shared.process().await);
    renewed(&first, &super::names(2)).await;
    let opt_out = |workspace: &str| OptOut {
        workspace: workspace.to_owned(),
        email: "jane@acme.example".to_owned(),
        since: at(1),
        evidence: "by hand".to_owned(),
    };
    for (workspace, is_pause) in [("w0", true), ("w1", false)] {
        let action = planned(&first, workspace).await.unwrap();
        let lock = Lock::take(&shared).await;
        // It has looked, and is not committed.
        let intent = intend(&first, &action);
        lock.wait_for(1).await;
        let switch = tokio::spawn({
            let (second, opt_out) = (Arc::clone(&second), opt_out(workspace));
            async move {
                match is_pause {
                    true => second.pause(Some(workspace), "a person paused it", None, at(1)).await,
                    false => second.add_opt_out(&opt_out).await,
                }
            }
        });
        lock.wait_for(2).await;
        assert!(!switch.is_finished(), "nobody is told yet that no reply leaves");
        lock.release().await;
        assert!(matches!(intent.await.unwrap(), Ok(IntentResult::Written(_))), "it was first");
        switch.await.unwrap().unwrap();
        let action = planned(&first, workspace).await.unwrap();
        let after = intend(&first, &action).await.unwrap().unwrap();
        assert!(matches!(after, IntentResult::Paused | IntentResult::OptedOut(_)), "{after:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumption_is_heard_where_the_workspace_runs() {
    let shared = Shared::new().await;
    let (first, second) = (shared.process().await, shared.process().await);
    renewed(&first, &super::names(2)).await;
    let mut waiting = planned(&first, "w0").await.unwrap();
    Transition::wait_until(at(9), Reason::new(ReasonCode::Paused, "")).apply_to(&mut waiting, at(1));
    waiting.due_at = None;
    first.update_action(&mut waiting).await.unwrap();
    planned(&first, "w1").await.unwrap();
    second.pause(None, "a person paused it", None, at(1)).await.unwrap();
    let (_, last) = first.change_range().await.unwrap().unwrap();
    second.resume(None, at(2)).await.unwrap();
    let told = first.changes(last, 10).await.unwrap();
    let told: Vec<_> = told.into_iter().map(|change| (change.workspace, change.what)).collect();
    assert_eq!(told, [("w0".to_owned(), ChangeKind::Resumed)], "nothing waited in the other");
    let woken = first.action(&waiting.id).await.unwrap().unwrap();
    assert_eq!((woken.state, woken.due_at), (ActionState::Waiting, Some(at(2))));
}
