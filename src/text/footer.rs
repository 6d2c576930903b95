//! What stands below the last words of a mail without any mark: the writer's contact details, legal notices, footers.
//!
//! All of it is looked for at the end only, and only what cannot be read as the sender's words goes: a line that speaks of "I" or
//! "you", asks, or wants no more mail keeps everything around it.

use std::ops::Range;

use super::opt_out;
use super::page::Page;
use super::phrases::{Hit, Phrasebook, Topic};
use super::words::WordKind;

/// At most this many lines at the end are searched, and no paragraph longer than this many bytes.
const FAR: usize = 60;
const MAX_NOTICE_LEN: usize = 6000;
/// Contact details have at least two lines (one may be the number that was asked for) and at most this many.
const MAX_DETAILS: usize = 16;
const MAX_DETAIL_LEN: usize = 160;

/// How many of the kept lines are the sender's words, with their greeting and name. `kept` are places in the page.
pub(super) fn body_end(page: &Page<'_>, kept: &[usize]) -> usize {
    let mut end = trimmed(page, kept, kept.len());
    let mut noticed = false;
    // A notice may have several paragraphs.
    for _ in 0..8 {
        let start = paragraph(page, kept, end);
        let Some(lines) = kept.get(start..end).filter(|lines| start > 0 && !lines.is_empty()) else { break };
        if !(is_notice(page, lines) || noticed && is_heading(page, lines)) {
            break;
        }
        noticed = true;
        end = trimmed(page, kept, start);
    }
    details(page, kept, end).map_or(end, |start| trimmed(page, kept, start))
}

fn is_blank(page: &Page<'_>, line: usize) -> bool {
    page.text(line).trim().is_empty()
}

// The end without blank lines before it.
fn trimmed(page: &Page<'_>, kept: &[usize], mut end: usize) -> usize {
    while end > 0 && kept.get(end - 1).is_some_and(|line| is_blank(page, *line)) {
        end -= 1;
    }
    end
}

// Where the paragraph that ends at `end` begins; 0 when that is too far.
fn paragraph(page: &Page<'_>, kept: &[usize], end: usize) -> usize {
    let blank = (end.saturating_sub(FAR)..end).rev().find(|at| kept.get(*at).is_some_and(|line| is_blank(page, *line)));
    blank.map_or(0, |at| at + 1)
}

// "Disclaimer", above a notice.
fn is_heading(page: &Page<'_>, lines: &[usize]) -> bool {
    let [line] = lines else { return false };
    page.words(*line).len() <= 3 && page.begins(Topic::NoticeThisMail, *line).is_some()
}

// A legal notice or a footer, in no words that a person writes to another.
fn is_notice(page: &Page<'_>, lines: &[usize]) -> bool {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return false };
    let range = *first..*last + 1;
    let text = page.text_of(range.clone());
    if text.len() > MAX_NOTICE_LEN || text.contains('?') {
        return false;
    }
    let words = page.words_of(range);
    let hits = &page.document.hits;
    if hits.within(Topic::Footer, words.clone()).next().is_some_and(|hit| hit.first == words.start) {
        return true;
    }
    if text.len() < 60 {
        return false;
    }
    let signs = [Topic::NoticeConfidential, Topic::NoticeAddressee, Topic::NoticeMistake];
    let signs = signs.into_iter().filter(|topic| hits.has(*topic, words.clone())).count();
    let speaks_of_itself =
        |notice: &Hit| hits.within(Topic::Myself, words.clone()).any(|hit| hit.language == notice.language);
    signs >= 2
        && hits.within(Topic::NoticeThisMail, words.clone()).next().is_some_and(|notice| !speaks_of_itself(notice))
}

// Where the contact details begin that end at `end`, below a greeting and a name.
fn details(page: &Page<'_>, kept: &[usize], end: usize) -> Option<usize> {
    let from = end.saturating_sub(MAX_DETAILS * 2 + 4);
    let lines: Vec<(usize, usize)> =
        (from..end).filter_map(|at| Some((at, *kept.get(at)?))).filter(|(_, line)| !is_blank(page, *line)).collect();
    let greeting = lines.iter().rposition(|(_, line)| sign_off(page, *line).is_some())?;
    let (_, line) = lines.get(greeting)?;
    let named = sign_off(page, *line).is_some_and(|name| !name.is_empty());
    let below = if named { greeting + 1 } else { greeting + 2 };
    if !named && !lines.get(greeting + 1).is_some_and(|(_, line)| is_name(page.text(*line))) {
        return None;
    }
    let block = lines.get(below..).filter(|block| (2..=MAX_DETAILS).contains(&block.len()))?;
    let are_details = block.iter().all(|(_, line)| is_detail(page, *line));
    if !are_details || !block.iter().any(|(_, line)| is_contact(page, *line)) {
        return None;
    }
    if block.iter().any(|(_, line)| opt_out::is_opt_out(page.text(*line))) {
        return None;
    }
    // "My number is below": then it is meant to be read.
    let (start, _) = block.first()?;
    let words = kept.get(start.saturating_sub(200)..*start)?;
    (!words.iter().any(|line| page.has(Topic::PointsBelow, *line))).then_some(*start)
}

