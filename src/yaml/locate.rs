//! From a place in a scalar's value back to the place in the file.

use super::{Scalar, Style};

/// The byte in `raw` (the scalar as written) at which the byte `offset` of its value stands.
///
/// Folding changes nothing but white space, so what is not white space is found one by one, in order; an offset that
/// points at folded white space is exact to the line break that was folded.
pub(super) fn raw_offset(raw: &str, scalar: &Scalar, offset: usize) -> usize {
    let (value, offset) = match &scalar.part_of {
        Some((whole, start)) => (whole.as_str(), start + offset.min(scalar.text.len())),
        None => (scalar.text.as_str(), offset),
    };
    match scalar.style {
        Style::Literal => literal(raw, value, offset),
        Style::SingleQuoted | Style::DoubleQuoted => walk(raw, 1, value, offset, scalar.style),
        Style::Folded | Style::Plain => walk(raw, 0, value, offset, scalar.style),
    }
}

/// In a literal block each line of the value is the end of a line of the file. `raw` begins with the first line that is
/// not blank.
fn literal(raw: &str, value: &str, offset: usize) -> usize {
    let before = value.get(..offset.min(value.len())).unwrap_or(value);
    let blank = value.len() - value.trim_start_matches('\n').len();
    let Some(index) = before.matches('\n').count().checked_sub(blank) else { return 0 };
    let within = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
    let length = value.split('\n').nth(index + blank).unwrap_or_default().len();
    let mut start = 0;
    for (number, line) in raw.split('\n').enumerate() {
        if number == index {
            let shown = line.trim_end_matches('\r').len();
            return start + shown.saturating_sub(length) + within;
        }
        start += line.len() + 1;
    }
    raw.trim_end().len()
}

fn walk(raw: &str, begin: usize, value: &str, offset: usize, style: Style) -> usize {
    let mut at = begin;
    for (position, wanted) in value.char_indices() {
        if style == Style::DoubleQuoted {
            at = skip_continuation(raw, at);
        }
        let rest = raw.get(at..).unwrap_or_default();
        if !wanted.is_whitespace() {
            at += rest.len() - rest.trim_start().len();
        }
        if position >= offset {
            return at;
        }
        at += written_length(raw.get(at..).unwrap_or_default(), wanted, style);
    }
    at.min(raw.len())
}

/// `\` at the end of a line joins it to the next, leaving nothing in the value.
fn skip_continuation(raw: &str, at: usize) -> usize {
    let rest = raw.get(at..).unwrap_or_default();
    match rest.strip_prefix('\\').filter(|rest| rest.starts_with(['\n', '\r'])) {
        Some(after) => raw.len() - after.trim_start().len(),
        None => at,
    }
}

/// How many bytes the next character of the value takes as it is written.
fn written_length(rest: &str, wanted: char, style: Style) -> usize {
    let next = rest.chars().next();
    match (style, next) {
        (_, None) => 0,
        (Style::SingleQuoted, Some('\'')) if rest.starts_with("''") => 2,
        (Style::DoubleQuoted, Some('\\')) => {
            let digits = match rest.as_bytes().get(1) {
                Some(b'x') => 2,
                Some(b'u') if u32::from(wanted) > 0xffff => 10, // a pair of surrogates
                Some(b'u') => 4,
                Some(b'U') => 8,
                _ => 0,
            };
            (2 + digits).min(rest.len())
        }
        // A value's white space that the file does not have here (the line break after a folded block's last line).
        (_, Some(c)) if wanted.is_whitespace() && !c.is_whitespace() => 0,
        (_, Some(c)) => c.len_utf8(),
    }
}
