//! The guard: private addresses are refused however they are written, unless they are allowed.

use super::{ACTION, decided_at, notice, now};
use reply_router::{
    destinations::{
        DestinationProblem, DestinationSettings, Destinations, NetworkSettings, SlackSettings, WebhookSettings,
    },
    model::ReasonCode,
};
use tokio::net::TcpListener;

fn guarded(settings: DestinationSettings) -> Result<Destinations, DestinationProblem> {
    let map = [("target".to_owned(), settings)].into();
    Destinations::new(map, None, NetworkSettings::default()).map_err(|error| {
        assert_eq!(error.destination(), Some("target"));
        error.problem().clone()
    })
}

fn every_way(url: &str) -> [DestinationSettings; 3] {
    [
        DestinationSettings::Webhook(WebhookSettings { url: url.into(), secret: None }),
        DestinationSettings::Slack(SlackSettings { webhook_url: Some(url.into()), ..SlackSettings::default() }),
        DestinationSettings::Slack(SlackSettings {
            token: Some("xoxb-1".into()),
            channel: Some("#a".to_owned()),
            api_url: Some(url.to_owned()),
            webhook_url: None,
        }),
    ]
}

#[test]
fn numbers_are_refused_where_the_settings_are_read() {
    for url in [
        "http://127.0.0.1/x",
        "http://2130706433/",
        "https://10.0.0.8/",
        "http://[::1]:8080/",
        "http://[::ffff:169.254.169.254]/",
        "http://169.254.169.254/latest/meta-data",
        "http://0/",
    ] {
        for settings in every_way(url) {
            let problem = guarded(settings).unwrap_err();
            assert!(matches!(problem, DestinationProblem::PrivateAddress { .. }), "{url}: {problem}");
        }
    }
    for settings in every_way("https://93.184.216.34/x") {
        guarded(settings).unwrap();
    }
    for url in ["ftp://x/", "not a url", "", "/hooks"] {
        for settings in every_way(url) {
            assert!(matches!(guarded(settings).unwrap_err(), DestinationProblem::Url { .. }), "{url}");
        }
    }
}

#[tokio::test]
async fn names_are_refused_by_what_they_resolve_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}/x", listener.local_addr().unwrap().port());
    for settings in every_way(&url) {
        let destinations = guarded(settings).unwrap();
        let delivered = destinations.deliver("target", ACTION, decided_at(), &notice(), None, now()).await;
        for error in [delivered.unwrap_err(), destinations.check("target").await.unwrap_err()] {
            assert!(!error.retry && error.reason == ReasonCode::Refused, "{error}");
            assert!(error.text.contains("network.allow_private"), "{error}");
        }
    }
    // Nobody has connected: the next connection is our own.
    let own = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    assert_eq!(listener.accept().await.unwrap().1, own.local_addr().unwrap());
}
