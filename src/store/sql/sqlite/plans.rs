//! The proof that no look-up and no list reads more of a large store than of a small one.

use super::open::connect;
use crate::{
    model::{ActionKind, ActionState, DestinationKind},
    store::{
        ActionFilter, DecisionFilter,
        sql::{
            SqlStore, action_writes, actions, codec, connection::Connection, controls, counts, cursors,
            decision_filters::DecisionQuery, decisions, erased_lines, erasure, events, facts, filters::ActionQuery,
            identity, kept, left, retention, threads, values::ToParam,
        },
    },
};
use rusqlite::{StatementStatus, ToSql, params_from_iter, types::Value};
use std::sync::LazyLock;

static ONE_EVENT: LazyLock<String> = LazyLock::new(|| format!("{} (?)", events::SOME));
static EVENTS_OF_SOME: LazyLock<String> =
    LazyLock::new(|| events::after_where(&format!("{} IN (1, 2)", events::OF_WORKSPACE)));

/// Each query that an event or an action asks, with the values it is asked with, and the index that it must take.
fn asked() -> Vec<(&'static str, Vec<Value>, &'static str)> {
    let text = |text: &str| Value::from(text.to_owned());
    let number = |number: i64| Value::from(number);
    let bytes = |text: &str| Value::from(text.as_bytes().to_vec());
    vec![
        (&actions::ONE, vec![text("a308"), text("d77"), number(0)], "INDEX actions_uid (uid=?)"),
        (&actions::ONE, vec![text("a304"), text("d76"), number(0)], "sqlite_autoindex_decisions_1 (uid=?)"),
        (&actions::OF_MESSAGE, vec![number(78), text("m77"), text("d77")], "actions_thread (thread=?)"),
        (
            &actions::DUE,
            vec![text("acme"), number(0), number(9_999_999), text("[]"), number(50)],
            "actions_due (workspace=? AND lane=? AND urgency=? AND due_at>? AND due_at<?)",
        ),
        (&actions::NEXT_DUE, vec![text("acme")], "actions_due (workspace=? AND lane=? AND urgency=?"),
        (
            facts::HISTORY,
            vec![number(1), number(78), text("lead77"), number(1_000), bytes("lead77")],
            "decisions_thread (thread=?)",
        ),
        (
            facts::HISTORY,
            vec![number(1), number(78), text("lead77"), number(1_000), bytes("lead77")],
            "kept_actions_lead (lead=?)",
        ),
        (
            facts::SENT_TO_LEAD,
            vec![number(1), text("reply"), number(0), text("lead77"), Value::Null, number(60), bytes("lead77")],
            "decisions_lead (lead_email=?)",
        ),
        (
            facts::SENT_TO_LEAD,
            vec![number(1), text("reply"), number(0), text("lead77"), Value::Null, number(60), bytes("lead77")],
            "kept_actions_lead (lead=?)",
        ),
        (
            facts::SENT_BY_RULE,
            vec![number(1), text("reply"), number(1_999_990), Value::Null, text("hot"), number(60), Value::Null],
            "actions_sent_by_rule (rule=? AND sent_at>?)",
        ),
        (
            facts::SENT,
            vec![number(1), text("reply"), number(1_999_990), Value::Null, Value::Null, number(60), Value::Null],
            "actions_sent (workspace=? AND sent_at>?)",
        ),
        (&action_writes::BEFORE, vec![text("a308"), text("d77"), number(0), number(1)], "INDEX actions_uid (uid=?)"),
        (cursors::BEFORE_MISSING, vec![text("a308-")], "sqlite_autoindex_decisions_1 (uid<?)"),
        (cursors::BEFORE_MISSING, vec![text("a308-")], "actions_uid (uid<?)"),
        (
            &action_writes::WAKE_WAITING,
            vec![number(1), number(78), text("m77"), text("d77")],
            "actions_thread (thread=?)",
        ),
        (&decisions::UNSETTLED, vec![number(78), text("m78")], "actions_thread (thread=?)"),
        (events::NEWEST, vec![number(78)], "decisions_thread (thread=?)"),
        (&ONE_EVENT, vec![number(78)], "SEARCH e USING INTEGER PRIMARY KEY"),
        (events::AFTER, vec![number(40), number(11), number(20)], "decisions_at (at>?)"),
        (&EVENTS_OF_SOME, vec![number(40), number(11), number(20)], "decisions_at (at>?)"),
        (threads::KNOWN, vec![text("acme"), text("[\"t77\"]")], "threads_by_id (thread_id=? AND workspace=?)"),
        (threads::HAS_PENDING, vec![text("acme")], "threads_ready (workspace=?)"),
        (&counts::QUEUES, vec![], "actions_due (workspace=? AND lane=? AND urgency=?"),
        (
            threads::READY_OLDEST,
            vec![number(1), number(0), number(9), number(99), number(200)],
            "threads_ready (workspace=? AND <expr>=?)",
        ),
        (
            threads::READY_NEWEST,
            vec![number(1), number(0), number(9), number(99), number(200)],
            "threads_ready (workspace=? AND <expr>=?)",
        ),
        (
            controls::OPT_OUT,
            vec![text("[\"lead77\",\"*@acme.example\"]"), number(1), text("acme")],
            "opt_outs_email (email=?)",
        ),
        (left::MARKED, vec![number(20)], "decisions_problem"),
        (erasure::DECIDED, vec![text("lead77")], "decisions_lead (lead_email=?)"),
        (erasure::NAMING, vec![number(77)], "threads_lead (lead=?)"),
        (erasure::WITHOUT_HASH, vec![number(20)], "threads_lead (lead=?)"),
        (erased_lines::AUDIT, vec![text("a77"), number(20)], "audit USING PRIMARY KEY (id>?)"),
        (kept::ON_ITS_WAY, vec![text("acme"), text("t77"), number(7)], "kept_actions_thread (thread=? AND claim=?)"),
        (
            controls::OPT_OUTS_AFTER,
            vec![Value::Null, text("acme"), text("lead77"), number(20)],
            "(workspace,email)>(?,?)",
        ),
        (identity::OWNERS, vec![text("[\"t77\"]")], "threads_by_id (thread_id=?)"),
        (kept::REPLIES, vec![text("acme"), text("t77"), number(100)], "kept_actions_thread (thread=?)"),
        (retention::OLDEST, vec![number(40), number(11), number(300), number(20)], "decisions_at (at>? AND at<?)"),
        (&retention::IS_OLD, vec![number(78), number(9_999_999)], "decisions_thread (thread=?)"),
        (retention::OF_THREAD, vec![number(78), number(50)], "decisions_thread (thread=?)"),
        (kept::WRITTEN, vec![number(78)], "SEARCH a USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (retention::REMOVE[0], vec![number(90)], "decision_rules USING PRIMARY KEY (rule=? AND decision=?)"),
        (retention::REMOVE[1], vec![number(90)], "action_payloads USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (retention::REMOVE[2], vec![number(90)], "actions USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (retention::REMOVE[3], vec![number(90)], "decision_events USING INTEGER PRIMARY KEY (rowid=?)"),
        (retention::REMOVE[4], vec![number(90)], "decisions USING INTEGER PRIMARY KEY (rowid=?)"),
        (retention::OLD_AUDIT, vec![number(20), number(10)], "audit USING PRIMARY KEY (id=?)"),
    ]
}

fn plan(connection: &Connection, query: &str, values: &[Value]) -> Vec<String> {
    let mut explain = connection.sqlite().unwrap().prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
    let steps = explain.query_map(params_from_iter(values), |row| row.get("detail")).unwrap();
    steps.collect::<rusqlite::Result<_>>().unwrap()
}

/// How many steps the database takes for a query, and how many of them walk a whole table: figures that no other load on
/// the machine can change.
fn steps<V: ToSql>(connection: &Connection, query: &str, values: impl IntoIterator<Item = V>) -> (i32, i32) {
    let mut statement = connection.sqlite().unwrap().prepare(query).unwrap();
    {
        let mut rows = statement.query(params_from_iter(values)).unwrap();
        while rows.next().unwrap().is_some() {}
    }
    (statement.get_status(StatementStatus::VmStep), statement.get_status(StatementStatus::FullscanStep))
}

/// A store with so many actions, four to a decision, a thread and a lead; one in a thousand is failed, all others done.
async fn filled(actions: i64) -> Connection {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    SqlStore::open(&path).await.unwrap().close().await;
    let connection = connect(&path).unwrap();
    let numbers =
        format!("WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {} - 1)", actions / 4);
    let body = codec::pack(&serde_json::json!({})).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = OFF; BEGIN;
             INSERT INTO workspaces (id, name) VALUES (1, 'acme'), (2, 'globex');
             INSERT INTO names (id, name) VALUES (1, 'hot'), (2, 'rare'), (3, 'Q1');
             {numbers} INSERT INTO threads (id, workspace, thread_id, row, first_seen_at, lead)
               SELECT i + 1, 1, 't' || i, '{{}}', 0, i + 1 FROM n;
             {numbers} INSERT INTO decisions (id, uid, workspace, thread, message_id, lead_email, campaign, at, event, matched,
               problem, trace) SELECT i + 1, 'd' || i, 1, i + 1, 'm' || i, 'lead' || i, 3, i * 4, 'message', '[\"hot\"]', 0, x''
               FROM n;
             INSERT INTO decision_rules SELECT 1, id FROM decisions;
             INSERT INTO decision_events SELECT id, 1, NULL, 0, x'' FROM decisions;
             INSERT INTO actions (id, uid, workspace, thread, claim, rule, position, kind, state, lane, urgency, sent_at,
               updated_at, approved, version)
               SELECT d.id << 16 | place.key, CASE d.id % 2 WHEN 0 THEN 'a' || ((d.id - 1) * 4 + place.key) END, 1, d.id, place.key, CASE d.id WHEN 7 THEN 2 ELSE 1 END,
               0, place.value, CASE WHEN d.id % 250 = 9 THEN 'failed' ELSE 'done' END, 0, 1, d.at, 0, 0, 1
               FROM decisions d, json_each('[\"reply\",\"star\",\"mark_read\",\"slack\"]') place;
             INSERT INTO kept_actions (id, workspace, thread, claim, rule, kind, state, message_id, lead, at, sent_at)
               SELECT id, workspace, thread, -id, 1, 'reply', 'done', message_id, CAST(lead_email AS BLOB), at, at FROM decisions;
             INSERT INTO audit (id, at, who, what, details) SELECT printf('%09d', id), at, 'token', 'pause', '{{}}' FROM decisions;
             INSERT INTO action_hours SELECT -1, rule, workspace, kind, state, '', count(*) FROM actions GROUP BY 2, 3, 4, 5;
             COMMIT"
        ))
        .unwrap();
    connection.execute("INSERT INTO action_payloads SELECT id, ? FROM actions", [body]).unwrap();
    // The file goes with the folder; the connection keeps it open.
    Connection::Sqlite(connection)
}

