//! What scripts can call beyond the language. [`FUNCTIONS`] is what people read about it.
//!
//! An absent value (`()`) contains, matches and belongs to nothing, and what is computed from one is absent: a script
//! need not ask for it first, and a comparison with it is false.

use super::{pattern::Pattern, script_clock, script_lookups, search_text::SearchText};
use crate::{
    model::{domain_of, fold_domain},
    text::normalize,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString as Text, Map, Position};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// A function of scripts, as it is documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScriptFunction {
    /// How it is called, as a method: `text.contains_ci(part)`. `contains_ci(text, part)` is the same.
    pub call: &'static str,
    /// What it gives.
    pub gives: &'static str,
    /// A use of it, which is true for jane@acme.example writing "Sure, a call on Tuesday?" on Monday, 2026-01-05.
    pub example: &'static str,
}

impl ScriptFunction {
    /// Its name alone.
    pub fn name(&self) -> &'static str {
        let before = self.call.split('(').next().unwrap_or_default();
        before.rsplit('.').next().unwrap_or_default()
    }
}

/// Every function that is added to the language.
pub const FUNCTIONS: &[ScriptFunction] = &[
    ScriptFunction {
        call: "text.contains_ci(part)",
        gives: "whether the text contains the part, ignoring case and spelling as expressions do; with a list, any of the parts",
        example: r#"message.text.contains_ci(["call", "demo"])"#,
    },
    ScriptFunction {
        call: "value.is_one_of(list)",
        gives: "whether the value is in the list, ignoring case; with a list of values, any of them",
        example: r#"thread.tags.is_one_of(["VIP", "partner"])"#,
    },
    ScriptFunction {
        call: "address.domain_of()",
        gives: "the domain of an address, in lower case",
        example: r#"domain_of("Jane <jane@ACME.example>") == "acme.example""#,
    },
    ScriptFunction {
        call: "address.domain_is_one_of(list)",
        gives: "whether the domain of an address (or a domain) is in the list or a subdomain of one: mail.acme.example is a subdomain of acme.example",
        example: r#"lead.email.domain_is_one_of(["acme.example", "globex.example"])"#,
    },
    ScriptFunction {
        call: "text.regex_is_match(pattern)",
        gives: "whether a regular expression, as in `when`, is found in the first 64 KiB, ignoring case",
        example: r"message.text.regex_is_match(`\b(mon|tues)day\b`)",
    },
    ScriptFunction {
        call: "text.regex_capture(pattern)",
        gives: "the first group of the first match as written, or the whole match if there is no group; `()` without a match",
        example: r#"message.text.regex_capture(`on (\w+)`) == "Tuesday""#,
    },
    ScriptFunction {
        call: "text.regex_captures(pattern)",
        gives: "a map of all groups of the first match by name and number, the whole match under \"0\"; `()` without a match",
        example: r#"message.text.regex_captures(`on (?<day>\w+)`).day == "Tuesday""#,
    },
    ScriptFunction {
        call: "lookup(list, value)",
        gives: "the row of a list of the configuration as a map of its columns, blank cells as `()`; `()` where the value is not in the list. A domain is found for its subdomains, and for addresses there",
        example: r#"lookup("target-accounts", lead.domain)?.owner == "Ann""#,
    },
    ScriptFunction {
        call: "key.pick(list)",
        gives: "one item of the list, always the same for the same key, evenly distributed over keys. A new item takes over only its share. Items are texts, numbers, or maps with a `name`",
        example: r#"lead.email.pick(["anna", "bob", "carla"]) == "bob""#,
    },
    ScriptFunction {
        call: "time.hours_since(earlier)",
        gives: "hours between two times, with a fraction; a date counts from its midnight in UTC",
        example: "now.hours_since(thread.last_message_at) == 1.0",
    },
    ScriptFunction {
        call: "time.days_since(earlier)",
        gives: "days of 24 hours between two times, with a fraction",
        example: r#"now.days_since("2026-01-01") > 4"#,
    },
    ScriptFunction {
        call: "time.days_until(later)",
        gives: "the same in reverse: `now.days_until(message.back_on)`",
        example: r#"now.days_until("2026-01-12") < 7"#,
    },
    ScriptFunction {
        call: "time.weekday(zone)",
        gives: "`mon`, `tue`, `wed`, `thu`, `fri`, `sat` or `sun` in a time zone",
        example: r#"now.weekday("America/New_York") == "mon""#,
    },
    ScriptFunction {
        call: "time.hour(zone)",
        gives: "the hour, 0 to 23, in a time zone",
        example: r#"now.hour("Europe/Berlin") == 10"#,
    },
    ScriptFunction {
        call: "time.date(zone)",
        gives: "the date in a time zone, such as `2026-01-05`; dates compare like texts",
        example: r#"now.date("Asia/Tokyo") >= "2026-01-05""#,
    },
];

