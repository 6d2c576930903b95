//! A process that is killed in the middle of an erasure: the next one, or another process on the store, finishes it.

use super::raw::Raw;
use crate::{
    cli_fixture::{PATIENCE, binary, run},
    replicas::write_folder,
    service_process::{SERVICE, ServiceProcess},
    stores,
};
use reply_router::{
    simulator::{NewThread, RateLimits, Simulator},
    store::{AuditFilter, prelude::*},
};
use std::{path::PathBuf, time::Duration};

/// What is done of an erasure when the process dies: it is asked for; rows and decisions of two threads; opt-outs; the
/// audit log; the address itself.
const STEPS: usize = 8;

struct Killed {
    folder: tempfile::TempDir,
    simulator: Simulator,
}

impl Killed {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let address = match stores::on_postgres() {
            true => stores::database_of(&path).await,
            false => format!("sqlite:{}", path.display()),
        };
        let limits = RateLimits { per_minute: 1_000_000, per_hour: 1_000_000 };
        let mut simulators = write_folder(folder.path(), 1, "1s", &address, limits).await;
        let killed = Self { folder, simulator: simulators.pop().unwrap() };
        run(binary(killed.folder.path(), &["run", "--once"])).await.assert_exit(0);
        killed
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    async fn start(&self, failpoints: &str) -> ServiceProcess {
        let mut command = binary(self.folder.path(), SERVICE);
        command.env("REPLY_ROUTER_FAILPOINTS", failpoints);
        ServiceProcess::start(command).await
    }

    fn write(&self, number: usize, thread: usize) {
        let thread = NewThread::new(email(number)).name(format!("Quentina{number} Doe")).category(match thread {
            0 => "interested",
            _ => "not_interested",
        });
        self.simulator.workspace().add_thread(thread.message(format!("Sure, the zanzibar{number} clause.").as_str()));
    }
}

fn email(number: usize) -> String {
    format!("quentina{number}@erased{number}.example")
}

/// Until the service has decided on both threads of a person.
async fn wait_for_decisions(service: &ServiceProcess, number: usize) {
    let began = std::time::Instant::now();
    loop {
        let (_, text) = service.get(&format!("/api/v1/decisions?lead={}", email(number))).await;
        if text.matches("\"thread_id\"").count() >= 2 {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Nobody says any more that the processes which were killed live.
async fn expire_the_dead(store: &std::path::Path) {
    if !stores::on_postgres() {
        return;
    }
    let address = stores::database_of(store).await;
    let name = address.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    let sql =
        "UPDATE erasures SET at = 0; UPDATE replicas SET expires_at = 0 WHERE holder IN (SELECT holder FROM erasures)";
    tokio::task::spawn_blocking(move || stores::SERVER.query(&name, sql)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_next_finishes_an_erasure() {
    let killed = Killed::new().await;
    (0..STEPS).for_each(|number| (0..2).for_each(|thread| killed.write(number, thread)));
    for number in 0..STEPS {
        // On a server another process lives beside it.
        let other = if stores::on_postgres() { Some(killed.start("").await) } else { None };
        let mut service = killed.start(&format!("ErasureStep::{}", number + 1)).await;
        wait_for_decisions(&service, number).await;
        let pages = service.pages.clone();
        let asked = tokio::spawn(async move {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let body = format!("{{\"email\": \"{}\"}}", email(number));
            let request = client.post(format!("{pages}/api/v1/forget")).header("content-type", "application/json");
            request.body(body).send().await
        });
        service.wait_for_log("stopped at a failpoint").await;
        service.kill();
        assert!(asked.await.unwrap().is_err(), "nobody was told that it is done");
        expire_the_dead(&killed.store()).await;
        let mut next = match other {
            Some(other) => other,
            None => killed.start("").await,
        };
        next.wait_for_log("finished an erasure that was interrupted").await;
        next.terminate().await.assert_exit(0);
        let store = stores::open(&killed.store()).await.unwrap();
        let filter = AuditFilter { what: Some("person.forget".to_owned()), limit: 100, ..AuditFilter::default() };
        let lines = store.audit(&filter).await.unwrap();
        store.close().await;
        assert_eq!(lines.len(), number + 1, "one line for each who was erased: {lines:#?}");
        for line in lines {
            assert!(line.target.unwrap().starts_with("erased:") && !line.who.is_empty());
            assert!(
                line.details.contains_key("threads") && !line.details.contains_key("finished"),
                "{:?}",
                line.details
            );
        }
        let raw = Raw::at(&killed.store()).await;
        for word in
            [email(number), format!("Quentina{number} "), format!("zanzibar{number} "), format!("erased{number}.")]
        {
            assert!(!raw.has(&word), "{word} can be read after step {}", number + 1);
        }
        if number + 1 < STEPS {
            assert!(raw.has(&email(number + 1)), "nobody else was erased");
        }
    }
}
