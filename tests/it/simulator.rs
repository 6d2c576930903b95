//! Tests of `simulator`, seen from outside: plain reqwest, not our client.

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use reply_router::simulator::{
    ConnectionFault, DEFAULT_KEY, Endpoint, Fault, Inbox, Key, NewThread, Options, RateLimits, SLACK_TOKEN, Simulator,
    SmtpFault, SmtpStep,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

async fn ask(simulator: &Simulator, method: Method, path: &str, body: Option<Value>) -> reqwest::Result<(u16, Value)> {
    let url = format!("{}{path}", simulator.base_url());
    let mut request = reqwest::Client::new().request(method, url).header("X-API-Key", DEFAULT_KEY);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await?;
    Ok((response.status().as_u16(), response.json().await?))
}

async fn get(simulator: &Simulator, path: &str) -> (u16, Value) {
    ask(simulator, Method::GET, path, None).await.unwrap()
}

async fn empty() -> Simulator {
    Simulator::start(Options::for_tests()).await.unwrap()
}

#[tokio::test]
async fn every_endpoint_answers() {
    let simulator = empty().await;
    let workspace = simulator.workspace();
    let id =
        workspace.add_thread(NewThread::new("jane@acme.example").name("Jane").category("interested").message("Yes"));
    let (_, list) = get(&simulator, "/replies").await;
    assert_eq!(list["conversations"][0]["thread_id"], json!(id));
    assert_eq!((&list["total_count"], &list["unread_count"]), (&json!(1), &json!(1)));
    let (_, thread) = get(&simulator, &format!("/replies/threads/{id}")).await;
    assert_eq!((&thread["campaign_name"], &thread["campaign_id"]), (&json!("External"), &Value::Null));
    let star = format!("/replies/threads/{id}/star");
    for wanted in [true, false] {
        assert_eq!(ask(&simulator, Method::PATCH, &star, None).await.unwrap().1["is_starred"], json!(wanted));
    }
    let (_, read) = ask(&simulator, Method::PATCH, &format!("/replies/threads/{id}/read"), None).await.unwrap();
    assert_eq!((&read["marked_count"], &read["thread_ids"]), (&json!(1), &json!([id])));
    let reply = format!("/replies/threads/{id}/reply");
    let (status, _) = ask(&simulator, Method::POST, &reply, Some(json!({ "body": "Hi" }))).await.unwrap();
    assert_eq!(status, 200);
    let (_, messages) = get(&simulator, &format!("/replies/threads/{id}/messages")).await;
    assert_eq!(messages["messages"][1]["body_text"], json!("Hi"));
    assert_eq!((&messages["total_pages"], &messages["has_next"]), (&json!(1), &json!(false)));
    simulator.shutdown().await;
}

#[tokio::test]
async fn errors_have_the_documented_shapes() {
    let simulator = empty().await;
    let id = simulator.workspace().add_thread(NewThread::new("jane@acme.example").message("Yes"));
    for (path, status, kind) in [
        ("/replies?limit=101", 422, "less_than_equal"),
        ("/replies?page=0", 422, "greater_than_equal"),
        ("/replies?page=x", 422, "int_parsing"),
        ("/replies?campaign_id=x", 422, "uuid_parsing"),
        ("/replies?is_read=maybe", 422, "bool_parsing"),
        ("/replies/threads/x", 422, "uuid_parsing"),
    ] {
        let (found, body) = get(&simulator, path).await;
        assert_eq!((found, body["detail"][0]["type"].as_str()), (status, Some(kind)), "{path}");
    }
    let (status, body) = get(&simulator, "/replies/threads/00000000-0000-4000-8000-000000000000").await;
    assert_eq!((status, body), (404, json!({ "detail": "Thread not found" })));
    let file = json!({ "filename": "a", "content_base64": "YQ==" });
    let reply = format!("/replies/threads/{id}/reply");
    for body in [json!({}), json!({ "body": " " }), json!({ "body": "x", "attachments": vec![file; 6] })] {
        assert_eq!(ask(&simulator, Method::POST, &reply, Some(body)).await.unwrap().0, 422);
    }
    assert!(simulator.workspace().accepted_replies().is_empty());
}

/// Who tries two workspaces with two simulators must not be taken for one who has two keys of one account.
#[tokio::test]
async fn simulators_with_other_keys_have_other_threads_and_always_the_same_ones() {
    let threads = async |key: &str| {
        let options = Options { keys: vec![Key::new(key)], ..Options::default() };
        let simulator = Simulator::start(options).await.unwrap();
        simulator.workspace().threads().into_iter().map(|thread| thread.id).collect::<HashSet<_>>()
    };
    let (default, first, second) = (threads(DEFAULT_KEY).await, threads("cs_live_a").await, threads("cs_live_b").await);
    assert!(default.len() > 50 && default.is_disjoint(&first) && first.is_disjoint(&second));
    assert_eq!(first, threads("cs_live_a").await);
}

#[tokio::test]
async fn keys_scopes_and_limits() {
    let keys = vec![Key::with_scopes(DEFAULT_KEY, ["replies:read"])];
    let limits = Some(RateLimits { per_minute: 3, per_hour: 5 });
    let simulator = Simulator::start(Options { keys, rate_limits: limits, ..Options::for_tests() }).await.unwrap();
    let id = simulator.workspace().add_thread(NewThread::new("jane@acme.example").message("Yes"));
    let url = format!("{}/replies", simulator.base_url());
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 401);
    let (status, body) = ask(&simulator, Method::PATCH, &format!("/replies/threads/{id}/star"), None).await.unwrap();
    assert_eq!((status, &body["error"]), (403, &json!("insufficient_scopes")));
    assert_eq!((&body["required"], &body["granted"]), (&json!(["replies:update"]), &json!(["replies:read"])));
    for remaining in ["1", "0"] {
        let response = reqwest::Client::new().get(&url).header("X-API-Key", DEFAULT_KEY).send().await.unwrap();
        assert_eq!(response.headers()["x-ratelimit-remaining"], remaining);
    }
    let (status, body) = get(&simulator, "/replies").await;
    assert_eq!((status, body), (429, json!({ "detail": "Rate limit exceeded. Retry after 60 seconds." })));
}

