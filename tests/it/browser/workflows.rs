//! What people do with the pages, through to what the simulated workspace receives.

use super::{BrowserFixture, TOKEN, driver::Browser, seed::HARD};
use crate::fixture::FixtureOptions;
use reply_router::store::prelude::*;
use reply_router::{
    model::{ActionState, Mode},
    store::DecisionFilter,
};

const DRAFTS: &str = r"
version: 1
rules:
  - name: book-a-call
    when: { category: interested, body: '\bcall\b' }
    then:
      - reply: { text: 'Hi {{ lead.first_name }}, here is my calendar.' }
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_do_their_work_with_the_pages() {
    let browser = Browser::start().await;
    browser.set_viewport(1280, "light").await;
    signing_in_and_out(&browser).await;
    switching_a_mode(&browser).await;
    approving_an_edited_draft(&browser).await;
    deciding_by_keys(&browser).await;
    resolving_an_unclear_reply(&browser).await;
    trying_a_rule(&browser).await;
    comparing_an_edit(&browser).await;
    filtering_the_activity(&browser).await;
    following_live(&browser).await;
    showing_hard_mail(&browser).await;
    telling_the_time(&browser).await;
    choosing_colours_and_skipping_the_navigation(&browser).await;
    let mut complaints = browser.console_errors().await;
    // An office closes before its page is left, which then looks whether it is there again.
    complaints.retain(|text| !text.contains("ERR_CONNECTION_REFUSED"));
    assert_eq!(complaints, Vec::<String>::new());
    browser.close().await;
}

async fn drafts() -> BrowserFixture {
    BrowserFixture::new(FixtureOptions { rules: DRAFTS, mode: Mode::Draft, ..FixtureOptions::default() }).await
}

async fn signing_in_and_out(browser: &Browser) {
    let office = drafts().await;
    browser.go(&format!("{}/queue", office.url)).await;
    assert!(browser.url().await.ends_with("/login"));
    browser.fill("#token", "wrong").await;
    browser.click("button").await;
    browser.wait_for_text("Incorrect token.").await;
    // The browser notes the refusal; it was wanted.
    assert_eq!(browser.console_errors().await.len(), 1);
    browser.fill("#token", TOKEN).await;
    browser.click("button").await;
    browser.wait_for_text("Healthy").await;
    browser.click("form[action='/logout'] button").await;
    browser.wait_for_text("Token").await;
    browser.go(&format!("{}/workspace", office.url)).await;
    assert!(browser.url().await.ends_with("/login"));
}

async fn switching_a_mode(browser: &Browser) {
    let office = BrowserFixture::new(FixtureOptions { rules: DRAFTS, ..FixtureOptions::default() }).await;
    office.open(browser, "/").await;
    browser.click("#more-book-a-call summary").await;
    browser.choose("#mode-book-a-call", "shadow").await;
    browser.click("#more-book-a-call form button").await;
    browser.wait_for_text("its file says live").await;
    assert_eq!(office.fixture.store.override_modes().await.unwrap()["book-a-call"], Mode::Shadow);
    browser.click("#more-book-a-call summary").await;
    browser.wait_for_text("by session from 127.0.0.1").await;
    browser.click("form[action='/pause'] button").await;
    browser.wait_for_text("Sending is paused.").await;
    browser.click("form[action='/resume'] button").await;
    browser.wait_for_text("Pause everything").await;
    assert!(office.fixture.store.pauses().await.unwrap().is_empty());
}

async fn approving_an_edited_draft(browser: &Browser) {
    let office = drafts().await;
    office.lead("jane@acme.example", "interested", "Sure, give me a call.");
    office.fixture.tick().await;
    office.open(browser, "/").await;
    browser.wait_for_text("1 draft to approve").await;
    browser.click("nav a[href='/queue']").await;
    browser.wait_for_text("Sure, give me a call.").await;
    browser.fill("textarea", "Hi Jane,\nTuesday at ten?").await;
    browser.wait_for_text("Save and send").await;
    browser.click("[data-approve]").await;
    browser.wait_for_text("Nothing to review.").await;
    office.fixture.run_due().await;
    let replies = office.fixture.simulator.workspace().accepted_replies();
    assert_eq!(
        replies.iter().map(|reply| reply.body.as_deref()).collect::<Vec<_>>(),
        [Some("Hi Jane,\nTuesday at ten?")]
    );
}

