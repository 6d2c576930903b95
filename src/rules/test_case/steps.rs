//! Reading what happens after a test's event, and what may stand in a test that is played through.

use super::{Expectation, ExpectedState, StepEvent, TestStep, load};
use crate::diagnostics::{Diagnostic, Diagnostics, code};
use crate::yaml::{Fields, Node, Value, did_you_mean};
use crate::{
    model::{ActionKind, ActionState, Message, ReasonCode, ThreadDetail},
    rules::schema::{MAX_STEPS, STEP, STEP_PAUSE, step_events},
};
use std::{fmt::Display, str::FromStr, time::Duration};

const MAX_ITEMS: Duration = Duration::from_secs(365 * 86_400);

/// Reads a list of steps.
pub(super) fn read(node: &Node, thread: &ThreadDetail, out: &mut Diagnostics) -> Vec<TestStep> {
    let items = node.list(out).unwrap_or_default();
    if let Some(first) = items.get(MAX_STEPS) {
        let message = format!("a test has at most {MAX_STEPS} steps, this one has {}", items.len());
        out.push(Diagnostic::error(code::OUT_OF_RANGE, first, message).hint("split it into two tests"));
    }
    let mut total = Duration::ZERO;
    let mut steps = Vec::with_capacity(items.len());
    for item in items {
        let Some(step) = step(item, thread, out) else { continue };
        let before = total;
        total = total.saturating_add(step.after);
        if before <= MAX_ITEMS && total > MAX_ITEMS {
            let place = item.get("after").unwrap_or(item);
            let message = "at this step more than 365d have passed, the limit of a test";
            out.push(
                Diagnostic::error(code::OUT_OF_RANGE, place, message).hint("let less time pass between the steps"),
            );
        }
        steps.push(step);
    }
    steps
}

fn step(node: &Node, thread: &ThreadDetail, out: &mut Diagnostics) -> Option<TestStep> {
    let fields = node.fields(&STEP, out)?;
    let after = fields.non_null("after").map_or(Some(STEP_PAUSE), |node| node.duration(out));
    let events: Vec<_> = fields.iter().filter(|(key, _)| key.text().starts_with("then_")).collect();
    if let Some((key, _)) = events.get(1) {
        let error = Diagnostic::error(code::UNKNOWN_KEY, key, "a step has one event; this is a second one");
        out.push(error.hint("move it to its own step; with `after: 0s` no time passes in between"));
    }
    if events.is_empty() && fields.get("after").is_none() {
        let error = Diagnostic::error(code::MISSING_KEY, node, "nothing happens in this step");
        out.push(error.hint(format!("write one of {}", step_events().join(", "))));
    }
    let event = match events.first() {
        None => StepEvent::TimePasses,
        Some((key, value)) => match key.text() {
            "then_lead_writes" => StepEvent::LeadWrites(Box::new(message(value, thread, false, out)?)),
            "then_person_answers" => StepEvent::PersonAnswers(Box::new(message(value, thread, true, out)?)),
            "then_category" if value.is_null() => StepEvent::Category(None),
            "then_category" => StepEvent::Category(Some(value.non_empty_string(out)?)),
            _ => return None,
        },
    };
    let expect = fields.non_null("expect").map(|node| load::expect(node, out)).unwrap_or_default();
    Some(TestStep { line: node.span.line, after: after?, event, expect })
}

/// A message as in `messages`, but for what the step itself says: who writes, and when.
fn message(node: &Node, thread: &ThreadDetail, outgoing: bool, out: &mut Diagnostics) -> Option<Message> {
    if let Value::Mapping(entries) = &node.value {
        for (key, _) in entries.iter().filter(|(key, _)| ["outgoing", "at"].contains(&key.text())) {
            let message = format!("`{}` is not allowed here: the step sets the sender and the time", key.text());
            out.push(Diagnostic::error(code::UNKNOWN_KEY, key, message).hint("let time pass with `after`"));
        }
    }
    let mut message = load::message(node, thread, out)?;
    if outgoing && !message.outgoing {
        message.outgoing = true;
        message.from = node.get("from").map(|from| from.text().to_owned()).or_else(|| thread.inbox_email.clone());
    }
    Some(message)
}

