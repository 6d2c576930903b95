//! Webhooks: the signature as others verify it, the body, and which failures may be tried again.

use super::{ACTION, LINK, decided_at, deliver, notice, now, one};
use jiff::Timestamp;
use reply_router::{
    destinations::{Alert, DestinationSettings, Destinations, WebhookSettings},
    model::{Notice, ReasonCode},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn hook(url: &str, secret: Option<&str>) -> Destinations {
    let settings = WebhookSettings { url: url.into(), secret: secret.map(Into::into) };
    one(DestinationSettings::Webhook(settings))
}

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    server
}

async fn only(server: &MockServer) -> Request {
    let mut requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

#[tokio::test]
async fn the_signature_is_one_that_others_verify() {
    let server = answering(ResponseTemplate::new(204)).await;
    // The verifier compares with the real clock.
    let now = Timestamp::now();
    for secret in [SECRET, "just some words"] {
        server.reset().await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(204)).mount(&server).await;
        let destinations = hook(&server.uri(), Some(secret));
        destinations.deliver("target", ACTION, decided_at(), &notice(), None, now).await.unwrap();
        let request = only(&server).await;
        let verifier = match secret.starts_with("whsec_") {
            true => standardwebhooks::Webhook::new(secret).unwrap(),
            false => standardwebhooks::Webhook::from_bytes(secret.as_bytes().to_vec()).unwrap(),
        };
        verifier.verify(&request.body, &request.headers).unwrap();
        assert_eq!(request.headers["webhook-id"], ACTION);
        assert!(verifier.verify(b"{}", &request.headers).is_err());
    }
}

#[tokio::test]
async fn the_body_tells_everything() {
    let server = answering(ResponseTemplate::new(200)).await;
    let mut notice = notice();
    notice.captures.insert("day".to_owned(), "Tuesday".to_owned());
    notice.vars.insert("score".to_owned(), json!(7));
    deliver(&hook(&server.uri(), None), &notice).await.unwrap();
    let request = only(&server).await;
    assert!(!request.headers.contains_key("webhook-signature"));
    assert_eq!(request.headers["webhook-timestamp"], now().as_second().to_string().as_str());
    assert_eq!(request.headers["content-type"], "application/json");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["type"], json!("reply.matched"));
    assert_eq!(body["timestamp"], json!("2026-03-02T09:30:00Z"));
    let data = &body["data"];
    for (key, expected) in [
        ("action_id", json!(ACTION)),
        ("link", json!(LINK)),
        ("workspace", json!("acme")),
        ("thread_id", json!("t-1")),
        ("message_id", json!("m-2")),
        ("lead_email", json!("jane@lead.example")),
        ("category", json!("interested")),
        ("new_text", json!("Sure, a call on Tuesday?")),
        ("rule", json!("book-a-call")),
        ("captures", json!({ "day": "Tuesday" })),
        ("vars", json!({ "score": 7 })),
        ("message_at", json!("2026-03-02T09:30:00Z")),
    ] {
        assert_eq!(data[key], expected, "{key}");
    }
    assert_eq!(data["conversation"][0]["outgoing"], json!(true));
}

#[tokio::test]
async fn what_is_sent_is_what_the_schema_says() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/webhook.schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let judge = jsonschema::draft7::new(&schema).unwrap();
    let server = answering(ResponseTemplate::new(200)).await;
    let hook = hook(&server.uri(), None);
    let bare = Notice { conversation: Vec::new(), ..Notice::default() };
    deliver(&hook, &notice()).await.unwrap();
    deliver(&hook, &bare).await.unwrap();
    hook.send_test("target", now()).await.unwrap();
    let alert = Alert { title: "acme is paused".to_owned(), text: "Mend the key.".to_owned() };
    hook.send_alert("target", ACTION, &alert, None, now()).await.unwrap();
    let mut types = Vec::new();
    for request in server.received_requests().await.unwrap() {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let wrong: Vec<_> = judge.iter_errors(&body).map(|error| error.to_string()).collect();
        assert_eq!(wrong, Vec::<String>::new(), "{body:#}");
        // Every field that is sent is described.
        let kind = if body["type"] == "reply.matched" { "match" } else { "message" };
        let described = &schema["definitions"][kind]["properties"];
        for name in body["data"].as_object().unwrap().keys() {
            assert!(described.get(name).is_some(), "{name} is not described");
        }
        types.push(body["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(types, ["reply.matched", "reply.matched", "test", "alert"]);
    assert!(!judge.is_valid(&json!({ "type": "reply.matched", "timestamp": "2026-03-02T09:30:00Z", "data": {} })));
}

#[tokio::test]
async fn a_test_is_never_taken_for_a_reply() {
    let server = answering(ResponseTemplate::new(200)).await;
    hook(&server.uri(), None).send_test("target", now()).await.unwrap();
    let body: Value = serde_json::from_slice(&only(&server).await.body).unwrap();
    assert_eq!(body["type"], json!("test"));
}

#[tokio::test]
async fn failures_say_whether_to_try_again() {
    use ReasonCode::{Refused, Unauthorized};
    for status in [200, 201, 202, 204, 299] {
        let server = answering(ResponseTemplate::new(status)).await;
        assert_eq!(deliver(&hook(&server.uri(), None), &notice()).await.unwrap().status, Some(status));
    }
    for (status, retry, reason) in [
        (301, false, Refused),
        (307, false, Refused),
        (400, false, Refused),
        (401, false, Unauthorized),
        (403, false, Unauthorized),
        (404, false, Refused),
        (408, true, Refused),
        (409, false, Refused),
        (410, false, Refused),
        (422, false, Refused),
        (425, true, Refused),
        (429, true, Refused),
        (500, true, Refused),
        (502, true, Refused),
        (503, true, Refused),
        (504, true, Refused),
    ] {
        let answer =
            ResponseTemplate::new(status).insert_header("location", "/elsewhere").insert_header("retry-after", "7");
        let server = answering(answer).await;
        let error = deliver(&hook(&server.uri(), None), &notice()).await.unwrap_err();
        assert_eq!((error.retry, error.reason, error.status), (retry, reason, Some(status)), "{error}");
        assert_eq!(error.retry_after, retry.then_some(Duration::from_secs(7)), "{status}");
        only(&server).await;
    }
}

#[tokio::test]
async fn broken_connections_are_tried_again() {
    let error = deliver(&hook("http://127.0.0.1:1/canary", None), &notice()).await.unwrap_err();
    assert!(error.retry && error.reason == ReasonCode::Unreachable && !error.text.contains("canary"), "{error}");

    let error = deliver(&hook("http://no-such-host.invalid/canary", None), &notice()).await.unwrap_err();
    assert!(error.retry && error.reason == ReasonCode::Unreachable && !error.text.contains("canary"), "{error}");

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/canary", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 512]).await;
        }
    });
    let error = deliver(&hook(&url, None), &notice()).await.unwrap_err();
    assert!(error.retry && error.text.contains("broke") && !error.text.contains("canary"), "{error}");
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let server = answering(ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 5_000_000])).await;
    deliver(&hook(&server.uri(), None), &notice()).await.unwrap();
}

#[tokio::test]
async fn a_check_connects_and_sends_not_a_byte() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    let seen = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        bytes
    });
    hook(&url, Some(SECRET)).check("target").await.unwrap();
    assert_eq!(seen.await.unwrap(), b"");
    let error = hook("http://127.0.0.1:1/", None).check("target").await.unwrap_err();
    assert_eq!(error.reason, ReasonCode::Unreachable);
}
