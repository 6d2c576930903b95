//! Stores that earlier versions have written: read as they are, and brought up to date when the service opens them.

use super::{action, at, decision, row};
use reply_router::{
    engine::DECISION_POLICY,
    model::{Action, ActionKind, ActionState, Attempt, AttemptOutcome, OptOutScope, Payload, Reason, ReasonCode},
    store::{ActionFilter, DecisionFilter, DecisionRecord, SettledThread, SqlStore, StoreError, prelude::*},
};
use rusqlite::{Connection, params};
use std::path::Path;

const STEPS: [&str; 7] = [
    include_str!("../../../src/store/sql/sqlite/legacy/0001_init.sql"),
    include_str!("../../../src/store/sql/sqlite/legacy/0002_marks.sql"),
    include_str!("../../../src/store/sql/sqlite/legacy/0003_admin.sql"),
    include_str!("../../../src/store/sql/sqlite/legacy/0004_ready.sql"),
    include_str!("../../../src/store/sql/sqlite/legacy/0005_identity.sql"),
    include_str!("../../../src/store/sql/sqlite/legacy/0006_guard.sql"),
    include_str!("../../../src/store/sql/sqlite/legacy/0007_lanes.sql"),
];

/// A store as the version left it, with what it had to say.
struct OldStore {
    folder: tempfile::TempDir,
    decisions: Vec<DecisionRecord>,
    actions: Vec<Action>,
}

impl OldStore {
    fn new(version: usize) -> Self {
        let mut old = Self { folder: tempfile::tempdir().unwrap(), decisions: Vec::new(), actions: Vec::new() };
        for number in 0..30_usize {
            let mut made = decision(&format!("d{number:02}"), &format!("m{number}"), i64::try_from(number).unwrap());
            made.thread_id = format!("t{}", number % 10);
            made.trace.campaign = (number % 3 == 0).then(|| "Q1 Launch".to_owned());
            made.trace.body = Some(format!("Sure, call number {number}"));
            let states = ActionState::ALL;
            for (place, kind) in ActionKind::ALL.into_iter().enumerate() {
                let mut planned = action(&made, kind, states[(number + place) % states.len()]);
                planned.id = reply_router::model::ActionId(format!("a{number:02}-{place}"));
                planned.due_at = planned.comes_up().then_some(at(99));
                planned.reason = (place == 2).then(|| Reason::new(ReasonCode::Limit, "used up"));
                planned.sent_at = (place == 1).then_some(at(7));
                planned.payload = if kind == ActionKind::Reply { planned.payload } else { Payload::None };
                planned.attempts =
                    vec![Attempt { at: at(7), outcome: AttemptOutcome::Accepted, status: Some(200), body: None }];
                old.actions.push(planned);
            }
            old.decisions.push(made);
        }
        let connection = Connection::open(old.path()).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection
            .execute_batch(
                "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP
                   NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)",
            )
            .unwrap();
        for (number, step) in (1..).zip(STEPS).take(version) {
            connection.execute_batch(step).unwrap();
            connection.execute("INSERT INTO _sqlx_migrations VALUES (?, '', '', 1, x'', 0)", [number]).unwrap();
        }
        old.fill(&connection, version);
        old
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("s.db")
    }

    fn fill(&self, connection: &Connection, version: usize) {
        let json = |value: &dyn erased::Json| value.json();
        connection.execute("INSERT INTO workspaces VALUES ('acme', '{\"total_count\":7}')", []).unwrap();
        for number in 0..10 {
            let known = row(&format!("t{number}"), 0);
            connection
                .execute(
                    "INSERT INTO threads (workspace, thread_id, row, newest_inbound, pending_row, pending_since, first_seen_at)
                     VALUES ('acme', ?1, ?2, 'm', CASE WHEN ?3 THEN ?2 END, CASE WHEN ?3 THEN 5 END, 3)",
                    params![known.id, json(&known), number == 4],
                )
                .unwrap();
        }
        for made in &self.decisions {
            connection
                .execute(
                    "INSERT INTO decisions (id, workspace, thread_id, message_id, lead_email, at, event, matched, trace)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    params![
                        made.id,
                        made.workspace,
                        made.thread_id,
                        made.message_id,
                        made.lead_email,
                        made.at.as_microsecond(),
                        made.event.as_str(),
                        json(&made.matched),
                        json(&made.trace)
                    ],
                )
                .unwrap();
            connection
                .execute("INSERT INTO decision_rules VALUES ('hot', ?, ?)", params![made.at.as_microsecond(), made.id])
                .unwrap();
        }
        for done in &self.actions {
            let micros = |at: Option<jiff::Timestamp>| at.map(|at| at.as_microsecond());
            connection
                .execute(
                    "INSERT INTO actions (id, workspace, decision_id, thread_id, message_id, message_key, lead_email, rule,
                     position, kind, target, state, reason_code, reason_text, payload, timing, any_sender, any_auto_reply,
                     approved, message_at, outgoing_before, attempts, due_at, sent_at, created_at, updated_at, version)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    params![
                        done.id.0,
                        done.workspace,
                        done.decision_id,
                        done.thread_id,
                        done.message_id,
                        done.message_key(),
                        done.lead_email,
                        done.rule,
                        done.position,
                        done.kind.as_str(),
                        done.target,
                        done.state.as_str(),
                        done.reason.as_ref().map(|reason| reason.code.as_str()),
                        done.reason.as_ref().map(|reason| reason.text.clone()),
                        json(&done.payload),
                        json(&done.timing),
                        done.any_sender,
                        done.any_auto_reply,
                        done.approved,
                        micros(done.message_at),
                        json(&done.outgoing_before),
                        json(&done.attempts),
                        micros(done.due_at),
                        micros(done.sent_at),
                        done.created_at.as_microsecond(),
                        done.updated_at.as_microsecond(),
                        done.version
                    ],
                )
                .unwrap();
        }
        connection.execute("INSERT INTO opt_outs VALUES ('acme', 'jo@acme.example', 3, 'remove me')", []).unwrap();
        if version >= 3 {
            connection.execute("INSERT INTO pauses VALUES ('acme', 3, 'holiday', 'token')", []).unwrap();
        }
        if version >= 6 {
            connection.execute("INSERT INTO last_outgoing VALUES ('acme', 't1', '[\"o7\"]')", []).unwrap();
        }
    }

    async fn is_all_in(&self, store: &SqlStore) {
        let filter = DecisionFilter { limit: 100, ..DecisionFilter::default() };
        let mut decisions = store.decisions(&filter).await.unwrap();
        decisions.reverse();
        assert_eq!(decisions, self.decisions);
        let mut actions = store.actions(&ActionFilter { limit: 10_000, ..ActionFilter::default() }).await.unwrap();
        actions.reverse();
        assert_eq!(actions, self.actions);
        let filter = ActionFilter { campaign: Some("q1 launch".to_owned()), limit: 1_000, ..ActionFilter::default() };
        assert_eq!(store.actions(&filter).await.unwrap().len(), 10 * ActionKind::ALL.len());
        assert_eq!(store.match_counts(None, None).await.unwrap()["hot"], 30);
        let totals = store.match_totals(None).await.unwrap();
        let hot = totals.iter().find(|total| total.rule == "hot").unwrap();
        assert_eq!((hot.workspace.as_deref(), hot.count, hot.last_at), (Some("acme"), 30, at(29)));
        assert_eq!(store.queue_counts(None).await.unwrap().values().sum::<u64>(), self.actions.len() as u64);
        assert_eq!(store.pending_threads("acme", 100).await.unwrap()[0].row.id, "t4");
        assert_eq!(store.workspace_state("acme").await.unwrap().total_count, Some(7));
        assert!(store.opt_out("acme", "jo@acme.example", OptOutScope::Workspace).await.unwrap().is_some());
    }
}

