//! What is asked before an action leaves.

use super::{StoreFixture, action, at, decision};
use reply_router::{
    model::{Action, ActionId, ActionKind, ActionState, Mode, OptOutScope, Payload},
    store::{ForeignUse, OptOut, ReplyFacts, ReplyQuestion, SentFilter, SentWindow, prelude::*},
};

#[tokio::test]
async fn sent_actions_are_counted_in_their_window() {
    let bed = StoreFixture::new().await;
    for (number, state) in [ActionState::Done, ActionState::Unknown, ActionState::Failed].into_iter().enumerate() {
        let second = i64::try_from(number).unwrap() * 10;
        let made = decision(&format!("d{number}"), &format!("m{number}"), second);
        let sent = Action { sent_at: Some(at(second)), ..action(&made, ActionKind::Reply, state) };
        bed.record(&made, vec![sent]).await;
    }
    let all = SentFilter { kind: ActionKind::Reply, lead_email: Some("JANE@acme.example"), rule: None };
    let sent = async |filter, second, newest| {
        bed.store.sent_since("acme", filter, SentWindow { since: at(second), newest }).await.unwrap()
    };
    assert_eq!(sent(&all, -1, 10).await, [at(0), at(10)]);
    assert_eq!(sent(&all, 0, 10).await, [at(10)], "the window's start is outside");
    assert_eq!(sent(&all, -1, 1).await, [at(10)], "the newest");
    let other = SentFilter { rule: Some("other"), ..all };
    assert!(sent(&other, -1, 10).await.is_empty());
    let facts = bed.store.lead_facts("acme", "t", None, OptOutScope::Workspace).await.unwrap();
    assert_eq!((facts.history.len(), facts.opt_out), (2, None), "failed ones do not count");
}

#[tokio::test]
async fn what_stands_in_the_way_of_a_reply_comes_at_once() {
    let bed = StoreFixture::new().await;
    let made = decision("d1", "m1", 0);
    let reply = Action { sent_at: Some(at(5)), ..action(&made, ActionKind::Reply, ActionState::Done) };
    bed.record(&made, vec![reply.clone()]).await;
    let window = SentWindow { since: at(0), newest: 9 };
    let question = ReplyQuestion {
        workspace: "acme".to_owned(),
        thread_id: "t".to_owned(),
        lead_email: Some("Jane@ACME.example".to_owned()),
        opt_outs: OptOutScope::Workspace,
        rule: reply.rule.clone(),
        to_lead: window,
        of_workspace: Some(window),
        by_rule: Some(window),
    };
    let facts = bed.store.reply_facts(&question).await.unwrap();
    assert_eq!((&facts.to_lead, &facts.of_workspace, &facts.by_rule), (&vec![at(5)], &vec![at(5)], &vec![at(5)]));
    assert_eq!((facts.lead.history.len(), facts.lead.opt_out, facts.foreign_use), (1, None, None));

    let opt_out = OptOut {
        workspace: "acme".to_owned(),
        email: "jane@acme.example".to_owned(),
        since: at(6),
        evidence: "no more".to_owned(),
    };
    bed.store.add_opt_out(&opt_out).await.unwrap();
    let seen = ForeignUse { workspace: "acme".to_owned(), since: at(6), evidence: "our words".to_owned() };
    assert!(bed.store.add_foreign_use(&seen).await.unwrap());
    let question = ReplyQuestion { of_workspace: None, by_rule: None, ..question };
    let facts = bed.store.reply_facts(&question).await.unwrap();
    assert_eq!((facts.lead.opt_out, facts.foreign_use), (Some(opt_out), Some(seen)));
    assert!(facts.of_workspace.is_empty() && facts.by_rule.is_empty(), "nobody asked");
    let elsewhere = ReplyQuestion { workspace: "other".to_owned(), ..question };
    assert_eq!(bed.store.reply_facts(&elsewhere).await.unwrap(), ReplyFacts::default());

    let found = bed.store.action_under_control(&reply.id).await.unwrap().unwrap();
    assert_eq!((found.action.id, found.is_paused, found.lowered), (reply.id.clone(), false, None));
    bed.store.pause(None, "all", None, at(7)).await.unwrap();
    bed.store.set_rule_mode(&reply.rule, Some(Mode::Draft), "me", at(7)).await.unwrap();
    let found = bed.store.action_under_control(&reply.id).await.unwrap().unwrap();
    assert_eq!((found.is_paused, found.lowered), (true, Some(Mode::Draft)));
    assert!(bed.store.action_under_control(&ActionId::new()).await.unwrap().is_none());
}

#[tokio::test]
async fn what_an_action_sends_changes_only_when_somebody_edits_it() {
    let bed = StoreFixture::new().await;
    let made = decision("d1", "m1", 0);
    let mut reply = bed.record(&made, vec![action(&made, ActionKind::Reply, ActionState::Held)]).await.remove(0);
    let planned = reply.payload.clone();
    let edited = Payload::Reply { text: Some("edited".to_owned()), html: None, attachments: Vec::new() };
    reply.payload = edited.clone();
    bed.store.update_action(&mut reply).await.unwrap();
    let payload = async || bed.store.action(&reply.id).await.unwrap().unwrap().payload;
    assert_eq!(payload().await, planned);
    let mut reply = Action { payload: edited.clone(), ..reply.clone() };
    bed.store.update_edited_action(&mut reply).await.unwrap();
    assert_eq!(payload().await, edited);
}
