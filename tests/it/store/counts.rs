//! What is counted, against counting it anew; and what happened, in order.

use super::{StoreFixture, action, at, decision};
use jiff::Timestamp;
use reply_router::store::prelude::*;
use reply_router::{
    model::{Action, ActionKind, ActionState, Reason, ReasonCode},
    store::{ActionCount, ActionFilter, AuditEntry, AuditFilter, Change, ChangeKind, DecisionFilter, DecisionRecord},
};
use std::collections::{BTreeMap, HashMap};

const STATES: [ActionState; 5] =
    [ActionState::Planned, ActionState::Done, ActionState::Held, ActionState::Suppressed, ActionState::Failed];

/// Decisions over nine days at odd times, each with a few actions, some of which change afterwards.
async fn busy() -> StoreFixture {
    let bed = StoreFixture::new().await;
    for number in 0..60_i64 {
        let second = number * 13_007 - 700_000;
        let rule = ["hot", "cold", "late"][usize::try_from(number % 3).unwrap()];
        let made = DecisionRecord {
            matched: if number % 5 == 0 { vec![] } else { vec![rule.to_owned()] },
            thread_id: format!("t{number}"),
            ..decision(&format!("d{number:02}"), &format!("m{number}"), second)
        };
        let planned =
            [ActionKind::Reply, ActionKind::Star].into_iter().filter(|_| number % 5 != 0).map(|kind| Action {
                rule: rule.to_owned(),
                state: STATES[usize::try_from(number).unwrap() % STATES.len()],
                reason: (number % 2 == 0).then(|| Reason::new(ReasonCode::Limit, "")),
                ..action(&made, kind, ActionState::Planned)
            });
        for mut written in bed.record(&made, planned.collect()).await {
            if number % 4 == 0 {
                written.state = ActionState::Cancelled;
                written.reason = Some(Reason::new(ReasonCode::Rejected, "no"));
                bed.store.update_action(&mut written).await.unwrap();
            } else if number % 7 == 0 {
                // Another text of the same reason is no other count.
                written.reason = written.reason.map(|reason| Reason::new(reason.code, "another text"));
                bed.store.update_action(&mut written).await.unwrap();
            }
        }
    }
    bed
}

