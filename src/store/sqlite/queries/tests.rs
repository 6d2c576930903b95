use super::*;
use crate::store::{ActionFilter, SqliteStore};
use sqlx::{AssertSqlSafe, Row, Sqlite, pool::PoolConnection};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Each query with the values it is asked with, and what its plan must say.
const ASKED: [(&str, &[&str], &str); 11] = [
    (SIBLINGS, &["'acme'", "'t77'", "'m77'", "'a'"], "actions_of_thread (workspace=? AND thread_id=?)"),
    (DUE, &["'acme'", "9", "0", "50", "'[]'"], "actions_ready (workspace=? AND <expr>=?)"),
    (NEXT_DUE, &["'acme'"], "actions_due (workspace=?"),
    (HISTORY, &["'acme'", "'t77'", "'lead77'", "1000"], "actions_of_thread (workspace=? AND thread_id=?)"),
    (
        SENT_TO_LEAD,
        &["'acme'", "'reply'", "0", "'lead77'", "NULL"],
        "(workspace=? AND lead_email=? AND kind=? AND sent_at>?)",
    ),
    (
        SENT_BY_RULE,
        &["'acme'", "'reply'", "49990", "NULL", "'hot'"],
        "(workspace=? AND rule=? AND kind=? AND sent_at>?)",
    ),
    (SENT, &["'acme'", "'reply'", "49990", "NULL", "NULL"], "(workspace=? AND kind=? AND sent_at>?)"),
    (
        WAKE_MARK_READ,
        &["1", "'acme'", "'t77'", "'m77'", "'other_actions'"],
        "actions_of_thread (workspace=? AND thread_id=?)",
    ),
    (
        CANCEL_OLDER,
        &["'newer_message'", "''", "1", "'acme'", "'t77'", "'m78'"],
        "actions_of_thread (workspace=? AND thread_id=?)",
    ),
    (READY_OLDEST, &["'acme'", "0", "9", "99", "200"], "threads_ready (workspace=? AND <expr>=?)"),
    (READY_NEWEST, &["'acme'", "0", "9", "99", "200"], "threads_ready (workspace=? AND <expr>=?)"),
];

/// The query with its values in it; the planner never looks at them, since nothing here is ever analysed.
fn filled(query: &str, values: &[&str]) -> String {
    let mut filled = query.to_owned();
    for (number, value) in values.iter().enumerate() {
        let numbered = format!("?{}", number + 1);
        filled = match filled.contains(&numbered) {
            true => filled.replace(&numbered, value),
            false => filled.replacen('?', value, 1),
        };
    }
    filled
}

async fn plan(connection: &mut PoolConnection<Sqlite>, query: &str) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"))).fetch_all(&mut **connection).await;
    rows.unwrap().iter().map(|row| row.get("detail")).collect()
}

/// How many steps the database takes for a query: a figure that no other load on the machine can change.
async fn steps(connection: &mut PoolConnection<Sqlite>, query: &str) -> u64 {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    connection.lock_handle().await.unwrap().set_progress_handler(1, move || {
        counted.fetch_add(1, Ordering::Relaxed);
        true
    });
    sqlx::query(AssertSqlSafe(query.to_owned())).fetch_all(&mut **connection).await.unwrap();
    connection.lock_handle().await.unwrap().remove_progress_handler();
    count.load(Ordering::Relaxed)
}

/// A workspace with so many actions, four to a thread and lead, all done.
async fn workspace(actions: u32) -> SqliteStore {
    let store = SqliteStore::in_memory_copy(None).await.unwrap();
    let fill = format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {actions} - 1)
         INSERT INTO actions (id, workspace, decision_id, thread_id, message_id, message_key, lead_email, rule, position,
           kind, state, payload, timing, any_sender, any_auto_reply, approved, outgoing_before, attempts, sent_at,
           created_at, updated_at, version)
         SELECT printf('id%08d', i), 'acme', 'd' || (i / 4), 't' || (i / 4), 'm' || (i / 4), 'm' || (i / 4), 'lead' || (i / 4), 'hot',
           0, CASE i % 4 WHEN 0 THEN 'reply' WHEN 1 THEN 'star' WHEN 2 THEN 'mark_read' ELSE 'slack' END, 'done', '{{}}',
           '{{}}', 0, 0, 0, '[]', '[]', i, i, i, 1 FROM n"
    );
    sqlx::query(AssertSqlSafe(fill)).execute(&store.writer).await.unwrap();
    store
}

#[tokio::test]
async fn no_look_up_reads_a_whole_workspace() {
    let store = workspace(8).await;
    let mut connection = store.writer.acquire().await.unwrap();
    for (query, values, expected) in ASKED {
        let plan = plan(&mut connection, &filled(query, values)).await;
        assert!(plan.iter().any(|step| step.contains(expected)), "{query}\n{plan:#?}");
        assert!(
            !plan.iter().any(|step| step.starts_with("SCAN actions") || step.starts_with("SCAN threads")),
            "{plan:#?}"
        );
        // Of what is ready, no more is read than is taken: there is nothing left to sort.
        let in_order = [DUE, READY_OLDEST, READY_NEWEST].contains(&query);
        assert!(!in_order || !plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:#?}");
    }
}

#[tokio::test]
async fn a_list_of_one_threads_actions_of_a_kind_reads_that_thread() {
    let filter = ActionFilter {
        workspace: Some("acme".to_owned()),
        thread: Some("t77".to_owned()),
        kind: Some(crate::model::ActionKind::Reply),
        limit: 10_000,
        ..ActionFilter::default()
    };
    let store = workspace(8).await;
    let mut connection = store.writer.acquire().await.unwrap();
    let sql = super::super::actions::list_query(&filter).into_string();
    let plan = plan(&mut connection, &sql).await;
    assert!(plan.iter().any(|step| step.contains("thread_id=?")), "{sql}\n{plan:#?}");
}

#[tokio::test]
async fn look_ups_cost_the_same_however_large_the_workspace_is() {
    let (small, large) = (workspace(400).await, workspace(50_000).await);
    let (mut small, mut large) = (small.writer.acquire().await.unwrap(), large.writer.acquire().await.unwrap());
    for (query, values, _) in ASKED {
        let query = filled(query, values);
        let (few, many) = (steps(&mut small, &query).await, steps(&mut large, &query).await);
        eprintln!("{few:>6} {many:>6}  {}", query.lines().next().unwrap_or_default());
        assert!(many < 2 * few + 200, "{query}: {few} steps among 400 actions, {many} among 50,000");
    }
}
