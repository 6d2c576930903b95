//! Tests of `coldsend`, seen from outside.
#![allow(clippy::unwrap_used)] // the helpers of tests may, as tests may

use jiff::Timestamp;
use reply_router::coldsend::{
    ApiError, Client, ClientError, ClientSettings, ListQuery, Priority, ReplyAttachment, ReplyBody, TimeLimits,
    WriteOutcome,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json, header, method, path, query_param},
};

const KEY: &str = "cs_live_canary";

fn settings(url: &str) -> ClientSettings {
    ClientSettings {
        workspace: "acme".to_owned(),
        base_url: url.parse().unwrap(),
        api_key: SecretString::from(KEY.to_owned()),
        per_minute: 100,
        per_hour: 1000,
    }
}

fn client(url: &str) -> Client {
    let time = TimeLimits { connect: Duration::from_secs(2), whole: Duration::from_secs(5) };
    Client::with_time_limits(settings(url), time).unwrap()
}

async fn answering(template: ResponseTemplate) -> (MockServer, Client) {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any()).respond_with(template).mount(&server).await;
    let client = client(&server.uri());
    (server, client)
}

async fn answering_json(value: Value) -> (MockServer, Client) {
    answering(ResponseTemplate::new(200).set_body_json(value)).await
}

async fn request_count(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn list_sends_every_filter_and_reads_the_documented_answer() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/api/replies"))
        .and(header("X-API-Key", KEY))
        .and(header("User-Agent", concat!("reply-router/", env!("CARGO_PKG_VERSION"))))
        .and(query_param("page", "2"))
        .and(query_param("limit", "100"))
        .and(query_param("campaign_id", "c&1"))
        .and(query_param("is_read", "false"))
        .and(query_param("is_starred", "true"))
        .and(query_param("category", "not interested"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({
            "success": true, "total_count": 41, "page": 2, "limit": 100, "unread_count": "3", "starred_count": null, "new": {},
            "conversations": [
                {"thread_id": "t1", "lead_id": 7, "lead_email": "jane@acme.example", "lead_name": " ", "campaign_name": "Q1",
                 "subject": "Re: demo", "last_message_preview": "Sure", "last_message_at": "2026-01-05T09:00:00Z",
                 "is_read": null, "is_starred": false, "reply_count": "2", "category": null, "extra": [1]},
                {"subject": "no id"}, "garbage", {"thread_id": "t2", "lead_email": {}}, {"thread_id": "t3"}
            ]
        })))
        .expect(1)
        .mount(&server)
        .await;
    // A base URL with and without a slash at its end is the same.
    let client = client(&format!("{}/api/", server.uri()));
    let query = ListQuery {
        page: 2,
        limit: 500,
        campaign_id: Some("c&1".to_owned()),
        is_read: Some(false),
        is_starred: Some(true),
        category: Some("not interested".to_owned()),
    };
    let page = client.list(&query, Priority::Poll).await.unwrap();
    assert_eq!(page.rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["t1", "t3"]);
    assert_eq!((page.skipped, page.page, page.limit), (3, 2, 100));
    assert_eq!((page.total_count, page.unread_count, page.starred_count), (Some(41), Some(3), None));
    let row = &page.rows[0];
    assert_eq!((row.lead_id.as_deref(), row.lead_name.as_deref(), row.reply_count), (Some("7"), None, Some(2)));
    assert_eq!((row.is_read, row.is_starred, row.category.as_deref()), (None, Some(false), None));
    assert_eq!(row.last_message_at, Some("2026-01-05T09:00:00Z".parse::<Timestamp>().unwrap()));
}

#[tokio::test]
async fn thread_ignores_a_history_and_its_id_is_one_path_segment() {
    let (server, client) = answering_json(json!({
        "thread_id": "a/b", "campaign_id": null, "ai_confidence": "0.9", "tags": null, "message_history": [{"x": 1}],
        "messages": "whatever", "inbox_email": "sam@us.example", "created_at": "2026-01-05T09:00:00.5"
    }))
    .await;
    let thread = client.thread("a/b?c#ü", Priority::Read).await.unwrap();
    assert_eq!((thread.row.id.as_str(), thread.ai_confidence, thread.tags.len()), ("a/b", Some(0.9), 0));
    assert_eq!(server.received_requests().await.unwrap()[0].url.path(), "/replies/threads/a%2Fb%3Fc%23%C3%BC");
    for id in ["", " ", ".", "..", "%2e%2E"] {
        let error = client.thread(id, Priority::Read).await.unwrap_err();
        assert!(matches!(error, ApiError::Invalid { .. }), "{id:?}: {error}");
    }
    assert_eq!(request_count(&server).await, 1);
}

