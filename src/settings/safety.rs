//! `safety`: caps and checks that stand above every rule.

use super::{reader::ConfigReader, schema};
use crate::diagnostics::code;
use crate::model::{Safety, StartFrom, parse_duration};
use crate::yaml::{Node, did_you_mean};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use std::time::Duration;

/// The most that `replies_per_hour` may say.
pub(super) const MAX_REPLIES: u32 = 100_000;
/// The most times of `verify_after`.
pub(super) const MAX_CHECKS: usize = 20;
const DAY: Duration = Duration::from_secs(86_400);

/// Reads the section; what it does not say stays as in `safety`. `known` are the names of the destinations.
pub(super) fn read(node: &Node, mut safety: Safety, known: &[String], reading: &mut ConfigReader<'_>) -> Safety {
    let Some(fields) = node.fields(&schema::SAFETY, &mut reading.out) else { return safety };
    if let Some(start) = fields.non_null("start_from").and_then(|node| start_from(node, reading)) {
        safety.start_from = start;
    }
    if let Some(rate) = fields.non_null("replies_per_lead").and_then(|node| node.rate(&mut reading.out)) {
        safety.replies_per_lead = rate;
    }
    if let Some(count) = fields.non_null("replies_per_hour").and_then(|node| reading.count(node, MAX_REPLIES)) {
        safety.replies_per_hour = count;
    }
    let second = Duration::from_secs(1);
    if let Some(age) = fields.non_null("max_age").and_then(|node| reading.duration(node, 60 * second, 365 * DAY)) {
        safety.max_age = age;
    }
    if let Some(age) = fields.non_null("drafts_expire").and_then(|node| reading.duration(node, 60 * second, 365 * DAY))
    {
        safety.drafts_expire = age;
    }
    if let Some(times) = fields.non_null("verify_after").and_then(|node| verify_after(node, reading)) {
        safety.verify_after = times;
    }
    if let Some(span) = fields.non_null("alert_if_failing").and_then(|node| reading.duration(node, 10 * second, DAY)) {
        safety.alert_if_failing = span;
    }
    if let Some(node) = fields.non_null("alert")
        && let Some(name) = node.non_empty_string(&mut reading.out)
    {
        if known.contains(&name) {
            safety.alert = Some(name);
        } else {
            let hint = match did_you_mean(&name, known.iter().map(String::as_str)) {
                Some(word) => format!("did you mean `{word}`?"),
                None => "add it under `destinations`".to_owned(),
            };
            reading.report(code::NO_SUCH_DESTINATION, node, format!("there is no destination `{name}`"), &hint);
        }
    }
    safety
}

fn start_from(node: &Node, reading: &mut ConfigReader<'_>) -> Option<StartFrom> {
    let text = node.string(&mut reading.out)?;
    if text == "now" {
        return Some(StartFrom::Now);
    }
    if let Ok(span) = parse_duration(&text) {
        return Some(StartFrom::Age(span));
    }
    let midnight = || TimeZone::UTC.to_timestamp(text.parse::<Date>().ok()?.at(0, 0, 0, 0)).ok();
    let time = if text.contains(['T', ' ']) { text.parse::<Timestamp>().ok() } else { midnight() };
    if time.is_none() {
        let hint = "write `now`, a duration such as 24h, or a date such as 2026-01-31";
        reading.report(code::BAD_START, node, format!("`{text}` is not a starting point"), hint);
    }
    time.map(StartFrom::Since)
}

fn verify_after(node: &Node, reading: &mut ConfigReader<'_>) -> Option<Vec<Duration>> {
    let items = node.list(&mut reading.out)?;
    let (least, most) = (Duration::from_secs(1), DAY);
    let times: Vec<Duration> = items.iter().filter_map(|item| reading.duration(item, least, most)).collect();
    if times.len() < items.len() {
        return None;
    }
    if times.is_empty() || times.len() > MAX_CHECKS || !times.is_sorted_by(|a, b| a < b) {
        let message = format!("`verify_after` needs 1 to {MAX_CHECKS} times, each later than the one before");
        reading.report(code::OUT_OF_RANGE, node, message, "the default is [5s, 15s, 1m, 3m, 10m, 15m]");
        return None;
    }
    Some(times)
}
