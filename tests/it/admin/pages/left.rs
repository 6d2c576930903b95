//! Threads in which nothing is open and that a person still has to look at: on the first page, in the queue, for programs.

use super::{between, shows};
use crate::{
    admin::{AdminFixture, bearer},
    fixture::FixtureOptions,
};
use reply_router::model::{ActionState, Mode, OptOutScope, Safety};
use reply_router::store::{OptOut, prelude::*};
use std::time::Duration;

/// The lead writes a second time in a thread that a rule has answered once.
async fn answered_once() -> (AdminFixture, String) {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let thread = desk.fixture.hot_lead("jane@acme.example", "Sure, give me a call.");
    desk.fixture.tick().await;
    shows(&desk.get("/").await.text, &["<h1>Healthy</h1>"]);
    desk.fixture.clock.advance(Duration::from_secs(600));
    desk.fixture.simulator.workspace().lead_writes(&thread, "And what does the call cost?");
    desk.fixture.tick().await;
    (desk, thread)
}

#[tokio::test]
async fn a_thread_that_was_left_unread_is_counted_and_listed_until_a_person_is_done_with_it() {
    let (desk, thread) = answered_once().await;
    assert!(!desk.fixture.simulator.workspace().thread(&thread).unwrap().is_read);
    let page = desk.get("/").await.text;
    shows(&page, &["<h1>Waiting for you</h1>", "1 thread left for you", "class=\"badge\">1<"]);
    let queue = desk.get("/queue").await.text;
    let left = between(&queue, "id=\"left\"", "</section>");
    shows(
        left,
        &[
            "Left for you <span class=\"quiet\">1</span>",
            "Jane Doe &#60;jane@acme.example&#62;",
            "And what does the call cost?",
            "book-a-call sent no reply: this rule has it done in this thread.",
            "Mark as done",
        ],
    );
    assert_eq!(desk.get("/api/v1/status").await.json()["queue"]["left_for_you"], 1);
    let item = desk.get("/api/v1/left").await.json()["items"][0].clone();
    assert_eq!((&item["thread_id"], &item["lead_name"]), (&thread.into(), &"Jane Doe".into()));
    assert_eq!(item["why"][0]["reason"]["code"], "repeat");

    let id = item["decision_id"].as_str().unwrap();
    let answer = desk.post(&format!("/left/{id}/done"), "").await;
    assert_eq!((answer.status, answer.header("location")), (303, "/queue#left"));
    shows(&desk.get("/").await.text, &["<h1>Healthy</h1>"]);
    assert!(!desk.get("/queue").await.text.contains("Left for you"));
    shows(&desk.get("/workspace").await.text, &["marked a thread as done"]);
    desk.post("/api/v1/left/nowhere/done", "").await.problem(404);
}

#[tokio::test]
async fn it_leaves_the_list_when_somebody_writes_in_the_thread() {
    let (desk, thread) = answered_once().await;
    desk.fixture.clock.advance(Duration::from_secs(600));
    desk.fixture.simulator.workspace().person_answers(&thread, "490 EUR, Jane.");
    desk.fixture.tick().await;
    assert_eq!(desk.get("/api/v1/status").await.json()["queue"]["left_for_you"], 0);
}

#[tokio::test]
async fn a_lead_who_opted_out_is_left_for_a_person_whether_or_not_a_rule_matched() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    desk.fixture.hot_lead("jane@acme.example", "A call? No. Please remove me from your list.");
    desk.fixture.hot_lead("joe@acme.example", "Unsubscribe");
    desk.fixture.tick().await;
    assert_eq!(desk.get("/api/v1/status").await.json()["queue"]["left_for_you"], 2);
    let queue = desk.get("/queue").await.text;
    shows(
        &queue,
        &[
            "book-a-call sent no reply: the thread contains an opt-out.",
            "The lead opted out: remove them from the campaign in ColdSend.",
        ],
    );
}

