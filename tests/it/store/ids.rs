//! Ids of actions: those that their decision's id tells, and those of their own, as earlier versions made them.

use super::{StoreFixture, action, at, decision};
use crate::stores;
use reply_router::store::prelude::*;
use reply_router::{
    model::{
        Action, ActionId, ActionKind, ActionState, Attempt, AttemptOutcome, OptOutScope, Reason, ReasonCode,
        new_decision_id,
    },
    store::{ActionFilter, DecisionRecord, Lane, RemovalMark, RemoveBefore},
};

const KINDS: [ActionKind; 3] = [ActionKind::Reply, ActionKind::Star, ActionKind::MarkRead];

/// A decision with three actions whose ids it tells, or which have their own.
async fn decided(bed: &StoreFixture, second: i64, told: bool) -> (DecisionRecord, Vec<Action>) {
    let made = decision(&new_decision_id(), &format!("m{second}"), second);
    let mut actions: Vec<Action> = KINDS.map(|kind| action(&made, kind, ActionState::Planned)).into();
    if told {
        for (place, action) in actions.iter_mut().enumerate() {
            action.id = ActionId::of_decision(&made.id, place).unwrap();
        }
    }
    let recorded = bed.record(&made, actions.clone()).await;
    assert_eq!(recorded, actions);
    (made, actions)
}

fn ids<'a>(actions: impl IntoIterator<Item = &'a Action>) -> Vec<ActionId> {
    actions.into_iter().map(|action| action.id.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_is_the_same_whether_its_id_is_told_or_its_own() {
    for told in [true, false] {
        let bed = StoreFixture::new().await;
        let (made, actions) = decided(&bed, 0, told).await;
        let store = &bed.store;
        for action in &actions {
            assert_eq!(store.action(&action.id).await.unwrap().as_ref(), Some(action));
            assert_eq!(&store.action_under_control(&action.id).await.unwrap().unwrap().action, action);
            let others: Vec<ActionId> = ids(actions.iter().filter(|other| other.id != action.id));
            assert_eq!(ids(&store.siblings(action).await.unwrap()), others);
        }
        let due = store.due_actions("acme", Lane::Api, at(9), &[], 10).await.unwrap();
        let due: Vec<ActionId> = due.into_iter().map(|due| due.id).collect();
        assert!(due.len() == 3 && ids(&actions).iter().all(|id| due.contains(id)), "{due:?}");
        let by_decision = &store.actions_by_decision(std::slice::from_ref(&made.id)).await.unwrap()[&made.id];
        assert_eq!(by_decision.iter().map(|found| found.id.clone()).collect::<Vec<_>>(), ids(&actions));

        let mut reply = actions[0].clone();
        (reply.state, reply.due_at, reply.sent_at) = (ActionState::Done, None, Some(at(5)));
        let accepted =
            Attempt { at: at(5), outcome: AttemptOutcome::Accepted, status: Some(200), body: Some("2-ab".to_owned()) };
        reply.attempts = vec![accepted];
        store.update_action(&mut reply).await.unwrap();
        assert_eq!(store.action(&reply.id).await.unwrap().as_ref(), Some(&reply));
        let mut late = actions[0].clone();
        assert!(store.update_action(&mut late).await.is_err(), "somebody else was first");
        let facts = store.lead_facts("acme", "t", None, OptOutScope::Workspace).await.unwrap();
        let history: Vec<ActionId> = facts.history.into_iter().map(|entry| entry.action).collect();
        assert!(ids(&actions).iter().all(|id| history.contains(id)), "{history:?}");

        let mut star = actions[1].clone();
        (star.state, star.reason) = (ActionState::Held, Some(Reason::new(ReasonCode::ForeignUse, "")));
        store.update_action(&mut star).await.unwrap();
        store.resume(Some("acme"), at(6)).await.unwrap();
        assert_eq!(store.action(&star.id).await.unwrap().unwrap().state, ActionState::Planned);
        if !stores::on_postgres() {
            let file = rusqlite::Connection::open(bed.path()).unwrap();
            let own = "SELECT count(*) FROM actions WHERE uid IS NOT NULL";
            let own: i64 = file.query_row(own, [], |row| row.get(0)).unwrap();
            assert_eq!(own, if told { 0 } else { 3 }, "what is told is not kept twice");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_no_action_has_finds_none() {
    let bed = StoreFixture::new().await;
    let (made, actions) = decided(&bed, 0, true).await;
    let (other, _) = decided(&bed, 1, false).await;
    let place = |decision: &str, place| ActionId::of_decision(decision, place).unwrap();
    for id in [place(&made.id, 3), place(&other.id, 0), place(&new_decision_id(), 0), ActionId("a1".to_owned())] {
        assert_eq!(bed.store.action(&id).await.unwrap(), None, "{id}");
        let mut moved = Action { id, ..actions[0].clone() };
        assert!(bed.store.update_action(&mut moved).await.is_err());
    }
    assert_eq!(bed.store.action(&actions[0].id).await.unwrap().map(|found| found.id), Some(actions[0].id.clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_goes_on_from_any_id_also_from_one_that_is_gone() {
    let bed = StoreFixture::new().await;
    let mut all = Vec::new();
    for second in 0..6 {
        all.extend(decided(&bed, second, second % 2 == 0).await.1);
    }
    let newest_first: Vec<ActionId> = ids(all.iter().rev());
    let older = async |id: &ActionId| {
        let filter = ActionFilter { before: Some(id.0.clone()), limit: 100, ..ActionFilter::default() };
        ids(&bed.store.actions(&filter).await.unwrap())
    };
    for (place, id) in newest_first.iter().enumerate() {
        assert_eq!(older(id).await, newest_first[place + 1..]);
    }
    let gone = ActionId(new_decision_id());
    assert_eq!(older(&gone).await, newest_first, "it is newer than all");
    assert_eq!(older(&ActionId("00000000-0000-7000-8000-000000000001".to_owned())).await, [], "older than all");

    // A decision in the middle, and what became of the list that ended at one of its actions.
    let between = ActionId::of_decision(&new_decision_id(), 1).unwrap();
    let (_, later) = decided(&bed, 9, true).await;
    assert_eq!(older(&between).await, newest_first);
    assert_eq!(older(&later[0].id).await, newest_first);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_removed_actions_keeps_when_they_were_tried() {
    let bed = StoreFixture::new().await;
    let (_, actions) = decided(&bed, 0, true).await;
    for action in actions {
        let accepted =
            |second| Attempt { at: at(second), outcome: AttemptOutcome::Accepted, status: Some(200), body: None };
        let mut action = Action { state: ActionState::Done, due_at: None, sent_at: Some(at(7)), ..action };
        (action.attempts, action.updated_at) = (vec![accepted(3), accepted(7)], at(7));
        bed.store.update_action(&mut action).await.unwrap();
    }
    let before = RemoveBefore { others: Some(at(100)), workspaces: Default::default() };
    assert_eq!(bed.store.remove_old_decisions(&before, RemovalMark::default()).await.unwrap().decisions, 1);
    let kept = bed.store.kept_replies("acme", "t").await.unwrap();
    let [reply] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!(reply.attempts.iter().map(|tried| tried.at).collect::<Vec<_>>(), [at(3), at(7)]);
}
