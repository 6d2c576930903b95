//! Several processes on one database agree who runs what, and share the budgets of keys.

mod transactions;

use crate::{
    store::{action, at, decision, row},
    stores::SERVER,
};
use reply_router::{
    engine::DECISION_POLICY,
    model::{Action, ActionKind, ActionState, Grant, GrantRequest, Reason, ReasonCode, Transition},
    store::{SettledThread, Share, SqlStore, StoreError, leases::LONGEST_AWAY, prelude::*},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

mod renamed;
mod running;

/// A database that a few processes use.
struct Shared {
    name: String,
    address: String,
}

impl Shared {
    async fn new() -> Self {
        let name = format!("shared_{}", uuid::Uuid::new_v4().simple());
        let database = name.clone();
        let address = tokio::task::spawn_blocking(move || SERVER.database(&database)).await.unwrap();
        Self { name, address }
    }

    async fn process(&self) -> Arc<SqlStore> {
        Arc::new(SqlStore::connect(&self.address).await.unwrap())
    }

    /// A process has not told for too long that it lives.
    async fn expire(&self, process: &SqlStore) {
        self.expire_for(process, Duration::ZERO).await;
    }

    /// Its lease ended so long ago.
    async fn expire_for(&self, process: &SqlStore, gone: Duration) {
        let sql = format!(
            "UPDATE replicas SET expires_at = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - {}
             WHERE holder = '{}'",
            gone.as_micros(),
            process.replica()
        );
        let name = self.name.clone();
        tokio::task::spawn_blocking(move || SERVER.query(&name, &sql)).await.unwrap();
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("w{number}")).collect()
}

async fn renewed(process: &SqlStore, wanted: &[String]) -> (usize, usize) {
    let held = process.renew_leases(wanted, Share::Fair).await.unwrap();
    (held.workspaces.len(), held.give_up.len())
}

async fn planned(process: &SqlStore, workspace: &str) -> Result<Action, StoreError> {
    let mut made = decision(&uuid::Uuid::now_v7().to_string(), "m1", 0);
    made.workspace = workspace.to_owned();
    let mut reply = action(&made, ActionKind::Reply, ActionState::Planned);
    reply.workspace = workspace.to_owned();
    let settled = SettledThread { row: row("t", 0), newest_inbound: Some("m1".to_owned()), ..Default::default() };
    let written = process.record_decision(&made, None, vec![reply], None, &settled, DECISION_POLICY).await?;
    Ok(written.actions.into_iter().next().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_are_spread_over_the_processes_that_live() {
    let shared = Shared::new().await;
    let (first, second) = (shared.process().await, shared.process().await);
    let wanted = names(9);
    assert_eq!(renewed(&first, &wanted).await, (9, 0), "the only one holds all");
    assert_eq!(renewed(&second, &wanted).await, (0, 0), "nothing is taken from one that lives");
    let held = first.renew_leases(&wanted, Share::Fair).await.unwrap();
    assert_eq!((held.replicas, held.give_up.len()), (2, 4));
    first.release_leases(&held.give_up.iter().cloned().collect::<Vec<_>>()).await.unwrap();
    let theirs = second.renew_leases(&wanted, Share::Fair).await.unwrap();
    assert_eq!(theirs.workspaces, held.give_up);
    assert_eq!(renewed(&first, &wanted).await, (5, 0));
    // A third comes, and the first dies.
    let third = shared.process().await;
    assert_eq!(renewed(&third, &wanted).await, (0, 0));
    shared.expire(&first).await;
    assert_eq!(renewed(&third, &wanted).await, (5, 0));
    // What leaves the configuration is given up.
    let fewer = names(8);
    let gone = second.renew_leases(&fewer, Share::Fair).await.unwrap();
    assert_eq!(gone.give_up, BTreeSet::from(["w8".to_owned()]));
}

/// While a configuration is rolled out, processes know different workspaces.
#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_one_process_knows_runs_there() {
    let shared = Shared::new().await;
    let (first, second) = (shared.process().await, shared.process().await);
    let (before, after) = (names(3), names(4));
    assert_eq!(renewed(&first, &before).await, (3, 0));
    // The one that the other process knows alone runs there at once.
    let held = second.renew_leases(&after, Share::Fair).await.unwrap();
    assert_eq!((held.workspaces, held.give_up), (BTreeSet::from(["w3".to_owned()]), BTreeSet::new()));
    // Of the three that both know each has its part; nobody takes what it does not know.
    let held = first.renew_leases(&before, Share::Fair).await.unwrap();
    assert_eq!((held.workspaces.len(), held.give_up.len()), (3, 1));
    first.release_leases(&held.give_up.iter().cloned().collect::<Vec<_>>()).await.unwrap();
    assert_eq!(renewed(&second, &after).await, (2, 0));
    assert_eq!(renewed(&first, &before).await, (2, 0));
    // Both know all: as before.
    assert_eq!(renewed(&first, &after).await, (2, 0));
    assert_eq!(renewed(&second, &after).await, (2, 0));
    // The other way: one is removed, and who does not know it any more gives it up to who does.
    let fewer: Vec<String> = ["w0", "w1", "w2"].map(str::to_owned).into();
    let held = second.renew_leases(&fewer, Share::Fair).await.unwrap();
    let gone = held.give_up.iter().cloned().collect::<Vec<_>>();
    assert_eq!(gone, ["w3"]);
    second.release_leases(&gone).await.unwrap();
    let held = first.renew_leases(&after, Share::Fair).await.unwrap();
    assert!(held.workspaces.contains("w3"), "{held:?}");
    // Its process dies: nobody else runs it.
    shared.expire(&first).await;
    let held = second.renew_leases(&fewer, Share::Fair).await.unwrap();
    assert_eq!(held.workspaces, fewer.iter().cloned().collect());
}

/// Each asks for what the other holds of it: who has room does not know what is free.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_takes_is_taken_beyond_the_share() {
    let shared = Shared::new().await;
    let processes = [shared.process().await, shared.process().await, shared.process().await];
    let of = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    let knows = [of(["w", "x"]), of(["w", "y"]), of(["x", "y"])];
    // Each knows two, and two know each: one is everybody's part. The first two take what the third could have.
    let mut others = vec![vec!["x".to_owned()], vec!["y".to_owned()]];
    for (process, one) in processes.iter().zip(others.drain(..)) {
        assert_eq!(renewed(process, &one).await, (1, 0));
    }
    let mut runs = BTreeSet::new();
    for _ in 0..12 {
        runs.clear();
        for (process, knows) in processes.iter().zip(&knows) {
            let held = process.renew_leases(knows, Share::Fair).await.unwrap();
            let gone: Vec<String> = held.give_up.iter().cloned().collect();
            process.release_leases(&gone).await.unwrap();
            runs.extend(held.workspaces.difference(&held.give_up).cloned());
        }
    }
    assert_eq!(runs, ["w", "x", "y"].map(str::to_owned).into());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_several_could_send_is_sent_by_one() {
    let shared = Shared::new().await;
    let (first, second) = (shared.process().await, shared.process().await);
    let hour = Duration::from_secs(3_600);
    assert!(first.claim_alert("paused", hour).await.unwrap());
    assert!(!second.claim_alert("paused", hour).await.unwrap());
    assert!(second.claim_alert("another", hour).await.unwrap());
    assert!(second.claim_alert("paused", Duration::ZERO).await.unwrap(), "when the time is over");
}

/// Who tells what all of them see does not change while one is slow, and one is always first.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_came_first_stands_first_until_it_has_left_or_is_long_gone() {
    let shared = Shared::new().await;
    let (first, second, third) = (shared.process().await, shared.process().await, shared.process().await);
    let wanted = names(1);
    let renew = async |process: &SqlStore| {
        let held = process.renew_leases(&wanted, Share::Fair).await.unwrap();
        (held.before, held.replicas)
    };
    assert_eq!(renew(&first).await, (0, 1));
    assert_eq!(renew(&second).await, (1, 2));
    assert_eq!(renew(&third).await, (2, 3));
    assert_eq!(renew(&first).await, (0, 3), "whoever comes stands behind");
    // The first one's lease runs out: it keeps its place, and has it when it is back under another name, again and again.
    for _ in 0..3 {
        let before = first.replica();
        shared.expire(&first).await;
        assert_eq!((renew(&second).await, renew(&third).await), ((1, 2), (2, 2)));
        assert_eq!(renew(&first).await, (0, 3));
        assert_ne!(first.replica(), before);
        assert_eq!((renew(&second).await, renew(&third).await), ((1, 3), (2, 3)));
    }
    // It is gone for good: the others move up, and if it comes back all the same, it stands behind them.
    shared.expire_for(&first, LONGEST_AWAY).await;
    assert_eq!((renew(&second).await, renew(&third).await), ((0, 2), (1, 2)));
    assert_eq!(renew(&first).await, (2, 3));
    assert_eq!((renew(&second).await, renew(&third).await), ((0, 3), (1, 3)));
    // One that ends leaves at once, and one that comes does not step into its place.
    second.leave().await.unwrap();
    let fourth = shared.process().await;
    assert_eq!(renew(&fourth).await, (2, 3));
    assert_eq!((renew(&third).await, renew(&first).await), ((0, 3), (1, 3)));
}

/// However they come, each stands in a place of its own.
#[tokio::test(flavor = "multi_thread")]
async fn processes_that_come_at_once_stand_one_behind_the_other() {
    let shared = Shared::new().await;
    let mut processes = Vec::new();
    for _ in 0..6 {
        processes.push(shared.process().await);
    }
    let wanted = names(1);
    let renew = |process: &Arc<SqlStore>| {
        let (process, wanted) = (Arc::clone(process), wanted.clone());
        async move { process.renew_leases(&wanted, Share::Fair).await.unwrap().before }
    };
    let came: BTreeSet<u64> = futures_util::future::join_all(processes.iter().map(renew)).await.into_iter().collect();
    assert_eq!(came, (0..6).collect(), "at the moment each came");
    let again: BTreeSet<u64> = futures_util::future::join_all(processes.iter().map(renew)).await.into_iter().collect();
    assert_eq!(again, (0..6).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_away_too_long_writes_nothing_for_what_it_held() {
    let shared = Shared::new().await;
    let (first, second) = (shared.process().await, shared.process().await);
    let wanted = names(1);
    renewed(&first, &wanted).await;
    let mut action = planned(&first, "w0").await.unwrap();
    shared.expire(&first).await;
    let not_held = |result: Result<(), StoreError>| matches!(result, Err(StoreError::NotHeld { .. }));
    // Nobody has taken it over yet, and it is too late all the same.
    Transition::in_flight().apply_to(&mut action, at(1));
    assert!(not_held(first.write_intent(&mut action, reply_router::model::OptOutScope::Workspace).await.map(drop)));
    assert_eq!(renewed(&second, &wanted).await, (1, 0));
    assert!(not_held(first.write_intent(&mut action, reply_router::model::OptOutScope::Workspace).await.map(drop)));
    assert!(not_held(planned(&first, "w0").await.map(drop)));
    assert!(not_held(first.queue_rows("w0", &[row("x", 1)], at(1)).await));
    // It lives again, under another name, and has nothing.
    let before = first.replica();
    assert_eq!(renewed(&first, &wanted).await, (0, 0));
    assert_ne!(first.replica(), before);
    assert!(not_held(first.write_intent(&mut action, reply_router::model::OptOutScope::Workspace).await.map(drop)));
    second.write_intent(&mut action, reply_router::model::OptOutScope::Workspace).await.unwrap();
    // What is on its way there is not to be recovered here, although the version is known.
    let mut recovered = action.clone();
    Transition::retry_at(at(2), Reason::new(ReasonCode::Ambiguous, "")).apply_to(&mut recovered, at(2));
    assert!(not_held(first.recover_action(&mut recovered).await));
    assert_eq!(second.action(&action.id).await.unwrap().unwrap().state, ActionState::InFlight);
    second.recover_action(&mut recovered).await.unwrap();
    action = recovered;
    // What an operator approves on any of them is written: the version decides.
    let mut stale = action.clone();
    stale.version -= 1;
    assert!(matches!(first.update_action(&mut stale).await, Err(StoreError::Changed(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_s_budget_is_one_for_all_processes() {
    let shared = Shared::new().await;
    let request = GrantRequest { wanted: 5, per_minute: 23, per_hour: 1_000, used: None };
    let mut asking = Vec::new();
    for _ in 0..3 {
        let process = shared.process().await;
        asking.push(tokio::spawn(async move {
            let mut granted = 0;
            loop {
                match process.grant_requests("acme", request).await.unwrap() {
                    Grant::Granted { count, .. } => granted += count,
                    Grant::Wait(wait) => return (granted, wait),
                }
            }
        }));
    }
    let ended = futures_util::future::join_all(asking).await;
    let (granted, waits): (Vec<u32>, Vec<Duration>) = ended.into_iter().map(Result::unwrap).unzip();
    assert_eq!(granted.iter().sum::<u32>(), 23);
    assert!(waits.iter().all(|wait| (55..64).contains(&wait.as_secs())), "{waits:?}");
    // What was not used comes back; another key is another budget.
    let process = shared.process().await;
    assert_eq!(process.grant_requests("globex", request).await.unwrap(), {
        let id = 6;
        Grant::Granted { id, count: 5 }
    });
    let used = GrantRequest { used: Some((6, 1)), wanted: 100, ..request };
    assert!(matches!(process.grant_requests("globex", used).await.unwrap(), Grant::Granted { count: 22, .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_can_be_asked_of_whoever_runs_the_workspace() {
    let shared = Shared::new().await;
    let (first, second) = (shared.process().await, shared.process().await);
    let wanted = names(2);
    renewed(&first, &wanted).await;
    second.request_poll("w1").await.unwrap();
    second.request_poll("w1").await.unwrap();
    let polls = first.renew_leases(&wanted, Share::Fair).await.unwrap().polls;
    assert_eq!(polls, BTreeSet::from(["w1".to_owned()]));
    assert!(first.renew_leases(&wanted, Share::Fair).await.unwrap().polls.is_empty(), "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_writes_another_hears_at_once() {
    let shared = Shared::new().await;
    let (first, second) = (shared.process().await, shared.process().await);
    // The channel opens beside everything else: the news after it is heard.
    let began = std::time::Instant::now();
    loop {
        let waiting = tokio::spawn({
            let second = Arc::clone(&second);
            async move {
                let began = std::time::Instant::now();
                second.wait_for_others().await;
                began.elapsed()
            }
        });
        tokio::task::yield_now().await;
        planned(&first, "w0").await.unwrap_or_else(|error| panic!("{error}"));
        if waiting.await.unwrap() < Duration::from_millis(500) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "no news is heard");
    }
}
