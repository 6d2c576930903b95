//! The one grammar of durations (`30m`, `2h`, `7d`, `1h30m`) and of rates (`30 per 1d`).

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr, time::Duration};

const UNITS: [(&str, u64); 6] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];
const MAX_MS: u64 = 3_650 * 86_400_000;

/// Why a text is no duration or rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDurationError {
    /// Not a number followed by a unit.
    #[error("`{0}` is not a duration; write a number and a unit, such as 30s, 5m, 2h, 7d or 1w")]
    Duration(String),
    /// More than ten years.
    #[error("`{0}` is longer than 3650d, the most that is allowed")]
    TooLong(String),
    /// Not `N per DURATION`.
    #[error("`{0}` is not a rate; write a count and a duration, such as `30 per 1d`")]
    Rate(String),
    /// A rate of nothing, or per no time.
    #[error("`{0}` is empty: a rate needs a count and a duration above zero")]
    Zero(String),
}

/// Reads `30m`, `1h30m`, `0s`. A day is 24 hours. Spaces between parts are allowed.
pub fn parse_duration(text: &str) -> Result<Duration, ParseDurationError> {
    let wrong = || ParseDurationError::Duration(text.to_owned());
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = rest[digits..].trim_start();
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let unit = &rest[..letters];
        let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, ms)| *ms).ok_or_else(wrong)?;
        let too_long = || ParseDurationError::TooLong(text.to_owned());
        total = number.checked_mul(factor).and_then(|ms| total.checked_add(ms)).ok_or_else(too_long)?;
        if total > MAX_MS {
            return Err(too_long());
        }
        rest = rest[letters..].trim_start();
    }
    Ok(Duration::from_millis(total))
}

/// A regular expression, for every engine, of what [`parse_duration`] reads; it does not check the maximum.
pub fn duration_pattern() -> String {
    format!(r"^\s*(?:{})+$", span_part("[0-9]+"))
}

/// A regular expression, for every engine, of what is read as a [`Rate`]; it does not check the maximum.
pub fn rate_pattern() -> String {
    // One of the parts is not zero.
    let [zero, some, any] = ["0+", "0*[1-9][0-9]*", "[0-9]+"].map(span_part);
    format!(r"^\s*\+?0*[1-9][0-9]*\s* per \s*(?:{zero})*{some}(?:{any})*$")
}

fn span_part(digits: &str) -> String {
    let units: Vec<&str> = UNITS.iter().map(|(name, _)| *name).collect();
    format!(r"{digits}\s*(?:{})\s*", units.join("|"))
}

/// The shortest text that [`parse_duration`] reads back as the same length: `1h30m`, `7d`, `0s`.
pub fn format_duration(span: Duration) -> String {
    let mut left = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    if left == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    for (name, factor) in UNITS.iter().rev().filter(|(name, _)| *name != "w") {
        if left >= *factor {
            out.push_str(&format!("{}{name}", left / factor));
            left %= factor;
        }
    }
    out
}

/// At most so many in any window of this length: `30 per 1d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many; at least 1.
    pub count: u32,
    /// The rolling window; longer than zero.
    pub per: Duration,
}

impl FromStr for Rate {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, ParseDurationError> {
        let wrong = || ParseDurationError::Rate(text.to_owned());
        let (count, per) = text.split_once(" per ").ok_or_else(wrong)?;
        let count: u32 = count.trim().parse().map_err(|_| wrong())?;
        let per = parse_duration(per)?;
        if count == 0 || per.is_zero() {
            return Err(ParseDurationError::Zero(text.to_owned()));
        }
        Ok(Self { count, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} per {}", self.count, format_duration(self.per))
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_write() {
        for (text, seconds) in [("30s", 30), ("5m", 300), ("2h", 7_200), ("7d", 604_800), ("1h30m", 5_400), ("0s", 0)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
            assert_eq!(format_duration(Duration::from_secs(seconds)), text);
        }
        assert_eq!(parse_duration("1w"), Ok(Duration::from_secs(604_800)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        for text in ["", "30", "m", "-5m", "1.5h", "5 minutes", "99999999999999999999d", "h5", "4000d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_patterns_agree_with_the_readers() {
        let (spans, rates) =
            (regex::Regex::new(&duration_pattern()).unwrap(), regex::Regex::new(&rate_pattern()).unwrap());
        let texts =
            ["30s", " 1h 30m ", "250ms", "0s", "0s1m", "1w2d", "", "30", "m", "-5m", "1.5h", "5 minutes", "h5", "1hm"];
        for text in texts {
            assert_eq!(spans.is_match(text), parse_duration(text).is_ok(), "{text}");
            for count in ["30", "0", "-1", "+2", " 007 ", "x", ""] {
                let rate = format!("{count} per {text}");
                assert_eq!(rates.is_match(&rate), rate.parse::<Rate>().is_ok(), "{rate}");
            }
        }
    }

    #[test]
    fn rates_read_and_write() {
        let rate: Rate = "30 per 1d".parse().unwrap();
        assert_eq!((rate.count, rate.per), (30, Duration::from_secs(86_400)));
        assert_eq!(rate.to_string(), "30 per 1d");
        for text in ["", "30", "per 1d", "0 per 1d", "3 per 0s", "-1 per 1d", "3 per day"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
