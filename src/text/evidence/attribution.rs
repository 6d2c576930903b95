//! The lines above a quoted passage that name the message it repeats, in whatever language and order.

use super::naming::{Names, Sign, label_end};
use super::words::initials_end;
use crate::text::attribution;
use crate::text::phrases::Phrasebook;

/// What the signs must come to: a name, a day and the colon; an address and a day; a name in full and a date.
const ENOUGH: u32 = 4;
/// An attribution's own lines, and those of headers above it.
const MAX_LINES: usize = 8;
const MAX_HEADERS: usize = 12;
/// Longer than this a line is prose; of a line without breaks the end is read.
const MAX_LEN: usize = 500;
/// An attribution has hardly more words before the first one that names the message.
const MAX_WORDS_BEFORE: usize = 4;
/// From this length on a line may have been wrapped.
const MIN_WRAPPED_LEN: usize = 40;

/// Where an attribution begins: in the piece with this number, counted upwards, at this byte of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) piece: usize,
    pub(super) byte: usize,
}

/// Finds the attribution in the pieces of text above a passage: `pieces` begins with the one right above it, and `inline`
/// says that this one stands on the passage's own line. `None`: nothing there names the message.
pub(super) fn find(pieces: &[&str], inline: bool, names: &Names) -> Option<Start> {
    let mut pieces = pieces;
    // Blank lines and drawn ones may stand between the attribution and the quote.
    let mut skipped = 0;
    while let Some((first, rest)) = pieces.split_first()
        && is_decoration(first)
        && skipped < 3
    {
        (pieces, skipped) = (rest, skipped + 1);
    }
    let first = pieces.first()?;
    if inline && skipped == 0 {
        let (skip, end) = end_of(first);
        if let Some(byte) = attribution::find_in_line(end) {
            return Some(Start { piece: 0, byte: skip + byte });
        }
    }
    let core = find_core(pieces, names)?;
    let line = pieces.get(core.piece)?;
    let byte = if inline { connect(line, core.byte, names) } else { core.byte };
    let start = match find_sentence(line, byte, inline, names) {
        Some(byte) => Start { byte, ..core },
        None => {
            let start = extend(pieces, core.piece, inline, names);
            // Nothing says where the lead's words end: they are the last that may be lost.
            let first = connect(line, core.byte, names);
            let far = line.get(..first).is_some_and(|before| before.split_whitespace().count() > MAX_WORDS_BEFORE + 2);
            let shared = (inline && !is_own_line(pieces, core.piece, byte) || far) && start.piece == core.piece;
            let byte = if shared { last_capital(line, first) } else { start.byte };
            Start { byte, ..start }
        }
    };
    Some(Start { piece: start.piece + skipped, ..start })
}

// The shortest end of the pieces with enough signs.
fn find_core(pieces: &[&str], names: &Names) -> Option<Start> {
    let mut seen: Vec<Sign> = Vec::new();
    for (piece, line) in pieces.iter().take(MAX_LINES).enumerate() {
        let (skip, text) = end_of(line);
        if text.trim().is_empty() || (piece > 0 && ends_a_sentence(text)) {
            return None;
        }
        let signs = names.find_signs(text);
        let few_words = text.split_whitespace().count() <= 3;
        if signs.is_empty() && !(few_words && piece == 0) {
            return None;
        }
        let frame = is_framed(text).then_some((text.len(), Sign::Colon));
        for (byte, sign) in signs.into_iter().chain(frame).rev() {
            // Only the last line's colon introduces the passage.
            if seen.contains(&sign) || (sign == Sign::Colon && piece > 0) {
                continue;
            }
            seen.push(sign);
            let begins_with_name = sign == Sign::SenderName
                && piece == 0
                && text.split_whitespace().count() <= 5
                && text.get(..byte).is_some_and(|before| !before.contains(char::is_alphanumeric))
                && seen.contains(&Sign::Colon);
            let total: u32 = seen.iter().map(|sign| sign.weight()).sum();
            if begins_with_name || (total >= ENOUGH && seen.iter().any(|sign| sign.is_copied())) {
                return Some(Start { piece, byte: skip + byte });
            }
        }
    }
    None
}

// The end of a line, and where it begins in it.
fn end_of(line: &str) -> (usize, &str) {
    let skip = line.ceil_char_boundary(line.len().saturating_sub(MAX_LEN));
    (skip, line.get(skip..).unwrap_or_default())
}

// Whether the words before the first sign in a line are the attribution's: few, with the lead's words in the line above.
fn is_own_line(pieces: &[&str], piece: usize, byte: usize) -> bool {
    let words =
        pieces.get(piece).and_then(|line| line.get(..byte)).map_or(0, |before| before.split_whitespace().count());
    words == 0 || words < MAX_WORDS_BEFORE && pieces.get(piece + 1).is_some_and(|line| !line.trim().is_empty())
}

