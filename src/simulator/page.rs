//! A plain page to look at: what is in the inbox, and what Slack, the mail server and the webhook received.

use super::{
    html::{escape, to_text},
    response::respond,
    shown,
    state::Shared,
    thread::Thread,
};
use axum::{http::StatusCode, response::Response};
use jiff::Timestamp;
use serde_json::Value;
use std::fmt::Write;

const STYLE: &str = "
:root { color-scheme: light dark; --line: #d0d7de; --card: #f6f8fa; --ours: #ddf4e4; --quiet: #57606a; }
@media (prefers-color-scheme: dark) { :root { --line: #30363d; --card: #161b22; --ours: #12361f; --quiet: #9aa4af; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 1rem; overflow-wrap: anywhere; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1.5rem; align-items: start; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; }
details, .card { border: 1px solid var(--line); border-radius: .5rem; background: var(--card); padding: .5rem .75rem; margin: 0 0 .5rem; }
pre { white-space: pre-wrap; font: .85rem/1.4 ui-monospace, monospace; margin: .25rem 0; }
.message { border-left: 3px solid var(--line); padding-left: .5rem; margin: .5rem 0; } .ours { background: var(--ours); }
h3 { font-size: 1rem; margin: .25rem 0; } .slack, .fields { margin: .25rem 0; } .quote { border-left: 3px solid var(--line); padding-left: .5rem; }
.fields { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(12rem, 100%), 1fr)); gap: .25rem .75rem; font-size: .9rem; }
main > section { min-width: 0; }
.quiet { color: var(--quiet); font-size: .85rem; }
";
/// More than these are not shown: the page is for looking, not for archives.
const SHOWN: usize = 100;

pub(super) fn serve_page(shared: &Shared, path: &str) -> Response {
    if path != "/" {
        return respond(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "not found; the page is at /");
    }
    let now = shared.now();
    let is_over = shared.options.stream.as_ref().is_some_and(|stream| !stream.repeat)
        && shared.read(|state| state.script.remaining() == 0);
    let news = if is_over {
        "<p><strong>No more messages will arrive.</strong> Everything stays here until you press Ctrl-C. Next: look at \
         the rules on the admin pages, approve drafts there, or run <code>reply-router init</code> to set up your own \
         workspace.</p>"
    } else {
        ""
    };
    let page = shared.read(|state| {
        let mut threads: Vec<&Thread> = state.threads.iter().collect();
        threads.sort_by_key(|thread| std::cmp::Reverse(thread.last(now).map(|message| message.at)));
        let inbox = threads.iter().take(SHOWN).map(|thread| thread_card(thread, now)).collect::<String>();
        let slack = state
            .slack
            .iter()
            .rev()
            .take(SHOWN)
            .map(|message| slack_card(message.at, message.channel.as_deref(), &message.payload));
        let mail = state.mail.iter().rev().take(SHOWN).map(|mail| shown::mail(mail, &at(mail.at)));
        let calls = state.webhooks.iter().rev().take(SHOWN).map(|call| {
            format!(
                "<div class=card><p class=quiet>{}</p><pre>{}</pre></div>",
                at(call.at),
                escape(&String::from_utf8_lossy(&call.body))
            )
        });
        let sections = [
            ("Inbox", state.threads.len(), inbox),
            ("Slack", state.slack.len(), slack.collect()),
            ("Mail", state.mail.len(), mail.collect()),
            ("Webhook", state.webhooks.len(), calls.collect()),
        ];
        sections.iter().fold(String::new(), |mut page, (title, count, content)| {
            let content = if *count == 0 { "<p class=quiet>nothing yet</p>" } else { content };
            let _ = write!(page, "<section><h2>{title} ({count})</h2>{content}</section>");
            page
        })
    });
    let html = format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport \
         content=\"width=device-width, initial-scale=1\"><meta http-equiv=refresh content=3><title>Simulated \
         workspace</title><style>{STYLE}</style></head><body><h1>Simulated ColdSend workspace</h1><p \
         class=quiet>Nothing here is real. The page refreshes every 3 seconds.</p>{news}<main>{page}</main></body></html>"
    );
    respond(StatusCode::OK, "text/html; charset=utf-8", html)
}

fn thread_card(thread: &Thread, now: Timestamp) -> String {
    let star = if thread.is_starred { "★ " } else { "" };
    let read = if thread.is_read { "" } else { " · unread" };
    let mut card = format!(
        "<details><summary>{star}<strong>{}</strong> {} <span class=quiet>{}{read}</span></summary>",
        escape(if thread.lead_name.trim().is_empty() { &thread.lead_email } else { &thread.lead_name }),
        escape(&thread.subject),
        escape(thread.category().unwrap_or("no category")),
    );
    for message in thread.visible(now) {
        let text = message.text.clone().unwrap_or_else(|| to_text(message.html.as_deref().unwrap_or_default()));
        let (class, who) = if message.outgoing { ("message ours", "sent") } else { ("message", "received") };
        let _ = write!(
            card,
            "<div class=\"{class}\"><span class=quiet>{who} · {} · {}</span><pre>{}</pre></div>",
            escape(&message.from),
            at(message.at),
            escape(&text)
        );
    }
    card + "</details>"
}

fn slack_card(when: Timestamp, channel: Option<&str>, payload: &Value) -> String {
    let channel = channel.map(|name| format!(" in {}", escape(name))).unwrap_or_default();
    format!("<div class=card><p class=quiet>{}{channel}</p>{}</div>", at(when), shown::slack(payload))
}

fn at(when: Timestamp) -> String {
    when.strftime("%H:%M:%S UTC").to_string()
}
