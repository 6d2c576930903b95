//! The day on which somebody who is away will be back, if their out-of-office note says so with a year.

use std::sync::LazyLock;

use jiff::ToSpan;
use jiff::civil::Date;
use regex::Regex;

use super::pattern::pattern;

/// The day of return in an out-of-office note; `None` when it is not stated, has no year, or can be read in two ways.
pub(super) fn back_on(text: &str) -> Option<Date> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // "Back on" says it; "until" says the last day or the day of return, which people use alike.
    BACK.find_iter(&text).take(20).find_map(|found| date_near(text.get(found.end()..)?)).or_else(|| {
        UNTIL.captures_iter(&text).take(20).find_map(|found| {
            let whole = found.get(0)?;
            let rest = text.get(whole.end()..)?;
            let date = date_near(rest)?;
            let included = found.get(1).is_some() || INCLUDED.is_match(rest.get(..rest.floor_char_boundary(50))?);
            if included { date.checked_add(1.day()).ok() } else { Some(date) }
        })
    })
}

static BACK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:return(?:ing|s)?|(?:be|am|i'm|i’m)\ back|back\ (?:in|at|on)|resume|available\ again|wieder\ (?:ab|am|da|für|im|erreichbar|zurück|zur)|zurück\ (?:am|ab)|ab\ (?:dem|montag,?|dienstag,?|mittwoch,?|donnerstag,?|freitag,?)|retour|reprend\p{L}*|reviens|vuelv[eo]|regres\p{L}*|volver\p{L}*|reincorpor\p{L}*|rientr\p{L}*|torn(?:o|erò|eremo)|di\ ritorno
          |retorn\p{L}*|regress\p{L}*|volt(?:o|arei)|terug|weer\ (?:aanwezig|bereikbaar)|wracam|wrócę|powrót|powrotu|tillbaka|åter|tilbake|tilbage|takaisin|palaan|tavoitettavissa|верн\p{L}*|выйду|возвращ\p{L}*)\b",
    )
});

static UNTIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:until|till|til|bis|jusqu(?:'|’|\ )?(?:au|à)|hasta|fino\ al?|sino\ al?|até|tot|do(?:\ dnia)?|till\ och|asti|saakka|до|(through|thru|bis\ einschließlich|bis\ inklusive|tot\ en\ met|t/m|til\ og\ med|till\ och\ med|по)|[–—])\b",
    )
});

static INCLUDED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:inclusive|included|einschließlich|inklusive|inclus|incluido|inclusive|compreso|incluso|włącznie|включительно)\b",
    )
});

// The date that begins within the next few words.
fn date_near(text: &str) -> Option<Date> {
    static DATE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?P<y>20\d{2})-(?P<m>\d{2})-(?P<d>\d{2})\b
            | \b(?P<nd>\d{1,2})(?P<sep>[./-])\s?(?P<nm>\d{1,2})[./-]\s?(?P<ny>20\d{2}|\d{2})\b
            | \b(?P<wd>\d{1,2})(?:st|nd|rd|th|er|º|°|\.)?\s(?:de\ |of\ )?(?P<wm>\p{L}{3,12})\.?,?\s(?:de\ |del\ )?(?P<wy>20\d{2})\b
            | \b(?P<em>\p{L}{3,12})\.?\s(?P<ed>\d{1,2})(?:st|nd|rd|th)?,?\s(?P<ey>20\d{2})\b",
        )
    });
    let text = text.get(..text.floor_char_boundary(70))?;
    let found = DATE.captures(text)?;
    // Another sentence is another matter.
    if text.get(..found.get(0)?.start())?.contains(['!', '?', ';']) {
        return None;
    }
    let number = |name: &str| found.name(name).and_then(|n| n.as_str().parse::<i16>().ok());
    let small = |n: i16| i8::try_from(n).ok();
    if let (Some(y), Some(m), Some(d)) = (number("y"), number("m"), number("d")) {
        return Date::new(y, small(m)?, small(d)?).ok();
    }
    if let (Some(first), Some(second), Some(year)) = (number("nd"), number("nm"), number("ny")) {
        let year = if year < 100 { 2000 + year } else { year };
        let dotted = found.name("sep").is_some_and(|sep| sep.as_str() == ".");
        // 3/4/2026 is in March or in April, depending on who writes.
        let (day, month) = match (first, second) {
            (day, month) if dotted || day > 12 || day == month => (day, month),
            (month, day) if day > 12 => (day, month),
            _ => return None,
        };
        return Date::new(year, small(month)?, small(day)?).ok();
    }
    let (day, name, year) = match (number("wd"), found.name("wm"), number("wy")) {
        (Some(day), Some(name), Some(year)) => (day, name, year),
        _ => (number("ed")?, found.name("em")?, number("ey")?),
    };
    Date::new(year, month(&name.as_str().to_lowercase())?, small(day)?).ok()
}

// By how the month's name begins, in all languages; longer beginnings first where one begins another.
fn month(name: &str) -> Option<i8> {
    const BEGINNINGS: &[(&str, i8)] = &[
        ("januar", 1),
        ("jan", 1),
        ("jän", 1),
        ("janv", 1),
        ("ene", 1),
        ("gen", 1),
        ("styc", 1),
        ("tammi", 1),
        ("янв", 1),
        ("feb", 2),
        ("fév", 2),
        ("fev", 2),
        ("lut", 2),
        ("helmi", 2),
        ("фев", 2),
        ("marras", 11),
        ("mar", 3),
        ("mär", 3),
        ("maa", 3),
        ("mrt", 3),
        ("mrz", 3),
        ("мар", 3),
        ("apr", 4),
        ("avr", 4),
        ("abr", 4),
        ("kwie", 4),
        ("huhti", 4),
        ("апр", 4),
        ("may", 5),
        ("mai", 5),
        ("maj", 5),
        ("mei", 5),
        ("mag", 5),
        ("touko", 5),
        ("мая", 5),
        ("май", 5),
        ("jun", 6),
        ("juin", 6),
        ("giu", 6),
        ("czer", 6),
        ("kesä", 6),
        ("июн", 6),
        ("jul", 7),
        ("juil", 7),
        ("lug", 7),
        ("lip", 7),
        ("heinä", 7),
        ("июл", 7),
        ("aug", 8),
        ("août", 8),
        ("aou", 8),
        ("ago", 8),
        ("sier", 8),
        ("elo", 8),
        ("авг", 8),
        ("sep", 9),
        ("set", 9),
        ("wrz", 9),
        ("syys", 9),
        ("сен", 9),
        ("oct", 10),
        ("okt", 10),
        ("out", 10),
        ("ott", 10),
        ("paź", 10),
        ("loka", 10),
        ("окт", 10),
        ("nov", 11),
        ("lis", 11),
        ("ноя", 11),
        ("dec", 12),
        ("dez", 12),
        ("déc", 12),
        ("dic", 12),
        ("gru", 12),
        ("joulu", 12),
        ("дек", 12),
    ];
    BEGINNINGS.iter().find(|(beginning, _)| name.starts_with(beginning)).map(|(_, month)| *month)
}
