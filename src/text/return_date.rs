//! The day on which an absent lead will be back, if the out-of-office note is unambiguous.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::dates::{Day, What, find_days};
use super::document::Document;
use super::lines::truncate;
use super::phrases::{Hit, Topic};

/// A note says it near its beginning.
const MAX_NOTE: usize = 8 * 1024;
/// A date stands at most this many words after the word that it belongs to, a weekday or "tomorrow" this many.
const NEAR: usize = 12;
const NEARER: usize = 7;
/// "Included" stands at most this many words after "until", before or behind the day.
const NEAR_INCLUDED: usize = 11;
/// A date without a year lies at most this many days before or after the message.
const PAST: i32 = 7;
const AHEAD: i32 = 270;

/// The day of return in an out-of-office note; `None` when it is not stated or can be read in two ways.
///
/// `written` is the day of the message: with it a date without a year, a weekday or "tomorrow" has a meaning too.
pub(super) fn back_on(subject: &str, body: &str, written: Option<Date>) -> Option<Date> {
    let text = format!("{subject}; {body}").split_whitespace().collect::<Vec<_>>().join(" ");
    let document = Document::of(truncate(&text, MAX_NOTE));
    // Mailboxes put English subjects above notes in other languages.
    let english = match Document::of(truncate(body, MAX_NOTE)).language() {
        Some(language) => language == "en",
        None => body.trim().is_empty() && document.language() == Some("en"),
    };
    let days = find_days(&document, english);
    let note = Note { document: &document, days, written, english };
    note.stated_return().or_else(|| note.range_end()).or_else(|| note.until())
}

struct Note<'d> {
    document: &'d Document,
    days: Vec<Day>,
    written: Option<Date>,
    // In English 3/4 is in March or in April, depending on who writes; elsewhere it is in April.
    english: bool,
}

