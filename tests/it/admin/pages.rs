//! What people look at, as it comes from the server.

mod activity;
mod care;
mod forms;
mod left;
mod try_page;

use super::AdminFixture;
use crate::fixture::FixtureOptions;
use reply_router::store::prelude::*;
use reply_router::{
    model::{ActionState, Mode},
    simulator::{Message, NewThread},
};

const EVIL: &str = "<script>alert(1)</script>";

const EVIL_RULE: &str = r"
version: 1
rules:
  - name: careful
    description: '<script>alert(1)</script>'
    when: { body: '<script>' }
    then:
      - reply: { text: 'Hi {{ lead.name }} {{ thread.subject }}' }
";

/// The page between two places in it.
#[track_caller]
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let rest = page.split_once(from).unwrap_or_else(|| panic!("{from} is missing in {page}")).1;
    rest.split_once(to).map_or(rest, |(part, _)| part)
}

#[track_caller]
fn shows(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "{text} is missing in {page}");
    }
}

#[tokio::test]
async fn what_a_lead_writes_is_shown_and_never_run() {
    let desk =
        AdminFixture::new(FixtureOptions { rules: EVIL_RULE, mode: Mode::Draft, ..FixtureOptions::default() }).await;
    let thread = NewThread::new("eve@acme.example").name(EVIL).subject(EVIL).campaign(EVIL).category(EVIL);
    let message = Message::text(format!("{EVIL} call me")).with_subject(EVIL);
    let thread = desk.fixture.simulator.workspace().add_thread(thread.message(message));
    desk.fixture.tick().await;
    assert_eq!(desk.fixture.actions().await.len(), 1);
    let (recorded, live) = (format!("/threads/{thread}"), format!("/threads/{thread}?live=1"));
    for path in ["/", "/activity", "/queue", "/workspace", &recorded, &live] {
        let page = desk.get(path).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert!(page.header("content-type").starts_with("text/html"));
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        // Scripts come from here, and none stands in the page.
        assert!(!page.text.replace("<script src=\"/assets/", "").contains("<script"), "{path}: {}", page.text);
        assert!(!page.text.contains(" style="), "{path}");
        if path != "/workspace" {
            assert!(page.text.contains("&#60;script&#62;alert(1)"), "{path}: {}", page.text);
        }
    }
    desk.get("/threads/%3Cscript%3E").await.problem(404);
}

#[tokio::test]
async fn nothing_that_needs_a_person_is_hidden_by_something_else() {
    let desk = AdminFixture::new(FixtureOptions { mode: Mode::Draft, ..FixtureOptions::default() }).await;
    for number in 0..33 {
        desk.fixture.hot_lead(&format!("lead{number}@acme.example"), "Please call.");
    }
    desk.fixture.tick().await;
    let replies = desk.fixture.actions().await.into_iter().filter(|action| action.state == ActionState::Held);
    for (number, mut action) in replies.enumerate() {
        // The oldest one is the one that presses.
        match number {
            0 => action.state = ActionState::Quarantined,
            1 => action.state = ActionState::Failed,
            _ => continue,
        }
        desk.fixture.store.update_action(&mut action).await.unwrap();
    }
    let page = desk.get("/queue").await.text;
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is missing in {page}"));
    assert!(at("Delivery unconfirmed") < at("Drafts to approve"));
    assert!(at("Drafts to approve") < at("id=\"group-failed\""));
    for button in ["Mark as sent", "Mark as not sent", "Approve and send", "Reject", "Retry"] {
        at(&format!(">{button}</button>"));
    }
    at("class=\"badge\">33<");
    assert_eq!(page.matches("data-approve").count(), 30);
    let older = between(&page, "href=\"/queue?state=held&#38;cursor=", "\"");
    let rest = desk.get(&format!("/queue?state=held&cursor={older}")).await.text;
    assert_eq!(rest.matches("data-approve").count(), 1);
    assert!(rest.contains("Show the whole queue") && !rest.contains("Mark as sent"), "{rest}");
}

#[tokio::test]
async fn why_a_reply_is_held_although_its_rule_is_live_cannot_be_overlooked() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let thread = NewThread::new("jane@acme.example").name("Jane Doe").campaign("Q1 Launch").category("interested");
    let colleague = Message::text("Jane told me: a call?").sent_by("joe@acme.example");
    desk.fixture.simulator.workspace().add_thread(thread.message(colleague));
    desk.fixture.tick().await;
    let page = desk.get("/queue").await.text;
    shows(&page, &["<p class=\"reason\" dir=\"auto\">the sender is not the lead</p>"]);
}

#[tokio::test]
async fn what_waits_is_shown_with_its_reason_and_a_pause_with_its_end() {
    let setting = FixtureOptions { more_workspaces: vec![("globex", Mode::Live)], ..FixtureOptions::default() };
    let desk = AdminFixture::new(setting).await;
    let acme = r#"{"workspace": "acme"}"#;
    desk.post("/api/v1/pause", acme).await.json();
    desk.fixture.hot_lead("jane@acme.example", "Please call.");
    desk.fixture.tick().await;
    let page = desk.get("/queue").await.text;
    let waiting = between(&page, "id=\"group-waiting\"", "</section>");
    shows(waiting, &["jane@acme.example", "nothing leaves until you resume", "<time datetime=\"2026-07-15T"]);
    for path in ["/", "/workspace"] {
        let page = desk.get(path).await.text;
        shows(&page, &["Resume acme", "/resume?workspace=acme", "by token"]);
        assert!(!page.contains("Resume globex"));
    }
    assert_eq!(desk.post("/resume?workspace=acme", "").await.status, 303);
    assert!(desk.fixture.store.pauses().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_first_page_says_in_words_how_it_goes() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let page = desk.get("/").await.text;
    shows(&page, &["Healthy", "0 replies sent in the last 24 hours, nothing needs you.", "book-a-call", "never"]);
    desk.fixture.hot_lead("jane@acme.example", "Please call.");
    desk.fixture.tick().await;
    desk.post("/api/v1/rules/book-a-call/mode", r#"{"mode": "draft"}"#).await.json();
    desk.fixture.hot_lead("joe@acme.example", "Please call.");
    desk.fixture.tick().await;
    let page = desk.get("/").await.text;
    shows(
        &page,
        &[
            "1 reply sent in the last 24 hours, 1 draft to approve.",
            "lowered by token; its file says live",
            "Overridden to draft <time",
            "Clear override",
            "Matches on each of the last seven days: 0, 0, 0, 0, 0, 0, 2",
            "<strong>2</strong>",
            "1 needs approval</a>",
            "on average, ",
        ],
    );
    let choices = between(&page, "<select id=\"mode-book-a-call\"", "</select>");
    // A mode that it has already, or that is not lower, is no choice.
    assert_eq!(choices.matches("<option").count(), 2);
    assert!(choices.contains("value=\"shadow\" selected>") && choices.contains("value=\"off\">"), "{choices}");
}

#[tokio::test]
async fn a_dry_run_says_so_on_every_page() {
    const STRIPE: &str = "Dry run: nothing is sent or saved.";
    for dry_run in [true, false] {
        let desk = AdminFixture::new(FixtureOptions { dry_run, ..FixtureOptions::default() }).await;
        for path in ["/", "/activity", "/queue", "/try", "/workspace"] {
            assert_eq!(desk.get(path).await.text.contains(STRIPE), dry_run, "{path}");
        }
        assert_eq!(desk.get("/api/v1/status").await.json()["dry_run"], dry_run);
    }
}
