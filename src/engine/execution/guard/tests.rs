//! Every question of the guard, with and without a person's approval.

use super::*;
use crate::model::{ActionId, ActionKind, ActionState, Payload, Repeat, StartFrom, Timing};
use std::time::Duration;

const HOUR_AGO: &str = "2026-07-15T11:00:00Z";
const NOW: &str = "2026-07-15T12:00:00Z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn reply() -> Action {
    Action {
        id: ActionId::new(),
        workspace: "acme".to_owned(),
        decision_id: "d".to_owned(),
        thread_id: "t".to_owned(),
        message_id: Some("m".to_owned()),
        lead_email: Some("jane@acme.example".to_owned()),
        rule: "hot".to_owned(),
        position: 0,
        kind: ActionKind::Reply,
        target: None,
        state: ActionState::Planned,
        reason: None,
        payload: Payload::None,
        timing: Timing { after: Duration::ZERO, hours: None, repeat: Repeat::OncePerThread, limit: None },
        any_sender: false,
        any_auto_reply: false,
        approved: false,
        message_at: Some(time(HOUR_AGO)),
        outgoing_before: Vec::new(),
        attempts: Vec::new(),
        due_at: None,
        sent_at: None,
        created_at: time(NOW),
        updated_at: time(NOW),
        version: 0,
    }
}

fn safety() -> Safety {
    Safety {
        hold_uncertain: true,
        opt_outs: crate::model::OptOutScope::Workspace,
        start_from: StartFrom::Now,
        replies_per_lead: "2 per 7d".parse().unwrap(),
        replies_per_hour: 2,
        max_age: Duration::from_secs(3_600),
        drafts_expire: Duration::from_secs(3_600),
        verify_after: vec![],
        alert: None,
        alert_if_failing: Duration::from_secs(300),
    }
}

/// What becomes of it, and the reason's code.
type Outcome = (&'static str, Option<&'static str>);

fn outcome(verdict: &Verdict) -> Outcome {
    match verdict {
        Verdict::Send => ("send", None),
        Verdict::Wait(_, reason) | Verdict::WaitForResume(reason) => ("wait", Some(reason.code.as_str())),
        Verdict::Hold(reason) => ("hold", Some(reason.code.as_str())),
        Verdict::Suppress(reason) => ("suppress", Some(reason.code.as_str())),
        Verdict::Cancel(reason) => ("cancel", Some(reason.code.as_str())),
        Verdict::Fail(reason) => ("fail", Some(reason.code.as_str())),
    }
}

#[test]
fn what_the_store_knows() {
    type Change = fn(&mut Action, &mut StoreFacts);
    let limited = |action: &mut Action| action.timing.limit = Some("1 per 2h".parse().unwrap());
    let cases: &[(&str, Change, Outcome, Outcome)] = &[
        ("nothing", |_, _| {}, ("send", None), ("send", None)),
        (
            "an opt-out",
            |_, counted| counted.opted_out = Some("stop".to_owned()),
            ("suppress", Some("opt_out")),
            ("suppress", Some("opt_out")),
        ),
        (
            "its repeat",
            |_, counted| counted.repeat = Some("done in this thread"),
            ("suppress", Some("repeat")),
            ("send", None),
        ),
        ("one reply to the lead", |_, c| c.to_lead = vec![time(HOUR_AGO)], ("send", None), ("send", None)),
        (
            "as many replies as a lead may have",
            |_, counted| counted.to_lead = vec![time(HOUR_AGO); 2],
            ("suppress", Some("lead_cap")),
            ("send", None),
        ),
        (
            "a message of just the highest age",
            |action, _| action.message_at = Some(time(HOUR_AGO)),
            ("send", None),
            ("send", None),
        ),
        (
            "an older message",
            |action, _| action.message_at = Some(time("2026-07-15T10:59:59Z")),
            ("hold", Some("too_old")),
            ("send", None),
        ),
        ("a message of no known age", |action, _| action.message_at = None, ("send", None), ("send", None)),
        ("one reply within the hour", |_, c| c.last_hour = vec![time(NOW)], ("send", None), ("send", None)),
        (
            "the hour is full",
            |_, counted| counted.last_hour = vec![time(HOUR_AGO), time(NOW)],
            ("wait", Some("hour_cap")),
            ("wait", Some("hour_cap")),
        ),
        (
            "the rule's limit is used up",
            |action, counted| {
                action.timing.limit = Some("1 per 2h".parse().unwrap());
                counted.by_rule = vec![time(HOUR_AGO)];
            },
            ("wait", Some("limit")),
            ("wait", Some("limit")),
        ),
    ];
    for (what, change, wanted, approved) in cases {
        let (mut action, mut counted) = (reply(), StoreFacts::default());
        change(&mut action, &mut counted);
        assert_eq!(outcome(&check_store(&action, &counted, &safety(), time(NOW))), *wanted, "{what}");
        action.approved = true;
        assert_eq!(outcome(&check_store(&action, &counted, &safety(), time(NOW))), *approved, "{what}, approved");
    }
    // A window has a place again when the use that blocks it has left.
    let mut action = reply();
    limited(&mut action);
    let counted = StoreFacts { by_rule: vec![time(HOUR_AGO)], ..StoreFacts::default() };
    let verdict = check_store(&action, &counted, &safety(), time(NOW));
    assert!(matches!(verdict, Verdict::Wait(until, _) if until == time("2026-07-15T13:00:00Z")), "{verdict:?}");
}

