//! Numbers as people write them: `1,500`, `10 000`, `12.5`, `10:30`, `2026-11-27` and `5-10` are one word each in the phrases
//! of rules, so that `500 seats` is not found in "1,500 seats", and `#` takes all of a number.

use super::grammar::spell;
use super::signs::{is_after_amount, is_currency};
use crate::text::words::{Word, WordKind, words};

/// So many letters before a hyphen and a number are a code's in lower case, too: `sku-500`.
const MAX_CODE: usize = 3;

/// A telephone number has as many digits.
const MIN_TELEPHONE: usize = 7;

/// The words of a text in its normal form, each number as one of them.
pub(super) fn words_with_whole_numbers(text: &str) -> Vec<Word> {
    let apart = words(text);
    let mut whole = Vec::with_capacity(apart.len());
    let mut at = 0;
    while let Some(word) = apart.get(at) {
        let count = count(text, &apart, at);
        let parts = apart.get(at..at + count).unwrap_or_default();
        if is_list(text, &apart, at, count) {
            whole.extend(parts);
        } else {
            let mut one = Word { end: parts.last().map_or(word.end, |last| last.end), ..*word };
            if one.kind == WordKind::Number {
                if is_of_code(text, at.checked_sub(1).and_then(|before| apart.get(before)), word) {
                    one.kind = WordKind::CodeNumber;
                } else if has_own_sign(text, &one) {
                    one.start -= 1;
                }
            }
            whole.push(one);
        }
        at += count;
    }
    whole
}

/// How many words from one on are a number together.
fn count(text: &str, words: &[Word], first: usize) -> usize {
    let Some(word) = words.get(first) else { return 1 };
    if word.kind != WordKind::Number {
        // "v2.1"
        let is_version = word.kind == WordKind::Letters
            && text.get(word.range()).is_some_and(|word| word.ends_with(|c: char| c.is_ascii_digit()));
        let numbers = |at: &usize| between(text, words, *at) == Some(".");
        return if is_version { 1 + (first..words.len()).take_while(numbers).count() } else { 1 };
    }
    if let Some(count) = telephone(text, words, first) {
        return count;
    }
    let mut last = first + spaced_groups(text, words, first);
    while let Some(separator) = between(text, words, last)
        && is_separator(separator)
        && (separator != ":" || is_hour(text, words, last))
    {
        last += 1;
        if separator.contains('-') {
            last += spaced_groups(text, words, last);
        }
    }
    last - first + 1
}

/// Whether a number may be the hours before a colon: `10:30`, but not the standard of `27001:2022`.
fn is_hour(text: &str, words: &[Word], at: usize) -> bool {
    words.get(at).and_then(|word| text.get(word.range())).is_some_and(|word| word.len() <= 2)
}

/// How many words a telephone number has that begins with a word: `+49 30 123456`, `0176 1234567`.
fn telephone(text: &str, words: &[Word], first: usize) -> Option<usize> {
    let own = text.get(words.get(first)?.range())?;
    let before = text.get(..words.get(first)?.start as usize)?;
    if !before.ends_with('+') && (!own.starts_with('0') || own.len() < 3) {
        return None;
    }
    let is_group = |at: usize| {
        let word = words.get(at).and_then(|word| text.get(word.range()));
        word.is_some_and(|word| digits(word) == word.len())
    };
    let is_within = |at: usize| {
        let between = between(text, words, at);
        is_group(at)
            && is_group(at + 1)
            && between.is_some_and(|sign| matches!(sign, " " | "-" | "/" | "." | " (" | ") "))
    };
    let count = 1 + (first..words.len()).take_while(|at| is_within(*at)).count();
    let number = text.get(words.get(first)?.start as usize..words.get(first + count - 1)?.end as usize)?;
    let is_long = number.bytes().filter(u8::is_ascii_digit).count() >= MIN_TELEPHONE;
    (count > 1 && is_long && value(number).is_none()).then_some(count)
}

/// Whether numbers with nothing but commas between are several: `3,4,5`.
fn is_list(text: &str, words: &[Word], first: usize, count: usize) -> bool {
    let groups = words.get(first..first + count).unwrap_or_default();
    let [one, .., last] = groups else { return false };
    let length = |word: &Word| text.get(word.range()).map_or(0, digits);
    (first..first + count - 1).all(|at| between(text, words, at) == Some(","))
        && groups.iter().all(|word| length(word) != 3)
        && text.get(one.start as usize..last.end as usize).and_then(value).is_none()
}

/// How many digits a word begins with.
fn digits(word: &str) -> usize {
    word.bytes().take_while(u8::is_ascii_digit).count()
}