fn message(id: usize) -> Value {
    json!({"reply_id": format!("m{id}"), "is_outgoing": id.is_multiple_of(2), "body_text": format!("text {id}"), "body_html": " ",
           "created_at": format!("2026-01-05T09:{:02}:{:02}Z", id / 60, id % 60)})
}

#[tokio::test]
async fn a_conversation_of_a_hundred_is_one_request_and_longer_ones_are_whole() {
    for (total, requests) in [(0, 1), (1, 1), (100, 1), (101, 2), (250, 3)] {
        let server = MockServer::start().await;
        Mock::given(path("/replies/threads/t/messages"))
            .respond_with(move |request: &wiremock::Request| {
                let page: usize =
                    request.url.query_pairs().find(|(name, _)| name == "page").unwrap().1.parse().unwrap();
                let items: Vec<_> = (0..total).skip((page - 1) * 100).take(100).map(message).collect();
                let pages = total.div_ceil(100);
                ResponseTemplate::new(200).set_body_json(json!({"messages": items, "total_count": total, "page": page,
                    "limit": 100, "total_pages": pages, "has_next": page < pages, "has_prev": page > 1}))
            })
            .mount(&server)
            .await;
        let talk = client(&server.uri()).conversation("t", Priority::Read).await.unwrap();
        assert_eq!((talk.messages().len(), request_count(&server).await), (total, requests));
        assert!(talk.messages().iter().all(|message| message.html.is_none() && message.text.is_some()));
    }
}

#[tokio::test]
async fn a_conversation_that_promises_more_for_ever_is_an_error() {
    let (server, client) = answering_json(json!({"messages": [message(1)], "has_next": true})).await;
    let error = client.conversation("t", Priority::Read).await.unwrap_err();
    assert!(matches!(error, ApiError::Malformed { .. }), "{error}");
    assert_eq!(request_count(&server).await, 2);
}

#[tokio::test]
async fn wrong_shapes_say_where() {
    async fn check(answer: Value, expected: &str) {
        let (_server, client) = answering_json(answer).await;
        match client.messages("t", 1, 50, Priority::Read).await.unwrap_err() {
            ApiError::Malformed { at, .. } => assert_eq!(at, expected),
            other => panic!("{other}"),
        }
    }
    check(json!([]), "the whole answer").await;
    check(json!({"messages": {}}), "messages").await;
    check(json!({"success": true}), "messages").await;
    check(json!({"messages": [message(1), 5]}), "messages[1]").await;
    check(json!({"messages": [{"reply_id": "m"}]}), "messages[0].is_outgoing").await;
    check(json!({"messages": [{"is_outgoing": false}]}), "messages[0].reply_id").await;
    check(json!({"messages": [{"reply_id": "m", "is_outgoing": false, "body_text": ["x"]}]}), "messages[0].body_text")
        .await;
    let file = json!({"reply_id": "m", "is_outgoing": true, "attachments": [{"filename": {}}]});
    check(json!({"messages": [file]}), "messages[0].attachments[0].filename").await;
}

#[tokio::test]
async fn answers_too_deep_or_too_large_are_errors() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let (_server, client) = answering(ResponseTemplate::new(200).set_body_string(deep)).await;
    let error = client.list(&ListQuery::default(), Priority::Poll).await.unwrap_err();
    assert!(error.to_string().contains("recursion limit"), "{error}");

    let large = vec![b' '; 16 * 1024 * 1024 + 1];
    let (_server, client) = answering(ResponseTemplate::new(200).set_body_bytes(large)).await;
    let error = client.list(&ListQuery::default(), Priority::Poll).await.unwrap_err();
    assert!(matches!(error, ApiError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn reply_sends_text_html_and_attachments() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/replies/threads/t1/reply"))
        .and(body_json(json!({"body": "Hi", "html_body": "<p>Hi</p>", "attachments": [
            {"filename": "a.pdf", "content_base64": "AAEC", "content_type": "application/octet-stream"}]})))
        .respond_with(ResponseTemplate::new(202).set_body_json(
            json!({"success": true, "message": "Reply queued successfully", "message_id": null, "thread_id": "t1"}),
        ))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server.uri());
    let file = ReplyAttachment { filename: "a.pdf".to_owned(), content_type: String::new(), content: vec![0, 1, 2] };
    let body =
        ReplyBody { text: Some("Hi".to_owned()), html: Some("<p>Hi</p>".to_owned()), attachments: vec![file.clone()] };
    let receipt = client.reply("t1", &body).await.unwrap();
    assert_eq!((receipt.thread_id.as_deref(), receipt.message_id), (Some("t1"), None));

    let six = ReplyBody { attachments: vec![file; 6], ..body.clone() };
    let huge = ReplyAttachment { content: vec![0; 11 * 1024 * 1024], ..body.attachments[0].clone() };
    for body in [ReplyBody::text("  "), six, ReplyBody { attachments: vec![huge], ..body }] {
        let error = client.reply("t1", &body).await.unwrap_err();
        assert_eq!(error.certainty, WriteOutcome::NotApplied);
        assert!(matches!(error.error, ApiError::Invalid { .. }), "{error}");
    }
}