type Counted = BTreeMap<(String, &'static str, Option<String>), u64>;

fn sorted(counts: Vec<ActionCount>) -> Counted {
    counts.into_iter().map(|found| ((found.rule, found.state.as_str(), found.reason), found.count)).collect()
}

#[tokio::test]
async fn every_window_counts_what_is_in_it() {
    let bed = busy().await;
    let decisions = bed.store.decisions(&DecisionFilter { limit: 100, ..DecisionFilter::default() }).await.unwrap();
    let actions = bed.store.actions(&ActionFilter { limit: 1_000, ..ActionFilter::default() }).await.unwrap();
    assert_eq!(decisions.len(), 60);
    let edges = decisions.iter().map(|found| found.at).flat_map(|at| [at, at + std::time::Duration::from_micros(1)]);
    for since in edges.map(Some).chain([None, Some(at(-800_000)), Some(at(9_000_000)), Some(Timestamp::MIN)]) {
        let within = |at: Timestamp| since.is_none_or(|since| at >= since);
        let mut matches: HashMap<String, u64> = HashMap::new();
        for rule in decisions.iter().filter(|found| within(found.at)).flat_map(|found| &found.matched) {
            *matches.entry(rule.clone()).or_default() += 1;
        }
        assert_eq!(bed.store.match_counts(None, since).await.unwrap(), matches, "{since:?}");
        let mut counted = Counted::new();
        for action in actions.iter().filter(|found| within(found.created_at)) {
            let reason = action.reason.as_ref().map(|reason| reason.code.as_str().to_owned());
            *counted.entry((action.rule.clone(), action.state.as_str(), reason)).or_default() += 1;
        }
        assert_eq!(sorted(bed.store.action_counts(None, since).await.unwrap()), counted, "{since:?}");
    }
    let mut queue: HashMap<ActionState, u64> = HashMap::new();
    actions.iter().for_each(|action| *queue.entry(action.state).or_default() += 1);
    assert_eq!(bed.store.queue_counts(None).await.unwrap(), queue);
    assert_eq!(bed.store.queue_counts(Some("acme")).await.unwrap(), queue);
    assert_eq!(bed.store.queue_counts(Some("globex")).await.unwrap(), HashMap::new());
    for total in bed.store.match_totals(None).await.unwrap() {
        let of = decisions.iter().filter(|found| found.matched.contains(&total.rule)).map(|found| found.at);
        assert_eq!(total.workspace.as_deref(), Some("acme"));
        assert_eq!((total.count, Some(total.last_at)), (of.clone().count() as u64, of.max()), "{}", total.rule);
    }
}

#[tokio::test]
async fn days_are_counted_in_utc() {
    let bed = busy().await;
    let decisions = bed.store.decisions(&DecisionFilter { limit: 100, ..DecisionFilter::default() }).await.unwrap();
    let actions = bed.store.actions(&ActionFilter { limit: 1_000, ..ActionFilter::default() }).await.unwrap();
    let days = bed.store.day_counts(None, at(-800_000)).await.unwrap();
    assert!(days.len() > 15, "{days:?}");
    let day = |at: Timestamp| at.as_second().div_euclid(86_400);
    for found in &days {
        assert_eq!(found.day.as_second() % 86_400, 0);
        let same_day = |at: Timestamp| day(at) == day(found.day);
        let matched = decisions.iter().filter(|made| same_day(made.at) && made.matched.contains(&found.rule)).count();
        let done = |action: &&Action| action.state == ActionState::Done && action.rule == found.rule;
        let acted = actions.iter().filter(|action| same_day(action.created_at)).filter(done).count();
        assert_eq!((found.matched, found.acted), (matched as u64, acted as u64), "{found:?}");
    }
    assert_eq!(days.iter().map(|found| found.matched).sum::<u64>(), 48);
}

#[tokio::test]
async fn what_happens_is_told_in_order_and_the_oldest_forgotten() {
    let bed = StoreFixture::new().await;
    assert_eq!(bed.store.change_range().await.unwrap(), None);
    let made = decision("d1", "m1", 0);
    let mut reply = bed.record(&made, vec![action(&made, ActionKind::Reply, ActionState::Held)]).await.remove(0);
    // A new text alone is no news.
    reply.reason = None;
    bed.store.update_action(&mut reply).await.unwrap();
    bed.record(&decision("d2", "m2", 1), vec![]).await;
    let told = bed.store.changes(0, 100).await.unwrap();
    let brief = |change: &Change| match &change.what {
        ChangeKind::Decision { matched } => format!("{} {}", change.decision_id, matched.join(",")),
        ChangeKind::Action { id, state, reason, .. } => {
            assert_eq!(id, &reply.id);
            format!("{} {state} {reason:?}", change.decision_id)
        }
        other @ (ChangeKind::Forgotten | ChangeKind::Resumed) => panic!("nobody was erased or resumed: {other:?}"),
    };
    let told: Vec<_> = told.iter().map(brief).collect();
    assert_eq!(told, ["d1 hot", "d1 held None", "d2 hot", "d1 cancelled Some(\"newer_message\")"]);
    assert_eq!(bed.store.change_range().await.unwrap(), Some((1, 4)));
    assert_eq!(bed.store.changes(3, 100).await.unwrap().len(), 1);
    assert_eq!(bed.store.changes(0, 2).await.unwrap().len(), 2);
    assert!(bed.store.changes(4, 100).await.unwrap().is_empty());
}

#[tokio::test]
async fn who_changed_what_is_kept() {
    let bed = StoreFixture::new().await;
    for (number, what) in ["pause", "rule.mode", "resume", "rule.mode"].into_iter().enumerate() {
        let entry = AuditEntry {
            id: format!("a{number}"),
            at: at(1),
            who: "token".to_owned(),
            remote: Some("10.0.0.7".to_owned()),
            what: what.to_owned(),
            target: (what == "rule.mode").then(|| "hot".to_owned()),
            details: serde_json::json!({"number": number}).as_object().unwrap().clone(),
            request_id: None,
        };
        bed.store.add_audit(&entry).await.unwrap();
        let newest = bed.store.audit(&AuditFilter { limit: 1, ..AuditFilter::default() }).await.unwrap();
        assert_eq!(newest, [entry]);
    }
    let ids = async |filter: AuditFilter| {
        let found = bed.store.audit(&AuditFilter { limit: 10, ..filter }).await.unwrap();
        found.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
    };
    let rule_mode = AuditFilter { what: Some("rule.mode".to_owned()), ..AuditFilter::default() };
    assert_eq!(ids(rule_mode).await, ["a3", "a1"]);
    assert_eq!(ids(AuditFilter { target: Some("hot".to_owned()), ..AuditFilter::default() }).await, ["a3", "a1"]);
    assert_eq!(ids(AuditFilter { before: Some("a2".to_owned()), ..AuditFilter::default() }).await, ["a1", "a0"]);
}

#[tokio::test]
async fn commits_are_counted() {
    let bed = StoreFixture::new().await;
    let before = bed.store.metrics().await.unwrap();
    bed.record(&decision("d1", "m1", 0), vec![]).await;
    let after = bed.store.metrics().await.unwrap();
    assert_eq!(after.commits.count(), before.commits.count() + 1);
    assert!(after.commits.sum > before.commits.sum && after.bytes > 0);
}
