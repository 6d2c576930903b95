//! E-mail: what arrives, and which failures may be tried again.

use super::{
    ACTION, decided_at, deliver, mail_to, notice, now,
    smtp_server::{Script, SmtpServer},
};
use mail_parser::{Message, MessageParser};
use reply_router::model::{Notice, ReasonCode};

async fn delivered(notice: &Notice) -> String {
    let server = SmtpServer::start(Script::default()).await;
    let destinations = mail_to(&["ae@acme.example", "Boss <boss@acme.example>"], &format!("smtp://{}", server.address));
    assert_eq!(deliver(&destinations, notice).await.unwrap().status, Some(250));
    let accepted = server.accepted();
    assert_eq!(accepted[0].to, ["ae@acme.example", "boss@acme.example"]);
    assert_eq!(server.commands().last().map(String::as_str), Some("QUIT"));
    accepted[0].data.clone()
}

fn parsed(data: &str) -> Message<'_> {
    MessageParser::default().parse(data.as_bytes()).unwrap()
}

#[tokio::test]
async fn a_notice_becomes_a_mail_that_can_be_answered() {
    let data = delivered(&notice()).await;
    let mail = parsed(&data);
    assert_eq!(mail.subject(), Some("Reply from Jane Doe <jane@lead.example> (Q1 Launch)"));
    assert_eq!(mail.message_id(), Some(format!("{ACTION}@acme.example").as_str()));
    assert_eq!(mail.reply_to().and_then(|to| to.first()).and_then(|to| to.address()), Some("jane@lead.example"));
    assert_eq!(mail.reply_to().and_then(|to| to.first()).and_then(|to| to.name()), Some("Jane Doe"));
    assert_eq!(mail.date().map(|date| date.to_rfc3339()).as_deref(), Some("2026-03-02T09:30:05Z"));
    assert_eq!(mail.header_raw("X-Reply-Router-Action").map(str::trim), Some(ACTION));
    assert_eq!(mail.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
    let text = mail.body_text(0).unwrap();
    let html = mail.body_html(0).unwrap();
    assert!(text.starts_with("Sure, a call on Tuesday?"), "{text}");
    let (top, below) = text.split_once("Conversation, oldest first").unwrap();
    assert!(top.contains("Rule: book-a-call (Answer leads who ask for a call.)"), "{top}");
    assert!(top.contains("Thread: https://router.example/threads/t-1?a=1&b=2"), "{top}");
    assert!(below.contains("sam@acme.example (we), 2026-03-02 09:30 UTC"), "{below}");
    assert!(below.contains("> 15 minutes for a demo?"), "{below}");
    assert!(html.contains("href=\"https://router.example/threads/t-1?a=1&amp;b=2\""), "{html}");
}

#[tokio::test]
async fn what_a_lead_wrote_stays_text() {
    let mut notice = notice();
    notice.lead_name = Some("Evil\" <x@y>\r\nBcc: victim@z.example\0".to_owned());
    notice.campaign = Some("Q1\nX-Injected: yes".to_owned());
    notice.new_text = "<script>alert(1)</script> & \"more\"\r\n.\r\nRCPT TO:<victim@z.example>\r\n\0ü".to_owned();
    let data = delivered(&notice).await;
    let mail = parsed(&data);
    let headers = data.split("\r\n\r\n").next().unwrap();
    for name in ["Bcc", "X-Injected"] {
        assert!(mail.header_raw(name).is_none(), "{headers}");
    }
    assert!(!data.contains('\0'));
    let reply_to = mail.reply_to().and_then(|to| to.first()).unwrap();
    assert_eq!(reply_to.address(), Some("jane@lead.example"));
    assert_eq!(reply_to.name(), Some("Evil\" <x@y> Bcc: victim@z.example"));
    let html = mail.body_html(0).unwrap();
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;"), "{html}");
    assert!(!html.contains("<script"), "{html}");
    let text = mail.body_text(0).unwrap();
    assert!(text.contains("<script>alert(1)</script> & \"more\""), "{text}");
    assert!(text.lines().any(|line| line == "."), "{text}");
    assert!(text.contains('ü'), "{text}");
}

#[tokio::test]
async fn a_rule_has_its_own_subject_and_words() {
    let mut notice = notice();
    notice.email_subject = Some("Hot: Jüne\r\nBcc: x@y.example".to_owned());
    notice.text = Some("Call her now.".to_owned());
    notice.lead_email = Some("no address".to_owned());
    let data = delivered(&notice).await;
    let mail = parsed(&data);
    assert_eq!(mail.subject(), Some("Hot: Jüne Bcc: x@y.example"));
    assert!(mail.header_raw("Bcc").is_none());
    assert!(mail.reply_to().is_none());
    assert!(mail.body_text(0).unwrap().starts_with("Call her now."));
}

#[tokio::test]
async fn every_attempt_has_the_same_message_id() {
    let server = SmtpServer::start(Script::default()).await;
    let destinations = mail_to(&["ae@acme.example"], &format!("smtp://{}", server.address));
    for later in [0, 60] {
        let now = now() + jiff::SignedDuration::from_secs(later);
        destinations.deliver("target", ACTION, decided_at(), &notice(), None, now).await.unwrap();
    }
    let ids: Vec<String> =
        server.accepted().iter().map(|mail| parsed(&mail.data).message_id().unwrap().to_owned()).collect();
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn failures_say_whether_to_try_again() {
    use ReasonCode::{Refused, Unauthorized, Unreachable};
    let cases: [(&str, &str, bool, Option<u16>, ReasonCode); 12] = [
        ("GREETING", "421 too busy", true, Some(421), Refused),
        ("GREETING", "554 go away", false, Some(554), Refused),
        ("GREETING", "", true, None, Unreachable),
        ("AUTH", "535 5.7.8 wrong", false, Some(535), Unauthorized),
        ("AUTH", "454 4.7.0 later", true, Some(454), Refused),
        ("AUTH", "550 no", false, Some(550), Unauthorized),
        ("MAIL", "530 5.7.0 log in first", false, Some(530), Unauthorized),
        ("RCPT", "550 5.1.1 no such user", false, Some(550), Refused),
        ("RCPT", "451 4.7.1 greylisted", true, Some(451), Refused),
        ("END", "552 too large", false, Some(552), Refused),
        ("END", "452 disk full", true, Some(452), Refused),
        ("END", "", true, None, Unreachable),
    ];
    for (step, answer, retry, status, reason) in cases {
        let server = SmtpServer::start(Script(vec![(step, answer)])).await;
        let destinations = mail_to(&["ae@acme.example"], &format!("smtp://u:p%40ss@{}", server.address));
        let error = deliver(&destinations, &notice()).await.unwrap_err();
        let seen = (error.retry, error.status, error.reason);
        assert_eq!(seen, (retry, status, reason), "{step} {answer}: {error}");
        assert!(server.accepted().is_empty());
    }
}

#[tokio::test]
async fn nobody_there_is_tried_again_and_no_starttls_is_not() {
    let error = deliver(&mail_to(&["ae@acme.example"], "smtp://127.0.0.1:1"), &notice()).await.unwrap_err();
    assert!(error.retry && error.reason == ReasonCode::Unreachable, "{error}");

    let server = SmtpServer::start(Script::default()).await;
    let url = format!("smtp://u:secret@{}?tls=required", server.address);
    let error = deliver(&mail_to(&["ae@acme.example"], &url), &notice()).await.unwrap_err();
    assert!(!error.retry && error.text.contains("STARTTLS"), "{error}");
    assert!(!server.commands().iter().any(|command| command == "AUTH" || command == "MAIL"));
}

#[tokio::test]
async fn a_check_logs_in_and_sends_nothing() {
    let server = SmtpServer::start(Script::default()).await;
    let destinations = mail_to(&["ae@acme.example"], &format!("smtp://u:p@{}", server.address));
    let reached = destinations.check("target").await.unwrap();
    assert!(reached.text.contains("accepts the login"), "{}", reached.text);
    assert_eq!(server.commands(), ["EHLO", "AUTH", "QUIT"]);

    let server = SmtpServer::start(Script(vec![("AUTH", "535 wrong")])).await;
    let destinations = mail_to(&["ae@acme.example"], &format!("smtp://u:p@{}", server.address));
    assert_eq!(destinations.check("target").await.unwrap_err().reason, ReasonCode::Unauthorized);
}

#[tokio::test]
async fn a_test_mail_says_that_it_is_one() {
    let server = SmtpServer::start(Script::default()).await;
    let destinations = mail_to(&["ae@acme.example"], &format!("smtp://{}", server.address));
    destinations.send_test("target", now()).await.unwrap();
    let accepted = server.accepted();
    assert_eq!(parsed(&accepted[0].data).subject(), Some("Test message from Reply Router"));
}

#[tokio::test]
async fn an_action_may_name_who_gets_a_copy() {
    let server = SmtpServer::start(Script::default()).await;
    let destinations = mail_to(&["ae@acme.example"], &format!("smtp://{}", server.address));
    let to = |names: &[&str]| Notice { recipients: names.iter().map(|name| (*name).to_owned()).collect(), ..notice() };
    deliver(&destinations, &to(&["Ann <ann@acme.example>", "AE@acme.example"])).await.unwrap();
    let accepted = server.accepted();
    assert_eq!(accepted[0].to, ["ae@acme.example", "ann@acme.example"], "nobody gets it twice");
    assert!(accepted[0].data.contains("Cc: Ann <ann@acme.example>"), "{}", accepted[0].data);
    for wrong in ["", "ann", "ann@acme.example\r\nBcc: x@y.example", "a@b.example, c@d.example"] {
        let error = deliver(&destinations, &to(&[wrong])).await.unwrap_err();
        assert!(!error.retry && error.reason == ReasonCode::Refused, "{wrong:?}: {error:?}");
    }
    assert_eq!(server.accepted().len(), 1);
}
