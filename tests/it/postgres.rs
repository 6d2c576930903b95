//! What is of a store in PostgreSQL alone, and of a store that moves from one kind to the other.

mod plans;

use crate::{
    proxy::Proxy,
    store::{action, at, decision, row, upgrade},
    stores::{SERVER, Server},
};
use reply_router::{
    engine::DECISION_POLICY,
    model::{ActionId, ActionKind, ActionState, OptOutScope, new_decision_id},
    store::{ActionFilter, Copied, DecisionFilter, OptOut, SettledThread, Share, SqlStore, StoreError, prelude::*},
};
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

/// A new, empty database.
async fn database(name: &str) -> String {
    let name = format!("{name}_{}", uuid::Uuid::new_v4().simple());
    tokio::task::spawn_blocking(move || SERVER.database(&name)).await.unwrap()
}

/// A decision with a reply and a star, an opt-out, a pause, rows in line, and ids that are no UUIDs.
async fn fill(store: &SqlStore) {
    for number in 0..3 {
        let id = if number == 0 { "d0".to_owned() } else { new_decision_id() };
        let made = decision(&id, &format!("m{number}"), number);
        let mut actions = vec![
            action(&made, ActionKind::Reply, ActionState::Planned),
            action(&made, ActionKind::Star, ActionState::Done),
        ];
        if number == 2 {
            // Ids that the decision's tells.
            for (place, action) in actions.iter_mut().enumerate() {
                action.id = ActionId::of_decision(&id, place).unwrap();
            }
        }
        let settled =
            SettledThread { row: row("t", number), newest_inbound: made.message_id.clone(), ..Default::default() };
        store.record_decision(&made, None, actions, None, &settled, DECISION_POLICY).await.unwrap();
    }
    store.queue_rows("acme", &[row("next", 9)], at(9)).await.unwrap();
    let opt_out = OptOut {
        workspace: "acme".into(),
        email: "Zoë@acme.example".into(),
        since: at(1),
        evidence: "no\u{1F44E}".into(),
    };
    store.add_opt_out(&opt_out).await.unwrap();
    store.pause(Some("globex"), "a person", None, at(2)).await.unwrap();
}

/// All that the lists show.
async fn shown(store: &SqlStore) -> String {
    let actions = store.actions(&ActionFilter { limit: 100, ..ActionFilter::default() }).await.unwrap();
    let decisions = store.decisions(&DecisionFilter { limit: 100, ..DecisionFilter::default() }).await.unwrap();
    let pending = store.pending_threads("acme", 100).await.unwrap();
    let opt_outs = store.opt_outs(None, 0, 100).await.unwrap();
    let totals = store.action_totals().await.unwrap();
    let changes = store.changes(0, 1_000).await.unwrap();
    format!("{actions:#?}\n{decisions:#?}\n{pending:#?}\n{opt_outs:#?}\n{totals:#?}\n{changes:#?}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_moves_to_a_server_and_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = SqlStore::open(&folder.path().join("s.db")).await.unwrap();
    fill(&file).await;
    let server = SqlStore::connect(&database("moved").await).await.unwrap();
    let copied = server.copy_from(&file).await.unwrap();
    assert_eq!((copied.decisions, copied.actions, copied.threads, copied.opt_outs), (3, 6, 2, 1));
    assert_eq!(shown(&server).await, shown(&file).await);

    // It goes on where the other ended: no number is given twice.
    let made = decision("later", "m9", 9);
    let reply = action(&made, ActionKind::Reply, ActionState::Planned);
    let settled = SettledThread { row: row("t", 9), newest_inbound: Some("m9".to_owned()), ..Default::default() };
    server.record_decision(&made, None, vec![reply], None, &settled, DECISION_POLICY).await.unwrap();
    assert_eq!(server.decisions(&DecisionFilter { limit: 1, ..Default::default() }).await.unwrap()[0].id, "later");

    let back = SqlStore::open(&folder.path().join("back.db")).await.unwrap();
    let Copied { decisions, .. } = back.copy_from(&server).await.unwrap();
    assert_eq!(decisions, 4);
    assert_eq!(shown(&back).await, shown(&server).await);
    assert!(matches!(back.copy_from(&server).await, Err(StoreError::NotEmpty)), "records are never mixed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_is_reached_again_and_has_what_was_confirmed() {
    // A server of its own: the other tests go on beside it.
    let server = tokio::task::spawn_blocking(Server::start).await.unwrap();
    let store = Arc::new(SqlStore::connect(&server.database("restarted")).await.unwrap());
    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            let (mut confirmed, mut refused) = (Vec::new(), 0);
            let began = Instant::now();
            // Until a write was refused, and some more.
            while refused == 0 || confirmed.len() < refused + 50 {
                assert!(began.elapsed() < Duration::from_secs(60), "{} confirmed, {refused} refused", confirmed.len());
                let email = format!("lead{}@acme.example", uuid::Uuid::new_v4().simple());
                let opt_out =
                    OptOut { workspace: "acme".into(), email: email.clone(), since: at(0), evidence: String::new() };
                match store.add_opt_out(&opt_out).await {
                    Ok(()) => confirmed.push(email),
                    Err(_) => refused += 1,
                }
            }
            confirmed
        }
    });
    let server = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(300));
        server.restart();
        server
    });
    let (confirmed, server) = (writing.await.unwrap(), server.await.unwrap());
    let there = store.opt_outs(None, 0, 1_000_000).await.unwrap();
    let there: Vec<&str> = there.iter().map(|opt_out| opt_out.email.as_str()).collect();
    assert!(confirmed.iter().all(|email| there.contains(&email.as_str())), "a confirmed write is gone");
    drop(server);
}

