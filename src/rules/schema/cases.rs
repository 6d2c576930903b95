//! The mappings below `tests`.

use crate::model::{ActionKind, ActionState, ReasonCode, format_duration};
use crate::rules::test_case::recipient_keys;
use crate::yaml::{Constraint, Key, KeyMatch, LazySchema, Schema, ValueType};
use serde_json::json;
use std::time::Duration;

/// The most replies that a thread of a test counts.
pub(in crate::rules) const MAX_REPLY_COUNT: i64 = 1_000_000;
/// A working day's noon in New York, where a test names no time.
pub(in crate::rules) const NOON: &str = "2026-01-07T17:00:00Z";
/// The most steps of a test.
pub(in crate::rules) const MAX_STEPS: usize = 50;
/// Between two steps that name no time.
pub(in crate::rules) const STEP_PAUSE: Duration = Duration::from_secs(60);
/// A date with a time of day; the loader reads it exactly.
const TIME: &str = r"^[-+]?[0-9]{4,6}-?[0-9]{2}-?[0-9]{2}[Tt ][0-9].*$";

/// A test.
pub(in crate::rules) static CASE: LazySchema = LazySchema::new(|| {
    Schema::new(
        "test",
        "A conversation, and what the rules must do with its last message. Every rule counts as live.",
        [
            Key::new("name", ValueType::NonBlankText, "What it shows.").required().example("a yes gets the calendar"),
            Key::new(
                "workspace",
                ValueType::NonBlankText,
                "The workspace that it happens in; the first one that has the rules of this file when left away.",
            )
            .example("acme"),
            Key::new("thread", ValueType::Shape(&THREAD), "What is known of the thread."),
            Key::new(
                "messages",
                ValueType::non_empty_list(ValueType::AnyOf(vec![ValueType::Text, ValueType::Shape(&MESSAGE)])),
                "The messages, oldest first. A text alone is the lead's. The last one is what the rules see, and must be \
                 the lead's.",
            )
            .required()
            .example(json!([{ "outgoing": true, "body": "15 minutes for a demo?" }, "Sure, give me a call."])),
            Key::new("now", time(), "What time it is.").default(NOON),
            Key::new("expect", ValueType::Shape(&EXPECT), "What must come of it."),
            Key::new(
                "steps",
                ValueType::List { item: Box::new(ValueType::Shape(&STEP)), least: 0, most: Some(MAX_STEPS) },
                "What happens afterwards, and what must come of that.",
            ),
        ],
    )
    // What comes of the event may be left to the steps.
    .constraint(Constraint::Any(vec![vec![KeyMatch::Value("expect")], vec![KeyMatch::ListWith("steps", "expect")]]))
    .checked_elsewhere(step_events())
});

/// What happens after a test's event.
pub(in crate::rules) static STEP: LazySchema = LazySchema::new(|| {
    let message = || ValueType::AnyOf(vec![ValueType::Text, ValueType::Shape(&STEP_MESSAGE)]);
    let shape = Schema::new(
        "test-step",
        "Time passes, then one thing happens at most.",
        [
            Key::new("after", ValueType::Duration, "How much time passes before.").default(format_duration(STEP_PAUSE)),
            Key::new("then_lead_writes", message(), "The lead writes: a text, or a message.").non_null(),
            Key::new("then_person_answers", message(), "Somebody of ours answers by hand: a text, or a message.")
                .non_null(),
            Key::new(
                "then_category",
                ValueType::AnyOf(vec![ValueType::NonBlankText, ValueType::Null]),
                "The thread gets this category; null for none.",
            )
            .non_null(),
            Key::new("expect", ValueType::Shape(&EXPECT), "What must come of it."),
        ],
    );
    let happens = ["then_lead_writes", "then_person_answers", "then_category"];
    let something = happens.iter().map(|key| vec![KeyMatch::Key(key)]).chain([vec![KeyMatch::Key("after")]]);
    let shape = shape.constraint(Constraint::Any(something.collect()));
    let [one, two, three] = happens;
    [(one, two), (one, three), (two, three)]
        .into_iter()
        .fold(shape, |shape, (a, b)| shape.constraint(Constraint::NotBoth(a, b)))
});

/// The keys of a step that say what happens; they are no keys of a test.
pub(in crate::rules) fn step_events() -> Vec<&'static str> {
    STEP.names().filter(|name| *name != "expect").collect()
}

/// A message of a step: the step itself says who writes, and when.
static STEP_MESSAGE: LazySchema = LazySchema::new(|| {
    let keys = MESSAGE.keys.iter().filter(|key| !["outgoing", "at"].contains(&key.name));
    let shape = Schema::new("test-step-message", "A message of the conversation.", keys.cloned());
    Schema { laws: MESSAGE.laws.clone(), ..shape }
});

