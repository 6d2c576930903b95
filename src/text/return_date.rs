//! The day on which an absent lead will be back, if the out-of-office note is unambiguous.

use std::sync::LazyLock;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use regex::{Captures, Regex};

use super::calendar::{month, month_pattern, weekday, weekday_pattern};
use super::lines::truncate;
use super::pattern::pattern;

/// A note says it near its beginning.
const MAX_ITEMS: usize = 8 * 1024;
/// A date stands at most this many bytes after the word that it belongs to, a weekday or "tomorrow" this many.
const NEAR: usize = 70;
const NEARER: usize = 40;
/// A date without a year lies at most this many days before or after the message.
const PAST: i32 = 7;
const AHEAD: i32 = 270;

/// The day of return in an out-of-office note; `None` when it is not stated or can be read in two ways.
///
/// `written` is the day of the message: with it a date without a year, a weekday or "tomorrow" has a meaning too.
pub(super) fn back_on(subject: &str, body: &str, written: Option<Date>) -> Option<Date> {
    let text = format!("{subject}; {body}").split_whitespace().collect::<Vec<_>>().join(" ");
    let text = truncate(&text, MAX_ITEMS);
    // Mailboxes put English subjects above notes in other languages.
    let english = ENGLISH.is_match(if body.trim().is_empty() { subject } else { truncate(body, MAX_ITEMS) });
    let note = Note { text, dates: dates(text, english), written, english };
    note.stated_return().or_else(|| note.range_end()).or_else(|| note.until())
}

struct Note<'a> {
    text: &'a str,
    dates: Vec<Stated>,
    written: Option<Date>,
    // In English 3/4 is in March or in April, depending on who writes; elsewhere it is in April.
    english: bool,
}

/// A date as it stands in the text.
struct Stated {
    start: usize,
    end: usize,
    year: Option<i16>,
    // Day and month, as far as the form distinguishes them.
    day: Part,
    month: Part,
    weekday: Option<Weekday>,
    slashed: bool,
}

enum Part {
    Number(i8),
    Word(String),
}