#[tokio::test]
async fn star_and_read_are_patches_without_a_body() {
    let (server, client) = answering_json(json!({"success": true, "is_starred": true, "marked_count": 1})).await;
    assert_eq!(client.toggle_star("t1").await, Ok(Some(true)));
    assert_eq!(client.mark_read("t1").await, Ok(()));
    let seen: Vec<_> = server.received_requests().await.unwrap();
    let lines: Vec<_> = seen.iter().map(|r| format!("{} {} {}", r.method, r.url.path(), r.body.len())).collect();
    assert_eq!(lines, ["PATCH /replies/threads/t1/star 0", "PATCH /replies/threads/t1/read 0"]);
    let (_server, client) = answering(ResponseTemplate::new(204)).await;
    assert_eq!((client.toggle_star("t").await, client.mark_read("t").await), (Ok(None), Ok(())));
}

#[tokio::test]
async fn each_status_says_whether_a_write_was_carried_out() {
    use WriteOutcome::{Applied, NotApplied, Unknown};
    let table = [
        (200, Applied),
        (201, Applied),
        (204, Applied),
        (301, Unknown),
        (302, Unknown),
        (307, Unknown),
        (400, NotApplied),
        (401, NotApplied),
        (403, NotApplied),
        (404, NotApplied),
        (408, Unknown),
        (409, Unknown),
        (413, Unknown),
        (422, NotApplied),
        (429, NotApplied),
        (500, Unknown),
        (502, Unknown),
        (503, Unknown),
        (504, Unknown),
    ];
    for (status, expected) in table {
        let template = ResponseTemplate::new(status).insert_header("location", "/elsewhere").set_body_string("<html>");
        let (server, client) = answering(template).await;
        let error = client.reply("t", &ReplyBody::text("Hi")).await.unwrap_err();
        assert_eq!(error.certainty, expected, "{status}: {error}");
        assert_eq!(request_count(&server).await, 1, "{status}");
        if expected != Applied {
            // A refusal of the limit would hold the next one back: a new client each time.
            let (server, client) = answering(ResponseTemplate::new(status)).await;
            assert_eq!(client.toggle_star("t").await.unwrap_err().certainty, expected, "{status}");
            assert_eq!(request_count(&server).await, 1, "{status}");
        }
    }
}

/// A server that reads each request whole, answers with these bytes and cuts; counts connections.
async fn raw_server(answer: Vec<u8>, stall: bool) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, counted) = (answer.clone(), Arc::clone(&counted));
            tokio::spawn(async move {
                read_request(&mut stream).await;
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(&answer).await;
                if stall {
                    let _ = stream.read(&mut [0; 1]).await;
                }
            });
        }
    });
    (address, requests)
}

async fn read_request(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = seen.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&seen[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.trim().parse().unwrap());
            if seen.len() >= end + 4 + length {
                return;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => seen.extend_from_slice(&buffer[..count]),
        }
    }
}

#[tokio::test]
async fn an_answer_cut_at_any_byte_is_never_called_not_carried_out() {
    let whole =
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"success\": true}".to_vec();
    let head = whole.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    for cut in 0..=whole.len() {
        let (address, requests) = raw_server(whole[..cut].to_vec(), false).await;
        let result = client(&format!("http://{address}")).reply("t", &ReplyBody::text("Hi")).await;
        match cut {
            _ if cut == whole.len() => assert!(result.is_ok(), "{result:?}"),
            _ if cut >= head => assert_eq!(result.unwrap_err().certainty, WriteOutcome::Applied, "cut at {cut}"),
            _ => assert_eq!(result.unwrap_err().certainty, WriteOutcome::Unknown, "cut at {cut}"),
        }
        assert_eq!(requests.load(Ordering::SeqCst), 1, "cut at {cut}");
    }
}

