//! A canary in every secret: it appears in no setting's `Debug`, in no destination's, and in no error.

use super::{
    ACTION, decided_at, notice, now,
    smtp_server::{Script, SmtpServer},
};
use reply_router::destinations::{
    DestinationSettings, Destinations, EmailSettings, NetworkSettings, SlackSettings, SmtpSettings, WebhookSettings,
};
use std::collections::BTreeMap;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

const CANARY: &str = "CANARY7f3a";
/// `CANARY7f3a` and `\0u\0CANARY7f3a` in base64, as a login sends them.
const ENCODED: [&str; 2] = ["Q0FOQVJZN2YzYQ", "AHUAQ0FOQVJZN2YzYQ"];

fn clean(text: &str) {
    for secret in [CANARY, ENCODED[0], ENCODED[1]] {
        assert!(!text.contains(secret), "{text}");
    }
}

fn slack_bot(api: &str) -> SlackSettings {
    SlackSettings {
        token: Some(format!("xoxb-{CANARY}").into()),
        channel: Some("#a".to_owned()),
        api_url: Some(api.to_owned()),
        webhook_url: None,
    }
}

fn all(base: &str) -> BTreeMap<String, DestinationSettings> {
    let host = base.trim_start_matches("http://");
    BTreeMap::from([
        ("bot".to_owned(), DestinationSettings::Slack(slack_bot(base))),
        (
            "hook".to_owned(),
            DestinationSettings::Webhook(WebhookSettings {
                url: format!("http://u:{CANARY}@{host}/{CANARY}?key={CANARY}").into(),
                secret: Some(CANARY.into()),
            }),
        ),
        (
            "mail".to_owned(),
            DestinationSettings::Email(EmailSettings { to: vec!["a@b.example".to_owned()], cc: vec![] }),
        ),
        (
            "slack".to_owned(),
            DestinationSettings::Slack(SlackSettings {
                webhook_url: Some(format!("{base}/services/{CANARY}").into()),
                ..SlackSettings::default()
            }),
        ),
    ])
}

fn smtp(address: &str) -> SmtpSettings {
    SmtpSettings { url: format!("smtp://u:{CANARY}@{address}").into(), from: "r@b.example".to_owned(), ca_file: None }
}

/// Delivers, tests and checks every destination and looks at whatever is said.
async fn look(base: &str, mail: &str) -> usize {
    let (settings, smtp) = (all(base), smtp(mail));
    clean(&format!("{settings:?} {smtp:?}"));
    let destinations = Destinations::new(settings, Some(smtp), NetworkSettings { allow_private: true }).unwrap();
    clean(&format!("{destinations:?} {destinations:#?}"));
    let mut errors = 0;
    for name in destinations.names() {
        let delivered = destinations.deliver(name, ACTION, decided_at(), &notice(), None, now()).await.map(|_| ());
        let tested = destinations.send_test(name, now()).await.map(|_| ());
        let checked = destinations.check(name).await.map(|reached| clean(&reached.text));
        for error in [delivered, tested, checked].into_iter().filter_map(Result::err) {
            clean(&format!("{error} {error:?} {}", error.as_reason()));
            errors += 1;
        }
    }
    errors
}

#[tokio::test]
async fn no_destination_tells_a_secret() {
    // Nobody there.
    assert_eq!(look("http://127.0.0.1:1", "127.0.0.1:1").await, 12);
    // Servers that repeat in every answer what they were told.
    let echo = |request: &Request, status: u16| {
        let heard = format!("{} {:?} {}", request.url, request.headers, String::from_utf8_lossy(&request.body));
        let body =
            serde_json::json!({ "ok": status == 202, "error": heard, "needed": heard, "user": heard, "team": heard });
        ResponseTemplate::new(status).set_body_json(body).insert_header("location", request.url.as_str())
    };
    for status in [200, 202, 302, 400, 401, 404, 429, 500] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(move |request: &Request| echo(request, status)).mount(&server).await;
        for said in [
            "535 no: CANARY7f3a",
            "535 no: Q0FOQVJZN2YzYQ==",
            "535-no\r\n535 AHUAQ0FOQVJZN2YzYQ==",
            "454 later, CANARY7f3a",
        ] {
            let mail = SmtpServer::start(Script(vec![("AUTH", said)])).await;
            assert!(look(&server.uri(), &mail.address).await >= 3);
        }
    }
}

#[test]
fn no_wrong_setting_tells_a_secret() {
    let network = NetworkSettings::default();
    let wrong = [
        DestinationSettings::Slack(SlackSettings { webhook_url: Some(CANARY.into()), ..SlackSettings::default() }),
        DestinationSettings::Slack(SlackSettings {
            webhook_url: Some(format!("http://127.0.0.1/{CANARY}").into()),
            ..SlackSettings::default()
        }),
        DestinationSettings::Slack(SlackSettings { token: Some(CANARY.into()), ..SlackSettings::default() }),
        DestinationSettings::Slack(SlackSettings {
            token: Some(format!("{CANARY}\n").into()),
            channel: Some("#a".to_owned()),
            ..SlackSettings::default()
        }),
        DestinationSettings::Slack(SlackSettings {
            webhook_url: Some(format!("https://x.example/{CANARY}").into()),
            channel: Some("#a".to_owned()),
            ..SlackSettings::default()
        }),
        DestinationSettings::Slack(SlackSettings::default()),
        DestinationSettings::Webhook(WebhookSettings { url: format!("gopher://{CANARY}").into(), secret: None }),
        DestinationSettings::Webhook(WebhookSettings {
            url: "https://x.example".into(),
            secret: Some(format!("whsec_{CANARY}!").into()),
        }),
        DestinationSettings::Webhook(WebhookSettings { url: "https://x.example".into(), secret: Some("".into()) }),
        DestinationSettings::Email(EmailSettings::default()),
        DestinationSettings::Email(EmailSettings { to: vec!["nobody".to_owned()], cc: vec![] }),
        DestinationSettings::Email(EmailSettings { to: vec!["a@b.example".to_owned()], cc: vec![] }),
    ];
    for settings in wrong {
        let shown = format!("{settings:?}");
        clean(&shown);
        let error = Destinations::new([("target".to_owned(), settings)].into(), None, network).expect_err(&shown);
        assert_eq!(error.destination(), Some("target"));
        clean(&format!("{error} {error:?}"));
    }
    for url in [CANARY, "http://u:CANARY7f3a@x", "smtp://CANARY7f3a@x", "smtp://u:CANARY7f3a@x?tls=CANARY7f3a"] {
        let smtp = SmtpSettings { url: url.into(), from: "a@b.example".to_owned(), ca_file: None };
        let error = Destinations::new(BTreeMap::new(), Some(smtp), network).unwrap_err();
        assert_eq!(error.destination(), None);
        clean(&format!("{error} {error:?}"));
    }
}
