//! What people see first: rules that need care, why a rule did not match, what was when, and the categories that are known.

use super::{between, shows};
use crate::{admin::AdminFixture, fixture::FixtureOptions};
use reply_router::model::Mode;
use std::time::Duration;

const RULES: &str = r"
version: 1
rules:
  - name: calm
    when: { category: meeting_request }
    then: [star]
  - name: watched
    mode: shadow
    when: { category: [interested, 'later on'] }
    then:
      - reply: { text: 'Hi.' }
  - name: drafted
    mode: draft
    when: { category: interested, body: '\bcall\b' }
    then:
      - reply: { text: 'Hi.' }
  - name: broken
    when: { category: interested }
    script: thread.manual_category.len() > 1
    then: [star]
";

#[tokio::test]
async fn rules_that_need_care_come_first_and_look_different() {
    let desk = AdminFixture::new(FixtureOptions { rules: RULES, ..FixtureOptions::default() }).await;
    desk.fixture.hot_lead("jane@acme.example", "Sure, give me a call.");
    desk.fixture.tick().await;
    let page = desk.get("/").await.text;
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is missing in {page}"));
    let classes = ["broken", "drafted", "watched", "calm"].map(|name| at(&format!("id=\"rule-{name}\"")));
    assert!(classes.is_sorted(), "{classes:?}");
    shows(
        &page,
        &[
            "class=\"rule care-bad\" id=\"rule-broken\"",
            "class=\"rule care-wait\" id=\"rule-drafted\"",
            "class=\"rule care-quiet\" id=\"rule-watched\"",
            "order 4",
            "script or template error",
            "1 rule failed since startup.",
        ],
    );
    // A rule in shadow can be switched off, and nothing else.
    let choices = between(&page, "<select id=\"mode-watched\"", "</select>");
    assert_eq!(choices.matches("<option").count(), 1);
    shows(choices, &["value=\"off\" selected"]);
}

#[tokio::test]
async fn the_first_failed_condition_shows_without_opening_and_shadow_says_what_it_would_do() {
    let desk = AdminFixture::new(FixtureOptions { rules: RULES, ..FixtureOptions::default() }).await;
    let thread = desk.fixture.hot_lead("jane@acme.example", "Sure, give me a call.");
    desk.fixture.tick().await;
    let page = desk.get(&format!("/threads/{thread}")).await.text;
    let calm = between(&page, "<span class=\"rule-name\">calm</span>", "</summary>");
    shows(calm, &["category expects meeting_request, saw interested"]);
    let broken = between(&page, "<span class=\"rule-name\">broken</span>", "</summary>");
    shows(broken, &["`len` was given a value that is absent here"]);
    shows(&page, &["would be sent (shadow)", "would be held"]);
}

#[tokio::test]
async fn a_shadowed_reply_that_would_be_held_says_so() {
    let desk = AdminFixture::new(FixtureOptions { mode: Mode::Shadow, ..FixtureOptions::default() }).await;
    let thread = reply_router::simulator::NewThread::new("jane@acme.example").name("Jane Doe").category("interested");
    let colleague = reply_router::simulator::Message::text("Jane told me: a call?").sent_by("joe@acme.example");
    let thread = desk.fixture.simulator.workspace().add_thread(thread.campaign("Q1 Launch").message(colleague));
    desk.fixture.tick().await;
    shows(&desk.get(&format!("/threads/{thread}")).await.text, &["would be held (shadow)"]);
    shows(&desk.get("/activity").await.text, &["would be held (shadow): the sender is not the lead"]);
}

#[tokio::test]
async fn the_timeline_is_told_in_the_order_in_which_it_happened() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let thread = desk.fixture.hot_lead("jane@acme.example", "Sure, give me a call.");
    desk.fixture.tick().await;
    desk.fixture.clock.advance(Duration::from_secs(600));
    desk.fixture.tick().await;
    let page = desk.get(&format!("/threads/{thread}?live=1")).await.text;
    let timeline = between(&page, "<ol class=\"way\">", "</ol>");
    let times: Vec<&str> = timeline.split("datetime=\"").skip(1).map(|part| &part[..20]).collect();
    assert!(times.len() >= 4 && times.is_sorted(), "{times:?}");
    assert!(times.last() > times.first(), "the last poll comes last: {times:?}");
}

#[tokio::test]
async fn categories_of_the_rules_and_of_the_mail_are_offered() {
    let desk = AdminFixture::new(FixtureOptions { rules: RULES, ..FixtureOptions::default() }).await;
    let thread = reply_router::simulator::NewThread::new("jane@acme.example").category("Wrong person");
    desk.fixture.simulator.workspace().add_thread(thread.message("Not me."));
    desk.fixture.tick().await;
    let offered = desk.get("/try").await.text;
    let offered = between(&offered, "<datalist id=\"categories\">", "</datalist>");
    for name in ["interested", "not_interested", "meeting_request", "later on", "Wrong person"] {
        assert!(offered.contains(&format!("value=\"{name}\"")), "{name} is not in {offered}");
    }
}

#[tokio::test]
async fn a_pause_does_not_look_well() {
    let more = vec![("globex", Mode::Live)];
    let desk = AdminFixture::new(FixtureOptions { more_workspaces: more, ..FixtureOptions::default() }).await;
    desk.fixture.engine.intake().poll(&desk.fixture.engine.workspace("globex").unwrap(), true).await.unwrap();
    desk.post("/api/v1/pause", r#"{"workspace": "acme"}"#).await.json();
    shows(&desk.get("/").await.text, &["headline waiting", "<h1>Partly paused</h1>"]);
    shows(&desk.get("/workspace").await.text, &["<span class=\"chip state-held\">paused</span>"]);
    desk.post("/api/v1/pause", "{}").await.json();
    shows(&desk.get("/").await.text, &["headline waiting", "<h1>Paused</h1>"]);
}
