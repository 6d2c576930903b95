//! What matching rules do to each other, to a lead's wishes and to time.

use super::{Case, told};
use reply_router::model::{ActionId, ActionKind, ActionState, HistoryEntry, Mode, Payload};

const TWO: &str = "rules:
  - { name: a, when: always, then: [{ reply: { text: from a } }, star, { slack: sales-hot }, { webhook: crm }] }
  - { name: b, when: always, then: [{ reply: { text: from b } }, star, { slack: sales-hot }, { webhook: crm }, mark_read] }
";

fn sent(case: &Case, text: &str) -> Option<String> {
    let decision = case.decide(text);
    decision.actions.into_iter().find(|action| action.kind == ActionKind::Reply).and_then(|action| {
        match action.payload {
            Payload::Reply { text, html, .. } => text.or(html),
            _ => None,
        }
    })
}

fn earlier(rule: &str, kind: ActionKind, thread: &str, message: &str, state: ActionState) -> HistoryEntry {
    HistoryEntry {
        body: None,
        action: ActionId::new(),
        rule: rule.to_owned(),
        kind,
        target: None,
        thread_id: thread.to_owned(),
        message_id: Some(message.to_owned()),
        lead_email: Some("jane@acme.example".to_owned()),
        state,
        created_at: "2026-01-04T09:00:00Z".parse().unwrap(),
    }
}

#[test]
fn one_reply_a_message_and_one_telling_a_target() {
    assert_eq!(
        told(&Case::full("Yes").decide(TWO)),
        [
            "a reply done -",
            "a star done -",
            "a slack done -",
            "a webhook done -",
            "b reply suppressed already_answered",
            "b star suppressed same_target",
            "b slack suppressed same_target",
            "b webhook done -",
            "b mark_read done -",
        ]
    );
}

#[test]
fn modes_lower_what_a_rule_does() {
    let mut case = Case::full("Yes");
    case.overrides.insert("a".to_owned(), Mode::Shadow);
    let found = told(&case.decide(TWO));
    assert_eq!(found[0], "a reply suppressed shadow");
    assert_eq!(found[4], "b reply done -");
    case.overrides.insert("a".to_owned(), Mode::Draft);
    let found = told(&case.decide(TWO));
    assert_eq!((found[0].as_str(), found[4].as_str()), ("a reply held draft", "b reply suppressed already_answered"));
    case.overrides.insert("a".to_owned(), Mode::Off);
    assert_eq!(case.decide(TWO).matched().collect::<Vec<_>>(), ["b"]);
    case.overrides.clear();
    case.ceiling = Mode::Shadow;
    assert!(told(&case.decide(TWO)).iter().all(|action| action.ends_with("suppressed shadow")));
    // An override only lowers.
    case.overrides.insert("a".to_owned(), Mode::Live);
    assert!(told(&case.decide(TWO))[0].ends_with("suppressed shadow"));
}

#[test]
fn stop_ends_the_rules_unless_in_shadow() {
    let text = |mode: &str| {
        format!(
            "rules:\n  - {{ name: a, mode: {mode}, when: always, stop: true }}\n  - {{ name: b, when: always, then: [star] }}\n"
        )
    };
    for (mode, expected) in [("live", vec!["a"]), ("draft", vec!["a"]), ("shadow", vec!["a", "b"]), ("off", vec!["b"])]
    {
        let decision = Case::row().decide(&text(mode));
        assert_eq!(decision.matched().collect::<Vec<_>>(), expected, "{mode}");
        assert_eq!(decision.rules[1].stopped_by.as_deref(), (expected.len() == 1 && mode != "off").then_some("a"));
    }
}

#[test]
fn repeat_passes_a_reply_on_and_history_keeps_it_single() {
    let mut case = Case::full("Yes");
    let reply = |thread: &str, message: &str, state| earlier("a", ActionKind::Reply, thread, message, state);
    let first = |case: &Case| (told(&case.decide(TWO))[0].clone(), told(&case.decide(TWO))[4].clone());
    case.history = Some(vec![reply("thread-1", "m0", ActionState::Done)]);
    assert_eq!(first(&case), ("a reply suppressed repeat".to_owned(), "b reply done -".to_owned()));
    case.history = Some(vec![reply("thread-1", "m0", ActionState::Failed)]);
    assert_eq!(first(&case).0, "a reply done -");
    case.history = Some(vec![reply("thread-1", "m2", ActionState::Quarantined)]);
    assert_eq!(
        first(&case),
        ("a reply suppressed repeat".to_owned(), "b reply suppressed already_answered".to_owned())
    );
    case.history = Some(vec![earlier("b", ActionKind::Star, "thread-1", "m2", ActionState::Done)]);
    assert_eq!(told(&case.decide(TWO))[1], "a star suppressed same_target");
    let with = |repeat: &str| {
        format!("rules:\n  - {{ name: a, when: always, then: [{{ reply: {{ text: x, repeat: {repeat} }} }}] }}\n")
    };
    for (repeat, thread, expected) in [
        ("once_per_message", "thread-1", "done -"),
        ("once_per_thread", "thread-2", "done -"),
        ("once_per_lead", "thread-2", "suppressed repeat"),
        ("1 per 7d", "thread-2", "suppressed repeat"),
        ("2 per 7d", "thread-2", "done -"),
        ("1 per 1h", "thread-2", "done -"),
    ] {
        case.history = Some(vec![reply(thread, "m0", ActionState::Done)]);
        assert_eq!(told(&case.decide(&with(repeat))), [format!("a reply {expected}")], "{repeat}");
    }
}