#[tokio::test]
async fn a_reply_shows_after_the_lag_by_the_clock_given() {
    let now = Arc::new(Mutex::new("2026-01-05T09:00:00Z".parse::<jiff::Timestamp>().unwrap()));
    let clock = {
        let now = Arc::clone(&now);
        Arc::new(move || *now.lock().unwrap())
    };
    let options = Options { visibility_lag: Duration::from_secs(60), clock, ..Options::for_tests() };
    let simulator = Simulator::start(options).await.unwrap();
    let workspace = simulator.workspace();
    let id = workspace.add_thread(NewThread::new("jane@acme.example").message("Yes"));
    let reply = format!("/replies/threads/{id}/reply");
    ask(&simulator, Method::POST, &reply, Some(json!({ "body": "Hi" }))).await.unwrap();
    assert_eq!((workspace.accepted_replies().len(), workspace.messages(&id).len()), (1, 1));
    *now.lock().unwrap() = "2026-01-05T09:01:00Z".parse().unwrap();
    assert_eq!(workspace.messages(&id).len(), 2);
}

#[tokio::test]
async fn faults_do_what_they_say() {
    let simulator = empty().await;
    let workspace = simulator.workspace();
    let id = workspace.add_thread(NewThread::new("jane@acme.example").message("Yes"));
    let reply = format!("/replies/threads/{id}/reply");
    let faults = simulator.faults();
    for (fault, answered, accepted) in [
        (Fault::Status(503, "{}".into()), Some(503), 0),
        (Fault::StatusAfter(500, "{}".into()), Some(500), 1),
        (Fault::CloseBefore, None, 0),
        (Fault::CloseAfter, None, 1),
        (Fault::Garbage2xx, None, 1),
        (Fault::TruncateAfter(20), None, 1),
        (Fault::Delay(Duration::from_millis(1)), Some(200), 1),
    ] {
        let before = workspace.accepted_replies().len();
        faults.next(Endpoint::Reply, 1, fault.clone());
        let answer = ask(&simulator, Method::POST, &reply, Some(json!({ "body": "Hi" }))).await;
        assert_eq!(answer.ok().map(|(status, _)| status), answered, "{fault:?}");
        assert_eq!(workspace.accepted_replies().len() - before, accepted, "{fault:?}");
        assert_eq!(faults.pending(), 0);
    }
    for fault in
        [ConnectionFault::CloseOnAccept, ConnectionFault::CloseAfterReading(30), ConnectionFault::CloseAfterWriting(10)]
    {
        faults.connections(1, fault);
        assert!(ask(&simulator, Method::GET, "/replies", None).await.is_err(), "{fault:?}");
        assert_eq!(get(&simulator, "/replies").await.0, 200);
    }
}

