//! The rule language as [`Shape`]s: every mapping of a rule file with its keys.
//!
//! The loader takes the keys it knows from here, and [`json_schema`] writes them down for editors.

mod actions;
mod cases;
mod conditions;
mod definitions;

pub(super) use actions::{MAX_ATTACHMENTS, of_action};
pub(super) use cases::{
    CASE, EXPECT, FORWARD, MAX_REPLY_COUNT, MAX_STEPS, MESSAGE, NOON, STEP, STEP_PAUSE, THREAD, step_events,
};
pub(super) use conditions::{AGE_BOUNDS, BOUNDS, IN_LIST, SAYS, TEXT_PATTERN, WHEN};
pub(super) use definitions::DEFINITION;

use crate::model::{ActionKind, Mode};
use crate::yaml::{self, Constraint, Interpolation, Key, KeyMatch, LazySchema, Schema, ValueType};
use serde_json::{Value as Json, json};

/// What a rule may be called.
const RULE_NAME: &str = "^[a-z0-9-]{1,100}$";
/// What templates can call a captured text.
const CAPTURE_NAME: &str = "^[A-Za-z_][A-Za-z0-9_]*$";

/// A rule file.
pub(super) static FILE: LazySchema = LazySchema::new(|| {
    Schema::new(
        "rule-file",
        "Rules of Reply Router, and their tests.",
        [
            Key::new("version", ValueType::OneOfJson(vec![json!(1), json!("1")]), "The version of the rule language.")
                .default(1),
            Key::new(
                "define",
                ValueType::Map(RULE_NAME.to_owned(), Box::new(ValueType::Shape(&DEFINITION))),
                "Named conditions, which rules and other definitions of any file use with `is`.",
            )
            .example(json!({ "agrees-to-a-call": { "body": { "says": "(yes|sure) … (call|demo)" } } })),
            Key::new("rules", ValueType::list(ValueType::Shape(&RULE)), "The rules, evaluated in this order."),
            Key::new(
                "tests",
                ValueType::list(ValueType::Shape(&CASE)),
                "Conversations, and what the rules must do with them. `reply-router test` runs them; rules whose tests \
                 fail are refused. They may also stand in a file of their own, named *.test.yaml.",
            ),
        ],
    )
});

/// A rule.
pub(super) static RULE: LazySchema = LazySchema::new(|| {
    let modes = Mode::ALL.iter().map(|mode| mode.as_str()).collect();
    Schema::new(
        "rule",
        "A rule: what must hold, and what is done then.",
        [
            Key::new(
                "name",
                ValueType::MatchingOrInteger(RULE_NAME.to_owned(), None),
                "Its name, unique over all files: small letters, digits and `-`, at most 100.",
            )
            .required()
            .example("book-a-call"),
            Key::new("description", ValueType::Text, "What it is for, in your words; shown on the pages."),
            Key::new(
                "mode",
                ValueType::OneOf(modes),
                "How much of it is carried out: off, shadow (decide and record only), draft (replies wait for approval), \
                 live.",
            )
            .default(Mode::default().as_str()),
            Key::new(
                "when",
                ValueType::AnyOf(vec![ValueType::Shape(&WHEN), ValueType::OneOfJson(vec![json!("always")])]),
                "What must hold: all keys of the mapping. `always` matches every message.",
            )
            .non_null(),
            script(),
            capture(),
            Key::new(
                "then",
                ValueType::non_empty_list_or_one(actions::form()),
                format!("What is done, in this order: {}.", ActionKind::ALL.map(ActionKind::as_str).join(", ")),
            ),
            Key::new("stop", ValueType::Bool, "Whether later rules are left out when it matches.").default(false),
        ],
    )
    .constraint(Constraint::Any(vec![vec![KeyMatch::Value("when")], vec![KeyMatch::Value("script")]]))
    .constraint(Constraint::Any(vec![vec![KeyMatch::Value("then")], vec![KeyMatch::True("stop")]]))
});

/// The script of a rule or of a definition.
fn script() -> Key {
    Key::new(
        "script",
        ValueType::NonBlankText,
        "A rhai script that must also agree: it returns true, or #{ matched: true, vars: #{ … } } for the templates. It \
         sees thread, lead, message, captures, workspace and now.",
    )
    .example("thread.reply_count < 6")
}

/// What a rule or a definition captures.
fn capture() -> Key {
    Key::new(
        "capture",
        ValueType::Map(
            CAPTURE_NAME.to_owned(),
            Box::new(ValueType::AnyOf(vec![ValueType::NonBlankText, ValueType::Shape(&SAYS)])),
        ),
        "Texts for the templates, by name: `{ says: … }` with phrases, or regular expressions, which are looked for in \
         `body`. `captures.NAME` is what a phrase finds; of an expression the first group, or the whole match where there \
         is none.",
    )
    .example(json!({ "day": r"\b(monday|tuesday|wednesday|thursday|friday)\b" }))
}

/// The JSON Schema of rule files.
///
/// It refuses nothing that [`RuleSet::load`](super::RuleSet::load) takes, except whole numbers written with a point and
/// the like, which JSON cannot tell apart; what no schema can say (regular expressions, scripts, templates, names that
/// stand elsewhere) is left to the loader.
pub fn json_schema() -> Json {
    yaml::json_schema(&FILE, "Rules of Reply Router", Interpolation::Plain, true)
}
