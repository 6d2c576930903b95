//! The days that a text speaks of: dates in many forms, weekdays, "tomorrow", days of the month.

use std::ops::Range;

use super::document::Document;
use super::phrases::{Phrasebook, Topic};
use super::words::{Gap, WordKind};

/// A day as it stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Day {
    /// Its words.
    pub(super) words: Range<usize>,
    pub(super) what: What,
    /// The weekday that stands before it, from 1 (Monday) to 7.
    pub(super) weekday: Option<i8>,
    /// Whether it is the last of a range: "12 to 16 January".
    pub(super) ends_range: bool,
}

/// What is said of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A day and a month, and the year if it is said. `either`: which is which depends on the writer.
    Date { day: i8, month: i8, year: Option<i16>, either: bool },
    /// A day of the month alone.
    Day(i8),
    /// The next such weekday, or the one of the week after.
    Weekday { next_week: bool },
    /// This many days ahead.
    Ahead(i8),
}

impl Day {
    /// Whether the text states day and month.
    pub(super) fn is_date(&self) -> bool {
        matches!(self.what, What::Date { .. })
    }
}

/// No more days of a text are looked at.
const MAX_DAYS: usize = 60;

/// The days of a text, in their order. `english`: only there the month comes first, and "out" is no October.
pub(super) fn find_days(document: &Document, english: bool) -> Vec<Day> {
    let finder = Finder { document, english, language: document.language() };
    let mut days = Vec::new();
    let mut at = 0;
    while at < document.words.len() && days.len() < MAX_DAYS {
        match finder.day_at(at) {
            Some(day) => {
                at = day.words.end.max(at + 1);
                days.push(day);
                if let Some(last) = days.last().and_then(|first| finder.range_of_month(first)) {
                    at = last.words.end;
                    days.push(last);
                }
            }
            None => at += 1,
        }
    }
    finder.mark_ranges(&mut days);
    // "The 2nd week of March" is no day.
    days.retain(|day| !document.hits.overlaps(Topic::NotADay, day.words.clone()));
    days
}

struct Finder<'d> {
    document: &'d Document,
    english: bool,
    language: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
struct Number<'t> {
    value: i16,
    digits: usize,
    /// What follows the digits in the same word: `nd`, `er`, `월`.
    suffix: &'t str,
}