// Where the sentence begins in which the first sign stands: the words before that are the lead's. `None`: with the line.
fn find_sentence(line: &str, byte: usize, inline: bool, names: &Names) -> Option<usize> {
    // Of a long line only the end is read, over and over.
    let (skip, before) = end_of(line.get(..byte).unwrap_or_default());
    let mut end = before.len();
    let mut sentence = None;
    while let Some(at) = before.get(..end).and_then(|text| text.rfind(['.', '!', '?', '。', '！', '？', ';', '…']))
    {
        let c = before.get(at..).and_then(|rest| rest.chars().next());
        let after = at + c.map_or(1, char::len_utf8);
        let spaced = before.get(after..).is_some_and(|rest| rest.starts_with(char::is_whitespace));
        let wide = c.is_some_and(|c| matches!(c, '。' | '！' | '？'));
        let head = before.get(..at).unwrap_or_default();
        if (spaced || wide) && !(c == Some('.') && (is_abbreviation(head) || follows_year(head))) {
            sentence = Some(after);
            break;
        }
        end = at;
    }
    let far = before.split_whitespace().count() > MAX_WORDS_BEFORE;
    if inline || sentence.is_some() || far {
        // The lead's greeting and name, which end without a full stop, may stand between.
        let signs = names.find_signs(before);
        let is_sender = |sign: Sign| matches!(sign, Sign::SenderAddress | Sign::SenderName | Sign::SenderSurname);
        let sender = signs.iter().find(|(at, sign)| is_sender(*sign) && sentence.is_none_or(|after| after < *at));
        let signed = signs.iter().filter(|(_, sign)| *sign == Sign::RecipientName).map(|(at, _)| *at);
        let name = signed.max().filter(|at| sentence.is_none_or(|after| after < *at));
        // "Sam Lee to Jane Doe" is no greeting.
        let name = name.filter(|at| inline || sender.is_none_or(|(sender, _)| at < sender));
        let name_end = name.and_then(|at| {
            let rest = before.get(at..)?;
            // A label before the name makes it a header.
            let labelled = before.get(..at)?.trim_end_matches([' ', '*', '_']).ends_with([':', '：']);
            (!labelled).then(|| at + rest.find(char::is_whitespace).unwrap_or(rest.len()))
        });
        sentence = name_end.or(sentence);
    }
    let after = sentence?;
    let rest = before.get(after..).unwrap_or_default();
    let start = after + (rest.len() - rest.trim_start().len());
    let far = rest.split_whitespace().count() > MAX_WORDS_BEFORE || rest.trim_end().ends_with([':', '*']);
    if inline && far {
        let capital = last_capital(before, before.len()).max(start);
        return Some(skip + frame_start(before, capital).max(start));
    }
    Some(skip + start)
}

// "2026 kl", "2026 г": a few letters right behind a year.
fn follows_year(before: &str) -> bool {
    let mut words = before.rsplit(char::is_whitespace);
    let (last, number) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let year = number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    (1..=3).contains(&last.chars().count()) && last.chars().all(char::is_lowercase) && (year || number.contains('-'))
}

// Where "-----Zorg blipte-----" begins that ends right before a byte, or the byte.
fn frame_start(text: &str, byte: usize) -> usize {
    let before = text.get(..byte).unwrap_or_default().trim_end();
    let Some(inner) = before.strip_suffix("--").map(|inner| inner.trim_end_matches('-')) else { return byte };
    let from = inner.ceil_char_boundary(inner.len().saturating_sub(80));
    match inner.get(from..).and_then(|inner| inner.rfind("--")) {
        Some(at) => inner.get(..from + at).unwrap_or_default().trim_end_matches('-').len(),
        None => byte,
    }
}

fn is_abbreviation(before: &str) -> bool {
    const TITLES: [&str; 7] = ["dr", "mr", "mrs", "ms", "st", "ing", "prof"];
    let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    let book = Phrasebook::get();
    word.is_empty()
        || word.bytes().all(|byte| byte.is_ascii_digit())
        || TITLES.contains(&word.as_str())
        || word.chars().count() <= 5
            && !["list", "лист"].contains(&word.as_str())
            && (book.is_month(&word) || book.weekday(&word, None).is_some())
}

// In text without line breaks and full stops an attribution begins with a capital letter, if one stands near its first sign.
fn last_capital(line: &str, byte: usize) -> usize {
    let before = line.get(..byte).unwrap_or_default();
    let mut at = before.len();
    for part in before.split_inclusive(char::is_whitespace).rev().take(MAX_WORDS_BEFORE) {
        at -= part.len();
        if part.trim_start_matches(['*', '_', '(', '<', '"']).starts_with(char::is_uppercase) {
            return at;
        }
    }
    // Opening signs belong to what follows.
    before.trim_end_matches(['(', '<', '[', '*', '"']).len()
}