/// Values of any kind as JSON.
mod erased {
    pub(super) trait Json {
        fn json(&self) -> String;
    }
    impl<T: serde::Serialize> Json for T {
        fn json(&self) -> String {
            serde_json::to_string(self).unwrap()
        }
    }
}

fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[tokio::test]
async fn stores_of_all_versions_are_read_as_they_are_and_brought_up_to_date() {
    for version in [1, 3, 7] {
        let old = OldStore::new(version);
        let before = std::fs::read(old.path()).unwrap();
        for copy in [
            SqlStore::in_memory_copy(Some(&old.path())).await.unwrap(),
            SqlStore::open_snapshot(&old.path()).await.unwrap(),
        ] {
            old.is_all_in(&copy).await;
            copy.close().await;
        }
        assert!(std::fs::read(old.path()).unwrap() == before, "who only looks changes nothing");
        // Somebody was interrupted: what they left is no use.
        std::fs::write(old.folder.path().join("s.db.upgrading"), "half of it").unwrap();
        let store = SqlStore::open(&old.path()).await.unwrap();
        old.is_all_in(&store).await;
        let pauses = store.pauses().await.unwrap();
        assert_eq!(
            pauses.iter().map(|pause| &*pause.reason).collect::<Vec<_>>(),
            if version < 3 { vec![] } else { vec!["holiday"] }
        );
        if version >= 6 {
            assert_eq!(store.last_outgoing("acme", "t1").await.unwrap(), ["o7"]);
        }
        store.add_own_addresses(&["Sam@us.example".to_owned()]).await.unwrap();
        store.close().await;
        drop(store);
        assert_eq!(files(old.folder.path()), ["s.db", "s.db.lock"]);
        let again = SqlStore::open(&old.path()).await.unwrap();
        old.is_all_in(&again).await;
        assert!(again.is_own_address("sam@US.example").await.unwrap());
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_stops_it_and_the_old_store_stays() {
    let old = OldStore::new(7);
    let connection = Connection::open(old.path()).unwrap();
    connection.execute("UPDATE actions SET payload = '{\"type\":\"unheard_of\"}' WHERE id = 'a07-3'", []).unwrap();
    drop(connection);
    let opened = SqlStore::open(&old.path()).await;
    assert!(matches!(&opened, Err(StoreError::Unreadable(why)) if why.contains("unheard_of")), "{opened:?}");
    let connection = Connection::open(old.path()).unwrap();
    let count: i64 = connection.query_row("SELECT count(*) FROM actions", [], |row| row.get(0)).unwrap();
    assert_eq!(usize::try_from(count).unwrap(), old.actions.len());
    connection.execute("UPDATE actions SET payload = '{\"type\":\"none\"}' WHERE id = 'a07-3'", []).unwrap();
    drop(connection);
    SqlStore::open(&old.path()).await.unwrap();
}

/// The matches as they were counted before each workspace's own were, with three of each that are no longer there.
pub(crate) const MATCHES_OF_ALL: &str = "
    CREATE TABLE of_all AS SELECT hour, rule, CAST(sum(count) AS BIGINT) AS count, max(last_at) AS last_at
      FROM match_hours GROUP BY hour, rule;
    DROP TABLE match_hours;
    CREATE TABLE match_hours (hour BIGINT NOT NULL, rule BIGINT NOT NULL, count BIGINT NOT NULL, last_at BIGINT NOT NULL,
      PRIMARY KEY (hour, rule));
    INSERT INTO match_hours SELECT hour, rule, count + 3, last_at FROM of_all;
    DROP TABLE of_all;";

/// Two matches in `acme` and one in `globex`, or all three in `acme`.
pub(crate) async fn record_matches(store: &SqlStore, second: &str) {
    for (number, workspace) in ["acme", "acme", second].into_iter().enumerate() {
        let mut made = decision(&format!("d{number}"), &format!("m{number}"), i64::try_from(number).unwrap());
        (made.workspace, made.thread_id) = (workspace.to_owned(), format!("t{number}"));
        let settled = SettledThread { row: row(&made.thread_id, 0), ..SettledThread::default() };
        store.record_decision(&made, None, vec![], None, &settled, DECISION_POLICY).await.unwrap();
    }
}

/// How often `hot` matched in each workspace, over all time and today.
pub(crate) async fn matches_by_workspace(store: &SqlStore) -> Vec<(Option<String>, u64)> {
    let mut totals = store.match_totals(None).await.unwrap();
    totals.sort_by(|left, right| left.workspace.cmp(&right.workspace));
    for total in &totals {
        let names = total.workspace.as_ref().map(std::slice::from_ref);
        let counted = store.match_counts(names, None).await.unwrap()["hot"];
        if names.is_some() {
            assert_eq!(counted, total.count, "{totals:?}");
            let days = store.day_counts(names, at(-86_400)).await.unwrap();
            assert_eq!(days.iter().map(|day| day.matched).sum::<u64>(), total.count, "{days:?}");
        }
    }
    totals.into_iter().map(|total| (total.workspace, total.count)).collect()
}

#[tokio::test]
async fn matches_of_before_belong_to_the_workspaces_that_are_known() {
    for (second, wanted) in [
        ("acme", vec![(Some("acme".to_owned()), 6)]),
        ("globex", vec![(None, 3), (Some("acme".to_owned()), 2), (Some("globex".to_owned()), 1)]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        let store = SqlStore::open(&path).await.unwrap();
        record_matches(&store, second).await;
        store.close().await;
        drop(store);
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(MATCHES_OF_ALL).unwrap();
        connection
            .execute_batch("DROP TABLE erasures; DROP INDEX actions_left; DROP INDEX threads_lead; ALTER TABLE threads DROP COLUMN lead")
            .unwrap();
        connection.pragma_update(None, "user_version", 10).unwrap();
        drop(connection);
        let store = SqlStore::open(&path).await.unwrap();
        assert_eq!(matches_by_workspace(&store).await, wanted);
        assert_eq!(store.match_counts(None, None).await.unwrap()["hot"], 6, "nothing is lost");
    }
}