#[test]
fn opt_outs_block_replies_and_not_forwards() {
    for case in [Case::full("Please remove me from your list."), Case { opted_out: Some(true), ..Case::full("Yes") }] {
        let found = told(&case.decide(TWO));
        assert_eq!((found[0].as_str(), found[2].as_str()), ("a reply suppressed opt_out", "a slack done -"));
    }
    let decision = Case::full("Please remove me from your list.")
        .decide("rules: [{ name: a, when: { category: none }, then: [star] }]");
    assert!(decision.opt_out.is_some(), "looked for whether or not a rule asks");
}

#[test]
fn a_colleague_is_answered_only_where_a_rule_names_the_sender() {
    let case = Case::full("Yes").newest(|message| message.from = Some("bob@acme.example".to_owned()));
    assert_eq!(told(&case.decide(TWO))[0], "a reply held sender_is_not_lead");
    let named = "rules: [{ name: a, when: { from: \"*@acme.example\" }, then: [{ reply: { text: x } }] }]";
    assert_eq!(told(&case.decide(named)), ["a reply done -"]);
}

#[test]
fn automatic_mail_is_answered_only_where_a_rule_wants_it() {
    let case = Case::full("I am out of the office until January 12, 2026.")
        .newest(|message| message.subject = Some("Automatic reply: A demo".to_owned()));
    let with = |when: &str| {
        format!(
            "rules: [{{ name: a, when: {when}, then: [{{ reply: {{ text: \"back {{{{ message.back_on }}}}\" }} }}] }}]"
        )
    };
    assert_eq!(told(&case.decide(&with("{ auto_reply: true }"))), ["a reply done -"]);
    assert_eq!(
        told(&case.decide(&with("{ any: [{ auto_reply: false }, { body: office }] }"))),
        ["a reply suppressed auto_reply"]
    );
    assert_eq!(sent(&case, &with("{ auto_reply: any }")).as_deref(), Some("back 2026-01-12"));
}

#[test]
fn timing_waits() {
    for (timing, expected) in [
        ("after: 3m", "waiting after"),
        ("hours: evening", "waiting hours"),
        ("hours: office", "done -"),
        ("after: 0s", "done -"),
    ] {
        let text = format!("rules: [{{ name: a, when: always, then: [{{ reply: {{ text: x, {timing} }} }}] }}]");
        assert_eq!(told(&Case::full("Yes").decide(&text)), [format!("a reply {expected}")], "{timing}");
    }
}

#[test]
fn templates_print_values_and_nothing_else() {
    let with = |template: &str| {
        format!(
            "rules:\n  - name: a\n    when: {{ body: 'on (?P<day>\\w+)' }}\n    capture: {{ word: '(call)|zzz', none: zzz }}\n    \
                 script: 'return #{{ matched: true, vars: #{{ n: thread.reply_count + 1, empty: () }} }};'\n    \
                 then: [{{ reply: {{ text: '{template}' }} }}]\n"
        )
    };
    let case = Case::full("Sure, a call on tuesday?");
    for (template, expected) in [
        ("Hi {{ lead.first_name }}", Some("Hi Jane")),
        ("{{ captures.day | title }} {{ captures.word }}", Some("Tuesday call")),
        ("{% if captures.none %}x{% else %}y{% endif %}", Some("y")),
        ("{{ captures.none | default(\"z\") }}", Some("z")),
        ("{{ captures.none }}", None),
        ("{{ vars.n }}", Some("3")),
        ("{{ vars.empty }}", None),
        ("{{ rule.name }} {{ workspace.name }} {{ campaign.name }}", Some("a acme Q1 Product Launch")),
        ("{{ rule.description }}", None),
        ("{{ now | date(\"%A\", \"Europe/Berlin\") }}", Some("Monday")),
        ("{{ message.text }}", Some("Sure, a call on tuesday?")),
        ("{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}", None),
        ("{{ \"x\" * 100000000 }}", None),
    ] {
        assert_eq!(sent(&case, &with(template)).as_deref(), expected, "{template}");
        if expected.is_none() {
            assert_eq!(told(&case.decide(&with(template))), ["a reply failed template"], "{template}");
        }
    }
}

#[test]
fn what_a_lead_wrote_stays_literal() {
    let mut case = Case::full("{{ lead.email }} {% raw %} <b>");
    case.row.subject = Some("{{7*7}}".to_owned());
    let with = |part: &str| {
        format!(
            "rules: [{{ name: a, when: always, then: [{{ reply: {{ {part}: \"{{{{ thread.subject }}}} {{{{ message.text }}}}\" }} }}] }}]"
        )
    };
    assert_eq!(sent(&case, &with("text")).as_deref(), Some("{{7*7}} {{ lead.email }} {% raw %} <b>"));
    assert!(sent(&case, &with("html")).is_some_and(|html| html.contains("&lt;b&gt;")));
    // A list that repeats the address as the name greets nobody by it.
    let greeting =
        "rules: [{ name: a, when: always, then: [{ reply: { text: \"{{ lead.first_name }} {{ lead.name }}\" } }] }]";
    case.row.lead_name = Some("jane@acme.example".to_owned());
    assert_eq!(told(&case.decide(greeting)), ["a reply failed template"]);
}
