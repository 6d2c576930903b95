//! What matching rules do to each other, to a lead's wishes and to time.

use super::{Case, told};
use reply_router::model::{ActionId, ActionKind, ActionState, Conversation, HistoryEntry, Mode, Payload};

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
        words: None,
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
        // A name may stand for a whole, and be asked by another one.
        ("{% set who = lead %}{% for part in [\"first_name\"] %}{{ who[part] }}{% endfor %}", Some("Jane")),
        ("{% macro m(of) %}{{ of[\"text\"] }}{% endmacro %}{{ m(message) }}", Some("Sure, a call on tuesday?")),
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

/// Our message, and the lead's answer some seconds later.
fn answered_after(seconds: u64, body: &str) -> Case {
    let at = |time: &str| Some(time.parse::<jiff::Timestamp>().unwrap());
    let sent = at("2026-01-05T08:00:00Z");
    let came = sent.map(|sent| sent + std::time::Duration::from_secs(seconds));
    let mut case = Case::full(body).newest(|message| message.created_at = came);
    let mut messages = case.messages.take().unwrap().messages().to_vec();
    (messages[0].created_at, messages[0].subject) = (sent, Some("A demo".to_owned()));
    case.messages = Some(Conversation::new(messages));
    case
}

#[test]
fn a_reply_to_what_may_be_automatic_is_held_and_the_rest_is_done() {
    let both = "rules: [{ name: a, when: always, then: [{ reply: { text: x } }, star] }]";
    let fast = answered_after(40, "Zorg blipte flum.");
    assert_eq!(told(&fast.decide(both)), ["a reply held uncertain", "a star done -"]);
    let decision = fast.decide(both);
    assert_eq!(decision.auto_reply, Some(false), "a person may have written it");
    let reason = decision.actions[0].reason.as_ref().unwrap();
    assert!(reason.text.contains("within two minutes") && reason.text.contains("40 s after"), "{}", reason.text);
    // A quote, some time, or an earlier message of the lead: a person.
    let quoting = "Zorg blipte flum.\n\n> 15 minutes for a demo?";
    for case in [answered_after(40, quoting), answered_after(121, "Yes."), answered_after(0, "Yes.")] {
        assert_eq!(told(&case.decide(both))[0], "a reply done -");
    }
    // Rules that ask for automatic mail are sure; those that refuse it are not.
    for (when, expected) in [
        ("{ auto_reply: any }", "a reply done -"),
        ("{ auto_reply: false }", "a reply held uncertain"),
        ("{ not: { auto_reply: true } }", "a reply held uncertain"),
    ] {
        let rule = format!("rules: [{{ name: a, when: {when}, then: [{{ reply: {{ text: x }} }}] }}]");
        assert_eq!(told(&fast.decide(&rule)), [expected], "{when}");
    }
    // What our subject stands behind is certain.
    let away = answered_after(40, "Zorg.").newest(|message| message.subject = Some("Zorg blipte: A demo".to_owned()));
    let decision = away.decide(both);
    assert_eq!((decision.auto_reply, told(&decision)), (Some(true), Vec::new()));
}

#[test]
fn the_language_of_the_lead_is_a_condition_and_a_value() {
    let rules = "rules: [{ name: a, when: { lead_language: [de, fr] }, then: [{ reply: { text: 'in {{ lead.language }}' } }] }]";
    let decision = Case::full("Gern, schicken Sie mir bitte die Preise.").decide(rules);
    let text = decision.actions[0].payload.preview_text();
    assert_eq!((decision.matched().collect::<Vec<_>>(), text), (vec!["a"], Some("in de")));
    assert_eq!(Case::full("Please send me the prices.").decide(rules).matched().count(), 0);
    let absent = "rules: [{ name: a, when: { lead_language: null }, script: 'lead.language == ()', then: [star] }]";
    assert_eq!(Case::full("OK").decide(absent).matched().count(), 1);
    assert_eq!(Case::row().evaluate(&super::rules(rules)).err(), Some(reply_router::rules::Need::Messages));
}
