//! Tests of `destinations`, seen from outside: real HTTP and SMTP to fakes on port 0.

// The lints know tests by their attribute, not the functions that tests share.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "destinations/email.rs"]
mod email;
#[path = "destinations/guard.rs"]
mod guard;
#[path = "destinations/secrets.rs"]
mod secrets;
#[path = "destinations/slack.rs"]
mod slack;
#[path = "destinations/smtp_server.rs"]
mod smtp_server;
#[path = "destinations/webhook.rs"]
mod webhook;

use jiff::Timestamp;
use reply_router::{
    destinations::{
        Delivered, DeliveryError, DestinationSettings, Destinations, EmailSettings, NetworkSettings, SmtpSettings,
    },
    model::{DestinationKind, Notice, NoticeMessage},
};

const ACTION: &str = "01970000-0000-7000-8000-000000000001";
const LINK: &str = "https://router.example/threads/t-1?a=1&b=2";

fn now() -> Timestamp {
    "2026-03-02T09:30:05Z".parse().unwrap()
}

fn decided_at() -> Timestamp {
    "2026-03-02T09:30:00Z".parse().unwrap()
}

fn one(settings: DestinationSettings) -> Destinations {
    let map = [("target".to_owned(), settings)].into();
    Destinations::new(map, None, NetworkSettings { allow_private: true }).unwrap()
}

fn mail_to(to: &[&str], url: &str) -> Destinations {
    let settings = EmailSettings { to: to.iter().map(|to| (*to).to_owned()).collect(), cc: vec![] };
    let smtp = SmtpSettings { url: url.into(), from: "Reply Router <router@acme.example>".to_owned(), ca_file: None };
    let map = [("target".to_owned(), DestinationSettings::Email(settings))].into();
    Destinations::new(map, Some(smtp), NetworkSettings::default()).unwrap()
}

async fn deliver(destinations: &Destinations, notice: &Notice) -> Result<Delivered, DeliveryError> {
    destinations.deliver("target", ACTION, decided_at(), notice, Some(LINK), now()).await
}

fn notice() -> Notice {
    let message = |from: &str, outgoing, text: &str| NoticeMessage {
        from: Some(from.to_owned()),
        at: Some(decided_at()),
        outgoing,
        text: text.to_owned(),
    };
    Notice {
        workspace: "acme".to_owned(),
        thread_id: "t-1".to_owned(),
        message_id: Some("m-2".to_owned()),
        message_at: Some(decided_at()),
        lead_email: Some("jane@lead.example".to_owned()),
        lead_name: Some("Jane Doe".to_owned()),
        campaign: Some("Q1 Launch".to_owned()),
        category: Some("interested".to_owned()),
        subject: Some("Re: 15 minutes?".to_owned()),
        new_text: "Sure, a call on Tuesday?".to_owned(),
        rule: "book-a-call".to_owned(),
        rule_description: Some("Answer leads who ask for a call.".to_owned()),
        conversation: vec![
            message("sam@acme.example", true, "15 minutes for a demo?"),
            message("jane@lead.example", false, "Sure, a call on Tuesday?"),
        ],
        ..Notice::default()
    }
}

#[test]
fn names_and_kinds() {
    let destinations = mail_to(&["ae@acme.example"], "smtp://127.0.0.1:1");
    assert_eq!(destinations.names().collect::<Vec<_>>(), ["target"]);
    assert_eq!(destinations.kind("target"), Some(DestinationKind::Email));
    assert_eq!(destinations.kind("other"), None);
}

#[tokio::test]
async fn a_name_that_is_gone_is_no_retry() {
    let destinations = mail_to(&["ae@acme.example"], "smtp://127.0.0.1:1");
    let error = destinations.deliver("gone", ACTION, decided_at(), &notice(), None, now()).await.unwrap_err();
    assert!(!error.retry && error.text.contains("`gone`"), "{error}");
}