impl Note<'_> {
    // "Back on 12 January", "am 12. Januar wieder im Büro".
    fn stated_return(&self) -> Option<Date> {
        BACK.find_iter(self.text).take(20).find_map(|found| {
            let rest = self.text.get(found.end()..)?;
            // "I will get back to you", "ab dem 5. Januar im Urlaub".
            if rest.starts_with(" to you") {
                return None;
            }
            let from = found.as_str().eq_ignore_ascii_case("ab");
            let again = |end: usize| !from || AGAIN.is_match(truncate(self.text.get(end..).unwrap_or_default(), 25));
            self.after(found.end(), again).or_else(|| self.before(found.start(), found.as_str()))
        })
    }

    // The date that follows a word, where `fits` holds at its end.
    fn after(&self, from: usize, fits: impl Fn(usize) -> bool) -> Option<Date> {
        if let Some(date) = self.dates.iter().find(|date| date.start >= from)
            && date.start <= from + NEAR
            && self.same_sentence(from, date.start)
        {
            return if fits(date.end) { self.resolve(date) } else { None };
        }
        let rest = truncate(self.text.get(from..)?, NEAR);
        let found = RELATIVE.captures(rest)?;
        let whole = found.get(0)?;
        let near = whole.start() <= NEARER && !rest.get(..whole.start())?.contains(['!', '?', ';', '.']);
        if near && fits(from + whole.end()) { self.relative(&found) } else { None }
    }

    // German, Dutch and their northern neighbours put the day before the word: "Montag, den 12.1. wieder da".
    fn before(&self, until: usize, word: &str) -> Option<Date> {
        if !AGAIN.is_match(word) {
            return None;
        }
        if let Some(date) = self.dates.iter().rev().find(|date| date.end <= until)
            && until - date.end <= NEARER
            && self.same_sentence(date.end, until)
        {
            return if self.follows_until(date.start) { None } else { self.resolve(date) };
        }
        let start = self.text.ceil_char_boundary(until.saturating_sub(NEAR));
        let ahead = self.text.get(start..until)?;
        let found = RELATIVE.captures_iter(ahead).last()?;
        let whole = found.get(0)?;
        let close = ahead.len() - whole.end() <= NEARER / 2 && self.same_sentence(start + whole.end(), until);
        if close && !self.follows_until(start + whole.start()) { self.relative(&found) } else { None }
    }

    // Whether "until" stands right before: then it is no day of return by itself.
    fn follows_until(&self, at: usize) -> bool {
        let start = self.text.ceil_char_boundary(at.saturating_sub(NEARER));
        let ahead = self.text.get(start..at).unwrap_or_default();
        UNTIL.find_iter(ahead).last().is_some_and(|found| ahead.len() - found.end() < NEARER / 2)
    }

    // "From 2 to 16 January", "29.12.-11.1.": the last day of the absence.
    fn range_end(&self) -> Option<Date> {
        static TO: LazyLock<Regex> = LazyLock::new(|| {
            pattern(&format!(
                r"^[.,]?\s?(?:[-–—]|(?:to|through|thru|till|until|and|bis|au|al|a|à|até|t/m|tot|do|til|fino|sino|по|до)\b)(?:\ (?:zum|einschließlich|en\ met|och\ med|og\ med|al|el|the|le|den|d\.|dnia|inkl\.))*\s?(?:(?:{})\p{{L}}*,?\ ?(?:den\ |the\ )?)?$",
                weekday_pattern()
            ))
        });
        self.dates.windows(2).find_map(|pair| {
            let [first, last] = pair else { return None };
            let between = self.text.get(first.end..last.start)?;
            let end = (TO.is_match(between)).then(|| self.resolve(last))??;
            end.checked_add(1.day()).ok()
        })
    }

    // "Until" says the last day or the day of return, which people use alike; some words say which.
    fn until(&self) -> Option<Date> {
        UNTIL.captures_iter(self.text).take(20).find_map(|found| {
            let whole = found.get(0)?;
            if found.name("before").is_some() {
                // Finnish: "11.1. asti".
                let date = self.dates.iter().rev().find(|date| date.end <= whole.start())?;
                return if whole.start() - date.end <= 3 { self.resolve(date) } else { None };
            }
            let date = self.after(whole.end(), |_| true)?;
            let rest = truncate(self.text.get(whole.end()..)?, 60);
            let included = found.name("with").is_some() || INCLUDED.is_match(rest);
            if included { date.checked_add(1.day()).ok() } else { Some(date) }
        })
    }

    fn same_sentence(&self, from: usize, to: usize) -> bool {
        static END: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?-i)[!?;]|\p{L}{4}\.\s\p{Lu}"));
        !END.is_match(self.text.get(from..to).unwrap_or_default())
    }

    // The one day that a stated date can be.
    fn resolve(&self, stated: &Stated) -> Option<Date> {
        let english = self.english;
        let mut readings = Vec::new();
        match (&stated.day, &stated.month) {
            (Part::Number(day), Part::Word(name)) => readings.push((*day, month(name, english)?)),
            (Part::Number(first), Part::Number(second)) => {
                readings.push((*first, *second));
                let both = *first <= 12 && first != second && english;
                if stated.slashed && (both || *second > 12) {
                    readings.push((*second, *first));
                }
            }
            _ => return None,
        }
        let days: Vec<Date> = readings
            .into_iter()
            .flat_map(|(day, month)| {
                self.years(stated.year).into_iter().filter_map(move |year| Date::new(year, month, day).ok())
            })
            .filter(|date| stated.weekday.is_none_or(|weekday| date.weekday() == weekday || stated.year.is_some()))
            .filter(|date| stated.year.is_some() || self.in_reach(*date))
            .collect();
        match days.as_slice() {
            [day] => Some(*day),
            _ => None,
        }
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

    // A weekday, "tomorrow" or a day of the month.
    fn relative(&self, found: &Captures<'_>) -> Option<Date> {
        let written = self.written?;
        if found.name("tomorrow").is_some() {
            written.tomorrow().ok()
        } else if let Some(name) = found.name("weekday") {
            let day = weekday(name.as_str())?;
            let ahead = written.weekday().until(day);
            let ahead = if ahead == 0 { 7 } else { ahead };
            if found.name("next").is_some() || found.name("after").is_some() {
                // "Next Friday", said on a Monday, is this week's or the next one's.
                let days_left = 7 - written.weekday().to_monday_one_offset();
                if ahead <= days_left {
                    return None;
                }
            }
            written.checked_add(ahead.days()).ok()
        } else {
            let day: i8 = ["d1", "d2", "d3", "d4"].iter().find_map(|name| found.name(name))?.as_str().parse().ok()?;
            let this = Date::new(written.year(), written.month(), day).ok().filter(|date| *date >= written);
            let later = || {
                let month = written.first_of_month().checked_add(1.month()).ok()?;
                Date::new(month.year(), month.month(), day).ok()
            };
            this.or_else(later)
        }
    }
}