// Goes on to the signs further left in a line that was made of several: what names the message in a few words' distance.
fn connect(line: &str, byte: usize, names: &Names) -> usize {
    let (skip, text) = end_of(line);
    let mut start = byte.saturating_sub(skip);
    for (at, sign) in names.find_signs(text).into_iter().rev().filter(|(at, _)| *at < byte.saturating_sub(skip)) {
        let between = text.get(at..start).unwrap_or_default();
        let labelled =
            text.get(..at).is_some_and(|before| before.trim_end_matches([' ', '*', '_']).ends_with([':', '：']));
        let near = matches!(sign, Sign::SenderName | Sign::SenderSurname) && between.split_whitespace().count() <= 2;
        let connects = labelled || near || (sign.is_copied() && sign != Sign::Label);
        if connects && between.split_whitespace().count() <= MAX_WORDS_BEFORE + 2 && !has_sentence_end(between) {
            start = at;
        }
    }
    skip + start
}

fn has_sentence_end(text: &str) -> bool {
    text.match_indices(['.', '!', '?', '。', '！', '？', ';']).any(|(at, sign)| {
        let spaced = text.get(at + sign.len()..).is_some_and(|rest| rest.starts_with(char::is_whitespace));
        !sign.is_ascii() || spaced && !(sign == "." && is_abbreviation(text.get(..at).unwrap_or_default()))
    })
}

// The headers above the attribution's core, and the lines from which it was wrapped.
fn extend(pieces: &[&str], core: usize, inline: bool, names: &Names) -> Start {
    let mut start = Start { piece: core, byte: 0 };
    let mut piece = core + 1;
    let mut unknown = 0;
    let mut blank = false;
    while let Some(line) = pieces.get(piece).filter(|_| piece < core + MAX_HEADERS) {
        if line.trim().is_empty() {
            if blank {
                break;
            }
            blank = true;
            piece += 1;
            continue;
        }
        let frame = frame_start(line, line.trim_end().len());
        if is_decoration(line) || is_framed(line) {
            (start, unknown) = (Start { piece, byte: 0 }, 0);
        } else if inline && frame < line.trim_end().len() {
            start = Start { piece, byte: frame };
            break;
        } else if line.len() > MAX_LEN {
            break;
        } else {
            let signs = names.find_signs(line);
            let has = |wanted: Sign| signs.iter().any(|(_, sign)| *sign == wanted);
            let dated =
                [Sign::Day, Sign::Year, Sign::Month, Sign::Minute].into_iter().filter(|sign| has(*sign)).count();
            let named = has(Sign::SenderAddress) || has(Sign::SenderSurname) || dated >= 2;
            let wrapped = dated >= 1 && (line.len() >= MIN_WRAPPED_LEN || line.trim_end().ends_with(','));
            if has(Sign::Label) {
                (start, unknown) = (Start { piece, byte: 0 }, 0);
            } else if !blank && !ends_a_sentence(line) && (named || wrapped) {
                let last = signs.iter().rev().find(|(_, sign)| sign.is_copied() || *sign == Sign::SenderSurname);
                let first = last.map_or(0, |(byte, _)| connect(line, *byte, names));
                let byte = find_sentence(line, first, inline, names);
                start = Start { piece, byte: byte.unwrap_or(0) };
                if byte.is_some() {
                    break;
                }
            } else if label_end(line).is_some() && unknown < 2 && !blank {
                // A header that names nothing counts if one that does stands above it.
                unknown += 1;
            } else {
                break;
            }
        }
        blank = false;
        piece += 1;
    }
    start
}

fn ends_a_sentence(line: &str) -> bool {
    let line = line.trim_end();
    match line.strip_suffix(['.', '!', '?', '。', '！', '？']) {
        Some(before) => !line.ends_with('.') || !is_abbreviation(before),
        None => false,
    }
}

/// Whether a line is blank or only drawn.
pub(super) fn is_decoration(line: &str) -> bool {
    line.get(initials_end(line)..).unwrap_or(line).chars().all(|c| {
        c.is_whitespace()
            || matches!(
                c,
                '-' | '_' | '=' | '*' | '~' | '#' | '|' | '>' | '<' | '+' | '.' | '…' | '[' | ']' | '(' | ')'
            )
            || matches!(c, '‐'..='―' | '─' | '━' | '•' | '·')
    })
}

// "-----Zorg blipte-----"
fn is_framed(line: &str) -> bool {
    let line = line.trim();
    let is_frame = |text: Option<&str>| {
        text.is_some_and(|text| text.len() >= 2 && text.chars().all(|c| matches!(c, '-' | '_' | '=' | '*' | '~' | '#')))
    };
    line.len() <= 120 && is_frame(line.get(..2)) && is_frame(line.get(line.len().saturating_sub(2)..))
}