/// The name that follows a sign-off on its line, if the line is one; empty where none does.
fn sign_off(page: &Page<'_>, line: usize) -> Option<Range<usize>> {
    /// A name after the sign-off, on its line.
    const NAME_WORDS: usize = 4;
    let words = page.words(line);
    let hit = page.begins(Topic::SignOff, line).filter(|_| page.text(line).len() <= 80)?;
    let name = hit.end..words.end;
    let letters = page.document.words.get(name.clone())?.iter().all(|word| word.kind == WordKind::Letters);
    (name.len() <= NAME_WORDS && letters && !page.text(line).contains(['?', ':'])).then_some(name)
}

// Whether a line can be a contact detail and nothing else.
fn is_detail(page: &Page<'_>, line: usize) -> bool {
    let text = page.text(line).trim().trim_matches('*');
    text.len() <= MAX_DETAIL_LEN
        && !text.contains(['?', '!', '€', '$', '£'])
        && !text.ends_with(':')
        && !says_something(page, line, text)
        && !text.split_whitespace().any(is_sent_link)
        && (!has_label(text) || page.has(Topic::ContactLabel, line))
}

// Words addressed to a person are no contact detail, nor a list, a time of day or a postscript.
fn says_something(page: &Page<'_>, line: usize, text: &str) -> bool {
    let lower = text.to_lowercase();
    let is_postscript = ["ps", "p.s", "p. s"]
        .iter()
        .any(|mark| lower.strip_prefix(mark).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)));
    let first = text.split(' ').next().unwrap_or_default();
    let is_item = matches!(first, "-" | "•" | "*") || {
        let number = first.trim_end_matches(['.', ')']);
        number.len() < first.len()
            && number.len() <= 2
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    };
    is_postscript || is_item || has_time(text) || speaks(page, line)
}

// Whether a line speaks to somebody or of its writer. "M:" is a phone and no French "m'".
fn speaks(page: &Page<'_>, line: usize) -> bool {
    let document = &page.document;
    let language = document.language();
    let is_speech = |hit: &Hit| {
        // What is a word to speak with in one language is a name or an abbreviation in another.
        if language.is_some() && Phrasebook::get().code(hit.language) != language {
            return false;
        }
        let is_letter = hit.end - hit.first == 1 && document.text_of_hit(hit).len() == 1;
        !is_letter || !document.between(hit.end).trim_start().starts_with([':', '.', '+', '|'])
    };
    [Topic::Addresses, Topic::Myself]
        .into_iter()
        .any(|topic| document.hits.within(topic, page.words(line)).any(is_speech))
}

// "10:30", "10h30"
fn has_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    (1..bytes.len()).any(|at| {
        matches!(bytes.get(at), Some(b':' | b'h' | b'H'))
            && digit(at - 1)
            && digit(at + 1)
            && digit(at + 2)
            && !digit(at + 3)
    })
}

// "Seats: 40" is an answer, "Tel.: 030 1234567" a detail.
fn has_label(text: &str) -> bool {
    let Some((name, value)) = text.split_once(": ") else { return false };
    let name = name.trim();
    (2..=50).contains(&name.chars().count())
        && !value.trim().is_empty()
        && name.chars().all(|c| c.is_alphabetic() || ". -".contains(c))
}

// A link to something in particular, as one sends it; in a signature there are links to front pages and profiles.
fn is_sent_link(word: &str) -> bool {
    const PROFILES: [&str; 8] =
        ["linkedin", "xing", "facebook", "twitter", "instagram", "youtube", "safelinks", "aka.ms"];
    let word = word.to_lowercase();
    let Some((_, rest)) = word.split_once("://") else { return false };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let meeting = ["zoom.", "meet.", "teams.", "calendly", "cal.com"].iter().any(|place| host.contains(place));
    meeting || (path.len() > 10 && !PROFILES.iter().any(|place| host.contains(place)))
}

fn is_name(line: &str) -> bool {
    line.len() <= 80
        && line.split_whitespace().count() <= 6
        && !line.contains(|c: char| c.is_ascii_digit() || matches!(c, '?' | '!' | ':' | '@' | '|' | '/'))
}

// A phone number, a link, an address, or a company's registration.
fn is_contact(page: &Page<'_>, line: usize) -> bool {
    let words = page.document.words.get(page.words(line)).unwrap_or_default();
    let linked = words.iter().any(|word| matches!(word.kind, WordKind::Link | WordKind::Address));
    linked || page.has(Topic::CompanyForm, line) || has_phone(page.text(line), page.has(Topic::ContactLabel, line))
}

// "+44 20 7946 0000"; after a label also "030 1234567".
fn has_phone(text: &str, labelled: bool) -> bool {
    let plus = text.find('+').map(|at| text.get(at..).unwrap_or_default());
    let number = plus.or_else(|| {
        if labelled { text.find(|c: char| c.is_ascii_digit() || c == '(').and_then(|at| text.get(at..)) } else { None }
    });
    let number = number.unwrap_or_default();
    let run: String = number.chars().take_while(|c| c.is_ascii_digit() || "+ ()./-".contains(*c)).collect();
    run.bytes().filter(u8::is_ascii_digit).count() >= if plus.is_some() { 7 } else { 6 }
}
