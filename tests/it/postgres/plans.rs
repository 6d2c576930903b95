//! How much of a large store PostgreSQL reads for each question: as little as of a small one.

use crate::{
    store::{action, at, decision, row},
    stores::Server,
};
use reply_router::{
    engine::DECISION_POLICY,
    model::{ActionKind, ActionState, OptOutScope},
    store::{
        ActionFilter, DecisionFilter, Lane, ReplyQuestion, SentFilter, SentWindow, SettledThread, SqlStore, prelude::*,
    },
};

/// Decisions in the store, twelve of each lead; each has three actions.
const DECISIONS: u32 = 60_000;
/// No statement reads more pages of 8 kB, on average. A look at every action takes 2,000, one at every thread 700.
const PAGES: u32 = 450;
const DATABASE: &str = "large";

/// One decision by the store itself, and its copies.
async fn fill(server: &Server, store: &SqlStore) {
    let made = decision("00000000-0000-7000-8000-000000000000", "m", 0);
    let kinds = [ActionKind::Reply, ActionKind::Star, ActionKind::MarkRead];
    let mut actions = kinds.map(|kind| action(&made, kind, ActionState::Done));
    for action in &mut actions {
        (action.due_at, action.sent_at) = (None, Some(at(0)));
    }
    let settled = SettledThread { row: row("t", 0), ..SettledThread::default() };
    store.record_decision(&made, None, actions.to_vec(), None, &settled, DECISION_POLICY).await.unwrap();
    let copies = format!("generate_series(1, {DECISIONS}) i");
    server.query(
        DATABASE,
        &format!(
            "CREATE EXTENSION pg_stat_statements;
             INSERT INTO threads (id, workspace, thread_id, row, first_seen_at, lead)
               SELECT id + i, workspace, 't' || i, row, first_seen_at, lead FROM threads, {copies} WHERE thread_id = 't';
             INSERT INTO decisions (id, uid, workspace, thread, message_id, lead_email, at, event, matched, problem, trace)
               SELECT id + i, decode(md5('d' || i), 'hex'), workspace, thread + i, 'm' || i, 'lead' || i % 5000 || '@acme.example',
                 at + i, event, matched, problem, trace FROM decisions, {copies} WHERE message_id = 'm';
             INSERT INTO decision_rules SELECT r.rule, r.decision + i FROM decision_rules r, {copies};
             INSERT INTO action_payloads SELECT id + (i::bigint << 16), body FROM action_payloads, {copies};
             INSERT INTO actions (id, uid, workspace, thread, claim, rule, position, kind, state, lane, urgency, sent_at,
                 updated_at, approved, outgoing_before, version)
               SELECT id + (i::bigint << 16), decode(md5(id || 'a' || i), 'hex'), workspace, thread + i, claim, rule, position, kind,
                 state, lane, urgency, sent_at + i, updated_at, approved, outgoing_before, version FROM actions, {copies};
             UPDATE action_hours SET count = count * {DECISIONS};
             ANALYZE"
        ),
    );
}

/// What a page, an event and an action ask.
async fn ask_all(store: &SqlStore) {
    let lead = Some("lead77@acme.example".to_owned());
    let facts = store.lead_facts("acme", "t77", lead.as_deref(), OptOutScope::Shared).await.unwrap();
    assert_eq!(facts.history.len(), 36, "twelve decisions of the lead, three actions each");
    let window = SentWindow { since: at(-100), newest: 10 };
    let question = ReplyQuestion {
        workspace: "acme".to_owned(),
        thread_id: "t77".to_owned(),
        lead_email: lead.clone(),
        opt_outs: OptOutScope::Shared,
        rule: "hot".to_owned(),
        to_lead: window,
        of_workspace: Some(window),
        by_rule: Some(window),
    };
    store.reply_facts(&question).await.unwrap();
    let sent = SentFilter { kind: ActionKind::Reply, lead_email: lead.as_deref(), rule: None };
    assert_eq!(store.sent_since("acme", &sent, window).await.unwrap().len(), 10);
    store.kept_replies("acme", "t77").await.unwrap();
    store.due_actions("acme", Lane::Api, at(0), &[], 50).await.unwrap();
    store.next_due("acme").await.unwrap();
    store.known_threads("acme", &["t77".to_owned(), "t78".to_owned()]).await.unwrap();

    let all = || ActionFilter { limit: 20, ..ActionFilter::default() };
    let hot = Some("hot".to_owned());
    for filter in [
        all(),
        ActionFilter { lead: lead.clone(), ..all() },
        ActionFilter { thread: Some("t77".to_owned()), ..all() },
        ActionFilter { rule: hot.clone(), ..all() },
        ActionFilter { states: vec![ActionState::Done, ActionState::Held], ..all() },
        ActionFilter { kind: Some(ActionKind::Star), ..all() },
        ActionFilter { workspace: Some("acme".to_owned()), ..all() },
    ] {
        let found = store.actions(&filter).await.unwrap();
        assert!(!found.is_empty(), "{filter:?}");
        store.siblings(&found[0]).await.unwrap();
        store.action_under_control(&found[0].id).await.unwrap();
        let older = ActionFilter { before: Some(found[found.len() - 1].id.0.clone()), ..filter };
        store.actions(&older).await.unwrap();
    }
    let all = || DecisionFilter { limit: 20, ..DecisionFilter::default() };
    for filter in [
        all(),
        DecisionFilter { lead, ..all() },
        DecisionFilter { thread: Some("t77".to_owned()), ..all() },
        DecisionFilter { rule: hot, ..all() },
        DecisionFilter { states: vec![ActionState::Done, ActionState::Held], ..all() },
        DecisionFilter { matched: Some(true), ..all() },
        DecisionFilter { workspace: Some("acme".to_owned()), ..all() },
    ] {
        let found = store.decisions(&filter).await.unwrap();
        assert!(!found.is_empty(), "{filter:?}");
        let ids: Vec<String> = found.iter().map(|decision| decision.id.clone()).collect();
        let actions = store.actions_by_decision(&ids).await.unwrap();
        assert!(ids.iter().all(|id| actions[id].len() == 3));
        store.events(&ids).await.unwrap();
        let older = DecisionFilter { before: ids.last().cloned(), ..filter };
        store.decisions(&older).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_more_of_a_large_store() {
    let start = || Server::start_with_options(&["shared_preload_libraries=pg_stat_statements"]);
    let server = tokio::task::spawn_blocking(start).await.unwrap();
    let address = tokio::task::block_in_place(|| server.database(DATABASE));
    for address in [address.clone(), format!("{address}&pgbouncer=true")] {
        let store = SqlStore::connect(&address).await.unwrap();
        if !address.contains("pgbouncer") {
            fill(&server, &store).await;
        }
        server.query(DATABASE, "SELECT pg_stat_statements_reset()");
        // From the sixth time on a prepared statement may have a plan for whatever values.
        for _ in 0..7 {
            ask_all(&store).await;
        }
        let much = server.query(
            DATABASE,
            &format!(
                "SELECT (shared_blks_hit + shared_blks_read) / calls || ' pages: ' || query FROM pg_stat_statements
                 WHERE query NOT LIKE '%pg_stat_statements%' AND (shared_blks_hit + shared_blks_read) / calls > {PAGES}"
            ),
        );
        assert_eq!(much, "", "{address}");
        store.close().await;
    }
}
