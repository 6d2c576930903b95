//! The headers that say what is left of the key's limit.

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// The longest time that a header may name; more is absurd, for the longest window is an hour.
const MAX_LEN: i64 = 3600;

/// What the headers say, without what is absurd.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RateLimitHeaders {
    /// How many the window allows: this distinguishes the minute from the hour.
    pub(super) limit: Option<u32>,
    /// Requests left, whoever uses the key.
    pub(super) remaining: Option<u32>,
    /// How long until there are more.
    pub(super) reset: Option<Duration>,
    /// How long to wait.
    pub(super) retry_after: Option<Duration>,
    /// The answer's own `Date`, in whole seconds.
    pub(super) date: Option<Timestamp>,
}

impl RateLimitHeaders {
    /// Reads an answer's headers. Times are compared with the answer's own `Date`, so that a wrong clock on this
    /// machine changes nothing; `now` serves where there is none.
    pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let date = text(DATE.as_str()).and_then(http_date);
        let now = date.unwrap_or(now);
        let limit = text("x-ratelimit-limit").and_then(|text| text.parse::<u32>().ok());
        let remaining = text("x-ratelimit-remaining").and_then(|text| text.parse::<u32>().ok());
        Self {
            limit,
            remaining: remaining.filter(|remaining| limit.is_none_or(|limit| limit > 0 && *remaining <= limit)),
            reset: text("x-ratelimit-reset").and_then(|text| from_now(text, now)),
            retry_after: text(RETRY_AFTER.as_str()).and_then(|text| match http_date(text) {
                Some(date) => sane(date.as_second().saturating_sub(now.as_second())),
                None => text.parse::<i64>().ok().and_then(sane),
            }),
            date,
        }
    }
}

/// Unix seconds, or (as some servers do) seconds from now. A second is added: both clocks count whole ones only.
fn from_now(text: &str, now: Timestamp) -> Option<Duration> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite())?.ceil() as i64;
    let wait = if seconds <= MAX_LEN { seconds } else { seconds.saturating_sub(now.as_second()) };
    sane(wait).map(|wait| (wait + Duration::from_secs(1)).min(Duration::from_secs(MAX_LEN as u64)))
}

fn sane(seconds: i64) -> Option<Duration> {
    (0..=MAX_LEN + 5).contains(&seconds).then(|| Duration::from_secs(seconds.clamp(0, MAX_LEN) as u64))
}

fn http_date(text: &str) -> Option<Timestamp> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    PARSER.parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn read(headers: &[(&'static str, &str)]) -> (Option<u32>, Option<u64>, Option<u64>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        let limits = RateLimitHeaders::read(&map, Timestamp::from_second(1_000_000_000).unwrap());
        (limits.remaining, limits.reset.map(|span| span.as_secs()), limits.retry_after.map(|span| span.as_secs()))
    }

    #[test]
    fn sane_headers_are_believed() {
        assert_eq!(
            read(&[("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "1000000030")]),
            (Some(7), Some(31), None)
        );
        assert_eq!(read(&[("x-ratelimit-reset", "45")]), (None, Some(46), None));
        assert_eq!(read(&[("retry-after", "12")]), (None, None, Some(12)));
        // The answer's own clock counts, not ours.
        assert_eq!(
            read(&[("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("x-ratelimit-reset", "784111787")]),
            (None, Some(11), None)
        );
        assert_eq!(
            read(&[("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]),
            (None, None, Some(30))
        );
    }

    #[test]
    fn absurd_headers_are_ignored() {
        for reset in ["-5", "999999999", "1000009999", "1000000030000", "soon", "NaN", "inf", ""] {
            assert_eq!(read(&[("x-ratelimit-reset", reset)]), (None, None, None), "{reset}");
        }
        for remaining in ["-1", "101", "4294967296", "many"] {
            let headers = [("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", remaining)];
            assert_eq!(read(&headers), (None, None, None), "{remaining}");
        }
        for after in ["-1", "86400", "x"] {
            assert_eq!(read(&[("retry-after", after)]), (None, None, None), "{after}");
        }
    }
}