#[tokio::test]
async fn what_hangs_ends_with_the_simulator() {
    let simulator = empty().await;
    let workspace = simulator.workspace();
    simulator.faults().next(Endpoint::List, 1, Fault::Hang);
    let url = format!("{}/replies", simulator.base_url());
    let hung = tokio::spawn(async move { reqwest::Client::new().get(url).send().await });
    assert!(workspace.wait_until(Duration::from_secs(5), |now| !now.requests().is_empty()).await);
    simulator.shutdown().await;
    assert!(hung.await.unwrap().is_err());
    assert_eq!(workspace.requests()[0].status, None);
}

#[tokio::test]
async fn a_request_that_is_stuck_on_its_way_is_never_seen() {
    let simulator = empty().await;
    let (workspace, faults) = (simulator.workspace(), simulator.faults());
    faults.connections(1, ConnectionFault::StallAfterReading(30));
    let url = format!("{}/replies", simulator.base_url());
    let stuck = tokio::spawn(async move { reqwest::Client::new().get(url).send().await });
    assert!(workspace.wait_until(Duration::from_secs(5), |_| faults.stalled() == 1).await);
    assert_eq!(get(&simulator, "/replies").await.0, 200);
    assert!(!stuck.is_finished());
    assert_eq!(workspace.requests().len(), 1);
    simulator.shutdown().await;
    assert!(stuck.await.unwrap().is_err());
}

#[tokio::test]
async fn the_shipped_inbox_and_a_generated_one_load() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    assert!(!simulator.workspace().threads().is_empty());
    let options = Options { inbox: Inbox::Generated(250), rate_limits: None, ..Options::default() };
    let simulator = Simulator::start(options).await.unwrap();
    let (_, page) = get(&simulator, "/replies?page=3&limit=100").await;
    assert_eq!((page["conversations"].as_array().map(Vec::len), &page["total_count"]), (Some(50), &json!(250)));
}

/// Sends one mail over a connection of its own.
/// What answers by itself is seen to, with the thread as without it: our own mail has the subject that was answered.
#[tokio::test]
async fn our_own_mail_has_not_the_subject_of_what_answers_it() {
    use reply_router::text::{Mail, auto_reply, automatic};
    let simulator = Simulator::start(Options { rate_limits: None, ..Options::default() }).await.unwrap();
    let mut automatic_ones = 0;
    for thread in simulator.workspace().threads() {
        let ours: Vec<&str> =
            thread.messages.iter().filter(|found| found.outgoing).map(|found| found.subject.as_str()).collect();
        assert!(ours.iter().all(|subject| !subject.contains(": ") || subject.starts_with("Re: ")), "{ours:?}");
        for message in thread.messages.iter().filter(|found| !found.outgoing) {
            let (from, subject) = (Some(message.from.as_str()), Some(message.subject.as_str()));
            assert!(!ours.contains(&message.subject.as_str()), "{}", message.subject);
            if auto_reply(from, subject, message.text.as_deref(), None).is_some() {
                automatic_ones += 1;
                let body = message.text.as_deref();
                let mail = Mail { from, subject, body, our_subjects: &ours, ..Mail::default() };
                assert!(automatic(&mail).found.is_some(), "{}: {ours:?}", message.subject);
            }
        }
    }
    assert!(automatic_ones > 8, "{automatic_ones}");
    simulator.shutdown().await;
}

async fn send(simulator: &Simulator, mechanism: Option<Mechanism>) -> bool {
    let port = simulator.smtp_url().rsplit(':').next().unwrap().parse().unwrap();
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(port)
        .timeout(Some(Duration::from_secs(5)));
    if let Some(mechanism) = mechanism {
        let credentials = Credentials::new("user".to_owned(), "password".to_owned());
        transport = transport.credentials(credentials).authentication(vec![mechanism]);
    }
    let mail = Message::builder()
        .from("router@outreach.example".parse().unwrap())
        .to("ae@acme.example".parse().unwrap())
        .subject("<i>Hot</i> lead")
        .body("first\r\n.dotted\r\n..\r\nlast <script>".to_owned())
        .unwrap();
    transport.build().send(mail).await.is_ok()
}

