//! What a connection may cost.

use super::AdminFixture;
use crate::{cli_fixture::PATIENCE, fixture::FixtureOptions};
use reply_router::admin;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

/// A server over a desk, and a connection to it on which nothing was sent.
async fn connected(head_time: Duration) -> (AdminFixture, TcpStream, CancellationToken, tokio::task::JoinHandle<()>) {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let served = tokio::spawn(admin::serve_within(head_time, listener, desk.router.clone(), shutdown.clone()));
    (desk, TcpStream::connect(address).await.unwrap(), shutdown, served)
}

#[tokio::test]
async fn who_never_ends_a_request_is_sent_away() {
    let (_desk, mut stream, _shutdown, _served) = connected(Duration::from_millis(200)).await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: loc").await.unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the end").unwrap();
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_end() {
    let (_desk, mut stream, shutdown, served) = connected(Duration::from_secs(3_600)).await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: loc").await.unwrap();
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, served).await.expect("the server ends").unwrap();
}

/// Asks on a connection of its own and gives the first line of the answer.
async fn asked(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn slow_connections_hold_up_nobody() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody is sent away for being slow here: only places can be missing.
    let hour = Duration::from_secs(3_600);
    let served = tokio::spawn(admin::serve_within(hour, listener, desk.router.clone(), CancellationToken::new()));
    let mut slow = Vec::new();
    for (count, sent) in [
        (600, "GET /healthz HTTP/1.1\r\nHost: loc"),
        (
            300,
            "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
               Content-Length: 40\r\n\r\ntok",
        ),
    ] {
        for _ in 0..count {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // One that was sent away already is as good.
            let _ = stream.write_all(sent.as_bytes()).await;
            slow.push(stream);
        }
        for path in ["/healthz", "/readyz", "/metrics", "/assets/style.css"] {
            let line = tokio::time::timeout(PATIENCE, asked(address, path)).await;
            assert_eq!(line.expect("an answer"), "HTTP/1.1 200 OK", "{path} beside {count} slow ones");
        }
    }
    served.abort();
}