#[test]
fn a_reason_says_how_old_the_message_is_to_the_minute() {
    let mut action = reply();
    action.message_at = Some(time("2026-07-15T09:29:31Z"));
    let verdict = check_store(&action, &StoreFacts::default(), &safety(), time(NOW));
    let Verdict::Hold(reason) = verdict else { panic!("{verdict:?}") };
    assert_eq!(reason.text, "the message is 2h30m old, more than 1h");
}

#[test]
fn what_the_thread_shows() {
    let message = |id: &str, outgoing: bool, from: &str, text: &str| Message {
        id: id.to_owned(),
        outgoing,
        from: Some(from.to_owned()),
        text: Some(text.to_owned()),
        ..Message::default()
    };
    let lead = |id: &str, text: &str| message(id, false, "Jane <jane@acme.example>", text);
    let ours = |id: &str, text: &str| message(id, true, "sam@us.example", text);
    let away = "I am out of the office until Monday. This is an automatic reply.";
    let send = ("send", None);
    type Change = fn(&mut Action);
    let same: Change = |_| {};
    let cases: Vec<(&str, Vec<Message>, Change, Outcome)> = vec![
        ("the lead's message", vec![ours("o", "Hi"), lead("m", "Yes")], same, send),
        ("a newer one", vec![lead("m", "Yes"), lead("n", "And?")], same, ("cancel", Some("newer_message"))),
        ("no message at all", vec![ours("o", "Hi")], same, ("cancel", Some("newer_message"))),
        ("an answer", vec![lead("m", "Yes"), ours("p", "I will")], same, ("cancel", Some("person_answered"))),
        (
            "an opt-out in an older message",
            vec![lead("l", "Please remove me from your list."), ours("o", "Hi"), lead("m", "Yes")],
            same,
            ("suppress", Some("opt_out")),
        ),
        ("automatic mail", vec![lead("m", away)], same, ("suppress", Some("auto_reply"))),
        ("automatic mail that is asked for", vec![lead("m", away)], |action| action.any_auto_reply = true, send),
        (
            "an inbox of the thread's own",
            vec![ours("o", "Hi"), message("m", false, "Sam@us.example", "Yes")],
            |action| action.any_sender = true,
            ("suppress", Some("auto_reply")),
        ),
        (
            "a colleague",
            vec![message("m", false, "joe@acme.example", "Yes")],
            same,
            ("hold", Some("sender_is_not_lead")),
        ),
        (
            "a colleague who is asked for",
            vec![message("m", false, "joe@acme.example", "Yes")],
            |action| action.any_sender = true,
            send,
        ),
        (
            "a colleague, approved",
            vec![message("m", false, "joe@acme.example", "Yes")],
            |action| action.approved = true,
            send,
        ),
        (
            "what may be automatic mail",
            vec![message("m", false, "notifications@acme.example", "Yes")],
            |action| action.any_sender = true,
            ("hold", Some("uncertain")),
        ),
        (
            "what may be automatic mail, and is asked for",
            vec![message("m", false, "notifications@acme.example", "Yes")],
            |action| (action.any_sender, action.any_auto_reply) = (true, true),
            send,
        ),
        (
            "what may be automatic mail, approved",
            vec![message("m", false, "notifications@acme.example", "Yes")],
            |action| action.approved = true,
            send,
        ),
        (
            "no sender",
            vec![Message { id: "m".to_owned(), text: Some("Yes".to_owned()), ..Message::default() }],
            same,
            send,
        ),
    ];
    for (what, messages, change, wanted) in cases {
        let mut action = reply();
        change(&mut action);
        let messages = ThreadMessages::new(Conversation::new(messages));
        let answered = match messages.conversation().outgoing_after_newest_inbound().next() {
            Some(_) => Takeover::Teammate,
            None => Takeover::None,
        };
        assert_eq!(outcome(&check_thread(&action, &messages, false, &answered, true)), wanted, "{what}");
        let own = outcome(&check_thread(&action, &messages, true, &answered, true));
        assert_ne!(own.0, "send", "{what}, from an inbox of our own");
    }
}

#[test]
fn a_step_is_passed_and_what_is_unclear_is_held_until_a_person_approves() {
    let message = |id: &str, outgoing| Message { id: id.to_owned(), outgoing, ..Message::default() };
    let messages = ThreadMessages::new(Conversation::new(vec![message("m", false), message("x", true)]));
    let why = || "why".to_owned();
    let approved = Action { approved: true, ..reply() };
    for (action, answered, wanted) in [
        (reply(), Takeover::CampaignStep(why()), ("send", None)),
        (reply(), Takeover::Unclear(why()), ("hold", Some("person_answered"))),
        (approved.clone(), Takeover::Unclear(why()), ("send", None)),
        (approved, Takeover::Teammate, ("cancel", Some("person_answered"))),
        // A reply of ours to an older message that shows late.
        (reply(), Takeover::None, ("hold", Some("already_answered"))),
    ] {
        assert_eq!(outcome(&check_thread(&action, &messages, false, &answered, true)), wanted, "{answered:?}");
    }
}
