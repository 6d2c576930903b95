//! How every page looks, wide and narrow, light and dark: pictures for people, and what a machine can judge.

use super::{BrowserFixture, driver::Browser};
use serde_json::Value;
use std::path::PathBuf;

const WIDTHS: [u32; 2] = [1280, 390];
const COLOURS: [&str; 2] = ["light", "dark"];

fn target(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target").join(name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_looks_right_and_everybody_can_use_it() {
    let axe = target("axe/axe.min.js");
    let axe = std::fs::read_to_string(&axe)
        .unwrap_or_else(|error| panic!("this test needs {}, which tests/run.sh brings: {error}", axe.display()));
    let pictures = target("screenshots");
    std::fs::create_dir_all(&pictures).unwrap();
    let office = BrowserFixture::at_work().await;
    let browser = Browser::start().await;
    let mut faults = Vec::new();
    browser.set_viewport(1280, "light").await;
    browser.go(&office.url).await;
    look(&browser, "sign-in", &axe, &pictures, &mut faults).await;
    let thread = office.fixture.actions().await.into_iter().rev().find(|action| action.rule == "book-a-call").unwrap();
    let thread = format!("/threads/{}", thread.thread_id);
    let is_read =
        |action: &reply_router::model::Action| action.lead_email.as_deref() == Some("notifications@umbrella.example");
    let read = office.fixture.actions().await.into_iter().find(is_read).unwrap();
    let read = format!("/threads/{}", read.thread_id);
    office.open(&browser, "/").await;
    for (name, path) in [
        ("rules", "/"),
        ("activity", "/activity"),
        ("activity-empty", "/activity?lead=nobody"),
        ("thread", thread.as_str()),
        ("thread-live", &format!("{thread}?live=1")),
        ("thread-reading", read.as_str()),
        ("queue", "/queue"),
        ("try", "/try"),
        ("backtest", "/backtest"),
        ("workspace", "/workspace"),
        ("error", "/threads/nowhere"),
    ] {
        browser.go(&format!("{}{path}", office.url)).await;
        if name == "thread-reading" {
            browser.run("document.querySelector('details.quoted').open = true").await;
        }
        if name == "rules" {
            browser.run("document.querySelectorAll('details')[1].open = true").await;
        }
        look(&browser, name, &axe, &pictures, &mut faults).await;
    }
    browser.set_viewport(1280, "light").await;
    browser.go(&format!("{}/try", office.url)).await;
    browser.fill("#text", "Can we have a call about the price?").await;
    browser.fill("#category", "interested").await;
    browser.click("main button.primary").await;
    browser.wait_for_text("Matched: book-a-call, pricing.").await;
    look(&browser, "try-answer", &axe, &pictures, &mut faults).await;
    for (name, from, to, button, wanted) in [
        ("backtest-error", "category: interested", "categry: interested", "check", "did you mean"),
        ("backtest-diff", "Hi {{", "Hello {{", "compare", "Events whose outcome changes"),
    ] {
        browser.set_viewport(1280, "light").await;
        browser.go(&format!("{}/backtest", office.url)).await;
        let edit =
            format!("const text = document.querySelector('#text'); text.value = text.value.replace('{from}', '{to}')");
        browser.run(&edit).await;
        browser.click(&format!("button[value='{button}']")).await;
        browser.wait_for_text(wanted).await;
        look(&browser, name, &axe, &pictures, &mut faults).await;
    }
    browser.set_viewport(1280, "light").await;
    browser.go(&format!("{}/workspace", office.url)).await;
    browser.click("form[action^='/workspace/check'] button").await;
    browser.wait_for_text("the key is accepted").await;
    look(&browser, "workspace-checked", &axe, &pictures, &mut faults).await;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    browser.close().await;
}

/// Takes the pictures, and collects what is wrong with the page.
async fn look(browser: &Browser, name: &str, axe: &str, pictures: &std::path::Path, faults: &mut Vec<String>) {
    for width in WIDTHS {
        for colours in COLOURS {
            browser.set_viewport(width, colours).await;
            let place = format!("{name} {width} {colours}");
            // Not `innerWidth`: on a narrow screen it grows with what is too wide.
            let over = format!("return document.documentElement.scrollWidth - {width}");
            let over = browser.run(&over).await;
            if over.as_i64().is_some_and(|over| over > 0) {
                faults.push(format!("{place}: {over} pixels beside the page"));
            }
            std::fs::write(pictures.join(format!("{name}-{width}-{colours}.png")), browser.screenshot().await).unwrap();
            faults.extend(axe_findings(browser, axe).await.into_iter().map(|found| format!("{place}: {found}")));
        }
    }
    let complaints = browser.console_errors().await;
    // A page that is not there says 404, and the browser says so.
    faults.extend(complaints.into_iter().filter(|text| name != "error" || !text.contains("404")));
    let title = browser.run("return document.title").await;
    assert_ne!(title, "taken", "{name}");
}

/// What the accessibility checker finds serious or worse.
async fn axe_findings(browser: &Browser, axe: &str) -> Vec<String> {
    browser.run(&format!("if (!window.axe) {{ {axe} }}")).await;
    let run = "const done = arguments[arguments.length - 1];
        axe.run(document, { resultTypes: ['violations'] }).then((found) => done(found.violations), (e) => done(String(e)));";
    let found = browser.run_until_called(run).await;
    let Value::Array(violations) = found else { panic!("the checker failed: {found}") };
    let grave = violations.into_iter().filter(|one| one["impact"] == "serious" || one["impact"] == "critical");
    grave
        .map(|one| {
            let nodes = one["nodes"].as_array().into_iter().flatten();
            let nodes: Vec<_> =
                nodes.take(3).map(|node| format!("{} {}", node["html"], node["failureSummary"])).collect();
            format!("{}: {} {}", one["id"], one["help"], nodes.join("; "))
        })
        .collect()
}
