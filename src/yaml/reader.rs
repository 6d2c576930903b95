//! Taking values out of a tree: each reader says what is wrong and goes on, so that one pass finds every mistake.

use super::{Kind, Node, Schema, Style, Value};
use crate::diagnostics::{Diagnostic, Diagnostics, code};
use crate::model::{Rate, parse_duration};
use std::{ops::RangeInclusive, time::Duration};

/// The word among `known` that was probably meant by `written`.
pub fn did_you_mean<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let written = written.to_lowercase().replace('-', "_");
    let scored = known.into_iter().map(|word| {
        let plain = word.to_lowercase().replace('-', "_");
        (strsim::damerau_levenshtein(&written, &plain), word)
    });
    let (distance, word) = scored.min_by_key(|(distance, _)| *distance)?;
    // One slip in a short word, two or three in a long one; more is a guess.
    (distance <= 1 + written.chars().count().max(word.chars().count()) / 4 && distance < word.len()).then_some(word)
}

/// `3 minutes` as a duration is written: `3m`.
fn in_words(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, word) = text.split_at(digits);
    let unit = ["second", "minute", "hour", "day", "week"].iter().find(|unit| word.trim().starts_with(**unit))?;
    (!number.is_empty()).then(|| format!("{number}{}", unit.get(..1).unwrap_or_default()))
}

/// The entries of a mapping whose keys have been checked.
#[derive(Debug, Clone)]
pub struct Fields<'n> {
    node: &'n Node,
    /// What the keys were checked against; none where the user chooses them.
    shape: Option<&'static Schema>,
    /// Known keys that unknown ones were probably meant to be.
    misspelt: Vec<String>,
}

impl<'n> Fields<'n> {
    /// The mapping itself.
    pub fn node(&self) -> &'n Node {
        self.node
    }

    /// The value of a key as written, also when it is null.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        debug_assert!(self.shape.is_none_or(|shape| shape.has(key)), "`{key}` is read, but its shape does not know it");
        self.node.get(key)
    }

    /// The key itself, to point at.
    pub fn key(&self, key: &str) -> Option<&'n Node> {
        let Value::Mapping(entries) = &self.node.value else { return None };
        entries.iter().find(|(name, _)| name.text() == key).map(|(name, _)| name)
    }

    /// The value of a key; a null counts as absent.
    pub fn non_null(&self, key: &str) -> Option<&'n Node> {
        self.get(key).filter(|node| !node.is_null())
    }

    /// The value of a key that must be there and not be null; reported when it is not.
    pub fn required(&self, key: &str, out: &mut Diagnostics) -> Option<&'n Node> {
        let found = self.non_null(key);
        if found.is_none() && !self.has_typo(key) {
            let place = self.key(key).or_else(|| self.first_key()).unwrap_or(self.node);
            out.push(Diagnostic::error(code::MISSING_KEY, place, format!("`{key}` is missing")));
        }
        found
    }

    /// Whether another key was probably meant to be this one; that has been reported then.
    pub fn has_typo(&self, key: &str) -> bool {
        self.get(key).is_none() && self.misspelt.iter().any(|meant| meant == key)
    }

    /// Keys and values in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &'n (Node, Node)> {
        let entries: &'n [(Node, Node)] = match &self.node.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        };
        entries.iter()
    }

    fn first_key(&self) -> Option<&'n Node> {
        self.iter().next().map(|(key, _)| key)
    }
}

impl Node {
    /// The entries of a mapping, its keys checked against its shape. Reports and gives `None` when it is no mapping.
    pub fn fields<'n>(&'n self, shape: &'static Schema, out: &mut Diagnostics) -> Option<Fields<'n>> {
        let mut fields = Fields { shape: Some(shape), ..self.entries(out)? };
        let mut misspelt = Vec::new();
        for (key, _) in fields.iter().filter(|(key, _)| !shape.has(key.text())) {
            let written = key.text();
            let guess = did_you_mean(written, shape.names());
            misspelt.extend(guess.map(str::to_owned));
            let hint = match guess {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("known here: {}", shape.names().collect::<Vec<_>>().join(", ")),
            };
            out.push(Diagnostic::error(code::UNKNOWN_KEY, key, format!("unknown key `{written}`")).hint(hint));
        }
        fields.misspelt = misspelt;
        Some(fields)
    }

