//! Opening hours: when an action may leave. Pure: the time is an argument.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const DAY_MINUTES: u16 = 24 * 60;

/// A weekly window in a time zone, without some dates.
///
/// A window belongs to the day on which it begins: with `22:00` to `06:00` on Fridays, Saturday 05:00 is open, and a date
/// in `except` closes the night that begins on it. Where the clocks go forward over an end of a window, that end moves
/// with them; where they go back, the first of the two counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningHours {
    days: [bool; 7],
    from: u16,
    to: u16,
    #[serde(with = "jiff::fmt::serde::tz::required")]
    zone: TimeZone,
    except: BTreeSet<Date>,
}

/// Why hours are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// No day is named.
    #[error("no day is named, so it would never be open")]
    NoDay,
    /// Beginning and end are one time.
    #[error("`from` and `to` are the same time; for the whole day write from \"00:00\" to \"24:00\"")]
    Empty,
    /// More than 24:00.
    #[error("a day has 24 hours")]
    TooLate,
}

impl OpeningHours {
    /// Hours from `from` to `to`, in minutes after midnight (`to` up to 1,440). With `to` before `from` the window ends
    /// on the next day.
    ///
    /// # Errors
    /// When the window could never open.
    pub fn new(
        days: &[Weekday],
        from: u16,
        to: u16,
        zone: TimeZone,
        except: BTreeSet<Date>,
    ) -> Result<Self, HoursError> {
        if days.is_empty() {
            return Err(HoursError::NoDay);
        }
        if from >= DAY_MINUTES || to > DAY_MINUTES {
            return Err(HoursError::TooLate);
        }
        if from == to {
            return Err(HoursError::Empty);
        }
        let mut named = [false; 7];
        for (day, open) in (0..).zip(named.iter_mut()) {
            *open = days.iter().any(|weekday| weekday.to_monday_zero_offset() == day);
        }
        Ok(Self { days: named, from, to, zone, except })
    }

    /// Whether an action may leave now.
    pub fn is_open(&self, now: Timestamp) -> bool {
        let today = self.zone.to_datetime(now).date();
        [today.yesterday().ok(), Some(today)].into_iter().flatten().any(|date| {
            // The end is not open any more.
            self.window(date).is_some_and(|(open, close)| open <= now && now < close)
        })
    }