/// As [`crate::store::upgrade`] shows it of files.
#[tokio::test(flavor = "multi_thread")]
async fn tables_of_an_earlier_version_are_brought_up_to_date() {
    let name = format!("earlier_{}", uuid::Uuid::new_v4().simple());
    let address = SERVER.database(&name);
    let store = SqlStore::connect(&address).await.unwrap();
    upgrade::record_matches(&store, "globex").await;
    store.close().await;
    SERVER.query(&name, upgrade::MATCHES_OF_ALL);
    SERVER.query(
        &name,
        "DROP TABLE commits, alerts, erasures; DROP INDEX actions_left; ALTER TABLE threads DROP COLUMN lead; ALTER TABLE replicas DROP COLUMN workspaces;
         DROP INDEX actions_uid, actions_sent, actions_sent_by_rule;
         ALTER TABLE actions ALTER COLUMN uid SET NOT NULL, ADD UNIQUE (uid);
         CREATE INDEX actions_sent ON actions (workspace, kind, sent_at) WHERE sent_at IS NOT NULL;
         CREATE INDEX actions_sent_by_rule ON actions (rule, kind, sent_at) WHERE sent_at IS NOT NULL;
         UPDATE schema_version SET version = 1",
    );
    let looking = SqlStore::connect_read_only(&address).await;
    let Err(StoreError::Server { detail, .. }) = looking else { panic!("{looking:?}") };
    assert!(detail.contains("earlier version"), "{detail}");
    // Two at once: one brings it up to date, the other waits for that.
    let (one, other) = tokio::join!(SqlStore::connect(&address), SqlStore::connect(&address));
    let wanted = [(None, 3), (Some("acme".to_owned()), 2), (Some("globex".to_owned()), 1)];
    for store in [one.unwrap(), other.unwrap()] {
        assert_eq!(upgrade::matches_by_workspace(&store).await, wanted);
    }
    assert_eq!(SERVER.query(&name, "SELECT max(version) FROM schema_version").trim(), "8");
    let fresh = format!("fresh_{}", uuid::Uuid::new_v4().simple());
    SqlStore::connect(&SERVER.database(&fresh)).await.unwrap().close().await;
    for all in [
        "SELECT string_agg(indexdef, chr(10) ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT string_agg(table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable, chr(10)
           ORDER BY table_name, column_name) FROM information_schema.columns WHERE table_schema = 'public'",
    ] {
        assert_eq!(SERVER.query(&name, all), SERVER.query(&fresh, all), "as if its tables were new");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_a_newer_version_are_refused() {
    let name = format!("newer_{}", uuid::Uuid::new_v4().simple());
    let address = SERVER.database(&name);
    SqlStore::connect(&address).await.unwrap().close().await;
    SERVER.query(&name, "UPDATE schema_version SET version = 999");
    let opened = SqlStore::connect(&address).await;
    assert!(matches!(opened, Err(StoreError::NewerSchema { .. })), "{opened:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_reached_with_tls_and_its_certificate_is_checked() {
    let authority = |name: &str| {
        let mut params = rcgen::CertificateParams::new([]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        (rcgen::Issuer::new(params, key), pem)
    };
    let ((ours, our_pem), (_, other_pem)) = (authority("ours"), authority("another"));
    let key = rcgen::KeyPair::generate().unwrap();
    let signed = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &ours).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).display().to_string()
    };
    let (trusted, other, empty) =
        (file("ca.pem", &our_pem), file("other.pem", &other_pem), file("empty.pem", "none\n"));
    let server = tokio::task::spawn_blocking(move || {
        let server = Server::start();
        server.encrypt(&signed.pem(), &key.serialize_pem());
        server
    });
    let server = server.await.unwrap();
    let address = server.database("encrypted");
    let began = Instant::now();
    while server.query("postgres", "SHOW ssl") != "on" {
        assert!(began.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let with = |words: &str| address.replace("sslmode=disable", words);

    let store = SqlStore::connect(&with(&format!("sslmode=verify-full&sslrootcert={trusted}"))).await.unwrap();
    fill(&store).await;
    let encrypted =
        "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = 'encrypted' AND NOT ssl";
    assert_eq!(server.query("postgres", encrypted), "0");
    store.close().await;
    for (words, expected) in [
        ("sslmode=require".to_owned(), "?sslrootcert="),
        // Nobody asked for encryption; where it is offered, it is checked.
        ("connect_timeout=5".to_owned(), "?sslmode=disable"),
        (format!("sslmode=require&sslrootcert={other}"), "certificate"),
        (format!("sslmode=require&sslrootcert={empty}"), "no PEM certificate"),
        ("sslmode=require&sslrootcert=nowhere.pem".to_owned(), "nowhere.pem"),
    ] {
        let error = SqlStore::connect(&with(&words)).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{words}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_a_clear_error_without_the_password() {
    let error = SqlStore::connect("postgres://router:hunter2@127.0.0.1:1/router?sslmode=disable").await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("127.0.0.1") && text.contains("refused"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("folder"), "{text}");
    let error = SqlStore::connect("postgres://router:hunter2@127.0.0.1:1/router?foo=1").await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("foo") && !text.contains("hunter2") && !text.contains("folder"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_at_any_byte_leaves_an_error_that_means_nothing_was_written() {
    let direct = database("cut").await;
    let looking = SqlStore::connect(&direct).await.unwrap();
    let door = Proxy::start(([127, 0, 0, 1], SERVER.port()).into()).await;
    let through = direct.replace(&format!(":{}/", SERVER.port()), &format!(":{}/", door.address().port()));
    // Nothing but the writing connection passes: no news, and no statement that was prepared before.
    let through = format!("{through}&pgbouncer=true");
    let write = async |limit: (usize, usize)| {
        door.limit([limit]);
        let store = SqlStore::connect(&through).await.unwrap();
        let opened = door.take_byte_counts();
        let email = format!("lead{}@acme.example", uuid::Uuid::new_v4().simple());
        let opt_out = OptOut { workspace: "acme".into(), email: email.clone(), since: at(0), evidence: String::new() };
        let written = store.add_opt_out(&opt_out).await;
        let is_there = looking.opt_out("acme", &email, OptOutScope::Workspace).await.unwrap().is_some();
        assert_eq!(written.is_ok(), is_there, "{limit:?}: {written:?}");
        (written.is_ok(), opened, door.take_byte_counts())
    };
    let whole = usize::MAX;
    let (is_written, (asked, answered), (asks, answers)) = write((whole, whole)).await;
    assert!(is_written && asks > 200 && answers > 100, "{asks} {answers}");
    let mut ends = [0, 0];
    for cut in (1..=asks).step_by(9) {
        ends[usize::from(write((asked + cut, whole)).await.0)] += 1;
    }
    for cut in (1..=answers).step_by(3) {
        ends[usize::from(write((whole, answered + cut)).await.0)] += 1;
    }
    assert!(ends.iter().all(|count| *count > 3), "some were written and some were not: {ends:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_not_taken_for_another_ones_on_a_server_that_takes_over_without_it() {
    let server = tokio::task::spawn_blocking(Server::start).await.unwrap();
    let direct = server.database("failed_over");
    SqlStore::connect(&direct).await.unwrap().close().await;
    // One server that has not come as far as the first, and one that has given its numbers to other transactions.
    for later in [0, 500] {
        let standby = server.copy();
        standby.query("failed_over", &"SELECT pg_current_xact_id();".repeat(later));
        let door = Proxy::start(([127, 0, 0, 1], server.port()).into()).await;
        let through = direct.replace(&format!(":{}/", server.port()), &format!(":{}/", door.address().port()));
        // Nothing but the writing connection passes: no news, and no statement that was prepared before.
        let through = format!("{through}&pgbouncer=true");
        let write = async |store: &SqlStore| {
            let email = format!("lead{}@acme.example", uuid::Uuid::new_v4().simple());
            let opt_out =
                OptOut { workspace: "acme".into(), email: email.clone(), since: at(0), evidence: String::new() };
            let written = tokio::time::timeout(Duration::from_secs(30), store.add_opt_out(&opt_out)).await;
            (written.expect("the end of the commit is known"), email)
        };
        let whole = SqlStore::connect(&through).await.unwrap();
        let (_, opened) = door.take_byte_counts();
        assert!(write(&whole).await.0.is_ok());
        let (_, answers) = door.take_byte_counts();
        whole.close().await;

        // All of the commit's answer is lost but its beginning, and with it the server.
        door.limit([(usize::MAX, opened + answers - 5)]);
        let store = SqlStore::connect(&through).await.unwrap();
        door.lead_to(([127, 0, 0, 1], standby.port()).into());
        let (written, email) = write(&store).await;
        let find = format!("SELECT count(*) FROM opt_outs WHERE email = '{email}'");
        assert_eq!(server.query("failed_over", &find), "1", "the first server has it");
        assert!(written.is_err(), "the other one has not: {written:?}");
        assert_eq!(standby.query("failed_over", &find), "0");
        let (again, _) = write(&store).await;
        assert!(again.is_ok(), "{again:?}");
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_whose_connections_were_cut_are_as_good_as_new() {
    let direct = database("readers").await;
    let door = Proxy::start(([127, 0, 0, 1], SERVER.port()).into()).await;
    let through = direct.replace(&format!(":{}/", SERVER.port()), &format!(":{}/", door.address().port()));
    let store = SqlStore::connect(&through).await.unwrap();
    for round in 0..10 {
        // What is asked while nobody listens fails, in the middle of a look or at its beginning.
        door.refuse().await;
        door.cut();
        for _ in 0..12 {
            let _ = store.lead_facts("acme", "t", Some("jane@acme.example"), OptOutScope::Workspace).await;
            let _ = store.opt_outs(None, 0, 10).await;
        }
        door.accept().await;
        // A connection that was cut may be noticed by one question of each.
        for _ in 0..4 {
            let _ = store.lead_facts("acme", "t", Some("jane@acme.example"), OptOutScope::Workspace).await;
        }
        for question in 0..12 {
            let answer = store.lead_facts("acme", "t", Some("jane@acme.example"), OptOutScope::Workspace).await;
            assert!(answer.is_ok(), "round {round}, question {question}: {answer:?}");
        }
        assert!(store.opt_outs(None, 0, 10).await.is_ok(), "round {round}");
    }
}

/// A pooler in transaction mode before the server.
struct Pooler {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Pooler {
    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("reply-router-pooler-").tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = 3\nunix_socket_dir =\n",
            SERVER.port()
        );
        // With `any`, the pooler signs in as the user that the address of the database names.
        std::fs::write(
            &settings,
            text.replace(&format!("port={}", SERVER.port()), &format!("port={} user=postgres", SERVER.port())),
        )
        .unwrap();
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].into_iter().find(|path| Path::new(path).exists());
        let program = program.expect("PgBouncer is not installed: run tests/setup.sh");
        let mut command = Command::new(program);
        if rustix::process::getuid().is_root() {
            assert!(Command::new("chown").args(["-R", "postgres"]).arg(folder.path()).status().unwrap().success());
            command.args(["-u", "postgres"]);
        }
        let process = command.arg("-q").arg(&settings).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "PgBouncer does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, port, _folder: folder }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_in_transaction_mode_works_when_it_is_named_and_is_told_of_when_it_is_not() {
    let direct = database("pooled").await;
    let pooler = tokio::task::spawn_blocking(Pooler::start).await.unwrap();
    let address = direct.replace(&format!(":{}/", SERVER.port()), &format!(":{}/", pooler.port));
    let store = Arc::new(SqlStore::connect(&format!("{address}&pgbouncer=true")).await.unwrap());
    fill(&store).await;
    // Everybody at once, over fewer connections than there are askers.
    let asking = (0..40).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { shown(&store).await })
    });
    let answers = futures_util::future::join_all(asking).await;
    let expected = shown(&SqlStore::connect(&direct).await.unwrap()).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap() == expected));

    // Not named, statements that were prepared on another connection are missing, sooner or later.
    let store = Arc::new(SqlStore::connect(&address).await.unwrap());
    let asking = (0..200).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store.opt_out("acme", &format!("lead{number}@acme.example"), OptOutScope::Workspace).await
        })
    });
    let answers = futures_util::future::join_all(asking).await;
    let told = answers.into_iter().filter_map(|answer| answer.unwrap().err()).map(|error| error.to_string());
    let told: Vec<String> = told.collect();
    assert!(!told.is_empty() && told.iter().all(|error| error.contains("pgbouncer=true")), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_copies_a_store_and_names_what_it_copied() {
    let folder = tempfile::tempdir().unwrap();
    let file = SqlStore::open(&folder.path().join("s.db")).await.unwrap();
    fill(&file).await;
    let expected = shown(&file).await;
    let address = database("copied").await;
    let copy = |from: &str, to: &str| {
        let mut command = crate::cli_fixture::binary(folder.path(), &["store", "copy", from, to]);
        command.env("STORE_ADDRESS", &address);
        command
    };
    let run = async |from: &str, to: &str| crate::cli_fixture::run(copy(from, to)).await;
    // Nobody copies what is being written.
    run("sqlite:s.db", "${STORE_ADDRESS}").await.assert_exit(1);
    file.close().await;
    drop(file);
    let said = ["copied 2 threads, 3 decisions, 6 actions and 1 opt-out", "compared each row"];
    run("sqlite:s.db", "${STORE_ADDRESS}").await.assert_exit(0).assert_prints(&said);
    assert_eq!(shown(&SqlStore::connect(&address).await.unwrap()).await, expected);
    run("${STORE_ADDRESS}", "sqlite:back.db").await.assert_exit(0).assert_prints(&said);
    let again = run("${STORE_ADDRESS}", "sqlite:back.db").await.assert_exit(1);
    assert!(again.err.contains("name an empty one"), "{again:#?}");
    let missing = run("sqlite:nowhere.db", "sqlite:x.db").await.assert_exit(1);
    assert!(missing.err.contains("nowhere.db does not exist"), "{missing:#?}");
    let unknown = run("mysql://db", "sqlite:x.db").await.assert_exit(1);
    assert!(unknown.err.contains("written like"), "{unknown:#?}");
    assert!(!folder.path().join("nowhere.db").exists());
    // On a server anybody may be at it.
    let replica = SqlStore::connect(&address).await.unwrap();
    replica.renew_leases(&["acme".to_owned()], Share::Fair).await.unwrap();
    for (from, to) in [("${STORE_ADDRESS}", "sqlite:late.db"), ("sqlite:back.db", "${STORE_ADDRESS}")] {
        let used = run(from, to).await.assert_exit(1);
        assert!(used.err.contains(&replica.replica()) && used.err.contains("stop them first"), "{used:#?}");
    }
    replica.leave().await.unwrap();
    run("${STORE_ADDRESS}", "sqlite:late.db").await.assert_exit(0).assert_prints(&said);
}
