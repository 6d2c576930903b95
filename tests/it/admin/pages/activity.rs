//! The activity and a thread: what was decided, and why.

use super::{super::AdminFixture, between, shows};
use crate::fixture::FixtureOptions;

const REASONED: &str = r"
version: 1
rules:
  - name: no-holiday
    when: { category: interested, not: { body: '\bholiday\b' }, body: '\bcall\b' }
    script: |
      #{ matched: true, vars: #{ day: `Tuesday` } }
    then:
      - reply: { text: 'Hi {{ lead.first_name }}, {{ vars.day }}?' }
  - name: pricing
    when: { body: '\bprice\b' }
    then: [star]
";

#[tokio::test]
async fn a_thread_tells_why_each_rule_matched_or_did_not() {
    let desk = AdminFixture::new(FixtureOptions { rules: REASONED, ..FixtureOptions::default() }).await;
    let thread = desk.fixture.hot_lead("jane@acme.example", "Sure, a call is fine.");
    desk.fixture.tick().await;
    let page = desk.get(&format!("/threads/{thread}")).await.text;
    shows(
        &page,
        &[
            "Sure, a <mark>call</mark> is fine.",
            "does not hold, as required",
            "<dt>vars.day</dt><dd dir=\"auto\">Tuesday</dd>",
            "script: true",
            "Timeline",
            "Hi Jane, Tuesday?",
            "<strong>accepted</strong>",
        ],
    );
    // The outcome of a `not` that does what the rule wants is no failure.
    let not = between(&page, "when.not.body", "</li>");
    assert!(!not.contains("bad"), "{not}");
    let negated = page.split("<code>when.not.body</code>").next().unwrap();
    assert!(negated.rsplit("<li class=\"").next().unwrap().starts_with("good"), "{negated}");
    assert!(between(&page, "<span class=\"rule-name\">pricing</span>", "</summary>").contains("no match"));
    let live = desk.get(&format!("/threads/{thread}?live=1")).await.text;
    shows(&live, &["Current thread", "Messages, oldest first", "message ours", "has a reply for this message"]);
}

#[tokio::test]
async fn the_activity_is_filtered_and_has_pages() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    for number in 0..52 {
        desk.fixture.hot_lead(&format!("lead{number}@acme.example"), "Please call.");
    }
    desk.fixture.hot_lead("calm@acme.example", "Please write.");
    desk.fixture.tick().await;
    let first = desk.get("/activity").await.text;
    assert_eq!(first.matches("<li class=\"row\"").count(), 50);
    assert!(first.contains("id=\"live-rows\" data-live"), "the newest page follows what happens");
    let older = between(&first, "<a href=\"/activity?cursor=", "\"");
    let second = desk.get(&format!("/activity?cursor={older}")).await.text;
    assert_eq!(second.matches("<li class=\"row\"").count(), 3);
    assert!(!second.contains("id=\"live-rows\" data-live") && second.contains("<a href=\"/activity\">Newest</a>"));
    for (query, rows) in [
        ("lead=%20LEAD7@acme.example%20", 1),
        ("matched=false", 1),
        ("matched=false&rule=book-a-call", 0),
        ("campaign=q1+product+launch&lead=calm@acme.example", 1),
        ("state=done&lead=lead3@acme.example", 1),
        ("state=held", 0),
        ("rule=gone", 0),
        ("rule=&lead=&campaign=&state=&matched=", 50),
    ] {
        let page = desk.get(&format!("/activity?{query}")).await.text;
        assert_eq!(page.matches("<li class=\"row\"").count(), rows, "{query}");
        assert_eq!(page.contains("No matching decisions."), rows == 0, "{query}");
    }
    assert!(desk.get("/activity?rule=gone").await.text.contains("<option selected>gone</option>"));
    desk.get("/activity?state=lost").await.problem(400);
    desk.get("/activity?cursor=1").await.problem(400);
}

#[tokio::test]
async fn an_error_is_a_page_for_those_who_want_pages() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let page = ("accept", "text/html,application/xhtml+xml");
    let answer = desk.send("GET", "/threads/nowhere", &[super::super::bearer(), page], "").await;
    assert_eq!(answer.status, 404);
    assert!(answer.header("content-type").starts_with("text/html"), "{answer:?}");
    shows(&answer.text, &["Not Found", "there is no decision in thread <code>nowhere</code>", "request <code>"]);
    desk.get("/threads/nowhere").await.problem(404);
    let answer = desk.send("GET", "/nowhere", &[page], "").await;
    assert_eq!((answer.status, answer.text.contains("page not found")), (404, true));
}

#[tokio::test]
async fn whom_a_forward_is_for_is_told_wherever_it_is_shown() {
    let rules = "version: 1\nrules:\n  - { name: tell, when: { category: interested }, then: [{ email: { to: team, cc: [bo@us.example, cy@us.example], after: 1h } }, { webhook: crm }] }\n";
    let desk = AdminFixture::new(FixtureOptions { rules, ..FixtureOptions::default() }).await;
    let thread = desk.fixture.hot_lead("jane@acme.example", "Give me a call.");
    desk.fixture.tick().await;
    let actions = desk.get("/api/v1/actions").await.json();
    let recipients: Vec<_> =
        actions["items"].as_array().unwrap().iter().map(|action| action["recipients"].clone()).collect();
    let both = serde_json::json!(["bo@us.example", "cy@us.example"]);
    assert!(recipients.contains(&both) && recipients.contains(&serde_json::json!([])), "{actions}");
    for page in ["/queue".to_owned(), format!("/threads/{thread}"), "/activity".to_owned()] {
        shows(&desk.get(&page).await.text, &["email team bo@us.example cy@us.example"]);
    }
    let explained = desk.get(&format!("/api/v1/threads/{thread}/explain")).await.json();
    assert_eq!(explained["rules"][0]["actions"][0]["recipients"], both);
    let way = explained["way"].to_string();
    assert!(way.contains("email team bo@us.example cy@us.example is waiting"), "{way}");
}