#[tokio::test]
async fn garbage_and_silence() {
    let short = TimeLimits { connect: Duration::from_secs(2), whole: Duration::from_millis(200) };
    let table: [(&[u8], bool, WriteOutcome); 5] = [
        (b"SSH-2.0-OpenSSH\r\n", false, WriteOutcome::Unknown),
        (b"", true, WriteOutcome::Unknown),
        (b"HTTP/1.1 200 OK\r\n", true, WriteOutcome::Unknown),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", true, WriteOutcome::Applied),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 50\r\n\r\n{", true, WriteOutcome::NotApplied),
    ];
    for (answer, stall, expected) in table {
        let (address, requests) = raw_server(answer.to_vec(), stall).await;
        let client = Client::with_time_limits(settings(&format!("http://{address}")), short).unwrap();
        let error = client.reply("t", &ReplyBody::text("Hi")).await.unwrap_err();
        assert_eq!(error.certainty, expected, "{error}");
        assert_eq!(requests.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn no_connection_is_not_carried_out_and_costs_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let refused = client(&format!("http://{address}"));
    let error = refused.reply("t", &ReplyBody::text("Hi")).await.unwrap_err();
    assert_eq!(error.certainty, WriteOutcome::NotApplied);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert_eq!(refused.budget().minute_left, 100);

    // A server that does not speak TLS.
    let (address, _) = raw_server(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), false).await;
    let error = client(&format!("https://{address}")).reply("t", &ReplyBody::text("Hi")).await.unwrap_err();
    assert_eq!(error.certainty, WriteOutcome::NotApplied, "{error}");
}

