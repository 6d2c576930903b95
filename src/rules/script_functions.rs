//! What scripts can call beyond the language.

use super::pattern::{Pattern, bounded};
use crate::model::domain_of;
use jiff::{Timestamp, tz::TimeZone};
use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString as Text, Position};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

type Outcome<T> = Result<T, Box<EvalAltResult>>;

/// How many compiled expressions are kept.
const KEPT: usize = 256;

fn wrong<T>(message: impl Into<String>) -> Outcome<T> {
    Err(Box::new(EvalAltResult::ErrorRuntime(message.into().into(), Position::NONE)))
}

pub(super) fn register(engine: &mut Engine) {
    engine.register_fn("contains_ci", |text: Text, part: Text| text.to_lowercase().contains(&part.to_lowercase()));
    engine.register_fn("is_one_of", |text: Text, list: Array| {
        list.into_iter()
            .filter_map(|item| item.into_immutable_string().ok())
            .any(|item| item.to_lowercase() == text.to_lowercase())
    });
    engine.register_fn("domain_of", |text: Text| domain_of(&text).map_or(Dynamic::UNIT, Dynamic::from));
    register_patterns(engine);
    register_times(engine);
}

/// An absent value (`()`) contains, matches and belongs to nothing: a script need not test for it first.
fn register_patterns(engine: &mut Engine) {
    let kept: Arc<Mutex<HashMap<String, Pattern>>> = Arc::default();
    let compiled = move |pattern: &str| -> Outcome<Pattern> {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept.get(pattern) {
            return Ok(found.clone());
        }
        match Pattern::new(pattern) {
            Ok(new) => {
                if kept.len() >= KEPT {
                    kept.clear();
                }
                kept.insert(pattern.to_owned(), new.clone());
                Ok(new)
            }
            Err(error) => wrong(format!("`{pattern}` is no regular expression: {error}")),
        }
    };
    let shared = compiled.clone();
    engine.register_fn("regex_is_match", move |text: Text, pattern: Text| -> Outcome<bool> {
        Ok(shared(&pattern)?.regex().is_match(bounded(&text)))
    });
    engine.register_fn("regex_capture", move |text: Text, pattern: Text| -> Outcome<Dynamic> {
        let pattern = compiled(&pattern)?;
        let Some(found) = pattern.regex().captures(bounded(&text)) else { return Ok(Dynamic::UNIT) };
        let group = found.get(1).or_else(|| found.get(0)).map(|group| group.as_str().to_owned());
        Ok(group.map_or(Dynamic::UNIT, Dynamic::from))
    });
    engine.register_fn("contains_ci", |_: (), _: Text| false);
    engine.register_fn("is_one_of", |_: (), _: Array| false);
    engine.register_fn("regex_is_match", |_: (), _: Text| false);
    engine.register_fn("regex_capture", |_: (), _: Text| Dynamic::UNIT);
    engine.register_fn("domain_of", |_: ()| Dynamic::UNIT);
}

fn time(text: &str) -> Outcome<Timestamp> {
    match text.parse() {
        Ok(time) => Ok(time),
        Err(_) => wrong(format!("`{text}` is no time such as 2026-01-05T09:00:00Z")),
    }
}

fn zone(name: &str) -> Outcome<TimeZone> {
    match TimeZone::get(name) {
        Ok(zone) => Ok(zone),
        Err(_) => wrong(format!("`{name}` is no time zone such as America/New_York")),
    }
}

fn seconds_since(now: &str, then: &str) -> Outcome<f64> {
    Ok(time(now)?.duration_since(time(then)?).as_secs_f64())
}

/// Times are texts in RFC 3339: `now.days_since(thread.last_message_at)`, `now.hour("Europe/Berlin")`.
fn register_times(engine: &mut Engine) {
    engine.register_fn("hours_since", |now: Text, then: Text| {
        Ok::<_, Box<EvalAltResult>>(seconds_since(&now, &then)? / 3_600.0)
    });
    engine.register_fn("days_since", |now: Text, then: Text| {
        Ok::<_, Box<EvalAltResult>>(seconds_since(&now, &then)? / 86_400.0)
    });
    engine.register_fn("weekday", |at: Text, name: Text| -> Outcome<String> {
        Ok(time(&at)?.to_zoned_datetime(zone(&name)?).strftime("%a").to_string().to_lowercase())
    });
    engine.register_fn("hour", |at: Text, name: Text| -> Outcome<i64> {
        Ok(i64::from(time(&at)?.to_zoned_datetime(zone(&name)?).hour()))
    });
}
