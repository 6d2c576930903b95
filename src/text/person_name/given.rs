//! Which words of a name are the given name, and how it is written in a greeting.

use super::{
    Evidence,
    word::{Kind, Word},
    words as tables,
};
use unicode_normalization::char::is_combining_mark;

/// A longer word is no name.
const MAX_CHARS: usize = 40;

/// First and last name; the first one only where a person would say it.
pub(super) fn given_and_family(words: Vec<Word>, evidence: &Evidence) -> (Option<String>, Option<String>) {
    let titles = count_titles(&words);
    let mut words: Vec<Word> = words.into_iter().skip(titles).collect();
    if words.len() > 1 {
        words.iter_mut().for_each(Word::drop_stray_digit);
    }
    // A job behind the name; one behind a single word may be that of a department.
    if let Some(job) = words.iter().position(|word| word.is(Kind::Job)).filter(|job| *job > 1) {
        words.truncate(job);
    }
    while words.len() > 2 && words.last().is_some_and(|word| word.is(Kind::Degree)) {
        words.pop();
    }
    let is_nobody = |word: &Word| word.is(Kind::Company) || word.is(Kind::Office) || word.is(Kind::Job);
    if words.iter().any(is_nobody) {
        return (None, None);
    }
    words.retain(|word| word.text.chars().any(char::is_alphabetic));
    let is_shouted = !words.iter().any(|word| word.text.chars().any(char::is_lowercase));
    let (given, family) = divide(&words);
    let text = |words: &[Word]| {
        let written = words.iter().filter(|word| !is_no_surname(word)).map(|word| recase(&word.text, is_shouted, word));
        Some(written.collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
    };
    let is_surname_alone = (titles > 0 && words.len() == 1)
        || words.first().is_some_and(Word::is_particle)
        || (words.len() == 2 && words.last().is_some_and(|word| word.is(Kind::Degree) && word.key.len() > 2));
    if is_surname_alone {
        return (None, text(&words));
    }
    let is_alone = words.len() == 1;
    let certain = given.first().filter(|word| is_given(word, is_alone, evidence));
    let first = certain.map(|_| {
        let words = given.iter().map(|word| recase(word.text.trim_end_matches('.'), is_shouted, word));
        words.collect::<Vec<_>>().join(" ")
    });
    (first, text(&family))
}

fn is_no_surname(word: &Word) -> bool {
    matches!(word.key.as_str(), "null" | "none" | "n/a" | "nan" | "undefined" | "unknown" | "lastname" | "nachname")
}

/// How many words at the beginning are titles and what belongs to them; jobs count where a name follows.
fn count_titles(words: &[Word]) -> usize {
    let mut count = 0;
    let mut is_learned = false;
    while let Some(word) = words.get(count) {
        let goes_on = is_learned && word.goes_on_with_title();
        let is_job = word.is(Kind::Job) && count == 0 && words.len() > 2;
        if !(goes_on || is_job || word.is_title(words.get(count + 1))) {
            break;
        }
        is_learned |= word.is(Kind::Learned);
        count += 1;
    }
    count
}

/// Given and family name.
fn divide(words: &[Word]) -> (Vec<Word>, Vec<Word>) {
    let turned = |at: usize, length: usize| {
        let given = words.iter().skip(at).take(length).cloned().collect();
        let family = words.iter().enumerate().filter(|(index, _)| *index < at || *index >= at + length);
        (given, family.map(|(_, word)| word.clone()).collect::<Vec<_>>())
    };
    // `DUPONT Jean-Pierre`: the surname is in capitals.
    let capitals = words.iter().take_while(|word| word.is_in_capitals()).count();
    if capitals > 0 && capitals < words.len() {
        return turned(capitals, 1);
    }
    // `Петров Иван Иванович`: surname, given name, father's name.
    if words.len() == 3 && words.get(2).is_some_and(|word| is_patronymic(&word.key)) {
        let (given, mut family) = turned(1, 1);
        family.truncate(1);
        return (given, family);
    }
    if words.len() > 1 && words.first().is_some_and(|word| tables::VIETNAMESE.contains(&word.key.as_str())) {
        let (given, mut family) = turned(words.len() - 1, 1);
        family.truncate(1);
        return (given, family);
    }
    let is_servant = words.len() > 2 && words.first().is_some_and(|word| tables::SERVANT.contains(&word.key.as_str()));
    turned(0, if is_servant { 2 } else { 1 })
}

fn is_patronymic(key: &str) -> bool {
    const ENDS: [&str; 12] =
        ["ович", "евич", "ович", "овна", "евна", "ична", "івна", "ївна", "ovich", "evich", "ovna", "evna"];
    ENDS.iter().any(|end| key.ends_with(end))
}

/// Whether a word is one that a person is called by.
fn is_given(word: &Word, is_alone: bool, evidence: &Evidence) -> bool {
    let name = word.text.trim_end_matches('.');
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    let is_word = name.chars().all(|c| c.is_alphabetic() || is_combining_mark(c) || matches!(c, '\'' | '-'));
    is_word
        && letters > 1
        && name.chars().count() <= MAX_CHARS
        && !name.chars().any(is_east_asian)
        && !word.is(Kind::Placeholder)
        && !word.is(Kind::Degree)
        && !evidence.is_company(word)
        && !(is_alone && is_handle(name))
}

fn is_east_asian(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{30ff}' | '\u{3130}'..='\u{318f}' | '\u{31f0}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

/// `jdoe`, `JaneDoe`, `JD`: a single word that is the name of an account.
fn is_handle(name: &str) -> bool {
    let chars: Vec<char> = name.chars().collect();
    let is_joined = chars.windows(2).enumerate().any(|(at, pair)| {
        let [left, right] = pair else { return false };
        let rest = chars.len() - at - 1;
        left.is_lowercase() && right.is_uppercase() && at > 1 && rest > 2 && !name.starts_with("Mac")
    });
    is_joined || !can_begin(&name.to_lowercase())
}

/// Whether a word of Latin letters begins as words do that somebody says: `jd` does not.
fn can_begin(name: &str) -> bool {
    const TOGETHER: [&str; 84] = [
        "bh", "bj", "bl", "br", "ch", "cl", "cr", "cs", "cz", "dh", "dj", "dl", "dm", "dr", "dw", "dz", "fj", "fl",
        "fr", "gh", "gj", "gl", "gn", "gr", "gw", "hj", "hl", "hn", "hr", "hv", "hw", "jh", "kh", "kj", "kl", "km",
        "kn", "kr", "ks", "kv", "kw", "lh", "lj", "ll", "ly", "mb", "mc", "mh", "ml", "mn", "mw", "nd", "ng", "nh",
        "nj", "nk", "nt", "ph", "pj", "pl", "pr", "ps", "pt", "qu", "rh", "sc", "sh", "sj", "sk", "sl", "sm", "sn",
        "sp", "sr", "st", "sv", "sw", "sz", "th", "tj", "tl", "tr", "ts", "tw",
    ];
    const MORE: [&str; 22] = [
        "tz", "vl", "vr", "vs", "wh", "wl", "wr", "xh", "zb", "zd", "zh", "zl", "zs", "zv", "zw", "zn", "tc", "zr",
        "dv", "sf", "pf", "kt",
    ];
    let mut chars = name.chars();
    let (Some(first), Some(second)) = (chars.next(), chars.next()) else { return false };
    let is_consonant = |c: char| c.is_ascii_alphabetic() && !"aeiouy".contains(c);
    if !is_consonant(first) || !is_consonant(second) {
        return true;
    }
    let pair: String = [first, second].iter().collect();
    TOGETHER.contains(&pair.as_str()) || MORE.contains(&pair.as_str())
}

/// A word as names are written: `JANE` and `jane` are Jane, `LaToya` stays.
fn recase(text: &str, is_shouted: bool, word: &Word) -> String {
    let letters: Vec<char> = text.chars().filter(|c| c.is_alphabetic()).collect();
    let (upper, lower) = (letters.iter().any(|c| c.is_uppercase()), letters.iter().any(|c| c.is_lowercase()));
    let is_inverted = letters.len() > 2
        && letters.first().is_some_and(|c| c.is_lowercase())
        && letters.iter().skip(1).all(|c| c.is_uppercase());
    let is_mixed = upper && lower && !is_inverted;
    // `AJ` is said letter by letter, `JO` is not.
    let is_letters =
        letters.len() == 2 && (!is_shouted || letters.last() == Some(&'J') || !letters.iter().any(is_vowel));
    if is_mixed || word.is_particle() || (!lower && (letters.len() < 2 || is_letters)) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    // Letters since the word, or its part behind a hyphen, began.
    let mut since = 0;
    for c in text.chars() {
        match c {
            '-' => since = 0,
            '\'' if since == 1 => since = 0,
            _ if !c.is_alphabetic() => {}
            _ if since == 0 => {
                out.extend(c.to_uppercase());
                since = 1;
                continue;
            }
            _ => {
                // What marks a dotless capital in other languages is no part of the small letter.
                out.extend(c.to_lowercase().filter(|c| *c != '\u{307}'));
                since += 1;
                continue;
            }
        }
        out.push(c);
    }
    scottish(&out).unwrap_or(out)
}

fn is_vowel(c: &char) -> bool {
    "AEIOUY".contains(*c)
}

/// `Mcdonald` is McDonald.
fn scottish(name: &str) -> Option<String> {
    let rest = name.strip_prefix("Mc").filter(|rest| rest.len() > 2)?;
    let mut chars = rest.chars();
    let first = chars.next()?;
    Some(format!("Mc{}{}", first.to_uppercase(), chars.as_str()))
}