#[tokio::test]
async fn a_read_is_tried_twice_when_the_connection_breaks_and_a_write_gets_a_connection_of_its_own() {
    let (address, requests) = raw_server(Vec::new(), false).await;
    let broken = client(&format!("http://{address}"));
    let error = broken.list(&ListQuery::default(), Priority::Poll).await.unwrap_err();
    assert!(matches!(error, ApiError::Interrupted { .. }), "{error}");
    assert_eq!((requests.load(Ordering::SeqCst), broken.budget().minute_left), (2, 98));

    // Keeps its connections open, and tells how many there were: one request each.
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec();
    let (address, connections) = raw_server(answer, true).await;
    let client = client(&format!("http://{address}"));
    for _ in 0..3 {
        client.reply("t", &ReplyBody::text("Hi")).await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn errors_tell_what_to_do_and_never_the_key() {
    async fn check(template: ResponseTemplate, expected: &[&str]) {
        let (_server, client) = answering(template).await;
        let error = client.thread("t1", Priority::Read).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains(KEY), "{text}");
        for part in expected {
            assert!(error.to_string().contains(part), "`{part}` in: {error}");
        }
    }
    let detail = |status, detail: Value| ResponseTemplate::new(status).set_body_json(json!({"detail": detail}));
    check(detail(401, json!(format!("bad key {KEY}"))), &["workspace `acme`", "401", "`api_key`", "[REDACTED]"]).await;
    let scopes = json!({"detail": "Insufficient", "error": "insufficient_scopes", "required": ["replies:read"], "granted": ["leads:read"]});
    check(
        ResponseTemplate::new(403).set_body_json(scopes),
        &["missing scope: replies:read", "it has: leads:read", "replies:all"],
    )
    .await;
    check(detail(404, json!("Thread not found")), &["thread `t1`", "Thread not found"]).await;
    let list = json!([{"loc": ["body", "name"], "msg": "field required", "type": "missing"}]);
    check(detail(422, list), &["422", "body.name: field required"]).await;
    check(ResponseTemplate::new(503).set_body_string("<html>"), &["503", "Service Unavailable"]).await;
    check(ResponseTemplate::new(302), &["redirect", "`base_url`"]).await;
    check(detail(429, json!("Rate limit exceeded.")), &["429", "60 s"]).await;
    check(detail(500, json!("x".repeat(5000))), &["…"]).await;
}

#[test]
fn settings_that_would_fail_later_are_refused() {
    let check = |url: &str, fine: bool| {
        let result = Client::new(settings(url));
        assert_eq!(result.is_ok(), fine, "{url}: {result:?}");
    };
    for url in
        ["https://api.coldsend.pro/api/public/v1", "http://localhost:1", "http://127.0.0.1", "http://[::1]:80/x/"]
    {
        check(url, true);
    }
    for url in [
        "http://api.coldsend.pro",
        "http://10.0.0.1",
        "http://localhost.evil.example",
        "ftp://localhost",
        "mailto:a@b",
        "https://user:pw@api.coldsend.pro",
        "https://api.coldsend.pro/?x=1",
    ] {
        check(url, false);
    }
    for key in ["", "a\nb", "a b", "clé", "a\u{0}"] {
        let error = Client::new(ClientSettings { api_key: key.to_owned().into(), ..settings("https://x.example") });
        assert!(matches!(error, Err(ClientError::Key { .. })), "{key:?}");
    }
    let zero = Client::new(ClientSettings { per_hour: 0, ..settings("https://x.example") }).unwrap_err();
    assert!(zero.to_string().contains("rate_limit.per_hour"), "{zero}");
    let client = Client::new(settings("https://x.example")).unwrap();
    assert!(!format!("{client:?}").contains(KEY));
}

#[tokio::test]
async fn the_budget_counts_and_the_last_places_are_for_writes() {
    let (server, client) = answering_json(json!({"conversations": [], "is_starred": true})).await;
    let hurried = client.with_max_wait(Some(Duration::ZERO));
    let query = ListQuery::default();
    let mut polls = 0;
    let error = loop {
        match hurried.list(&query, Priority::Poll).await {
            Ok(_) => polls += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((polls, client.budget().minute_left, client.budget().hour_left), (50, 50, 950));
    let wait = error.retry_after().unwrap();
    assert!(matches!(error, ApiError::BudgetExhausted { .. }) && wait <= Duration::from_secs(61), "{error}");
    assert_eq!(client.would_wait(Priority::Read), Duration::ZERO);
    for _ in 0..30 {
        hurried.list(&query, Priority::Read).await.unwrap();
    }
    assert!(client.would_wait(Priority::Read) > Duration::from_secs(30));
    assert_eq!(client.would_wait(Priority::Reply), Duration::ZERO);
    for _ in 0..15 {
        hurried.toggle_star("t").await.unwrap();
    }
    let error = hurried.toggle_star("t").await.unwrap_err();
    assert_eq!(error.certainty, WriteOutcome::NotApplied);
    assert!(matches!(error.error, ApiError::BudgetExhausted { .. }), "{error}");
    // The last five are for replies.
    assert_eq!(client.would_wait(Priority::Reply), Duration::ZERO);
    assert_eq!(request_count(&server).await, 95);
}

#[tokio::test]
async fn another_client_of_the_same_key_is_seen_in_the_headers() {
    let template = ResponseTemplate::new(200)
        .insert_header("x-ratelimit-limit", "100")
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("x-ratelimit-reset", "40")
        .set_body_json(json!({"is_starred": true}));
    let (_server, client) = answering(template).await;
    client.toggle_star("t").await.unwrap();
    assert_eq!(client.budget().minute_left, 0);
    let wait = client.would_wait(Priority::Reply);
    assert!(wait > Duration::from_secs(35) && wait <= Duration::from_secs(41), "{wait:?}");
}

#[tokio::test]
async fn a_refusal_for_the_limit_holds_everything_back() {
    async fn check(template: ResponseTemplate, least: u64, most: u64) {
        let (server, client) = answering(template).await;
        let told = client.toggle_star("t").await.unwrap_err().error.retry_after().unwrap();
        let wait = client.would_wait(Priority::Reply);
        assert!(wait > Duration::from_secs(least) && wait <= Duration::from_secs(most), "{wait:?}");
        assert!(told >= wait && client.budget().blocked_until.is_some());
        let error = client.with_max_wait(Some(Duration::ZERO)).toggle_star("t").await.unwrap_err();
        assert!(matches!(error.error, ApiError::BudgetExhausted { .. }), "{error}");
        assert_eq!(request_count(&server).await, 1);
    }
    let refused = || ResponseTemplate::new(429);
    check(refused(), 55, 60).await;
    check(refused().insert_header("retry-after", "20"), 15, 20).await;
    check(refused().insert_header("retry-after", "999999"), 55, 60).await;
    check(refused().insert_header("x-ratelimit-reset", "1800"), 1795, 1801).await;
    check(refused().insert_header("x-ratelimit-reset", "yesterday"), 55, 60).await;
}