/// What stands between a word and the next, if that is a number.
fn between<'t>(text: &'t str, words: &[Word], at: usize) -> Option<&'t str> {
    let next = words.get(at + 1).filter(|next| next.kind == WordKind::Number)?;
    text.get(words.get(at)?.end as usize..next.start as usize)
}

/// Whether this between two numbers makes them one. An amount of a range may have its sign: `$400-$500`, `10%-15%`.
fn is_separator(between: &str) -> bool {
    if matches!(between, "." | "," | ":" | "/" | "'") {
        return true;
    }
    let bare = between.strip_prefix(is_after_amount).unwrap_or(between);
    bare.strip_suffix(is_currency).unwrap_or(bare) == "-"
}

/// How many words behind the first are thousands that a space separates: `1 500`, `10 000 000`. Other groups of digits
/// beside them make it a telephone number.
fn spaced_groups(text: &str, words: &[Word], first: usize) -> usize {
    let group = |at: usize| {
        let word = text.get(words.get(at)?.range())?;
        (digits(word) == word.len()).then_some(word)
    };
    let is_after_space = |at: usize| between(text, words, at) == Some(" ");
    let Some(own) = group(first).filter(|own| own.len() <= 3 && !own.starts_with('0')) else { return 0 };
    let start = words.get(first).map_or(0, |word| word.start as usize);
    let is_inside = first.checked_sub(1).is_some_and(|before| {
        is_after_space(before) && group(before).is_some_and(|group| group.len() <= 3 || group.starts_with('0'))
    });
    if own.is_empty() || is_inside || text.get(..start).is_some_and(|before| before.ends_with('+')) {
        return 0;
    }
    let begins_with_three = |at: usize| words.get(at).and_then(|word| text.get(word.range())).map_or(0, digits) == 3;
    let count = (first..words.len())
        .take_while(|at| is_after_space(*at) && begins_with_three(at + 1) && (*at == first || group(*at).is_some()))
        .count();
    if is_after_space(first + count) { 0 } else { count }
}

/// Whether a number is the one of a code: `AB-500`, `SOC-2`. A dash behind a longer word in lower case is more often the
/// sentence's: "for all our users—500 seats".
fn is_of_code(text: &str, before: Option<&Word>, word: &Word) -> bool {
    let Some(before) = before.filter(|before| before.kind == WordKind::Letters) else { return false };
    let Some(letters) = text.get(before.range()) else { return false };
    match text.get(before.end as usize..word.start as usize) {
        Some("_") => true,
        Some("-") => {
            letters.chars().count() <= MAX_CODE
                || letters.chars().all(|c| c.is_uppercase() || c.is_numeric())
                || letters.ends_with(char::is_numeric)
        }
        _ => false,
    }
}

/// Whether the sign before a number is its own: a minus, or the point of `.5`.
fn has_own_sign(text: &str, number: &Word) -> bool {
    let before = text.get(..number.start as usize).unwrap_or_default();
    let Some(sign @ ('-' | '.')) = before.chars().next_back() else { return false };
    let before = before.get(..before.len() - 1).unwrap_or_default();
    let is_apart = before.is_empty()
        || before.ends_with(|c: char| c.is_whitespace() || ",:;/()|?…\"".contains(c) || is_currency(c));
    is_apart && text.get(number.range()).and_then(value).is_some() && !(sign == '-' && is_bullet(text, before))
}

/// Whether a hyphen behind this text begins a point of a list: the line above or below begins with one, too.
fn is_bullet(text: &str, before: &str) -> bool {
    let is_point = |line: &str| line.trim_start().strip_prefix('-').is_some_and(|rest| !rest.starts_with('-'));
    // Only where a line begins: else each number of a long line would look for its ends.
    let above = before.trim_end_matches(' ');
    let below = || text.get(before.len()..).and_then(|rest| rest.split('\n').nth(1));
    (above.is_empty() || above.ends_with('\n'))
        && (above.lines().next_back().is_some_and(is_point) || below().is_some_and(is_point))
}

/// How phrases compare a number: by its value, however its thousands and decimals are separated; else as it is written.
pub(super) fn spell_number(number: &str) -> String {
    let bare: String = number.chars().filter(|c| !is_currency(*c) && !is_after_amount(*c)).collect();
    value(&bare).unwrap_or_else(|| match ends(&bare) {
        Some([first, last]) => format!("{}-{}", spell_number(first), spell_number(last)),
        None => bare.to_lowercase(),
    })
}