#[tokio::test]
async fn the_mail_sink_takes_mail_with_and_without_a_password() {
    let simulator = empty().await;
    for mechanism in [None, Some(Mechanism::Plain), Some(Mechanism::Login)] {
        assert!(send(&simulator, mechanism).await, "{mechanism:?}");
    }
    let mails = simulator.mail();
    assert_eq!(mails.len(), 3);
    for mail in mails {
        assert_eq!((mail.from.as_str(), mail.to), ("router@outreach.example", vec!["ae@acme.example".to_owned()]));
        assert!(mail.raw.contains("\r\n.dotted\r\n..\r\nlast"), "dots unstuffed: {}", mail.raw);
    }
}

#[tokio::test]
async fn mail_faults_do_what_they_say() {
    let simulator = empty().await;
    let refused = || SmtpFault::Code(451, "try later".into());
    for (step, fault, sent, taken) in [
        (SmtpStep::Greeting, SmtpFault::Code(421, "busy".into()), false, 0),
        (SmtpStep::MailFrom, refused(), false, 0),
        (SmtpStep::RcptTo, SmtpFault::Code(550, "unknown".into()), false, 0),
        (SmtpStep::Data, SmtpFault::Close, false, 0),
        (SmtpStep::EndOfData, refused(), false, 0),
        (SmtpStep::EndOfData, SmtpFault::CloseAfter, false, 1),
        (SmtpStep::MailFrom, SmtpFault::Delay(Duration::from_millis(1)), true, 1),
    ] {
        let before = simulator.mail().len();
        simulator.faults().smtp(step, 1, fault.clone());
        assert_eq!(send(&simulator, None).await, sent, "{step:?} {fault:?}");
        assert_eq!(simulator.mail().len() - before, taken, "{step:?} {fault:?}");
        assert_eq!(simulator.faults().pending(), 0, "{step:?} {fault:?}");
    }
    assert!(send(&simulator, None).await, "all goes well again");
}

#[tokio::test]
async fn the_page_escapes_what_came_from_outside() {
    let simulator = empty().await;
    let evil = "<script>alert(1)</script>";
    let thread = NewThread::new("x@evil.example").name(evil).subject(evil).category(evil).message(evil);
    let id = simulator.workspace().add_thread(thread);
    simulator.workspace().person_answers(&id, "our answer");
    let client = reqwest::Client::new();
    client.post(simulator.slack_url()).json(&json!({ "text": evil })).send().await.unwrap();
    client.post(simulator.webhook_url()).body(evil).send().await.unwrap();
    assert!(send(&simulator, None).await);
    let page = reqwest::get(simulator.web_url()).await.unwrap().text().await.unwrap();
    for part in ["Inbox (1)", "Slack (1)", "Mail (1)", "Webhook (1)", "sent · ", "our answer"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)"));
    for raw in ["<script", "<i>", " src=", " href=", "url("] {
        assert!(!page.contains(raw), "{raw}");
    }
}

#[tokio::test]
async fn slack_refuses_as_slack_does() {
    let simulator = empty().await;
    let url = format!("{}/chat.postMessage", simulator.slack_api_url());
    let full = json!({ "channel": "#sales", "text": "Hi" });
    for (token, body, error) in [
        ("wrong", full.clone(), Some("invalid_auth")),
        (SLACK_TOKEN, json!({ "text": "Hi" }), Some("channel_not_found")),
        (SLACK_TOKEN, json!({ "channel": "#sales" }), Some("no_text")),
        (SLACK_TOKEN, full, None),
    ] {
        let response = reqwest::Client::new().post(&url).bearer_auth(token).json(&body).send().await.unwrap();
        let body: Value = response.json().await.unwrap();
        assert_eq!((body["ok"].as_bool(), body["error"].as_str()), (Some(error.is_none()), error));
    }
    assert_eq!(simulator.slack().len(), 1);
}

#[tokio::test]
async fn the_shipped_stream_plays_to_its_end() {
    let simulator = Simulator::start(Options { rate_limits: None, ..Options::default() }).await.unwrap();
    let workspace = simulator.workspace();
    let items = workspace.stream_remaining();
    let mut played = Vec::new();
    while let Some(id) = workspace.play_next() {
        played.push(id);
    }
    assert_eq!((played.len(), workspace.stream_remaining()), (items, 0));
    let first = workspace.thread(&played[0]).unwrap();
    assert_eq!((first.campaign_name.as_str(), first.category()), ("Q1 Product Launch", Some("interested")));
    let threads: std::collections::HashSet<_> = played.iter().collect();
    assert!(threads.len() < played.len(), "one item goes on in a known thread");
    let outside = |thread: &reply_router::simulator::Thread| !thread.lead_email.ends_with(".example");
    assert!(!workspace.threads().iter().any(outside), "only invented domains");
}
