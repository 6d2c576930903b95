//! A mail as lines, each with what its markup or its `>` says of it.

/// Plain text beyond this many bytes is ignored.
const MAX_TEXT: usize = 256 * 1024;

/// How sure it is that a line is a quote of older mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Quote {
    /// Not quoted as far as markup says.
    #[default]
    No,
    /// In a `blockquote` that also serves to indent: a quote only if a line such as "Sam wrote:" introduces it.
    Maybe,
    /// Starts with `>`, or inside an element that mail clients put around quoted text.
    Yes,
}

/// What else the markup says of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum LineRole {
    /// Nothing.
    #[default]
    None,
    /// Everything from here on is quoted text.
    History,
    /// The line introduces a quote, whatever its language.
    Attribution,
    /// The line is in a part that the client calls a signature.
    Signature,
    /// The line begins a box with a line above it, where Outlook puts the headers of the mail that is answered.
    HeaderBox,
}

/// One line of a mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) quote: Quote,
    pub(super) mark: LineRole,
}

impl Line {
    /// Whether there is nothing to read on the line.
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// The line as a part of the whole text; `None` for a line that only carries a mark.
    pub(super) fn visible_text(&self) -> Option<String> {
        match (self.mark, self.quote) {
            (LineRole::History, _) if self.is_blank() => None,
            (_, Quote::Yes) if !self.is_blank() && !self.text.trim_start().starts_with('>') => {
                Some(format!("> {}", self.text))
            }
            _ => Some(self.text.clone()),
        }
    }
}

/// The longest beginning of `text` of at most `most` bytes that ends between two characters.
pub(super) fn truncate(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

/// The first 256 KiB of a plain-text part, cut where a line ends.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(truncate(text, MAX_TEXT));
    std::iter::from_fn(move || {
        let text = rest?;
        let (line, end) = next_line(text);
        rest = text.get(end..).filter(|_| end > line.len());
        Some(line)
    })
}

/// A line, and where the next one begins; that is its own end where it is the last.
fn next_line(text: &str) -> (&str, usize) {
    // The first bytes of the characters that end a line, and of others.
    let may_end = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0xb | 0xc | 0xc2 | 0xe2);
    let mut at = 0;
    while let Some(found) = text.as_bytes().get(at..).and_then(|rest| rest.iter().position(may_end)) {
        at += found;
        let rest = text.get(at..).unwrap_or_default();
        let Some(c) = rest.chars().next() else { break };
        let length = if rest.starts_with("\r\n") { 2 } else { c.len_utf8() };
        if matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}') {
            return (text.get(..at).unwrap_or_default(), at + length);
        }
        at += length;
    }
    (text, text.len())
}

/// The lines of a plain-text part.
pub(super) fn from_text(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = split(text)
        .map(|line| {
            let text = plain(line);
            let quote = if text.trim_start().starts_with('>') { Quote::Yes } else { Quote::No };
            Line { text, quote, mark: LineRole::None }
        })
        .collect();
    mark_initials(&mut lines);
    mark_wrapped_quotes(&mut lines);
    lines
}

/// "SL> Would you like a demo?": The Bat and its kin put the sender's initials before the sign. One such line may be the
/// lead's own; two with the same letters are a quote.
fn mark_initials(lines: &mut [Line]) {
    fn initials(line: &Line) -> Option<&str> {
        let (letters, _) = line.text.trim_start().split_once('>')?;
        let are_letters = letters.chars().all(char::is_uppercase) && (1..=4).contains(&letters.chars().count());
        are_letters.then_some(letters)
    }
    let all: Vec<Option<String>> = lines.iter().map(|line| initials(line).map(str::to_owned)).collect();
    let mut counts = std::collections::BTreeMap::new();
    for letters in all.iter().flatten() {
        *counts.entry(letters.clone()).or_insert(0) += 1;
    }
    for (line, letters) in lines.iter_mut().zip(all) {
        if letters.is_some_and(|letters| counts.get(&letters).is_some_and(|count| *count > 1)) {
            line.quote = Quote::Yes;
        }
    }
}

/// A program that breaks quoted lines leaves the rest of each without its `>`, between two that have it.
fn mark_wrapped_quotes(lines: &mut [Line]) {
    /// A line is broken when it is about this long, and what is left of it is short.
    const FULL: usize = 60;
    for at in 1..lines.len().saturating_sub(1) {
        let (Some(before), Some(line), Some(after)) = (lines.get(at - 1), lines.get(at), lines.get(at + 1)) else {
            return;
        };
        let is_broken = before.quote == Quote::Yes
            && before.text.len() >= FULL
            && !before.text.ends_with(['.', '!', '?', ':', ';'])
            && !before.is_blank();
        let is_rest = line.quote == Quote::No
            && !line.is_blank()
            && line.text.len() < FULL
            && !line.text.starts_with(char::is_uppercase)
            && after.quote == Quote::Yes;
        if is_broken
            && is_rest
            && let Some(line) = lines.get_mut(at)
        {
            line.quote = Quote::Yes;
        }
    }
}

/// The line with ordinary spaces for unusual ones and without invisible characters.
pub(super) fn plain(line: &str) -> String {
    if line.is_ascii() && !line.contains('\0') {
        return line.trim_end().to_owned();
    }
    line.chars()
        .filter(|c| {
            !matches!(c, '\0' | '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{34f}')
        })
        .map(|c| match c {
            '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
            other => other,
        })
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// Puts lines together, without blank ones at either end and with at most one blank line in a row.
pub(super) fn join<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> String {
    let mut out = String::new();
    let mut gap = false;
    for line in lines {
        let line = line.as_ref().trim_end();
        if line.trim().is_empty() {
            gap = true;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if gap { "\n\n" } else { "\n" });
        }
        gap = false;
        out.push_str(line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_any_program_ends_them() {
        let check = |text: &str, expected: &[&str]| assert_eq!(split(text).collect::<Vec<_>>(), expected, "{text:?}");
        check("", &[""]);
        check("a", &["a"]);
        check("a\n", &["a", ""]);
        check("\r\n\r\na\r\r\nb\rc", &["", "", "a", "", "b", "c"]);
        check("é\u{85}ä…\u{2028}“\u{2029}\u{b}\u{c}x", &["é", "ä…", "“", "", "", "x"]);
    }
}