/// Tells each spelling of a number of a text: of a range also those of its ends.
pub(super) fn number_spellings(number: &str) -> Vec<String> {
    let bare: String = number.chars().filter(|c| !is_currency(*c) && !is_after_amount(*c)).collect();
    let mut all = vec![spell_number(&bare)];
    let last = ends(&bare).filter(|[first, last]| is_range(first, last));
    all.extend(last.into_iter().flatten().map(spell_number));
    all
}

/// What a telephone number begins with behind its `+`.
pub(super) fn country_code(number: &str) -> Option<&str> {
    let (code, _) = number.split_once(['-', ' ', '/', '.'])?;
    (!code.is_empty() && value(number).is_none()).then_some(code)
}

/// The parts of a number that a phrase may find with something else between them: `24/7`, `10:30`, `5-10`.
pub(super) fn number_parts(number: &str) -> Option<Vec<(String, char)>> {
    let minus = usize::from(number.starts_with('-'));
    let body = number.get(minus..)?;
    if value(number).is_some() || !body.chars().all(|c| c.is_alphanumeric() || "-/:.,'".contains(c)) {
        return None;
    }
    let is_sign = |c: char| matches!(c, '-' | '/' | ':');
    let mut parts: Vec<(String, char)> = Vec::new();
    let mut sign = '-';
    for piece in body.split_inclusive(is_sign) {
        let bare = piece.trim_end_matches(is_sign);
        parts.push((spell_number(bare), sign));
        sign = piece.chars().next_back().unwrap_or('-');
    }
    (parts.len() > 1 && minus == 0).then_some(parts)
}

/// What is on both sides of the only hyphen, which is no minus.
fn ends(number: &str) -> Option<[&str; 2]> {
    let hyphen = number.get(1..)?.find('-')? + 1;
    let (first, last) = (number.get(..hyphen)?, number.get(hyphen + 1..)?);
    (!last.contains('-')).then_some([first, last])
}

/// Whether both may be meant: `5-10`, `10:30-11:00`, but not `2026-11` or the telephone number `030-1234`.
fn is_range(first: &str, last: &str) -> bool {
    let amount = |part: &str| {
        let spelt = value(part)?;
        let bare = spelt.trim_end_matches(|c: char| !c.is_ascii_digit());
        let is_padded = bare.starts_with('0') && bare.get(1..).is_some_and(|rest| rest.starts_with(|c| c != '.'));
        bare.parse::<f64>().ok().filter(|_| !is_padded)
    };
    match (value(first).is_some(), value(last).is_some()) {
        (true, true) => amount(first).zip(amount(last)).is_some_and(|(first, last)| first < last),
        (false, false) => true,
        _ => false,
    }
}

/// The value of an amount, with the unit that is written together with it: `1500` of `1,500`, `1.500` and `1 500`, `12.5` of
/// `12,5`, `1.5k`. Three digits behind a sign are thousands, unless a zero begins the number. `None` if it is no amount.
fn value(number: &str) -> Option<String> {
    let (minus, number) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (body, unit) = number.split_at_checked(number.find(char::is_alphabetic).unwrap_or(number.len()))?;
    if !unit.chars().all(char::is_alphanumeric) {
        return None;
    }
    let padded = body.strip_prefix('.').map(|decimals| format!("0.{decimals}"));
    let body = padded.as_deref().unwrap_or(body);
    let groups: Vec<&str> = body.split(|c: char| !c.is_ascii_digit()).collect();
    let signs: Vec<char> = body.chars().filter(|c| !c.is_ascii_digit()).collect();
    if groups.iter().any(|group| group.is_empty()) || !signs.iter().all(|sign| ".,' ".contains(*sign)) {
        return None;
    }
    if are_thousands(&groups, &signs) {
        return Some(format!("{minus}{}{}", groups.concat(), unit.to_lowercase()));
    }
    let (decimals, whole) = groups.split_last()?;
    let (point, signs) = signs.split_last()?;
    if !matches!(point, '.' | ',') || signs.contains(point) || !are_thousands(whole, signs) {
        return None;
    }
    let whole = whole.concat();
    // "$500.00" is "$500", but "1.10" may be a version.
    let decimals = if *decimals == "00" { String::new() } else { format!(".{decimals}") };
    Some(format!("{minus}{whole}{decimals}{}", unit.to_lowercase()))
}

