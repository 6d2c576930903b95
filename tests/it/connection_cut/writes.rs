//! What changes something: replies, stars, marks, and what goes to Slack, webhooks and mail servers.

use super::{CutFixture, CutStats, every_byte};
use crate::proxy::Proxy;
use futures_util::future::join_all;
use reply_router::model::{ActionKind, DestinationKind};
use reply_router::simulator::Endpoint;

/// As many leads as one page of the list shows.
const PAGE: usize = 100;
/// Fields on which mails are cut side by side.
const SHARES: usize = 10;

macro_rules! only {
    ($action:literal) => {
        concat!("version: 1\nrules: [{ name: only, when: { category: interested }, then: [", $action, "] }]\n")
    };
}

/// How long the write and its answer are; the same for every lead.
async fn length(kind: ActionKind, rules: &'static str) -> (usize, usize) {
    let (mut field, doors) = CutFixture::behind_doors(kind, rules).await;
    let mut lengths = Vec::new();
    for _ in 0..2 {
        field.leads(1);
        assert!(field.poll().await && field.decide().await);
        let _ = doors.each_ref().map(Proxy::take_byte_counts);
        field.fixture.run_due().await;
        let passed = doors.each_ref().map(Proxy::take_byte_counts);
        lengths.push((passed[0].0 + passed[1].0, passed[0].1 + passed[1].1));
        field.settle().await;
    }
    assert_eq!(lengths[0], lengths[1]);
    lengths[0]
}

async fn cut_writes(kind: ActionKind, endpoint: Endpoint, rules: &'static str) -> CutStats {
    let mut field = CutFixture::new(kind, rules).await;
    for direction in every_byte(length(kind, rules).await) {
        for cuts in direction.chunks(PAGE) {
            // A write to the API always opens a connection; elsewhere a new client does. So each is hit by one cut.
            field.renew_client(rules);
            field.leads(cuts.len());
            assert!(field.poll().await && field.decide().await);
            cuts.iter().for_each(|cut| field.cut(&endpoint, *cut));
            field.figures.cuts += cuts.len();
            field.fixture.run_due().await;
            field.settle().await;
        }
    }
    let figures = field.finish().await;
    figures.show(kind.as_str());
    figures
}

#[tokio::test]
async fn reply() {
    let figures = cut_writes(ActionKind::Reply, Endpoint::Reply, only!("{ reply: { text: Hello. } }")).await;
    assert_eq!((figures.repeated, figures.failed), (0, 0));
    assert_eq!(figures.effects, figures.done);
}

#[tokio::test]
async fn star() {
    let figures = cut_writes(ActionKind::Star, Endpoint::Star, only!("star")).await;
    assert_eq!((figures.effects, figures.done), (figures.leads, figures.leads));
}

#[tokio::test]
async fn unstar() {
    let figures = cut_writes(ActionKind::Unstar, Endpoint::Star, only!("unstar")).await;
    assert_eq!((figures.effects, figures.done), (figures.leads, figures.leads));
}

#[tokio::test]
async fn mark_read() {
    let figures = cut_writes(ActionKind::MarkRead, Endpoint::Read, only!("mark_read")).await;
    assert_eq!(figures.done, figures.leads);
}

#[tokio::test]
async fn slack() {
    let figures =
        cut_writes(ActionKind::Forward(DestinationKind::Slack), Endpoint::SlackWebhook, only!("{ slack: sales }"))
            .await;
    assert_eq!(figures.done, figures.leads);
}

#[tokio::test]
async fn webhook() {
    let figures =
        cut_writes(ActionKind::Forward(DestinationKind::Webhook), Endpoint::Webhook, only!("{ webhook: crm }")).await;
    assert_eq!(figures.done, figures.leads);
}

const EMAIL: &str = only!("{ email: team }");

#[tokio::test]
async fn email() {
    let (inward, outward) = length(ActionKind::Forward(DestinationKind::Email), EMAIL).await;
    let all = (0..=inward).map(|bytes| (bytes, usize::MAX)).chain((0..=outward).map(|bytes| (usize::MAX, bytes)));
    let all: Vec<_> = all.collect();
    // A mail's last piece waits for the acknowledgement of the one before: side by side they wait together.
    let shares = all.chunks(all.len().div_ceil(SHARES)).map(cut_mails);
    let figures = join_all(shares).await.into_iter().fold(CutStats::default(), CutStats::with);
    figures.show("email");
    assert_eq!((figures.cuts, figures.done), (all.len(), figures.leads));
}

async fn cut_mails(limits: &[(usize, usize)]) -> CutStats {
    let (mut field, [_, smtp]) = CutFixture::behind_doors(ActionKind::Forward(DestinationKind::Email), EMAIL).await;
    for limits in limits.chunks(PAGE) {
        field.leads(limits.len());
        assert!(field.poll().await && field.decide().await);
        smtp.limit(limits.iter().copied());
        field.figures.cuts += limits.len();
        field.fixture.run_due().await;
        let states = field.fixture.states().await;
        let begun = &states[states.len().saturating_sub(limits.len())..];
        assert_eq!(smtp.remaining_limits(), 0, "each mail gets a connection of its own: {begun:?}");
        field.settle().await;
    }
    field.finish().await
}