static ENGLISH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\b(?:the|i\ am|i'm|i’m|i\ will|will\ be|out\ of\ (?:the\ |my\ )?office|back\ (?:on|in|at))\b")
});

// Words that say that the sender is back.
static BACK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:return(?:ing|s)?|(?:be|am|i'm|i’m)\ back|back(?:\ (?:in|at|on))?|resume|available\ again|wieder(?:\ (?:ab|am|da|für|im|erreichbar|zurück|zur))?|zurück(?:\ (?:am|ab))?
    |retour|reprend\p{L}*|reviens|reviendrai|vuelv[eo]|volveré|regres\p{L}*|volver\p{L}*|reincorpor\p{L}*|incorporo|rientr\p{L}*|torn(?:o|erò|eremo)|di\ ritorno
    |retorn\p{L}*|volt(?:o|arei)|terug|weer|wracam|wrócę|powrót|powrotu|będę\ (?:dostępn\p{L}+|w\ biurze)|tillbaka|åter|tilbake|tilbage|takaisin|palaan|tavoitettavissa|töissä|верн\p{L}*|выйду|возвращ\p{L}*|буду\ (?:в\ офисе|на\ месте|на\ работе|на\ связи|доступ\p{L}+)
          |ab)\b",
    )
});

// The same where the day may stand before it.
static AGAIN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:wieder|zurück|erreichbar|weer|terug|tillbaka|åter|tilbake|tilbage|takaisin|töissä|tavoitettavissa)\b",
    )
});

static UNTIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:(?P<with>through|thru|bis\ (?:einschließlich|inklusive|inkl)|bis\ und\ mit|tot\ en\ met|t/m|til\ og\ med|till\ och\ med|t\.?\ ?o\.?\ ?m|по)
          |until|till|til|bis|jusqu(?:'|’|\ )?(?:au|à)|hasta|(?:fino|sino)\ a(?:ll?['’]?|lla)?|até|tot|do(?:\ dnia)?|до|(?P<before>asti|saakka))\b",
    )
});

static INCLUDED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:inclusive|included|einschließlich|inklusive|inclus|incluido|compreso|incluso|włącznie|включительно|mukaan\ lukien)\b",
    )
});

static RELATIVE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"\b(?:(?P<tomorrow>tomorrow|morgen|demain|mañana|domani|amanhã|jutro|imorgon|i\ morgon|i\ morgen|huomenna|завтра)
          |(?:(?P<next>next|nächste\p{{L}}?|volgende|przyszły|następny|nästa|neste|næste|ensi|следующ\p{{L}}+|próxim[ao]|prossim[ao])\ )?(?P<weekday>(?:{})\p{{L}}*(?:-feira)?)(?P<after>\ (?:prochain|próximo|prossimo))?
          |(?:the|de)\ (?P<d1>\d{{1,2}})(?:st|nd|rd|th|e)
          |(?:día|dia|le|il)\ (?P<d2>\d{{1,2}})(?:er|º)?
          |(?:am|den|d\.)\ (?P<d3>\d{{1,2}})(?:\.|:[ea])
          |(?P<d4>\d{{1,2}})(?:-го|\ числа))(?:[\s.,;!)]|$)",
        weekday_pattern()
    ))
});

