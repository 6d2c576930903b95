//! `hours`: opening hours by name.

use super::{reader::ConfigReader, schema};
use crate::diagnostics::code;
use crate::rules::hours::{OpeningHours, parse_time, parse_weekday};
use crate::yaml::{Fields, Node, did_you_mean};
use jiff::{
    civil::{Date, Weekday},
    tz::TimeZone,
};
use std::collections::{BTreeMap, BTreeSet};

/// Reads the section.
pub(super) fn read(node: &Node, reading: &mut ConfigReader<'_>) -> BTreeMap<String, OpeningHours> {
    let mut all = BTreeMap::new();
    let Some(entries) = node.entries(&mut reading.out) else { return all };
    for (key, value) in entries.iter() {
        let name = reading.name(key, "set of hours");
        let hours = value.fields(&schema::HOURS, &mut reading.out).and_then(|fields| one(&fields, reading));
        if let (Some(name), Some(hours)) = (name, hours) {
            all.insert(name, hours);
        }
    }
    all
}

fn one(fields: &Fields<'_>, reading: &mut ConfigReader<'_>) -> Option<OpeningHours> {
    let days = days(fields, reading);
    let from = time("from", fields, reading);
    let to = time("to", fields, reading);
    let zone = fields.required("timezone", &mut reading.out).and_then(|node| timezone(node, reading));
    let except = dates(fields, reading);
    let (days, from, to, zone, except) = (days?, from?, to?, zone?, except?);
    match OpeningHours::new(&days, from, to, zone, except) {
        Ok(hours) => Some(hours),
        Err(error) => {
            let place = fields.non_null("from").unwrap_or(fields.node());
            reading.report(code::BAD_HOURS, place, error.to_string(), "times are written \"09:00\" to \"18:00\"");
            None
        }
    }
}

/// All seven days when none are named.
fn days(fields: &Fields<'_>, reading: &mut ConfigReader<'_>) -> Option<Vec<Weekday>> {
    let every = || (0..7).filter_map(|day| Weekday::from_monday_zero_offset(day).ok()).collect();
    let Some(node) = fields.non_null("days") else { return Some(every()) };
    let items = node.list_or_one();
    let mut days = Vec::new();
    for item in items {
        let Some(text) = item.string(&mut reading.out) else { continue };
        match parse_weekday(&text) {
            Some(day) => days.push(day),
            None => reading.report(
                code::BAD_HOURS,
                item,
                format!("`{text}` is not a day"),
                "days are mon, tue, wed, thu, fri, sat, sun",
            ),
        }
    }
    if items.is_empty() {
        reading.report(code::BAD_HOURS, node, "no day is named", "leave `days` away for every day");
    }
    (!days.is_empty() && days.len() == items.len()).then_some(days)
}

fn time(key: &str, fields: &Fields<'_>, reading: &mut ConfigReader<'_>) -> Option<u16> {
    let node = fields.required(key, &mut reading.out)?;
    let text = node.string(&mut reading.out)?;
    let found = parse_time(&text);
    if found.is_none() {
        let message = format!("`{text}` is not a time of the day");
        reading.report(code::BAD_HOURS, node, message, "write it with 24 hours, in quotes: \"09:00\", \"18:30\"");
    }
    found
}

fn timezone(node: &Node, reading: &mut ConfigReader<'_>) -> Option<TimeZone> {
    let name = node.non_empty_string(&mut reading.out)?;
    // `TimeZone::get` also takes file names of some systems; a name of the database has none of those characters.
    let plain = !name.contains("..") && !name.starts_with('/');
    if let Some(zone) = plain.then(|| TimeZone::get(&name).ok()).flatten() {
        return Some(zone);
    }
    let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let hint = match did_you_mean(&name, known.iter().map(String::as_str)) {
        Some(word) => format!("did you mean `{word}`?"),
        None => "write the name of a city's zone, such as America/New_York or Europe/Berlin".to_owned(),
    };
    reading.report(code::UNKNOWN_ZONE, node, format!("there is no time zone `{name}`"), &hint);
    None
}

fn dates(fields: &Fields<'_>, reading: &mut ConfigReader<'_>) -> Option<BTreeSet<Date>> {
    let Some(node) = fields.non_null("except") else { return Some(BTreeSet::new()) };
    let items = node.list_or_one();
    let mut dates = BTreeSet::new();
    let mut good = true;
    for item in items {
        let text = item.string(&mut reading.out);
        let date = text.as_deref().and_then(|text| text.parse::<Date>().ok().filter(|_| text.len() == 10));
        if let (Some(text), None) = (&text, date) {
            let message = format!("`{text}` is not a date");
            reading.report(code::BAD_DATE, item, message, "write it like \"2026-12-25\"");
        }
        good &= date.is_some();
        dates.extend(date);
    }
    good.then_some(dates)
}
