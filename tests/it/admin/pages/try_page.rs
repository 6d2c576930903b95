//! A message that is tried.

use super::{super::AdminFixture, shows};
use crate::fixture::FixtureOptions;
use reply_router::model::Mode;

#[tokio::test]
async fn a_message_is_tried_without_a_trace() {
    let desk = AdminFixture::new(FixtureOptions { mode: Mode::Draft, ..FixtureOptions::default() }).await;
    desk.fixture.requests();
    let form = "text=Give+me+a+call%2C+%3Cb%3Eplease%3C%2Fb%3E.&category=interested&campaign=Q1+Launch&lead=jane%40acme.example&name=Jane+Doe&subject=Hi";
    let page = desk.post("/try", form).await;
    assert_eq!(page.status, 200);
    shows(
        &page.text,
        &[
            "Matched: book-a-call.",
            "Give me a <mark>call</mark>, &#60;b&#62;please",
            "Hi Jane, here is my calendar.",
            "would be held",
            "Not checked (needs stored history)",
            "value=\"jane@acme.example\"",
        ],
    );
    let page = desk.post("/try", "text=Stop&category=not_interested").await;
    shows(&page.text, &["No rule matches.", "no match"]);
    desk.post("/try", "text=x&workspace=nobody").await.problem(404);
    assert_eq!(desk.fixture.requests(), Vec::<String>::new());
    assert_eq!(desk.fixture.actions().await, []);
    assert!(!desk.get("/activity").await.text.contains("href=\"/threads/"));
}