impl Note<'_> {
    fn hits(&self, topic: Topic) -> impl Iterator<Item = &Hit> {
        // What makes a day no day makes "back" no return: "I will get back to you".
        let is_none = |hit: &&Hit| !self.document.hits.overlaps(Topic::NotADay, hit.words());
        self.document.hits.of(topic).iter().filter(is_none).take(20)
    }

    // "Back on 12 January", "am 12. Januar wieder im Büro".
    fn stated_return(&self) -> Option<Date> {
        let mut all: Vec<(usize, usize, Topic)> = [Topic::Back, Topic::BackAfterDate, Topic::BackFrom]
            .into_iter()
            .flat_map(|topic| self.hits(topic).map(move |hit| (hit.first, hit.end, topic)))
            .collect();
        all.sort_unstable();
        all.into_iter().find_map(|(first, end, topic)| {
            // "Ab dem 5. Januar im Urlaub" is no return, "ab dem 5. Januar wieder da" is one.
            let again = |end: usize| {
                let near = end..(end + 4).min(self.document.words.len());
                topic != Topic::BackFrom || self.document.hits.has(Topic::BackAfterDate, near)
            };
            let before = || if topic == Topic::BackAfterDate { self.before(first) } else { None };
            self.after(end, again).or_else(before)
        })
    }

    // The day that follows a word, where `fits` holds behind it.
    fn after(&self, from: usize, fits: impl Fn(usize) -> bool) -> Option<Date> {
        let follows = |day: &&Day| day.words.start >= from;
        if let Some(date) = self.days.iter().filter(follows).find(|day| day.is_date())
            && date.words.start <= from + NEAR
            && self.is_one_sentence(from, date.words.start)
        {
            return if fits(date.words.end) { self.resolve(date) } else { None };
        }
        let day = self.days.iter().find(follows)?;
        let near = day.words.start <= from + NEARER
            && !self.text_between(from, day.words.start).contains(['!', '?', ';', '.']);
        if near && fits(day.words.end) { self.resolve(day) } else { None }
    }

    // German, Dutch and their northern neighbours put the day before the word: "Montag, den 12.1. wieder da".
    fn before(&self, until: usize) -> Option<Date> {
        let precedes = |day: &&Day| day.words.end <= until;
        let last = |is_wanted: fn(&Day) -> bool| self.days.iter().rev().filter(precedes).find(|day| is_wanted(day));
        let near = |day: &Day, most: usize| until - day.words.end <= most && self.is_one_sentence(day.words.end, until);
        let day =
            last(Day::is_date).filter(|day| near(day, NEARER)).or_else(|| last(|_| true).filter(|day| near(day, 4)))?;
        if self.follows_until(day.words.start) { None } else { self.resolve(day) }
    }

    // Whether "until" stands right before: then it is no day of return by itself.
    fn follows_until(&self, at: usize) -> bool {
        let from = at.saturating_sub(4);
        [Topic::Until, Topic::Through].into_iter().any(|topic| self.document.hits.has(topic, from..at))
    }

    // "From 2 to 16 January", "29.12.-11.1.": the last day of the absence.
    fn range_end(&self) -> Option<Date> {
        let last = self.days.iter().find(|day| day.ends_range)?;
        self.resolve(last)?.checked_add(1.day()).ok()
    }

    // "Until" says the last day or the day of return, which people use alike; some words say which.
    fn until(&self) -> Option<Date> {
        let mut all: Vec<(usize, usize, Topic)> = [Topic::Until, Topic::Through, Topic::UntilBehind]
            .into_iter()
            .flat_map(|topic| self.hits(topic).map(move |hit| (hit.first, hit.end, topic)))
            .collect();
        // "Bis einschließlich" before the "bis" in it.
        all.sort_unstable_by_key(|(first, end, _)| (*first, std::cmp::Reverse(*end)));
        all.into_iter().find_map(|(first, end, topic)| {
            if topic == Topic::UntilBehind {
                // Finnish: "11.1. asti".
                let day = self.days.iter().rev().find(|day| day.words.end <= first)?;
                let date = if first - day.words.end <= 1 { self.resolve(day)? } else { return None };
                let near = end..(end + 2).min(self.document.words.len());
                let included = self.document.hits.has(Topic::Included, near);
                return if included { date.checked_add(1.day()).ok() } else { Some(date) };
            }
            let date = self.after(end, |_| true)?;
            let near = end..(end + NEAR_INCLUDED).min(self.document.words.len());
            let included = topic == Topic::Through || self.document.hits.has(Topic::Included, near);
            if included { date.checked_add(1.day()).ok() } else { Some(date) }
        })
    }

    fn text_between(&self, from: usize, to: usize) -> &str {
        let start =
            from.checked_sub(1).and_then(|before| self.document.words.get(before)).map_or(0, |word| word.end as usize);
        let end = self.document.words.get(to).map_or(self.document.text.len(), |word| word.start as usize);
        self.document.text.get(start..end.max(start)).unwrap_or_default()
    }

    // A full stop behind fewer than four letters ends an abbreviation.
    fn is_one_sentence(&self, from: usize, to: usize) -> bool {
        let text = self.text_between(from, to);
        if text.contains(['!', '?', ';', '。']) {
            return false;
        }
        !text.match_indices(". ").any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default();
            let letters = before.chars().rev().take_while(|c| c.is_alphabetic()).count();
            letters >= 4 && text.get(at + 2..).is_some_and(|rest| rest.starts_with(char::is_uppercase))
        })
    }

    /// The one day that is meant.
    fn resolve(&self, stated: &Day) -> Option<Date> {
        match stated.what {
            What::Date { day, month, year, either } => self.resolve_date(stated, (day, month), year, either),
            What::Day(day) => self.resolve_day(stated, day),
            What::Ahead(days) => self.written?.checked_add(i64::from(days).days()).ok(),
            What::Weekday { next_week } => self.resolve_weekday(stated, next_week),
        }
    }

    fn resolve_date(&self, stated: &Day, (first, second): (i8, i8), year: Option<i16>, either: bool) -> Option<Date> {
        let mut readings = vec![(first, second)];
        let both = first <= 12 && first != second && self.english;
        if either && (both || second > 12) {
            readings.push((second, first));
        }
        let days: Vec<Date> = readings
            .into_iter()
            .flat_map(|(day, month)| {
                self.years(year).into_iter().filter_map(move |year| Date::new(year, month, day).ok())
            })
            .filter(|date| year.is_some() || self.is_on(stated, *date) && self.in_reach(*date))
            .collect();
        match days.as_slice() {
            [day] => Some(*day),
            _ => None,
        }
    }

    fn is_on(&self, stated: &Day, date: Date) -> bool {
        stated.weekday.is_none_or(|weekday| date.weekday().to_monday_one_offset() == weekday)
    }

    // The next such day of a month; with a weekday the next on which both are true.
    fn resolve_day(&self, stated: &Day, day: i8) -> Option<Date> {
        let written = self.written?;
        let mut month = written.first_of_month();
        for _ in 0..9 {
            let date = Date::new(month.year(), month.month(), day).ok();
            if let Some(date) =
                date.filter(|date| *date >= written && self.is_on(stated, *date) && self.in_reach(*date))
            {
                return Some(date);
            }
            month = month.checked_add(1.month()).ok()?;
            if stated.weekday.is_none() && month > written.first_of_month().checked_add(1.month()).ok()? {
                return None;
            }
        }
        None
    }

    fn resolve_weekday(&self, stated: &Day, next_week: bool) -> Option<Date> {
        let written = self.written?;
        let weekday = Weekday::from_monday_one_offset(stated.weekday?).ok()?;
        let ahead = match written.weekday().until(weekday) {
            0 => 7,
            ahead => ahead,
        };
        // "Next Friday", said on a Monday, is this week's or the next one's.
        let days_left = 7 - written.weekday().to_monday_one_offset();
        if next_week && ahead <= days_left {
            return None;
        }
        written.checked_add(i64::from(ahead).days()).ok()
    }

    fn years(&self, stated: Option<i16>) -> Vec<i16> {
        match (stated, self.written) {
            (Some(year), _) => vec![if year < 100 { 2000 + year } else { year }],
            (None, Some(written)) => vec![written.year() - 1, written.year(), written.year() + 1],
            (None, None) => Vec::new(),
        }
    }

    fn in_reach(&self, date: Date) -> bool {
        let Some(written) = self.written else { return false };
        written.until(date).is_ok_and(|span| (-PAST..=AHEAD).contains(&span.get_days()))
    }
}