/// The thread of a test.
pub(in crate::rules) static THREAD: LazySchema = LazySchema::new(|| {
    let text = |name, doc| Key::new(name, ValueType::Text, doc);
    Schema::new(
        "test-thread",
        "A thread as the inbox lists it. What is left away is absent.",
        [
            text("category", "The effective category.").example("interested"),
            text("campaign", "The campaign's name."),
            text("campaign_id", "The campaign's id."),
            text("lead_email", "The lead's address.").example("jane@acme.example"),
            text("lead_name", "The lead's name.").example("Jane Doe"),
            text("subject", "The conversation's subject."),
            text("preview", "The beginning of the last message; made of it when left away."),
            Key::new(
                "reply_count",
                ValueType::Integer(0, MAX_REPLY_COUNT),
                "How many replies the API counts; the inbound messages when left away.",
            ),
            Key::new("is_read", ValueType::Bool, "Whether somebody has read it.").default(false),
            Key::new("is_starred", ValueType::Bool, "Whether it is starred.").default(false),
            text("inbox", "The address of the inbox."),
            Key::new("tags", ValueType::list_or_one(ValueType::Text), "The thread's tags."),
            text("ai_category", "The AI's category."),
            Key::new("ai_confidence", ValueType::Number, "How sure the AI was."),
            text("manual_category", "A person's category."),
            text("lead_id", "The lead's id."),
            text("id", "The thread's id."),
        ],
    )
});

/// A message of a test.
pub(in crate::rules) static MESSAGE: LazySchema = LazySchema::new(|| {
    let text = |name, doc| Key::new(name, ValueType::Text, doc);
    let keys = [
        Key::new("outgoing", ValueType::Bool, "Whether it is ours.").default(false),
        text("from", "Who wrote it; the lead, or the inbox when it is ours."),
        text("to", "Whom it went to."),
        text("subject", "Its subject; the thread's when left away."),
        text("body", "Its plain text, with quoted history if there is some."),
        text("html", "Its HTML, instead of `body` or beside it."),
        Key::new("attachments", ValueType::list_or_one(ValueType::Text), "The names of its files."),
        Key::new("at", time(), "When it came; an hour after the one before when left away."),
    ];
    let texts = ["body", "html"].map(|key| vec![KeyMatch::Value(key)]);
    Schema::new("test-message", "A message of the conversation.", keys).constraint(Constraint::Any(texts.to_vec()))
});

/// A forward that a test expects.
pub(in crate::rules) static FORWARD: LazySchema = LazySchema::new(|| {
    let recipients = recipient_keys().map(|key| {
        let doc =
            format!("The `{key}` that the action names: exactly this, or several in any order; null if it names none.");
        Key::new(key, ValueType::list_or_one(ValueType::Text), doc)
    });
    let contained =
        |name, what| Key::new(name, ValueType::list_or_one(ValueType::Text), format!("Contained in {what}."));
    let to = Key::new("to", ValueType::NonBlankText, "The destination's name.").required().example("sales-bot");
    let texts = [contained("text", "the action's own text"), contained("subject", "the e-mail's own subject")];
    Schema::new(
        "test-forward",
        "A forward. What is left away is not compared.",
        std::iter::once(to).chain(recipients).chain(texts),
    )
});

/// What a test expects.
pub(in crate::rules) static EXPECT: LazySchema = LazySchema::new(|| {
    let kinds = ActionKind::ALL.map(ActionKind::as_str).to_vec();
    let names = format!("^(?:{})$", kinds.join("|"));
    let several = || ValueType::list_or_one(ValueType::OneOf(kinds.clone()));
    let states = ActionState::ALL.map(ActionState::as_str).join("|");
    let reasons: Vec<&str> = ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
    let state = format!(r"^\s*(?:{states})(?:\s+(?:{}))?\s*$", reasons.join("|"));
    let keys = [
        Key::new(
            "rules",
            ValueType::list_or_one(ValueType::Text),
            "The names of the rules that match: exactly these, in this order; [] for none.",
        ),
        Key::new(
            "is",
            ValueType::list_or_one(ValueType::Text),
            "The names of the definitions that hold: exactly these, in any order; [] for none.",
        ),
        Key::new("actions", several(), "The actions in order, without suppressed ones; [] for none."),
        Key::new(
            "reply",
            ValueType::list_or_one(ValueType::Text),
            "A text that the reply contains, or several; null for no reply.",
        ),
        Key::new(
            "forwards",
            ValueType::list_or_one(ValueType::AnyOf(vec![ValueType::NonBlankText, ValueType::Shape(&FORWARD)])),
            "The forwards that leave, or may still leave: exactly these, in any order; [] for none. A destination's name, or \
             a mapping.",
        )
        .example(json!([{ "to": "sales-bot", "channel": "#emea" }])),
        Key::new("body", ValueType::Text, "What `body` is matched on: the text without quoted history and signature."),
        Key::new(
            "sent",
            several(),
            "The kinds of action that were carried out since the step before, in any order; [] for none.",
        ),
        Key::new("waiting", several(), "The kinds of action that wait at the end of the step; [] for none."),
        Key::new(
            "held",
            several(),
            "The kinds of action that are held for a person at the end of the step; [] for none.",
        ),
        Key::new(
            "states",
            ValueType::Map(names, Box::new(ValueType::Matching(state))),
            "How the newest action of a kind stands: its state, and the reason if you like.",
        )
        .example(json!({ "reply": "cancelled person_answered" })),
    ];
    Schema::new("test-expectation", "What must come of the test's last message.", keys).constraint(Constraint::NotEmpty)
});

fn time() -> ValueType {
    ValueType::Matching(TIME.to_owned())
}
