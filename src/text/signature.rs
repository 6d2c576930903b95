//! Signatures, device lines and mailing-list footers that a client or a custom marks as such; `footer` knows the others.
//!
//! A greeting and a name ("Thanks, Alex") are the sender's own words and stay.

use super::lines::Quote;
use super::page::Page;
use super::phrases::Topic;
use super::words::WordKind;

/// Below a bare `--` (without its space) this many lines may stand; below more it was a divider.
const MAX_SIGNATURE_LEN: usize = 15;
/// At most this many lines are searched for that.
const FAR: usize = 200;

/// Whether the signature begins at `at`: the line `-- `, or the footer of a mailing list.
pub(super) fn starts_at(page: &Page<'_>, at: usize) -> bool {
    let text = page.text(at).trim();
    if matches!(text, "--" | "-" | "- --" | "*--*") {
        // The space after the dashes is lost on the way too often to insist on it.
        let below = || page.lines.iter().skip(at + 1).take(FAR).take_while(|line| line.quote == Quote::No);
        let words = below().filter(|line| !line.is_blank()).take(MAX_SIGNATURE_LEN + 1).count();
        return words <= MAX_SIGNATURE_LEN && (text != "-" || is_long_dash(page, at));
    }
    let ruled = text.len() >= 30 && text.bytes().all(|b| matches!(b, b'_' | b'-'));
    ruled && (at + 1..at + 4).any(|line| page.has(Topic::ListFooter, line))
}

// A lone hyphen is a list item; a long dash alone on its line is a divider.
fn is_long_dash(page: &Page<'_>, at: usize) -> bool {
    page.lines.get(at).is_some_and(|line| line.text.trim().chars().all(|c| matches!(c, '—' | '–')))
}

/// Whether the line is one that a phone or a mail program adds: "Sent from my iPhone", "Get Outlook for iOS".
pub(super) fn is_device_line(page: &Page<'_>, line: usize) -> bool {
    let words = page.words(line);
    if page.text(line).len() > 200 || words.is_empty() {
        return false;
    }
    let hits = &page.document.hits;
    // Phrases of device lines cover it from the first word on; a link may follow.
    let mut at = words.start;
    while at < words.end {
        let here = hits.within(Topic::DeviceLine, at..words.end).take_while(|hit| hit.first == at);
        match here.map(|hit| hit.end).max() {
            Some(end) => at = end,
            None => break,
        }
    }
    let rest = page.document.words.get(at..words.end).unwrap_or_default();
    at > words.start && rest.iter().all(|word| matches!(word.kind, WordKind::Link | WordKind::Address))
}

/// Whether the line is a name set off by a dash, as some sign: "-Jane Doe".
pub(super) fn is_dashed_name(line: &str) -> bool {
    let line = line.trim();
    let Some(name) = line.strip_prefix("--").or_else(|| line.strip_prefix(['-', '–', '—', '~'])) else {
        return false;
    };
    let is_name = |word: &str| {
        word.starts_with(char::is_uppercase)
            && word.chars().count() <= 21
            && word.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '’' | '.' | '-'))
    };
    let spaced = line.starts_with(['–', '—', '~']);
    let name = if spaced { name.trim_start() } else { name };
    let words: Vec<&str> = name.split(' ').collect();
    words.len() <= 4 && words.iter().all(|word| is_name(word))
}

/// Whether the line is only drawn: dashes, underscores, stars; or the mark that a tracking add-on leaves.
pub(super) fn is_divider(line: &str) -> bool {
    let text = line.trim();
    let drawn = |c: char| matches!(c, '-' | '_' | '=' | '*' | '–' | '—' | '‐' | '─' | ' ' | '~' | '#');
    text == TRACKER_MARK || text.chars().count() >= 3 && text.chars().all(drawn)
}

/// Mailtrack and its kin write this Canadian syllable below a mail.
const TRACKER_MARK: &str = "ᐧ";

/// The dash that the line begins with.
pub(super) fn dash(line: &str) -> Option<char> {
    line.trim_start().chars().next().filter(|c| matches!(c, '-' | '–' | '—' | '~'))
}