/// What is expected of what becomes of actions.
pub(super) fn read_outcomes(fields: &Fields<'_>, expect: &mut Expectation, out: &mut Diagnostics) {
    expect.sent = kinds(fields, "sent", out);
    expect.waiting = kinds(fields, "waiting", out);
    expect.held = kinds(fields, "held", out);
    let states = fields.non_null("states").and_then(|node| node.entries(out));
    for (key, value) in states.iter().flat_map(Fields::iter) {
        let kind = word::<ActionKind>(key, key.text(), ("action", code::UNKNOWN_ACTION), &kind_names(), out);
        let Some(text) = value.non_empty_string(out) else { continue };
        let mut words = text.split_whitespace();
        let states = ActionState::ALL.map(ActionState::as_str);
        let first = words.next().unwrap_or_default();
        let state = word(value, first, ("state", code::NOT_ONE_OF), &states, out);
        let reasons: Vec<_> = ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
        let reason = words.next().map(|text| word(value, text, ("reason", code::NOT_ONE_OF), &reasons, out));
        if words.next().is_some() {
            let error = Diagnostic::error(code::WRONG_TYPE, value, "more than a state and a reason");
            out.push(error.hint("write for example `done`, or `suppressed repeat`"));
        }
        if let (Some(kind), Some(state)) = (kind, state) {
            expect.states.push(ExpectedState { kind, state, reason: reason.flatten() });
        }
    }
}

fn kinds(fields: &Fields<'_>, key: &str, out: &mut Diagnostics) -> Option<Vec<ActionKind>> {
    let items = fields.non_null(key)?.list_or_one();
    let known = kind_names();
    Some(
        items
            .iter()
            .filter_map(|item| word(item, item.text(), ("action", code::UNKNOWN_ACTION), &known, out))
            .collect(),
    )
}

fn kind_names() -> [&'static str; ActionKind::ALL.len()] {
    ActionKind::ALL.map(ActionKind::as_str)
}

/// A word of a fixed set, or what was probably meant.
fn word<T: FromStr>(
    place: &Node,
    written: &str,
    (what, code): (&str, &'static str),
    known: &[&str],
    out: &mut Diagnostics,
) -> Option<T> {
    let found = written.parse().ok();
    if found.is_none() {
        out.push(unknown(place, code, what, written, known));
    }
    found
}

/// A word that is none of the known ones.
pub(super) fn unknown(
    place: &Node,
    code: &'static str,
    what: &str,
    written: impl Display,
    known: &[&str],
) -> Diagnostic {
    let written = written.to_string();
    let error = Diagnostic::error(code, place, format!("unknown {what} `{written}`"));
    match did_you_mean(&written, known.iter().copied()) {
        Some(word) => error.hint(format!("did you mean `{word}`?")),
        None => error.hint(format!("known here: {}", known.join(", "))),
    }
}

/// What stands in the test itself and belongs into a step.
pub(super) fn reject_step_keys(fields: &Fields<'_>, out: &mut Diagnostics) {
    for key in step_events().into_iter().filter_map(|key| fields.key(key)) {
        let message = format!("`{}` is a key of a step, not of a test", key.text());
        let hint = format!("move it to the list under `steps:`, as `- {}: …`", key.text());
        out.push(Diagnostic::error(code::UNKNOWN_KEY, key, message).hint(hint));
    }
}

/// In a test that is played, the API tells of the thread and not the test: what the API itself works out cannot be set.
pub(super) fn reject_derived_keys(thread: &Node, out: &mut Diagnostics) {
    const WORKED_OUT: [(&str, &str); 3] = [
        ("preview", "the preview is the beginning of the last message"),
        ("reply_count", "it is counted from the lead's messages"),
        ("lead_id", "it is generated"),
    ];
    let Value::Mapping(entries) = &thread.value else { return };
    for (key, why) in WORKED_OUT {
        if let Some((place, _)) = entries.iter().find(|(name, value)| name.text() == key && !value.is_null()) {
            let message = format!("`{key}` cannot be set in a test with steps: {why}");
            let hint =
                format!("leave it out; test a rule that depends on `{key}` without steps, with `rules` and `actions`");
            out.push(Diagnostic::error(code::UNKNOWN_KEY, place, message).hint(hint));
        }
    }
    if let Some(id) = thread.get("id").filter(|id| !id.is_null() && uuid::Uuid::parse_str(id.text()).is_err()) {
        let error = Diagnostic::error(code::WRONG_TYPE, id, "the thread's id must be a UUID, as the API's are");
        out.push(error.hint("leave it out, or write for example 11111111-2222-4333-8444-555555555555"));
    }
    let text = |key: &str| thread.get(key).filter(|node| !node.is_null()).map(Node::text);
    if let (Some(category), Some(effective)) = (text("category"), text("manual_category").or(text("ai_category")))
        && category != effective
        && let Some((place, _)) = entries.iter().find(|(name, _)| name.text() == "category")
    {
        let message =
            format!("the category is `{effective}`: `manual_category` overrides `ai_category`, and both override this");
        out.push(Diagnostic::error(code::UNKNOWN_KEY, place, message).hint("leave `category` out"));
    }
}
