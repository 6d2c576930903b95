//! What people look at.

use super::Desk;
use crate::stage::Setting;
use reply_router::{
    model::{ActionState, Mode},
    simulator::NewThread,
    store::Store,
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

#[tokio::test]
async fn what_a_lead_writes_is_shown_and_never_run() {
    let desk = Desk::new(Setting { rules: EVIL_RULE, mode: Mode::Draft, ..Setting::default() }).await;
    let thread = NewThread::new("eve@acme.example").name(EVIL).subject(EVIL).campaign(EVIL).category(EVIL);
    let message = reply_router::simulator::Message::text(format!("{EVIL} call me")).about(EVIL);
    let thread = desk.stage.simulator.workspace().add_thread(thread.message(message));
    desk.stage.round().await;
    assert_eq!(desk.stage.actions().await.len(), 1);
    for path in ["/".to_owned(), format!("/threads/{thread}")] {
        let page = desk.get(&path).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.header("content-security-policy").contains("default-src 'none'"));
        assert!(!page.text.contains("<script"), "{path}: {}", page.text);
        assert!(page.text.contains("&#60;script&#62;alert(1)"), "{path}: {}", page.text);
    }
    let unknown = desk.get("/threads/%3Cscript%3E").await;
    unknown.problem(404);
}

#[tokio::test]
async fn nothing_that_needs_a_person_is_hidden_by_something_else() {
    let desk = Desk::new(Setting { mode: Mode::Draft, ..Setting::default() }).await;
    for number in 0..33 {
        desk.stage.hot_lead(&format!("lead{number}@acme.example"), "Please call.");
    }
    desk.stage.round().await;
    let replies = desk.stage.actions().await.into_iter().filter(|action| action.state == ActionState::Held);
    for (number, mut action) in replies.enumerate() {
        // The oldest one is the one that presses.
        match number {
            0 => action.state = ActionState::Quarantined,
            1 => action.state = ActionState::Failed,
            _ => continue,
        }
        desk.stage.store.update_action(&mut action).await.unwrap();
    }
    let page = desk.get("/").await.text;
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is missing in {page}"));
    assert!(at("For you to decide: quarantined") < at("For you to decide: held"));
    assert!(at("For you to decide: held") < at("For you to decide: failed"));
    for button in ["It was sent", "It was not sent", "Send it", "Do not send", "Try again"] {
        at(button);
    }
    at("1 more held");
}

#[tokio::test]
async fn what_waits_is_shown_with_its_reason_and_a_pause_with_its_end() {
    let setting = Setting { more_workspaces: vec![("globex", Mode::Live)], ..Setting::default() };
    let desk = Desk::new(setting).await;
    let acme = r#"{"workspace": "acme"}"#;
    desk.post("/api/v1/pause", acme).await.json();
    desk.stage.hot_lead("jane@acme.example", "Please call.");
    desk.stage.round().await;
    let page = desk.get("/").await.text;
    for text in ["<h2>Waiting</h2>", "jane@acme.example", "paused", "Resume acme", "/resume?workspace=acme"] {
        assert!(page.contains(text), "{text} is missing in {page}");
    }
    assert!(!page.contains("Resume globex"));
    let waiting = page.split("<h2>Waiting</h2>").nth(1).unwrap();
    assert!(waiting.contains("2026-07-15 "), "when it is due: {waiting}");
    assert_eq!(desk.post("/resume?workspace=acme", "").await.status, 303);
    assert!(desk.stage.store.pauses().await.unwrap().is_empty());
}
