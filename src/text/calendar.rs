//! The names of months and weekdays in the languages that are read here.

use jiff::civil::Weekday;

// January to December with the forms that dates have ("tammikuuta", "января"). Shorter forms are their beginnings.
const MONTHS: [&str; 12] = [
    "january januar jänner janvier januari enero gennaio janeiro stycznia styczeń tammikuuta tammikuun января",
    "february februar février fevrier febrero febbraio fevereiro februari lutego luty helmikuuta helmikuun февраля",
    "march märz mars marzo março maart mrt mrz marca marzec marts maaliskuuta maaliskuun марта",
    "april avril abril aprile kwietnia kwiecień huhtikuuta huhtikuun апреля",
    "may mai mayo maggio maio mei maja maj toukokuuta toukokuun мая май",
    "june juni juin junio giugno junho czerwca czerwiec kesäkuuta kesäkuun июня",
    "july juli juillet julio luglio julho lipca lipiec heinäkuuta heinäkuun июля",
    "august août aout agosto augustus augusti sierpnia sierpień elokuuta elokuun августа",
    "september septembre septiembre settembre setembro września wrzesień syyskuuta syyskuun сентября",
    "october oktober octobre octubre ottobre outubro października październik lokakuuta lokakuun октября",
    "november novembre noviembre novembro listopada listopad marraskuuta marraskuun ноября",
    "december dezember décembre decembre diciembre dicembre dezembro grudnia grudzień joulukuuta joulukuun desember декабря",
];

// Monday to Sunday; a day is known by how it begins, whatever its case and whether "-feira" follows.
const WEEKDAYS: [(Weekday, &str); 7] = [
    (
        Weekday::Monday,
        "monday montag lundi lunes lunedì segunda maandag poniedział måndag mandag maanantai понедельник",
    ),
    (Weekday::Tuesday, "tuesday dienstag mardi martes martedì terça dinsdag wtor tisdag tirsdag tiistai вторник"),
    (Weekday::Wednesday, "wednesday mittwoch mercredi miércoles mercoledì quarta woensdag środ onsdag keskiviik сред"),
    (Weekday::Thursday, "thursday donnerstag jeudi jueves giovedì quinta donderdag czwart torsdag torstai четверг"),
    (Weekday::Friday, "friday freitag vendredi viernes venerdì sexta vrijdag piąt fredag perjantai пятниц"),
    (Weekday::Saturday, "saturday samstag sonnabend samedi sábado sabato zaterdag sobot lördag lørdag lauantai суббот"),
    (Weekday::Sunday, "sunday sonntag dimanche domingo domenica zondag niedziel söndag søndag sunnuntai воскресень"),
];

// Abbreviations that are English words too.
const WORDS: [&str; 3] = ["out", "set", "ago"];

/// The month that the word names, in full or by at least its first three letters.
pub(super) fn month(word: &str, english: bool) -> Option<i8> {
    let word = word.trim_end_matches('.').to_lowercase();
    // "jui" begins two months; "mar" is March everywhere, and Finnish November is never cut so short.
    if word.chars().count() < 3 || word == "jui" || (english && WORDS.contains(&word.as_str())) {
        return None;
    }
    let index = MONTHS.iter().position(|names| names.split(' ').any(|name| name.starts_with(&word)))?;
    i8::try_from(index + 1).ok()
}

/// The weekday that the word names.
pub(super) fn weekday(word: &str) -> Option<Weekday> {
    let word = word.to_lowercase();
    WEEKDAYS.iter().find(|(_, names)| names.split(' ').any(|name| word.starts_with(name))).map(|(day, _)| *day)
}

/// The first three letters of all months, as the alternatives of a pattern; [`month`] says which of the words are months.
pub(super) fn month_pattern() -> String {
    let mut beginnings: Vec<String> =
        MONTHS.iter().flat_map(|names| names.split(' ').map(|name| name.chars().take(3).collect())).collect();
    beginnings.sort_unstable();
    beginnings.dedup();
    beginnings.join("|")
}

/// The beginnings of all weekdays, as the alternatives of a pattern.
pub(super) fn weekday_pattern() -> String {
    WEEKDAYS.map(|(_, names)| names.replace(' ', "|")).join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_known_by_their_beginnings() {
        let check = |word: &str, wanted: Option<i8>| assert_eq!(month(word, false), wanted, "{word}");
        for (word, wanted) in [
            ("Jan.", Some(1)),
            ("janv.", Some(1)),
            ("févr", Some(2)),
            ("mrt", Some(3)),
            ("MAR", Some(3)),
            ("marras", Some(11)),
            ("mai", Some(5)),
            ("juin", Some(6)),
            ("juil", Some(7)),
            ("jui", None),
            ("августа", Some(8)),
            ("sept.", Some(9)),
            ("out", Some(10)),
            ("paź", Some(10)),
            ("listopada", Some(11)),
            ("grudnia", Some(12)),
            ("desk", None),
            ("marketing", None),
            ("de", None),
        ] {
            check(word, wanted);
        }
        assert_eq!(month("out", true), None, "a word in English");
    }
}
