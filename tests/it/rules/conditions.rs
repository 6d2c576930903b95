//! Every field: held, not held, absent; and what is asked for only when it matters.

use super::{Case, rules};
use reply_router::{
    model::{MailAttachment, ThreadDetail, ThreadRow},
    rules::Need,
};

fn rule(when: &str) -> String {
    format!("rules:\n  - name: r\n    when: {when}\n    then: [star]\n")
}

fn matches(case: &Case, when: &str) -> bool {
    case.decide(&rule(when)).matched().next().is_some()
}

#[test]
fn each_field_holds_or_not() {
    let case = Case::full(
        "Sure, a CALL on Tuesday?\n\nOn Mon, Jan 5, 2026 at 9:00 AM Sam <sam@us.example> wrote:\n> 15 minutes?",
    )
    .newest(|message| {
        message.attachments =
            vec![MailAttachment { filename: Some("Offer.PDF".to_owned()), ..MailAttachment::default() }];
    });
    let check = |when: &str, expected: bool| assert_eq!(matches(&case, when), expected, "{when}");
    for (when, expected) in [
        ("{ category: meeting_request }", true),
        ("{ category: [interested, meeting-request] }", true),
        ("{ category: null }", false),
        ("{ campaign: \"q1 *\" }", true),
        ("{ campaign: \"q2 *\" }", false),
        ("{ campaign: 0b0e6d3a-7d0c-4a4e-9e55-0d4c0a7f1f10 }", true),
        ("{ campaign: 1b0e6d3a-7d0c-4a4e-9e55-0d4c0a7f1f10 }", false),
        ("{ lead_email: \"jane@*\" }", true),
        ("{ lead_domain: acme.exampl? }", true),
        ("{ lead_domain: example }", false),
        ("{ lead_name: ^jane }", true),
        ("{ lead_name: (?-i)^jane }", false),
        ("{ subject: demo }", true),
        ("{ preview: { contains: \"tuesday?\" } }", true),
        ("{ reply_count: 2 }", true),
        ("{ reply_count: { gt: 2 } }", false),
        ("{ reply_count: [5, { lte: 2 }] }", true),
        ("{ age: { gte: 1h, lt: 2h } }", true),
        ("{ age: { gt: 1h } }", false),
        ("{ is_read: false }", true),
        ("{ is_starred: true }", false),
        ("{ inbox: \"*@us.example\" }", true),
        ("{ tags: vip }", true),
        ("{ tags: null }", false),
        ("{ ai_category: interested }", true),
        ("{ manual_category: null }", true),
        ("{ ai_confidence: { gte: 0.9 } }", true),
        ("{ body: '\\bcall\\b' }", true),
        ("{ body: 15 minutes }", false),
        ("{ full_body: 15 minutes }", true),
        ("{ history: for a demo }", true),
        ("{ from: jane@acme.example }", true),
        ("{ attachment: \"*.pdf\" }", true),
        ("{ attachment: null }", false),
        ("{ message_count: 2, inbound_count: 1, outbound_count: 1 }", true),
        ("{ has_attachment: true }", true),
        ("{ auto_reply: true }", false),
        ("{ auto_reply: any }", true),
        ("{ opt_out: false }", true),
        ("{ any: [{ body: nothing }, { subject: demo }] }", true),
        ("{ all: [{ body: call }, { subject: other }] }", false),
        ("{ not: { body: call } }", false),
        ("{ not: [{ body: nothing }, { subject: nothing }] }", true),
        ("always", true),
    ] {
        check(when, expected);
    }
}

#[test]
fn absent_values_match_null_only() {
    let mut case = Case::full("hello");
    case.row = ThreadRow { id: "t".to_owned(), campaign_name: Some("External".to_owned()), ..ThreadRow::default() };
    case.detail = Some(ThreadDetail::default());
    for when in ["category", "campaign", "lead_email", "lead_domain", "inbox", "tags", "ai_category"] {
        assert!(matches(&case, &format!("{{ {when}: null }}")), "{when}");
        assert!(!matches(&case, &format!("{{ {when}: \"*\" }}")), "{when}");
    }
    for when in [
        "lead_name: .",
        "subject: .",
        "reply_count: { gte: 0 }",
        "age: { gte: 0s }",
        "is_read: false",
        "ai_confidence: { gte: 0 }",
    ] {
        assert!(!matches(&case, &format!("{{ {when} }}")), "{when}");
    }
}

