//! Reading an answer's JSON field by field: lenient about what is missing, precise about what is wrong.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::{Map, Value};
use std::fmt;

/// Where a value has a type that cannot be read as what the field is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DecodeError {
    /// The path, such as `messages[3].created_at`.
    pub(super) at: String,
    /// What is wrong; carries none of the value.
    pub(super) detail: String,
}

/// One JSON object and the path that leads to it.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: &'a str,
}

impl<'a> Fields<'a> {
    /// The object, or where it should have been.
    pub(super) fn of(value: &'a Value, path: &'a str) -> Result<Self, DecodeError> {
        match value {
            Value::Object(map) => Ok(Self { map, path }),
            other => Err(wrong(if path.is_empty() { "the whole answer" } else { path }, "an object", other)),
        }
    }

    /// The path of a field in the whole answer.
    pub(super) fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The field; `null` is the same as missing.
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// A short text without surrounding space; numbers are taken as text, blank is `None`.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, DecodeError> {
        Ok(self.raw_text(name)?.map(|text| text.trim().to_owned()))
    }

    /// A text as it was sent; blank is `None`.
    pub(super) fn raw_text(&self, name: &str) -> Result<Option<String>, DecodeError> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(other) => return Err(wrong(self.at(name), "text", other)),
        };
        Ok((!text.trim().is_empty()).then_some(text))
    }

    /// A text that must be there.
    pub(super) fn required(&self, name: &str) -> Result<String, DecodeError> {
        self.text(name)?.ok_or_else(|| DecodeError { at: self.at(name), detail: "is missing".to_owned() })
    }

    /// A yes or no; also as 0, 1 or text.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, DecodeError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::Number(number)) if number.as_u64() == Some(0) => Ok(Some(false)),
            Some(Value::Number(number)) if number.as_u64() == Some(1) => Ok(Some(true)),
            Some(Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
                "" => Ok(None),
                "true" | "1" => Ok(Some(true)),
                "false" | "0" => Ok(Some(false)),
                _ => Err(DecodeError { at: self.at(name), detail: "is neither true nor false".to_owned() }),
            },
            Some(other) => Err(wrong(self.at(name), "true or false", other)),
        }
    }

    /// A count; also as text or as a whole float. A negative or broken number says nothing and is `None`.
    pub(super) fn count(&self, name: &str) -> Result<Option<u64>, DecodeError> {
        // Up to 2^53 a float is exact; beyond that no count of anything here makes sense.
        let whole = |number: f64| {
            (number >= 0.0 && number.fract() == 0.0 && number < 9_007_199_254_740_992.0).then_some(number as u64)
        };
        Ok(match self.get(name) {
            Some(Value::Number(number)) if number.is_u64() => number.as_u64(),
            _ => self.number(name)?.and_then(whole),
        })
    }

    /// A finite number; also as text.
    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, DecodeError> {
        let number = match self.get(name) {
            None => None,
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) if text.trim().is_empty() => None,
            Some(Value::String(text)) => match text.trim().parse::<f64>() {
                Ok(number) => Some(number),
                Err(_) => return Err(DecodeError { at: self.at(name), detail: "is no number".to_owned() }),
            },
            Some(other) => return Err(wrong(self.at(name), "a number", other)),
        };
        Ok(number.filter(|number| number.is_finite()))
    }

    /// A time: RFC 3339; without an offset it is taken as UTC. Text that is no time is `None`, and logged: a message
    /// whose time is unknown is worth more than none.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, DecodeError> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim(),
            Some(other) => return Err(wrong(self.at(name), "a time", other)),
        };
        let time = read_time(text);
        if time.is_none() && !text.is_empty() {
            tracing::warn!(at = %self.at(name), "a time in ColdSend's answer cannot be read, it is taken as unknown");
        }
        Ok(time)
    }

    /// The items of a list; `None` when it is missing.
    pub(super) fn list(&self, name: &str) -> Result<Option<&'a [Value]>, DecodeError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => Err(wrong(self.at(name), "a list", other)),
        }
    }

    /// A list of texts; missing is empty, blank items are left out.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, DecodeError> {
        let mut texts = Vec::new();
        for (index, item) in self.list(name)?.unwrap_or_default().iter().enumerate() {
            match item {
                Value::String(text) if text.trim().is_empty() => {}
                Value::String(text) => texts.push(text.trim().to_owned()),
                Value::Number(number) => texts.push(number.to_string()),
                Value::Null => {}
                other => return Err(wrong(format!("{}[{index}]", self.at(name)), "text", other)),
            }
        }
        Ok(texts)
    }
}

fn read_time(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok())
}

fn wrong(at: impl fmt::Display, wanted: &str, found: &Value) -> DecodeError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    DecodeError { at: at.to_string(), detail: format!("should be {wanted}, is {found}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scalars_are_read_leniently() {
        let value = json!({"n": "12", "f": 12.0, "neg": -3, "t": " x ", "id": 7, "blank": " ", "b": "TRUE", "z": 0, "no": null});
        let fields = Fields::of(&value, "").unwrap();
        assert_eq!(fields.count("n"), Ok(Some(12)));
        assert_eq!(fields.count("f"), Ok(Some(12)));
        assert_eq!(fields.count("neg"), Ok(None));
        assert_eq!(fields.text("t"), Ok(Some("x".to_owned())));
        assert_eq!(fields.raw_text("t"), Ok(Some(" x ".to_owned())));
        assert_eq!(fields.text("id"), Ok(Some("7".to_owned())));
        assert_eq!(fields.text("blank"), Ok(None));
        assert_eq!(fields.flag("b"), Ok(Some(true)));
        assert_eq!(fields.flag("z"), Ok(Some(false)));
        assert_eq!(fields.flag("no"), Ok(None));
        assert_eq!(fields.flag("missing"), Ok(None));
    }

    #[test]
    fn wrong_types_say_where() {
        let value = json!({"s": {}, "c": [1], "tags": ["a", {}]});
        let fields = Fields::of(&value, "conversations[2]").unwrap();
        let error = fields.text("s").unwrap_err();
        assert_eq!((error.at.as_str(), error.detail.as_str()), ("conversations[2].s", "should be text, is an object"));
        assert_eq!(fields.count("c").unwrap_err().detail, "should be a number, is a list");
        assert_eq!(fields.texts("tags").unwrap_err().at, "conversations[2].tags[1]");
    }

    #[test]
    fn times_in_the_forms_that_servers_write() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(read_time(text).map(|time| time.to_string()).as_deref(), expected, "{text}");
        };
        check("2026-01-05T09:00:00Z", Some("2026-01-05T09:00:00Z"));
        check("2026-01-05T09:00:00.123456+00:00", Some("2026-01-05T09:00:00.123456Z"));
        check("2026-01-05T09:00:00+02:00", Some("2026-01-05T07:00:00Z"));
        check("2026-01-05T09:00:00.5", Some("2026-01-05T09:00:00.5Z"));
        check("2026-01-05 09:00:00", Some("2026-01-05T09:00:00Z"));
        check("yesterday", None);
        check("", None);
    }
}
