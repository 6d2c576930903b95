//! What the pages' forms do.

use super::{
    super::{AdminFixture, Answer, bearer},
    shows,
};
use crate::fixture::FixtureOptions;
use reply_router::store::prelude::*;
use reply_router::{
    model::{ActionState, Mode},
    simulator::{SmtpFault, SmtpStep},
};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

impl AdminFixture {
    async fn form(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &[bearer(), FORM], body).await
    }

    #[track_caller]
    fn leads_to(answer: &Answer, place: &str) {
        assert_eq!((answer.status, answer.header("location")), (303, place), "{answer:?}");
    }
}

/// One draft; its id comes back.
async fn draft(desk: &AdminFixture) -> String {
    desk.fixture.hot_lead("jane@acme.example", "Please call.");
    desk.fixture.tick().await;
    let held = desk.fixture.actions().await.into_iter().find(|action| action.state == ActionState::Held);
    held.unwrap().id.0
}

#[tokio::test]
async fn an_edited_draft_goes_out_as_it_was_edited_and_an_unedited_one_as_it_was() {
    let html = r"
version: 1
rules:
  - name: formatted
    when: { body: '\bcall\b' }
    then:
      - reply: { text: 'One line.', html: '<p>One <b>line</b>.</p>' }
";
    for (sent, expected, keeps_html) in
        [("One+line.%0D%0A", "One line.", true), ("Two+lines%0D%0Ahere.", "Two lines\nhere.", false)]
    {
        let desk =
            AdminFixture::new(FixtureOptions { rules: html, mode: Mode::Draft, ..FixtureOptions::default() }).await;
        let id = draft(&desk).await;
        let answer = desk.form(&format!("/actions/{id}/approve"), &format!("text={sent}")).await;
        AdminFixture::leads_to(&answer, &format!("/queue?decided={id}"));
        desk.fixture.run_due().await;
        let reply = desk.fixture.simulator.workspace().accepted_replies().pop().unwrap();
        assert_eq!(reply.body.as_deref(), Some(expected));
        assert_eq!(reply.html_body.is_some(), keeps_html, "{sent}");
    }
}

#[tokio::test]
async fn nothing_at_all_is_no_reply_and_two_people_decide_once() {
    let desk = AdminFixture::new(FixtureOptions { mode: Mode::Draft, ..FixtureOptions::default() }).await;
    let id = draft(&desk).await;
    desk.form(&format!("/actions/{id}/approve"), "text=+").await.problem(422);
    AdminFixture::leads_to(
        &desk.form(&format!("/actions/{id}/reject"), "text=Hi").await,
        &format!("/queue?decided={id}"),
    );
    let page = ("accept", "text/html");
    let late = desk.send("POST", &format!("/actions/{id}/approve"), &[bearer(), FORM, page], "").await;
    assert_eq!(late.status, 409);
    shows(&late.text, &["<h1>Conflict</h1>", "cancelled"]);
    desk.form(&format!("/actions/{id}/forget"), "").await.problem(404);
}

#[tokio::test]
async fn not_sent_leads_to_the_draft_that_it_becomes() {
    let desk = AdminFixture::new(FixtureOptions { mode: Mode::Draft, ..FixtureOptions::default() }).await;
    let id = draft(&desk).await;
    let mut action = desk.fixture.actions().await.remove(0);
    action.state = ActionState::Quarantined;
    desk.fixture.store.update_action(&mut action).await.unwrap();
    let answer = desk.form(&format!("/actions/{id}/not-sent"), "").await;
    AdminFixture::leads_to(&answer, &format!("/queue#action-{id}"));
    assert_eq!(desk.fixture.actions().await[0].state, ActionState::Held);
}

#[tokio::test]
async fn a_mode_is_lowered_and_cleared_and_never_raised() {
    let rules = r"
version: 1
rules:
  - name: careful
    mode: draft
    when: { body: x }
    then: [star]
";
    let desk = AdminFixture::new(FixtureOptions { rules, ..FixtureOptions::default() }).await;
    let mode = async |form: &str| desk.form("/rules/careful/mode", form).await;
    AdminFixture::leads_to(&mode("mode=shadow").await, "/#rule-careful");
    assert_eq!(desk.fixture.store.override_modes().await.unwrap()["careful"], Mode::Shadow);
    mode("mode=live").await.problem(422);
    mode("mode=loud").await.problem(400);
    mode("").await.problem(400);
    AdminFixture::leads_to(&mode("mode=").await, "/#rule-careful");
    assert!(desk.fixture.store.override_modes().await.unwrap().is_empty());
    desk.form("/rules/nobody/mode", "mode=off").await.problem(404);
}

