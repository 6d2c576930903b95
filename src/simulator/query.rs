//! Query parameters, validated as FastAPI does: all errors of a request in one 422.

use serde_json::{Value, json};
use uuid::Uuid;

/// The parameters of a request and what is wrong with them.
#[derive(Debug)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    mistakes: Vec<Value>,
}

/// One entry of a validation answer.
pub(super) fn validation_error(location: &[&str], message: &str, kind: &str) -> Value {
    json!({ "loc": location, "msg": message, "type": kind })
}

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        Self { pairs: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(), mistakes: Vec::new() }
    }

    /// The last value of a parameter, as FastAPI takes it.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    fn wrong(&mut self, name: &str, message: &str, kind: &str) {
        self.mistakes.push(validation_error(&["query", name], message, kind));
    }

    /// A whole number from 1 to `most`.
    pub(super) fn number(&mut self, name: &str, default: u64, most: u64) -> u64 {
        let Some(text) = self.text(name) else { return default };
        match text.trim().parse::<i64>() {
            Err(_) => {
                let message = "Input should be a valid integer, unable to parse string as an integer";
                self.wrong(name, message, "int_parsing");
            }
            Ok(number) if number < 1 => {
                self.wrong(name, "Input should be greater than or equal to 1", "greater_than_equal");
            }
            Ok(number) if number.unsigned_abs() > most => {
                self.wrong(name, &format!("Input should be less than or equal to {most}"), "less_than_equal");
            }
            Ok(number) => return number.unsigned_abs(),
        }
        default
    }

    /// A boolean in any of the spellings that pydantic takes.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        let text = self.text(name)?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" | "t" | "y" => Some(true),
            "false" | "0" | "no" | "off" | "f" | "n" => Some(false),
            _ => {
                let message = "Input should be a valid boolean, unable to interpret input";
                self.wrong(name, message, "bool_parsing");
                None
            }
        }
    }

    /// A UUID, in lower case.
    pub(super) fn uuid(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        match Uuid::parse_str(&text) {
            Ok(uuid) => Some(uuid.to_string()),
            Err(_) => {
                self.wrong(name, "Input should be a valid UUID", "uuid_parsing");
                None
            }
        }
    }

    /// The errors found by the calls so far.
    pub(super) fn finish(self) -> Result<(), Value> {
        if self.mistakes.is_empty() { Ok(()) } else { Err(Value::Array(self.mistakes)) }
    }
}
