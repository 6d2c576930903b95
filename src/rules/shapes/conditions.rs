//! The mappings below `when`.

use crate::rules::definition::{FlagField, GlobField, NumberField, TextField};
use crate::rules::yaml::{Form, Key, Law, LazyShape, Shape};
use serde_json::json;

/// Conditions; all of them must hold.
pub(in crate::rules) static WHEN: LazyShape = LazyShape::new(|| {
    let globs = GlobField::ALL.iter().map(|field| {
        let form = Form::filled_list_or_one(Form::Either(vec![Form::FilledText, Form::Null]));
        let doc = "A value or a list of them, in any case; `*` and `?` stand for any characters, null for none.";
        Key::new(field.as_str(), form, format!("{} {doc}", field.describe()))
    });
    let texts = TextField::ALL.iter().map(|field| {
        let doc = "A regular expression in single quotes, or a list of them; searched anywhere, in any case.";
        Key::new(field.as_str(), patterns(), format!("{} {doc}", field.describe())).example(r"\b(call|demo)\b")
    });
    let numbers = NumberField::ALL.iter().map(|field| {
        let form = Form::filled_list_or_one(Form::Either(vec![Form::Number, Form::Shape(&BOUNDS)]));
        let doc = "A number, or bounds such as { gte: 2, lt: 6 }.";
        Key::new(field.as_str(), form, format!("{} {doc}", field.describe()))
    });
    let flags = FlagField::ALL.iter().map(|field| {
        let form = match field {
            FlagField::AutoReply => Form::Either(vec![Form::Bool, Form::Words(vec!["any"])]),
            _ => Form::Bool,
        };
        let doc = match field {
            FlagField::AutoReply => {
                "A rule that does not mention it never matches automatic mail; `true` matches only that, `any` both."
            }
            _ => "true or false.",
        };
        Key::new(field.as_str(), form, format!("{} {doc}", field.describe()))
    });
    let age = Key::new(
        "age",
        Form::filled_list_or_one(Form::Shape(&AGE_BOUNDS)),
        "The time since the last message. Bounds such as { gt: 2h }.",
    )
    .example(json!({ "lt": "2h" }));
    let all = || Form::filled_list(Form::Shape(&WHEN));
    let inner = [
        Key::new("any", all(), "One of these must hold."),
        Key::new("all", all(), "All of these must hold."),
        Key::new("not", Form::Either(vec![Form::Shape(&WHEN), all()]), "This must not hold; of a list, none of them."),
    ];
    let keys = globs.chain(texts).chain(numbers).chain(flags).chain([age]).chain(inner);
    Shape::new("when", "Conditions; all of them must hold.", keys.map(Key::never_blank)).law(Law::NotEmpty)
});

/// The longer form of a text condition.
pub(in crate::rules) static TEXT_PATTERN: LazyShape = LazyShape::new(|| {
    let words = || Form::filled_list_or_one(Form::FilledText);
    let keys = [
        Key::new("contains", words(), "A text as it is, in any case; or a list of which one is there."),
        Key::new("regex", words(), "A regular expression; or a list of which one is found."),
        Key::new("any", patterns(), "Any of these."),
    ];
    Shape::new("text-pattern", "What is looked for in a text.", keys.map(Key::never_blank)).law(Law::ExactlyOne)
});

/// Bounds of a number.
pub(in crate::rules) static BOUNDS: LazyShape =
    LazyShape::new(|| bounds("bounds", "Bounds of a number; all of them must hold.", &Form::Number));

/// Bounds of a length of time.
pub(in crate::rules) static AGE_BOUNDS: LazyShape =
    LazyShape::new(|| bounds("age-bounds", "Bounds such as 30m, 2h or 7d; all of them must hold.", &Form::Duration));

fn patterns() -> Form {
    Form::filled_list_or_one(Form::Either(vec![Form::FilledText, Form::Shape(&TEXT_PATTERN)]))
}

fn bounds(name: &'static str, doc: &'static str, form: &Form) -> Shape {
    let keys =
        [("gt", "More than this."), ("gte", "This or more."), ("lt", "Less than this."), ("lte", "This or less.")];
    let keys = keys.map(|(name, doc)| Key::new(name, form.clone(), doc).never_blank());
    Shape::new(name, doc, keys).law(Law::NotEmpty)
}