    /// The entries of a mapping whose keys are names that the user chooses.
    pub fn entries<'n>(&'n self, out: &mut Diagnostics) -> Option<Fields<'n>> {
        if matches!(self.value, Value::Mapping(_)) {
            return Some(Fields { node: self, shape: None, misspelt: Vec::new() });
        }
        self.wrong_type("a mapping (`key: value`)", out);
        None
    }

    /// The items of a list. Reports and gives `None` for anything else.
    pub fn list(&self, out: &mut Diagnostics) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            other => {
                let message = format!("a list is needed here, not {}", self.describe());
                let error = Diagnostic::error(code::WRONG_TYPE, self, message);
                out.push(match other {
                    Value::Mapping(_) => error.hint("begin each item of a list with `- `"),
                    _ => error.hint("write `[one, two]`, or one item a line, each begun with `- `"),
                });
                None
            }
        }
    }

    /// The items of a list, or the value itself as the only item.
    pub fn list_or_one(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// A text. Numbers count as the text they are written as (`1.10` stays `1.10`); `true`, `false` and null are
    /// reported, because quotes were probably forgotten.
    pub fn string(&self, out: &mut Diagnostics) -> Option<String> {
        match self.scalar() {
            Some(scalar) if matches!(scalar.kind, Kind::Text | Kind::Int(_) | Kind::Float(_)) => {
                Some(scalar.text.clone())
            }
            Some(scalar) if matches!(scalar.kind, Kind::Bool(_)) => {
                let message = format!("a text is needed here, not {}", self.describe());
                let hint = format!("write \"{}\" in quotes if the word is meant", scalar.text);
                out.push(Diagnostic::error(code::WRONG_TYPE, self, message).hint(hint));
                None
            }
            _ => {
                self.wrong_type("a text", out);
                None
            }
        }
    }

    /// A backspace that double quotes made of `\b`: odd in a text, and never right in a regular expression.
    pub fn check_backspace(&self) -> Option<Diagnostic> {
        let scalar = self.scalar().filter(|scalar| scalar.style == Style::DoubleQuoted)?;
        let at = scalar.text.find('\u{8}')?;
        let message = "in double quotes `\\b` is a backspace, not the edge of a word";
        let found = Diagnostic::error(code::BACKSPACE, &self.at(at..at + 1), message);
        Some(found.hint("write regular expressions in single quotes: '\\bword\\b'"))
    }

    /// A text that is not blank.
    pub fn non_empty_string(&self, out: &mut Diagnostics) -> Option<String> {
        let text = self.string(out)?;
        if text.trim().is_empty() {
            out.push(Diagnostic::error(code::WRONG_TYPE, self, "the text is empty"));
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub fn bool(&self, out: &mut Diagnostics) -> Option<bool> {
        let scalar = self.scalar();
        if let Some(Kind::Bool(value)) = scalar.map(|scalar| scalar.kind) {
            return Some(value);
        }
        let meant = match self.text().to_lowercase().as_str() {
            "yes" | "on" | "y" | "true" | "1" => Some(true),
            "no" | "off" | "n" | "false" | "0" => Some(false),
            _ => None,
        };
        let message = format!("`true` or `false` is needed here, not {}", self.shown());
        let mut diagnostic = Diagnostic::error(code::WRONG_TYPE, self, message);
        if let Some(meant) = meant {
            diagnostic = diagnostic.hint(format!("write `{meant}`, without quotes"));
        }
        out.push(diagnostic);
        None
    }

    /// A whole number in a range.
    pub fn integer(&self, range: RangeInclusive<i64>, out: &mut Diagnostics) -> Option<i64> {
        match self.scalar().map(|scalar| scalar.kind) {
            Some(Kind::Int(value)) if range.contains(&value) => Some(value),
            Some(Kind::Int(value)) => {
                let message = format!("{value} is out of range: {} to {} is allowed", range.start(), range.end());
                out.push(Diagnostic::error(code::OUT_OF_RANGE, self, message));
                None
            }
            _ => {
                self.wrong_type("a whole number", out);
                None
            }
        }
    }

    /// A number, whole or not.
    pub fn number(&self, out: &mut Diagnostics) -> Option<f64> {
        match self.scalar().map(|scalar| scalar.kind) {
            #[allow(clippy::cast_precision_loss)] // conditions compare counts and confidences, far below 2^53
            Some(Kind::Int(value)) => Some(value as f64),
            Some(Kind::Float(value)) => Some(value),
            _ => {
                self.wrong_type("a number", out);
                None
            }
        }
    }

    /// A duration: `30s`, `5m`, `1h30m`, `7d`.
    pub fn duration(&self, out: &mut Diagnostics) -> Option<Duration> {
        let text = self.string(out)?;
        match parse_duration(&text) {
            Ok(span) => Some(span),
            Err(error) => {
                let mut diagnostic = Diagnostic::error(code::BAD_DURATION, self, error.to_string());
                if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
                    diagnostic = diagnostic.hint(format!("a unit is missing: `{text}s` is seconds, `{text}m` minutes"));
                } else if let Some(meant) = in_words(&text) {
                    diagnostic = diagnostic.hint(format!("did you mean `{meant}`?"));
                }
                out.push(diagnostic);
                None
            }
        }
    }

    /// A rate: `30 per 1d`.
    pub fn rate(&self, out: &mut Diagnostics) -> Option<Rate> {
        let text = self.string(out)?;
        match text.parse() {
            Ok(rate) => Some(rate),
            Err(error) => {
                let error: crate::model::ParseDurationError = error;
                let hint = "write it like `30 per 1d`";
                out.push(Diagnostic::error(code::BAD_RATE, self, error.to_string()).hint(hint));
                None
            }
        }
    }

    /// One of a fixed set of words; `choices` pairs each word with what it stands for.
    pub fn one_of<T: Clone>(&self, choices: &[(&str, T)], out: &mut Diagnostics) -> Option<T> {
        let written = self.text();
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == written) {
            return Some(value.clone());
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let message = format!("{} is not one of: {}", self.shown(), words.join(", "));
        let mut diagnostic = Diagnostic::error(code::NOT_ONE_OF, self, message);
        if let Some(word) = did_you_mean(written, words) {
            diagnostic = diagnostic.hint(format!("did you mean `{word}`?"));
        }
        out.push(diagnostic);
        None
    }

    /// Reports that something else is needed here.
    pub fn wrong_type(&self, needed: &str, out: &mut Diagnostics) {
        out.push(Diagnostic::error(
            code::WRONG_TYPE,
            self,
            format!("{needed} is needed here, not {}", self.describe()),
        ));
    }

    /// The value as written if it is short, otherwise what it is.
    fn shown(&self) -> String {
        match self.scalar() {
            Some(scalar) if scalar.kind != Kind::Null && scalar.text.len() <= 40 => format!("`{}`", scalar.text),
            _ => self.describe(),
        }
    }
}