type Outcome<T> = Result<T, Box<EvalAltResult>>;

/// How many compiled expressions are kept.
const KEPT: usize = 256;

fn wrong<T>(message: impl Into<String>) -> Outcome<T> {
    Err(Box::new(EvalAltResult::ErrorRuntime(message.into().into(), Position::NONE)))
}

pub(super) fn register(engine: &mut Engine) {
    register_lists(engine);
    register_patterns(engine);
    register_times(engine);
    script_lookups::register(engine);
}

fn register_lists(engine: &mut Engine) {
    engine.register_fn("contains_ci", |text: Text, part: Text| folded(&text).contains(&folded(&part)));
    engine.register_fn("contains_ci", |text: Text, parts: Array| {
        let text = folded(&text);
        texts(parts).any(|part| text.contains(&folded(&part)))
    });
    engine.register_fn("contains_ci", |_: (), _: Dynamic| false);
    engine.register_fn("is_one_of", |value: Dynamic, list: Array| match value.read_lock::<Array>() {
        Some(values) => values.iter().any(|value| list.iter().any(|item| same(value, item))),
        None => list.iter().any(|item| same(&value, item)),
    });
    engine.register_fn("domain_of", |text: Text| domain_of(&text).map_or(Dynamic::UNIT, Dynamic::from));
    engine.register_fn("domain_of", |(): ()| Dynamic::UNIT);
    engine.register_fn("domain_is_one_of", |text: Text, list: Array| {
        let domain = domain_of(&text).unwrap_or_else(|| text.trim().to_owned());
        let domain = fold_domain(&domain);
        texts(list).any(|item| is_at_or_below(&domain, &item))
    });
    engine.register_fn("domain_is_one_of", |_: (), _: Array| false);
    engine.register_fn("pick", |key: Text, list: Array| pick(&key, list));
    engine.register_fn("pick", |_: (), _: Array| Dynamic::UNIT);
}

/// A text without what does not count: case, the kind of apostrophe, how much white space.
fn folded(text: &str) -> String {
    script_clock::check_next();
    let normal = normalize(text);
    let mut folded = String::with_capacity(normal.as_str().len());
    for c in normal.as_str().chars().flat_map(char::to_lowercase) {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c != ' ' || !folded.ends_with(' ') {
            folded.push(c);
        }
    }
    folded
}

/// The texts among the items.
fn texts(list: Array) -> impl Iterator<Item = Text> {
    list.into_iter().filter_map(|item| item.into_immutable_string().ok())
}

/// Equal as people mean it: texts in any case, whole and fractional numbers by value. Absent is in no list.
fn same(left: &Dynamic, right: &Dynamic) -> bool {
    let number = |value: &Dynamic| value.as_float().ok().or_else(|| value.as_int().ok().map(|whole| whole as f64));
    if let (Ok(left), Ok(right)) = (left.as_immutable_string_ref(), right.as_immutable_string_ref()) {
        return left.to_lowercase() == right.to_lowercase();
    }
    match (number(left), number(right)) {
        (Some(left), Some(right)) => left == right,
        _ => matches!((left.as_bool(), right.as_bool()), (Ok(left), Ok(right)) if left == right),
    }
}

