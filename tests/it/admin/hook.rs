//! The vendor's webhook costs no more polls than it must.

use super::{AdminFixture, HOOK_TOKEN};
use crate::{cli_fixture::PATIENCE, fixture::FixtureOptions};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn two_hundred_nudges_cost_one_poll_every_two_seconds() {
    let desk = AdminFixture::new(FixtureOptions::default()).await;
    let (engine, shutdown) = (Arc::clone(&desk.fixture.engine), CancellationToken::new());
    let stop = shutdown.clone();
    let running = tokio::spawn(async move { engine.run(stop).await });
    let polls = || desk.fixture.workspace().metrics().polls.count();
    let until = async |wanted: u64| {
        let reached = async {
            while polls() < wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.expect("more polls");
    };
    // The fixture polled once, the service once at its start; the next one by itself is half a minute away.
    until(2).await;
    let (began, before) = (Instant::now(), polls());
    let authorization = format!("Bearer {HOOK_TOKEN}");
    for _ in 0..200 {
        let answer = desk.send("POST", "/hooks/coldsend/acme", &[("authorization", &authorization)], "{").await;
        assert_eq!(answer.status, 202);
    }
    until(before + 1).await;
    // What the flood left behind is one nudge at most.
    desk.send("POST", "/hooks/coldsend/acme", &[("authorization", &authorization)], "").await;
    until(before + 2).await;
    let most = 1 + began.elapsed().as_secs() / 2;
    assert!(polls() - before <= most, "{} polls in {:?}", polls() - before, began.elapsed());
    assert_eq!(desk.fixture.workspace().metrics().nudges, 201);
    shutdown.cancel();
    running.await.unwrap();
}
