//! The mappings below `then`.

use crate::destinations::destination_info;
use crate::model::{ActionKind, DestinationKind, Repeat, rate_pattern};
use crate::yaml::{Constraint, Key, KeyMatch, LazySchema, Schema, ValueType};
use serde_json::json;

/// How many files go with a reply.
pub(in crate::rules) const MAX_ATTACHMENTS: usize = 5;

/// An action that takes more than its name.
static ACTION: LazySchema = LazySchema::new(|| {
    let keys = ActionKind::ALL.map(|kind| {
        let shape = ValueType::Shape(of_action(kind));
        let (form, doc) = match kind {
            ActionKind::Reply => (shape, "Answers the lead in the thread. A message gets one reply at most."),
            ActionKind::Star => (shape, "Stars the thread."),
            ActionKind::Unstar => (shape, "Takes the star away."),
            ActionKind::MarkRead => (shape, "Marks the thread as read, after everything else has worked."),
            ActionKind::Forward(destination) => (forward(shape), destination_info(destination).action_doc),
        };
        let key = Key::new(kind.as_str(), form, doc);
        if stands_alone(kind) { key } else { key.non_null() }
    });
    Schema::new("action", "One action.", keys).constraint(Constraint::ExactlyOne)
});

static REPLY: LazySchema = LazySchema::new(|| {
    let body = "A template: {{ lead.first_name }}, {{ captures.NAME }}, {% if … %}.";
    let own = [
        Key::new("text", ValueType::NonBlankText, format!("The text. {body}"))
            .example("Hi {{ lead.first_name | default(\"there\") }},\n\n"),
        Key::new("html", ValueType::NonBlankText, format!("The text as HTML, instead of `text` or beside it. {body}")),
        Key::new(
            "template",
            ValueType::Matching(r"[^/]\.(?:txt|html)$".to_owned()),
            "A file with the text, instead of `text` and `html`; .txt or .html. Relative to the folder of this file.",
        )
        .example("replies/calendar.txt"),
        Key::new(
            "attachments",
            ValueType::AnyOf(vec![
                ValueType::NonBlankText,
                ValueType::List { item: Box::new(ValueType::NonBlankText), least: 0, most: Some(MAX_ATTACHMENTS) },
            ]),
            format!(
                "Files that go with it, at most {MAX_ATTACHMENTS} and 10 MB together. Relative to the folder of this file."
            ),
        ),
    ];
    let texts = ["text", "html", "template"].map(|key| vec![KeyMatch::Value(key)]);
    Schema::new("reply", "A reply.", own.into_iter().chain(timing(Repeat::OncePerThread)))
        .constraint(Constraint::Any(texts.to_vec()))
        .constraint(Constraint::NotBoth("template", "text"))
        .constraint(Constraint::NotBoth("template", "html"))
});

/// `star` and the like.
static PLAIN: LazySchema =
    LazySchema::new(|| Schema::new("timing", "When and how often the action is done.", timing(Repeat::OncePerMessage)));

static NOTICE: LazySchema = LazySchema::new(|| {
    let keys = [to(), text()].into_iter().chain(timing(Repeat::OncePerMessage));
    Schema::new("notice", "A destination, and what it is told.", keys)
});

static SLACK_NOTICE: LazySchema = LazySchema::new(|| {
    let own = [to(), text()].into_iter().chain(recipient(DestinationKind::Slack));
    let keys = own.chain(timing(Repeat::OncePerMessage));
    Schema::new("slack-notice", "A destination, and what it is told.", keys)
});

static NOTICE_WITH_SUBJECT: LazySchema = LazySchema::new(|| {
    let subject =
        Key::new("subject", ValueType::NonBlankText, "Your own subject; a template.").example("Hot: {{ lead.email }}");
    let own = [to(), text(), subject].into_iter().chain(recipient(DestinationKind::Email));
    let keys = own.chain(timing(Repeat::OncePerMessage));
    Schema::new("email-notice", "A destination, and what is written to it.", keys)
});

/// What an action takes below its name.
pub(in crate::rules) fn of_action(kind: ActionKind) -> &'static LazySchema {
    match kind {
        ActionKind::Reply => &REPLY,
        ActionKind::Star | ActionKind::Unstar | ActionKind::MarkRead => &PLAIN,
        ActionKind::Forward(destination) if destination_info(destination).has_subject => &NOTICE_WITH_SUBJECT,
        ActionKind::Forward(DestinationKind::Slack) => &SLACK_NOTICE,
        ActionKind::Forward(_) => &NOTICE,
    }
}

/// An item of `then`.
pub(super) fn form() -> ValueType {
    let alone = ActionKind::ALL.into_iter().filter(|kind| stands_alone(*kind)).map(ActionKind::as_str);
    ValueType::AnyOf(vec![ValueType::OneOf(alone.collect()), ValueType::Shape(&ACTION)])
}

/// Whether the name says it all.
fn stands_alone(kind: ActionKind) -> bool {
    match kind {
        ActionKind::Star | ActionKind::Unstar | ActionKind::MarkRead => true,
        ActionKind::Reply | ActionKind::Forward(_) => false,
    }
}

/// A destination's name, or a mapping.
fn forward(shape: ValueType) -> ValueType {
    ValueType::AnyOf(vec![ValueType::NonBlankText, shape])
}

fn to() -> Key {
    Key::new(
        "to",
        ValueType::NonBlankText,
        "The name of the destination, as the configuration has it under `destinations`.",
    )
    .required()
}

/// Whom a message is for, beside the destination's own.
fn recipient(kind: DestinationKind) -> Option<Key> {
    let info = destination_info(kind).recipient.as_ref()?;
    let one = ValueType::NonBlankText;
    let form = if info.takes_several { ValueType::list_or_one(one) } else { one };
    Some(Key::new(info.key, form, info.doc).example("{{ (lead.domain | lookup('target-accounts')).COLUMN }}"))
}

fn text() -> Key {
    Key::new("text", ValueType::NonBlankText, "Your own text, before the conversation; a template.")
        .example("{{ lead.email }} wants a call")
}

/// What may stand on every action.
fn timing(usual: Repeat) -> [Key; 4] {
    let words: Vec<&str> = Repeat::WORDS.map(|(word, _)| word).to_vec();
    let usual = Repeat::WORDS.into_iter().find(|(_, repeat)| *repeat == usual).map_or("", |(word, _)| word);
    [
        Key::new("after", ValueType::Duration, "How long to wait; then everything is checked again before it is done.")
            .default("0s")
            .example("3m"),
        Key::new(
            "hours",
            ValueType::NonBlankText,
            "Only inside these opening hours, otherwise it waits: a name that the configuration has under `hours`.",
        )
        .example("office"),
        Key::new(
            "repeat",
            ValueType::AnyOf(vec![ValueType::OneOf(words), ValueType::Matching(rate_pattern())]),
            "How often this rule may do it: once_per_message, once_per_thread, once_per_lead, or a rate for a lead such as \
             `1 per 7d`.",
        )
        .default(usual)
        .example("1 per 7d"),
        Key::new("limit", ValueType::Rate, "At most so many by this rule, over all leads; more of them wait.")
            .example(json!("30 per 1d")),
    ]
}
