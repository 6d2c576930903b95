//! `safety`: limits that stand above every rule.

use super::declaration::{self, ConfigKey, DAY, MINUTE, SECOND, Takes, count, duration, flag, rate};
use super::reader::ConfigReader;
use crate::diagnostics::code;
use crate::model::{OptOutScope, Safety, StartFrom, duration_pattern, format_duration, parse_duration};
use crate::yaml::{LazySchema, Node, ValueType, did_you_mean};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::json;
use std::time::Duration;

/// The most times of `verify_after`.
const MAX_CHECKS: usize = 20;

/// The section.
pub(super) static SAFETY: LazySchema =
    LazySchema::new(|| declaration::schema("safety", "Limits that stand above every rule.", keys(), Safety::default()));

/// Its keys.
pub(super) fn keys() -> Vec<ConfigKey<Safety>> {
    type Key = ConfigKey<Safety>;
    vec![
        Key::new(
            "start_from",
            start_from(),
            |safety| &mut safety.start_from,
            "Which mail counts as new at a workspace's first start: now (only what arrives from then on), a length of time \
             back such as 24h, or a date.",
        )
        .example("24h"),
        Key::new(
            "replies_per_lead",
            rate(),
            |safety| &mut safety.replies_per_lead,
            "Replies to one lead; more are suppressed.",
        ),
        Key::new(
            "replies_per_hour",
            count(100_000),
            |safety| &mut safety.replies_per_hour,
            "Replies of a workspace in an hour; more wait.",
        ),
        Key::new(
            "max_age",
            duration(MINUTE..=365 * DAY),
            |safety| &mut safety.max_age,
            "A reply to an older message is held.",
        ),
        Key::new(
            "hold_uncertain",
            flag(),
            |safety| &mut safety.hold_uncertain,
            "Hold a reply where the message may be automatic mail but need not be, until you approve it. Rules with \
             `auto_reply: true` or `any` are not held.",
        ),
        Key::new(
            "opt_outs",
            opt_outs(),
            |safety| &mut safety.opt_outs,
            "Whose opt-outs stop replies: those of the workspace, or `shared`, those of all workspaces.",
        ),
        Key::new(
            "drafts_expire",
            duration(MINUTE..=365 * DAY),
            |safety| &mut safety.drafts_expire,
            "A draft that nobody approves for this long is cancelled.",
        ),
        Key::new(
            "verify_after",
            verify_after(),
            |safety| &mut safety.verify_after,
            "When to look for a reply whose outcome is unknown, counted from its sending; each later than the one before.",
        ),
        Key::new(
            "alert",
            Takes::new(ValueType::NonBlankText, read_alert).optional(),
            |safety| &mut safety.alert,
            "The destination that gets alerts.",
        )
        .example("sales-hot"),
        Key::new(
            "alert_if_failing",
            duration(10 * SECOND..=DAY),
            |safety| &mut safety.alert_if_failing,
            "How long polls may fail before that is an alert.",
        ),
    ]
}

fn opt_outs() -> Takes<OptOutScope> {
    const WORDS: [(&str, OptOutScope); 2] = [("workspace", OptOutScope::Workspace), ("shared", OptOutScope::Shared)];
    Takes::new(ValueType::OneOf(WORDS.map(|(word, _)| word).to_vec()), |node, reader| {
        node.one_of(&WORDS, &mut reader.out)
    })
    .shown(|scope| json!(if *scope == OptOutScope::Shared { "shared" } else { "workspace" }))
}

fn start_from() -> Takes<StartFrom> {
    // A date without dashes is a number.
    let date = ValueType::MatchingOrInteger(
        format!(r"{}|^[-+]?[0-9]{{4,6}}-?[0-9]{{2}}-?[0-9]{{2}}", duration_pattern()),
        Some(10_000_101),
    );
    let value_type = ValueType::AnyOf(vec![ValueType::OneOf(vec!["now"]), date]);
    Takes::new(value_type, read_start).shown(|start| match start {
        StartFrom::Now => json!("now"),
        StartFrom::Age(span) => json!(format_duration(*span)),
        StartFrom::Since(time) => json!(time),
    })
}

fn read_start(node: &Node, reader: &mut ConfigReader<'_>) -> Option<StartFrom> {
    let text = node.string(&mut reader.out)?;
    if text == "now" {
        return Some(StartFrom::Now);
    }
    if let Ok(span) = parse_duration(&text) {
        return Some(StartFrom::Age(span));
    }
    // A date means its midnight in UTC.
    let midnight = || TimeZone::UTC.to_timestamp(text.parse::<Date>().ok()?.at(0, 0, 0, 0)).ok();
    let time = if text.contains(['T', ' ']) { text.parse::<Timestamp>().ok() } else { midnight() };
    if time.is_none() {
        let hint = "write `now`, a duration such as 24h, or a date such as 2026-01-31";
        reader.report(code::BAD_START, node, format!("`{text}` is not a starting point"), hint);
    }
    time.map(StartFrom::Since)
}

fn verify_after() -> Takes<Vec<Duration>> {
    let each = SECOND..=DAY;
    let item = Box::new(ValueType::DurationIn(each.clone()));
    let value_type = ValueType::List { item, least: 1, most: Some(MAX_CHECKS) };
    let read = move |node: &Node, reader: &mut ConfigReader<'_>| {
        let items = node.list(&mut reader.out)?;
        let times: Vec<Duration> = items.iter().filter_map(|item| reader.duration(item, &each)).collect();
        if times.len() < items.len() {
            return None;
        }
        if times.is_empty() || times.len() > MAX_CHECKS || !times.is_sorted_by(|a, b| a < b) {
            let message = format!("`verify_after` needs 1 to {MAX_CHECKS} times, each later than the one before");
            let hint = format!("the default is [{}]", written(&Safety::default().verify_after).join(", "));
            reader.report(code::OUT_OF_RANGE, node, message, &hint);
            return None;
        }
        Some(times)
    };
    Takes::new(value_type, read).shown(|times| json!(written(times)))
}

fn written(times: &[Duration]) -> Vec<String> {
    times.iter().map(|time| format_duration(*time)).collect()
}

fn read_alert(node: &Node, reader: &mut ConfigReader<'_>) -> Option<String> {
    let name = node.non_empty_string(&mut reader.out)?;
    if reader.destinations.contains(&name) {
        return Some(name);
    }
    let hint = match did_you_mean(&name, reader.destinations.iter().map(String::as_str)) {
        Some(word) => format!("did you mean `{word}`?"),
        None => "add it under `destinations`".to_owned(),
    };
    reader.report(code::NO_SUCH_DESTINATION, node, format!("there is no destination `{name}`"), &hint);
    None
}
