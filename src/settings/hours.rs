//! `hours`: opening hours by name.

use super::declaration::{self, ConfigKey, Takes};
use super::reader::ConfigReader;
use super::values::NAME;
use crate::diagnostics::code;
use crate::rules::hours::{OpeningHours, WEEKDAYS, parse_time, parse_weekday};
use crate::yaml::{LazySchema, Node, ValueType, did_you_mean};
use jiff::{
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const DATE: &str = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])";
const TIME: &str = "(?:[01]?[0-9]|2[0-3]):[0-5][0-9]";

/// One set of hours.
static HOURS: LazySchema = LazySchema::new(|| {
    let doc = "When actions may leave: a window of each week, in a time zone.";
    declaration::schema("hours", doc, keys(), Window::default())
});

/// Hours by names that the rules use.
pub(super) fn hours() -> Takes<BTreeMap<String, OpeningHours>> {
    Takes::new(ValueType::Map(NAME.to_owned(), Box::new(ValueType::Shape(&HOURS))), read)
}

/// What a set of hours says.
struct Window {
    days: Vec<Weekday>,
    from: u16,
    to: u16,
    zone: TimeZone,
    except: BTreeSet<Date>,
}

impl Default for Window {
    fn default() -> Self {
        let days = (0..7).filter_map(|day| Weekday::from_monday_zero_offset(day).ok()).collect();
        Self { days, from: 0, to: 0, zone: TimeZone::UTC, except: BTreeSet::new() }
    }
}

fn keys() -> Vec<ConfigKey<Window>> {
    type Key = ConfigKey<Window>;
    let short: Vec<&str> = WEEKDAYS.iter().filter_map(|day| day.get(..3)).collect();
    let day = ValueType::AnyOf(vec![ValueType::OneOf(short), ValueType::Matching(weekday_pattern())]);
    let time = |more: &str| Takes::new(ValueType::Matching(format!("^(?:{TIME}{more})$")), read_time);
    vec![
        Key::new(
            "days",
            Takes::new(ValueType::non_empty_list_or_one(day), read_days),
            |window| &mut window.days,
            "The days; every day when left away.",
        )
        .example(json!(["mon", "tue", "wed", "thu", "fri"])),
        Key::new("from", time(""), |window| &mut window.from, "When it opens, with 24 hours and in quotes.")
            .required()
            .example("09:00"),
        Key::new(
            "to",
            time("|24:00"),
            |window| &mut window.to,
            "When it closes; before `from` it closes on the next day.",
        )
        .required()
        .example("18:00"),
        Key::new(
            "timezone",
            Takes::new(ValueType::NonBlankText, read_zone),
            |window| &mut window.zone,
            "A time zone of the IANA database, named by a city.",
        )
        .required()
        .example("America/New_York")
        .example("Europe/London"),
        Key::new(
            "except",
            Takes::new(ValueType::list_or_one(ValueType::Matching(format!("^{DATE}$"))), read_dates),
            |window| &mut window.except,
            "Dates on which it stays closed.",
        )
        .example(json!(["2026-12-25"])),
    ]
}

fn read(node: &Node, reader: &mut ConfigReader<'_>) -> Option<BTreeMap<String, OpeningHours>> {
    let mut all = BTreeMap::new();
    for (key, value) in node.entries(&mut reader.out)?.iter() {
        let name = reader.name(key, "set of hours");
        if let (Some(name), Some(hours)) = (name, read_window(value, reader)) {
            all.insert(name, hours);
        }
    }
    Some(all)
}

fn read_window(node: &Node, reader: &mut ConfigReader<'_>) -> Option<OpeningHours> {
    let fields = node.fields(&HOURS, &mut reader.out)?;
    let mut window = Window::default();
    if !declaration::read(&keys(), &fields, &mut window, reader) {
        return None;
    }
    let Window { days, from, to, zone, except } = window;
    match OpeningHours::new(&days, from, to, zone, except) {
        Ok(hours) => Some(hours),
        Err(error) => {
            let location = fields.non_null("from").unwrap_or(node);
            reader.report(code::BAD_HOURS, location, error.to_string(), "times are written \"09:00\" to \"18:00\"");
            None
        }
    }
}

fn read_days(node: &Node, reader: &mut ConfigReader<'_>) -> Option<Vec<Weekday>> {
    let items = node.list_or_one();
    let mut days = Vec::new();
    for item in items {
        let Some(text) = item.string(&mut reader.out) else { continue };
        match parse_weekday(&text) {
            Some(day) => days.push(day),
            None => reader.report(
                code::BAD_HOURS,
                item,
                format!("`{text}` is not a day"),
                "days are mon, tue, wed, thu, fri, sat, sun",
            ),
        }
    }
    if items.is_empty() {
        reader.report(code::BAD_HOURS, node, "no day is named", "leave `days` away for every day");
    }
    (!days.is_empty() && days.len() == items.len()).then_some(days)
}

/// The days as [`parse_weekday`] reads them: short or whole, in any case.
fn weekday_pattern() -> String {
    let any_case = |text: &str| -> String {
        text.chars().map(|letter| format!("[{}{letter}]", letter.to_ascii_uppercase())).collect()
    };
    let days: Vec<String> = WEEKDAYS
        .iter()
        .filter_map(|day| day.split_at_checked(3))
        .map(|(short, rest)| format!("{}(?:{})?", any_case(short), any_case(rest)))
        .collect();
    format!("^(?:{})$", days.join("|"))
}

fn read_time(node: &Node, reader: &mut ConfigReader<'_>) -> Option<u16> {
    let text = node.string(&mut reader.out)?;
    let found = parse_time(&text);
    if found.is_none() {
        let message = format!("`{text}` is not a time of the day");
        reader.report(code::BAD_HOURS, node, message, "write it with 24 hours, in quotes: \"09:00\", \"18:30\"");
    }
    found
}

fn read_zone(node: &Node, reader: &mut ConfigReader<'_>) -> Option<TimeZone> {
    let name = node.non_empty_string(&mut reader.out)?;
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
    reader.report(code::UNKNOWN_ZONE, node, format!("there is no time zone `{name}`"), &hint);
    None
}

fn read_dates(node: &Node, reader: &mut ConfigReader<'_>) -> Option<BTreeSet<Date>> {
    let items = node.list_or_one();
    let mut dates = BTreeSet::new();
    let mut good = true;
    for item in items {
        let text = item.string(&mut reader.out);
        let date = text.as_deref().and_then(|text| text.parse::<Date>().ok().filter(|_| text.len() == 10));
        if let (Some(text), None) = (&text, date) {
            let message = format!("`{text}` is not a date");
            reader.report(code::BAD_DATE, item, message, "write it like \"2026-12-25\"");
        }
        good &= date.is_some();
        dates.extend(date);
    }
    good.then_some(dates)
}