/// Whether groups of digits are the thousands of one number, or hundreds as in India: `1,00,000`.
fn are_thousands(groups: &[&str], signs: &[char]) -> bool {
    let (Some(first), Some(sign)) = (groups.first(), signs.first()) else { return groups.len() == 1 };
    let Some((last, middle)) = groups.get(1..).and_then(<[&str]>::split_last) else { return false };
    let all = |length: usize| middle.iter().all(|group| group.len() == length);
    let is_indian = *sign == ',' && first.len() <= 2 && !middle.is_empty() && all(2);
    signs.iter().all(|other| other == sign)
        && !first.starts_with('0')
        && first.len() <= 3
        && last.len() == 3
        && (all(3) || is_indian)
}

/// A word of a phrase as phrases compare it.
pub(super) fn spell_word(text: &str, word: &Word) -> String {
    let written = text.get(word.range()).unwrap_or_default();
    let is_number = matches!(word.kind, WordKind::Number | WordKind::CodeNumber);
    if is_number && !is_plain(written) { spell_number(written) } else { spell(written) }
}

/// Whether a word has no signs within.
pub(super) fn is_plain(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte >= 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |word: &Word| match word.kind {
            WordKind::CodeNumber => format!("~{}", &text[word.range()]),
            _ => text[word.range()].to_owned(),
        };
        words_with_whole_numbers(text).iter().map(show).collect()
    }

    #[test]
    fn a_number_is_one_word() {
        for (text, wanted) in [
            ("1,500 seats", "1,500|seats"),
            ("in 2026, 500 seats", "in|2026|500|seats"),
            ("in 2026 500 seats", "in|2026|500|seats"),
            ("in 2026 1 500 seats", "in|2026|1 500|seats"),
            ("1 500,50 EUR", "1 500,50|EUR"),
            ("10 000 000 users", "10 000 000|users"),
            ("1 500k", "1 500k"),
            ("1 500-2 000 seats", "1 500-2 000|seats"),
            ("-10:30", "10:30"),
            ("+1 555 123 4567", "1 555 123 4567"),
            ("+1 (555) 123-4567 or", "1 (555) 123-4567|or"),
            ("0176 123 456", "0176 123 456"),
            ("+49 30", "49|30"),
            ("ISO 27001:2022", "ISO|27001|2022"),
            ("1 500 20", "1|500|20"),
            ("call 3, 4 or 5", "call|3|4|or|5"),
            ("at 3,4,5 pm", "at|3|4|5|pm"),
            ("50'000 users", "50'000|users"),
            ("at $1,200.50, 12.5% off", "at|1,200.50|12.5|off"),
            ("10:30pm, 24/7, 9-5", "10:30pm|24/7|9-5"),
            ("2026-11-27 27.11.2026", "2026-11-27|27.11.2026"),
            ("12.-16.01.2026", "12|16.01.2026"),
            ("v2.1 and 2.1.3", "v2.1|and|2.1.3"),
            ("AB-500, A_5, sku-5, SOC-2", "AB|~500|A|~5|sku|~5|SOC|~2"),
            ("all our users-500 seats", "all|our|users|500|seats"),
            ("500-seats, 5-year", "500|seats|5|year"),
            ("-500 seats (-5) $-5", "-500|seats|-5|-5"),
            ("-500 seats\n-20 admins", "500|seats|20|admins"),
            (".5 or 0.500", ".5|or|0.500"),
            ("$400-$500, 10%-15%", "400-$500|10%-15"),
            ("400 - 500", "400|500"),
            ("2026年1月5日", "2026|年|1|月|5|日"),
            ("Costs 500. 20 more", "Costs|500|20|more"),
        ] {
            assert_eq!(shown(text).join("|"), wanted, "{text}");
        }
    }

    #[test]
    fn a_number_is_compared_by_its_value() {
        for (number, wanted) in [
            ("1,500", "1500"),
            ("1.500", "1500"),
            ("1 500", "1500"),
            ("1'500", "1500"),
            ("0.500", "0.500"),
            ("1,200.50", "1200.50"),
            ("1.200,50", "1200.50"),
            ("12,5", "12.5"),
            (".5", "0.5"),
            ("500.00", "500"),
            ("1.10", "1.10"),
            ("1,00,000", "100000"),
            ("1.5M", "1.5m"),
            ("-1,500", "-1500"),
            ("10:30", "10:30"),
            ("27.11.2026", "27.11.2026"),
            ("1,500-2,000", "1500-2000|1500|2000"),
            ("400-$500", "400-500|400|500"),
            ("10:30-11:00", "10:30-11:00|10:30|11:00"),
            ("9-5", "9-5"),
            ("030-1234", "030-1234"),
            ("2026-11-27", "2026-11-27"),
        ] {
            assert_eq!(number_spellings(number).join("|"), wanted, "{number}");
        }
    }
}
