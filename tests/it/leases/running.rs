//! An engine on a database that processes share, while the server is silent and while the configuration is replaced.

use super::Shared;
use crate::{
    fixture::HOT,
    supervisor::{Gate, parts},
};
use reply_router::{
    engine::{Engine, EngineParts, SystemClock, TestHooks, WorkspaceParts},
    rules::{LoadContext, RuleSet},
    simulator::{Inbox, NewThread, Options, Simulator},
    store::{Share, SqlStore, leases::LEASE, prelude::*},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(30);

/// Ends when `holds` does.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Nobody can tell that it lives until this is dropped: the table is locked.
struct Silence {
    shared: String,
    locking: tokio_postgres::Client,
}

impl Silence {
    async fn of(shared: &Shared) -> Self {
        let (locking, connection) = tokio_postgres::connect(&shared.address, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        locking.batch_execute("BEGIN; LOCK TABLE replicas IN ACCESS EXCLUSIVE MODE").await.unwrap();
        Self { shared: shared.address.clone(), locking }
    }

    /// Ends when somebody waits for the table.
    async fn until_somebody_waits(&self) {
        let (asking, connection) = tokio_postgres::connect(&self.shared, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        until("a renewal waits", async || {
            let waits = "SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                 WHERE c.relname = 'replicas' AND NOT l.granted
                 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
            asking.query_one(waits, &[]).await.unwrap().get(0)
        })
        .await;
    }

    async fn end(self) {
        self.locking.batch_execute("ROLLBACK").await.unwrap();
    }
}

struct Running {
    engine: Arc<Engine>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(store: Arc<SqlStore>, workspaces: Vec<WorkspaceParts>, test_hooks: Option<Arc<dyn TestHooks>>) -> Self {
        let engine = Engine::new(EngineParts {
            store,
            rules: RuleSet::parse(&[("rules.yaml", HOT)], &LoadContext::default()).unwrap(),
            workspaces,
            public_url: None,
            clock: Arc::new(SystemClock),
            dry_run: false,
            test_hooks,
        });
        let (stop, running) = (CancellationToken::new(), Arc::clone(&engine));
        let shutdown = stop.clone();
        let task = tokio::spawn(async move { running.run(shutdown).await });
        Self { engine, stop, task }
    }

    async fn end(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

async fn account() -> Simulator {
    Simulator::start(Options { inbox: Inbox::Empty, ..Options::for_tests() }).await.unwrap()
}

/// The workspace with another setting.
fn changed(name: &str, account: &Simulator) -> WorkspaceParts {
    let mut parts = parts(name, account);
    parts.settings.safety.replies_per_hour = 7;
    parts
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_ends_before_its_lease_although_the_server_is_silent() {
    let (shared, account) = (Shared::new().await, account().await);
    let running = Running::start(shared.process().await, vec![parts("acme", &account)], None);
    until("it runs", async || running.engine.holds("acme")).await;
    let silence = Silence::of(&shared).await;
    let began = Instant::now();
    until("it ends", async || !running.engine.holds("acme")).await;
    let lasted = began.elapsed();
    assert!(lasted < LEASE, "others may have taken it for {:?}", lasted - LEASE);
    silence.end().await;
    until("it runs again", async || running.engine.holds("acme")).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_ends_while_leases_are_renewed_holds() {
    let (shared, account) = (Shared::new().await, account().await);
    let process = shared.process().await;
    let silence = Silence::of(&shared).await;
    let running = Running::start(process, vec![parts("acme", &account), parts("globex", &account)], None);
    silence.until_somebody_waits().await;
    let report = running.engine.replace(None, vec![changed("acme", &account)]).await;
    assert_eq!((report.changed, report.removed), (vec!["acme".to_owned()], vec!["globex".to_owned()]));
    silence.end().await;
    until("it runs", async || running.engine.holds("acme")).await;
    let workspaces = running.engine.workspaces();
    assert_eq!(workspaces.iter().map(|found| found.name()).collect::<Vec<_>>(), ["acme"]);
    assert_eq!(workspaces[0].safety().replies_per_hour, 7);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gained_while_a_reload_waits_begins_anew() {
    let (shared, acme, globex) = (Shared::new().await, account().await, account().await);
    let (process, other) = (shared.process().await, shared.process().await);
    let theirs = ["globex".to_owned()];
    other.renew_leases(&theirs, Share::Fair).await.unwrap();
    let keeping = tokio::spawn({
        let other = Arc::clone(&other);
        async move {
            loop {
                tokio::time::sleep(Duration::from_millis(500)).await;
                other.renew_leases(&theirs, Share::Fair).await.unwrap();
            }
        }
    });
    let gate = Arc::new(Gate { come: Semaphore::new(0), go: Semaphore::new(0) });
    let both = vec![parts("acme", &acme), parts("globex", &globex)];
    let running = Running::start(process, both.clone(), Some(Arc::clone(&gate) as Arc<dyn TestHooks>));
    until("acme is polled", async || running.engine.workspace("acme").unwrap().status().last_poll.is_some()).await;
    let lead = NewThread::new("jane@acme.example").name("Jane Doe").category("interested").campaign("Q1 Launch");
    acme.workspace().add_thread(lead.message("Give me a call."));
    gate.come.acquire().await.unwrap().forget();
    let before = running.engine.workspace("globex").unwrap();
    assert!(!running.engine.holds("globex"));

    // A reply of `acme` is on its way: the reload waits for it. Meanwhile `globex` comes here.
    let reloading = tokio::spawn({
        let (engine, parts) = (Arc::clone(&running.engine), vec![changed("acme", &acme), both[1].clone()]);
        async move { engine.replace(None, parts).await }
    });
    keeping.abort();
    let _ = keeping.await;
    other.leave().await.unwrap();
    until("globex is gained", async || running.engine.holds("globex")).await;
    let anew = running.engine.workspace("globex").unwrap();
    assert!(!Arc::ptr_eq(&before, &anew), "what was remembered of it may be of before the other process ran it");
    assert!(!reloading.is_finished());
    gate.go.add_permits(1);
    assert_eq!(reloading.await.unwrap().changed, ["acme"]);
    assert!(Arc::ptr_eq(&anew, &running.engine.workspace("globex").unwrap()), "it runs on");
    assert_eq!(running.engine.workspace("acme").unwrap().safety().replies_per_hour, 7);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_keeps_the_lease_of_what_is_on_its_way() {
    let (shared, acme, globex) = (Shared::new().await, account().await, account().await);
    let (process, other) = (shared.process().await, shared.process().await);
    let gate = Arc::new(Gate { come: Semaphore::new(0), go: Semaphore::new(0) });
    let both = vec![parts("acme", &acme), parts("globex", &globex)];
    let running = Running::start(Arc::clone(&process), both, Some(Arc::clone(&gate) as Arc<dyn TestHooks>));
    until("acme is polled", async || running.engine.workspace("acme").unwrap().status().last_poll.is_some()).await;
    let lead = NewThread::new("jane@acme.example").name("Jane Doe").category("interested").campaign("Q1 Launch");
    acme.workspace().add_thread(lead.message("Give me a call."));
    gate.come.acquire().await.unwrap().forget();

    running.stop.cancel();
    let (asking, connection) = tokio_postgres::connect(&shared.address, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let holder = process.replica();
    let expires = async || -> i64 {
        let sql = "SELECT coalesce((SELECT expires_at FROM replicas WHERE holder = $1), 0)";
        asking.query_one(sql, &[&holder]).await.unwrap().get(0)
    };
    let first = expires().await;
    assert!(first > 0);
    // Two renewals after the end began.
    until("its lease is renewed", async || expires().await > first + 1_500_000).await;
    let names = ["acme".to_owned(), "globex".to_owned()];
    let taken = async || other.renew_leases(&names, Share::Fair).await.unwrap().workspaces;
    until("what has stopped is left to others", async || taken().await.contains("globex")).await;
    assert!(!taken().await.contains("acme"), "its reply is on its way");
    gate.go.add_permits(1);
    running.end().await;
    until("what has ended is left to others", async || taken().await.contains("acme")).await;
}