#[tokio::test]
async fn each_look_up_takes_its_index() {
    let connection = filled(400).await;
    for (query, values, expected) in asked() {
        let plan = plan(&connection, query, &values);
        assert!(plan.iter().any(|step| step.contains(expected)), "{query}\n{plan:#?}");
        let whole = |step: &String| {
            ["a", "d", "t", "actions", "decisions", "threads"].iter().any(|name| *step == format!("SCAN {name}"))
        };
        assert!(!plan.iter().any(whole), "{query}\n{plan:#?}");
    }
}

#[tokio::test]
async fn a_look_up_is_prepared_once_whatever_it_asks_for() {
    let connection = filled(400).await;
    for (query, values, _) in asked() {
        let mut statement = connection.sqlite().unwrap().prepare(query).unwrap();
        let others = values.iter().map(|value| match value {
            Value::Integer(number) => Value::from(number + 1),
            other => other.clone(),
        });
        let others: Vec<Value> = others.collect();
        for values in [&values, &others, &values] {
            let mut rows = statement.query(params_from_iter(values)).unwrap();
            while rows.next().unwrap().is_some() {}
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{query}");
    }
}

fn opt_everybody_out(store: &Connection) {
    let opt_outs = "INSERT INTO opt_outs (workspace, email, since, evidence)
        SELECT 'acme', lead_email, at, 'no' FROM decisions";
    store.sqlite().unwrap().execute(opt_outs, []).unwrap();
}

#[tokio::test]
async fn look_ups_cost_the_same_however_large_the_store_is() {
    let (small, large) = (filled(400).await, filled(50_000).await);
    opt_everybody_out(&small);
    opt_everybody_out(&large);
    for (query, values, _) in asked() {
        let ((few, _), (many, walked)) = (steps(&small, query, &values), steps(&large, query, &values));
        eprintln!("{few:>6} {many:>6}  {}", query.lines().next().unwrap_or_default());
        assert!(many < 2 * few + 200 && walked < 100, "{query}: {few} steps among 400 actions, {many} among 50,000");
    }
}

#[tokio::test]
async fn lists_cost_the_same_however_large_the_store_is() {
    let (small, large) = (filled(4_000).await, filled(100_000).await);
    let name = |name: &str| Some(name.to_owned());
    let all = ActionFilter { limit: 20, ..ActionFilter::default() };
    let filters = [
        all.clone(),
        ActionFilter { before: name("a2004"), ..all.clone() },
        ActionFilter { workspace: name("acme"), ..all.clone() },
        ActionFilter { workspace: name("globex"), ..all.clone() },
        ActionFilter { rule: name("hot"), ..all.clone() },
        ActionFilter { rule: name("rare"), ..all.clone() },
        ActionFilter { rule: name("rare"), states: vec![ActionState::Done], ..all.clone() },
        ActionFilter { states: vec![ActionState::Failed], ..all.clone() },
        ActionFilter { states: vec![ActionState::Held, ActionState::Quarantined], ..all.clone() },
        ActionFilter { states: ActionState::ALL.to_vec(), ..all.clone() },
        ActionFilter { kind: Some(ActionKind::Unstar), ..all.clone() },
        ActionFilter { kind: Some(ActionKind::Unstar), states: vec![ActionState::Done], ..all.clone() },
        ActionFilter { kind: Some(ActionKind::Forward(DestinationKind::Slack)), ..all.clone() },
        ActionFilter { thread: name("t77"), kind: Some(ActionKind::Reply), limit: 10_000, ..all.clone() },
        ActionFilter { lead: name("LEAD77"), ..all.clone() },
        ActionFilter { campaign: name("q1"), ..all.clone() },
        ActionFilter { campaign: name("nothing"), ..all.clone() },
        ActionFilter { decision: name("d77"), ..all },
    ];
    let action_steps = |connection: &Connection, filter: &ActionFilter| {
        let query = ActionQuery::new(connection, filter).unwrap();
        query.map_or(0, |query| steps(connection, &query.sql, query.values.iter().map(ToParam::to_param)).0)
    };
    for filter in filters {
        let (few, many) = (action_steps(&small, &filter), action_steps(&large, &filter));
        eprintln!("{few:>6} {many:>6}");
        assert!(many < 2 * few + 500, "{filter:?}: {few} steps among 4,000 actions, {many} among 100,000");
    }
    let all = DecisionFilter { limit: 20, ..DecisionFilter::default() };
    let filters = [
        all.clone(),
        DecisionFilter { before: name("d500"), ..all.clone() },
        DecisionFilter { workspace: name("acme"), ..all.clone() },
        DecisionFilter { workspace: name("acme"), before: name("d500"), ..all.clone() },
        DecisionFilter { rule: name("hot"), before: name("d500"), ..all.clone() },
        DecisionFilter { rule: name("rare"), ..all.clone() },
        DecisionFilter { matched: Some(true), ..all.clone() },
        DecisionFilter { matched: Some(false), ..all.clone() },
        DecisionFilter { thread: name("t77"), ..all.clone() },
        DecisionFilter { lead: name("Lead77"), ..all.clone() },
        DecisionFilter { campaign: name("q1"), ..all.clone() },
        DecisionFilter { states: vec![ActionState::Done], ..all.clone() },
        DecisionFilter { states: vec![ActionState::Quarantined], ..all.clone() },
        DecisionFilter { states: vec![ActionState::Failed, ActionState::Done], ..all.clone() },
        DecisionFilter { states: vec![ActionState::Done], rule: name("hot"), ..all.clone() },
        DecisionFilter { states: vec![ActionState::Quarantined], rule: name("hot"), ..all.clone() },
        DecisionFilter { states: vec![ActionState::Held], matched: Some(true), ..all.clone() },
        DecisionFilter { states: vec![ActionState::Held, ActionState::Unknown], workspace: name("acme"), ..all },
    ];
    let decision_steps = |connection: &Connection, filter: &DecisionFilter| {
        let query = DecisionQuery::new(connection, filter).unwrap();
        query.map_or(0, |query| steps(connection, &query.sql, query.values.iter().map(ToParam::to_param)).0)
    };
    for filter in filters {
        let (few, many) = (decision_steps(&small, &filter), decision_steps(&large, &filter));
        eprintln!("{few:>6} {many:>6}");
        assert!(many < 2 * few + 500, "{filter:?}: {few} steps among 4,000 actions, {many} among 100,000");
    }
}

#[tokio::test]
async fn what_is_left_for_people_reads_what_came_since() {
    let (small, large) = (filled(400).await, filled(50_000).await);
    opt_everybody_out(&small);
    opt_everybody_out(&large);
    let count = format!("{} SELECT count(*) FROM left_decisions", *left::LEFT);
    let since = |actions: i64| vec![Value::from(actions - 200), Value::from(actions / 4 - 50)];
    let (few, many) = (steps(&small, &count, since(400)).0, steps(&large, &count, since(50_000)).0);
    let plan = plan(&large, &count, &since(50_000));
    assert!(many < 2 * few + 200, "{few} steps among 400 actions, {many} among 50,000\n{plan:#?}");
}

#[tokio::test]
async fn what_is_left_for_people_reads_nothing_that_was_stopped_for_another_reason() {
    let (few, many) = (filled(400).await, filled(50_000).await);
    let count = format!("{} SELECT count(*) FROM left_decisions", *left::LEFT);
    let all = || vec![Value::from(0), Value::from(1)];
    for store in [&few, &many] {
        let stopped = "UPDATE actions SET state = 'suppressed', reason_code = 'already_answered' WHERE kind = 'reply'";
        store.sqlite().unwrap().execute(stopped, []).unwrap();
    }
    let (few, many) = (steps(&few, &count, all()).0, steps(&many, &count, all()).0);
    assert_eq!(few, many, "steps with 100 and with 12,500 of them");
}
