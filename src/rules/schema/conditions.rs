//! The mappings below `when`.

use crate::rules::field::{FlagField, GlobField, NumberField, TextField};
use crate::yaml::{Constraint, Key, LazySchema, Schema, ValueType};
use serde_json::json;

/// Conditions; all of them must hold.
pub(in crate::rules) static WHEN: LazySchema = LazySchema::new(|| {
    let globs = GlobField::ALL.iter().map(|field| {
        let values = vec![ValueType::NonBlankText, ValueType::Null, ValueType::Shape(&IN_LIST)];
        let form = ValueType::non_empty_list_or_one(ValueType::AnyOf(values));
        let doc = "A value or a list of them, in any case; `*` and `?` stand for any characters, null for none. \
                   `{ in: NAME }` is what has a row in a list of the configuration.";
        Key::new(field.as_str(), form, format!("{} {doc}", field.describe()))
    });
    let texts = TextField::ALL.iter().map(|field| {
        let doc = "`{ says: … }` with a phrase, or a list of phrases; or a regular expression in single quotes, or a list of \
                   them. Searched anywhere, in any case. A space matches any white space.";
        Key::new(field.as_str(), patterns(), format!("{} {doc}", field.describe())).example(r"\b(call|demo)\b")
    });
    let numbers = NumberField::ALL.iter().map(|field| {
        let form =
            ValueType::non_empty_list_or_one(ValueType::AnyOf(vec![ValueType::Number, ValueType::Shape(&BOUNDS)]));
        let doc = "A number, or bounds such as { gte: 2, lt: 6 }.";
        Key::new(field.as_str(), form, format!("{} {doc}", field.describe()))
    });
    let flags = FlagField::ALL.iter().map(|field| {
        let form = match field {
            FlagField::AutoReply => ValueType::AnyOf(vec![ValueType::Bool, ValueType::OneOf(vec!["any"])]),
            _ => ValueType::Bool,
        };
        let doc = match field {
            FlagField::AutoReply => {
                "A rule that does not mention it never matches auto-replies; `true` matches only that, `any` both."
            }
            _ => "true or false.",
        };
        Key::new(field.as_str(), form, format!("{} {doc}", field.describe()))
    });
    let age = Key::new(
        "age",
        ValueType::non_empty_list_or_one(ValueType::Shape(&AGE_BOUNDS)),
        "The time since the last message. Bounds such as { gt: 2h }.",
    )
    .example(json!({ "lt": "2h" }));
    let all = || ValueType::non_empty_list(ValueType::Shape(&WHEN));
    let inner = [
        Key::new("any", all(), "One of these must hold."),
        Key::new("all", all(), "All of these must hold."),
        Key::new(
            "is",
            ValueType::non_empty_list_or_one(ValueType::NonBlankText),
            "A definition (`define`) by its name, or a list of which one must hold.",
        )
        .example("agrees-to-a-call"),
        Key::new(
            "not",
            ValueType::AnyOf(vec![ValueType::Shape(&WHEN), all()]),
            "This must not hold; of a list, none of them.",
        ),
    ];
    let keys = globs.chain(texts).chain(numbers).chain(flags).chain([age]).chain(inner);
    Schema::new("when", "Conditions; all of them must hold.", keys.map(Key::non_null)).constraint(Constraint::NotEmpty)
});

/// The longer form of a text condition.
pub(in crate::rules) static TEXT_PATTERN: LazySchema = LazySchema::new(|| {
    let words = || ValueType::non_empty_list_or_one(ValueType::NonBlankText);
    let keys = [
        Key::new(
            "says",
            words(),
            "A phrase, or a list of which one is found: words in order, `(yes|sure)` one of these, `…` or `...` up to five \
             words between, `cost*` a word that begins so, `please?` with it or without. Case, apostrophes and line breaks \
             do not matter.",
        )
        .example("how much … (cost*|charge)"),
        Key::new("contains", words(), "A text as it is, in any case; or a list of which one is there."),
        Key::new("regex", words(), "A regular expression; or a list of which one is found."),
        Key::new("in", words(), "A list of the configuration, or several: all of the text is a key there."),
        Key::new("any", patterns(), "Any of these."),
    ];
    Schema::new("text-pattern", "What is looked for in a text.", keys.map(Key::non_null))
        .constraint(Constraint::ExactlyOne)
});

/// A list in which a value is.
pub(in crate::rules) static IN_LIST: LazySchema = LazySchema::new(|| {
    let key = Key::new(
        "in",
        ValueType::non_empty_list_or_one(ValueType::NonBlankText),
        "The name of a list, as the configuration has it under `lists`; or several, of which one has the value.",
    );
    Schema::new(
        "in-list",
        "What has a row in a list; a domain also for its subdomains and addresses there.",
        [key.required().example("target-accounts")],
    )
});

/// Phrases alone, for a capture.
pub(in crate::rules) static SAYS: LazySchema = LazySchema::new(|| {
    let form = ValueType::non_empty_list_or_one(ValueType::NonBlankText);
    let says = Key::new("says", form, "A phrase, or a list of which the first that is found counts.");
    Schema::new("says", "Phrases that are looked for.", [says.required()])
});

/// Bounds of a number.
pub(in crate::rules) static BOUNDS: LazySchema =
    LazySchema::new(|| bounds("bounds", "Bounds of a number; all of them must hold.", &ValueType::Number));

/// Bounds of a length of time.
pub(in crate::rules) static AGE_BOUNDS: LazySchema = LazySchema::new(|| {
    bounds("age-bounds", "Bounds such as 30m, 2h or 7d; all of them must hold.", &ValueType::Duration)
});

fn patterns() -> ValueType {
    ValueType::non_empty_list_or_one(ValueType::AnyOf(vec![ValueType::NonBlankText, ValueType::Shape(&TEXT_PATTERN)]))
}

fn bounds(name: &'static str, doc: &'static str, form: &ValueType) -> Schema {
    let keys =
        [("gt", "More than this."), ("gte", "This or more."), ("lt", "Less than this."), ("lte", "This or less.")];
    let keys = keys.map(|(name, doc)| Key::new(name, form.clone(), doc).non_null());
    Schema::new(name, doc, keys).constraint(Constraint::NotEmpty)
}
