//! Slack: what is posted, and which of its many noes may be tried again.

use super::{ACTION, deliver, notice, now, one};
use reply_router::{
    destinations::{Alert, DestinationSettings, Destinations, SlackSettings},
    model::{Notice, ReasonCode},
};
use serde_json::{Value, json};
use std::time::Duration;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{header, method, path},
};

fn by_webhook(server: &MockServer) -> Destinations {
    let url = format!("{}/services/T0/B0/secret", server.uri()).into();
    one(DestinationSettings::Slack(SlackSettings { webhook_url: Some(url), ..SlackSettings::default() }))
}

fn as_bot(server: &MockServer) -> Destinations {
    one(DestinationSettings::Slack(SlackSettings {
        token: Some("xoxb-1-token".into()),
        channel: Some("#hot-leads".to_owned()),
        api_url: Some(format!("{}/api/", server.uri())),
        webhook_url: None,
    }))
}

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    server
}

async fn posted(server: &MockServer) -> Value {
    serde_json::from_slice(&server.received_requests().await.unwrap()[0].body).unwrap()
}

/// Every text of the message, escaped as it was sent.
fn texts(value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            let field = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
            out.extend(field("type").zip(field("text")));
            fields.values().for_each(|value| texts(value, out));
        }
        Value::Array(values) => values.iter().for_each(|value| texts(value, out)),
        _ => {}
    }
}