impl<'d> Finder<'d> {
    fn word(&self, at: usize) -> Option<&'d str> {
        self.document.text.get(self.document.words.get(at)?.range())
    }

    fn number(&self, at: usize) -> Option<Number<'d>> {
        let word = self.document.words.get(at).filter(|word| word.kind == WordKind::Number)?;
        let text = self.document.text.get(word.range())?;
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let value = text.get(..digits)?.parse().ok()?;
        Some(Number { value, digits, suffix: text.get(digits..)? })
    }

    /// A day of the month with no letters behind it, or those of an ordinal.
    fn small(&self, at: usize) -> Option<i8> {
        let number = self.number(at)?;
        let ordinal = matches!(
            number.suffix,
            "" | "st" | "nd" | "rd" | "th" | "er" | "º" | "°" | "ª" | "e" | "ste" | "de" | "日" | "일"
        );
        let value = i8::try_from(number.value).ok()?;
        (number.digits <= 2 && (1..=31).contains(&value) && ordinal).then_some(value)
    }

    fn year(&self, at: usize) -> Option<i16> {
        let number = self.number(at)?;
        let is_year =
            number.digits == 4 && (2000..2100).contains(&number.value) && matches!(number.suffix, "" | "г" | "년");
        is_year.then_some(number.value)
    }

    fn month(&self, at: usize) -> Option<i8> {
        let word = self.document.words.get(at).filter(|word| word.kind == WordKind::Letters)?;
        let name = self.document.text.get(word.range())?;
        // Abbreviations that are English words, too.
        if self.english && ["out", "set", "ago"].iter().any(|other| name.eq_ignore_ascii_case(other)) {
            return None;
        }
        Phrasebook::get().month(name, self.language)
    }

    fn between(&self, at: usize) -> &str {
        self.document.between(at)
    }

    fn day_at(&self, at: usize) -> Option<Day> {
        let day = |end: usize, what| Day { words: at..end, what, weekday: None, ends_range: false };
        let hit = |topic| {
            let hits = self.document.hits.within(topic, at..self.document.words.len());
            hits.take_while(|hit| hit.first == at).map(|hit| hit.end).max()
        };
        if let Some(end) = hit(Topic::DayAfterTomorrow) {
            return Some(day(end, What::Ahead(2)));
        }
        if let Some(end) = hit(Topic::Tomorrow) {
            return Some(day(end, What::Ahead(1)));
        }
        let next_week = hit(Topic::NextWeek);
        if let Some(weekday) = next_week.or(Some(at)).and_then(|at| self.weekday(at)) {
            return Some(self.day_of_week(at, next_week, weekday));
        }
        let (end, what) = self.date_at(at).or_else(|| self.day_of_month(at))?;
        // Korean: "11일까지", until the 11th, is one word.
        let last = end.checked_sub(1).and_then(|last| self.number(last));
        let ends_range = last.is_some_and(|number| number.suffix.contains("까지"));
        Some(Day { ends_range, ..day(end, what) })
    }

    /// The weekday that a word names, and the word behind it: "segunda-feira" are two.
    fn weekday(&self, at: usize) -> Option<(i8, usize)> {
        let word = self.document.words.get(at).filter(|word| word.kind == WordKind::Letters)?;
        let name = self.document.text.get(word.range())?;
        let book = Phrasebook::get();
        // Chinese and Japanese: the characters of "周一", "星期一" or "月曜日" are words of their own.
        let found = if name.chars().count() == 1 && !name.is_ascii() {
            let joined = |count: usize| self.document.text_of(at..(at + count).min(self.document.words.len()));
            [2, 3].into_iter().find_map(|count| Some((book.weekday(joined(count), self.language)?, count)))
        } else {
            book.weekday(name, self.language).map(|weekday| (weekday, 1))
        };
        let (weekday, words) = found?;
        let has_tail = self.word(at + 1).is_some_and(|word| word.eq_ignore_ascii_case("feira"));
        Some((weekday, at + words + usize::from(has_tail)))
    }

    // "Monday, 12 January", "Monday the 19th", "next Monday", "lundi prochain".
    fn day_of_week(&self, at: usize, next_week: Option<usize>, (weekday, end): (i8, usize)) -> Day {
        let mut from = end;
        for _ in 0..2 {
            let article =
                |from: usize| self.document.hits.within(Topic::BeforeDay, from..from + 3).any(|hit| hit.first == from);
            if article(from) && self.between(from).len() <= 3 {
                from += 1;
            }
        }
        let near = self.document.words.get(end).is_some_and(|word| word.gap <= Gap::Comma || self.between(end) == ". ");
        if let Some((end, what)) = self.date_at(from).filter(|_| near) {
            return Day { words: at..end, what, weekday: Some(weekday), ends_range: false };
        }
        // "Monday 19th": a day of the month, not an hour or a number of things.
        if let Some(day) = self.small(from).filter(|_| near && self.is_alone(from)) {
            return Day { words: at..from + 1, what: What::Day(day), weekday: Some(weekday), ends_range: false };
        }
        let behind =
            self.document.hits.within(Topic::NextWeek, end..self.document.words.len()).find(|hit| hit.first == end);
        let next = next_week.is_some() || behind.is_some();
        let end = behind.map_or(end, |hit| hit.end);
        Day { words: at..end, what: What::Weekday { next_week: next }, weekday: Some(weekday), ends_range: false }
    }

    fn date_at(&self, at: usize) -> Option<(usize, What)> {
        self.year_first(at)
            .or_else(|| self.in_numbers(at))
            .or_else(|| self.with_name(at))
            .or_else(|| self.name_first(at))
    }

    // "2026-01-12", "2026/1/12", "2026年1月12日", "2026년 1월 12일", "1月12日".
    fn year_first(&self, at: usize) -> Option<(usize, What)> {
        let year = self.year(at);
        let is = |at: usize, sign: &str| self.word(at) == Some(sign);
        let cjk = |at: usize, year: Option<i16>| {
            let month = self.small(at).filter(|_| is(at + 1, "月"))?;
            let day = self.small(at + 2)?;
            let end = at + 3 + usize::from(is(at + 3, "日") || is(at + 3, "號") || is(at + 3, "号"));
            Some((end, What::Date { day, month, year, either: false }))
        };
        let korean = |at: usize, year: Option<i16>| {
            let month = self.number(at).filter(|number| number.suffix.starts_with('월'))?;
            let day = self.number(at + 1).filter(|number| number.suffix.starts_with('일'))?;
            let (month, day) = (i8::try_from(month.value).ok()?, i8::try_from(day.value).ok()?);
            Some((at + 2, What::Date { day, month, year, either: false }))
        };
        let Some(year) = year else {
            return cjk(at, None).or_else(|| korean(at, None));
        };
        let skip = at + 1 + usize::from(is(at + 1, "年"));
        if let Some(found) = cjk(skip, Some(year)).or_else(|| korean(at + 1, Some(year))) {
            return Some(found);
        }
        // "2026. január 12."
        if let Some(month) = self.month(at + 1)
            && let Some(day) = self.small(at + 2)
        {
            return Some((at + 3, What::Date { day, month, year: Some(year), either: false }));
        }
        let (month, day) = (self.small(at + 1)?, self.small(at + 2)?);
        let separates = |at: usize| matches!(self.between(at), "-" | "/" | "." | ". ");
        let found = (at + 3, What::Date { day, month, year: Some(year), either: false });
        (separates(at + 1) && separates(at + 2)).then_some(found)
    }

    // "12.01.2026", "12/1/26", "12.1.", "1/12".
    fn in_numbers(&self, at: usize) -> Option<(usize, What)> {
        let (day, month) = (self.small(at)?, self.small(at + 1)?);
        let sign = self.between(at + 1);
        let separator = sign.trim_end();
        if !matches!(separator, "." | "/" | "-") || sign.len() > 2 || !self.number(at)?.suffix.is_empty() {
            return None;
        }
        let second = self.between(at + 2).trim_end();
        let year = self.number(at + 2).filter(|_| matches!(second, "." | "/" | "-") && self.between(at + 2).len() <= 2);
        let year = year.filter(|year| year.digits == 4 && (2000..2100).contains(&year.value) || year.digits == 2);
        let either = separator != ".";
        if let Some(year) = year {
            return Some((at + 3, What::Date { day, month, year: Some(year.value), either }));
        }
        // "12.30" and "at 9.10" are times, "5-9" is a range.
        if separator == "-" || sign.len() > 1 || self.is_time(at) {
            return None;
        }
        Some((at + 2, What::Date { day, month, year: None, either }))
    }

    fn is_time(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.word(before)).unwrap_or_default().to_lowercase();
        let clock =
            ["at", "um", "kl", "klo", "alle", "om", "à", "las", "ore", "o", "в", "ve"].contains(&before.as_str());
        let behind = self.word(at + 2).unwrap_or_default().to_lowercase();
        let is_unit = ["uhr", "h", "am", "pm", "uur", "ч"].contains(&behind.as_str());
        let minutes = self.number(at + 1).is_some_and(|number| number.digits == 2);
        clock && minutes && self.between(at + 2).trim().is_empty()
            || is_unit
            || self.between(at + 2).starts_with(['%', '€'])
    }

    // "12 January 2026", "12. Januar", "the 12th of January", "12 de enero de 2026", "1er février", "5-го января".
    fn with_name(&self, at: usize) -> Option<(usize, What)> {
        let day = self.small(at)?;
        let is_small_word =
            |at: usize| self.word(at).is_some_and(|word| word.chars().count() <= 3 && self.number(at).is_none());
        let near = |at: usize| self.between(at).len() <= 2 && !self.between(at).contains([',', ';', '\n']);
        let month_at = (at + 1..=at + 2).find(|month| self.month(*month).is_some() && near(*month))?;
        if month_at == at + 2 && !(is_small_word(at + 1) && near(at + 1)) {
            return None;
        }
        let month = self.month(month_at)?;
        let year_at = (month_at + 1..=month_at + 2).find(|year| self.year(*year).is_some());
        let year_at = year_at.filter(|year| *year == month_at + 1 || is_small_word(month_at + 1));
        let year = year_at.and_then(|at| self.year(at)).filter(|_| self.between(month_at + 1).len() <= 3);
        let end = year.and(year_at).unwrap_or(month_at) + 1;
        Some((end, What::Date { day, month, year, either: false }))
    }

    // "January 12th, 2026". Elsewhere "im Januar 12 Tage" is no date.
    fn name_first(&self, at: usize) -> Option<(usize, What)> {
        let month = self.month(at)?;
        let day = self.small(at + 1).filter(|_| self.between(at + 1).len() <= 2)?;
        let year = self.year(at + 2).filter(|_| self.between(at + 2).trim().len() <= 1);
        let first = self.english || matches!(self.language, Some("hu" | "tr")) || year.is_some();
        let end = at + 2 + usize::from(year.is_some());
        first.then_some((end, What::Date { day, month, year, either: false }))
    }

    // "the 12th", "le 12", "am 12.", "12-го", "día 12".
    fn day_of_month(&self, at: usize) -> Option<(usize, What)> {
        let day = self.small(at)?;
        let introduced = at > 0
            && self.document.hits.within(Topic::BeforeDay, at.saturating_sub(3)..at).any(|hit| hit.end == at)
            && self.between(at).len() <= 2;
        let ordinal = self
            .word(at + 1)
            .is_some_and(|word| matches!(word, "го" | "числа" | "a" | "e" | "én" | "ig" | "日" | "号" | "號"))
            && self.between(at + 1).len() <= 1;
        let is_korean = self.number(at).is_some_and(|number| number.suffix.starts_with('일'));
        (ordinal || is_korean || introduced && self.is_alone(at))
            .then_some((at + 1 + usize::from(ordinal), What::Day(day)))
    }

    /// Whether a number is no hour and counts nothing: a sentence, a comma or a little word follows.
    fn is_alone(&self, at: usize) -> bool {
        let behind = self.between(at + 1);
        if behind.starts_with([':', '%', '€', '$'])
            || behind.starts_with('.') && self.number(at + 1).is_some() && behind.len() == 1
        {
            return false;
        }
        if self.number(at).is_some_and(|number| !number.suffix.is_empty()) {
            return true;
        }
        let Some(next) = self.document.words.get(at + 1) else { return true };
        let word = self.word(at + 1).unwrap_or_default();
        let is_range = self
            .document
            .hits
            .within(Topic::RangeTo, at + 1..self.document.words.len())
            .take(1)
            .any(|hit| hit.first == at + 1);
        next.gap >= Gap::Line
            || behind.starts_with('.')
            || is_range
            || word.chars().count() <= 3 && !matches!(word, "h" | "am" | "pm" | "Uhr" | "uur")
            || self.document.hits.of(Topic::BackAfterDate).iter().any(|hit| hit.first == at + 1)
            || self.language.is_some_and(|language| !matches!(language, "de" | "en")) && word.chars().count() <= 4
    }

    // "January 12th - 16th", "from January 12 to 16".
    fn range_of_month(&self, first: &Day) -> Option<Day> {
        let What::Date { month, year, .. } = first.what else { return None };
        let at = first.words.end;
        let dashed = self.between(at).trim() == "-";
        let range =
            self.document.hits.within(Topic::RangeTo, at..self.document.words.len()).find(|hit| hit.first == at);
        let mut day_at = range.map_or(at, |hit| hit.end);
        if self.document.hits.within(Topic::BeforeDay, day_at..day_at + 1).next().is_some() {
            day_at += 1;
        }
        if !(dashed || range.is_some()) || self.date_at(day_at).is_some() {
            return None;
        }
        let day = self.small(day_at).filter(|_| self.is_alone(day_at))?;
        let what = What::Date { day, month, year, either: false };
        Some(Day { words: day_at..day_at + 1, what, weekday: None, ends_range: true })
    }

    /// Marks dates before which another date or a day of the month stands with "to" between.
    fn mark_ranges(&self, days: &mut [Day]) {
        let mut ends = Vec::new();
        for (index, day) in days.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|before| days.get(before)).filter(|before| before.is_date());
            let from = match before {
                Some(before) if day.words.start - before.words.end <= 5 => before.words.end,
                _ => match self.day_before(day.words.start) {
                    Some(from) => from,
                    None => continue,
                },
            };
            if day.is_date() && self.is_to(from, day.words.start) {
                ends.push(index);
            }
        }
        for index in ends {
            if let Some(day) = days.get_mut(index) {
                day.ends_range = true;
            }
        }
    }

    // "12.-16.01.2026", "from the 12th to the 16th of January": behind the first day's number.
    fn day_before(&self, at: usize) -> Option<usize> {
        (at.saturating_sub(4)..at).rev().find(|before| self.small(*before).is_some()).map(|before| before + 1)
    }

    /// Whether only "to" stands between two days, with its articles and a weekday.
    fn is_to(&self, from: usize, until: usize) -> bool {
        let covered = |at: &usize| {
            let covers = |topic| self.document.hits.of(topic).iter().any(|hit| hit.first <= *at && *at < hit.end);
            covers(Topic::RangeTo)
                || covers(Topic::BeforeDay)
                || covers(Topic::Through)
                || covers(Topic::Until)
                || self.weekday(*at).is_some()
        };
        let is_named = (from..until).any(|at| {
            let covers = |topic| self.document.hits.of(topic).iter().any(|hit| hit.first <= at && at < hit.end);
            covers(Topic::RangeTo) || covers(Topic::Through) || covers(Topic::Until)
        });
        let dashed = self.between(from).contains('-');
        (dashed || is_named)
            && (from..until).all(|at| covered(&at))
            && (from..=until).all(|at| !self.between(at).contains(['!', '?', ';']))
    }
}