fn is_at_or_below(domain: &str, listed: &str) -> bool {
    let listed = fold_domain(listed.trim().trim_start_matches(['@', '*', '.']));
    let Some(before) = domain.strip_suffix(listed.as_ref()) else { return false };
    !listed.is_empty() && (before.is_empty() || before.ends_with('.'))
}

/// Rendezvous hashing: each item draws a number with the key (the first eight bytes of the SHA-256 of key, a zero byte
/// and item), the highest wins. Part of the contract: a lead must meet the same person after an update of the program.
fn pick(key: &str, list: Array) -> Outcome<Dynamic> {
    let key = key.trim().to_lowercase();
    let mut best: Option<([u8; 8], Dynamic)> = None;
    for item in list {
        let Some(name) = name_of(&item) else {
            return wrong("`pick` takes texts, numbers, or maps with a `name`");
        };
        let mut hash = Sha256::new();
        hash.update(key.as_bytes());
        hash.update([0]);
        hash.update(name.as_bytes());
        let mut drawn = [0; 8];
        drawn.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        if best.as_ref().is_none_or(|(highest, _)| drawn > *highest) {
            best = Some((drawn, item));
        }
    }
    Ok(best.map_or(Dynamic::UNIT, |(_, item)| item))
}

fn name_of(item: &Dynamic) -> Option<String> {
    if let Some(map) = item.read_lock::<Map>() {
        return map.get("name")?.as_immutable_string_ref().ok().map(|name| name.to_string());
    }
    (item.is_string() || item.is_int() || item.is_float()).then(|| item.to_string())
}

fn register_patterns(engine: &mut Engine) {
    let kept: Arc<Mutex<HashMap<String, Pattern>>> = Arc::default();
    let compiled = move |pattern: &str| -> Outcome<Pattern> {
        script_clock::check_next();
        if let Some(found) = kept.lock().unwrap_or_else(PoisonError::into_inner).get(pattern) {
            return Ok(found.clone());
        }
        let new = match Pattern::new(pattern) {
            Ok(new) => new,
            Err(error) => return wrong(format!("`{pattern}` is no regular expression: {error}")),
        };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), new.clone());
        Ok(new)
    };
    let of = compiled.clone();
    engine.register_fn("regex_is_match", move |text: Text, pattern: Text| -> Outcome<bool> {
        Ok(of(&pattern)?.is_match(SearchText::new(&text).as_str()))
    });
    let of = compiled.clone();
    engine.register_fn("regex_capture", move |text: Text, pattern: Text| -> Outcome<Dynamic> {
        let (text, pattern) = (SearchText::new(&text), of(&pattern)?);
        let Some(found) = pattern.captures(text.as_str()) else { return Ok(Dynamic::UNIT) };
        let group = if found.len() > 1 { found.iter().skip(1).flatten().next() } else { found.get(0) };
        Ok(group.map_or(Dynamic::UNIT, |group| Dynamic::from(text.original_text(group).to_owned())))
    });
    engine.register_fn("regex_captures", move |text: Text, pattern: Text| -> Outcome<Dynamic> {
        let (text, pattern) = (SearchText::new(&text), compiled(&pattern)?);
        let Some(found) = pattern.captures(text.as_str()) else { return Ok(Dynamic::UNIT) };
        let mut map = Map::new();
        for (number, (name, group)) in pattern.groups().zip(found.iter()).enumerate() {
            let text = group.map_or(Dynamic::UNIT, |group| Dynamic::from(text.original_text(group).to_owned()));
            if let Some(name) = name {
                map.insert(name.into(), text.clone());
            }
            map.insert(number.to_string().into(), text);
        }
        Ok(Dynamic::from(map))
    });
    engine.register_fn("regex_is_match", |_: (), _: Text| false);
    engine.register_fn("regex_capture", |_: (), _: Text| Dynamic::UNIT);
    engine.register_fn("regex_captures", |_: (), _: Text| Dynamic::UNIT);
}