    /// The earliest time from `now` on that is open: `now` itself when it is. `None` when none comes within the next
    /// eleven years, because every day is excepted.
    pub fn next_open(&self, now: Timestamp) -> Option<Timestamp> {
        if self.is_open(now) {
            return Some(now);
        }
        let mut date = self.zone.to_datetime(now).date();
        for _ in 0..4_000 {
            if let Some((open, close)) = self.window(date)
                && open >= now
                && open < close
            {
                return Some(open);
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The window that begins on a date.
    fn window(&self, date: Date) -> Option<(Timestamp, Timestamp)> {
        let day = usize::try_from(date.weekday().to_monday_zero_offset()).ok()?;
        if !*self.days.get(day)? || self.except.contains(&date) {
            return None;
        }
        let end = if self.to < self.from { date.tomorrow().ok()? } else { date };
        Some((self.instant(date, self.from)?, self.instant(end, self.to)?))
    }

    fn instant(&self, date: Date, minutes: u16) -> Option<Timestamp> {
        let time = date.at(0, 0, 0, 0).checked_add(i64::from(minutes).minutes()).ok()?;
        self.zone.to_timestamp(time).ok()
    }
}

/// Minutes after midnight of `09:30`, up to `24:00`; `None` for anything else.
pub fn parse_time(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |part: &str, most: usize| part.len() <= most && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(hours, 2) || minutes.len() != 2 || !digits(minutes, 2) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= DAY_MINUTES).then_some(total)
}

/// The days' names, from Monday on; three letters of each are enough.
pub const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The weekday of `mon` … `sun`, or of its whole English name, in any case.
pub fn parse_weekday(text: &str) -> Option<Weekday> {
    let text = text.to_lowercase();
    let found = (0..).zip(WEEKDAYS).find(|(_, name)| text == *name || name.get(..3) == Some(text.as_str()));
    found.and_then(|(day, _)| Weekday::from_monday_zero_offset(day).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: [Weekday; 5] =
        [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

    fn hours(days: &[Weekday], from: &str, to: &str, zone: &str, except: &[&str]) -> OpeningHours {
        let except = except.iter().map(|date| date.parse().unwrap()).collect();
        let zone = TimeZone::get(zone).unwrap();
        OpeningHours::new(days, parse_time(from).unwrap(), parse_time(to).unwrap(), zone, except).unwrap()
    }

    #[track_caller]
    fn check(hours: &OpeningHours, cases: &[(&str, &str)]) {
        for (now, next) in cases {
            let now: Timestamp = now.parse().unwrap();
            let next: Timestamp = next.parse().unwrap();
            assert_eq!(hours.next_open(now), Some(next), "{now}");
            assert_eq!(hours.is_open(now), now == next, "{now}");
            assert!(hours.is_open(next), "{next}");
        }
    }

    #[test]
    fn office_hours_in_new_york() {
        let office = hours(&WEEK, "09:00", "18:00", "America/New_York", &["2026-12-25"]);
        check(
            &office,
            &[
                ("2026-01-05T13:59:59Z", "2026-01-05T14:00:00Z"), // Monday, just before nine
                ("2026-01-05T14:00:00Z", "2026-01-05T14:00:00Z"),
                ("2026-01-05T22:59:59Z", "2026-01-05T22:59:59Z"),
                ("2026-01-05T23:00:00Z", "2026-01-06T14:00:00Z"), // six o'clock is closed
                ("2026-01-09T23:30:00Z", "2026-01-12T14:00:00Z"), // over the week-end
                ("2026-12-25T15:00:00Z", "2026-12-28T14:00:00Z"), // the excepted Friday
                ("2026-03-07T12:00:00Z", "2026-03-09T13:00:00Z"), // clocks went forward on Sunday
                ("2026-10-31T12:00:00Z", "2026-11-02T14:00:00Z"), // and back
            ],
        );
    }

    #[test]
    fn nights_end_on_the_next_day() {
        let night = hours(&[Weekday::Friday], "22:00", "06:00", "Europe/Berlin", &["2026-01-16"]);
        check(
            &night,
            &[
                ("2026-01-09T20:59:00Z", "2026-01-09T21:00:00Z"),
                ("2026-01-10T04:59:00Z", "2026-01-10T04:59:00Z"), // Saturday 05:59
                ("2026-01-10T05:00:00Z", "2026-01-23T21:00:00Z"), // the 16th is excepted, with its night
                ("2026-01-17T02:00:00Z", "2026-01-23T21:00:00Z"),
                ("2026-01-08T23:00:00Z", "2026-01-09T21:00:00Z"), // Friday after midnight belongs to Thursday
            ],
        );
    }

    #[test]
    fn windows_at_the_change_of_clocks() {
        let sunday = [Weekday::Sunday];
        // Berlin, 29 March 2026: 02:00 becomes 03:00. 02:30 does not exist and moves to 03:30.
        let gap = hours(&sunday, "02:30", "05:00", "Europe/Berlin", &[]);
        check(
            &gap,
            &[("2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"), ("2026-03-29T03:00:00Z", "2026-04-05T00:30:00Z")],
        );
        // A window inside the hour that is skipped by its beginning only is never open on that day.
        let lost = hours(&sunday, "02:30", "03:00", "Europe/Berlin", &[]);
        check(&lost, &[("2026-03-28T23:00:00Z", "2026-04-05T00:30:00Z")]);
        // New York, 1 November 2026: 01:00 to 02:00 comes twice; the first one opens and closes.
        let fold = hours(&sunday, "01:00", "01:30", "America/New_York", &[]);
        check(
            &fold,
            &[("2026-11-01T04:00:00Z", "2026-11-01T05:00:00Z"), ("2026-11-01T06:15:00Z", "2026-11-08T06:00:00Z")],
        );
        let across = hours(&sunday, "00:00", "24:00", "America/New_York", &[]);
        check(
            &across,
            &[("2026-11-02T04:59:59Z", "2026-11-02T04:59:59Z"), ("2026-11-02T05:00:00Z", "2026-11-08T05:00:00Z")],
        );
    }

    #[test]
    fn hours_that_never_open_are_refused() {
        let new = |days: &[Weekday], from, to| OpeningHours::new(days, from, to, TimeZone::UTC, BTreeSet::new());
        assert_eq!(new(&[], 0, 60), Err(HoursError::NoDay));
        assert_eq!(new(&WEEK, 60, 60), Err(HoursError::Empty));
        assert_eq!(new(&WEEK, 0, 1_441), Err(HoursError::TooLate));
        assert_eq!(new(&WEEK, 1_440, 60), Err(HoursError::TooLate));
        let only = hours(&[Weekday::Monday], "09:00", "10:00", "UTC", &["2026-01-05", "2026-01-12"]);
        check(&only, &[("2026-01-05T09:30:00Z", "2026-01-19T09:00:00Z")]);
        assert_eq!(only.next_open(Timestamp::MAX), None);
    }

    #[test]
    fn times_and_days_are_read() {
        for (text, minutes) in [("09:30", Some(570)), ("9:30", Some(570)), ("24:00", Some(1_440)), ("00:00", Some(0))] {
            assert_eq!(parse_time(text), minutes, "{text}");
        }
        for text in ["", "9", "9:3", "24:01", "12:60", "a:00", "-1:00", "+9:00", "009:00", "9:+1", "99:00"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
        assert_eq!(parse_weekday("Sun"), Some(Weekday::Sunday));
        assert_eq!(parse_weekday("tuesday"), Some(Weekday::Tuesday));
        assert_eq!(parse_weekday("tu"), None);
        assert_eq!(parse_weekday(""), None);
    }
}