#[tokio::test]
async fn an_action_may_name_another_channel_of_a_bot() {
    let server = answering(ResponseTemplate::new(200).set_body_json(json!({ "ok": true }))).await;
    let to = |channel: &str| Notice { recipients: vec![channel.to_owned()], ..notice() };
    deliver(&as_bot(&server), &to("#ann")).await.unwrap();
    assert_eq!(posted(&server).await["channel"], "#ann");
    for (destinations, channel) in [(as_bot(&server), "#x y"), (as_bot(&server), ""), (by_webhook(&server), "#ann")] {
        let error = deliver(&destinations, &to(channel)).await.unwrap_err();
        assert!(!error.retry && error.reason == ReasonCode::Refused, "{error:?}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "nothing goes to a wrong place");
}

#[tokio::test]
async fn a_webhook_gets_blocks_and_a_fallback() {
    let server = answering(ResponseTemplate::new(200).set_body_string("ok")).await;
    assert_eq!(deliver(&by_webhook(&server), &notice()).await.unwrap().status, Some(200));
    let plain = |text: &str| json!({ "type": "plain_text", "emoji": false, "text": text });
    let expected = json!({
        "text": "Reply from Jane Doe: Sure, a call on Tuesday?",
        "mrkdwn": false,
        "blocks": [
            { "type": "header", "text": plain("Reply from Jane Doe") },
            { "type": "section", "fields": [
                plain("Lead: Jane Doe &lt;jane@lead.example&gt;"),
                plain("Campaign: Q1 Launch"),
                plain("Category: interested"),
                plain("Subject: Re: 15 minutes?"),
            ] },
            { "type": "section", "text": plain("&gt; Sure, a call on Tuesday?") },
            { "type": "section", "text": {
                "type": "mrkdwn",
                "text": "<https://router.example/threads/t-1?a=1&amp;b=2|Open the thread>",
            } },
            { "type": "context", "elements": [
                plain("Rule book-a-call: Answer leads who ask for a call."),
                plain("Action 01970000-0000-7000-8000-000000000001"),
            ] },
        ],
        "unfurl_links": false,
        "unfurl_media": false,
    });
    assert_eq!(posted(&server).await, expected);
}

#[tokio::test]
async fn what_a_lead_wrote_stays_text() {
    let server = answering(ResponseTemplate::new(200)).await;
    let mut notice = notice();
    let nasty = "<!channel> <@U123> <https://evil.example|our site> *bold* & co";
    notice.lead_name = Some(nasty.to_owned());
    notice.new_text = nasty.to_owned();
    notice.text = Some(nasty.to_owned());
    notice.campaign = Some(nasty.to_owned());
    deliver(&by_webhook(&server), &notice).await.unwrap();
    let message = posted(&server).await;
    let mut found = Vec::new();
    texts(&message, &mut found);
    found.push(("fallback".to_owned(), message["text"].as_str().unwrap().to_owned()));
    assert!(found.len() > 5);
    for (kind, text) in found {
        if kind == "mrkdwn" {
            assert_eq!(text, "<https://router.example/threads/t-1?a=1&amp;b=2|Open the thread>");
        } else {
            assert!(!text.contains(['<', '>']), "{kind}: {text}");
        }
    }
    assert_eq!(message["mrkdwn"], json!(false));
    assert_eq!(message["unfurl_links"], json!(false));
}

#[tokio::test]
async fn long_texts_are_cut_to_slacks_limits() {
    let server = answering(ResponseTemplate::new(200)).await;
    let mut notice = notice();
    notice.new_text = "<ü".repeat(50_000);
    notice.lead_name = Some("ä&".repeat(500));
    notice.subject = Some("s".repeat(10_000));
    deliver(&by_webhook(&server), &notice).await.unwrap();
    let message = posted(&server).await;
    let mut found = Vec::new();
    texts(&message, &mut found);
    assert!(found.iter().all(|(_, text)| text.chars().count() <= 3_000));
    assert!(message["blocks"][0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
    assert!(found.iter().any(|(_, text)| text.ends_with('…')));
}

#[tokio::test]
async fn a_bot_posts_to_its_channel() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/chat.postMessage"))
        .and(header("authorization", "Bearer xoxb-1-token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "ok": true, "ts": "1.2" })))
        .expect(1)
        .mount(&server)
        .await;
    deliver(&as_bot(&server), &notice()).await.unwrap();
    let message = posted(&server).await;
    assert_eq!(message["channel"], json!("#hot-leads"));
    assert!(message.to_string().contains(ACTION));
}

#[tokio::test]
async fn a_bots_noes_are_judged_by_their_word() {
    use ReasonCode::{Refused, Unauthorized};
    let cases = [
        ("ratelimited", true, Refused, "too many"),
        ("internal_error", true, Refused, "trouble"),
        ("fatal_error", true, Refused, "trouble"),
        ("invalid_auth", false, Unauthorized, "token"),
        ("token_revoked", false, Unauthorized, "token"),
        ("missing_scope", false, Unauthorized, "`chat:write`"),
        ("channel_not_found", false, Refused, "#hot-leads"),
        ("not_in_channel", false, Refused, "/invite"),
        ("is_archived", false, Refused, "archived"),
        ("a_new_word", false, Refused, "a_new_word"),
        ("<script> xoxb-1-token", false, Refused, "unknown error"),
    ];
    for (word, retry, reason, part) in cases {
        let answer = json!({ "ok": false, "error": word, "needed": "chat:write" });
        let server = answering(ResponseTemplate::new(200).set_body_json(answer)).await;
        let error = deliver(&as_bot(&server), &notice()).await.unwrap_err();
        assert_eq!((error.retry, error.reason, error.status), (retry, reason, Some(200)), "{word}: {error}");
        assert!(error.text.contains(part), "{word}: {error}");
    }
    for (answer, retry) in [
        (ResponseTemplate::new(200).set_body_string("<html>"), true),
        (ResponseTemplate::new(200).set_body_json(json!({ "ok": "yes" })), true),
        (ResponseTemplate::new(500).set_body_json(json!({ "ok": false, "error": "a_new_word" })), true),
        (ResponseTemplate::new(503), true),
        (ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:1/"), false),
        (ResponseTemplate::new(404), false),
    ] {
        let server = answering(answer).await;
        assert_eq!(deliver(&as_bot(&server), &notice()).await.unwrap_err().retry, retry);
    }
}

#[tokio::test]
async fn slack_is_left_alone_for_as_long_as_it_asks() {
    for (body, retry_after) in [(json!({ "ok": false, "error": "ratelimited" }), "30"), (json!("slow down"), "30")] {
        let answer = ResponseTemplate::new(429).insert_header("retry-after", retry_after).set_body_json(body);
        let server = answering(answer).await;
        for destinations in [as_bot(&server), by_webhook(&server)] {
            let error = deliver(&destinations, &notice()).await.unwrap_err();
            assert!(error.retry, "{error}");
            assert_eq!((error.status, error.retry_after), (Some(429), Some(Duration::from_secs(30))));
        }
    }
}

#[tokio::test]
async fn a_webhooks_noes_say_what_to_do() {
    for (status, body, retry, part) in [
        (404, "no_service", false, "make a new one"),
        (403, "action_prohibited", false, "administrator"),
        (410, "channel_is_archived", false, "archived"),
        (400, "invalid_payload", false, "cannot read"),
        (400, "something else", false, "(400)"),
        (500, "rollup_error", true, "(500)"),
    ] {
        let server = answering(ResponseTemplate::new(status).set_body_string(body)).await;
        let error = deliver(&by_webhook(&server), &notice()).await.unwrap_err();
        assert_eq!((error.retry, error.status), (retry, Some(status)), "{body}");
        assert!(error.text.contains(part) && !error.text.contains("something else"), "{error}");
    }
}

#[tokio::test]
async fn checks_post_nothing() {
    let server = MockServer::start().await;
    Mock::given(path("/api/auth.test"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "ok": true, "user": "router", "team": "Acme" })))
        .mount(&server)
        .await;
    let reached = as_bot(&server).check("target").await.unwrap();
    assert!(reached.text.contains("router in Acme"), "{}", reached.text);
    by_webhook(&server).check("target").await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.iter().map(|request| request.url.path()).collect::<Vec<_>>(), ["/api/auth.test"]);
}

#[tokio::test]
async fn an_announcement_is_posted_as_one() {
    let server = answering(ResponseTemplate::new(200)).await;
    let announcement = Alert { title: "A reply needs a look".to_owned(), text: "<one> & two".to_owned() };
    by_webhook(&server).send_alert("target", "alert-1", &announcement, None, now()).await.unwrap();
    let message = posted(&server).await;
    assert_eq!(message["text"], json!("A reply needs a look: &lt;one&gt; &amp; two"));
    assert_eq!(message["blocks"][2]["elements"][0]["text"], json!("Action alert-1"));
}
