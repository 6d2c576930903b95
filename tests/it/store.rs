//! The contract of the store, on a real SQLite file or a real PostgreSQL server (`stores`).

mod counts;
mod events;
mod facts;
mod file;
mod filters;
mod ids;
mod played;
pub(crate) mod upgrade;

use crate::stores;
use jiff::Timestamp;
use reply_router::store::prelude::*;
use reply_router::{
    engine::DECISION_POLICY,
    model::{
        Action, ActionId, ActionKind, ActionState, DestinationKind, Mode, OptOutScope, Payload, Repeat, ThreadRow,
        Timing,
    },
    store::{
        ActionFilter, DecisionFilter, DecisionRecord, DecisionTrace, EventKind, Lane, OptOut, ReadyAt, SettledThread,
        SqlStore, StoreError, WorkspaceState,
    },
};
use std::{path::PathBuf, time::Duration};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(crate) fn row(id: &str, second: i64) -> ThreadRow {
    ThreadRow { id: id.to_owned(), last_message_at: Some(at(second)), ..ThreadRow::default() }
}

pub(crate) fn decision(id: &str, message: &str, second: i64) -> DecisionRecord {
    DecisionRecord {
        id: id.to_owned(),
        workspace: "acme".to_owned(),
        thread_id: "t".to_owned(),
        message_id: Some(message.to_owned()),
        lead_email: Some("jane@acme.example".to_owned()),
        at: at(second),
        event: EventKind::Message,
        matched: vec!["hot".to_owned()],
        trace: DecisionTrace::default(),
    }
}

pub(crate) fn action(of: &DecisionRecord, kind: ActionKind, state: ActionState) -> Action {
    Action {
        id: ActionId::new(),
        workspace: of.workspace.clone(),
        decision_id: of.id.clone(),
        thread_id: of.thread_id.clone(),
        message_id: of.message_id.clone(),
        lead_email: of.lead_email.clone(),
        rule: "hot".to_owned(),
        position: 0,
        kind,
        target: (!kind.is_api_write()).then(|| "sales".to_owned()),
        state,
        reason: None,
        payload: Payload::Reply { text: Some("Hi 👋".to_owned()), html: None, attachments: vec![] },
        timing: Timing { after: Duration::ZERO, hours: None, repeat: Repeat::OncePerThread, limit: None },
        any_sender: false,
        any_auto_reply: false,
        approved: false,
        message_at: Some(of.at),
        outgoing_before: vec!["o1".to_owned()],
        attempts: vec![],
        due_at: Some(of.at),
        sent_at: None,
        created_at: of.at,
        updated_at: of.at,
        version: 0,
    }
}

struct StoreFixture {
    folder: tempfile::TempDir,
    store: SqlStore,
}

impl StoreFixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = stores::open(&folder.path().join("s.db")).await.unwrap();
        Self { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("s.db")
    }

    async fn record(&self, decision: &DecisionRecord, actions: Vec<Action>) -> Vec<Action> {
        let settled =
            SettledThread { row: row("t", 0), newest_inbound: decision.message_id.clone(), ..SettledThread::default() };
        self.store.record_decision(decision, None, actions, None, &settled, DECISION_POLICY).await.unwrap().actions
    }
}