/// A time in RFC 3339, or a date, which stands for its midnight in UTC.
fn time(text: &str) -> Outcome<Timestamp> {
    let midnight = || TimeZone::UTC.to_ambiguous_timestamp(text.parse::<Date>().ok()?.at(0, 0, 0, 0)).compatible().ok();
    match text.parse().ok().or_else(midnight) {
        Some(time) => Ok(time),
        None => wrong(format!("`{text}` is no time such as 2026-01-05T09:00:00Z")),
    }
}

fn zone(name: &str) -> Outcome<TimeZone> {
    match TimeZone::get(name) {
        Ok(zone) => Ok(zone),
        Err(_) => wrong(format!("`{name}` is no time zone such as America/New_York")),
    }
}

/// Times are texts, so that a script can print and compare them.
fn register_times(engine: &mut Engine) {
    for (name, seconds) in [("hours_since", 3_600.0), ("days_since", 86_400.0), ("days_until", -86_400.0)] {
        engine.register_fn(name, move |now: Text, then: Text| -> Outcome<f64> {
            Ok(time(&now)?.duration_since(time(&then)?).as_secs_f64() / seconds)
        });
        engine.register_fn(name, |_: Text, (): ()| Dynamic::UNIT);
        engine.register_fn(name, |_: (), _: Dynamic| Dynamic::UNIT);
    }
    engine.register_fn("weekday", |at: Text, name: Text| -> Outcome<String> {
        Ok(time(&at)?.to_zoned_datetime(zone(&name)?).strftime("%a").to_string().to_lowercase())
    });
    engine.register_fn("hour", |at: Text, name: Text| -> Outcome<i64> {
        Ok(i64::from(time(&at)?.to_zoned_datetime(zone(&name)?).hour()))
    });
    engine.register_fn("date", |at: Text, name: Text| -> Outcome<String> {
        Ok(time(&at)?.to_zoned_datetime(zone(&name)?).strftime("%Y-%m-%d").to_string())
    });
    for name in ["weekday", "hour", "date"] {
        engine.register_fn(name, |_: (), _: Text| Dynamic::UNIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(key: &str, list: &[&str]) -> String {
        pick(key, list.iter().map(|item| Dynamic::from((*item).to_owned())).collect()).expect("texts").to_string()
    }

    #[test]
    fn a_pick_is_stable_even_and_moves_few() {
        // Fixed for ever: a lead must not change hands with an update.
        for (key, expected) in [("jane@acme.example", "bob"), ("JANE@acme.example ", "bob"), ("", "anna")] {
            assert_eq!(picked(key, &["anna", "bob", "carla"]), expected, "{key:?}");
        }
        let keys: Vec<String> = (0..3_000).map(|number| format!("lead-{number}@acme.example")).collect();
        let mut counts = HashMap::new();
        let mut moved = 0;
        for key in &keys {
            let before = picked(key, &["anna", "bob", "carla"]);
            assert_eq!(before, picked(key, &["carla", "anna", "bob"]), "the order of the list does not matter");
            let after = picked(key, &["anna", "bob", "carla", "dan"]);
            assert!(after == before || after == "dan", "{key} went from {before} to {after}");
            moved += usize::from(after != before);
            *counts.entry(before).or_insert(0) += 1;
        }
        assert!(counts.len() == 3 && counts.values().all(|count| (900..1_100).contains(count)), "{counts:?}");
        assert!((650..850).contains(&moved), "{moved}");
        assert!(pick("x", vec![Dynamic::from(Map::new())]).is_err());
        assert!(pick("x", Vec::new()).expect("nothing").is_unit());
    }

    #[test]
    fn domains_end_at_a_dot() {
        let check = |domain: &str, listed: &str, expected: bool| {
            assert_eq!(is_at_or_below(domain, listed), expected, "{domain} {listed}");
        };
        check("acme.example", "ACME.example", true);
        check("mail.acme.example", "acme.example", true);
        check("mail.acme.example", "@acme.example", true);
        check("mail.acme.example", "*.acme.example", true);
        check("notacme.example", "acme.example", false);
        check("acme.example.org", "acme.example", false);
        check("acme.example", "", false);
    }
}