#[test]
fn nothing_is_read_that_does_not_matter() {
    let with = |when: &str, rest: &str| format!("rules:\n  - name: r\n    when: {when}\n{rest}");
    let star = "    then: [star]\n";
    let reply = "    then: [{ reply: { text: hi } }]\n";
    let thread = "    then: [{ slack: { to: sales-hot, text: \"{{ thread.tags | default(1) }}\" } }]\n";
    for (when, rest, expected) in [
        ("{ category: meeting_request }", star, None),
        ("{ category: meeting_request }", reply, Some(Need::Messages)),
        ("{ category: other }", reply, None),
        ("{ category: other, body: x, tags: y }", reply, None),
        ("{ body: x, category: other }", star, None),
        ("{ body: x, tags: y }", star, Some(Need::Thread)),
        ("{ body: x }", star, Some(Need::Messages)),
        ("{ any: [{ body: x }, { category: meeting_request }] }", star, None),
        ("{ not: { any: [{ body: x }, { category: meeting_request }] } }", star, None),
        ("{ not: { body: x } }", star, Some(Need::Messages)),
        ("{ campaign: \"Q1*\" }", star, None),
        ("{ campaign: [\"Q1*\", 0b0e6d3a-7d0c-4a4e-9e55-0d4c0a7f1f10] }", star, None),
        ("{ campaign: 0b0e6d3a-7d0c-4a4e-9e55-0d4c0a7f1f10 }", star, Some(Need::Thread)),
        ("{ body: x }", "    script: thread.reply_count > 5\n    then: [star]\n", None),
        ("always", "    script: thread.tags.contains(\"vip\")\n    then: [star]\n", Some(Need::Thread)),
        ("always", "    script: message.text != ()\n    then: [star]\n", Some(Need::Messages)),
        ("always", "    script: 'true // message.text'\n    then: [star]\n", None),
        ("always", thread, Some(Need::Messages)),
    ] {
        let found = Case::row().evaluate(&rules(&with(when, rest))).err();
        assert_eq!(found, expected, "{when} {rest}");
    }
    let mut case = Case::full("hello");
    case.detail = None;
    assert_eq!(case.evaluate(&rules(&with("always", thread))).err(), Some(Need::Thread));
}

#[test]
fn an_external_thread_has_no_campaign_id_to_ask_for() {
    let mut case = Case::row();
    case.row.campaign_name = Some("External".to_owned());
    assert!(!matches(&case, "{ campaign: 0b0e6d3a-7d0c-4a4e-9e55-0d4c0a7f1f10 }"));
}

#[test]
fn automatic_mail_is_met_only_where_it_is_mentioned() {
    let case = Case::full("I am out of the office until January 12, 2026.")
        .newest(|message| message.subject = Some("Automatic reply: A demo".to_owned()));
    assert!(!matches(&case, "always"));
    assert!(matches(&case, "{ auto_reply: true }"));
    assert!(matches(&case, "{ auto_reply: any }"));
    assert!(!matches(&case, "{ auto_reply: false }"));
    // Judged on the row while nothing else was read.
    let mut case = Case::row();
    case.row.subject = Some("Automatic reply: A demo".to_owned());
    case.row.preview = Some("I am out of the office until January 12, 2026.".to_owned());
    let decision = case.decide(&rule("always"));
    assert!(decision.rules[0].note.as_ref().is_some_and(|note| note.contains("automatic")));
    assert_eq!(decision.auto_reply, Some(true));
}

#[test]
fn the_trace_shows_what_was_seen() {
    let mut case = Case::full("Sure, a call on Tuesday?");
    let decision = case.decide(&rule("{ category: other, not: { body: tuesday }, tags: x }"));
    let seen: Vec<_> = decision.rules[0].conditions.iter().map(|c| (c.path.as_str(), c.held)).collect();
    assert_eq!(seen, [("when.category", Some(false)), ("when.not.body", Some(true)), ("when.tags", Some(false))]);
    let body = &decision.rules[0].conditions[1];
    let (from, to) = body.span.unwrap();
    assert_eq!(&body.seen.as_ref().unwrap()[from..to], "Tuesday");
    // Otherwise only what matched is told, and all of that.
    case.thorough = false;
    assert_eq!(case.decide(&rule("{ category: other, body: tuesday }")).rules, []);
    let decision = case.decide(&rule("{ any: [{ body: tuesday }, { tags: x }] }"));
    let seen: Vec<_> = decision.rules[0].conditions.iter().map(|c| c.held).collect();
    assert_eq!(seen, [Some(true), Some(false)]);
}

#[test]
fn only_the_first_64_kib_are_matched_and_that_is_said() {
    let case = Case::full(&format!("{} needle", "word ".repeat(20_000)));
    let decision = case.decide(&rule("{ body: needle }"));
    assert!(!decision.rules[0].matched);
    assert!(decision.rules[0].note.as_ref().is_some_and(|note| note.contains("64 KiB")));
}