async fn deciding_by_keys(browser: &Browser) {
    let office = drafts().await;
    for lead in ["one@acme.example", "two@acme.example"] {
        office.lead(lead, "interested", "A call, please.");
        office.fixture.tick().await;
    }
    office.open(browser, "/queue").await;
    browser.wait_for_text("two@acme.example").await;
    let held =
        async || office.fixture.actions().await.iter().filter(|action| action.state == ActionState::Held).count();
    // Without a focused item a key decides nothing; in a field it is a letter.
    browser.keys("ar").await;
    browser.click("textarea").await;
    browser.keys("a").await;
    browser.wait_until("it was typed", "return document.querySelector('textarea').value.includes('a')").await;
    assert_eq!(held().await, 2);
    browser.go(&format!("{}/queue", office.url)).await;
    browser.keys("?").await;
    browser.wait_until("the help is open", "return document.querySelector('#help').open").await;
    browser.click("#help form button").await;
    browser.run("document.activeElement.blur()").await;
    // The newest comes first: the second one is the older.
    browser.keys("jj").await;
    browser.keys("r").await;
    browser.wait_until("one is gone", "return document.querySelectorAll('article').length === 1").await;
    browser.keys("ja").await;
    browser.wait_for_text("Nothing to review.").await;
    office.fixture.run_due().await;
    let states: Vec<_> = office.fixture.actions().await.iter().map(|action| action.state).collect();
    assert_eq!(states, [ActionState::Cancelled, ActionState::Done]);
    browser.keys("gw").await;
    browser.wait_for_text("Request budget").await;
}

async fn resolving_an_unclear_reply(browser: &Browser) {
    let office = drafts().await;
    office.lead("jane@acme.example", "interested", "Sure, give me a call.");
    office.fixture.tick().await;
    let mut action = office.fixture.actions().await.remove(0);
    action.state = ActionState::Quarantined;
    office.fixture.store.update_action(&mut action).await.unwrap();
    office.open(browser, "/queue").await;
    browser.wait_for_text("Delivery unconfirmed").await;
    browser.click("form[action$='/not-sent'] button").await;
    browser.wait_for_text("Drafts to approve").await;
    assert_eq!(office.fixture.actions().await[0].state, ActionState::Held);
    assert!(browser.url().await.ends_with(&format!("#action-{}", action.id)));
}

async fn trying_a_rule(browser: &Browser) {
    let office = drafts().await;
    office.fixture.requests();
    office.open(browser, "/try").await;
    browser.fill("#text", "Sure, give me a call.").await;
    browser.fill("#category", "interested").await;
    browser.fill("#name", "Jane Doe").await;
    browser.click("main button.primary").await;
    browser.wait_for_text("Matched: book-a-call.").await;
    browser.wait_for_text("Hi Jane, here is my calendar.").await;
    let marked = browser.run("return document.querySelector('mark').textContent").await;
    assert_eq!(marked, "call");
    assert_eq!(office.fixture.requests(), Vec::<String>::new());
}

async fn comparing_an_edit(browser: &Browser) {
    let office = drafts().await;
    office.lead("jane@acme.example", "interested", "Sure, give me a call.");
    office.lead("joe@globex.example", "interested", "A meeting on Tuesday?");
    office.fixture.tick().await;
    office.open(browser, "/backtest").await;
    let replace = async |from: &str, to: &str| {
        let text = "const text = document.querySelector('#text');";
        browser.run(&format!("{text} text.value = text.value.replace({from:?}, {to:?})")).await;
    };
    replace("category: interested", "categry: interested").await;
    browser.click("button[value='check']").await;
    browser.wait_for_text("did you mean").await;
    // From the error to its place in the text, where it is mended.
    browser.click("a[data-line]").await;
    let marked = "const text = document.querySelector('#text');
        return text.value.slice(text.selectionStart, text.selectionStart + 7) === 'categry' && document.activeElement === text";
    browser.wait_until("the place is marked", marked).await;
    replace("categry: interested", "category: interested").await;
    replace("bcall", "b(call|meeting)").await;
    browser.click("button[value='test']").await;
    browser.wait_for_text("There are no tests beside these rules").await;
    browser.choose("#open", "rules/20-later.yaml").await;
    browser.click("button[value='open']").await;
    browser.wait_for_text("Also edited: rules/10-interested.yaml").await;
    browser.click("button[value='compare']").await;
    // However long it takes: the page follows by itself.
    browser.wait_for_text("joe@globex.example").await;
    browser.wait_for_text("The outcome of 1 event changes.").await;
    let page = browser.run("return document.querySelector('#result').innerText").await;
    assert!(!page.as_str().unwrap().contains("jane@acme.example"), "{page}");
    assert_eq!(office.fixture.engine.rules().rules().len(), 1);
}

async fn filtering_the_activity(browser: &Browser) {
    let office = drafts().await;
    office.lead("jane@acme.example", "interested", "Sure, give me a call.");
    office.lead("joe@globex.example", "interested", "No.");
    office.fixture.tick().await;
    office.open(browser, "/activity").await;
    browser.wait_for_text("joe@globex.example").await;
    browser.choose("select[name='state']", "needs approval").await;
    browser.click(".filters button").await;
    browser.wait_until("one row is left", "return document.querySelectorAll('.row').length === 1").await;
    browser.wait_for_text("jane@acme.example").await;
    assert!(browser.url().await.contains("state=held"));
}