#[tokio::test]
async fn whatever_form_an_opt_out_has_mail_is_left_until_it_is_taken_back() {
    let safety = Safety { opt_outs: OptOutScope::Shared, ..Safety::default() };
    let desk = AdminFixture::new(FixtureOptions { safety, ..FixtureOptions::default() }).await;
    let add = async |workspace: &str, email: &str| {
        let (workspace, email) = (workspace.to_owned(), email.to_owned());
        let since = desk.fixture.engine.now();
        let opt_out = OptOut { workspace, email, since, evidence: "no".to_owned() };
        desk.fixture.store.add_opt_out(&opt_out).await.unwrap();
    };
    add("acme", "*@gone.example").await;
    add("elsewhere", "jo@shared.example").await;
    add("acme", "ann@erased.example").await;
    desk.fixture.store.erase("ann@erased.example", None, desk.fixture.engine.now()).await.unwrap();
    for lead in ["jane@eu.gone.example", "jo@shared.example", "ann@erased.example", "joe@acme.example"] {
        desk.fixture.hot_lead(lead, "Thanks for nothing.");
    }
    desk.fixture.tick().await;
    let left = async || {
        let status = desk.get("/api/v1/status").await.json()["queue"]["left_for_you"].as_u64().unwrap();
        let list = desk.get("/api/v1/left").await.json();
        assert!(list["items"].as_array().unwrap().iter().all(|item| item["why"][0]["reason"]["code"] == "opt_out"));
        assert_eq!(list["items"].as_array().unwrap().len() as u64, status);
        status
    };
    assert_eq!(left().await, 3);
    for (number, form) in [(2, "*@gone.example"), (1, "ann@erased.example"), (0, "jo@shared.example")] {
        let path = format!("/api/v1/opt-outs/{form}");
        assert_eq!(desk.send("DELETE", &path, &[bearer()], "").await.status, 204);
        assert_eq!(left().await, number, "{form}");
    }
}

#[tokio::test]
async fn what_is_in_another_section_or_was_rejected_is_not_listed_twice() {
    let desk = AdminFixture::new(FixtureOptions { mode: Mode::Draft, ..FixtureOptions::default() }).await;
    desk.fixture.hot_lead("jane@acme.example", "Sure, give me a call.");
    desk.fixture.tick().await;
    let left = async || desk.get("/api/v1/status").await.json()["queue"]["left_for_you"].clone();
    assert_eq!(left().await, 0, "the draft waits in its own section");
    let draft = desk.fixture.actions().await.into_iter().find(|action| action.state == ActionState::Held).unwrap();
    desk.post(&format!("/api/v1/actions/{}/reject", draft.id), "").await.json();
    desk.fixture.run_due().await;
    assert_eq!(left().await, 0, "whoever rejected it has seen it");
}

#[tokio::test]
async fn the_queue_says_who_wrote_and_what_came_of_an_approval() {
    let desk = AdminFixture::new(FixtureOptions { mode: Mode::Draft, ..FixtureOptions::default() }).await;
    desk.fixture.hot_lead("jane@acme.example", "Sure, give me a call.");
    desk.fixture.tick().await;
    let queue = desk.get("/queue").await.text;
    shows(&queue, &["<bdi>Jane Doe &#60;jane@acme.example&#62;</bdi> wrote:", "Sure, give me a call."]);
    assert!(!desk.get("/activity").await.text.contains("answered"), "a draft is no answer");
    let draft = desk.fixture.actions().await.into_iter().find(|action| action.state == ActionState::Held).unwrap();
    let answer = desk.post(&format!("/actions/{}/approve", draft.id), "").await;
    assert_eq!(answer.header("location"), format!("/queue?decided={}", draft.id));
    let page = desk.get(answer.header("location")).await.text;
    shows(&page, &["Reply to jane@acme.example: approved. It is sent after the final checks."]);
    desk.fixture.run_due().await;
    shows(&desk.get(answer.header("location")).await.text, &["Reply to jane@acme.example: sent."]);
    assert_eq!(desk.fixture.store.left_count(desk.fixture.engine.now(), None).await.unwrap(), 0);
}
