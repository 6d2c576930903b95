//! What happens, as it happens.

use super::{AdminFixture, TOKEN, bearer};
use crate::fixture::FixtureOptions;
use reply_router::admin;
use reply_router::store::prelude::*;
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A server on a port of its own, over a desk.
struct Served {
    desk: AdminFixture,
    url: String,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Served {
    async fn new() -> Self {
        let desk = AdminFixture::new(FixtureOptions::default()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api/v1/events", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(admin::serve(listener, desk.router.clone(), shutdown.clone()));
        Self { desk, url, shutdown, task }
    }

    async fn open(&self, last: Option<&str>) -> reqwest::Response {
        let mut request = reqwest::Client::builder().no_proxy().build().unwrap().get(&self.url).bearer_auth(TOKEN);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        request.send().await.unwrap()
    }

    async fn follow(&self, last: Option<&str>) -> Reader {
        let response = self.open(last).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Reader { response, text: String::new() }
    }
}

struct Reader {
    response: reqwest::Response,
    text: String,
}

impl Reader {
    /// The next event: its id, name and data. `None` at the end.
    async fn next(&mut self) -> Option<(i64, String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
                };
                let found = (field("id:").parse(), field("event:"), field("data:"));
                self.text = rest.to_owned();
                if let (Ok(id), name, data) = found {
                    return Some((id, name, serde_json::from_str(&data).unwrap()));
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.response.chunk()).await.expect("an event");
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }

    async fn some(&mut self, count: usize) -> Vec<(i64, String, Value)> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.next().await.expect("more events"));
        }
        events
    }
}

#[tokio::test]
async fn decisions_and_actions_are_told_and_nothing_is_missed_in_between() {
    let served = Served::new().await;
    let mut reader = served.follow(None).await;
    let (start, name, _) = reader.next().await.unwrap();
    assert_eq!((start, name.as_str()), (0, "ready"));
    let thread = served.desk.fixture.hot_lead("jane@acme.example", "Please call.");
    served.desk.fixture.tick().await;
    // A decision, three planned actions, each in flight and done, and mark_read that waits for the others.
    let known = served.desk.fixture.store.changes(0, 100).await.unwrap();
    let events = reader.some(known.len()).await;
    let ids: Vec<_> = events.iter().map(|(id, _, _)| *id).collect();
    assert_eq!(ids, known.iter().map(|change| change.seq).collect::<Vec<_>>());
    let (_, name, data) = &events[0];
    assert_eq!(
        (name.as_str(), &data["matched"][0], &data["thread_id"]),
        ("decision", &"book-a-call".into(), &thread.into())
    );
    let done: Vec<_> =
        events.iter().filter(|(_, _, data)| data["state"] == "done").map(|(_, _, data)| data["kind"].clone()).collect();
    assert_eq!(done, ["reply", "star", "mark_read"]);
    assert!(!events.iter().any(|(_, _, data)| data.to_string().contains("jane@")), "no more than ids and states");

    // While nobody reads, something happens; whoever comes back hears of it.
    drop(reader);
    let last = *ids.last().unwrap();
    served.desk.fixture.hot_lead("joe@acme.example", "Please call.");
    served.desk.fixture.tick().await;
    let mut reader = served.follow(Some(&last.to_string())).await;
    let (id, name, _) = reader.next().await.unwrap();
    assert_eq!((id, name.as_str()), (last, "ready"));
    let (id, name, _) = reader.next().await.unwrap();
    assert_eq!((id, name.as_str()), (last + 1, "decision"));

    // Of a store that was replaced nothing is known.
    let mut reader = served.follow(Some("999999")).await;
    assert_eq!(reader.next().await.unwrap().1, "reset");
    assert_eq!(served.open(Some("nonsense")).await.status(), 400);
}

#[tokio::test]
async fn readers_are_few_and_all_are_sent_away_at_the_end() {
    let served = Served::new().await;
    let mut readers = Vec::new();
    for _ in 0..32 {
        let mut reader = served.follow(None).await;
        reader.next().await.unwrap();
        readers.push(reader);
    }
    let refused = served.open(None).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "5"));
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    // A place is free again as soon as somebody leaves.
    drop(readers.pop());
    let free = async {
        while served.open(None).await.status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), free).await.unwrap();

    served.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(5), served.task).await.expect("the server ends").unwrap();
    for reader in &mut readers {
        assert_eq!(reader.next().await, None);
    }
}

#[tokio::test]
async fn who_may_not_look_may_not_follow() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    desk.send("GET", "/api/v1/events", &[], "").await.problem(401);
    desk.send("GET", "/api/v1/events?after=x", &[bearer()], "").await.problem(400);
}
