//! What somebody has asked for is carried out to its end, and noted, whether or not they wait for it.

use super::{AdminFixture, TOKEN, bearer};
use crate::{
    cli_fixture::PATIENCE,
    fixture::{Fixture, FixtureOptions},
};
use async_trait::async_trait;
use axum::{
    body::Body,
    http::{Request, header},
};
use reply_router::admin::{self, Reload, ReloadError};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// A change that tells when it has begun, and ends when it may.
struct Gate {
    begun: Semaphore,
    may_end: Semaphore,
}

#[async_trait]
impl Reload for Gate {
    async fn reload(&self) -> Result<String, ReloadError> {
        self.begun.add_permits(1);
        self.may_end.acquire().await.unwrap().forget();
        Ok("abc".to_owned())
    }
}

impl Gate {
    /// Waits for the next one that begins.
    async fn begins(&self) {
        timeout(PATIENCE, self.begun.acquire()).await.expect("it begins").unwrap().forget();
    }
}

async fn gated() -> (AdminFixture, Arc<Gate>) {
    gated_within(PATIENCE).await
}

/// The same where a request has so much time.
async fn gated_within(time_limit: Duration) -> (AdminFixture, Arc<Gate>) {
    let gate = Arc::new(Gate { begun: Semaphore::new(0), may_end: Semaphore::new(0) });
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let reload = Arc::clone(&gate) as Arc<dyn Reload>;
    (AdminFixture::within(time_limit, fixture, Some(TOKEN), Some(reload)), gate)
}

async fn served(desk: &AdminFixture) -> (SocketAddr, CancellationToken, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
    let served = tokio::spawn(admin::serve(listener, desk.router.clone(), shutdown.clone()));
    (address, shutdown, served)
}

/// Asks for the change, and hangs up when it has begun; the server has seen that.
async fn hang_up_in_the_middle(address: SocketAddr, gate: &Gate) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    gate.begins().await;
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server hangs up, too").unwrap();
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
}

/// Waits until so many such changes are in the audit log.
async fn noted(desk: &AdminFixture, count: usize) {
    let noted = async {
        while desk.get("/api/v1/audit?what=reload").await.json()["items"].as_array().unwrap().len() < count {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, noted).await.expect("they are in the audit log");
}

#[tokio::test]
async fn whoever_hangs_up_is_in_the_audit_log() {
    let (desk, gate) = gated().await;
    let (address, _shutdown, _served) = served(&desk).await;
    hang_up_in_the_middle(address, &gate).await;
    gate.may_end.add_permits(1);
    noted(&desk, 1).await;
}

#[tokio::test]
async fn changes_of_whoever_hung_up_take_the_places_of_others() {
    let (desk, gate) = gated().await;
    let (address, _shutdown, _served) = served(&desk).await;
    let first_line = async |path: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
    };
    for _ in 0..256 {
        hang_up_in_the_middle(address, &gate).await;
    }
    assert_eq!(first_line("/api/v1/status").await, "HTTP/1.1 503 Service Unavailable");
    assert_eq!(first_line("/healthz").await, "HTTP/1.1 200 OK");
    gate.may_end.add_permits(256);
    noted(&desk, 50).await;
    let free = async { while first_line("/api/v1/status").await != "HTTP/1.1 200 OK" {} };
    timeout(PATIENCE, free).await.expect("there is room again");
}

#[tokio::test]
async fn a_change_that_takes_too_long_goes_on() {
    let (desk, gate) = gated_within(Duration::from_millis(300)).await;
    let detail = desk.post("/api/v1/reload", "").await.problem(504);
    assert!(detail.contains("a change goes on"), "{detail}");
    gate.begins().await;
    gate.may_end.add_permits(1);
    noted(&desk, 1).await;
}

#[tokio::test]
async fn a_body_that_never_ends_changes_nothing() {
    let (desk, gate) = gated_within(Duration::from_millis(300)).await;
    let body = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let request = Request::post("/api/v1/reload").header(header::AUTHORIZATION, bearer().1).body(body).unwrap();
    assert_eq!(desk.router.clone().oneshot(request).await.unwrap().status(), 504);
    assert_eq!(gate.begun.available_permits(), 0);
}

#[tokio::test]
async fn the_end_of_the_service_waits_for_a_change() {
    let (desk, gate) = gated().await;
    let (address, shutdown, mut served) = served(&desk).await;
    hang_up_in_the_middle(address, &gate).await;
    shutdown.cancel();
    assert!(timeout(Duration::from_millis(50), &mut served).await.is_err(), "it waits");
    gate.may_end.add_permits(1);
    timeout(PATIENCE, served).await.expect("the server ends").unwrap();
    noted(&desk, 1).await;
}

#[tokio::test]
async fn the_end_of_the_service_does_not_wait_for_ever() {
    let (desk, gate) = gated().await;
    let (address, shutdown, served) = served(&desk).await;
    hang_up_in_the_middle(address, &gate).await;
    shutdown.cancel();
    timeout(PATIENCE, served).await.expect("the server ends").unwrap();
    // What was under way is gone.
    gate.may_end.add_permits(1);
    tokio::task::yield_now().await;
    assert_eq!(gate.may_end.available_permits(), 1);
}