#[tokio::test]
async fn rows_stay_in_line_until_they_are_dealt_with() {
    let bed = StoreFixture::new().await;
    bed.store.record_baseline("acme", &[row("old", 0)], None, at(0)).await.unwrap();
    bed.store.queue_rows("acme", &[row("old", 5), row("new", 6)], at(10)).await.unwrap();
    let pending = bed.store.pending_threads("acme", 10).await.unwrap();
    assert_eq!(pending.len(), 2);
    let old = pending.iter().find(|thread| thread.row.id == "old").unwrap();
    assert_eq!(old.known, Some(row("old", 0)));

    // While the row is being dealt with a newer one comes: that one stays in line.
    bed.store.queue_rows("acme", &[row("old", 7)], at(11)).await.unwrap();
    let settled =
        SettledThread { row: row("old", 5), newest_inbound: Some("m1".to_owned()), ..SettledThread::default() };
    bed.store.settle_thread("acme", &settled).await.unwrap();
    let pending = bed.store.pending_threads("acme", 10).await.unwrap();
    let old = pending.iter().find(|thread| thread.row.id == "old").unwrap();
    assert_eq!((old.row.clone(), old.newest_inbound.as_deref()), (row("old", 7), Some("m1")));
    let settled = SettledThread { row: row("old", 7), newest_inbound: None, ..SettledThread::default() };
    bed.store.settle_thread("acme", &settled).await.unwrap();
    let known = bed.store.known_threads("acme", &["old".to_owned(), "never".to_owned()]).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known["old"].newest_inbound.as_deref(), Some("m1"), "what is known stays");
    assert!(bed.store.pending_threads("other", 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn ready_rows_leave_out_what_waits_and_take_turns() {
    let bed = StoreFixture::new().await;
    let ready = async |second: i64| -> Vec<String> {
        let ready = ReadyAt { now: at(second), latest: at(second + 3_600), limit: 4, failed_limit: 1 };
        let found = bed.store.ready_threads("acme", ready).await.unwrap();
        found.into_iter().map(|thread| thread.pending.row.id).collect()
    };
    for second in 0..6 {
        bed.store.queue_rows("acme", &[row(&format!("t{second}"), second)], at(second)).await.unwrap();
    }
    assert_eq!(ready(9).await, ["t5", "t0", "t4", "t1"], "the newest and the oldest in turn");
    // What waits is left out until its time; what failed comes after all others, a few at a time.
    for second in [1, 4, 5] {
        bed.store.put_off("acme", &row(&format!("t{second}"), second), at(20), second == 4).await.unwrap();
    }
    bed.store.put_off("acme", &row("t2", 2), at(10), true).await.unwrap();
    assert_eq!(ready(9).await, ["t3", "t0"]);
    assert_eq!(ready(10).await, ["t3", "t0", "t2"]);
    assert_eq!(ready(20).await, ["t5", "t0", "t1", "t3", "t2"]);
    // A clock that was ahead by more than anything is put off for put nothing off.
    assert_eq!(ready(20 - 3_601).await, ["t5", "t1", "t4"]);
    // Another row of the thread is news: it is ready, and its thread may be read again.
    bed.store.queue_rows("acme", &[row("t2", 30)], at(30)).await.unwrap();
    bed.store.put_off("acme", &row("t2", 2), at(99), true).await.unwrap();
    assert_eq!(ready(10).await, ["t3", "t0", "t2"]);
    assert_eq!(bed.store.pending_threads("acme", 10).await.unwrap().len(), 6, "none of them has left the line");
}

#[tokio::test]
async fn one_living_reply_for_a_message_whatever_the_rule_is_called() {
    let bed = StoreFixture::new().await;
    let first = decision("d1", "m1", 0);
    let written = bed.record(&first, vec![action(&first, ActionKind::Reply, ActionState::Planned)]).await;
    assert_eq!(written[0].state, ActionState::Planned);
    let second = decision("d2", "m1", 1);
    let renamed = Action { rule: "renamed".to_owned(), ..action(&second, ActionKind::Reply, ActionState::Planned) };
    let written = bed.record(&second, vec![renamed]).await;
    assert_eq!(written[0].state, ActionState::Suppressed);
    assert_eq!(written[0].reason.as_ref().unwrap().code.as_str(), "already_answered");

    // A reply that surely was not sent stands in nobody's way, but may not come back beside another.
    let mut failed = bed.store.actions(&ActionFilter { limit: 10, ..ActionFilter::default() }).await.unwrap();
    failed.retain(|action| action.state == ActionState::Planned);
    let mut failed = failed.remove(0);
    failed.state = ActionState::Failed;
    bed.store.update_action(&mut failed).await.unwrap();
    let third = decision("d3", "m1", 2);
    let written = bed.record(&third, vec![action(&third, ActionKind::Reply, ActionState::Planned)]).await;
    assert_eq!(written[0].state, ActionState::Planned);
    failed.state = ActionState::Planned;
    assert!(matches!(bed.store.update_action(&mut failed).await, Err(StoreError::Duplicate)));
}

#[tokio::test]
async fn a_newer_message_ends_what_waits_for_the_older_one() {
    let bed = StoreFixture::new().await;
    let first = decision("d1", "m1", 0);
    let kinds = [
        (ActionKind::Reply, ActionState::Waiting),
        (ActionKind::Star, ActionState::Planned),
        (ActionKind::MarkRead, ActionState::Planned),
        (ActionKind::Forward(DestinationKind::Slack), ActionState::Retrying),
    ];
    bed.record(&first, kinds.map(|(kind, state)| action(&first, kind, state)).to_vec()).await;
    bed.record(&decision("d2", "m2", 1), vec![]).await;
    let mut states = bed.store.actions(&ActionFilter { limit: 10, ..ActionFilter::default() }).await.unwrap();
    states.sort_by_key(|action| action.kind);
    let states: Vec<_> = states.iter().map(|action| action.state).collect();
    let cancelled = ActionState::Cancelled;
    assert_eq!(states, [cancelled, ActionState::Planned, cancelled, ActionState::Retrying], "forwards still go");
}

#[tokio::test]
async fn a_change_made_on_an_older_version_is_refused() {
    let bed = StoreFixture::new().await;
    let made = decision("d1", "m1", 0);
    let mut mine = bed.record(&made, vec![action(&made, ActionKind::Reply, ActionState::Held)]).await.remove(0);
    let mut theirs = bed.store.action(&mine.id).await.unwrap().unwrap();
    assert_eq!(mine, theirs, "what is read is what was written");
    mine.state = ActionState::Planned;
    bed.store.update_action(&mut mine).await.unwrap();
    theirs.state = ActionState::Cancelled;
    assert!(matches!(bed.store.update_action(&mut theirs).await, Err(StoreError::Changed(_))));
    assert_eq!(bed.store.action(&mine.id).await.unwrap().unwrap().state, ActionState::Planned);
}

#[tokio::test]
async fn every_kind_is_due_in_its_lane() {
    let bed = StoreFixture::new().await;
    for (number, kind) in ActionKind::ALL.into_iter().enumerate() {
        let made = decision(&format!("d{number}"), &format!("m{number}"), 0);
        bed.record(&made, vec![action(&made, kind, ActionState::Planned)]).await;
        for lane in [Lane::Api, Lane::Destinations] {
            let due = bed.store.due_actions("acme", lane, at(1), &[], 100).await.unwrap();
            assert_eq!(due.iter().any(|action| action.kind == kind), lane.accepts(kind), "{kind} in {lane:?}");
        }
    }
}

#[tokio::test]
async fn due_actions_come_by_lane_replies_first() {
    let bed = StoreFixture::new().await;
    let made = decision("d1", "m1", 0);
    let due = |kind, second| Action { due_at: Some(at(second)), ..action(&made, kind, ActionState::Planned) };
    bed.record(
        &made,
        vec![due(ActionKind::Star, 1), due(ActionKind::Reply, 5), due(ActionKind::Forward(DestinationKind::Slack), 2)],
    )
    .await;
    let kinds = async |lane, second| {
        let found = bed.store.due_actions("acme", lane, at(second), &[], 10).await.unwrap();
        found.iter().map(|action| action.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(Lane::Api, 4).await, [ActionKind::Star]);
    assert_eq!(kinds(Lane::Api, 5).await, [ActionKind::Reply, ActionKind::Star]);
    assert_eq!(kinds(Lane::Destinations, 5).await, [ActionKind::Forward(DestinationKind::Slack)]);
    assert_eq!(bed.store.next_due("acme").await.unwrap(), Some(at(1)));
}

#[tokio::test]
async fn the_last_sibling_wakes_mark_read() {
    let bed = StoreFixture::new().await;
    let made = decision("d1", "m1", 0);
    let mut read = action(&made, ActionKind::MarkRead, ActionState::Waiting);
    read.due_at = None;
    read.reason = Some(reply_router::model::Reason::new(reply_router::model::ReasonCode::OtherActions, ""));
    let star = action(&made, ActionKind::Star, ActionState::Planned);
    let mut written = bed.record(&made, vec![star, read.clone()]).await;
    written[0].state = ActionState::Done;
    written[0].updated_at = at(9);
    bed.store.update_action(&mut written[0]).await.unwrap();
    assert_eq!(bed.store.action(&read.id).await.unwrap().unwrap().due_at, Some(at(9)));
}

#[tokio::test]
async fn everything_survives_closing_and_opening() {
    let bed = StoreFixture::new().await;
    let made = decision("d1", "m1", 0);
    let written = bed.record(&made, vec![action(&made, ActionKind::Reply, ActionState::Planned)]).await;
    let opt_out = OptOut {
        workspace: "acme".to_owned(),
        email: "Jane@Acme.example".to_owned(),
        since: at(3),
        evidence: "remove me".to_owned(),
    };
    bed.store.add_opt_out(&opt_out).await.unwrap();
    bed.store.set_rule_mode("hot", Some(Mode::Shadow), "token", at(4)).await.unwrap();
    bed.store.pause(Some("acme"), "a person paused it", Some("session"), at(5)).await.unwrap();
    let state = WorkspaceState { baseline_at: Some(at(6)), total_count: Some(7), ..WorkspaceState::default() };
    bed.store.set_workspace_state("acme", &state).await.unwrap();
    let path = bed.path();
    bed.store.close().await;
    drop(bed.store);

    let store = stores::open(&path).await.unwrap();
    assert_eq!(store.action(&written[0].id).await.unwrap().as_ref(), Some(&written[0]));
    assert_eq!(store.decision("d1").await.unwrap(), Some(made));
    assert_eq!(store.decisions(&DecisionFilter { limit: 5, ..DecisionFilter::default() }).await.unwrap().len(), 1);
    assert_eq!(
        store.opt_out("acme", "JANE@acme.example", OptOutScope::Workspace).await.unwrap().unwrap().evidence,
        "remove me"
    );
    assert_eq!(store.override_modes().await.unwrap()["hot"], Mode::Shadow);
    let pause = store.pauses().await.unwrap().remove(0);
    assert_eq!((pause.workspace.as_deref(), pause.by.as_deref(), pause.since), (Some("acme"), Some("session"), at(5)));
    let switch = store.mode_overrides().await.unwrap().remove(0);
    assert_eq!((switch.mode, switch.by.as_deref(), switch.since), (Mode::Shadow, Some("token"), at(4)));
    assert_eq!(store.workspace_state("acme").await.unwrap(), state);
    assert_eq!(store.match_counts(None, None).await.unwrap()["hot"], 1);
    assert!(store.remove_opt_out(None, "jane@acme.example").await.unwrap());
    assert!(!store.remove_opt_out(None, "jane@acme.example").await.unwrap());
}
