//! A list that changes while forwards wait: each goes to whoever has the account when it leaves, or fails for people to see.

use crate::fixture::{Fixture, FixtureOptions};
use reply_router::{
    lists::{ListKind, ListSource},
    model::{ActionState, DestinationKind},
    rules::{LoadContext, RuleSet},
};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
const ANN: &str = "domain,owner,mail\nacme.example,Ann,ann@us.example\n";
const BO: &str = "domain,owner,mail\nacme.example,Bo,bo@us.example\n";
const NOBODY: &str = "domain,owner,mail\nother.example,Cy,cy@us.example\n";

/// A forward to the owner of an account, an hour after the message.
const TELL: &str = "email: { to: team, after: 1h, cc: \"{{ (lead.domain | lookup('accounts')).mail }}\", \
                    text: \"For {{ (lead.domain | lookup('accounts')).owner }}\" }";

/// A rule with this action; `when` says what else must hold.
fn rule(name: &str, when: &str, action: &str) -> String {
    format!("  - name: {name}\n    when: {{ category: interested{when} }}\n    then:\n      - {action}\n")
}

/// Rules with a list of these rows.
fn rules(rules: &str, accounts: &str) -> RuleSet {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.csv");
    std::fs::write(&path, accounts).unwrap();
    let list = ListSource { kind: ListKind::File { path, key: None }, at: None };
    let context = LoadContext {
        lists: [("accounts".to_owned(), list)].into(),
        destinations: [("team".to_owned(), DestinationKind::Email)].into(),
        ..LoadContext::default()
    };
    RuleSet::parse(&[("rules.yaml", &format!("rules:\n{rules}"))], &context).unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// A lead of an account that Ann has has written, and their forward waits.
async fn waiting(text: &str) -> Fixture {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    fixture.engine.replace_rules(rules(text, ANN));
    fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.tick().await;
    assert!(fixture.states().await.iter().all(|state| state.1 == ActionState::Waiting), "{:?}", fixture.states().await);
    fixture
}

/// Their time comes, with another list.
async fn leaves(fixture: &Fixture, text: &str, accounts: &str) {
    fixture.engine.replace_rules(rules(text, accounts));
    fixture.clock.advance(HOUR);
    fixture.run_due().await;
}

/// Whom each mail went to, and whether it is about this owner.
fn mails(fixture: &Fixture) -> Vec<(Vec<String>, bool)> {
    let mails = fixture.simulator.mail().into_iter();
    mails.map(|mail| (mail.to, mail.raw.contains("For Bo"))).collect()
}

#[tokio::test]
async fn a_forward_goes_to_whoever_has_the_account_when_it_leaves() {
    let text = rule("tell", ", lead_domain: { in: accounts }", TELL);
    let fixture = waiting(&text).await;
    leaves(&fixture, &text, BO).await;
    let both = ["ae@acme.example", "bo@us.example"].map(str::to_owned).to_vec();
    assert_eq!(mails(&fixture), [(both, true)], "{:?}", fixture.actions().await);
    let action = fixture.actions().await.remove(0);
    assert_eq!(
        (action.state, action.payload.recipients()),
        (ActionState::Done, ["bo@us.example".to_owned()].as_slice())
    );
    assert_eq!(action.describe_target().as_deref(), Some("team bo@us.example"));
    // A list that says the same changes nothing.
    let fixture = waiting(&text).await;
    leaves(&fixture, &text, &format!("{ANN}other.example,Cy,cy@us.example\n")).await;
    let both = ["ae@acme.example", "ann@us.example"].map(str::to_owned).to_vec();
    assert_eq!(mails(&fixture), [(both, false)]);
}

#[tokio::test]
async fn a_forward_whose_row_is_gone_fails_until_it_is_back() {
    for (when, code, why) in [
        ("", "template", "line 1 of the template: `(lead.domain | lookup('accounts')).owner` has no value"),
        (
            ", lead_domain: { in: accounts }",
            "rule_no_longer_matches",
            "the rule `tell` no longer matches: `acme.example` is not in the list `accounts` any more",
        ),
    ] {
        let text = rule("tell", when, TELL);
        let fixture = waiting(&text).await;
        leaves(&fixture, &text, NOBODY).await;
        let action = fixture.actions().await.remove(0);
        let reason = action.reason.clone().unwrap();
        assert_eq!((action.state, reason.code.as_str(), reason.text.as_str()), (ActionState::Failed, code, why));
        assert_eq!(mails(&fixture), []);
        // Whoever has put it back tries again.
        fixture.engine.replace_rules(rules(&text, BO));
        fixture.engine.operator().retry(&action.id).await.unwrap();
        fixture.run_due().await;
        assert_eq!(mails(&fixture).len(), 1, "{:?}", fixture.actions().await);
        assert!(mails(&fixture)[0].1);
    }
}

#[tokio::test]
async fn a_forward_that_failed_for_want_of_a_row_can_be_tried_again_once_there_is_one() {
    let text = rule("tell", "", &TELL.replace("after: 1h, ", ""));
    let fixture = Fixture::new(FixtureOptions::default()).await;
    fixture.engine.replace_rules(rules(&text, NOBODY));
    fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.tick().await;
    let action = fixture.actions().await.remove(0);
    assert_eq!(action.state, ActionState::Failed);
    fixture.clock.advance(HOUR);
    fixture.engine.replace_rules(rules(&text, BO));
    fixture.engine.operator().retry(&action.id).await.unwrap();
    fixture.run_due().await;
    let both = ["ae@acme.example", "bo@us.example"].map(str::to_owned).to_vec();
    assert_eq!(mails(&fixture), [(both, true)], "{:?}", fixture.actions().await);
}

#[tokio::test]
async fn a_reply_that_waits_is_cancelled_and_says_which_list_has_changed() {
    let text =
        rule("answer", ", not: { lead_domain: { in: accounts } }", "reply: { text: 'Shall we talk?', after: 1h }");
    let fixture = Fixture::new(FixtureOptions::default()).await;
    fixture.engine.replace_rules(rules(&text, NOBODY));
    fixture.hot_lead("jane@acme.example", "Give me a call.");
    fixture.tick().await;
    leaves(&fixture, &text, ANN).await;
    let action = fixture.actions().await.remove(0);
    assert_eq!(action.state, ActionState::Cancelled);
    assert_eq!(
        action.reason.unwrap().text,
        "the rule `answer` no longer matches: `acme.example` is in the list `accounts` now"
    );
    assert_eq!(fixture.simulator.workspace().accepted_replies(), []);
}

#[tokio::test]
async fn two_forwards_that_come_to_the_same_people_are_one() {
    let other = TELL.replace("(lead.domain | lookup('accounts')).mail", "'bo@us.example'");
    let text = format!("{}{}", rule("tell", "", TELL), rule("bo-too", "", &other));
    let fixture = waiting(&text).await;
    leaves(&fixture, &text, BO).await;
    let mut states: Vec<_> = fixture.states().await.into_iter().map(|state| (state.1, state.2)).collect();
    states.sort();
    assert_eq!(states, [(ActionState::Done, None), (ActionState::Suppressed, Some("same_target"))]);
    assert_eq!(mails(&fixture).len(), 1);
}