#[tokio::test]
async fn a_person_is_erased_after_a_question() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let thread = desk.fixture.hot_lead("quentina@erased.example", "Please call.");
    desk.fixture.tick().await;
    desk.form("/opt-outs", "email=quentina%40erased.example&evidence=asked+on+the+phone").await;
    // Where one looks for it.
    for path in ["/workspace".to_owned(), format!("/threads/{thread}")] {
        shows(&desk.get(&path).await.text, &["action=\"/forget\""]);
    }
    let asked = desk.form("/forget", "email=Quentina%40erased.example&workspace=").await;
    shows(&asked.text, &["Erase <bdi>quentina@erased.example</bdi>?", "What goes", "What stays", "cannot be undone"]);
    assert_eq!(desk.fixture.actions().await.len(), 3, "nothing has gone");
    let erased = desk.form("/forget", "email=quentina%40erased.example&workspace=acme&confirm=yes").await;
    assert_eq!((erased.status, erased.header("content-type")), (200, "text/html; charset=utf-8"));
    shows(
        &erased.text,
        &["In acme: 1 thread, 1 decision.", "1 opt-out holds on", "1 line of the audit log no longer names"],
    );
    assert!(desk.fixture.actions().await.is_empty());
    for page in [erased.text, desk.get("/workspace").await.text, desk.get("/activity").await.text] {
        assert!(!page.contains("quentina") && !page.contains("Jane Doe"), "{page}");
    }
    shows(&desk.get("/workspace").await.text, &["a person who was erased", "erased a person"]);
    // Who did it is on record, and whom by a hash alone.
    let audit = desk.get("/api/v1/audit?what=person.forget").await.json();
    let entry = &audit["items"][0];
    assert_eq!(entry["details"]["decisions"], 1);
    assert!(entry["target"].as_str().unwrap().starts_with("erased:"), "{entry}");
    let again = desk.form("/forget", "email=quentina%40erased.example&confirm=yes").await;
    shows(&again.text, &["Nothing is known of this address."]);
    desk.form("/forget", "email=nobody&confirm=yes").await.problem(400);
    desk.form("/forget", "email=+&confirm=yes").await.problem(400);
    desk.form("/forget", "email=*%40erased.example&confirm=yes").await.problem(400);
    desk.form("/forget", "email=a%40b.example&workspace=globex").await.problem(404);
}

#[tokio::test]
async fn opt_outs_are_added_and_removed() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let place = "/workspace#opt-outs";
    AdminFixture::leads_to(
        &desk.form("/opt-outs", "email=Jo%40acme.example&evidence=on+the+phone&workspace=").await,
        place,
    );
    shows(&desk.get("/workspace").await.text, &["jo@acme.example", "on the phone", "added an opt-out"]);
    let page = desk.form("/opt-outs", "email=nobody").await;
    assert_eq!(page.status, 400);
    shows(&page.text, &["Not added: <code>nobody</code> is not an e-mail address", "value=\"nobody\""]);
    AdminFixture::leads_to(&desk.form("/opt-outs/remove", "email=jo%40acme.example&workspace=acme").await, place);
    desk.form("/opt-outs/remove", "email=jo%40acme.example&workspace=acme").await.problem(404);
    shows(&desk.get("/workspace").await.text, &["No opt-outs.", "removed an opt-out"]);
}

#[tokio::test]
async fn keys_and_destinations_are_checked_on_demand_and_nothing_is_sent() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    desk.fixture.requests();
    let page = desk.form("/workspace/check", "").await;
    assert_eq!(page.status, 200);
    shows(
        &page.text,
        &["workspace acme", "the key is accepted at http://127.0.0.1", "destination sales", "destination team"],
    );
    assert!(!page.text.contains("failed</span>"), "{}", page.text);
    assert_eq!(desk.fixture.requests(), ["GET list"]);
    let simulator = &desk.fixture.simulator;
    assert!(simulator.slack().is_empty() && simulator.mail().is_empty());
    simulator.faults().smtp(SmtpStep::Greeting, 10, SmtpFault::Code(554, "go away".to_owned()));
    let page = desk.form("/workspace/check", "").await.text;
    shows(&page, &["<strong>destination team</strong> <span class=\"error\">failed</span>"]);
}

#[tokio::test]
async fn a_form_leads_back_to_a_page_of_ours_only() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    AdminFixture::leads_to(&desk.form("/pause?workspace=acme&back=workspace", "").await, "/workspace");
    AdminFixture::leads_to(&desk.form("/resume", "").await, "/");
    desk.form("/pause?back=//evil.example", "").await.problem(400);
    desk.form("/pause?workspace=nobody", "").await.problem(404);
    assert!(desk.fixture.store.pauses().await.unwrap().is_empty());
    desk.form("/reload?back=workspace", "").await.problem(501);
    let out = desk.form("/logout", "").await;
    assert!(out.header("set-cookie").contains("reply_router_session=; Path=/; HttpOnly"), "{out:?}");
    assert!(out.header("set-cookie").ends_with("Max-Age=0"), "{out:?}");
}