// Every date in the text, in the order in which they stand.
fn dates(text: &str, english: bool) -> Vec<Stated> {
    // Only English puts the month before the day: "im Januar 12 Tage" is no date.
    let turned = |found: &Captures<'_>| found.name("em").is_some() && found.name("ey").is_none();
    let found = DATE.captures_iter(text).take(40).filter(|found| english || !turned(found));
    found.filter_map(|found| stated(text, &found)).collect()
}

static DATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?:\b(?P<weekday>{0})\p{{L}}*(?:-feira)?,?\.?\ (?:(?:den|the|le|el|il|d\.)\ )?)?(?:
            \b(?P<y>20\d{{2}})-(?P<m>\d{{2}})-(?P<d>\d{{2}})\b
          | \b(?P<nd>\d{{1,2}})(?P<sep>[./-])\s?(?P<nm>\d{{1,2}})[./-]\s?(?P<ny>20\d{{2}}|\d{{2}})\b
          | \b(?P<wd>\d{{1,2}})(?:st|nd|rd|th|er|º|°|\.|:e|-го)?\s(?:de\ |of\ )?(?P<wm>(?:{1})\p{{L}}{{0,10}})\b\.?(?:,?\s(?:de\ |del\ )?(?P<wy>20\d{{2}})\b)?
          | \b(?P<em>(?:{1})\p{{L}}{{0,10}})\.?\s(?P<ed>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s(?P<ey>20\d{{2}})\b)?
          | \b(?P<sd>\d{{1,2}})(?P<ss>[./])(?P<sm>\d{{1,2}})\b)",
        weekday_pattern(),
        month_pattern()
    ))
});

fn stated(text: &str, found: &Captures<'_>) -> Option<Stated> {
    let whole = found.get(0)?;
    let number = |name: &str| found.name(name).and_then(|n| n.as_str().parse::<i16>().ok());
    let small = |name: &str| number(name).and_then(|n| i8::try_from(n).ok()).map(Part::Number);
    let word = |name: &str| found.name(name).map(|word| Part::Word(word.as_str().to_owned()));
    let weekday = found.name("weekday").and_then(|name| weekday(name.as_str()));
    let (day, month, year, slashed) = if let (Some(day), Some(month)) = (small("d"), small("m")) {
        (day, month, number("y"), false)
    } else if let (Some(day), Some(month)) = (small("nd"), small("nm")) {
        (day, month, number("ny"), found.name("sep").is_some_and(|sep| sep.as_str() != "."))
    } else if let (Some(day), Some(month)) = (small("wd"), word("wm")) {
        (day, month, number("wy"), false)
    } else if let (Some(day), Some(month)) = (small("ed"), word("em")) {
        (day, month, number("ey"), false)
    } else {
        // "12.30" and "at 9.10" are times.
        static CLOCK: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:at|um|kl|klo|alle|om|o|à|las|ore)\.?\ $"));
        static HOUR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s?(?:uhr|h|am|pm|%|€)\b"));
        let before = text.get(..whole.start()).unwrap_or_default();
        let tail = before.get(before.floor_char_boundary(before.len().saturating_sub(6))..).unwrap_or_default();
        let after = text.get(whole.end()..).unwrap_or_default();
        if CLOCK.is_match(tail) || HOUR.is_match(truncate(after, 6)) {
            return None;
        }
        (small("sd")?, small("sm")?, None, found.name("ss").is_some_and(|sep| sep.as_str() == "/"))
    };
    // Two words that are no month: "2 colleagues", "room 5".
    if let Part::Word(name) = &month
        && super::calendar::month(name, false).is_none()
    {
        return None;
    }
    Some(Stated { start: whole.start(), end: whole.end(), year, day, month, weekday, slashed })
}