async fn following_live(browser: &Browser) {
    let office = drafts().await;
    office.open(browser, "/activity").await;
    browser.wait_for_text("Live").await;
    browser.run("window.stayed = true").await;
    office.lead("jane@acme.example", "interested", "Sure, give me a call.");
    office.fixture.tick().await;
    browser.wait_for_text("jane@acme.example").await;
    browser
        .wait_until("the queue is counted", "return document.querySelector('.badge')?.textContent.startsWith('1')")
        .await;
    assert_eq!(browser.run("return window.stayed").await, true, "without loading the page again");
    // Whoever is writing is not disturbed.
    browser.go(&format!("{}/queue", office.url)).await;
    browser.wait_for_text("Live").await;
    browser.fill("textarea", "Half a sentence").await;
    office.lead("joe@acme.example", "interested", "A call?");
    office.fixture.tick().await;
    browser.wait_for_text("Queue changed.").await;
    let written = browser.run("return document.querySelector('textarea').value").await;
    assert_eq!(written, "Half a sentence");
    // A choice that is not sent yet outlasts what happens meanwhile.
    browser.go(&format!("{}/", office.url)).await;
    browser.wait_for_text("Live").await;
    browser.click("#more-book-a-call summary").await;
    browser.choose("#mode-book-a-call", "off").await;
    browser.run("document.activeElement.blur()").await;
    office.lead("jim@acme.example", "interested", "A call!");
    office.fixture.tick().await;
    browser
        .wait_until("the queue is counted", "return document.querySelector('.badge')?.textContent.startsWith('3')")
        .await;
    assert_eq!(browser.run("return document.querySelector('#mode-book-a-call').value").await, "off");
    office.closing.cancel();
    browser.wait_for_text("Not live").await;
}

async fn showing_hard_mail(browser: &Browser) {
    let office = BrowserFixture::new(FixtureOptions { rules: DRAFTS, ..FixtureOptions::default() }).await;
    browser.set_viewport(390, "light").await;
    for text in HARD {
        let thread = office.lead_about("hard@acme.example", "interested", text, &format!("{text} call"));
        office.fixture.tick().await;
        let filter = DecisionFilter { thread: Some(thread.clone()), limit: 1, ..DecisionFilter::default() };
        let decision = office.fixture.store.decisions(&filter).await.unwrap().pop().unwrap();
        office.open(browser, &format!("/threads/{thread}")).await;
        // What rules saw: of a mail that is made of HTML, its text.
        let shown = browser.run("return document.querySelector('.mail').textContent").await;
        assert_eq!(shown.as_str(), decision.trace.body.as_deref());
        assert!(text.starts_with('<') || shown == format!("{text} call"), "{shown}");
        assert_eq!(browser.run("return document.querySelector('.lead').textContent").await, text);
        assert_eq!(browser.run("return document.documentElement.scrollWidth <= innerWidth").await, true, "{text}");
        assert_ne!(browser.run("return document.title").await, "taken");
        assert_eq!(browser.run("return document.querySelectorAll('main img, main script').length").await, 0);
    }
    browser.set_viewport(1280, "light").await;
}

async fn telling_the_time(browser: &Browser) {
    let office = drafts().await;
    office.lead("jane@acme.example", "interested", "Sure, give me a call.");
    office.fixture.tick().await;
    browser.set_timezone("Asia/Tokyo").await;
    office.open(browser, "/activity").await;
    browser
        .wait_until(
            "noon in UTC is nine in the evening",
            "return document.querySelector('.when time').textContent.match(/21:00|09:00/) !== null",
        )
        .await;
    let exact = browser.run("return document.querySelector('.when time').title").await;
    assert_eq!(exact, "2026-07-15 12:00:00 UTC");
    browser.set_timezone("").await;
}

async fn choosing_colours_and_skipping_the_navigation(browser: &Browser) {
    let office = drafts().await;
    office.open(browser, "/").await;
    let back = "return getComputedStyle(document.body).backgroundColor";
    let light = browser.run(back).await;
    browser.click("#theme").await;
    assert_eq!(browser.run(back).await, light, "the system is light already");
    browser.click("#theme").await;
    let dark = browser.run(back).await;
    assert_ne!(dark, light);
    office.open(browser, "/workspace").await;
    assert_eq!(browser.run(back).await, dark, "on every page");
    browser.click("#theme").await;
    assert_eq!(browser.run(back).await, light);
    office.open(browser, "/queue").await;
    let (tab, enter) = ('\u{e004}', '\u{e007}');
    browser.keys(&format!("{tab}{enter}")).await;
    browser.wait_until("the content has the focus", "return document.activeElement.id === 'main'").await;
}
